"""What a channel is, asked once a minute."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import structlog

from bot.core.policy import ChannelInfo
from bot.core.reply import Place, Urgency
from bot.errors import SlackError, SlackThrottled, SlackTokenRefused, SlackUnavailable
from bot.slack.calls import Calls

METHOD = "conversations.info"
KNOWN_S = 60.0
"""How long an answer, or Slack's refusal to give one, is believed."""
CHANNELS_KEPT = 10_000
TIMEOUT_S = 1.5
"""Somebody looks at the screen meanwhile."""

DIRECT_MESSAGE = "directmessage"
PRIVATE_CHANNEL = "privategroup"
GROUP_MESSAGE_PREFIX = "mpdm-"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Called:
    """What a command calls its channel, and whether Slack last said that others share it."""

    name: str
    is_shared: bool


@dataclass(frozen=True, slots=True)
class _Remembered:
    """An answer, or that there was none, and how long it holds (monotonic seconds)."""

    channel: ChannelInfo | None
    until: float


class SlackChannels:
    """Looks channels up with `conversations.info`.

    It needs the scope `channels:read`, and `groups:read` for private channels. Without them, and
    for channels Slack hides from the bot, what a command said of its channel must do.

    Args:
        calls: How Slack is called.
        clock: Monotonic seconds.
        timeout_s: A look-up that takes longer has failed.
    """

    def __init__(
        self,
        *,
        calls: Calls,
        clock: Callable[[], float] = time.monotonic,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._calls = calls
        self._clock = clock
        self._timeout_s = timeout_s
        self._remembered: OrderedDict[tuple[str, str], _Remembered] = OrderedDict()
        self._called: OrderedDict[tuple[str, str], _Called] = OrderedDict()

    def heard(self, team_id: str, channel_id: str, name: str) -> None:
        """Note what a command called its channel."""
        if name:
            key = team_id, channel_id
            before = self._called.get(key)
            # A name does not tell whether people of other workspaces are there.
            is_shared = before is None or before.is_shared
            _keep(self._called, key, _Called(name, is_shared=is_shared))

    async def channel(self, team_id: str, channel_id: str) -> ChannelInfo | None:
        """Return what a channel is; None when nothing is known of it. Never raises SlackError."""
        if channel_id.startswith("D"):
            # Asking would need `im:read`, and tell nothing new.
            return _unseen(channel_id, _Called(DIRECT_MESSAGE, is_shared=False), is_member=True)
        key = team_id, channel_id
        remembered = self._remembered.get(key)
        if remembered is not None and remembered.until > self._clock():
            return remembered.channel
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await self._ask(team_id, channel_id)
        except (TimeoutError, SlackUnavailable, SlackThrottled) as error:
            log.info("channel.unknown", channel_id=channel_id, error=type(error).__name__)
            return self._by_name(key, is_member=True)
        except SlackTokenRefused as error:
            log.info("channel.unknown", channel_id=channel_id, code=error.code)
            found = self._by_name(key, is_member=True)
        except SlackError:
            found = self._by_name(key, is_member=False)
        _keep(self._remembered, key, _Remembered(found, self._clock() + KNOWN_S))
        return found

    async def _ask(self, team_id: str, channel_id: str) -> ChannelInfo | None:
        place = Place(team_id, channel_id, "")
        await self._calls.permit(place, method=METHOD, urgency=Urgency.FIRST_WORDS)
        answer = await self._calls.read(place, method=METHOD, query={"channel": channel_id})
        found = _parse(answer.get("channel"), channel_id)
        if found is not None:  # when Slack does not answer next time, this much is still known
            called = _Called(_as_in_commands(found), is_shared=found.is_shared)
            _keep(self._called, (team_id, channel_id), called)
        return found

    def _by_name(self, key: tuple[str, str], *, is_member: bool) -> ChannelInfo | None:
        """Return what a command's name for its channel tells.

        Args:
            key: Workspace and channel.
            is_member: Whether the bot counts as being in it. It does as long as Slack has not said
                otherwise: nobody is told to invite it for nothing.
        """
        called = self._called.get(key)
        return None if called is None else _unseen(key[1], called, is_member=is_member)


def _as_in_commands(channel: ChannelInfo) -> str:
    """Return what a command typed in a channel calls it."""
    is_named = not channel.is_private or channel.name.startswith(GROUP_MESSAGE_PREFIX)
    return channel.name if is_named else PRIVATE_CHANNEL


def _keep(kept: OrderedDict[tuple[str, str], Any], key: tuple[str, str], value: object) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > CHANNELS_KEPT:
        kept.popitem(last=False)


def _unseen(channel_id: str, called: _Called, *, is_member: bool) -> ChannelInfo:
    """Return a channel of which only the name in a command is known (docs: "Slash commands")."""
    name = called.name
    is_direct = name == DIRECT_MESSAGE or name.startswith(GROUP_MESSAGE_PREFIX)
    return ChannelInfo(
        channel_id=channel_id,
        name="" if name in {DIRECT_MESSAGE, PRIVATE_CHANNEL} else name,
        is_member=is_member,
        is_private=is_direct or name == PRIVATE_CHANNEL,
        is_direct=is_direct,
        is_shared=called.is_shared,
        creator="",
        is_archived=False,
    )


def _parse(found: object, channel_id: str) -> ChannelInfo | None:
    if not isinstance(found, dict):
        return None
    channel = cast("Mapping[str, Any]", found)
    is_direct = channel.get("is_im") is True or channel.get("is_mpim") is True
    return ChannelInfo(
        channel_id=channel_id,
        name=str(channel.get("name") or ""),
        is_member=channel.get("is_im") is True or channel.get("is_member") is True,
        is_private=is_direct or channel.get("is_private") is True,
        is_direct=is_direct,
        is_shared=channel.get("is_ext_shared") is True or channel.get("is_shared") is True,
        creator=str(channel.get("creator") or ""),
        is_archived=channel.get("is_archived") is True,
    )
