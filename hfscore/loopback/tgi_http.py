"""Small parts of the loopback TGI's HTTP side: a request while it is answered, and the forms of an answer."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from hfscore.loopback.tgi_checks import Call
from hfscore.loopback.tgi_faults import Fault
from hfscore.loopback.tgi_wire import error, load

REFUSALS: Final[Mapping[str, tuple[int, Mapping[str, str]]]] = {
    "429": (429, error("Model is overloaded", "overloaded")),
    "424": (424, error("Request failed during generation: Server error: out of memory", "generation")),
    "500": (500, error("Incomplete generation", "incomplete_generation")),
    "503": (503, error("unhealthy", "healthcheck")),
}
"""What the router says when it fails: status and body, by the fault that asks for it."""


@dataclass(slots=True)
class Exchange:
    """A request while it is answered.

    Args:
        request: What aiohttp made of it.
        arrived: Seconds on the monotonic clock.
        body: Its body, whole.
        call: What it was understood as, where it asks to generate.
        dropped: Whether its connection was closed on purpose.
    """

    request: web.Request
    arrived: float = field(default_factory=time.monotonic)
    body: bytes = b""
    call: Call | None = None
    dropped: bool = False

    def data(self) -> dict[str, Any]:
        """The body as a JSON object; refused if it is none."""
        return load(self.body, self.request.headers.get("Content-Type", ""))


async def damaged(exchange: Exchange, answer: web.Response, fault: Fault | None) -> web.StreamResponse:
    """The answer, cut short if that is asked for: with an honest length, or in the middle of the connection."""
    body = answer.body
    if fault is None or not isinstance(body, bytes):
        return answer
    half = body[: len(body) // 2]
    if fault.kind == "truncated":
        return web.Response(body=half, content_type="application/json")
    if fault.kind != "cut":
        return answer
    exchange.dropped = True
    broken = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await broken.prepare(exchange.request)
    await broken.write(half)
    if exchange.request.transport is not None:
        exchange.request.transport.close()
    return broken


def worded(status: int, body: str | Mapping[str, Any]) -> web.Response:
    """A refusal: text as the framework writes it, JSON as the router does, nothing at all for a missing key."""
    if isinstance(body, str):
        return web.Response(status=status, text=body) if body else web.Response(status=status)
    return as_json(body, status=status)


def as_json(value: Any, headers: Mapping[str, str] | None = None, *, status: int = 200) -> web.Response:
    """An answer whose body is JSON."""
    return web.Response(body=as_bytes(value), status=status, headers=headers, content_type="application/json")


def as_bytes(value: Any) -> bytes:
    """JSON in UTF-8, as short as may be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
