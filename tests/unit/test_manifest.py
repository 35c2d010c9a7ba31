"""manifest.yml says what the bot does, and Slack can read it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot.admin import afresh, filling
from bot.errors import SettingsError
from bot.manifest import manifest
from bot.slack.commands import SHORTCUTS
from bot.slack.departures import REVOKED, UNINSTALLED
from bot.slack.events_http import EVENTS_PATH
from bot.slack.home import HOME_OPENED
from bot.slack.identity import OPTIONAL_SCOPES, REQUIRED_SCOPES
from bot.slack.installing import REDIRECT_PATH
from bot.slack.listeners import HANDLED_EVENTS
from bot.slack.message import FILL_ACTION

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads(
    (ROOT / "tests/fixtures/slack-manifest.schema.2.0.0.json").read_text(encoding="utf-8")
)
URL = "https://bot.example.com"
# The scope each subscription needs (docs: the event's own page).
NO_SCOPE = "none"
SCOPE_OF_EVENT = {
    "app_home_opened": NO_SCOPE,
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "app_uninstalled": NO_SCOPE,
    "tokens_revoked": NO_SCOPE,
}


def both() -> list[dict[str, Any]]:
    return [
        yaml.safe_load(manifest(socket=True, url=None)),
        yaml.safe_load(manifest(socket=False, url=URL)),
    ]


@pytest.mark.parametrize("printed", both(), ids=["socket", "http"])
def test_what_is_printed_is_valid_by_slacks_schema(printed: dict[str, Any]) -> None:
    jsonschema.validate(printed, SCHEMA)


def test_the_schema_would_notice_a_key_slack_does_not_know() -> None:
    printed = both()[0]
    printed["features"]["app_home"]["homely"] = True
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(printed, SCHEMA)


@pytest.mark.parametrize("printed", both(), ids=["socket", "http"])
def test_the_scopes_asked_for_are_those_the_bot_can_explain(printed: dict[str, Any]) -> None:
    assert set(printed["oauth_config"]["scopes"]["bot"]) == {*REQUIRED_SCOPES, *OPTIONAL_SCOPES}


@pytest.mark.parametrize("printed", both(), ids=["socket", "http"])
def test_every_subscription_has_a_listener_and_its_scope(printed: dict[str, Any]) -> None:
    events = printed["settings"]["event_subscriptions"]["bot_events"]
    assert {event.partition(".")[0] for event in events} == {
        *HANDLED_EVENTS,
        HOME_OPENED,
        REVOKED,
        UNINSTALLED,
    }
    assert {SCOPE_OF_EVENT[event] for event in events} <= {*REQUIRED_SCOPES, NO_SCOPE}


def test_the_messages_tab_takes_messages_beside_a_home() -> None:
    home = both()[0]["features"]["app_home"]
    assert home["home_tab_enabled"]
    assert home["messages_tab_enabled"]
    assert not home["messages_tab_read_only_enabled"]


def test_over_http_slack_knows_where_to_send_back_whoever_installs_the_bot() -> None:
    socket, http = both()
    assert http["oauth_config"]["redirect_urls"] == [f"{URL}{REDIRECT_PATH}"]
    assert "redirect_urls" not in socket["oauth_config"]


def test_there_is_one_slash_command() -> None:
    assert [c["command"] for c in both()[0]["features"]["slash_commands"]] == ["/dashscope"]


def test_every_shortcut_is_one_the_bot_answers_by_the_name_it_tells() -> None:
    shortcuts = both()[0]["features"]["shortcuts"]
    assert {shortcut["callback_id"] for shortcut in shortcuts} == SHORTCUTS == {afresh.ACTION}
    assert [(shortcut["name"], shortcut["type"]) for shortcut in shortcuts] == [
        (afresh.SHORTCUT, "message")
    ]


def test_the_button_under_a_reply_is_the_one_whose_form_the_bot_opens() -> None:
    assert FILL_ACTION == filling.ACTION


def test_socket_mode_needs_no_address() -> None:
    printed = manifest(socket=True, url=URL)
    assert yaml.safe_load(printed)["settings"]["socket_mode_enabled"] is True
    assert "bot.example.com" not in printed


@pytest.mark.parametrize("url", [URL, f"{URL}/"])
def test_over_http_every_request_url_is_the_bots_route(url: str) -> None:
    printed = yaml.safe_load(manifest(socket=False, url=url))
    settings = printed["settings"]
    assert settings["socket_mode_enabled"] is False
    assert settings["event_subscriptions"]["request_url"] == URL + EVENTS_PATH
    assert settings["interactivity"]["request_url"] == URL + EVENTS_PATH
    assert printed["features"]["slash_commands"][0]["url"] == URL + EVENTS_PATH


@pytest.mark.parametrize(
    "url", [None, "", "http://bot.example.com", "bot.example.com", "https://", f"{URL}?a=1"]
)
def test_an_address_slack_could_not_reach_is_refused(url: str | None) -> None:
    with pytest.raises(SettingsError, match="PUBLIC_URL"):
        manifest(socket=False, url=url)


def test_the_file_itself_can_be_pasted_as_it_stands() -> None:
    as_it_stands = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    assert as_it_stands == both()[0]
