"""Calls per second of the judge's client beside huggingface_hub's and openai's, against a loopback server.

The server, in a process of its own, refuses beyond its slots at once, as TGI does, and answers each call after a fixed
latency. Each client runs in a fresh process with 6 kB prompts, in turn; the best run is shown. The ideal is calls at
once / latency; the rate is taken between the first and the last fifth of the calls, so after ramp-up.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import resource
import time
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from benchmarks import measure
from benchmarks.outcome import Figures, Options, Outcome, Table, Target

PROMPT = "So the sum of both sides is taken, and divided by two. " * 110
BODY: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": PROMPT}],
    "max_tokens": 1,
    "temperature": 0.0,
}
ANSWER = {
    "id": "c",
    "object": "chat.completion",
    "created": 0,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "1"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1300, "completion_tokens": 1, "total_tokens": 1301},
}
OURS, HUB, OPENAI = "hfscore", "huggingface_hub AsyncInferenceClient", "openai AsyncOpenAI"
SPEED = {
    "latency_ms": "latency, ms",
    "design": "client",
    "rate": "calls/s",
    "share": "of the ideal",
    "cpu_ms": "client CPU, ms/call",
    "answered": "answered",
    "calls": "calls",
    "rounds": "rounds",
}
REFUSALS = {
    "design": "client",
    "slots": "slots",
    "at_once": "calls at once, at most",
    "refused": "tries refused",
    "unanswered": "calls unanswered",
    "calls": "calls",
    "wall_s": "wall, s",
}


@dataclass(frozen=True)
class Size:
    """How much is asked.

    Args:
        slots: Slots of the server whose rate is taken.
        at_once: Calls at once, nine tenths of the slots, for every client.
        turns: (latency in seconds, calls / calls at once); multiples of 5, as answers come in waves and a fifth of the
            calls at either end must be whole waves.
        rounds: Times each client is run.
        verdicts: (slots, calls) where refusals are counted.
    """

    slots: int
    at_once: int
    turns: tuple[tuple[float, int], ...]
    rounds: int
    verdicts: tuple[int, int]


QUICK = Size(16, 14, ((0.05, 5),), 1, (8, 60))
SHORT = Size(256, 230, ((0.5, 10), (0.05, 15)), 1, (128, 1_500))
FULL = Size(256, 230, ((0.5, 10), (0.05, 20)), 2, (128, 20_000))


@dataclass(frozen=True)
class Result:
    """What came of one client's run.

    Args:
        rate: Calls answered a second, after ramp-up.
        cpu: CPU seconds of the client's process a call.
        answered: Calls that got an answer.
        refused: Tries that the server refused.
        seconds: The whole run.
    """

    rate: float
    cpu: float
    answered: int
    refused: int
    seconds: float


def serve(pipe: Connection, slots: int, latency: float) -> None:
    """Serve until the process is ended; the port goes through the pipe, refusals are counted at /refused."""
    from aiohttp import web

    taken = refused = 0
    payload = json.dumps(ANSWER).encode()

    async def chat(request: web.Request) -> web.Response:
        nonlocal taken, refused
        await request.read()
        if taken >= slots:
            refused += 1
            return web.Response(status=429, body=b'{"error":"Model is overloaded","error_type":"overloaded"}')
        taken += 1
        await asyncio.sleep(latency)
        taken -= 1
        return web.Response(body=payload, content_type="application/json")

    async def count(_: web.Request) -> web.Response:
        return web.json_response(refused)

    async def main() -> None:
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/v1/chat/completions", chat)
        app.router.add_get("/refused", count)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())


async def ours(url: str, calls: int, at_once: int, done: Callable[[bool], None]) -> None:
    """hfscore's client, with its limiter's ramp-up."""
    from hfscore.judge.address import parse_address
    from hfscore.judge.background import in_turn
    from hfscore.judge.client import Client
    from hfscore.judge.reply import Reply

    async with Client(parse_address(url), cap=at_once) as client:

        async def call(_: int) -> None:
            done(isinstance(await client.chat(BODY), Reply))

        await in_turn(range(calls), call, at_once=at_once)


async def fixed(
    calls: int, at_once: int, call: Callable[[], Awaitable[Any]], fault: type[Exception], done: Callable[[bool], None]
) -> None:
    """A fixed number of workers, as a caller of the other two would write it."""
    numbers = iter(range(calls))

    async def work() -> None:
        for _ in numbers:
            try:
                await call()
                done(True)
            except fault:
                done(False)

    await asyncio.gather(*(work() for _ in range(at_once)))


async def hub(url: str, calls: int, at_once: int, done: Callable[[bool], None]) -> None:
    """huggingface_hub's AsyncInferenceClient as it comes."""
    from huggingface_hub import AsyncInferenceClient
    from huggingface_hub.errors import HfHubHTTPError

    async with AsyncInferenceClient(base_url=f"{url}/v1", api_key="none") as client:

        async def call() -> None:
            await client.chat_completion(BODY["messages"], model="m", max_tokens=1, temperature=0.0)

        await fixed(calls, at_once, call, HfHubHTTPError, done)


async def openai(url: str, calls: int, at_once: int, done: Callable[[bool], None]) -> None:
    """openai's AsyncOpenAI as it comes."""
    from openai import AsyncOpenAI, OpenAIError

    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none") as client:
        await fixed(calls, at_once, lambda: client.chat.completions.create(**BODY), OpenAIError, done)


CLIENTS = {OURS: ours, HUB: hub} | ({OPENAI: openai} if find_spec("openai") else {})


def drive(pipe: Connection, name: str, url: str, calls: int, at_once: int) -> None:
    """Run one client in this process and send what came of it."""
    os.environ.pop("HF_HUB_OFFLINE", None)  # huggingface_hub would not even ask the loopback server
    times: list[float] = []
    answered = 0

    def done(good: bool) -> None:
        nonlocal answered
        answered += good
        times.append(time.perf_counter())

    async def run() -> float:
        await CLIENTS[name](url, 8, 8, lambda _: None)  # imports and first connections
        before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        await CLIENTS[name](url, calls, at_once, done)
        after = resource.getrusage(resource.RUSAGE_SELF)
        pipe.send((times, started, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, answered))
        return started

    asyncio.run(run())


def measure_one(name: str, slots: int, latency: float, *, calls: int, at_once: int) -> Result:
    """One client against one server, each in a fresh process."""
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    server = context.Process(target=serve, args=(far, slots, latency), daemon=True)
    server.start()
    try:
        url = f"http://127.0.0.1:{_sent(near, server)}"
        client = context.Process(target=drive, args=(far, name, url, calls, at_once))
        client.start()
        times, started, cpu, answered = _sent(near, client)
        client.join()
        with urllib.request.urlopen(f"{url}/refused") as response:
            refused = json.load(response)
    finally:
        server.terminate()
        server.join()
    first, last = times[len(times) // 5], times[len(times) * 4 // 5]
    rate = (len(times) * 4 // 5 - len(times) // 5) / (last - first)
    return Result(rate, cpu / calls, answered, refused, times[-1] - started)


def _sent(pipe: Connection, process: BaseProcess) -> Any:
    """What a process sends, unless it ends without."""
    while not pipe.poll(0.1):
        if not process.is_alive() and not pipe.poll(0.1):
            raise RuntimeError(f"a process ended with {process.exitcode} and sent nothing")
    return pipe.recv()


def compare(size: Size, latency: float, calls: int) -> list[Figures]:
    """All clients at one latency, in turn."""
    best: dict[str, Result] = {}
    for turn in range(size.rounds):
        for name in list(CLIENTS)[:: 1 if turn % 2 == 0 else -1]:
            result = measure_one(name, size.slots, latency, calls=calls, at_once=size.at_once)
            measure.say(f"  round {turn + 1}, {latency * 1000:.0f} ms, {name}: {result.rate:,.0f} calls/s")
            if name not in best or result.rate > best[name].rate:
                best[name] = result
    return [
        {
            "latency_ms": latency * 1000,
            "design": name,
            "rate": result.rate,
            "share": result.rate * latency / size.at_once,
            "cpu_ms": 1000 * result.cpu,
            "answered": result.answered,
            "calls": calls,
            "rounds": size.rounds,
        }
        for name, result in best.items()
    ]


def refusals(slots: int, calls: int) -> list[Figures]:
    """How many tries a server refuses, and how many calls stay without an answer; slots that are known, and not."""
    found: list[Figures] = []
    for name, at_once in ((OURS, slots * 9 // 10), *((name, 2 * slots) for name in CLIENTS)):
        result = measure_one(name, slots, 0.05, calls=calls, at_once=at_once)
        measure.say(f"  {calls:,} calls of {slots} slots, {name}: {result.refused:,} refused")
        found.append(
            {
                "design": name,
                "slots": slots,
                "at_once": at_once,
                "refused": result.refused,
                "unanswered": calls - result.answered,
                "calls": calls,
                "wall_s": result.seconds,
            }
        )
    return found


def run(options: Options) -> Outcome:
    """Compare clients."""
    size = QUICK if options.quick else FULL if options.full else SHORT
    speed = [row for latency, times in size.turns for row in compare(size, latency, times * size.at_once)]
    refused = refusals(*size.verdicts)
    ours = [row for row in speed if row["design"] == OURS]
    measured = not options.quick
    return Outcome(
        title=f"A loopback server of {size.slots} slots, {size.at_once} calls at once, prompts of 6 kB.",
        tables=(
            Table("Calls per second; the ideal is calls at once / latency", SPEED, speed),
            Table("A server of fewer slots, 50 ms: slots known, then unknown", REFUSALS, refused),
        ),
        checks={
            "hfscore: every call is answered": all(row["answered"] == row["calls"] for row in ours)
            and not any(row["unanswered"] for row in refused if row["design"] == OURS),
        },
        targets=(
            Target("hfscore: share of the ideal at 500 ms", ours[0]["share"] if measured else None, ">=", 0.6),
            Target(
                "hfscore: share of tries refused, slots known",
                refused[0]["refused"] / refused[0]["calls"] if measured else None,
                "<=",
                0.01,
            ),
        ),
        notes=[] if OPENAI in CLIENTS else ["openai is not installed, so it is not measured."],
    )
