"""Files that go beside the data, in `.hfscore/`, and the proof that no loader will read them as data.

`datasets` leaves out every path with a part that begins with a dot, unless the pattern that found it
names a dot part too (`datasets.data_files`, "hidden files are ignored unless explicitly requested").
So the folder is safe wherever no pattern of the repository can name it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

import yaml

from hfscore.card.front_matter import locate
from hfscore.errors import CardError
from hfscore.hub.repo import REPO_YAML, SIDE_FOLDER

_PLAIN_PATH = re.compile(r"\.hfscore/[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*")


def check_paths(paths: Iterable[str]) -> None:
    """Refuse a side file anywhere but in `.hfscore/`.

    Raises:
        CardError: A path leaves the folder or has unusual characters.
    """
    for path in paths:
        if not _PLAIN_PATH.fullmatch(path):
            raise CardError(f"{path!r} may not be published: side files go into {SIDE_FOLDER} only.")


def check_not_data(card: bytes, repo_yaml: bytes | None) -> None:
    """Refuse a repository whose own patterns could take `.hfscore/` for data.

    Args:
        card: README.md.
        repo_yaml: `.huggingface.yaml`, which `datasets` merges over the card's metadata, or None.

    Raises:
        CardError: A pattern of `configs:` names the folder, or the configs cannot be read.
    """
    text = card.decode("utf-8-sig")
    front = locate(text)
    for where, metadata in (
        ("the card", text[front.content : front.close] if front else ""),
        (REPO_YAML, (repo_yaml or b"").decode("utf-8-sig", "replace")),
    ):
        for pattern in _patterns(_configs(where, metadata)):
            if any(_names_folder(part) for part in pattern.split("/")):
                raise CardError(
                    f"The pattern {pattern!r} under `configs:` in {where} would make data of the "
                    f"files in {SIDE_FOLDER}.",
                    "Name the data files so that the pattern does not match hidden folders.",
                )


def _configs(where: str, text: str) -> Any:
    try:
        metadata = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 (builds text only)
    except (yaml.YAMLError, RecursionError) as fault:
        raise CardError(
            f"The YAML in {where} cannot be read, so it is not known which files are data.",
            "Mend it first.",
        ) from fault
    return metadata.get("configs") if isinstance(metadata, dict) else None


def _patterns(configs: Any) -> Iterator[str]:
    """Every string below a `data_files` or `data_dir` key; each shared node is visited once."""
    seen: set[tuple[int, bool]] = set()
    waiting = [(configs, False)]
    while waiting:
        value, inside = waiting.pop()
        if isinstance(value, str):
            if inside:
                yield value
            continue
        if value is None or (id(value), inside) in seen:
            continue
        seen.add((id(value), inside))
        pairs = value.items() if isinstance(value, dict) else ((None, below) for below in value)
        waiting += [(below, inside or key in ("data_files", "data_dir")) for key, below in pairs]


def _names_folder(part: str) -> bool:
    """Whether a part of a pattern is hidden itself and matches the folder: `.hfscore`, `.*`, `.h?*`."""
    return part.startswith(".") and fnmatchcase(SIDE_FOLDER.rstrip("/"), part)
