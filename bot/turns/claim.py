"""The first and only right to answer a message."""

from typing import Any, cast

import structlog

from bot.core.files import FileNote
from bot.core.messages import UserMessage, Written
from bot.core.setting import Follow
from bot.errors import UnknownApp
from bot.metrics import Metrics
from bot.turns.ports import Choices, Threads
from storage.errors import SecretsLocked, SecretUnreadable
from storage.records import NewTurn, Turn
from storage.turns import Turns

log = structlog.stdlib.get_logger(__name__)


def new_turn(message: UserMessage) -> NewTurn:
    """Return what is stored of a message until it is answered.

    Of its files that is little: whoever takes it up asks Slack for the rest, and learns whether
    they may be read at all.
    """
    payload: dict[str, Any] = {
        "text": message.text,
        "files": [{"id": note.file_id, "name": note.name} for note in message.files],
        "user_team": message.user_team_id,
    }
    if not message.is_addressed:
        payload["overheard"] = True
    return NewTurn(
        team_id=message.team_id,
        channel_id=message.channel_id,
        thread_ts=message.thread_ts,
        message_ts=message.ts,
        user_id=message.user_id,
        payload=payload,
    )


def user_team(turn: Turn) -> str:
    """Return the workspace its asker wrote from; empty when unknown."""
    return str(turn.payload.get("user_team") or "")


def written(turn: Turn) -> Written | None:
    """Return what was stored of a message; None for a question that is asked again."""
    text, files = turn.payload.get("text"), turn.payload.get("files")
    if text is None or files is None:
        return None
    # A turn that an earlier release claimed says how many there were, and no more.
    told = cast("list[dict[str, str]]", files) if isinstance(files, list) else []
    return Written(text, tuple(FileNote(note["id"], name=note["name"]) for note in told))


def is_overheard(turn: Turn) -> bool:
    """Return whether its message was said in a thread the bot follows, to nobody by name."""
    return turn.payload.get("overheard") is True


class Claims:
    """Takes messages in: once each, whatever Slack delivers.

    Args:
        turns: The inbox.
        threads: Which threads the bot takes part in.
        choices: Where it follows them.
        metrics: Messages are counted there.
    """

    def __init__(
        self, *, turns: Turns, threads: Threads, choices: Choices, metrics: Metrics
    ) -> None:
        self._turns = turns
        self._threads = threads
        self._choices = choices
        self._metrics = metrics

    async def submit(self, message: UserMessage) -> bool:
        """Claim a message that is for the bot; the claim is committed when this returns.

        Returns:
            False when the message had been claimed before, or is not for the bot.

        Raises:
            StorageError: Nothing was claimed; Slack must deliver the message again.
        """
        try:
            if not message.is_addressed and not await self._is_followed(message):
                self._metrics.messages.labels("ignored").inc()
                return False
            turn_id = await self._turns.claim(new_turn(message))
        except BaseException:
            self._metrics.messages.labels("failed").inc()
            raise
        claimed = turn_id is not None
        self._metrics.messages.labels("claimed" if claimed else "duplicate").inc()
        log.info(
            "message.claimed" if claimed else "message.repeated",
            turn_id=turn_id,
            team_id=message.team_id,
            channel_id=message.channel_id,
            message_ts=message.ts,
        )
        return claimed

    async def _is_followed(self, message: UserMessage) -> bool:
        """Tell whether the bot takes part in a thread and answers everything said in it.

        Most threads have nothing to do with it, so the settings are read last.
        """
        team_id, channel_id = message.team_id, message.channel_id
        state = await self._threads.state(team_id, channel_id, message.thread_ts)
        if not state.is_known or state.is_quiet:
            return False
        try:
            effective = await self._choices.of(team_id, channel_id, message.user_id)
        except (UnknownApp, SecretsLocked, SecretUnreadable):
            return False  # nobody asked for the sentence that would say so
        return effective.follow is Follow.THREAD
