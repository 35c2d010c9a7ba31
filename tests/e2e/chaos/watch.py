"""What is watched while the day goes on."""

import time
from collections import Counter
from collections.abc import Sequence

from rig import Rig, is_growing, is_waiting_line

from bot.playground.dashscope.journal import Entry
from bot.playground.slack.message import visible_text
from chaos.questions import Asked

FOR_EVER_S = 3_600.0


async def note_ends(rig: Rig, ends: dict[str, float]) -> None:
    """Note when each request to DashScope ends, until cancelled."""

    def look(entries: Sequence[Entry]) -> bool:
        for entry in entries:
            if entry.finished and entry.request_id not in ends:
                ends[entry.request_id] = time.monotonic()
        return False

    await rig.dashscope.until(look, timeout_s=FOR_EVER_S)


def is_settled(rig: Rig, asked: Sequence[Asked]) -> bool:
    """Tell whether every thread has as many finished replies as questions."""
    wanted = Counter((question.channel, question.thread) for question in asked)
    for (channel, thread), count in wanted.items():
        replies = rig.reply(thread, channel=channel)
        is_open = any(is_growing(reply) or is_waiting_line(reply) for reply in replies)
        if is_open or len(replies) < count:
            return False
    return True


def unsettled(rig: Rig, asked: Sequence[Asked]) -> list[str]:
    """Return a line for each thread that is not settled, and how many messages never arrived."""
    wanted = Counter((question.channel, question.thread) for question in asked)
    lost = sum(each.is_done and not each.is_delivered for each in rig.slack.deliveries)
    return [
        f"{lost} deliveries were given up",
        *(
            f"{count} asked: {[visible_text(each) for each in rig.reply(thread, channel=channel)]}"
            for (channel, thread), count in wanted.items()
            if not is_settled(rig, [q for q in asked if (q.channel, q.thread) == (channel, thread)])
        ),
    ]
