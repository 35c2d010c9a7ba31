"""The undo button takes one's own change back, and no other."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.admin.changing import change
from bot.admin.choices import Choices
from bot.admin.office import Office
from bot.admin.undoing import undo_button
from bot.core.json_value import Json
from bot.core.question import AppProfile
from storage.journal import SETTINGS
from tests.unit.admin.desk import (
    ADMIN,
    DEFAULT,
    MEMBER,
    TEAM,
    Town,
    put_app,
    visit,
)

HERE = "channel:C1"


async def set_here(office: Office, values: dict[str, Json], *, by: str) -> int:
    version = (await office.storage.settings.get(TEAM, HERE))[HERE].version
    await office.storage.settings.change(TEAM, HERE, values=values, expected_version=version, by=by)
    entry = await office.storage.audit.last(TEAM, HERE)
    assert entry is not None
    return entry.id


async def undone_by(office: Office, user_id: str, *, subject: str = SETTINGS) -> list[str]:
    buttons = await undo_button(office, visit(user_id), subject=subject, scope=HERE)
    return [button.value for button in buttons]


async def test_the_button_names_the_callers_own_newest_change(office: Office) -> None:
    await set_here(office, {"language": "zh"}, by=ADMIN)
    own = await set_here(office, {"language": "en"}, by=ADMIN)
    theirs = await set_here(office, {"follow": "thread"}, by=MEMBER)
    assert await undone_by(office, ADMIN) == [str(own)]
    assert await undone_by(office, MEMBER) == [str(theirs)]


async def test_a_change_of_something_else_is_not_what_the_button_undoes(office: Office) -> None:
    await set_here(office, {"language": "zh"}, by=ADMIN)
    assert await undone_by(office, ADMIN, subject="app:docs") == []


async def test_without_a_change_of_ones_own_there_is_no_button(office: Office) -> None:
    await set_here(office, {"language": "zh"}, by=ADMIN)
    await put_app(office, "Shop")
    assert await undone_by(office, MEMBER) == []


class Meddling(Choices):
    """Choices during whose first look somebody else changes the settings."""

    meddle: Callable[[], Awaitable[object]] | None = None

    async def profile(self, team_id: str, name: str, *, with_key: bool = True) -> AppProfile:
        if self.meddle is not None:
            meddle, self.meddle = self.meddle, None
            await meddle()
        return await super().profile(team_id, name, with_key=with_key)


async def test_what_somebody_else_changed_meanwhile_is_not_lost(office: Office, town: Town) -> None:
    choices = Meddling(office.storage, DEFAULT, directory=town, admins=frozenset())
    choices.meddle = lambda: set_here(office, {"language": "zh"}, by=MEMBER)
    slow = replace(office, choices=choices)
    await change(slow, visit(), HERE, edit=lambda own: {**own, "follow": "thread"})
    stored = (await office.storage.settings.get(TEAM, HERE))[HERE]
    assert (stored.values, stored.version) == ({"language": "zh", "follow": "thread"}, 2)
