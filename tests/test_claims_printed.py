"""Nothing that compare, gate, evidence fit, select, controls and columns print claims more than evidence bears.

Over generated inputs; each search is shown to find a claim that is planted where the words are made.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from hfscore import comparison, gating, selection
from hfscore.card import render
from hfscore.cli import app
from hfscore.cli import compare as compare_command
from hfscore.cli import evidence as evidence_command
from hfscore.cli import select as select_command
from hfscore.damage import DAMAGES
from hfscore.evidence import Evidence, fit_evidence, notes
from hfscore.evidence.user_profile import to_profile
from hfscore.profiles import dump
from hfscore.report import SCORES_FILE, Control, Report, save
from hfscore.settings import Settings
from tests import reports
from tests.claims import CHANCE, claimed
from tests.generated_reports import any_report
from tests.markup import check
from tests.test_claims import BOAST, terminal_of

QUESTIONS = 40
MANY = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def printed(*words: str, codes: tuple[int, ...] = (0,)) -> str:
    done = CliRunner().invoke(app, list(words), env={"COLUMNS": "80"})
    assert done.exit_code in codes, done.output
    return done.output


def shown(show: Callable[..., None], *given: Any) -> str:
    """What a command's own printer prints at 80 columns."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.MonkeyPatch.context() as patched:
        patched.setenv("COLUMNS", "80")
        show(*given)
    return out.getvalue()


# Reports with the scores of every trace, as compare and gate read them


def kept(folder: Path, report: Report, seed: int, lower: float = 0.0) -> Path:
    """A report's folder, with a few scores of every metric; parts share some of their questions."""
    rng = np.random.default_rng(seed)
    parts = tuple(dataclasses.replace(part, traces=QUESTIONS) for part in report.parts)
    folder.mkdir(parents=True, exist_ok=True)
    save(dataclasses.replace(report, parts=parts, profiles=()), folder)
    apart = seed % 3 * QUESTIONS // 2
    table: dict[str, list[Any]] = {"config": [], "split": [], "row": [], "question_id": []}
    for place, part in enumerate(parts):
        table["config"] += [part.config] * QUESTIONS
        table["split"] += [part.split] * QUESTIONS
        table["row"] += range(QUESTIONS)
        table["question_id"] += [f"{place * apart + one:016x}" for one in range(QUESTIONS)]
    shifts = rng.choice([0.0, 0.3], size=(len(parts), 1))
    for metric in report.metrics:
        scores = rng.normal(shifts - lower, 0.2, size=(len(parts), QUESTIONS)).round(2).ravel()
        table[metric.id] = [None if rng.random() < 0.05 else float(one) for one in scores]
    pq.write_table(pa.table(table), folder / SCORES_FILE)
    return folder


def of_comparison(found: comparison.Comparison) -> list[str]:
    return [shown(compare_command.show, found), comparison.to_json(found), render.render_section(found.report)]


@given(report=any_report(), seed=st.integers(0, 99), order=st.booleans())
@MANY
def test_compare(report: Report, seed: int, order: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("compare")
    later = dataclasses.replace(report, source=dataclasses.replace(report.source, revision=f"git:{'5' * 40}"))
    folders = [kept(folder / "a", report, seed), kept(folder / "b", later, seed + 1)]
    asked = ("8B", "9B", "70B", "30B-A3B", "unknown")
    found = comparison.compare([str(one) for one in folders], Settings(), targets=asked, order=order)
    assert found.history
    assert [one for text in of_comparison(found) for one in claimed(text)] == []


@given(before=any_report(), seed=st.integers(0, 99), paired=st.booleans(), worse=st.sampled_from([0.0, 0.3]))
@MANY
def test_gate(before: Report, seed: int, paired: bool, worse: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("gate")
    lost = dataclasses.replace(before.values[0], mean=None, scored=0, unscored={"empty trace": 9})
    now = dataclasses.replace(
        before,
        source=dataclasses.replace(before.source, fingerprint="sha256:0"),
        values=(lost, *before.values[1:]),
    )
    old, new = kept(folder / "old", before, seed), kept(folder / "new", now, seed, worse)
    if not paired:
        (old / SCORES_FILE).unlink()
    limit = f"{before.metrics[0].id}=0.5"
    words = ("gate", str(new), "--baseline", str(old), "--fail-under", limit, "--fail-over", limit)
    assert claimed(printed(*words, codes=(0, 1))) == []
    assert claimed(printed(*words, "--json", codes=(0, 1))) == []


# Fits of drawn studies


@st.composite
def studies(draw: st.DrawFn) -> Evidence:
    """Three to nine variants on one to three models, with ties, holes, controls; a metric may follow the outcome."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n, models = draw(st.integers(3, 11)), draw(st.integers(1, 3))
    last, next_to_last = draw(st.sampled_from([("candidate",) * 2, ("control", "null")]))
    metrics = draw(st.lists(st.sampled_from(["rsr", "words", "utility", "mine"]), unique=True, min_size=1))
    follows = draw(st.sampled_from(["", *metrics]))
    quality = rng.normal(size=n)
    scores, outcomes = [], []
    for place in range(n):
        variant = {"variant_id": f"v{place}", "variant_family": draw(st.sampled_from(["", "a", "b"]))}
        role = {n - 1: last, n - 2: next_to_last}.get(place, "candidate")
        for name in metrics:
            value = round(float(quality[place] if name == follows else rng.normal()), 1)
            scores.append({**variant, "role": role, "metric_id": name, "value": value})
        for model in range(models):
            trained = {"model_id": f"m{model}", "params_total_b": 2.0**model, "family": "ab"[model % 2]}
            for benchmark in ("easy", "hard"):
                score = "" if rng.random() < 0.05 else float(quality[place] + 0.3 * rng.normal())
                outcomes.append({**variant, **trained, "benchmark": benchmark, "score": score})
    return fit_evidence(
        scores,
        outcomes,
        directions=draw(st.dictionaries(st.sampled_from(metrics), st.sampled_from(["up", "down"]))),
        length_metric=draw(st.sampled_from(["", metrics[0]])),
        leave_out=draw(st.sampled_from([(), ("v0",)])),
        draws=199,
    )


def of_fit(found: Evidence) -> list[str]:
    return [shown(evidence_command._print, found), json.dumps(dataclasses.asdict(found), ensure_ascii=False)]


@given(found=studies())
@MANY
def test_evidence_fit(found: Evidence) -> None:
    tested = len(found.variants) >= 5
    for text in of_fit(found):
        left = text if tested else " ".join(text.split()).replace(notes.FLOOR_OF_FOUR, "")
        assert claimed(left, but=[CHANCE] if tested else []) == []
    if tested:
        assert claimed(dump(to_profile(found, name="mine", sources=("scores.csv",)))) == []


# Selections


def of_selection(found: selection.Selection) -> list[str]:
    data = json.dumps(dataclasses.asdict(found), ensure_ascii=False)
    return [shown(select_command.show, found), selection.page.card(found), data]


@given(
    metric=st.sampled_from(["words=up", "words=down", "redundancy=up", "arithmetic=up"]),
    target=st.sampled_from([(), ("8B",), ("14B",), ("unknown",)]),
    many=st.sampled_from([{"top": 0.3}, {"n": 7}, {"n": 99}, {"n": 9, "drop_flagged": True}]),
    group=st.sampled_from([{}, {"balance": ["source"]}, {"keep_shares": ["source"]}]),
)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_select(
    metric: str,
    target: tuple[str, ...],
    many: dict[str, Any],
    group: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    boast = "the best source"
    rows = [
        {
            "question": f"What is {i} and {i}?",
            "reasoning": "" if i % 9 == 4 else f"{i} + {i} = {2 * i}. " + " ".join(f"w{i}n{j}" for j in range(8 + i)),
            "source": (boast, "web")[i % 2],
        }
        for i in range(24)
    ]
    out = tmp_path_factory.mktemp("select") / "out"
    found = selection.select(rows, Settings(target=target), out=out, metric=[metric], **many, **group)
    assert [one for text in of_selection(found) for one in claimed(text, own=[boast])] == []


# Words of the user's in commands that print text


def test_columns_shows_text_of_traces_escaped_and_claims_nothing(tmp_path: Path) -> None:
    boasts = ("The best, optimal traces \x1b[31m", "p < 0.01, significant", "will train a better model")
    row = dict(zip(("question", "reasoning", "answer"), boasts, strict=True))
    (tmp_path / "data.jsonl").write_text(f"{json.dumps(row)}\n" * 3)
    for words in ((), ("--json",)):
        text = printed("columns", str(tmp_path / "data.jsonl"), *words)
        assert claimed(text, own=boasts) == []
        assert claimed(text)
        assert "\x1b" not in text


def test_labels_of_a_comparison_are_escaped_and_claim_nothing(tmp_path: Path) -> None:
    labels = ("the best one", "a validated one \x1b[31m", "optimal | <b>")
    folder = kept(tmp_path, reports.pair(), 0)
    sources = [comparison.Selector(folder, "full", label=label) for label in labels]
    found = comparison.compare(sources, Settings(), targets=("8B",), order=True)
    for text in of_comparison(found):
        assert claimed(text, own=labels) == []
        assert claimed(text)
        assert "\x1b" not in text
    check(render.render_section(found.report), links="no link")


# Each search can fail


def test_a_claim_planted_in_a_comparison_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(kept(tmp_path, reports.pair(), 0))
    monkeypatch.setattr("hfscore.comparison.sets._notes", lambda *_: [BOAST])
    screen, data, _ = of_comparison(comparison.compare([folder], Settings()))
    assert claimed(screen)
    assert claimed(data)


def test_a_claim_planted_in_a_gate_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(kept(tmp_path, reports.pair(), 0))
    real = gating.Gate
    monkeypatch.setattr("hfscore.gating.verdict.Gate", lambda new, old, checks, _: real(new, old, checks, (BOAST,)))
    assert claimed(printed("gate", folder, "--baseline", folder))
    assert claimed(printed("gate", folder, "--baseline", folder, "--json"))


@pytest.mark.parametrize(("n", "planted"), [(4, "p = 0.02"), (4, BOAST), (8, BOAST)])
def test_a_claim_planted_in_a_fit_is_found(n: int, planted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfscore.evidence.notes._advice", lambda _: [planted])
    scores = [{"variant_id": f"v{one}", "metric_id": "m", "value": one} for one in range(n)]
    outcomes = [{**one, "model_id": "a", "benchmark": "b", "score": one["value"]} for one in scores]
    assert all(claimed(text, but=[CHANCE] if n > 4 else []) for text in of_fit(fit_evidence(scores, outcomes)))


def test_a_claim_planted_in_controls_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    damages = {name: dataclasses.replace(one, title=BOAST) for name, one in DAMAGES.items()}
    for place in ("hfscore.damage.DAMAGES", "hfscore.card.damaged.DAMAGES"):
        monkeypatch.setattr(place, damages)
    numbers = (0.4, 0.3, 0.3, 0.3, -0.1, -0.1, -0.1, 50, 50, 0)
    controls = [
        Control("alignment_margin", "default", "train", "swap_traces", dose, *numbers, expected="-", moved="yes")
        for dose in (0.25, 1.0)
    ]
    report = dataclasses.replace(reports.one(), controls=tuple(controls))
    assert claimed(render.render_section(report))
    assert claimed(terminal_of(report))


def test_a_claim_planted_in_a_selection_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfscore.selection.page.lines", lambda _: [BOAST])
    rows = [{"question": f"{i}?", "reasoning": " ".join(f"w{i}n{j}" for j in range(9 + i))} for i in range(9)]
    found = selection.select(rows, out=tmp_path / "out", metric=["words=up"], n=3)
    screen, card, _ = of_selection(found)
    assert claimed(screen)
    assert claimed(card)
