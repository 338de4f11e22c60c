"""A comparison on disk: comparison.json, and report.json beside it, which `hfscore card` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from hfscore import report as reports
from hfscore.comparison.values import Comparison
from hfscore.errors import ReportError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

COMPARISON_FILE = "comparison.json"


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


def save(comparison: Comparison, folder: Path) -> None:
    """Write comparison.json and report.json, each whole or not at all."""
    text = to_json(comparison)
    with reports.atomic(folder / COMPARISON_FILE) as temporary:
        temporary.write_text(text, encoding="utf-8")
    reports.save(comparison.report, folder)
