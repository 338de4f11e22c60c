"""User evidence: how metrics of training sets went with what became of models trained on them.

Two tables go in, scores of variants and outcomes of models; rank correlations with permutation tests come out, what
chance, length or single variants explain of them, and published evidence beside them. Design: docs/evidence.md.
"""

from hfscore.evidence.fitting import fit_evidence
from hfscore.evidence.model import Evidence, OnMetric, OnModel
from hfscore.evidence.wide import from_wide, shipped

__all__ = ["Evidence", "OnMetric", "OnModel", "fit_evidence", "from_wide", "shipped"]
