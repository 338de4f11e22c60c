"""hfscore measures the reasoning traces of a dataset and writes what it found into the dataset's card."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hfscore.api import (
        detect_columns,
        estimate,
        first_rows,
        load_report,
        preview,
        published,
        push,
        read_settings,
        score,
        status,
    )
    from hfscore.calibrate import apply_labels, label_sheet
    from hfscore.comparison import compare, interpret
    from hfscore.demo import example_files
    from hfscore.errors import HfscoreError
    from hfscore.evidence import fit_evidence
    from hfscore.gating import gate
    from hfscore.report import Report
    from hfscore.selection import push_selection, select
    from hfscore.settings import Settings
    from hfscore.variants import write_variants
    from hfscore.verification import verify

# Resolved when first asked for: `hfscore --help` runs this file and must not pay for numpy.
_PUBLIC = {
    "apply_labels": "calibrate",
    "label_sheet": "calibrate",
    "HfscoreError": "errors",
    "Report": "report",
    "Settings": "settings",
    "compare": "comparison",
    "detect_columns": "api",
    "estimate": "api",
    "example_files": "demo",
    "first_rows": "api",
    "fit_evidence": "evidence",
    "gate": "gating",
    "interpret": "comparison",
    "load_report": "api",
    "preview": "api",
    "published": "api",
    "push": "api",
    "push_selection": "selection",
    "read_settings": "api",
    "score": "api",
    "select": "selection",
    "status": "api",
    "verify": "verification",
    "write_variants": "variants",
}

__all__ = [
    "HfscoreError",
    "Report",
    "Settings",
    "__version__",
    "apply_labels",
    "compare",
    "detect_columns",
    "estimate",
    "example_files",
    "first_rows",
    "fit_evidence",
    "gate",
    "interpret",
    "label_sheet",
    "load_report",
    "preview",
    "published",
    "push",
    "push_selection",
    "read_settings",
    "score",
    "select",
    "status",
    "verify",
    "write_variants",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'hfscore' has no attribute '{name}'")
    return getattr(import_module(f"hfscore.{_PUBLIC[name]}"), name)
