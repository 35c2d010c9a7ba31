"""`dashscope-slack db reencrypt`."""

import asyncio
from pathlib import Path

import pytest

from bot.__main__ import BAD_SETTINGS, FAILED, main
from storage import schema
from storage.database import Storage

OLD, NEW, LOST = (name * 8 for name in ("old-", "new-", "lost"))


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ENCRYPTION_KEYS", f"{NEW},{OLD}")
    return url


def keep(url: str, name: str, *, key: str) -> None:
    async def put() -> None:
        async with Storage(url, keys=[key]) as storage:
            await storage.secrets.put("T1", name, name)

    asyncio.run(schema.upgrade(url))
    asyncio.run(put())


def kept(url: str, name: str, *, key: str) -> str | None:
    async def get() -> str | None:
        async with Storage(url, keys=[key]) as storage:
            return await storage.secrets.get("T1", name)

    return asyncio.run(get())


def status() -> object:
    with pytest.raises(SystemExit) as caught:
        main(["db", "reencrypt"])
    return caught.value.code


def test_afterwards_the_new_key_is_enough(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    keep(url, "one", key=OLD)
    keep(url, "two", key=NEW)
    assert status() == 0
    assert capsys.readouterr().out == "2 sealed with the first key, 0 unreadable\n"
    assert [kept(url, name, key=NEW) for name in ("one", "two")] == ["one", "two"]


def test_unreadable_secrets_are_counted_and_named_and_fail_the_command(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(url, "one", key=OLD)
    keep(url, "two", key=LOST)
    assert status() == FAILED
    out, err = capsys.readouterr()
    assert out == "1 sealed with the first key, 1 unreadable\n"
    assert err == "unreadable: two of T1\n"
    assert kept(url, "two", key=LOST) == "two"


@pytest.mark.usefixtures("url")
def test_without_a_key_it_says_which_variable_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ENCRYPTION_KEYS")
    assert status() == BAD_SETTINGS
    assert "ENCRYPTION_KEYS is missing" in capsys.readouterr().err


@pytest.mark.usefixtures("url")
def test_an_empty_database_is_to_be_upgraded_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert status() == FAILED
    assert "db upgrade" in capsys.readouterr().err
