"""From two reports to a verdict. Scores of single traces are used where both folders hold them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hfscore import api
from hfscore.comparison.candidates import Candidate, read, saved
from hfscore.comparison.statistics import question_means
from hfscore.errors import HfscoreError
from hfscore.gating import worse
from hfscore.gating.values import Check, Gate, Limit
from hfscore.hub.client import connect
from hfscore.hub.repo import read_file, read_head
from hfscore.prepare import Say, silent
from hfscore.report import REPORT_FILE, SCORES_FILE, Part, Report, Value, from_json, load
from hfscore.run import Progress, mute
from hfscore.settings import Settings
from hfscore.spec import Metric

SIGNS: Mapping[str, int] = {"up": 1, "down": -1}
PAIRED_FROM = 0.5  # of the smaller side's questions, as in a comparison
ROWS_NAMED = 5
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Side:
    """A report, and the folder of its scores where there is one."""

    report: Report
    folder: Path | None

    @property
    def name(self) -> str:
        """What it is about."""
        info = self.report.source
        return f"{info.id}@{info.revision.removeprefix('git:')[:7]}" if info.revision else info.id

    @property
    def parts(self) -> dict[Key, Part]:
        """(config, split) -> part."""
        return {(part.config, part.split): part for part in self.report.parts}

    @property
    def values(self) -> dict[tuple[str, Key], Value]:
        """(metric, part) -> its value over the whole part."""
        return {(one.metric, (one.config, one.split)): one for one in self.report.values if one.by is None}

    def candidate(self, key: Key) -> Candidate | None:
        """The numbers of every trace of a part, or None where they are not at hand."""
        if self.folder is None or not (self.folder / SCORES_FILE).exists():
            return None
        return read(" ".join(key), self.report, self.parts[key], self.folder)


def gate(
    new: Any,
    baseline: Any = None,
    *,
    limits: Sequence[Limit] = (),
    settings: Settings | None = None,
    token: str | None = None,
    progress: Progress = silent,
    say: Say = mute,
    cores: int = 1,
) -> Gate:
    """Decide whether data may pass: nothing with a known direction got worse, and every bound is kept.

    Args:
        new: A saved report (its folder or file), or whatever `score` takes.
        baseline: The same; None for the report that the default branch of the new one's dataset carries.
        limits: Bounds, for any metric.
        settings: Of whatever is scored now.
        token: As of `score`.
        progress: As of `score`.
        say: As of `score`.
        cores: As of `score`.

    Raises:
        HfscoreError: The two were measured with different settings, which are named; or a bound names no metric.
    """
    with tempfile.TemporaryDirectory() as temporary:

        def side(source: Any, name: str, chosen: Settings) -> Side:
            folder = saved(source)
            if folder is None:
                alone = isinstance(source, str | Path) and Path(source).is_file() and Path(source).suffix == ".json"
                if alone and (found := _report_alone(Path(source))):
                    return Side(found, None)
                folder = Path(temporary) / name
                api.score(source, chosen, token=token, out=folder, progress=progress, say=say, cores=cores)
            return Side(load(folder), folder)

        now = side(new, "new", settings or Settings())
        bounds = [_named(one, now.report) for one in limits]
        chosen = settings or Settings()
        before = _published(now, token) if baseline is None else side(baseline, "baseline", chosen)
        notes: list[str] = []
        checks: list[Check] = []
        if before is None:
            notes.append("There is no baseline yet: nothing was compared.")
        elif _same(before.report, now.report):
            notes.append("The data are those of the baseline, and so are the settings.")
        else:
            _refuse_unlike(before.report, now.report)
            checks += _against(before, now, notes)
        checks += [check for one in bounds for check in _bound(one, now)]
    return Gate(now.name, before.name if before else "", tuple(checks), tuple(dict.fromkeys(notes)))


def _report_alone(path: Path) -> Report | None:
    """A report without scores beside it; None where the file holds data."""
    try:
        return load(path)
    except HfscoreError:
        if path.name == REPORT_FILE:
            raise
        return None


def _published(now: Side, token: str | None) -> Side | None:
    """The report on the default branch of the dataset, or None."""
    if now.report.source.kind != "hub":
        return None
    remote = connect(now.report.source.id, token)
    content = read_file(remote, read_head(remote).sha, f".hfscore/{REPORT_FILE}")
    return None if content is None else Side(from_json(content), None)


def _same(before: Report, now: Report) -> bool:
    known = before.source.fingerprint is not None and before.source.fingerprint == now.source.fingerprint
    return known and before.settings_hash == now.settings_hash and before.families == now.families


def _refuse_unlike(before: Report, now: Report) -> None:
    """Refuse numbers that were not measured alike.

    Raises:
        HfscoreError: A setting, or the version or model of a family, differs; the first few are named.
    """
    mine, theirs = now.settings, before.settings
    different = [
        f"{name} ({theirs.get(name, 'not set')} there, {mine.get(name, 'not set')} here)"
        for name in sorted(mine.keys() | theirs.keys())
        if (mine.get(name) or None) != (theirs.get(name) or None)
    ]
    for family in sorted(now.families.keys() & before.families.keys()):
        one, other = now.families[family], before.families[family]
        different += [
            f"{family}, {name} ({other.get(name, 'not set')} there, {one.get(name, 'not set')} here)"
            for name in sorted(one.keys() | other.keys())
            if one.get(name) != other.get(name)
        ]
    if different:
        raise HfscoreError(
            f"The baseline was measured with other settings: {'; '.join(different[:5])}.",
            "Score both with the same settings, or push a report with the new ones first.",
        )


def _named(limit: Limit, report: Report) -> Limit:
    found = next((one.id for one in report.metrics if limit.metric in (one.id, one.alias)), None)
    if found is None:
        raise HfscoreError(
            f"The report has no metric '{limit.metric}' to set a bound for.", "'hfscore metrics' shows all."
        )
    return replace(limit, metric=found)


def _against(before: Side, now: Side, notes: list[str]) -> list[Check]:
    parts = [key for key in before.parts if key in now.parts]
    checks = [
        Check("", *key, "part", False, None, None, None, None, 0, (), "This part of the baseline is gone.")
        for key in before.parts
        if key not in now.parts
    ]
    if fresh := [" ".join(key) for key in now.parts if key not in before.parts]:
        notes.append(f"Not in the baseline, so not compared: {', '.join(fresh)}.")
    here = {metric.id: metric for metric in now.report.metrics}
    covered = [one for one in before.report.metrics if one.direction in SIGNS and one.id in here]
    if gone := [one.id for one in before.report.metrics if one.direction in SIGNS and one.id not in here]:
        checks += [
            Check(name, "", "", "unscored", False, None, None, None, None, 0, (), "It is not measured any more.")
            for name in gone
        ]
    for key in parts:
        checks += _part(before, now, key, covered, tests=len(parts), notes=notes)
    return checks


def _part(
    before: Side, now: Side, key: Key, covered: Sequence[Metric], *, tests: int, notes: list[str]
) -> Iterator[Check]:
    old, new = before.values, now.values
    scored = []
    for metric in covered:
        then, today = old.get((metric.id, key)), new.get((metric.id, key))
        if then is None or not then.scored:
            continue
        if today is None or not today.scored:
            yield _unscored(metric, key, then, today, False, "No trace of it can be scored any more.")
            continue
        shares = [(sum(one.unscored.values()), one.scored + sum(one.unscored.values())) for one in (then, today)]
        if worse.share_rose(*shares, tests=tests * max(len(covered), 1)):
            yield _unscored(metric, key, then, today, False, "More traces than before cannot be scored.")
        scored.append(metric)
    first, second = before.candidate(key), now.candidate(key)
    if first is not None and second is not None and (found := _paired(first, second, scored, key, tests, notes)):
        yield from found
        return
    notes.append("Compared by means alone, as if the questions were others: small changes are not seen.")
    for metric in scored:
        check = _unpaired(metric, key, old[metric.id, key], new[metric.id, key], second, tests * len(scored))
        if check is None:
            notes.append(f"{metric.id} has no interval, so it was not compared.")
        else:
            yield check


def _unscored(metric: Metric, key: Key, then: Value, today: Value | None, passed: bool, why: str) -> Check:
    def share(one: Value | None) -> float | None:
        total = one.scored + sum(one.unscored.values()) if one else 0
        return sum(one.unscored.values()) / total if one and total else None

    return Check(metric.id, *key, "unscored", passed, share(then), share(today), None, None, 0, (), why)


def _paired(
    first: Candidate, second: Candidate, metrics: Sequence[Metric], key: Key, tests: int, notes: list[str]
) -> list[Check] | None:
    """Checks by question; None where too few questions are shared."""
    old = {metric.id: question_means(first, metric.id) for metric in metrics}
    new = {metric.id: question_means(second, metric.id) for metric in metrics}
    usable = []
    for metric in metrics:
        shared = len(old[metric.id].keys() & new[metric.id].keys())
        if shared >= max(worse.FEWEST, PAIRED_FROM * min(len(old[metric.id]), len(new[metric.id]))):
            usable.append(metric)
        else:
            notes.append(f"{metric.id}: {shared} shared questions are too few to compare.")
    if not usable:
        return None
    ids = sorted(set().union(*(old[one.id].keys() & new[one.id].keys() for one in usable)))
    moved = np.array([[new[m.id].get(q, np.nan) - old[m.id].get(q, np.nan) for m in usable] for q in ids])
    found = worse.paired(moved, [SIGNS[one.direction] for one in usable], tests=tests)
    checks = []
    for column, (metric, one) in enumerate(zip(usable, found, strict=True)):
        has = np.isfinite(moved[:, column])
        both = [question for question, there in zip(ids, has, strict=True) if there]
        then = float(np.mean([old[metric.id][question] for question in both]))
        fell = np.argsort(SIGNS[metric.direction] * moved[has, column], kind="stable")[:ROWS_NAMED]
        rows = [row for index in fell for row in _rows(second, both[index])] if one.worse else []
        checks.append(
            Check(
                metric.id,
                *key,
                "paired",
                not one.worse,
                then,
                then + one.mean,
                one.low,
                one.high,
                len(both),
                tuple(rows[:ROWS_NAMED]),
                "Worse than the baseline by more than chance gives." if one.worse else "Not shown to be worse.",
            )
        )
    return checks


def _rows(side: Candidate, question: str) -> list[int]:
    return [int(row) for row in np.unique(side.rows[side.questions == question])]


def _unpaired(
    metric: Metric, key: Key, then: Value, today: Value, second: Candidate | None, tests: int
) -> Check | None:
    if then.low is None or then.high is None or today.low is None or today.high is None:
        return None
    assert then.mean is not None, "what has an interval has a mean"
    assert today.mean is not None, "what has an interval has a mean"
    if min(then.questions, today.questions) < worse.FEWEST:
        return None
    sign = SIGNS[metric.direction]
    one = worse.unpaired((then.mean, then.low, then.high), (today.mean, today.low, today.high), sign, tests=tests)
    why = "Worse than the baseline by more than chance gives." if one.worse else "Not shown to be worse."
    rows = _lowest(second, metric, sign) if one.worse and second else ()
    return Check(
        metric.id, *key, "unpaired", not one.worse, then.mean, today.mean, one.low, one.high, today.questions, rows, why
    )


def _lowest(side: Candidate, metric: Metric, sign: int) -> tuple[int, ...]:
    """Rows at the bad end of the new data."""
    values = side.scores[metric.id]
    order = np.argsort(np.where(np.isfinite(values), sign * values, np.inf), kind="stable")
    return tuple(dict.fromkeys(int(side.rows[index]) for index in order[:ROWS_NAMED]))


def _bound(limit: Limit, now: Side) -> Iterator[Check]:
    for part in now.report.parts:
        key = (part.config, part.split)
        found = now.values.get((limit.metric, key))
        mean = found.mean if found else None
        if mean is None:
            passed, why = False, "No trace of it could be scored, so the bound cannot be kept."
        else:
            passed = mean >= limit.bound if limit.below else mean <= limit.bound
            why = "Within its bound." if passed else f"The mean is {'below' if limit.below else 'above'} its bound."
        low, high, questions = (found.low, found.high, found.questions) if found else (None, None, 0)
        yield Check(limit.metric, *key, "limit", passed, limit.bound, mean, low, high, questions, (), why)
