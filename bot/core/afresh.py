"""How people ask the bot to forget what was said before in a thread."""

from bot.core.quiet import is_one_of

AFRESH_WORDS = frozenset(
    {"start afresh", "start over", "new session", "/new", "/reset", "重新开始", "新会话"}
)
"""None is what somebody says to a question of the app's, as `new` or `reset` might be."""


def asks_to_start_afresh(prompt: str) -> bool:
    """Tell whether a message is exactly one of AFRESH_WORDS; case and a full stop do not matter.

    Args:
        prompt: The message as the model would read it.
    """
    return is_one_of(AFRESH_WORDS, prompt=prompt)
