"""`/dashscope usage` and `audit csv`: what was used and what was changed, as tables and files."""

from collections.abc import Sequence
from datetime import date

import structlog

from bot.admin import scopes
from bot.admin import usage_texts as texts
from bot.admin.chart import Charts, Picture, legend, picture_of
from bot.admin.csv_files import CsvFile
from bot.admin.exports import audit_csv, usage_csv
from bot.admin.office import Office
from bot.admin.ports import Visit
from bot.admin.quotas import used_today
from bot.admin.replies import ONLY_ADMINS_READ, WHO_UNSEEN
from bot.admin.usage_tables import UsageReport, tables, title
from bot.core.language import Phrase
from bot.core.resolution import resolve
from bot.core.screens import Notice
from bot.core.usage_request import DAYS_MOST, Extent, extent_of, parse_usage
from bot.errors import SlackError, SlackTokenRefused
from storage.usage_records import UsageKey, UsageRow

log = structlog.get_logger(__name__)


class UsageDesk:
    """Tells people what they used, and admins what everybody used and changed.

    Its methods raise what the caller of every command handles: SlackError when Slack cannot be
    answered, StorageError when the database does not answer.

    Args:
        office: What every command works with.
    """

    def __init__(self, office: Office) -> None:
        self._office = office
        self._charts = Charts()

    async def usage(self, visit: Visit, rest: str) -> None:
        """Answer `usage`: with tables and a picture, or with a file.

        People see their own usage; admins see everybody's.

        Args:
            visit: Who asks.
            rest: The words after `usage`.
        """
        request = parse_usage(rest)
        if request is None:
            await _say(visit, texts.HOW, most=DAYS_MOST)
            return
        access = self._office.access
        sees_all = request.whose != "me" and await access.is_admin(visit.caller, fresh=True)
        extent, is_less = extent_of(
            request, caller=visit.caller, sees_all=sees_all, today=self._office.today
        )
        preface = [texts.NARROWED.say(visit.language)] if is_less else []
        if request.as_csv:
            await self._send_usage(visit, extent, preface=preface)
        else:
            await self._show_usage(visit, extent, preface=preface)

    async def audit_csv(self, visit: Visit) -> None:
        """Answer `audit csv`: send an admin everything that was ever changed."""
        access = self._office.access
        standing = await access.standing(visit.caller, scopes.WORKSPACE, fresh=True)
        if not standing.is_admin:
            await _say(visit, ONLY_ADMINS_READ if standing.is_known else WHO_UNSEEN)
            return
        file = await audit_csv(self._office.storage.audit, visit.caller.team_id)
        if not file.rows:
            await _say(visit, texts.NO_AUDIT)
            return
        name = f"audit-{self._office.today.isoformat()}.csv"
        await _send_csv(visit, file, name=name, about=texts.AUDIT.say(visit.language))

    async def _send_usage(self, visit: Visit, extent: Extent, *, preface: Sequence[str]) -> None:
        file = await usage_csv(self._office.storage.usage, visit.caller.team_id, extent)
        if not file.rows:
            await _say(visit, texts.NOTHING)
            return
        about = " ".join([*preface, title(extent, language=visit.language)])
        await _send_csv(visit, file, name=f"{_file_stem(extent)}.csv", about=about)

    async def _show_usage(self, visit: Visit, extent: Extent, *, preface: Sequence[str]) -> None:
        report = await self._report(visit, extent)
        parts = [*preface, tables(report, language=visit.language)]
        if report.by_day:
            parts.append(texts.CHART_COMES.say(visit.language))
        await visit.screen.show(Notice("\n\n".join(parts)))
        if report.by_day:
            await self._send_chart(visit, report)

    async def _report(self, visit: Visit, extent: Extent) -> UsageReport:
        caller, team_id = visit.caller, visit.caller.team_id
        layers = await self._office.choices.layers(team_id, scopes.here(caller))
        # No quota depends on the app, which may be gone.
        quotas = resolve(layers, app=self._office.choices.default_app).quotas
        return UsageReport(
            extent=extent,
            by_day=await self._sums(team_id, extent, by="day"),
            by_model=await self._sums(team_id, extent, by="model"),
            by_user=() if extent.user_id else await self._sums(team_id, extent, by="user"),
            by_channel=() if extent.channel_id else await self._sums(team_id, extent, by="channel"),
            quotas=await used_today(quotas, caller=caller, office=self._office),
        )

    async def _sums(self, team_id: str, extent: Extent, *, by: UsageKey) -> Sequence[UsageRow]:
        return await self._office.storage.usage.report(
            team_id,
            since=extent.since,
            until=extent.until,
            by=by,
            channel_id=extent.channel_id,
            user_id=extent.user_id,
        )

    async def _send_chart(self, visit: Visit, report: UsageReport) -> None:
        picture = await self._picture(visit.caller.team_id, report)
        content = await self._charts.draw(picture)
        about = title(report.extent, language=visit.language)
        names = [
            texts.CHART_LABEL.say(visit.language, label=label, name=" ".join(name.split())[:80])
            for label, name in legend(picture).items()
        ]
        comment = "\n".join([about, *names])
        name = f"{_file_stem(report.extent)}.png"
        await _send(visit, name, content, comment=comment, title=about)

    async def _picture(self, team_id: str, report: UsageReport) -> Picture:
        days = report.extent.days
        place = {day: index for index, day in enumerate(days)}
        turns = [0] * len(days)
        tokens: dict[str, list[int]] = {}
        for row in report.by_day:  # a day nothing was used on costs no query
            day = date.fromisoformat(row.key)
            turns[place[day]] = row.turns
            extent = Extent(day, day, report.extent.channel_id, report.extent.user_id)
            for model in await self._sums(team_id, extent, by="model"):
                line = tokens.setdefault(model.key, [0] * len(days))
                line[place[day]] = model.input_tokens + model.output_tokens
        return picture_of(days, tokens=tokens, turns=turns)


def _file_stem(extent: Extent) -> str:
    return f"usage-{extent.since.isoformat()}-to-{extent.until.isoformat()}"


async def _send_csv(visit: Visit, file: CsvFile, *, name: str, about: str) -> None:
    cut = [texts.CUT.say(visit.language, rows=file.rows)] if file.is_cut else []
    comment = " ".join([about, *cut])
    if await _send(visit, name, file.content, comment=comment, title=name):
        sent = texts.CSV_SENT.say(visit.language, name=name, rows=file.rows)
        await visit.screen.show(Notice(" ".join([sent, about, *cut])))


async def _send(visit: Visit, name: str, content: bytes, *, comment: str, title: str) -> bool:
    """Send a file; when that fails say so in one sentence and return False."""
    try:
        await visit.screen.send_file(name, content, comment=comment, title=title)
    except SlackError as error:
        log.warning(
            "file.not_sent",
            team_id=visit.caller.team_id,
            method=error.method,
            code=error.code,
            status=error.status,
        )
        refused = isinstance(error, SlackTokenRefused)
        await _say(visit, texts.NO_SCOPE if refused else texts.NOT_SENT)
        return False
    return True


async def _say(visit: Visit, phrase: Phrase, **values: object) -> None:
    await visit.screen.show(Notice(phrase.say(visit.language, **values)))
