"""Add since_ts: up to when a thread's conversation was forgotten on purpose."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversation", sa.Column("since_ts", sa.Text))


def downgrade() -> None:
    op.drop_column("conversation", "since_ts")
