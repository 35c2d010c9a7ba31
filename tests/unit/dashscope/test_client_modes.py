"""Workflows whose host does not know the mode they are asked in when nobody set one."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import structlog

from bot.core.question import AppKind, AppProfile, Question
from bot.dashscope.client import DashScope
from bot.errors import RequestRefused
from bot.metrics import Metrics
from bot.playground.dashscope.apps import echo_app
from bot.playground.dashscope.checks import STRICT
from bot.playground.dashscope.refusals import NAMED
from bot.playground.dashscope.server import PLAYGROUND_KEY, DashScopeServer

pytestmark = pytest.mark.usefixtures("no_task_left")

PLUS, OLDER = "message_format_plus", "message_format"
FLOWS = pytest.mark.parametrize("kind", [AppKind.WORKFLOW, AppKind.DIALOG_WORKFLOW])


@pytest.fixture
async def host() -> AsyncIterator[DashScopeServer]:
    """Open a DashScope with a workflow of each kind, that refuses the newer mode."""
    kinds = (AppKind.WORKFLOW, AppKind.DIALOG_WORKFLOW)
    async with DashScopeServer([echo_app(kind.value, kind=kind) for kind in kinds]) as opened:
        opened.gateway.rules = replace(STRICT, refused_modes=frozenset({PLUS}))
        yield opened


@pytest.fixture
async def apps() -> AsyncIterator[DashScope]:
    async with DashScope(metrics=Metrics()) as opened:
        yield opened


def question(host: DashScopeServer, kind: AppKind, **options: str | bool) -> Question:
    app = AppProfile(kind.value, kind.value, kind, host.base_url, api_key=PLAYGROUND_KEY)
    return Question(app, "Hello", options=options)


async def answer(apps: DashScope, asked: Question) -> str:
    async with apps.ask(asked) as answering:
        async for _ in answering:
            pass
        return answering.answer.text


def modes(host: DashScopeServer) -> list[str]:
    """Return the modes that were asked for, one after the other."""
    return [entry.body["parameters"]["flow_stream_mode"] for entry in host.journal.entries]


@FLOWS
async def test_a_host_that_does_not_know_our_mode_is_asked_once_more_and_then_in_the_older(
    host: DashScopeServer, apps: DashScope, kind: AppKind
) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(2):
            assert await answer(apps, question(host, kind)) == "Hello"
    assert modes(host) == [PLUS, OLDER, OLDER]
    replaced = [line for line in lines if line["event"] == "app_mode.replaced"]
    assert [line["app"] for line in replaced] == [kind.value]


async def test_what_one_app_refused_says_nothing_of_another(
    host: DashScopeServer, apps: DashScope
) -> None:
    for kind in (AppKind.WORKFLOW, AppKind.DIALOG_WORKFLOW):
        await answer(apps, question(host, kind))
    assert modes(host) == [PLUS, OLDER] * 2


@FLOWS
async def test_a_mode_that_somebody_set_is_never_replaced(
    host: DashScopeServer, apps: DashScope, kind: AppKind
) -> None:
    for _ in range(2):
        with pytest.raises(RequestRefused):
            await answer(apps, question(host, kind, flow_stream_mode=PLUS))
        await answer(apps, question(host, kind, has_thoughts=True))
    assert modes(host) == [PLUS, PLUS, OLDER, PLUS, OLDER]


async def test_a_refusal_of_something_else_is_not_asked_again(
    host: DashScopeServer, apps: DashScope
) -> None:
    host.gateway.rules = STRICT
    host.faults.add(NAMED["parameter"])
    with pytest.raises(RequestRefused):
        await answer(apps, question(host, AppKind.WORKFLOW))
    assert modes(host) == [PLUS]


async def test_an_app_that_refuses_the_older_mode_too_is_not_taken_to_know_it(
    host: DashScopeServer, apps: DashScope
) -> None:
    host.gateway.rules = replace(STRICT, refused_modes=frozenset({PLUS, OLDER}))
    for _ in range(2):
        with pytest.raises(RequestRefused):
            await answer(apps, question(host, AppKind.WORKFLOW))
    assert modes(host) == [PLUS, OLDER] * 2
