"""What the pages around installing the bot say."""

from bot.core.language import Phrase

INSTALLED = Phrase(
    "{app} is in {team} now. Mention it in a channel it was invited to, or write it a message; "
    "admins begin with /dashscope help.",
    "{app} 已加入 {team}。在邀请了它的频道里提及它，或给它发私信；"
    "管理员请从 /dashscope help 开始。",
)
OPEN_SLACK = Phrase("Open Slack", "打开 Slack")
TRY_AGAIN = Phrase("Try again", "重试")
CANCELLED = Phrase("Nothing was installed: you cancelled.", "已取消，未安装任何内容。")
NOT_YOURS = Phrase(
    "Nothing was installed: this page was not reached from the install link in this browser, "
    "or more than ten minutes ago.",
    "未安装任何内容：请在同一浏览器中从安装链接进入，并在十分钟内完成。",
)
REFUSED = Phrase(
    "Nothing was installed: Slack refused ({code}).", "未安装任何内容：Slack 拒绝了请求（{code}）。"
)
UNREACHABLE = Phrase(
    "Nothing was installed: Slack did not answer as it should.",
    "未安装任何内容：Slack 未正常响应。",
)
NOT_KEPT = Phrase(
    "Nothing was installed: the bot's database did not take it.",
    "未安装任何内容：机器人的数据库未能保存。",
)
WHOLE_ORG = Phrase(
    "Nothing was installed: the bot joins single workspaces, not whole organizations.",
    "未安装任何内容：机器人只能加入单个工作区，不能用于整个组织。",
)
LOCKED = Phrase(
    "Installing is off: the bot has no key to keep tokens with (ENCRYPTION_KEYS).",
    "安装已关闭：机器人没有用于保存令牌的密钥（ENCRYPTION_KEYS）。",
)
