"""Only those may ask who are allowed to, and whoever is not is told so in one sentence."""

from dataclasses import replace
from itertools import cycle

import pytest
from desk import ADA, a_desk
from given import UNLIMITED, told
from rig import ANN, BEN, BOT, GROUP_DM, PRIVATE, PUBLIC, Rig, words

from bot.admin import replies
from bot.core import texts
from bot.core.language import Phrase
from bot.playground.slack import Fault, FaultKind
from bot.playground.slack.directory import User
from bot.playground.slack.limits import Limits

GUEST, ONE_CHANNEL_GUEST = "U0GUEST", "U0SINGLE"
STRANGER, GONE, ROBOT = "U0STRANGER", "U0GONE", "U0ROBOT"
PEOPLE = (
    User(GUEST, name="guest", is_restricted=True),
    User(ONE_CHANNEL_GUEST, name="single", is_restricted=True, is_ultra_restricted=True),
    User(STRANGER, name="stranger", team_id="T0OTHER"),
    User(GONE, name="gone", deleted=True),
    User(ROBOT, name="robot", is_bot=True),
)
REFUSED_AT_FIRST: dict[str, Phrase] = {
    GUEST: texts.MAY_NOT_ASK_GUEST,
    ONE_CHANNEL_GUEST: texts.MAY_NOT_ASK_GUEST,
    STRANGER: texts.MAY_NOT_ASK_EXTERNAL,
    GONE: texts.MAY_NOT_ASK,
    ROBOT: texts.MAY_NOT_ASK,
}
"""What each of them is told while nothing is set."""
ANSWERED = "hello"
CHANNELS = (PUBLIC, PRIVATE, GROUP_DM)


@pytest.fixture
def limits() -> Limits:
    """Nobody waits for Slack."""
    return UNLIMITED


@pytest.fixture
def crowd(rig: Rig) -> Rig:
    """Servers of a workspace in whose channels people of every kind meet."""
    workspace = rig.slack.workspace
    ids = {workspace.add_user(user).user_id for user in PEOPLE}
    for channel_id in CHANNELS:
        channel = workspace.channels[channel_id]
        members = channel.members | ids
        workspace.add_channel(replace(channel, members=members, is_ext_shared=True))
    return rig


@pytest.fixture
def any_crowd(crowd: Rig, transport: str) -> Rig:
    """The same over both transports."""
    crowd.is_socket = transport == "socket"
    return crowd


async def asks(rig: Rig, person: str, *, channel: str = PUBLIC) -> str:
    """Let somebody ask, and return all that the thread gets."""
    return await told(rig, ANSWERED, user=person, channel=channel)


async def all_told(rig: Rig, *people: str) -> dict[str, str]:
    """Let people ask, each in the next channel (posts in one are scarce); return what they get."""
    turns = zip(people, cycle(CHANNELS), strict=False)
    return {person: await asks(rig, person, channel=channel) for person, channel in turns}


async def test_at_first_only_members_are_answered_and_everybody_else_is_told_why_not(
    any_crowd: Rig,
) -> None:
    async with a_desk(any_crowd):
        shown = await all_told(any_crowd, *REFUSED_AT_FIRST)
        assert any_crowd.asked() == ()
        assert await asks(any_crowd, ANN) == ANSWERED
    assert shown == {person: phrase.en for person, phrase in REFUSED_AT_FIRST.items()}
    assert len(any_crowd.asked()) == 1


@pytest.mark.parametrize(
    ("typed", "answered"),
    [
        ("who members guests", {ADA, ANN, GUEST, ONE_CHANNEL_GUEST}),
        ("who members, external", {ADA, ANN, STRANGER}),
        ("who members guests external", {ADA, ANN, GUEST, ONE_CHANNEL_GUEST, STRANGER}),
        ("who guests", {ADA, GUEST, ONE_CHANNEL_GUEST}),
        ("who admins", {ADA}),
        ("who 访客", {ADA, GUEST, ONE_CHANNEL_GUEST}),
    ],
)
async def test_who_may_ask_is_what_was_set_and_admins_always_may(
    crowd: Rig, typed: str, answered: set[str]
) -> None:
    async with a_desk(crowd) as desk:
        await desk.say(f"workspace {typed}")
        shown = await all_told(crowd, ADA, ANN, *REFUSED_AT_FIRST)
    assert {person for person, text in shown.items() if text == ANSWERED} == answered
    assert len(crowd.asked()) == len(answered)
    sentences = [phrase.en for phrase in (*REFUSED_AT_FIRST.values(), texts.ONLY_ADMINS_ASK)]
    assert all(text in sentences for person, text in shown.items() if person not in answered)


async def test_where_only_admins_may_ask_members_are_told_so(crowd: Rig) -> None:
    async with a_desk(crowd, admin_users=(BEN,)) as desk:
        await desk.say("who admins")
        assert await asks(crowd, ANN) == texts.ONLY_ADMINS_ASK.en
        assert await asks(crowd, BEN) == ANSWERED  # the operator named him
    assert len(crowd.asked()) == 1


async def test_a_channel_may_be_opened_while_the_workspace_stays_closed(crowd: Rig) -> None:
    async with a_desk(crowd) as desk:
        await desk.say("workspace who admins")
        await desk.say("who members guests external")
        assert await asks(crowd, STRANGER) == ANSWERED
        assert await asks(crowd, GUEST) == ANSWERED
        assert await asks(crowd, ANN, channel=PRIVATE) == texts.ONLY_ADMINS_ASK.en
        await desk.say("undo")
        assert await asks(crowd, GUEST) == texts.MAY_NOT_ASK_GUEST.en


async def test_a_direct_message_goes_by_what_holds_for_the_workspace(crowd: Rig) -> None:
    channel = crowd.slack.workspace.dm(GUEST, BOT).channel_id
    async with a_desk(crowd) as desk:
        await desk.say("who members guests")  # of #channel, which is another place
        assert await asks(crowd, GUEST, channel=channel) == texts.MAY_NOT_ASK_GUEST.en
        await desk.say("workspace who members guests")
        assert await asks(crowd, GUEST, channel=channel) == ANSWERED


async def test_admins_of_another_workspace_are_strangers_here(crowd: Rig) -> None:
    crowd.slack.workspace.change_user(STRANGER, is_admin=True, is_owner=True)
    async with a_desk(crowd) as desk:
        await desk.say("who admins members")
        assert await asks(crowd, STRANGER) == texts.MAY_NOT_ASK_EXTERNAL.en
    assert crowd.asked() == ()


async def test_people_of_other_workspaces_are_told_nothing_of_this_ones_settings(
    crowd: Rig,
) -> None:
    crowd.slack.workspace.change_user(STRANGER, is_admin=True, is_owner=True)
    async with a_desk(crowd) as desk:
        await desk.say("workspace history messages")
        await desk.say("workspace system never mention Falcon")
        for text in ("show", "workspace show", "config", "apps", "status", "system", "audit"):
            assert await desk.say(text, by=STRANGER) == replies.ONLY_OWN_PEOPLE.en
        assert await desk.say("tokens", by=STRANGER) == texts.MAY_NOT_ASK_EXTERNAL.en
        await desk.say("who members external")
        assert "tokens" in await desk.say("tokens", by=STRANGER)
        assert "**Commands**" in await desk.say("help", by=STRANGER)


async def test_while_slack_tells_nothing_of_people_nobody_passes_for_a_member(crowd: Rig) -> None:
    app = crowd.slack.workspace.app
    crowd.slack.workspace.app = replace(app, scopes=app.scopes - {"users:read"})
    async with a_desk(crowd, admin_users=(BEN,)) as desk:
        shown = await all_told(crowd, STRANGER, GUEST, ANN, BEN)
        assert shown == {
            STRANGER: texts.MAY_NOT_ASK_EXTERNAL.en,
            **dict.fromkeys((GUEST, ANN), texts.MAY_BE_GUEST.en),
            BEN: ANSWERED,
        }
        assert await desk.say("who members guests", by=ADA) == replies.WHO_UNSEEN.en
        await desk.say("who members guests", by=BEN)
        assert await asks(crowd, GUEST) == ANSWERED


async def test_while_slack_has_a_bad_moment_nobody_passes_for_a_member(any_crowd: Rig) -> None:
    silent = Fault("users.info", FaultKind.STATUS, times=2)
    any_crowd.slack.faults.add(silent)
    async with any_crowd.bot():
        guest = await any_crowd.ask(ANSWERED, user=GUEST)
        member = await any_crowd.ask(ANSWERED, channel=PRIVATE)
        await any_crowd.finished(2)
    assert words(any_crowd.reply(guest)) == texts.MAY_NOT_ASK_GUEST.en
    assert words(any_crowd.reply(member, channel=PRIVATE)) == ANSWERED
    assert len(any_crowd.asked()) == 1


async def test_a_question_that_was_refused_takes_nothing_from_a_quota(crowd: Rig) -> None:
    async with a_desk(crowd) as desk:
        await desk.say("quota channel turns 1")
        assert await asks(crowd, GUEST) == texts.MAY_NOT_ASK_GUEST.en
        assert (await asks(crowd, ANN)).startswith(ANSWERED)


async def test_in_a_followed_thread_whoever_may_not_ask_is_passed_over_in_silence(
    any_crowd: Rig,
) -> None:
    async with a_desk(any_crowd) as desk:
        await desk.say("follow thread")
        thread = await any_crowd.ask(ANSWERED)
        await any_crowd.finished()
        await any_crowd.slack.say(GUEST, PUBLIC, "I say this to nobody", thread_ts=thread)
        await any_crowd.finished(2)
        assert words(any_crowd.reply(thread)) == ANSWERED
        await any_crowd.ask("but this to you", thread_ts=thread, user=GUEST)
        await any_crowd.finished(3)
    assert words(any_crowd.reply(thread)) == f"{ANSWERED}\n{texts.MAY_NOT_ASK_GUEST.en}"
    assert len(any_crowd.asked()) == 1
