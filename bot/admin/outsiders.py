"""What guests and people of other workspaces see: what is theirs, and not what the workspace set.

The bot's command can be typed wherever the bot is, also by people whom a channel is shared with
(Slack Connect) and by guests. What they may change is decided in `access`, for each scope.
"""

from bot.admin import replies, scopes
from bot.admin.office import Office
from bot.admin.ports import Visit
from bot.admin.replies import Refused
from bot.admin.shown_settings import effective_at
from bot.core.commands import Command, Do, Read, Unknown, Verb
from bot.core.policy import Circle, circle_of
from bot.core.screens import Caller
from bot.core.setting import Level

_WORKSPACES_OWN = frozenset({"system", "biz_params", "more"})
"""Settings that hold the workspace's own words."""


async def need_insight(
    office: Office, visit: Visit, command: Command, *, scope: str, is_own: bool
) -> None:
    """Go on only with a command whose answer is for the caller's eyes.

    People of other workspaces get help, and what is their own where they may ask; guests learn what
    answers where they are, and no more of the workspace's apps, instructions and variables, unless
    the channel is theirs to configure.

    Args:
        office: The services.
        visit: Who typed it, and where.
        command: What they want.
        scope: What it is about.
        is_own: Whether it is about the caller's own memory.

    Raises:
        Refused: It is not.
        SlackError: Slack did not say who they are.
        StorageError: The database did not answer.
    """
    match await _circle(office, visit.caller), command:
        case (Circle.WORKSPACE, _) | (_, Unknown() | Do(Verb.HELP)):
            return
        case (Circle.OUTSIDE, Do(Verb.TOKENS | Verb.NEW)):
            await _need_asking(office, visit)
        case (Circle.OUTSIDE, _):
            if not is_own:
                raise Refused(replies.ONLY_OWN_PEOPLE.say(visit.language))
            await _need_asking(office, visit)
        case (Circle.GUESTS, _):
            tells = _tells_of_workspace(command, scope=scope)
            if tells and not await _manages(office, visit.caller, scope):
                raise Refused(replies.ONLY_OWN_PEOPLE.say(visit.language))


async def need_insight_to_press(office: Office, visit: Visit) -> None:
    """Go on with a press only for somebody of the workspace, or who may ask where they are.

    What a button shows of the workspace is for those with rights, which are asked for there.

    Raises:
        Refused: They are of another workspace, and may not ask.
        SlackError: Slack did not say who they are.
        StorageError: The database did not answer.
    """
    if await _circle(office, visit.caller) is Circle.OUTSIDE:
        await _need_asking(office, visit)


async def _circle(office: Office, caller: Caller) -> Circle:
    """Return where somebody stands; whom the operator named stands with the workspace's own."""
    found = await _known_circle(office, caller)
    if found is Circle.WORKSPACE or await office.access.is_admin(caller, fresh=False):
        return Circle.WORKSPACE
    # Rights were asked of Slack just now: nobody is refused for what they were an hour ago.
    return await _known_circle(office, caller)


async def _known_circle(office: Office, caller: Caller) -> Circle:
    person = await office.directory.person(caller.team_id, caller.user_id, fresh=False)
    return circle_of(person, team_id=caller.team_id, user_team_id=caller.user_team_id)


async def _need_asking(office: Office, visit: Visit) -> None:
    effective, _ = await effective_at(office, visit, scopes.here(visit.caller))
    why = await office.access.why_not_ask(visit.caller, who=effective.who)
    if why is not None:
        raise Refused(why.say(visit.language))


async def _manages(office: Office, caller: Caller, scope: str) -> bool:
    if scopes.level_of(scope) is not Level.CHANNEL:
        return False
    return (await office.access.standing(caller, scope, fresh=False)).may_change


def _tells_of_workspace(command: Command, *, scope: str) -> bool:
    match command:
        case Do(Verb.SHOW):
            return True
        case Do(Verb.APPS, rest):  # all else is for admins, and says so
            return rest.casefold().split()[:1] in ([], ["list"])
        case Do(Verb.CONFIG):  # in direct messages it is about the app alone, and open ones
            return scopes.level_of(scope) is not Level.USER
        case Read(setting):
            return setting.key in _WORKSPACES_OWN
        case _:
            return False
