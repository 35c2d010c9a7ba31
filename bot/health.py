"""What load balancers and Prometheus ask: `/healthz`, `/readyz`, `/metrics`."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from bot.metrics import Metrics
from bot.slack.socket_mode import SocketMode
from bot.turns.dispatcher import Dispatcher
from storage.database import Storage
from storage.errors import StorageError

READY_WITHIN_S = 2.0
"""A load balancer gives up on a slow readiness check; say no before it does."""

Check = Callable[[], Awaitable[bool]]


def checks_of(
    storage: Storage, *, dispatcher: Dispatcher, socket: SocketMode | None
) -> Mapping[str, Check]:
    """Return what a process needs to answer questions, by the name `/readyz` gives it.

    Args:
        storage: Open; its database must answer.
        dispatcher: Its task must live, and on PostgreSQL the one that keeps its lease.
        socket: Socket Mode, where it is used; its connection must live.
    """

    async def database() -> bool:
        try:
            await storage.ping(READY_WITHIN_S)
        except StorageError:
            return False
        return True

    async def takes_turns() -> bool:
        return dispatcher.is_taking

    async def heartbeat() -> bool:
        return dispatcher.has_lease

    checks: dict[str, Check] = {"database": database, "dispatcher": takes_turns}
    if storage.dialect == "postgresql":
        checks["heartbeat"] = heartbeat
    if socket is not None:
        checks["socket"] = _lives(socket)
    return checks


def _lives(socket: SocketMode) -> Check:
    async def live() -> bool:
        return socket.live

    return live


def routes(*, checks: Mapping[str, Check], metrics: Metrics) -> list[web.RouteDef]:
    """Return the three routes.

    Args:
        checks: By name, whether each thing the process needs to take messages is there; a check
            is bounded in time and does not raise.
        metrics: What `/metrics` shows.
    """

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def readyz(_request: web.Request) -> web.Response:
        results = {name: await check() for name, check in checks.items()}
        ready = all(results.values())
        return web.json_response({"ok": ready, "checks": results}, status=200 if ready else 503)

    async def show_metrics(_request: web.Request) -> web.Response:
        return web.Response(
            body=metrics.text(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )

    return [
        web.get("/healthz", healthz),
        web.get("/readyz", readyz),
        web.get("/metrics", show_metrics),
    ]
