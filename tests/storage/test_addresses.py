"""What a database's address may say, and what is said of one that cannot be right."""

import pytest

from storage import schema
from storage.database import parse_url
from storage.errors import StorageError, StorageUnavailable
from tests.postgres import TempPostgres

SQLITE, POSTGRESQL = "sqlite+aiosqlite", "postgresql+asyncpg"


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///data/bot.db", SQLITE),
        ("sqlite+aiosqlite:///data/bot.db", SQLITE),
        ("postgres://bot@host/bot", POSTGRESQL),
        ("postgresql://bot@host/bot", POSTGRESQL),
        ("postgresql+asyncpg://bot@host/bot", POSTGRESQL),
    ],
)
def test_an_address_without_a_driver_means_the_one_there_is(url: str, driver: str) -> None:
    assert parse_url(url).drivername == driver


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("bot.db", "not a database URL"),
        ("mysql://bot:hush@host/bot", "must begin with"),
        ("postgresql+psycopg://bot:hush@host/bot", "must begin with"),
        ("sqlite+aiosqlite://", "must name a file"),
        ("postgresql://bot:hush@host:port/bot", "the port is no number"),
        ("postgresql://bot:hush@host:99999/bot", "the port must be from 1 to 65535"),
        ("postgresql://bot:hu@sh@host/bot", "`%40`"),
        ("postgresql://bot:hush@host/bot?channel_binding=hush", "leave channel_binding out"),
        ("postgresql://bot:hush@/bot?host=host&port=99999", "leave port out"),
    ],
)
def test_an_address_that_cannot_be_right_is_told_in_words_without_its_password(
    url: str, said: str
) -> None:
    with pytest.raises(StorageError, match=said) as caught:
        parse_url(url)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("word", ["ssl", "sslmode"])
async def test_tls_is_had_as_the_address_asks_or_there_is_no_connection(
    postgres: TempPostgres, word: str
) -> None:
    url = postgres.url("postgres")  # it has no certificate
    assert await schema.current(f"{url}?{word}=disable") is None
    assert await schema.current(f"{url}?{word}=prefer") is None
    with pytest.raises(StorageUnavailable, match="rejected SSL"):
        await schema.current(f"{url}?{word}=require")
    with pytest.raises(StorageUnavailable, match="No such file"):
        await schema.current(f"{url}?{word}=verify-full&sslrootcert=no-such-file")


async def test_a_host_may_be_named_behind_the_question_mark(postgres: TempPostgres) -> None:
    url = postgres.url("postgres").replace("127.0.0.1", "")
    assert await schema.current(f"{url}?host=127.0.0.1&sslmode=disable") is None
