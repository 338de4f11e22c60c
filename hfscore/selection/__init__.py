"""Choosing rows by what was measured, with a random subset of like size beside them.

No study here shows that a chosen subset trains a better model: the random subset is there so that it can be tested.
"""

from hfscore.selection.chosen import select
from hfscore.selection.sending import check_push, push_selection
from hfscore.selection.values import Selection

__all__ = ["Selection", "check_push", "push_selection", "select"]
