"""`/dashscope new` and the message shortcut: letting go of what was said before."""

from bot.admin import replies, scopes
from bot.admin.office import Office
from bot.admin.ports import Press, Visit
from bot.admin.shown_settings import effective_at
from bot.core.language import Phrase
from bot.core.screens import Notice
from bot.core.slack_ids import matching_ts
from bot.core.texts import AFRESH

ACTION = "start_afresh"
"""The shortcut's callback id in the app's manifest."""
SHORTCUT = "Start afresh here"
"""Its name there, which Slack shows to everybody alike."""

_IN_DIRECT = Phrase(
    "Each thread is a conversation of its own; what you write outside threads begins a new one "
    "each time. From now on the threads here start afresh as well: nothing said in them before "
    "counts any more.",
    "每个消息列都是一次独立的对话；在消息列之外发送的每条消息都会开始新的对话。从现在起，"
    "这里已有的消息列也重新开始：之前的内容不再计入。",
)
_IN_CHANNEL = Phrase(
    "Each thread is a conversation of its own: mention me outside threads to begin a new one. To "
    "go on in a thread without what was said in it before, say `start afresh` to me there, or "
    "choose “{shortcut}” in the menu of any of its messages.",
    "每个消息列都是一次独立的对话：在消息列之外提及我即可开始新的对话。若要在已有的消息列中"
    "重新开始，请在其中对我说 `重新开始`，或在其任一消息的菜单中选择“{shortcut}”。",
)
_NOT_OURS = Phrase(
    "I was not asked anything in this thread, so there is nothing to let go of.",
    "此消息列中没有人向我提问，无需重新开始。",
)


async def new_command(office: Office, visit: Visit) -> Notice:
    """Tell how a conversation begins; in direct messages, begin all of them anew.

    Raises:
        StorageError: The database did not answer.
    """
    caller, language = visit.caller, visit.language
    if not scopes.is_direct(caller.channel_id):
        return Notice(_IN_CHANNEL.say(language, shortcut=SHORTCUT))
    await office.storage.conversations.forget_all(caller.team_id, caller.channel_id)
    return Notice(_IN_DIRECT.say(language))


async def afresh_chosen(office: Office, visit: Visit, press: Press) -> Notice:
    """Let a thread go on without what was said in it, for somebody who may ask there.

    Args:
        office: The services.
        visit: Who chose the shortcut, and where.
        press: Its value is the thread of the message it was chosen on.

    Raises:
        SlackError: Slack did not say who they are.
        StorageError: The database did not answer.
    """
    caller, language = visit.caller, visit.language
    thread_ts = matching_ts(press.value)
    if thread_ts is None:
        return Notice(replies.unknown_button(language))
    effective, _ = await effective_at(office, visit, scopes.here(caller))
    if why := await office.access.why_not_ask(caller, who=effective.who):
        return Notice(why.say(language))
    place = caller.team_id, caller.channel_id, thread_ts
    if not (await office.storage.threads.state(*place)).is_known:
        return Notice(_NOT_OURS.say(language))
    await office.storage.conversations.forget(*place)
    return Notice(AFRESH.say(language))
