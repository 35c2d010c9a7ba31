"""What one message of a reply is on the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import texts
from bot.core.language import Language
from bot.core.reply import Content, Control, Mark
from bot.slack.message import (
    FALLBACK_CHARS,
    FILL_ACTION,
    NOTHING_YET,
    blocks,
    carries,
    fallback,
    message,
    metadata,
    offer,
)

MARK = Mark(turn_id=7, page=2)
contents = st.builds(
    Content,
    text=st.text(alphabet="ab *_`#>-|<>&@![]()\n中", max_size=400),
    note=st.text(max_size=60),
    controls=st.sampled_from([(), (Control.STOP,)]),
)


@given(contents)
def test_no_message_is_ever_empty(content: Content) -> None:
    made = message(content, mark=MARK)
    assert made["text"].strip()
    assert made["blocks"]


@given(contents)
def test_the_fallback_mentions_nobody_and_is_short(content: Content) -> None:
    text = fallback(content)
    assert "<" not in text
    assert ">" not in text
    plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert len(plain) <= FALLBACK_CHARS


@given(contents)
def test_what_is_written_is_what_is_shown(content: Content) -> None:
    texts = [b["text"] for b in blocks(content, mark=MARK) if b["type"] == "markdown"]
    assert texts == ([content.text] if content.text.strip() else [])


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("**Bold** and _slanted_ `code`", "Bold and slanted code"),
        ("# Head\n\n- one\n- two", "Head one two"),
        ("1. first\n2. second", "first second"),
        ("see [the page](https://x.test/a_b)", "see the page"),
        ("> quoted", "quoted"),
        ("```python\nsnake_case = 1\n```", "snake_case = 1"),
        ("| a | b |", "a b"),
        ("a &lt;b&gt; &amp; c", "a &lt;b&gt; &amp; c"),
        ("<!channel> & more", "&lt;!channel&gt; &amp; more"),
        ("", NOTHING_YET),
        ("***", NOTHING_YET),
    ],
)
def test_the_fallback_is_plain(markdown: str, expected: str) -> None:
    assert fallback(Content(markdown)) == expected


def test_a_long_answer_is_cut_in_the_fallback() -> None:
    text = fallback(Content("word " * 1_000))
    assert text.endswith("word…")
    assert len(text) <= FALLBACK_CHARS


def test_a_placeholder_shows_its_note_in_both_places() -> None:
    content = Content("", note="Thinking <!here>")
    assert fallback(content) == "Thinking &lt;!here&gt;"
    (context,) = blocks(content, mark=MARK)
    assert context["elements"] == [
        {"type": "plain_text", "text": "Thinking <!here>", "emoji": True}
    ]


def test_text_note_and_controls_stand_in_this_order() -> None:
    made = blocks(Content("Hi", note="still writing", controls=(Control.STOP,)), mark=MARK)
    assert [block["type"] for block in made] == ["markdown", "context", "actions"]
    (button,) = made[2]["elements"]
    assert (button["action_id"], button["value"]) == ("turn:stop", "7")


@pytest.mark.parametrize("language", Language)
def test_buttons_are_labelled_in_the_readers_language(language: Language) -> None:
    content = Content("Hi", controls=(Control.STOP,), language=language)
    (button,) = blocks(content, mark=MARK)[1]["elements"]
    assert button["text"]["text"] == texts.STOP.say(language)


@pytest.mark.parametrize("language", Language)
def test_an_offer_speaks_the_readers_language(language: Language) -> None:
    made = offer(turn_id=7, edited_ts="5.5", language=language)
    assert made["text"] == texts.EDITED_LATE.say(language)
    assert made["blocks"][0]["elements"][0]["text"] == made["text"]
    (button,) = made["blocks"][1]["elements"]
    assert button["text"]["text"] == texts.ANSWER_AGAIN.say(language)
    assert (button["action_id"], button["value"]) == ("turn:again", "7:5.5")


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"metadata": None},
        {"metadata": {"event_type": "another", "event_payload": {"turn_id": 7, "page": 2}}},
        {"metadata": {"event_type": "dashscope_turn"}},
        {"metadata": metadata(Mark(7, 1))},
        {"metadata": metadata(Mark(8, 2))},
    ],
)
def test_only_the_own_mark_is_known_again(found: dict[str, object]) -> None:
    assert not carries(found, mark=MARK)
    assert carries({**found, "metadata": metadata(MARK)}, mark=MARK)


def test_what_there_is_to_fill_in_is_a_button_that_names_the_turn_and_the_variables() -> None:
    content = Content("I need these", fills=("city", "出发地"), language=Language.ZH)
    *_, actions = blocks(content, mark=MARK)
    (button,) = actions["elements"]
    assert (button["action_id"], button["value"]) == (FILL_ACTION, "7:city,出发地")
    assert button["text"]["text"] == texts.FILL_IN.zh
