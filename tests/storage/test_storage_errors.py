"""Every error of the database library has a place in storage's own tree."""

import asyncio
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from storage.database import Storage
from storage.errors import StorageConflict, StorageError, StorageUnavailable, storage_errors
from tests.storage.sample import SECRET


def family(root: type[Exception]) -> Iterator[type[Exception]]:
    yield root
    for child in root.__subclasses__():
        yield from family(child)


def sample_of(kind: type[Exception]) -> Exception:
    if issubclass(kind, exc.DBAPIError):
        return kind("SELECT 1", {"text": SECRET}, Exception("reason"))
    if issubclass(kind, exc.StatementError):
        return kind("reason", "SELECT 1", {"text": SECRET}, Exception("reason"))
    error = kind.__new__(kind)  # the others' constructors all differ
    error.args = ("reason",)
    return error


OWN = [kind for kind in family(exc.SQLAlchemyError) if kind.__module__ == "sqlalchemy.exc"]


@pytest.mark.parametrize("kind", sorted(set(OWN), key=str))
def test_every_error_of_sqlalchemy_becomes_one_of_storages(kind: type[Exception]) -> None:
    with pytest.raises(StorageError) as caught, storage_errors():
        raise sample_of(kind)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (exc.IntegrityError, StorageConflict),
        (exc.ProgrammingError, StorageError),
        (exc.DataError, StorageError),
        (exc.OperationalError, StorageUnavailable),
        (exc.InterfaceError, StorageUnavailable),
        (exc.DBAPIError, StorageUnavailable),
        (exc.TimeoutError, StorageUnavailable),
        (exc.ResourceClosedError, StorageError),
        (TimeoutError, StorageUnavailable),
        (ConnectionRefusedError, StorageUnavailable),
    ],
)
def test_an_error_that_does_not_blame_the_statement_means_unavailable(
    kind: type[Exception], expected: type[StorageError]
) -> None:
    with pytest.raises(StorageError) as caught, storage_errors():
        raise sample_of(kind)
    assert type(caught.value) is expected


def test_other_errors_pass_unchanged() -> None:
    with pytest.raises(LookupError), storage_errors():
        raise LookupError


async def test_a_refused_statement_does_not_tell_its_parameters(storage: Storage) -> None:
    def fail(conn: sa.Connection) -> None:
        conn.execute(sa.text("SELECT :text FROM no_such_table"), {"text": SECRET})

    with pytest.raises(StorageError) as caught:
        await storage.run(fail)
    assert SECRET not in str(caught.value)
    assert SECRET not in str(caught.value.__cause__)


async def test_ping_tells_whether_the_database_answers(storage: Storage) -> None:
    await storage.ping(timeout_s=60)
    with pytest.raises(StorageUnavailable):
        await storage.ping(timeout_s=0)


async def test_a_failed_transaction_leaves_nothing(storage: Storage) -> None:
    def write_and_fail(conn: sa.Connection) -> None:
        conn.execute(sa.text("DELETE FROM alembic_version"))
        raise LookupError

    with pytest.raises(LookupError):
        await storage.run(write_and_fail)
    count = sa.text("SELECT count(*) FROM alembic_version")
    assert await storage.read(lambda conn: conn.execute(count).scalar_one()) == 1


async def test_closing_twice_is_harmless(url: str) -> None:
    storage = Storage(url)
    async with storage:
        await storage.ping(timeout_s=60)
    await asyncio.gather(storage.__aexit__(None, None, None))
