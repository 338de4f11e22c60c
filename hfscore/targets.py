"""Sizes that a report is read for, and what is known at a size.

Small is up to 8B, larger from 11B, extrapolated above 14B. In between both are read side by side: where their signs
agree that is said, where they differ there is no evidence. Nothing is interpolated: two models of different families
define no slope.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hfscore.errors import HfscoreError
from hfscore.profiles import Entry, Profile, conflicts, published
from hfscore.profiles.model import holds

UNKNOWN = "unknown"
ALIKE = 0.1  # a count of weights and a size agree within a tenth: Qwen3-14B has 14.8 billion
WHOLE_FROM = 5.0  # counts from here on are rounded to whole billions: Llama-3.1-8B has 8.03

_UNITS = {"M": 1e-3, "B": 1.0, "T": 1e3}
_NUMBER = r"(\d+(?:\.\d+)?)"
_TARGET = re.compile(rf"{_NUMBER}([MBT])(?:-A{_NUMBER}([MB]))?", re.IGNORECASE)
_IN_NAME = re.compile(rf"(?<![A-Za-z0-9.]){_NUMBER}([MB])(?:-A{_NUMBER}([MB]))?(?![A-Za-z0-9])", re.IGNORECASE)

Basis = Literal["given", "weights", "name", "none"]
Where = Literal["evidence", "contested", "unknown"]


@dataclass(frozen=True, slots=True)
class Target:
    """A size to read a report for.

    Args:
        total_b: Parameters in billions, or None where unknown.
        active_b: Those that are active on a token, of a mixture of experts; 0 where it is one and they are unknown.
        students: Models of this size that were measured against, as the report names them.
        basis: Where the size comes from: asked for, counted in the weights, read from the model's name, or nowhere.
    """

    total_b: float | None
    active_b: float | None = None
    students: tuple[str, ...] = ()
    basis: Basis = "given"

    @property
    def text(self) -> str:
        """ "8B", "30B-A3B", "unknown"."""
        if self.total_b is None:
            return UNKNOWN
        return f"{size(self.total_b)}-A{size(self.active_b)}" if self.active_b else size(self.total_b)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one metric at a target.

    Args:
        where: Whether it is evidence at this size, contested, or nothing is known.
        entries: The profile's entry; of both profiles in between them where their signs agree.
        extrapolated: Whether the size is outside those that it was seen on, and outside those of the whole profile.
        why: Where nothing is known, what there is to say about that; empty for nothing.
    """

    where: Where
    entries: tuple[Entry, ...] = ()
    extrapolated: bool = False
    why: str = ""


NOTHING = Known("unknown")
UNSIZED = "the sizes it was seen at are not recorded"
DIFFER = "no evidence: the profiles of smaller and larger students differ"


def size(billions: float) -> str:
    """ "8B", "0.6B", "135M"."""
    return f"{billions:g}B" if billions >= 0.5 or billions == 0 else f"{1000 * billions:g}M"


def parse(text: str) -> Target:
    """Read "8B", "1.7B", "135M", "30B-A3B" or "unknown".

    Raises:
        HfscoreError: It is none of these.
    """
    word = text.strip()
    if word.lower() == UNKNOWN:
        return Target(None, basis="none")
    found = _TARGET.fullmatch(word)
    if found is None or not any(digit in "123456789" for digit in found[1]):
        raise HfscoreError(
            f"'{text}' is no size of a model.", "Give --target 8B, --target 30B-A3B or --target unknown."
        )
    return _sized(found, "given")


def of_model(name: str, *, weights: int | None, experts: bool = False) -> Target:
    """The target that a student implies.

    Args:
        name: As the report names it.
        weights: Number of its parameters; None where they could not be counted.
        experts: Whether it is a mixture of experts.
    """
    found = _IN_NAME.search(name.rpartition("/")[2])
    named = _sized(found, "name") if found else None
    if weights is None:
        target = named or Target(None, basis="none")
    else:
        counted = weights / 1e9
        rounded = float(round(counted)) if counted >= WHOLE_FROM else float(f"{counted:.2g}")
        agrees = named is not None and named.total_b is not None and alike(named.total_b, counted)
        target = Target(
            named.total_b if agrees and named else rounded, named.active_b if named else None, (), "weights"
        )
    if experts and not target.active_b and target.total_b is not None:
        target = replace(target, active_b=0.0)
    return replace(target, students=(name,))


def alike(first: float, second: float) -> bool:
    """Whether two sizes are the same but for rounding."""
    return abs(first - second) <= ALIKE * max(first, second)


def combined(asked: Sequence[Target], students: Sequence[Target]) -> tuple[Target, ...]:
    """What to read for: sizes that were asked for, with the students of that size; then students of other sizes."""
    rows = [replace(one, students=()) for one in dict.fromkeys(asked)]
    for student in students:
        for place, row in enumerate(rows[: len(asked)]):
            same = row.total_b is not None and student.total_b is not None and alike(row.total_b, student.total_b)
            if same and bool(row.active_b) == bool(student.active_b):
                rows[place] = replace(row, students=(*row.students, *student.students))
                break
        else:
            rows.append(student)
    return tuple(rows)


def profiles_of(target: Target) -> tuple[Profile, ...]:
    """The published profiles to read: one, both in between them, none for an unknown size or a mixture of experts."""
    if target.total_b is None or target.active_b is not None:
        return ()
    small, larger = published()
    within = tuple(one for one in (small, larger) if holds(target.total_b, one.size_b))
    return within or (small, larger)


def known(target: Target, metric: str) -> Known:
    """What published evidence says of a metric at a target.

    Args:
        target: The size.
        metric: Metric id, without the name of a student.
    """
    found = [_in(profile, metric, target.total_b) for profile in profiles_of(target)]
    if not found:
        return NOTHING
    if len(found) == 1:
        return found[0]
    first, second = found
    if first.where == second.where == "evidence":
        if not conflicts(first.entries[0], second.entries[0]):
            return Known("evidence", (*first.entries, *second.entries))
        return Known("contested", why=DIFFER)
    if first.where == second.where:
        return Known(first.where, (*first.entries, *second.entries))
    return Known("contested", why=DIFFER)


def in_profile(profile: Profile, metric: str) -> Known:
    """What a profile says of a metric where no single size is asked for."""
    return _in(profile, metric, None)


def own(target: Target, profiles: Sequence[Profile], metric: str) -> tuple[tuple[Profile, Entry], ...]:
    """What a user's own profiles say of a metric at a target."""
    if target.total_b is None or target.active_b is not None:
        return ()
    return tuple(
        (profile, entry)
        for profile in profiles
        if holds(target.total_b, profile.size_b)
        and (entry := profile.entry(metric)) is not None
        and holds(target.total_b, entry.holds_b)
    )


def _in(profile: Profile, metric: str, billions: float | None) -> Known:
    entry = profile.entry(metric)
    if entry is None:
        return NOTHING
    speaks = holds(billions, entry.holds_b) if billions is not None else entry.holds_b is None
    if not speaks:
        return Known("contested", (entry,), why=_elsewhere(entry))
    if not entry.signed:
        return Known("contested", (entry,))
    if entry.size_seen_b is None:
        return Known("contested", (entry,), why=UNSIZED)
    return Known("evidence", (entry,), extrapolated=billions is not None and is_beyond(profile, entry, billions))


def is_beyond(profile: Profile, entry: Entry, billions: float) -> bool:
    """Whether a size is outside what a profile's models span, and outside those that the entry was seen on."""
    assert entry.size_seen_b is not None, "what was seen at unknown sizes is never evidence at one"
    low, high = entry.size_seen_b
    below = profile.seen_from_b is not None and billions < profile.seen_from_b and billions < low
    return below or (profile.seen_to_b is not None and billions > profile.seen_to_b and billions > high)


def _elsewhere(entry: Entry) -> str:
    assert entry.holds_b is not None, "what holds everywhere is no other size"
    low, high = entry.holds_b
    if high is None:
        return f"known from {size(low)} only"
    return f"known for {size(low)} to {size(high)} only" if low else f"known for up to {size(high)} only"


def _sized(found: re.Match[str], basis: Basis) -> Target:
    total = float(found[1]) * _UNITS[found[2].upper()]
    active = float(found[3]) * _UNITS[found[4].upper()] if found[3] else None
    return Target(total, active, basis=basis)
