"""An agent remembers people, and what it remembers is theirs."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from desk import ADA, LIN, a_desk, labels
from pydantic import SecretStr
from remembered import (
    KNOWS_NOTHING,
    NAME,
    Home,
    at_home,
    diary,
    made,
    memory_key,
    memory_of,
    seen,
    shown,
)
from rig import ANN, APP_ID, BEN, GROUP_DM, PRIVATE, PUBLIC, WITHIN_S, Rig

from bot.admin import home_texts, memory_texts
from bot.core.question import AppKind
from bot.playground.bailian import BailianServer, Refusal
from bot.playground.bailian.refusals import THROTTLED
from bot.playground.dashscope.apps import App
from bot.playground.slack.blocks import controls
from bot.playground.slack.message import Ephemeral, visible_text
from bot.playground.slack.views import View

MEMORY_CANARY = "My cat is called Canary-4711."


@pytest.fixture
def app_under_test() -> App:
    return App(APP_ID, answers=diary)


@pytest.fixture
async def home(rig: Rig) -> AsyncGenerator[Home]:
    async with at_home(rig) as opened:
        yield opened


def ids(notice: Ephemeral) -> list[str]:
    return [control.element["value"] for control in controls(notice.blocks)]


async def test_what_somebody_told_is_known_in_another_thread_another_day(home: Home) -> None:
    assert await home.ask(NAME) == KNOWS_NOTHING
    assert await home.ask("Who am I?") == NAME
    assert await home.ask("Who am I?", user=BEN) == KNOWS_NOTHING


async def test_what_is_said_in_private_stays_in_private(home: Home) -> None:
    everywhere = {home.direct(), PRIVATE, GROUP_DM, PUBLIC}
    for place in (home.direct(), PRIVATE, GROUP_DM):
        fact = f"My secret of {place} is 4711."
        await home.ask(fact, channel=place)
        assert await home.ask("Who am I?", channel=place) == fact
        for other in everywhere - {place}:
            assert fact not in await home.ask("Who am I?", channel=other)
    scopes = ["private", "channels", f"channel:{PRIVATE}", f"untold:{GROUP_DM}"]
    assert set(made(home.bailian)) == {(ANN, scope) for scope in scopes}


async def test_a_private_channel_shares_with_the_public_ones_when_it_is_set_to(home: Home) -> None:
    await home.desk.say("memory shared", channel=PRIVATE)
    await home.ask(NAME, channel=PRIVATE)
    assert await home.ask("Who am I?") == NAME
    assert await home.ask("Who am I?", channel=GROUP_DM) == KNOWS_NOTHING


async def test_a_workspace_that_shares_opens_no_private_channel_and_says_so(home: Home) -> None:
    told = await home.desk.say("workspace memory shared")
    assert "Private channels share only where" in told
    await home.ask(NAME, channel=PRIVATE)
    assert await home.ask("Who am I?", channel=PRIVATE) == NAME
    assert await home.ask("Who am I?") == KNOWS_NOTHING


async def test_what_is_remembered_inside_is_not_used_where_other_workspaces_read(
    home: Home,
) -> None:
    """Nor what is said there inside, when nobody else reads there any more."""
    town = home.rig.slack.workspace
    common = replace(town.channels[PUBLIC], channel_id="C0COMMON", is_ext_shared=True)
    town.add_channel(common)
    await home.desk.say("memory shared", channel="C0COMMON")
    inside, outside = "My project is Falcon.", "My partner's number is 4711."
    await home.ask(inside)
    assert await home.ask(outside, channel="C0COMMON") == KNOWS_NOTHING
    assert await home.ask("Who am I?", channel="C0COMMON") == outside
    assert await home.ask("Who am I?") == inside
    told = await home.desk.say("memory", by=ANN, channel="C0COMMON")
    assert outside in told
    assert inside not in told
    assert set(made(home.bailian)) == {(ANN, "channels"), (ANN, "connect:C0COMMON")}


async def test_people_see_in_a_private_channel_what_is_remembered_there(home: Home) -> None:
    await home.ask(NAME, channel=PRIVATE)
    notice = await home.desk.type("memory", by=ANN, channel=PRIVATE)
    assert NAME in visible_text(notice)
    assert NAME not in await home.desk.say("memory", by=ANN)
    told = visible_text(await home.desk.press(notice, "Forget everything"))
    assert f"Everything is forgotten, in <#{PRIVATE}> alone." in told
    assert home.bailian.bank.memories == ()


async def test_a_channel_set_apart_has_a_memory_of_its_own_and_off_has_none(home: Home) -> None:
    await home.desk.say("memory separate")
    await home.ask(NAME)
    assert await home.ask("Who am I?", channel=GROUP_DM) == KNOWS_NOTHING
    await home.desk.say("memory off")
    before = len(home.rig.asked())
    assert await home.ask("Who am I?") == KNOWS_NOTHING
    assert memory_of(home.rig.asked()[before]) is None


async def test_the_owner_sees_what_is_remembered_and_nobody_else_does(home: Home) -> None:
    await home.ask(NAME)
    notice = await home.desk.type("memory", by=ANN)
    assert NAME in visible_text(notice)
    assert labels(notice) == ("Edit 1", "Delete 1", "Forget everything", "Switch off")
    for other in (BEN, ADA):
        assert NAME not in await home.desk.say("memory", by=other)
    assert NAME not in await home.desk.say("memory", by=ANN, channel=home.direct())


async def test_an_entry_can_be_corrected_in_a_form(home: Home) -> None:
    await home.ask(NAME)
    notice = await home.desk.type("memory", by=ANN)
    view = await home.desk.press_open(notice, "Edit 1")
    assert await home.desk.refused(view, {"content": "   "})
    told = await home.desk.save(view, {"content": "My name is Anne."})
    assert memory_texts.CHANGED.en in told
    assert "My name is Anne." in told
    assert await home.ask("Who am I?") == "My name is Anne."


async def test_an_entry_can_be_deleted(home: Home) -> None:
    await home.ask(f"{NAME} I like tea.")
    notice = await home.desk.type("memory", by=ANN)
    told = visible_text(await home.desk.press(notice, "Delete 1"))
    assert memory_texts.DELETED.en in told
    assert NAME not in told
    assert "I like tea." in told


async def test_forgetting_everything_begins_afresh(home: Home) -> None:
    await home.ask(NAME)
    notice = await home.desk.type("memory", by=ANN)
    told = visible_text(await home.desk.press(notice, "Forget everything"))
    assert "Everything is forgotten, in all channels that share one memory." in told
    assert home.bailian.bank.memories == ()
    assert await home.ask("Who am I?") == KNOWS_NOTHING
    assert len(made(home.bailian)[ANN, "channels"]) == 1


async def test_whoever_switches_off_is_asked_about_without_and_can_switch_on_again(
    home: Home,
) -> None:
    await home.ask(NAME)
    notice = await home.desk.type("memory", by=ANN)
    off = await home.desk.press(notice, "Switch off")
    assert memory_texts.OFF_BY_YOU.en in visible_text(off)
    assert await home.ask("Who am I?") == KNOWS_NOTHING
    assert await home.ask("Who am I?", channel=home.direct()) == KNOWS_NOTHING
    await home.desk.press(off, "Switch on")
    assert await home.ask("Who am I?") == NAME


async def test_in_direct_messages_the_words_switch_for_oneself_alone(home: Home) -> None:
    direct = home.direct()
    told = await home.desk.say("memory off", by=ANN, channel=direct)
    assert told == memory_texts.SWITCHED_OFF.en
    await home.ask(NAME)
    await home.ask(NAME, user=BEN)
    assert set(made(home.bailian)) == {(BEN, "channels")}
    assert "memory on" in await home.desk.say("memory separate", by=ANN, channel=direct)
    assert await home.desk.say("memory on", by=ANN, channel=direct) == memory_texts.SWITCHED_ON.en


async def test_a_members_words_do_not_change_the_channels_setting(home: Home) -> None:
    assert "admins" in await home.desk.say("memory off", by=BEN)
    assert await home.desk.values() == {}


async def test_nobody_reaches_what_is_somebody_elses_by_forging_buttons(home: Home) -> None:
    await home.ask(NAME)
    await home.ask("My name is Ben.", user=BEN)
    ((node_id, _),) = home.bailian.bank.open(made(home.bailian)[ANN, "channels"][0]).nodes.items()
    bens = await home.desk.type("memory", by=BEN)
    for action in ("admin:memory.delete", "admin:memory.more", "admin:memory.forget"):
        for value in (
            f"channels {node_id}",
            f"private {node_id}",
            f"channel:C1 {node_id}",
            made(home.bailian)[ANN, "channels"][0],
            "",
        ):
            told = await home.desk.forge_press(bens, action, value)
            assert NAME not in visible_text(told)
    assert await home.ask("Who am I?") == NAME


async def test_a_long_memory_is_shown_page_by_page(home: Home) -> None:
    await home.ask("Hello")
    (memory_id,) = made(home.bailian)[ANN, "channels"]
    for number in range(23):
        home.bailian.bank.add(memory_id, f"I like number {number}.")
    first = await home.desk.type("memory", by=ANN)
    assert "Entries 1 to 10 of 23." in visible_text(first)
    second = await home.desk.press(first, "More")
    third = await home.desk.press(second, "More")
    assert "Entries 21 to 23 of 23." in visible_text(third)
    assert "More" not in labels(third)
    assert "Edit 23" in labels(third)


async def test_chinese_readers_read_chinese(home: Home) -> None:
    await home.ask("我叫林。", user=LIN)
    notice = await home.desk.type("memory", by=LIN)
    assert "我叫林" in visible_text(notice)
    assert labels(notice)[2:] == ("忘记全部", "关闭记忆")


async def test_an_admin_names_a_memory_by_hand_and_it_belongs_to_one(home: Home) -> None:
    memory_id = home.bailian.bank.create("by hand")
    home.bailian.bank.add(memory_id, "My name is Otto.")
    refused = await home.desk.say(f"memory id <@{BEN}> private {memory_id}", by=BEN)
    assert "Only admins" in refused
    await home.desk.say(f"memory id <@{BEN}> private {memory_id}")
    assert await home.ask("Who am I?", user=BEN, channel=home.direct(BEN)) == "My name is Otto."
    told = await home.desk.say(f"memory id <@{ANN}> private {memory_id}")
    assert told == memory_texts.NOT_THEIRS.en
    assert "memory id" in await home.desk.say("memory id somebody")
    taken = await home.desk.type(f"memory id <@{BEN}> private none")
    await home.desk.press(taken, "Undo")
    assert await home.ask("Who am I?", user=BEN, channel=home.direct(BEN)) == "My name is Otto."
    assert memory_id in await home.desk.say("audit all")


async def test_a_memory_the_app_does_not_know_any_more_costs_nothing_but_the_memory(
    home: Home,
) -> None:
    await home.ask(NAME)
    (old,) = made(home.bailian)[ANN, "channels"]
    home.bailian.bank.delete(old)
    before = len(home.rig.asked())
    assert await home.ask("Who am I?") == KNOWS_NOTHING
    assert [memory_of(entry) for entry in home.rig.asked()[before:]] == [old, None]
    await seen(lambda: home.desk.log.of("memory.dropped"))
    await home.ask(NAME)
    assert await home.ask("Who am I?") == NAME


async def test_a_home_shows_both_memories_private_first(home: Home) -> None:
    await home.ask(NAME, channel=home.direct())
    await home.ask("I like tea.")
    view = await home.open_home()
    text = shown(view)
    assert home_texts.WHAT_I_AM.en in text
    assert "default" in text
    assert "no quota is set" in text
    assert text.index(NAME) < text.index("I like tea.")
    assert "/dashscope help" in text


async def test_the_buttons_of_a_home_change_it(home: Home) -> None:
    await home.ask(NAME)
    view = await home.open_home()
    await home.press_home(view, "Edit 1")
    form = await home.rig.slack.until(lambda: filled(home, ANN), timeout_s=WITHIN_S)
    assert await home.desk.send(form, {"content": "My name is Anne."}) == {}
    view = await home.home_saying(memory_texts.CHANGED.en)
    assert "My name is Anne." in shown(view)
    await home.press_home(view, "Delete 1")
    view = await home.home_saying(memory_texts.DELETED.en)
    await home.press_home(view, "Switch off")
    view = await home.home_saying(memory_texts.OFF_BY_YOU.en)
    await home.press_home(view, "Forget everything")
    await home.home_saying("Everything is forgotten, ")
    assert home.bailian.bank.memories == ()


def filled(home: Home, user: str) -> View | None:
    view = home.desk.modal(user)
    is_filled = view is not None and any(block["type"] == "input" for block in view.blocks)
    return view if is_filled else None


async def test_a_home_opened_again_and_again_is_published_once(home: Home) -> None:
    await home.open_home()
    count = home.rig.slack.journal.count("views.publish", "ok")
    for _ in range(5):
        home.rig.slack.people.open_home(ANN)
    home.rig.slack.people.open_home(ANN, tab="messages")
    home.rig.slack.people.open_home(BEN)
    await home.home_saying("", user=BEN)
    assert home.rig.slack.journal.count("views.publish", "ok") == count + count


async def test_neither_keys_nor_what_is_remembered_are_logged(home: Home) -> None:
    await home.ask(MEMORY_CANARY)
    notice = await home.desk.type("memory", by=ANN)
    view = await home.desk.press_open(notice, "Edit 1")
    await home.desk.save(view, {"content": f"{MEMORY_CANARY} Yes."})
    await home.open_home()
    text = str(home.desk.log.lines)
    assert "Canary" not in text
    assert "playground-secret" not in text


async def test_without_keys_one_sentence_and_memories_named_by_hand(rig: Rig) -> None:
    async with BailianServer() as bailian, a_desk(rig) as desk:
        rig.dashscope.gateway.bank = bailian.bank
        home = Home(desk, bailian)
        assert await home.ask(NAME) == KNOWS_NOTHING
        assert await desk.say("memory", by=ANN) == memory_texts.NO_KEYS.en
        assert memory_texts.NO_KEYS.en in shown(await home.open_home())
        memory_id = bailian.bank.create()
        await desk.say(f"memory id <@{ANN}> channels {memory_id}")
        await home.ask(NAME)
        assert await home.ask("Who am I?") == NAME
        notice = await desk.type("memory", by=ANN)
        assert memory_texts.NAMED_WITHOUT_KEYS.en in visible_text(notice)
        assert labels(notice) == ("Switch off",)


@pytest.mark.parametrize(
    "changes",
    [
        {"alibaba_cloud_access_key_secret": SecretStr("wrong")},
        {"bailian_workspace_id": "llm-other"},
        {"bailian_endpoint": "http://127.0.0.1:9"},
    ],
    ids=["wrong key", "wrong workspace", "nobody there"],
)
async def test_what_is_wrong_with_bailian_costs_nothing_but_the_memory(
    rig: Rig, changes: dict[str, object]
) -> None:
    async with at_home(rig, **changes) as home:
        assert await home.ask(NAME) == KNOWS_NOTHING
        assert await home.ask("Who am I?") == KNOWS_NOTHING
        assert {memory_of(entry) for entry in rig.asked()} == {None}
        assert home.desk.log.of("memory.not_made")


async def test_reading_that_fails_is_one_sentence(home: Home) -> None:
    await home.ask(NAME)
    home.bailian.desk.planned.append(Refusal(503, "ServiceUnavailable", "later"))
    home.bailian.desk.planned.append(Refusal(503, "ServiceUnavailable", "later"))
    told = await home.desk.say("memory", by=ANN)
    assert memory_texts.AWAY.en in told


async def test_throttling_is_waited_out_and_holds_no_answer(home: Home) -> None:
    home.bailian.desk.planned.extend([THROTTLED, THROTTLED])
    await home.ask(NAME)
    await seen(lambda: made(home.bailian))
    await home.ask(NAME)
    assert await home.ask("Who am I?") == NAME
    assert len(made(home.bailian)[ANN, "channels"]) == 1


async def test_an_app_that_is_no_agent_is_never_sent_a_memory(rig: Rig) -> None:
    rig.dashscope.gateway._apps = {APP_ID: App(APP_ID, answers=diary, kind=AppKind.DIALOG_WORKFLOW)}
    async with at_home(rig, dashscope_app_kind=AppKind.DIALOG_WORKFLOW) as home:
        await home.ask(NAME)
        assert [memory_of(entry) for entry in rig.asked()] == [None]
        assert home.bailian.bank.memories == ()
        assert memory_texts.NO_AGENT.en in await home.desk.say("memory", by=ANN)


async def test_an_app_of_another_region_is_never_sent_a_memory(rig: Rig) -> None:
    changes = {"bailian_endpoint": "https://bailian.cn-beijing.aliyuncs.com"}
    async with at_home(rig, **changes) as home:
        await home.desk.storage.memories.give(
            memory_key(ANN, "channels"), home.bailian.bank.create(), by=ADA
        )
        await home.ask(NAME)
        assert [memory_of(entry) for entry in rig.asked()] == [None]


async def test_an_app_of_another_workspace_is_never_sent_a_memory(rig: Rig) -> None:
    rig.dashscope.gateway._apps = {APP_ID: App(APP_ID, answers=diary, workspace="llm-other")}
    async with at_home(rig, dashscope_workspace="llm-other") as home:
        assert await home.ask(NAME) == KNOWS_NOTHING
        assert [memory_of(entry) for entry in rig.asked()] == [None]
        assert home.bailian.bank.memories == ()
        assert memory_texts.OTHER_WORKSPACE.en in await home.desk.say("memory", by=ANN)
