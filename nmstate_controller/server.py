"""The HTTP side for Prometheus and the kubelet: /metrics, /livez, /readyz.

Runs in the loop; that it answers proves the loop.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from nmstate_controller.errors import SettingsError
from nmstate_controller.metrics import Metrics

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Check = Callable[[], str | None]
"""Says what is wrong, or None when nothing is."""


@contextlib.asynccontextmanager
async def serving(address: str, metrics: Metrics, *, alive: Check, ready: Check) -> AsyncIterator[None]:
    """Serve on `address` inside the `async with`: host:port, or :port for every address.

    Raises SettingsError when it cannot be bound.
    """
    application = web.Application()
    application.add_routes(
        [
            web.get("/metrics", _metrics(metrics)),
            web.get("/livez", _check(alive)),
            web.get("/readyz", _check(ready)),
        ]
    )
    runner = web.AppRunner(application, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        host, _, port = address.rpartition(":")
        try:
            await web.TCPSite(runner, host.strip("[]") or None, int(port)).start()
        except (OSError, OverflowError) as error:
            raise SettingsError(f"NMSTATE_LISTEN_ADDRESS: cannot listen on {address}: {error}") from error
        yield
    finally:
        await runner.cleanup()


def _metrics(metrics: Metrics) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(body=metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return handle


def _check(check: Check) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        problem = check()
        return web.Response(text=f"{problem or 'ok'}\n", status=200 if problem is None else 503)

    return handle
