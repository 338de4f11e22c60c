"""An event loop in a thread of its own: a judge can be asked from code that knows no async, notebooks included."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Background:
    """Runs coroutines, one after the other, in one loop that stays open between them."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="hfscore-judge", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for a coroutine; an interrupt cancels it, and whatever it started, before it is raised here."""
        ended = threading.Event()
        future = asyncio.run_coroutine_threadsafe(self._alone(work, ended), self.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            ended.wait(timeout=10)  # so that what comes next does not meet what is still unwinding
            raise

    async def _alone(self, work: Coroutine[Any, Any, T], ended: threading.Event) -> T:
        try:
            return await work
        except BaseException:
            left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            raise
        finally:
            ended.set()

    def close(self) -> None:
        """End the loop and its thread."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
            self.loop.close()


async def in_turn(items: Iterable[T], work: Callable[[T], Awaitable[R]], *, at_once: int) -> list[R]:
    """Apply `work` to every item, `at_once` at a time, started in order.

    A fixed number of tasks pulls from the items: a million items are not a million tasks.

    Returns:
        The results, in the items' order.
    """
    waiting = iter(enumerate(items))
    results: dict[int, R] = {}

    async def pull() -> None:
        for index, item in waiting:
            results[index] = await work(item)

    await asyncio.gather(*(pull() for _ in range(at_once)))
    return [results[index] for index in range(len(results))]
