"""What must hold for any bytes: one law for each part that reads what others wrote.

A law takes bytes and breaks with an exception; both the fuzzer and the ordinary tests run it.
"""

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from bot.core import commands, likeness, shapes, texts
from bot.core.acs3 import canonical_query
from bot.core.answer import Answer, AnswerReader, Source
from bot.core.failures import parse_error_body
from bot.core.json_value import Json, json_text, parse_json
from bot.core.language import Language
from bot.core.loose_json import object_at, parse_object, text_at
from bot.core.markdown import render
from bot.core.pages import LEAST_BYTES, pages
from bot.core.setting import SETTINGS
from bot.core.sse import ServerSentEvent, SseDecoder
from bot.errors import BadValue, DashScopeError, UpstreamGarbled

SOURCES = (Source("1", "Guide", "https://example.com"), Source("2", "手册.pdf"))
LIVE = re.compile(
    r"<(?:!(?i:here|channel|everyone|group)|!(?i:subteam|date)\^|@[UWB][A-Z0-9]|#[CGD][A-Z0-9])"
)
UNDONE_FENCE = re.compile(r"`{3,}[^`\n]+`")
"""Backticks open a fence until another one on their line takes that back (CommonMark, "Fenced code
blocks"); what is on the pages by then has been shown."""
OWN_WORDS = {
    texts.failure(kind(), turn_id=7, language=language)
    for language in Language
    for kind in [DashScopeError, *DashScopeError.__subclasses__()]
}

Law = Callable[[bytes], None]


def decoded(stream: bytes, *, size: int) -> list[ServerSentEvent] | None:
    """Return the events of a stream read in pieces; None when it is refused."""
    decoder = SseDecoder()
    pieces = (stream[at : at + size] for at in range(0, len(stream), size))
    try:
        return [event for piece in pieces for event in decoder.feed(piece)] + decoder.finish()
    except UpstreamGarbled:
        return None


def ends(event: ServerSentEvent) -> bool:
    """Whether an event tells that an answer is over."""
    body = parse_object(event.data) or {}
    return text_at(object_at(body, "output"), "finish_reason") not in {"", "null"}


def can_be_kept(answer: Answer) -> bool:
    """Whether everything in an answer can be encoded, logged and stored."""
    ids = [answer.session_id, answer.request_id, *(used.model_id for used in answer.usage)]
    repr(answer).encode()
    json.dumps(answer.text, ensure_ascii=False).encode()
    return not any("\0" in name for name in ids if name)


def streams(data: bytes) -> None:
    """A stream gives the same events however it is cut, and an answer or one of our errors."""
    head, stream = data[:1] or b"\0", data[1:]
    events = decoded(stream, size=len(stream) or 1)
    assert decoded(stream, size=1 + head[0] % 7) == events
    reader = AnswerReader(incremental=head[0] % 2 == 0)
    for event in events or ():
        try:
            reader.feed(event)
        except DashScopeError:
            break
        assert reader.complete == ends(event)
        if reader.complete:
            break
    assert can_be_kept(reader.answer)


def replies(data: bytes) -> None:
    """Pages keep their limit, ping nobody, and what was shown stays while the text grows."""
    limit_bytes = LEAST_BYTES + (data[0] if data else 0)
    text = data[2:].decode("utf-8", "replace")
    shorter = text[: len(text) * (data[1] if len(data) > 1 else 0) // 256]
    growing = render(shorter, sources=SOURCES, finished=False)
    for finished in (False, True):
        assert render(text, sources=SOURCES, finished=finished).startswith(growing)
    before = pages(shorter, sources=SOURCES, finished=False, limit_bytes=limit_bytes)
    for finished in (False, True):
        made = pages(text, sources=SOURCES, finished=finished, limit_bytes=limit_bytes)
        assert made[: len(before[:-1])] == before[:-1] or UNDONE_FENCE.search(text)
        assert all(len(page.encode()) <= limit_bytes for page in made)
        assert not any(LIVE.search(page) for page in made)


def typed_commands(data: bytes) -> None:
    """Whatever is typed is some command, and a setting's value is one or is refused in words."""
    typed = commands.parse_command(data.decode("utf-8", "replace"))
    match typed.command:
        case commands.Unknown() as unknown:
            assert len(unknown.typed) <= likeness.MAX_TYPED_CHARS
            assert len(unknown.suggestions) <= likeness.MAX_SUGGESTIONS
        case commands.Write(setting, words):
            _read(setting.read, words)
        case _:
            pass


def values(data: bytes) -> None:
    """Text of every shape is refused in words or read; what may be kept is read back."""
    typed = data.decode("utf-8", "surrogateescape")
    for read in (*shapes.READERS.values(), shapes.read_json_or_pairs):
        _read(read, typed)
    for setting in SETTINGS.values():
        value = _read(setting.read, typed)
        assert value is None or _read(setting.read, setting.show(value)) == value
    value = _read(parse_json, typed)
    assert value is None or json.dumps(parse_json(json_text(value))) == json.dumps(value)


def _read(read: Callable[[str], Json], typed: str) -> Json:
    """Return the value of what was typed; None when it is null or refused."""
    value: Json = None
    refusal: BadValue | None = None
    try:
        value = read(typed)
    except BadValue as error:
        refusal = error
    if refusal is not None:
        assert all(refusal.phrase.say(language, **refusal.values) for language in Language)
    return value


def queries(data: bytes) -> None:
    """A canonical query holds unreserved characters alone, and gives back what was put in."""
    fields = [field.decode("utf-8", "replace") for field in data.split(b"\0")]
    query = dict(zip(fields[::2], fields[1::2], strict=False))
    written = canonical_query(query)
    assert re.fullmatch(r"(?:[A-Za-z0-9._~=&-]|%[0-9A-F]{2})*", written)
    pairs = [pair.partition("=") for pair in written.split("&")] if query else []
    assert {unquote(name): unquote(value) for name, _, value in pairs} == query
    assert [unquote(name) for name, _, _ in pairs] == sorted(query)


def refusals(data: bytes) -> None:
    """Whatever an error's body says, readers see words of our own."""
    status = 200 + 2 * (data[0] if data else 0)
    error = parse_error_body(data[1:], status=status)
    assert {texts.failure(error, turn_id=7, language=one) for one in Language} <= OWN_WORDS
    f"{error.code}{error.detail}{error.request_id}".encode()


LAWS: Mapping[str, Law] = {
    "streams": streams,
    "replies": replies,
    "commands": typed_commands,
    "values": values,
    "queries": queries,
    "refusals": refusals,
}
