"""Response URLs: whose they may be, how often, and what their answers mean."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.errors import SlackError, SlackRefused, SlackThrottled, SlackUnavailable
from bot.slack.responses import LIFETIME_S, USES_MOST, Responses


class Clock:
    """Monotonic seconds, moved by hand; each look moves it past the gap between two uses."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        self.now += 0.6
        return self.now


class Slack:
    """Answers posts to response URLs as told, then with `ok`."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[object] = []
        self.answers: list[web.Response] = []
        self.released = asyncio.Event()
        self.is_silent = False

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.json())
        if self.is_silent:
            await self.released.wait()
        return self.answers.pop(0) if self.answers else web.Response(text="ok")


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    slack = Slack()
    app = web.Application()
    app.router.add_post("/{name}", slack.take)
    async with TestServer(app, host="127.0.0.1") as server:
        slack.url = str(server.make_url("/hook"))
        yield slack
        slack.released.set()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def responses(slack: Slack, clock: Clock) -> AsyncIterator[Responses]:
    async with Responses(api_url=slack.url, clock=clock) as responses:
        yield responses


@pytest.mark.parametrize(
    "url",
    [
        "",
        "not an address",
        "https://example.com/hook",
        "https://slack.com.example.com/hook",
        "https://slack.com@example.com/hook",
        "http://hooks.slack.com/hook",
        "ftp://hooks.slack.com/hook",
        "http://[::1/hook",
    ],
)
async def test_an_address_that_is_not_slacks_is_never_called(
    responses: Responses, slack: Slack, url: str
) -> None:
    hook = responses.hook(url)
    assert not hook.is_open
    with pytest.raises(SlackRefused, match="used_up"):
        await hook.say({"text": "a secret"})
    assert slack.bodies == []


@pytest.mark.parametrize(
    "url", ["https://hooks.slack.com/commands/T1/1/x", "https://hooks.slack-gov.com/x"]
)
def test_slacks_own_addresses_are_good(url: str) -> None:
    assert Responses(api_url="https://slack-gov.com/api/").hook(url).is_open


async def test_a_hook_is_used_five_times_and_no_more(responses: Responses, slack: Slack) -> None:
    hook = responses.hook(slack.url)
    for number in range(USES_MOST):
        assert hook.is_open
        await hook.say({"text": str(number)})
    assert not hook.is_open
    with pytest.raises(SlackRefused, match="used_up"):
        await hook.say({"text": "one too many"})
    assert slack.bodies == [{"text": str(number)} for number in range(USES_MOST)]


async def test_a_use_counts_although_nobody_knows_whether_it_arrived(
    responses: Responses, slack: Slack
) -> None:
    slack.answers += [web.Response(status=503) for _ in range(USES_MOST)]
    hook = responses.hook(slack.url)
    for _ in range(USES_MOST):
        with pytest.raises(SlackUnavailable):
            await hook.say({"text": "x"})
    assert not hook.is_open


async def test_a_hook_dies_before_slacks_half_hour_is_over(
    responses: Responses, slack: Slack, clock: Clock
) -> None:
    hook = responses.hook(slack.url)
    clock.now += LIFETIME_S
    assert not hook.is_open


async def test_two_uses_are_a_second_apart(slack: Slack) -> None:
    loop = asyncio.get_running_loop()
    async with Responses(api_url=slack.url, clock=loop.time) as responses:
        hook = responses.hook(slack.url)
        began_at = loop.time()
        await asyncio.gather(hook.say({"text": "one"}), hook.say({"text": "two"}))
        assert 1.0 <= loop.time() - began_at < 3.0
    assert slack.bodies == [{"text": "one"}, {"text": "two"}]


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        ({"status": 404, "text": '{"ok":false,"error":"used_url"}'}, SlackRefused, "used_url"),
        ({"status": 404, "text": "expired_url"}, SlackRefused, "expired_url"),
        ({"status": 404, "text": "<html>who are you?</html>"}, SlackRefused, ""),
        ({"status": 400, "text": "[]"}, SlackRefused, ""),
        ({"status": 307, "headers": {"Location": "/elsewhere"}}, SlackRefused, ""),
        ({"status": 503, "text": "upstream"}, SlackUnavailable, "upstream"),
        ({"status": 429, "headers": {"Retry-After": "30"}}, SlackThrottled, ""),
    ],
)
async def test_every_answer_but_ok_is_an_error_of_its_own(
    responses: Responses,
    slack: Slack,
    answer: dict[str, object],
    error: type[SlackError],
    code: str,
) -> None:
    slack.answers.append(web.Response(**answer))  # pyright: ignore[reportArgumentType]
    with pytest.raises(error) as caught:
        await responses.hook(slack.url).say({"text": "x"})
    assert (caught.value.method, caught.value.code) == ("response_url", code)
    assert len(slack.bodies) == 1


async def test_a_short_wait_that_slack_asks_for_is_waited_out_once(
    responses: Responses, slack: Slack
) -> None:
    slack.answers.append(web.Response(status=429, headers={"Retry-After": "1"}))
    await responses.hook(slack.url).say({"text": "x"})
    assert len(slack.bodies) == 2
    slack.answers += [web.Response(status=429), web.Response(status=429)]
    with pytest.raises(SlackThrottled):
        await responses.hook(slack.url).say({"text": "x"})
    assert len(slack.bodies) == 4


async def test_a_silent_slack_is_not_waited_for(slack: Slack) -> None:
    slack.is_silent = True
    async with Responses(api_url=slack.url, timeout_s=0.1) as responses:
        with pytest.raises(SlackUnavailable):
            await responses.hook(slack.url).say({"text": "x"})


async def test_nothing_is_posted_before_opening_and_closing_twice_is_harmless() -> None:
    responses = Responses(api_url="https://slack.com/api/")
    with pytest.raises(RuntimeError, match="not open"):
        await responses.post("https://hooks.slack.com/x", {})
    async with responses:
        pass
    await responses.__aexit__(None, None, None)
