"""The bot in further workspaces, in both databases."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from storage.database import Storage
from storage.errors import SecretsLocked, SecretUnreadable
from storage.installations import NewInstallation
from storage.secrets_at_rest import BOT_TOKEN
from storage.tables import installation, secret
from tests.storage.sample import SECRET

OLD, NEW = "an old key that is quite long enough", "a new key that is quite long enough!"
AN_HOUR = timedelta(hours=1)
HERE = NewInstallation(
    team_id="T2",
    team_name="Second",
    url="https://second.example/",
    bot_user_id="UBOT2",
    bot_id="BBOT2",
    app_id="A1",
    scopes=("commands", "chat:write"),
    installed_by="U9",
    bot_token=SECRET,
)


@pytest.fixture
async def safe(url: str) -> AsyncIterator[Storage]:
    async with Storage(url, keys=[OLD]) as opened:
        yield opened


async def everything(storage: Storage) -> str:
    """Return all that is stored of installations, as text."""
    return await storage.read(
        lambda conn: str([conn.execute(sa.select(t)).all() for t in (installation, secret)])
    )


async def test_an_installation_is_found_in_its_workspace_alone(safe: Storage) -> None:
    assert await safe.installations.get("T2") is None
    await safe.installations.save(HERE)
    found = await safe.installations.get("T2")
    assert found is not None
    assert (found.bot_user_id, found.bot_id, found.app_id) == ("UBOT2", "BBOT2", "A1")
    assert (found.scopes, found.bot_token) == (("chat:write", "commands"), SECRET)
    assert abs(found.installed_at - datetime.now(UTC)) < AN_HOUR
    assert await safe.installations.get("T1") is None


async def test_its_token_is_neither_stored_nor_shown_in_the_clear(safe: Storage) -> None:
    await safe.installations.save(HERE)
    stored = await everything(safe)
    assert "UBOT2" in stored
    assert SECRET not in stored
    assert SECRET not in repr(HERE)
    assert SECRET not in repr(await safe.installations.get("T2"))


async def test_installing_again_takes_the_place_of_what_was_there(safe: Storage) -> None:
    await safe.installations.save(HERE)
    await safe.installations.save(replace(HERE, bot_token="a new one", bot_user_id="UBOT3"))
    found = await safe.installations.get("T2")
    assert found is not None
    assert (found.bot_token, found.bot_user_id) == ("a new one", "UBOT3")


async def test_what_is_removed_is_gone_with_its_token(safe: Storage) -> None:
    await safe.installations.save(HERE)
    later = datetime.now(UTC) + AN_HOUR
    assert await safe.installations.remove("T2", until=later)
    assert await safe.installations.get("T2") is None
    assert await safe.secrets.names("T2", prefix="") == []
    assert not await safe.installations.remove("T2", until=later)


async def test_a_removal_that_is_heard_of_late_leaves_the_new_installation(safe: Storage) -> None:
    await safe.installations.save(HERE)
    assert not await safe.installations.remove("T2", until=datetime.now(UTC) - AN_HOUR)
    assert await safe.installations.get("T2") is not None


async def test_a_token_is_sealed_anew_with_the_other_secrets(url: str, safe: Storage) -> None:
    await safe.installations.save(HERE)
    async with Storage(url, keys=[NEW, OLD], exclusive=False) as rotating:
        assert await rotating.secrets.reencrypt() == (1, [])
    async with Storage(url, keys=[NEW], exclusive=False) as rotated:
        found = await rotated.installations.get("T2")
        assert found is not None
        assert found.bot_token == SECRET


async def test_housekeeping_leaves_tokens_alone(safe: Storage) -> None:
    await safe.installations.save(HERE)
    await safe.secrets.put("T2", "app/unused", "x")
    assert await safe.secrets.prune(older_than_s=-1, limit=9) == 1
    assert await safe.secrets.names("T2", prefix="") == [BOT_TOKEN]


async def test_without_a_fitting_key_no_installation_is_kept_or_used(url: str) -> None:
    async with Storage(url) as locked:
        with pytest.raises(SecretsLocked):
            await locked.installations.save(HERE)
        assert await locked.installations.get("T2") is None
    async with Storage(url, keys=[OLD]) as storage:
        await storage.installations.save(HERE)
    async with Storage(url, keys=[NEW]) as other:
        with pytest.raises(SecretUnreadable):
            await other.installations.get("T2")
    async with Storage(url) as locked:
        with pytest.raises(SecretsLocked):
            await locked.installations.get("T2")
