"""The tables, once for both databases.

`turn` is the inbox: one row per message that will be answered. `conversation` joins a thread to its
DashScope session, `quiet_thread` marks one in which the bot was asked to be still. `worker` holds
the processes that run turns (PostgreSQL only; a SQLite file has one process and needs no lease).

What admins decide is in `setting` (one row per workspace, channel or user), in `app_profile` and in
`secret`, which holds ciphertext only; each change of the first two has its row in `audit`. `usage`
counts turns by who asked and where, `usage_model` the tokens of each; both outlive the turns.
`memory` names the long-term memory of each user and place; what it holds is kept by the vendor.
`installation` holds who the bot is in further workspaces; its tokens there are in `secret`.

Conditions on `status` are written as literals, not as parameters: only then can either database see
that a partial index covers them.
"""

import sqlalchemy as sa

from storage.records import TurnStatus

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

_STATUSES = ", ".join(f"'{status}'" for status in TurnStatus)
_QUEUED: sa.ColumnElement[str] = sa.literal_column(f"'{TurnStatus.QUEUED}'")
_RUNNING: sa.ColumnElement[str] = sa.literal_column(f"'{TurnStatus.RUNNING}'")

turn = sa.Table(
    "turn",
    metadata,
    # SQLite reuses the ids of deleted rows unless it is told not to, and only counts INTEGER keys.
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("event_key", sa.Text, nullable=False, unique=True),
    sa.Column("thread_key", sa.Text, nullable=False),
    sa.Column("order_key", sa.BigInteger, nullable=False),
    sa.Column("team_id", sa.Text, nullable=False),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("thread_ts", sa.Text, nullable=False),
    sa.Column("message_ts", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("crashes", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("worker_id", sa.Text),
    sa.Column("stop_requested_by", sa.Text),
    sa.Column("payload", sa.JSON(none_as_null=True)),  # message text: NULL once the turn ended
    sa.Column("ending", sa.JSON(none_as_null=True)),  # the same
    sa.Column("reply", sa.JSON(none_as_null=True)),  # list of ts; NULL while nothing was posted
    sa.Column("posting", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("revision", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("notice", sa.Text),  # ts of the line that says it waits, while there is one
    sa.Column("outcome", sa.Text),  # why it was postponed last, then how it ended
    sa.Column("available_at_ms", sa.BigInteger, nullable=False),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("started_at_ms", sa.BigInteger),
    sa.Column("finished_at_ms", sa.BigInteger),
    sa.CheckConstraint(f"status IN ({_STATUSES})", name="status"),
    sqlite_autoincrement=True,
)

conversation = sa.Table(
    "conversation",
    metadata,
    sa.Column("thread_key", sa.Text, primary_key=True),
    sa.Column("app_key", sa.Text, nullable=False),
    sa.Column("session_id", sa.Text, nullable=False),
    sa.Column("rounds", sa.Integer, nullable=False),
    sa.Column("last_used_at_ms", sa.BigInteger, nullable=False, index=True),
    sa.Column("since_ts", sa.Text),  # what is older was forgotten on purpose
)

worker = sa.Table(
    "worker",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("lock_no", sa.BigInteger, nullable=False),
    sa.Column("started_at_ms", sa.BigInteger, nullable=False),
    sa.Column("lease_until_ms", sa.BigInteger, nullable=False),
)

app_profile = sa.Table(
    "app_profile",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("name_key", sa.Text, primary_key=True),  # the name, folded: how names are compared
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("app_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("base_url", sa.Text, nullable=False),
    sa.Column("workspace", sa.Text, nullable=False),
    sa.Column("secret_name", sa.Text),  # NULL: the app is asked with the bot's own key
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("is_open", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("updated_by", sa.Text, nullable=False),
    sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
)

setting = sa.Table(
    "setting",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("values", sa.JSON, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("updated_by", sa.Text, nullable=False),
    sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("team_id", sa.Text, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("before", sa.JSON(none_as_null=True)),  # NULL: there was nothing
    sa.Column("after", sa.JSON(none_as_null=True)),  # NULL: there is nothing any more
    sa.Column("undoes", sa.BigInteger),
    sqlite_autoincrement=True,
)

secret = sa.Table(
    "secret",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("box", sa.Text, nullable=False),  # ciphertext
    sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
)

usage = sa.Table(
    "usage",
    metadata,
    # A turn's id, not a foreign key: turns are forgotten sooner.
    sa.Column("turn_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("team_id", sa.Text, nullable=False),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("app", sa.Text, nullable=False),
    sa.Column("day", sa.Integer, nullable=False),  # days since 1970, UTC
    sa.Column("created_at_ms", sa.BigInteger, nullable=False, index=True),
    # Then only its tokens count.
    sa.Column("has_failed", sa.Boolean, nullable=False, server_default=sa.false()),
)

usage_model = sa.Table(
    "usage_model",
    metadata,
    sa.Column("turn_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("model_id", sa.Text, primary_key=True),
    sa.Column("input_tokens", sa.BigInteger, nullable=False),
    sa.Column("output_tokens", sa.BigInteger, nullable=False),
)

quiet_thread = sa.Table(
    "quiet_thread",
    metadata,
    sa.Column("thread_key", sa.Text, primary_key=True),
    sa.Column("quiet_by", sa.Text, nullable=False),
    sa.Column("quiet_at_ms", sa.BigInteger, nullable=False, index=True),
)

memory = sa.Table(
    "memory",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("scope", sa.Text, primary_key=True),
    # NULL while it is being made. Unique: the hard guarantee that no two people share one.
    sa.Column("memory_id", sa.Text, unique=True),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("claimed_by", sa.Text),
    sa.Column("claimed_at_ms", sa.BigInteger),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
)

installation = sa.Table(
    "installation",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("team_name", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("bot_user_id", sa.Text, nullable=False),
    sa.Column("bot_id", sa.Text, nullable=False),
    sa.Column("app_id", sa.Text),  # NULL: Slack would not tell
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("installed_by", sa.Text, nullable=False),
    sa.Column("installed_at_ms", sa.BigInteger, nullable=False),
)


def is_queued(turns: sa.FromClause = turn) -> sa.ColumnElement[bool]:
    """Return the condition: waits to be taken."""
    return turns.c.status == _QUEUED


def is_running(turns: sa.FromClause = turn) -> sa.ColumnElement[bool]:
    """Return the condition: a worker has it."""
    return turns.c.status == _RUNNING


def is_live(turns: sa.FromClause = turn) -> sa.ColumnElement[bool]:
    """Return the condition: has not ended."""
    return turns.c.status.in_([_QUEUED, _RUNNING])


def _partial_index(
    name: str, *columns: str, where: sa.ColumnElement[bool], unique: bool = False
) -> None:
    sa.Index(
        name,
        *(turn.c[column] for column in columns),
        unique=unique,
        postgresql_where=where,
        sqlite_where=where,
    )


_partial_index("ix_turn_live", "thread_key", "order_key", "id", where=is_live())
_partial_index("ix_turn_queued", "available_at_ms", "id", where=is_queued())
_partial_index("ix_turn_running", "worker_id", where=is_running())
# The hard guarantee that the turns of a thread run one at a time, whatever the queries believe.
_partial_index("uq_turn_one_running", "thread_key", where=is_running(), unique=True)
_partial_index("ix_turn_line", "id", where=turn.c.notice.is_not(None))
sa.Index("ix_turn_finished", turn.c.finished_at_ms)
sa.Index("ix_turn_channel", turn.c.team_id, turn.c.channel_id, turn.c.order_key)
sa.Index("ix_turn_thread", turn.c.thread_key)
sa.Index("ix_audit_scope", audit.c.team_id, audit.c.scope, audit.c.id)
sa.Index("ix_audit_team", audit.c.team_id, audit.c.id)
sa.Index("ix_usage_user", usage.c.team_id, usage.c.day, usage.c.user_id)
sa.Index("ix_usage_channel", usage.c.team_id, usage.c.day, usage.c.channel_id)
