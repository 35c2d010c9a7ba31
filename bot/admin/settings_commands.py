"""Setting, taking away and resetting values."""

from collections.abc import Mapping

from bot.admin import replies
from bot.admin.access import ADMINS_OWN, Standing
from bot.admin.app_choice import chosen
from bot.admin.audit_lines import changed_values, joined, value_shown
from bot.admin.changing import (
    Made,
    Target,
    Values,
    bad_value,
    change,
    made_text,
    target_of,
)
from bot.admin.marks import code
from bot.admin.office import Office
from bot.admin.ports import Visit
from bot.admin.replies import Refused, typeable
from bot.admin.undoing import undo_button
from bot.core.json_value import Json
from bot.core.screens import Button, Notice
from bot.core.setting import SETTINGS, Level, Setting
from bot.errors import BadValue
from storage.journal import SETTINGS as SETTINGS_SUBJECT

MAX_CHANGES_CHARS = 4_000
"""Of a notice, what was changed takes at most this much."""


async def write(
    office: Office, visit: Visit, setting: Setting, *, typed: str, for_workspace: bool
) -> Notice:
    """Give a setting a value.

    Raises:
        Refused: The caller may not, the setting is not for this place, or the value cannot be.
        SlackError: Slack did not say who the caller is.
        StorageError: The database did not answer.
    """
    target = await _allowed_target(office, visit, setting, for_workspace=for_workspace)
    value = _read(visit, setting, typed)
    if setting.shape == "app":
        app = await chosen(office, visit, str(value), scope=target.scope)
        value = app.name

    def put(values: Values) -> Values:
        return {**values, setting.key: value}

    made = await change(office, visit, target.scope, edit=put)
    if made.before.get(setting.key) == value:
        shown = value_shown(setting, value)
        text = replies.UNCHANGED.say(visit.language, name=code(setting.command), value=shown)
        return await _with_invitation(office, visit, [text], target=target)
    return await _made(office, visit, made, setting=setting, target=target)


async def drop(office: Office, visit: Visit, setting: Setting, *, for_workspace: bool) -> Notice:
    """Take a setting's own value away; raises as `write` does."""
    target = await _allowed_target(office, visit, setting, for_workspace=for_workspace)

    def take(values: Values) -> Values:
        return {key: value for key, value in values.items() if key != setting.key}

    made = await change(office, visit, target.scope, edit=take)
    if setting.key not in made.before:
        nothing = replies.NOT_SET.say(visit.language)
        name = code(setting.command)
        return Notice(replies.UNCHANGED.say(visit.language, name=name, value=nothing))
    return await _made(office, visit, made, setting=setting, target=target)


async def offer_reset(office: Office, visit: Visit, *, for_workspace: bool) -> Notice:
    """Return what is set here, with a button that takes all of it away.

    Raises:
        StorageError: The database did not answer.
    """
    target = target_of(visit.caller, for_workspace=for_workspace)
    caller = visit.caller
    stored = await office.choices.stored(caller.team_id, caller.channel_id, caller.user_id)
    own = [key for key in SETTINGS if key in stored[target.scope].values]
    if not own:
        return Notice(replies.NOTHING_TO_RESET.say(visit.language))
    names = ", ".join(code(SETTINGS[key].command) for key in own)
    one = typeable("reset", SETTINGS[own[0]].command, scope=target.scope)
    button = Button(
        "reset",
        replies.RESET_ALL.say(visit.language),
        target.scope,  # a notice that cannot be shown here goes to direct messages
        style="danger",
        confirm=replies.RESET_SURE.say(visit.language),
    )
    return Notice(replies.RESET_WHAT.say(visit.language, names=names, one=one), (button,))


async def reset_all(office: Office, visit: Visit, *, for_workspace: bool) -> Notice:
    """Take every own value away; raises as `write` does.

    What only admins change stays when somebody else does this.
    """
    target = target_of(visit.caller, for_workspace=for_workspace)
    standing = await _standing(office, visit, target)

    def keep(values: Values) -> Values:
        kept = frozenset[str]() if standing.is_admin else ADMINS_OWN
        return {key: value for key, value in values.items() if key in kept}

    made = await change(office, visit, target.scope, edit=keep)
    if made.before == made.after:
        return Notice(replies.NOTHING_TO_RESET.say(visit.language))
    changes = changed_values(made.before, made.after, language=visit.language)
    text = replies.RESETTED.say(visit.language, names=joined(changes, most_chars=MAX_CHANGES_CHARS))
    lines = made_text(visit, made, target.scope, changes=[text])
    return Notice("\n\n".join(lines), await _undo(office, visit, target))


async def _allowed_target(
    office: Office, visit: Visit, setting: Setting, *, for_workspace: bool
) -> Target:
    """Return where the caller may change a setting."""
    target = target_of(visit.caller, for_workspace=for_workspace)
    if target.level not in setting.levels:
        raise Refused(elsewhere(visit, setting, level=target.level))
    standing = await _standing(office, visit, target)
    if setting.key in ADMINS_OWN and not standing.is_admin:
        raise Refused(replies.ONLY_ADMINS.say(visit.language))
    return target


async def _standing(office: Office, visit: Visit, target: Target) -> Standing:
    standing = await office.access.standing(visit.caller, target.scope, fresh=True)
    if not standing.may_change:
        raise Refused(replies.refused(target.scope, language=visit.language))
    return standing


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
        values: Mapping[str, object] = error.values
        text = bad_value(visit, setting, typed, reason=error.phrase, **values)
        raise Refused(text) from None


async def _made(
    office: Office, visit: Visit, made: Made, *, setting: Setting, target: Target
) -> Notice:
    sides = (
        value_shown(setting, values[setting.key])
        if setting.key in values
        else replies.NOT_SET.say(visit.language)
        for values in (made.before, made.after)
    )
    before, after = sides
    changed = replies.CHANGED.say(
        visit.language,
        label=setting.label.say(visit.language),
        name=code(setting.command),
        before=before,
        after=after,
    )
    lines = made_text(visit, made, target.scope, changes=[changed])
    return await _with_invitation(
        office, visit, lines, target=target, buttons=await _undo(office, visit, target)
    )


async def _undo(office: Office, visit: Visit, target: Target) -> tuple[Button, ...]:
    return await undo_button(
        office.storage,
        visit.caller,
        subject=SETTINGS_SUBJECT,
        language=visit.language,
        scope=target.scope,
    )


async def _with_invitation(
    office: Office,
    visit: Visit,
    lines: list[str],
    *,
    target: Target,
    buttons: tuple[Button, ...] = (),
) -> Notice:
    """Return a notice that also says how the bot gets into a channel it is not in."""
    invitation = ""
    if target.level is Level.CHANNEL:
        channel = await office.directory.channel(visit.caller.team_id, visit.caller.channel_id)
        bot = (await office.bots.in_team(visit.caller.team_id)).user_id
        name = f"<@{bot}>" if bot else replies.ME.say(visit.language)
        if channel is None:
            invitation = replies.INVITE_UNSEEN.say(visit.language, bot=name)
        elif not channel.is_member:
            invitation = replies.INVITE.say(visit.language, bot=name)
    return Notice("\n\n".join(filter(None, [*lines, invitation])), buttons)
