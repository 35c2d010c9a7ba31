"""The two languages the bot speaks, and a sentence in both."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    """A language the bot's own sentences exist in."""

    EN = "en"
    ZH = "zh"


def of_locale(locale: str) -> Language:
    """Return the language for a Slack locale such as `zh-CN`; English for every other one."""
    primary = locale.casefold().replace("_", "-").partition("-")[0]
    return Language.ZH if primary == Language.ZH else Language.EN


def together(sentences: Iterable[str], *, language: Language) -> str:
    """Return whole sentences as one text: Chinese has no space between them."""
    return ("" if language is Language.ZH else " ").join(sentences)


@dataclass(frozen=True, slots=True)
class Phrase:
    """One sentence in both languages.

    Attributes:
        en: English, with `{name}` where a value goes.
        zh: Simplified Chinese, with the same names.
    """

    en: str
    zh: str

    def say(self, language: Language, **values: object) -> str:
        """Return the sentence with its values put in.

        Raises:
            KeyError: A value is missing.
        """
        return (self.zh if language is Language.ZH else self.en).format_map(values)
