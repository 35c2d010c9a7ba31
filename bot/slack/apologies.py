"""What a caller is told when a command, a press or a form did not come to its end."""

import structlog

from bot.core.language import Phrase
from bot.core.screens import Caller
from bot.errors import SlackError
from bot.slack.interaction import OPEN_VIEW, UPDATE_VIEW

BUSY = Phrase(
    "Too many commands at once. Please try again in a moment.",
    "同时执行的命令太多，请稍后再试。",
)
FAILED = Phrase(
    "Something went wrong here (id {id}), and nothing is certain: check with `/dashscope show`.",
    "处理时出错（编号 {id}），结果无法确定：请用 `/dashscope show` 查看当前设置。",
)
TOO_LONG = Phrase(
    "This took too long (id {id}), and nothing is certain: check with `/dashscope show`.",
    "处理超时（编号 {id}），结果无法确定：请用 `/dashscope show` 查看当前设置。",
)
TOO_LATE = Phrase(
    "Slack's window for opening a form passed; type the command again.",
    "已超过 Slack 打开表单的时限，请重新输入命令。",
)
RESTARTING = Phrase(
    "I am being restarted, and nothing is certain: check with `/dashscope show` in a minute.",
    "机器人正在重启，结果无法确定：请一分钟后用 `/dashscope show` 查看当前设置。",
)

TRIGGER_SPENT = frozenset({"expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id"})
"""docs.slack.dev, "views.open"."""

log = structlog.get_logger(__name__)


def apology_for(error: Exception, *, caller: Caller, command_id: str) -> Phrase | None:
    """Log a failure, and return what it is called; None when nobody waits for it any more.

    Args:
        error: Foreseen or not.
        caller: Who would be told.
        command_id: The phrase's `{id}`, and in the log.
    """
    who = {
        "command_id": command_id,
        "channel_id": caller.channel_id,
        "user_id": caller.user_id,
    }
    match error:
        case SlackError(method=method, code="not_found") if method == UPDATE_VIEW:
            log.info("form.closed", **who)
            return None
        case SlackError(method=method, code=code) if method == OPEN_VIEW:
            log.warning("form.unopened", code=code, **who)
            return TOO_LATE if code in TRIGGER_SPENT else FAILED
        case TimeoutError():
            log.error("command.timed_out", **who)
            return TOO_LONG
        case _:
            log.error("command.failed", exc_info=error, **who)
            return FAILED
