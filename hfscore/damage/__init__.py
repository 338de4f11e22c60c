"""Plant known corruptions in traces, to see whether a metric notices.

Which trace is damaged, and how, depends on the seed, the trace's id and the damage alone: not on the
order of the traces, nor on the others, save where traces are swapped.

The dose is the share of traces that are damaged. A trace is damaged where a number in [0, 1) drawn
from its key lies below the dose: the traces damaged at a dose are damaged, in the same way, at every
higher one, and the share met in a set is the dose up to chance. A share of steps would be no better
a dose: one broken step more may leave a trace's score where it was.

A trace in which a corruption cannot be planted comes back as it was, with the reason. Knows no metric.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType
from typing import Final

from hfscore.damage import filler, numbers, order
from hfscore.damage.draws import generator
from hfscore.records import Trace

DOSES: Final = (0.0, 0.25, 0.5, 1.0)
"""Shares of traces at which a response to a corruption is read."""

NOT_CHOSEN: Final = "not chosen at this dose"


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen about a corruption.

    Args:
        last_result: `break_result` breaks the last result that can be broken, not a random one.
        keep_response: `swap_traces` leaves each response with its question.
    """

    last_result: bool = False
    keep_response: bool = False


Edit = Callable[[Trace, Random, Options], Trace | str]
"""One trace -> the damaged trace, or the reason why it cannot be damaged so."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A corruption.

    Args:
        id: snake_case name.
        title: What it does, in a few words.
        plant: (traces to damage, seed, options) -> for each, the damaged trace or the reason why it
            cannot be damaged so.
    """

    id: str
    title: str
    plant: Callable[[Sequence[Trace], int, Options], list[Trace | str]]


@dataclass(frozen=True, slots=True)
class Planted:
    """A trace after planting.

    Args:
        trace: The damaged trace, or the one that came in.
        touched: Whether it was damaged.
        why_not: Why it was not, or None.
    """

    trace: Trace
    touched: bool
    why_not: str | None


def plant(
    traces: Sequence[Trace], damage: str, dose: float, seed: int = 0, *, options: Options | None = None
) -> list[Planted]:
    """Damage a share of traces.

    Args:
        traces: Any traces; their ids differ.
        damage: One of `DAMAGES`.
        dose: Share of traces to damage, 0 to 1.
        seed: Another seed damages other traces in other places.
        options: What can be chosen about the corruption.

    Returns:
        One value per trace, in the same order.

    Raises:
        ValueError: There is no such damage, or the dose is out of range.
    """
    if damage not in DAMAGES:
        raise ValueError(f"there is no damage {damage!r}; there are: {', '.join(DAMAGES)}")
    if not 0 <= dose <= 1:
        raise ValueError(f"a dose is a share from 0 to 1, not {dose}")
    chosen = [index for index, trace in enumerate(traces) if _rank(seed, damage, trace) < dose]
    results = DAMAGES[damage].plant([traces[index] for index in chosen], seed, options or Options())
    planted = [Planted(trace, touched=False, why_not=NOT_CHOSEN) for trace in traces]
    for index, result in zip(chosen, results, strict=True):
        if isinstance(result, str):
            planted[index] = Planted(traces[index], touched=False, why_not=result)
        else:
            planted[index] = Planted(result, touched=True, why_not=None)
    return planted


def _rank(seed: int, damage: str, trace: Trace) -> float:
    return generator(seed, "dose", damage, trace.id).random()


def _why_not(trace: Trace) -> str | None:
    """Why a trace can be damaged in no way, or None."""
    if trace.problem is not None:
        return f"not scored: {trace.problem}"
    return None if trace.reasoning.strip() else "no reasoning"


def _each(damage: str, title: str, edit: Edit) -> Damage:
    """A corruption of one trace at a time."""

    def one(trace: Trace, seed: int, options: Options) -> Trace | str:
        why_not = _why_not(trace) or ("a trajectory of turns is left alone" if trace.turns else None)
        return why_not or edit(trace, generator(seed, damage, trace.id), options)

    return Damage(damage, title, lambda traces, seed, options: [one(trace, seed, options) for trace in traces])


def _with(trace: Trace, reasoning: str | None, why_not: str) -> Trace | str:
    return replace(trace, reasoning=reasoning) if reasoning is not None else why_not


def _falsify(trace: Trace, rng: Random, options: Options) -> Trace | str:
    reasoning = numbers.falsify_number(trace.reasoning, trace.question, rng)
    return _with(trace, reasoning, "no given quantity outside arithmetic")


def _break(trace: Trace, rng: Random, options: Options) -> Trace | str:
    reasoning = numbers.break_result(trace.reasoning, rng, last=options.last_result)
    return _with(trace, reasoning, "no true equation that can be broken alone")


def _duplicate(trace: Trace, rng: Random, options: Options) -> Trace | str:
    return _with(trace, order.duplicate_step(trace.reasoning, rng), "no step")


def _shuffle(trace: Trace, rng: Random, options: Options) -> Trace | str:
    return _with(trace, order.shuffle_steps(trace.reasoning, rng), "fewer than two distinct steps")


def _delete(trace: Trace, rng: Random, options: Options) -> Trace | str:
    return _with(trace, order.delete_steps(trace.reasoning, rng), "fewer than two steps")


def _fill(trace: Trace, rng: Random, options: Options) -> Trace | str:
    return replace(trace, reasoning=filler.filler(trace.reasoning, rng))


def _check_again(trace: Trace, rng: Random, options: Options) -> Trace | str:
    return replace(trace, reasoning=filler.tail_checking(trace.reasoning))


def _normalise(trace: Trace, rng: Random, options: Options) -> Trace | str:
    reasoning = filler.normalise_whitespace(trace.reasoning)
    response = trace.response and filler.normalise_whitespace(trace.response)
    if reasoning is None or (response is None and trace.response):
        return "a run of combining marks too long to be text"
    normal = replace(trace, reasoning=reasoning, response=response)
    return normal if normal != trace else "normalised already"


def _swap(traces: Sequence[Trace], seed: int, options: Options) -> list[Trace | str]:
    """Exchange reasoning between traces of different questions, so that none keeps its own.

    Of a question with more traces than all others together, only as many take part as the others
    have, those first in rank: so who takes part at a dose takes part at every higher one.
    """
    results: list[Trace | str] = ["no trace of another question to swap with"] * len(traces)
    questions: dict[str, list[int]] = defaultdict(list)
    ranked = sorted(range(len(traces)), key=lambda index: (_rank(seed, "swap_traces", traces[index]), traces[index].id))
    for index in ranked:
        why_not = _why_not(traces[index])
        if why_not is None:
            questions[traces[index].question_id].append(index)
        else:
            results[index] = why_not
    total = sum(map(len, questions.values()))
    groups = [group[: total - len(group)] for group in questions.values()]
    line = [index for group in groups for index in group]
    # Shifting by the largest group carries every trace out of its own.
    shift = max(map(len, groups), default=0)
    for place, index in enumerate(line):
        donor = traces[line[(place + shift) % len(line)]]
        swapped = replace(
            traces[index],
            reasoning=donor.reasoning,
            response=traces[index].response if options.keep_response else donor.response,
            turns=donor.turns,
            think_span=donor.think_span,
            marks=donor.marks,
        )
        results[index] = swapped if swapped != traces[index] else "the trace swapped in reads the same"
    return results


DAMAGES: Mapping[str, Damage] = MappingProxyType(
    {
        damage.id: damage
        for damage in (
            _each("falsify_number", "falsify one number in a step", _falsify),
            _each("break_result", "break an arithmetic result", _break),
            _each("duplicate_step", "duplicate a step verbatim", _duplicate),
            _each("shuffle_steps", "shuffle steps", _shuffle),
            Damage("swap_traces", "swap traces between records", _swap),
            _each("delete_steps", "delete half of the steps", _delete),
            _each("filler", "constant-length filler", _fill),
            _each("tail_checking", "append repeated checking after the answer", _check_again),
            _each("normalise_whitespace", "normalise white space and Unicode form", _normalise),
        )
    }
)
"""Every corruption by its id."""
