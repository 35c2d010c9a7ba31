"""How a database would carry out a statement."""

import sqlalchemy as sa


def plan_of(conn: sa.Connection, statement: sa.ClauseElement) -> str:
    """Return the plan as the database writes it."""
    sql = statement.compile(dialect=conn.dialect, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN" if conn.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    lines = conn.exec_driver_sql(f"{explain} {sql}").all()
    return "\n".join(str(line[-1]) for line in lines)


def analyze(conn: sa.Connection) -> None:
    """Let the database see how much there is in its tables."""
    conn.exec_driver_sql("ANALYZE")
