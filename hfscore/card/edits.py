"""Edits of a text, by offset: what is not inside one of them stays as it is."""

from __future__ import annotations

Edit = tuple[int, int, str]
"""Offset of the first character to take away, offset behind the last, and what stands there then."""


def applied(text: str, *edits: Edit) -> str:
    """Apply edits that stand in order; one that begins inside the edit before it begins behind it."""
    parts: list[str] = []
    at = 0
    for start, stop, replacement in edits:
        parts += [text[at:start], replacement]
        at = max(at, stop)
    return "".join((*parts, text[at:]))
