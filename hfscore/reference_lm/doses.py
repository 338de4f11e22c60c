"""Damage at a dose within one trace: a quarter, half or all of its steps, or of its numbers, that can be damaged so.

The corruptions are those of `hfscore.damage`, whose doses are shares of traces. What is damaged at a dose is damaged
at every higher one. Knows no metric.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from types import MappingProxyType
from typing import Final

from hfscore.damage import filler, numbers
from hfscore.damage.draws import generator, permuted
from hfscore.records import Trace
from hfscore.text.steps import split_steps

DOSES: Final = (0.25, 0.5, 1.0)
"""Shares of a trace's steps, or of its numbers, that are damaged."""

FULL: Final = (1.0,)
MOST_NUMBERS: Final = 50


def _bodies(text: str) -> tuple[list[str], list[str]]:
    """The steps of a text without the white space behind them, and that white space."""
    steps = [step.text for step in split_steps(text)]
    bodies = [step.rstrip() for step in steps]
    return bodies, [step[len(body) :] for step, body in zip(steps, bodies, strict=True)]


def _joined(bodies: Sequence[str], gaps: Sequence[str]) -> str:
    return "".join(body + gap for body, gap in zip(bodies, gaps, strict=True))


def _chosen(count: int, dose: float, rng: Random, fewest: int = 1) -> list[int]:
    """The places, of `count`, that are damaged at a dose; a lower dose damages the first of them."""
    return permuted(rng, range(count))[: max(fewest, math.ceil(dose * count))]


Plant = Callable[[Trace, Trace, float, Random], str | None]
"""(trace, trace of another question, dose, random numbers) -> the damaged reasoning, or None where it cannot be."""


def _each_number(edit: Callable[[str, Random], str | None], text: str, dose: float, rng: Random) -> str | None:
    """Damage one number after another, each once, until none is left; the text at a share of the way."""
    texts = [text]
    while len(texts) <= MOST_NUMBERS and (damaged := edit(texts[-1], rng)) is not None:
        texts.append(damaged)
    return texts[math.ceil(dose * (len(texts) - 1))] if len(texts) > 1 else None


def _falsify(trace: Trace, other: Trace, dose: float, rng: Random) -> str | None:
    return _each_number(lambda text, rng: numbers.falsify_number(text, trace.question, rng), trace.reasoning, dose, rng)


def _break(trace: Trace, other: Trace, dose: float, rng: Random) -> str | None:
    return _each_number(numbers.break_result, trace.reasoning, dose, rng)


def _duplicate(trace: Trace, other: Trace, dose: float, rng: Random) -> str | None:
    bodies, gaps = _bodies(trace.reasoning)
    again = set(_chosen(len(bodies), dose, rng))
    twice = [f"{body}{gap or ' '}{body}" if place in again else body for place, (body, gap) in _numbered(bodies, gaps)]
    return _joined(twice, gaps)


def _numbered(bodies: Sequence[str], gaps: Sequence[str]) -> Iterator[tuple[int, tuple[str, str]]]:
    return enumerate(zip(bodies, gaps, strict=True))


def _shuffle(trace: Trace, other: Trace, dose: float, rng: Random) -> str | None:
    bodies, gaps = _bodies(trace.reasoning)
    places = _chosen(len(bodies), dose, rng, fewest=2)
    if len({bodies[place] for place in places}) < 2:
        return None
    # one swap with an earlier place each: a cycle through all of them, so that none of the places keeps its step
    for number, one in enumerate(places[1:], 1):
        other_one = places[int(rng.random() * number)]
        bodies[one], bodies[other_one] = bodies[other_one], bodies[one]
    return _joined(bodies, gaps)


def _swap(trace: Trace, other: Trace, dose: float, rng: Random) -> str | None:
    """Put the other trace's steps, those about as far along, in place of a share of the steps; at full dose all."""
    if dose == 1:
        return other.reasoning
    (bodies, gaps), (theirs, _) = _bodies(trace.reasoning), _bodies(other.reasoning)
    for place in _chosen(len(bodies), dose, rng):
        bodies[place] = theirs[place * len(theirs) // len(bodies)]
    return _joined(bodies, gaps)


def _delete(trace: Trace, other: Trace, dose: float, rng: Random) -> str | None:
    """Delete a share of half of the steps, rounded down: as far as `delete_steps` goes."""
    bodies, gaps = _bodies(trace.reasoning)
    if len(bodies) < 2:
        return None
    gone = set(permuted(rng, range(len(bodies)))[: math.ceil(dose * (len(bodies) // 2))])
    return "".join(body + gap for place, (body, gap) in _numbered(bodies, gaps) if place not in gone).rstrip()


def _fill(trace: Trace, other: Trace, dose: float, rng: Random) -> str | None:
    """Replace a share of the steps by filler of as many bytes."""
    bodies, gaps = _bodies(trace.reasoning)
    for place in _chosen(len(bodies), dose, rng):
        bodies[place] = filler.filler(bodies[place], generator(trace.id, place))
    return _joined(bodies, gaps)


def _check_again(trace: Trace, other: Trace, dose: float, rng: Random) -> str | None:
    return filler.tail_checking(trace.reasoning)


def _normalise(trace: Trace, other: Trace, dose: float, rng: Random) -> str | None:
    found = filler.normalise_whitespace(trace.reasoning)
    return found if found != trace.reasoning else None


PLANTS: Final[Mapping[str, Plant]] = MappingProxyType(
    {
        "falsify_number": _falsify,
        "break_result": _break,
        "duplicate_step": _duplicate,
        "shuffle_steps": _shuffle,
        "swap_traces": _swap,
        "delete_steps": _delete,
        "filler": _fill,
        "tail_checking": _check_again,
        "normalise_whitespace": _normalise,
    }
)
"""Corruption -> how it is planted in one trace."""

DOSES_OF: Final[Mapping[str, tuple[float, ...]]] = MappingProxyType(
    {**dict.fromkeys(PLANTS, DOSES), "tail_checking": FULL, "normalise_whitespace": FULL}
)
"""Corruption -> the doses it is planted at; what is appended or folded has one."""


def planted(traces: Sequence[Trace], damage: str, dose: float) -> dict[int, Trace]:
    """Damage every trace at a dose within it.

    Args:
        traces: At least three, of different questions.
        damage: One of `PLANTS`.
        dose: Share of the trace's steps or numbers, above 0 and at most 1, rounded up to whole ones.

    Returns:
        Place of a trace -> the damaged trace; those that cannot be damaged so are missing.
    """
    found = {}
    for place, trace in enumerate(traces):
        other = traces[(place + 1) % len(traces)]
        text = PLANTS[damage](trace, other, dose, generator("within", damage, trace.id))
        if text is not None:
            found[place] = replace(trace, reasoning=text)
    return found
