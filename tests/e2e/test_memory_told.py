"""Whoever looks is told how memory stands: none yet, off and why, or broken."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
from desk import ADA, HERE, a_desk
from pydantic import SecretStr
from remembered import NAME, Home, at_home, diary, shown
from rig import ANN, APP_ID, Rig

from bot.admin import memory_texts
from bot.core.language import Phrase
from bot.core.question import AppKind
from bot.playground.bailian import BailianServer
from bot.playground.dashscope.apps import App

WRONG_KEY = {"alibaba_cloud_access_key_secret": SecretStr("wrong")}


@pytest.fixture
def app_under_test() -> App:
    return App(APP_ID, answers=diary)


@asynccontextmanager
async def without_keys(rig: Rig) -> AsyncGenerator[Home]:
    async with BailianServer() as bailian, a_desk(rig) as desk:
        yield Home(desk, bailian)


def as_a_workflow(rig: Rig) -> dict[str, object]:
    rig.dashscope.gateway._apps = {APP_ID: App(APP_ID, answers=diary, kind=AppKind.DIALOG_WORKFLOW)}
    return {"dashscope_app_kind": AppKind.DIALOG_WORKFLOW}


def in_another_region(_rig: Rig) -> dict[str, object]:
    return {"bailian_endpoint": "https://bailian.cn-beijing.aliyuncs.com"}


def in_another_workspace(rig: Rig) -> dict[str, object]:
    rig.dashscope.gateway._apps = {APP_ID: App(APP_ID, answers=diary, workspace="llm-other")}
    return {"dashscope_workspace": "llm-other"}


async def assert_told(home: Home, phrase: Phrase, *, promises: bool) -> None:
    """Both the command and the Home say it; that more will come is said only where it may."""
    told = [await home.desk.say("memory", by=ANN), shown(await home.open_home())]
    assert all(phrase.en in each for each in told)
    assert all((memory_texts.NOTHING_YET.en in each) is promises for each in told)


async def status(home: Home) -> str:
    """Return what the status says of memory."""
    lines = (await home.desk.say("status", by=ANN)).splitlines()
    (line,) = [each for each in lines if "Memory:" in each]
    return line


async def test_before_the_first_question_there_is_none_yet(rig: Rig) -> None:
    async with at_home(rig) as home:
        await assert_told(home, memory_texts.NOTHING_YET, promises=True)
        assert "on, in all channels that share one" in await status(home)


async def test_where_a_setting_switches_it_off_that_is_said(rig: Rig) -> None:
    async with at_home(rig) as home:
        await home.desk.say("workspace memory off")
        await assert_told(home, memory_texts.OFF_HERE, promises=False)
        assert memory_texts.OFF_HERE.en in await status(home)
        await home.desk.say("workspace memory on")
        assert "on, " in await status(home)
        assert await home.desk.values(HERE) == {}


async def test_whoever_switched_it_off_is_told_that_they_did(rig: Rig) -> None:
    async with at_home(rig) as home:
        await home.desk.say("memory off", by=ANN, channel=home.direct())
        await assert_told(home, memory_texts.OFF_BY_YOU, promises=False)
        assert memory_texts.OFF_BY_YOU.en in await status(home)
        assert "on, " in await home.desk.say("status", by=ADA)


async def test_without_keys_that_is_said(rig: Rig) -> None:
    async with without_keys(rig) as home:
        await assert_told(home, memory_texts.NO_KEYS, promises=False)
        assert memory_texts.NO_KEYS.en in await status(home)


@pytest.mark.parametrize(
    ("moved", "phrase", "reason"),
    [
        (as_a_workflow, memory_texts.NO_AGENT, "kind"),
        (in_another_region, memory_texts.OTHER_REGION, "region"),
        (in_another_workspace, memory_texts.OTHER_WORKSPACE, "workspace"),
    ],
    ids=["kind", "region", "workspace"],
)
async def test_where_the_app_can_have_none_that_is_said_and_logged_at_the_start(
    rig: Rig, moved: Callable[[Rig], dict[str, object]], phrase: Phrase, reason: str
) -> None:
    async with at_home(rig, **moved(rig)) as home:
        await assert_told(home, phrase, promises=False)
        assert phrase.en in await status(home)
        (line,) = home.desk.log.of("memory.off")
        assert (line["app"], line["reason"]) == ("default", reason)


async def test_when_none_can_be_made_that_is_said_with_the_services_code_and_when(
    rig: Rig,
) -> None:
    async with at_home(rig, **WRONG_KEY) as home:
        await home.ask(NAME)
        broken = memory_texts.NOT_MADE.en.partition("(")[0]
        told = [
            await home.desk.say("memory", by=ANN),
            shown(await home.open_home()),
            await status(home),
        ]
        for each in told:
            assert broken in each
            assert "SignatureDoesNotMatch" in each
            assert " UTC)" in each
            assert memory_texts.NOTHING_YET.en not in each
