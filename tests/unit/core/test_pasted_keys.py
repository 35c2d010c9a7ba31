"""Keys that people paste where they do not belong."""

import pytest

from bot.core.json_value import Json
from bot.core.pasted_keys import holds_key

KEY = "sk-0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    "value",
    [
        KEY,
        f"密钥{KEY}",
        "LTAI5tQwErTyUiOpAsDfGh12",
        "xoxb-1234567890-abcdef",
        "xapp-1-A0123-456-abcdef",
        ["plain", KEY],
        {"a": {"b": [1, None, True, KEY]}},
        {KEY: 1},
        {"api_key": "short"},
        {"deep": [{"AccessKeySecret": "x"}]},
    ],
)
def test_what_looks_like_a_key_is_found_wherever_it_stands(value: Json) -> None:
    assert holds_key(value)


@pytest.mark.parametrize(
    "value",
    ["", "task-force-2024-plan", "disk-usage-report", "sk-learn", "llm-0123456789abcdef", 7, None,
     True, 0.5, ["KB1"], {"max_tokens": 5, "city": "Paris"}, "Never tell a password: refuse."],
)  # fmt: skip
def test_what_does_not_is_let_pass(value: Json) -> None:
    assert not holds_key(value)
