"""Three ways to read an app's stream: ours, httpx-sse's, the official SDK's.

`events` decodes and returns the data of every event; `text` decodes, parses and merges. All are fed
the same chunks.
"""

import codecs
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import requests
from dashscope.api_entities.http_request import HttpRequest
from dashscope.app.application_response import ApplicationResponse
from dashscope.common.utils import _handle_stream
from httpx_sse._decoders import SSEDecoder, SSELineDecoder

from bot.core.answer import AnswerReader
from bot.core.sse import SseDecoder

Chunks = Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to read a stream."""

    name: str
    events: Callable[[Chunks], list[str]]
    text: Callable[[Chunks], str]


def _our_events(chunks: Chunks) -> list[str]:
    decoder = SseDecoder()
    found = [event.data for chunk in chunks for event in decoder.feed(chunk)]
    return [*found, *(event.data for event in decoder.finish())]


def _our_text(chunks: Chunks) -> str:
    decoder, reader = SseDecoder(), AnswerReader(incremental=True)
    for chunk in chunks:
        for event in decoder.feed(chunk):
            reader.feed(event)
    for event in decoder.finish():
        reader.feed(event)
    return reader.answer.text


def _httpx_sse(chunks: Chunks) -> Iterator[str]:
    """Do what `EventSource.iter_sse` does, with the same classes, without a response around it."""
    utf8, lines, decoder = codecs.getincrementaldecoder("utf-8")(), SSELineDecoder(), SSEDecoder()
    for chunk in chunks:
        text = utf8.decode(chunk)
        if not text:
            continue
        for line in lines.decode(text):
            event = decoder.decode(line.rstrip("\n"))
            if event is not None:
                yield event.data
    for line in lines.flush():
        event = decoder.decode(line)
        if event is not None:
            yield event.data


def _httpx_sse_text(chunks: Chunks) -> str:
    text = ""
    for data in _httpx_sse(chunks):
        text += json.loads(data)["output"].get("text", "")
    return text


class _Raw:
    """What `requests` reads a body from."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks

    def stream(self, _size: int, *, decode_content: bool) -> Iterator[bytes]:
        """Yield the chunks as they are."""
        del decode_content
        yield from self._chunks


def _response(chunks: Chunks) -> requests.Response:
    response = requests.Response()
    response.status_code = 200
    response.headers["content-type"] = "text/event-stream;charset=UTF-8"
    raw: Any = _Raw(chunks)
    response.raw = raw
    return response


def _sdk_events(chunks: Chunks) -> list[str]:
    return [event.data for _, _, event in _handle_stream(_response(chunks))]


def _sdk_text(chunks: Chunks) -> str:
    request: Any = HttpRequest("http://127.0.0.1/", api_key="sk-none", http_method="POST")
    text = ""
    for response in request._handle_response(_response(chunks)):
        output = ApplicationResponse.from_api_response(response).output
        text += (output.text or "") if output else ""
    return text


CONTESTANTS = (
    Contestant("ours", _our_events, _our_text),
    Contestant("httpx-sse", lambda chunks: list(_httpx_sse(chunks)), _httpx_sse_text),
    Contestant("official SDK", _sdk_events, _sdk_text),
)
