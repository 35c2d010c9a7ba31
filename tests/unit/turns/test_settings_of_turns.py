"""What was chosen for a place is what its turns do."""

import asyncio
from dataclasses import replace

import pytest
from edges import EN, PROFILE, ZH, Chosen, Memory, Quotas, Stream, a_turn, said, saying, somebody
from scene import Scene

from bot.core import step_texts, texts
from bot.core.answer import Answer, ModelUsage, Source, Step
from bot.core.history import Said
from bot.core.pages import PAGE_BYTES
from bot.core.question import AppKind
from bot.core.reply import Content
from bot.core.resolution import Quota
from bot.core.setting import History, LanguageChoice
from bot.errors import Misconfigured, SessionLost, SlackThrottled, UnknownApp, UpstreamFailed
from bot.turns.ending import NO_SESSION, Ending
from bot.turns.run import TRIES
from storage.errors import SecretsLocked, SecretUnreadable, StorageError, StorageUnavailable
from storage.records import Conversation, SessionUse, TurnStatus, Wish
from storage.usage_records import ModelUse

CHINESE = somebody(locale="zh-CN")
REPLY = a_turn(thread_ts="0.5")
SOURCES = (Source("1", "A manual", "https://a.b/c"),)
SOURCED = "Red.<ref>[1]</ref>"
STEPS = (Step("1", "retrieval", "r", "done"), Step("2", "tool", "Weather", "done"))
USED = (ModelUsage("qwen", 700, 90),)
TEN_TURNS = Quota("user", "turns", 10, "workspace")
TOKENS = Quota("channel", "tokens", 1_000, "channel")


async def test_the_chosen_app_is_asked_with_its_options_and_settings_are_read_once() -> None:
    other = replace(PROFILE, name="other", app_id="OTHER", kind=AppKind.WORKFLOW)
    scene = Scene(saying("Hello")).given(app=other, options={"has_thoughts": True})
    await scene.run()
    (question,) = scene.apps.questions
    assert (question.app, question.options) == (other, {"has_thoughts": True})
    assert isinstance(scene.world.choices, Chosen)
    assert scene.world.choices.asked == 1


async def test_without_settings_nothing_is_shown_or_asked_and_the_turn_stays_open() -> None:
    scene = Scene(saying("Hello")).amid(choices=Chosen(error=StorageUnavailable("away")))
    with pytest.raises(StorageUnavailable):
        await scene.run()
    assert (scene.slack.calls, scene.apps.questions, scene.book.log) == ([], [], [])


@pytest.mark.parametrize("error", [UnknownApp("gone"), SecretsLocked(), SecretUnreadable()])
async def test_an_app_that_cannot_be_asked_is_said_to_be_set_up_wrong(
    error: UnknownApp | StorageError,
) -> None:
    scene = Scene().amid(choices=Chosen(error=error))
    scene.slack.persons["U1"] = CHINESE
    sentence = texts.failure(Misconfigured(), turn_id=7, language=ZH)
    assert await scene.run() == [f"{sentence}|"]
    assert scene.book.log[-1] == "finish:failed"
    assert scene.book.status is TurnStatus.FAILED


@pytest.mark.parametrize(
    ("choice", "locale", "language"),
    [
        (LanguageChoice.AUTO, "zh-CN", ZH),
        (LanguageChoice.AUTO, "en-GB", EN),
        (LanguageChoice.AUTO, None, EN),
        (LanguageChoice.ZH, "en-US", ZH),
        (LanguageChoice.EN, "zh-CN", EN),
    ],
)
async def test_the_bot_speaks_the_askers_language_unless_one_is_set(
    choice: LanguageChoice, locale: str | None, language: object
) -> None:
    scene = Scene(Stream([Answer(text="So far")], gate=asyncio.Event())).given(language=choice)
    if locale is not None:
        scene.slack.persons["U1"] = somebody(locale=locale)
    running = asyncio.create_task(scene.run())
    async with asyncio.timeout(60):
        while scene.slack.visible() != ["So far|"]:
            await asyncio.sleep(0)
    (growing,) = scene.slack.messages.values()
    assert growing.language is language
    scene.book.wish = Wish("U1", 0, {})
    scene.grip.called.set()
    assert await running == [f"So far|{texts.STOPPED.zh if language is ZH else texts.STOPPED.en}"]


async def test_every_sentence_of_a_turn_is_in_its_language() -> None:
    shown: list[str] = []
    for turn, stream in (
        (a_turn(), Stream([said(" ")])),
        (a_turn(), Stream([Answer(text="Half")])),
        (a_turn(), UpstreamFailed()),
        (a_turn(), Stream([Answer(text="Half"), UpstreamFailed()])),
        (a_turn(crashes=TRIES), saying("")),
        (a_turn(stop_requested_by="U1", posting=True), saying("")),
        (a_turn(payload={"text": "<@UBOT>", "files": 0}), saying("")),
        (a_turn(payload={}), saying("")),
    ):
        scene = Scene(stream).given(language=LanguageChoice.ZH)
        shown += await scene.run(turn)
    assert len(shown) == 8
    assert all(any("\u4e00" <= char <= "\u9fff" for char in line) for line in shown)


async def test_an_offer_after_the_end_is_in_the_language_of_the_turn() -> None:
    scene = Scene()
    stored = Ending("answered", text="From before", language=ZH).to_json()
    scene.book.wish = Wish(None, 1, {"text": "new", "edited_ts": "5.5"})
    assert await scene.run(a_turn(ending=stored)) == ["From before|"]
    assert scene.slack.offered_in is ZH


LEFT = SessionUse(PROFILE.key, NO_SESSION)
"""What a turn leaves that no session heard of."""


async def test_without_history_no_session_is_sent_and_the_one_there_was_is_left() -> None:
    known = Conversation(app_key=PROFILE.key, session_id="s0", rounds=1, idle_s=1)
    scene = Scene(saying("Hello"), known=known).given(history=History.OFF)
    assert await scene.run(REPLY) == ["Hello|"]
    assert (scene.apps.questions[0].session_id, scene.apps.questions[0].messages) == (None, ())
    assert scene.book.session == LEFT
    assert "thread" not in scene.slack.calls


@pytest.mark.parametrize("last", [[], [UpstreamFailed()]])
async def test_without_history_a_cut_answer_leaves_no_session_either(
    last: list[Exception],
) -> None:
    scene = Scene(Stream([Answer(text="Half", session_id="s1"), *last]))
    await scene.given(history=History.OFF).run()
    assert scene.book.log[-1] == "finish:cut"
    assert scene.book.session == LEFT


@pytest.mark.parametrize(("words", "session"), [("", None), ("Half", LEFT)])
async def test_without_history_a_stop_before_the_first_words_leaves_the_session_there_was_alone(
    words: str, session: SessionUse | None
) -> None:
    known = Conversation(app_key=PROFILE.key, session_id="s0", rounds=1, idle_s=1)
    growing = Stream([Answer(text=words, session_id="s1")], gate=asyncio.Event())
    scene = Scene(growing, known=known).given(history=History.OFF)
    running = asyncio.create_task(scene.run(REPLY))
    async with asyncio.timeout(60):
        while not growing.answer.session_id or (words and scene.slack.visible() != [f"{words}|"]):
            await asyncio.sleep(0)
    scene.book.wish = Wish("U1", 0, {})
    scene.grip.called.set()
    assert await running == [f"{words}|{texts.STOPPED.en}"]
    assert scene.book.log[-1] == "finish:stopped"
    assert scene.book.session == session


async def test_an_app_that_keeps_no_sessions_leaves_the_one_there_was() -> None:
    workflow = replace(PROFILE, kind=AppKind.WORKFLOW)
    scene = Scene(saying("Hello")).given(app=workflow)
    await scene.run(REPLY)
    assert scene.book.session == SessionUse(workflow.key, NO_SESSION)


async def test_without_a_session_none_can_be_lost() -> None:
    scene = Scene(SessionLost(code="x")).given(history=History.OFF)
    assert await scene.run() == [f"{texts.failure(SessionLost(), turn_id=7, language=EN)}|"]
    assert len(scene.apps.questions) == 1


async def test_the_thread_is_sent_as_messages_and_its_session_is_not_kept() -> None:
    scene = Scene(saying("Hello")).given(history=History.MESSAGES)
    scene.slack.said = [Said("U1", "I am Ann"), Said("UBOT", "Hi!", 3), Said("U2", "me too")]
    assert await scene.run(REPLY) == ["Hello|"]
    (question,) = scene.apps.questions
    assert question.messages == (
        ("user", "Somebody: I am Ann"),
        ("assistant", "Hi!"),
        ("user", "Somebody: me too\n\nSomebody: hello"),
    )
    assert question.session_id is None
    assert scene.book.session == LEFT


async def test_what_starts_a_thread_has_no_history_to_read() -> None:
    scene = Scene(saying("Hello")).given(history=History.MESSAGES)
    await scene.run()
    assert scene.apps.questions[0].messages == (("user", "hello"),)
    assert "thread" not in scene.slack.calls


async def test_a_thread_that_cannot_be_read_is_said_so_under_the_answer() -> None:
    scene = Scene(saying("Hello")).given(history=History.MESSAGES)
    scene.slack.said = SlackThrottled(method="conversations.replies", retry_after_s=60)
    assert await scene.run(REPLY) == [f"Hello|{texts.NO_HISTORY.en}"]
    assert scene.apps.questions[0].messages == (("user", "hello"),)


async def test_an_edited_question_reads_the_thread_once() -> None:
    scene = Scene(Stream([Answer()], gate=asyncio.Event()), saying("New answer"))
    scene.given(history=History.MESSAGES).slack.said = [Said("U1", "before")]
    running = asyncio.create_task(scene.run(REPLY))
    async with asyncio.timeout(60):
        while not scene.apps.questions:
            await asyncio.sleep(0)
    scene.book.wish = Wish(None, 1, {"text": "new words", "files": 0, "edited_ts": "5.5"})
    scene.grip.called.set()
    assert await running == ["New answer|"]
    assert scene.apps.questions[1].messages == (("user", "before\n\nnew words"),)
    assert scene.slack.calls.count("thread") == 1


@pytest.mark.parametrize(
    ("shows", "text"),
    [(True, "Red.[1]\n\n---\n\n- [1] [A manual](https://a.b/c)"), (False, "Red.")],
)
async def test_sources_are_marked_and_listed_unless_switched_off(shows: bool, text: str) -> None:
    growing = Stream(
        [Answer(SOURCED, sources=SOURCES), said(SOURCED, sources=SOURCES)], gate=asyncio.Event()
    )
    scene = Scene(growing).given(shows_sources=shows)
    running = asyncio.create_task(scene.run())
    async with asyncio.timeout(60):
        while not any(scene.slack.messages.values()) or not growing.answer.complete:
            await asyncio.sleep(0)
    assert growing.gate is not None
    growing.gate.set()
    assert await running == [f"{text}|"]


async def test_while_an_answer_grows_marks_are_not_shown_either() -> None:
    text = f"{SOURCED} And more"
    growing = Stream([Answer(text, sources=SOURCES)], gate=asyncio.Event())
    scene = Scene(growing).given(shows_sources=False)
    running = asyncio.create_task(scene.run())
    async with asyncio.timeout(60):
        while scene.slack.visible() != ["Red. And more|"]:
            await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait({running})


async def test_what_the_app_does_stands_beside_the_growing_answer_and_goes_with_its_end() -> None:
    steps = (Step("1", "tool", "Weather", "done"), Step("2", "retrieval", "docs", "running"))
    growing = Stream(
        [Answer("It is", steps=steps), Answer("It is sunny", steps=steps)], gate=asyncio.Event()
    )
    scene = Scene(growing)
    running = asyncio.create_task(scene.run())
    async with asyncio.timeout(60):
        while scene.slack.visible() != ["It is sunny|Searching the knowledge base…"]:
            await asyncio.sleep(0)
    growing.answer = said("It is sunny", steps=steps)
    assert growing.gate is not None
    growing.gate.set()
    assert await running == ["It is sunny|"]


@pytest.mark.parametrize("keeps", [True, False])
async def test_the_steps_taken_stand_under_the_answer_when_they_are_wanted(keeps: bool) -> None:
    scene = Scene(Stream([said("Sunny", steps=STEPS)])).given(keeps_steps=keeps)
    line = step_texts.taken(STEPS, language=EN) if keeps else ""
    assert await scene.run() == [f"Sunny|{line}"]


async def test_what_an_answer_cost_is_kept_also_when_it_is_shown_later() -> None:
    scene = Scene(Stream([said("Hello", usage=USED)]))
    await scene.run()
    assert scene.book.usage == (ModelUse("qwen", 700, 90),)
    again = Scene().amid(usage=(usage := Quotas()))
    await again.run(a_turn(ending=scene.book.ending, attempts=2))
    assert again.book.usage == (ModelUse("qwen", 700, 90),)
    assert usage.admitted == []


@pytest.mark.parametrize("stream", [Stream([Answer("Half", usage=USED), UpstreamFailed()])])
async def test_what_a_failed_answer_cost_is_kept(stream: Stream) -> None:
    scene = Scene(stream)
    await scene.run()
    assert scene.book.usage == (ModelUse("qwen", 700, 90),)


def test_an_answer_of_nothing_but_marks_is_shown_as_an_empty_one() -> None:
    assert Ending("answered", text="***").contents(PAGE_BYTES) == [Content("")]
    assert Ending("hinted").contents(PAGE_BYTES) == []


def test_an_ending_of_an_earlier_release_can_still_be_shown() -> None:
    stored = Ending("answered", text="Hello").to_json()
    old = {name: value for name, value in stored.items() if name not in {"usage", "language"}}
    assert Ending.from_json(old) == Ending("answered", text="Hello")


async def test_a_spent_quota_ends_the_turn_with_one_sentence_and_asks_nothing() -> None:
    usage = Quotas(used=(3, 1_000))
    scene = Scene().given(quotas=(TEN_TURNS, TOKENS)).amid(usage=usage)
    (shown,) = await scene.run()
    assert shown.startswith("This channel's quota of 1,000 tokens a day is used up.")
    assert shown.endswith("|")
    assert (scene.apps.questions, usage.admitted) == ([], [])
    assert scene.book.log[-1] == "finish:refused"
    assert scene.book.status is TurnStatus.DONE


async def test_an_earlier_answer_stays_when_its_question_may_not_be_asked_again() -> None:
    scene = Scene().given(quotas=(TEN_TURNS,)).amid(usage=Quotas(used=(10,)))
    scene.slack.messages["C1", "90.0"] = Content("The earlier answer.")
    scene.slack.question_text = "hello?"
    again = a_turn(reply=("90.0",), payload={"edited_ts": "2.0"})
    assert await scene.run(again) == ["The earlier answer.|"]
    ((reader, sentence),) = scene.slack.told
    assert reader == again.user_id
    assert sentence.startswith("Your quota of 10 questions a day is used up.")
    assert scene.book.log[-1] == "finish:refused"


@pytest.mark.parametrize(
    ("used", "note"),
    [
        ((3, 0), ""),
        ((6, 0), ""),
        ((7, 0), "Your quota of 10 questions a day: 8 used, 2 left"),
        ((9, 0), "Your quota of 10 questions a day: 10 used, 0 left"),
        ((0, 100), "This channel's quota of 1,000 tokens a day: 890 used, 110 left"),
        ((7, 200), "This channel's quota of 1,000 tokens a day: 990 used, 10 left"),
    ],
)
async def test_the_quota_nearest_to_its_end_is_noted_under_the_answer(
    used: tuple[int, int], note: str
) -> None:
    scene = Scene(Stream([said("Hello", usage=USED if used[1] else ())]))
    scene.given(quotas=(TEN_TURNS, TOKENS)).amid(usage=Quotas(used=used))
    (shown,) = await scene.run()
    assert shown.startswith(f"Hello|{note}")
    assert bool(note) == (shown != "Hello|")


async def test_a_hint_is_not_counted() -> None:
    usage = Quotas()
    scene = Scene().amid(usage=usage)
    await scene.run(a_turn(payload={"text": "<@UBOT>", "files": 0}))
    assert usage.admitted == []


@pytest.mark.parametrize(
    ("changes", "payload", "refusal"),
    [
        ({"is_guest": True}, {}, texts.MAY_NOT_ASK_GUEST),
        ({"is_deactivated": True}, {}, texts.MAY_NOT_ASK),
        ({}, {"user_team": "T2"}, texts.MAY_NOT_ASK_EXTERNAL),
        (None, {"user_team": "T2"}, texts.MAY_NOT_ASK_EXTERNAL),
        (None, {}, texts.MAY_BE_GUEST),
    ],
)
async def test_who_may_not_ask_is_told_so_and_nothing_is_asked_or_counted(
    changes: dict[str, bool] | None, payload: dict[str, str], refusal: object
) -> None:
    usage = Quotas()
    scene = Scene().amid(usage=usage)
    known = None if changes is None else somebody(locale="zh-TW", **changes)
    scene.slack.persons["U1"] = known
    turn = a_turn(payload={"text": "hello", "files": 0, "user_team": "T1", **payload})
    assert isinstance(refusal, type(texts.STOP))
    assert await scene.run(turn) == [f"{refusal.say(ZH if known is not None else EN)}|"]
    assert (scene.apps.questions, usage.admitted) == ([], [])
    assert scene.book.log[-1] == "finish:refused"
    assert scene.book.status is TurnStatus.DONE


async def test_where_members_and_guests_may_ask_nobody_need_be_known() -> None:
    scene = Scene(saying("Hello")).given(who=frozenset({"members", "guests"}))
    scene.slack.persons["U1"] = None
    assert await scene.run() == ["Hello|"]


async def test_whom_the_operator_named_may_ask_anywhere() -> None:
    scene = Scene(saying("Hello")).given(who=frozenset({"admins"})).amid(admins=frozenset({"U1"}))
    scene.slack.persons["U1"] = somebody()
    assert await scene.run() == ["Hello|"]


async def test_a_new_session_is_told_of_beside_everything_else() -> None:
    known = Conversation(app_key="another", session_id="s0", rounds=1, idle_s=1)
    scene = Scene(Stream([said("Sunny", steps=STEPS)])).given(keeps_steps=True, quotas=(TEN_TURNS,))
    scene.amid(memory=Memory(known), usage=Quotas(used=(9,)))
    (shown,) = await scene.run()
    steps, session, quota = shown.removeprefix("Sunny|").splitlines()
    assert steps == step_texts.taken(STEPS, language=EN)
    assert session == texts.FORGOTTEN.en
    assert quota.startswith("Your quota")
