"""Keys that people paste where they do not belong.

What is set in Slack is stored in the open, shown to everybody and written into the audit, which is
never erased: a key among it would be known to all of them.
"""

import re
from collections.abc import Mapping, Sequence

from bot.core.json_value import Json
from bot.core.language import Phrase

KEPT_OUT = Phrase(
    "This looks like a key, and what is set here can be read by others. Consider it known to them: "
    "make a new one, and enter keys of apps in the key field of their form alone.",
    "这看起来是密钥，而此处的内容其他人可以看到。请视其为已泄露并更换；应用的 API Key "
    "只能填写在其表单的 Key 一栏。",
)

_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:sk-[\w-]{8,}|LTAI[A-Za-z0-9]{12,}|xox[a-z]-[\w-]{8,}|xapp-[\w-]{8,})"
)
"""DashScope's keys (Model Studio, "Get an API key"), Alibaba Cloud's ids of access keys, tokens of
Slack."""
_NAME = re.compile(
    r"api[_-]?key|access[_-]?key(?:[_-]?(?:id|secret))?|secret|password|authorization",
    re.IGNORECASE,
)
"""What a field is called that holds one, whatever it looks like."""


def holds_key(value: Json) -> bool:
    """Whether a text, or anything inside an object or a list, looks like a key."""
    match value:
        case str():
            return _KEY.search(value) is not None
        case Mapping():
            is_named = any(_NAME.fullmatch(name) for name in value)
            return is_named or any(map(holds_key, [*value, *value.values()]))
        case Sequence():
            return any(map(holds_key, value))
        case _:
            return False
