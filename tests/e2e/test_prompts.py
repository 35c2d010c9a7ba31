"""What a person wrote reaches the app as a reader of Slack sees it."""

import pytest
from rig import ANN, BEN, BOT, PUBLIC, Rig, words

from bot.core import texts
from bot.playground.slack.message import Draft

TYPED = {
    "the bot's mention goes": (f"<@{BOT}> hello", "hello"),
    "wherever it stands": (f"dear <@{BOT}> and <@{BOT}>: hello", "dear and : hello"),
    "people are called by their names": (
        f"<@{BOT}> what would <@{BEN}> say?",
        "what would @Ben B. say?",
    ),
    "nobody knows a stranger": (f"<@{BOT}> and <@U0NOBODY>?", "and @user?"),
    "entities are unescaped once": (
        f"<@{BOT}> a < b && c > d, or &lt; and &amp;amp;?",
        "a < b && c > d, or &lt; and &amp;amp;?",
    ),
    "links stay": (
        f"<@{BOT}> read https://example.com/?a=1&b=2 now",
        "read https://example.com/?a=1&b=2 now",
    ),
    "lines stay": (f"<@{BOT}> one\ntwo\n\n  three", "one\ntwo\n\n  three"),
    "Chinese stays": (f"<@{BOT}>你好，世界！", "你好，世界！"),
}
RAW = {
    "a labelled link": ("<https://example.com|the docs> please", "the docs (https://example.com)"),
    "an address": ("<mailto:ann@example.com|ann@example.com>", "ann@example.com"),
    "a channel": ("what is <#C0PUBLIC|general> for", "what is #general for"),
    "a group": ("tell <!subteam^S1|@ops>", "tell @ops"),
    "everybody": ("tell <!channel>", "tell @channel"),
    "a date": ("by <!date^1392734382^{date}|February 18>", "by February 18"),
}


@pytest.mark.parametrize(("typed", "prompt"), TYPED.values(), ids=TYPED)
async def test_the_app_reads_what_people_see(rig: Rig, typed: str, prompt: str) -> None:
    async with rig.bot():
        await rig.slack.say(ANN, PUBLIC, typed)
        await rig.finished()
    (entry,) = rig.asked()
    assert entry.body["input"]["prompt"] == prompt


@pytest.mark.parametrize(("raw", "prompt"), RAW.values(), ids=RAW)
async def test_slacks_own_tokens_become_words(rig: Rig, raw: str, prompt: str) -> None:
    async with rig.bot():
        rig.slack.workspace.post(PUBLIC, Draft(ANN, text=f"<@{BOT}> {raw}"))
        await rig.finished()
    (entry,) = rig.asked()
    assert entry.body["input"]["prompt"].startswith(prompt)


async def test_everybody_is_looked_up_once_and_the_bot_never(rig: Rig) -> None:
    async with rig.bot():
        await rig.answer(f"what would <@{BEN}> say?")
        await rig.answer(f"and <@{BEN}> now?", turns=2)
    assert [call.arguments["user"] for call in rig.slack.journal.of("users.info")] == [ANN, BEN]


@pytest.mark.parametrize("typed", [f"<@{BOT}>", f" <@{BOT}> \n", f"<@{BOT}> <@{BOT}>"])
async def test_a_mention_without_a_question_gets_a_hint(any_rig: Rig, typed: str) -> None:
    async with any_rig.bot():
        thread = await any_rig.slack.say(ANN, PUBLIC, typed)
        await any_rig.finished()
    assert words(any_rig.reply(thread)) == texts.EMPTY_QUESTION.en
    assert any_rig.asked() == ()
