"""Things of one workspace that must happen one after another, whichever process does them."""

import zlib
from enum import IntEnum

import sqlalchemy as sa


class Purpose(IntEnum):
    """What is serialised; things of different purposes do not wait for each other.

    PostgreSQL keeps locks of two 32-bit numbers apart from those of one 64-bit number, which the
    workers and the migrations use (PostgreSQL docs, "Advisory Locks").
    """

    USAGE = 1
    SETTINGS = 2


def lock_team(conn: sa.Connection, team_id: str, *, purpose: Purpose) -> None:
    """Wait until nobody else is at it, and keep others waiting until the transaction ends.

    Statements after it see what those before it committed. On SQLite there is one writer anyway.
    Two workspaces may share a lock by chance; they wait for each other then, nothing more.
    """
    if conn.dialect.name == "postgresql":
        number = zlib.crc32(team_id.encode()) - 2**31  # PostgreSQL's integers have a sign
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(int(purpose), number)))
