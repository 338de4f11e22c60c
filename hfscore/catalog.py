"""The catalogue of metrics: what stands in `hfscore/metrics/`, and what other packages offer.

Other packages offer a `Family` under the entry-point group "hfscore.metrics".
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import entry_points

import hfscore.metrics
from hfscore.errors import HfscoreError
from hfscore.spec import Family, Metric

ENTRY_POINTS = "hfscore.metrics"


def _found() -> Iterator[tuple[str, Family]]:
    for module in sorted(pkgutil.iter_modules(hfscore.metrics.__path__), key=lambda found: found.name):
        name = f"hfscore.metrics.{module.name}"
        yield name, importlib.import_module(name).FAMILY
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        yield entry.value, entry.load()


def families() -> tuple[Family, ...]:
    """Every family at hand, sorted by rank and id.

    Raises:
        HfscoreError: Two families or metrics carry one id or alias; both places are named.
    """
    places: dict[str, str] = {}
    result = []
    for place, family in _found():
        names = {name for metric in family.metrics for name in (metric.id, metric.alias)} | {f"family {family.id}"}
        for name in names:
            if name in places:
                raise HfscoreError(f"'{name}' is defined twice, in {places[name]} and in {place}.", "Rename one.")
            places[name] = place
        result.append(family)
    return tuple(sorted(result, key=lambda family: (family.rank, family.id)))


def family_of() -> dict[str, str]:
    """Metric id -> id of its family, both without the name of a student."""
    return {metric.id: family.id for family in families() for metric in family.metrics}


def choose(names: Iterable[str], among: Iterable[Family] | None = None) -> tuple[Family, ...]:
    """Families that hold the named families, metrics or aliases; all of them when no name is given.

    Raises:
        HfscoreError: A name is unknown.
    """
    all_families = tuple(among) if among is not None else families()
    wanted = list(names)
    if not wanted:
        return all_families
    chosen = []
    for name in wanted:
        family = next((f for f in all_families if name == f.id or name in _names(f.metrics)), None)
        if family is None:
            known = sorted({known for family in all_families for known in (family.id, *_names(family.metrics))})
            close = difflib.get_close_matches(name, known, n=3)
            hint = f"Close to it: {', '.join(close)}." if close else f"Known: {', '.join(f.id for f in all_families)}."
            raise HfscoreError(f"There is no metric '{name}'.", f"{hint} 'hfscore metrics' shows all.")
        chosen.append(family)
    return tuple(family for family in all_families if family in chosen)


def for_students(chosen: Iterable[Family], students: Sequence[str]) -> list[Family]:
    """The families, with one for each named student in place of every family that is measured under a student."""
    result: list[Family] = []
    for family in chosen:
        if family.for_student is None or not students:
            result.append(family)
        else:
            result += [family.for_student(index, name) for index, name in enumerate(students)]
    return result


def _names(metrics: Iterable[Metric]) -> set[str]:
    return {name for metric in metrics for name in (metric.id, metric.alias)}
