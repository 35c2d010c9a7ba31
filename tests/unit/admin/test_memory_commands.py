"""What is remembered of somebody: theirs alone to see and change, and gone when it is forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from bot.admin import memory_texts as texts
from bot.admin.door import Door
from bot.admin.home import MAX_APART
from bot.admin.memory_book import MAX_ENTRIES, PAGE_ENTRIES, Spot
from bot.admin.memory_commands import CALLBACK
from bot.admin.office import Office
from bot.core.home import Home, Quote, Row, Words
from bot.core.memory import MAX_CONTENT_CHARS, MemoryNode
from bot.core.memory_places import OWN_SWITCH, PRIVATE
from bot.core.screens import Errors
from bot.core.studio_workspace import StudioWorkspace
from bot.errors import (
    AccountProblem,
    DashScopeError,
    MemoryGone,
    Misconfigured,
    RequestRefused,
    Throttled,
    UpstreamFailed,
    UpstreamGarbled,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from bot.slack.home import home_view
from bot.slack.screens import action_of
from storage.memories import MemoryKey
from tests.unit.admin.desk import (
    ADMIN,
    DIRECT,
    MEMBER,
    TEAM,
    Town,
    Wall,
    caller,
    channel,
    typed,
)

OWN = MemoryKey(TEAM, MEMBER, PRIVATE)
FORGOTTEN = "Everything is forgotten, in direct messages."
ACTIONS = ("memory.edit", "memory.delete", "memory.forget", "memory.forget_all")


@dataclass(frozen=True)
class Some:
    """Entries, as many as were asked for."""

    nodes: Sequence[MemoryNode]
    total: int


@dataclass
class Book:
    """Memories in a few lines; satisfies `Notebook`."""

    kept: dict[str, list[MemoryNode]] = field(default_factory=dict[str, list[MemoryNode]])
    error: DashScopeError | None = None
    stuck: dict[str, DashScopeError] = field(default_factory=dict[str, DashScopeError])
    called: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    limits: list[int] = field(default_factory=list[int])

    def _of(self, call: str, memory_id: str) -> list[MemoryNode]:
        self.called.append((call, memory_id))
        if self.error is not None:
            raise self.error
        if memory_id in self.stuck:
            raise self.stuck[memory_id]
        if memory_id not in self.kept:
            raise MemoryGone
        return self.kept[memory_id]

    async def nodes(self, memory_id: str, *, limit: int = 200) -> Some:
        self.limits.append(limit)
        found = self._of("nodes", memory_id)
        return Some(found[:limit], total=len(found))

    async def node(self, memory_id: str, node_id: str) -> MemoryNode:
        found = [node for node in self._of("node", memory_id) if node.node_id == node_id]
        if not found:
            raise MemoryGone
        return found[0]

    async def update_node(self, memory_id: str, node_id: str, *, content: str) -> None:
        self._of("update_node", memory_id)

    async def delete_node(self, memory_id: str, node_id: str) -> None:
        nodes = self._of("delete_node", memory_id)
        nodes[:] = [node for node in nodes if node.node_id != node_id]

    async def delete(self, memory_id: str) -> None:
        self._of("delete", memory_id)
        del self.kept[memory_id]


@dataclass
class Tabs:
    """The Homes that were published; satisfies `Homes`."""

    published: list[Home] = field(default_factory=list[Home])

    async def publish(self, team_id: str, user_id: str, home: Home) -> None:
        self.published.append(home)

    def words(self) -> str:
        return "\n".join(part.text for part in self.published[-1].parts if isinstance(part, Words))

    def rows(self) -> list[tuple[str, ...]]:
        rows = [part for part in self.published[-1].parts if isinstance(part, Row)]
        return [tuple(button.value for button in row.buttons) for row in rows]


@pytest.fixture
def tabs() -> Tabs:
    return Tabs()


@pytest.fixture
def book() -> Book:
    return Book({"m1": [MemoryNode(f"n{number}", f"fact {number}") for number in range(1, 4)]})


@pytest.fixture
async def door(office: Office, book: Book, tabs: Tabs) -> Door:
    await office.storage.memories.give(OWN, "m1", by=ADMIN)
    workspace = StudioWorkspace("https://bailian.cn-beijing.aliyuncs.com", "llm-1")
    return Door(replace(office, notebook=book, workspace=workspace, homes=tabs))


async def own(office: Office, book: Book, *scopes: str) -> None:
    """Let the member have a memory in each of these places."""
    for scope in scopes:
        memory_id = scope.replace(":", "-")
        book.kept[memory_id] = [MemoryNode("n1", f"told in {scope}.")]
        await office.storage.memories.give(MemoryKey(TEAM, MEMBER, scope), memory_id, by=ADMIN)


async def press(door: Door, action: str, value: str, *, by: str = MEMBER, at: str = DIRECT) -> str:
    wall = Wall()
    await door.pressed(caller(by, channel_id=at), action, value, screen=wall)
    return "\n".join(notice.text for notice in wall.notices)


async def test_forgetting_deletes_the_memory_and_then_lets_go_of_it(
    door: Door, office: Office, book: Book
) -> None:
    assert FORGOTTEN in await press(door, "memory.forget", PRIVATE)
    assert book.kept == {}
    assert await office.storage.memories.get(OWN) is None


async def test_a_memory_that_could_not_be_deleted_is_not_let_go_of(
    door: Door, office: Office, book: Book
) -> None:
    book.error = UpstreamUnreachable()
    assert FORGOTTEN not in await press(door, "memory.forget", PRIVATE)
    assert await office.storage.memories.get(OWN) is not None


async def test_a_memory_that_is_gone_already_can_be_forgotten_all_the_same(
    door: Door, office: Office, book: Book
) -> None:
    book.kept.clear()
    assert FORGOTTEN in await press(door, "memory.forget", PRIVATE)
    assert await office.storage.memories.get(OWN) is None


@pytest.mark.parametrize(
    ("scope", "when"),
    [
        ("channel:C1", ""),
        ("connect:C1", ", while people of other workspaces read it"),
        ("untold:C1", ", while Slack tells nothing of it"),
    ],
)
async def test_a_home_lists_and_shows_every_memory_of_one_place(
    door: Door, office: Office, book: Book, tabs: Tabs, scope: str, when: str
) -> None:
    await own(office, book, scope)
    await door.home(caller(MEMBER), is_first=False)
    assert f"1. in <#C1> alone{when}" in tabs.words()
    shown = await press(door, "memory.more", scope, at="")
    assert shown == ""
    assert f"in <#C1> alone{when}.\n" in tabs.words()
    assert Quote(f"1. told in {scope}.") in tabs.published[-1].parts


async def fill_home(door: Door, office: Office, book: Book) -> list[str]:
    """Publish the fullest Home there can be; return the single places it lists."""
    scopes = [f"channel:C{number:011}" for number in range(MAX_APART)]
    await own(office, book, "channels", *scopes)
    for memory_id in ("m1", "channels", scopes[0].replace(":", "-")):
        book.kept[memory_id] = [MemoryNode(f"n{at}", f"fact {at}") for at in range(100)]
    await press(door, "memory.more", scopes[0], at="")
    return scopes


async def test_a_home_has_room_for_memories_of_many_places(
    door: Door, office: Office, book: Book, tabs: Tabs
) -> None:
    scopes = await fill_home(door, office, book)
    view = tabs.published[-1]
    listed = [row for row in tabs.rows() if {*row} <= {*scopes} and len(row) > 2]
    assert [value for row in listed for value in row] == scopes
    assert max(map(len, tabs.rows())) <= 25
    assert len(home_view(view)["blocks"]) <= 100
    assert max(len(part.text) for part in view.parts if isinstance(part, Words)) <= 3000


async def test_every_button_of_the_fullest_home_is_recognised_when_it_is_pressed(
    door: Door, office: Office, book: Book, tabs: Tabs
) -> None:
    await fill_home(door, office, book)
    home = tabs.published[-1]
    elements = [each for block in home_view(home)["blocks"] for each in block.get("elements", ())]
    ids = [element["action_id"] for element in elements]
    rows = [part for part in home.parts if isinstance(part, Row)]
    assert len({*ids}) == len(ids) > MAX_APART
    assert [action_of(each) for each in ids] == [b.action for row in rows for b in row.buttons]
    assert action_of(ids[-1]) == "memory.forget_all"


async def test_a_home_shows_nobody_elses_memory(door: Door, office: Office, tabs: Tabs) -> None:
    await press(door, "memory.more", PRIVATE, by=ADMIN, at="")
    await press(door, "memory.more", "channel:C1", by=ADMIN, at="")
    assert not [part for part in tabs.published[-1].parts if isinstance(part, Quote)]


async def test_forgetting_everywhere_goes_on_past_a_memory_that_is_refused(
    door: Door, office: Office, book: Book, tabs: Tabs
) -> None:
    await own(office, book, "channel:C1", "connect:C1", "untold:C1")
    book.stuck["connect-C1"] = RequestRefused()
    await press(door, "memory.forget_all", PRIVATE, at="")
    assert texts.SOME_LEFT.en.format(count=1) in tabs.words()
    left = await office.storage.memories.of_user(TEAM, MEMBER)
    assert [memory.key.scope for memory in left] == ["connect:C1"]
    assert {*book.kept} == {"connect-C1"}


async def test_whoever_forgets_all_is_told_of_their_own_memories_and_not_of_a_former_one(
    door: Door, office: Office, book: Book, tabs: Tabs
) -> None:
    book.kept["m2"] = []
    await typed(door, f"memory id <@{MEMBER}> private m2")
    await press(door, "memory.forget_all", PRIVATE, at="")
    assert {*book.kept} == {"m1"}
    assert "Everything I remember of you is forgotten, everywhere." in tabs.words()


@pytest.mark.parametrize(
    "error",
    [
        Misconfigured,
        AccountProblem,
        Throttled,
        UpstreamFailed,
        UpstreamTimeout,
        UpstreamUnreachable,
        UpstreamGarbled,
    ],
)
async def test_forgetting_everywhere_ends_where_the_service_is_away_or_refuses_the_account(
    door: Door, office: Office, book: Book, tabs: Tabs, error: type[DashScopeError]
) -> None:
    await own(office, book, "channel:C1", "connect:C1", "untold:C1")
    book.stuck["connect-C1"] = error()
    await press(door, "memory.forget_all", PRIVATE, at="")
    assert texts.SOME_LEFT.en.format(count=3) in tabs.words()
    left = await office.storage.memories.of_user(TEAM, MEMBER)
    assert [memory.key.scope for memory in left] == ["connect:C1", PRIVATE, "untold:C1"]
    assert {*book.kept} == {"m1", "connect-C1", "untold-C1"}
    book.stuck.clear()
    await press(door, "memory.forget_all", PRIVATE, at="")
    assert texts.ALL_FORGOTTEN.en in tabs.words()
    assert book.kept == {}
    assert not await office.storage.memories.of_user(TEAM, MEMBER)


async def test_without_keys_nothing_passes_for_forgotten(
    office: Office, book: Book, tabs: Tabs
) -> None:
    await own(office, book, "channel:C1")
    door = Door(replace(office, homes=tabs))
    await door.home(caller(MEMBER), is_first=False)
    assert "1. in <#C1> alone" in tabs.words()
    await press(door, "memory.forget_all", PRIVATE, at="")
    assert texts.SOME_LEFT.en.format(count=1) in tabs.words()
    assert len(await office.storage.memories.of_user(TEAM, MEMBER)) == 1


async def test_a_memory_found_to_be_gone_is_not_asked_with_any_more(
    door: Door, office: Office, book: Book
) -> None:
    book.kept.clear()
    wall = Wall()
    await door.command(caller(MEMBER, channel_id=DIRECT), "memory", screen=wall)
    assert texts.NO_SUCH_MEMORY.en in wall.notices[0].text
    assert await office.storage.memories.get(OWN) is None


async def test_a_memory_named_for_a_channel_is_the_one_that_counts_there(
    office: Office, town: Town
) -> None:
    door = Door(office)
    for channel_id, is_shared, scope in (
        ("C1", False, "channel:C1"),
        ("C2", True, "connect:C2"),
    ):
        town.channels[channel_id] = replace(channel(channel_id), is_shared=is_shared)
        told = await typed(door, f"memory id <@{MEMBER}> <#{channel_id}> in{channel_id}")
        assert f"<#{channel_id}> alone" in told.text
        found = await office.storage.memories.get(MemoryKey(TEAM, MEMBER, scope))
        assert found is not None
        assert found.memory_id == f"in{channel_id}"


async def test_who_names_another_memory_hears_of_the_one_that_stays_behind(office: Office) -> None:
    door = Door(office)
    first = await typed(door, f"memory id <@{MEMBER}> channels m2")
    assert "Model Studio" not in first.text
    for following in ("m3", "none"):
        told = await typed(door, f"memory id <@{MEMBER}> channels {following}")
        former = "m2" if following == "m3" else "m3"
        assert f"The former memory, `{former}`, stays in Model Studio" in told.text
    assert "stays" not in (await typed(door, f"memory id <@{MEMBER}> channels none")).text


@pytest.mark.parametrize("command", ["memory off", "memory on", "memory inherit"])
async def test_who_may_not_change_a_channels_memory_hears_how_to_switch_their_own(
    door: Door, command: str
) -> None:
    told = (await typed(door, command, by=MEMBER)).text
    assert told.startswith("You cannot change this channel's settings")
    assert "type `/dashscope memory off` in a direct message" in told
    assert "button under `/dashscope memory`" in told


async def test_who_may_change_a_channels_memory_hears_only_what_is_wrong(door: Door) -> None:
    for command in ("follow thread", "workspace memory off"):
        assert "For yourself" not in (await typed(door, command, by=MEMBER)).text
    assert "For yourself" not in (await typed(door, "memory what", by=ADMIN)).text


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("by", [ADMIN, "USTRANGER"])
async def test_a_button_of_somebody_else_reaches_nothing(
    door: Door, office: Office, book: Book, action: str, by: str
) -> None:
    value = PRIVATE if action.startswith("memory.forget") else f"{PRIVATE} n1"
    await press(door, action, value, by=by)
    assert book.called == []
    assert len(book.kept["m1"]) == 3
    assert await office.storage.memories.get(OWN) is not None


@pytest.mark.parametrize("action", ["memory.edit", "memory.delete"])
async def test_an_entry_that_is_not_named_is_not_guessed(
    door: Door, book: Book, action: str
) -> None:
    await press(door, action, PRIVATE)
    assert [call for call, _ in book.called if call != "nodes"] == []
    assert len(book.kept["m1"]) == 3


async def test_nobody_reads_on_and_on(door: Door, book: Book) -> None:
    await press(door, "memory.more", f"{PRIVATE} 9999")
    assert book.limits == [MAX_ENTRIES]


async def test_a_page_goes_on_where_the_last_one_ended(door: Door, book: Book) -> None:
    book.kept["m1"] = [MemoryNode(f"n{number}", f"fact-{number}!") for number in range(1, 25)]
    said = await press(door, "memory.more", f"{PRIVATE} {PAGE_ENTRIES + 1}")
    shown = [number for number in range(1, 25) if f"fact-{number}!" in said]
    assert shown == list(range(PAGE_ENTRIES + 1, 2 * PAGE_ENTRIES + 1))


async def test_an_entry_is_deleted_and_nothing_else(door: Door, book: Book) -> None:
    assert texts.DELETED.en in await press(door, "memory.delete", f"{PRIVATE} n2")
    assert [node.node_id for node in book.kept["m1"]] == ["n1", "n3"]


async def test_switching_memory_off_and_on_leaves_the_rest_of_ones_settings(
    door: Door, office: Office
) -> None:
    own = f"user:{MEMBER}"
    values = {"language": "zh"}
    await office.storage.settings.change(TEAM, own, values=values, expected_version=0, by=MEMBER)
    await press(door, "memory.off", PRIVATE)
    off = (await office.storage.settings.get(TEAM, own))[own]
    assert off.values == {"language": "zh", OWN_SWITCH: "off"}
    await press(door, "memory.on", PRIVATE)
    on = (await office.storage.settings.get(TEAM, own))[own]
    assert on.values == {"language": "zh"}


@pytest.mark.parametrize("content", ["", "  ", "x" * (MAX_CONTENT_CHARS + 1)])
async def test_words_that_cannot_be_remembered_stay_in_the_form(
    door: Door, book: Book, content: str
) -> None:
    taken = await door.submitted(
        caller(MEMBER, channel_id=DIRECT), CALLBACK, f"{PRIVATE} n1", {"content": content}
    )
    assert isinstance(taken, Errors)
    assert set(taken.by_key) == {"content"}
    assert book.called == []


@pytest.mark.parametrize(
    "text", ["", "somewhere", "user:U1", "private n1 n2", "private <!channel>", "channel:", "x n1"]
)
def test_what_no_button_of_ours_names_is_no_spot(text: str) -> None:
    assert Spot.read(text) is None


def test_what_a_button_names_is_a_place_and_an_entry() -> None:
    assert Spot.read("channel:C1 n1") == Spot("channel:C1", "n1")
    assert Spot.read("channels") == Spot("channels", "")
