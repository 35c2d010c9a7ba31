"""Many answers at once, as their readers see them: our bot beside what most public samples do."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.playground.dashscope.answers import Said
from bot.playground.dashscope.apps import App
from bot.playground.dashscope.pace import Pace
from bot.playground.dashscope.server import PLAYGROUND_KEY, DashScopeServer
from bot.playground.slack.directory import Channel, User
from bot.playground.slack.limits import Limits, Rate
from bot.playground.slack.server import SlackServer
from bot.playground.slack.workspace import Workspace
from tests.benchmarks import naive
from tests.benchmarks.child import Child, free_port
from tests.benchmarks.readings import Reading, Text, read
from tests.benchmarks.report import Sheet, percentile, say, spread

ANN = "U0ANN"
BOT = "U0BOT"
APP_ID = "app-measured"
CHANNELS = 8
PACE = Pace(chars_per_s=225, first_token_s=0.5, piece_chars=6)
"""40 tokens a second, of which six characters make one."""
# Bolt asks auth.test for each event; what is measured here is replies.
LIMITS = Limits(latency_s=0.12).with_rate("auth.test", Rate(per_min=60_000, burst=1_000))
START_WITHIN_S = 30.0
END_WITHIN_S = 75.0
REST_S = 0.5
_QUESTION = re.compile(r"question (\d+)")


@dataclass(frozen=True, slots=True)
class Case:
    """How much is asked at once."""

    replies: int
    chars: int


ROUNDS = ((Case(1, 1_800), Case(1, 6_000)), (Case(8, 1_800),), (Case(32, 1_800),))
"""Cases of one round run at the same time, each with servers of its own."""


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot to measure.

    Attributes:
        name: In the table.
        arguments: Starts it.
        ended: What it says once for each reply that ended.
    """

    name: str
    arguments: Sequence[str]
    ended: str


OURS = Bot("ours", ("-m", "bot", "run"), "turn.finished")
NAIVE = Bot("naive", ("-m", "tests.benchmarks.naive"), naive.FINISHED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run gave."""

    readings: Sequence[Reading]
    calls: int
    refused: int
    idle_rss_mb: float
    peak_rss_mb: float
    cpu_s: float


async def sheets() -> AsyncGenerator[Sheet]:
    """Yield the measurements, and ours as multiples of the other's."""
    results: dict[tuple[Case, Bot], Outcome] = {}
    for cases in ROUNDS:
        sizes = ", ".join(f"{case.replies} × {case.chars}" for case in cases)
        say(f"replies, {sizes} characters, both bots side by side")
        pairs = [(case, bot) for case in cases for bot in (OURS, NAIVE)]
        outcomes = await asyncio.gather(*(_measure(case, bot) for case, bot in pairs))
        results.update(zip(pairs, outcomes, strict=True))
    yield _outcomes(results)
    yield _ratios(results)


async def _measure(case: Case, bot: Bot) -> Outcome:
    answer = Text.of(case.chars)
    app = App(APP_ID, answers=lambda _inquiry: Said(answer.text))
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        slack = await stack.enter_async_context(SlackServer(_workspace(), limits=LIMITS))
        dashscope = await stack.enter_async_context(DashScopeServer([app], pace=PACE))
        port = free_port()
        environment = _environment(slack, dashscope, port=port, folder=folder)
        child = Child(bot.arguments, environment=environment, folder=folder)
        await stack.enter_async_context(child)
        await child.until_listening(port, within_s=START_WITHIN_S)
        slack.deliver_to(f"http://127.0.0.1:{port}/slack/events")
        await asyncio.sleep(REST_S)
        idle, calls = child.usage(), len(slack.journal.calls)
        asked = await _ask(slack, count=case.replies)
        await _until_ended(child, bot=bot, count=case.replies)
        await asyncio.sleep(REST_S)
        return Outcome(
            readings=_readings(slack, dashscope, asked=asked, answer=answer),
            calls=len(slack.journal.calls) - calls,
            refused=sum(slack.meter.refused.values()),
            idle_rss_mb=idle.rss_mb,
            peak_rss_mb=child.peak_rss_mb,
            cpu_s=child.usage().cpu_s - idle.cpu_s,
        )


def _workspace() -> Workspace:
    workspace = Workspace()
    workspace.add_user(User(ANN, name="ann"))
    for number in range(CHANNELS):
        channel_id = f"C{number:05d}"
        workspace.add_channel(
            Channel(channel_id, name=channel_id.lower(), members=frozenset({ANN, BOT}))
        )
    return workspace


def _environment(
    slack: SlackServer, dashscope: DashScopeServer, *, port: int, folder: Path
) -> Mapping[str, str]:
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "DASHSCOPE_API_KEY": PLAYGROUND_KEY,
        "DASHSCOPE_BASE_URL": dashscope.base_url,
        "DASHSCOPE_APP_ID": APP_ID,
        "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/bot.db",
        "GRACE_S": "1",
        "HOST": "127.0.0.1",
        "PORT": str(port),
    }


async def _until_ended(child: Child, *, bot: Bot, count: int) -> None:
    """Wait for the end of all replies; one that never ends counts as not whole."""
    try:
        await child.until(lambda: child.count(bot.ended) >= count, within_s=END_WITHIN_S)
    except TimeoutError as error:
        say(f"{bot.name}: {count - child.count(bot.ended)} replies never ended; {error}")


async def _ask(slack: SlackServer, *, count: int) -> list[tuple[str, str, float]]:
    """Ask everything at once; return channel, ts and time of each question."""
    asked = list[tuple[str, str, float]]()
    for number in range(count):
        channel = f"C{number % CHANNELS:05d}"
        at = slack.clock()
        ts = await slack.say(ANN, channel, f"<@{BOT}> question {number}")
        asked.append((channel, ts, at))
    return asked


def _readings(
    slack: SlackServer,
    dashscope: DashScopeServer,
    *,
    asked: Sequence[tuple[str, str, float]],
    answer: Text,
) -> list[Reading]:
    began_at = dict[int, float]()
    for entry in dashscope.journal.entries:
        found = _QUESTION.search(str(entry.body))
        if found:
            began_at.setdefault(int(found[1]), entry.at)
    readings = list[Reading]()
    for number, (channel, ts, at) in enumerate(asked):
        versions = [
            version
            for version in slack.workspace.versions
            if version.message is not None
            and (version.channel_id, version.message.thread_ts) == (channel, ts)
        ]
        began = began_at.get(number, at)
        readings.append(read(versions, answer=answer, asked_at=at, began_at=began, pace=PACE))
    return readings


def _outcomes(results: Mapping[tuple[Case, Bot], Outcome]) -> Sheet:
    columns = [
        "bot, replies × chars",
        "first sign, s",
        "first words, s",
        "staleness, s",
        "calls each",
        "429",
        "final text, s",
        "whole",
        "RSS, MB",
        "CPU s",
    ]
    rows = [_row(case, bot, outcome) for (case, bot), outcome in results.items()]
    note = (
        f"Model {PACE.chars_per_s:.0f} chars/s in pieces of {PACE.piece_chars} (40 tokens/s), "
        f"first token after {PACE.first_token_s} s; Slack {LIMITS.latency_s * 1000:.0f} ms a "
        "call, chat.update 50/min with a burst of 20, chat.postMessage 1/s and channel with a "
        f"burst of 3; questions in {CHANNELS} channels. naive: Bolt, httpx-sse, an awaited edit "
        f"every {naive.EDIT_CHARS} characters, two retries of the last one after a 429. Each bot "
        "in a process of its own with servers of its own, at the same time. first sign and first "
        "words: after the question, median / worst. staleness: age of the newest word shown, "
        "every 50 ms from the first token to the last, p50 / p95. final text: after the last "
        "token, median / worst of the whole answers. RSS: idle → peak."
    )
    return Sheet("Replies", columns, rows, note)


def _row(case: Case, bot: Bot, outcome: Outcome) -> list[str]:
    readings = outcome.readings
    finals = [reading.final_s for reading in readings if reading.final_s is not None]
    return [
        f"{bot.name}, {case.replies} × {case.chars:,}",
        spread(_seen(outcome), 0.5, 1.0),
        spread(_words(outcome), 0.5, 1.0),
        spread(_stale(outcome), 0.5, 0.95),
        f"{outcome.calls / case.replies:.1f}",
        str(outcome.refused),
        spread(finals, 0.5, 1.0),
        f"{len(finals)}/{case.replies}",
        f"{outcome.idle_rss_mb:.0f} → {outcome.peak_rss_mb:.0f}",
        f"{outcome.cpu_s:.1f}",
    ]


def _seen(outcome: Outcome) -> list[float]:
    return [reading.seen_s for reading in outcome.readings if reading.seen_s is not None]


def _words(outcome: Outcome) -> list[float]:
    return [reading.words_s for reading in outcome.readings if reading.words_s is not None]


def _stale(outcome: Outcome) -> list[float]:
    return [age for reading in outcome.readings for age in reading.stale_s]


def _ratios(results: Mapping[tuple[Case, Bot], Outcome]) -> Sheet:
    rows: list[list[str]] = []
    for case, bot in results:
        if bot is not OURS:
            continue
        ours, theirs = results[case, OURS], results[case, NAIVE]
        rows.append(
            [
                f"{case.replies} × {case.chars:,}",
                _ratio(percentile(_words(ours), 0.5), percentile(_words(theirs), 0.5)),
                _ratio(percentile(_words(ours), 1.0), percentile(_words(theirs), 1.0)),
                _ratio(percentile(_stale(ours), 0.5), percentile(_stale(theirs), 0.5)),
                _ratio(percentile(_stale(ours), 0.95), percentile(_stale(theirs), 0.95)),
                _ratio(ours.calls, theirs.calls),
                _ratio(ours.peak_rss_mb, theirs.peak_rss_mb),
                _ratio(ours.cpu_s, theirs.cpu_s),
            ]
        )
    columns = [
        "replies × chars",
        "first words, median",
        "first words, worst",
        "staleness p50",
        "staleness p95",
        "calls",
        "peak RSS",
        "CPU",
    ]
    return Sheet("Replies: ours divided by naive (under 1: ours is less)", columns, rows)


def _ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f}" if theirs else "-"
