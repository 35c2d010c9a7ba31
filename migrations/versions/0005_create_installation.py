"""Create installation: the bot in further workspaces, without their tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("team_name", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("bot_user_id", sa.Text, nullable=False),
        sa.Column("bot_id", sa.Text, nullable=False),
        sa.Column("app_id", sa.Text),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("installed_by", sa.Text, nullable=False),
        sa.Column("installed_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("team_id", name=op.f("pk_installation")),
    )


def downgrade() -> None:
    op.drop_table("installation")
    # Nothing else would ever read them.
    op.execute("DELETE FROM secret WHERE name = 'slack/bot'")
