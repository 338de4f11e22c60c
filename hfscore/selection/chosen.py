"""From scores to a subset on disk: rank, drop copies, fill groups, draw the random subset beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hfscore import api
from hfscore.backends.language_models import where as model_place
from hfscore.backends.student_tokenizer import load_student
from hfscore.errors import HfscoreError
from hfscore.hub.repo import README
from hfscore.ports import StudentTokenizer
from hfscore.prepare import Say, silent
from hfscore.report import atomic
from hfscore.run import Progress, mute
from hfscore.selection import choice, page, rows
from hfscore.selection import trl as trl_files
from hfscore.selection.choice import Positions
from hfscore.selection.filling import random_beside, without_near
from hfscore.selection.opening import Opened, check_asked, of_report, open_scored, scored
from hfscore.selection.rows import Scores, Texts
from hfscore.selection.rule import By, families_for, ruled, target_of
from hfscore.selection.summary import Chosen, summarised
from hfscore.selection.values import DATA, RANDOM, SUBSET, Left, Selection, save
from hfscore.selection.wish import Wish
from hfscore.selection.write import FORMATS, write_sets
from hfscore.settings import Settings


def select(
    source: Any,
    settings: Settings | None = None,
    *,
    out: Path | str,
    metric: Sequence[str] = (),
    top: float | None = None,
    n: int | None = None,
    drop_flagged: bool = False,
    balance: Sequence[str] = (),
    keep_shares: Sequence[str] = (),
    report: Path | str | None = None,
    form: str = "parquet",
    trl: bool = False,
    seeds: int = 3,
    revision: str | None = None,
    token: str | None = None,
    progress: Progress = silent,
    say: Say = mute,
    cores: int = 1,
) -> Selection:
    """Choose rows by what was measured, and write them with a random subset of like size beside them.

    Args:
        source: As of `score`.
        settings: Of whatever is scored now, with the `target` to choose for; its first student counts tokens.
        out: Folder for subset and random rows, selection.json, a card, and scores/ where rows are scored now.
        metric: "METRIC" or "METRIC=up|down" to choose by; none takes all that have a sign at the target.
        top: As of `Wish`; so are `n`, `drop_flagged`, `balance` and `keep_shares`.
        n: Rows.
        drop_flagged: Whether rows that carry a flag are left out.
        balance: Columns whose values get the same number of rows.
        keep_shares: Columns whose values keep their shares.
        report: Folder of a report over all rows of the source; None scores now.
        form: "parquet" or "jsonl".
        trl: Whether to write configs of TRL's supervised fine-tuning for the first student; see `trl.write_trl`.
        seeds: Seeds of those runs.
        revision: As of `score`.
        token: As of `score`.
        progress: As of `score`.
        say: As of `score`.
        cores: As of `score`.

    Raises:
        HfscoreError: There is nothing to choose by, the scores are not those of the rows, or no row can be chosen.
    """
    wish = Wish(top, n, drop_flagged, tuple(balance), tuple(keep_shares))
    own, folder = settings or Settings(), Path(out)
    check_asked(source, wish, own, metric, form, folder, trl=trl)
    target = target_of(own)
    notes: list[str] = []
    place: dict[str, Any] = {"revision": revision, "token": token}
    if report is None:
        families, notes = families_for(own, metric, flags=drop_flagged)
        for sentence in notes:
            say(sentence)
        whole = dataclasses.replace(own, rows=None, metric=tuple(families))
        where = scored(source, folder, whole, wish, trl=trl, **place, progress=progress, say=say, cores=cores)
    else:
        where = of_report(report, revision)
    opened = open_scored(source, where, own, wish, trl=trl, **place)
    by, left_out = ruled(api.for_others(opened.report, own.target), metric, target)
    student = load_student(model_place(own.student[0])) if own.student else None
    unit = f"tokens of {student.name.id}" if student else "words"
    progress("reading scores", 0, None)
    scores, texts = _arrays(opened, by, wish, student, progress)
    picked = _choose(scores, texts, by, wish, opened, own.seed, unit, progress)
    picked = dataclasses.replace(picked, notes=(*notes, *left_out, *picked.notes))
    files = _write(opened, picked, scores, form, folder, progress)
    selection = summarised(opened, picked, scores, texts, by, wish, own, metric, unit, files)
    save(selection, folder)
    with atomic(folder / README) as temporary:
        temporary.write_text(page.card(selection, opened.source.card()), encoding="utf-8")
    trl_files.clear(folder / "trl")
    if trl and student is not None:
        trl_files.write(opened, picked, selection, own.student[0], student, folder / "trl", seeds=seeds)
    return selection


def _arrays(
    opened: Opened, by: Sequence[By], wish: Wish, student: StudentTokenizer | None, progress: Progress
) -> tuple[Scores, Texts]:
    flags = [one.id for one in opened.report.metrics if one.flag] if wish.drop_flagged else []
    if wish.drop_flagged and not flags:
        raise HfscoreError("The report has no flags to drop rows by.", "Score again without --metric.")
    n = opened.part.rows_total or opened.source.count(opened.one.ref)
    scores = rows.read_scores(opened.scores, opened.key, n, [one.metric for one in by], flags)
    return scores, rows.read_texts(opened.source, opened.one, wish.columns, scores.questions, student, progress)


def _choose(
    scores: Scores,
    texts: Texts,
    by: Sequence[By],
    wish: Wish,
    opened: Opened,
    seed: int,
    unit: str,
    progress: Progress,
) -> Chosen:
    # Draws that have to do with each other in nothing: the order of equal ranks, the pool, the swaps.
    ties, shuffled, swaps = (np.random.default_rng([seed, place]) for place in range(3))
    readable = np.flatnonzero(texts.unusable.code == 0)
    flagged = np.zeros(len(texts.tokens), bool)
    for raised in scores.flags.values():
        flagged |= raised
    ranked = readable[scores.unscored.code[readable] == 0]
    candidates = ranked[~flagged[ranked]]
    order = candidates
    if by and len(candidates):
        rank = choice.mean_rank(
            [scores.values[one.metric][candidates] for one in by],
            [one.direction == "up" for one in by],
            [one.family for one in by],
        )
        mixed = ties.permutation(len(candidates))
        order = candidates[mixed[np.argsort(rank[mixed], kind="stable")]]
    order = choice.first_of_each(texts.keys, order)
    scores.unscored.code[texts.unusable.code != 0] = 0  # said once, with the stronger reason
    if not len(order):
        whys = {**texts.unusable.counts(), **scores.unscored.counts(), "flagged": int(flagged[ranked].sum())}
        said = "; ".join(f"{count:,} {why}" for why, count in whys.items() if count)
        raise HfscoreError(f"No row can be chosen: {said}.", "Choose by another metric, or score again.")
    asked = wish.rows_of(len(texts.tokens), len(order))
    quotas = choice.even_quotas if wish.balance else choice.shared_quotas
    progress("looking for near copies", 0, None)
    read = rows.sketches_of(opened.source, opened.one)
    subset, near, settled = without_near(order, texts.groups, lambda has: quotas(has, min(asked, int(has.sum()))), read)
    notes = _short(len(subset), asked, settled=settled)
    notes += _empty_groups(subset, order, texts, wish)
    progress("drawing the random subset", 0, None)
    pool = choice.first_of_each(texts.keys, shuffled.permutation(readable))
    random = random_beside(pool, subset, texts.groups, texts.tokens, read, int(swaps.integers(2**63)))
    random, more = _telling(random, subset, len(pool), unit)
    left = Left(
        unscored=scores.unscored.counts(),
        unusable=texts.unusable.counts(),
        flags={flag: int(raised[ranked].sum()) for flag, raised in scores.flags.items()},
        flagged=int(flagged[ranked].sum()),
        unread=int(scores.doubtful[candidates].sum()),
        copies=len(candidates) - len(order),
        near=near,
    )
    return Chosen(np.sort(subset), random, len(pool), left, (*notes, *more))


def _short(found: int, asked: int, *, settled: bool) -> list[str]:
    if found >= asked:
        return []
    ended = "" if settled else "; the search for others, past many near copies, was ended"
    return [f"{asked:,} rows were asked for; {found:,} could be chosen{ended}."]


def _empty_groups(subset: Positions, order: Positions, texts: Texts, wish: Wish) -> list[str]:
    """What groups have rows to choose and none that is chosen."""
    if not wish.columns:
        return []
    missing = len(np.setdiff1d(texts.groups[order], texts.groups[subset]))
    return [f"{missing:,} values of {', '.join(wish.columns)} have no row among the chosen."] if missing else []


def _telling(random: Positions | None, subset: Positions, pool: int, unit: str) -> tuple[Positions | None, list[str]]:
    """A random subset that can be told from the chosen rows, and what a reader should know of it."""
    if random is None:
        return None, [f"No random subset of as many rows was found whose {unit} are within 1%: rows are too unlike."]
    both = len(np.intersect1d(subset, random))
    if both == len(subset):
        return None, [f"There is no random subset: none but the chosen rows has as many rows and {unit}."]
    chance = len(subset) ** 2 / pool
    if both > 2 * chance and both > chance + 3 * np.sqrt(chance) and 2 * both > len(subset):
        return random, [
            f"{both:,} of the random rows are among the chosen, where chance gives {chance:,.0f}: what rows were "
            f"chosen by goes with their {unit}, which the random subset matches, so the two can hardly be told apart."
        ]
    return random, []


def _write(
    opened: Opened, picked: Chosen, scores: Scores, form: str, folder: Path, progress: Progress
) -> dict[str, str]:
    """Write the rows as they are in the source, with their number and the values they were chosen by."""

    def added(row: int) -> dict[str, Any]:
        return {name: float(values[row]) if scores.has[name][row] else None for name, values in scores.values.items()}

    sets = {SUBSET: picked.subset} | ({} if picked.random is None else {RANDOM: picked.random})
    paths = {name: folder / DATA / f"{name}.{form}" for name in sets}
    progress("writing rows", 0, sum(map(len, sets.values())))
    write_sets(
        {paths[name]: _reader(opened, positions) for name, positions in sets.items()},
        added,
        metrics=list(scores.values),
        schema=opened.source.schema(opened.one.ref),
    )
    for path in (folder / DATA / f"{name}.{other}" for name in (SUBSET, RANDOM) for other in FORMATS):
        if path not in paths.values():
            path.unlink(missing_ok=True)  # of an earlier selection
    return {name: path.name for name, path in paths.items()}


def _reader(opened: Opened, positions: Positions) -> Any:
    numbers = positions.tolist()
    return lambda: opened.source.take(opened.one.ref, numbers, None)
