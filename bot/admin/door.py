"""The way in: commands, presses and submissions -> whoever answers them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import assert_never

import structlog

from bot.admin import afresh, apps, filling, replies, scopes, token_commands
from bot.admin.audit_commands import older_pressed, show_audit, undo_last, undo_pressed
from bot.admin.config import open_config
from bot.admin.help import show_help
from bot.admin.home import show_first_home, show_home
from bot.admin.marks import code
from bot.admin.memory_book import MemoryAction
from bot.admin.memory_commands import memory_pressed, show_memory, switch_typed
from bot.admin.memory_given import name_memory
from bot.admin.memory_texts import for_oneself
from bot.admin.office import Office
from bot.admin.outsiders import need_insight, need_insight_to_press
from bot.admin.ports import Press, Visit
from bot.admin.replies import MayNotChange, Refused, typeable
from bot.admin.settings_commands import drop, offer_reset, reset_all, reset_pressed, write
from bot.admin.shown_settings import show_all, show_one
from bot.admin.status import show_status
from bot.admin.submissions import submitted
from bot.admin.usage import UsageDesk
from bot.core.commands import (
    Audit,
    Command,
    Do,
    Drop,
    NameMemory,
    Read,
    Reset,
    Typed,
    Unknown,
    Verb,
    Write,
    parse_command,
)
from bot.core.language import Language, together
from bot.core.memory_places import OWN_SWITCH
from bot.core.screens import Caller, Errors, Notice, Screen, Submitted, Values
from bot.core.setting import Setting
from bot.errors import SlackError
from storage.errors import StorageError

LANGUAGE_WITHIN_S = 1.0
"""A form must open within three seconds of its command (docs: "Modals", trigger_id)."""
WHO_METHOD = "users.info"
"""The Web API method that tells who somebody is."""

_PRESSES: Mapping[str, Callable[[Office, Visit, Press], Awaitable[Notice | None]]] = {
    **dict.fromkeys(apps.ACTIONS, apps.apps_pressed),
    **dict.fromkeys(token_commands.ACTIONS, token_commands.token_pressed),
    **dict.fromkeys(MemoryAction, memory_pressed),
    filling.ACTION: filling.fill_pressed,
    afresh.ACTION: afresh.afresh_chosen,
    "undo": undo_pressed,
    "audit": older_pressed,
    "reset": reset_pressed,
}
"""What answers a press; nothing when that showed its answer itself."""
_ASKERS_OWN = frozenset({filling.ACTION, afresh.ACTION})
"""They are about a question, and see for themselves to who may press them."""

log = structlog.get_logger(__name__)


class Door:
    """Answers everything people do with the slash command; owns no resources.

    What can be foreseen is answered with one sentence; what cannot is raised, and whoever owns the
    screen tells the caller. What was typed is never logged.

    Args:
        office: What the commands work with.
        language_within_s: Then English will do.
        named_within_s: Of a form's time, until everybody is known whom it names; None when forms
            need not hurry.
    """

    def __init__(
        self,
        office: Office,
        *,
        language_within_s: float = LANGUAGE_WITHIN_S,
        named_within_s: float | None = None,
    ) -> None:
        self._office = office
        self._language_within_s = language_within_s
        self._named_within_s = named_within_s
        self._usage = UsageDesk(office)

    async def command(self, caller: Caller, text: str, *, screen: Screen) -> None:
        """Answer a command.

        Args:
            caller: Who typed it, and where.
            text: What follows the command, as Slack sent it.
            screen: Takes the answer.

        Raises:
            SlackError: Slack took neither the answer nor the sentence in its place.
            Exception: Whatever nobody foresaw.
        """
        visit = await self._visit(caller, screen=screen)
        notice = await self._settled(visit, self._answer(visit, parse_command(text)))
        if notice is not None:
            await screen.show(notice)

    async def pressed(self, caller: Caller, action: str, value: str, *, screen: Screen) -> None:
        """Answer a press of a notice's button; raises as `command` does.

        Args:
            caller: Who pressed it, and where.
            action: What stands after `admin:` in its action id.
            value: The button's value, which anybody can forge.
            screen: Takes the answer.
        """
        visit = await self._visit(caller, screen=screen)
        notice = await self._settled(visit, self._press(visit, Press(action, value)))
        if notice is not None:
            await screen.show(notice, replace=action == "audit")

    async def submitted(
        self, caller: Caller, callback: str, state: str, values: Values
    ) -> Submitted:
        """Take a form; never takes a change for made that may not be.

        Args:
            caller: Who sent it, and from where.
            callback: What stands after `admin:` in its callback id.
            state: The form's state, which anybody can forge.
            values: What was entered.
        """
        try:
            return await submitted(
                self._office,
                caller,
                callback,
                state=state,
                values=values,
                named_within_s=self._named_within_s,
            )
        except Refused as refusal:
            return Errors({next(iter(values), ""): refusal.text})

    async def home(self, caller: Caller, *, is_first: bool) -> None:
        """Publish the caller's Home tab.

        Args:
            caller: Whose.
            is_first: Whether it may be empty: then what is known at once comes first.

        Raises:
            SlackError: Slack did not take it.
            StorageError: The database did not answer.
        """
        language = await self._language(caller)
        if is_first:
            await show_first_home(self._office, caller, language=language)
        await show_home(self._office, caller, language=language)

    async def _visit(self, caller: Caller, *, screen: Screen) -> Visit:
        return Visit(caller=caller, language=await self._language(caller), screen=screen)

    async def _language(self, caller: Caller) -> Language:
        return await self._office.access.language(caller, within_s=self._language_within_s)

    async def _settled(self, visit: Visit, answer: Awaitable[Notice | None]) -> Notice | None:
        """Return the answer, or the sentence that stands in its place."""
        try:
            return await answer
        except SlackError as error:
            if error.method != WHO_METHOD:
                raise
            return Notice(replies.WHO_UNKNOWN.say(visit.language))
        except Refused as refusal:
            return Notice(refusal.text)
        except StorageError as error:
            log.warning("command.storage_failed", error=type(error).__name__)
            return Notice(replies.STORAGE_TROUBLE.say(visit.language))

    async def _answer(self, visit: Visit, typed: Typed) -> Notice | None:
        office, notice, command = self._office, None, typed.command
        scope = scopes.WORKSPACE if typed.for_workspace else scopes.here(visit.caller)
        is_own = _is_own_memory(command, scope=scope)
        await need_insight(office, visit, command, scope=scope, is_own=is_own)
        match command:
            case Do(verb, rest):
                notice = await self._do(visit, verb, rest=rest, scope=scope)
            case Audit("csv"):
                await self._usage.audit_csv(visit)
            case Audit(of):
                notice = await show_audit(office, visit, scope=None if of == "all" else scope)
            case Read() | Write() | Drop() | Reset() if is_own:
                notice = await self._memory(visit, command, scope=scope)
            case Read() | Write() | Drop() | Reset():
                notice = await self._setting(visit, command, scope=scope)
            case NameMemory(words):
                notice = await name_memory(office, visit, words)
            case Unknown():
                notice = _unknown(visit, command)
            case _:
                assert_never(command)
        return notice

    async def _do(self, visit: Visit, verb: Verb, *, rest: str, scope: str) -> Notice | None:
        office, notice = self._office, None
        match verb:
            case Verb.HELP:
                notice = show_help(visit, rest)
            case Verb.STATUS:
                notice = await show_status(office, visit)
            case Verb.SHOW:
                notice = await show_all(office, visit, scope=scope)
            case Verb.UNDO:
                notice = await undo_last(office, visit, scope=scope)
            case Verb.NEW:
                notice = await afresh.new_command(office, visit)
            case Verb.TOKENS:
                notice = await token_commands.show_tokens(office, visit, rest)
            case Verb.CONFIG:
                await open_config(office, visit, scope=scope)
            case Verb.APPS:
                await apps.apps_command(office, visit, rest)
            case Verb.USAGE:
                await self._usage.usage(visit, rest)
            case _:
                assert_never(verb)
        return notice

    async def _memory(
        self, visit: Visit, command: Read | Write | Drop | Reset, *, scope: str
    ) -> Notice | None:
        """Show the caller's memory; in direct messages also switch it, for the caller alone."""
        office = self._office
        if isinstance(command, Read):
            return await show_memory(office, visit)
        if not scopes.is_direct(visit.caller.channel_id):
            try:
                return await self._setting(visit, command, scope=scope)
            except MayNotChange as refused:
                raise Refused(f"{refused.text}\n\n{for_oneself(visit.language)}") from None
        typed = command.typed if isinstance(command, Write) else "on"
        return await switch_typed(office, visit, typed)

    async def _setting(
        self, visit: Visit, command: Read | Write | Drop | Reset, *, scope: str
    ) -> Notice:
        office = self._office
        match command:
            case Read(setting):
                return await show_one(office, visit, setting, scope=scope)
            case Write(setting, typed):
                return await write(office, visit, setting, typed=typed, scope=scope)
            case Drop(setting) | Reset(Setting() as setting):
                return await drop(office, visit, setting, scope=scope)
            case Reset(None):
                return await offer_reset(office, visit, scope=scope)
            case Reset():
                return await reset_all(office, visit, scope=scope)

    async def _press(self, visit: Visit, press: Press) -> Notice | None:
        answer = _PRESSES.get(press.action)
        if answer is None:
            return Notice(replies.unknown_button(visit.language))
        if press.action not in _ASKERS_OWN:
            await need_insight_to_press(self._office, visit)
        return await answer(self._office, visit, press)


def _is_own_memory(command: Command, *, scope: str) -> bool:
    """Whether it may concern the caller's own memory, and not only the setting of that name."""
    match command:
        case Read(setting) | Write(setting) | Drop(setting) | Reset(Setting() as setting):
            return scope != scopes.WORKSPACE and setting.key == OWN_SWITCH
        case _:
            return False


def _unknown(visit: Visit, unknown: Unknown) -> Notice:
    sentences = [replies.UNKNOWN.say(visit.language, typed=code(unknown.typed))]
    if unknown.suggestions:
        commands = replies.listed(
            [typeable(suggestion) for suggestion in unknown.suggestions], language=visit.language
        )
        sentences.append(replies.DID_YOU_MEAN.say(visit.language, commands=commands))
    sentences.append(replies.SEE_HELP.say(visit.language, command=typeable("help")))
    return Notice(together(sentences, language=visit.language))
