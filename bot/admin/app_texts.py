"""What the bot says about apps, in both languages."""

from collections.abc import Mapping

from bot.core.language import Phrase

REGIONS: Mapping[str, Phrase] = {
    "beijing": Phrase("China (Beijing)", "中国（北京）"),
    "singapore": Phrase("International (Singapore)", "国际（新加坡）"),
    "hongkong": Phrase("China (Hong Kong)", "中国（香港）"),
}
"""The words for the shared addresses; `app_addresses.BASE_URLS` has the same keys."""

# What is wrong with what somebody entered.

BAD_NAME = Phrase(
    "A name is 1 to 32 letters, digits, _ or -.", "名称为 1 到 32 个字母、数字、_ 或 -。"
)
RESERVED_NAME = Phrase(
    "“{name}” means something else where an app is named; choose another name.",
    "“{name}” 在填写应用名称处另有含义，请换一个名称。",
)
TAKEN_NAME = Phrase("There is an app called {name} already.", "已经有名为 {name} 的应用。")
BAD_APP_ID = Phrase(
    "An app id is letters, digits, _ and -; copy it from the app's card in Model Studio.",
    "应用 ID 只含字母、数字、_ 和 -，请从百炼控制台的应用卡片上复制。",
)
BAD_KIND = Phrase(
    "The kind is one of agent, workflow, dialog_workflow, orchestration.",
    "类型只能是 agent、workflow、dialog_workflow 或 orchestration。",
)
BAD_REGION = Phrase(
    "The region is one of beijing, singapore, hongkong; for any other give base_url.",
    "地域只能是 beijing、singapore 或 hongkong；其他地域请填写 base_url。",
)
BAD_BASE_URL = Phrase(
    "The address begins with https:// and ends in /api/v1, with no user, ? or #, and its "
    "host is one on the internet.",
    "地址须以 https:// 开头、以 /api/v1 结尾，不含用户名、? 和 #，且主机须在公网上。",
)
TWO_ADDRESSES = Phrase(
    "Give a region or another address, not both: either choose “another address” as the region, "
    "or leave this empty.",
    "地域和其他地址只能二选一：请将地域选为“其他地址”，或将此项留空。",
)
NO_ADDRESS = Phrase("Give the address, or a region.", "请填写地址，或选择一个地域。")
BAD_WORKSPACE = Phrase(
    "A workspace id is 1 to 64 letters, digits, _ and -, and begins with a letter or digit.",
    "业务空间 ID 为 1 到 64 个字母、数字、_ 和 -，且以字母或数字开头。",
)
NO_OBJECT = Phrase(
    'This must be a JSON object, such as {{"has_thoughts": true}}.',
    '此处须为 JSON 对象，例如 {{"has_thoughts": true}}。',
)
BAD_OPTION = Phrase("{name}: {reason}", "{name}：{reason}")
BAD_OPEN = Phrase("open is yes or no.", "open 只能是 yes 或 no。")
BAD_KEY = Phrase(
    "A key holds no spaces or other odd characters; copy it again.",
    "API Key 不含空格等特殊字符，请重新复制。",
)
TWO_KEYS = Phrase(
    "Either enter a key or tick “use the bot's own key”, not both.",
    "填写 API Key 与勾选“使用机器人自带的 Key”只能二选一。",
)
KEYS_ARE_LOCKED = Phrase(
    "No key can be kept: the bot runs without ENCRYPTION_KEYS.",
    "无法保存 API Key：机器人未设置 ENCRYPTION_KEYS。",
)
NEEDS_OWN_KEY = Phrase(
    "The bot's own key goes to Model Studio's addresses only; this one needs a key of its own.",
    "机器人自带的 API Key 只会发送到百炼的地址；此地址需要单独的 API Key。",
)
NEEDS_KEY_AGAIN = Phrase(
    "The host is another one: enter the key again, so that the old one is not sent there.",
    "主机已更换：请重新填写 API Key，以免旧的 Key 被发送过去。",
)
NO_SECRETS_HERE = Phrase(
    "Never type a key into a command, Slack keeps it in your history. "
    "Nothing was changed; consider that key known to others, and enter keys in the form: {command}",
    "请不要在命令里输入 API Key，Slack 会把它留在输入记录中。"
    "未作任何更改；请视该 Key 为已泄露，并在表单中填写 Key：{command}",
)
UNKNOWN_FIELD = Phrase("There is no field {field}.", "没有名为 {field} 的字段。")
MISSING_FIELD = Phrase("This is needed.", "此项必填。")

# The form.

ADD_TITLE = Phrase("Add an app", "添加应用")
EDIT_TITLE = Phrase("Edit an app", "编辑应用")
FRESH_SESSIONS = Phrase(
    "With another app id, address or workspace, threads that use it start fresh sessions.",
    "更换应用 ID、地址或业务空间后，使用此应用的消息列会开始新的会话。",
)
LABELS: Mapping[str, Phrase] = {
    "name": Phrase("Name in Slack", "在 Slack 中的名称"),
    "app_id": Phrase("App id", "应用 ID"),
    "kind": Phrase("Kind", "类型"),
    "region": Phrase("Region", "地域"),
    "base_url": Phrase("Another address", "其他地址"),
    "workspace": Phrase("Workspace id", "业务空间 ID"),
    "api_key": Phrase("API key", "API Key"),
    "bot_key": Phrase("Key of the bot", "机器人的 Key"),
    "open": Phrase("Direct messages", "私信"),
    "options": Phrase("Default options (JSON)", "默认选项（JSON）"),
}
HINTS: Mapping[str, Phrase] = {
    "name": Phrase("Letters, digits, _ and -; at most 32.", "字母、数字、_ 和 -，最多 32 个。"),
    "app_id": Phrase("On the app's card in Model Studio.", "见百炼控制台的应用卡片。"),
    "kind": Phrase(
        "What the app was built as; it decides which settings it can use.",
        "应用创建时的类型，决定可以使用哪些设置。",
    ),
    "region": Phrase(
        "App, workspace and key must all be of one region.",
        "应用、业务空间和 API Key 须属于同一地域。",
    ),
    "base_url": Phrase(
        "For example a workspace's own gateway: https://llm-….cn-beijing.maas.aliyuncs.com/api/v1",
        "例如业务空间专属网关：https://llm-….cn-beijing.maas.aliyuncs.com/api/v1",
    ),
    "workspace": Phrase(
        "Only for an app in a sub-workspace; begins with llm-.",
        "仅当应用在子业务空间时填写，以 llm- 开头。",
    ),
    "options": Phrase(
        'Fields of the API by name, such as {{"has_thoughts": true}}; channels may override them.',
        '以 API 字段名书写，例如 {{"has_thoughts": true}}；频道可以覆盖。',
    ),
}
"""By the names of an app's fields; what the key's says depends on whether there is one."""

OTHER_ADDRESS = Phrase("Another address (below)", "其他地址（填在下面）")
KEY_HINT_NONE = Phrase("Empty: the bot's own key is used.", "留空则使用机器人自带的 Key。")
KEY_HINT_OWN = Phrase("Empty: the present key stays.", "留空则保留当前的 Key。")
KEYS_PROSE = Phrase(
    "This app uses the bot's own API key. Keys of its own can be entered here once the bot runs "
    "with `ENCRYPTION_KEYS`.",
    "此应用使用机器人自带的 API Key。机器人设置 `ENCRYPTION_KEYS` 后，可在此填写单独的 Key。",
)
BOT_KEY_OPTION = Phrase(
    "Forget this app's key and use the bot's own", "删除此应用的 Key，改用机器人自带的"
)
OPEN_OPTION = Phrase("Everybody may choose it, not only admins", "所有人都可选用，不限于管理员")

# The commands.

NO_APPS = Phrase(
    "No app is registered besides `default`, the one the bot was started with.",
    "除启动时自带的 `default` 外，尚未登记应用。",
)
COLUMNS = (
    Phrase("name", "名称"),
    Phrase("kind", "类型"),
    Phrase("region or host", "地域或主机"),
    Phrase("workspace", "业务空间"),
    Phrase("key", "API Key"),
    Phrase("open to everybody", "对所有人开放"),
    Phrase("used in places", "使用处"),
)
OWN_KEY = Phrase("its own", "单独的")
BOT_KEY = Phrase("the bot's", "机器人自带")
YES = Phrase("yes", "是")
NO = Phrase("no", "否")
MORE_APPS = Phrase("…and {count} more.", "……另有 {count} 个。")
ADD = Phrase("Add an app", "添加应用")
EDIT = Phrase("Edit {name}", "编辑 {name}")
TEST = Phrase("Test {name}", "测试 {name}")
REMOVE = Phrase("Remove {name}", "移除 {name}")

ADDED = Phrase("Added the app {name}.", "已添加应用 {name}。")
EDITED = Phrase("Changed the app {name}:", "已修改应用 {name}：")
FRESH_SESSIONS_NOW = Phrase(
    "Threads that use this app start fresh sessions.", "使用此应用的消息列会开始新的会话。"
)
UNCHANGED = Phrase("Nothing to change: {name} is like that already.", "{name} 已是如此，未作更改。")
USE_IT = Phrase("Use it in a channel with {command}.", "在频道中输入 {command} 即可使用。")
REMOVED = Phrase("Removed the app {name}.", "已移除应用 {name}。")
SURE = Phrase(
    "{name} is used nowhere. What was set for it goes with it; Undo brings it back.",
    "没有任何地方使用 {name}。为它设置的内容会一并移除；可以撤销。",
)
SURE_CONFIRM = Phrase("Remove the app {name}?", "确定移除应用 {name}？")
IN_USE = Phrase(
    "{name} is in use, so it stays. First choose another app there, or remove it and let these "
    "places inherit theirs: {places}",
    "{name} 正在使用，不能移除。请先在以下位置改用其他应用，或移除并使其继承：{places}",
)
REMOVE_EVERYWHERE = Phrase("Remove {name}, and inherit there", "移除 {name} 并继承")
INHERITED_NOW = Phrase("These places inherit theirs now: {places}", "以下位置现已继承：{places}")
CHOSEN_AGAIN = Phrase(
    "It is the choice of these places again: {places}", "以下位置再次使用此应用：{places}"
)
DEFAULT_STAYS = Phrase(
    "`default` is the app the bot was started with; whoever runs the bot changes it there.",
    "`default` 是机器人启动时自带的应用，只能由机器人的维护者修改。",
)
CHANGED_MEANWHILE = Phrase(
    "Somebody changed {name} in the meantime, so nothing was done. Look again with {command}.",
    "{name} 刚被其他人修改，因此未执行。请用 {command} 重新查看。",
)
USAGE = Phrase("Write it like this:\n{lines}", "用法：\n{lines}")
NOTHING_SAVED = Phrase("Nothing was changed:", "未作任何更改：")

# Tests.

WORKS = Phrase("{name} works: it answered in {ms} ms.", "{name} 工作正常：{ms} 毫秒内应答。")
LOOKS_LIKE_WORKFLOW = Phrase(
    "{name} answered in {ms} ms, but this looks like a workflow, and it is asked as an agent: some "
    "questions would be asked twice.",
    "{name} 在 {ms} 毫秒内应答，但它像是工作流，现在却按智能体应用提问：有些问题会被提问两次。",
)
CORRECT_KIND = Phrase(
    "Correct its kind: {command}, or `dialog_workflow` or `orchestration`, as it was built.",
    "请更正其类型：{command}，或 `dialog_workflow`、`orchestration`，以创建时的类型为准。",
)
CORRECT_DEFAULT_KIND = Phrase(
    "Whoever runs the bot corrects its kind: `DASHSCOPE_APP_KIND`.",
    "请机器人的维护者更正其类型：`DASHSCOPE_APP_KIND`。",
)
KEY_REFUSED = Phrase(
    "{name}: the key was refused. It is wrong, or it belongs to another region: "
    "a key works only in the region it was made in, and this app is asked in {where}.",
    "{name}：API Key 被拒绝。Key 有误，或属于其他地域：Key 只在创建它的地域有效，"
    "而此应用的地址在 {where}。",
)
APP_UNKNOWN = Phrase(
    "{name}: DashScope does not know this app for this key. Check the app id, the workspace id "
    "({workspace}) and the region ({where}).",
    "{name}：该 API Key 下没有此应用。请检查应用 ID、业务空间 ID（{workspace}）和地域（{where}）。",
)
NOT_PUBLISHED = Phrase(
    "{name} is not published yet: publish it in Model Studio.",
    "{name} 尚未发布：请在百炼控制台发布。",
)
REDIRECTED = Phrase(
    "{name}: the address answers with a redirect, which is never followed. Check base_url.",
    "{name}：该地址返回了重定向，机器人不会跟随。请检查 base_url。",
)
UNPAID = Phrase(
    "{name}: the account is unpaid, overdue or out of free quota.",
    "{name}：账号欠费、逾期或免费额度已用完。",
)
THROTTLED = Phrase(
    "{name} can be reached, but is throttled right now. Test again in a minute.",
    "{name} 可以访问，但正在限流。请一分钟后再测试。",
)
UNREACHABLE = Phrase(
    "{name} cannot be reached at {where}. Check the address and the network of the bot.",
    "无法通过 {where} 访问 {name}。请检查地址和机器人所在的网络。",
)
TOO_SLOW = Phrase(
    "{name} did not answer within {seconds} s. It may still work: answers have longer than that.",
    "{name} 在 {seconds} 秒内没有应答。它仍可能正常：正式回答的时限更长。",
)
BLOCKED = Phrase(
    "{name} can be reached, but content safety rules refused even the test question.",
    "{name} 可以访问，但测试问题被内容安全规则拦截。",
)
REFUSED = Phrase(
    "{name} can be reached, but it refused the test question, asked as {kind}: it may be of "
    "another kind, or need variables or options.",
    "{name} 可以访问，但拒绝了按{kind}提出的测试问题：它可能属于其他类型，或需要变量或选项。",
)
BROKE = Phrase(
    "{name} can be reached, but the app or one of its nodes failed.",
    "{name} 可以访问，但应用或其中的节点执行失败。",
)
GARBLED = Phrase(
    "{name}: something answers at {where}, but not in DashScope's way. Check base_url.",
    "{name}：{where} 有应答，但不是 DashScope 的格式。请检查 base_url。",
)
KEY_UNREADABLE = Phrase(
    "{name}: its key cannot be read with the bot's ENCRYPTION_KEYS. Enter the key again: {command}",
    "{name}：无法用机器人的 ENCRYPTION_KEYS 解密其 API Key，请重新填写：{command}",
)
REFERENCE = Phrase(
    "(code {code}, request id {request_id})", "（错误码 {code}，请求 ID {request_id}）"
)

# When something is in the way.

APP_MEANWHILE = Phrase(
    "*Nothing was saved yet: somebody else changed this app while you did.* Both of you changed: "
    "{names}. Your entries are below, but for a key, which must be entered again; saving now "
    "overrides theirs. Everything else is as it is now.",
    "*尚未保存：在您编辑期间，其他人修改了此应用。* 你们都修改了：{names}。"
    "您填写的内容仍在下方（API Key 需重新填写），现在保存会覆盖对方的修改；其余为当前的设置。",
)
