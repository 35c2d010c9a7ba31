"""What holds where: settings and apps as they are stored, put together."""

from collections.abc import Mapping
from dataclasses import replace

from bot.admin import scopes
from bot.core.app_addresses import may_take_bot_key
from bot.core.policy import may_configure_workspace
from bot.core.question import AppKind, AppProfile
from bot.core.resolution import Effective, Layers, chosen_app, resolve
from bot.core.screens import Directory
from bot.core.setting import DEFAULT_APP, Level
from bot.errors import UnknownApp
from storage.database import Storage
from storage.errors import SecretUnreadable
from storage.records import StoredApp, StoredSettings


class KeyHeldBack(SecretUnreadable):
    """The app has no key of its own, and the bot's must not be sent to its address."""


class Choices:
    """Answers which app is asked where, and how.

    Nothing is remembered: a change holds from the next message on, in every process.

    Args:
        storage: Holds what was set.
        default_app: The app called `default`.
        directory: Knows who is an admin; without it only `admins` are.
        admins: The user ids that are admins besides the workspace's own.
    """

    def __init__(
        self,
        storage: Storage,
        default_app: AppProfile,
        *,
        directory: Directory | None = None,
        admins: frozenset[str] = frozenset(),
    ) -> None:
        self._storage = storage
        self._default = replace(default_app, name=DEFAULT_APP)
        self._directory = directory
        self._admins = admins

    @property
    def default_app(self) -> AppProfile:
        """The app called `default`."""
        return self._default

    async def of(self, team_id: str, channel_id: str, user_id: str) -> Effective:
        """Return what holds for a question of this user in this channel.

        Raises:
            UnknownApp: The chosen app does not exist any more.
            SecretsLocked: Its key is stored, and there is nothing to open it with.
            SecretUnreadable: Its key is stored, and cannot be opened; as KeyHeldBack, it has none,
                and the bot's own must not go to its address.
            StorageError: The database did not answer.
        """
        layers = await self.layers(team_id, scopes.at(channel_id, user_id=user_id))
        app, layers = await self.answering(team_id, layers, user_id=user_id)
        return resolve(layers, app=app)

    async def layers(self, team_id: str, scope: str) -> Layers:
        """Return what is set for a scope, in one read.

        Raises:
            StorageError: The database did not answer.
        """
        return layers_at(scope, stored=await self.stored(team_id, scope))

    async def stored(self, team_id: str, scope: str) -> Mapping[str, StoredSettings]:
        """Return the workspace's settings and those of a scope, by scope.

        Raises:
            StorageError: The database did not answer.
        """
        return await self._storage.settings.get(team_id, scopes.WORKSPACE, scope)

    async def profile(self, team_id: str, name: str, *, with_key: bool = True) -> AppProfile:
        """Return an app by its name, in any case.

        Args:
            team_id: The workspace it is registered in.
            name: What people call it.
            with_key: Whether its key is needed; without, the profile's key is empty.

        Raises:
            UnknownApp: No app has that name.
            SecretsLocked: Its key is stored, and there is nothing to open it with.
            SecretUnreadable: Its key is stored, and cannot be opened.
            StorageError: The database did not answer.
        """
        if name.casefold() == DEFAULT_APP:
            return self._default
        app = await self._storage.apps.get(team_id, name)
        if app is None:
            raise UnknownApp(name)
        key = await self._key(team_id, app) if with_key else ""
        return profile_of(app, api_key=key, default_base_url=self._default.base_url)

    async def answering(
        self, team_id: str, layers: Layers, *, user_id: str, with_key: bool = True
    ) -> tuple[AppProfile, Layers]:
        """Return the app that layers choose, and the layers that count.

        A user's own choice counts only while the app is open to them.

        Raises:
            UnknownApp: There is no such app.
            SecretsLocked: As in `profile`, the next as well.
            SecretUnreadable: The same.
            StorageError: The database did not answer.
        """
        if layers.user:
            # Without its key, which may be gone for an app that does not count.
            own = await self.profile(team_id, chosen_app(layers), with_key=False)
            if not await self.may_choose(team_id, user_id, own):
                layers = replace(layers, user={})
        return await self.profile(team_id, chosen_app(layers), with_key=with_key), layers

    async def may_choose(self, team_id: str, user_id: str, app: AppProfile) -> bool:
        """Whether a user may have an app answer in their direct messages. Never raises."""
        if app.is_open or app.name == DEFAULT_APP or user_id in self._admins:
            return True
        if self._directory is None:
            return False
        person = await self._directory.person(team_id, user_id, fresh=False)
        is_foreign = person is not None and person.team_id not in {"", team_id}
        return not is_foreign and may_configure_workspace(person, admins=self._admins)

    async def _key(self, team_id: str, app: StoredApp) -> str:
        if app.secret_name is None:
            if not may_take_bot_key(app.base_url, default_base_url=self._default.base_url):
                raise KeyHeldBack
            return self._default.api_key
        key = await self._storage.secrets.get(team_id, app.secret_name)
        if key is None:
            raise SecretUnreadable
        return key


def closed_choice(before: Layers, after: Layers) -> str:
    """Return the app a user chose that is not open to them any more; empty without one.

    Args:
        before: What is set.
        after: What counts of it, as `Choices.answering` says.
    """
    return "" if after.user else str(before.user.get("app", ""))


def layers_at(scope: str, *, stored: Mapping[str, StoredSettings]) -> Layers:
    """Return the layers of a scope; of what a user sets for themselves, only the app is one."""
    workspace, own = stored[scopes.WORKSPACE].values, stored[scope].values
    match scopes.level_of(scope):
        case Level.WORKSPACE:
            return Layers(workspace=workspace)
        case Level.CHANNEL:
            return Layers(workspace=workspace, channel=own)
        case Level.USER:
            own_app = {"app": own["app"]} if "app" in own else {}
            return Layers(workspace=workspace, user=own_app, is_direct=True)


def profile_of(app: StoredApp, *, api_key: str, default_base_url: str) -> AppProfile:
    """Return a stored app as the rest of the bot knows it.

    Args:
        app: As it is stored.
        api_key: Its key; empty where none is needed.
        default_base_url: Where the bot's own app is asked.
    """
    return AppProfile(
        name=app.name,
        app_id=app.app_id,
        kind=AppKind(app.kind),
        base_url=app.base_url,
        api_key=api_key,
        workspace=app.workspace,
        options=app.options,
        is_open=app.is_open,
        # Any other host is an admin's choice, and admins are promised never to see a token.
        takes_tokens=may_take_bot_key(app.base_url, default_base_url=default_base_url),
    )
