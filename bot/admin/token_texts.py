"""What the bot says about people's own tokens for plugins, in both languages."""

from bot.core.language import Phrase

TITLE = Phrase(
    "**Your tokens for plugins** go along with your own questions, and only to apps that use the "
    "plugin where you ask. Nobody can read them, neither admins nor you.",
    "**您的插件令牌**只随您自己的提问发送，且仅发送给在该处使用此插件的应用。任何人都无法查看，"
    "包括管理员和您本人。",
)
NONE = Phrase("You have given none.", "您尚未提供任何令牌。")
KEPT = Phrase("{tool}: kept", "{tool}：已保存")
KEPT_USED = Phrase("{tool}: kept, and used here", "{tool}：已保存，在此处使用")
WANTED = Phrase("{tool}: used here, and you have given none", "{tool}：在此处使用，您尚未提供")
NONE_GOES = Phrase("None goes along here. {reason}", "在此处不会发送任何令牌。{reason}")
LOCKED = Phrase(
    "No token can be kept: the bot runs without `ENCRYPTION_KEYS`. Nothing was changed.",
    "无法保存令牌：机器人未设置 `ENCRYPTION_KEYS`。未作任何更改。",
)
WITHOUT = Phrase(
    "The bot runs without `ENCRYPTION_KEYS`, so nobody can give a token: these plugins are asked "
    "without one.",
    "机器人未设置 `ENCRYPTION_KEYS`，因此无法提供令牌：调用这些插件时不带令牌。",
)
NEVER_TYPED = Phrase(
    "Never type a token into a command: Slack keeps it in your history. Nothing was changed. If "
    "that was one, consider it known to others; {command} alone has buttons for it.",
    "请不要在命令里输入令牌：Slack 会把它留在输入记录中。未作任何更改。如果刚才输入的是令牌，"
    "请视为已泄露；只输入 {command} 即可用按钮操作。",
)
FULL = Phrase(
    "You have {most} tokens, which is the most there can be: remove one first.",
    "您已有 {most} 个令牌，达到上限：请先移除一个。",
)
SAVED = Phrase(
    "Your token for {tool} is kept. From your next question on it goes along where the plugin is "
    "used.",
    "已保存您用于 {tool} 的令牌，从您的下一个问题起，在使用此插件的地方生效。",
)
REMOVED = Phrase(
    "Your token for {tool} is forgotten, from your next question on.",
    "已删除您用于 {tool} 的令牌，从您的下一个问题起生效。",
)

ADD = Phrase("Add a token", "添加令牌")
REPLACE = Phrase("Replace {tool}", "更换 {tool}")
REMOVE = Phrase("Remove {tool}", "移除 {tool}")
SURE = Phrase("Forget your token for {tool}?", "确定删除您用于 {tool} 的令牌？")

FORM_TITLE = Phrase("Your token", "您的令牌")
FORM_PROSE = Phrase(
    "The token goes along with your own questions only. It is kept encrypted and never shown.",
    "令牌只随您自己的提问发送，加密保存，不会显示。",
)
TOOL_LABEL = Phrase("Plugin (tool id)", "插件（工具 ID）")
TOOL_HINT = Phrase(
    "Whoever runs the app knows it; `/dashscope tokens` names those used here.",
    "可向应用负责人询问；`/dashscope tokens` 会列出此处使用的插件。",
)
TOKEN_LABEL = Phrase("Token", "令牌")
TOKEN_HINT = Phrase("From your own account in that service.", "来自您在该服务中的账号。")
