"""Notices and forms are always within Slack's limits, and forms come back as they went."""

import json
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View as SdkView

from bot.core import screens as bounds
from bot.core.screens import Button, Errors, Form, Input, Notice, Option, Prose
from bot.playground.slack.checks import message_blocks
from bot.playground.slack.filling import filled
from bot.playground.slack.limits import Limits
from bot.playground.slack.views import View, Views, check_errors, checked_view
from bot.slack.screens import (
    ADMIN_PREFIX,
    CUT,
    action_of,
    message_of,
    origin_of,
    refusal_of,
    values_of,
    view_of,
)

# Every character Slack can store: no lone surrogates.
CHARACTERS = st.characters(exclude_categories=["Cs"])
PEOPLE = ("U1", "W2", "U3")


def words(most: int, *, least: int = 1) -> st.SearchStrategy[str]:
    """Text of a length up to Slack's bound, the bound itself not seldom."""
    short = st.text(CHARACTERS, min_size=least, max_size=min(most, 20))
    return st.one_of(short, st.sampled_from("a词\n`").map(lambda character: character * most))


keys = st.from_regex(r"[a-z_]{1,30}", fullmatch=True)
options = st.lists(
    st.builds(Option, value=words(150), label=words(bounds.MAX_OPTION_CHARS)),
    min_size=1,
    max_size=5,
    unique_by=lambda option: option.value,
).map(tuple)
buttons = st.lists(
    st.builds(
        Button,
        action=keys,
        label=words(75),
        value=words(200, least=0),
        style=st.sampled_from(["", "primary", "danger"]),
        confirm=words(400, least=0),
    ),
    max_size=25,
).map(tuple)
notices = st.builds(
    Notice,
    text=st.one_of(words(12_000, least=0), st.lists(words(300), max_size=30).map("\n".join)),
    buttons=buttons,
)


@st.composite
def inputs(draw: st.DrawFn) -> Input:
    """Any question within the bounds, answered at first in any way that its kind allows."""
    kind = draw(st.sampled_from(["line", "lines", "select", "multi_select", "users", "checkbox"]))
    offered: tuple[Option, ...] = ()
    value: Any
    max_chars: int | None = None
    match kind:
        case "line" | "lines":
            max_chars = draw(st.none() | st.integers(1, bounds.MAX_INPUT_CHARS))
            value = draw(st.text(CHARACTERS, max_size=min(max_chars or 50, 50)))
            value = value.replace("\n", " ") if kind == "line" else value
        case "users":
            value = tuple(draw(st.lists(st.sampled_from(PEOPLE), unique=True)))
        case _:
            offered = draw(options)[: 1 if kind == "checkbox" else None]
            values = [option.value for option in offered]
            some = st.lists(st.sampled_from(values), unique=True).map(
                lambda chosen: tuple(v for v in values if v in chosen)
            )
            value = draw(st.sampled_from(["", *values]) if kind == "select" else some)
    return Input(
        key=draw(keys),
        label=draw(words(bounds.MAX_LABEL_CHARS)),
        kind=cast("Any", kind),
        value=value,
        hint=draw(words(bounds.MAX_LABEL_CHARS, least=0)),
        placeholder=draw(words(bounds.MAX_PLACEHOLDER_CHARS, least=0)),
        options=offered,
        max_chars=max_chars,
    )


forms = st.builds(
    Form,
    callback=keys,
    title=words(bounds.MAX_TITLE_CHARS),
    submit=words(bounds.MAX_TITLE_CHARS),
    parts=st.lists(
        st.one_of(inputs(), st.builds(Prose, words(bounds.MAX_PROSE_CHARS))),
        min_size=1,
        max_size=5,
        unique_by=lambda part: part.key if isinstance(part, Input) else id(part),
    ).map(tuple),
    state=words(bounds.MAX_STATE_CHARS, least=0),
    close=words(bounds.MAX_TITLE_CHARS, least=0),
)
channels = st.from_regex(r"[CDG][A-Z0-9]{8,12}", fullmatch=True)


def shown(form: Form, *, origin: str = "C1") -> View:
    """Open a form where nobody looks."""
    return Views().open("U1", checked_view(view_of(form, origin=origin), kind="modal"))


def initial(part: Input) -> str | tuple[str, ...]:
    """Return what Slack sends of an input that nobody touched."""
    return part.value or ("" if part.kind in {"line", "lines", "select"} else ())


@given(notices)
def test_slack_takes_every_notice(notice: Notice) -> None:
    message = message_of(notice)
    message_blocks(message["blocks"], limits=Limits())
    for block in Block.parse_all(message["blocks"]):
        block.validate_json()
    assert message["text"]
    assert sum(block["type"] == "markdown" for block in message["blocks"]) == 1


@given(notices)
def test_each_button_knows_what_it_does_whatever_stands_beside_it(notice: Notice) -> None:
    blocks = message_of(notice)["blocks"]
    pressed = [element for block in blocks for element in block.get("elements", ())]
    assert [action_of(button["action_id"]) for button in pressed] == [
        button.action for button in notice.buttons
    ]
    assert [button["value"] for button in pressed] == [button.value for button in notice.buttons]
    assert all(button["action_id"].startswith(ADMIN_PREFIX) for button in pressed)


def test_a_short_notice_is_shown_as_it_is() -> None:
    message = message_of(Notice("**Done.** `app` is *docs* now."))
    assert message["blocks"] == [{"type": "markdown", "text": "**Done.** `app` is *docs* now."}]
    assert message["text"] == "Done. app is docs now."


def test_a_notice_that_is_too_long_ends_on_a_whole_line_and_says_so() -> None:
    line = "| a setting | its value |"
    text = message_of(Notice("\n".join([line] * 1_000)))["blocks"][0]["text"]
    assert len(text) <= bounds.MAX_NOTICE_CHARS
    kept, _, end = text.rpartition("\n\n")
    assert end == CUT
    assert set(kept.split("\n")) == {line}


def test_a_notice_that_is_cut_within_code_closes_it() -> None:
    text = message_of(Notice("```\n" + "code\n" * 5_000 + "```"))["blocks"][0]["text"]
    assert text.endswith(f"code\n```\n\n{CUT}")


@pytest.mark.parametrize("token", ["<!here>", "<!channel|x>", "<!EVERYONE>", "<!subteam^S1|y>"])
def test_no_notice_calls_a_crowd(token: str) -> None:
    text = message_of(Notice(f"by {token} and <@U1> on <!date^1^{{date}}|x>"))["blocks"][0]["text"]
    assert text.startswith("by &lt;!")
    assert text.endswith("and <@U1> on <!date^1^{date}|x>")


@pytest.mark.parametrize(("asked", "not_now"), [("Really?", "Cancel"), ("确定删除？", "取消")])
def test_the_question_before_a_press_can_be_refused_in_its_own_language(
    asked: str, not_now: str
) -> None:
    button = Button("remove", label="x", value="1", confirm=asked)
    element = message_of(Notice("t", (button,)))["blocks"][1]["elements"][0]
    assert element["confirm"]["deny"]["text"] == not_now


@given(forms, channels)
def test_slack_takes_every_form(form: Form, origin: str) -> None:
    view = view_of(form, origin=origin)
    checked_view(view, kind="modal")
    SdkView(**view).validate_json()
    assert len(json.dumps(view).encode()) < 250_000


@given(forms, channels)
def test_an_untouched_form_comes_back_as_it_went(form: Form, origin: str) -> None:
    view = shown(form, origin=origin)
    state = filled(view, {}, people=PEOPLE)
    questions = [part for part in form.parts if isinstance(part, Input)]
    assert values_of(state) == {part.key: initial(part) for part in questions}
    assert origin_of(view.payload["private_metadata"]) == (origin, form.state)
    assert view.payload["callback_id"] == ADMIN_PREFIX + form.callback


def test_slack_takes_the_largest_notice() -> None:
    plain = Button("a" * 200, label="标" * 75, value="值" * 2_000)
    asking = replace(plain, confirm="问" * 1_000)
    message = message_of(Notice("字" * 50_000, (asking,) * 10 + (plain,) * 15))
    message_blocks(message["blocks"], limits=Limits())
    for block in Block.parse_all(message["blocks"]):
        block.validate_json()


def test_slack_takes_a_form_larger_than_anybody_fills_in() -> None:
    options = tuple(Option(f"{n:0150}", "选" * bounds.MAX_OPTION_CHARS) for n in range(100))
    words = "字" * bounds.MAX_LABEL_CHARS
    questions = tuple(
        Input(f"key{n}", words, "multi_select", hint=words, placeholder=words, options=options[:3])
        for n in range(25)
    )
    form = Form(
        callback="c" * 200,
        title="题" * bounds.MAX_TITLE_CHARS,
        submit="存" * bounds.MAX_TITLE_CHARS,
        parts=(
            Prose("文" * bounds.MAX_PROSE_CHARS),
            Input("app", words, "select", value=options[99].value, options=options),
            Input("tags", words, "lines", value="行" * bounds.MAX_INPUT_CHARS),
            *questions,
        ),
        state="{" * bounds.MAX_STATE_CHARS,
        close="关" * bounds.MAX_TITLE_CHARS,
    )
    view = view_of(form, origin="C" + "0" * 20)
    checked_view(view, kind="modal")
    SdkView(**view).validate_json()


FORM = Form(
    callback="config",
    title="Settings",
    submit="Save",
    parts=(
        Prose("Answers"),
        Input("app", "App", "select", options=(Option("a", "A"), Option("b", "B"))),
        Input("tags", "Tags", "lines", value="one\ntwo", is_optional=False),
        Input("who", "Who", "multi_select", options=(Option("m", "M"), Option("g", "G"))),
        Input("managers", "Managers", "users", value=("U1",)),
        Input("open", "Open", "checkbox", options=(Option("yes", "Open to all"),)),
    ),
    state="{}",
)


def test_what_people_enter_is_read_by_its_key() -> None:
    entered = {"app": "b", "tags": "x", "who": ["g", "m"], "managers": ["U3"], "open": ["yes"]}
    state = filled(shown(FORM), entered, people=PEOPLE)
    assert values_of(state) == {
        "app": "b",
        "tags": "x",
        "who": ("g", "m"),
        "managers": ("U3",),
        "open": ("yes",),
    }


def test_a_form_that_only_tells_has_no_button_to_send_it() -> None:
    view = view_of(replace(FORM, submit="", parts=(Prose("One moment"),)), origin="C1")
    assert "submit" not in checked_view(view, kind="modal")


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
kinds = st.sampled_from(
    ["plain_text_input", "static_select", "checkboxes", "multi_users_select", "unknown"]
)
FIELDS = ("value", "selected_option", "selected_options", "selected_users")
controls = st.fixed_dictionaries(
    {"type": kinds | json_values},
    optional=dict.fromkeys(FIELDS, json_values),
)
states = st.dictionaries(st.text(max_size=5), st.dictionaries(st.text(max_size=5), controls))


@given(st.one_of(json_values, states))
def test_whatever_comes_back_is_read_as_texts(state: Any) -> None:
    for value in values_of(state).values():
        assert all(
            isinstance(part, str) for part in (value if isinstance(value, tuple) else [value])
        )


@given(st.text(CHARACTERS, max_size=40))
def test_metadata_of_another_make_is_a_state_from_nowhere(metadata: str) -> None:
    origin, state = origin_of(metadata)
    assert (f"{origin}\n{state}" == metadata) or (origin, state) == ("", metadata)


@pytest.mark.parametrize("origin", ["<!channel>", "c1", "C1 C2", "C" * 41])
def test_a_channel_no_form_of_ours_came_from_is_none(origin: str) -> None:
    assert origin_of(f"{origin}\n{{}}") == ("", f"{origin}\n{{}}")


VIEW = shown(FORM)


@given(
    st.dictionaries(
        st.sampled_from(["app", "tags", "elsewhere", ""]), words(2_000), min_size=1, max_size=4
    )
)
def test_every_error_is_shown_under_an_input_that_is_there(by_key: dict[str, str]) -> None:
    refusal = refusal_of(Errors(by_key), view=VIEW.payload)
    check_errors(VIEW, refusal)


def test_errors_about_nothing_in_particular_are_told_under_the_first_input() -> None:
    refusal = refusal_of(Errors({"": "Busy.", "app": "No.", "tags": "Bad."}), view=VIEW.payload)
    assert refusal == {"app": "Busy. No.", "tags": "Bad."}


def test_a_form_without_inputs_takes_no_errors() -> None:
    view = shown(replace(FORM, parts=(Prose("One moment"),)))
    assert refusal_of(Errors({"app": "No."}), view=view.payload) == {}
