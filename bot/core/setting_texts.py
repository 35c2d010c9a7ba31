"""What the settings are called and what they do, in both languages.

Labels and hints stay within 150 characters, labels of choices within 75: Slack shows them in modals
and takes no longer placeholder or option.
"""

from collections.abc import Mapping

from bot.core.language import Phrase
from bot.core.shapes import Choice

LABELS: Mapping[str, Phrase] = {
    "app": Phrase("App", "应用"),
    "pipeline_ids": Phrase("Knowledge bases", "知识库"),
    "file_ids": Phrase("Documents", "文档"),
    "tags": Phrase("Document tags", "文档标签"),
    "metadata_filter": Phrase("Filter by metadata", "元数据过滤"),
    "structured_filter": Phrase("Filter of tables", "表格数据过滤"),
    "biz_params": Phrase("Variables", "变量"),
    "ask": Phrase("Variables the asker gives", "由提问者填写的变量"),
    "plugins": Phrase("Plugins with the asker's token", "使用提问者令牌的插件"),
    "has_thoughts": Phrase("Report steps", "输出步骤"),
    "flow_stream_mode": Phrase("Streaming of workflows", "工作流流式模式"),
    "more": Phrase("Further request fields", "其他请求字段"),
    "history": Phrase("History", "对话历史"),
    "system": Phrase("Instruction before the history", "对话历史前的指令"),
    "follow": Phrase("Answers to", "回复范围"),
    "memory": Phrase("Long-term memory", "长期记忆"),
    "language": Phrase("Language", "语言"),
    "sources": Phrase("Sources under answers", "回答下的来源"),
    "steps": Phrase("Steps under answers", "回答下的步骤"),
    "who": Phrase("Who may ask", "谁可以提问"),
    "quota_user_turns": Phrase("Questions a day, each person", "每人每天提问数"),
    "quota_user_tokens": Phrase("Tokens a day, each person", "每人每天 token 数"),
    "quota_channel_turns": Phrase("Questions a day, each channel", "每频道每天提问数"),
    "quota_channel_tokens": Phrase("Tokens a day, each channel", "每频道每天 token 数"),
    "managers": Phrase("Managers of this channel", "频道管理人"),
    "delegate": Phrase("Channels configure themselves", "允许频道自行配置"),
}

HINTS: Mapping[str, Phrase] = {
    "app": Phrase("The app that answers here, by its name.", "在此回答的应用名称。"),
    "pipeline_ids": Phrase(
        "Up to 5 ids of knowledge bases; they replace the ones linked to the app. Agents only.",
        "最多 5 个知识库 ID，将替代应用自身关联的知识库。仅智能体应用。",
    ),
    "file_ids": Phrase(
        "Up to 5 ids of documents in these knowledge bases; only they are searched. Agents only.",
        "最多 5 个文档 ID（属于上述知识库），只检索这些文档。仅智能体应用。",
    ),
    "tags": Phrase(
        'Only documents with these tags are searched; "two words" in quotes. Agents only.',
        "只检索带有这些标签的文档；含空格的标签请加引号。仅智能体应用。",
    ),
    "metadata_filter": Phrase(
        'JSON: {{"author": "Ann", "source": ["wiki", "docs"]}}; every key must match. Agents only.',
        'JSON：{{"author": "Ann", "source": ["wiki", "docs"]}}，须全部匹配。仅智能体应用。',
    ),
    "structured_filter": Phrase(
        'JSON, columns of a table and their values: {{"price": "2999"}}. Agents only.',
        'JSON，表格的列名与值：{{"price": "2999"}}。仅智能体应用。',
    ),
    "biz_params": Phrase(
        "name=value, one a line, or JSON: a workflow's start variables, an agent's plugin values.",
        "每行一个 名称=值，或 JSON：工作流开始节点的变量，或智能体的插件参数。",
    ),
    "ask": Phrase(
        "Names of up to 10 variables that whoever asks gives as name=value, or in a form. Not for "
        "agents.",
        "最多 10 个变量名，由提问者以 名称=值 或在表单中填写。不适用于智能体应用。",
    ),
    "plugins": Phrase(
        "Up to 10 ids of plugins that get the token whoever asks has given for them. Agents only.",
        "最多 10 个插件（工具）ID，请求会带上提问者自己提供的令牌。仅智能体应用。",
    ),
    "has_thoughts": Phrase(
        "Whether the app reports what it does on its way: searches, tools, nodes.",
        "应用是否输出中间过程：检索、工具、节点。",
    ),
    "flow_stream_mode": Phrase(
        "How a workflow's answer arrives. Not for agents.",
        "工作流回答的返回方式。不适用于智能体应用。",
    ),
    "more": Phrase(
        'JSON with further fields by API name: {{"model_id": "qwen-plus", "temperature": 0.3}}; '
        "null keeps an inherited one out.",
        'JSON，按 API 名称写其他字段：{{"model_id": "qwen-plus", "temperature": 0.3}}；'
        "null 表示不发送所继承的字段。",
    ),
    "history": Phrase(
        "How the app learns what was said before in a thread.",
        "应用如何得知同一消息列中之前的对话。",
    ),
    "system": Phrase(
        "What the model is told before the thread; only while History is `messages`.",
        "在消息列内容之前告知模型的指令；仅当对话历史为 `messages` 时有效。",
    ),
    "follow": Phrase(
        "Whether messages in a thread with the bot need a mention of it.",
        "在有机器人参与的消息列中，是否需要提及机器人才会回复。",
    ),
    "memory": Phrase(
        "Whether the app remembers people between conversations. Public channels share that; "
        "private ones do only with a `shared` of their own.",
        "应用是否在多次对话之间记住用户。公开频道共用记忆；私有频道单独记忆，"
        "除非其自身设为 `shared`。",
    ),
    "language": Phrase(
        "The language of the bot's own sentences; the app answers in its own.",
        "机器人自身提示语的语言；应用的回答不受影响。",
    ),
    "sources": Phrase(
        "Whether the documents an answer quotes are listed under it.",
        "是否在回答下方列出所引用的文档。",
    ),
    "steps": Phrase(
        "Whether a finished answer keeps a line of the steps it took.",
        "回答完成后是否保留一行步骤说明。",
    ),
    "who": Phrase(
        "Any of: admins, members, guests, external (people of other organizations).",
        "可选：admins（管理员）、members（成员）、guests（访客）、external（其他组织的人）。",
    ),
    "quota_user_turns": Phrase(
        "How many questions each person may ask a UTC day, or off.",
        "每人每天（UTC）可提问的次数，或 off。",
    ),
    "quota_user_tokens": Phrase(
        "How many tokens each person's questions and answers may use a UTC day, or off.",
        "每人每天（UTC）的问答可使用的 token 数，或 off。",
    ),
    "quota_channel_turns": Phrase(
        "How many questions may be asked in each channel a UTC day, or off.",
        "每个频道每天（UTC）可提问的次数，或 off。",
    ),
    "quota_channel_tokens": Phrase(
        "How many tokens the questions and answers of each channel may use a UTC day, or off.",
        "每个频道每天（UTC）的问答可使用的 token 数，或 off。",
    ),
    "managers": Phrase(
        "People who may change this channel's settings, while channels configure themselves.",
        "可以修改本频道设置的人；仅在允许频道自行配置时有效。",
    ),
    "delegate": Phrase(
        "Whether a channel's creator and managers may change its settings.",
        "频道创建者和频道管理人是否可以修改该频道的设置。",
    ),
}

CHOICES: Mapping[str, tuple[Choice, ...]] = {
    "flow_stream_mode": (
        Choice("message_format", Phrase("Messages of answering nodes", "回答节点的消息")),
        Choice("message_format_plus", Phrase("Messages of all nodes", "所有节点的消息")),
        Choice("agent_format", Phrase("One text, as an agent streams", "与智能体相同的单一文本")),
        Choice("full_thoughts", Phrase("Results of all nodes", "所有节点的结果")),
        Choice("none", Phrase("None of these: the bot's own choice", "不指定：由机器人选择")),
    ),
    "history": (
        Choice("session", Phrase("DashScope keeps it (session)", "由百炼保存（会话）")),
        Choice("messages", Phrase("Read from the thread each time", "每次从消息列读取")),
        Choice("off", Phrase("None: each question by itself", "无：每个问题独立")),
    ),
    "follow": (
        Choice("mention", Phrase("Mentions only", "仅在被提及时")),
        Choice("thread", Phrase("Every message in its threads", "其消息列中的每条消息")),
    ),
    "memory": (
        Choice("on", Phrase("On", "开启")),
        Choice("off", Phrase("Off", "关闭")),
        Choice("separate", Phrase("On, separate from other places", "开启，与其他地方分开")),
        Choice("shared", Phrase("On, shared even if private", "开启，私有频道也共用")),
    ),
    "language": (
        Choice("auto", Phrase("The asker's own", "跟随提问者")),
        Choice("en", Phrase("English", "English")),
        Choice("zh", Phrase("中文", "中文")),
    ),
    "who": (
        Choice("admins", Phrase("Admins", "管理员")),
        Choice("members", Phrase("Members", "成员")),
        Choice("guests", Phrase("Guests", "访客")),
        Choice("external", Phrase("People of other organizations", "其他组织的人")),
    ),
}
