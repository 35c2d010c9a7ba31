"""Bad days on demand: planned in a test, or typed by a person."""

import json

import pytest

from bot.core.language import Language
from bot.core.recap import with_recap
from bot.playground.dashscope import keywords
from bot.playground.dashscope.answers import Inquiry, Said, echo, scripted, talkative
from bot.playground.dashscope.faults import (
    Cut,
    ErrorEvent,
    Faults,
    Hangup,
    Reset,
    SlowStart,
    Stall,
)
from bot.playground.dashscope.refusals import NAMED, Refusal, Shape, render
from bot.playground.dashscope.sample import MAX_LONG_CHARS, long_text


def test_a_fault_comes_as_often_as_it_was_planned() -> None:
    faults = Faults()
    faults.add(Hangup(), times=2)
    taken = [faults.take(app_id="a") for _ in range(3)]
    assert taken == [Hangup(), Hangup(), None]


def test_faults_come_in_the_order_they_were_added_and_only_for_their_app() -> None:
    faults = Faults()
    faults.add(Cut(1), app_id="b")
    faults.add(Hangup())
    faults.add(Reset(2), times=None)
    taken = [faults.take(app_id="a") for _ in range(3)]
    assert taken == [Hangup(), Reset(2), Reset(2)]
    assert faults.take(app_id="b") == Cut(1)
    faults.clear()
    assert faults.take(app_id="a") is None


def test_a_probable_fault_hits_its_share_and_the_same_requests_for_the_same_seed() -> None:
    def hits(seed: int) -> list[bool]:
        faults = Faults(seed=seed)
        faults.add(Hangup(), times=None, probability=0.3)
        return [faults.take(app_id="a") is not None for _ in range(1000)]

    assert 250 < sum(hits(1)) < 350
    assert hits(1) == hits(1)
    assert hits(1) != hits(2)


@pytest.mark.parametrize("shape", list(Shape))
def test_every_shape_of_an_error_says_what_it_is(shape: Shape) -> None:
    refusal = Refusal(429, "Throttling", "Slow down", shape=shape, retry_after_s=2)
    rendered = render(refusal, request_id="r-1")
    assert rendered.status == (200 if shape is Shape.JSON_UNDER_200 else 429)
    assert rendered.headers["x-request-id"] == "r-1"
    assert rendered.headers["Retry-After"] == "2"
    is_json = rendered.headers["Content-Type"] == "application/json"
    assert is_json == (shape not in {Shape.SSE, Shape.HTML, Shape.EMPTY})
    assert (b"id:1\nevent:error\n:HTTP_STATUS/429\ndata:{" in rendered.body) == (
        shape in {Shape.SSE, Shape.SSE_LABELLED_JSON}
    )
    assert (rendered.body == b"") == (shape is Shape.EMPTY)


def test_a_failed_node_hides_json_inside_the_message() -> None:
    rendered = render(NAMED["node"], request_id="r")
    message = json.loads(json.loads(rendered.body)["message"])
    assert message.keys() == {"nodeName", "errorInfo", "nodeId"}


@pytest.mark.parametrize(
    ("prompt", "outcome"),
    [
        ("!error", NAMED["throttling"]),
        ("please !error arrears now", NAMED["arrears"]),
        ("Ann: !fail quota", ErrorEvent(NAMED["quota"], after_events=5)),
        ("!cut", Cut(5)),
        ("!cut 2", Cut(2)),
        ("!cut it out", Cut(5)),
        ("!reset 0", Reset(0)),
        ("!stall 3", Stall(after_events=5, for_s=3)),
        ("!stall 99999", Stall(after_events=5, for_s=600)),
        ("!slow 4", SlowStart(4)),
        ("!hangup", Hangup()),
        ("!unheard !hangup", Hangup()),
        ("Stop!help", None),
        ("!important", None),
        ("What is up?", None),
    ],
)
def test_a_keyword_asks_for_its_bad_day(prompt: str, outcome: object) -> None:
    assert keywords.read(prompt) == outcome


def test_a_keyword_of_an_earlier_question_is_over() -> None:
    def recapped(question: str) -> str:
        return with_recap(question, recap="> @Ann: !error key", asker="Ann", language=Language.EN)

    assert keywords.read(recapped("How do I install it?")) is None
    assert keywords.read(recapped("!hangup")) == Hangup()


def test_help_lists_every_keyword_and_every_error() -> None:
    said = keywords.read("!help")
    assert isinstance(said, Said)
    for word in ("!error", "!cut", "!stall", "!long", "!table", "!code", *NAMED):
        assert word in said.text


def test_an_unknown_error_is_answered_with_the_known_ones() -> None:
    for prompt in ("!error foo", "!fail foo"):
        said = keywords.read(prompt)
        assert isinstance(said, Said)
        assert "“foo”" in said.text
        assert "`throttling`" in said.text


def test_a_long_answer_has_exactly_the_length_asked_for() -> None:
    said = keywords.read("!long 1234")
    assert isinstance(said, Said)
    assert len(said.text) == 1234
    assert long_text(1234) == long_text(2000)[:1234]
    assert len(talkative(50)(Inquiry("talk")).text) == 50
    assert len(talkative(50)(Inquiry("talk, 70 characters")).text) == 70
    assert len(talkative(1)(Inquiry("9" * 30)).text) == MAX_LONG_CHARS


def test_a_long_answer_is_mixed_markdown_with_chinese() -> None:
    text = long_text(4000)
    for part in ("### Part 2", "```python", "| Region |", "1. **First**", "> Quoted", "流式输出"):
        assert part in text


@pytest.mark.parametrize("word", ["table", "code", "think"])
def test_samples_are_said_and_not_broken(word: str) -> None:
    assert isinstance(keywords.read(f"!{word}"), Said)


def test_the_plain_apps_say_what_they_are_told() -> None:
    assert echo(Inquiry("Hi")).text == "Hi"
    play = scripted({"Hi": "Hello", "Why?": Said("So", thought="Hm")}, otherwise="What?")
    assert play(Inquiry("Hi")) == Said("Hello")
    assert play(Inquiry("Why?")).thought == "Hm"
    assert play(Inquiry("Else")) == Said("What?")
