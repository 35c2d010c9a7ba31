"""What is remembered of somebody: theirs alone to see and change, and gone when it is forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from bot.admin import memory_texts as texts
from bot.admin.door import Door
from bot.admin.memory_book import MAX_ENTRIES, PAGE_ENTRIES, Spot
from bot.admin.memory_commands import CALLBACK
from bot.admin.office import Office
from bot.core.memory import MAX_CONTENT_CHARS, MemoryNode
from bot.core.memory_places import OWN_SWITCH, PRIVATE
from bot.core.screens import Errors
from bot.core.studio_workspace import StudioWorkspace
from bot.errors import DashScopeError, MemoryGone, UpstreamUnreachable
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
ACTIONS = ("memory.edit", "memory.delete", "memory.forget")


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
    called: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    limits: list[int] = field(default_factory=list[int])

    def _of(self, call: str, memory_id: str) -> list[MemoryNode]:
        self.called.append((call, memory_id))
        if self.error is not None:
            raise self.error
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


@pytest.fixture
def book() -> Book:
    return Book({"m1": [MemoryNode(f"n{number}", f"fact {number}") for number in range(1, 4)]})


@pytest.fixture
async def door(office: Office, book: Book) -> Door:
    await office.storage.memories.give(OWN, "m1", by=ADMIN)
    workspace = StudioWorkspace("https://bailian.cn-beijing.aliyuncs.com", "llm-1")
    return Door(replace(office, notebook=book, workspace=workspace))


async def press(door: Door, action: str, value: str, *, by: str = MEMBER) -> str:
    wall = Wall()
    await door.pressed(caller(by, channel_id=DIRECT), action, value, screen=wall)
    return "\n".join(notice.text for notice in wall.notices)


async def test_forgetting_deletes_the_memory_and_then_lets_go_of_it(
    door: Door, office: Office, book: Book
) -> None:
    assert texts.FORGOTTEN.en in await press(door, "memory.forget", PRIVATE)
    assert book.kept == {}
    assert await office.storage.memories.get(OWN) is None


async def test_a_memory_that_could_not_be_deleted_is_not_let_go_of(
    door: Door, office: Office, book: Book
) -> None:
    book.error = UpstreamUnreachable()
    assert texts.FORGOTTEN.en not in await press(door, "memory.forget", PRIVATE)
    assert await office.storage.memories.get(OWN) is not None


async def test_a_memory_that_is_gone_already_can_be_forgotten_all_the_same(
    door: Door, office: Office, book: Book
) -> None:
    book.kept.clear()
    assert texts.FORGOTTEN.en in await press(door, "memory.forget", PRIVATE)
    assert await office.storage.memories.get(OWN) is None


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


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("by", [ADMIN, "USTRANGER"])
async def test_a_button_of_somebody_else_reaches_nothing(
    door: Door, office: Office, book: Book, action: str, by: str
) -> None:
    value = PRIVATE if action == "memory.forget" else f"{PRIVATE} n1"
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
