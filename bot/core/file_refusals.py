"""Why a file is not passed on to an app, as one sentence for whoever attached it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core.files import FileNote, plain_name
from bot.core.language import Language, Phrase

TOO_MANY = Phrase(
    "I read at most {most} files of a message; the others were left out.",
    "每条消息最多读取 {most} 个文件，其余文件已忽略。",
)
TOO_LARGE = Phrase(
    "“{name}” is too large: I read at most {limit}.", "“{name}”过大，最多读取 {limit}。"
)
TOO_MUCH_TEXT = Phrase(
    "“{name}” was left out: the text files are too long together, at most {limit}.",
    "“{name}”已忽略：文本文件总量最多 {limit}。",
)
UNKNOWN_KIND = Phrase(
    "I cannot read files of the kind of “{name}”: images, documents and plain text I can.",
    "无法读取“{name}”这类文件，仅支持图片、文档和纯文本。",
)
NO_WAY = Phrase(
    "“{name}” cannot be passed on: whoever runs me must set PUBLIC_URL for images and documents.",
    "无法转交“{name}”：需要维护者设置 PUBLIC_URL 后才能处理图片和文档。",
)
NO_IMAGES = Phrase(
    "The app here takes no images, so “{name}” was left out.",
    "此处的应用不接受图片，“{name}”已忽略。",
)
NO_DOCUMENTS = Phrase(
    "The app here takes no documents, so “{name}” was left out.",
    "此处的应用不接受文档，“{name}”已忽略。",
)
KEPT_ELSEWHERE = Phrase(
    "“{name}” is kept outside Slack, where I cannot open it.",
    "“{name}”保存在 Slack 之外，无法打开。",
)
NOT_THERE = Phrase(
    "“{name}” is not there any more, or I may not see it.", "“{name}”已不存在或无权查看。"
)
NOT_FETCHED = Phrase(
    "“{name}” could not be fetched. Please send it again.", "无法获取“{name}”，请重新发送。"
)
NOT_TAKEN = Phrase(
    "“{name}” was not accepted where the app here reads files.",
    "此处的应用未能接收“{name}”。",
)
NOT_PERMITTED = Phrase(
    "I may not open files in this workspace: the permission `files:read` is missing.",
    "无法打开此工作区的文件：缺少权限 `files:read`。",
)
NO_TEXT = Phrase("“{name}” holds no readable text.", "“{name}”中没有可读的文本。")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file is not passed on.

    Attributes:
        phrase: The sentence.
        values: What stands in it; names in it are harmless already.
    """

    phrase: Phrase
    values: Mapping[str, object] = field(default_factory=dict[str, object], hash=False, repr=False)

    def say(self, language: Language) -> str:
        """Return the sentence."""
        return self.phrase.say(language, **self.values)


def refusal(phrase: Phrase, note: FileNote, **values: object) -> Refusal:
    """Return why a file is not passed on, under a name that harms nobody."""
    return Refusal(phrase, {"name": plain_name(note.name), **values})
