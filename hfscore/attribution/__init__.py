"""What a release says about itself: found in its columns, its card's metadata or its card's text, or missing.

    attribute(read_card(readme), [Seen("default", "train", layout.kind, layout.mapping, rows)])

Pure: rows and bytes go in, an `Attribution` comes out. It is read, never judged: that a card names a filter says
nothing of the filter.
"""

from __future__ import annotations

from hfscore.attribution.card import Card, read_card
from hfscore.attribution.release import attribute
from hfscore.attribution.seen import Seen

__all__ = ["Card", "Seen", "attribute", "read_card"]
