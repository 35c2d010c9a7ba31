"""What `/dashscope usage` and the files say, in both languages."""

from collections.abc import Mapping

from bot.core.language import Phrase

HOW = Phrase(
    "Type `usage`, then, as you like, how many days (`today`, `7`, `30`, `90`; at most {most}), "
    "whose (`me`, `channel`, `all`), and `csv` for a file.",
    "输入 `usage`，之后可加天数（`today`、`7`、`30`、`90`，最多 {most}）、"
    "范围（`me`、`channel`、`all`），以及 `csv`（导出文件）。",
)
NARROWED = Phrase(
    "Only admins see what others used, so this is yours alone.",
    "只有管理员可以查看他人的用量，以下仅为您自己的用量。",
)

MINE = Phrase("Your usage", "您的用量")
MINE_HERE = Phrase("Your usage in this channel", "您在此频道的用量")
HERE = Phrase("Usage in this channel", "此频道的用量")
EVERYBODYS = Phrase("Usage of the whole workspace", "整个工作区的用量")
SPAN = Phrase("{whose}, {since} to {until} (UTC)", "{whose}，{since} 至 {until}（UTC）")
NOTHING = Phrase("Nothing was used.", "没有用量。")

TOTAL = Phrase(
    "Questions: {turns:,}. Input tokens: {input:,}. Output tokens: {output:,}.",
    "提问数：{turns:,}。输入 token：{input:,}。输出 token：{output:,}。",
)
DAY = Phrase("Day", "日期")
MODEL = Phrase("Model", "模型")
PERSON = Phrase("Person", "用户")
CHANNEL = Phrase("Channel", "频道")
TURNS = Phrase("Questions", "提问数")
INPUT = Phrase("Input tokens", "输入 token")
OUTPUT = Phrase("Output tokens", "输出 token")
MORE = Phrase("{count} more", "其余 {count} 项")
NO_MODEL = Phrase("no model known", "模型未知")
DIRECT = Phrase("direct messages", "私信")
MODELS_SHARE = Phrase(
    "A question that used two models counts in both rows.", "一次提问若使用两个模型，会计入两行。"
)

QUOTA = Phrase("Today's quota", "今日额度")
USED = Phrase("Used", "已用")
LIMIT = Phrase("Limit", "上限")
QUOTAS: Mapping[tuple[str, str], Phrase] = {
    ("user", "workspace"): Phrase("yours, {unit}", "您的额度，{unit}"),
    ("user", "channel"): Phrase("yours in this channel, {unit}", "您在此频道的额度，{unit}"),
    ("channel", "channel"): Phrase("this channel's, {unit}", "此频道的额度，{unit}"),
}
"""By whose use is counted, and where."""
UNIT_TURNS = Phrase("questions", "提问数")
UNIT_TOKENS = Phrase("tokens", "token")

CHART_COMES = Phrase(
    "A picture of it comes to your direct messages with me.", "图表将发送到您与我的私信中。"
)
CHART_LABEL = Phrase("{label}: {name}", "{label}：{name}")
CSV_SENT = Phrase(
    "{name} is in your direct messages with me (rows: {rows:,}).",
    "{name} 已发送到您与我的私信中（行数：{rows:,}）。",
)
CUT = Phrase(
    "It ends after {rows:,} rows; there is more.", "文件仅包含前 {rows:,} 行，还有更多内容。"
)
AUDIT = Phrase(
    "All changes of settings and apps, the newest first", "所有设置和应用的更改，最新的在前"
)
NO_AUDIT = Phrase("Nothing was changed yet.", "尚无任何更改。")

NO_SCOPE = Phrase(
    "I could not send you the file: the bot lacks the scope `files:write` or `im:write`. "
    "Please tell whoever runs it.",
    "无法向您发送文件：机器人缺少 `files:write` 或 `im:write` 权限，请告知负责维护的人员。",
)
NOT_SENT = Phrase(
    "Slack did not take the file I wanted to send you. Please try again in a minute.",
    "Slack 没有接收要发送给您的文件，请一分钟后再试。",
)
