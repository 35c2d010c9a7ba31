"""Several workers together keep to what Slack allows one bot."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from midway import ANSWER
from rig import ANN, BEN, BOT, Rig, is_growing, words
from workers import Fleet, Worker, a_fleet, until

from bot.playground.dashscope.pace import Pace
from bot.playground.slack.directory import Channel

WORKERS = 3
CHANNELS = 8
QUESTIONS = 24
WITHIN_S = 100.0


@pytest.fixture
def database() -> str:
    """Replicas share a PostgreSQL."""
    return "postgresql"


@pytest.fixture
async def fleet(rig: Rig, tmp_path: Path) -> AsyncIterator[Fleet]:
    """No workers yet, over HTTP, and Slack with its own limits."""
    async with a_fleet(rig, tmp_path) as fleet:
        yield fleet


def counted(worker: Worker) -> int:
    """Return how many workers this one last said there are."""
    lines = worker.lines("workers.counted")
    return lines[-1]["workers"] if lines else 1


def add_channels(rig: Rig) -> list[str]:
    """Return channels with the bot in them; each has a rate of its own for posts."""
    members = frozenset({ANN, BEN, BOT})
    channels = [f"C0NUMBER{number}" for number in range(CHANNELS)]
    for channel_id in channels:
        rig.slack.workspace.add_channel(Channel(channel_id, name="more", members=members))
    return channels


@pytest.mark.slow
async def test_replicas_share_what_slack_allows_and_are_hardly_ever_refused(fleet: Fleet) -> None:
    rig = fleet.rig
    # An even load: whoever runs all turns spends one budget, shared or not.
    pace = Pace(chars_per_s=200, first_token_s=0.5)
    rig.dashscope.manner = replace(rig.dashscope.manner, pace=pace)
    rig.changes["turns_at_once"] = QUESTIONS // WORKERS
    channels = add_channels(rig)
    workers = await fleet.start(WORKERS)
    await until(lambda: all(counted(each) == WORKERS for each in workers), within_s=WITHIN_S)
    asked = [
        (channel, await rig.ask(f"{ANSWER} {number}", channel=channel))
        for number in range(QUESTIONS)
        for channel in [channels[number % CHANNELS]]
    ]

    def replies() -> list[bool]:
        return [
            any(not is_growing(message) for message in rig.reply(thread, channel=channel))
            for channel, thread in asked
        ]

    await rig.slack.until(lambda: all(replies()), timeout_s=WITHIN_S)
    for number, (channel, thread) in enumerate(asked):
        assert words(rig.reply(thread, channel=channel)) == f"{ANSWER} {number}"
    calls = rig.slack.journal.calls
    refused = Counter(call.method for call in calls if call.outcome == "ratelimited")
    assert refused.total() <= WORKERS, f"{refused}; with a full budget each there are about forty"
