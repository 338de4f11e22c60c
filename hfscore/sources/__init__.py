"""Datasets, wherever they are: on a Hub, in local files, in memory.

    source = open_source("owner/name", splits=["train"])
    for number, row in source.scan(source.splits[0], columns=["question"]): ...

`open_source` chooses the configs and splits and says in `notes` what it chose; rows always stream.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from hfscore.errors import SourceError
from hfscore.sources.formats import format_of
from hfscore.sources.source import UNREADABLE, Row, Source, SplitRef

__all__ = ["UNREADABLE", "Row", "Source", "SplitRef", "open_source", "parse_source"]

_ID = r"[A-Za-z0-9][\w.-]*/[\w.-]+"
_REVISION = r"refs/convert/[\w.-]+|refs/pr/\d+|[^/]+"
_HUB_ID = re.compile(rf"(?P<id>{_ID})(?:@(?P<revision>.+))?")
_HUB_URI = re.compile(rf"hf://datasets/(?P<id>{_ID})(?:@(?P<revision>{_REVISION}))?(?:/(?P<path>.+))?")
_WEB_PAGE = re.compile(
    rf"https?://[^/]+/datasets/(?P<id>{_ID})(?:/(?:tree|blob|resolve)/(?P<revision>{_REVISION})(?:/(?P<path>.+))?)?/?"
)

HubName = tuple[Literal["hub"], str, str | None, str | None]
FilesName = tuple[Literal["files"], Path]


def parse_source(text: str) -> HubName | FilesName:
    """Tell what a user means by a source.

    Args:
        text: "owner/name", "owner/name@revision", "hf://datasets/owner/name@revision/path", the address of the
            dataset's page, or a local path. "owner/name" always means the Hub, even where such a folder exists;
            "./owner/name" means the folder.

    Returns:
        ("hub", repo id, revision or None, path or None), or ("files", path).

    Raises:
        SourceError: It is none of these.
    """
    text = text.strip()
    for pattern in (_HUB_URI, _WEB_PAGE):
        if match := pattern.fullmatch(text):
            return "hub", match["id"], match["revision"], match["path"]
    if "://" in text:
        raise SourceError(
            f"{text!r} is no address of a dataset.", "Write hf://datasets/owner/name, optionally with @revision."
        )
    if text.startswith(("/", "./", "../", "~")) or text in (".", "..") or format_of(text):
        return "files", Path(text)
    if match := _HUB_ID.fullmatch(text):
        return "hub", match["id"], match["revision"], None
    if text and Path(text).exists():
        return "files", Path(text)
    raise SourceError(f"{text!r} is neither a dataset id nor a path that exists.", 'Write "owner/name", or a path.')


def open_source(
    source: str | Path | Any,
    *,
    configs: Sequence[str] = (),
    splits: Sequence[str] = (),
    revision: str | None = None,
    token: str | None = None,
    name: str | None = None,
) -> Source:
    """Open a dataset.

    Args:
        source: What `parse_source` understands, a path, a `datasets` object, or an iterable of dicts.
        configs: Configs to read; none for all, as long as they are at most 6.
        splits: Splits to read; none for "train", or for all splits of a config that has no "train".
        revision: Branch, tag or commit on the Hub; None for the main branch.
        token: Token for the Hub; None for the one that is logged in.
        name: Name to print for local files and objects in memory.

    Returns:
        The source, its rows not read yet.

    Raises:
        SourceError: It cannot be read; the hint says what to do.
        RevisionError: What was found is not of the revision that was asked for.
    """
    from hfscore.sources.files import open_files
    from hfscore.sources.hub_dataset import open_hub
    from hfscore.sources.memory import open_memory

    if not isinstance(source, (str, Path)):
        _refuse(revision, configs, what="objects in memory")
        return open_memory(source, splits=splits, name=name)
    parsed = parse_source(source) if isinstance(source, str) else ("files", source)
    if parsed[0] == "files":
        _refuse(revision, (), what="local files")
        return open_files(parsed[1], configs=configs, splits=splits, name=name)
    _, repo_id, in_address, path = parsed
    if revision and in_address and revision != in_address:
        raise SourceError(f"Two revisions are asked for, {in_address} and {revision}.", "Name one.")
    shadow = f"./{repo_id}" if Path(repo_id).exists() else None
    try:
        opened = open_hub(
            repo_id, configs=configs, splits=splits, revision=revision or in_address, path=path, token=token
        )
    except SourceError as error:
        if not shadow:
            raise
        hint = f"{error.hint} For the local folder of that name, write {shadow}.".strip()
        raise type(error)(error.message, hint) from error
    if shadow:
        opened.notes += (f"Read from the Hub; a local folder has that name, too: {shadow}.",)
    return opened


def _refuse(revision: str | None, configs: Sequence[str], *, what: str) -> None:
    if revision:
        raise SourceError(f"A revision ({revision}) cannot be chosen for {what}.", "Leave it out.")
    if configs and tuple(configs) != ("default",):
        raise SourceError(f"There are no configs in {what}.", "Leave `--config` out.")
