"""Setting, taking away and resetting values."""

from bot.admin import replies, scopes
from bot.admin.access import ADMINS_OWN, Standing
from bot.admin.app_choice import chosen
from bot.admin.appointing import UNFIT, UNTOLD, doubts_about
from bot.admin.audit_lines import changed_values, joined, sides, value_shown
from bot.admin.changing import Draft, Values, bad_value, change
from bot.admin.consequences import consequences
from bot.admin.inviting import invitation
from bot.admin.marks import code
from bot.admin.office import Office
from bot.admin.ports import Press, Visit
from bot.admin.replies import Refused, typeable
from bot.admin.undoing import undo_button
from bot.core.json_value import Json
from bot.core.pasted_keys import KEPT_OUT
from bot.core.screens import Button, Notice
from bot.core.setting import SETTINGS, Level, Setting
from bot.errors import BadValue

MAX_CHANGES_CHARS = 4_000
"""Of a notice, what was changed takes at most this much."""


async def write(
    office: Office, visit: Visit, setting: Setting, *, typed: str, scope: str
) -> Notice:
    """Give a setting a value.

    Raises:
        Refused: The caller may not, the setting is not for this place, or the value cannot be.
        SlackError: Slack did not say who the caller is.
        StorageError: The database did not answer.
    """
    standing = await _need_change(office, visit, setting, scope=scope)
    value = _read(visit, setting, typed)
    if setting.shape == "app":
        app = await chosen(office, visit, str(value), scope=scope, is_admin=standing.is_admin)
        value = app.name
    if setting.key == "managers":
        await _need_people(office, visit, setting, value)

    def put(values: Values) -> Values:
        return {**values, setting.key: value}

    made = await change(office, visit, scope, edit=put)
    if made.before.get(setting.key) == value:
        shown = value_shown(setting, value)
        text = replies.UNCHANGED.say(visit.language, name=code(setting.command), value=shown)
        lines = [text, await invitation(office, visit, scope=scope)]
        return Notice("\n\n".join(filter(None, lines)))
    return await _made(office, visit, made, setting=setting)


async def drop(office: Office, visit: Visit, setting: Setting, *, scope: str) -> Notice:
    """Take a setting's own value away; raises as `write` does."""
    await _need_change(office, visit, setting, scope=scope)

    def take(values: Values) -> Values:
        return {key: value for key, value in values.items() if key != setting.key}

    made = await change(office, visit, scope, edit=take)
    if setting.key not in made.before:
        nothing = replies.NOT_SET.say(visit.language)
        name = code(setting.command)
        return Notice(replies.UNCHANGED.say(visit.language, name=name, value=nothing))
    return await _made(office, visit, made, setting=setting)


async def offer_reset(office: Office, visit: Visit, *, scope: str) -> Notice:
    """Return what is set here, with a button that takes all of it away.

    Raises:
        StorageError: The database did not answer.
    """
    stored = await office.choices.stored(visit.caller.team_id, scope)
    own = [key for key in SETTINGS if key in stored[scope].values]
    if not own:
        return Notice(replies.NOTHING_TO_RESET.say(visit.language))
    names = ", ".join(code(SETTINGS[key].command) for key in own)
    one = typeable("reset", SETTINGS[own[0]].command, scope=scope)
    button = Button(
        "reset",
        replies.RESET_ALL.say(visit.language),
        scope,  # a notice that cannot be shown here goes to direct messages
        style="danger",
        confirm=replies.RESET_SURE.say(visit.language),
    )
    return Notice(replies.RESET_WHAT.say(visit.language, names=names, one=one), (button,))


async def reset_pressed(office: Office, visit: Visit, press: Press) -> Notice:
    """Take away what was set at the scope a button names; raises as `write` does."""
    if press.value not in {scopes.WORKSPACE, scopes.here(visit.caller)}:
        raise Refused(replies.unknown_button(visit.language))
    return await reset_all(office, visit, scope=press.value)


async def reset_all(office: Office, visit: Visit, *, scope: str) -> Notice:
    """Take every own value away; raises as `write` does.

    What only admins change stays when somebody else does this.
    """
    standing = await office.access.need_change(visit, scope)

    def keep(values: Values) -> Values:
        kept = frozenset[str]() if standing.is_admin else ADMINS_OWN
        return {key: value for key, value in values.items() if key in kept}

    made = await change(office, visit, scope, edit=keep)
    before, after = made.before, made.values
    if before == after:
        return Notice(replies.NOTHING_TO_RESET.say(visit.language))
    changes = changed_values(before, after, language=visit.language)
    text = replies.RESETTED.say(visit.language, names=joined(changes, most_chars=MAX_CHANGES_CHARS))
    return await _told(office, visit, made, changes=text)


async def _need_change(office: Office, visit: Visit, setting: Setting, *, scope: str) -> Standing:
    """Go on only when the setting can be set in a scope, and by the caller."""
    level = scopes.level_of(scope)
    if level not in setting.levels:
        raise Refused(elsewhere(visit, setting, level=level))
    standing = await office.access.need_change(visit, scope)
    if setting.key in ADMINS_OWN and not standing.is_admin:
        raise Refused(replies.ONLY_ADMINS.say(visit.language))
    return standing


async def _need_people(office: Office, visit: Visit, setting: Setting, value: Json) -> None:
    """Go on only when everybody who is named is known to be fit to manage a channel."""
    doubts = await doubts_about(office, visit.caller.team_id, value)
    if doubts.unfit:
        reason = UNFIT.say(visit.language)
        raise Refused(bad_value(visit, setting, ", ".join(doubts.unfit), reason=reason))
    if doubts.untold:
        raise Refused(UNTOLD.say(visit.language, names=code(", ".join(doubts.untold))))


def elsewhere(visit: Visit, setting: Setting, *, level: Level) -> str:
    """Say where a setting is set that does not exist at a level."""
    name = code(setting.command)
    workspace = typeable("workspace", setting.command, "…")
    match level:
        case Level.USER if Level.WORKSPACE in setting.levels:
            own = typeable("app", "NAME")
            return replies.ONLY_APP_IN_DM.say(visit.language, command=own, workspace=workspace)
        case Level.USER | Level.WORKSPACE:
            return replies.ONLY_CHANNEL.say(visit.language, name=name)
        case Level.CHANNEL:
            return replies.ONLY_WORKSPACE.say(visit.language, name=name, command=workspace)


def _read(visit: Visit, setting: Setting, typed: str) -> Json:
    try:
        return setting.read(typed)
    except BadValue as error:
        reason = error.phrase.say(visit.language, **error.values)
        shown = "…" if error.phrase is KEPT_OUT else typed
        raise Refused(bad_value(visit, setting, shown, reason=reason)) from None


async def _made(office: Office, visit: Visit, made: Draft, *, setting: Setting) -> Notice:
    before, after = sides(setting.key, made.before, made.values, language=visit.language)
    changed = replies.CHANGED.say(
        visit.language,
        label=setting.label.say(visit.language),
        name=code(setting.command),
        before=before,
        after=after,
    )
    return await _told(office, visit, made, changes=changed)


async def _told(office: Office, visit: Visit, made: Draft, *, changes: str) -> Notice:
    """Return what every change is answered with: what, where, for whom, from when."""
    scope = made.scope
    lines = [
        changes,
        replies.reach(scope, changed=made.changed, language=visit.language),
        *await consequences(office, visit, made),
    ]
    return Notice("\n\n".join(lines), await undo_button(office, visit, scope=scope))
