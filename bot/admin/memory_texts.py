"""What is said about long-term memory, in both languages."""

from collections.abc import Mapping
from typing import Literal

from bot.admin.marks import channel, code
from bot.admin.replies import typeable
from bot.core.language import Language, Phrase
from bot.core.memory import NotMade
from bot.core.memory_places import CHANNELS, PRIVATE, Without, channel_of

ONLY_YOURS = Phrase(
    "In Slack, only you can see and change it.", "在 Slack 中，只有您可以查看和更改。"
)
NOTHING_YET = Phrase(
    "Nothing yet: the app notes what you tell about yourself while you ask it.",
    "暂无内容：您提问时告诉应用的关于您自己的信息会被记住。",
)
NOTHING = Phrase("Nothing is remembered.", "没有记住任何内容。")
NOT_MADE = Phrase(
    "No memory can be made: the last attempt failed ({reason}, {at}). Please tell whoever runs me.",
    "无法创建记忆体：上一次尝试失败（{reason}，{at}）。请告知维护者。",
)
SOME = Phrase("Entries {first} to {last} of {total}.", "第 {first} 至 {last} 条，共 {total} 条。")
NO_KEYS = Phrase(
    "Long-term memory is not set up: whoever runs me gave me no access keys for it.",
    "尚未设置长期记忆：维护者未提供所需的访问密钥。",
)
NAMED_WITHOUT_KEYS = Phrase(
    "An admin named a memory for you here, and the app uses it. What is in it cannot be shown, "
    "because I have no access keys.",
    "管理员为您在此处指定了记忆体，应用会使用它。由于没有访问密钥，无法显示其内容。",
)
OFF_BY_YOU = Phrase(
    "You switched your memory off: nothing is used, and nothing new is remembered, anywhere.",
    "您已关闭记忆：在任何地方都不会使用记忆，也不会记住新内容。",
)
OFF_HERE = Phrase(
    "Off here by the settings: nothing that is remembered is used here.",
    "此处的设置已关闭记忆：不会使用已记住的内容。",
)
NO_AGENT = Phrase(
    "The app that answers here is no agent, and only agents remember.",
    "在此回答的应用不是智能体应用，只有智能体应用支持长期记忆。",
)
OTHER_REGION = Phrase(
    "The app that answers here lives in another region than the memories, so it is asked without.",
    "在此回答的应用与记忆体不在同一地域，因此提问时不使用记忆。",
)
OTHER_WORKSPACE = Phrase(
    "The app that answers here lives in another workspace of Model Studio than the memories, so it "
    "is asked without.",
    "在此回答的应用与记忆体不在同一个百炼业务空间，因此提问时不使用记忆。",
)
Unused = Literal["owner", "setting"] | Without
"""Why a memory is not used in a place: by the choice of its owner, by a setting, or by the app."""
UNUSED: Mapping[Unused, Phrase] = {
    "owner": OFF_BY_YOU,
    "setting": OFF_HERE,
    "kind": NO_AGENT,
    "region": OTHER_REGION,
    "workspace": OTHER_WORKSPACE,
}
ON = Phrase("on, {place}", "开启（{place}）")
ONE_MOMENT = Phrase("One moment, I look it up…", "请稍候，正在查询……")
AWAY = Phrase(
    "What is remembered cannot be read right now; please try again in a minute.",
    "暂时无法读取记忆内容，请稍后再试。",
)
REFUSED = Phrase(
    "Model Studio refuses my access to memories. Please tell whoever runs me.",
    "百炼拒绝了访问记忆的请求，请告知维护者。",
)
NOT_DONE = Phrase(
    "That could not be done right now; nothing is certain. Please look again in a minute.",
    "暂时无法完成，结果无法确定。请稍后再查看。",
)
NO_SUCH_ENTRY = Phrase("This entry is not there any more.", "此条内容已不存在。")
NO_SUCH_MEMORY = Phrase("There is nothing remembered here any more.", "此处已没有记住的内容。")
DELETED = Phrase("The entry is deleted.", "已删除该条内容。")
CHANGED = Phrase("The entry is changed.", "已更改该条内容。")
FORGOTTEN = Phrase("Everything is forgotten, {place}.", "已全部忘记（{place}）。")
ELSEWHERE = Phrase(
    "My Home tab shows what is remembered elsewhere.", "在其他地方记住的内容见我的主页（Home）。"
)
ALL_FORGOTTEN = Phrase(
    "Everything I remember of you is forgotten, everywhere.",
    "我在所有地方记住的关于您的内容已全部忘记。",
)
SOME_LEFT = Phrase(
    "Not everything could be forgotten: of your memories {count} are left. Please try again in a "
    "minute.",
    "未能全部忘记：还剩 {count} 份记忆。请稍后重试。",
)
SWITCHED_OFF = Phrase(
    "Your memory is switched off, everywhere, from the next message on. What is remembered stays "
    "until you have it forgotten.",
    "已在所有地方为您关闭记忆，从下一条消息起生效。已记住的内容会保留，直到您选择忘记。",
)
SWITCHED_ON = Phrase(
    "Your memory is switched on, wherever the settings allow it, from the next message on.",
    "已为您开启记忆（在设置允许之处），从下一条消息起生效。",
)
_FOR_ONESELF = Phrase(
    "For yourself, everywhere: type {typed} in a direct message to me, or press the button under "
    "{command}.",
    "如仅对您自己、在所有地方生效：请在私信中输入 {typed}，或点击 {command} 下的按钮。",
)
ON_OR_OFF = Phrase(
    "In direct messages type {on} or {off}: it holds for you alone, everywhere.",
    "在私信中请输入 {on} 或 {off}：仅对您生效，适用于所有地方。",
)

EDIT = Phrase("Edit {number}", "编辑第 {number} 条")
DELETE = Phrase("Delete {number}", "删除第 {number} 条")
DELETE_SURE = Phrase("This entry is deleted for good.", "此条内容将被永久删除。")
MORE = Phrase("More", "更多")
FORGET = Phrase("Forget everything", "忘记全部")
FORGET_SURE = Phrase(
    "The memory with everything in it is deleted for good.", "该记忆体及其全部内容将被永久删除。"
)
FORGET_ALL = Phrase("Forget all, everywhere", "在所有地方忘记全部")
FORGET_ALL_SURE = Phrase(
    "All your memories, also those of single channels, are deleted for good with everything in "
    "them.",
    "您的所有记忆体（包括各频道单独的）及其全部内容将被永久删除。",
)
SHOW = Phrase("Show {number}", "显示第 {number} 个")
SWITCH_OFF = Phrase("Switch off", "关闭记忆")
SWITCH_ON = Phrase("Switch on", "开启记忆")

FORM_TITLE = Phrase("Change an entry", "更改记忆内容")
FORM_LABEL = Phrase("What to remember", "记住的内容")

NAMED = Phrase(
    "{user} has the memory {memory} now, {place}.", "{user} 现在使用记忆体 {memory}（{place}）。"
)
UNNAMED = Phrase("{user} has no memory any more, {place}.", "{user} 不再有记忆体（{place}）。")
LEFT_BEHIND = Phrase(
    "The former memory, {memory}, stays in Model Studio with all that is in it, and nobody reaches "
    "it from Slack.",
    "原来的记忆体 {memory} 及其全部内容仍保留在百炼中，无法再从 Slack 访问。",
)
NAMED_SAME = Phrase("It was so already; nothing was changed.", "与之前相同，未作更改。")
NOT_THEIRS = Phrase(
    "This memory belongs to somebody else, or to another place. Nothing was changed.",
    "此记忆体属于其他人或其他位置。未作任何更改。",
)
NAMING = Phrase(
    "Type {command}: the person, where it counts, and the memory's id, or `none`.",
    "请输入 {command}：人员、适用位置，以及记忆体 ID（或 `none`）。",
)

_ABOUT: Mapping[str, Phrase] = {
    PRIVATE: Phrase(
        "**What I remember of you** in direct messages. No channel uses it.",
        "**我在私信中记住的关于您的内容**，任何频道都不会使用。",
    ),
    CHANNELS: Phrase(
        "**What I remember of you** in public channels, which share it. Direct messages do not use "
        "it, nor do private channels, unless they are set to `shared`.",
        "**我在公开频道中记住的关于您的内容**，由这些频道共用。私信不会使用，私有频道也不会，"
        "除非设为 `shared`。",
    ),
}
_ABOUT_CHANNEL = Phrase(
    "**What I remember of you** in {channel} alone{meanwhile}.",
    "**我仅在 {channel} 中记住的关于您的内容**{meanwhile}。",
)
_PLACES: Mapping[str, Phrase] = {
    PRIVATE: Phrase("in direct messages", "私信"),
    CHANNELS: Phrase("in all channels that share one memory", "共用记忆的所有频道"),
}
_IN_CHANNEL = Phrase("in {channel} alone{meanwhile}", "仅限 {channel}{meanwhile}")
_MEANWHILE: Mapping[str, Phrase] = {
    "connect": Phrase(", while people of other workspaces read it", "（与其他工作区共享期间）"),
    "untold": Phrase(", while Slack tells nothing of it", "（Slack 未告知其情况期间）"),
}
"""When a channel's own memory counts, by what stands before its id."""


def not_made(failure: NotMade, *, language: Language) -> str:
    """Say why, and when, a memory could not be made, in Markdown."""
    at = f"{failure.at:%Y-%m-%d %H:%M} UTC"
    return NOT_MADE.say(language, reason=code(failure.reason), at=at)


def for_oneself(language: Language) -> str:
    """Say how people switch their own memory, in Markdown."""
    return _FOR_ONESELF.say(language, typed=typeable("memory", "off"), command=typeable("memory"))


def about(scope: str, *, language: Language) -> str:
    """Say which memory this is, in Markdown."""
    return _ABOUT.get(scope, _ABOUT_CHANNEL).say(language, **_of_channel(scope, language))


def place(scope: str, *, language: Language) -> str:
    """Say where a memory counts, in Markdown."""
    return _PLACES.get(scope, _IN_CHANNEL).say(language, **_of_channel(scope, language))


def _of_channel(scope: str, language: Language) -> Mapping[str, str]:
    meanwhile = _MEANWHILE.get(scope.partition(":")[0])
    return {
        "channel": channel(channel_of(scope) or ""),
        "meanwhile": meanwhile.say(language) if meanwhile else "",
    }
