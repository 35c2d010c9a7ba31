"""One session, no retries of its own, and proxies as the environment says."""

import asyncio
import logging
from contextlib import suppress
from typing import Any

import pytest

from bot.core.reply import Place, Urgency
from bot.errors import SlackError, SlackThrottled
from bot.metrics import Metrics
from bot.slack.calls import Calls
from bot.slack.web_api import WebApi, proxy_for

PLACE = Place("T1", "C1", "1.0")
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY", "REQUEST_METHOD")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


async def test_a_client_that_would_open_a_session_for_each_call_is_not_handed_out() -> None:
    api = WebApi(base_url="http://127.0.0.1:1/api/")
    with pytest.raises(RuntimeError, match="not open"):
        api.client("xoxb-1")


async def test_clients_of_all_tokens_share_one_session_and_never_retry() -> None:
    async with WebApi(base_url="http://127.0.0.1:1/api") as api:
        one, other = api.client("xoxb-1"), api.client("xoxb-2")
        assert one.session is other.session
        assert one.session is not None
        assert one.retry_handlers == other.retry_handlers == []
        assert one.base_url == "http://127.0.0.1:1/api/"
    assert one.session.closed


async def test_closing_twice_is_harmless() -> None:
    async with WebApi(base_url="http://127.0.0.1:1/api/") as api:
        await api.__aexit__(None, None, None)


@pytest.mark.parametrize(
    ("url", "no_proxy", "expected"),
    [
        ("https://slack.com/api/", "", "http://proxy:3128"),
        ("https://slack.com/api/", "slack.com", None),
        ("https://files.slack.com/api/", "slack.com", None),
        ("https://slack.com/api/", "*", None),
        ("http://127.0.0.1:3000/api/", "", None),
        ("http://[::1]:3000/api/", "", None),
        ("http://localhost:3000/api/", "", None),
        ("http://slack.test/api/", "", "http://plain:3128"),
        ("http://slack.test/api/", "slack.test", None),
    ],
)
def test_a_proxy_is_used_where_the_environment_wants_it(
    environment: pytest.MonkeyPatch, url: str, no_proxy: str, expected: str | None
) -> None:
    environment.setenv("HTTPS_PROXY", "http://proxy:3128")
    environment.setenv("HTTP_PROXY", "http://plain:3128")
    environment.setenv("NO_PROXY", no_proxy)
    assert proxy_for(url) == expected


async def test_loopback_is_reached_although_a_proxy_is_set(
    environment: pytest.MonkeyPatch, scripted_slack: Any, calls: Calls
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        environment.setenv(name, "http://127.0.0.1:1")
    await calls.send(PLACE, method="auth.test", body={})
    assert len(scripted_slack.heard) == 1


async def test_bodies_are_not_logged_even_at_debug(
    scripted_slack: Any, calls: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await calls.send(PLACE, method="chat.postMessage", body={"text": "a private word"})
    assert "a private word" not in caplog.text
    assert "xoxb" not in caplog.text


async def test_a_call_carries_its_workspaces_token_and_its_arguments(
    scripted_slack: Any, calls: Calls
) -> None:
    await calls.send(PLACE, method="views.open", body={"a": {"b": 1}})
    await calls.read(Place("T2", "", ""), method="users.info", query={"user": "U1", "yes": True})
    sent, read = scripted_slack.heard
    assert (sent.verb, sent.token, sent.arguments) == ("POST", "xoxb-T1", {"a": {"b": 1}})
    assert (read.verb, read.token) == ("GET", "xoxb-T2")
    assert read.arguments == {"user": "U1", "yes": "1"}


async def test_every_call_is_counted_by_its_outcome(
    scripted_slack: Any, calls: Calls, metrics: Metrics
) -> None:
    slack = scripted_slack
    slack.says("m", slack.ok(), slack.refuses("no_such"), slack.refuses("x", status=500))
    slack.says("m", slack.refuses("ratelimited", status=429, retry_after="30"))
    for _ in range(4):
        with suppress(SlackError):
            await calls.send(PLACE, method="m", body={})
    for outcome in ("ok", "refused", "unavailable", "throttled"):
        labels = {"method": "m", "outcome": outcome}
        name = "dashscope_slack_web_api_calls_total"
        assert metrics.registry.get_sample_value(name, labels) == 1


async def test_after_a_429_nobody_calls_before_retry_after_has_passed(
    scripted_slack: Any, calls: Calls
) -> None:
    slack = scripted_slack
    slack.says("chat.update", slack.refuses("ratelimited", status=429, retry_after="30"))
    with pytest.raises(SlackThrottled):
        await calls.send(PLACE, method="chat.update", body={})
    with pytest.raises(SlackThrottled) as held:
        await calls.send(PLACE, method="chat.update", body={})
    assert 10 < held.value.retry_after_s <= 30
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await calls.permit(PLACE, method="chat.update", urgency=Urgency.FINAL)
    for method in ("chat.postMessage", "chat.delete"):
        await calls.send(PLACE, method=method, body={})
    await calls.send(Place("T2", "C1", "1.0"), method="chat.update", body={})
    assert [heard.method for heard in slack.heard] == [
        "chat.update",
        "chat.postMessage",
        "chat.delete",
        "chat.update",
    ]
