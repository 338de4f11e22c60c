"""Which places hold other generations of one thing, and which only another language of it."""

from __future__ import annotations

from collections.abc import Iterable

from hfscore.columns import words
from hfscore.columns.leaves import Leaf


def variants(winner: Leaf, candidates: Iterable[Leaf]) -> list[Leaf]:
    """The places that hold other generations of the same thing: other models, other numbers.

    Language versions are no generations: of each variant the untagged version is kept. A place named
    without any variant stands alone, unless the others only carry numbers. Words of a judge do not
    matter among structs of one shape ("x_finetuned.solution", "x_verified.solution").
    """
    if winner.many or winner.form == "list":
        return [winner]
    same = [leaf for leaf in candidates if _is_variant(leaf, winner)]
    by_key: dict[tuple[str, ...], Leaf] = {}
    for leaf in sorted(same, key=lambda f: (version_rank(f), f.order)):
        by_key.setdefault(leaf.name.tokens if leaf.name.role == "preference" else leaf.name.key, leaf)
    keys = [key for key in by_key if key]
    if () in by_key and not all(part.isdigit() for key in keys for part in key):
        return [winner] if not winner.name.key else [by_key[()]]
    kept = list(by_key.values())
    distinct = [f for i, f in enumerate(kept) if not any(_repeats(f, other) for other in kept[:i])]
    return sorted(distinct, key=lambda f: f.order)


def _is_variant(leaf: Leaf, winner: Leaf) -> bool:
    if leaf.form != winner.form or leaf.many or leaf.parsed != winner.parsed:
        return False
    twin = len(leaf.parts) > 1 and leaf.parts[1:] == winner.parts[1:]
    if (leaf.name.noise or leaf.name.judge) and not twin and leaf is not winner:
        return False
    if winner.name.role == leaf.name.role == "preference":
        return True
    if winner.name.role is None:
        return leaf is winner or (_by_model(leaf) and _by_model(winner))
    return leaf.name.role == winner.name.role and leaf.name.base == winner.name.base


def _by_model(leaf: Leaf) -> bool:
    return leaf.name.role is None and bool(words.MODEL_WORDS.intersection(leaf.name.tokens))


def _repeats(leaf: Leaf, other: Leaf) -> bool:
    """Whether two places hold the same texts in every row that has both; one row proves nothing."""
    pairs = [(a, b) for a, b in zip(leaf.cells, other.cells, strict=True) if a and b]
    return len(pairs) > 1 and all(a == b for a, b in pairs)


def version_rank(leaf: Leaf) -> tuple[int, bool]:
    """Untagged before tagged, English before other languages."""
    return len(leaf.name.version), not {"en", "eng", "english"}.issuperset(leaf.name.version)
