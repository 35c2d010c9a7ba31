"""Forms as Slack checks them, and as its clients let people fill them in."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.playground.slack import SlackServer, Workspace
from bot.playground.slack.filling import Given, filled, state_of
from bot.playground.slack.payload import RefusedError
from bot.playground.slack.typed import command_text
from bot.playground.slack.views import View, Views, check_errors, checked_view
from tests.unit.playground.slack.calls import refusal

PLAIN = "plain_text"
PEOPLE = ("U0ANN", "U0BOB")


def plain(text: str) -> dict[str, str]:
    return {"type": PLAIN, "text": text}


def options(*values: str) -> list[dict[str, Any]]:
    return [{"text": plain(value.title()), "value": value} for value in values]


def asking(element: Mapping[str, Any], **block: Any) -> dict[str, Any]:
    """Return the input block of an element."""
    name = element["action_id"]
    return {
        "type": "input",
        "block_id": f"block-{name}",
        "label": plain("Label"),
        "element": dict(element),
        "optional": True,
        **block,
    }


LINE = {"type": "plain_text_input", "action_id": "line", "max_length": 5}
LINES = {"type": "plain_text_input", "action_id": "lines", "multiline": True, "min_length": 2}
ONE = {"type": "static_select", "action_id": "one", "options": options("a", "b")}
SOME = {
    "type": "multi_static_select",
    "action_id": "some",
    "options": options("a", "b", "c"),
    "max_selected_items": 2,
}
BOXES = {"type": "checkboxes", "action_id": "boxes", "options": options("yes")}
WHO = {"type": "multi_users_select", "action_id": "who"}
EVERY = (LINE, LINES, ONE, SOME, BOXES, WHO)


def form(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "modal",
        "title": plain("Title"),
        "submit": plain("Save"),
        "blocks": list(blocks),
    }


def opened(*blocks: dict[str, Any]) -> View:
    return Views().open("U0ANN", checked_view(form(*blocks), kind="modal"))


def fill(given: Given, *blocks: dict[str, Any]) -> dict[str, Any]:
    """Return what Slack tells of each input, by its action_id."""
    state = filled(opened(*blocks), given, people=PEOPLE)
    return {name: value for block in state.values() for name, value in block.items()}


def test_an_untouched_form_tells_every_input_as_empty_as_slack_does() -> None:
    told = fill({}, *map(asking, EVERY))
    assert told == {
        "line": {"type": "plain_text_input", "value": None},
        "lines": {"type": "plain_text_input", "value": None},
        "one": {"type": "static_select", "selected_option": None},
        "some": {"type": "multi_static_select", "selected_options": []},
        "boxes": {"type": "checkboxes", "selected_options": []},
        "who": {"type": "multi_users_select", "selected_users": []},
    }


def test_what_is_entered_comes_back_in_the_field_of_its_kind() -> None:
    given: Given = {
        "line": "hello",
        "lines": "two\nlines",
        "one": "b",
        "some": ["c", "a"],
        "boxes": ["yes"],
        "who": ["U0BOB"],
    }
    told = fill(given, *map(asking, EVERY))
    assert (told["line"]["value"], told["lines"]["value"]) == ("hello", "two\nlines")
    assert told["one"]["selected_option"] == options("b")[0]
    assert told["some"]["selected_options"] == options("c", "a")
    assert told["boxes"]["selected_options"] == options("yes")
    assert told["who"]["selected_users"] == ["U0BOB"]


def test_what_stood_there_stays_unless_it_is_cleared() -> None:
    blocks = [
        asking({**LINE, "initial_value": "old"}),
        asking({**ONE, "initial_option": options("a")[0]}),
        asking({**SOME, "initial_options": options("a", "b")}),
        asking({**WHO, "initial_users": ["U0ANN"]}),
    ]
    kept = fill({}, *blocks)
    assert kept["line"]["value"] == "old"
    assert kept["one"]["selected_option"] == options("a")[0]
    assert kept["some"]["selected_options"] == options("a", "b")
    assert kept["who"]["selected_users"] == ["U0ANN"]
    cleared = fill({"line": "", "one": "", "some": [], "who": []}, *blocks)
    assert cleared["line"]["value"] is None
    assert cleared["one"]["selected_option"] is None
    assert (cleared["some"]["selected_options"], cleared["who"]["selected_users"]) == ([], [])


@pytest.mark.parametrize(
    ("element", "value"),
    [
        (LINE, "sixsix"),
        (LINE, "a\nb"),
        (LINE, ["a"]),
        (LINES, "x"),
        (ONE, "c"),
        (ONE, ["a", "b"]),
        (SOME, ["a", "d"]),
        (SOME, ["a", "b", "c"]),
        (SOME, ["a", "a"]),
        (BOXES, ["no"]),
        (WHO, ["U0NOBODY"]),
    ],
)
def test_slacks_client_lets_nobody_enter(element: dict[str, Any], value: Any) -> None:
    with pytest.raises(ValueError, match=r"option|choice|text|user|takes"):
        fill({element["action_id"]: value}, asking(element))


@pytest.mark.parametrize("element", EVERY, ids=lambda element: str(element["action_id"]))
def test_what_is_required_must_not_stay_empty(element: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="required"):
        fill({}, asking(element, optional=False))


def test_what_was_entered_stays_in_a_block_that_keeps_its_id_when_its_view_is_updated() -> None:
    views = Views()
    view = views.open("U0ANN", form(asking(LINE), asking(ONE)))
    entered = filled(view, {"line": "mine"}, people=PEOPLE)
    renamed = asking({**ONE, "initial_option": options("b")[0]}, block_id="another")
    again = views.update(
        view, form(asking({**LINE, "initial_value": "theirs"}), renamed), entered=entered
    )
    held = filled(again, {}, people=PEOPLE)
    assert held["block-line"]["line"]["value"] == "mine"
    assert held["another"]["one"]["selected_option"]["value"] == "b"


def test_a_press_in_a_form_tells_what_stands_in_it() -> None:
    view = opened(asking({**LINE, "initial_value": "old"}, optional=False), asking(ONE))
    assert state_of(view)["block-line"]["line"]["value"] == "old"


@pytest.mark.parametrize(
    "element",
    [
        {**LINE, "max_length": 3_001},
        {**LINE, "max_length": 0},
        {**LINE, "initial_value": "sixsix"},
        {**LINE, "initial_value": None},
        {**LINE, "placeholder": plain("p" * 151)},
        {**LINE, "placeholder": plain("")},
        {**LINES, "min_length": 3_001},
        {**ONE, "options": []},
        {**ONE, "options": options(*(str(n) for n in range(101)))},
        {**ONE, "options": [{"text": plain("t" * 76), "value": "a"}]},
        {**ONE, "options": [{"text": plain("t"), "value": "v" * 151}]},
        {**ONE, "options": [{"text": plain("t"), "value": ""}]},
        {**ONE, "initial_option": options("c")[0]},
        {**ONE, "initial_option": None},
        {**SOME, "initial_options": []},
        {**SOME, "initial_options": options("d")},
        {**BOXES, "options": options(*(str(n) for n in range(11)))},
        {**BOXES, "placeholder": plain("p")},
        {**WHO, "initial_users": []},
        {"type": "button", "action_id": "press", "text": plain("Press")},
    ],
)
def test_slack_takes_no_form_with(element: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="invalid_blocks"):
        checked_view(form(asking(element)), kind="modal")


@pytest.mark.parametrize("block", [{"hint": plain("h" * 2_001)}, {"label": plain("")}])
def test_an_inputs_words_have_bounds(block: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="invalid_blocks"):
        checked_view(form(asking(LINE, **block)), kind="modal")


@pytest.mark.parametrize(
    "confirm", [{}, {"title": plain("t" * 101)}, {"text": plain("t" * 301)}, {"deny": plain("")}]
)
async def test_a_question_before_a_press_has_bounds(slack: Any, confirm: dict[str, Any]) -> None:
    good = {name: plain("Sure?") for name in ("title", "text", "confirm", "deny")}
    button = {"type": "button", "action_id": "press", "text": plain("Press")}

    def saying(question: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"type": "actions", "elements": [{**button, "confirm": question}]}]

    await slack.chat_postMessage(channel="C0GENERAL", text="t", blocks=saying(good))
    bad = {**good, **confirm} if confirm else {}
    call = slack.chat_postMessage(channel="C0GENERAL", text="t", blocks=saying(bad))
    assert await refusal(call) == "invalid_blocks"


@pytest.mark.parametrize(
    "errors", [None, {}, {"elsewhere": "wrong"}, {"words": "wrong"}, {"block-line": ""}]
)
def test_an_error_belongs_under_an_input_of_the_form(errors: Any) -> None:
    words = {"type": "section", "block_id": "words", "text": plain("Words")}
    view = opened(asking(LINE), words)
    check_errors(view, {"block-line": "wrong"})
    with pytest.raises(RefusedError, match="invalid_errors"):
        check_errors(view, errors)


async def test_a_form_that_was_closed_is_not_sent(server: SlackServer) -> None:
    view = server.people.backend.views.open("U0ANN", form(asking(LINE)))
    await server.people.close_view(view)
    with pytest.raises(ValueError, match="closed"):
        await server.people.submit(view, {})


def test_a_command_names_whom_and_what_it_mentions() -> None:
    typed = "managers <@U0ANN> in <#C0GENERAL> see https://example.com/?a=1&b=2 <now>"
    told = command_text(typed, names={"U0ANN": "ann", "C0GENERAL": "general"})
    assert told == (
        "managers <@U0ANN|ann> in <#C0GENERAL|general>"
        " see <https://example.com/?a=1&amp;b=2> &lt;now&gt;"
    )


async def test_who_somebody_is_may_change_while_the_bot_runs(
    workspace: Workspace, slack: Any
) -> None:
    workspace.change_user("U0BOB", is_admin=True, locale="zh-CN")
    user = (await slack.users_info(user="U0BOB", include_locale=True))["user"]
    assert (user["is_admin"], user["locale"]) == (True, "zh-CN")
    workspace.change_user("U0BOB", is_admin=False, is_restricted=True, deleted=True)
    user = (await slack.users_info(user="U0BOB"))["user"]
    assert (user["is_admin"], user["is_restricted"], user["deleted"]) == (False, True, True)


async def test_a_channel_names_its_maker_and_hides_from_strangers(
    workspace: Workspace, slack: Any
) -> None:
    workspace.add_channel(replace(workspace.channels["C0OTHER"], creator="U0BOB"))
    shown = (await slack.conversations_info(channel="C0OTHER"))["channel"]
    assert (shown["creator"], shown["is_member"]) == ("U0BOB", False)
    assert await refusal(slack.conversations_info(channel="C0SECRET")) == "channel_not_found"
