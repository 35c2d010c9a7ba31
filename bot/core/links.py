"""Links whose words are an address: nobody should read one host and be led to another."""

import re

LINK_END = re.compile(
    r"\]\([ \t]*(?:<(https?://(?:NEXT[^<>\n])*)>|(https?://(?:NEXT[^\s<>)])+))"
    r"(?:[ \t]+(?:\"(?:NEXT[^\"\\\n]|\\.)*\"|'(?:NEXT[^'\\\n]|\\.)*'|\((?:NEXT[^)\n])*))?"
    r"[ \t]*\)".replace("NEXT", r"(?!\]\([ \t]*<?https?:)"),
    re.IGNORECASE,
)
"""From the end of a link's words to the first place where it may end (CommonMark, "Links"), on one
line. A URL may have parentheses: what is told in the middle of one makes it no link at all.
Where the next one begins a search ends, so that all of them together read a line once."""

HOST = re.compile(r"https?://(?:[^\s/?#\\]*@)?([\w.-]+)", re.IGNORECASE)
SAID_HOST = re.compile(
    r"(?:\w://|\bwww\.)(?P<named>[\w.-]+)"
    r"|(?<![\w.-])(?P<bare>(?:[\w-]+\.)+(?:ai|app|bank|biz|cn|co|com|de|dev|edu|eu|fr|gov|hk|info"
    r"|io|jp|net|org|shop|sg|tw|uk|xyz))(?![\w-]|\.\w)",
    re.IGNORECASE,
)
"""What a reader takes for a host. Without a scheme only under names that no files end in: a link
to `README.md` is no lie."""


def tell_hosts(line: str) -> str:
    """Return a line in which every link whose words name another host tells its own after it.

    The words of a link may begin on an earlier line; then it always tells. For a growing line the
    result only grows.
    """
    parts: list[str] = []
    offset = 0
    for link in LINK_END.finditer(line):
        before, url = line[offset : link.start()], link[1] or link[2]
        _, opened, words = before.partition("[")
        host = lying_host(words, url=url) if opened else host_of(url)
        parts += [before, link[0], told(host)]
        offset = link.end()
    return "".join([*parts, line[offset:]])


def told(host: str) -> str:
    """Return what stands after a link that lies; nothing when there is no host to tell."""
    return f" → {host}" if host else ""


def lying_host(words: str, *, url: str) -> str:
    """Return the host of a URL when a link's words name another one; else nothing."""
    host = host_of(url)
    said = [_plain(match["named"] or match["bare"]) for match in SAID_HOST.finditer(words)]
    return "" if all(host == name or host.endswith(f".{name}") for name in said) else host


def host_of(url: str) -> str:
    """Return the host an http(s) URL leads to; empty when it names none."""
    match = HOST.match(url)
    return _plain(match[1]) if match else ""


def _plain(host: str) -> str:
    return host.lower().strip(".").removeprefix("www.")
