"""Usage: which turns were answered, for whom and where, and what they cost in tokens."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage import admission, reports
from storage.admission import Entry
from storage.clock import now_ms, to_day, to_ms
from storage.reports import Extent
from storage.tables import usage, usage_model
from storage.usage_records import Admission, Limit, ModelUse, UsageKey, UsageLine, UsageRow

if TYPE_CHECKING:
    from storage.database import Storage

MAX_TOKENS = 10**12
"""More than any answer has; keeps sums over all answers within 64 bits whatever a vendor sends."""


class UsageBook:
    """What was used, by UTC day.

    Turns are counted here first; `Turns.finish` adds their tokens and counts off those that failed.

    Every method raises `storage.errors.StorageError` in its most specific form.
    """

    def __init__(self, storage: "Storage") -> None:
        self._storage = storage

    async def admit(  # noqa: PLR0913 - who asks where for what, and within which limits
        self,
        turn_id: int,
        *,
        team_id: str,
        channel_id: str,
        user_id: str,
        app: str,
        limits: Sequence[Limit],
        day: date | None = None,
    ) -> Admission:
        """Count a turn unless one of the limits is spent.

        However many ask at once, no limit of turns is exceeded. Tokens are known when a turn has
        ended: those that run beside each other may together go over a limit, and then it is spent.

        Args:
            turn_id: The turn; one that is counted already is admitted without counting it again.
            team_id: Its workspace.
            channel_id: Its channel or DM.
            user_id: Who asked.
            app: The name of the app to be asked.
            limits: What must not be spent.
            day: The UTC day to count it on; None is today by the database's clock.
        """
        return await self._storage.run(
            admission.admit,
            Entry(
                turn_id=turn_id, team_id=team_id, channel_id=channel_id, user_id=user_id, app=app
            ),
            limits=limits,
            day=None if day is None else to_day(day),
        )

    async def report(
        self,
        team_id: str,
        *,
        since: date,
        until: date,
        by: UsageKey,
        channel_id: str | None = None,
        user_id: str | None = None,
    ) -> Sequence[UsageRow]:
        """Sum up the usage from one UTC day to another, both included.

        Args:
            team_id: The workspace.
            since: The first day.
            until: The last day.
            by: What there is a row for each of; days come in order, anything else by tokens, the
                most first.
            channel_id: Only this channel, when not None.
            user_id: Only this person, when not None.
        """
        extent = Extent(
            team_id=team_id, since=since, until=until, channel_id=channel_id, user_id=user_id
        )
        return await self._storage.read(reports.report, extent, by=by)

    async def rows(
        self,
        team_id: str,
        *,
        day: date,
        after: UsageLine | None,
        limit: int,
        channel_id: str | None = None,
        user_id: str | None = None,
    ) -> Sequence[UsageLine]:
        """Return up to `limit` lines of the usage of one UTC day.

        Args:
            team_id: The workspace.
            day: The day; each page sums up all of it that follows.
            after: The last line of the page before; None for the first page. Lines that are there
                all the time come on one page exactly, whatever is added meanwhile.
            limit: Lines on a page; fewer come back on the last one only.
            channel_id: Only this channel, when not None.
            user_id: Only this person, when not None.
        """
        extent = Extent(
            team_id=team_id, since=day, until=day, channel_id=channel_id, user_id=user_id
        )
        return await self._storage.read(reports.rows, extent, after=after, limit=limit)

    async def prune(self, *, older_than_s: float, limit: int) -> int:
        """Forget up to `limit` turns that were counted so long ago; return how many."""
        return await self._storage.run(_prune, to_ms(older_than_s), limit)


def keep_usage(conn: sa.Connection, turn_id: int, uses: Sequence[ModelUse]) -> None:
    """Note the tokens of a turn in place of what was noted of it; ignored if it is not counted."""
    is_counted = sa.select(sa.exists().where(usage.c.turn_id == turn_id))
    if not uses or not conn.scalar(is_counted):
        return
    rows = [
        {
            "turn_id": turn_id,
            "model_id": model_id,
            "input_tokens": min(input_tokens, MAX_TOKENS),
            "output_tokens": min(output_tokens, MAX_TOKENS),
        }
        for model_id, (input_tokens, output_tokens) in _by_model(uses).items()
    ]
    conn.execute(sa.delete(usage_model).where(usage_model.c.turn_id == turn_id))
    conn.execute(sa.insert(usage_model), rows)


def count_off(conn: sa.Connection, turn_id: int) -> None:
    """Note that a turn brought no answer: it counts no more, but its tokens were used."""
    conn.execute(sa.update(usage).where(usage.c.turn_id == turn_id).values(has_failed=True))


def _by_model(uses: Sequence[ModelUse]) -> dict[str, tuple[int, int]]:
    """Add up what is named more than once: an app may ask one model several times."""
    tokens: dict[str, tuple[int, int]] = {}
    for use in uses:
        before = tokens.get(use.model_id, (0, 0))
        tokens[use.model_id] = (before[0] + use.input_tokens, before[1] + use.output_tokens)
    return tokens


def _prune(conn: sa.Connection, older_than_ms: int, limit: int) -> int:
    old = (
        sa.select(usage.c.turn_id)
        .where(usage.c.created_at_ms < now_ms() - older_than_ms)
        .order_by(usage.c.created_at_ms)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    # Read once: by the time of a second look more would be old.
    turn_ids = conn.scalars(old).all()
    conn.execute(sa.delete(usage_model).where(usage_model.c.turn_id.in_(turn_ids)))
    return conn.execute(sa.delete(usage).where(usage.c.turn_id.in_(turn_ids))).rowcount
