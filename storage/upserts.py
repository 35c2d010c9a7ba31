"""INSERT with ON CONFLICT, which SQLAlchemy has once for each database."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(conn: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Return the INSERT of the connection's database."""
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)
