"""Response URLs: the way to answer a command or a click without being in the channel."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

from aiohttp import web

from bot.playground.slack.arguments import Arguments, read_call
from bot.playground.slack.backend import Backend
from bot.playground.slack.checks import message_blocks
from bot.playground.slack.limits import Meter
from bot.playground.slack.message import Draft, Ephemeral
from bot.playground.slack.payload import Json, RateLimitedError, RefusedError

# Docs page "handling user interaction": five uses within thirty minutes.
USES_MAX = 5
LIFETIME_S = 1_800.0


@dataclass(frozen=True, slots=True)
class Hook:
    """One response URL.

    Attributes:
        hook_id: The last part of its address.
        channel_id: Where it speaks.
        user: Who typed the command or pressed the button.
        ts: The message with the button; empty for commands.
        thread_ts: The thread of that message, or empty.
    """

    hook_id: str
    channel_id: str
    user: str
    ts: str = ""
    thread_ts: str = ""


@dataclass(frozen=True, slots=True)
class _Lease:
    hook: Hook
    expires_at: float
    uses: int = 0


class Hooks:
    """Every response URL.

    Args:
        backend: The workspace and its limits.
        meter: Counts the calls.
        on_use: Called after each use.
    """

    def __init__(self, backend: Backend, *, meter: Meter, on_use: Callable[[], None]) -> None:
        self._backend = backend
        self._meter = meter
        self._on_use = on_use
        self._serial = itertools.count(1)
        self._leases: dict[str, _Lease] = {}
        # What a command's response URL said last is the original of its next `replace_original`.
        self._said: dict[str, str] = {}

    def mint(self, channel_id: str, *, user: str, ts: str = "", thread_ts: str = "") -> Hook:
        """Return a new response URL."""
        hook = Hook(f"hook-{next(self._serial)}", channel_id, user, ts, thread_ts)
        self._leases[hook.hook_id] = _Lease(hook, self._backend.clock() + LIFETIME_S)
        return hook

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request to `/response/{hook_id}`."""
        try:
            args, _ = await read_call(request)
            hook = self._use(request.match_info["hook_id"])
            self.answer(hook, args)
        except RateLimitedError as error:
            headers = {"Retry-After": str(error.retry_after_s)}
            return web.json_response(error.body, status=429, headers=headers)
        except RefusedError as error:
            status = 404 if error.code in {"used_url", "expired_url"} else 400
            return web.json_response(error.body, status=status)
        finally:
            self._on_use()
        return web.Response(text="ok")

    def _use(self, hook_id: str) -> Hook:
        lease = self._leases.get(hook_id)
        if lease is None or self._backend.clock() > lease.expires_at:
            raise RefusedError("expired_url")
        if lease.uses >= USES_MAX:
            raise RefusedError("used_url")
        self._meter.pay("response_url")
        self._leases[hook_id] = replace(lease, uses=lease.uses + 1)
        return lease.hook

    def answer(self, hook: Hook, args: Arguments) -> None:
        """Do what the body asks for: replace or delete the original, or say something.

        Raises:
            RefusedError: As for chat.postMessage.
        """
        if args.flag("delete_original"):
            self._delete(hook)
            return
        value = args.structure("blocks", error="invalid_blocks")
        blocks = () if value is None else message_blocks(value, limits=self._backend.limits)
        text = args.text("text")
        if not text.strip() and not blocks:
            raise RefusedError("no_text")
        original = hook.ts or self._said.get(hook.hook_id, "")
        if args.flag("replace_original") and original:
            self._replace(hook, ts=original, text=text, blocks=blocks)
            return
        thread_ts = args.text("thread_ts")
        if args.text("response_type") == "in_channel":
            self._post(hook, text=text, blocks=blocks, thread_ts=thread_ts)
        else:
            thread_ts = thread_ts or hook.thread_ts
            self._whisper(hook, text=text, blocks=blocks, thread_ts=thread_ts)

    def _post(self, hook: Hook, *, text: str, blocks: tuple[Json, ...], thread_ts: str) -> None:
        app = self._backend.app
        draft = Draft(
            app.bot_user_id, text=text, blocks=blocks, thread_ts=thread_ts, bot_id=app.bot_id
        )
        self._backend.workspace.post(hook.channel_id, draft)

    def _whisper(self, hook: Hook, *, text: str, blocks: tuple[Json, ...], thread_ts: str) -> None:
        workspace = self._backend.workspace
        ts = workspace.next_ts(hook.channel_id)
        where = (hook.channel_id, hook.user, ts)
        workspace.whisper(Ephemeral(*where, text=text, blocks=blocks, thread_ts=thread_ts))
        self._said[hook.hook_id] = ts

    def _replace(self, hook: Hook, *, ts: str, text: str, blocks: tuple[Json, ...]) -> None:
        workspace = self._backend.workspace
        if ephemeral := workspace.ephemeral(hook.channel_id, ts):
            workspace.withdraw(ephemeral)
            workspace.whisper(replace(ephemeral, text=text, blocks=blocks))
        elif message := workspace.message(hook.channel_id, ts):
            workspace.edit(message, labelled=not blocks, text=text, blocks=blocks)

    def _delete(self, hook: Hook) -> None:
        workspace = self._backend.workspace
        if ephemeral := workspace.ephemeral(hook.channel_id, hook.ts):
            workspace.withdraw(ephemeral)
        elif message := workspace.message(hook.channel_id, hook.ts):
            workspace.delete(message)
