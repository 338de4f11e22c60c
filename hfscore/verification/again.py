"""Measures a part of a published sample again. The receipt is somebody else's file: of its settings those count that
call no server, load no model of its choosing and read no path."""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hfscore
from hfscore import api, catalog
from hfscore.backends.embedder import OFFLINE_ENCODER
from hfscore.card import splice
from hfscore.card.render import identity
from hfscore.errors import CardError, HubError, MissingExtraError
from hfscore.hub.client import connect
from hfscore.hub.repo import README, read_file, read_head
from hfscore.prepare import Say, silent
from hfscore.reference_lm import OFFLINE_REFERENCE_LM
from hfscore.report import REPORT_FILE, Report, from_json
from hfscore.run import Progress, mute
from hfscore.settings import Settings
from hfscore.settings_file import HARMLESS
from hfscore.spec import Family
from hfscore.verification import rows
from hfscore.verification.numbers import Check, Verification, compare

DEFAULT_QUESTIONS = 20
AROUND = 20  # characters shown on both sides of an edit
_OWN_MODELS = (OFFLINE_ENCODER, OFFLINE_REFERENCE_LM)  # they come with hfscore, so a receipt may name them


def verify(
    repo_id: str,
    n: int | None = DEFAULT_QUESTIONS,
    *,
    models: Settings | None = None,
    scores_repo: str | None = None,
    revision: str = "main",
    token: str | None = None,
    progress: Progress = silent,
    say: Say = mute,
) -> Verification:
    """Measure a random part of a published section's sample again, and compare number by number.

    Samples are nested: the `n` questions are a random part of those that the numbers rest on. A mean over them may
    stray from the published mean by 5 standard errors of such a part, taken from the published interval. Where `n`
    is at least the sample's size, and for published scores of single traces, every number must come out as it was:
    within 1e-6 of its size, or within 1e-3 (and 1e-3 of its size) where a model computes it.

    Args:
        repo_id: "owner/name".
        n: Questions to measure again; None for all that the section rests on.
        models: Encoder, reference language model and students to measure with; of those that the receipt names only
            models that come with hfscore are loaded.
        scores_repo: Dataset with the published scores of every trace, "owner/name".
        revision: Branch, or "refs/pr/N", whose section is checked.
        token: Token of the Hub; None for the one that is logged in.
        progress: Told what is being done.
        say: Told, in whole sentences, what is left out.

    Raises:
        HfscoreError: There is no section, or no receipt, or the data cannot be read.
    """
    sha, card, report = _published(repo_id, revision, token)
    data_revision = (report.source.revision or "").removeprefix("git:")
    if report.source.kind != "hub" or report.source.id != repo_id or not data_revision:
        raise HubError(f"The receipt is about '{report.source.id}', not about a commit of {repo_id}.", "Push it again.")
    exact = n is None or all(n >= part.questions for part in report.parts)
    settings, families = _measurable(report, models or Settings(), None if exact else n)
    checks = [_text(card, report)]
    again: Report | None = None
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if families:
            again = _score(repo_id, settings, data_revision, folder, token=token, progress=progress, say=say)
        if scores_repo:
            table = rows.published_scores(scores_repo, repo_id, token=token)
            checks += rows.means(report, table)
            checks += rows.traces(table, folder, families) if again else ()
    checks += compare(report, again, families, exact=exact)
    questions = max((part.questions for part in again.parts), default=0) if again else 0
    return Verification(repo_id, sha, data_revision, questions, exact, tuple(checks))


def _published(repo_id: str, revision: str, token: str | None) -> tuple[str, bytes, Report]:
    """The commit, the card and the receipt that stand at a revision."""
    remote = connect(repo_id, token)
    sha = read_head(remote, revision).sha
    card = read_file(remote, sha, README) or b""
    if splice.read_identity(card) is None:
        raise HubError(f"The card of {repo_id} has no section.", f"Make one: hfscore push {repo_id}")
    where = f".hfscore/{REPORT_FILE}"
    text = read_file(remote, sha, where)
    if text is None:
        raise HubError(f"The section of {repo_id} has no receipt ({where}).", "Push it again.")
    return sha, card, from_json(text, name=f"{where} of {repo_id}")


def _text(card: bytes, report: Report) -> Check:
    """Whether the card prints what the receipt holds: the section is rendered from it again."""
    what = "the card's text"
    try:
        again = splice.splice(card, section=api.section(report), identity=identity(report))
    except CardError as error:
        return Check(what, "refuted", f"The section cannot stand in this card: {error.message}")
    if again == card:
        return Check(what, "confirmed", "Rendered from the receipt, it is the same byte for byte.")
    if report.version != hfscore.__version__:
        why = f"hfscore {report.version} wrote it, and this is {hfscore.__version__}: install that version to compare."
        return Check(what, "not checked", why)
    return Check(what, "refuted", f"The receipt renders otherwise. {_first_difference(card, again)}")


def _first_difference(card: bytes, again: bytes) -> str:
    before, after = (text.decode("utf-8").splitlines() for text in (card, again))
    for number, (old, new) in enumerate(zip(before, after, strict=False), 1):
        if old != new:
            same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))
            start = max(sum(1 for _ in same) - AROUND, 0)
            read, gives = (f"“{text[start : start + 2 * AROUND]}”" for text in (old, new))
            return f"Line {number} reads {read}, and the receipt gives {gives}."
    return f"The card has {len(before)} lines, and would have {len(after)}."


def _measurable(report: Report, models: Settings, rows_again: int | None) -> tuple[Settings, list[Family]]:
    """What of a report can be measured again, and the settings that do it."""
    stated: Mapping[str, Any] = report.settings
    data: dict[str, Any] = {name: stated[name] for name in HARMLESS if stated.get(name) is not None}
    data = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    data["rows"] = stated.get("rows") if rows_again is None else rows_again
    for name in ("encoder", "reference_lm"):
        own = stated.get(name) if stated.get(name) in _OWN_MODELS else None
        data[name] = getattr(models, name) or own
    data["student"] = models.student
    there = {metric.id for metric in report.metrics}
    at_hand = {"verifier", *(need for need, have in _needs(data) if have)}
    families = [
        family
        for family in catalog.families()
        if family.for_student is None and at_hand.issuperset(family.needs)
        if not there.isdisjoint(metric.id for metric in family.metrics)
    ]
    data["metric"] = tuple(family.id for family in families)
    known = {field.name for field in dataclasses.fields(Settings)}
    return Settings(**{name: value for name, value in data.items() if name in known}), families


def _needs(data: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    yield "embedder", bool(data["encoder"])
    yield "reference_lm", bool(data["reference_lm"])
    yield "students", bool(data["student"])


def _score(
    repo_id: str,
    settings: Settings,
    revision: str,
    folder: Path,
    *,
    token: str | None,
    progress: Progress,
    say: Say,
) -> Report | None:
    try:
        return api.score(repo_id, settings, revision=revision, token=token, out=folder, progress=progress, say=say)
    except MissingExtraError as error:
        say(f"Left out what needs a model: {error.message}")
        free = tuple(family.id for family in catalog.choose(settings.metric) if not family.needs)
        fewer = dataclasses.replace(settings, metric=free)
        return api.score(repo_id, fewer, revision=revision, token=token, out=folder, progress=progress, say=say)
