"""Index the lines of turns that wait: there is one as long as `notice` says so."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of turns that had ended, the line was taken away without a note.
    op.execute(
        "UPDATE turn SET notice = NULL "
        "WHERE notice IS NOT NULL AND status NOT IN ('queued', 'running')"
    )
    has_line = sa.text("notice IS NOT NULL")
    op.create_index(
        "ix_turn_line", "turn", ["id"], postgresql_where=has_line, sqlite_where=has_line
    )


def downgrade() -> None:
    op.drop_index("ix_turn_line", "turn")
