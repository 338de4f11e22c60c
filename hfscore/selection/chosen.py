"""From scores to a subset on disk: rank, drop copies, fill groups, draw the random subset beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hfscore
from hfscore import api, catalog
from hfscore.backends.language_models import where as model_place
from hfscore.backends.student_tokenizer import ChatTokenizer, load_student
from hfscore.comparison.candidates import saved
from hfscore.errors import HfscoreError
from hfscore.hub.repo import README
from hfscore.hub.scores_repo import scores_of
from hfscore.ports import StudentTokenizer
from hfscore.prepare import Say, silent
from hfscore.report import SCORES_FILE, Report, atomic, load
from hfscore.run import Progress, check_groups, detect, mute, usable
from hfscore.selection import choice, page, rows
from hfscore.selection.choice import Positions
from hfscore.selection.filling import random_beside, without_near
from hfscore.selection.rows import Scores, Texts
from hfscore.selection.rule import By, families_for, ruled, target_of
from hfscore.selection.summary import Chosen, Opened, summarised
from hfscore.selection.trl import write_trl
from hfscore.selection.values import DATA, RANDOM, SUBSET, Left, Selection, save
from hfscore.selection.wish import Wish
from hfscore.selection.write import FORMATS, write_rows
from hfscore.settings import Settings, from_json
from hfscore.sources import open_source

SCORES_FOLDER = "scores"
COLUMNS = ("question", "reasoning", "response", "reference")  # settings that say where they stand


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
    target = target_of(own)
    _check(wish, own, metric, form, folder, trl=trl)
    unmeasured: list[str] = []
    if report is None:
        families, unmeasured = families_for(own, metric, flags=drop_flagged)
        where, whole = folder / SCORES_FOLDER, dataclasses.replace(own, rows=None, metric=tuple(families))
        for sentence in unmeasured:
            say(sentence)
        if _is_scored(source, where, whole, revision, token):
            say(f"{where} has the scores of these data with these settings: not scored again.")
        else:
            api.score(source, whole, revision=revision, token=token, out=where, progress=progress, say=say, cores=cores)
    else:
        where = _saved(report)
    opened = _opened(source, load(where), where / SCORES_FILE, own, revision, token)
    by, notes = ruled(api.for_others(opened.report, own.target), metric, target)
    check_groups([opened.one], wish.columns)
    student = _student(own)
    scores, texts = _arrays(opened, by, wish, student, progress)
    picked = _choose(scores, texts, by, wish, opened, own.seed, progress)
    picked = dataclasses.replace(picked, notes=(*unmeasured, *notes, *picked.notes))
    files = _write(opened, picked, scores, form, folder, progress)
    unit = f"tokens of {student.name.id}" if student else "words"
    selection = summarised(opened, picked, scores, texts, by, wish, own, unit, files)
    save(selection, folder)
    with atomic(folder / README) as temporary:
        temporary.write_text(page.card(selection, opened.source.card()), encoding="utf-8")
    if trl:
        write_trl(opened, picked, selection, own.student[0], student, folder / "trl", seeds=seeds)
    return selection


def _check(wish: Wish, own: Settings, metric: Sequence[str], form: str, folder: Path, *, trl: bool) -> None:
    """Refuse what cannot be done, before anything is read.

    Raises:
        HfscoreError: Nothing orders the rows, no model is named for `trl`, or the folder has a card of somebody else.
    """
    if not own.target and not metric and not (wish.top is None and wish.n is None):
        raise HfscoreError("Nothing says which rows come first.", "Give --target 8B, or --metric M=up.")
    if form not in FORMATS:
        raise HfscoreError(f"'{form}' is no format.", f"Give one of {', '.join(FORMATS)}.")
    if trl and not own.student:
        raise HfscoreError("Nothing says which model is to be trained.", "Add --student MODEL.")
    card = folder / README
    if card.exists() and not scores_of(card.read_bytes(), page.KEY):
        raise HfscoreError(f"{card} was not written by 'hfscore select'.", "Choose another folder.")


def _is_scored(source: Any, where: Path, whole: Settings, revision: str | None, token: str | None) -> bool:
    """Whether a folder holds the scores that a run would give; refuses several parts, before anything is scored."""
    opened = open_source(source, configs=whole.config, splits=whole.split, revision=revision, token=token)
    _one_part([(one.ref.config, one.ref.split) for one in usable(detect(opened, whole))[0]])
    if saved(where) is None or not (where / SCORES_FILE).exists():
        return False
    there = load(where)
    same = there.settings_hash == whole.hash(catalog.choose(whole.metric)) and there.version == hfscore.__version__
    return same and there.source.fingerprint is not None and there.source.fingerprint == opened.info.fingerprint


def _one_part(names: Sequence[tuple[str, str]]) -> None:
    """Refuse several parts, before anything is scored.

    Raises:
        HfscoreError: There are several.
    """
    if len(names) > 1:
        raise HfscoreError(
            "Rows are chosen from one config and split.",
            f"Name one with --config and --split: {', '.join('/'.join(name) for name in names)}.",
        )


def _saved(report: Path | str) -> Path:
    found = saved(report)
    if found is None:
        raise HfscoreError(f"There is no report in {report}.", "Make one: hfscore score SOURCE --rows all --out DIR.")
    return found


def _opened(
    source: Any, report: Report, scores: Path, chosen: Settings, revision: str | None, token: str | None
) -> Opened:
    """The rows behind a report, at its own revision.

    Raises:
        HfscoreError: The report has several parts and none was named, or the data are others.
    """
    wanted = [
        part
        for part in report.parts
        if (not chosen.config or part.config in chosen.config) and (not chosen.split or part.split in chosen.split)
    ]
    if not wanted:
        names = ", ".join(f"{part.config}/{part.split}" for part in report.parts)
        raise HfscoreError("The report has no such config and split.", f"It has: {names}.")
    _one_part([(part.config, part.split) for part in wanted])
    part = wanted[0]
    if not scores.exists():
        raise HfscoreError(f"There is no {SCORES_FILE} beside the report.", "Score again with --out DIR.")
    measured = report.source.revision.removeprefix("git:") if report.source.revision else None
    in_files = report.source.kind == "python"
    opened = open_source(
        source,
        configs=() if in_files else (part.config,),
        splits=() if in_files else (part.split,),
        revision=measured or revision,
        token=token,
    )
    if report.source.fingerprint and opened.info.fingerprint != report.source.fingerprint:
        raise HfscoreError("The data are not those that were scored.", "Score again: hfscore score SOURCE --rows all.")
    columns = from_json({name: value for name, value in report.settings.items() if name in COLUMNS})
    one = next(one for one in detect(opened, columns) if (one.ref.config, one.ref.split) == (part.config, part.split))
    return Opened(report, scores, part, opened, one)


def _student(chosen: Settings) -> ChatTokenizer | None:
    """What counts tokens: the first student's tokenizer."""
    return load_student(model_place(chosen.student[0])) if chosen.student else None


def _arrays(
    opened: Opened, by: Sequence[By], wish: Wish, student: StudentTokenizer | None, progress: Progress
) -> tuple[Scores, Texts]:
    flags = [one.id for one in opened.report.metrics if one.flag] if wish.drop_flagged else []
    if wish.drop_flagged and not flags:
        raise HfscoreError("The report has no flags to drop rows by.", "Score again without --metric.")
    progress("reading scores", 0, None)
    n = opened.part.rows_total or opened.source.count(opened.one.ref)
    scores = rows.read_scores(opened.scores, opened.key, n, [one.metric for one in by], flags)
    return scores, rows.read_texts(opened.source, opened.one, wish.columns, scores.questions, student, progress)


def _choose(
    scores: Scores, texts: Texts, by: Sequence[By], wish: Wish, opened: Opened, seed: int, progress: Progress
) -> Chosen:
    readable = np.flatnonzero(texts.unusable.code == 0)
    pool = choice.first_of_each(texts.keys, readable)
    can = scores.unscored.code[pool] == 0
    if wish.drop_flagged:
        can &= ~scores.flagged[pool]
    candidates = pool[can]
    if not len(candidates):
        whys = {**texts.unusable.counts(), **scores.unscored.counts(), "flagged": int(scores.flagged.sum())}
        said = "; ".join(f"{count:,} {why}" for why, count in whys.items() if count)
        raise HfscoreError(f"No row can be chosen: {said}.", "Choose by another metric, or score again.")
    order = candidates
    if by:
        rank = choice.mean_rank(
            [scores.values[one.metric][candidates] for one in by],
            [one.direction == "up" for one in by],
            [one.family for one in by],
        )
        mixed = np.random.default_rng(seed).permutation(len(candidates))  # equal ranks come in no order
        order = candidates[mixed[np.argsort(rank[mixed], kind="stable")]]
    asked = wish.n if wish.n is not None else len(candidates)
    if wish.top is not None:
        asked = max(1, round(wish.top * len(texts.tokens)))
    size = min(asked, len(candidates))
    quotas = _quotas(texts.groups[candidates], len(texts.labels), wish, size)
    progress("looking for near copies", 0, None)
    read = rows.sketches_of(opened.source, opened.one)
    subset, near, settled = without_near(order, texts.groups, quotas, read)
    notes = []
    if len(subset) < asked:
        notes.append(f"{asked:,} rows were asked for; {len(subset):,} could be chosen.")
    if not settled:
        notes.append("Near copies were still being found when the search ended; some may be left.")
    progress("drawing the random subset", 0, None)
    random = random_beside(pool, subset, texts.groups, texts.tokens, read, seed)
    if random is None:
        notes.append("No random subset with as many rows was found within 1% of the tokens: the rows are too unlike.")
    scores.unscored.code[texts.unusable.code != 0] = 0  # said once, with the stronger reason
    left = Left(
        scores.unscored.counts(),
        texts.unusable.counts(),
        scores.flags,
        int(scores.flagged.sum()),
        scores.unread,
        len(readable) - len(pool),
        near,
    )
    return Chosen(np.sort(subset), random, left, tuple(notes))


def _quotas(groups: NDArray[np.int64], count: int, wish: Wish, size: int) -> Positions:
    sizes = np.bincount(groups, minlength=count)
    return (choice.even_quotas if wish.balance else choice.shared_quotas)(sizes, size)


def _write(
    opened: Opened, picked: Chosen, scores: Scores, form: str, folder: Path, progress: Progress
) -> Mapping[str, str]:
    """Write the rows as they are in the source, with their number and the values they were chosen by."""

    def added(row: int) -> Mapping[str, Any]:
        return {
            f"hfscore_{name}": None if scores.unscored.code[row] else float(values[row])
            for name, values in scores.values.items()
        }

    for earlier in (folder / DATA).glob("*"):
        earlier.unlink()
    files = {}
    for name, positions in ((SUBSET, picked.subset), (RANDOM, picked.random)):
        path = folder / DATA / f"{name}.{form}"
        if positions is None:
            continue
        progress(f"writing {path.name}", 0, len(positions))
        numbers = positions.tolist()
        write_rows(path, lambda numbers=numbers: opened.source.take(opened.one.ref, numbers, None), added)  # type: ignore[misc]
        files[name] = path.name
    return files
