"""What is set holds for the next message, in the place it was set for, in every process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from desk import a_desk
from given import (
    UNLIMITED,
    asked_of,
    begun,
    input_of,
    parameters_of,
    register,
    several_apps,
    store,
    told,
)
from midway import ANSWER, SPOKEN, when_words_show
from pydantic import SecretStr
from rig import (
    ANN,
    APP_ID,
    BEN,
    BOT,
    GROUP_DM,
    PRIVATE,
    PUBLIC,
    WITHIN_S,
    Rig,
    turn_of,
    turns_of,
    words,
)

from bot.core import texts
from bot.core.language import Language
from bot.core.question import AppKind
from bot.errors import Misconfigured
from bot.playground.dashscope.answers import Inquiry, Reference, Said, scripted
from bot.playground.dashscope.apps import App, echo_app
from bot.playground.dashscope.server import PLAYGROUND_KEY
from bot.playground.slack.limits import Limits

LIBRARY = {"rag_options": {"pipeline_ids": ["KB1"]}}
SOURCE = Reference("handbook.pdf", "Holidays", "Thirty days.")


@pytest.fixture
def limits() -> Limits:
    """Nobody waits for Slack."""
    return UNLIMITED


@pytest.fixture
async def many(tmp_path: Path) -> AsyncIterator[Rig]:
    """Servers with a few apps besides the default one."""
    apps = (echo_app(name) for name in (APP_ID, "app-wide", "app-narrow", "app-own"))
    async with several_apps(tmp_path, *apps) as rig:
        yield rig


def searched(rig: Rig) -> list[bool]:
    """Return of each request whether it named the knowledge base."""
    return [parameters_of(entry).get("rag_options") is not None for entry in rig.asked()]


async def test_what_is_set_holds_for_the_very_next_message(any_rig: Rig) -> None:
    async with a_desk(any_rig) as desk:
        await any_rig.answer("before")
        await desk.say("kb KB1")
        await any_rig.answer("after", turns=2)
        await desk.say("kb inherit")
        await any_rig.answer("later", turns=3)
    assert searched(any_rig) == [False, True, False]


@pytest.mark.parametrize("database", ["postgresql"])
async def test_what_is_set_through_one_replica_holds_at_once_in_another(rig: Rig) -> None:
    async with AsyncExitStack() as first, rig.bot() as second:
        await rig.answer("so that the other one knows the settings")
        desk = await first.enter_async_context(a_desk(rig))  # Slack delivers to its bot now
        await desk.say("kb KB1")
        await first.aclose()
        rig.slack.deliver_to(f"{second.address}/slack/events")
        await rig.answer("by the other one", turns=2)
        assert turns_of(second) == 2
    assert searched(rig) == [False, True]


async def test_another_app_begins_a_session_of_its_own_and_says_so(many: Rig) -> None:
    async with a_desk(many) as desk:
        await register(desk, "wide", app_id="app-wide")
        thread = await begun(many)
        await desk.say("app wide")
        await told(many, "two", thread_ts=thread)
        await told(many, "three", thread_ts=thread)
    first, second, third = many.reply(thread)
    assert asked_of(many) == [APP_ID, "app-wide", "app-wide"]
    asked = many.asked()
    assert "session_id" not in input_of(asked[1])
    assert input_of(asked[2])["session_id"] == asked[1].session_id
    assert words([first]) == "begun"
    assert words([second]).endswith(f"\ntwo\n{texts.NEW_SESSION.en}")
    assert words([third]) == "three"


async def test_the_nearest_choice_of_an_app_answers(many: Rig) -> None:
    anns, bens = (many.slack.workspace.dm(person, BOT).channel_id for person in (ANN, BEN))
    async with a_desk(many) as desk:
        for name, more in (("wide", {}), ("narrow", {}), ("own", {"open": "yes"})):
            await register(desk, name, app_id=f"app-{name}", **more)
        await desk.say("workspace app wide")
        await desk.say("app narrow")
        await desk.say("app own", by=ANN, channel=anns)
        for channel in (PUBLIC, PRIVATE, GROUP_DM, anns):
            await told(many, "who are you?", channel=channel)
        await told(many, "who are you?", user=BEN, channel=bens)
    assert asked_of(many) == ["app-narrow", "app-wide", "app-wide", "app-own", "app-wide"]


async def test_options_go_with_the_app_and_the_bots_own_settings_are_inherited(
    many: Rig,
) -> None:
    async with a_desk(many) as desk:
        await register(desk, "narrow", app_id="app-narrow", options='{"top_k":5}')
        for typed in ("workspace kb KB1", "workspace history off", "app narrow", "tags red"):
            await desk.say(typed)
        await desk.say('more {"seed": 1}')
        here_thread = await begun(many)
        await told(many, "two", thread_ts=here_thread)
        elsewhere_thread = await begun(many, channel=PRIVATE)
        await told(many, "two", channel=PRIVATE, thread_ts=elsewhere_thread)
    streamed = {"has_thoughts": True, "incremental_output": True}
    here, _, elsewhere, _ = map(parameters_of, many.asked())
    assert here == {**streamed, "top_k": 5, "seed": 1}
    assert elsewhere == {**streamed, **LIBRARY}
    assert not any("session_id" in input_of(entry) for entry in many.asked())


async def test_an_app_that_is_closed_again_answers_nobody_who_chose_it(many: Rig) -> None:
    channel = many.slack.workspace.dm(BEN, BOT).channel_id
    async with a_desk(many) as desk:
        await register(desk, "own", app_id="app-own", open="yes")
        await desk.say("app own", by=BEN, channel=channel)
        await told(many, "hello", user=BEN, channel=channel)
        await desk.say("apps edit own open=no")
        await told(many, "hello", user=BEN, channel=channel)
    assert asked_of(many) == ["app-own", APP_ID]


async def test_what_is_undone_holds_no_more(many: Rig) -> None:
    async with a_desk(many) as desk:
        await register(desk, "wide", app_id="app-wide")
        for typed in ("kb KB1", "undo", "app wide", "undo"):
            await desk.say(typed)
            await told(many, "hello")
    assert searched(many) == [True, False, False, False]
    assert asked_of(many) == [APP_ID, APP_ID, "app-wide", APP_ID]


def sorry(rig: Rig, thread: str) -> str:
    """Return the one sentence a thread should have got, with its turn to quote."""
    (message,) = rig.reply(thread)
    return texts.failure(Misconfigured(), turn_id=turn_of(message), language=Language.EN)


async def test_an_app_that_is_gone_is_one_plain_sentence_and_nobody_is_asked(
    any_rig: Rig,
) -> None:
    await store(any_rig, f"channel:{PUBLIC}", app="gone")
    async with any_rig.bot():
        thread = await any_rig.ask("hello")
        await any_rig.finished()
        shown = words(any_rig.reply(thread))
        elsewhere = await any_rig.answer("hello", channel=PRIVATE, turns=2)
    assert shown == sorry(any_rig, thread)
    assert elsewhere == "hello"
    assert len(any_rig.asked()) == 1


@pytest.mark.parametrize(
    "keys", [(), ("another-key-at-rest-0123456789abcdef",)], ids=["none", "another"]
)
async def test_a_key_that_cannot_be_opened_is_one_plain_sentence_and_nobody_is_asked(
    rig: Rig, keys: tuple[str, ...]
) -> None:
    own = {"region": "other", "base_url": rig.dashscope.base_url, "api_key": PLAYGROUND_KEY}
    async with a_desk(rig) as desk:
        form = await desk.open("apps add")
        await desk.save(form, {"name": "own", "app_id": APP_ID, **own})
        await desk.say("app own")
        assert await rig.answer("hello") == "hello"
    rig.changes["encryption_keys"] = tuple(map(SecretStr, keys))
    async with rig.bot():
        thread = await rig.ask("hello")
        await rig.finished(2)
        shown = words(rig.reply(thread))
    assert shown == sorry(rig, thread)
    assert len(rig.asked()) == 1


# what stands under answers


def learned(inquiry: Inquiry) -> Said:
    """Answer from a document."""
    return Said(f"{inquiry.prompt}: thirty days.<ref>[1]</ref>", references=(SOURCE,))


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Rig]:
    """Servers whose app quotes a document."""
    async with several_apps(tmp_path, App(APP_ID, answers=learned)) as rig:
        yield rig


async def test_sources_are_listed_until_they_are_switched_off(library: Rig) -> None:
    async with a_desk(library) as desk:
        listed = await library.answer("Holidays")
        await desk.say("reply sources off")
        plain = await library.answer("Holidays", turns=2)
    assert listed.startswith("Holidays: thirty days.[1]")
    assert SOURCE.doc_name in listed
    assert plain == "Holidays: thirty days."


async def test_steps_are_kept_under_an_answer_once_they_are_switched_on(library: Rig) -> None:
    async with a_desk(library) as desk:
        plain = await library.answer("Holidays")
        await desk.say("reply steps on")
        with_steps = await library.answer("Holidays", turns=2)
    assert "Steps:" not in plain
    assert with_steps == f"{plain}\nSteps: searched the knowledge base"


# what the app knows of the thread


async def test_without_history_each_question_stands_alone(any_rig: Rig) -> None:
    async with a_desk(any_rig) as desk:
        thread = await begun(any_rig)
        await desk.say("history off")
        for number in (2, 3):
            await told(any_rig, f"question {number}", thread_ts=thread)
    asked = [dict(input_of(entry)) for entry in any_rig.asked()]
    assert asked[1:] == [{"prompt": "question 2"}, {"prompt": "question 3"}]
    assert texts.NEW_SESSION.en not in words(any_rig.reply(thread))


def certain(kind: AppKind) -> App:
    """Return an app that always knows."""
    return App(APP_ID, answers=scripted({}, otherwise="On Monday."), kind=kind)


def said_by_people(*lines: str) -> dict[str, str]:
    return {"role": "user", "content": "\n\n".join(lines)}


@pytest.mark.parametrize(
    ("app_under_test", "kind"),
    [(certain(kind), kind) for kind in (AppKind.AGENT, AppKind.DIALOG_WORKFLOW)],
    ids=["agent", "dialog workflow"],
)
async def test_history_as_messages_is_the_thread_as_people_read_it(rig: Rig, kind: AppKind) -> None:
    async with a_desk(rig, dashscope_app_kind=kind) as desk:
        await desk.say("history messages")
        thread = await rig.slack.say(ANN, PUBLIC, f"the plan, <@{BEN}> & co")
        await rig.slack.say(BEN, PUBLIC, "we <start> on Monday", thread_ts=thread)
        await rig.ask("when?", thread_ts=thread, user=BEN)
        await rig.finished()
        await rig.slack.say(ANN, PUBLIC, "no, on Tuesday", thread_ts=thread)
        await rig.ask("say it again", thread_ts=thread)
        await rig.finished(2)
    first = said_by_people(
        "Ann A.: the plan, @Ben B. & co", "Ben B.: we <start> on Monday", "Ben B.: when?"
    )
    answer = {"role": "assistant", "content": "On Monday."}
    second = said_by_people("Ann A.: no, on Tuesday", "Ann A.: say it again")
    assert [input_of(entry) for entry in rig.asked()] == [
        {"messages": [first]},
        {"messages": [first, answer, second]},
    ]


async def test_what_the_bot_says_of_itself_is_no_part_of_the_history(rig: Rig) -> None:
    async with a_desk(rig) as desk:
        await desk.say("history messages")
        thread = await begun(rig)
        await desk.say("quota user turns 1")
        await told(rig, "refused", thread_ts=thread)
        await desk.say("quota user turns off")
        await told(rig, "again", thread_ts=thread)
        refusal = words(rig.reply(thread)[1:2])
    assert "quota" in refusal
    *_, last = rig.asked()
    roles = [message["role"] for message in input_of(last)["messages"]]
    assert roles == ["user", "assistant", "user"]
    assert refusal not in str(input_of(last))


# while an answer is on its way


async def test_settings_changed_in_mid_answer_hold_from_the_next_one_on(tmp_path: Path) -> None:
    def at_length(inquiry: Inquiry) -> Said:
        return Said(f"{ANSWER} {ANSWER} for {inquiry.prompt}<ref>[1]</ref>", references=(SOURCE,))

    apps = App(APP_ID, answers=at_length), echo_app("app-wide")
    async with several_apps(tmp_path, *apps) as rig:
        slowly = replace(SPOKEN, chars_per_s=100)  # so that four commands go in between
        rig.dashscope.manner = replace(rig.dashscope.manner, pace=slowly)
        shown = when_words_show(rig, lambda _message: None)
        async with a_desk(rig) as desk:
            await register(desk, "wide", app_id="app-wide")
            await desk.say("history messages")
            thread = await rig.ask("Ann")
            await rig.slack.until(lambda: shown, timeout_s=WITHIN_S)
            for typed in ("app wide", "reply sources off", "language zh", "history off"):
                await desk.say(typed)
            assert not rig.asked()[0].finished  # it was indeed in the middle
            await rig.finished()
            await rig.ask("Ben", thread_ts=thread)
            await rig.finished(2)
        first, second = rig.reply(thread)
    assert asked_of(rig) == [APP_ID, "app-wide"]
    assert words([first]).startswith(f"{ANSWER} {ANSWER} for Ann[1]")
    assert SOURCE.doc_name in words([first])
    assert words([second]) == "Ben"
