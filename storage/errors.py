"""Everything storage can fail with, in one tree.

    StorageError             also raised itself: a statement the database understood and refused
    ├── StorageUnavailable   down, too slow, out of space: nothing is known to have happened
    ├── StorageConflict      a constraint refused the write
    ├── DatabaseBusy         another process has the SQLite file
    ├── DatabaseBehind       the schema is older than this release
    └── LeaseLost            the turn, or everything this worker ran, belongs to somebody else now

Texts never hold a statement's parameters: those may be message text.
"""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import exc


class StorageError(Exception):
    """The root of the tree."""


class StorageUnavailable(StorageError):
    """The database is down, too slow or out of space; the write may or may not have happened."""


class StorageConflict(StorageError):
    """A constraint refused the write, and the whole transaction with it."""


class DatabaseBusy(StorageError):
    """Another process has the SQLite file.

    Attributes:
        path: The file that is locked.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"{path} is in use: one process per SQLite file; use PostgreSQL for replicas"
        )


class DatabaseBehind(StorageError):
    """The schema is older than this release needs.

    Attributes:
        current: The revision of the database; None when it is empty.
        head: The revision this release was written for.
    """

    def __init__(self, *, current: str | None, head: str) -> None:
        self.current = current
        self.head = head
        super().__init__(f"the database is at revision {current or 'none'}, {head} is needed")


class LeaseLost(StorageError):
    """What was run belongs to somebody else now: drop it without another visible effect.

    Attributes:
        turn_id: The turn whose write came too late; None when the whole lease is lost.
    """

    def __init__(self, turn_id: int | None = None) -> None:
        self.turn_id = turn_id
        super().__init__("the lease is lost" if turn_id is None else f"turn {turn_id} is lost")


@contextmanager
def storage_errors() -> Generator[None, None, None]:
    """Turn what SQLAlchemy and its drivers raise into this module's errors.

    SQLAlchemy passes some of asyncpg's errors on as bare `DBAPIError`s (a shutdown, too many
    connections, a full disk), so every kind that does not blame the statement counts as
    unavailable.

    Raises:
        StorageConflict: A constraint refused the write.
        StorageUnavailable: Nothing about the statement explains the failure.
        StorageError: The statement itself was refused.
    """
    try:
        yield
    except exc.IntegrityError as error:
        raise StorageConflict(_brief(error)) from error
    except (exc.ProgrammingError, exc.DataError, exc.NotSupportedError) as error:
        raise StorageError(_brief(error)) from error
    except (exc.DBAPIError, exc.TimeoutError, exc.DisconnectionError, OSError) as error:
        raise StorageUnavailable(_brief(error)) from error
    except exc.SQLAlchemyError as error:
        raise StorageError(_brief(error)) from error


def _brief(error: Exception) -> str:
    """Return the driver's own class and the first line it wrote."""
    cause = (error.orig if isinstance(error, exc.StatementError) else None) or error
    lines = str(cause).splitlines()
    return f"{type(cause).__name__}: {lines[0] if lines else 'no detail'}"
