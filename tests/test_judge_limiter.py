"""Calls at once: never beyond the cap, one cut a burst, and few refusals from a server that refuses at once."""

from __future__ import annotations

import asyncio
import heapq
import random
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfscore.judge.gate import Gate
from hfscore.judge.limiter import CUT, Effect, Limiter, cap_for

EFFECTS: tuple[Effect, ...] = ("ok", "refused", "trouble", "none")


@pytest.mark.parametrize(
    ("slots", "asked", "cap"),
    [
        (128, None, 115),
        (256, None, 230),
        (1, None, 1),
        (None, None, 64),
        (None, 300, 300),
        (128, 300, 115),
        (128, 4, 4),
    ],
)
def test_a_tenth_of_the_slots_is_left_to_others(slots: int | None, asked: int | None, cap: int) -> None:
    assert cap_for(slots, asked) == cap


@given(st.integers(1, 300), st.lists(st.sampled_from(EFFECTS), max_size=400))
def test_the_limit_stays_between_one_and_its_cap(cap: int, effects: list[Effect]) -> None:
    limiter = Limiter(cap)
    for effect in effects:
        before = limiter.limit
        limiter.end(limiter.start(), effect)
        assert 1 <= int(limiter.limit) <= cap
        if effect in ("trouble", "none"):
            assert limiter.limit == before
    assert limiter.in_flight == 0


@given(st.integers(1, 200))
def test_a_burst_of_refusals_cuts_once(size: int) -> None:
    limiter = Limiter(400)
    before = limiter.limit
    tickets = [limiter.start() for _ in range(size)]
    for ticket in tickets:
        limiter.end(ticket, "refused")
    assert limiter.limit == max(1, before * CUT)
    limiter.end(limiter.start(), "refused")
    assert limiter.limit == max(1, before * CUT * CUT)


def test_it_doubles_each_round_until_the_first_refusal_then_adds_one() -> None:
    limiter = Limiter(1000)

    def a_round() -> int:
        tickets = [limiter.start() for _ in range(int(limiter.limit))]
        for ticket in tickets:
            limiter.end(ticket, "ok")
            while limiter.has_room(0):  # the room is taken again at once
                limiter.start()
        limiter.in_flight = 0
        return int(limiter.limit)

    assert [a_round() for _ in range(3)] == [64, 128, 256]
    limiter.end(limiter.start(), "refused")
    assert limiter.limit == 192
    assert [a_round() for _ in range(4)] == [192, 193, 194, 195]  # a hair under one a round, as the divisor grows


def test_unused_room_is_no_reason_to_ask_for_more() -> None:
    limiter = Limiter(100)
    for _ in range(1000):
        limiter.end(limiter.start(), "ok")
    assert limiter.limit == 32


def test_trouble_pauses_growth_for_a_round() -> None:
    limiter = Limiter(100)
    limiter.in_flight = 32
    limiter.end(0, "trouble")
    for _ in range(32):
        limiter.start()
        limiter.end(0, "ok")
        assert limiter.limit == 32
    limiter.start()
    limiter.end(0, "ok")
    assert limiter.limit == 33


def simulate(cap: int, slots: int, calls: int, *, others: int = 0, latency: float = 0.5) -> tuple[float, int]:
    """Seconds and refusals of a run against a semaphore that refuses at once, without any network."""
    limiter, random_ = Limiter(cap), random.Random(1)
    events: list[tuple[float, int, str, int]] = []
    names = count()
    now, serving, done, refused, left = 0.0, others, 0, 0, calls
    while done < calls:
        while left and limiter.has_room(now):
            left -= 1
            ticket = limiter.start()
            taken = serving < slots
            serving += taken
            after = latency * random_.uniform(0.8, 1.2) if taken else 0.001
            heapq.heappush(events, (now + after, next(names), "answer" if taken else "refusal", ticket))
        now, _, event, ticket = heapq.heappop(events)
        if event == "answer":
            serving -= 1
            done += 1
            limiter.end(ticket, "ok")
        elif event == "refusal":
            refused += 1
            limiter.end(ticket, "refused")
            heapq.heappush(events, (now + random_.uniform(0, 0.5), next(names), "again", 0))
        else:
            left += 1
    return now, refused


def test_twenty_thousand_verdicts_of_128_slots_are_not_refused() -> None:
    seconds, refused = simulate(cap_for(128), 128, 20_000)
    assert refused == 0
    assert seconds < 1.05 * 20_000 * 0.5 / cap_for(128)


@pytest.mark.parametrize(("cap", "others"), [(115, 64), (256, 0), (1000, 100)])
def test_room_that_is_not_there_is_found_out_with_few_refusals(cap: int, others: int) -> None:
    seconds, refused = simulate(cap, 128, 20_000, others=others)
    assert 0 < refused < 0.01 * 20_000
    assert seconds < 1.4 * 20_000 * 0.5 / (128 - others)


@given(st.lists(st.tuples(st.sampled_from(EFFECTS), st.booleans()), max_size=60), st.integers(1, 8))
def test_the_gate_never_lets_in_more_than_the_limit_whatever_is_cancelled(
    steps: list[tuple[Effect, bool]], cap: int
) -> None:
    async def run() -> None:
        limiter = Limiter(cap)
        gate = Gate(limiter)
        inside = 0

        async def visit(effect: Effect) -> None:
            nonlocal inside
            ticket = await gate.enter()
            room = int(limiter.limit)
            inside += 1
            assert inside <= max(room, 1) or limiter.cuts
            assert inside <= cap
            try:
                await asyncio.sleep(0)
            finally:
                inside -= 1
                gate.leave(ticket, effect)

        tasks = []
        for effect, cancel in steps:
            tasks.append(asyncio.create_task(visit(effect)))
            if cancel:
                await asyncio.sleep(0)
                tasks[len(tasks) // 2].cancel()
        done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        assert not [error for error in done if isinstance(error, Exception)]
        assert limiter.in_flight == 0

    asyncio.run(run())


def test_a_pause_holds_everybody_and_ends() -> None:
    async def run() -> float:
        gate = Gate(Limiter(4))
        gate.leave(await gate.enter(), "refused", pause=0.05)
        started = asyncio.get_running_loop().time()
        await asyncio.wait_for(asyncio.gather(gate.enter(), gate.enter(), return_exceptions=True), 0.2)
        return asyncio.get_running_loop().time() - started

    with pytest.raises(TimeoutError):  # room for one after the cut: the second waits on
        asyncio.run(run())

    async def one() -> float:
        gate = Gate(Limiter(4))
        gate.leave(await gate.enter(), "trouble", pause=0.05)
        started = asyncio.get_running_loop().time()
        await asyncio.wait_for(gate.enter(), 1)
        return asyncio.get_running_loop().time() - started

    assert 0.045 <= asyncio.run(one()) < 0.5
