"""What was said in threads, over a real socket."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from bot.core.history import Said
from bot.core.pacing import READ
from bot.core.reply import Content, Control, Mark, Place, Urgency
from bot.core.thread import Past, Reading
from bot.errors import SlackThrottled
from bot.slack.calls import Calls
from bot.slack.message import blocks, message, metadata
from bot.slack.threads import (
    SAID_MOST,
    SCARCE_MESSAGES,
    THREAD_PAGES,
    SlackThreads,
)
from bot.turns.ports import ThreadHistory

PLACE = Place("T1", "C1", "1.0")
WITHIN_S = 50.0
MORE = {"next_cursor": "c"}


@pytest.fixture
def threads(calls: Calls) -> SlackThreads:
    return SlackThreads(calls=calls)


def test_the_port_is_satisfied(threads: SlackThreads) -> None:
    port: ThreadHistory = threads
    assert port is threads


def typed(ts: str, text: str, **changes: Any) -> dict[str, Any]:
    return {"type": "message", "user": "U1", "ts": ts, "text": text, **changes}


def shown(ts: str, content: Content, mark: Mark) -> dict[str, Any]:
    """Return a reply's message as Slack would return it."""
    return typed(
        ts, "fallback", user="UBOT", blocks=blocks(content, mark=mark), metadata=metadata(mark)
    )


def numbers(first: int, count: int) -> list[dict[str, Any]]:
    return [typed(f"{number}.0", str(number)) for number in range(first, first + count)]


async def read(threads: SlackThreads, past: Past) -> Reading:
    return await threads.thread(PLACE, past=past, within_s=WITHIN_S, urgency=Urgency.FIRST_WORDS)


def texts(reading: Reading) -> list[str]:
    return [said.text for said in reading.said]


async def test_a_thread_is_read_up_to_the_question_without_what_is_no_answer(
    scripted_slack: Any, threads: SlackThreads
) -> None:
    slack = scripted_slack
    root = typed("1.0", "<@UBOT> hello")
    first = [
        root,
        shown("2.0", Content("**Hi**", note="a note"), Mark(1, 0)),
        shown("3.0", Content("", note="Thinking…", controls=(Control.STOP,)), Mark(2, 0)),
        *(typed(f"3.{number:06}", "", subtype="channel_join") for number in range(20)),
    ]
    second = [
        root,
        typed("5.0", "an alert", user=None, bot_id="B2", subtype="bot_message"),
        typed("10.0", "and?"),
        typed("20.0", "the question"),
        typed("21.0", "later"),
    ]
    slack.says(READ, slack.ok(messages=first, response_metadata=MORE))
    slack.says(READ, slack.ok(messages=second))
    assert await read(threads, Past("20.0")) == Reading(
        [
            Said("U1", "<@UBOT> hello"),
            Said("UBOT", "**Hi**", 1),
            Said("", "an alert"),
            Said("U1", "and?"),
        ]
    )
    asked, again = slack.calls(READ)
    assert (asked["ts"], asked["limit"], asked["include_all_metadata"]) == ("1.0", "1000", "1")
    assert "oldest" not in asked
    assert again["cursor"] == "c"


async def test_a_question_that_was_blocked_is_read_back_no_more_than_the_sentence_that_says_so(
    scripted_slack: Any, threads: SlackThreads
) -> None:
    def sorry(ts: str, *, about: str) -> dict[str, Any]:
        content = Content("Put it in other words.", is_answer=False, blocked_ts=about)
        marked = message(content, mark=Mark(int(float(ts)), 0))
        return typed(ts, "", user="UBOT", blocks=marked["blocks"], metadata=marked["metadata"])

    slack, root = scripted_slack, typed("1.0", "a bad word")
    first = [root, typed("2.0", "me too"), typed("3.0", "also blocked")]
    first += [typed(f"3.{number:06}", "", subtype="channel_join") for number in range(20)]
    second = [root, sorry("4.0", about="1.0"), sorry("25.0", about="3.0")]
    slack.says(READ, slack.ok(messages=first, response_metadata=MORE))
    slack.says(READ, slack.ok(messages=second))
    assert texts(await read(threads, Past("20.0"))) == ["me too"]


async def test_an_answer_that_came_after_the_next_question_is_read(
    scripted_slack: Any, threads: SlackThreads
) -> None:
    messages = [
        typed("1.0", "one"),
        typed("2.0", "two"),
        shown("3.0", Content("First."), Mark(1, 0)),
        typed("4.0", "three"),
        shown("5.0", Content("…"), Mark(2, 0)),
    ]
    scripted_slack.says(READ, scripted_slack.ok(messages=messages))
    past = Past("2.0", questions={1: "1.0", 2: "2.0", 3: "4.0"})
    assert texts(await read(threads, past)) == ["one", "First."]
    (asked,) = scripted_slack.calls(READ)
    assert "latest" not in asked


async def test_of_a_thread_only_what_is_between_the_two_moments_is_read(
    scripted_slack: Any, threads: SlackThreads
) -> None:
    messages = [typed(f"{number}.5", str(number)) for number in (1, 2, 3, 10, 11)]
    scripted_slack.says(READ, scripted_slack.ok(messages=messages))
    assert texts(await read(threads, Past("11.5", since_ts="2.5"))) == ["3", "10"]
    (asked,) = scripted_slack.calls(READ)
    assert asked["oldest"] == "2.5"


async def test_a_thread_is_not_waited_for_while_slack_lets_nobody_read_for_long(
    scripted_slack: Any, threads: SlackThreads
) -> None:
    slack = scripted_slack
    slack.says(READ, slack.refuses("ratelimited", status=429, retry_after="60"))
    for _ in range(2):
        async with asyncio.timeout(30):
            with pytest.raises(SlackThrottled):
                await read(threads, Past("9.0"))
    assert len(slack.heard) == 1


async def test_a_thread_of_which_nothing_comes_in_time_is_not_waited_for(
    scripted_slack: Any, calls: Calls
) -> None:
    slack, threads = scripted_slack, SlackThreads(calls=calls)
    slack.says(READ, slack.stays_silent)
    with pytest.raises(TimeoutError):
        await threads.thread(PLACE, past=Past("9.0"), within_s=0.05, urgency=Urgency.FIRST_WORDS)


async def test_what_was_read_before_slack_gave_no_more_is_told_as_a_part(
    scripted_slack: Any, threads: SlackThreads
) -> None:
    slack = scripted_slack
    page = slack.ok(messages=numbers(1, 20), response_metadata=MORE)
    for refusal in (slack.refuses("ratelimited", status=429, retry_after="1"), slack.hangs_up):
        slack.says(READ, page, refusal)
    reading = await read(threads, Past("99.0"))
    assert (len(reading.said), reading.reaches_end) == (20, False)


async def test_what_was_read_before_time_was_up_is_told_as_a_part(
    scripted_slack: Any, threads: SlackThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    slack, is_asked_for_more = scripted_slack, asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        is_asked_for_more.set()
        return await slack.stays_silent(request)

    slack.says(READ, slack.ok(messages=numbers(1, 20), response_metadata=MORE), silent)
    is_read = asyncio.create_task(read(threads, Past("99.0")))
    loop = asyncio.get_running_loop()
    clock = loop.time
    async with asyncio.timeout(30):
        await is_asked_for_more.wait()
    monkeypatch.setattr(loop, "time", lambda: clock() + WITHIN_S)
    reading = await is_read
    assert (len(reading.said), reading.reaches_end) == (20, False)


async def test_where_slack_gives_few_messages_it_is_asked_once_and_next_for_the_last_turns(
    scripted_slack: Any, threads: SlackThreads
) -> None:
    slack = scripted_slack
    page = numbers(1, SCARCE_MESSAGES)
    slack.says(READ, slack.ok(messages=page, response_metadata=MORE))
    assert await read(threads, Past("17.0")) == Reading(
        [Said("U1", each["text"]) for each in page], reaches_end=False
    )
    questions = {n: f"{n}.0" for n in (17, 18, 19, 20, 21, 22)} | {23: "17.0"}
    slack.says(READ, slack.ok(messages=[typed("1.0", "1"), *numbers(18, 5)]))
    reading = await read(threads, Past("22.0", questions=questions))
    assert (texts(reading), reading.reaches_end) == (["1", "18", "19", "20", "21"], True)
    first, second = slack.calls(READ)
    assert "oldest" not in first
    assert (second["oldest"], second["inclusive"]) == ("18.0", "1")


async def test_what_is_forgotten_is_not_read_again_for_the_last_turns(
    scripted_slack: Any, threads: SlackThreads
) -> None:
    slack = scripted_slack
    slack.says(READ, slack.ok(messages=numbers(1, 15), response_metadata=MORE))
    await read(threads, Past("17.0"))
    await read(threads, Past("20.0", since_ts="19.0", questions={1: "18.0", 2: "20.0"}))
    assert slack.calls(READ)[1]["oldest"] == "19.0"


async def test_only_so_many_long_threads_are_kept_in_mind(
    scripted_slack: Any, calls: Calls
) -> None:
    slack, questions = scripted_slack, {1: "17.0"}
    threads = SlackThreads(calls=calls, keeps=1)
    for thread_ts in ("1.0", "1.1"):
        slack.says(READ, slack.ok(messages=numbers(1, 15), response_metadata=MORE))
        place = Place("T1", "C1", thread_ts)
        await threads.thread(
            place,
            past=Past("18.0", questions=questions),
            within_s=WITHIN_S,
            urgency=Urgency.FIRST_WORDS,
        )
    for thread_ts in ("1.0", "1.1"):
        place = Place("T1", "C1", thread_ts)
        await threads.thread(
            place,
            past=Past("18.0", questions=questions),
            within_s=WITHIN_S,
            urgency=Urgency.FIRST_WORDS,
        )
    assert [call.get("oldest") for call in slack.calls(READ)] == [None, None, None, "17.0"]


async def test_a_thread_is_never_read_for_ever(scripted_slack: Any, threads: SlackThreads) -> None:
    slack = scripted_slack
    page = slack.ok(messages=numbers(1, 20), response_metadata=MORE)
    slack.says(READ, *[page] * (THREAD_PAGES + 1))
    reading = await read(threads, Past("99.0"))
    assert (len(reading.said), reading.reaches_end) == (20, False)
    assert len(slack.heard) == THREAD_PAGES


async def test_what_follows_the_question_is_not_read_to_its_end(
    scripted_slack: Any, threads: SlackThreads
) -> None:
    slack = scripted_slack
    slack.says(READ, slack.ok(messages=numbers(1, 20), response_metadata=MORE))
    assert (await read(threads, Past("10.0"))).reaches_end
    assert len(slack.heard) == 1


async def test_of_a_long_thread_what_was_said_last_is_read(
    scripted_slack: Any, threads: SlackThreads
) -> None:
    messages = numbers(1, 2 * SAID_MOST)
    scripted_slack.says(READ, scripted_slack.ok(messages=messages))
    reading = await read(threads, Past("9000.0"))
    assert texts(reading) == [each["text"] for each in messages[-SAID_MOST:]]
