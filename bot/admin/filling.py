"""The form in which whoever asked gives the variables a question lacked.

The bot asks for them with a button under its reply. What is sent is added to the question, which is
then answered in the messages of that reply.
"""

import re
from dataclasses import dataclass

from bot.admin import replies
from bot.admin.forms import asking_form
from bot.admin.office import Office
from bot.admin.ports import Press, Visit
from bot.admin.submission import Submission
from bot.core.language import Language, Phrase
from bot.core.screens import (
    MAX_LABEL_CHARS,
    Caller,
    Closed,
    Errors,
    Form,
    Input,
    Notice,
    Prose,
    Submitted,
)
from bot.core.variables import FILLED_IN, MAX_VALUE_CHARS, is_value
from storage.records import FoundTurn

ACTION = "turn:fill"
"""The button's action; it stands under a reply, and not under a notice."""
CALLBACK = "fill"
"""What a submission of the form names."""

_WANTED = re.compile(r"(?P<turn>[0-9]{1,18}):(?P<names>[\w.-]{1,64}(?:,[\w.-]{1,64}){0,9})")

_TITLE = Phrase("Your question", "您的问题")
_PROSE = Phrase(
    "The answer appears where you asked; others there see it, but not this form.",
    "回答将出现在您提问的地方，其他人可以看到回答，但看不到此表单。",
)
_SEND = Phrase("Ask", "提问")
_ONLY_ASKER = Phrase("Only the person who asked this can fill it in.", "只有提问者本人可以填写。")
_GONE = Phrase(
    "This question is not known any more: please ask it again.", "此问题已失效，请重新提问。"
)
_ALREADY = Phrase(
    "This question is being answered already, or was since.", "此问题正在回答或已经回答。"
)
_BAD_VALUE = Phrase(
    f"One line of 1 to {MAX_VALUE_CHARS} characters is needed.",
    f"需要一行 1 到 {MAX_VALUE_CHARS} 个字符。",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a button or a form is about; anybody may forge it.

    Attributes:
        turn_id: The question.
        names: The variables it lacks, one at least.
    """

    turn_id: int
    names: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> "Wanted | None":
        """Read what `text` wrote; None for anything else."""
        found = _WANTED.fullmatch(text)
        names = tuple(dict.fromkeys(found["names"].split(","))) if found else ()
        return cls(int(found["turn"]), names) if found else None

    def text(self) -> str:
        """Return it as buttons and forms carry it."""
        return f"{self.turn_id}:{','.join(self.names)}"


async def fill_pressed(office: Office, visit: Visit, press: Press) -> Notice | None:
    """Open the form for whoever asked the question, and for nobody else.

    Raises:
        SlackError: Slack did not open the form.
        StorageError: The database did not answer.
    """
    wanted, language = Wanted.read(press.value), visit.language
    if wanted is None:
        return Notice(replies.unknown_button(language))
    asked = await office.storage.turns.find(wanted.turn_id)
    is_here = asked is not None and asked.channel_id == visit.caller.channel_id
    if problem := _problem(asked if is_here else None, visit.caller):
        return Notice(problem.say(language))
    await visit.screen.open(fill_form(wanted, language=language))
    return None


def fill_form(wanted: Wanted, *, language: Language) -> Form:
    """Return the form."""
    inputs = (
        Input(
            key=name,
            label=name[:MAX_LABEL_CHARS],
            kind="line",
            is_optional=False,
            max_chars=MAX_VALUE_CHARS,
        )
        for name in wanted.names
    )
    parts = (Prose(_PROSE.say(language)), *inputs)
    state = wanted.text()
    return asking_form(CALLBACK, _TITLE, parts, language=language, state=state, submit=_SEND)


async def fill_submitted(submission: Submission) -> Submitted:
    """Have the question answered with what was filled in; it is stored when this returns.

    Which of the names are really asked for is decided when the question is asked.

    Raises:
        StorageError: The database did not answer.
    """
    wanted, caller = Wanted.read(submission.state), submission.caller
    if wanted is None:
        return submission.refused(_GONE)
    turns = submission.office.storage.turns
    if problem := _problem(await turns.find(wanted.turn_id), caller):
        return submission.refused(problem)
    values = {name: submission.text(name) for name in wanted.names}
    bad = [name for name, value in values.items() if not is_value(value)]
    if bad:
        return Errors(dict.fromkeys(bad, _BAD_VALUE.say(submission.language)))
    payload = {FILLED_IN: values, "user_team": caller.user_team_id}
    is_new = await turns.complete(turn_id=wanted.turn_id, payload=payload) is not None
    return Closed(None if is_new else Notice(_ALREADY.say(submission.language)))


def _problem(asked: FoundTurn | None, caller: Caller) -> Phrase | None:
    """Return why the caller cannot fill in what a question lacks."""
    if asked is None or asked.team_id != caller.team_id:
        return _GONE
    return _ONLY_ASKER if asked.user_id != caller.user_id else None
