"""A proxy between a client and an apiserver that forwards a request, or does to it what its plan says instead.

In a test's own loop it is `running`; `python -m tests.proxy` is one for a lab, in the namespace of its control plane.
That makes a storm of faults for a while, forwards until its standard input ends, and prints what passed through it.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import random
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web

from tests.unit.apiserver import Fault, answer, html, reset

Plan = Callable[[str], str | None]
"""What happens to a request with that verb: the name of a fault, or None."""

DELAY_SECONDS: Final = 0.02
_HEADERS: Final = ("Authorization", "Accept", "Content-Type", "User-Agent")
_VERBS: Final = {"POST": "create", "PUT": "update", "PATCH": "patch"}


def faithful(_: str) -> str | None:
    """A plan without faults."""
    return None


def storm(rng: random.Random, share: float) -> Plan:
    """A plan in which that share of the requests fails, each in a way of its own."""
    return lambda verb: rng.choice(list(FAULTS)) if verb != "probe" and rng.random() < share else None


class Proxy:
    """Forwards to `upstream`, a URL, what `plan` lets pass."""

    def __init__(self, upstream: str, session: aiohttp.ClientSession, now: Callable[[], float]) -> None:
        self.plan: Plan = faithful
        self.requests: list[tuple[float, str]] = []
        """What came, and when."""
        self.busy: set[asyncio.Task[None]] = set()
        """What waits for its answer, or for the head of one that is a stream."""
        self.port = 0
        self.met: collections.Counter[str] = collections.Counter()
        """How often each fault happened."""
        self._upstream = upstream
        self._session = session
        self._now = now
        self._streams: set[asyncio.Transport] = set()
        self._cache: dict[str, bytes] = {}

    def cut(self) -> None:
        """Break every stream."""
        for transport in self._streams:
            transport.abort()

    def worst_minute(self) -> int:
        """The most requests that came within a minute."""
        window: collections.deque[float] = collections.deque()
        worst = 0
        for moment, _ in self.requests:
            window.append(moment)
            while window[0] <= moment - 60:
                window.popleft()
            worst = max(worst, len(window))
        return worst

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request by the plan."""
        verb = _verb(request)
        self.requests.append((self._now(), verb))
        self.busy.add(request.task)
        try:
            name = self.plan(verb)
            if name is None:
                return await self._forward(request)
            self.met[name] += 1
            return await FAULTS[name](self, request)
        except aiohttp.ClientError:
            return await reset(request)
        finally:
            self.busy.discard(request.task)

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        async with self._ask(request) as upstream:
            if _verb(request) != "watch" or upstream.status != 200:
                return await self._whole(request, upstream)
            response = await self._begin(request, upstream)
            assert request.transport is not None
            self._streams.add(request.transport)
            try:
                async for chunk in upstream.content.iter_any():
                    self._cache.setdefault("watch", chunk)
                    await response.write(chunk)
            finally:
                self._streams.discard(request.transport)
            return response

    async def _whole(self, request: web.Request, upstream: aiohttp.ClientResponse) -> web.Response:
        body = await upstream.read()
        if request.method == "GET" and upstream.status == 200:
            self._cache.setdefault(_verb(request), body)
        return web.Response(status=upstream.status, body=body, content_type="application/json")

    async def _begin(self, request: web.Request, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
        response = web.StreamResponse(status=upstream.status, headers={"Content-Type": "application/json"})
        await response.prepare(request)
        self.busy.discard(request.task)
        return response

    @contextlib.asynccontextmanager
    async def _ask(self, request: web.Request) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {name: request.headers[name] for name in _HEADERS if name in request.headers}
        async with self._session.request(
            request.method, f"{self._upstream}{request.path_qs}", data=await request.read(), headers=headers
        ) as response:
            yield response

    # Faults that need the apiserver.

    async def delay(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(DELAY_SECONDS)
        return await self._forward(request)

    async def _half(self, request: web.Request) -> web.StreamResponse:
        """Half of the answer, or of the first event, and no end of it yet."""
        async with self._ask(request) as upstream:
            response = await self._begin(request, upstream)
            body = await (upstream.content.readany() if _verb(request) == "watch" else upstream.read())
            await response.write(body[: len(body) // 2])
            return response

    async def truncate(self, request: web.Request) -> web.StreamResponse:
        """It breaks off."""
        await self._half(request)
        return await reset(request)

    async def end(self, request: web.Request) -> web.StreamResponse:
        """It ends in the middle, and calls that the end."""
        return await self._half(request)

    async def stall(self, request: web.Request) -> web.StreamResponse:
        """It stops in the middle."""
        await self._half(request)
        return await _hang(request)

    async def lose(self, request: web.Request) -> web.StreamResponse:
        """What was asked is done, and the answer lost."""
        async with self._ask(request):
            return await reset(request)

    async def replay(self, request: web.Request) -> web.StreamResponse:
        """What a cache does: a GET is answered as the first of its kind was."""
        verb = _verb(request)
        if verb not in self._cache:
            return await self._forward(request)
        return web.Response(body=self._cache[verb], content_type="application/json")


def _alone(fault: Fault) -> Callable[[Proxy, web.Request], Awaitable[web.StreamResponse]]:
    """A fault for which the apiserver is not asked."""
    return lambda _, request: fault(request)


async def _hang(_: web.Request) -> web.StreamResponse:
    """Nothing more until the client goes away, which cancels this."""
    await asyncio.sleep(3600)
    return web.Response()


async def _login(_: web.Request) -> web.StreamResponse:
    return web.Response(text="<html><body>Please log in</body></html>", content_type="text/html")


async def _redirect(request: web.Request) -> web.StreamResponse:
    """To a page that is no better; what follows it is counted as well."""
    raise web.HTTPTemporaryRedirect("/api") if request.path != "/api" else web.HTTPNotFound(text="<html></html>")


async def _nowhere(_: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "https://log..in/"})


async def _babble(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    request.transport.close()
    return web.Response()


FAULTS: Final[Mapping[str, Callable[[Proxy, web.Request], Awaitable[web.StreamResponse]]]] = {
    "delay": Proxy.delay,
    "truncate": Proxy.truncate,
    "end": Proxy.end,
    "stall": Proxy.stall,
    "lose": Proxy.lose,
    "replay": Proxy.replay,
    "hang": _alone(_hang),
    "reset": _alone(reset),
    "html": _alone(html),
    "login": _alone(_login),
    "redirect": _alone(_redirect),
    "nowhere": _alone(_nowhere),
    "babble": _alone(_babble),
    "429": _alone(answer(429, headers={"Retry-After": "1"})),
    **{str(code): _alone(answer(code)) for code in (401, 403, 404, 409, 410, 500, 503)},
}


def _verb(request: web.Request) -> str:
    """Kubernetes' word for it; a probe is none of its requests, and has a verdict of its own."""
    if request.path == "/livez":
        return "probe"
    if request.method != "GET":
        return _VERBS[request.method]
    if "watch" in request.query:
        return "watch"
    return "list" if "fieldSelector" in request.query else "get"


@contextlib.asynccontextmanager
async def running(
    upstream: str,
    *,
    trust: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    now: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Proxy]:
    """A proxy that listens. `trust` is for the upstream, `tls` for its own clients; `now` counts seconds."""
    connector = aiohttp.TCPConnector(ssl=trust if trust is not None else True)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout()) as session:
        proxy = Proxy(upstream, session, now)
        application = web.Application(client_max_size=8 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", proxy.handle)
        runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, ssl_context=tls).start()
            proxy.port = runner.addresses[0][1]
            yield proxy
        finally:
            proxy.cut()
            await runner.cleanup()


_CUT_SECONDS: Final = 7.0


async def _serve(options: argparse.Namespace) -> None:
    keys = options.certificates
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(keys / "apiserver.crt", keys / "apiserver.key")
    trust = ssl.create_default_context(cafile=keys / "ca.crt")
    upstream = f"https://{options.host}:6443"
    async with running(upstream, trust=trust, tls=tls, host=options.host, port=options.port) as proxy:
        print("listening", flush=True)
        proxy.plan = storm(random.Random(options.seed), share=0.6)
        for _ in range(round(options.seconds / _CUT_SECONDS)):
            await asyncio.sleep(_CUT_SECONDS)
            proxy.cut()
        proxy.plan = faithful
        await asyncio.to_thread(sys.stdin.read)
        verbs = collections.Counter(verb for _, verb in proxy.requests)
        print(json.dumps({"worst_minute": proxy.worst_minute(), "requests": verbs, "faults": proxy.met}))


def main() -> None:
    """Run in a lab until standard input ends."""
    parser = argparse.ArgumentParser(prog="tests.proxy")
    parser.add_argument("--certificates", type=Path, required=True, help="the lab's folder of keys")
    parser.add_argument("--host", default="10.88.0.1")
    parser.add_argument("--port", type=int, default=7443)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60, help="how long the storm lasts")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
