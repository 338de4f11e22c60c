"""What a page shows of single steps: surprisal and entropy, quotes and reasons, and labels as a terminal takes them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hfscore
from hfscore import calibrate, step_scores, token_steps
from hfscore.ports import Judged, JudgedStep, TokenScores, Verdict
from hfscore.text.steps import split_steps
from tests.fakes import trace

ROWS = [json.loads(line) for line in (Path(__file__).parent / "data" / "gsm8k_head.jsonl").read_text().splitlines()[:8]]
TRACES = [{"question": row["question"], "reasoning": row["answer"], "answer": "1"} for row in ROWS]


@given(st.text(min_size=1, max_size=200), st.lists(st.integers(0, 200), min_size=1, max_size=40, unique=True))
def test_every_token_counts_in_the_step_in_which_it_begins(text: str, starts: list[int]) -> None:
    places = np.array(sorted(place for place in starts if place < len(text)), dtype=np.int32)
    nll = np.arange(len(places), dtype=np.float32)
    found = TokenScores(nll, nll * 2, np.ones(len(places), np.int32), places, len(text))
    rows = list(token_steps.rows(trace(text), found))
    covered = [place for place in places if any(one.start <= place < one.end for one in split_steps(text))]
    assert sum(row["tokens"] for row in rows) == len(covered)
    for row in rows:
        own = nll[(places >= row["start"]) & (places < row["end"])]
        assert row["surprisal"] == pytest.approx(float(own.mean()))
        assert row["entropy"] == pytest.approx(2 * row["surprisal"])


def test_steps_of_a_run_with_text(tmp_path: Path) -> None:
    settings = hfscore.Settings(rows=None, metric=("perplexity",), reference_lm="gsm8k-3m")
    hfscore.score(TRACES, settings, out=tmp_path, with_text=True)
    rows = pq.read_table(tmp_path / token_steps.TOKENS_FILE).to_pylist()
    assert {row["row"] for row in rows} == set(range(len(TRACES)))
    scores = pq.read_table(tmp_path / "scores.parquet").to_pylist()
    for row in scores:
        own = [one for one in rows if one["row"] == row["row"]]
        mean = np.average([one["surprisal"] for one in own], weights=[one["tokens"] for one in own])
        assert mean == pytest.approx(row["surprisal"], rel=1e-4)
    hfscore.score(TRACES, settings, out=tmp_path)
    assert not (tmp_path / token_steps.TOKENS_FILE).exists(), "a run without text keeps no steps of an earlier one"


def test_quotes_stand_beside_text_only(tmp_path: Path) -> None:
    one = trace("One and one is three.")
    verdict = Verdict(False, tier=2, quote="is three", reason="It is two.")
    judged = [Judged((JudgedStep(0, 21, {"validity": verdict}),))]
    assert verdict == replace(verdict, reason=""), "words decide no number"
    for with_text in (True, False):
        with step_scores.writer(tmp_path, with_text=with_text) as writer:
            writer.add([one], judged)
        (row,) = step_scores.read(tmp_path)
        assert row["validity"] is False
        assert (row.get("validity_quote"), row.get("validity_reason")) == (
            ("is three", "It is two.") if with_text else (None, None)
        )


def test_labels_of_a_page_say_what_those_of_a_terminal_say(tmp_path: Path) -> None:
    settings = hfscore.Settings(rows=None, metric=("fvcu",), judge="rules")
    hfscore.score(TRACES, settings, out=tmp_path)
    sheet = hfscore.label_sheet(tmp_path, source=TRACES)
    assert len(sheet) > 20
    assert all(one.step and (one.behind == "" or one.drawn.criterion == "utility") for one in sheet)
    answers = [number % 5 != 0 for number in range(20)]
    page = hfscore.apply_labels(tmp_path, sheet, answers)
    keys = io.StringIO("".join("y\n" if holds else "n\n" for holds in answers) + "q\n")
    terminal = calibrate.label_steps(tmp_path, keys=keys, screen=io.StringIO(), source=TRACES)
    labelled = [one for one in page.facts if one.fact.id.endswith("_labelled")]
    assert labelled
    assert page.facts == terminal.facts
