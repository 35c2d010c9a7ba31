"""`doctor`: asks everything the bot needs, and says what is wrong and what to do."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.app import account_of
from bot.core.memory_places import Without, why_without
from bot.core.question import AppKind
from bot.core.studio_workspace import apart
from bot.dashscope.client import DashScope
from bot.dashscope.memories import Memories
from bot.dashscope.openapi import OpenApi
from bot.errors import (
    AccountProblem,
    DashScopeError,
    Misconfigured,
    SettingsError,
    SlackError,
    SlackTokenRefused,
    Throttled,
    UpstreamUnreachable,
)
from bot.metrics import Metrics
from bot.settings import Settings
from bot.slack.file_links import FILES_PATH
from bot.slack.identity import REQUIRED_SCOPES, Identity, who_am_i
from bot.slack.installing import INSTALL_PATH
from bot.slack.socket_mode import ask_for_socket
from bot.slack.web_api import WebApi
from storage import schema
from storage.database import parse_url
from storage.errors import StorageError
from storage.sqlite import exposed_file, unwritable_place

ANSWER_WITHIN_S = 10.0
_WITHOUT_MEMORY: Mapping[Without, str] = {
    "kind": "only agents are asked with memories",
    "region": "set BAILIAN_ENDPOINT to the region of DASHSCOPE_BASE_URL; Singapore's is "
    "https://bailian.ap-southeast-1.aliyuncs.com",
    "workspace": "only agents of BAILIAN_WORKSPACE_ID are asked with memories",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table.

    Attributes:
        subject: What was looked at.
        ok: Whether it works.
        state: What was found, without secrets.
        advice: What to do; empty when nothing need be done.
    """

    subject: str
    ok: bool
    state: str
    advice: str = ""


async def examine() -> list[Finding]:
    """Look at settings, database, Slack and DashScope; never raises for what it finds."""
    try:
        settings = Settings.read(for_run=True)
    except SettingsError as error:
        return [
            *(
                Finding(
                    "settings", ok=False, state=problem, advice="set it in the environment or .env"
                )
                for problem in error.problems
            ),
            *_misspelt(),
        ]
    return [
        Finding("settings", ok=True, state="complete"),
        *_misspelt(),
        _keys(settings),
        await _database(settings),
        *await _database_file(settings),
        *await _slack(settings),
        await _dashscope(settings),
        await _memory(settings),
        _attachments(settings),
    ]


def show(findings: list[Finding], *, console: Console) -> bool:
    """Print the table; return whether everything works."""
    table = Table("", "checked", "found", "what to do", box=None, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[red]problem[/]"
        table.add_row(mark, *map(escape, (finding.subject, finding.state, finding.advice)))
    console.print(table)
    return all(finding.ok for finding in findings)


def _misspelt() -> list[Finding]:
    return [
        Finding("names", ok=False, state=f"{name} is no setting", advice=f"is {meant} meant?")
        for name, meant in Settings.misspelt().items()
    ]


def _keys(settings: Settings) -> Finding:
    subject = "secrets in Slack"
    if not settings.encryption_keys:
        state = "off: keys of further apps and people's plugin tokens are refused"
        return Finding(subject, ok=True, state=state, advice="set ENCRYPTION_KEYS to take them")
    state = f"kept sealed with the first key of {len(settings.encryption_keys)}"
    return Finding(subject, ok=True, state=state)


async def _database(settings: Settings) -> Finding:
    subject, url, head = "database", settings.database_url, schema.head()
    kind = "SQLite" if url.startswith("sqlite") else "PostgreSQL"
    if place := await asyncio.to_thread(unwritable_place, parse_url(url)):
        state = f"{kind}, but {place} cannot be written to"
        advice = "let the bot's own user write there, or set DATABASE_URL to another file"
        return Finding(subject, ok=False, state=state, advice=advice)
    try:
        current = await schema.current(url)
    except StorageError as error:
        state = f"{kind} cannot be opened ({error})"
        return Finding(subject, ok=False, state=state, advice="check DATABASE_URL")
    if current == head:
        return Finding(subject, ok=True, state=f"{kind}, up to date ({head})")
    if kind == "SQLite":
        return Finding(subject, ok=True, state=f"{kind}, will be brought to {head} by `run`")
    state = f"{kind}, at {current or 'nothing'}, needs {head}"
    return Finding(subject, ok=False, state=state, advice="run `dashscope-slack db upgrade`")


async def _database_file(settings: Settings) -> list[Finding]:
    """Say so when others on this machine can read what people wrote, and their tokens."""
    exposed = await asyncio.to_thread(exposed_file, parse_url(settings.database_url))
    if exposed is None:
        return []
    state = f"others on this machine can read {exposed}"
    return [Finding("SQLite file", ok=False, state=state, advice=f"run `chmod 600 {exposed}*`")]


async def _slack(settings: Settings) -> list[Finding]:
    return [*await _own_workspace(settings), *_installs(settings)]


def _installs(settings: Settings) -> list[Finding]:
    """Say where further workspaces install the bot, when any of it is set."""
    if settings.slack_client_id is None and settings.slack_client_secret is None:
        return []
    if missing := settings.missing_for_installs:
        state, advice = f"off: {', '.join(missing)} missing", "set all three, or none"
        return [Finding("installs", ok=False, state=state, advice=advice)]
    at = f"{settings.public_url or ''}{INSTALL_PATH}"
    return [Finding("installs", ok=True, state=f"further workspaces at {at}")]


async def _own_workspace(settings: Settings) -> list[Finding]:
    token = settings.slack_bot_token
    async with WebApi(base_url=settings.slack_api_url) as api:
        client = api.client(token.get_secret_value() if token else None)
        findings: list[Finding] = []
        if token is not None:
            try:
                identity = await who_am_i(client)
            except SlackError as error:
                return [_slack_problem("Slack token", error, variable="SLACK_BOT_TOKEN")]
            state = f"bot {identity.bot_user_id} in {identity.team_name}"
            findings += [Finding("Slack token", ok=True, state=state), _scopes(identity)]
        if settings.slack_app_token is not None:
            app_token = settings.slack_app_token.get_secret_value()
            findings.append(
                await _socket(
                    lambda: ask_for_socket(client, app_token=app_token, timeout_s=ANSWER_WITHIN_S)
                )
            )
    return findings


def _scopes(identity: Identity) -> Finding:
    missing = identity.missing_scopes
    if not missing:
        return Finding("Slack scopes", ok=True, state="all there")
    state = "; ".join(f"{scope}: {loss}" for scope, loss in missing.items())
    return Finding(
        "Slack scopes",
        ok=not missing.keys() & REQUIRED_SCOPES.keys(),
        state=f"missing {state}",
        advice="add them to the app (see `manifest`) and reinstall it",
    )


async def _socket(ask: Callable[[], Awaitable[str]]) -> Finding:
    try:
        await ask()
    except SlackError as error:
        return _slack_problem("Socket Mode", error, variable="SLACK_APP_TOKEN")
    return Finding("Socket Mode", ok=True, state="a connection was granted")


def _slack_problem(subject: str, error: SlackError, *, variable: str) -> Finding:
    if isinstance(error, SlackTokenRefused):
        advice = f"check {variable}; install the app anew if it was removed"
        return Finding(subject, ok=False, state=f"refused ({error.code})", advice=advice)
    state = f"no answer ({error.code or type(error).__name__})"
    return Finding(subject, ok=False, state=state, advice="check the network and SLACK_API_URL")


async def _dashscope(settings: Settings) -> Finding:
    subject = "DashScope app"
    profile = settings.app_profile()
    try:
        async with DashScope(metrics=Metrics()) as apps:
            tells_of_nodes = await apps.probe(profile)
    except DashScopeError as error:
        state = f"{type(error).__name__}: {error.code or error.status or 'no answer'}"
        return Finding(subject, ok=False, state=state, advice=_dashscope_advice(error))
    state = f"{profile.app_id} answers, asked as {profile.kind.value}"
    if tells_of_nodes and profile.kind is AppKind.AGENT:
        state = f"{state}, but tells of nodes as workflows do"
        advice = "set DASHSCOPE_APP_KIND to what the app was built as"
        return Finding(subject, ok=False, state=state, advice=advice)
    if "dashscope_app_kind" in settings.model_fields_set:
        return Finding(subject, ok=True, state=state)
    # That no node was told of is a sign of an agent, and no proof.
    advice = "DashScope does not tell an app's kind: set DASHSCOPE_APP_KIND if it is another"
    return Finding(subject, ok=True, state=state, advice=advice)


async def _memory(settings: Settings) -> Finding:
    subject, missing = "long-term memory", settings.missing_for_memory
    if len(missing) == 3:
        return Finding(subject, ok=True, state="off: no access keys")
    if missing:
        state = f"off: {', '.join(missing)} missing"
        return Finding(subject, ok=False, state=state, advice="set all three, or none")
    try:
        async with OpenApi(account_of(settings)) as api:
            await Memories(api).list(limit=1)
    except DashScopeError as error:
        state = f"{type(error).__name__}: {error.code or error.status or 'no answer'}"
        return Finding(subject, ok=False, state=state, advice=_memory_advice(error))
    why = why_without(settings.app_profile(), workspace=settings.studio_workspace)
    if why is not None:
        state = "reachable, but not used by the default app"
        return Finding(subject, ok=True, state=state, advice=_WITHOUT_MEMORY[why])
    return Finding(subject, ok=True, state="reachable")


def _attachments(settings: Settings) -> Finding:
    subject = "attachments"
    if settings.public_url is not None:
        state = f"apps fetch images and documents under {settings.public_url}{FILES_PATH}"
        return Finding(subject, ok=True, state=state)
    is_apart = apart(settings.app_profile(), workspace=settings.studio_workspace)
    if not settings.missing_for_memory and is_apart is None:
        state = "images and documents are uploaded to Model Studio, for agents of its region"
        return Finding(subject, ok=True, state=state)
    advice = "set PUBLIC_URL for images and documents, or for agents an AccessKey of their region"
    return Finding(subject, ok=True, state="plain text alone reaches the app", advice=advice)


def _memory_advice(error: DashScopeError) -> str:
    match error:
        case Misconfigured():
            return (
                "check the ALIBABA_CLOUD_* keys and BAILIAN_WORKSPACE_ID, and that the RAM user "
                "is a member of the workspace and may call sfm:*Memory*"
            )
        case UpstreamUnreachable():
            return "check the network and BAILIAN_ENDPOINT"
        case _:
            return "try again in a minute"


def _dashscope_advice(error: DashScopeError) -> str:
    match error:
        case Misconfigured() if error.status == 401:
            return "check DASHSCOPE_API_KEY, and that it is of the region in DASHSCOPE_BASE_URL"
        case Misconfigured():
            return (
                "check DASHSCOPE_APP_ID and DASHSCOPE_WORKSPACE, that the app is published, and "
                "that it lives in the region of DASHSCOPE_BASE_URL"
            )
        case AccountProblem():
            return "look at the account's bills and quotas in the Model Studio console"
        case Throttled():
            return "the account is at its limit; try again in a minute"
        case UpstreamUnreachable():
            return "check the network and DASHSCOPE_BASE_URL"
        case _:
            return "look the code up in Model Studio's list of error codes"
