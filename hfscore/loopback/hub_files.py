"""Routes that read files: trees, single paths, downloads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hfscore.loopback.hub_objects import folder_oids
from hfscore.loopback.hub_repos import find_revision, locate
from hfscore.loopback.hub_state import HubState, find_repo, require_files
from hfscore.loopback.hub_store import Commit, Repo, last_change
from hfscore.loopback.hub_wire import Answer, Call, RefusedError, as_json, as_page

_PAGE = {False: 1000, True: 50}  # entries per page of a tree, without and with `expand`


def tree(state: HubState, call: Call) -> Answer:
    """Answer `list_repo_tree`: one folder, or everything below it."""
    repo, commit = locate(state, call)
    root = call.args.get("path", "").strip("/")
    folders = folder_oids(commit.files)
    if root not in folders:
        raise RefusedError(404, f"{root} does not exist on {call.args['rev']!r}", "EntryNotFound")
    recursive, expand = call.flag("recursive"), call.flag("expand")
    below = [
        path
        for path in [*sorted(folders), *sorted(commit.files)]
        if path != root
        and path.startswith(f"{root}/" if root else "")
        and (recursive or "/" not in path.removeprefix(root).lstrip("/"))
    ]
    size = call.number("limit", _PAGE[expand])
    entries = [entry(repo, commit, p, folders, expand=expand) for p in below]
    return as_page(call, entries, size, state.endpoint)


def entry(repo: Repo, commit: Commit, path: str, folders: Mapping[str, str], *, expand: bool = False) -> dict[str, Any]:
    """Return a file or folder as trees and `paths-info` list it."""
    value: dict[str, Any]
    if path in folders:
        value = {"type": "directory", "oid": folders[path], "size": 0, "path": path}
    else:
        blob = commit.files[path]
        value = {"type": "file", "oid": blob.oid, "size": len(blob.data), "path": path}
        if blob.sha256:
            pointer = {"size": len(blob.data), "pointerSize": len(blob.pointer)}
            value["lfs"] = {"oid": blob.sha256, **pointer}
    if expand:
        last = last_change(repo, commit, path)
        value["lastCommit"] = {"id": last.oid, "title": last.title, "date": last.date}
        if value["type"] == "file":
            scans = {"avScan": None, "pickleImportScan": None}
            value["securityFileStatus"] = {"status": "safe", **scans}
    return value


def paths_info(state: HubState, call: Call) -> Answer:
    """Answer `get_paths_info`; paths that do not exist are left out."""
    repo, commit = locate(state, call)
    fields = call.fields()
    expand = str(fields.get("expand")).strip("[]'").lower() == "true"
    folders = folder_oids(commit.files)
    known = [p.strip("/") for p in fields.get("paths", [])]
    known = [p for p in known if p and (p in commit.files or p in folders)]
    return as_json([entry(repo, commit, p, folders, expand=expand) for p in known])


def resolve(state: HubState, call: Call) -> Answer:
    """Answer a download: HEAD, GET, or GET of a byte range."""
    repo = find_repo(state, call)
    require_files(state, call, repo)
    commit = find_revision(repo, call.args["rev"])
    headers = {"X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
    blob = commit.files.get(call.args["path"])
    if blob is None:
        raise RefusedError(404, "Entry not found", "EntryNotFound", headers)
    headers["ETag"] = f'"{blob.sha256 or blob.oid}"'
    if blob.sha256:
        headers["X-Linked-Etag"] = headers["ETag"]
        headers["X-Linked-Size"] = str(len(blob.data))
    headers["Content-Type"] = "application/octet-stream" if blob.sha256 else "text/plain; charset=utf-8"
    name = quote(call.args["path"].rpartition("/")[2])
    headers["Content-Disposition"] = f"inline; filename*=UTF-8''{name}"
    wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", call.headers.get("range", ""))
    if wanted is None or call.method == "HEAD" or wanted.groups() == ("", ""):
        return Answer(blob.data, 200, headers)
    return _byte_range(blob.data, wanted.group(1), wanted.group(2), headers)


def _byte_range(data: bytes, first: str, last: str, headers: Mapping[str, str]) -> Answer:
    """Return part of a file (RFC 9110, section 14)."""
    size = len(data)
    start = int(first) if first else max(0, size - int(last))
    stop = min(int(last) + 1, size) if first and last else size
    if start >= stop:
        raise RefusedError(416, "Range Not Satisfiable", "", {"Content-Range": f"bytes */{size}"})
    where = {"Content-Range": f"bytes {start}-{stop - 1}/{size}"}
    return Answer(data[start:stop], 206, {**headers, **where})
