"""One hash over the data files of a dataset, so that the same data is recognised wherever it stands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

_CARD_FILES = {"README.md", ".gitattributes", ".hfscore.toml"}
_OWN_FOLDER = ".hfscore/"


def is_data(path: str) -> bool:
    """Whether a file counts: the card, settings of git and hfscore and what hfscore itself writes do not."""
    return path not in _CARD_FILES and not path.startswith(_OWN_FOLDER)


def fingerprint(entries: Iterable[tuple[str, str]]) -> str:
    """Hash the files of a dataset, in whatever order they come.

    Args:
        entries: (path in the dataset, digest of the content) of every file; those that are no data are left out.

    Returns:
        "sha256:" and 64 hex digits. It changes when a data file changes, comes, goes or moves, and stays
        when only the card does.
    """
    total = hashlib.sha256()
    for path, digest in sorted(entries):
        if is_data(path):
            total.update(f"{path}\0{digest}\n".encode("utf-8", "surrogateescape"))
    return f"sha256:{total.hexdigest()}"
