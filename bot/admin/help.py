"""`help`: every command in one list, and each by itself."""

from collections.abc import Iterable, Mapping

from bot.admin.marks import code
from bot.admin.ports import Visit
from bot.admin.replies import typeable
from bot.core import texts
from bot.core.commands import WORKSPACE_WORDS
from bot.core.language import Language, Phrase
from bot.core.screens import Notice
from bot.core.setting import SETTINGS, Setting, by_command

_COMMANDS: Mapping[str, tuple[Phrase, Phrase]] = {
    "status": (
        Phrase("which app answers here, what is left today, how everything is",
               "此处由哪个应用回答、今日剩余额度以及运行状况"),
        Phrase("Looks at Slack and DashScope for a moment; it costs no tokens.",
               "会短暂检查 Slack 和 DashScope，不消耗 token。"),
    ),
    "show": (
        Phrase("every setting here and where it comes from", "此处的所有设置及其来源"),
        Phrase("A setting's own words, typed alone, show just that one.",
               "只输入某个设置项的命令，则只显示该项。"),
    ),
    "config": (
        Phrase("change the settings here in a form", "用表单更改此处的设置"),
        Phrase("Each setting can be typed as well: its words, then its value.",
               "也可以直接输入设置项的命令和新值。"),
    ),
    "apps": (
        Phrase("the DashScope apps that can be chosen; admins add, edit, test and remove them",
               "可选择的 DashScope 应用；管理员可添加、编辑、测试和移除"),
        Phrase("`apps add`, `apps edit NAME`, `apps test NAME`, `apps remove NAME`.",
               "`apps add`、`apps edit NAME`、`apps test NAME`、`apps remove NAME`。"),
    ),
    "usage": (
        Phrase("questions and tokens; your own, and everybody's for admins",
               "提问数和 token 用量；管理员可查看所有人的用量"),
        Phrase("`usage today`, `usage 30 days`, then `channel`, `me` or `all`, and `csv` for a "
               "file.",
               "`usage today`、`usage 30 days`，后面可加 `channel`、`me` 或 `all`；"
               "加 `csv` 得到文件。"),
    ),
    "audit": (
        Phrase("who changed what here (admins)", "谁在此更改过什么（管理员）"),
        Phrase("`audit all` is for the whole workspace, `audit csv` sends it as a file.",
               "`audit all` 查看整个工作区，`audit csv` 以文件发送。"),
    ),
    "tokens": (
        Phrase("your own tokens for plugins", "您自己的插件令牌"),
        Phrase("They are entered in a form, and go along with your own questions only.",
               "令牌在表单中填写，只随您自己的提问发送。"),
    ),
    "new": (
        Phrase("how a new conversation begins; in direct messages, begin anew",
               "如何开始新的对话；在私信中则重新开始"),
        Phrase("In a thread, say `start afresh` to me, or use the shortcut “Start afresh here”.",
               "在消息列中，请对我说 `重新开始`，或使用快捷方式“Start afresh here”。"),
    ),
    "undo": (
        Phrase("take back the last change here", "撤销此处的上一次更改"),
        Phrase("Undoing twice makes the change again.", "连续撤销两次会恢复该更改。"),
    ),
    "reset": (
        Phrase("take away what is set here: `reset follow`, `reset all`",
               "清除此处的设置：`reset follow`、`reset all`"),
        Phrase("What is inherited holds then.", "之后使用继承的设置。"),
    ),
    "memory": (
        Phrase("what is remembered of you here: see, correct, delete, switch off",
               "此处记住的关于您的内容：查看、更正、删除、关闭"),
        Phrase("`memory on`, `off`, `separate` and `shared` are the channel's setting; in "
               "direct messages `memory off` switches it off for you alone. Admins: "
               "`memory id @user private|channels|#channel ID|none`.",
               "`memory on`、`off`、`separate`、`shared` 是频道设置；在私信中 `memory off` "
               "仅对您关闭。管理员：`memory id @user private|channels|#channel ID|none`。"),
    ),
}  # fmt: skip
_TITLE = Phrase("**Commands**, each after {slash}:", "**命令**，均写在 {slash} 之后：")
_SETTINGS = Phrase(
    "**Settings**: alone they explain themselves; with a value they are changed; with `inherit` "
    "the own value goes; with `none` what is sent to the app is not inherited either.",
    "**设置项**：单独输入查看说明，加上值进行更改，加上 `inherit` 清除此处的值；"
    "发送给应用的选项加上 `none` 则不发送，也不继承。",
)
_WORKSPACE = Phrase(
    "`workspace` in front of any of them means the defaults of the whole workspace, such as "
    "{example}.",
    "在命令前加 `workspace` 表示整个工作区的默认设置，例如 {example}。",
)
_MORE = Phrase("{command} explains one of them.", "{command} 查看其中一项的说明。")
_NO_TOPIC = Phrase("There is no help about {topic}.", "没有关于 {topic} 的帮助。")


def show_help(visit: Visit, topic: str) -> Notice:
    """Return help about everything, or about one command or setting."""
    language = visit.language
    words = topic.casefold().split()
    if not words:
        return Notice(_everything(language))
    found = by_command(words)
    if found is not None:
        setting = found[0]
        label, name = setting.label.say(language), code(setting.command)
        parts = [f"**{label}** ({name})", setting.hint.say(language)]
        parts += [f"- {code(each.value)} {each.label.say(language)}" for each in setting.choices]
        if setting.command in _COMMANDS:  # it does more than being set
            parts += [phrase.say(language) for phrase in _COMMANDS[setting.command]]
        return Notice("\n\n".join(parts))
    if words[0] in _COMMANDS:
        what, further = _COMMANDS[words[0]]
        return Notice(f"{code(words[0])}: {what.say(language)}\n\n{further.say(language)}")
    if words[0] in WORKSPACE_WORDS:
        return Notice(_about_workspace(language))
    family = [each for each in SETTINGS.values() if each.command.split()[0] == words[0]]
    if family:
        return Notice("\n".join(_listed(family, language=language)))
    return Notice(f"{_NO_TOPIC.say(language, topic=code(topic))} {_everything(language)}")


def _everything(language: Language) -> str:
    commands = [f"- {code(name)} {what.say(language)}" for name, (what, _) in _COMMANDS.items()]
    settings = _listed(SETTINGS.values(), language=language)
    return "\n".join(
        [
            texts.HELP.say(language),
            "",
            _TITLE.say(language, slash=code("/dashscope")),
            "",
            *commands,
            "",
            _SETTINGS.say(language),
            "",
            *settings,
            "",
            _about_workspace(language),
            _MORE.say(language, command=typeable("help", "follow")),
        ]
    )


def _listed(settings: Iterable[Setting], *, language: Language) -> list[str]:
    return [f"- {code(setting.command)} {setting.label.say(language)}" for setting in settings]


def _about_workspace(language: Language) -> str:
    return _WORKSPACE.say(language, example=typeable("workspace", "follow", "thread"))
