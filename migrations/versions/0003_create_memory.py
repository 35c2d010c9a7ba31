"""Create memory: which long-term memory belongs to whom, and where."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "memory",
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("memory_id", sa.Text),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("claimed_by", sa.Text),
        sa.Column("claimed_at_ms", sa.BigInteger),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("team_id", "user_id", "scope", name=op.f("pk_memory")),
        sa.UniqueConstraint("memory_id", name=op.f("uq_memory_memory_id")),
    )


def downgrade() -> None:
    op.drop_table("memory")
