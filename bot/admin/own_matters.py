"""What everybody does for themselves: tokens, memories, variables of a question, new beginnings."""

from typing import Literal

from bot.admin import afresh, filling, memory_commands, token_commands
from bot.admin.afresh import afresh_chosen, new_command
from bot.admin.filling import fill_pressed, fill_submitted
from bot.admin.memory_book import MemoryAction
from bot.admin.memory_commands import memory_pressed, memory_submitted
from bot.admin.office import Office
from bot.admin.ports import Visit
from bot.admin.submission import Submission
from bot.admin.token_commands import show_tokens, token_pressed, token_submitted
from bot.core.commands import Verb
from bot.core.screens import Notice, Submitted

ACTIONS = token_commands.ACTIONS | {filling.ACTION, afresh.ACTION, *MemoryAction}
CALLBACKS = frozenset({token_commands.CALLBACK, filling.CALLBACK, memory_commands.CALLBACK})


async def own_command(
    office: Office, visit: Visit, verb: Literal[Verb.NEW, Verb.TOKENS], *, rest: str
) -> Notice:
    """Answer a command.

    Raises:
        StorageError: The database did not answer.
    """
    if verb is Verb.NEW:
        return await new_command(office, visit)
    return await show_tokens(office, visit, rest)


async def own_pressed(office: Office, visit: Visit, action: str, *, value: str) -> Notice | None:
    """Answer the press of a button, one of ACTIONS; None when a form answers it.

    Raises:
        SlackError: Slack did not open the form, or did not say who the caller is.
        StorageError: The database did not answer.
    """
    match action:
        case filling.ACTION:
            return await fill_pressed(office, visit, value)
        case afresh.ACTION:
            return await afresh_chosen(office, visit, value)
        case _ if action in set(MemoryAction):
            return await memory_pressed(office, visit, action, value)
        case _:
            return await token_pressed(office, visit, action, tool_id=value)


async def own_submitted(submission: Submission, callback: str, *, state: str) -> Submitted:
    """Take a form, one of CALLBACKS.

    Raises:
        StorageError: The database did not answer.
    """
    if callback == filling.CALLBACK:
        return await fill_submitted(submission, state=state)
    if callback == memory_commands.CALLBACK:
        return await memory_submitted(submission, state=state)
    return await token_submitted(submission)
