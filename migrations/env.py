"""Runs migrations on the connection that `storage.schema` hands over.

Each migration is one transaction, on SQLite too. On PostgreSQL a migration that cannot have its
lock soon gives up rather than make every query queue behind it, and only one process migrates at a
time.
"""

import sqlalchemy as sa
from alembic import context

from storage.errors import StorageError
from storage.tables import metadata

ADVISORY_LOCK = 7_201_126_001
LOCK_TIMEOUT = "4s"
STATEMENT_TIMEOUT = "60s"


def migrate(connection: sa.Connection) -> None:
    """Run what Alembic was asked for."""
    if connection.dialect.name == "postgresql":
        _prepare_postgresql(connection)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_server_default=True,
        transactional_ddl=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def _prepare_postgresql(connection: sa.Connection) -> None:
    # The order matters: waiting for another migrating process may take longer than LOCK_TIMEOUT.
    connection.execute(sa.text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.execute(sa.select(sa.func.pg_advisory_lock(ADVISORY_LOCK)))
    connection.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.commit()  # Alembic opens its transactions only on a connection that is in none


if context.is_offline_mode():
    raise StorageError("migrations need a database; there is no SQL-only mode")
migrate(context.config.attributes["connection"])
