"""One turn from its take-up to its end."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from edges import (
    EN,
    PROFILE,
    Book,
    Chosen,
    Failure,
    Stream,
    a_turn,
    said,
    saying,
)
from scene import Scene

from bot.core import texts
from bot.core.answer import Answer, ModelUsage
from bot.core.question import AppKind
from bot.core.reply import Content
from bot.core.resolution import Effective
from bot.errors import (
    ContentBlocked,
    SlackRefused,
    SlackTokenRefused,
    Throttled,
    UpstreamFailed,
)
from bot.turns.asking import EDITS_FOLLOWED
from bot.turns.ending import Ending
from bot.turns.run import DELIVERIES, TRIES
from bot.turns.world import Grip
from storage.errors import LeaseLost
from storage.records import Conversation, Turn, TurnStatus, Wish
from storage.usage_records import ModelUse


def session(*, idle_s: float = 10, rounds: int = 1, app_key: str = PROFILE.key) -> Conversation:
    return Conversation(app_key=app_key, session_id="s0", rounds=rounds, idle_s=idle_s)


async def test_the_answer_is_shown_and_the_turn_finished_with_its_session() -> None:
    scene = Scene(saying("Hel", "Hello"))
    assert await scene.run() == ["Hello|"]
    assert scene.book.status is TurnStatus.DONE
    assert scene.book.session is not None
    assert (scene.book.session.session_id, scene.book.session.app_key) == ("s1", PROFILE.key)


async def test_the_ending_is_stored_before_it_is_shown_and_nothing_before_the_post_is() -> None:
    scene = Scene(saying("Hello"))
    await scene.run()
    assert scene.book.log.index("posting") == 0
    assert scene.book.log[-2:] == ["ending", "finish:answered"] or scene.book.log[-4:] == [
        "ending",
        "posting",
        "posted",
        "finish:answered",
    ]


async def test_nothing_of_an_ending_is_seen_before_it_is_stored() -> None:
    scene = Scene(Throttled(code="Throttling", status=429))
    seen: list[str] = []

    class Watching(Book):
        """A record that looks at what readers see while it is written."""

        async def store_ending(self, turn: Turn, ending: dict[str, Any]) -> None:
            seen.extend(["stored", *scene.slack.visible()])
            await super().store_ending(turn, ending)

    sentence = f"{texts.failure(Throttled(), turn_id=7, language=EN)}|"
    assert await scene.amid(book=Watching()).run() == [sentence]
    assert "stored" in seen
    assert sentence not in seen


async def test_a_stored_ending_is_shown_without_asking_again() -> None:
    scene = Scene()
    stored = Ending("answered", text="From before", session_id="s9", app_key="k").to_json()
    assert await scene.run(a_turn(ending=stored, attempts=2)) == ["From before|"]
    assert scene.apps.questions == []
    assert scene.book.session is not None
    assert scene.book.session.session_id == "s9"


async def test_the_prompt_has_no_mention_of_the_bot_and_names_for_the_others() -> None:
    scene = Scene(saying("Hello"))
    await scene.run(a_turn(payload={"text": "<@UBOT> ask <@U2> &lt;now&gt;", "files": 0}))
    assert scene.apps.questions[0].prompt == "ask @Somebody <now>"


async def test_a_good_session_is_sent_again() -> None:
    scene = Scene(Stream([replace(said("Hello"), session_id="s0")]), known=session())
    assert await scene.run() == ["Hello|"]
    assert scene.apps.questions[0].session_id == "s0"


async def test_an_app_without_sessions_is_never_sent_one() -> None:
    scene = Scene(saying("Hello"), known=session())
    profile = replace(PROFILE, kind=AppKind.WORKFLOW)
    scene.world = replace(scene.world, choices=Chosen(Effective(profile)))
    await scene.run()
    assert scene.apps.questions[0].session_id is None


async def test_a_cut_answer_stays_and_is_marked() -> None:
    scene = Scene(Stream([Answer(text="Half an ans", session_id="s1")]))
    assert await scene.run() == [f"Half an ans|{texts.cut(turn_id=7, language=EN)}"]
    assert scene.book.log[-1] == "finish:cut"


async def test_an_answer_its_app_ended_early_is_complete_and_one_quiet_line_says_so() -> None:
    scene = Scene(Stream([Answer(text="Forty-", session_id="s1", finish_reason="length")]))
    assert await scene.run() == [f"Forty-|{texts.ENDED_EARLY.en}"]
    assert scene.book.log[-1] == "finish:answered"


async def test_an_error_before_the_first_word_is_one_sentence_and_keeps_the_session() -> None:
    scene = Scene(Throttled(code="Throttling", status=429), known=session())
    assert await scene.run() == [f"{texts.failure(Throttled(), turn_id=7, language=EN)}|"]
    assert scene.book.status is TurnStatus.FAILED
    assert scene.book.session is None


async def test_a_session_in_which_nothing_was_said_is_not_gone_on_with() -> None:
    scene = Scene(Stream([Answer(session_id="s1"), UpstreamFailed()]))
    await scene.run()
    assert scene.book.status is TurnStatus.FAILED
    assert scene.book.session is None


async def test_an_error_in_the_middle_keeps_what_was_said() -> None:
    scene = Scene(Stream([Answer(text="Half"), UpstreamFailed("secret")]))
    (shown,) = await scene.run()
    assert shown.startswith("Half|")
    assert "T7" in shown
    assert "secret" not in shown


async def test_blocked_content_is_taken_back() -> None:
    scene = Scene(Stream([Answer(text="Something bad"), ContentBlocked()]))
    (shown,) = await scene.run()
    assert "bad" not in shown
    assert "rules" in shown


async def test_an_answer_without_a_word_is_said_so() -> None:
    scene = Scene(Stream([said("  ")]))
    assert await scene.run() == [f"{texts.EMPTY_ANSWER.en}|"]


async def test_stopping_closes_the_request_and_keeps_the_text_so_far() -> None:
    scene = Scene(Stream([Answer(text="So far")], gate=asyncio.Event()))
    running = asyncio.create_task(scene.run())
    async with asyncio.timeout(60):
        while scene.slack.visible() != ["So far|"]:
            await asyncio.sleep(0)
    scene.book.wish = Wish("U1", 0, {})
    scene.grip.called.set()
    assert await running == [f"So far|{texts.STOPPED.en}"]
    assert scene.apps.closed == 1
    assert scene.book.status is TurnStatus.CANCELLED


async def test_a_turn_that_was_stopped_before_it_ran_asks_nothing() -> None:
    scene = Scene()
    assert await scene.run(a_turn(stop_requested_by="U1", posting=True)) == [f"|{texts.STOPPED.en}"]
    assert scene.apps.questions == []


@pytest.mark.parametrize(
    "changes",
    [
        {"crashes": TRIES},
        {"attempts": TRIES + 1, "posting": True},
        {"attempts": DELIVERIES + 1},
    ],
)
async def test_a_turn_that_fails_every_time_is_given_up_with_a_plain_message(
    changes: dict[str, Any],
) -> None:
    scene = Scene()
    assert await scene.run(a_turn(**changes)) == [f"{texts.gave_up(turn_id=7, language=EN)}|"]
    assert scene.book.status is TurnStatus.FAILED


@pytest.mark.parametrize("files", [[], 2])  # a number is what an earlier release stored
async def test_a_message_without_a_question_gets_a_hint(files: object) -> None:
    scene = Scene()
    shown = await scene.run(a_turn(payload={"text": "<@UBOT> ", "files": files}))
    assert shown == [f"{texts.EMPTY_QUESTION.en}|"]
    assert scene.apps.questions == []


async def test_what_slack_will_never_take_becomes_one_plain_sentence() -> None:
    scene = Scene(saying("Hello"))
    scene.slack.failures = [
        Failure("post", SlackRefused(method="chat.postMessage", code="invalid_blocks"))
        for _ in range(2)
    ]
    assert await scene.run() == [f"{texts.gave_up(turn_id=7, language=EN)}|"]
    assert scene.book.log[-1] == "finish:undelivered"


async def test_what_slack_may_take_later_leaves_the_turn_open() -> None:
    scene = Scene(saying("Hello"))
    refused = SlackTokenRefused(method="m", code="token_revoked")
    scene.slack.failures = [Failure("post", refused) for _ in range(9)]
    with pytest.raises(SlackTokenRefused):
        await scene.run()
    assert scene.book.ending is not None
    assert scene.book.status is None


async def test_an_answer_that_can_never_be_shown_is_dropped_in_the_end() -> None:
    scene = Scene()
    refused = SlackTokenRefused(method="m", code="token_revoked")
    scene.slack.failures = [Failure("post", refused)]
    stored = Ending("answered", text="Hello").to_json()
    await scene.run(a_turn(ending=stored, attempts=DELIVERIES))
    assert scene.book.log[-1] == "finish:undelivered"


async def test_without_the_lease_nothing_is_asked_or_shown() -> None:
    def lost() -> None:
        raise LeaseLost

    scene = Scene(saying("Hello"))
    scene.grip = Grip(guard=lost, called=asyncio.Event())
    scene.slack.permit_gate = asyncio.Event().wait  # the reply finds out no sooner than the asking
    with pytest.raises(LeaseLost):
        async with asyncio.timeout(60):
            await scene.run()
    assert scene.apps.questions == []
    assert scene.slack.calls == []
    assert scene.book.status is None


async def test_cancelling_leaves_the_turn_to_the_next_process() -> None:
    scene = Scene(Stream([Answer(text="So far")], gate=asyncio.Event()))
    running = asyncio.create_task(scene.run())
    async with asyncio.timeout(60):
        while scene.slack.visible() != ["So far|"]:
            await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait({running})
    assert scene.apps.closed == 1
    assert scene.book.status is None
    assert scene.book.ending is None


def edited(text: str, *, revision: int = 1) -> Wish:
    return Wish(None, revision, {"text": text, "files": 0, "edited_ts": "5.5"})


async def test_a_question_edited_before_the_first_word_is_answered_in_its_new_words() -> None:
    used = Answer(usage=(ModelUsage("m", 5, 0),))
    scene = Scene(Stream([used], gate=asyncio.Event()), saying("New answer"))
    running = asyncio.create_task(scene.run())
    async with asyncio.timeout(60):
        while not scene.apps.questions:
            await asyncio.sleep(0)
    scene.book.wish = edited("new words")
    scene.grip.called.set()
    assert await running == ["New answer|"]
    assert [question.prompt for question in scene.apps.questions] == ["hello", "new words"]
    assert scene.apps.closed == 2
    assert scene.slack.offers == []
    assert scene.book.usage == (ModelUse("m", 5, 0),)


async def test_a_question_edited_over_and_over_is_not_asked_each_time_for_one_turn() -> None:
    asked = EDITS_FOLLOWED + 1
    gates = [asyncio.Event() for _ in range(asked + 1)]
    scene = Scene(*(Stream([Answer(finish_reason="stop")], gate=gate) for gate in gates))
    running = asyncio.create_task(scene.run())
    async with asyncio.timeout(60):
        for revision in range(1, asked + 1):
            while len(scene.apps.questions) < revision:
                await asyncio.sleep(0)
            scene.book.wish = edited(f"words {revision}", revision=revision)
            scene.grip.called.set()
        while scene.grip.called.is_set():
            await asyncio.sleep(0)
        for gate in gates:
            gate.set()
        await running
    assert len(scene.apps.questions) == asked
    assert scene.slack.offers == [("U1", 7, "5.5")]


async def test_a_question_edited_later_is_offered_to_be_answered_again() -> None:
    gate = asyncio.Event()
    scene = Scene(Stream([Answer(text="Old answer", finish_reason="stop")], gate=gate))
    running = asyncio.create_task(scene.run())
    async with asyncio.timeout(60):
        while scene.slack.visible() != ["Old answer|"]:
            await asyncio.sleep(0)
    scene.book.wish = edited("new words")
    scene.grip.called.set()
    async with asyncio.timeout(60):
        while scene.grip.called.is_set():
            await asyncio.sleep(0)
    gate.set()
    assert await running == ["Old answer|"]
    assert scene.slack.offers == [("U1", 7, "5.5")]


async def test_a_call_that_asks_for_nothing_new_changes_nothing() -> None:
    gate = asyncio.Event()
    scene = Scene(Stream([said("Answer")], gate=gate))
    running = asyncio.create_task(scene.run(a_turn(revision=1)))
    async with asyncio.timeout(60):
        while scene.slack.visible() != ["Answer|"]:
            await asyncio.sleep(0)
    scene.book.wish = edited("words known already")
    scene.grip.called.set()
    async with asyncio.timeout(60):
        while scene.grip.called.is_set():
            await asyncio.sleep(0)
    gate.set()
    await running
    assert len(scene.apps.questions) == 1
    assert scene.slack.offers == []


async def test_a_repeated_question_is_read_from_slack_and_answered_in_the_same_message() -> None:
    scene = Scene(saying("Better"))
    scene.slack.messages["C1", "90.0"] = Content("Old answer")
    scene.slack.question_text = "<@UBOT> new words"
    assert await scene.run(a_turn(payload={}, reply=("90.0",))) == ["Better|"]
    assert scene.apps.questions[0].prompt == "new words"


async def test_a_repeated_question_that_is_gone_is_not_answered() -> None:
    scene = Scene()
    assert await scene.run(a_turn(payload={})) == [f"{texts.QUESTION_GONE.en}|"]
