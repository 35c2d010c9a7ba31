"""How people ask the bot to be quiet in a thread it follows."""

from collections.abc import Collection

QUIET_WORDS = frozenset({"quiet", "mute", "安静", "闭嘴"})
_AROUND = " \t\n.!。！"


def asks_for_quiet(prompt: str) -> bool:
    """Tell whether a message is exactly one of QUIET_WORDS; case and a full stop do not matter.

    Args:
        prompt: The message as the model would read it.
    """
    return is_one_of(QUIET_WORDS, prompt=prompt)


def is_one_of(words: Collection[str], *, prompt: str) -> bool:
    """Tell whether a message is nothing but one of some words, however it is written."""
    return prompt.strip(_AROUND).casefold() in words
