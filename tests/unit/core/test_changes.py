"""Questions that were edited or deleted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.changes import Deleted, Edited, parse_change


def changed(**message: Any) -> dict[str, Any]:
    before = {"type": "message", "user": "U1", "text": "old", "ts": "1.0"}
    after = {**before, "text": "new", "edited": {"user": "U1", "ts": "2.0"}, **message}
    return {
        "type": "message",
        "subtype": "message_changed",
        "channel": "C1",
        "message": after,
        "previous_message": before,
    }


def test_new_words_are_an_edit() -> None:
    assert parse_change(changed(), team_id="T1", bot_user_id="UBOT") == Edited(
        "T1", "C1", "1.0", "new", "2.0"
    )


def test_the_words_are_not_in_the_repr() -> None:
    assert "new" not in repr(parse_change(changed(), team_id="T1", bot_user_id="UBOT"))


@pytest.mark.parametrize(
    "message", [{"text": "old"}, {"edited": None}, {"ts": "x"}, {"text": None}, {"text": 7}]
)
def test_a_change_that_is_no_edit_of_words_is_none(message: dict[str, Any]) -> None:
    assert parse_change(changed(**message), team_id="T1", bot_user_id="UBOT") is None


def test_a_deleted_message_is_told() -> None:
    event = {
        "type": "message",
        "subtype": "message_deleted",
        "channel": "C1",
        "deleted_ts": "1.0",
    }
    assert parse_change(event, team_id="T1", bot_user_id="UBOT") == Deleted("T1", "C1", "1.0")


def test_a_root_that_became_a_tombstone_is_deleted() -> None:
    event = changed(subtype="tombstone")
    assert parse_change(event, team_id="T1", bot_user_id="UBOT") == Deleted("T1", "C1", "1.0")


@pytest.mark.parametrize(
    ("before", "channel", "at", "expected"),
    [
        ("<@UBOT> old", "C1", "30.0", True),
        ("<@UBOT> old", "C1", "90.0", False),
        ("nothing for the bot", "C1", "30.0", False),
        ("direct", "D1", "30.0", True),
        (None, "C1", "30.0", False),
    ],
)
def test_a_change_of_a_new_message_for_the_bot_may_come_before_its_claim(
    before: str | None, channel: str, at: str, expected: bool
) -> None:
    event = {
        "type": "message",
        "subtype": "message_deleted",
        "channel": channel,
        "ts": at,
        "deleted_ts": "1.0",
        "previous_message": {"text": before},
    }
    change = parse_change(event, team_id="T1", bot_user_id="UBOT")
    assert change == Deleted("T1", channel, "1.0", is_expected=expected)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "app_mention", "channel": "C1"},
        {"type": "message", "channel": "C1", "text": "hello"},
        {"type": "message", "subtype": "message_deleted"},
        {"type": "message", "subtype": "message_deleted", "channel": "C1", "deleted_ts": []},
    ],
)
def test_everything_else_is_no_change(event: dict[str, Any]) -> None:
    assert parse_change(event, team_id="T1", bot_user_id="UBOT") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {
            "type": st.just("message"),
            "channel": st.just("C1"),
            "subtype": st.sampled_from(["message_changed", "message_deleted"]),
        },
        optional={"message": JSON, "previous_message": JSON, "deleted_ts": JSON},
    )
)
def test_no_payload_makes_it_raise(event: dict[str, Any]) -> None:
    parse_change(event, team_id="T1", bot_user_id="UBOT")
