"""Blind labelling: the draw, the file, the terminal, and what labels say of a judge."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from hfscore import step_scores
from hfscore.errors import ReportError
from hfscore.judge import blind_labels, labelling
from hfscore.judge.blind_labels import Drawn, Label, audit, draw, verdicts_of
from hfscore.judge.estimates import Estimate
from hfscore.ports import CRITERIA, Criterion, Judged, JudgedStep, Verdict
from hfscore.records import Trace, Unscored
from hfscore.text.steps import split_steps
from tests.fakes import trace

TEXT = "First we add two and two. That makes four. So the answer is four."
VALIDITY: tuple[Criterion, ...] = ("validity",)


def judged(one: Trace, fails: Sequence[int] = ()) -> Judged:
    steps = []
    for index, step in enumerate(split_steps(one.reasoning)):
        given = {name: Verdict(index not in fails) for name in CRITERIA if index or name != "coherence"}
        steps.append(JudgedStep(step.start, step.end, {**given, "utility": Unscored("no answer")}))
    return Judged(tuple(steps))


def verdicts(traces: Sequence[Trace], fails: Sequence[int] = ()) -> dict[Drawn, bool]:
    return verdicts_of([row for one in traces for row in step_scores.rows(one, judged(one, fails))])


def session(drawn: Sequence[Drawn], traces: Sequence[Trace], path: Path, keys: str) -> tuple[list[Label], str]:
    screen = io.StringIO()
    labels = labelling.run(drawn, traces, path, keys=io.StringIO("".join(f"{key}\n" for key in keys)), screen=screen)
    return labels, screen.getvalue()


def test_verdicts_come_from_the_rows_of_a_run() -> None:
    one = trace(TEXT)
    found = verdicts([one], fails=[1])
    assert Counter(drawn.criterion for drawn in found) == {"factuality": 3, "validity": 3, "coherence": 2}
    assert {drawn.place[0] for drawn in found} == {one.id}
    assert [holds for drawn, holds in found.items() if drawn.criterion == "validity"] == [True, False, True]


def test_the_draw_is_stable_uniform_and_blind() -> None:
    traces = [trace(TEXT, row=row) for row in range(20)]
    found = verdicts(traces)
    drawn = draw(found, 10, criteria=VALIDITY, seed=3)
    assert len(set(drawn)) == 10
    assert drawn == draw(dict(reversed(found.items())), 10, criteria=VALIDITY, seed=3)
    assert drawn == draw(found, 20, criteria=VALIDITY, seed=3)[:10], "whoever goes on, goes on with the same sample"
    assert drawn == draw(verdicts(traces, fails=[0, 2]), 10, criteria=VALIDITY, seed=3), "whatever the judge said"
    assert drawn != draw(found, 10, criteria=VALIDITY, seed=4)
    everything = draw(found, 10, seed=3)
    assert [one for one in everything if one.criterion == "validity"] == drawn
    assert set(everything) <= found.keys()
    counts = Counter(draw(found, 1, criteria=VALIDITY, seed=seed)[0] for seed in range(3000))
    assert len(counts) == 60
    expected = 3000 / 60
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 103  # 0.9998 of chi-squared, 59


def test_a_session_is_saved_answer_by_answer_and_gone_on_with(tmp_path: Path) -> None:
    traces = [trace(TEXT, row=row) for row in range(3)]
    path = tmp_path / blind_labels.LABELS_FILE
    drawn = draw(verdicts(traces), 4, criteria=VALIDITY, seed=0)
    labels, screen = session(drawn, traces, path, "ynq")
    assert [label.holds for label in labels] == [True, False]
    assert "2 labels are saved" in screen
    assert TEXT[:10] not in path.read_text()
    labels, screen = session(drawn, traces, path, "s")  # the end of the input saves too
    assert [label.holds for label in labels] == [True, False, None]
    labels, screen = session(drawn, traces, path, "y")
    assert "All steps drawn are labelled" in screen
    assert [label.drawn for label in labels] == drawn
    assert blind_labels.read(path) == labels
    assert len(set(path.read_text().splitlines())) == 4


def test_back_takes_the_last_answer_back(tmp_path: Path) -> None:
    traces = [trace(TEXT)]
    path = tmp_path / "labels.jsonl"
    drawn = draw(verdicts(traces), 3, criteria=VALIDITY, seed=0)
    labels, screen = session(drawn, traces, path, "byybn")
    assert "There is nothing to go back to" in screen
    assert [label.holds for label in labels] == [True, False]
    labels, _ = session(drawn, traces, path, "bby")
    assert [(label.drawn, label.holds) for label in labels] == [(drawn[0], True)]
    assert blind_labels.read(path) == labels


def test_the_page_is_blind_and_harmless(tmp_path: Path) -> None:
    hostile = "Ignore this.\x1b[2J\n── 1 of 1 · validity\nTHE STEP:\ny holds \u202etxet. The last step."
    one = trace(hostile, question="What?\x1b]0;title\x07", reference="4")
    drawn = draw(verdicts([one]), 9, criteria=VALIDITY, seed=0)
    path = tmp_path / "labels.jsonl"
    labels, screen = session(drawn, [one], path, "xym" + "y" * 9)
    assert len(labels) == len(drawn)
    assert "\x1b" not in screen
    assert "\u202e" not in screen
    assert "| THE STEP:" in screen
    assert screen.count("\nTHE STEP:\n") == len(drawn) + 1  # one more for the key m
    assert screen.count("Validity.") == len(drawn) + 1
    right, wrong = (
        session(draw(verdicts([one], fails), 9, seed=1), [one], tmp_path / f"{fails}", "") for fails in ([], [0])
    )
    assert right[1] == wrong[1], "the screen does not depend on the verdicts"


def test_long_surroundings_are_cut_aloud_and_shown_on_demand() -> None:
    long = trace(" ".join(f"Then step number {number} follows." for number in range(300)))
    last = split_steps(long.reasoning)[-1]
    drawn = Drawn((long.id, last.start, last.end), "validity")
    shown = labelling.locate([drawn], [long])[drawn]
    short = "\n".join(labelling.page(drawn, shown, "1 of 1", limit=labelling.AROUND))
    hidden = last.start - labelling.AROUND
    assert f"Before the step ({hidden:,} more characters are not shown: m)" in short
    assert "number 0 follows" not in short
    assert "number 0 follows" in "\n".join(labelling.page(drawn, shown, "1 of 1", limit=None))


def test_what_follows_is_shown_for_utility_alone() -> None:
    one = trace(TEXT)
    first = split_steps(TEXT)[0]
    for criterion in CRITERIA:
        drawn = Drawn((one.id, first.start, first.end), criterion)
        text = "\n".join(labelling.page(drawn, labelling.locate([drawn], [one])[drawn], "1 of 1", limit=100))
        assert ("So the answer" in text) == (criterion == "utility")


def test_other_data_is_refused(tmp_path: Path) -> None:
    traces = [trace(TEXT)]
    path = tmp_path / "labels.jsonl"
    drawn = draw(verdicts(traces), 3, criteria=VALIDITY, seed=0)
    session(drawn, traces, path, "y")
    with pytest.raises(ReportError, match="reads otherwise"):
        session(drawn, [trace(TEXT.upper())], path, "y")
    with pytest.raises(ReportError, match="not in the data"):
        session(drawn, [trace("Short.")], path, "y")
    with pytest.raises(ReportError, match="not in the data"):
        session(drawn, [trace(TEXT, row=7)], path, "y")


def test_a_torn_line_is_no_label(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    labels = [Label(Drawn((f"a/b/{row}#0", 0, 5), "validity"), True, "0" * 16) for row in range(3)]
    for label in labels[:2]:
        blind_labels.append(path, label)
    whole = path.read_bytes()
    for cut in range(len(whole) // 2, len(whole)):
        path.write_bytes(whole[:cut])
        assert blind_labels.read(path) == labels[:1]
        blind_labels.append(path, labels[2])
        assert blind_labels.read(path) == [labels[0], labels[2]]
    blind_labels.withdraw(path)
    assert blind_labels.read(path) == labels[:1]


@pytest.mark.parametrize(
    "change", [{"label": "y"}, {"criterion": "wit"}, {"start": "0"}, {"text": None}, {"trace": 3}, {"label": 1}]
)
def test_what_is_no_label_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    assert blind_labels.read(path) == []
    blind_labels.append(path, Label(Drawn(("a/b/0#0", 0, 5), "validity"), None, "0" * 16))
    row = json.loads(path.read_text())
    path.write_text(json.dumps({**row, "start": 1, **change}) + "\n")
    with pytest.raises(ReportError, match=r"Line 1 .* is no label"):
        blind_labels.read(path)
    path.write_text((json.dumps(row) + "\n") * 2)
    with pytest.raises(ReportError, match=r"Line 2 .* has a label already"):
        blind_labels.read(path)
    path.write_text("[" * 9999 + "\n")
    with pytest.raises(ReportError, match=r"Line 1"):
        blind_labels.read(path)


def test_an_audit_finds_the_true_share() -> None:
    rng = np.random.default_rng(5)
    places = [(f"a/b/{row}#0", step, step + 1) for row in range(300) for step in range(4)]
    truth = {Drawn(place, "validity"): bool(rng.random() < 0.8) for place in places}
    said = {one: holds if rng.random() < 0.9 else True for one, holds in truth.items()}  # a judge too kind
    drawn = draw(said, 100, criteria=VALIDITY, seed=1)
    labels = [Label(one, truth[one], "0" * 16) for one in drawn[:98]]
    labels += [Label(drawn[98], None, "0" * 16), Label(Drawn(("a/b/999#0", 0, 1), "validity"), True, "0" * 16)]
    (found,) = audit(labels, said, seed=0)
    assert (found.criterion, found.steps, found.skipped, found.gone) == ("validity", 1200, 1, 1)
    share = sum(truth.values()) / len(truth)
    for one in (found.judged, found.labelled, found.corrected, found.agreement, found.kappa):
        assert isinstance(one, Estimate)
    assert isinstance(found.judged, Estimate)
    assert isinstance(found.labelled, Estimate)
    assert isinstance(found.corrected, Estimate)
    assert (found.labelled.n, found.corrected.n) == (98, 98)
    assert found.judged.value > share
    assert found.corrected.low <= share <= found.corrected.high
    assert found.corrected.high - found.corrected.low < 0.6 * (found.labelled.high - found.labelled.low)


def test_an_audit_without_enough_labels_says_so() -> None:
    said = {Drawn(("a/b/0#0", 0, 5), "validity"): True}
    assert audit([], said, seed=0) == []
    (found,) = audit([Label(Drawn(("a/b/0#0", 0, 5), "validity"), None, "0" * 16)], said, seed=0)
    assert (found.skipped, found.labelled) == (1, Unscored("nothing to count"))
    assert found.corrected == Unscored("fewer than two labels")
