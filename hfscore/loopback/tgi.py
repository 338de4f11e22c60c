"""A text-generation-inference server on 127.0.0.1, as tests, the demo and benchmarks hold it: start it, break it, look.

It speaks TGI's HTTP API as its router does: routes, bounds, codes, bodies, constraints, log-probabilities after the
mask, a 429 at once when its slots are full. Behind it is no language model but a brain, by default the rule judge, and
its tokenizer is no model's. Not here: /generate_stream, tools, images, prompt log-probabilities.

    python -m hfscore.loopback.tgi    serves until it is stopped, and prints its address first
"""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import Future
from threading import Event, Thread
from typing import Final, Self

from aiohttp import web

from hfscore.judge.rules import SERVED_AS
from hfscore.loopback.tgi_brains import BRAINS, Brain, fixed, obedient, rules
from hfscore.loopback.tgi_checks import Dialect, Limits
from hfscore.loopback.tgi_faults import GENERATING, KINDS, Fault, Kind, Request, RequestLog
from hfscore.loopback.tgi_model import Said
from hfscore.loopback.tgi_replies import Counters
from hfscore.loopback.tgi_routes import Service

__all__ = ["Brain", "LoopbackTGI", "Request", "RequestLog", "Said", "fixed", "obedient", "rules"]

MODEL: Final = SERVED_AS
SHA: Final = "0" * 39 + "1"


class LoopbackTGI:
    """A TGI server in a thread of this process, a context manager.

    Args:
        brain: What it thinks with.
        model: The model it says it serves.
        sha: Revision of that model, or None.
        api_key: Key that the generating routes and /tokenize ask for, or None.
        max_concurrent_requests: Requests held at once; one more is refused with 429.
        max_input_tokens: Tokens of a prompt, at most.
        max_total_tokens: Tokens of prompt and answer together, at most.
        latency: Seconds each answer takes.
        dialect: "tgi"; "openai" for a server with OpenAI's form of constraint, no TGI routes, and a queue; or
            "unconstrained" for the same that answers 200 to constraints and log-probabilities and gives neither.
        port: Where to listen; 0 for any free port.
    """

    def __init__(
        self,
        *,
        brain: Brain = rules,
        model: str = MODEL,
        sha: str | None = SHA,
        api_key: str | None = None,
        max_concurrent_requests: int = 128,
        max_input_tokens: int = 32_767,
        max_total_tokens: int = 32_768,
        latency: float = 0.0,
        dialect: Dialect = "tgi",
        port: int = 0,
    ) -> None:
        limits = Limits(max_input_tokens, max_total_tokens, dialect)
        self._service = Service(brain, model, sha, limits, max_concurrent_requests, api_key, latency)
        self._port = port
        self._thread: Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    def start(self) -> Self:
        """Start serving."""
        if self._thread is None:
            ready: Future[int] = Future()
            self._thread = Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True, name="loopback-tgi")
            self._thread.start()
            self._port = ready.result(timeout=30)
        return self

    def stop(self) -> None:
        """Stop serving and close every connection."""
        if self._thread is not None and self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _serve(self, ready: Future[int]) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        runner = web.AppRunner(self._service.app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", self._port, backlog=1024)
            await site.start()
            ready.set_result(runner.addresses[0][1])
            await self._stopping.wait()
        except OSError as problem:  # the port is taken
            ready.set_exception(problem)
        finally:
            await runner.cleanup()

    @property
    def url(self) -> str:
        """The address, without "/v1"."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def requests(self) -> RequestLog:
        """Every request answered since the last `clear`."""
        return self._service.log

    @property
    def counters(self) -> Counters:
        """What /metrics shows, and the most requests that were held at once."""
        return self._service.counters

    @property
    def latency(self) -> float:
        """Seconds each answer takes; may be set at any time."""
        return self._service.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._service.latency = seconds

    @property
    def healthy(self) -> bool:
        """What /health says; may be set at any time."""
        return self._service.healthy

    @healthy.setter
    def healthy(self, healthy: bool) -> None:
        self._service.healthy = healthy

    def fail(
        self,
        kind: Kind,
        *,
        times: int | None = 1,
        every: int = 1,
        match: str = GENERATING,
        delay_s: float = 1.0,
        location: str = "http://127.0.0.2:9/v1/chat/completions",
    ) -> Fault:
        """Arm a fault for the next requests that match, on the routes that generate.

        Args:
            kind: "429", "424", "500", "503": that status, in TGI's words. "slow": later by `delay_s`. "cut": the
                connection closes in the middle of the body. "truncated": half the JSON, with an honest length.
                "garbage": a 200 that means nothing, another each time. "wrong_label": an answer outside the labels.
                "no_logprobs": none, though asked for. "length": half the answer, finish_reason length. "redirect":
                307 to `location`. "drop_constraints": prose around the answer, whatever was asked.
            times: How many requests it strikes; None for all.
            every: It strikes each `every`-th request that matches.
            match: Searched for in path, line end and body; by default every generating route.
            delay_s: Seconds that "slow" adds.
            location: Where "redirect" leads.

        Returns:
            The fault; its `struck` counts the requests it struck.
        """
        if kind not in KINDS:
            raise ValueError(f"there is no fault {kind!r}; there are: {', '.join(KINDS)}")
        fault = Fault(kind, re.compile(match), times, every, delay_s, location)
        self._service.faults.arm(fault)
        return fault

    def clear(self) -> None:
        """Disarm every fault and empty the request log; the counters go on."""
        self._service.faults.clear()
        self._service.log.clear()


def main(words: Sequence[str] | None = None) -> None:
    """Serve until stopped by a signal; the first line printed is the address."""
    parser = argparse.ArgumentParser(prog="python -m hfscore.loopback.tgi", description="A loopback TGI server.")
    parser.add_argument("--port", type=int, default=0, help="0 for any free port")
    parser.add_argument("--brain", choices=sorted(BRAINS), default="rules")
    parser.add_argument("--dialect", choices=("tgi", "openai", "unconstrained"), default="tgi")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds each answer takes")
    parser.add_argument("--max-concurrent-requests", type=int, default=128)
    parser.add_argument("--api-key")
    given = parser.parse_args(words)
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with LoopbackTGI(
        brain=BRAINS[given.brain],
        dialect=given.dialect,
        latency=given.latency,
        max_concurrent_requests=given.max_concurrent_requests,
        api_key=given.api_key,
        port=given.port,
    ) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        stopped.wait()


if __name__ == "__main__":
    main()
