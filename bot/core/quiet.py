"""How people ask the bot to be quiet in a thread it follows."""

QUIET_WORDS = frozenset({"quiet", "mute", "安静", "闭嘴"})
_AROUND = " \t\n.!。！"


def asks_for_quiet(prompt: str) -> bool:
    """Tell whether a message is exactly one of QUIET_WORDS; case and a full stop do not matter.

    Args:
        prompt: The message as the model would read it.
    """
    return prompt.strip(_AROUND).casefold() in QUIET_WORDS
