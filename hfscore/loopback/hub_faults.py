"""What can go wrong on demand, and what was asked: the fault switch and the request log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

from hfscore.loopback.hub_wire import Answer, as_json

Drop = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was answered.

    Attributes:
        method: The HTTP method.
        path: The path as sent, percent-encoded.
        query: The query string as sent.
        status: The status answered; 0 where the connection was dropped.
        user: Who called; None for an anonymous or unknown caller.
        authorization_present: Whether the request carried a token at all.
        body: The request's body.
        bytes: Size of the response's body as sent (0 for HEAD).
    """

    method: str
    path: str
    query: str
    status: int
    user: str | None
    authorization_present: bool
    body: bytes
    bytes: int

    @property
    def target(self) -> str:
        """Path and query, which is what patterns are matched against."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(slots=True)
class RequestLog:
    """The requests in the order they were answered."""

    items: list[Request] = field(default_factory=list)

    def __iter__(self) -> Iterator[Request]:
        return iter(list(self.items))

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> Request:
        return self.items[place]

    def append(self, request: Request) -> None:
        """Note a request."""
        self.items.append(request)

    def clear(self) -> None:
        """Forget everything noted so far."""
        self.items.clear()

    def matching(self, method: str, pattern: str = "") -> list[Request]:
        """Return the requests of a method ("*" is any) whose path and query match a pattern."""
        return [r for r in self if method in ("*", r.method) and re.search(pattern, r.target)]

    def count(self, method: str, pattern: str = "") -> int:
        """Count the requests that `matching` returns."""
        return len(self.matching(method, pattern))


@dataclass(frozen=True, slots=True)
class Fault:
    """What to do to a request; see `LoopbackHub.fail`."""

    method: str
    pattern: str
    status: int | None
    headers: Mapping[str, str]
    body: bytes
    error_code: str | None
    delay_s: float
    drop: Drop | None
    before: Callable[[], object] | None

    def matches(self, method: str, target: str) -> bool:
        """Say whether the fault applies to a request."""
        return self.method in ("*", method) and re.search(self.pattern, target) is not None

    def answer(self) -> Answer | None:
        """Return the error to answer with, or None where the request is to be served."""
        if self.status is None:
            return None
        headers = dict(self.headers)
        if self.error_code:
            headers["X-Error-Code"] = self.error_code
        if self.status == 429 and "ratelimit" not in map(str.lower, headers):
            headers["RateLimit"] = '"api";r=0;t=0'
        if self.body:
            return Answer(self.body, self.status, headers)
        return as_json({"error": "This error was asked for."}, self.status, headers)


@dataclass(slots=True)
class Faults:
    """The faults that are armed, each with the number of times it will still strike."""

    armed: list[tuple[Fault, int]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def arm(self, fault: Fault, times: int) -> None:
        """Let a fault strike the next matching requests."""
        with self.lock:
            self.armed.append((fault, times))

    def clear(self) -> None:
        """Disarm everything."""
        with self.lock:
            self.armed.clear()

    def take(self, method: str, target: str) -> Fault | None:
        """Return the first armed fault that matches, and count it."""
        with self.lock:
            for place, (fault, times) in enumerate(self.armed):
                if fault.matches(method, target):
                    self.armed[place : place + 1] = [(fault, times - 1)] if times > 1 else []
                    return fault
        return None
