"""From sources to a comparison."""

from __future__ import annotations

import contextlib
import itertools
import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import hfscore
from hfscore import catalog, read_for
from hfscore.card.reading import by_rules, unread
from hfscore.comparison import orders, readings, statistics, store
from hfscore.comparison.candidates import Candidate, Selector, gather, parse_selector, refuse_unlike
from hfscore.comparison.history import histories
from hfscore.comparison.values import Comparison, Pair, TargetReading
from hfscore.informative import uninformative
from hfscore.prepare import Say, silent
from hfscore.profiles import Profile
from hfscore.report import Difference, Report, SourceInfo
from hfscore.run import Progress, mute
from hfscore.settings import Settings, arguments, as_json
from hfscore.targets import Target, combined

DEFAULT = Settings()
Asked = tuple[Sequence[Target], tuple[Profile, ...]]  # sizes of students to read for, and evidence of the user's own


def compare(
    sources: Sequence[Any],
    settings: Settings = DEFAULT,
    *,
    targets: Sequence[str] = (),
    order: bool = False,
    token: str | None = None,
    out: Path | str | None = None,
    progress: Progress = silent,
    say: Say = mute,
    cores: int = 1,
) -> Comparison:
    """Compare sets of reasoning traces.

    Args:
        sources: Each "[LABEL=]SOURCE[:CONFIG[/SPLIT]]" with a source as of `hfscore.score` or the folder of a saved
            report, a `Selector`, or objects in memory. A source with several parts gives several candidates.
        settings: Of whatever is not scored yet.
        targets: Sizes of students to read the evidence for, such as "8B"; empty for those of `settings`,
            and for none there, the sizes of the students that were measured against.
        order: Whether to make one order of the candidates for each target, by a Borda count.
        token: Token of the Hub; None for the one that is logged in.
        out: Folder for comparison.json, for report.json and scores.parquet of all sets, which can be compared in
            turn, and for the reports that are made; None writes nothing.
        progress: Told what is being done.
        say: Told, in whole sentences, what was chosen.
        cores: As of `hfscore.score`.

    Returns:
        Every pairwise difference with its interval, orders, and what evidence says at each target.

    Raises:
        HfscoreError: A source cannot be scored or read, the reports were not measured alike, or there is only one.
    """
    # refused before hours of scoring
    asked = read_for.asked(replace(settings, target=tuple(targets) or settings.target))
    selectors = [
        one if isinstance(one, Selector) else parse_selector(one) if isinstance(one, str) else Selector(one)
        for one in sources
    ]
    with contextlib.ExitStack() as stack:
        folder = Path(out) if out is not None else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        candidates = gather(
            selectors, settings, folder / "reports", token=token, progress=progress, say=say, cores=cores
        )
        notes = refuse_unlike(candidates)
        progress("comparing", 0, None)
        found = _compared(candidates, settings, asked, notes, order=order)
        if out is not None:
            store.save_scores(candidates, [metric.id for metric in found.report.metrics], folder)
            store.save(found, folder)
    return found


def _compared(
    candidates: Sequence[Candidate], settings: Settings, asked: Asked, notes: Sequence[str], *, order: bool
) -> Comparison:
    shared = set.intersection(*({metric.id for metric in one.report.metrics} for one in candidates))
    metrics = [metric for metric in candidates[0].report.metrics if metric.id in shared]
    pairs = [pair for metric in metrics for pair in statistics.pairs(candidates, metric.id, seed=settings.seed)]
    report = _merged(candidates, shared, pairs, settings, asked)
    known, longest_first = orders.by_metric(pairs), orders.lengths(report)
    labels = tuple(one.label for one in candidates)
    read: list[TargetReading] = []
    silent = uninformative(report.controls)
    told = by_rules(report).metrics  # evidence on a judge says nothing of rules that stand in for one
    for target in report.targets:
        one = readings.reading(target, told, report.profiles, silent)
        if order:
            families = _families(report)
            ranking = orders.borda(labels, one.signed, one.unsigned, known, families, longest_first)
            one = replace(one, ranking=ranking)
        read.append(one)
    return Comparison(
        labels=labels,
        sources={one.label: one.name for one in candidates},
        report=report,
        pairs=tuple(pairs),
        orders=tuple(orders.orders(report, known, longest_first)),
        lengths=longest_first,
        readings=tuple(read),
        history=tuple(histories(candidates, [metric.id for metric in metrics])),
        notes=(*notes, *_notes(pairs, len(candidates)), *_unread(report)),
    )


def _families(report: Report) -> dict[str, str]:
    """Metric id -> family; one that was measured under several students counts once."""
    known = catalog.family_of()
    return {metric.id: known.get(metric.id.split("__")[0], metric.id) for metric in report.metrics}


def _notes(pairs: Sequence[Pair], candidates: int) -> list[str]:
    found = []
    unpaired: dict[tuple[str, str], list[str]] = {}
    for one in pairs:
        if not one.paired:
            unpaired.setdefault((one.first, one.second), []).append(one.metric)
    measured = len({one.metric for one in pairs})
    for (first, second), metrics in unpaired.items():
        which = "every metric" if len(metrics) == measured else ", ".join(metrics)
        found.append(
            f"{first} and {second}, {which}: fewer than half of the questions are scored in both, so two independent "
            "means are compared."
        )
    if candidates > 2:
        found.append("Intervals hold for all pairs of one metric at once, at 95% (max-T); not for all metrics at once.")
    return found


def _unread(report: Report) -> list[str]:
    """Profiles of the user's own that no target reads."""
    if report.profiles and not report.targets:
        return ["A profile is read for a size of student: add --target 8B."]
    return [
        f"Your profile '{one.name}' is for none of these sizes, or says nothing of what was measured."
        for one in unread(report)
    ]


def _merged(
    candidates: Sequence[Candidate],
    metrics: set[str],
    pairs: Sequence[Pair],
    settings: Settings,
    asked: Asked,
) -> Report:
    """One report with a part for each candidate, its config the candidate's label."""
    first = candidates[0].report
    parts, values, facts, rows, controls = [], [], [], [], []
    for one in candidates:
        key = (one.part.config, one.part.split)
        parts.append(replace(one.part, config=one.label))
        values += [
            replace(value, config=one.label)
            for value in one.report.values
            if (value.config, value.split) == key and value.metric in metrics
        ]
        facts += [replace(fact, config=one.label) for fact in one.report.facts if (fact.config, fact.split) == key]
        rows += [replace(row, config=one.label) for row in one.report.rows if (row.config, row.split) == key]
        controls += [
            replace(control, config=one.label)
            for control in one.report.controls
            if (control.config, control.split) == key and control.metric in metrics
        ]
    split = {one.label: one.part.split for one in candidates}
    return replace(
        first,
        source=_source(candidates),
        parts=tuple(parts),
        metrics=tuple(metric for metric in first.metrics if metric.id in metrics),
        values=tuple(values),
        differences=tuple(
            Difference(
                one.metric,
                (one.first, split[one.first]),
                (one.second, split[one.second]),
                one.mean,
                one.low,
                one.high,
                one.questions,
            )
            for one in pairs
            if one.paired
        ),
        facts=tuple(facts),
        rows=tuple(rows),
        skipped=tuple(dict.fromkeys(itertools.chain.from_iterable(one.report.skipped for one in candidates))),
        version=hfscore.__version__,
        command=_command(candidates, settings),
        attribution=None,
        controls=tuple(controls),
        targets=combined(asked[0], first.targets),
        profiles=asked[1] or first.profiles,
    )


def _source(candidates: Sequence[Candidate]) -> SourceInfo:
    """The dataset where all candidates are configs of one, else what is compared."""
    infos = {one.report.source for one in candidates}
    if len(infos) == 1 and all(one.label == one.part.config for one in candidates):
        return candidates[0].report.source
    return SourceInfo("files", ", ".join(dict.fromkeys(one.report.source.id for one in candidates)))


def _command(candidates: Sequence[Candidate], settings: Settings) -> str:
    words = ["hfscore", "compare"]
    for one in candidates:
        info = one.report.source
        revision = f"@{info.revision.removeprefix('git:')}" if info.revision else ""
        words.append(f"{info.id}{revision}:{one.part.config}/{one.part.split}")
    return shlex.join([*words, *arguments(as_json(settings))])
