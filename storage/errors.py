"""Everything storage can fail with, in one tree.

    StorageError             also raised itself: a statement the database understood and refused
    ├── StorageUnavailable   down, too slow, out of space: nothing is known to have happened
    ├── StorageConflict      a constraint refused the write
    │   ├── VersionConflict  somebody else changed it meanwhile
    │   ├── AppInUse         the app cannot go: settings name it
    │   └── NotUndoable      there is nothing this change could be taken back to
    ├── NotPermitted         the database's role may not do this
    ├── DatabaseBusy         another process has the SQLite file
    ├── DatabaseBehind       the schema is older than this release
    ├── LeaseLost            the turn, or everything this worker ran, belongs to somebody else now
    ├── SecretsLocked        no key is set, so no secret can be kept or read
    └── SecretUnreadable     none of the keys opens the secret

Texts never hold a statement's parameters: those may be message text.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from sqlalchemy import exc

from storage.records import StoredApp, StoredSettings

_INSUFFICIENT_PRIVILEGE = "42501"  # PostgreSQL docs, "PostgreSQL Error Codes"


class StorageError(Exception):
    """The root of the tree."""


class StorageUnavailable(StorageError):
    """The database is down, too slow or out of space; the write may or may not have happened."""


class StorageConflict(StorageError):
    """A constraint refused the write, and the whole transaction with it."""


class VersionConflict(StorageConflict):
    """Somebody else changed it since it was read; nothing was changed now.

    Attributes:
        current: What there is by now; None for an app that is gone.
    """

    def __init__(self, current: StoredSettings | StoredApp | None) -> None:
        self.current = current
        version = "gone" if current is None else f"at version {current.version}"
        super().__init__(f"it was changed meanwhile and is {version}")


class AppInUse(StorageConflict):
    """The app was not removed, because settings name it.

    Attributes:
        scopes: Whose settings, in order.
    """

    def __init__(self, scopes: Sequence[str]) -> None:
        self.scopes = tuple(scopes)
        super().__init__(f"the app is in use at {len(self.scopes)} places")


class NotUndoable(StorageConflict):
    """The change cannot be taken back: it is unknown, or the key it would bring back is gone.

    Attributes:
        entry_id: The entry of the audit that was to be undone.
    """

    def __init__(self, entry_id: int) -> None:
        self.entry_id = entry_id
        super().__init__(f"entry {entry_id} cannot be undone")


class NotPermitted(StorageError):
    """The database's role may not do this."""


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


class SecretsLocked(StorageError):
    """No key is set, so no secret can be kept or read."""

    def __init__(self) -> None:
        super().__init__("there is no key to keep secrets with")


class SecretUnreadable(StorageError):
    """None of the keys opens the secret, or it was put there under another name."""

    def __init__(self) -> None:
        super().__init__("none of the keys opens the secret")


@contextmanager
def storage_errors() -> Generator[None, None, None]:
    """Turn what SQLAlchemy and its drivers raise into this module's errors.

    SQLAlchemy passes some of asyncpg's errors on as bare `DBAPIError`s (a shutdown, too many
    connections, a full disk), so every kind that does not blame the statement counts as
    unavailable.

    Raises:
        StorageConflict: A constraint refused the write.
        NotPermitted: The role may not do it.
        StorageUnavailable: Nothing about the statement explains the failure.
        StorageError: The statement itself was refused.
    """
    try:
        yield
    except exc.IntegrityError as error:
        raise StorageConflict(_brief(error)) from error
    except (exc.ProgrammingError, exc.DataError, exc.NotSupportedError) as error:
        if getattr(error.orig, "sqlstate", None) == _INSUFFICIENT_PRIVILEGE:
            raise NotPermitted(_brief(error)) from error
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
