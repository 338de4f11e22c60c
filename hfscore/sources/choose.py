"""Which configs and splits are read when there is a choice, and the sentences that say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from hfscore.errors import SourceError

MOST_CONFIGS = 6
DEFAULT_SPLIT = "train"


def choose_configs(available: Sequence[str], wanted: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Choose the configs to read.

    Args:
        available: All there are, in the dataset's order.
        wanted: Names asked for; none means all, as long as they are few.

    Returns:
        (chosen configs, notes).

    Raises:
        SourceError: A name does not exist, or there are too many to read them all unasked.
    """
    for name in wanted:
        if name not in available:
            raise SourceError(f"There is no config {name!r}.", f"{_nearest(name, available)} Pass `--config NAME`.")
    if not wanted and len(available) > MOST_CONFIGS:
        raise SourceError(
            f"The dataset has {len(available)} configs: {_list(available)}.",
            "Say which to read with `--config NAME`, once for each.",
        )
    chosen = tuple(dict.fromkeys(wanted or available))
    others = [name for name in available if name not in chosen]
    if others:
        return chosen, (f"Of {len(available)} configs {_list(chosen)} is read; there is also {_list(others)}.",)
    if len(chosen) > 1:
        return chosen, (f"All {len(chosen)} configs are read: {_list(chosen)}.",)
    return chosen, ()


def choose_splits(
    available: Mapping[str, Sequence[str]], wanted: Sequence[str]
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Choose the splits to read: those asked for, else "train", else all that a config has.

    Args:
        available: Config -> its splits.
        wanted: Names asked for.

    Returns:
        ((config, split) pairs, notes).

    Raises:
        SourceError: A name exists in no config.
    """
    everywhere = tuple(dict.fromkeys(split for splits in available.values() for split in splits))
    for name in wanted:
        if name not in everywhere:
            raise SourceError(f"There is no split {name!r}.", f"{_nearest(name, everywhere)} Pass `--split NAME`.")
    chosen: list[tuple[str, str]] = []
    notes: list[str] = []
    for config, splits in available.items():
        if wanted:
            picked = [split for split in dict.fromkeys(wanted) if split in splits]
        else:
            picked = [DEFAULT_SPLIT] if DEFAULT_SPLIT in splits else list(splits)
        chosen += [(config, split) for split in picked]
        notes += _split_notes(config, picked, splits)
    return tuple(chosen), tuple(notes)


def _split_notes(config: str, picked: Sequence[str], splits: Sequence[str]) -> list[str]:
    others = [split for split in splits if split not in picked]
    if not picked:
        return [f"Config {config} is left out: it has only the splits {_list(others)}."]
    if others:
        return [f"Of config {config} the split {_list(picked)} is read; there is also {_list(others)}."]
    return []


def _nearest(name: str, available: Sequence[str]) -> str:
    close = get_close_matches(name, available, n=3, cutoff=0.5)
    return f"Closest: {_list(close)}." if close else f"There is: {_list(available)}."


def _list(names: Sequence[str], most: int = 20) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
