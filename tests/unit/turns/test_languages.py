"""The language of lines that belong to no running turn."""

import asyncio

import pytest
from edges import PROFILE, Chosen, Slack, somebody

from bot.core.language import Language
from bot.core.policy import Person
from bot.core.resolution import Effective
from bot.core.setting import LanguageChoice
from bot.errors import UnknownApp
from bot.turns.languages import Languages, look_up
from storage.errors import SecretsLocked, StorageUnavailable

CHINESE = somebody(locale="zh-CN")


class SlowSlack(Slack):
    """Never tells who somebody is."""

    async def profile(self, team_id: str, user_id: str) -> Person | None:
        await asyncio.Event().wait()
        return None


async def language_of(chosen: Chosen, *, person: Person | None) -> Language:
    people = Slack(persons={"U1": person})
    languages = Languages(choices=chosen, people=people)
    return await languages.of(team_id="T1", channel_id="C1", user_id="U1")


@pytest.mark.parametrize(
    ("choice", "person", "language"),
    [
        (LanguageChoice.AUTO, CHINESE, Language.ZH),
        (LanguageChoice.AUTO, None, Language.EN),
        (LanguageChoice.EN, CHINESE, Language.EN),
        (LanguageChoice.ZH, None, Language.ZH),
    ],
)
async def test_what_is_set_goes_before_what_the_person_reads(
    choice: LanguageChoice, person: Person | None, language: Language
) -> None:
    chosen = Chosen(Effective(PROFILE, language=choice))
    assert await language_of(chosen, person=person) is language


@pytest.mark.parametrize("error", [UnknownApp("gone"), SecretsLocked(), StorageUnavailable("away")])
async def test_without_settings_the_persons_own_language_is_spoken(error: Exception) -> None:
    assert await language_of(Chosen(error=error), person=CHINESE) is Language.ZH


async def test_nobody_is_waited_for_long() -> None:
    assert await look_up(SlowSlack(), team_id="T1", user_id="U1", within_s=0.01) is None
