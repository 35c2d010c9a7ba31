"""Tokens by which somebody's own account in a plugin's service is used: what they may be."""

from bot.core.field_checks import identifier
from bot.core.language import Phrase

MAX_TOKENS = 10
"""Plugins that one request may carry tokens for ("user_defined_tokens" in Model Studio's
"Application API reference"); so nobody needs more, and a list of them stays short."""
MAX_TOKEN_CHARS = 2_000
"""Our own bound, as the vendor names none: longer than the signed tokens in use."""

NO_TOKENS_THERE = Phrase(
    "Tokens go only to Model Studio's addresses, or to the one the bot was started with; the app "
    "here is at another.",
    "令牌只会发送到百炼的地址，或机器人启动时设置的地址；此处的应用在其他地址。",
)
"""Why plugins get no token from an app at a host that an admin chose: whoever runs that host would
read it, and people are promised that nobody can."""

_BAD_TOKEN = Phrase(
    f"A token is 1 to {MAX_TOKEN_CHARS:,} visible characters on one line; copy it again.",
    f"令牌为一行 1 到 {MAX_TOKEN_CHARS:,} 个可见字符，请重新复制。",
)


def tool_problem(tool_id: str) -> Phrase | None:
    """Return why this cannot be a plugin's id; None when it can."""
    return identifier(tool_id)


def token_problem(token: str) -> Phrase | None:
    """Return why this cannot be a token; None when it can. The sentence does not quote it."""
    fits = 0 < len(token) <= MAX_TOKEN_CHARS and token.isprintable() and token == token.strip()
    return None if fits else _BAD_TOKEN
