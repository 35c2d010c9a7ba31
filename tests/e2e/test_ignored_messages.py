"""What is not for the bot is acknowledged, named in the debug log, and asks nothing of anybody."""

from collections.abc import Callable
from typing import Any

import pytest
from rig import ANN, BEN, BOT, PUBLIC, WITHIN_S, Rig
from structlog.testing import capture_logs

from bot.playground.slack.delivery import Delivery, Parcel, ParcelKind
from bot.playground.slack.directory import User

STRANGER = "U0CYD"
MENTION = f"<@{BOT}> hello"
OTHER_BOT: dict[str, Any] = {
    "type": "message",
    "channel": PUBLIC,
    "channel_type": "channel",
    "ts": "1790000000.000100",
    "text": MENTION,
}
Act = Callable[[Rig], None]


def edit(rig: Rig) -> None:
    ts = rig.slack.people.say(ANN, PUBLIC, "nothing to see")
    rig.slack.people.edit(ANN, PUBLIC, ts, MENTION)


def delete(rig: Rig) -> None:
    ts = rig.slack.people.say(ANN, PUBLIC, "nothing to see")
    rig.slack.people.delete(ANN, PUBLIC, ts)


def delete_root(rig: Rig) -> None:
    ts = rig.slack.people.say(ANN, PUBLIC, "nothing to see")
    rig.slack.people.say(BEN, PUBLIC, "indeed", thread_ts=ts)
    rig.slack.people.delete(ANN, PUBLIC, ts)


def join(rig: Rig) -> None:
    rig.slack.workspace.add_user(User(STRANGER, name="cyd"))
    rig.slack.workspace.join(PUBLIC, STRANGER)


def talk_among_people(rig: Rig) -> None:
    ts = rig.slack.people.say(ANN, PUBLIC, f"<@{BEN}> shall we ask the bot?")
    rig.slack.people.say(BEN, PUBLIC, "not today", thread_ts=ts)


def event(**changes: Any) -> Act:
    """Return an act that delivers a message event of its own."""
    return lambda rig: rig.slack.deliver_event({**OTHER_BOT, **changes})


IGNORED: dict[str, tuple[Act, str]] = {
    "an edit that adds a mention": (edit, "edited"),
    "a deletion": (delete, "deleted"),
    "a deleted root, which stays as a tombstone": (delete_root, "edited"),
    "a join": (join, "channel_notice"),
    "a new topic": (
        lambda rig: void(
            rig.slack.people.system_message(ANN, PUBLIC, subtype="channel_topic", text=MENTION)
        ),
        "channel_notice",
    ),
    "a reminder": (event(subtype="reminder_add", user=ANN), "other_subtype"),
    "talk among people": (talk_among_people, "not_addressed"),
    "an integration": (event(subtype="bot_message", bot_id="B0OTHER"), "other_bot"),
    "another app": (event(user="U0OTHER", bot_id="B0OTHER", app_id="A0OTHER"), "other_bot"),
    "Slackbot": (event(user="USLACKBOT"), "other_bot"),
    "a mention by another app": (
        event(type="app_mention", user="U0OTHER", bot_id="B0OTHER"),
        "other_bot",
    ),
    "the bot itself": (event(user=BOT, bot_id="B0PLAY", app_id="A0PLAY"), "own_message"),
    "an event without an author": (event(), "malformed"),
}


def void(_value: object) -> None:
    """Forget what an act returns."""


async def settled(rig: Rig) -> None:
    """Wait until everything was delivered, and check that all of it was taken at the first try."""
    await rig.slack.until(
        lambda: bool(rig.slack.deliveries) and all(d.is_done for d in rig.slack.deliveries),
        timeout_s=WITHIN_S,
    )
    assert all(was_taken(delivery) for delivery in rig.slack.deliveries)


def was_taken(delivery: Delivery) -> bool:
    return [attempt.status for attempt in delivery.attempts] == [200]


@pytest.mark.parametrize(("act", "reason"), IGNORED.values(), ids=IGNORED)
async def test_what_is_not_for_the_bot_is_ignored_for_a_reason(
    rig: Rig, act: Act, reason: str
) -> None:
    with capture_logs() as logs:
        async with rig.bot() as bot:
            act(rig)
            await settled(rig)
    reasons = {line["reason"] for line in logs if line["event"] == "message.ignored"}
    assert reason in reasons
    assert all(line["log_level"] == "debug" for line in logs if line["event"] == "message.ignored")
    assert 'messages_total{outcome="claimed"}' not in bot.metrics.text().decode()
    assert rig.asked() == ()
    assert not rig.slack.journal.of("chat.postMessage")


async def test_the_bots_own_answers_are_not_questions_to_it(any_rig: Rig) -> None:
    channel = any_rig.slack.workspace.dm(ANN, BOT).channel_id
    with capture_logs() as logs:
        async with any_rig.bot():
            await any_rig.slack.say(ANN, channel, "what is your name?")
            await any_rig.finished()
            await settled(any_rig)
    assert {line["reason"] for line in logs if line["event"] == "message.ignored"} == {
        "own_message",
        "edited",
    }
    assert len(any_rig.asked()) == 1


UNKNOWN = {
    "command": Parcel(
        ParcelKind.COMMAND,
        {"command": "/unheard", "text": "of", "user_id": ANN, "channel_id": PUBLIC},
    ),
    "button": Parcel(
        ParcelKind.INTERACTION,
        {
            "type": "block_actions",
            "user": {"id": ANN},
            "channel": {"id": PUBLIC},
            "actions": [{"type": "button", "action_id": "unheard", "block_id": "of"}],
        },
    ),
    "global shortcut": Parcel(
        ParcelKind.INTERACTION, {"type": "shortcut", "callback_id": "unheard", "user": {"id": ANN}}
    ),
    "message shortcut": Parcel(
        ParcelKind.INTERACTION,
        {
            "type": "message_action",
            "callback_id": "unheard",
            "user": {"id": ANN},
            "channel": {"id": PUBLIC},
            "message": {"ts": "1790000000.000100", "text": MENTION},
        },
    ),
    "submission": Parcel(
        ParcelKind.INTERACTION,
        {
            "type": "view_submission",
            "user": {"id": ANN},
            "view": {
                "id": "V1",
                "type": "modal",
                "callback_id": "unheard",
                "state": {"values": {}},
            },
        },
    ),
    "event": Parcel(
        ParcelKind.EVENT,
        {
            "type": "event_callback",
            "event_id": "Ev1",
            "event": {"type": "star_added", "user": ANN, "item": {}},
        },
    ),
    "type": Parcel(ParcelKind.EVENT, {"type": "unheard_of", "event_id": "Ev2"}),
}


@pytest.mark.parametrize("parcel", UNKNOWN.values(), ids=UNKNOWN)
async def test_what_nobody_listens_to_is_acknowledged_all_the_same(
    any_rig: Rig, parcel: Parcel
) -> None:
    workspace = any_rig.slack.workspace
    named = {"team_id": workspace.team_id, "team": {"id": workspace.team_id}}
    payload = {**named, "api_app_id": workspace.app.app_id, **parcel.payload}
    async with any_rig.bot():
        delivery = await any_rig.slack.deliver(Parcel(parcel.kind, payload))
    assert was_taken(delivery)
    assert any_rig.asked() == ()
