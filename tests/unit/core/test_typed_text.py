"""What Slack escaped, as it was typed."""

import pytest

from bot.core.typed_text import unescape


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("<https://x.example/a?b=1&amp;c=2|x.example>", "https://x.example/a?b=1&c=2"),
        ("<https://x.example>", "https://x.example"),
        ("<http://shop.example|shop.example>", "shop.example"),
        ("<mailto:ann@x.example|ann@x.example>", "ann@x.example"),
        ("<@U1|ann>", "@ann"),
        ("<@U1>", "@U1"),
        ("<#C1|general>", "#general"),
        ("<#C1>", "#C1"),
        ("<!here>", "@here"),
        ("<!subteam^S1|@team>", "@team"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_what_slack_escaped_is_read_as_it_was_typed(sent: str, typed: str) -> None:
    assert unescape(sent, keep_users=False) == typed
