"""The words of the form with all settings, in both languages."""

from collections.abc import Mapping

from bot.core.language import Phrase
from bot.core.setting import Level

TITLES: Mapping[Level, Phrase] = {
    Level.WORKSPACE: Phrase("Workspace settings", "工作区设置"),
    Level.CHANNEL: Phrase("Channel settings", "频道设置"),
    Level.USER: Phrase("Direct messages", "私信设置"),
}

INTRODUCTIONS: Mapping[Level, Phrase] = {
    Level.WORKSPACE: Phrase(
        "What holds in every channel that sets nothing else. What is left empty is built in.",
        "适用于未另行设置的所有频道。留空的项使用内置默认值。",
    ),
    Level.CHANNEL: Phrase(
        "What holds in {place}. What is left empty is inherited from the workspace.",
        "适用于 {place}。留空的项继承工作区设置。",
    ),
    Level.USER: Phrase(
        "Which app answers you in direct messages. It holds for you alone.",
        "选择在私信中回答您的应用，仅对您生效。",
    ),
}
APP_OPTIONS_GO_ALONG = Phrase(
    "Settings of requests (answers, knowledge, variables) are inherited only while the "
    "workspace's own app answers here.",
    "仅当此处使用工作区默认的应用时，才会继承请求相关的设置（回答、知识库、变量）。",
)
NONE_IS_TYPED = Phrase(
    "Where nothing is to be sent, not even what is inherited, enter `none`.",
    "如需不发送任何值（也不继承），请填写 `none`。",
)
INHERIT = Phrase("Inherit ({origin}: {value})", "继承（{origin}：{value}）")
INHERIT_NOTHING = Phrase("Inherit ({origin})", "继承（{origin}）")
INHERITED = Phrase("Inherited ({origin}): {value}", "继承（{origin}）：{value}")
HOLDS_BESIDES = Phrase(
    "The workspace's own holds besides: {value}", "工作区的额度同时生效：{value}"
)
FROM_WORKSPACE = Phrase("workspace", "工作区")
FROM_BUILD = Phrase("built in", "内置")
FROM_APP = Phrase("the app's own", "应用自身")
CLOSED_APP = Phrase("{name} (not open to you any more)", "{name}（已不再对您开放）")
GONE_APP = Phrase("{name} (does not exist any more)", "{name}（已不存在）")
MORE_APPS = Phrase(
    "Not every app fits into the list; type {command} for the others.",
    "列表未能包含所有应用，其余请输入 {command}。",
)
ON = Phrase("On", "开启")
OFF = Phrase("Off", "关闭")

READ_ONLY = Phrase(
    "You can look at these settings, but not change them: admins can, and where the workspace "
    "allows it, the channel's creator and managers.",
    "您可以查看但不能修改这些设置：管理员可以修改；若工作区允许，频道创建者和管理人也可以。",
)
MEANWHILE = Phrase(
    "*Nothing was saved yet: somebody else changed these settings while you did.* What you "
    "changed is below as you entered it, everything else as it is now.",
    "*尚未保存：在您编辑期间，其他人修改了这些设置。* 您修改的内容仍在下方，其余为当前的设置。",
)
DISPUTED = Phrase(
    "Both of you changed: {names}. Saving now overrides theirs.",
    "你们都修改了：{names}。现在保存会覆盖对方的修改。",
)
MEANWHILE_LINE = Phrase("• {who}: {changes}", "• {who}：{changes}")
ADMINS_SET = Phrase(
    "Only admins change this, and you are none any more: put back what was here. "
    "Nothing was changed.",
    "只有管理员可以修改此项，而您已不是管理员：请恢复原值。未作任何更改。",
)
NOTHING_NEW = Phrase("Saved; nothing was different.", "已保存，没有任何变化。")
CHANGES = Phrase("Changed:", "已修改：")
