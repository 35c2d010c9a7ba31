"""Usage in sums, in statements that change nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, assert_never

import sqlalchemy as sa

from storage.clock import to_date, to_day
from storage.tables import usage, usage_model
from storage.usage_records import UsageKey, UsageLine, UsageRow

# A literal, not a parameter: PostgreSQL must see that what is grouped by is what is selected.
_MODEL_ID: sa.ColumnElement[str] = sa.func.coalesce(
    usage_model.c.model_id, sa.literal_column("''", sa.Text)
)
_LINE_KEY: tuple[sa.ColumnElement[Any], ...] = (
    usage.c.day,
    usage.c.channel_id,
    usage.c.user_id,
    usage.c.app,
    _MODEL_ID,
)
# A turn has a row for each of its models, or one without any.
_TURNS = sa.func.count(usage.c.turn_id.distinct()).filter(~usage.c.has_failed)
_INPUT_TOKENS = sa.func.coalesce(sa.func.sum(usage_model.c.input_tokens), 0)
_OUTPUT_TOKENS = sa.func.coalesce(sa.func.sum(usage_model.c.output_tokens), 0)


@dataclass(frozen=True, slots=True)
class Extent:
    """What a report covers.

    Attributes:
        team_id: The workspace.
        since: The first UTC day.
        until: The last one, included.
        channel_id: Only this channel, when not None.
        user_id: Only this person, when not None.
    """

    team_id: str
    since: date
    until: date
    channel_id: str | None = None
    user_id: str | None = None


def report(conn: sa.Connection, extent: Extent, *, by: UsageKey) -> list[UsageRow]:
    """Sum up by one key: days in order, of anything else the largest first."""
    key = _key(by)
    order = [key] if by == "day" else [(_INPUT_TOKENS + _OUTPUT_TOKENS).desc(), _TURNS.desc(), key]
    statement = _sums(key.label("key"), extent=extent).group_by(key).order_by(*order)
    return [
        UsageRow(
            key=to_date(row.key).isoformat() if by == "day" else row.key,
            turns=row.turns,
            input_tokens=int(row.input_tokens),
            output_tokens=int(row.output_tokens),
        )
        for row in conn.execute(statement)
    ]


def rows(
    conn: sa.Connection, extent: Extent, *, after: UsageLine | None, limit: int
) -> list[UsageLine]:
    """Return the next lines in the order of their keys."""
    selected = (*_LINE_KEY[:-1], _MODEL_ID.label("model_id"))
    statement = (
        _sums(*selected, extent=extent).group_by(*_LINE_KEY).order_by(*_LINE_KEY).limit(limit)
    )
    if after is not None:
        day = to_day(after.day)
        key = (day, after.channel_id, after.user_id, after.app, after.model_id)
        statement = statement.where(
            usage.c.day >= day,  # for the index
            sa.tuple_(*_LINE_KEY) > key,
        )
    return [_to_line(row) for row in conn.execute(statement)]


def _to_line(row: sa.Row[Any]) -> UsageLine:
    return UsageLine(
        day=to_date(row.day),
        channel_id=row.channel_id,
        user_id=row.user_id,
        app=row.app,
        model_id=row.model_id,
        turns=row.turns,
        input_tokens=int(row.input_tokens),
        output_tokens=int(row.output_tokens),
    )


def _key(by: UsageKey) -> sa.ColumnElement[Any]:
    match by:
        case "day":
            return usage.c.day
        case "user":
            return usage.c.user_id
        case "channel":
            return usage.c.channel_id
        case "model":
            return _MODEL_ID
        case "app":
            return usage.c.app
        case _:
            assert_never(by)


def _sums(*keys: sa.ColumnElement[Any], extent: Extent) -> sa.Select[Any]:
    """Select keys and the sums over their groups, still to be grouped."""
    return (
        sa.select(
            *keys,
            _TURNS.label("turns"),
            _INPUT_TOKENS.label("input_tokens"),
            _OUTPUT_TOKENS.label("output_tokens"),
        )
        .select_from(usage.outerjoin(usage_model, usage_model.c.turn_id == usage.c.turn_id))
        .where(*_within(extent))
    )


def _within(extent: Extent) -> Sequence[sa.ColumnElement[bool]]:
    conditions = [
        usage.c.team_id == extent.team_id,
        usage.c.day.between(to_day(extent.since), to_day(extent.until)),
        sa.or_(~usage.c.has_failed, usage_model.c.turn_id.is_not(None)),
    ]
    if extent.channel_id is not None:
        conditions.append(usage.c.channel_id == extent.channel_id)
    if extent.user_id is not None:
        conditions.append(usage.c.user_id == extent.user_id)
    return conditions
