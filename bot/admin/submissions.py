"""What becomes of a form that was submitted.

The state a form carries and the values that come back are whatever somebody sent: who they are and
what they may is asked anew, and every value is read as if it had been typed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from bot.admin import app_forms, config_page, filling, memory_commands, replies, token_commands
from bot.admin.app_submission import app_submitted
from bot.admin.config_submission import config_submitted
from bot.admin.office import Office
from bot.admin.submission import STALE_FORM, Submission
from bot.core.screens import Caller, Submitted, Values
from bot.errors import SlackError
from storage.errors import StorageError

LANGUAGE_WITHIN_S = 0.2
"""Most of the little time there is for a form goes into who sent it."""

_FORMS: Mapping[str, Callable[[Submission], Awaitable[Submitted]]] = {
    config_page.CALLBACK: config_submitted,
    app_forms.CALLBACK: app_submitted,
    token_commands.CALLBACK: token_commands.token_submitted,
    filling.CALLBACK: filling.fill_submitted,
    memory_commands.CALLBACK: memory_commands.memory_submitted,
}


async def submitted(
    office: Office,
    caller: Caller,
    callback: str,
    *,
    state: str,
    values: Values,
    named_within_s: float | None = None,
) -> Submitted:
    """Take a submission, or say what is wrong with it; never raises for what it holds.

    Args:
        office: The services.
        caller: Who submitted it, as Slack vouches.
        callback: Which form.
        state: What the form carried.
        values: What was entered.
        named_within_s: From now on, for Slack to tell who is named in it; None when there is time.
    """
    now = asyncio.get_running_loop().time()
    named_until = None if named_within_s is None else now + named_within_s
    language = await office.access.language(caller, within_s=LANGUAGE_WITHIN_S)
    submission = Submission(office, caller, language, state, values, named_until)
    if callback not in _FORMS:
        return submission.refused(STALE_FORM)
    try:
        return await _FORMS[callback](submission)
    except SlackError:
        return submission.refused(replies.WHO_UNKNOWN)
    except StorageError:
        return submission.refused(replies.STORAGE_TROUBLE)
