from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.slack import Limits
from bot.playground.slack.blocks import controls, visible_text_of
from bot.playground.slack.checks import checked_metadata, message_blocks
from bot.playground.slack.payload import RefusedError
from bot.playground.slack.typed import typed_text
from bot.playground.slack.views import checked_view


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def button(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": f"a{number}", "text": plain("Go")} | fields


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


ROOMY = Limits(block_text_max=1_000_000)
DIVIDER = {"type": "divider"}
PAIRS: list[tuple[str, Any, Any]] = [
    ("blocks", [DIVIDER] * 50, [DIVIDER] * 51),
    ("kind", [DIVIDER], [{"type": "fancy"}]),
    ("no kind", [DIVIDER], [{}]),
    ("list", [DIVIDER], DIVIDER),
    (
        "markdown",
        [{"type": "markdown", "text": "x" * 12_000}],
        [{"type": "markdown", "text": "x" * 12_001}],
    ),
    (
        "all markdown",
        [{"type": "markdown", "text": "x" * 6_000}] * 2,
        [{"type": "markdown", "text": "x" * 6_001}] * 2,
    ),
    ("some markdown", [{"type": "markdown", "text": "x"}], [{"type": "markdown", "text": ""}]),
    (
        "section",
        [{"type": "section", "text": mrkdwn("x" * 3_000)}],
        [{"type": "section", "text": mrkdwn("x" * 3_001)}],
    ),
    ("empty section", [{"type": "section", "text": mrkdwn("x")}], [{"type": "section"}]),
    (
        "fields",
        [{"type": "section", "fields": [plain("x")] * 10}],
        [{"type": "section", "fields": [plain("x")] * 11}],
    ),
    (
        "context",
        [{"type": "context", "elements": [mrkdwn("x")] * 10}],
        [{"type": "context", "elements": [mrkdwn("x")] * 11}],
    ),
    (
        "some context",
        [{"type": "context", "elements": [mrkdwn("x")]}],
        [{"type": "context", "elements": []}],
    ),
    ("actions", [actions(*map(button, range(25)))], [actions(*map(button, range(26)))]),
    ("action ids", [actions(button(1), button(2))], [actions(button(1), button(1))]),
    ("action id", [actions(button(action_id="x" * 255))], [actions(button(action_id="x" * 256))]),
    ("block id", [DIVIDER | {"block_id": "x" * 255}], [DIVIDER | {"block_id": "x" * 256}]),
    ("block ids", [DIVIDER | {"block_id": "x"}], [DIVIDER | {"block_id": "x"}] * 2),
    ("label", [actions(button(text=plain("x" * 75)))], [actions(button(text=plain("x" * 76)))]),
    ("plain label", [actions(button())], [actions(button(text=mrkdwn("x")))]),
    ("value", [actions(button(value="x" * 2_000))], [actions(button(value="x" * 2_001))]),
    ("style", [actions(button(style="danger"))], [actions(button(style="loud"))]),
    (
        "header",
        [{"type": "header", "text": plain("x" * 150)}],
        [{"type": "header", "text": plain("x" * 151)}],
    ),
    (
        "table",
        [{"type": "table", "rows": [[plain("x")]] * 100}],
        [{"type": "table", "rows": [[plain("x")]] * 101}],
    ),
]


@pytest.mark.parametrize(("good", "bad"), [p[1:] for p in PAIRS], ids=[p[0] for p in PAIRS])
def test_blocks_are_taken_up_to_slacks_limit_and_refused_beyond(good: Any, bad: Any) -> None:
    assert list(message_blocks(good, limits=ROOMY)) == good
    with pytest.raises(RefusedError) as refused:
        message_blocks(bad, limits=ROOMY)
    assert refused.value.code == "invalid_blocks"
    assert refused.value.details["response_metadata"]["messages"]


def words(count: int, word: str = "x") -> list[dict[str, Any]]:
    """Return sections that carry `count` words of one letter."""
    full, rest = divmod(count, 3_000)
    sizes = [3_000] * full + ([rest] if rest else [])
    return [{"type": "section", "text": plain(word * size)} for size in sizes]


@pytest.mark.parametrize(
    ("limits", "word", "most"),
    [
        (Limits(), "x", 11_340),
        (Limits(), "字", 11_340),
        (Limits(is_block_text_in_bytes=True), "x", 11_340),
        (Limits(is_block_text_in_bytes=True), "字", 3_780),
    ],
)
def test_all_text_of_a_message_counts_against_one_limit(
    limits: Limits, word: str, most: int
) -> None:
    assert message_blocks(words(most, word), limits=limits)
    with pytest.raises(RefusedError, match="msg_blocks_too_long"):
        message_blocks(words(most + 1, word), limits=limits)


@pytest.mark.parametrize(
    "bad",
    [[], "x", {"event_type": "t"}, {"event_payload": {}}, {"event_type": "t", "event_payload": 1}],
)
def test_metadata_needs_a_type_and_a_payload(bad: Any) -> None:
    with pytest.raises(RefusedError, match="invalid_metadata_format"):
        checked_metadata(bad)
    assert checked_metadata({}) is None


def modal(**fields: Any) -> dict[str, Any]:
    blocks = [{"type": "section", "text": mrkdwn("hi")}]
    return {"type": "modal", "title": plain("Settings"), "blocks": blocks} | fields


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": plain("x" * 25)},
        {"submit": plain("x" * 25)},
        {"type": "home"},
        {"blocks": []},
        {"private_metadata": "x" * 3_001},
        {"callback_id": "x" * 256},
        {
            "blocks": [
                {"type": "input", "label": plain("x"), "element": {"type": "plain_text_input"}}
            ]
        },
    ],
)
def test_a_modal_slack_would_refuse_is_refused(wrong: dict[str, Any]) -> None:
    assert checked_view(modal(), kind="modal") == modal()
    with pytest.raises(RefusedError, match="invalid_arguments"):
        checked_view(modal(**wrong), kind="modal")


def test_a_view_of_more_than_250_kb_is_too_large() -> None:
    heavy = [{"type": "image", "image_url": "x" * 3_000, "alt_text": "x"} for _ in range(90)]
    with pytest.raises(RefusedError, match="view_too_large"):
        checked_view(modal(blocks=heavy), kind="modal")


def test_a_reader_sees_the_words_of_the_blocks_and_no_button_labels() -> None:
    blocks: list[dict[str, Any]] = [
        {"type": "markdown", "text": "# Title"},
        {"type": "section", "text": mrkdwn("a"), "fields": [plain("b")], "accessory": button()},
        {
            "type": "rich_text",
            "elements": [{"elements": [plain("c"), {"type": "user", "user_id": "U1"}]}],
        },
        {"type": "context", "elements": [mrkdwn("note")]},
        actions(button()),
    ]
    assert visible_text_of(blocks, text="hidden") == "# Title\na\nb\nc<@U1>\nnote"
    assert visible_text_of([], text="shown") == "shown"


def test_every_button_of_a_message_is_found() -> None:
    section = {"type": "section", "text": mrkdwn("a"), "accessory": button(1)}
    found = controls([section, actions(button(2), button(3))])
    assert [(c.action_id, c.label) for c in found] == [("a1", "Go"), ("a2", "Go"), ("a3", "Go")]


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("<@U0BOT> hi", "<@U0BOT> hi"),
        ("see https://x.cn/?a=1&b=2 now", "see <https://x.cn/?a=1&amp;b=2> now"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_what_a_person_types_is_escaped_but_for_mentions_and_links(typed: str, stored: str) -> None:
    assert typed_text(typed) == stored


@given(st.text(alphabet="ab <>&@!U0:/.\n"))
def test_escaping_loses_nothing(typed: str) -> None:
    plain_again = typed_text(typed)
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        plain_again = plain_again.replace(entity, letter)
    assert plain_again == typed
