"""What can go wrong with the loopback TGI on demand, and what was asked of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, Literal, get_args

Kind = Literal[
    "429", "424", "500", "503", "slow", "cut", "truncated", "garbage", "wrong_label", "no_logprobs", "length",
    "redirect", "drop_constraints",
]  # fmt: skip
KINDS: Final[tuple[str, ...]] = get_args(Kind)
GENERATING: Final = r"\A/(?:v1/(?:chat/)?completions|generate)?\n"
"""The routes that generate; what a fault strikes unless told otherwise."""

GARBAGE: Final = (
    (b"<!doctype html><title>502 Bad Gateway</title>", "text/html"),
    (b'{"choices": "none"}', "application/json"),
    (b'{"choices": [{"message": {"role": "assistant", "content": 7}, "finish_reason": 3}]}', "application/json"),
    (b'["not", "an", "object"]', "application/json"),
    (b"\xff\xfe\x00{", "application/json"),
)
"""Bodies of a 200 that mean nothing, with their types; taken in turn."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was answered.

    Args:
        time: Seconds on the monotonic clock at which it arrived.
        method: The HTTP method.
        path: The path.
        status: The status answered; 0 where the connection was dropped.
        body_hash: 16 hex digits of the body.
        authorization_present: Whether it carried a key at all.
        kind: What a judge's prompt asked; empty for any other request.
        nonce: The prompt's nonce.
        criterion: Which criterion was asked for.
        step: Number of the step, or of the first of a batch.
    """

    time: float
    method: str
    path: str
    status: int
    body_hash: str
    authorization_present: bool
    kind: str = ""
    nonce: str = ""
    criterion: str = ""
    step: int = 0


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
        """Return the requests of a method ("*" is any) whose path matches a pattern."""
        return [one for one in self if method in ("*", one.method) and re.search(pattern, one.path)]

    def count(self, method: str, pattern: str = "") -> int:
        """Count the requests that `matching` returns."""
        return len(self.matching(method, pattern))


@dataclass(slots=True)
class Fault:
    """What to do to a request; see `LoopbackTGI.fail`.

    Args:
        kind: What goes wrong.
        match: Searched for in path, line end and body.
        left: How many requests it will still strike; None for all.
        every: It strikes each `every`-th request that matches.
        delay_s: Seconds a slow answer takes longer.
        location: Where a redirect leads.
        seen: Requests that matched.
        struck: Requests that were struck.
    """

    kind: Kind
    match: re.Pattern[str]
    left: int | None
    every: int
    delay_s: float
    location: str
    seen: int = 0
    struck: int = 0


@dataclass(slots=True)
class Faults:
    """The faults that are armed."""

    armed: list[Fault] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def arm(self, fault: Fault) -> None:
        """Let a fault strike from now on."""
        with self.lock:
            self.armed.append(fault)

    def clear(self) -> None:
        """Disarm everything."""
        with self.lock:
            self.armed.clear()

    def take(self, path: str, body: bytes) -> Fault | None:
        """Return the first armed fault that strikes this request, and count it."""
        if not self.armed:
            return None
        with self.lock:
            target = f"{path}\n{body.decode('utf-8', 'replace')}"
            for fault in self.armed:
                if fault.left == 0 or not fault.match.search(target):
                    continue
                fault.seen += 1
                if fault.seen % fault.every == 0:
                    fault.left = None if fault.left is None else fault.left - 1
                    fault.struck += 1
                    return fault
        return None
