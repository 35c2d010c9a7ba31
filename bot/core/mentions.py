"""Slack's own `<…>` tokens, made harmless: model text pings nobody and no link lies.

Slack reads `<!here>`, `<@U…>`, `<#C…>` and `<url|label>` in `markdown` blocks too, and shows `&lt;`
as a plain `<` that it does not read again; `&` alone must stay, it is part of URLs ("Formatting
message text"; measured in `markdown` blocks).
"""

import re

from bot.core.blocks import VERBATIM, scan
from bot.core.inline import CODE_SPAN, loosen_emphasis
from bot.core.links import tell_hosts

TOKEN_IN_TEXT = re.compile(r"<(?=[!@#])")
TOKEN_IN_CODE = re.compile(
    r"<(?=!(?i:here|channel|everyone|group)|!(?i:subteam|date)\^|@[UWB][A-Z0-9]|#[CGD][A-Z0-9])"
)
"""In code, whose `&lt;` Slack may show as it stands, only what Slack would act on."""

LINK_TOKEN = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,20}:[^\s<>|]*)\|([^<>\n]*)(>?)")


def defuse(text: str) -> str:
    """Return Markdown in which Slack finds no token of its own.

    `<url|label>` becomes `<url> (label)`, so that both are seen, and a link whose words are another
    address tells its host. For a growing text the result only grows, save its last few characters
    (see `core.tail`).
    """
    parts = [
        _in_code(raw) if line.kind in VERBATIM else _in_line(raw)
        for line in scan(text)
        for raw in [text[line.start : line.end]]
    ]
    return "".join(parts)


def _in_code(code: str) -> str:
    return TOKEN_IN_CODE.sub("&lt;", code)


def _in_line(line: str) -> str:
    """Treat the code spans of a line as code and the rest as text.

    Links are told of in both: a code span that is never closed turns out to be text.
    """
    line = LINK_TOKEN.sub(_shown_link, tell_hosts(line))
    parts: list[str] = []
    offset = 0
    for span in CODE_SPAN.finditer(line):
        parts += [_in_text(line[offset : span.start()]), _in_code(span[0])]
        offset = span.end()
    parts.append(_in_text(line[offset:]))
    return loosen_emphasis("".join(parts))


def _in_text(text: str) -> str:
    return TOKEN_IN_TEXT.sub("&lt;", text)


def _shown_link(token: re.Match[str]) -> str:
    url, label, closed = token.groups()
    return f"<{url}> ({label}{')' if closed else ''}"
