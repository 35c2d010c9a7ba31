import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.slack import Channel, User, Workspace
from bot.playground.slack.change import Change, Deleted, Edited, Posted
from bot.playground.slack.message import Draft


def app_draft(workspace: Workspace, text: str, **fields: object) -> Draft:
    app = workspace.app
    return Draft(app.bot_user_id, text=text, bot_id=app.bot_id, **fields)  # pyright: ignore[reportArgumentType]


def small_workspace(wall: float = 1_790_000_000.0) -> Workspace:
    workspace = Workspace(clock=lambda: 5.0, wall=lambda: wall)
    workspace.add_user(User("U0ANN", name="ann"))
    workspace.add_channel(Channel("C0A", name="a", members=frozenset({"U0ANN", "U0BOT"})))
    return workspace


@given(walls=st.lists(st.floats(0, 2e9, allow_nan=False), min_size=2, max_size=30))
def test_every_ts_of_a_channel_is_later_than_the_one_before_even_if_the_wall_clock_jumps(
    walls: list[float],
) -> None:
    moments = iter(walls)
    workspace = Workspace(wall=lambda: next(moments))
    stamps = [workspace.next_ts("C0A") for _ in walls]
    assert [tuple(map(int, ts.split("."))) for ts in stamps] == sorted(
        {tuple(map(int, ts.split("."))) for ts in stamps}
    )
    assert all(len(ts.split(".")[1]) == 6 for ts in stamps)


def test_a_ts_counts_microseconds_of_the_wall_clock() -> None:
    assert small_workspace(wall=1_790_000_000.25).next_ts("C0A") == "1790000000.250000"


def test_a_thread_is_its_root_and_its_replies_in_order() -> None:
    workspace = small_workspace()
    root = workspace.post("C0A", Draft("U0ANN", "root"))
    workspace.post("C0A", Draft("U0ANN", "elsewhere"))
    for text in ("one", "two"):
        workspace.post("C0A", app_draft(workspace, text, thread_ts=root.ts))
    assert [m.text for m in workspace.thread("C0A", root.ts)] == ["root", "one", "two"]


def test_a_deleted_root_with_replies_leaves_a_tombstone_and_one_without_leaves_nothing() -> None:
    workspace = small_workspace()
    kept, gone = (workspace.post("C0A", Draft("U0ANN", text)) for text in ("kept", "gone"))
    workspace.post("C0A", Draft("U0ANN", "reply", thread_ts=kept.ts))
    workspace.delete(kept)
    workspace.delete(gone)
    tombstone = workspace.message("C0A", kept.ts)
    assert tombstone is not None
    assert tombstone.is_tombstone
    assert [m.text for m in workspace.thread("C0A", kept.ts)][1:] == ["reply"]
    assert workspace.message("C0A", gone.ts) is None
    assert workspace.was_there("C0A", gone.ts)


def test_every_state_a_message_was_in_is_remembered_in_order() -> None:
    workspace = small_workspace()
    message = workspace.post("C0A", app_draft(workspace, "a"))
    message = workspace.edit(message, blocks=({"type": "markdown", "text": "a b"},))
    workspace.delete(message)
    assert [v.text for v in workspace.versions_of("C0A", message.ts)] == ["a", "a b", ""]


def test_every_change_is_told_after_it_happened() -> None:
    workspace = small_workspace()
    told: list[Change] = []
    workspace.watch(told.append)
    message = workspace.post("C0A", Draft("U0ANN", "a"))
    workspace.delete(workspace.edit(message, text="b"))
    assert [type(change) for change in told] == [Posted, Edited, Deleted]


@pytest.mark.parametrize(
    ("text", "blocks", "tokens"),
    [
        ("hello <!channel>", (), ["<!channel>"]),
        ("hi <@U0ANN> and <!subteam^S1|@team>", (), ["<!subteam^S1|@team>", "<@U0ANN>"]),
        ("plain @here and &lt;!here&gt;", (), []),
        ("x", ({"type": "markdown", "text": "now <!here>"},), ["<!here>"]),
        ("x", ({"type": "markdown", "text": "bare @here"},), []),
        ("x", ({"type": "section", "text": {"type": "mrkdwn", "text": "@here"}},), ["@here"]),
        (
            "x",
            ({"type": "section", "text": {"type": "mrkdwn", "text": "@here", "verbatim": True}},),
            [],
        ),
        ("x", ({"type": "header", "text": {"type": "plain_text", "text": "<!here>"}},), []),
        (
            "x",
            ({"type": "rich_text", "elements": [{"type": "broadcast", "range": "everyone"}]},),
            ["<!everyone>"],
        ),
    ],
)
def test_a_live_mention_in_anything_the_app_shows_is_recorded(
    text: str, blocks: tuple[dict[str, object], ...], tokens: list[str]
) -> None:
    workspace = small_workspace()
    workspace.post("C0A", app_draft(workspace, text, blocks=blocks))
    assert [ping.token for ping in workspace.pings] == tokens


def test_bare_names_ping_when_the_app_asks_slack_to_link_them() -> None:
    workspace = small_workspace()
    workspace.post("C0A", app_draft(workspace, "@channel", link_names=True))
    assert [(p.token, p.is_mass) for p in workspace.pings] == [("@channel", True)]


def test_a_mention_that_comes_with_an_edit_is_recorded_and_one_by_a_person_is_not() -> None:
    workspace = small_workspace()
    workspace.post("C0A", Draft("U0ANN", "<!channel>"))
    message = workspace.post("C0A", app_draft(workspace, "a"))
    workspace.edit(message, text="<!here>")
    assert [ping.token for ping in workspace.pings] == ["<!here>"]


def test_direct_messages_with_somebody_are_always_the_same_channel() -> None:
    workspace = small_workspace()
    assert workspace.dm("U0BOT", "U0ANN") == workspace.dm("U0ANN", "U0BOT")
