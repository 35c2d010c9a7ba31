"""The arguments of a Web API call, whichever way they were sent."""

import json
from typing import Any

from aiohttp import web

from bot.playground.slack.payload import Json, RefusedError, as_object, as_text

_TRUE = frozenset({"1", "true", "True", "t"})


class Arguments:
    """What a call was given; in forms and queries everything is text."""

    def __init__(self, values: Json) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        """Tell whether an argument was given and is not null."""
        return self.values.get(name) is not None

    def text(self, name: str) -> str:
        """Return a text argument; empty when missing."""
        value = self.values.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        return as_text(value)

    def required(self, name: str) -> str:
        """Return a text argument.

        Raises:
            RefusedError: `invalid_arguments`, when it is missing or empty.
        """
        return self.text(name) or refuse_arguments(f"missing required field: {name}")

    def flag(self, name: str) -> bool:
        """Return a yes or no; no when missing."""
        value = self.values.get(name)
        return value is True or (value is not False and self.text(name) in _TRUE)

    def number(self, name: str, *, default: int, maximum: int) -> int:
        """Return a whole number of at least 1.

        Raises:
            RefusedError: `invalid_limit`, when it is none, or not between 1 and `maximum`.
        """
        text = self.text(name)
        if not text:
            return default
        if not text.isdecimal() or not 1 <= int(text) <= maximum:
            raise RefusedError("invalid_limit")
        return int(text)

    def structure(self, name: str, *, error: str) -> Any:
        """Return an argument that is JSON, sent as such or as text.

        Raises:
            RefusedError: `error`, when the text is not JSON.
        """
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise RefusedError(error) from None


def refuse_arguments(*messages: str) -> str:
    """Refuse a call for its arguments; never returns.

    Raises:
        RefusedError: `invalid_arguments`, always.
    """
    raise RefusedError(
        "invalid_arguments", response_metadata={"messages": [f"[ERROR] {m}" for m in messages]}
    )


async def read_call(request: web.Request) -> tuple[Arguments, str]:
    """Return the arguments of a call and its token, which is not among them.

    Raises:
        RefusedError: The body is not what its content type says.
    """
    values: Json = {**request.query, **await _body(request)}
    sent = as_text(values.pop("token", ""))
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    return Arguments(values), bearer.strip() if scheme.lower() == "bearer" else sent


async def _body(request: web.Request) -> Json:
    if request.content_type != "application/json":
        return dict(await request.post()) if request.can_read_body else {}
    try:
        body = json.loads(await request.text() or "{}")
    except ValueError:
        raise RefusedError("invalid_json") from None
    if not isinstance(body, dict):
        raise RefusedError("json_not_object")
    return as_object(body)
