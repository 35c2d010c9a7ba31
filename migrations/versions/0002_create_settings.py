"""Create settings, apps, their audit and secrets; usage; quiet threads."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = (
    "app_profile",
    "setting",
    "audit",
    "secret",
    "usage",
    "usage_model",
    "quiet_thread",
)


def upgrade() -> None:
    _create_apps_and_settings()
    _create_audit()
    _create_secret()
    _create_usage()
    _create_quiet_thread()
    op.create_index("ix_turn_thread", "turn", ["thread_key"])


def downgrade() -> None:
    op.drop_index("ix_turn_thread", "turn")
    for table in reversed(_TABLES):
        op.drop_table(table)


def _create_apps_and_settings() -> None:
    op.create_table(
        "app_profile",
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("name_key", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("app_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("base_url", sa.Text, nullable=False),
        sa.Column("workspace", sa.Text, nullable=False),
        sa.Column("secret_name", sa.Text),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        *_versioned(),
        sa.PrimaryKeyConstraint("team_id", "name_key", name=op.f("pk_app_profile")),
    )
    op.create_table(
        "setting",
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("values", sa.JSON, nullable=False),
        *_versioned(),
        sa.PrimaryKeyConstraint("team_id", "scope", name=op.f("pk_setting")),
    )


def _versioned() -> tuple[sa.Column[int], sa.Column[str], sa.Column[int]]:
    return (
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("updated_by", sa.Text, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
    )


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("before", sa.JSON),
        sa.Column("after", sa.JSON),
        sa.Column("undoes", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_scope", "audit", ["team_id", "scope", "id"])
    op.create_index("ix_audit_team", "audit", ["team_id", "id"])


def _create_secret() -> None:
    op.create_table(
        "secret",
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("box", sa.Text, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("team_id", "name", name=op.f("pk_secret")),
    )


def _create_usage() -> None:
    op.create_table(
        "usage",
        sa.Column("turn_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("turn_id", name=op.f("pk_usage")),
    )
    op.create_index(op.f("ix_usage_created_at_ms"), "usage", ["created_at_ms"])
    op.create_index("ix_usage_user", "usage", ["team_id", "day", "user_id"])
    op.create_index("ix_usage_channel", "usage", ["team_id", "day", "channel_id"])
    op.create_table(
        "usage_model",
        sa.Column("turn_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("model_id", sa.Text, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("turn_id", "model_id", name=op.f("pk_usage_model")),
    )


def _create_quiet_thread() -> None:
    op.create_table(
        "quiet_thread",
        sa.Column("thread_key", sa.Text, nullable=False),
        sa.Column("quiet_by", sa.Text, nullable=False),
        sa.Column("quiet_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("thread_key", name=op.f("pk_quiet_thread")),
    )
    op.create_index(op.f("ix_quiet_thread_quiet_at_ms"), "quiet_thread", ["quiet_at_ms"])
