"""What load balancers and Prometheus ask: `/healthz`, `/readyz`, `/metrics`."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from bot.metrics import Metrics

Check = Callable[[], Awaitable[bool]]


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
