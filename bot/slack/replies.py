"""The bot's messages in Slack: posted, edited, deleted, and found again."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

from bot.core.files import notes_of
from bot.core.language import Language
from bot.core.messages import Written
from bot.core.pacing import DELETE, EDIT, POST, READ
from bot.core.reply import Content, Mark, Place, Urgency
from bot.errors import MessageGone, SlackUnavailable
from bot.slack.calls import Calls
from bot.slack.message import carries, message, offer, whisper
from bot.slack.threads import next_cursor

OPEN = "conversations.open"
WHISPER = "chat.postEphemeral"
PAGE_MESSAGES = 200
"""Messages asked for at once (docs.slack.dev, "conversations.replies": at most 1,000). Apps that
are distributed outside the Marketplace get 15, whatever they ask for."""
PAGES = 5
"""Pages looked through for a lost message; it was posted seconds after `after_ts`."""


class SlackReplies:
    """Makes one Slack call for each method; retries are the caller's.

    Args:
        calls: How Slack is called.
    """

    def __init__(self, *, calls: Calls) -> None:
        self._calls = calls

    def is_crowded(self, place: Place) -> bool:
        """Tell whether a message posted now may have to wait long for its first `edit`."""
        return self._calls.is_crowded(place)

    async def permit_post(self, place: Place, *, urgency: Urgency) -> None:
        """Wait until one `post` may go. Cancelling gives the place in the queue back."""
        await self._calls.permit(place, method=POST, urgency=urgency)

    async def permit_edit(self, place: Place, *, urgency: Urgency) -> None:
        """Wait until one `edit` may go. Cancelling gives the place back."""
        await self._calls.permit(place, method=EDIT, urgency=urgency)

    async def permit_delete(self, place: Place, *, urgency: Urgency) -> None:
        """Wait until one `delete` may go. Cancelling gives the place back."""
        await self._calls.permit(place, method=DELETE, urgency=urgency)

    async def post(self, place: Place, content: Content, *, mark: Mark) -> str:
        """Post one message and return its ts.

        Not idempotent: Slack has no key to recognise a second try by.

        Raises:
            SlackError: In its most specific form; after SlackUnavailable it may have been posted.
        """
        body = {
            "channel": place.channel_id,
            **message(content, mark=mark),
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if place.thread_ts:
            body["thread_ts"] = place.thread_ts
        posted = await self._calls.send(place, method=POST, body=body)
        return _text(posted, "ts", method=POST)

    async def edit(self, place: Place, ts: str, content: Content, *, mark: Mark) -> None:
        """Replace one message. Idempotent.

        Raises:
            SlackError: In its most specific form.
        """
        channel_id = await self._conversation(place)
        body = {"channel": channel_id, "ts": ts, **message(content, mark=mark)}
        await self._calls.send(place, method=EDIT, body=body)

    async def delete(self, place: Place, ts: str) -> None:
        """Remove one message; one that is gone already is fine.

        Raises:
            SlackError: In its most specific form.
        """
        body = {"channel": await self._conversation(place), "ts": ts}
        try:
            await self._calls.send(place, method=DELETE, body=body)
        except MessageGone as error:
            if error.code != "message_not_found":
                raise

    async def find(self, place: Place, *, mark: Mark, after_ts: str) -> str | None:
        """Return the ts of the own message that carries `mark`, posted after `after_ts`.

        Waits for its own permits: finding comes before anything else a recovered turn does.

        Returns:
            None when there is no such message among the first PAGES pages.

        Raises:
            SlackError: In its most specific form.
        """
        async for found in self._messages(place, after_ts=after_ts):
            if carries(found, mark=mark):
                return str(found["ts"])
        return None

    async def direct(self, team_id: str, user_id: str) -> Place:
        """Return the place of a user's direct messages, outside any thread.

        Raises:
            SlackError: In its most specific form; SlackTokenRefused without the scope `im:write`.
        """
        place = Place(team_id, user_id, "")
        await self._calls.permit(place, method=OPEN, urgency=Urgency.FINAL)
        opened = await self._calls.send(place, method=OPEN, body={"users": user_id})
        return Place(team_id, _text(opened.get("channel"), "id", method=OPEN), "")

    async def question(self, place: Place, ts: str) -> Written | None:
        """Return a message as Slack holds it now; None when it is gone.

        Raises:
            SlackError: In its most specific form.
        """
        query: dict[str, str | int | bool] = {
            "channel": place.channel_id,
            "ts": place.thread_ts,
            "oldest": ts,
            "latest": ts,
            "inclusive": True,
            "limit": 2,  # the root comes along in any case
        }
        await self._calls.permit(place, method=READ, urgency=Urgency.FIRST_WORDS)
        page = await self._calls.read(place, method=READ, query=query)
        for found in cast("list[dict[str, Any]]", page.get("messages") or []):
            if found.get("ts") == ts and found.get("subtype") != "tombstone":
                return Written(str(found.get("text") or ""), notes_of(found.get("files")))
        return None

    async def offer_again(
        self, place: Place, *, user_id: str, turn_id: int, edited_ts: str, language: Language
    ) -> None:
        """Offer the asker, and nobody else, to have an edited question answered again.

        Raises:
            SlackError: In its most specific form.
        """
        body = {
            "channel": place.channel_id,
            "user": user_id,
            "thread_ts": place.thread_ts,
            **offer(turn_id=turn_id, edited_ts=edited_ts, language=language),
        }
        await self._calls.permit(place, method=WHISPER, urgency=Urgency.INTERIM)
        await self._calls.send(place, method=WHISPER, body=body)

    async def tell(self, place: Place, *, user_id: str, text: str) -> None:
        """Say one plain sentence that only this user sees.

        Raises:
            SlackError: In its most specific form.
        """
        body = {
            "channel": place.channel_id,
            "user": user_id,
            "thread_ts": place.thread_ts,
            **whisper(text),
        }
        await self._calls.permit(place, method=WHISPER, urgency=Urgency.INTERIM)
        await self._calls.send(place, method=WHISPER, body=body)

    async def _messages(self, place: Place, *, after_ts: str) -> AsyncIterator[dict[str, Any]]:
        method = READ if place.thread_ts else "conversations.history"
        query: dict[str, str | int | bool] = {
            "channel": await self._conversation(place),
            "oldest": after_ts,
            "limit": PAGE_MESSAGES,
            "include_all_metadata": True,
        }
        if place.thread_ts:
            query["ts"] = place.thread_ts
        for _ in range(PAGES):
            await self._calls.permit(place, method=method, urgency=Urgency.FINAL)
            page = await self._calls.read(place, method=method, query=query)
            for found in cast("list[dict[str, Any]]", page.get("messages") or []):
                yield found
            following = next_cursor(page)
            if following is None:
                return
            query["cursor"] = following

    async def _conversation(self, place: Place) -> str:
        """Return the channel's own id: only posting takes a user's id for one.

        Source: docs.slack.dev, "chat.update", argument `channel`.
        """
        if not place.channel_id.startswith(("U", "W")):
            return place.channel_id
        return (await self.direct(place.team_id, place.channel_id)).channel_id


def _text(answer: object, name: str, *, method: str) -> str:
    """Read one field that Slack always sends; without it nobody knows what happened."""
    value = cast("Mapping[str, Any]", answer).get(name) if isinstance(answer, Mapping) else None
    if not isinstance(value, str) or not value:
        raise SlackUnavailable(method=method, code="not_json")
    return value
