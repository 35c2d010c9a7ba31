"""Everybody's tokens for plugins: kept for themselves alone, and never shown again."""

from collections.abc import Mapping, Sequence

from storage.secrets_at_rest import PERSONAL, Secrets


class PluginTokens:
    """Keeps tokens by whom they belong to and the plugin they are for; owns nothing.

    Nothing is remembered: a change holds from the next question on, in every process.

    Every method raises `storage.errors.StorageError` in its most specific form.

    Args:
        secrets: Where they are kept.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    async def of(
        self, team_id: str, user_id: str, tool_ids: Sequence[str]
    ) -> Mapping[str, str | None]:
        """Return a person's tokens for some plugins, by the plugin's id; those there are.

        Returns:
            None for a token that cannot be opened with the keys there are.
        """
        if not tool_ids:
            return {}
        tools = {_name(user_id, tool_id): tool_id for tool_id in tool_ids}
        found = await self._secrets.get_all(team_id, list(tools))
        return {tools[name]: token for name, token in found.items()}

    async def tools(self, team_id: str, user_id: str) -> Sequence[str]:
        """Return the ids of the plugins a person has tokens for, sorted."""
        prefix = _name(user_id, "")
        names = await self._secrets.names(team_id, prefix=prefix)
        return [name.removeprefix(prefix) for name in names]

    async def put(self, team_id: str, user_id: str, tool_id: str, *, token: str) -> None:
        """Keep a token, in place of the one there was.

        Raises:
            SecretsLocked: No key is set.
        """
        await self._secrets.put(team_id, _name(user_id, tool_id), token)

    async def remove(self, team_id: str, user_id: str, tool_id: str) -> None:
        """Forget a token, if there is one."""
        await self._secrets.remove(team_id, _name(user_id, tool_id))


def _name(user_id: str, tool_id: str) -> str:
    """Return what a token is kept under; neither an id of Slack nor one of a plugin has a `/`."""
    return f"{PERSONAL}{user_id}/{tool_id}"
