"""What the bot says about the steps an app takes on its way to an answer."""

from typing import assert_never

from bot.core.answer import Step
from bot.core.language import Language, Phrase
from bot.core.texts import STILL_WORKING, THINKING

STILL_WORKING_AFTER_S = 12.0
STEPS_CHARS = 200
"""Of the line that names the steps of an answer."""
TITLE_CHARS = 60
"""Of the name of one step."""

_SEARCHING = Phrase("Searching the knowledge base…", "正在检索知识库…")
_USING_A_TOOL = Phrase("Using a tool…", "正在使用工具…")
_WORKING = Phrase("Working: {title}…", "正在执行：{title}…")
_STEPS = Phrase("Steps: {steps}", "步骤：{steps}")
_THOUGHT = Phrase("thought it over", "思考")
_SEARCHED = Phrase("searched the knowledge base", "检索知识库")
_USED = Phrase("used {title}", "使用 {title}")


def progress(steps: tuple[Step, ...], *, waited_s: float, language: Language) -> str:
    """Return the note of a reply that has no text yet.

    Args:
        steps: What the app reported so far.
        waited_s: Seconds since the question was taken up.
        language: The reader's.
    """
    waiting_for = STILL_WORKING if waited_s >= STILL_WORKING_AFTER_S else THINKING
    return under_way(steps, language=language) or waiting_for.say(language)


def under_way(steps: tuple[Step, ...], *, language: Language) -> str:
    """Return the note of what an app is doing beside its answer; empty while it is nothing else.

    One line; of several things at once the one that began last.
    """
    running = [step for step in steps if step.status == "running"]
    return " ".join(_doing(running[-1], language=language).split()) if running else ""


def _doing(step: Step, *, language: Language) -> str:
    match step.kind:
        case "reasoning":
            return THINKING.say(language)
        case "retrieval":
            return _SEARCHING.say(language)
        case "tool":
            return _USING_A_TOOL.say(language)
        case "node":
            return _WORKING.say(language, title=_short(step.title))
        case _:
            assert_never(step.kind)


def _short(title: str) -> str:
    """Return what an app's author called a step, as far as a line has room for it."""
    return title if len(title) <= TITLE_CHARS else f"{title[: TITLE_CHARS - 1]}…"


def taken(steps: tuple[Step, ...], *, language: Language) -> str:
    """Return the line that names what an app did for an answer, each thing once, in order.

    At most STEPS_CHARS characters; empty without steps.
    """
    done = dict.fromkeys(" ".join(_done(step, language=language).split()) for step in steps)
    if not done:
        return ""
    line = _STEPS.say(language, steps=" · ".join(done))
    return line if len(line) <= STEPS_CHARS else line[: STEPS_CHARS - 1].rstrip(" ·") + "…"


def _done(step: Step, *, language: Language) -> str:
    match step.kind:
        case "reasoning":
            return _THOUGHT.say(language)
        case "retrieval":
            return _SEARCHED.say(language)
        case "tool":
            return _USED.say(language, title=_short(step.title))
        case "node":
            return _short(step.title)
        case _:
            assert_never(step.kind)
