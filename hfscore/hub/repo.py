"""Reads and writes files of one dataset repository: a head, a file at a commit, a commit on a head.

Files are read at a commit, never at a branch, and checked against the id that the Hub states for
them: what is read here is written back into somebody's card.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, get_session, hf_hub_url
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    build_hf_headers,
    hf_raise_for_status,
)

from hfscore.errors import HubError
from hfscore.fingerprint import fingerprint, is_data
from hfscore.hub.client import FAULTS, Remote, connect, plain

README = "README.md"
REPO_YAML = ".huggingface.yaml"
SIDE_FOLDER = ".hfscore/"

Content = bytes | Path


@dataclass(frozen=True, slots=True)
class Head:
    """Where a branch or a pull request stands.

    Args:
        sha: The commit.
        private: Whether the repository is hidden from the public.
        gated: Whether its files are only for those who were granted access.
        oids: Path -> id of every file's content (sha256 for LFS, git's id otherwise), or None
            where the Hub stated none.
    """

    sha: str
    private: bool
    gated: bool
    oids: Mapping[str, str | None]


def read_head(remote: Remote, revision: str = "main", *, oids: bool = False) -> Head:
    """Ask where a branch or a pull request stands.

    Args:
        remote: The dataset.
        revision: "main" or "refs/pr/N".
        oids: Ask for the ids of the files' content too.

    Raises:
        HubError: It cannot be read, or it has another name now.
    """
    info = remote.ask(lambda: remote.api.dataset_info(remote.id, revision=revision, files_metadata=oids))
    if info.id != remote.id:
        raise HubError(f"{remote.id} is now called {info.id}.", f"Run again with the new name: {info.id}.")
    if info.sha is None:
        raise HubError(f"The Hub states no commit for {remote.id}.", f"See {remote.url}.")
    files = {s.rfilename: s.lfs.sha256 if s.lfs else s.blob_id for s in info.siblings or []}
    return Head(info.sha, bool(info.private), bool(info.gated), files)


def data_fingerprint(head: Head) -> str | None:
    """The fingerprint of the data at a head that was read with its oids; None if one is missing."""
    oids = {path: oid for path, oid in head.oids.items() if is_data(path)}
    if None in oids.values():
        return None
    return fingerprint((path, oid) for path, oid in oids.items() if oid is not None)


def read_file(remote: Remote, sha: str, path: str) -> bytes | None:
    """Read a file at a commit; None only where the Hub says that this commit has no such file.

    Raises:
        HubError: Anything else, damage on the way included.
    """
    endpoint = remote.api.endpoint
    url = hf_hub_url(remote.id, path, repo_type="dataset", revision=sha, endpoint=endpoint)
    headers = build_hf_headers(token=remote.token or False)

    def download() -> bytes | None:
        response = get_session().get(url, headers=headers)
        try:
            hf_raise_for_status(response)
        except EntryNotFoundError:
            return None
        etag = response.headers.get("ETag", "").removeprefix("W/").strip('"')
        stated = etag if re.fullmatch(r"[0-9a-f]{40}", etag) else None
        data = bytes(response.content)
        if stated is not None and stated != git_oid(data):
            raise ConnectionError(f"{path} did not arrive whole")
        return data

    return remote.ask(download)


def read_card(repo_id: str, revision: str, token: str | None = None) -> bytes:
    """Read a dataset's card.

    Args:
        repo_id: "owner/name".
        revision: A commit.
        token: Token of the Hub; None for the one that is logged in.

    Returns:
        The bytes of README.md; empty only where the Hub says that there is none.
    """
    return read_file(connect(repo_id, token), revision, README) or b""


def changed(remote: Remote, sha: str, files: Mapping[str, Content]) -> dict[str, Content]:
    """Those of the files whose content differs from what a commit holds."""

    def look() -> dict[str, tuple[str, str | None]]:
        found = remote.api.get_paths_info(remote.id, sorted(files), revision=sha, repo_type="dataset")
        return {
            file.path: (file.blob_id, file.lfs.sha256 if file.lfs else None)
            for file in found
            if isinstance(file, RepoFile)
        }

    there = remote.ask(look)

    def same(path: str, content: Content) -> bool:
        blob, sha256 = there.get(path, ("", None))
        if sha256 is not None:
            return sha256 == _sha256(content)
        return bool(blob) and blob == git_oid(_bytes(content))

    return {path: content for path, content in files.items() if not same(path, content)}


def commit(
    remote: Remote,
    files: Mapping[str, Content],
    *,
    onto: str,
    parent: str,
    title: str,
    description: str = "",
    create_pr: bool = False,
    gone: Sequence[str] = (),
) -> CommitInfo:
    """Commit files on top of a known commit. Sends once: the caller decides what a fault means.

    Args:
        remote: The dataset.
        files: Path -> content.
        onto: "main" or "refs/pr/N".
        parent: The commit that was read; the Hub refuses (412) if the branch is elsewhere.
        title: First line of the message; a pull request's title.
        description: The rest; a pull request's first comment.
        create_pr: Open a pull request with this commit.
        gone: Paths to delete.
    """
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        CommitOperationAdd(path, content if isinstance(content, bytes) else str(content))
        for path, content in sorted(files.items())
    ]
    operations += [CommitOperationDelete(path) for path in gone]
    try:
        with warnings.catch_warnings(action="ignore"):  # the Hub's remarks on the rest of the card
            return remote.api.create_commit(
                remote.id,
                operations,
                commit_message=title,
                commit_description=description,
                repo_type="dataset",
                revision=onto,
                parent_commit=parent,
                create_pr=create_pr,
            )
    except FAULTS:
        raise
    except (ValueError, RuntimeError) as fault:
        # Uploads of large files end so, and answers that make no sense to the client.
        said = plain(str(fault), remote)
        raise HubError(f"The files could not be sent to {remote.id}: {said}") from fault


def metadata_errors(remote: Remote, readme: bytes) -> list[str]:
    """What the Hub finds wrong with a card's metadata; empty if it accepts the card."""
    url = f"{remote.api.endpoint}/api/validate-yaml"
    body = {"content": readme.decode("utf-8"), "repoType": "dataset"}
    headers = build_hf_headers(token=remote.token or False)

    def validate() -> list[str]:
        response = get_session().post(url, json=body, headers=headers)
        if response.status_code != 400:
            hf_raise_for_status(response)
            return []
        try:
            return [plain(str(error["message"]), remote) for error in response.json()["errors"]]
        except (KeyError, TypeError):
            raise HfHubHTTPError("validate-yaml answered 400", response=response) from None

    return remote.ask(validate)


def git_oid(data: bytes) -> str:
    """The id git gives to a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _bytes(content: Content) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()


def _sha256(content: Content) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
