"""Apps, registered in Slack: added, tried out, changed, removed, and their keys kept secret."""

from pathlib import Path

import pytest
from desk import (
    ADA,
    ENCRYPTION_KEY,
    HIDDEN,
    LIN,
    TEAM,
    Desk,
    a_desk,
    holds,
    inputs,
    labels,
    today,
    words_of,
)
from rig import BEN, BOT, PUBLIC, Rig, words
from strange_apps import CANARY, NOWHERE, OTHER_KEY, shop

from bot.playground.dashscope.server import DashScopeServer
from bot.playground.slack.filling import Given
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import visible_text

NEW: Given = {"name": "Shop", "app_id": "a", "region": "beijing"}
BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"])


@pytest.fixture
def limits() -> Limits:
    """No limits: how the bot keeps them is another test's business."""
    return Limits(is_enforced=False)


# by words


@BOTH
async def test_an_app_is_added_by_words_listed_chosen_and_undone(desk: Desk) -> None:
    told = await desk.type(
        'apps add Shop app_id=a1 kind=workflow region=beijing open=yes options={"has_thoughts":'
        " true}"
    )
    assert "Added the app `Shop`" in visible_text(told)
    assert labels(told) == ("Test Shop", "Undo")
    app = await desk.app("shop")  # in any case
    assert (app.app_id, app.kind, app.is_open) == ("a1", "workflow", True)
    assert app.base_url == "https://dashscope.aliyuncs.com/api/v1"
    assert app.options == {"has_thoughts": True}
    assert app.secret_name is None
    listed = await desk.say("apps", by=LIN)
    assert "| `Shop` | 任务型工作流 | 中国（北京） | – | 机器人自带 | 是 | 0 |" in listed
    [entry] = await desk.trail()
    assert (entry.action, entry.subject, entry.user_id) == ("app.added", "app:shop", ADA)
    await desk.press(told, "Undo")
    assert await desk.storage.apps.list(TEAM) == []


@pytest.mark.parametrize(
    ("text", "words_told"),
    [
        ("apps add default app_id=a region=beijing", "name"),
        ("apps add Shop app_id=a region=mars", "region"),
        ("apps add Shop region=beijing", "app_id"),
        ("apps add Shop app_id=a region=beijing kind=robot", "kind"),
        ("apps add Shop app_id=a region=beijing workspace=-x", "workspace"),
        ("apps add Shop app_id=a region=beijing open=perhaps", "open"),
        ('apps add Shop app_id=a region=beijing options={"a" 1}', "options"),
        ("apps add Shop app_id=a base_url=http://example.com/api/v1", "base_url"),
        ("apps add Shop app_id=a base_url=https://example.com/api/v1", "api_key"),
        ("apps add Shop app_id=a region=beijing colour=red", "colour"),
    ],
)
async def test_an_app_that_cannot_be_is_refused_by_its_field(
    http_desk: Desk, text: str, words_told: str
) -> None:
    assert f"`{words_told}`" in await http_desk.say(text)
    assert not await http_desk.trail()


@pytest.mark.parametrize(
    "text",
    [
        f"apps add Shop app_id=a region=beijing api_key={CANARY}",
        f"apps add Shop app_id={CANARY} region=beijing",
        f"apps edit Shop key={CANARY}",
        f"apps add {CANARY} app_id=a",
    ],
)
async def test_a_key_that_is_typed_is_neither_kept_nor_repeated(desk: Desk, text: str) -> None:
    told = await desk.say(text)
    assert "Never type a key into a command" in told
    assert CANARY not in told
    assert CANARY not in desk.log.text
    assert not await desk.trail()


async def test_an_app_is_changed_by_words(http_desk: Desk) -> None:
    await http_desk.type("apps add Shop app_id=a1 region=beijing")
    told = await http_desk.say("apps edit shop app_id=a2 open=yes")
    assert "app_id: `a1` → `a2`" in told
    assert "Threads that use this app start fresh sessions" in told
    app = await http_desk.app("Shop")
    assert (app.app_id, app.is_open, app.version) == ("a2", True, 2)
    assert "Nothing to change" in await http_desk.say("apps edit Shop app_id=a2")
    assert "There is an app called `Shop` already" in await http_desk.say(
        "apps add SHOP app_id=a3 region=beijing"
    )


# by form


@BOTH
async def test_an_app_with_a_key_of_its_own_is_added_by_form_and_asked_with_that_key(
    desk: Desk, elsewhere: DashScopeServer
) -> None:
    told = await desk.save(await desk.open("apps add"), shop(elsewhere.base_url))
    assert "Added the app `Shop`" in told
    app = await desk.app("Shop")
    assert app.secret_name is not None
    assert await desk.storage.secrets.get(TEAM, app.secret_name) == CANARY
    await desk.type("app shop")
    answer = await desk.rig.answer("hello from elsewhere")
    assert "hello from elsewhere" in answer  # nobody without the key is let in there
    assert desk.rig.asked() == ()
    assert len(elsewhere.journal.entries) == 1


async def test_every_wrong_field_of_an_app_is_told_under_its_input_at_once(desk: Desk) -> None:
    view = await desk.open("apps add")
    wrong: Given = {
        "name": "two words",
        "app_id": "a b",
        "region": "other",
        "base_url": "http://example.com/api/v1",
        "workspace": "-x",
        "api_key": "sk with spaces",
        "options": '{"a" 1}',
    }
    errors = await desk.refused(view, wrong)
    assert errors.keys() == wrong.keys() - {"region"}
    assert "Line 1, column 6" in errors["options"]
    both: Given = {"name": "Shop", "app_id": "a", "region": "beijing", "base_url": NOWHERE}
    assert (await desk.refused(view, both)).keys() == {"base_url"}
    reserved: Given = {"name": "Default", "app_id": "a"}
    assert (await desk.refused(view, reserved)).keys() == {"name"}
    await desk.save(view, {"name": "Shop", "app_id": "a"})
    taken: Given = {"name": "SHOP", "app_id": "b"}
    assert (await desk.refused(await desk.open("apps add"), taken)).keys() == {"name"}


async def test_options_of_another_kind_of_app_are_refused_under_the_options(
    http_desk: Desk,
) -> None:
    view = await http_desk.open("apps add")
    entered = {"name": "Flow", "app_id": "f", "kind": "workflow"}
    errors = await http_desk.refused(view, {**entered, "options": '{"pipeline_ids": ["KB1"]}'})
    assert errors.keys() == {"options"}
    assert "pipeline_ids" in errors["options"]


async def test_the_bots_own_key_goes_to_no_strange_host(
    desk: Desk, elsewhere: DashScopeServer
) -> None:
    errors = await desk.refused(await desk.open("apps add"), shop(elsewhere.base_url, api_key=""))
    assert "needs a key of its own" in errors["api_key"]
    await desk.save(await desk.open("apps add"), shop(elsewhere.base_url))
    moved: Given = {"base_url": "https://evil.example.com/api/v1"}
    errors = await desk.refused(await desk.open("apps edit Shop"), moved)
    assert "enter the key again" in errors["api_key"]
    assert not elsewhere.journal.entries


async def test_a_key_stays_is_replaced_or_is_dropped_as_the_form_says(
    http_desk: Desk, elsewhere: DashScopeServer
) -> None:
    desk, here = http_desk, http_desk.rig.dashscope.base_url
    entered = shop(here, api_key=OTHER_KEY)
    await desk.save(await desk.open("apps add"), entered)
    first = (await desk.app("Shop")).secret_name
    view = await desk.open("apps edit Shop")
    assert holds(view, "api_key") == ""
    assert OTHER_KEY not in str(view.payload)
    await desk.save(view, {"app_id": "shop2"})
    assert (await desk.app("Shop")).secret_name == first
    view = await desk.open("apps edit Shop")
    errors = await desk.refused(view, {"api_key": CANARY, "bot_key": ["bot"]})
    assert errors.keys() == {"api_key"}
    await desk.save(view, {"api_key": CANARY})
    second = (await desk.app("Shop")).secret_name
    assert second not in {first, None}
    await desk.save(await desk.open("apps edit Shop"), {"bot_key": ["bot"]})
    assert (await desk.app("Shop")).secret_name is None
    await desk.type("workspace undo")
    assert (await desk.app("Shop")).secret_name == second


@BOTH
async def test_who_saves_an_app_second_sees_the_form_again_and_may_override(
    desk: Desk,
) -> None:
    await desk.type("apps add Shop app_id=a1 region=beijing")
    listed = await desk.type("apps")
    first = await desk.press_open(listed, "Edit Shop")
    second = await desk.open("apps edit Shop", by=LIN)
    await desk.save(first, {"app_id": "a2"})
    again = await desk.replaced(second, {"app_id": "a3", "api_key": CANARY})
    assert "尚未保存" in words_of(again)
    assert holds(again, "app_id") == "a3"
    assert holds(again, "api_key") == ""
    assert CANARY not in str(again.payload)
    assert (await desk.app("Shop")).app_id == "a2"
    await desk.save(again, {})
    assert (await desk.app("Shop")).app_id == "a3"
    assert [entry.user_id for entry in await desk.trail()] == [LIN, ADA, ADA]


async def test_an_app_that_was_removed_meanwhile_is_not_brought_back_by_its_form(
    http_desk: Desk,
) -> None:
    await http_desk.type("apps add Shop app_id=a1 region=beijing")
    view = await http_desk.open("apps edit Shop")
    asked = await http_desk.type("apps remove Shop")
    await http_desk.press(asked, "Remove Shop")
    [said] = (await http_desk.refused(view, {"app_id": "a2"})).values()
    assert "cannot be used any more" in said
    assert await http_desk.storage.apps.list(TEAM) == []


# without keys at rest


async def test_without_encryption_keys_an_app_has_no_key_of_its_own(
    any_rig: Rig, elsewhere: DashScopeServer
) -> None:
    async with a_desk(any_rig, encryption_keys=()) as desk:
        view = await desk.open("apps add")
        assert "api_key" not in inputs(view)
        assert "ENCRYPTION_KEYS" in words_of(view)
        entered = {
            name: text for name, text in shop(elsewhere.base_url).items() if name != "api_key"
        }
        errors = await desk.refused(view, entered)
        assert "needs a key of its own" in errors["base_url"]
        await desk.save(view, {**NEW, "base_url": ""})
        assert (await desk.app("Shop")).secret_name is None
        assert "ENCRYPTION_KEYS is not set" in await desk.say("status")


async def test_a_form_opened_before_the_keys_were_taken_away_keeps_nothing(
    rig: Rig, elsewhere: DashScopeServer
) -> None:
    async with a_desk(rig, encryption_keys=()) as desk:

        def tamper(view: dict[str, object]) -> None:
            state = view["state"]
            assert isinstance(state, dict)
            value = {"type": "plain_text_input", "value": CANARY}
            state["values"]["api_key"] = {"api_key": value}

        view = await desk.open("apps add")
        entered = {
            name: text for name, text in shop(elsewhere.base_url).items() if name != "api_key"
        }
        answer = await desk.forge_form(view, entered, tamper=tamper)
        assert "without ENCRYPTION_KEYS" in str(answer["errors"])
        assert not await desk.trail()


# removing


@BOTH
async def test_an_app_that_is_in_use_stays_and_goes_when_it_is_not(desk: Desk) -> None:
    await desk.type("apps add Shop app_id=a1 region=beijing")
    await desk.type("app Shop")
    told = await desk.say("apps remove shop")
    assert "`Shop` is in use, so it stays. First choose another app there" in told
    assert f"<#{PUBLIC}>" in told
    await desk.type("app default")
    asked = await desk.type("apps remove shop")
    await desk.type("app Shop", by=LIN)  # before the answer
    assert "is in use" in visible_text(await desk.press(asked, "Remove Shop"))
    await desk.type("app inherit")
    gone = await desk.press(asked, "Remove Shop")
    assert "Removed the app `Shop`" in visible_text(gone)
    assert "There is no app called `Shop`" in await desk.say("apps test Shop")
    await desk.press(gone, "Undo")
    assert (await desk.app("Shop")).app_id == "a1"


@BOTH
async def test_an_app_nobody_else_could_let_go_is_removed_and_comes_back_everywhere(
    desk: Desk,
) -> None:
    direct = desk.rig.slack.workspace.dm(BEN, BOT).channel_id
    await desk.type("apps add Pet app_id=a1 region=beijing open=yes")
    await desk.type("app Pet", by=BEN, channel=direct)
    await desk.type("apps edit Pet open=no")  # so that Ben's choice counts no more
    await desk.type("app Pet", channel=HIDDEN)
    asked = await desk.type("apps remove Pet")
    assert f"<@{BEN}>" in visible_text(asked)
    gone = await desk.press(asked, "Remove Pet, and inherit there")
    assert "These places inherit theirs now" in visible_text(gone)
    scopes = (f"user:{BEN}", f"channel:{HIDDEN}")
    assert [await desk.values(scope) for scope in scopes] == [{}, {}]
    assert not await desk.storage.apps.list(TEAM)
    await desk.press(gone, "Undo")
    assert [await desk.values(scope) for scope in scopes] == [{"app": "Pet"}] * 2
    assert (await desk.app("Pet")).app_id == "a1"


async def test_an_app_that_changed_since_is_not_removed(http_desk: Desk) -> None:
    await http_desk.type("apps add Shop app_id=a1 region=beijing")
    asked = await http_desk.type("apps remove Shop")
    await http_desk.type("apps edit Shop app_id=a2")
    told = visible_text(await http_desk.press(asked, "Remove Shop"))
    assert "Somebody changed `Shop` in the meantime, so nothing was done" in told
    assert (await http_desk.app("Shop")).app_id == "a2"


@pytest.mark.parametrize("text", ["apps remove default", "apps edit default app_id=x"])
async def test_the_app_the_bot_was_started_with_stays_as_it_is(http_desk: Desk, text: str) -> None:
    assert "is the app the bot was started with" in await http_desk.say(text)
    assert not await http_desk.trail()


# secrets


def bytes_of_database(folder: Path) -> list[bytes]:
    """Return what stands in the files themselves: a row that is gone may still be in one."""
    return [path.read_bytes() for path in folder.iterdir() if path.name.startswith("bot.db")]


async def test_a_key_is_nowhere_but_encrypted_and_in_requests(
    any_rig: Rig, elsewhere: DashScopeServer, tmp_path: Path
) -> None:
    async with a_desk(any_rig) as desk:
        view = await desk.open("apps add")
        await desk.refused(view, shop(elsewhere.base_url, app_id="a b"))
        await desk.save(view, shop(elsewhere.base_url))
        await desk.type("app Shop")
        await desk.save(await desk.open("apps edit Shop"), {"api_key": OTHER_KEY})
        for text in ("apps", "apps test Shop", "show", "status", "audit all", "audit csv", "usage"):
            await desk.type(text)
        await desk.rig.answer("hello")  # which is refused, for the key is wrong now
        await desk.type("workspace undo")
        assert "hello again" in await desk.rig.answer("hello again", turns=2)
        exported = desk.file_of(ADA, f"audit-{today()}.csv")
        told = [
            *(call.arguments for call in desk.rig.slack.journal.calls),
            *map(visible_text, desk.heard),
            *(delivery.attempts[-1].body for delivery in desk.rig.slack.deliveries),
            words(desk.rig.slack.workspace.messages(PUBLIC)),
            *await desk.trail(),
            exported,
        ]
        log = desk.log.text
    assert b"Shop" in exported
    stored = bytes_of_database(tmp_path)
    assert any(b"Shop" in content for content in stored)
    for key in (CANARY, OTHER_KEY, ENCRYPTION_KEY):
        assert key not in log
        assert not [thing for thing in told if key in str(thing)]
        assert not [content for content in stored if key.encode() in content]
        assert not [entry for entry in elsewhere.journal.entries if key in str(entry)]
