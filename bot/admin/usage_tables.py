"""Usage as Markdown tables, within the length of one notice."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.admin import scopes
from bot.admin import usage_texts as texts
from bot.admin.marks import cell, channel, table, user
from bot.core.language import Language, Phrase
from bot.core.resolution import Quota
from bot.core.usage_request import Extent
from storage.usage_records import UsageRow

DAYS_MOST = 31
ROWS_MOST = 10
"""Rows of a table; the last one then adds up all further ones. Thus all tables stay below the
11,000 characters of a notice."""


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What was used.

    Attributes:
        extent: What it covers.
        by_day: In order; days without usage may be missing.
        by_model: The largest first, as the next two.
        by_user: Empty when it covers one person.
        by_channel: Empty when it covers one channel.
        quotas: Today's quotas for the reader, and how much of each is used, in its unit.
    """

    extent: Extent
    by_day: Sequence[UsageRow]
    by_model: Sequence[UsageRow]
    by_user: Sequence[UsageRow] = ()
    by_channel: Sequence[UsageRow] = ()
    quotas: Sequence[tuple[Quota, int]] = ()


def title(extent: Extent, *, language: Language) -> str:
    """Return whose usage it is, and of which days, as plain words."""
    if extent.user_id is None:
        whose = texts.EVERYBODYS if extent.channel_id is None else texts.HERE
    else:
        whose = texts.MINE if extent.channel_id is None else texts.MINE_HERE
    return texts.SPAN.say(
        language,
        whose=whose.say(language),
        since=extent.since.isoformat(),
        until=extent.until.isoformat(),
    )


def tables(report: UsageReport, *, language: Language) -> str:
    """Return a report as Markdown; what is left out of a table stands in its last row."""
    parts = [f"**{title(report.extent, language=language)}**"]
    parts += _usage(report, language=language) if report.by_day else [texts.NOTHING.say(language)]
    if report.quotas:
        parts.append(_quotas(report.quotas, language=language))
    return "\n\n".join(parts)


def _usage(report: UsageReport, *, language: Language) -> list[str]:
    newest_first = list(reversed(report.by_day))
    models = _named(report.by_model, lambda key: _model(key, language=language))
    channels = _named(report.by_channel, lambda key: _channel(key, language=language))
    parts = [
        _total(report.by_day, language=language),
        _table(texts.DAY, newest_first, language=language, most=DAYS_MOST),
        _table(texts.MODEL, models, language=language),
        texts.MODELS_SHARE.say(language) if len(models) > 1 else "",
        _table(texts.PERSON, _named(report.by_user, user), language=language),
        _table(texts.CHANNEL, channels, language=language),
    ]
    return [part for part in parts if part]


def _total(rows: Sequence[UsageRow], *, language: Language) -> str:
    """Return the sum of all days; each turn was counted on one of them."""
    total = _sum(rows, key="")
    return texts.TOTAL.say(
        language, turns=total.turns, input=total.input_tokens, output=total.output_tokens
    )


def _table(
    head: Phrase, rows: Sequence[UsageRow], *, language: Language, most: int = ROWS_MOST
) -> str:
    """Return a table of rows whose keys are Markdown; empty without rows."""
    if not rows:
        return ""
    shown = list(rows)
    if len(rows) > most:
        rest = rows[most - 1 :]
        more = texts.MORE.say(language, count=len(rest))
        shown = [*rows[: most - 1], _sum(rest, key=more)]
    heads = (head, texts.TURNS, texts.INPUT, texts.OUTPUT)
    return table([phrase.say(language) for phrase in heads], map(_cells, shown))


def _cells(row: UsageRow) -> tuple[str, ...]:
    numbers = (row.turns, row.input_tokens, row.output_tokens)
    return (row.key, *(f"{number:,}" for number in numbers))


def _named(rows: Iterable[UsageRow], name: Callable[[str], str]) -> list[UsageRow]:
    """Give rows the names people read, and add up those that have the same; largest first."""
    groups: dict[str, list[UsageRow]] = {}
    for row in rows:
        groups.setdefault(name(row.key), []).append(row)
    summed = [_sum(group, key=key) for key, group in groups.items()]
    return sorted(summed, key=lambda row: (row.input_tokens + row.output_tokens, row.turns))[::-1]


def _sum(rows: Sequence[UsageRow], *, key: str) -> UsageRow:
    return UsageRow(
        key=key,
        turns=sum(row.turns for row in rows),
        input_tokens=sum(row.input_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
    )


def _model(key: str, *, language: Language) -> str:
    return cell(key) if key else texts.NO_MODEL.say(language)


def _channel(key: str, *, language: Language) -> str:
    """Return a channel; who wrote directly to the bot is nobody else's business."""
    return texts.DIRECT.say(language) if scopes.is_direct(key) else channel(key)


def _quotas(quotas: Iterable[tuple[Quota, int]], *, language: Language) -> str:
    heads = (texts.QUOTA, texts.USED, texts.LIMIT)
    rows = [
        (_quota(quota, language=language), f"{used:,}", f"{quota.limit:,}")
        for quota, used in quotas
    ]
    return table([phrase.say(language) for phrase in heads], rows)


def _quota(quota: Quota, *, language: Language) -> str:
    unit = texts.UNIT_TURNS if quota.unit == "turns" else texts.UNIT_TOKENS
    return texts.QUOTAS[quota.per, quota.across].say(language, unit=unit.say(language))
