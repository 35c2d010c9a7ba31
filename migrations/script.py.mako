"""${message}.

Rules of every migration:
- The previous release keeps running on the new schema while replicas are replaced one by one. Add
  first (columns nullable or with a server default); remove one release later, when nothing reads it.
- No long locks: build indexes of big tables with `postgresql_concurrently=True` inside
  `op.get_context().autocommit_block()`; fill columns in small batches.
- A statement that needs more than the timeouts of `env.py` raises its own first, on PostgreSQL:
  `op.execute("SET LOCAL statement_timeout = '5min'")`.
- SQLite changes tables with `op.batch_alter_table`.
- `downgrade` undoes it, and the tests run it.

Revision: ${up_revision}, after ${down_revision or "nothing"}.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
