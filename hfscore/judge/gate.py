"""The door to a judge: lets as many calls through as the limiter allows, in the order they came."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from hfscore.judge.limiter import Effect, Limiter


@dataclass(slots=True)
class Gate:
    """Waiting room before a `Limiter`. Use it on one event loop.

    Args:
        limiter: What decides how many may be inside.
    """

    limiter: Limiter
    _waiting: deque[asyncio.Future[int]] = field(default_factory=deque, init=False)
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)

    async def enter(self) -> int:
        """Wait for room and take it; the ticket goes to `leave`."""
        loop = asyncio.get_running_loop()
        if not self._waiting and self.limiter.has_room(loop.time()):
            return self.limiter.start()
        place: asyncio.Future[int] = loop.create_future()
        self._waiting.append(place)
        self._admit()
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # let in, and cancelled before it could go
                self.leave(place.result(), "none")
            raise

    def leave(self, ticket: int, effect: Effect, pause: float = 0.0) -> None:
        """Give the room back, and let nobody in for `pause` seconds."""
        self.limiter.end(ticket, effect)
        if pause > 0:
            self.limiter.pause(asyncio.get_running_loop().time() + pause)
        self._admit()

    def _admit(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting and self.limiter.has_room(loop.time()):
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(self.limiter.start())
        if self._waiting and self._timer is None and self.limiter.resume > loop.time():
            self._timer = loop.call_at(self.limiter.resume, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._admit()
