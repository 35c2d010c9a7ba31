"""Create the inbox, the conversations and the workers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_turn()
    _create_turn_indexes()
    op.create_table(
        "conversation",
        sa.Column("thread_key", sa.Text, nullable=False),
        sa.Column("app_key", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("rounds", sa.Integer, nullable=False),
        sa.Column("last_used_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("thread_key", name=op.f("pk_conversation")),
    )
    op.create_index(op.f("ix_conversation_last_used_at_ms"), "conversation", ["last_used_at_ms"])
    op.create_table(
        "worker",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("lock_no", sa.BigInteger, nullable=False),
        sa.Column("started_at_ms", sa.BigInteger, nullable=False),
        sa.Column("lease_until_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
    )


def downgrade() -> None:
    op.drop_table("worker")
    op.drop_table("conversation")
    op.drop_table("turn")


def _create_turn() -> None:
    op.create_table(
        "turn",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_key", sa.Text, nullable=False),
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
        sa.Column("payload", sa.JSON),
        sa.Column("ending", sa.JSON),
        sa.Column("reply", sa.JSON),
        sa.Column("posting", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("revision", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("notice", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("available_at_ms", sa.BigInteger, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("started_at_ms", sa.BigInteger),
        sa.Column("finished_at_ms", sa.BigInteger),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'done', 'failed', 'cancelled')",
            name=op.f("ck_turn_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turn")),
        sa.UniqueConstraint("event_key", name=op.f("uq_turn_event_key")),
        sqlite_autoincrement=True,
    )


def _create_turn_indexes() -> None:
    live = "status IN ('queued', 'running')"
    _create_partial_index("ix_turn_live", ["thread_key", "order_key", "id"], where=live)
    queued, running = "status = 'queued'", "status = 'running'"
    _create_partial_index("ix_turn_queued", ["available_at_ms", "id"], where=queued)
    _create_partial_index("ix_turn_running", ["worker_id"], where=running)
    _create_partial_index("uq_turn_one_running", ["thread_key"], where=running, unique=True)
    op.create_index("ix_turn_finished", "turn", ["finished_at_ms"])
    op.create_index("ix_turn_channel", "turn", ["team_id", "channel_id", "order_key"])


def _create_partial_index(
    name: str, columns: list[str], *, where: str, unique: bool = False
) -> None:
    condition = sa.text(where)
    op.create_index(
        name,
        "turn",
        columns,
        unique=unique,
        postgresql_where=condition,
        sqlite_where=condition,
    )
