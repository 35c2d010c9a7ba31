"""Why a file is not passed on to an app, as one sentence for whoever attached it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.files import FORMATS, Family, FileNote, plain_name
from bot.core.language import Language, Phrase

_FORMATS = [ending.upper() for ending, each in FORMATS.items() if each.family is not Family.TEXT]

TOO_MANY = Phrase(
    "I read at most {limit} files of a message; the others were left out.",
    "每条消息最多读取 {limit} 个文件，其余文件已忽略。",
)
TOO_LARGE = Phrase(
    "I left out {names}: of a file like this I read at most {limit}.",
    "已忽略{names}：此类文件最多读取 {limit}。",
)
TOO_MUCH_TEXT = Phrase(
    "I left out {names}: text files may have {limit} together.",
    "已忽略{names}：文本文件总量最多 {limit}。",
)
UNKNOWN_KIND = Phrase(
    f"I left out {{names}}: I read only plain text, {', '.join(_FORMATS)}.",
    f"已忽略{{names}}：仅支持纯文本、{'、'.join(_FORMATS)}。",
)
NO_WAY = Phrase(
    "I left out {names}: to pass on images and documents, whoever runs me must set PUBLIC_URL.",
    "已忽略{names}：需要维护者设置 PUBLIC_URL 后才能转交图片和文档。",
)
NO_IMAGES = Phrase(
    "I left out {names}: the app here takes no images.", "已忽略{names}：此处的应用不接受图片。"
)
NO_DOCUMENTS = Phrase(
    "I left out {names}: the app here takes no documents.",
    "已忽略{names}：此处的应用不接受文档。",
)
KEPT_ELSEWHERE = Phrase(
    "I left out {names}: what is kept outside Slack I cannot open.",
    "已忽略{names}：无法打开保存在 Slack 之外的文件。",
)
NOT_THERE = Phrase(
    "I left out {names}: not there any more, or not for me to see.",
    "已忽略{names}：已不存在或无权查看。",
)
NOT_FETCHED = Phrase("I could not fetch {names}. Please try again.", "无法获取{names}，请重试。")
TOO_SLOW = Phrase(
    "I left out {names}: it took too long. Please try again.",
    "已忽略{names}：读取耗时过长，请重试。",
)
NOT_TAKEN = Phrase(
    "I left out {names}: not accepted where the app here reads files.",
    "已忽略{names}：此处的应用未能接收。",
)
NOT_PERMITTED = Phrase(
    "I may not open files in this workspace: the permission files:read is missing.",
    "无法打开此工作区的文件：缺少权限 files:read。",
)
NO_PLACE = Phrase(
    "I left out {names}: the app here takes {limit} uploads at most, those set for it included.",
    "已忽略{names}：此处的应用最多接收 {limit} 个上传的文件，包括设置中指定的文件。",
)
EMPTY = Phrase("I left out {names}: there is nothing inside.", "已忽略{names}：内容为空。")
NO_TEXT = Phrase(
    "I left out {names}: no readable text is in there.", "已忽略{names}：其中没有可读的文本。"
)

NAMES_MOST = 3
"""Of files with the same trouble; the others are counted."""
_BETWEEN: Mapping[Language, str] = {Language.EN: ", ", Language.ZH: "、"}
_MORE = Phrase("{names} and {count} more", "{names}等另外 {count} 个文件")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file is not passed on.

    Attributes:
        phrase: The sentence.
        name: The file's, harmless already; empty where the sentence names none.
        bound: What the sentence says of a limit; empty where it says nothing.
    """

    phrase: Phrase
    name: str = field(default="", repr=False)
    bound: str = ""


def refusal(phrase: Phrase, note: FileNote, *, bound: str = "") -> Refusal:
    """Return why a file is not passed on, under a name that harms nobody."""
    return Refusal(phrase, plain_name(note.name), bound)


def sentences(refusals: Sequence[Refusal], *, language: Language) -> tuple[str, ...]:
    """Return one sentence for each reason, in the order they came up, with the files' names."""
    by_reason: dict[tuple[Phrase, str], list[str]] = {}
    for each in refusals:
        by_reason.setdefault((each.phrase, each.bound), []).append(each.name)
    return tuple(
        phrase.say(language, names=_listed(names, language=language), limit=bound)
        for (phrase, bound), names in by_reason.items()
    )


def _listed(names: Sequence[str], *, language: Language) -> str:
    shown = _BETWEEN[language].join(f"“{name}”" for name in names[:NAMES_MOST])
    if len(names) <= NAMES_MOST:
        return shown
    return _MORE.say(language, names=shown, count=len(names) - NAMES_MOST)
