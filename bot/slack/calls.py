"""One call of Slack's Web API: made once, measured, its failure named and its 429 remembered."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from bot.core.reply import Place, Urgency
from bot.errors import SlackError, SlackThrottled, SlackUnavailable
from bot.metrics import Metrics
from bot.slack.budgets import Budgets
from bot.slack.failures import web_api_errors
from bot.slack.web_api import WebApi

TokenFor = Callable[[str], Awaitable[str]]
"""Returns a workspace's bot token; raises SlackTokenRefused when it has none."""


class Calls:
    """Calls with the bot's own token. Nothing is ever sent twice.

    Args:
        api: The open session.
        budgets: Where calls wait, and where a 429 is told.
        metrics: Calls are counted there, by method and outcome.
        token_for: Finds a workspace's token.
    """

    def __init__(
        self, *, api: WebApi, budgets: Budgets, metrics: Metrics, token_for: TokenFor
    ) -> None:
        self._api = api
        self._budgets = budgets
        self._metrics = metrics
        self._token_for = token_for

    async def permit(self, place: Place, *, method: str, urgency: Urgency) -> None:
        """Wait until one call may go; see `Budgets.permit`."""
        await self._budgets.permit(place, method=method, urgency=urgency)

    def is_crowded(self, place: Place) -> bool:
        """Tell whether edits are short; see `Budgets.is_crowded`."""
        return self._budgets.is_crowded(place.team_id)

    def refuse_rest(self, place: Place, *, method: str, longer_than_s: float) -> None:
        """Spare a caller who has not the time the wait for a method that rests after a 429.

        Raises:
            SlackThrottled: It rests for longer.
        """
        rest_s = self._budgets.rest_s(place.team_id, method=method)
        if rest_s > longer_than_s:
            raise SlackThrottled(method=method, retry_after_s=rest_s)

    async def send(
        self, place: Place, *, method: str, body: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Call a method that takes JSON, and return what Slack answered.

        Raises:
            SlackError: In its most specific form. SlackThrottled also without a call, while the
                method rests.
        """
        return await self._call(place, method=method, verb="POST", json=dict(body))

    async def read(
        self, place: Place, *, method: str, query: Mapping[str, str | int | bool]
    ) -> Mapping[str, Any]:
        """Call a method that reads, and return what Slack answered.

        Raises:
            SlackError: As `send`.
        """
        return await self._call(place, method=method, verb="GET", params=dict(query))

    async def _call(
        self, place: Place, *, method: str, verb: str, **arguments: dict[str, Any]
    ) -> Mapping[str, Any]:
        # A permit may be older than a 429 that came since.
        rest_s = self._budgets.rest_s(place.team_id, method=method)
        if rest_s > 0:
            raise SlackThrottled(method=method, retry_after_s=rest_s)
        client = self._api.client(await self._token_for(place.team_id))
        try:
            with web_api_errors(method):
                # The SDK leaves its dicts' types open.
                response = await client.api_call(  # pyright: ignore[reportUnknownMemberType]
                    method, http_verb=verb, **arguments
                )
        except SlackError as error:
            self._failed(error, place=place)
            raise
        self._count(method, "ok")
        return cast("dict[str, Any]", response.data)

    def _failed(self, error: SlackError, *, place: Place) -> None:
        match error:
            case SlackThrottled():
                self._count(error.method, "throttled")
                self._budgets.throttled(
                    place, method=error.method, retry_after_s=error.retry_after_s
                )
            case SlackUnavailable():
                self._count(error.method, "unavailable")
            case _:
                self._count(error.method, "refused")

    def _count(self, method: str, outcome: str) -> None:
        self._metrics.slack_calls.labels(method, outcome).inc()
