"""A question -> the HTTP request that asks it.

Field names and places are those of Model Studio's "Application API reference": the app's id stands
in the address alone, streaming is chosen by a header, and whatever is not set is left out, because
the API treats null and absent differently.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import metadata
from typing import assert_never

from bot.core.api_fields import FULL_THOUGHTS, MESSAGE_FORMAT, MESSAGE_FORMAT_PLUS, placed
from bot.core.json_value import Json
from bot.core.question import AppKind, AppProfile, Question
from bot.core.resolution import Layers, resolve
from bot.dashscope.body import PLAIN
from bot.errors import Misconfigured

_APP_ID = re.compile(r"[A-Za-z0-9_-]+")
_BASE_URL = re.compile(r"https?://[^\s/?#@\\]+(?:/[^\s?#]*)?")
_HEADER_VALUE = re.compile(r"[\x21-\x7e]+")
_PROBE_PROMPT = "ping"
_DISTRIBUTION = "dashscope-slack"


@dataclass(frozen=True, slots=True)
class AppRequest:
    """A POST, ready to be sent.

    Attributes:
        url: Where to.
        headers: With the key in them; kept out of the repr.
        body: JSON in UTF-8, with the prompt in it; kept out of the repr.
        every_node_speaks: Whether each node of a workflow that is told of speaks to the reader.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    every_node_speaks: bool = False


def streaming_request(question: Question) -> AppRequest:
    """Build the request for an answer that comes as a stream of deltas.

    Raises:
        Misconfigured: The profile's app id, address, key or workspace cannot be right.
    """
    asked, parameters = placed(question.options)
    headers = _headers(question.app) | {
        # One would do; the vendor's SDK sends both.
        "Accept": "text/event-stream",
        "X-DashScope-SSE": "enable",
        "X-Accel-Buffering": "no",  # no proxy on the way may collect deltas
    }
    parameters = _streaming(parameters, kind=question.app.kind)
    return AppRequest(
        url=_url(question.app),
        headers=headers,
        body=_body(_input(question, asked), parameters),
        every_node_speaks=parameters.get("flow_stream_mode") == MESSAGE_FORMAT,
    )


def in_older_mode(question: Question) -> Question | None:
    """Return the question with message_format in the place of our own choice of mode.

    message_format_plus stands on the vendor's page for Beijing only; other regions may refuse it.
    None where it was not our choice: a mode that somebody set is never replaced.
    """
    tells_steps = question.options.get("has_thoughts") is not False
    mode, _ = _defaults(question.app.kind, tells_steps=tells_steps)
    if mode != MESSAGE_FORMAT_PLUS or "flow_stream_mode" in question.options:
        return None
    return replace(question, options={**question.options, "flow_stream_mode": MESSAGE_FORMAT})


def probing_question(app: AppProfile) -> Question:
    """Return the smallest question there is, with the app's options."""
    options = resolve(Layers(), app=app).options
    return Question(app=app, prompt=_PROBE_PROMPT, options=options)


def _input(question: Question, options: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return who is asked what: the question or the whole conversation, and never both.

    The API would ignore prompt and session beside messages without a word.
    """
    asked = {**_conversation(question), **options}
    if question.memory_id:
        asked["memory_id"] = question.memory_id
    if question.tokens:
        given = asked.get("biz_params")
        variables = given if isinstance(given, Mapping) else dict[str, Json]()
        tokens = {tool: {"user_token": token} for tool, token in question.tokens.items()}
        asked["biz_params"] = {**variables, "user_defined_tokens": tokens}
    return asked


def _conversation(question: Question) -> Mapping[str, Json]:
    if question.messages:
        return {"messages": [{"role": role, "content": text} for role, text in question.messages]}
    if question.session_id:
        return {"prompt": question.prompt, "session_id": question.session_id}
    return {"prompt": question.prompt}


def _streaming(options: Mapping[str, Json], *, kind: AppKind) -> Mapping[str, Json]:
    """Return what makes an app of this kind stream, and tell what it does on its way.

    Deltas are always asked for by name, as the default is ever longer wholes. A workflow is asked
    for message_format_plus: it tells of every node, which readers see as a status, and counts
    tokens, which message_format does not. Where steps are not wanted, message_format brings just
    the nodes its author opened for streaming: those that speak to the user. An orchestration has no
    such choice on record; like an agent it tells of its steps when thoughts are asked for.

    Options go before these defaults: another `flow_stream_mode` takes the place of ours, and
    `has_thoughts` off leaves it out, as absent means off. `full_thoughts` streams nothing without
    thoughts, so it brings them along. ("Call a workflow application", streaming modes.)
    """
    mode, has_thoughts = _defaults(kind, tells_steps=options.get("has_thoughts") is not False)
    mode = options.get("flow_stream_mode", mode)
    has_thoughts = mode == FULL_THOUGHTS or options.get("has_thoughts", has_thoughts) is True
    chosen: dict[str, Json] = {
        "flow_stream_mode": mode,
        "enable_thinking": options.get("enable_thinking"),
        "has_thoughts": has_thoughts or None,
        "incremental_output": True,
    }
    rest = {name: value for name, value in options.items() if name not in chosen}
    return {name: value for name, value in chosen.items() if value is not None} | rest


def _defaults(kind: AppKind, *, tells_steps: bool) -> tuple[Json, bool]:
    """Return the mode of streaming and whether thoughts are asked for, where nothing was set."""
    match kind:
        case AppKind.WORKFLOW | AppKind.DIALOG_WORKFLOW:
            return MESSAGE_FORMAT_PLUS if tells_steps else MESSAGE_FORMAT, False
        case AppKind.AGENT | AppKind.ORCHESTRATION:
            return None, True
        case _:
            assert_never(kind)


def _url(app: AppProfile) -> str:
    if not _BASE_URL.fullmatch(app.base_url):
        raise Misconfigured("the base address is no http(s) address", code="InvalidBaseUrl")
    if not _APP_ID.fullmatch(app.app_id):
        raise Misconfigured("an app id is letters, digits, _ and -", code="InvalidAppId")
    return f"{app.base_url.rstrip('/')}/apps/{app.app_id}/completion"


def _headers(app: AppProfile) -> dict[str, str]:
    """Return the headers of every request; checked here, as HTTP libraries quote bad values."""
    if not _HEADER_VALUE.fullmatch(app.api_key):
        raise Misconfigured("the key holds spaces or other odd characters", code="InvalidApiKey")
    headers = {
        "Authorization": f"Bearer {app.api_key}",
        "Content-Type": "application/json",
        "User-Agent": _user_agent(),
        **PLAIN,
    }
    if app.workspace:
        if not _HEADER_VALUE.fullmatch(app.workspace):
            raise Misconfigured("the workspace id holds odd characters", code="InvalidWorkspace")
        headers["X-DashScope-WorkSpace"] = app.workspace
    return headers


@cache
def _user_agent() -> str:
    try:
        return f"{_DISTRIBUTION}/{metadata.version(_DISTRIBUTION)}"
    except metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return _DISTRIBUTION


def _body(asked: Mapping[str, Json], parameters: Mapping[str, Json]) -> bytes:
    body: Json = {"input": asked, "parameters": parameters, "debug": {}}
    # Half a surrogate pair from somebody's message becomes "?" instead of an exception.
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
