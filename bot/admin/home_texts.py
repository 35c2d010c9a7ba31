"""What the Home tab says, in both languages, in mrkdwn."""

from bot.core.language import Phrase

WHAT_I_AM = Phrase(
    "I answer questions with Model Studio apps. Write me a direct message, or mention me in a "
    "channel; each thread is a conversation of its own.",
    "我使用百炼应用回答问题。可以给我发私信，也可以在频道中提及我；每个消息列都是独立的对话。",
)
ANSWERS = Phrase("**Answers your direct messages:** {name}", "**回答您私信的应用**：{name}")
MEMORY = Phrase("What is remembered of you", "关于您的记忆")
APART = Phrase(
    "**What is remembered for one place alone**, also where it does not count at present:",
    "**仅用于某一处的记忆**（包括目前不使用的）：",
)
HELP = Phrase("{command} lists everything you can do.", "输入 {command} 查看所有功能。")
