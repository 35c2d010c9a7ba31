"""A form in a terminal."""

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from rich.console import Console

from bot.core.screens import Form, Input, Option, Prose
from bot.playground.slack.directory import Channel, User
from bot.playground.slack.server import SlackServer
from bot.playground.slack.workspace import Workspace
from bot.sheet import Sheet
from bot.slack.screens import view_of

ANN, BEN = "U0ANN", "U0BEN"
COLOURS = (Option("red", "Deep red"), Option("blue", "Sky blue"))
FORM = Form(
    callback="paint",
    title="Paint",
    submit="Save",
    state="",
    parts=(
        Prose("*Of the wall* of <@U0BEN>"),
        Input("name", "Name", "line", value="wall", is_optional=False),
        Input("words", "Words", "lines", value="one\ntwo", hint="As many as you like."),
        Input("colour", "Colour", "select", value="red", options=COLOURS),
        Input("more", "More colours", "multi_select", value=("blue",), options=COLOURS),
        Input("brush", "Brush", "line", placeholder="Inherited (workspace): broad"),
        Input("wet", "Wet", "checkbox", options=(Option("wet", "It is wet"),)),
        Input("painters", "Painters", "users", value=(BEN,)),
    ),
)


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    """A workspace with two people."""
    workspace = Workspace()
    for user_id, name in ((ANN, "ann"), (BEN, "ben")):
        workspace.add_user(User(user_id, name=name, display_name=name.title()))
    workspace.add_channel(Channel("C0GENERAL", name="general", members=frozenset({ANN, BEN})))
    async with SlackServer(workspace) as server:
        yield server


@pytest.fixture
def sheet(slack: SlackServer) -> Sheet:
    """The form on Ann's screen."""
    view = slack.people.backend.views.open(ANN, view_of(FORM, origin="C0GENERAL"))
    return Sheet(view, slack=slack)


def drawn(picture: Any) -> list[str]:
    to = Console(file=io.StringIO(), width=80)
    to.print(picture)
    assert isinstance(to.file, io.StringIO)
    return [line.strip() for line in to.file.getvalue().splitlines() if line.strip()]


def test_every_input_shows_what_it_holds_and_what_it_takes(sheet: Sheet) -> None:
    assert drawn(sheet) == [
        "Paint · a form",
        "Of the wall of @Ben",
        "name* = wall",
        "Name",
        r"words = one\ntwo",
        "Words: As many as you like.",
        "colour = red  Deep red",
        "Colour: red | blue",
        "more = blue  Sky blue",
        "More colours: red | blue",
        "brush = –  Inherited (workspace): broad",
        "Brush",
        "wet = –",
        "Wet: yes | no: It is wet",
        "painters = @Ben",
        "Painters",
        "`name = value` fills an input in (*: needed), `submit` is “Save”, `cancel`",
        "closes the form.",
    ]


@pytest.mark.parametrize(
    ("line", "given", "shown"),
    [
        ("name = a = b", "a = b", "name* = a = b"),
        ("name =", "", "name* = –"),
        (r"words = three\nfour", "three\nfour", r"words = three\nfour"),
        ("colour=BLUE", "blue", "colour = blue  Sky blue"),
        ("colour = sky blue", "blue", "colour = blue  Sky blue"),
        ("more = red, blue", ["red", "blue"], "more = red blue  Deep red, Sky blue"),
        ("more =", [], "more = –"),
        ("brush = fine", "fine", "brush = fine"),
        ("brush =", "", "brush = –  Inherited (workspace): broad"),
        ("wet = yes", ["wet"], "wet = wet  It is wet"),
        ("wet = no", [], "wet = –"),
        ("painters = @ann ben", [ANN, BEN], "painters = @Ann @Ben"),
    ],
)
def test_a_line_fills_an_input_in(sheet: Sheet, line: str, given: object, shown: str) -> None:
    name = sheet.write(line)
    assert sheet.given == {name: given}
    assert drawn(sheet.entry(name)) == [shown]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("hello", "submit"),
        ("size = 3", "no input called size"),
        ("colour = green", "red, blue"),
        ("more = red green", "red, blue"),
        ("wet = perhaps", "yes or no"),
        ("painters = @carl", "nobody called @carl"),
    ],
)
def test_a_line_that_no_input_takes_changes_nothing(
    sheet: Sheet, line: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        sheet.write(line)
    assert not sheet.given


async def test_what_was_filled_in_is_what_slack_would_send(
    slack: SlackServer, sheet: Sheet
) -> None:
    for line in ("colour = blue", "wet = yes", "painters ="):
        sheet.write(line)
    delivery = await slack.people.submit(sheet.view, sheet.given)
    values = delivery.parcel.payload["view"]["state"]["values"]
    assert values["colour"]["colour"]["selected_option"]["value"] == "blue"
    assert values["wet"]["wet"]["selected_options"][0]["value"] == "wet"
    assert values["painters"]["painters"]["selected_users"] == []
    assert values["name"]["name"]["value"] == "wall"


def test_what_the_bot_says_about_an_input_stands_under_it_until_it_changes(sheet: Sheet) -> None:
    sheet.errors = {"name": "Too short."}
    assert drawn(sheet.entry("name")) == ["name* = wall", "! Too short."]
    sheet.write("name = walls")
    assert drawn(sheet.entry("name")) == ["name* = walls"]
