from typing import Any

import pytest

from bot.playground.slack import App, Channel, ChannelKind, File, User, Workspace
from bot.playground.slack.events import Events
from bot.playground.slack.message import Draft


class Ear:
    """A workspace and everything the app was told of it."""

    def __init__(self, kind: ChannelKind = ChannelKind.PUBLIC, *, joined: bool = True) -> None:
        self.workspace = Workspace(app=App())
        self.workspace.add_user(User("U0ANN", name="ann"))
        members = {"U0ANN", "U0BOT"} if joined else {"U0ANN"}
        self.workspace.add_channel(Channel("C0A", "a", kind=kind, members=frozenset(members)))
        self.envelopes: list[dict[str, Any]] = []
        events = Events(self.workspace)
        self.workspace.watch(lambda c: self.envelopes.extend(events.of(c, files_url="http://f")))

    def say(self, text: str, **fields: Any) -> Any:
        return self.workspace.post("C0A", Draft("U0ANN", text, **fields))

    @property
    def kinds(self) -> list[str]:
        return [e["event"]["type"] for e in self.envelopes]

    @property
    def last(self) -> dict[str, Any]:
        return self.envelopes[-1]["event"]


@pytest.mark.parametrize(
    ("kind", "channel_type"),
    [
        (ChannelKind.PUBLIC, "channel"),
        (ChannelKind.PRIVATE, "group"),
        (ChannelKind.GROUP_DM, "mpim"),
    ],
)
def test_a_mention_where_the_app_is_a_member_is_two_events_with_ids_of_their_own(
    kind: ChannelKind, channel_type: str
) -> None:
    ear = Ear(kind)
    message = ear.say("<@U0BOT> hi")
    mention, post = ear.envelopes
    assert ear.kinds == ["app_mention", "message"]
    assert mention["event_id"] != post["event_id"]
    assert mention["event"]["ts"] == post["event"]["ts"] == message.ts
    assert post["event"]["channel_type"] == channel_type
    assert "channel_type" not in mention["event"]


def test_a_direct_message_is_one_event_even_with_a_mention() -> None:
    ear = Ear(ChannelKind.DM)
    ear.say("<@U0BOT> hi")
    assert ear.kinds == ["message"]
    assert ear.last["channel_type"] == "im"


@pytest.mark.parametrize("kind", list(ChannelKind))
def test_nothing_is_told_of_channels_the_app_is_not_in(kind: ChannelKind) -> None:
    ear = Ear(kind, joined=False)
    ear.workspace.delete(ear.workspace.edit(ear.say("<@U0BOT> hi"), text="x"))
    assert ear.envelopes == []


def test_nothing_is_told_without_a_subscription() -> None:
    ear = Ear()
    ear.workspace.app = App(events=frozenset({"app_mention"}))
    ear.say("hi")
    ear.say("<@U0BOT> hi")
    assert ear.kinds == ["app_mention"]


def test_an_envelope_names_the_installation() -> None:
    ear = Ear()
    ear.say("hi")
    envelope = ear.envelopes[0]
    assert envelope["type"] == "event_callback"
    assert (envelope["team_id"], envelope["api_app_id"]) == ("T0PLAY", "A0PLAY")
    assert envelope["is_ext_shared_channel"] is False
    assert envelope["event_time"] == int(float(envelope["event"]["ts"]))
    (authorization,) = envelope["authorizations"]
    assert (authorization["user_id"], authorization["is_bot"]) == ("U0BOT", True)


def test_the_apps_own_posts_come_back_with_its_ids_and_are_no_mentions() -> None:
    ear = Ear()
    ear.workspace.post("C0A", Draft("U0BOT", "<@U0BOT>", bot_id="B0PLAY"))
    assert ear.kinds == ["message"]
    assert (ear.last["bot_id"], ear.last["app_id"]) == ("B0PLAY", "A0PLAY")


def test_an_edit_shows_the_message_before_and_after() -> None:
    ear = Ear()
    message = ear.workspace.edit(ear.say("old"), text="new")
    event = ear.last
    assert (event["subtype"], event["hidden"]) == ("message_changed", True)
    assert (event["previous_message"]["text"], event["message"]["text"]) == ("old", "new")
    assert event["message"]["ts"] == message.ts != event["ts"]
    assert event["message"]["edited"]["user"] == "U0ANN"


def test_a_deletion_is_told_and_a_root_with_replies_changes_to_a_tombstone() -> None:
    ear = Ear()
    root = ear.say("root")
    reply = ear.say("reply", thread_ts=root.ts)
    assert ear.last["thread_ts"] == root.ts
    assert ear.last["parent_user_id"] == "U0ANN"
    ear.workspace.delete(root)
    assert (ear.last["subtype"], ear.last["message"]["subtype"]) == ("message_changed", "tombstone")
    ear.workspace.delete(reply)
    assert (ear.last["subtype"], ear.last["deleted_ts"]) == ("message_deleted", reply.ts)


def test_a_file_makes_a_post_a_file_share_and_stays_on_the_mention() -> None:
    ear = Ear()
    ear.say("<@U0BOT> look", files=(File("F1", "a.png", b"abc", "image/png"),))
    mention, post = (envelope["event"] for envelope in ear.envelopes)
    assert post["subtype"] == "file_share"
    assert "subtype" not in mention
    assert post["files"][0]["url_private_download"] == "http://f/F1/download"
    assert mention["files"] == post["files"]


def test_slacks_own_lines_carry_their_subtype_and_are_no_mentions() -> None:
    ear = Ear()
    ear.say("<@U0BOT> set the topic", subtype="channel_topic")
    assert ear.kinds == ["message"]
    assert ear.last["subtype"] == "channel_topic"


def test_reactions_are_told_with_whose_message_it_was() -> None:
    ear = Ear()
    message = ear.say("hi")
    assert ear.workspace.react(message, user="U0ANN", name="eyes", is_added=True)
    assert (ear.last["type"], ear.last["reaction"]) == ("reaction_added", "eyes")
    assert ear.last["item"]["ts"] == message.ts
    assert ear.last["item_user"] == "U0ANN"


def test_a_stranger_is_told_with_the_workspace_they_come_from() -> None:
    ear = Ear()
    ear.workspace.add_user(User("U0ANN", name="ann", team_id="T0OTHER"))
    ear.say("<@U0BOT> hi")
    assert {e["event"]["user_team"] for e in ear.envelopes} == {"T0OTHER"}
