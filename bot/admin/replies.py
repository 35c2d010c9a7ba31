"""What the admin commands say, in both languages; values come in as harmless Markdown."""

from collections.abc import Collection, Mapping, Sequence

from bot.admin import scopes
from bot.admin.marks import channel, code
from bot.core.language import Language, Phrase, together
from bot.core.quota import HOLD_BESIDES
from bot.core.setting import Level
from bot.errors import BotError

SLASH = "/dashscope"
"""The command of the manifest; an operator who renamed it knows."""

# Who may.

ONLY_ADMINS = Phrase(
    "Only admins can do this: the owners and admins of this workspace, and people the bot's "
    "operator named. Nothing was changed.",
    "只有管理员可以执行此操作：本工作区的所有者和管理员，以及机器人维护者指定的人员。未作任何更改。",
)
_ONLY_ADMINS_AND_MANAGERS = Phrase(
    "You cannot change this channel's settings: workspace admins can, and, where the workspace "
    "allows it (`delegate`), the channel's creator and its managers. Nothing was changed.",
    "您不能更改此频道的设置：工作区管理员可以更改；若工作区已开启 `delegate`，频道创建者和"
    "频道管理人也可以。未作任何更改。",
)
ONLY_ADMINS_READ = Phrase(
    "Only admins can see this: the owners and admins of this workspace, and people the bot's "
    "operator named.",
    "只有管理员可以查看：本工作区的所有者和管理员，以及机器人维护者指定的人员。",
)
ONLY_OWN_PEOPLE = Phrase(
    "Only this workspace's own people can see or change this, not guests or people of other "
    "workspaces. Nothing was changed.",
    "只有本工作区的成员可以查看或更改，访客和其他工作区的人不可以。未作任何更改。",
)
_ONLY_OWNER = Phrase(
    "These settings belong to somebody else. Nothing was changed.",
    "这些设置属于其他人。未作任何更改。",
)
_WHO_MAY: Mapping[Level, Phrase] = {
    Level.WORKSPACE: ONLY_ADMINS,
    Level.CHANNEL: _ONLY_ADMINS_AND_MANAGERS,
    Level.USER: _ONLY_OWNER,
}
WHO_UNSEEN = Phrase(
    "Slack does not let me see whether you are an admin. If this stays so, I lack the scope "
    "`users:read`, and until whoever runs me adds it, only people in `ADMIN_USERS` can do this. "
    "Nothing was changed.",
    "Slack 未告知我您是否为管理员。若一直如此，说明我缺少 `users:read` 权限；在维护者添加之前，"
    "只有 `ADMIN_USERS` 中的人可以执行此操作。未作任何更改。",
)
WHO_UNKNOWN = Phrase(
    "Slack did not say in time who you are, so nothing was changed. Please try again.",
    "Slack 未能及时确认您的身份，因此未作任何更改。请重试。",
)

# Trouble.

STORAGE_TROUBLE = Phrase(
    "The database did not answer in time; as far as I know, nothing was changed. Please try again.",
    "数据库未能及时响应；据我所知未作任何更改。请重试。",
)
STORAGE_TROUBLE_READING = Phrase(
    "The database did not answer in time. Nothing was changed; please try again.",
    "数据库未能及时响应。未作任何更改，请重试。",
)
MOVED_ON = Phrase(
    "Somebody else is changing the same settings right now, so nothing was changed. Look at them "
    "with {command} and try again.",
    "有人正在更改同样的设置，因此未作任何更改。请用 {command} 查看后重试。",
)
_UNKNOWN_BUTTON = Phrase(
    "This button does nothing any more. Type {command}.", "此按钮已失效，请输入 {command}。"
)

# What was typed.

UNKNOWN = Phrase("I do not know {typed}.", "无法识别 {typed}。")
DID_YOU_MEAN = Phrase("Did you mean {commands}?", "您是不是想输入 {commands}？")
SEE_APPS = Phrase("{command} lists the apps there are.", "{command} 列出现有应用。")
SEE_HELP = Phrase("{command} lists everything.", "{command} 列出所有命令。")
COMMA = Phrase(", ", "、")
OR = Phrase(" or ", " 或 ")
BAD_VALUE = Phrase(
    "{name} cannot be {typed}: {reason} Nothing was changed.",
    "{name} 不能设为 {typed}：{reason}未作任何更改。",
)
UNKNOWN_APP = Phrase("There is no app called {name}.", "没有名为 {name} 的应用。")
THESE_APPS = Phrase("There are: {names}.", "现有：{names}。")
CLOSED_APP = Phrase(
    "{name} is not open to everybody, so only admins choose it. Nothing was changed.",
    "{name} 未对所有人开放，只有管理员可以选用。未作任何更改。",
)
ONLY_APP_IN_DM = Phrase(
    "In direct messages only the app is your own choice: {command}. For everybody, admins type "
    "{workspace}.",
    "在私信中您只能选择自己的应用：{command}。面向所有人的设置由管理员输入 {workspace}。",
)
ONLY_CHANNEL = Phrase(
    "{name} belongs to a channel: type it there.", "{name} 属于频道设置，请在频道中输入。"
)
ONLY_WORKSPACE = Phrase(
    "{name} is set for the whole workspace: {command}.", "{name} 只能为整个工作区设置：{command}。"
)

# What was changed.

CHANGED = Phrase(
    "**{label}** ({name}): {before} → {after}", "**{label}**（{name}）：{before} → {after}"
)
UNCHANGED = Phrase(
    "{name} is {value} already; nothing was changed.", "{name} 已经是 {value}，未作更改。"
)
NOT_SET = Phrase("not set", "未设置")
RESETTED = Phrase("Taken away: {names}.", "已清除：{names}。")
NOTHING_TO_RESET = Phrase(
    "Nothing is set here, so there is nothing to take away.", "此处没有任何设置，无需清除。"
)
RESET_WHAT = Phrase(
    "Set here: {names}. Take one away with {one}, or all of them:",
    "此处已设置：{names}。用 {one} 清除其中一项，或全部清除：",
)
RESET_ALL = Phrase("Take all away", "全部清除")
RESET_SURE = Phrase(
    "Every setting made here goes; what is inherited holds then.",
    "此处的所有设置都将被清除，之后使用继承的设置。",
)
UNDO = Phrase("Undo", "撤销")
UNDONE = Phrase("Put back what there was before.", "已恢复到更改之前。")
UNDONE_OF = Phrase(
    "Put back what there was before {user} changed it ({at}).",
    "已恢复到 {user} 更改（{at}）之前。",
)
UNDO_APP_GONE = Phrase(
    "The last change took the app {name} away from here. That app is gone by now, so it cannot be "
    "put back, and nothing was changed. If its removal is the newest change in {audit}, {back} "
    "brings it back; otherwise go on from what holds now ({show}).",
    "上一次更改使此处不再使用应用 {name}。该应用现已移除，因此无法恢复，未作任何更改。"
    "如果移除该应用是 {audit} 中最新的更改，可用 {back} 恢复它；"
    "否则请在现有设置（{show}）上继续更改。",
)
NOTHING_TO_UNDO = Phrase("Nothing was changed here yet.", "此处尚无任何更改。")
UNDO_TOO_LATE = Phrase(
    "It was changed again since, so only the newest change can be undone: {command}.",
    "此后又有新的更改，只能撤销最新的一次：{command}。",
)
UNDO_APP_IN_USE = Phrase(
    "Settings name this app by now, so its adding cannot be undone. {command} shows where.",
    "已有设置使用此应用，因此无法撤销添加。{command} 可查看使用位置。",
)
UNDO_IMPOSSIBLE = Phrase("This change cannot be undone any more.", "此更改已无法撤销。")
FRESH_SESSIONS = Phrase(
    "Threads start a fresh session with the other app; if it keeps sessions, it is told what was "
    "said in them.",
    "更换应用后，消息列会开始新的会话；若新应用保留会话，会附上消息列中之前的内容。",
)
UNUSED_NOW = Phrase("Left out: {names}. {reason}", "不使用：{names}。{reason}")
LEFT_OUT_ELSEWHERE = Phrase(
    "**Left out from now on**, though set there: {places}. Questions there go without them.",
    "以下频道中已设置、但**从现在起不再使用**：{places}。那里的提问将不带这些选项。",
)
LEFT_OUT_THERE = Phrase("{place}: {names}", "{place}：{names}")
MORE_PLACES = Phrase("and {count} more", "以及另外 {count} 处")
TOKENS_UNCOUNTED = Phrase(
    "{where}: of the modes such an app is asked in, only `message_format_plus` is known to report "
    "tokens. Limit questions instead ({turns}), or choose that mode ({mode}).",
    "{where}：此类应用的调用模式中，已知只有 `message_format_plus` 会返回 token 数。"
    "请改为限制提问数（{turns}），或选择该模式（{mode}）。",
)
TOKENS_UNCOUNTED_HERE = Phrase(
    "**Quotas of tokens count nothing here**", "**token 额度在此不起作用**"
)
TOKENS_UNCOUNTED_THERE = Phrase(
    "**From now on quotas of tokens count nothing** in {places}",
    "**从现在起 token 额度不起作用**的位置：{places}",
)
UNHEARD_OF = Phrase(
    "I do not know the field {name}, and pass it on as it is.{meant} If questions fail now, undo "
    "this.",
    "我不认识字段 {name}，将原样发送。{meant}如果之后提问失败，请撤销此更改。",
)
_UNHEARD_OF_NONE = Phrase(
    "I do not know the field {name}, which is not to be sent here.{meant}",
    "我不认识此处设为不发送的字段 {name}。{meant}",
)
_MEANT = Phrase(" Did you mean {close}?", "您是不是想输入 {close}？")
NOT_PRIVATE_ONES = Phrase(
    "Private channels share only where `shared` is set in them.",
    "私有频道只有在其中设为 `shared` 时才共用记忆。",
)
OWN_MEMORY = Phrase(
    "What is remembered here stays here all the same: people of other workspaces may read here.",
    "此处的记忆仍只用于此处：其他工作区的人可能会看到这里的内容。",
)
APP_GONE = Phrase(
    "The app {name} that is chosen here does not exist any more: choose another with {command}.",
    "此处选择的应用 {name} 已不存在：请用 {command} 另选一个。",
)
APP_CLOSED = Phrase(
    "The app {name} that you chose here is not open to you any more, so another one answers. "
    "Choose one with {command}.",
    "您在此选择的应用 {name} 已不再对您开放，现由其他应用回答。请用 {command} 另选一个。",
)
MANAGERS_WAIT = Phrase(
    "Managers can change nothing yet: {command}, typed by an admin, lets channels configure "
    "themselves.",
    "频道管理人目前还不能更改任何设置：需由管理员输入 {command}，允许频道自行配置。",
)
INVITE = Phrase(
    "I am not in this channel yet, so nobody can ask me here: type `/invite` {bot}.",
    "我还不在此频道中，因此无人可以在此提问：请输入 `/invite` {bot}。",
)
INVITE_UNSEEN = Phrase(
    "I cannot see this channel. If I am not in it, nobody can ask me here: type `/invite` {bot}.",
    "我看不到此频道。如果我还不在其中，则无人可以在此提问：请输入 `/invite` {bot}。",
)
ME = Phrase("and my name", "加上我的名字")

LIMITED_BESIDES = Phrase(
    "The workspace's quotas for each person hold here as well.",
    "工作区的每人额度在此同样有效。",
)
_PERSONS_QUOTAS = Phrase(
    "For everybody in the whole workspace, besides what a channel sets, from the next message on.",
    "适用于整个工作区的每个人，与频道自己的额度同时有效，从下一条消息起生效。",
)
_PERSONS_QUOTAS_TOO = Phrase(
    "Quotas for each person hold besides what a channel sets.",
    "每人额度与频道自己的额度同时有效。",
)
_REACHES: Mapping[Level, Phrase] = {
    Level.WORKSPACE: Phrase(
        "For the whole workspace, wherever nothing else is set, from the next message on.",
        "适用于整个工作区中未另行设置之处，从下一条消息起生效。",
    ),
    Level.CHANNEL: Phrase(
        "In {channel}, for everybody there, from the next message on.",
        "适用于 {channel} 中的所有人，从下一条消息起生效。",
    ),
    Level.USER: Phrase(
        "In your direct messages with me, for you alone, from the next message on.",
        "仅适用于您与我的私信，从下一条消息起生效。",
    ),
}
_PLACES: Mapping[Level, Phrase] = {
    Level.WORKSPACE: Phrase("the workspace", "工作区"),
    Level.CHANNEL: Phrase("{channel}", "{channel}"),
    Level.USER: Phrase("direct messages", "私信"),
}


def reach(scope: str, *, changed: Collection[str] = (), language: Language) -> str:
    """Say where a change holds, for whom, and from when.

    Args:
        scope: Where something was changed.
        changed: Which settings.
        language: What the reader reads.
    """
    usual = _said(_REACHES, scope, language=language)
    if scope != scopes.WORKSPACE or HOLD_BESIDES.isdisjoint(changed):
        return usual
    if HOLD_BESIDES.issuperset(changed):
        return _PERSONS_QUOTAS.say(language)
    return together((usual, _PERSONS_QUOTAS_TOO.say(language)), language=language)


def place(scope: str, *, language: Language) -> str:
    """Say where something was changed."""
    return _said(_PLACES, scope, language=language)


def app_gone(name: str, *, scope: str = "", language: Language) -> str:
    """Say that the app chosen at a scope is gone."""
    command = typeable("app", "NAME", scope=scope)
    return APP_GONE.say(language, name=code(name), command=command)


def app_closed(name: str, *, language: Language) -> str:
    """Say to somebody that the app of their own choice does not answer them any more."""
    return APP_CLOSED.say(language, name=code(name), command=typeable("app", "NAME"))


def unheard_of(name: str, *, close: str, is_sent: bool, language: Language) -> str:
    """Say that nobody here knows a field of requests, and which one it looks like, if any."""
    meant = _MEANT.say(language, close=code(close)) if close else ""
    said = UNHEARD_OF if is_sent else _UNHEARD_OF_NONE
    return said.say(language, name=code(name), meant=meant)


def unknown_button(language: Language, *, command: str = "help") -> str:
    """Say that a button does nothing any more, and what to type instead."""
    return _UNKNOWN_BUTTON.say(language, command=typeable(command))


def typeable(*words: str, scope: str = "") -> str:
    """Return a command as somebody can type it; for the workspace's scope with its word."""
    front = (SLASH, "workspace") if scope == scopes.WORKSPACE else (SLASH,)
    return code(" ".join((*front, *(word for word in words if word))))


def may_not_change(scope: str, *, is_known: bool, language: Language) -> str:
    """Say that somebody may not change a scope, and who can.

    Args:
        scope: Which.
        is_known: Whether Slack tells who they are.
        language: What they read.
    """
    if not is_known and scopes.level_of(scope) is not Level.USER:
        return WHO_UNSEEN.say(language)
    return _said(_WHO_MAY, scope, language=language)


def _said(phrases: Mapping[Level, Phrase], scope: str, *, language: Language) -> str:
    where = channel(scopes.channel_of(scope) or "")
    return phrases[scopes.level_of(scope)].say(language, channel=where)


def listed(parts: Sequence[str], *, language: Language) -> str:
    """Return alternatives, at least one, as a sentence names them."""
    *others, last = parts
    return OR.say(language).join([COMMA.say(language).join(others), last] if others else [last])


class Refused(BotError):
    """A command ends here, with a sentence for the caller and no change.

    Attributes:
        text: The sentence, in the caller's language.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__("a command was refused")


class MayNotChange(Refused):
    """The caller may not change what they wanted to."""
