"""A person's token for a plugin goes along with that person's questions, and is nowhere else."""

import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from desk import ADA, TEAM, Desk, a_desk, holds, labels
from given import UNLIMITED, input_of, store, told
from pydantic import SecretStr
from rig import ANN, APP_ID, BEN, BOT, PRIVATE, PUBLIC, WITHIN_S, Rig, a_rig, turns_of
from strange_apps import CANARY as SHOP_KEY
from strange_apps import shop

from bot.admin.plugin_tokens import PluginTokens
from bot.playground.dashscope.apps import echo_app
from bot.playground.dashscope.journal import Entry
from bot.playground.dashscope.server import DashScopeServer
from bot.playground.slack.delivery import DeliveryRules
from bot.playground.slack.directory import Channel, User
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import visible_text
from bot.playground.slack.views import View
from storage.database import Storage
from storage.tables import metadata

CANARY = "canary-token-4711"
BENS = "bens-token-0815"
KEY = "a key at rest that is quite long enough"
CROWD = [f"U0CROWD{number}" for number in range(100)]
PATIENT = DeliveryRules(retry_delays_s=(0.5,) * 60)
PLACES = [f"C0CROWD{number}" for number in range(8)]


@pytest.fixture
def limits() -> Limits:
    """No limits: how the bot keeps them is another test's business."""
    return UNLIMITED


def tokens_of(entry: Entry) -> Mapping[str, str]:
    """Return the tokens of a request, by plugin."""
    given = input_of(entry).get("biz_params", {}).get("user_defined_tokens", {})
    return {tool: token["user_token"] for tool, token in given.items()}


def last(rig: Rig) -> Entry:
    return rig.asked()[-1]


async def form(desk: Desk, user: str) -> View:
    """Wait until somebody looks at a form."""
    return await desk.rig.slack.until(lambda: desk.modal(user), timeout_s=WITHIN_S)


async def give(desk: Desk, tool: str, token: str, *, by: str, label: str = "Add a token") -> None:
    notice = await desk.type("tokens", by=by)
    await desk._click(notice, label)
    words = await desk.save(await form(desk, by), {"tool": tool, "token": token})
    assert f"Your token for `{tool}` is kept" in words


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_a_token_is_in_its_owners_requests_and_nowhere_else(desk: Desk) -> None:
    rig = desk.rig
    await desk.say("plugins crm, mail")
    await give(desk, "crm", CANARY, by=ANN)
    await give(desk, "crm", BENS, by=BEN)
    assert "done" in await told(rig, "done one", user=ANN)
    thread = rig.slack.people.say(ANN, PUBLIC, f"<@{BOT}> done two")
    await rig.finished(2)
    await told(rig, "done three", user=BEN, thread_ts=thread)  # somebody else in Ann's thread
    assert [tokens_of(entry) for entry in rig.asked()] == [
        {"crm": CANARY},
        {"crm": CANARY},
        {"crm": BENS},
    ]
    await desk.type("tokens", by=ANN)
    await desk.type("audit all")
    await desk.type("audit csv")
    await desk.type("show")
    await desk.files_of(ADA, count=1)
    everywhere = [
        desk.log.text,
        json.dumps([call.arguments for call in rig.slack.journal.calls]),
        *(visible_text(notice) for notice in desk.heard),
        *(file.content.decode(errors="replace") for file in rig.slack.workspace.files.values()),
        "\n".join(await desk.storage.read(everything)),
        *files_of_database(rig),
    ]
    assert "crm" in "".join(everywhere)  # the search would find what is there
    for place, text in enumerate(everywhere):
        assert CANARY not in text, place
        assert BENS not in text, place


def everything(conn: Any) -> list[str]:
    """Return every row of every table."""
    return [str(row) for table in metadata.sorted_tables for row in conn.execute(table.select())]


def files_of_database(rig: Rig) -> list[str]:
    if not rig.database_url.startswith("sqlite"):
        return []
    path = Path(rig.database_url.partition(":///")[2])
    files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
    return [file.read_bytes().decode("latin-1") for file in files]


async def test_no_token_goes_along_where_there_are_no_plugins(http_desk: Desk) -> None:
    rig = http_desk.rig
    await http_desk.say("workspace plugins crm")
    await give(http_desk, "crm", CANARY, by=ANN)
    await http_desk.say("plugins none")
    await told(rig, "hello")
    await told(rig, "hello", channel=PRIVATE)
    assert [tokens_of(entry) for entry in rig.asked()] == [{}, {"crm": CANARY}]


async def test_a_token_goes_only_where_its_plugin_is_used(http_desk: Desk) -> None:
    rig = http_desk.rig
    await http_desk.say("plugins crm")
    await give(http_desk, "crm", CANARY, by=ANN)
    await told(rig, "one", channel=PUBLIC)
    await told(rig, "two", channel=PRIVATE)
    await http_desk.say("plugins mail")
    await told(rig, "three", channel=PUBLIC)
    assert [tokens_of(entry) for entry in rig.asked()] == [{"crm": CANARY}, {}, {}]


async def test_where_no_token_goes_plugins_are_refused_or_left_out_and_people_are_told(
    http_desk: Desk, elsewhere: DashScopeServer
) -> None:
    await http_desk.say("plugins crm")
    await give(http_desk, "crm", CANARY, by=ANN)
    await http_desk.save(await http_desk.open("apps add"), shop(elsewhere.base_url))
    assert "Left out: `plugins`. Tokens go only to" in await http_desk.say("app Shop")
    refused = await http_desk.say("plugins crm mail")
    assert "Tokens go only to Model Studio's addresses" in refused
    assert "Nothing was changed." in refused
    listed = await http_desk.say("tokens", by=ANN)
    assert "`crm`: kept\n" in listed
    assert "None goes along here. Tokens go only to" in listed
    await told(http_desk.rig, "hello")
    (entry,) = elsewhere.journal.entries
    assert tokens_of(entry) == {}


async def test_an_app_that_moves_where_no_token_goes_is_said_to_leave_plugins_out(
    http_desk: Desk, elsewhere: DashScopeServer
) -> None:
    here = http_desk.rig.dashscope.base_url
    await http_desk.say(f"apps add Shop app_id={APP_ID} base_url={here}")
    await http_desk.say("app Shop")
    await http_desk.say("plugins crm")
    view = await http_desk.open("apps edit Shop")
    moved = await http_desk.save(view, {"base_url": elsewhere.base_url, "api_key": SHOP_KEY})
    assert f"<#{PUBLIC}>: `plugins`" in moved


async def test_replacing_and_removing_hold_from_the_next_message_on(http_desk: Desk) -> None:
    rig = http_desk.rig
    await http_desk.say("plugins crm")
    await give(http_desk, "crm", "first", by=ANN)
    await told(rig, "one")
    notice = await http_desk.type("tokens", by=ANN)
    assert labels(notice) == ("Add a token", "Replace crm", "Remove crm")
    await http_desk._click(notice, "Replace crm")
    view = await form(http_desk, ANN)
    assert (holds(view, "tool"), holds(view, "token")) == ("crm", "")
    await http_desk.save(view, {"token": CANARY})
    await told(rig, "two")
    gone = await http_desk.press(await http_desk.type("tokens", by=ANN), "Remove crm")
    assert "is forgotten" in visible_text(gone)
    await told(rig, "three")
    assert [tokens_of(entry) for entry in rig.asked()] == [{"crm": "first"}, {"crm": CANARY}, {}]


async def test_a_token_in_a_command_is_refused_and_not_said_again(http_desk: Desk) -> None:
    for text in (f"tokens crm {CANARY}", f"token {CANARY}", f"令牌 {CANARY}"):
        told_back = await http_desk.say(text, by=ANN)
        assert "Never type a token into a command" in told_back
        assert CANARY not in told_back
    assert CANARY not in http_desk.log.text
    assert await http_desk.storage.secrets.names(TEAM, prefix="") == []


async def test_without_encryption_keys_no_token_is_taken(rig: Rig) -> None:
    async with a_desk(rig) as desk:
        pass
    rig.changes |= {"encryption_keys": ()}
    async with rig.bot():
        await rig.slack.command(ANN, PUBLIC, "tokens")
        await rig.slack.until(lambda: rig.slack.workspace.ephemerals, timeout_s=WITHIN_S)
    (notice,) = rig.slack.workspace.ephemerals
    assert "ENCRYPTION_KEYS" in visible_text(notice)
    assert labels(notice) == ()
    assert desk.due == 0


@pytest.mark.parametrize("app_under_test", [echo_app(APP_ID)])
async def test_a_token_whose_key_is_lost_is_told_of_and_stays_at_home(
    rig: Rig, tmp_path: Path
) -> None:
    await store(rig, f"channel:{PUBLIC}", plugins=["crm"])
    await keep(rig, {(ANN, "crm"): CANARY})
    rig.changes |= {"encryption_keys": ()}
    async with rig.bot():
        assert "A token of yours cannot be read any more" in await told(rig, "one")
    assert tokens_of(last(rig)) == {}


async def keep(rig: Rig, tokens: Mapping[tuple[str, str], str]) -> None:
    async with Storage(rig.database_url, exclusive=False, keys=(KEY,)) as storage:
        for (user, tool), token in tokens.items():
            await PluginTokens(storage.secrets).put(TEAM, user, tool, token=token)


@pytest.fixture
async def crowded(tmp_path: Path, database_url: str) -> AsyncIterator[Rig]:
    """Many people in every channel, each with a token of their own, and one without.

    All are let in unseen: Slack tells of a few at a time who they are.
    """
    async with a_rig(
        tmp_path, echo_app(APP_ID), limits=UNLIMITED, database_url=database_url
    ) as rig:
        workspace = rig.slack.workspace
        for user in CROWD:
            workspace.add_user(User(user, name=user.lower(), real_name=user))
        members = frozenset({*CROWD, ANN, BOT})
        for place in PLACES:
            workspace.add_channel(Channel(place, name=place.lower(), members=members))
        everybody = ["members", "guests", "external"]
        await store(rig, "workspace", plugins=["crm", "mail"], who=everybody)
        await keep(rig, {(user, "crm"): f"token-of-{user}" for user in CROWD[:-1]})
        rig.changes |= {"encryption_keys": (SecretStr(KEY),)}
        yield rig


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "database"), [(1, "sqlite"), (2, "sqlite"), (3, "postgresql")])
async def test_among_many_who_ask_at_once_in_shared_threads_no_token_goes_astray(
    crowded: Rig, seed: int
) -> None:
    dice = random.Random(seed)
    rig, count = crowded, 16  # as many as the bot answers in a quarter of a minute
    crowd = CROWD[-12:]
    asked: dict[str, str] = {}
    async with rig.bot():
        threads = [(place, await rig.ask(f"root of {place}", channel=place)) for place in PLACES]
        for number in range(count):
            user = dice.choice(crowd)
            place, thread = dice.choice(threads)
            words = f"question {number} of {user}"
            asked[words] = user
            await rig.ask(words, channel=place, thread_ts=thread, user=user)
            if dice.random() < 0.4:
                owner = dice.choice(crowd[:-1])
                await keep(rig, {(owner, "mail"): f"mail {number} of {owner}"})
        await rig.finished(count + len(threads), within_s=90)
        assert turns_of(rig.bots[0]) == count + len(threads)
    seen = [entry for entry in rig.asked() if "question" in input_of(entry)["prompt"]]
    assert len(seen) == count
    for entry in seen:
        assert_own(entry, asked)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "database"), [(4, "sqlite"), (5, "postgresql")])
async def test_among_a_hundred_people_with_four_hundred_questions_no_token_goes_astray(
    crowded: Rig, seed: int
) -> None:
    """Each in a thread of its own; what was asked is looked at, and no answer waited for."""
    dice = random.Random(seed)
    rig, count = crowded, 400
    rig.changes |= {"turns_at_once": count, "grace_s": 0.0}
    rig.slack.dispatcher.rules = PATIENT
    asked: dict[str, str] = {}
    async with rig.bot():
        for number in range(count):
            user = dice.choice(CROWD)
            words = f"question {number} of {user}"
            asked[words] = user
            await rig.ask(words, channel=dice.choice(PLACES), user=user)
            if dice.random() < 0.04:
                owner = dice.choice(CROWD[:-1])
                await keep(rig, {(owner, "mail"): f"mail {number} of {owner}"})
            if len(asked) % 80 == 0:  # at once; with all at once a slow machine is busy refusing
                await rig.dashscope.until(
                    lambda entries: len({*map(prompt_of, entries)}) >= len(asked), timeout_s=90
                )
        await rig.dashscope.until(all_over, timeout_s=90)
    assert any("mail" in tokens_of(entry) for entry in rig.asked())
    for entry in rig.asked():
        assert_own(entry, asked)


def all_over(entries: Sequence[Entry]) -> bool:
    return all(entry.finished or entry.aborted for entry in entries)


def prompt_of(entry: Entry) -> str:
    return input_of(entry)["prompt"]


def assert_own(entry: Entry, asked: Mapping[str, str]) -> None:
    """The tokens of a request are those of whoever asked, and of nobody else."""
    prompt = prompt_of(entry)
    user = next(user for words, user in asked.items() if prompt.endswith(words))
    tokens = dict(tokens_of(entry))
    assert tokens.pop("mail", user).endswith(user)
    assert tokens == ({"crm": f"token-of-{user}"} if user != CROWD[-1] else {})
