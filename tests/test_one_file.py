"""A family dropped into the metrics folder as one file shows up everywhere, with nothing else touched."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import hfscore
import hfscore.metrics
from hfscore import api, catalog, listing
from hfscore.cli import app

DROPPED = '''
"""Share of question marks."""

from hfscore.records import Scored, Unscored
from hfscore.spec import Family, Metric


def score(traces, tools, pool):
    return {
        "doubt": [
            Scored(t.reasoning.count("?") / len(t.reasoning)) if t.reasoning else Unscored("empty") for t in traces
        ]
    }


FAMILY = Family(
    id="doubt", title="Doubt", source="this test", version=1, score=score,
    metrics=(
        Metric(
            id="doubt", alias="Z1", title="Doubt per character", formula="question marks / characters",
            reading="how often a trace asks", lowest=0.0, highest=1.0, direction="none", grade="-",
            evidence="None.", headline=True,
        ),
    ),
)
'''


@pytest.fixture
def dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "doubt.py").write_text(DROPPED)
    monkeypatch.setattr(hfscore.metrics, "__path__", [*hfscore.metrics.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "hfscore.metrics.doubt", raising=False)
    return tmp_path


def test_it_shows_up_in_catalogue_cli_report_card_and_docs(dropped: Path) -> None:
    assert "doubt" in [family.id for family in catalog.families()]
    listed = CliRunner().invoke(app, ["metrics", "--json"])
    assert "doubt" in [metric["id"] for metric in json.loads(listed.stdout)]
    assert "`doubt`" in listing.families_table(catalog.families())

    rows = [{"question": f"Why {i}?", "reasoning": "Because?" * i, "response": "x"} for i in range(1, 9)]
    report = api.score(rows, hfscore.Settings(metric=("Z1",)), out=dropped / "out", name="toy")
    assert [value.metric for value in report.values] == ["doubt"]
    assert "Doubt per character" in api.section(report)

    import pyarrow.parquet as pq

    assert pq.read_table(dropped / "out" / "scores.parquet").column("doubt").to_pylist() == pytest.approx([1 / 8] * 8)


def test_two_metrics_of_one_name_are_refused(dropped: Path) -> None:
    (dropped / "again.py").write_text(DROPPED)
    with pytest.raises(hfscore.HfscoreError, match="defined twice"):
        catalog.families()
    sys.modules.pop("hfscore.metrics.again", None)


def test_unknown_metric_names_the_known_ones() -> None:
    with pytest.raises(hfscore.HfscoreError, match=r"alignment, .*redundancy"):
        catalog.choose(["nonsense"])
