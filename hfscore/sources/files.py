"""Local files and folders."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from hfscore.errors import SourceError
from hfscore.fingerprint import fingerprint
from hfscore.report import SourceInfo
from hfscore.sources.choose import choose_configs, choose_splits
from hfscore.sources.formats import FORMATS, DataFile, format_of
from hfscore.sources.layout import Config, config_names, resolve
from hfscore.sources.problems import brief, reading, resolving_errors
from hfscore.sources.source import Source, SplitRef, Table
from hfscore.sources.split_files import open_split

CARD = "README.md"
_ONE = "default"


def open_files(
    path: Path, *, configs: Sequence[str] = (), splits: Sequence[str] = (), name: str | None = None
) -> Source:
    """Open one data file, a folder of them, or what `save_to_disk` wrote.

    Args:
        path: File or folder.
        configs: Configs to read (a folder's card may define several); none for all.
        splits: Splits to read; none for "train", or all where there is none.
        name: Name to print instead of the path's last part.

    Returns:
        A source of kind "files".

    Raises:
        SourceError: There is nothing at the path, or nothing that can be read.
    """
    path = path.expanduser()
    if not path.exists():
        raise SourceError(f"There is no file or folder {path}.", "Check the path.")
    root = path if path.is_dir() else path.parent
    found, notes = _find(path)
    chosen, config_notes = choose_configs(list(found), configs)
    pairs, split_notes = choose_splits({c: list(found[c].splits) for c in chosen}, splits)
    tables: dict[SplitRef, list[Table]] = {}
    for config, split in pairs:
        files = [_data_file(root, file, found[config]) for file in found[config].splits[split]]
        ref, tables_of, left = open_split(config, split, files)
        tables[ref] = tables_of
        notes += left
    everything = {file for config in found.values() for files in config.splits.values() for file in files}
    info = SourceInfo(kind="files", id=name or path.resolve().name, fingerprint=_fingerprint(root, everything))
    return Source(info, tables, (*notes, *config_notes, *split_notes), card=partial(_card, path))


def _card(path: Path) -> bytes | None:
    """The card in a folder; a single file has none, for a README beside it may be about anything."""
    readme = path / CARD
    if not readme.is_file():
        return None
    with reading(CARD):
        return readme.read_bytes()


def _find(path: Path) -> tuple[Mapping[str, Config], tuple[str, ...]]:
    """Find configs, splits and their files, relative to the folder, with notes."""
    if path.is_file():
        if format_of(path.name) is None:
            raise SourceError(f"{path.name} is no data file that can be read.", f"Readable: {', '.join(FORMATS)}.")
        return {_ONE: Config({"train": (path.name,)})}, ()
    if (path / "dataset_dict.json").is_file():
        names = _value(path / "dataset_dict.json", "splits")
        return {_ONE: Config({split: _saved(path, split) for split in names})}, ()
    if (path / "state.json").is_file():
        return {_ONE: Config({"train": _saved(path, ".")})}, ()
    return _find_in_folder(path)


def _find_in_folder(path: Path) -> tuple[Mapping[str, Config], tuple[str, ...]]:
    """Find configs and splits of a folder as `datasets` does; where it cannot, all data files are one split."""
    files = sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file() and _is_data(p.relative_to(path)))
    if not files:
        raise SourceError(f"The folder {path} holds no data files.", f"Readable: {', '.join(FORMATS)}.")
    where = str(path.resolve())
    try:
        found = {config: resolve(where, config) for config in config_names(where)}
    except resolving_errors() as error:
        why = f"`datasets` cannot tell the folder's splits apart ({brief(error)}), so all data files are read as one."
        return {_ONE: Config({"train": tuple(files)})}, (why,)
    found = {name: _relative(config, where) for name, config in found.items()}
    left = sorted(set(files) - {f for config in found.values() for fs in config.splits.values() for f in fs})
    notes = (f"{len(left)} data files belong to no config and are not read, such as {left[0]}.",) if left else ()
    return found, notes


def _relative(config: Config, root: str) -> Config:
    splits = {split: tuple(os.path.relpath(f, root) for f in files) for split, files in config.splits.items()}
    return replace(config, splits=splits)


def _is_data(path: Path) -> bool:
    hidden = any(part.startswith((".", "__")) for part in path.parts)
    return not hidden and format_of(path.name) is not None


def _saved(root: Path, split: str) -> tuple[str, ...]:
    """Files of a `Dataset` saved to `root/split`, in the order of its rows."""
    files = _value(root / split / "state.json", "_data_files")
    return tuple(str(Path(split) / file["filename"]) for file in files)


def _value(path: Path, key: str) -> Any:
    with reading(path.name):
        return json.loads(path.read_text(encoding="utf-8"))[key]


def _data_file(root: Path, name: str, found: Config) -> DataFile:
    path = root / name
    with reading(path.name):
        size = path.stat().st_size
    opener = partial(_open_local, path)
    return DataFile(path.name, opener, size, delimiter=found.delimiter, field=found.field)


def _open_local(path: Path, *, ranged: bool) -> BinaryIO:
    return path.open("rb")


def _fingerprint(root: Path, files: Iterable[str]) -> str:
    """Fingerprint of files by their place in the folder and their content."""
    entries = []
    for name in files:
        path = root / name
        with reading(path.name), path.open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        entries.append((Path(name).as_posix(), digest))
    return fingerprint(entries)
