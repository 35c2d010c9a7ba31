"""`<ref>[n]</ref>` -> numbered marks, and the list of what they stand for.

How DashScope writes them: "Application calling", `doc_references`: n is an entry's `index_id`.
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from bot.core.answer import Source
from bot.core.links import lying_host, told

TAG_CHARS = 64
"""A tag that holds more is none: so long, at most, a growing text waits for its end."""

TAG = re.compile(
    rf"<ref\s{{0,3}}>([\[\]\w\s,，、-]{{0,{TAG_CHARS}}}?)</ref\s{{0,3}}>|</?ref\s{{0,3}}>",
    re.IGNORECASE,
)
BEGUN_TAG = re.compile(
    rf"<(?:/?r?|/?ref?\s{{0,3}}|ref\s{{0,3}}>[\[\]\w\s,，、-]{{0,{TAG_CHARS}}}"
    r"(?:<(?:/r?|/ref?\s{0,3})?)?)\Z",
    re.IGNORECASE,
)
NUMBER = re.compile(r"\b\w{1,16}\b")
"""What a tag may name, alone or with others: `[1]`, `[1][2]`, `[1, 2]`."""
DEFINITION = re.compile(r"^( {0,3}\[\d{1,4}\])(?=:)", re.MULTILINE)
APART: Mapping[str, str] = {"(": " ", "[": " ", ":": "\u2060"}
"""After `[n]` these would make Markdown read a link or its definition; what stands between is a
space where a writer would put one, else a word joiner, which nobody sees."""

LEFT_TAG = re.compile(r"<(?=/?ref)", re.IGNORECASE)
"""A tag that was not there before others went out of its middle."""

TITLE_CHARS = 200
URL_CHARS = 2000
PLAIN = str.maketrans({
    "[": "(", "]": ")", "<": "‹", ">": "›", "`": "'", "*": "∗", "~": "∼", "\\": "∖", "|": "¦",
})  # fmt: skip
"""Look-alikes for what is Markdown in a title: Slack does not say whether backslashes escape."""


def mark_citations(text: str, *, sources: Sequence[Source], finished: bool) -> str:
    """Return the text with `[n]` for each tag whose source is known, and without the other tags.

    A tag that has only begun is held back; in a finished text it goes, but a lone `<` stays.
    """
    known = {source.index for source in sources}
    text = DEFINITION.sub(rf"\1{APART[':']}", text)
    begun = BEGUN_TAG.search(text)
    if begun is not None and not (finished and begun[0] in {"<", "</"}):
        text = text[: begun.start()]
    marked = TAG.sub(lambda tag: _marks(tag, known=known), text)
    return LEFT_TAG.sub("&lt;", marked)


def _marks(tag: re.Match[str], *, known: set[str]) -> str:
    numbers = [number for number in _numbers(tag) if number in known]
    following = tag.string[tag.end() : tag.end() + 1]
    between = APART.get(following, "") if numbers else ""
    return " ".join(f"[{number}]" for number in numbers) + between


def _numbers(tag: re.Match[str]) -> Sequence[str]:
    """Return what a tag names, each once."""
    return tuple(dict.fromkeys(NUMBER.findall(tag[1] or "")))


def list_sources(text: str, *, sources: Sequence[Source]) -> str:
    """Return the sources as a Markdown list, each once, in the app's order; empty without sources.

    Only those the text cites are listed, or all when it cites none. Numbers are the app's own, as
    in the marks; a document under several numbers is one entry with all of them.

    Args:
        text: The answer as it came, with its tags.
        sources: What the app returned.
    """
    cited = {number for tag in TAG.finditer(text) for number in _numbers(tag)}
    entries: dict[str, list[str]] = {}
    for source in [source for source in sources if source.index in cited] or sources:
        numbers = entries.setdefault(_entry(source), [])
        if source.index not in numbers:
            numbers.append(source.index)
    return "\n".join(
        f"- {' '.join(f'[{number.translate(PLAIN)}]' for number in numbers)} {entry}"
        for entry, numbers in entries.items()
    )


def _entry(source: Source) -> str:
    url = _safe_url(source.url or "")
    title = " ".join(source.title.translate(PLAIN).split())
    if len(title) > TITLE_CHARS:
        title = f"{title[:TITLE_CHARS]}…"
    if not url:
        return title
    return f"[{title or url}]({url}){told(lying_host(title, url=url))}"


def _safe_url(url: str) -> str:
    """Return an http(s) URL that cannot end a Markdown link early; empty when it is none."""
    url = url.strip()
    if not re.match(r"https?://[^/\s]", url, re.IGNORECASE) or len(url) > URL_CHARS:
        return ""
    return quote(url, safe="%/:?#@!$&'*+,;=-._~")
