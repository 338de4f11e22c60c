"""Published scores of every trace: do they give the published means, and do they come out again, trace by trace?"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from hfscore.errors import HubError
from hfscore.hub.client import connect
from hfscore.hub.repo import README, read_file, read_head
from hfscore.hub.scores_repo import scores_of
from hfscore.report import SCORES_FILE, Report
from hfscore.spec import Family
from hfscore.verification.numbers import Check, named, rounding, same

_KEY = ("config", "split", "row", "trace")


def published_scores(scores_repo: str, about: str, *, token: str | None = None) -> Any:
    """Read a dataset of scores as an Arrow table.

    Raises:
        HubError: It holds the scores of another dataset, or none.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    remote = connect(scores_repo, token)
    head = read_head(remote)
    of = scores_of(read_file(remote, head.sha, README) or b"")
    if of != about:
        raise HubError(f"{scores_repo} does not hold the scores of {about}.", "Check the name.")
    data = read_file(remote, head.sha, f"data/{SCORES_FILE}")
    if data is None:
        raise HubError(f"{scores_repo} has no data/{SCORES_FILE}.", "Push the scores again.")
    return pq.read_table(pa.BufferReader(data))


def means(report: Report, table: Any) -> Iterator[Check]:
    """Compare every mean of a report with the mean over the published scores."""
    import pyarrow.compute as pc

    for value in report.values:
        if value.by is not None or value.mean is None or value.metric not in table.column_names:
            continue
        mine = pc.and_(pc.equal(table["config"], value.config), pc.equal(table["split"], value.split))
        scores = [one for one in table.filter(mine)[value.metric].to_pylist() if one is not None]
        found = math.fsum(scores) / len(scores) if scores else None
        tolerance = rounding(None, value.mean) if value.mean else 1e-9
        good = same(value.mean, found, tolerance) and len(scores) == value.scored
        why = f"The {len(scores):,} published scores {'give' if good else 'do not give'} this mean."
        what = f"{named(value)}, from the scores"
        yield Check(what, "confirmed" if good else "refuted", why, value.mean, found, tolerance)


def traces(table: Any, folder: Path, families: Collection[Family]) -> Iterator[Check]:
    """Compare published scores with those in a folder's scores.parquet, trace by trace."""
    import pyarrow.parquet as pq

    again = pq.read_table(folder / SCORES_FILE)
    place = {key: number for number, key in enumerate(zip(*(table[name].to_pylist() for name in _KEY), strict=True))}
    keys = list(zip(*(again[name].to_pylist() for name in _KEY), strict=True))
    absent = sum(key not in place for key in keys)
    for family in families:
        for metric in family.metrics if family.pool is None else ():
            if metric.id not in again.column_names or metric.id not in table.column_names:
                continue
            before, now = table[metric.id].to_pylist(), again[metric.id].to_pylist()
            pairs = [(before[place[key]], one) for key, one in zip(keys, now, strict=True) if key in place]
            wrong = absent + sum(not same(old, new, rounding(family, old or 0.0)) for old, new in pairs)
            why = f"{len(pairs) - wrong + absent:,} of {len(keys):,} traces measured again have their published score."
            yield Check(f"{metric.id}, trace by trace", "refuted" if wrong else "confirmed", why)
