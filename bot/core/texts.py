"""Every sentence the bot says in its own name."""

from collections.abc import Mapping
from typing import assert_never

from bot.core.answer import Step
from bot.errors import (
    AccountProblem,
    ContentBlocked,
    DashScopeError,
    Misconfigured,
    RequestRefused,
    Throttled,
    UpstreamTimeout,
    UpstreamUnreachable,
)

THINKING = "Thinking…"
STILL_WORKING = "Still working on it…"
STILL_WORKING_AFTER_S = 12.0
STOPPED = "Stopped."
MOVED = "I could not post this in the channel any more, so here it is."
NEW_SESSION = "Started a fresh conversation: what was said earlier in this thread is forgotten."
EDITED_LATE = "You edited the question after its answer had begun."
ANSWER_AGAIN = "Answer it again"
QUESTION_GONE = "The question is gone, so there is nothing to answer."
EMPTY_ANSWER = "The assistant finished without saying anything. Try asking in other words."
EMPTY_QUESTION = (
    "Hi! Mention me together with a question, or write it here, and I will answer in this thread."
)
FILES_ONLY = "I cannot read attachments yet. Write your question as text and I will answer it."
HELP = (
    "Mention me in a channel, or write me a direct message, and I answer in a thread. "
    "Mention me again in that thread to go on with the conversation."
)

_FAILURES: Mapping[type[DashScopeError], str] = {
    Misconfigured: "This assistant is not set up correctly. Please tell whoever runs it.",
    AccountProblem: "The assistant's account cannot answer now. Please tell whoever runs it.",
    ContentBlocked: "Content safety rules blocked this. Please put it in other words.",
    RequestRefused: "The assistant could not process this message.",
    Throttled: "Too many questions at once. Please ask again in a minute.",
    UpstreamTimeout: "The answer took too long. Please ask again.",
    UpstreamUnreachable: "The assistant cannot be reached right now. Please ask again in a minute.",
}


def reference(turn_id: int) -> str:
    """Return the id a reader can quote and an operator can find in the log as `turn_id`."""
    return f"T{turn_id}"


def failure(error: DashScopeError, *, turn_id: int) -> str:
    """Return one plain sentence for a reader; it never holds what the vendor wrote."""
    return f"{_failure_sentence(error)} (id {reference(turn_id)})"


def _failure_sentence(error: DashScopeError) -> str:
    """Say what happened and what the reader can do."""
    said = (sentence for kind, sentence in _FAILURES.items() if isinstance(error, kind))
    return next(said, "Something went wrong on the assistant's side. Please ask again.")


def cut(*, turn_id: int) -> str:
    """Return the note under an answer that ended in the middle."""
    return f"The answer was cut off here; ask me to go on. (id {reference(turn_id)})"


def waiting(ahead: int) -> str:
    """Return the line under a message that waits.

    Args:
        ahead: Messages of its thread that go first; none of them when everybody is busy.
    """
    match ahead:
        case 0:
            return "Many questions at once; yours comes soon."
        case 1:
            return "One message in this thread goes first; yours comes next."
        case _:
            return f"{ahead} messages in this thread go first; then comes yours."


def gave_up(*, turn_id: int) -> str:
    """Return the sentence for a message that could not be answered after every try."""
    return f"I could not answer this message, although I tried. (id {reference(turn_id)})"


def interrupted(error: DashScopeError, *, turn_id: int) -> str:
    """Return the note under an answer that ended in the middle with an error."""
    return f"{cut(turn_id=turn_id)} {_failure_sentence(error)}"


def progress(steps: tuple[Step, ...], *, waited_s: float) -> str:
    """Return the note of a reply that has no text yet.

    Args:
        steps: What the app reported so far.
        waited_s: Seconds since the question was taken up.
    """
    running = [step for step in steps if step.status == "running"]
    if running:
        return _step_words(running[-1])
    return STILL_WORKING if waited_s >= STILL_WORKING_AFTER_S else THINKING


def _step_words(step: Step) -> str:
    match step.kind:
        case "reasoning":
            return THINKING
        case "retrieval":
            return "Searching the knowledge base…"
        case "tool":
            return "Using a tool…"
        case "node":
            return f"Working: {step.title}…"
        case _:
            assert_never(step.kind)
