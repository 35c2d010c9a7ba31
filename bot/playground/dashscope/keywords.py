"""What people may type to see the bot on a bad day.

`!help` prints the list. A keyword may stand anywhere in a question; the first one counts.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.core.recap import question_in
from bot.playground.dashscope.answers import Said
from bot.playground.dashscope.faults import (
    Cut,
    ErrorEvent,
    Fault,
    Hangup,
    Reset,
    SlowStart,
    Stall,
)
from bot.playground.dashscope.refusals import NAMED
from bot.playground.dashscope.sample import CODE, MAX_LONG_CHARS, TABLE, long_text

Outcome = Fault | Said

MAX_WAIT_S = 600

_NAMES = ", ".join(f"`{name}`" for name in NAMED)
_KEYWORD = re.compile(r"(?:^|\s)!([a-z]+)(?:\s+([\w-]+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Keyword:
    usage: str
    effect: str
    outcome: Callable[[str], Outcome]


def read(prompt: str) -> Outcome | None:
    """Return what a prompt's first keyword asks for; None when its question holds none."""
    for match in _KEYWORD.finditer(question_in(prompt)):
        keyword = _KEYWORDS.get(match[1])
        if keyword is not None:
            return keyword.outcome(match[2] or "")
    return None


def _number(text: str, *, default: int, limit: int) -> int:
    return min(int(text), limit) if text.isdecimal() else default


def _help(_: str) -> Said:
    lines = [f"- `!{keyword.usage}` — {keyword.effect}" for keyword in _KEYWORDS.values()]
    intro = "Type one of these to see how the bot takes it:"
    return Said("\n".join([intro, "", *lines, "", f"Names of errors: {_NAMES}."]))


def _unknown_error(name: str) -> Said:
    return Said(f"There is no error called “{name}”. Choose one of: {_NAMES}.")


def _error(name: str) -> Outcome:
    return NAMED.get(name or "throttling") or _unknown_error(name)


def _fail(name: str) -> Outcome:
    refusal = NAMED.get(name or "inspection")
    return _unknown_error(name) if refusal is None else ErrorEvent(refusal, after_events=5)


def _cut(argument: str) -> Fault:
    return Cut(_number(argument, default=5, limit=1000))


def _reset(argument: str) -> Fault:
    return Reset(_number(argument, default=5, limit=1000))


def _stall(argument: str) -> Fault:
    return Stall(after_events=5, for_s=_number(argument, default=60, limit=MAX_WAIT_S))


def _slow(argument: str) -> Fault:
    return SlowStart(_number(argument, default=15, limit=MAX_WAIT_S))


def _long(argument: str) -> Said:
    return Said(long_text(_number(argument, default=20_000, limit=MAX_LONG_CHARS)))


def _think(_: str) -> Said:
    return Said(
        "1.1 is larger than 0.9.",
        thought="Both have one decimal. Compare the whole parts first: 1 is more than 0.",
    )


_KEYWORDS: Mapping[str, _Keyword] = {
    "help": _Keyword("help", "this list", _help),
    "error": _Keyword("error NAME", "refuse before the first word", _error),
    "fail": _Keyword("fail NAME", "the same error in the middle of the answer", _fail),
    "cut": _Keyword("cut EVENTS", "end without saying so", _cut),
    "reset": _Keyword("reset EVENTS", "reset the connection", _reset),
    "stall": _Keyword("stall SECONDS", "fall silent in the middle, then go on", _stall),
    "hangup": _Keyword("hangup", "close the connection before any response", lambda _: Hangup()),
    "slow": _Keyword("slow SECONDS", "think long before the first word", _slow),
    "long": _Keyword("long CHARACTERS", "talk at length", _long),
    "think": _Keyword("think", "reason before the answer, where thinking is on", _think),
    "table": _Keyword("table", "show a table", lambda _: Said(TABLE)),
    "code": _Keyword("code", "show a code block", lambda _: Said(CODE)),
}
