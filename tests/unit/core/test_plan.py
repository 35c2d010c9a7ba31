from hypothesis import given
from hypothesis import strategies as st

from bot.core.plan import Delete, Edit, Post, applied, plan
from bot.core.reply import Content, Control, Shown

contents = st.builds(
    Content,
    text=st.sampled_from(("a", "b", "c")),
    note=st.sampled_from(("", "…")),
    controls=st.sampled_from(((), (Control.STOP,))),
)
wanteds = st.lists(contents, max_size=6)
showns = st.lists(contents, max_size=6).map(
    lambda made: tuple(Shown(f"{index}.0", content) for index, content in enumerate(made))
)


@given(showns, wanteds)
def test_applying_the_plan_yields_what_is_wanted(
    shown: tuple[Shown, ...], wanted: list[Content]
) -> None:
    kept = [message.ts for message in shown[: len(wanted)]]
    for operation in plan(shown, wanted):
        ts = f"new.{operation.page}" if isinstance(operation, Post) else operation.ts
        shown = applied(shown, operation, ts)
    assert [message.content for message in shown] == wanted
    assert [message.ts for message in shown[: len(kept)]] == kept


@given(showns, wanteds)
def test_a_plan_has_one_operation_for_each_difference_and_none_else(
    shown: tuple[Shown, ...], wanted: list[Content]
) -> None:
    differing = sum(
        message.content != content for message, content in zip(shown, wanted, strict=False)
    )
    assert len(plan(shown, wanted)) == differing + abs(len(shown) - len(wanted))


def test_edits_go_from_the_top_and_before_posts() -> None:
    shown = (Shown("1", Content("a")), Shown("2", Content("b")))
    wanted = [Content("A"), Content("B"), Content("c"), Content("d")]
    assert plan(shown, wanted) == (
        Edit("1", wanted[0], page=0),
        Edit("2", wanted[1], page=1),
        Post(wanted[2], page=2),
        Post(wanted[3], page=3),
    )


def test_surplus_messages_are_deleted_from_the_end() -> None:
    shown = tuple(Shown(str(page), Content("a")) for page in range(3))
    assert plan(shown, [Content("a")]) == (Delete("2", page=2), Delete("1", page=1))


def test_equal_replies_need_nothing() -> None:
    shown = (Shown("1", Content("a", note="n", controls=(Control.STOP,))),)
    assert plan(shown, [shown[0].content]) == ()
