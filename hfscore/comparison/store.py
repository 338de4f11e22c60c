"""A comparison on disk: comparison.json, and beside it report.json and scores.parquet with every set as a config.

`hfscore card` and whatever takes a saved report read the latter two, `compare` and `gate` among them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfscore import report as reports
from hfscore.comparison.candidates import Candidate
from hfscore.comparison.values import Comparison
from hfscore.errors import ReportError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

COMPARISON_FILE = "comparison.json"
ROWS = ("config", "split", "row", "trace", "question_id", "problem", "marks")  # columns besides metrics


def _adapter() -> TypeAdapter[Comparison]:
    from pydantic import TypeAdapter  # a tenth of a second that `--help` need not spend

    return TypeAdapter(Comparison)


def to_json(comparison: Comparison) -> str:
    """The comparison as JSON text; NaN and infinity are refused."""
    data = _adapter().dump_python(comparison, mode="json")
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str | bytes) -> Comparison:
    """Read a comparison.

    Raises:
        ReportError: The text is none that this version reads.
    """
    from pydantic import ValidationError

    try:
        found = _adapter().validate_json(text)
    except ValidationError as error:
        raise ReportError("This is no comparison of hfscore.", "Make one with 'hfscore compare --out DIR'.") from error
    if found.report.schema != reports.SCHEMA:
        raise ReportError(f"The comparison has schema {found.report.schema}; this version reads {reports.SCHEMA}.")
    return found


def load(folder: Path) -> Comparison:
    """Read the comparison in a folder.

    Raises:
        ReportError: There is none, or it cannot be read.
    """
    try:
        return from_json((folder / COMPARISON_FILE).read_bytes())
    except OSError as error:
        raise ReportError(f"{folder} holds no comparison.", "Make one with 'hfscore compare --out DIR'.") from error


def json_schema() -> dict[str, Any]:
    """The JSON Schema of comparison.json, as published in docs/comparison.schema.json."""
    schema = _adapter().json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def save_scores(candidates: Sequence[Candidate], metrics: Sequence[str], folder: Path) -> None:
    """Write scores.parquet: the rows of every candidate, its label as their config, one candidate at a time.

    Args:
        candidates: What was compared.
        metrics: Metric ids that all of them have; columns that only some have are left out.
        folder: Where the comparison goes.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    there = [pq.read_schema(one.folder / reports.SCORES_FILE) for one in candidates]
    measured = {name for metric in metrics for name in (metric, f"{metric}_unscored")}
    shared = [
        field for field in there[0] if field.name in {*ROWS, *measured} and all(field in other for other in there)
    ]
    schema = pa.schema(shared)
    with reports.atomic(folder / reports.SCORES_FILE) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for one in candidates:
            table = pq.read_table(one.folder / reports.SCORES_FILE, columns=schema.names)
            mine = (pc.field("config") == one.part.config) & (pc.field("split") == one.part.split)
            table = table.filter(mine)
            labels = pa.array([one.label] * table.num_rows, pa.string())
            writer.write_table(table.set_column(schema.get_field_index("config"), "config", labels).cast(schema))


def save(comparison: Comparison, folder: Path) -> None:
    """Write comparison.json and report.json, each whole or not at all."""
    text = to_json(comparison)
    with reports.atomic(folder / COMPARISON_FILE) as temporary:
        temporary.write_text(text, encoding="utf-8")
    reports.save(comparison.report, folder)
