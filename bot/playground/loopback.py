"""Where the playground's servers listen: on this machine, and for nobody else."""

from contextlib import AsyncExitStack

from aiohttp import web

HOST = "127.0.0.1"
BACKLOG = 256


class Loopback:
    """A port of this machine, listened to from `open` to `close`.

    Args:
        port: 0 lets the system choose.
    """

    def __init__(self, *, port: int = 0) -> None:
        self._port = port
        self._opened = AsyncExitStack()

    @property
    def url(self) -> str:
        """The address, without a trailing slash; known once it is open."""
        return f"http://{HOST}:{self._port}"

    async def open(
        self, app: web.Application, *, shutdown_s: float = 0.1, is_patient: bool = False
    ) -> None:
        """Listen.

        Args:
            app: Answers.
            shutdown_s: An answer still under way at the close is dropped after that.
            is_patient: Answer to the end even when nobody waits for it any more.

        Raises:
            OSError: The port is taken.
        """
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=not is_patient, shutdown_timeout=shutdown_s
        )
        async with AsyncExitStack() as opening:
            opening.push_async_callback(runner.cleanup)
            await runner.setup()
            await web.TCPSite(runner, HOST, self._port, backlog=BACKLOG).start()
            self._port = runner.addresses[0][1]
            self._opened = opening.pop_all()

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        await self._opened.aclose()
