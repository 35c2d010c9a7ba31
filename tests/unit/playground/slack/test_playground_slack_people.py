from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

from bot.playground.slack import SIGNING_SECRET, DeliveryRules, SlackServer

PLAIN = "plain_text"
BUTTONS: list[dict[str, Any]] = [
    {"type": "markdown", "text": "answer"},
    {
        "type": "actions",
        "block_id": "row",
        "elements": [
            {
                "type": "button",
                "action_id": "stop",
                "text": {"type": PLAIN, "text": "Stop"},
                "value": "turn-7",
            }
        ],
    },
    {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "feedback",
                "positive_button": {"text": {"type": PLAIN, "text": "+"}, "value": "good"},
                "negative_button": {"text": {"type": PLAIN, "text": "-"}, "value": "bad"},
            }
        ],
    },
]
OPTIONS = [{"text": {"type": PLAIN, "text": word}, "value": word} for word in ("agent", "workflow")]
MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "settings",
    "title": {"type": PLAIN, "text": "Settings"},
    "submit": {"type": PLAIN, "text": "Save"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "prompt",
            "label": {"type": PLAIN, "text": "Prompt"},
            "element": {"type": "plain_text_input", "action_id": "text", "initial_value": "old"},
        },
        {
            "type": "input",
            "block_id": "kind",
            "label": {"type": PLAIN, "text": "Kind"},
            "element": {"type": "static_select", "action_id": "kind", "options": OPTIONS},
        },
    ],
}


class Desk:
    """A Bolt app behind HTTP, and the payloads its listeners saw."""

    def __init__(self, slack: Any) -> None:
        self.bolt = AsyncApp(client=slack, signing_secret=SIGNING_SECRET, token=slack.token)
        self.seen: list[dict[str, Any]] = []
        self.reply: dict[str, Any] = {}

    async def note(self, ack: Any, body: dict[str, Any]) -> None:
        self.seen.append(body)
        await ack(**self.reply)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        return await to_aiohttp_response(
            await self.bolt.async_dispatch(await to_bolt_request(request))
        )


@pytest.fixture
def bolt_desk(slack: Any) -> Desk:
    """Made outside the loop: Bolt looks at files."""
    return Desk(slack)


@pytest.fixture
async def desk(server: SlackServer, bolt_desk: Desk) -> AsyncIterator[Desk]:
    desk = bolt_desk
    for register in (
        desk.bolt.action("stop"),
        desk.bolt.action("feedback"),
        desk.bolt.command("/dashscope"),
        desk.bolt.view("settings"),
        desk.bolt.view_closed("settings"),
        desk.bolt.shortcut("ask"),
    ):
        register(desk.note)
    app = web.Application()
    app.router.add_post("/slack/events", desk.handle)
    async with TestServer(app, host="127.0.0.1") as test_server:
        server.dispatcher.rules = DeliveryRules(time_scale=0.0)
        server.deliver_to(str(test_server.make_url("/slack/events")))
        yield desk


async def post_to(url: str, **body: Any) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        return response.status, await response.text()


async def test_a_press_carries_the_value_from_the_real_button(
    server: SlackServer, slack: Any, desk: Desk
) -> None:
    root = await server.say("U0ANN", "C0GENERAL", "question")
    answer = await slack.chat_postMessage(
        channel="C0GENERAL", text="answer", blocks=BUTTONS, thread_ts=root
    )
    delivery = await server.click("U0ANN", "C0GENERAL", answer["ts"], "stop")
    assert delivery.is_delivered
    (body,) = desk.seen
    (action,) = body["actions"]
    assert (action["value"], action["block_id"], action["type"]) == ("turn-7", "row", "button")
    assert body["container"]["thread_ts"] == root
    assert body["message"]["ts"] == answer["ts"]
    assert body["user"]["id"] == "U0ANN"


async def test_a_feedback_button_carries_the_value_of_its_side(
    server: SlackServer, slack: Any, desk: Desk
) -> None:
    answer = await slack.chat_postMessage(channel="C0GENERAL", text="answer", blocks=BUTTONS)
    await server.click("U0ANN", "C0GENERAL", answer["ts"], "feedback", choice="negative")
    assert desk.seen[0]["actions"][0]["value"] == "bad"


async def test_nobody_presses_what_is_not_there(server: SlackServer, slack: Any) -> None:
    answer = await slack.chat_postMessage(channel="C0GENERAL", text="answer", blocks=BUTTONS)
    whisper = await slack.chat_postEphemeral(
        channel="C0GENERAL", user="U0ANN", text="failed", blocks=BUTTONS
    )
    for user, ts, action_id in (
        ("U0ANN", answer["ts"], "retry"),
        ("U0ANN", "1.000001", "stop"),
        ("U0BOB", whisper["message_ts"], "stop"),
        ("U0NOBODY", answer["ts"], "stop"),
    ):
        with pytest.raises(ValueError, match=r"no such|no message|does not see|cannot act"):
            await server.click(user, "C0GENERAL", ts, action_id)


async def test_a_press_under_an_ephemeral_message_comes_without_the_message(
    server: SlackServer, slack: Any, desk: Desk
) -> None:
    whisper = await slack.chat_postEphemeral(
        channel="C0GENERAL", user="U0ANN", text="failed", blocks=BUTTONS
    )
    await server.click("U0ANN", "C0GENERAL", whisper["message_ts"], "stop")
    (body,) = desk.seen
    assert body["container"]["is_ephemeral"] is True
    assert "message" not in body
    await post_to(body["response_url"], delete_original=True)
    assert server.workspace.ephemerals == []


async def test_a_response_url_speaks_to_one_person_five_times_and_no_more(
    server: SlackServer, desk: Desk
) -> None:
    await server.command("U0ANN", "C0OTHER", "status")
    url = desk.seen[0]["response_url"]
    answers = [await post_to(url, text=f"{n}") for n in range(6)]
    assert [status for status, _ in answers] == [200] * 5 + [404]
    assert "used_url" in answers[5][1]
    assert {e.user for e in server.workspace.ephemerals} == {"U0ANN"}
    assert [e.text for e in server.workspace.ephemerals] == ["0", "1", "2", "3", "4"]


async def test_a_response_url_dies_after_half_an_hour(
    server: SlackServer, desk: Desk, clock: Any
) -> None:
    await server.command("U0ANN", "C0GENERAL", "status")
    clock.now += 1_801
    status, text = await post_to(desk.seen[0]["response_url"], text="late")
    assert (status, "expired_url" in text) == (404, True)


async def test_a_response_url_can_speak_to_all_and_replace_the_original(
    server: SlackServer, slack: Any, desk: Desk
) -> None:
    answer = await slack.chat_postMessage(channel="C0GENERAL", text="answer", blocks=BUTTONS)
    await server.click("U0ANN", "C0GENERAL", answer["ts"], "stop")
    url = desk.seen[0]["response_url"]
    await post_to(url, text="stopped", replace_original=True)
    await post_to(url, text="all", response_type="in_channel")
    assert [m.text for m in server.workspace.messages("C0GENERAL")] == ["stopped", "all"]
    assert (await post_to(url, text=""))[0] == 400


async def test_a_commands_response_url_replaces_what_it_said_before(
    server: SlackServer, desk: Desk
) -> None:
    await server.command("U0ANN", "C0OTHER", "status")
    url = desk.seen[0]["response_url"]
    for text in ("looking", "found"):
        await post_to(url, text=text, replace_original=True)
    assert [e.text for e in server.workspace.ephemerals] == ["found"]


async def test_what_a_command_is_answered_at_once_is_shown_to_who_typed_it(
    server: SlackServer, desk: Desk
) -> None:
    desk.reply = {"text": "here is help"}
    delivery = await server.command("U0ANN", "C0GENERAL", "help")
    assert delivery.is_delivered
    assert [(e.user, e.text) for e in server.workspace.ephemerals] == [("U0ANN", "here is help")]


async def opened(server: SlackServer, slack: Any, desk: Desk) -> Any:
    await server.command("U0ANN", "C0GENERAL", "settings")
    await slack.views_open(trigger_id=desk.seen[-1]["trigger_id"], view=MODAL)
    return server.people.backend.views.modal("U0ANN")


async def test_a_modal_is_filled_in_and_closes_when_the_app_takes_it(
    server: SlackServer, slack: Any, desk: Desk
) -> None:
    view = await opened(server, slack, desk)
    delivery = await server.people.submit(view, {"kind": "workflow"})
    assert delivery.is_delivered
    values = desk.seen[-1]["view"]["state"]["values"]
    assert values["prompt"]["text"]["value"] == "old"
    assert values["kind"]["kind"]["selected_option"]["value"] == "workflow"
    assert server.people.backend.views.modal("U0ANN") is None


async def test_a_modal_with_errors_stays_and_an_updated_one_changes(
    server: SlackServer, slack: Any, desk: Desk
) -> None:
    view = await opened(server, slack, desk)
    desk.reply = {"response_action": "errors", "errors": {"prompt": "too long"}}
    delivery = await server.people.submit(view, {"text": "x", "kind": "agent"})
    assert delivery.answer["errors"] == {"prompt": "too long"}
    assert view.view_id in server.people.backend.views
    desk.reply = {"response_action": "update", "view": MODAL | {"callback_id": "second"}}
    await server.people.submit(view, {"kind": "agent"})
    assert server.people.backend.views[view.view_id].payload["callback_id"] == "second"


async def test_closing_a_modal_is_told_to_an_app_that_asked(
    server: SlackServer, slack: Any, desk: Desk
) -> None:
    view = await opened(server, slack, desk)
    await server.people.close_view(view)
    assert desk.seen[-1]["type"] == "view_closed"


async def test_a_form_takes_only_inputs_and_options_it_has(
    server: SlackServer, slack: Any, desk: Desk
) -> None:
    view = await opened(server, slack, desk)
    for given in ({"colour": "red"}, {"kind": "agentic"}):
        with pytest.raises(ValueError, match="no such"):
            await server.people.submit(view, given)


@pytest.mark.parametrize(
    ("use", "error"),
    [
        ("made up", "invalid_trigger_id"),
        ("twice", "exchanged_trigger_id"),
        ("late", "expired_trigger_id"),
    ],
)
async def test_a_trigger_opens_one_modal_within_three_seconds(
    server: SlackServer, slack: Any, clock: Any, use: str, error: str
) -> None:
    trigger_id = server.people.backend.triggers.mint("U0ANN")
    if use == "twice":
        await slack.views_open(trigger_id=trigger_id, view=MODAL)
    if use == "late":
        clock.now += 3.1
    opening = slack.views_open(trigger_id="1.2.3" if use == "made up" else trigger_id, view=MODAL)
    with pytest.raises(Exception, match=error):
        await opening


async def test_modals_stack_three_high_and_old_hashes_conflict(
    server: SlackServer, slack: Any
) -> None:
    triggers = server.people.backend.triggers
    first = await slack.views_open(trigger_id=triggers.mint("U0ANN"), view=MODAL)
    for _ in range(2):
        await slack.views_push(trigger_id=triggers.mint("U0ANN"), view=MODAL)
    with pytest.raises(Exception, match="push_limit_reached"):
        await slack.views_push(trigger_id=triggers.mint("U0ANN"), view=MODAL)
    view_id, old = first["view"]["id"], first["view"]["hash"]
    await slack.views_update(view_id=view_id, view=MODAL, hash=old)
    with pytest.raises(Exception, match="hash_conflict"):
        await slack.views_update(view_id=view_id, view=MODAL, hash=old)


async def test_a_home_tab_is_published_and_its_buttons_work(
    server: SlackServer, slack: Any, desk: Desk
) -> None:
    opened_tabs: list[dict[str, Any]] = []

    async def note(event: dict[str, Any]) -> None:
        opened_tabs.append(event)
        await slack.views_publish(
            user_id=event["user"], view={"type": "home", "blocks": BUTTONS[1:2]}
        )

    desk.bolt.event("app_home_opened")(note)
    server.people.open_home("U0ANN")
    views = server.people.backend.views
    home = await server.until(lambda: views.home("U0ANN"), timeout_s=60)
    await server.people.click_view(home, "stop")
    assert opened_tabs[0]["tab"] == "home"
    assert desk.seen[0]["container"] == {"type": "view", "view_id": home.view_id}


async def test_a_message_shortcut_carries_the_message(server: SlackServer, desk: Desk) -> None:
    root = await server.say("U0ANN", "C0TEAM", "root")
    ts = await server.say("U0BOB", "C0TEAM", "this", thread_ts=root)
    await server.people.shortcut("U0ANN", "C0TEAM", ts, "ask")
    message = desk.seen[0]["message"]
    assert (message["text"], message["thread_ts"]) == ("this", root)


async def test_people_change_only_what_is_theirs(server: SlackServer) -> None:
    ts = await server.say("U0ANN", "C0GENERAL", "mine")
    with pytest.raises(ValueError, match="is not"):
        await server.edit("U0BOB", "C0GENERAL", ts, "yours")
    with pytest.raises(ValueError, match="is not"):
        await server.delete("U0BOB", "C0GENERAL", ts)
    with pytest.raises(ValueError, match="cannot act"):
        await server.say("U0ANN", "C0OLD", "late")
    with pytest.raises(ValueError, match="no thread"):
        await server.say("U0ANN", "C0GENERAL", "x", thread_ts="1.000001")
    assert [m.text for m in server.thread("C0GENERAL", ts)] == ["mine"]


async def test_bolt_hears_a_mention_and_answers_in_its_thread(
    server: SlackServer, slack: Any, desk: Desk
) -> None:
    async def answer(event: dict[str, Any]) -> None:
        await slack.chat_postMessage(
            channel=event["channel"], thread_ts=event["ts"], text=event["text"]
        )

    desk.bolt.event("app_mention")(answer)
    ts = await server.say("U0ANN", "C0GENERAL", "<@U0BOT> a < b")
    replies = await server.until(lambda: server.workspace.replies("C0GENERAL", ts), timeout_s=60)
    assert replies[0].text == "<@U0BOT> a &lt; b"
    assert [ping.token for ping in server.workspace.pings] == ["<@U0BOT>"]
