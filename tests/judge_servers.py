"""Small judges on this machine for the tests of the client: scripted HTTP answers, and raw bytes for broken wires."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def completion(content: Any = "1", **changes: Any) -> dict[str, Any]:
    """The body of a chat completion; `changes` replace its top-level fields."""
    return {
        "id": "c",
        "object": "chat.completion",
        "model": "tiny",
        "system_fingerprint": "build-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8},
        **changes,
    }


@dataclass
class Recorder:
    """A server that keeps what it was sent, and answers by its handler.

    Args:
        answer: request -> response.
    """

    answer: Handler
    url: str = ""
    paths: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Keep what came, and answer."""
        self.paths.append(request.path)
        self.headers.append(dict(request.headers))
        raw = await request.read()
        self.bodies.append(json.loads(raw) if raw else None)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            return await self.answer(request)
        finally:
            self.at_once -= 1


@asynccontextmanager
async def serving(answer: Handler) -> AsyncIterator[Recorder]:
    """Serve on a free port of 127.0.0.1, on this event loop."""
    recorder = Recorder(answer)
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", recorder.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.05, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    recorder.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield recorder
    finally:
        await runner.cleanup()


def always(status: int = 200, body: Any = None, headers: Mapping[str, str] | None = None) -> Handler:
    """Answer every request alike; `body` is text, bytes, or what becomes JSON (by default a completion)."""

    async def answer(_: web.Request) -> web.Response:
        return respond(status, body, headers)

    return answer


def respond(status: int = 200, body: Any = None, headers: Mapping[str, str] | None = None) -> web.Response:
    """One response; see `always`."""
    raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else None
    if raw is None:
        raw = json.dumps(completion() if body is None else body).encode()
    return web.Response(status=status, body=raw, headers=headers)


def in_turn(*handlers: Handler) -> Handler:
    """Answer the first request by the first handler and so on; the last one stays."""
    left: Iterator[Handler] = iter(handlers[:-1])

    async def answer(request: web.Request) -> web.StreamResponse:
        return await next(left, handlers[-1])(request)

    return answer


async def hanging(_: web.Request) -> web.Response:
    """Never answer."""
    await asyncio.sleep(60)
    return respond()


async def dripping(request: web.Request) -> web.StreamResponse:
    """Send the start of an answer, and a byte now and then."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


async def endless(request: web.Request) -> web.StreamResponse:
    """Send far more than anyone asked for."""
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(400):
        await response.write(b" " * 2**16)
    return response


async def cut(request: web.Request) -> web.StreamResponse:
    """Promise a whole body and hang up in its middle."""
    response = web.StreamResponse(headers={"Content-Length": "10000"})
    await response.prepare(request)
    await response.write(b'{"choices": [')
    assert request.transport is not None
    request.transport.close()
    return response


async def hang_up(request: web.Request) -> web.StreamResponse:
    """Hang up without a word."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def no_http(request: web.Request) -> web.StreamResponse:
    """Answer in another protocol."""
    assert request.transport is not None
    request.transport.write(b"220 mail.example ESMTP ready\r\n\r\n")  # type: ignore[attr-defined]
    request.transport.close()
    return web.Response()


def limited(slots: int, latency: float, body: Any = None) -> Handler:
    """As TGI: a call beyond the slots is refused at once, with 429 and no Retry-After."""
    taken = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal taken
        if taken >= slots:
            return respond(429, {"error": "Model is overloaded", "error_type": "overloaded"})
        taken += 1
        try:
            await asyncio.sleep(latency)
        finally:
            taken -= 1
        return respond(200, body)

    return answer
