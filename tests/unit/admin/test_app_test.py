"""What a test of an app tells an admin."""

import asyncio
from dataclasses import replace

import pytest

from bot.admin import app_texts as texts
from bot.admin.app_test import try_out, verdict
from bot.core.language import Language
from bot.core.question import AppKind, AppProfile
from bot.errors import (
    AccountProblem,
    ContentBlocked,
    DashScopeError,
    Misconfigured,
    RequestRefused,
    Throttled,
    UpstreamFailed,
    UpstreamGarbled,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from tests.unit.admin.desk import DEFAULT, Trial

APP = replace(DEFAULT, name="docs", workspace="llm-1")


def told(error: DashScopeError, app: AppProfile = APP) -> str:
    return verdict(error, app=app, language=Language.EN)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Misconfigured(code="InvalidApiKey", status=401), "another region"),
        (Misconfigured(status=401), "another region"),
        (Misconfigured(code="App.AccessDenied", status=403), "does not know this app"),
        (Misconfigured(code="NOT AUTHORIZED", status=401), "does not know this app"),
        (Misconfigured(code="FlowNotPublished", status=400), "not published"),
        (Misconfigured(status=302), "redirect"),
        (AccountProblem(code="Arrearage", status=400), "unpaid"),
        (Throttled(code="Throttling", status=429), "throttled"),
        (UpstreamUnreachable(), "cannot be reached"),
        (UpstreamTimeout(), "within 10 s"),
        (ContentBlocked(code="DataInspectionFailed"), "content safety"),
        (RequestRefused(code="InvalidParameter"), "refused the test question"),
        (UpstreamFailed(code="ModelServiceFailed"), "failed"),
        (UpstreamGarbled(), "not in DashScope's way"),
        (DashScopeError(), "failed"),
    ],
)
def test_each_failure_is_told_in_words_that_help(error: DashScopeError, words: str) -> None:
    assert words in told(error)


def test_what_the_vendor_wrote_is_never_shown_but_its_code_and_id_are() -> None:
    error = Misconfigured(
        "the vendor's own secret words", code="App.`AccessDenied`", request_id="req-1"
    )
    said = told(error)
    assert "secret words" not in said
    assert "`App.ˋAccessDeniedˋ`" in said
    assert "`req-1`" in said


def test_the_region_a_key_is_asked_in_is_named() -> None:
    said = told(Misconfigured(code="InvalidApiKey"))
    assert "Singapore" in said
    assert "dashscope-intl.aliyuncs.com" in said


async def test_an_app_that_answers_works_and_the_time_is_told() -> None:
    times = iter([1.0, 1.25])
    said = await try_out(APP, prober=Trial(), language=Language.EN, clock=lambda: next(times))
    assert said == "`docs` works: it answered in 250 ms."


async def test_what_answers_like_a_workflow_but_is_asked_as_an_agent_does_not_work() -> None:
    trial = Trial(tells_of_nodes=True)
    said = await try_out(APP, prober=trial, language=Language.EN)
    assert "looks like a workflow" in said
    assert "`/dashscope apps edit docs kind=workflow`" in said
    assert "works" not in said


async def test_the_kind_of_the_built_in_app_is_for_whoever_runs_the_bot() -> None:
    trial = Trial(tells_of_nodes=True)
    said = await try_out(DEFAULT, prober=trial, language=Language.EN)
    assert "`DASHSCOPE_APP_KIND`" in said
    assert "apps edit" not in said


@pytest.mark.parametrize("kind", [kind for kind in AppKind if kind is not AppKind.AGENT])
async def test_nodes_are_what_every_other_kind_tells_of(kind: AppKind) -> None:
    trial = Trial(tells_of_nodes=True)
    said = await try_out(replace(APP, kind=kind), prober=trial, language=Language.EN)
    assert "works" in said


def test_a_refusal_names_the_kind_that_the_app_was_asked_as() -> None:
    for kind, name in (
        (AppKind.AGENT, "as agent"),
        (AppKind.DIALOG_WORKFLOW, "as dialog workflow"),
    ):
        assert name in told(RequestRefused(status=400), replace(APP, kind=kind))


async def test_an_app_that_does_not_answer_in_time_is_not_waited_for() -> None:
    class Silent:
        async def probe(self, profile: AppProfile) -> bool:
            return await asyncio.Event().wait()

    said = await try_out(APP, prober=Silent(), language=Language.EN, within_s=0.01)
    assert "within 0.01 s" in said


async def test_a_failed_test_is_told_and_not_raised() -> None:
    trial = Trial(error=Throttled(code="Throttling", status=429))
    said = await try_out(APP, prober=trial, language=Language.ZH)
    assert texts.THROTTLED.say(Language.ZH, name="`docs`") in said
