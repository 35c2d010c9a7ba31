"""Commands, presses and forms, from a person's hands to the door and back, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer
from receivers import ScriptedDoor, receiving, reception_for, ways_to
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from bot.core.language import Language
from bot.core.messages import UserMessage
from bot.core.policy import Person
from bot.core.reply import Content, Mark, Place, Urgency
from bot.core.screens import (
    Button,
    Caller,
    Closed,
    Errors,
    Form,
    Input,
    Notice,
    OpenForm,
    Prose,
    Replaced,
    Screen,
    Submitted,
    Taken,
)
from bot.errors import SlackError, SlackRefused
from bot.logs import ALLOWED
from bot.metrics import Metrics
from bot.playground.slack import (
    Channel,
    ChannelKind,
    Fault,
    FaultKind,
    SlackServer,
    User,
    Workspace,
    visible_text,
)
from bot.playground.slack.message import Draft, Ephemeral
from bot.playground.slack.views import View
from bot.slack import apologies as texts
from bot.slack.authorize import Installation, InstallationAuthorize, Installed
from bot.slack.channels import SlackChannels
from bot.slack.directory import SlackDirectory
from bot.slack.events_http import routes
from bot.slack.identity import Identity
from bot.slack.interaction import Interactions, Ways
from bot.slack.listeners import build_bolt
from bot.slack.message import FILL_ACTION, message
from bot.slack.people import SlackPeople
from bot.slack.reception import Origin, Patience, Reception, Submission

ANN, BOB, BOT = "U0ANN", "U0BOB", "U0BOT"
OPEN, HIDDEN, ELSEWHERE = "C0OPEN", "C0HIDDEN", "C0ELSE"
PATIENCE = Patience(at_once=3, work_s=60.0, submit_s=60.0, grace_s=0.2)
"""Whatever does not hang ends sooner, on however slow a machine."""
WITHIN_S = 60.0

FORM = Form(
    callback="config",
    title="Settings",
    submit="Save",
    parts=(
        Prose("What answers here"),
        Input("app", "App", "line", value="default"),
        Input("tags", "Tags", "lines"),
    ),
    state='{"version": 3}',
)
MOMENT = Form("config", title="Settings", submit="", parts=(Prose("One moment…"),), state="")


async def submit(_message: UserMessage) -> bool:
    """Take no questions here."""
    return False


def a_workspace() -> Workspace:
    workspace = Workspace()
    workspace.add_user(User(ANN, name="ann"))
    workspace.add_user(User(BOB, name="bob", locale="zh-CN"))
    people = frozenset({ANN, BOB})
    workspace.add_channel(Channel(OPEN, name="open", members=people | {BOT}))
    workspace.add_channel(Channel(HIDDEN, name="hidden", kind=ChannelKind.PRIVATE, members=people))
    workspace.add_channel(Channel(ELSEWHERE, name="elsewhere", members=people))
    return workspace


@dataclass
class Scene:
    """A workspace, a door, and the edge between them."""

    slack: SlackServer
    ways: Ways
    door: ScriptedDoor = field(default_factory=ScriptedDoor)

    @property
    def said(self) -> list[Ephemeral]:
        return self.slack.workspace.ephemerals

    @property
    def words(self) -> list[str]:
        return [visible_text(ephemeral) for ephemeral in self.said]

    async def hears(self, count: int = 1) -> list[str]:
        """Wait for so many notices, and return what they say."""
        await self.slack.until(lambda: len(self.said) >= count or None, timeout_s=WITHIN_S)
        return self.words

    async def command(self, text: str = "status", *, user: str = ANN, channel: str = OPEN) -> None:
        """Type a command; the acknowledgement must be empty, and there before Slack gives up."""
        delivery = await self.slack.command(user, channel, text)
        assert delivery.is_delivered
        assert delivery.attempts[-1].body == ""

    def modal(self, user: str = ANN) -> View | None:
        return self.slack.people.backend.views.modal(user)

    async def sees_form(self, user: str = ANN) -> View:
        """Wait until somebody looks at a form that can be sent."""

        def found() -> View | None:
            view = self.modal(user)
            return view if view is not None and "submit" in view.payload else None

        return await self.slack.until(found, timeout_s=WITHIN_S)

    async def sends(self, given: dict[str, str | list[str]], *, user: str = ANN) -> Any:
        """Fill in the form somebody looks at and send it."""
        return await self.slack.people.submit(await self.sees_form(user), given)

    def answers(self, submitted: Submitted) -> None:
        """Let the door answer a form with this."""

        async def submission() -> Submitted:
            return submitted

        self.door.submission = submission


@pytest.fixture
def make_bolt() -> Callable[..., Any]:
    """Return a function that builds a Bolt app; it looks at files, so outside the loop."""
    identity = Identity(
        team_id="T0PLAY", bot_user_id=BOT, bot_id="B0PLAY", app_id="A0PLAY", scopes=frozenset()
    )

    def make(server: SlackServer, **given: Any) -> Any:
        return build_bolt(
            signing_secret=server.signing_secret,
            authorize=InstallationAuthorize(
                Installed(Installation(identity, bot_token=server.bot_token))
            ),
            metrics=Metrics(),
            **given,
        )

    return make


@pytest.fixture
def patience() -> Patience:
    """How long the reception waits; override it by parametrising."""
    return PATIENCE


@pytest.fixture
async def scene(make_bolt: Callable[..., Any], patience: Patience) -> AsyncIterator[Scene]:
    async with SlackServer(a_workspace()) as server, ways_to(server.api_url) as ways:
        scene = Scene(server, ways)
        async with reception_for(scene.door, ways=ways, patience=patience) as reception:
            client = ways.calls._api.client(server.bot_token)
            receivers = receiving(submit, reception=reception)
            app = web.Application()
            bolt = make_bolt(server, client=client, receivers=receivers)
            app.add_routes(routes(bolt, metrics=Metrics()))
            async with TestServer(app, host="127.0.0.1") as bot:
                server.deliver_to(str(bot.make_url("/slack/events")))
                yield scene


async def test_a_command_reaches_the_door_as_it_was_sent(scene: Scene) -> None:
    async def work(screen: Screen) -> None:
        await screen.show(Notice("**Here** it is."))

    scene.door.work = work
    await scene.command("managers <@U0BOB> & co", channel=ELSEWHERE)
    assert await scene.hears() == ["**Here** it is."]
    assert scene.said[0].user == ANN
    assert scene.door.commands == [
        (
            Caller("T0PLAY", ELSEWHERE, ANN, user_team_id="T0PLAY", channel_name="elsewhere"),
            "managers <@U0BOB|bob> &amp; co",
        )
    ]


async def test_the_command_may_have_any_name(scene: Scene) -> None:
    delivery = await scene.slack.command(ANN, OPEN, "help", command="/ask-the-cloud")
    assert delivery.is_delivered
    assert [text for _, text in scene.door.commands] == ["help"]


async def test_a_notice_after_the_fifth_goes_through_the_channel_instead(scene: Scene) -> None:
    async def work(screen: Screen) -> None:
        for number in range(7):
            await screen.show(Notice(str(number)))

    scene.door.work = work
    patient = replace(PATIENCE, work_s=20)
    async with reception_for(scene.door, ways=scene.ways, patience=patient) as reception:
        hook = scene.slack.people.interactions.hooks.mint(OPEN, user=ANN)
        url = scene.slack.people.interactions._address(hook)
        await reception.command(a_caller(), "x", origin=Origin("", url))
        assert await scene.hears(7) == [str(number) for number in range(7)]
    assert scene.slack.journal.count("chat.postEphemeral", "ok") == 2


def a_caller(channel: str = OPEN) -> Caller:
    return Caller("T0PLAY", channel, ANN)


async def test_without_a_response_url_and_outside_the_channel_a_direct_message_tells(
    scene: Scene,
) -> None:
    screen = a_screen(scene, channel=HIDDEN)
    await screen.show(Notice("Saved.", (Button("undo", label="Undo", value="7"),)))
    dm = scene.slack.workspace.dm(BOT, ANN)
    (message,) = scene.slack.workspace.messages(dm.channel_id)
    assert visible_text(message) == "Saved."
    assert scene.said == []


def a_screen(scene: Scene, *, channel: str = OPEN, url: str = "", trigger_id: str = "") -> Screen:
    return Interactions(scene.ways).of_press(
        a_caller(channel), trigger_id=trigger_id, response_url=url
    )


async def test_a_response_url_of_somebody_else_is_not_used(scene: Scene) -> None:
    await a_screen(scene, url="https://example.com/hook").show(Notice("hello"))
    assert scene.words == ["hello"]
    assert scene.slack.journal.count("chat.postEphemeral", "ok") == 1


async def test_a_notice_its_response_url_does_not_take_goes_through_the_channel(
    scene: Scene,
) -> None:
    hook = scene.slack.people.interactions.hooks.mint(OPEN, user=ANN)
    unknown = scene.slack.people.interactions._address(hook) + "0"
    await a_screen(scene, url=unknown).show(Notice("hello"))
    assert scene.words == ["hello"]
    assert scene.slack.journal.count("chat.postEphemeral", "ok") == 1


@pytest.mark.parametrize("refusal", ["not_in_channel", "user_not_in_channel"])
async def test_a_notice_the_channel_does_not_take_goes_to_direct_messages(
    scene: Scene, refusal: str
) -> None:
    scene.slack.faults.add(Fault("chat.postEphemeral", FaultKind.ERROR, error=refusal))
    await a_screen(scene).show(Notice("hello"))
    dm = scene.slack.workspace.dm(BOT, ANN)
    (message,) = scene.slack.workspace.messages(dm.channel_id)
    assert visible_text(message) == "hello"


async def test_a_notice_that_no_way_takes_is_an_error(scene: Scene) -> None:
    scene.slack.faults.add(Fault("*", FaultKind.ERROR, times=None, error="is_archived"))
    with pytest.raises(SlackError):
        await a_screen(scene).show(Notice("hello"))


async def test_a_press_names_the_button_and_its_answer_replaces_the_notice(scene: Scene) -> None:
    async def offer(screen: Screen) -> None:
        buttons = (
            Button("older", label="Older", value="41"),
            Button("older", label="x", value="9"),
        )
        await screen.show(Notice("Page 1", buttons))

    async def turn(screen: Screen) -> None:
        await screen.show(Notice("Page 2"), replace=True)

    scene.door.work = offer
    await scene.command()
    await scene.hears()
    scene.door.work = turn
    ts = scene.said[0].ts
    assert (await scene.slack.click(ANN, OPEN, ts, "admin:older")).is_delivered
    await scene.slack.until(lambda: scene.words == ["Page 2"] or None, timeout_s=WITHIN_S)
    ((caller, action, value),) = scene.door.presses
    assert (action, value) == ("older", "41")
    assert (caller.team_id, caller.channel_id, caller.user_id) == ("T0PLAY", OPEN, ANN)
    assert caller.user_team_id == "T0PLAY"


async def test_each_of_two_like_buttons_is_told_from_the_other(scene: Scene) -> None:
    async def offer(screen: Screen) -> None:
        buttons = (Button("test", label="a", value="1"), Button("test", label="b", value="2"))
        await screen.show(Notice("Apps", buttons))

    scene.door.work = offer
    await scene.command()
    await scene.hears()
    await scene.slack.click(ANN, OPEN, scene.said[0].ts, "admin:test#1")
    assert [press[1:] for press in scene.door.presses] == [("test", "2")]


async def say_seen(screen: Screen) -> None:
    """Say one word."""
    await screen.show(Notice("Seen."))


def a_thread(scene: Scene) -> tuple[str, str]:
    """Return the root of a thread and a reply in it with a button of a reply's own."""
    root = scene.slack.people.say(ANN, OPEN, "<@U0BOT> What?")
    body = message(Content("I need `city`", fills=("city",)), mark=Mark(41, 0))
    reply = Draft(BOT, text="x", blocks=tuple(body["blocks"]), thread_ts=root, bot_id="B0PLAY")
    return root, scene.slack.workspace.post(OPEN, reply).ts


async def test_a_press_on_what_is_to_be_filled_in_is_answered_in_its_thread(scene: Scene) -> None:
    scene.door.work = say_seen
    root, reply = a_thread(scene)
    await scene.slack.click(ANN, OPEN, reply, FILL_ACTION)
    assert await scene.hears() == ["Seen."]
    ((caller, action, value),) = scene.door.presses
    assert (action, value) == (FILL_ACTION, "41:city")
    assert caller.thread_ts == scene.said[0].thread_ts == root


async def test_without_a_response_url_a_notice_finds_its_thread_too(scene: Scene) -> None:
    root, _ = a_thread(scene)
    caller = replace(a_caller(), thread_ts=root)
    screen = Interactions(scene.ways).of_press(caller, trigger_id="", response_url="")
    await screen.show(Notice("hello"))
    assert scene.slack.journal.count("chat.postEphemeral", "ok") == 1
    assert scene.said[0].thread_ts == root


async def test_a_message_shortcut_names_the_thread_of_its_message(scene: Scene) -> None:
    scene.door.work = say_seen
    root, reply = a_thread(scene)
    for number, ts in enumerate((root, reply), 1):
        delivery = await scene.slack.people.shortcut(BOB, OPEN, ts, "start_afresh")
        assert delivery.is_delivered
        await scene.hears(number)
    assert [(c.user_id, c.channel_id, *press) for c, *press in scene.door.presses] == [
        (BOB, OPEN, "start_afresh", root)
    ] * 2
    assert [each.thread_ts for each in scene.said] == [root, root]


async def test_a_shortcut_outside_threads_is_answered_outside_threads(scene: Scene) -> None:
    scene.door.work = say_seen
    alone = scene.slack.people.say(ANN, OPEN, "Hello")
    await scene.slack.people.shortcut(BOB, OPEN, alone, "start_afresh")
    await scene.hears()
    assert scene.door.presses[0][2] == alone
    assert scene.said[0].thread_ts == ""


async def test_what_was_entered_stands_in_no_repr(scene: Scene) -> None:
    entered = {"token": "canary"}
    assert "canary" not in repr(Submission("token", "", entered, {"state": entered}))


async def opens(screen: Screen) -> None:
    """Open a small form at once, and turn it into the real one."""
    form: OpenForm = await screen.open(MOMENT)
    await form.become(FORM)


async def test_a_form_opens_at_once_changes_and_comes_back(scene: Scene) -> None:
    scene.door.work = opens
    scene.answers(Closed(Notice("Saved.")))
    await scene.command("config", channel=HIDDEN)
    await scene.sends({"tags": "a\nb"})
    assert await scene.hears() == ["Saved."]
    assert (scene.said[0].channel_id, scene.said[0].user) == (HIDDEN, ANN)
    assert scene.modal() is None
    ((caller, callback, state, values),) = scene.door.forms
    assert caller == Caller("T0PLAY", HIDDEN, ANN, user_team_id="T0PLAY")
    assert (callback, state) == ("config", '{"version": 3}')
    assert values == {"app": "default", "tags": "a\nb"}


async def test_what_a_form_asks_for_may_take_longer_than_the_form(scene: Scene) -> None:
    scene.door.work = opens
    is_closed = asyncio.Event()

    async def finish(screen: Screen) -> None:
        await is_closed.wait()
        await screen.show(Notice("Done."))

    scene.answers(Taken(finish))
    await scene.command("config", channel=HIDDEN)
    await scene.sends({})
    assert scene.modal() is None
    is_closed.set()
    assert await scene.hears() == ["Done."]


async def test_a_form_that_another_process_opened_is_answered_all_the_same(scene: Scene) -> None:
    trigger_id = scene.slack.people.backend.triggers.mint(ANN)
    await a_screen(scene, trigger_id=trigger_id).open(FORM)
    scene.answers(Closed(Notice("Saved.")))
    await scene.sends({})
    assert await scene.hears() == ["Saved."]
    assert scene.slack.journal.count("chat.postEphemeral", "ok") == 1


async def test_a_form_that_is_taken_in_silence_only_closes(scene: Scene) -> None:
    scene.door.work = opens
    await scene.command("config")
    delivery = await scene.sends({})
    assert delivery.attempts[-1].body in {"", "{}"}
    assert scene.modal() is None


async def test_errors_stand_under_their_inputs_and_the_form_stays(scene: Scene) -> None:
    scene.door.work = opens
    scene.answers(Errors({"tags": "Too many."}))
    await scene.command("config")
    delivery = await scene.sends({})
    assert delivery.answer == {"response_action": "errors", "errors": {"tags": "Too many."}}
    assert scene.modal() is not None


async def test_a_form_may_be_replaced_by_another_and_keeps_its_channel(scene: Scene) -> None:
    scene.door.work = opens
    scene.answers(Replaced(replace(FORM, title="Again", state="4")))
    await scene.command("config", channel=HIDDEN)
    await scene.sends({})
    view = scene.modal()
    assert view is not None
    assert view.payload["title"]["text"] == "Again"
    await scene.sends({})
    assert [(caller.channel_id, state) for caller, _, state, _ in scene.door.forms] == [
        (HIDDEN, '{"version": 3}'),
        (HIDDEN, "4"),
    ]


async def fails(*_: object) -> Any:
    raise RuntimeError("INSERT … a secret")


async def hangs(*_: object) -> Any:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("submission", "patience", "phrase", "logged"),
    [
        (fails, PATIENCE, texts.FAILED, "command.failed"),
        (hangs, replace(PATIENCE, submit_s=0.3), texts.TOO_LONG, "command.timed_out"),
    ],
    ids=["fails", "hangs"],
)
async def test_a_form_always_gets_an_answer_in_time(
    scene: Scene, submission: Any, phrase: Any, logged: str
) -> None:
    scene.door.work = opens
    scene.door.submission = submission
    await scene.command("config", user=BOB)
    with capture_logs() as lines:
        delivery = await scene.sends({}, user=BOB)
    assert delivery.is_delivered
    (line,) = (line for line in lines if line["event"] == logged)
    assert delivery.answer["errors"] == {"app": phrase.say(Language.ZH, id=line["command_id"])}
    assert {name for line in lines for name in line} <= ALLOWED | {"exc_info", "log_level"}


@pytest.mark.parametrize(
    ("work", "patience", "phrase"),
    [
        (fails, PATIENCE, texts.FAILED),
        (hangs, replace(PATIENCE, work_s=0.3), texts.TOO_LONG),
    ],
    ids=["fails", "hangs"],
)
@pytest.mark.parametrize(
    ("user", "language"), [(ANN, Language.EN), (BOB, Language.ZH)], ids=["en", "zh"]
)
async def test_a_command_that_fails_is_one_sentence_in_its_callers_language(
    scene: Scene, work: Any, phrase: Any, user: str, language: Language
) -> None:
    scene.door.work = work
    with capture_logs() as lines:
        await scene.command(user=user)
        heard = await scene.hears()
    (known,) = {line["command_id"] for line in lines if line["event"].startswith("command.")}
    assert heard == [phrase.say(language, id=known)]


async def test_every_log_line_of_a_command_bears_the_id_its_caller_was_told(scene: Scene) -> None:
    async def work(_screen: Screen) -> None:
        structlog.get_logger("door").info("quota.spent")
        raise ValueError

    scene.door.work = work
    with capture_logs([merge_contextvars]) as lines:
        for count in (1, 2):
            await scene.command()
            await scene.hears(count)
    ids = [line["command_id"] for line in lines if line["event"] == "quota.spent"]
    assert len(set(ids)) == 2
    assert scene.words == [texts.FAILED.say(Language.EN, id=each) for each in ids]


class RiddledDirectory(SlackDirectory):
    """Breaks in a way nobody foresaw whenever it is asked who somebody is."""

    async def person(self, team_id: str, user_id: str, *, fresh: bool) -> Person | None:
        raise ZeroDivisionError


async def test_whoever_cannot_even_be_looked_up_is_answered_all_the_same(scene: Scene) -> None:
    calls = scene.ways.calls
    riddled = RiddledDirectory(people=SlackPeople(calls=calls), channels=SlackChannels(calls=calls))
    scene.door.work = scene.door.submission = fails
    reception = Reception(
        scene.door, interactions=Interactions(scene.ways), directory=riddled, patience=PATIENCE
    )
    async with reception:
        await reception.command(a_caller(), "x", origin=Origin("", ""))
        (told,) = await scene.hears()
        view = {"id": "V1", "blocks": [{"type": "input", "block_id": "app"}]}
        answer = await reception.submission(a_caller(), Submission("config", "", {}, view))
    sentence, *_ = texts.FAILED.en.partition("{id}")
    assert told.startswith(sentence)
    assert answer["errors"]["app"].startswith(sentence)


async def test_a_form_that_came_too_late_asks_for_the_command_again(scene: Scene) -> None:
    scene.door.work = opens
    expired = Fault("views.open", FaultKind.ERROR, error="expired_trigger_id")
    scene.slack.faults.add(expired)
    await scene.command("config")
    assert await scene.hears() == [texts.TOO_LATE.say(Language.EN)]


async def test_a_form_that_was_closed_before_it_was_ready_needs_no_words(scene: Scene) -> None:
    async def work(screen: Screen) -> None:
        form = await screen.open(MOMENT)
        view = scene.modal()
        assert view is not None
        await scene.slack.people.close_view(view)
        await form.become(FORM)

    scene.door.work = work
    with capture_logs() as lines:
        await scene.command("config")
        await scene.slack.until(
            lambda: scene.slack.journal.count("views.update") or None, timeout_s=WITHIN_S
        )
        async with asyncio.timeout(WITHIN_S):
            while not any(line["event"] == "form.closed" for line in lines):
                await asyncio.sleep(0)
    assert scene.words == []


async def test_a_form_is_filled_though_slack_failed_once(scene: Scene) -> None:
    scene.door.work = opens
    scene.answers(Closed(Notice("Saved.")))
    scene.slack.faults.add(Fault("views.update", FaultKind.ERROR, error="internal_error"))
    await scene.command("config")
    await scene.sends({"tags": "a"})
    assert await scene.hears() == ["Saved."]


async def test_a_form_that_slack_does_not_fill_is_given_up_with_a_sentence(scene: Scene) -> None:
    scene.door.work = opens
    scene.slack.faults.add(Fault("views.update", FaultKind.ERROR, error="internal_error", times=9))
    await scene.command("config")
    (told,) = await scene.hears()
    assert told.startswith(texts.FAILED.en.partition("{id}")[0])
    assert len(scene.slack.journal.of("views.update")) == 2


async def test_opening_a_form_does_not_wait_behind_budgets(scene: Scene) -> None:
    calls = scene.ways.calls

    async def drain() -> None:
        while True:
            await calls.permit(Place("T0PLAY", "", ""), method="views.open", urgency=Urgency.FINAL)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await drain()
    scene.door.work = opens
    await scene.command("config")
    assert (await scene.sees_form()).payload["title"]["text"] == "Settings"


async def test_beyond_the_bound_callers_are_told_to_come_back(scene: Scene) -> None:
    scene.door.work = hangs
    for _ in range(PATIENCE.at_once):
        await scene.command()
    await scene.command(user=BOB)
    assert scene.words == [texts.BUSY.say(Language.ZH)]
    assert len(scene.door.commands) == PATIENCE.at_once


async def test_nobody_takes_the_places_of_all_others(scene: Scene) -> None:
    scene.door.work = hangs
    patience = replace(PATIENCE, at_once_each=1)
    async with reception_for(scene.door, ways=scene.ways, patience=patience) as reception:
        for text in ("x", "y"):
            await reception.command(a_caller(), text, origin=Origin("", ""))
        assert scene.words == [texts.BUSY.say(Language.EN)]
        await reception.command(replace(a_caller(), user_id=BOB), "z", origin=Origin("", ""))
        await asyncio.sleep(0)
        assert [text for _, text in scene.door.commands] == ["x", "z"]


async def test_leaving_lets_work_end_and_tells_those_it_cuts_off(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_leaving, loop = asyncio.Event(), asyncio.get_running_loop()
    clock = loop.time

    async def work(screen: Screen) -> None:
        if len(scene.door.commands) > 1:
            await hangs()
        await is_leaving.wait()
        await screen.show(Notice("Done."))
        monkeypatch.setattr(loop, "time", lambda: clock() + patience.grace_s)

    scene.door.work = work
    patience = replace(PATIENCE, work_s=600, grace_s=30)
    async with reception_for(scene.door, ways=scene.ways, patience=patience) as reception:
        await reception.command(a_caller(), "x", origin=Origin("", ""))
        await reception.command(a_caller(), "y", origin=Origin("", ""))
        loop.call_soon(is_leaving.set)
    assert scene.words == ["Done.", texts.RESTARTING.say(Language.EN)]
    await reception.command(a_caller(), "z", origin=Origin("", ""))
    assert scene.words[-1] == texts.BUSY.say(Language.EN)
    assert len(scene.door.commands) == 2


async def test_what_cannot_be_told_to_anybody_is_logged(scene: Scene) -> None:
    scene.slack.faults.add(Fault("*", FaultKind.ERROR, times=None, error="is_archived"))
    scene.door.work = fails
    async with reception_for(scene.door, ways=scene.ways, patience=PATIENCE) as reception:
        with capture_logs() as lines:
            await reception.command(a_caller(), "x", origin=Origin("", ""))
            async with asyncio.timeout(WITHIN_S):
                while not any(line["event"] == "notice.lost" for line in lines):
                    await asyncio.sleep(0)
    assert [line["event"] for line in lines][-1] == "notice.lost"


async def test_a_file_goes_to_the_callers_direct_messages(scene: Scene) -> None:
    await a_screen(scene, channel=HIDDEN).send_file(
        "usage.csv", b"day,turns\n", comment="Usage of 7 days", title="Usage"
    )
    dm = scene.slack.workspace.dm(BOT, ANN)
    (message,) = scene.slack.workspace.messages(dm.channel_id)
    assert [(file.name, file.content) for file in message.draft.files] == [
        ("usage.csv", b"day,turns\n")
    ]


async def test_a_file_that_may_not_be_sent_is_an_error(scene: Scene) -> None:
    app = scene.slack.workspace.app
    scene.slack.workspace.app = replace(app, scopes=app.scopes - {"files:write"})
    with pytest.raises(SlackError) as caught:
        await a_screen(scene).send_file("a.csv", b"x", comment="c", title="t")
    assert not isinstance(caught.value, SlackRefused)


async def test_a_form_that_is_only_closed_is_nobodys_business(scene: Scene) -> None:
    scene.door.work = opens
    await scene.command("config")
    view = await scene.sees_form()
    noticing = replace(view, payload={**view.payload, "notify_on_close": True})
    delivery = await scene.slack.people.close_view(noticing)
    assert delivery is not None
    assert delivery.is_delivered
    assert scene.door.forms == []
