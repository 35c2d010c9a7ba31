"""What only its asker can give a question: variables and tokens, and a fresh start."""

import asyncio
from dataclasses import replace

import pytest
from edges import (
    EN,
    PROFILE,
    ZH,
    Keyring,
    Memory,
    Quotas,
    Stream,
    Threads,
    a_turn,
    saying,
    somebody,
)
from scene import Scene

from bot.core import texts
from bot.core.answer import Answer
from bot.core.pages import PAGE_BYTES
from bot.core.question import AppKind
from bot.core.reply import Content
from bot.core.setting import Follow, History
from bot.core.variables import FILLED_IN, MAX_VALUE_CHARS
from bot.errors import SessionLost
from bot.turns.ending import Ending
from storage.records import Conversation, Turn, TurnStatus, Wish

FLOW = replace(PROFILE, kind=AppKind.WORKFLOW)
ASKED = ("city", "days")
CANARY = "canary-token-4711"


def asking(*streams: Stream | Exception, **settings: object) -> Scene:
    return Scene(*streams).given(app=FLOW, asked=ASKED, **settings)


def saying_this(text: str, **payload: object) -> Turn:
    return a_turn(payload={"text": f"<@UBOT> {text}", "files": 0, **payload})


async def test_variables_given_with_a_question_go_along_and_are_no_part_of_it() -> None:
    scene = asking(saying("Tofu"), options={"biz_params": {"style": "short"}, "has_thoughts": True})
    await scene.run(saying_this("city=Hangzhou\ndays=3\nWhat to eat?"))
    (question,) = scene.apps.questions
    assert question.prompt == "What to eat?"
    assert question.options == {
        "biz_params": {"style": "short", "city": "Hangzhou", "days": "3"},
        "has_thoughts": True,
    }


async def test_a_value_that_is_set_holds_until_the_asker_gives_another() -> None:
    settings = {"options": {"biz_params": {"city": "Beijing", "days": "1"}}}
    scene = asking(saying("Duck"), saying("Tofu"), **settings)
    await scene.run(saying_this("What?"))
    await scene.run(saying_this("What?\ncity=Hangzhou"))
    given = [question.options["biz_params"] for question in scene.apps.questions]
    assert given == [{"city": "Beijing", "days": "1"}, {"city": "Hangzhou", "days": "1"}]


@pytest.mark.parametrize(
    "line", ["style=long", "user_defined_tokens=x", "user_prompt_params=x", "session_id=x"]
)
async def test_what_is_not_asked_for_is_never_set_by_the_asker(line: str) -> None:
    scene = asking(saying("Tofu"), options={"biz_params": {"style": "short"}})
    filled = {"city": "A", "days": "1", line.partition("=")[0]: "forged"}
    await scene.run(saying_this(f"{line}\nWhat?", **{FILLED_IN: filled}))
    (question,) = scene.apps.questions
    assert question.options == {"biz_params": {"style": "short", "city": "A", "days": "1"}}
    assert question.prompt == f"{line}\nWhat?"


async def test_without_names_to_ask_for_nothing_is_read_as_a_variable() -> None:
    scene = Scene(saying("Tofu")).given(app=FLOW)
    await scene.run(saying_this("city=Hangzhou\nWhat?", **{FILLED_IN: {"city": "forged"}}))
    (question,) = scene.apps.questions
    assert (question.prompt, question.options) == ("city=Hangzhou\nWhat?", {})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("What?", ("city", "days")),
        ("city=Hangzhou\nWhat?", ("days",)),
        ("city=\ndays=1\nWhat?", ("city",)),
    ],
)
async def test_one_sentence_names_what_is_missing_and_nothing_is_asked_or_counted(
    text: str, names: tuple[str, ...]
) -> None:
    usage = Quotas()
    scene = asking().amid(usage=usage)
    scene.slack.persons["U1"] = somebody(locale="zh-CN")
    await scene.run(saying_this(text))
    (content,) = scene.slack.messages.values()
    sentence = texts.lacking(names, language=ZH)
    assert content == Content(sentence, language=ZH, fills=names, is_answer=False)
    assert (scene.apps.questions, usage.admitted) == ([], [])
    assert scene.book.status is TurnStatus.DONE


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (f"city={'x' * (MAX_VALUE_CHARS + 1)}\ndays=1", "`city` may have 500 characters at most."),
        ("city=Rome\ndays=many", "`days` must be a number."),
    ],
)
async def test_a_value_that_cannot_be_is_asked_for_again_and_said_why(
    line: str, sentence: str
) -> None:
    scene = asking(options={"biz_params": {"days": 3}})
    (shown,) = await scene.run(saying_this(f"{line}\nWhat?"))
    assert shown.startswith(f"{sentence} To answer this I need `{sentence.split('`')[1]}`: ")
    assert scene.apps.questions == []


async def test_a_value_given_in_the_place_of_a_number_is_one() -> None:
    scene = asking(saying("Tofu"), options={"biz_params": {"days": 3}})
    await scene.run(saying_this("city=7\ndays=7\nWhat?"))
    (question,) = scene.apps.questions
    assert question.options["biz_params"] == {"days": 7, "city": "7"}


async def test_what_was_filled_in_goes_before_what_the_question_says() -> None:
    scene = asking(saying("Tofu"))
    filled = {"city": "Hangzhou"}
    await scene.run(saying_this("city=\ndays=3\nWhat?", **{FILLED_IN: filled}))
    (question,) = scene.apps.questions
    assert question.options["biz_params"] == {"city": "Hangzhou", "days": "3"}


async def test_a_question_that_is_completed_is_read_from_slack_with_its_own_lines() -> None:
    scene = asking(saying("Tofu"))
    scene.slack.question_text = "<@UBOT> days=3\nWhat to eat?"
    await scene.run(a_turn(payload={FILLED_IN: {"city": "Hangzhou"}}, reply=("50.0",)))
    (question,) = scene.apps.questions
    assert question.prompt == "What to eat?"
    assert question.options["biz_params"] == {"city": "Hangzhou", "days": "3"}


async def test_an_edit_that_takes_a_variable_away_is_asked_for_it() -> None:
    scene = asking(Stream([Answer()], gate=asyncio.Event()))
    running = asyncio.create_task(scene.run(saying_this("city=A\ndays=1\nWhat?")))
    async with asyncio.timeout(60):
        while not scene.apps.questions:
            await asyncio.sleep(0)
    scene.book.wish = Wish(None, 1, {"text": "days=1\nWhat?", "files": 0, "edited_ts": "5.5"})
    scene.grip.called.set()
    assert await running == [f"{texts.lacking(('city',), language=EN)}|"]


async def test_an_ending_keeps_what_there_is_to_fill_in() -> None:
    ending = Ending("hinted", text="x", fills=("city",))
    assert Ending.from_json(ending.to_json()) == ending
    assert ending.contents(PAGE_BYTES) == [Content("x", fills=("city",), is_answer=False)]


async def test_the_askers_tokens_go_along_for_the_plugins_used_here_and_no_others() -> None:
    kept = {("U1", "mine"): CANARY, ("U1", "unused"): "x", ("U2", "mine"): "somebody else's"}
    keyring = Keyring(dict(kept))
    scene = Scene(saying("Hello")).given(plugins=("mine", "none")).amid(tokens=keyring)
    assert await scene.run() == ["Hello|"]
    (question,) = scene.apps.questions
    assert question.tokens == {"mine": CANARY}
    assert keyring.asked == [("U1", ("mine", "none"))]
    assert CANARY not in repr(question)
    assert CANARY not in str(scene.book.ending)


async def test_nobodys_tokens_go_to_a_host_that_an_admin_chose() -> None:
    keyring = Keyring({("U1", "mine"): CANARY})
    elsewhere = replace(PROFILE, takes_tokens=False)
    scene = Scene(saying("Hello")).given(plugins=("mine",), app=elsewhere).amid(tokens=keyring)
    assert await scene.run() == ["Hello|"]
    assert (scene.apps.questions[0].tokens, keyring.asked) == ({}, [])


async def test_where_no_plugin_is_used_tokens_are_not_even_looked_up() -> None:
    keyring = Keyring({("U1", "mine"): CANARY})
    scene = Scene(saying("Hello")).amid(tokens=keyring)
    await scene.run()
    assert (scene.apps.questions[0].tokens, keyring.asked) == ({}, [])


async def test_a_token_that_cannot_be_read_is_left_out_and_told_of() -> None:
    keyring = Keyring({("U1", "lost"): None, ("U1", "mine"): "x"})
    scene = Scene(saying("Hello")).given(plugins=("lost", "mine")).amid(tokens=keyring)
    assert await scene.run() == [f"Hello|{texts.TOKEN_LOST.en}"]
    assert scene.apps.questions[0].tokens == {"mine": "x"}


async def test_a_question_asked_again_without_its_session_looks_its_tokens_up_anew() -> None:
    keyring = Keyring({("U1", "mine"): "old"})
    known = Conversation(app_key=PROFILE.key, session_id="s0", rounds=1, idle_s=1)
    scene = Scene(SessionLost(), saying("Hello"), known=known)
    scene.given(plugins=("mine",)).amid(tokens=keyring)
    await scene.run()
    assert [question.tokens for question in scene.apps.questions] == [{"mine": "old"}] * 2
    assert len(keyring.asked) == 2


@pytest.mark.parametrize("word", ["/new", "Start afresh.", "重新开始"])
async def test_the_bare_word_lets_a_thread_start_afresh(word: str) -> None:
    usage, memory = Quotas(), Memory()
    scene = Scene().amid(usage=usage, memory=memory)
    turn = a_turn(thread_ts="0.5", payload={"text": f"<@UBOT> {word}", "files": 0})
    assert await scene.run(turn) == [f"|{texts.AFRESH.en}"]
    assert memory.forgotten == [("0.5", "1.0")]
    assert (scene.apps.questions, usage.admitted) == ([], [])
    assert scene.book.log[-1] == "finish:hinted"


async def test_who_may_not_ask_cannot_make_a_thread_start_afresh() -> None:
    memory = Memory()
    scene = Scene().amid(memory=memory)
    scene.slack.persons["U1"] = somebody(is_guest=True)
    await scene.run(a_turn(payload={"text": "start over", "files": 0}))
    assert memory.forgotten == []


async def test_the_word_wakes_a_quiet_thread_as_any_other_would() -> None:
    threads, memory = Threads(is_quiet=True), Memory()
    scene = Scene().given(follow=Follow.THREAD).amid(threads=threads, memory=memory)
    await scene.run(a_turn(payload={"text": "<@UBOT> start over", "files": 0}))
    assert not threads.is_quiet
    assert memory.forgotten


async def test_variables_stay_out_of_a_conversation_sent_as_messages() -> None:
    scene = Scene(saying("Tofu")).given(
        app=replace(PROFILE, kind=AppKind.DIALOG_WORKFLOW),
        asked=("city",),
        history=History.MESSAGES,
    )
    await scene.run(saying_this("What?\ncity=Hangzhou"))
    (question,) = scene.apps.questions
    assert question.messages == (("user", "What?"),)
    assert question.options == {"biz_params": {"city": "Hangzhou"}}
