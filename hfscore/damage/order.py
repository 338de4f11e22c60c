"""Damage to the steps of one trace: repeated, shuffled, deleted. No step's own text changes."""

from __future__ import annotations

from random import Random

from hfscore.damage.draws import permuted, pick
from hfscore.text.steps import split_steps


def _parts(text: str) -> tuple[list[str], list[str]]:
    """The bare steps of a text, and the white space before, between and after them."""
    bodies: list[str] = []
    gaps = [""]
    for step in split_steps(text):
        body = step.text.strip()
        if not body:
            gaps[-1] += step.text
            continue
        begin = step.text.index(body[0])
        bodies.append(body)
        gaps[-1] += step.text[:begin]
        gaps.append(step.text[begin + len(body) :])
    return bodies, gaps


def _joined(bodies: list[str], gaps: list[str]) -> str:
    return "".join(gap + body for gap, body in zip(gaps, [*bodies, ""], strict=True))


def duplicate_step(text: str, rng: Random) -> str | None:
    """Repeat one step verbatim, right after itself or later (evens chances); None without a step."""
    bodies, gaps = _parts(text)
    if not bodies:
        return None
    index = int(rng.random() * len(bodies))
    after = index if rng.random() < 0.5 else pick(rng, range(index, len(bodies)))
    between = gaps[after + 1] or " "
    return _joined(
        [*bodies[: after + 1], bodies[index], *bodies[after + 1 :]], [*gaps[: after + 1], between, *gaps[after + 1 :]]
    )


def shuffle_steps(text: str, rng: Random) -> str | None:
    """Permute the steps, white space staying in its place; None with fewer than two distinct steps."""
    bodies, gaps = _parts(text)
    if len(set(bodies)) < 2:
        return None
    shuffled = permuted(rng, bodies)
    if shuffled == bodies:
        shuffled = [*bodies[1:], bodies[0]]
    return _joined(shuffled, gaps)


def delete_steps(text: str, rng: Random) -> str | None:
    """Delete half of the steps, rounded down, each equally likely; None with fewer than two."""
    bodies, gaps = _parts(text)
    if len(bodies) < 2:
        return None
    gone = set(permuted(rng, range(len(bodies)))[: len(bodies) // 2])
    kept = [(body, gap) for index, (body, gap) in enumerate(zip(bodies, gaps[1:], strict=True)) if index not in gone]
    return gaps[0] + "".join(body + gap for body, gap in kept)
