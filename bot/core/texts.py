"""Every sentence the bot says in its own name about a question and its answer."""

from collections.abc import Mapping, Sequence

from bot.core.language import Language, Phrase
from bot.errors import (
    AccountProblem,
    ContentBlocked,
    DashScopeError,
    FileUnreachable,
    Misconfigured,
    RequestRefused,
    Throttled,
    UpstreamTimeout,
    UpstreamUnreachable,
)

THINKING = Phrase("Thinking…", "正在思考…")
STILL_WORKING = Phrase("Still working on it…", "还在处理，请稍候…")
STOPPED = Phrase("Stopped.", "已停止。")
STOP = Phrase("Stop", "停止")
MOVED = Phrase(
    "I could not post this in the channel any more, so here it is.",
    "无法再在频道中发布此内容，所以发到这里。",
)
NEW_SESSION = Phrase(
    "The earlier session had ended; I went on from what is in this thread.",
    "之前的会话已结束，以上是根据此消息列中的内容继续回答的。",
)
FORGOTTEN = Phrase(
    "The earlier session had ended: what was said earlier in this thread is forgotten.",
    "之前的会话已结束：此消息列中之前的内容不再记得。",
)
UNAWARE = Phrase(
    "The assistant had lost its session and did not know what was said earlier in this thread; "
    "I will tell it with your next question.",
    "助手的会话已丢失，以上回答时不了解此消息列中之前的内容；下次提问时我会一并告知。",
)
NO_HISTORY = Phrase(
    "I could not read what was said earlier in this thread; this answers your last message alone.",
    "无法读取此消息列中之前的内容，以上仅回答您最后一条消息。",
)
PART_OF_HISTORY = Phrase(
    "I could read only a part of this thread; what was said last before your message may be "
    "missing here.",
    "只能读取此消息列的一部分，以上回答可能缺少您提问之前最近的内容。",
)
HISTORY_BLOCKED = Phrase(
    "Content safety rules blocked something said earlier in this thread: this answers your last "
    "message alone, and what was said before it no longer counts.",
    "内容安全规则拦截了此消息列中之前的某些内容：以上仅回答您最后一条消息，在此之前的内容不再计入。",
)
EDITED_LATE = Phrase(
    "You edited the question after its answer had begun.", "您在开始回答之后修改了问题。"
)
ANSWER_AGAIN = Phrase("Answer it again", "重新回答")
QUESTION_GONE = Phrase(
    "The question is gone, so there is nothing to answer.", "问题已被删除，无需回答。"
)
EMPTY_ANSWER = Phrase(
    "The assistant finished without saying anything. Try asking in other words.",
    "助手没有给出任何内容。请换个说法再问一次。",
)
ENDED_EARLY = Phrase(
    "The assistant ended here before it was done, perhaps at its length limit; ask it to go on.",
    "助手在此提前结束，可能达到了长度上限，可以让它继续。",
)
EMPTY_QUESTION = Phrase(
    "Hi! Mention me together with a question, or write it here, and I will answer in this thread.",
    "您好！请在提及我时写上问题，或直接写在这里，我会在此消息列中回答。",
)
READING_FILES = Phrase("Reading the attachments…", "正在读取附件…")
LOOK_AT_FILES = Phrase("Please look at what is attached.", "请看一下附件。")
"""What an app is asked when somebody sends files without a word."""
QUIETED = Phrase(
    "I will be quiet in this thread. Mention me whenever you want me back.",
    "我将在此消息列中保持安静。需要时请提及我。",
)
AFRESH = Phrase(
    "Started afresh: what was said in this thread before no longer counts.",
    "已重新开始：此消息列中之前的内容不再计入。",
)
FILL_IN = Phrase("Fill in", "填写")
TOKEN_LOST = Phrase(
    "A token of yours cannot be read any more, so it did not go along: enter it again with "
    "`/dashscope tokens`.",
    "您的一个令牌已无法读取，因此未随提问发送：请用 `/dashscope tokens` 重新填写。",
)
HELP = Phrase(
    "Mention me in a channel, or write me a direct message, and I answer in a thread. "
    "Mention me again in that thread to go on with the conversation.",
    "在频道中提及我，或给我发私信，我会在消息列中回答。在同一消息列中再次提及我即可继续对话。",
)
MAY_NOT_ASK = Phrase("You may not ask me questions here.", "您不能在这里向我提问。")
MAY_NOT_ASK_EXTERNAL = Phrase(
    "Here I answer only people of the workspace I belong to.",
    "在这里我只回答本工作区成员的问题。",
)
MAY_NOT_ASK_GUEST = Phrase(
    "Here I do not answer guests. An admin of the workspace can change that.",
    "在这里我不回答访客的问题。工作区管理员可以更改此设置。",
)
MAY_BE_GUEST = Phrase(
    "Slack does not tell me who you are, and here not everybody may ask me. Please tell whoever "
    "runs me: I may lack the scope `users:read`.",
    "Slack 未告知我您的身份，而这里并非所有人都可以提问。请告知负责维护的人员：我可能缺少 "
    "`users:read` 权限。",
)
ONLY_ADMINS_ASK = Phrase(
    "Here I answer only admins of the workspace.", "在这里我只回答工作区管理员的问题。"
)

_UNTOLD = Phrase(
    "Slack does not tell me who you are right now, so I cannot answer. Please ask again in a "
    "minute.",
    "Slack 暂时无法确认您的身份，因此我不能回答。请一分钟后再问。",
)
_FAILED = Phrase(
    "Something went wrong on the assistant's side. Please ask again.",
    "助手一侧出现问题，请重新提问。",
)
_FAILURES: Mapping[type[DashScopeError], Phrase] = {
    Misconfigured: Phrase(
        "This assistant is not set up correctly. Please tell whoever runs it.",
        "此助手的配置有误，请告知负责维护的人员。",
    ),
    AccountProblem: Phrase(
        "The assistant's account cannot answer now. Please tell whoever runs it.",
        "助手的账户目前无法使用，请告知负责维护的人员。",
    ),
    ContentBlocked: Phrase(
        "Content safety rules blocked this. Please put it in other words.",
        "内容安全规则拦截了此内容，请换个说法。",
    ),
    FileUnreachable: Phrase(
        "The assistant could not download what is attached. Please tell whoever runs me: "
        "PUBLIC_URL must be reachable from the internet.",
        "助手无法下载附件，请告知负责维护的人员：PUBLIC_URL 必须可以从互联网访问。",
    ),
    RequestRefused: Phrase(
        "The assistant could not process this message.", "助手无法处理这条消息。"
    ),
    Throttled: Phrase(
        "Too many questions at once. Please ask again in a minute.",
        "当前提问过多，请一分钟后再试。",
    ),
    UpstreamTimeout: Phrase(
        "The answer took too long. Please ask again.", "回答耗时过长，请重新提问。"
    ),
    UpstreamUnreachable: Phrase(
        "The assistant cannot be reached right now. Please ask again in a minute.",
        "暂时无法连接到助手，请一分钟后再试。",
    ),
}
_WITH_ID = Phrase("{sentence} (id {id})", "{sentence}（编号 {id}）")
_LACKING = Phrase(
    "To answer this I need {names}: fill them in here, or write each on a line of its own before "
    "or after your question, such as `{example}=…`.",
    "回答此问题需要 {names}：请在此填写，或在问题之前或之后每行写一个，例如 `{example}=…`。",
)
_CUT = Phrase(
    "The answer was cut off here; ask me to go on. (id {id})",
    "回答到此中断，可以让我继续。（编号 {id}）",
)
_CUT_BY_FAILURE = Phrase("The answer was cut off here. {sentence}", "回答到此中断。{sentence}")
_GAVE_UP = Phrase(
    "I could not answer this message, although I tried. (id {id})",
    "经过多次尝试，仍无法回答这条消息。（编号 {id}）",
)
_WAITING_FOR_ROOM = Phrase(
    "Many questions at once; yours comes soon.", "当前提问较多，很快就会轮到您。"
)
_WAITING_FOR_ONE = Phrase(
    "One message in this thread goes first; yours comes next.",
    "此消息列中还有一条消息排在前面，下一条就是您的。",
)
_WAITING = Phrase(
    "{ahead} messages in this thread go first; then comes yours.",
    "此消息列中还有 {ahead} 条消息排在前面，随后轮到您的。",
)


def reference(turn_id: int) -> str:
    """Return the id a reader can quote and an operator can find in the log as `turn_id`."""
    return f"T{turn_id}"


def failure(error: DashScopeError, *, turn_id: int, language: Language) -> str:
    """Return one plain sentence for a reader; it never holds what the vendor wrote."""
    sentence = _failure_phrase(error).say(language)
    return _WITH_ID.say(language, sentence=sentence, id=reference(turn_id))


def _failure_phrase(error: DashScopeError) -> Phrase:
    """Return what happened and what the reader can do."""
    said = (phrase for kind, phrase in _FAILURES.items() if isinstance(error, kind))
    return next(said, _FAILED)


def untold(*, turn_id: int, language: Language) -> str:
    """Return the sentence for somebody of whom Slack did not tell in time who they are."""
    return _WITH_ID.say(language, sentence=_UNTOLD.say(language), id=reference(turn_id))


def cut(*, turn_id: int, language: Language) -> str:
    """Return the note under an answer that ended in the middle."""
    return _CUT.say(language, id=reference(turn_id))


def lacking(names: Sequence[str], *, language: Language) -> str:
    """Return the sentence for a question whose variables are missing.

    Args:
        names: At least one; letters, digits and any of `_` `-` `.` each.
        language: The reader's.
    """
    listed = ", ".join(f"`{name}`" for name in names)
    return _LACKING.say(language, names=listed, example=names[0])


def waiting(ahead: int, *, language: Language) -> str:
    """Return the line under a message that waits.

    Args:
        ahead: Messages of its thread that go first; none of them when everybody is busy.
        language: The reader's.
    """
    match ahead:
        case 0:
            return _WAITING_FOR_ROOM.say(language)
        case 1:
            return _WAITING_FOR_ONE.say(language)
        case _:
            return _WAITING.say(language, ahead=ahead)


def gave_up(*, turn_id: int, language: Language) -> str:
    """Return the sentence for a message that could not be answered after every try."""
    return _GAVE_UP.say(language, id=reference(turn_id))


def interrupted(error: DashScopeError, *, turn_id: int, language: Language) -> str:
    """Return the note under an answer that ended in the middle with an error.

    What to do is what the error says: one way on, not two.
    """
    sentence = failure(error, turn_id=turn_id, language=language)
    return _CUT_BY_FAILURE.say(language, sentence=sentence)
