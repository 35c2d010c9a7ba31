"""What each delivery becomes: a claim, a click, or only an acknowledgement."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from receivers import Desk, receiving
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.core.changes import Deleted, Edited
from bot.core.messages import UserMessage
from bot.metrics import Metrics
from bot.playground.slack.delivery import DeliveryRules
from bot.slack.authorize import Installation, InstallationAuthorize, Installed
from bot.slack.identity import Identity
from bot.slack.listeners import HANDLING_TIMEOUT_S, STOP_ACTION, Submit, build_bolt
from bot.slack.message import AGAIN_ACTION

IDENTITY = Identity(
    team_id="T1", bot_user_id="UBOT", bot_id="B1", app_id="A1", scopes=frozenset({"chat:write"})
)
# Nothing listens there: a listener that called Slack would fail.
NOWHERE = "http://127.0.0.1:9/api/"
EVENT: dict[str, Any] = {
    "type": "app_mention",
    "user": "U1",
    "text": "<@UBOT> the secret question",
    "ts": "1790000000.000100",
    "channel": "C1",
}
ENVELOPE: dict[str, Any] = {
    "type": "event_callback",
    "team_id": "T1",
    "api_app_id": "A1",
    "event_id": "Ev01",
    "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}],
}
CLICK: dict[str, Any] = {
    "type": "block_actions",
    "team": {"id": "T1"},
    "user": {"id": "U1"},
    "channel": {"id": "C1"},
    "container": {"type": "message", "message_ts": "1.2", "channel_id": "C1"},
    "actions": [{"type": "button", "action_id": STOP_ACTION, "block_id": "b", "value": "41"}],
}
VIEW = {"type": "modal", "callback_id": "x"}


class Claims:
    """Takes messages, and remembers them."""

    def __init__(self, error: Exception | None = None) -> None:
        self.messages: list[UserMessage] = []
        self._error = error

    async def submit(self, message: UserMessage) -> bool:
        self.messages.append(message)
        if self._error is not None:
            raise self._error
        return True


def build(
    submit: Submit,
    *,
    desk: Desk | None = None,
    metrics: Metrics | None = None,
    identity: Identity = IDENTITY,
) -> AsyncApp:
    installation = Installation(identity=identity, bot_token="xoxb-ours")
    return build_bolt(
        client=AsyncWebClient(token="xoxb-ours", base_url=NOWHERE, retry_handlers=[]),
        signing_secret="s3cr3t",
        authorize=InstallationAuthorize(Installed(installation)),
        receivers=receiving(submit, desk=desk),
        metrics=metrics or Metrics(),
    )


async def deliver(bolt: AsyncApp, body: dict[str, Any]) -> BoltResponse:
    return await bolt.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=body))


def event(**changed: Any) -> dict[str, Any]:
    return {**ENVELOPE, "event": {**EVENT, **changed}}


@pytest.mark.parametrize("event_type", ["app_mention", "message"])
async def test_a_question_is_submitted_before_it_is_acknowledged(event_type: str) -> None:
    claims = Claims()
    response = await deliver(build(claims.submit), event(type=event_type))
    assert response.status == 200
    assert [(m.team_id, m.channel_id, m.ts) for m in claims.messages] == [
        ("T1", "C1", "1790000000.000100")
    ]


@pytest.mark.parametrize("changed", [{"text": "hello all"}, {"subtype": "message_changed"}])
async def test_a_message_that_asks_nothing_is_acknowledged_and_counted(
    changed: dict[str, str],
) -> None:
    claims, metrics = Claims(), Metrics()
    bolt = build(claims.submit, metrics=metrics)
    response = await deliver(bolt, event(type="message", **changed))
    assert response.status == 200
    assert claims.messages == []
    assert b'dashscope_slack_messages_total{outcome="ignored"} 1.0' in metrics.text()


@pytest.mark.parametrize("own", [{"user": "UBOT"}, {"bot_id": "B1"}, {"app_id": "A1"}])
async def test_the_bot_never_answers_itself(own: dict[str, str]) -> None:
    claims = Claims()
    assert (await deliver(build(claims.submit), event(**own))).status == 200
    assert claims.messages == []


async def test_a_failed_claim_is_a_500_so_that_slack_delivers_again() -> None:
    claims = Claims(error=RuntimeError("no database"))
    response = await deliver(build(claims.submit), event())
    assert response.status == 500
    assert response.body == ""


async def test_a_claim_that_takes_too_long_is_a_500_while_slack_still_waits() -> None:
    async def never(_message: UserMessage) -> bool:
        await asyncio.Event().wait()
        return True

    assert (await deliver(build(never), event())).status == 500
    left_s = DeliveryRules().ack_timeout_s - HANDLING_TIMEOUT_S
    assert left_s >= 1


async def test_neither_text_nor_an_errors_words_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    claims = Claims(error=RuntimeError("INSERT … the secret question"))
    with capture_logs() as lines:
        await deliver(build(claims.submit), event())
    assert [line["event"] for line in lines] == ["delivery.failed"]
    assert "secret" not in caplog.text


async def test_the_claim_belongs_to_the_installations_workspace_over_slack_connect() -> None:
    claims = Claims()
    body = {**event(user_team="T2", team="T2"), "team_id": "T2"}
    await deliver(build(claims.submit), body)
    assert claims.messages[0].team_id == "T1"
    assert claims.messages[0].user_team_id == "T2"


async def test_an_organisation_wide_installation_claims_for_the_envelopes_workspace() -> None:
    claims = Claims()
    grid = Identity(
        team_id="E1",
        bot_user_id="UBOT",
        bot_id="B1",
        app_id="A1",
        scopes=frozenset(),
        enterprise_id="E1",
        is_enterprise_install=True,
    )
    body = {
        **event(),
        "authorizations": [{"enterprise_id": "E1", "team_id": None, "is_enterprise_install": True}],
    }
    await deliver(build(claims.submit, identity=grid), body)
    assert claims.messages[0].team_id == "T1"


async def test_a_click_on_stop_names_who_clicked_and_the_turn() -> None:
    desk = Desk()
    response = await deliver(build(Claims().submit, desk=desk), CLICK)
    assert response.status == 200
    assert desk.stops == [("T1", "C1", "U1", 41)]


@pytest.mark.parametrize("value", [None, "", "-1", "1e3", "١٢", "9" * 19, {"a": 1}])
async def test_a_forged_turn_id_is_acknowledged_and_dropped(value: object) -> None:
    desk = Desk()
    forged = {**CLICK, "actions": [{**CLICK["actions"][0], "value": value}]}
    assert (await deliver(build(Claims().submit, desk=desk), forged)).status == 200
    assert desk.stops == []


def again(value: object, *, response_url: str = NOWHERE) -> dict[str, Any]:
    action = {**CLICK["actions"][0], "action_id": AGAIN_ACTION, "value": value}
    clicker = {**CLICK["user"], "team_id": "T2"}  # over Slack Connect
    return {**CLICK, "user": clicker, "response_url": response_url, "actions": [action]}


async def test_a_click_on_the_offer_names_the_turn_the_edit_and_the_clickers_workspace() -> None:
    desk = Desk()
    response = await deliver(build(Claims().submit, desk=desk), again("41:5.000100"))
    assert response.status == 200
    assert desk.repeats == [("T1", "C1", "U1", "T2", 41, "5.000100")]


async def test_an_offer_that_cannot_be_taken_away_counts_all_the_same() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    desk = Desk()
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        click = again("41:5.000100", response_url=f"http://127.0.0.1:{port}/")
        response = await deliver(build(Claims().submit, desk=desk), click)
    assert response.status == 200
    assert desk.repeats == [("T1", "C1", "U1", "T2", 41, "5.000100")]


@pytest.mark.parametrize("value", [None, "41", "41:", "x:5.0", "41:5.0:6", {"a": 1}])
async def test_a_forged_offer_is_acknowledged_and_dropped(value: object) -> None:
    desk = Desk()
    assert (await deliver(build(Claims().submit, desk=desk), again(value))).status == 200
    assert desk.repeats == []


async def test_an_edited_or_deleted_message_is_handed_on_and_asks_nothing() -> None:
    claims, desk = Claims(), Desk()
    bolt = build(claims.submit, desk=desk)
    person = {"type": "message", "user": "U1", "ts": "1.0"}
    edited = {
        "type": "message",
        "subtype": "message_changed",
        "channel": "C1",
        "message": {**person, "text": "new", "edited": {"user": "U1", "ts": "2.0"}},
        "previous_message": {**person, "text": "old"},
    }
    deleted = {
        "type": "message",
        "subtype": "message_deleted",
        "channel": "C1",
        "deleted_ts": "1.0",
    }
    await deliver(bolt, {**ENVELOPE, "event": edited})
    await deliver(bolt, {**ENVELOPE, "event": deleted})
    assert desk.changes == [Edited("T1", "C1", "1.0", "new", "2.0"), Deleted("T1", "C1", "1.0")]
    assert claims.messages == []


@pytest.mark.parametrize(
    "body",
    [
        {**ENVELOPE, "event": {"type": "reaction_added", "user": "U1"}},
        {**ENVELOPE, "event": {"type": "app_uninstalled"}},
        {**ENVELOPE, "event": {"type": "tokens_revoked", "tokens": {"bot": ["UBOT"]}}},
        {**CLICK, "actions": [{"type": "button", "action_id": "other", "block_id": "b"}]},
        {"type": "shortcut", "callback_id": "x", "team": {"id": "T1"}, "user": {"id": "U1"}},
        {"type": "message_action", "callback_id": "x", "team": {"id": "T1"}, "message": {}},
        {"type": "view_submission", "team": {"id": "T1"}, "view": VIEW},
        {"type": "view_closed", "team": {"id": "T1"}, "view": VIEW},
        {"type": "block_suggestion", "team": {"id": "T1"}, "action_id": "x", "block_id": "b"},
        {"type": "something_new", "team": {"id": "T1"}},
        {"type": "app_rate_limited", "team_id": "T1", "minute_rate_limited": 1518467820},
    ],
    ids=lambda body: str(body.get("event", body)["type"]),
)
async def test_what_nobody_listens_to_is_acknowledged(body: dict[str, Any]) -> None:
    claims = Claims()
    assert (await deliver(build(claims.submit), body)).status == 200
    assert claims.messages == []


async def test_slacks_notice_that_it_holds_events_back_is_logged() -> None:
    with capture_logs() as lines:
        await deliver(build(Claims().submit), {"type": "app_rate_limited", "team_id": "T1"})
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("events.rate_limited", "warning")
    ]


@pytest.fixture
def other_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Credentials nobody passed on; Bolt's own stores would leave files in the home folder."""
    for name in (
        "SLACK_CLIENT_ID",
        "SLACK_CLIENT_SECRET",
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
        "SLACK_VERIFICATION_TOKEN",
    ):
        monkeypatch.setenv(name, f"from-{name}")
    monkeypatch.setenv("HOME", str(tmp_path))
    yield
    assert list(tmp_path.iterdir()) == []


async def test_credentials_in_the_environment_change_nothing(other_credentials: None) -> None:
    tokens: list[str | None] = []
    claims = Claims()
    bolt = build(claims.submit)

    async def look(client: AsyncWebClient) -> None:
        tokens.append(client.token)

    bolt.event("reaction_added")(look)
    assert (await deliver(bolt, event())).status == 200
    assert (await deliver(bolt, event(type="reaction_added"))).status == 200
    ssl_check = {"ssl_check": "1", "token": "from-SLACK_VERIFICATION_TOKEN"}
    assert (await deliver(bolt, ssl_check)).status == 200
    assert len(claims.messages) == 1
    assert tokens == ["xoxb-ours"]
