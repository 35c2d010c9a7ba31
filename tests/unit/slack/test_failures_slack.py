"""Every way a Web API call fails has one name."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import slack_sdk.errors
from aiohttp.client_reqrep import ConnectionKey, RequestInfo
from multidict import CIMultiDict, CIMultiDictProxy
from slack_sdk.errors import SlackApiError
from yarl import URL

from bot import errors
from bot.core.reply import Place
from bot.errors import (
    ChannelClosed,
    MessageGone,
    MessageTooLong,
    SlackError,
    SlackRefused,
    SlackThrottled,
    SlackTokenRefused,
    SlackUnavailable,
)
from bot.slack.calls import Calls
from bot.slack.failures import RETRY_AFTER_MOST_S, RETRY_AFTER_S, web_api_errors

PLACE = Place("T1", "C1", "1.0")
POST = "chat.postMessage"


def raised(error: BaseException) -> SlackError:
    with pytest.raises(SlackError) as caught, web_api_errors(POST):
        raise error
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None, "its text would reach the log"
    assert caught.value.method == POST
    return caught.value


def subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for child in kind.__subclasses__():
        yield from subclasses(child)


def bare(kind: type[Exception]) -> Exception:
    """Make an exception whose constructor wants what only its library has."""
    return kind.__new__(kind)


async def failed(calls: Calls) -> SlackError:
    with pytest.raises(SlackError) as caught:
        await calls.send(PLACE, method=POST, body={"channel": "C1", "text": "hi"})
    return caught.value


def test_every_error_of_the_sdk_gets_a_name() -> None:
    kinds = [
        kind for kind in subclasses(slack_sdk.errors.SlackClientError) if kind is not SlackApiError
    ]
    assert len(kinds) >= 6
    for kind in kinds:
        error = raised(bare(kind))
        assert type(error) is SlackRefused
        assert error.code == kind.__name__


def test_every_error_of_aiohttps_client_leaves_the_effect_open() -> None:
    kinds = set(subclasses(aiohttp.ClientError))
    assert {aiohttp.ServerDisconnectedError, aiohttp.ClientConnectorError} <= kinds
    for kind in kinds:
        assert type(raised(bare(kind))) is SlackUnavailable


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionResetError(), OSError()])
def test_timeouts_and_resets_leave_the_effect_open(error: Exception) -> None:
    assert type(raised(error)) is SlackUnavailable


def test_what_is_not_slacks_doing_passes_unchanged() -> None:
    with pytest.raises(KeyError), web_api_errors(POST):
        raise KeyError


def test_no_token_hides_in_the_error() -> None:
    headers = CIMultiDictProxy(CIMultiDict({"Authorization": "Bearer xoxb-secret"}))
    url = URL("https://slack.com/api/x")
    info = RequestInfo(url, "POST", headers, url)
    error = raised(aiohttp.ClientResponseError(info, (), status=400, message="xoxb-secret"))
    assert "xoxb-secret" not in f"{error!r}{error}{vars(error)}"
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("internal_error", SlackUnavailable),
        ("fatal_error", SlackUnavailable),
        ("service_unavailable", SlackUnavailable),
        ("request_timeout", SlackUnavailable),
        ("message_not_found", MessageGone),
        ("edit_window_closed", MessageGone),
        ("cant_update_message", MessageGone),
        ("cant_delete_message", MessageGone),
        ("is_archived", ChannelClosed),
        ("channel_not_found", ChannelClosed),
        ("not_in_channel", ChannelClosed),
        ("restricted_action", ChannelClosed),
        ("restricted_action_thread_locked", ChannelClosed),
        ("cannot_reply_to_message", ChannelClosed),
        ("thread_not_found", ChannelClosed),
        ("msg_too_long", MessageTooLong),
        ("msg_blocks_too_long", MessageTooLong),
        ("msg_blocks_too_many", MessageTooLong),
        ("invalid_auth", SlackTokenRefused),
        ("token_revoked", SlackTokenRefused),
        ("account_inactive", SlackTokenRefused),
        ("missing_scope", SlackTokenRefused),
        ("not_authed", SlackTokenRefused),
        ("invalid_blocks", SlackRefused),
        ("something_new", SlackRefused),
    ],
)
async def test_every_code_has_its_class_after_one_request(
    scripted_slack: Any, calls: Calls, code: str, kind: type[SlackError]
) -> None:
    scripted_slack.says(POST, scripted_slack.refuses(code))
    error = await failed(calls)
    assert type(error) is kind
    assert (error.method, error.code, error.status) == (POST, code, 200)
    assert len(scripted_slack.heard) == 1


@pytest.mark.parametrize(
    ("status", "code", "header", "expected_s"),
    [
        (429, "ratelimited", "7", 7),
        (200, "ratelimited", "7", 7),
        (200, "rate_limited", "", RETRY_AFTER_S),
        (429, "", "soon", RETRY_AFTER_S),
        (429, "ratelimited", "0", 1),
        (429, "ratelimited", "99999999", RETRY_AFTER_MOST_S),
    ],
)
async def test_a_throttled_call_tells_how_long_to_rest(
    scripted_slack: Any, calls: Calls, status: int, code: str, header: str, expected_s: float
) -> None:
    answer = scripted_slack.refuses(code, status=status, retry_after=header)
    scripted_slack.says(POST, answer)
    error = await failed(calls)
    assert isinstance(error, SlackThrottled)
    assert (error.retry_after_s, error.status) == (expected_s, status)
    assert len(scripted_slack.heard) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_leaves_the_effect_open(
    scripted_slack: Any, calls: Calls, status: int
) -> None:
    scripted_slack.says(POST, scripted_slack.refuses("oh_no", status=status))
    error = await failed(calls)
    assert (type(error), error.status) == (SlackUnavailable, status)
    assert len(scripted_slack.heard) == 1


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html>maintenance</html>", "text/html"),
        (b"bad gateway", "text/plain"),
        (b'{"ok": tr', "application/json"),
        (b"[1]", "application/json"),
        (b"null", "application/json"),
        (b'"\xff\xfe"', "application/json"),
        (b"", "application/json"),
        (json.dumps({"ok": False, "error": 5}).encode(), "application/json"),
    ],
)
async def test_an_answer_that_is_not_slacks_leaves_the_effect_open(
    scripted_slack: Any, calls: Calls, body: bytes, content_type: str, status: int
) -> None:
    answer = scripted_slack.writes(body, content_type=content_type, status=status)
    scripted_slack.says(POST, answer)
    assert type(await failed(calls)) is SlackUnavailable
    assert len(scripted_slack.heard) == 1


async def test_a_reset_leaves_the_effect_open_and_nothing_is_sent_again(
    scripted_slack: Any, calls: Calls
) -> None:
    scripted_slack.says(POST, scripted_slack.hangs_up)
    assert type(await failed(calls)) is SlackUnavailable
    assert len(scripted_slack.heard) == 1


async def test_a_timeout_after_the_effect_leaves_it_open_and_nothing_is_sent_again(
    scripted_slack: Any, impatient_calls: Calls
) -> None:
    scripted_slack.says(POST, scripted_slack.stays_silent)
    assert type(await failed(impatient_calls)) is SlackUnavailable
    assert len(scripted_slack.heard) == 1


def test_a_response_of_aiohttp_itself_is_understood() -> None:
    undecodable = SimpleNamespace(status=503, headers={})
    error = raised(SlackApiError("undecodable", undecodable))
    assert (type(error), error.status) == (SlackUnavailable, 503)


def test_every_name_is_one_of_the_trees() -> None:
    names = {kind.__name__ for kind in subclasses(SlackError)}
    assert names <= set(vars(errors))


def test_a_refused_connection_leaves_the_effect_open() -> None:
    key = ConnectionKey(
        "127.0.0.1", 1, is_ssl=False, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
    )
    error = raised(aiohttp.ClientConnectorError(key, OSError(111, "refused")))
    assert (type(error), error.code) == (SlackUnavailable, "ClientConnectorError")
