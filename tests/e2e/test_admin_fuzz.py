"""Whatever is typed or entered, there is one answer, and nothing breaks."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import pytest
from desk import ADA, ALONE, GUS, LIN, Desk, a_desk, assert_acked, inputs, offers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rig import BEN, PRIVATE, PUBLIC, WITHIN_S, Rig

from bot.core.commands import all_commands
from bot.core.setting import SETTINGS
from bot.playground.slack.filling import Given
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import visible_text
from bot.playground.slack.payload import Json
from bot.playground.slack.views import View

BROKEN = ("Something went wrong", "出现了问题", "处理时出错", "took too long", "处理超时")
JUNK = st.sampled_from(
    [
        *("workspace", "all", "csv", "on", "off", "default", "inherit", "-", "Shop", "5", "0x7f"),
        *("none", "null", '{"seed": null}'),
        *('{"a": "b"}', '{"a": ', "[[[[[[[[[[1]]]]]]]]]]", "“x”", '"open', "KB1,KB2", "1e999"),
        *(f"<@{BEN}>", f"<#{PUBLIC}>", "<!channel>", "@here", "https://x.example/?a=1&b=2"),
        *("`", "|", "*", "&lt;", "&amp;amp;", "{x}", "{}", "%s", "\u202e", "用量", "设置", "😀"),
        *("add", "edit", "test", "remove", "name=x", "kind=agent", "region=beijing", "app_id=a"),
        *('{"x": "\\u0000"}', '{"x": "\\ud800"}', "9" * 30, "x" * 3100),
    ]
)
TEXTS = st.lists(
    st.one_of(st.sampled_from(all_commands()), JUNK, st.text(max_size=8)), max_size=5
).map(" ".join)
KEYS = st.sampled_from(
    [*SETTINGS, "app_id", "kind", "region", "base_url", "workspace", "api_key", "options"]
)
LINES = st.one_of(JUNK, st.text(max_size=20), st.lists(JUNK, max_size=3).map(" ".join))
PEOPLE = st.sampled_from([ADA, LIN, BEN, GUS])
PLACES = st.sampled_from([PUBLIC, PRIVATE, ALONE])
EXAMPLES = settings(
    max_examples=18,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""Few, for each one travels over sockets, and Slack lets only so many ask at once who somebody is;
the parts are tried with many more by themselves."""


@pytest.fixture
def limits() -> Limits:
    """No limits: how the bot keeps them is another test's business."""
    return Limits(is_enforced=False)


@pytest.fixture
async def desk(any_rig: Rig) -> AsyncIterator[Desk]:
    """People and a bot, over HTTP and over Socket Mode."""
    async with a_desk(any_rig) as desk:
        await desk.type("apps add Shop app_id=a region=beijing")
        yield desk


@EXAMPLES
@given(text=TEXTS, by=PEOPLE, channel=PLACES)
async def test_any_command_has_one_answer(desk: Desk, text: str, by: str, channel: str) -> None:
    slack = desk.rig.slack
    heard, filled = len(desk.heard), slack.journal.count("views.update")
    assert_acked(await slack.command(by, channel, text))
    await slack.until(
        lambda: len(desk.heard) > heard or slack.journal.count("views.update") > filled,
        timeout_s=WITHIN_S,
    )
    new = desk.heard[heard:]
    desk.due += len(new)
    assert len(new) + slack.journal.count("views.update") - filled == 1
    assert not [notice for notice in new if any(told in visible_text(notice) for told in BROKEN)]
    assert not slack.workspace.pings or not any(ping.is_mass for ping in slack.workspace.pings)


def fitting(view: View, entered: Mapping[str, str]) -> Given:
    """Return what Slack's client lets somebody enter: texts of a length, choices by number."""
    given: dict[str, str] = {}
    for key, control in inputs(view).items():
        text = entered.get(key, "x" if key in {"name", "app_id"} else None)
        if text is not None and control["type"] == "plain_text_input":
            line = text if control["multiline"] else " ".join(text.split())
            given[key] = line[: control["max_length"]] or "x"
        if text is not None and control["type"] == "static_select":
            choices = sorted(offers(view, key))
            given[key] = choices[len(text) % len(choices)]
    return given


@dataclass
class Screen:
    """A form that is sent again and again, and opened again when it was taken.

    Attributes:
        desk: Where it is opened.
        text: The command that opens it.
        view: The form while it stands there.
    """

    desk: Desk
    text: str
    view: View | None = None

    async def send(self, entered: Mapping[str, str]) -> None:
        """Enter what fits, send it, and look at the answer."""
        view = self.view or await self.desk.open(self.text)
        given = fitting(view, entered)
        answer = await self.desk.send(view, given)
        assert not any(told in str(answer) for told in BROKEN)
        match answer.get("response_action"):
            case "errors":
                assert answer["errors"].keys() <= inputs(view).keys()
                self.view = view
            case None:
                self.view = None
                words = await self._told()
                assert not any(told in words for told in BROKEN)
            case other:
                pytest.fail(f"nobody else changed anything: {other}")

    async def _told(self) -> str:
        self.desk.due += 1
        due, heard = self.desk.due, self.desk.heard
        await self.desk.rig.slack.until(lambda: len(heard) == due, timeout_s=WITHIN_S)
        return visible_text(heard[-1])


@pytest.fixture(params=["config", "workspace config", "apps add", "apps edit Shop"])
async def screen(request: pytest.FixtureRequest, rig: Rig) -> AsyncIterator[Screen]:
    """A form of each sort, over HTTP."""
    async with a_desk(rig) as desk:
        await desk.type("apps add Shop app_id=a region=beijing")
        yield Screen(desk, request.param)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@EXAMPLES
@given(entered=st.dictionaries(KEYS, LINES, min_size=1, max_size=5))
async def test_any_entries_in_a_form_have_one_answer(
    screen: Screen, entered: dict[str, str]
) -> None:
    await screen.send(entered)


@EXAMPLES
@given(state=LINES, callback=st.sampled_from(["config", "app", "none", "", "x"]))
async def test_any_form_that_was_tampered_with_changes_nothing(
    desk: Desk, state: str, callback: str
) -> None:
    def tamper(view: Json) -> None:
        view["private_metadata"] = state
        view["callback_id"] = f"admin:{callback}"

    view = desk.modal(ADA) or await desk.open("config")
    answer = await desk.forge_form(view, {"follow": "thread"}, tamper=tamper)
    assert answer["errors"].keys() <= inputs(view).keys()
    assert not any(told in str(answer) for told in BROKEN)
    assert len(await desk.trail()) == 1
