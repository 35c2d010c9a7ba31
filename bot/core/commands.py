"""Typed text -> what is wanted: the grammar of the slash command.

`help` · `status` · `show` · `config` · `apps …` · `usage …` · `audit [all|csv]` · `undo` ·
`new` · `tokens` · `reset [SETTING|all]` · and each setting's own words: alone they show it,
followed by a value they set it, followed by `default`, `inherit` or `-` they take the value away.
`workspace` in front means the workspace's defaults instead of this channel's settings.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from bot.core.further_words import OF_VERBS, FurtherWords, of_setting
from bot.core.likeness import alike, brief, closest
from bot.core.setting import SETTINGS, Setting, by_command
from bot.core.typed_text import unescape

WORKSPACE_WORDS = frozenset({"workspace", "工作区"})
ALL_WORDS = frozenset({"all", "全部"})

_WORD = re.compile(r"\S+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Verb(StrEnum):
    """A command that is no setting."""

    HELP = "help"
    STATUS = "status"
    SHOW = "show"
    CONFIG = "config"
    APPS = "apps"
    USAGE = "usage"
    UNDO = "undo"
    NEW = "new"
    TOKENS = "tokens"


_OPEN_VERBS = frozenset({Verb.HELP, Verb.APPS, Verb.USAGE, Verb.TOKENS})
"""Verbs that read the words after them themselves; no other takes any."""

_NOT_OF_THE_WORKSPACE = frozenset({Verb.STATUS, Verb.NEW, Verb.TOKENS})
"""Verbs about a place or a person; `workspace` in front of them changes nothing."""

_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "帮助": "help",
        "状态": "status",
        "查看": "show",
        "设置": "config",
        "应用": "apps",
        "用量": "usage",
        "撤销": "undo",
        "记录": "audit",
        "重置": "reset",
        "重新开始": "new",
        "令牌": "tokens",
        "?": "help",
    }
)


@dataclass(frozen=True, slots=True)
class Do:
    """A verb and the words after it, as they were typed."""

    verb: Verb
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    """Read the trail: of this place, of everything, or everything as a file."""

    of: Literal["here", "all", "csv"] = "here"


@dataclass(frozen=True, slots=True)
class Reset:
    """Take own values away: one setting's, every one, or (None) say what could be taken."""

    of: Setting | Literal["all"] | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """Show one setting."""

    setting: Setting


@dataclass(frozen=True, slots=True)
class Write:
    """Give a setting a value, not read yet."""

    setting: Setting
    typed: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Take a setting's own value away."""

    setting: Setting


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing that is known.

    Attributes:
        typed: What was typed, at most `MAX_TYPED_CHARS`.
        suggestions: The closest commands, best first, as text to type after the slash command.
    """

    typed: str
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NameMemory:
    """Say which long-term memory is somebody's.

    Attributes:
        typed: What follows, with Slack's tokens, for `core.memory_naming`.
    """

    typed: str


Command = Do | Audit | Reset | Read | Write | Drop | NameMemory | Unknown


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody typed.

    Attributes:
        command: What is wanted.
        for_workspace: Whether the workspace's defaults are meant, not this place.
    """

    command: Command
    for_workspace: bool = False


def parse_command(text: str) -> Typed:
    """Read what follows the slash command, as Slack sent it (escaped: `should_escape` is on)."""
    rest = _CONTROL.sub("", text).strip()
    first, after = _split(rest)
    for_workspace = first in WORKSPACE_WORDS
    if for_workspace:
        rest = after
    if not rest:
        return Typed(Do(Verb.SHOW if for_workspace else Verb.HELP), for_workspace)
    command = _verb(rest) or _memory(rest) or _setting(rest) or _unknown(rest)
    match command:
        case Do(verb) if for_workspace and verb in _NOT_OF_THE_WORKSPACE:
            command = Unknown(f"workspace {verb}", (verb.value,))
        case Unknown(typed, suggestions) if for_workspace:
            command = Unknown(typed, tuple(map(_for_workspace, suggestions)))
        case _:
            pass
    return Typed(command, for_workspace)


def all_commands() -> tuple[str, ...]:
    """Return every command's words, the settings' in the order they are shown."""
    return (*(verb.value for verb in Verb), "audit", "reset", *_setting_commands())


def _setting_commands() -> tuple[str, ...]:
    return tuple(setting.command for setting in SETTINGS.values())


def _for_workspace(command: str) -> str:
    first, _ = _split(command)
    return command if first in WORKSPACE_WORDS else f"workspace {command}"


def _split(text: str) -> tuple[str, str]:
    """Return the first word, as commands are compared, and what follows it."""
    found = _WORD.search(text)
    if found is None:
        return "", ""
    return _folded(found[0]), text[found.end() :].strip()


def _folded(word: str) -> str:
    folded = word.casefold()
    if folded.startswith("token"):  # what follows may be one, and is not to be said again
        return Verb.TOKENS
    return _ALIASES.get(folded, folded)


def _verb(text: str) -> Command | None:
    word, rest = _split(text)
    if word == "audit":
        return _audit(rest)
    if word == "reset":
        return _reset(rest)
    verb = next((verb for verb in Verb if verb.value == word), None)
    if verb is None:
        return None
    if rest and verb not in _OPEN_VERBS:
        return Unknown(brief(f"{word} {rest}"), (_meant_around(verb, rest),))
    slip = _slip_in_topic(rest) if verb is Verb.HELP else _slip(word, rest, OF_VERBS.get(word))
    return slip or Do(verb, unescape(rest, keep_users=True))


def _meant_around(verb: Verb, rest: str) -> str:
    """Return what was meant by words after a verb that takes none."""
    words = rest.casefold().split()
    if words[0] in WORKSPACE_WORDS and verb not in _NOT_OF_THE_WORKSPACE:
        return f"workspace {verb}"
    found = by_command(words)
    if verb is Verb.SHOW and found is not None and found[1] == len(words):
        return found[0].command
    return verb.value


def _slip(command: str, rest: str, further: FurtherWords | None) -> Unknown | None:
    """Return what was meant where a word after a command is none that can follow it."""
    meant = further.meant(rest) if further is not None and rest else ""
    return Unknown(brief(f"{command} {rest}"), (brief(f"{command} {meant}"),)) if meant else None


def _slip_in_topic(rest: str) -> Unknown | None:
    words = [_folded(word) for word in rest.split()]
    topics = (*all_commands(), *WORKSPACE_WORDS)
    if not words or any(topic.split()[0] == words[0] for topic in topics):
        return None
    close = tuple(f"help {topic}" for topic in closest(words, commands=topics))
    return Unknown(brief(f"help {rest}"), close) if close else None


def _audit(rest: str) -> Command:
    word = rest.casefold()
    if word in ALL_WORDS:
        return Audit("all")
    if word == "csv":
        return Audit("csv")
    if not word:
        return Audit()
    if word in WORKSPACE_WORDS:
        return Unknown(brief(f"audit {rest}"), ("workspace audit",))
    every = Unknown(brief(f"audit {rest}"), ("audit", "audit all", "audit csv"))
    return _slip("audit", rest, OF_VERBS["audit"]) or every


def _reset(rest: str) -> Command:
    if not rest or rest.casefold() in ALL_WORDS:
        return Reset("all" if rest else None)
    words = rest.casefold().split()
    found = by_command(words)
    if found is not None and found[1] == len(words):
        return Reset(found[0])
    suggestions = tuple(f"reset {close}" for close in closest(words, commands=_setting_commands()))
    return Unknown(brief(f"reset {rest}"), suggestions or ("reset all",))


def _memory(text: str) -> Command | None:
    """Return the naming of a memory; `memory` with anything else behind it is a setting."""
    word, rest = _split(text)
    second, typed = _split(rest)
    return NameMemory(typed) if (word, second) == ("memory", "id") else None


def _setting(text: str) -> Command | None:
    found = by_command([word.casefold() for word in text.split()])
    if found is None:
        return None
    setting, words = found
    typed = _after(text, words=words)
    if not typed:
        return Read(setting)
    if setting.is_dropped_by(typed):
        return Drop(setting)
    written = Write(setting, unescape(typed, keep_users=setting.shape == "users"))
    return _slip(setting.command, typed, of_setting(setting)) or written


def _after(text: str, *, words: int) -> str:
    """Return what follows a number of words, its own spaces and lines untouched."""
    ends = [found.end() for found in _WORD.finditer(text)]
    return text[ends[words - 1] :].strip()


def _unknown(text: str) -> Unknown:
    words = [_folded(word) for word in text.split()]
    if len(words) > 1 and by_command(words[1:]) is not None:  # only the first word is none of ours
        front = "workspace " if alike(words[0], known=tuple(WORKSPACE_WORDS)) else ""
        return Unknown(brief(text), (front + brief(_split(text)[1]),))
    return Unknown(brief(text), closest(words, commands=all_commands()))
