"""What a channel is, as Slack or a command tells it."""

import asyncio
from typing import Any

import pytest

from bot.core.policy import ChannelInfo
from bot.core.screens import Directory
from bot.errors import SlackError, SlackTokenRefused
from bot.slack.calls import Calls
from bot.slack.channels import KNOWN_S, SlackChannels
from bot.slack.directory import SlackDirectory
from bot.slack.people import SlackPeople

INFO = {
    "id": "C1",
    "name": "general",
    "is_channel": True,
    "is_private": False,
    "is_member": True,
    "is_ext_shared": False,
    "creator": "U7",
    "is_archived": False,
}
GENERAL = ChannelInfo(
    channel_id="C1",
    name="general",
    is_member=True,
    is_private=False,
    is_direct=False,
    is_shared=False,
    creator="U7",
    is_archived=False,
)


class Clock:
    """Monotonic seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def channels(calls: Calls, clock: Clock) -> SlackChannels:
    return SlackChannels(calls=calls, clock=clock)


async def test_slack_tells_what_a_channel_is_once_a_minute(
    scripted_slack: Any, channels: SlackChannels, clock: Clock
) -> None:
    scripted_slack.says("conversations.info", *[scripted_slack.ok(channel=INFO)] * 2)
    for age_s in (0, KNOWN_S - 1, 2):
        clock.now += age_s
        assert await channels.channel("T1", "C1") == GENERAL
    assert scripted_slack.calls("conversations.info") == [{"channel": "C1"}] * 2


async def test_a_shared_or_private_channel_is_told_as_such(
    scripted_slack: Any, channels: SlackChannels
) -> None:
    shared = {**INFO, "is_ext_shared": True, "is_private": True, "is_archived": True}
    scripted_slack.says("conversations.info", scripted_slack.ok(channel=shared))
    found = await channels.channel("T1", "C1")
    assert found is not None
    assert (found.is_shared, found.is_private, found.is_archived) == (True, True, True)


async def test_direct_messages_need_no_asking(scripted_slack: Any, channels: SlackChannels) -> None:
    found = await channels.channel("T1", "D1")
    assert found is not None
    assert (found.is_direct, found.is_private, found.is_member, found.name) == (
        True,
        True,
        True,
        "",
    )
    assert scripted_slack.heard == []


@pytest.mark.parametrize("code", ["channel_not_found", "missing_scope", "internal_error"])
async def test_nothing_is_known_of_a_channel_nobody_tells_about(
    scripted_slack: Any, channels: SlackChannels, code: str
) -> None:
    scripted_slack.says("conversations.info", scripted_slack.refuses(code))
    assert await channels.channel("T1", "C1") is None


@pytest.mark.parametrize(
    ("code", "name", "expected"),
    [
        # Slack hides a private channel the bot is not in.
        ("channel_not_found", "privategroup", ("", False, True, False)),
        # Without the scope nobody is told to invite the bot for nothing.
        ("missing_scope", "general", ("general", True, False, False)),
        ("missing_scope", "mpdm-ann--bob-1", ("mpdm-ann--bob-1", True, True, True)),
        ("missing_scope", "directmessage", ("", True, True, True)),
        ("ratelimited", "general", ("general", True, False, False)),
    ],
)
async def test_a_commands_word_for_its_channel_must_do_when_slack_tells_nothing(
    scripted_slack: Any,
    channels: SlackChannels,
    code: str,
    name: str,
    expected: tuple[str, bool, bool, bool],
) -> None:
    scripted_slack.says("conversations.info", scripted_slack.refuses(code))
    channels.heard("T1", "C1", name)
    found = await channels.channel("T1", "C1")
    assert found is not None
    assert (found.name, found.is_member, found.is_private, found.is_direct) == expected
    assert (found.creator, found.is_archived) == ("", False)
    assert found.is_shared  # a name does not tell that nobody from outside is there


async def test_a_refusal_is_believed_for_a_minute_and_an_outage_not(
    scripted_slack: Any, channels: SlackChannels, clock: Clock
) -> None:
    slack = scripted_slack
    slack.says("conversations.info", slack.refuses("internal_error"), slack.refuses("no_such"))
    slack.says("conversations.info", slack.ok(channel=INFO))
    assert [await channels.channel("T1", "C1") for _ in range(3)] == [None, None, None]
    assert len(slack.heard) == 2
    clock.now += KNOWN_S + 1
    assert await channels.channel("T1", "C1") == GENERAL


@pytest.mark.parametrize("is_heard", [False, True], ids=["unheard", "heard in a command"])
@pytest.mark.parametrize(
    ("told", "is_private", "is_shared"),
    [
        ({}, False, False),
        ({"is_private": True}, True, False),
        ({"name": "mpdm-a--b-1", "is_mpim": True}, True, False),
        ({"is_ext_shared": True}, False, True),
    ],
    ids=["public", "private", "group", "shared"],
)
async def test_whether_a_channel_is_private_or_shared_is_known_while_slack_does_not_answer(
    scripted_slack: Any,
    channels: SlackChannels,
    clock: Clock,
    told: dict[str, Any],
    *,
    is_private: bool,
    is_shared: bool,
    is_heard: bool,
) -> None:
    scripted_slack.says("conversations.info", scripted_slack.ok(channel={**INFO, **told}))
    scripted_slack.says("conversations.info", scripted_slack.refuses("ratelimited"))
    before = await channels.channel("T1", "C1")
    assert before is not None
    if is_heard:
        channels.heard("T1", "C1", "privategroup" if is_private else before.name)
    clock.now += KNOWN_S + 1
    found = await channels.channel("T1", "C1")
    assert found is not None
    assert (found.is_private, found.is_shared) == (is_private, is_shared)
    assert found.creator == ""  # rights go by what Slack says now


async def test_nobody_waits_long_for_a_silent_slack(scripted_slack: Any, calls: Calls) -> None:
    scripted_slack.says("conversations.info", scripted_slack.stays_silent)
    channels = SlackChannels(calls=calls, timeout_s=0.05)
    channels.heard("T1", "C1", "general")
    async with asyncio.timeout(30):
        found = await channels.channel("T1", "C1")
    assert found is not None
    assert found.name == "general"


async def test_an_answer_of_another_make_tells_nothing(
    scripted_slack: Any, channels: SlackChannels
) -> None:
    scripted_slack.says("conversations.info", scripted_slack.ok(channel="general"))
    assert await channels.channel("T1", "C1") is None


@pytest.fixture
def directory(calls: Calls, channels: SlackChannels) -> SlackDirectory:
    return SlackDirectory(people=SlackPeople(calls=calls), channels=channels)


async def test_the_directory_tells_of_channels_and_people(
    scripted_slack: Any, directory: SlackDirectory
) -> None:
    scripted_slack.says("conversations.info", scripted_slack.ok(channel=INFO))
    scripted_slack.says("users.info", scripted_slack.ok(user={"id": "U1", "is_admin": True}))
    port: Directory = directory
    assert await port.channel("T1", "C1") == GENERAL
    person = await port.person("T1", "U1", fresh=True)
    assert person is not None
    assert person.is_admin


async def test_without_the_scope_people_are_unknown_and_no_error(
    scripted_slack: Any, directory: SlackDirectory
) -> None:
    scripted_slack.says("users.info", scripted_slack.refuses("missing_scope"))
    assert await directory.person("T1", "U1", fresh=True) is None


@pytest.mark.parametrize("code", ["token_revoked", "internal_error"])
async def test_a_fresh_look_that_fails_is_an_error(
    scripted_slack: Any, directory: SlackDirectory, code: str
) -> None:
    scripted_slack.says("users.info", scripted_slack.refuses(code))
    with pytest.raises(SlackError) as caught:
        await directory.person("T1", "U1", fresh=True)
    assert isinstance(caught.value, SlackTokenRefused) is (code == "token_revoked")
