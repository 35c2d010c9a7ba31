"""What was said in threads, read from Slack as far as Slack lets it."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from bot.core.pacing import READ
from bot.core.reply import Place, Urgency
from bot.core.thread import Past, Reading, in_order, moment
from bot.errors import SlackError
from bot.slack.calls import Calls
from bot.slack.spoken import blocked_question, said

THREAD_MESSAGES = 1_000
"""Messages asked for at once: as many as Slack gives (docs.slack.dev, "conversations.replies"),
because it gives the oldest first."""
SCARCE_MESSAGES = 15
"""What apps that are distributed outside the Marketplace get, whatever they ask for, once a minute
(the same page)."""
THREAD_PAGES = 5
"""Asked for one question, each of them a call."""
SAID_MOST = 200
"""Of a thread, the last ones; a question quotes 20 at most, but replies have several pages."""
RECENT_TURNS = 4
"""Read of a thread whose end was not reached before; with their replies they mostly fit a page."""
LONG_THREADS_KEPT = 1_000

Found = dict[str, dict[str, Any]]
"""Messages by their ts. The root leads every page."""
Query = dict[str, str | int | bool]


class SlackThreads:
    """Reads threads; retries are the caller's.

    Args:
        calls: How Slack is called.
        keeps: Threads of which it is kept in mind that their end was not reached.
    """

    def __init__(self, *, calls: Calls, keeps: int = LONG_THREADS_KEPT) -> None:
        self._calls = calls
        self._keeps = keeps
        self._long: dict[Place, None] = {}

    async def thread(
        self, place: Place, *, past: Past, within_s: float, urgency: Urgency
    ) -> Reading:
        """Return what was said last in a thread before a question.

        At most SAID_MOST messages. What the bot says about its work (that it thinks, waits, offers
        something) is left out, and so is a question that content safety rules blocked. Where Slack
        stops giving, what it gave is returned.

        Args:
            place: The thread.
            past: What is wanted of it.
            within_s: Longer is not waited; while Slack lets nobody read for longer than that, it is
                said at once.
            urgency: INTERIM for what an answer can do without.

        Raises:
            SlackError: In its most specific form, when nothing was given.
            TimeoutError: Nothing was given in time.
        """
        self._calls.refuse_rest(place, method=READ, longer_than_s=within_s)
        found: Found = {}
        reaches_end = False
        try:
            async with asyncio.timeout(within_s):
                reaches_end = await self._read(place, past=past, found=found, urgency=urgency)
        except (SlackError, TimeoutError):
            if not found:
                raise
        if not reaches_end:
            self._keep_in_mind(place)
        blocked = {blocked_question(one) for one in found.values()}
        heard = {ts: said(one) for ts, one in found.items() if ts not in blocked}
        words = {ts: told for ts, told in heard.items() if told is not None}
        return Reading(in_order(words, past)[-SAID_MOST:], reaches_end=reaches_end)

    async def _read(self, place: Place, *, past: Past, found: Found, urgency: Urgency) -> bool:
        """Find the messages of the past; return whether the last ones are among them."""
        # Without `latest`: a reply may have come later than the next question.
        query: Query = {
            "channel": place.channel_id,
            "ts": place.thread_ts,
            "inclusive": True,
            "limit": THREAD_MESSAGES,
            "include_all_metadata": True,
        }
        if oldest := self._oldest(place, past):
            query["oldest"] = oldest
        for _ in range(THREAD_PAGES):
            await self._calls.permit(place, method=READ, urgency=urgency)
            page = await self._calls.read(place, method=READ, query=query)
            messages = cast("list[dict[str, Any]]", page.get("messages") or [])
            found.update({str(one["ts"]): one for one in messages})
            following = next_cursor(page)
            last = max(map(moment, found), default=(0, 0))
            if following is None or last > moment(past.question_ts):
                return True
            if len(messages) <= SCARCE_MESSAGES:
                return False
            query["cursor"] = following
        return False

    def _oldest(self, place: Place, past: Past) -> str:
        """Return the moment to read from; empty for the beginning."""
        questions = {ts for ts in past.questions.values() if moment(ts) < moment(past.question_ts)}
        recent = sorted(questions, key=moment)[-RECENT_TURNS:] if place in self._long else []
        return max((ts for ts in (past.since_ts, *recent[:1]) if ts), key=moment, default="")

    def _keep_in_mind(self, place: Place) -> None:
        """Begin with what was asked last when this thread is read again."""
        self._long[place] = None
        if len(self._long) > self._keeps:
            del self._long[next(iter(self._long))]


def next_cursor(page: Mapping[str, Any]) -> str | None:
    """Return where the next page begins; None after the last one."""
    following = cast("dict[str, Any]", page.get("response_metadata") or {})
    return str(following.get("next_cursor") or "") or None
