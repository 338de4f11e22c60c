"""Which files make up the configs and splits of a dataset, as `datasets` resolves them.

`datasets` honours the `configs:` of a card and finds splits in file names. It also falls back to whatever older
revision lies in its cache when the Hub fails, with no more than a log line; an empty cache folder for every call
makes it raise instead, and `prove` checks what came back all the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from hfscore.errors import RevisionError

Splits = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Config:
    """One config.

    Args:
        splits: Split -> addresses of its files, in the order of their rows.
        delimiter: What separates the fields of CSV files.
        field: Key under which JSON files hold their rows, or None.
    """

    splits: Splits
    delimiter: str = ","
    field: str | None = None


def config_names(path: str, revision: str | None = None, token: str | None = None) -> tuple[str, ...]:
    """List the configs of a folder or of a dataset on the Hub at a commit."""
    from datasets import get_dataset_config_names

    with tempfile.TemporaryDirectory() as empty:
        return tuple(get_dataset_config_names(path, revision=revision, token=token, cache_dir=empty))


def resolve(path: str, config: str, revision: str | None = None, token: str | None = None) -> Config:
    """Find the files of a config.

    Args:
        path: Absolute path of a folder, or "owner/name", or "hf://datasets/owner/name".
        config: Its name.
        revision: Commit, for the Hub.
        token: Token, for the Hub.

    Returns:
        The config's splits and files.

    Raises:
        RevisionError: What was resolved does not belong to `revision`.
    """
    from datasets import load_dataset_builder

    with tempfile.TemporaryDirectory() as empty:
        builder = load_dataset_builder(path, config, revision=revision, token=token, cache_dir=empty)
    if revision is not None:
        prove(builder, path.removeprefix("hf://datasets/"), revision)
    settings = builder.config
    separator = getattr(settings, "delimiter", None) or getattr(settings, "sep", None)
    return Config(
        splits={str(split): tuple(map(str, files)) for split, files in (settings.data_files or {}).items()},
        delimiter=separator or ",",
        field=getattr(settings, "field", None),
    )


def prove(builder: Any, repo_id: str, sha: str) -> None:
    """Refuse a builder that is not of this commit.

    Args:
        builder: What `load_dataset_builder` returned.
        repo_id: "owner/name".
        sha: The commit that was asked for.

    Raises:
        RevisionError: It stands for another revision (the fallback to the cache), or for files elsewhere.
    """
    if builder.hash != sha or type(builder).__module__.startswith("datasets.packaged_modules.cache"):
        raise RevisionError(
            f"Asked for commit {sha} of {repo_id}, `datasets` offered {builder.hash} out of its cache.",
            "Run the same command again when the Hub can be reached.",
        )
    root = f"hf://datasets/{repo_id}@{sha}/"
    for files in (builder.config.data_files or {}).values():
        for file in files:
            if not str(file).startswith(root):
                raise RevisionError(
                    f"The card of {repo_id} names the file {file}, which is not part of commit {sha}.",
                    "Only files of the dataset itself can be measured: name a config without it.",
                )


def exported_layout(root: str, paths: Iterable[str]) -> dict[str, Config]:
    """Read configs and splits off the paths of the Hub's own export, `CONFIG/SPLIT/0000.parquet`.

    Args:
        root: Address that the paths are relative to, ending in a slash.
        paths: Paths of the files.
    """
    configs: dict[str, dict[str, list[str]]] = {}
    for path in sorted(paths):
        parts = PurePosixPath(path).parts
        if len(parts) == 3:
            splits = configs.setdefault(parts[0], {})
            splits.setdefault(parts[1].removeprefix("partial-"), []).append(root + path)
    return {name: Config({split: tuple(files) for split, files in found.items()}) for name, found in configs.items()}
