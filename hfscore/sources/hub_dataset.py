"""Datasets on a Hub: one commit, proven, and its files read by their own format.

The commit is resolved first and everything after is pinned to it. `datasets` says which files make up a config and
a split; the files are then read here, so a repository that mixes Parquet and JSON Lines works and a scan fetches
only the columns that it needs.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeVar, cast

from hfscore.errors import SourceError
from hfscore.fingerprint import fingerprint, is_data
from hfscore.report import SourceInfo
from hfscore.sources.choose import choose_configs, choose_splits
from hfscore.sources.formats import DataFile, format_of
from hfscore.sources.hub_problems import explain, script_problem, unresolved
from hfscore.sources.layout import Config, config_names, exported_layout, resolve
from hfscore.sources.problems import patiently, reading, reading_errors, resolving_errors
from hfscore.sources.source import Source, SplitRef, Table
from hfscore.sources.split_files import open_split

if TYPE_CHECKING:
    from huggingface_hub import HfFileSystem

T = TypeVar("T")

EXPORT = "refs/convert/parquet"
CARD = "README.md"
_ONE = "default"
_STREAM_BUFFER = 2**20


class _Repo(NamedTuple):
    """A dataset at a commit."""

    id: str
    sha: str
    sizes: Mapping[str, int | None]  # path -> bytes
    token: str | None

    @property
    def root(self) -> str:
        return f"hf://datasets/{self.id}@{self.sha}/"

    @property
    def name(self) -> str:
        """How to name the dataset to `datasets`, which else prefers a local folder of that name."""
        return f"hf://datasets/{self.id}" if Path(self.id).exists() else self.id


def open_hub(
    repo_id: str,
    *,
    configs: Sequence[str] = (),
    splits: Sequence[str] = (),
    revision: str | None = None,
    path: str | None = None,
    token: str | None = None,
) -> Source:
    """Open a dataset on the Hub.

    Args:
        repo_id: "owner/name".
        configs: Configs to read; none for all, where they are few.
        splits: Splits to read; none for "train", or all where there is none.
        revision: Branch, tag, commit or "refs/..."; None for the main branch.
        path: File, folder or pattern in the repository to read instead of its configs.
        token: Token; None for the one that is logged in.

    Returns:
        A source of kind "hub", at a commit.

    Raises:
        SourceError: The dataset cannot be read; the hint says what to do.
        RevisionError: What was resolved is not of the commit.
    """
    files = _file_system(token)
    info = _info(repo_id, revision, token)
    siblings = info.siblings or []
    repo = _Repo(info.id, info.sha, {s.rfilename: s.size for s in siblings}, token)
    found = _find(repo, revision, path)
    chosen, config_notes = choose_configs(list(found), configs)
    resolved = {name: found[name] or _ask(repo, partial(resolve, repo.name, name, repo.sha, token)) for name in chosen}
    pairs, split_notes = choose_splits({c: list(resolved[c].splits) for c in chosen}, splits)
    notes = [f"{repo_id} is now named {repo.id}."] if repo.id != repo_id else []
    notes += [*config_notes, *split_notes]
    tables: dict[SplitRef, list[Table]] = {}
    for config, split in pairs:
        data = [_data_file(files, repo, address, resolved[config]) for address in resolved[config].splits[split]]
        ref, tables_of, left = open_split(config, split, data)
        tables[ref] = tables_of
        notes += left
    described = _describe(info, in_viewer=revision in (None, "main") and path is None)
    return Source(described, tables, notes, card=partial(_card, files, repo))


def _card(files: HfFileSystem, repo: _Repo) -> bytes | None:
    """The card at the commit, or None where there is none."""
    if CARD not in repo.sizes:
        return None
    with reading(CARD), _open_remote(files, f"{repo.root}{CARD}".removeprefix("hf://"), ranged=False) as handle:
        return handle.read()


def _info(repo_id: str, revision: str | None, token: str | None) -> Any:
    """The Hub's description of a dataset at a revision, with all its files; refused if they may not be read."""
    from huggingface_hub import HfApi

    api = HfApi(token=token)
    try:
        info = patiently(lambda: api.dataset_info(repo_id, revision=revision, files_metadata=True))
        if info.gated:  # anybody may see a gated dataset's description, not its files
            patiently(lambda: api.auth_check(info.id, repo_type="dataset"))
    except reading_errors() as error:
        raise explain(error, repo_id, revision, api) from error
    return info


def _describe(info: Any, *, in_viewer: bool) -> SourceInfo:
    from huggingface_hub import constants

    card = info.card_data or {}
    digests = ((s.rfilename, s.lfs.sha256 if s.lfs else s.blob_id or "") for s in info.siblings or [])
    return SourceInfo(
        kind="hub",
        id=info.id,
        revision=f"git:{info.sha}",
        fingerprint=fingerprint(digests),
        url=f"{constants.ENDPOINT}/datasets/{info.id}",
        viewer=in_viewer and not info.private and not info.disabled and card.get("viewer") is not False,
    )


def _find(repo: _Repo, revision: str | None, path: str | None) -> Mapping[str, Config | None]:
    """Configs by name; None where the files of one are still to be resolved."""
    data = [name for name in repo.sizes if is_data(name)]
    if not data:
        raise SourceError(
            f"The dataset {repo.id} is empty at {repo.sha[:7]}.", "Upload data files, or pass another id."
        )
    readable = [name for name in data if format_of(name) is not None]
    script = f"{repo.id.rpartition('/')[2]}.py"
    if script in data and path is None:
        raise script_problem(repo.id, script, EXPORT, repo.token)
    if path is not None:
        chosen = sorted(name for name in readable if _under(name, path))
        if not chosen:
            raise SourceError(f"{repo.id} has no data files at {path}.", f"There is, for example, {data[0]}.")
        return {_ONE: Config({"train": tuple(repo.root + name for name in chosen)})}
    if not readable:
        raise SourceError(
            f"The dataset {repo.id} has no data files that can be read (it holds {len(data)}, such as {data[0]}).",
            "Readable are Parquet, JSON Lines, JSON, CSV, TSV and Arrow files.",
        )
    if revision == EXPORT:
        return exported_layout(repo.root, readable)
    return dict.fromkeys(_ask(repo, lambda: config_names(repo.name, repo.sha, repo.token)))


def _under(name: str, path: str) -> bool:
    path = path.strip("/")
    return name == path or name.startswith(f"{path}/") or fnmatchcase(name, path)


def _ask(repo: _Repo, question: Callable[[], T]) -> T:
    """Ask `datasets` about a repository whose commit was found a moment ago."""
    try:
        return patiently(question)
    except resolving_errors() as error:
        raise unresolved(error, repo.id, repo.sha) from error


def _file_system(token: str | None) -> HfFileSystem:
    """The file system that `datasets` uses, too, so that listings are fetched once; without what it remembers."""
    from huggingface_hub import HfFileSystem, constants

    files = HfFileSystem(endpoint=constants.ENDPOINT, token=token)
    files.invalidate_cache()  # it would go on refusing a dataset whose terms were accepted meanwhile
    return files


def _data_file(files: HfFileSystem, repo: _Repo, address: str, config: Config) -> DataFile:
    name = address.removeprefix(repo.root)
    return DataFile(
        name=name,
        open=partial(_open_remote, files, address.removeprefix("hf://")),
        size=repo.sizes.get(name),
        remote=True,
        delimiter=config.delimiter,
        field=config.field,
    )


def _open_remote(files: HfFileSystem, address: str, *, ranged: bool) -> BinaryIO:
    """Open a file for reads of exactly the bytes asked for, or as one response that is read along."""
    if ranged:
        return cast(BinaryIO, patiently(lambda: files.open(address, "rb", cache_type="none")))
    stream = patiently(lambda: files.open(address, "rb", block_size=0))
    return cast(BinaryIO, io.BufferedReader(stream, _STREAM_BUFFER))
