"""What follows from a change besides the value itself, told however the change was made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.admin import replies, scopes, token_texts
from bot.admin.app_texts import FRESH_SESSIONS_NOW
from bot.admin.changing import Draft
from bot.admin.choices import profile_of
from bot.admin.inviting import invitation
from bot.admin.marks import code
from bot.admin.office import Office
from bot.admin.ports import Reader
from bot.core.api_fields import unheard_of
from bot.core.json_value import Json
from bot.core.language import Language, Phrase
from bot.core.memory_places import CHANNELS, scope_at
from bot.core.mentions import defuse
from bot.core.question import AppProfile
from bot.core.quota import HOLD_BESIDES, has_uncounted_tokens
from bot.core.resolution import Effective, Layers, chosen_app, resolve
from bot.core.setting import DEFAULT_APP, MemoryUse, candidate_options, command_of
from storage.records import StoredSettings

MAX_PLACES = 10
"""Of the places that a change made elsewhere concerns, so many are named."""
_MAX_CHANNELS = 1_000
"""So many channels with settings of their own are looked at; our own bound."""
_COUNT_ELSEWHERE = frozenset({"memory"})
"""What a workspace sets for all its agents, whatever its own app is."""
_BEAR_ON_TOKENS = frozenset(
    {"app", "flow_stream_mode", "has_thoughts", "quota_user_tokens", "quota_channel_tokens"}
)
"""A place that sets none of these counts tokens as the workspace does."""

Apps = Mapping[str, AppProfile]
"""Every app of a workspace by its casefolded name, without keys."""


@dataclass(frozen=True, slots=True)
class State:
    """What holds in a workspace, as far as its channels do not set it themselves.

    Attributes:
        workspace: The workspace's own values.
        apps: All there are.
        former: What was set in places that changed meanwhile, by scope.
    """

    workspace: Mapping[str, Json]
    apps: Apps
    former: Mapping[str, Mapping[str, Json]] = field(default_factory=dict[str, Mapping[str, Json]])


async def apps_of(office: Office, team_id: str) -> Apps:
    """Return every app of a workspace, the built-in one among them.

    Raises:
        StorageError: The database did not answer.
    """
    stored, default = await office.storage.apps.list(team_id), office.choices.default_app
    registered = {
        app.name.casefold(): profile_of(app, api_key="", default_base_url=default.base_url)
        for app in stored
    }
    return {**registered, DEFAULT_APP: default}


async def consequences(office: Office, reader: Reader, draft: Draft) -> list[str]:
    """Return what follows from a change of settings that was made, a sentence each.

    Raises:
        StorageError: The database did not answer.
    """
    team_id, language = reader.caller.team_id, reader.language
    apps = await apps_of(office, team_id)
    before, after = draft.layers_before, draft.layers
    was, now = _effective(before, apps), _effective(after, apps)
    lines = list(_here(was, now, draft=draft, language=language))
    if "plugins" in draft.changed and now and now.plugins and not office.storage.secrets.is_open:
        lines.append(token_texts.WITHOUT.say(language))
    if _app(after, apps) is None:
        lines.append(replies.app_gone(chosen_app(after), scope=draft.scope, language=language))
    lines += _unheard_of(*map(candidate_options, (draft.before, draft.values)), language=language)
    if HOLD_BESIDES & draft.changed and _is_limited_besides(draft):
        lines.append(replies.LIMITED_BESIDES.say(language))
    if draft.values.get("managers") and "managers" in draft.changed and not _delegates(draft):
        command = replies.typeable("delegate", "on", scope=scopes.WORKSPACE)
        lines.append(replies.MANAGERS_WAIT.say(language, command=command))
    if draft.scope == scopes.WORKSPACE:
        states = State(draft.before, apps), State(draft.values, apps)
        lines += await _elsewhere(office, reader, *states)
    lines.append(await _not_shared(office, reader, draft))
    lines.append(await invitation(office, reader, scope=draft.scope))
    return [line for line in lines if line]


async def app_consequences(
    office: Office, reader: Reader, name: str, *, before: Apps, chosen_at: Sequence[str] = ()
) -> list[str]:
    """Return what follows from a change of an app that was made, a sentence each.

    Args:
        office: The services.
        reader: Who made it.
        name: The app's.
        before: Every app as they were.
        chosen_at: The scopes that lost it as their choice, or have it again.

    Raises:
        StorageError: The database did not answer.
    """
    team_id = reader.caller.team_id
    apps = await apps_of(office, team_id)
    was, now = before.get(name.casefold()), apps.get(name.casefold())
    stored = await office.storage.settings.get(team_id, scopes.WORKSPACE, *chosen_at)
    choice = {"app": name if was is not None else None}
    former = {scope: {**stored[scope].values, **choice} for scope in chosen_at}
    workspace = stored[scopes.WORKSPACE]
    states = (
        State(former.get(scopes.WORKSPACE, workspace.values), before, former),
        State(workspace.values, apps),
    )
    lines = await _elsewhere(office, reader, *states, workspace)
    if now is not None:
        known: Mapping[str, Json] = was.options if was is not None else {}
        lines += _unheard_of(known, now.options, language=reader.language)
    if was is not None and now is not None and was.key != now.key:
        lines.insert(0, FRESH_SESSIONS_NOW.say(reader.language))
    if any(_has_another_app(stored[scope], *states) for scope in chosen_at):
        lines.insert(0, replies.FRESH_SESSIONS.say(reader.language))
    return lines


async def _not_shared(office: Office, reader: Reader, draft: Draft) -> str:
    """Say what a memory that is to be shared now is not shared with; empty when there is nothing.

    Raises:
        StorageError: The database did not answer.
    """
    if "memory" not in draft.changed or draft.values.get("memory") != MemoryUse.SHARED:
        return ""
    channel_id = scopes.channel_of(draft.scope)
    if channel_id is None:
        return replies.NOT_PRIVATE_ONES.say(reader.language)
    channel = await office.directory.channel(reader.caller.team_id, channel_id)
    counts = scope_at(channel_id, MemoryUse.SHARED, channel=channel)
    return "" if counts == CHANNELS else replies.OWN_MEMORY.say(reader.language)


async def _elsewhere(
    office: Office, reader: Reader, before: State, after: State, *others: StoredSettings
) -> list[str]:
    """Return what is new in channels, and others, a sentence each.

    Named are those where options of their own are of no use any more, and those where quotas of
    tokens count nothing any more.

    Raises:
        StorageError: The database did not answer.
    """
    channels = await office.storage.settings.channels(reader.caller.team_id, limit=_MAX_CHANNELS)
    language = reader.language
    left_out, mute = list[str](), list[str]()
    for place in (*others, *channels):
        was, now = (_effective(_layers(place, state), state.apps) for state in (before, after))
        if now is None:
            continue
        where = replies.place(place.scope, language=language)
        if names := _newly_left_out(place, was, now):
            said = replies.LEFT_OUT_THERE.say(language, place=where, names=_named(names))
            left_out.append(said)
        own = {*place.values, *before.former.get(place.scope, ())}
        if _BEAR_ON_TOKENS & own and _is_newly_uncounted(was, now):
            mute.append(where)
    lines = list[str]()
    if left_out:
        places = _first(left_out, language=language)
        lines.append(replies.LEFT_OUT_ELSEWHERE.say(language, places=places))
    if mute:
        places = _first(mute, language=language)
        there = replies.TOKENS_UNCOUNTED_THERE.say(language, places=places)
        lines.append(uncounted(there, language=language))
    return lines


def _layers(place: StoredSettings, state: State) -> Layers:
    if place.scope == scopes.WORKSPACE:
        return Layers(workspace=state.workspace)
    # Of somebody's direct messages only the app is right, as a channel's.
    own = state.former.get(place.scope, place.values)
    return Layers(workspace=state.workspace, channel=own)


def _newly_left_out(place: StoredSettings, was: Effective | None, now: Effective) -> Sequence[str]:
    """Return what is set in a place and was of use there."""
    own = {*place.values, *candidate_options(place.values)}
    known = was.unused if was is not None else ()
    return [name for name in now.unused if name in own and name not in known]


def _has_another_app(place: StoredSettings, before: State, after: State) -> bool:
    was, now = (_effective(_layers(place, state), state.apps) for state in (before, after))
    return was is not None and now is not None and was.app.key != now.app.key


def _is_newly_uncounted(was: Effective | None, now: Effective) -> bool:
    """Whether tokens count nothing, but counted before, or other quotas held."""
    was_so = was is not None and has_uncounted_tokens(was) and was.quotas == now.quotas
    return has_uncounted_tokens(now) and not was_so


def _first(places: Sequence[str], *, language: Language) -> str:
    """Return the first of many places, and how many more there are."""
    more = replies.MORE_PLACES.say(language, count=len(places) - MAX_PLACES)
    return "; ".join([*places[:MAX_PLACES], *([more] if len(places) > MAX_PLACES else [])])


def _app(layers: Layers, apps: Apps) -> AppProfile | None:
    return apps.get(chosen_app(layers).casefold())


def _effective(layers: Layers, apps: Apps) -> Effective | None:
    app = _app(layers, apps)
    return resolve(layers, app=app) if app is not None else None


def _here(
    before: Effective | None,
    after: Effective | None,
    *,
    draft: Draft,
    language: Language,
) -> Iterator[str]:
    """Yield what is new in the place itself."""
    if after is None:
        return
    if before is not None and before.app.key != after.app.key:
        yield replies.FRESH_SESSIONS.say(language)
    known = {*before.unused} if before is not None else set[str]()
    new = {
        name: reason
        for name, reason in after.reasons.items()
        if (name not in known or name in draft.changed)
        and not (name in _COUNT_ELSEWHERE and draft.scope == scopes.WORKSPACE)
    }
    yield from _left_out(new, language=language)
    if _is_newly_uncounted(before, after):
        yield uncounted(language=language)


def _left_out(reasons: Mapping[str, Phrase], *, language: Language) -> Iterator[str]:
    """Yield what is left out, a sentence and its reason for all that share one."""
    for reason in dict.fromkeys(reasons.values()):
        names = [name for name, each in reasons.items() if each == reason]
        said = defuse(reason.say(language))
        yield replies.UNUSED_NOW.say(language, names=_named(names), reason=said)


def _delegates(draft: Draft) -> bool:
    """Whether the workspace lets channels configure themselves."""
    return draft.stored[scopes.WORKSPACE].values.get("delegate") is True


def _is_limited_besides(draft: Draft) -> bool:
    """Whether the workspace limits what each person of a channel uses."""
    workspace = draft.stored[scopes.WORKSPACE].values
    limits = (workspace.get(key) for key in HOLD_BESIDES)
    return draft.scope != scopes.WORKSPACE and any(isinstance(limit, int) for limit in limits)


def _unheard_of(
    before: Mapping[str, Json], after: Mapping[str, Json], *, language: Language
) -> Sequence[str]:
    """Return a warning of each option that is new and may be a slip of the hand."""
    new = unheard_of(
        name
        for name, value in after.items()
        if name not in before or (before[name] is None and value is not None)
    )
    return [
        replies.unheard_of(name, close=close, is_sent=after[name] is not None, language=language)
        for name, close in list(new.items())[:MAX_PLACES]
    ]


def uncounted(where: str = "", *, language: Language) -> str:
    """Say where token quotas count nothing, here unless it is said, and what to do."""
    return replies.TOKENS_UNCOUNTED.say(
        language,
        where=where or replies.TOKENS_UNCOUNTED_HERE.say(language),
        turns=replies.typeable("quota user turns", "50"),
        mode=replies.typeable("thoughts mode", "message_format_plus"),
    )


def _named(names: Sequence[str]) -> str:
    return ", ".join(code(command_of(name)) for name in names)
