"""Routes that change files: validate-yaml, preupload, LFS upload, commit."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from hfscore.loopback.hub_cards import check_card
from hfscore.loopback.hub_objects import Blob, make_blob
from hfscore.loopback.hub_repos import find_revision, locate
from hfscore.loopback.hub_state import HubState, find_repo, require_user, require_write, resource
from hfscore.loopback.hub_store import Commit, Repo, add_commit, commit_event, open_discussion
from hfscore.loopback.hub_wire import Answer, Call, RefusedError, as_json

STALE = "The branch was updated since you opened this page. Please refresh and try again."
_LARGE = 10 * 1024**2  # bytes; larger files must go through LFS


def validate_yaml(state: HubState, call: Call) -> Answer:
    """Answer the check that the client makes before it uploads a README."""
    verdict = check_card(str(call.field("content")))
    errors = [{"message": message} for message in verdict.errors]
    warnings = [{"message": message} for message in verdict.warnings]
    return as_json({"errors": errors, "warnings": warnings}, 400 if errors else 200)


def preupload(state: HubState, call: Call) -> Answer:
    """Tell for each file whether to send it inline or through LFS, and what stands there now."""
    repo, commit = locate(state, call)
    _require_target(state, call, repo)
    body = call.fields()
    ignore = body.get("gitIgnore")
    if ignore is None:
        ignore = commit.files.get(".gitignore", make_blob(b"")).data.decode("utf-8", "replace")
    ignored = [line.strip() for line in ignore.splitlines() if line.strip()[:1] not in ("", "#")]
    answers = []
    for file in call.field("files"):
        path, present = file["path"], commit.files.get(file["path"])
        answer: dict[str, Any] = {
            "path": path,
            "uploadMode": "lfs" if _is_lfs(commit, file) else "regular",
            "shouldIgnore": any(_matches(path, pattern) for pattern in ignored),
        }
        if present is not None:
            answer["oid"] = present.sha256 or present.oid
        answers.append(answer)
    return as_json({"files": answers, "commitOid": commit.oid})


def _is_lfs(commit: Commit, file: Mapping[str, Any]) -> bool:
    attributes = commit.files.get(".gitattributes", make_blob(b"")).data.decode("utf-8", "replace")
    rules = [line.split() for line in attributes.splitlines() if "filter=lfs" in line.split()]
    sample = base64.b64decode(file.get("sample", ""))
    return file["size"] > _LARGE or b"\0" in sample or any(_matches(file["path"], rule[0]) for rule in rules)


def _matches(path: str, pattern: str) -> bool:
    """Match as git does: without a slash any part of the path, with one the whole path."""
    if "/" not in pattern.rstrip("/"):
        return any(fnmatchcase(part, pattern.rstrip("/")) for part in path.split("/"))
    return fnmatchcase(path, pattern.strip("/").replace("**/", "*"))


def lfs_batch(state: HubState, call: Call) -> Answer:
    """Answer the git-lfs batch call: where to upload the objects that are not here yet."""
    repo = find_repo(state, call)
    require_write(state, call, repo, create_pr=True)  # whoever may propose, may upload
    url = f"{state.endpoint}/{resource(repo)}.git/info/lfs/objects"
    objects = []
    for wanted in call.field("objects"):
        value = {"oid": wanted["oid"], "size": wanted["size"], "authenticated": True}
        if wanted["oid"] not in state.lfs:
            value["actions"] = {
                "upload": {"href": f"{state.endpoint}/lfs-upload/{wanted['oid']}", "header": {}},
                "verify": {"href": f"{url}/verify", "header": {}},
            }
        objects.append(value)
    answer = {"transfer": "basic", "objects": objects, "hash_algo": "sha256"}
    return as_json(answer, headers={"Content-Type": "application/vnd.git-lfs+json"})


def lfs_upload(state: HubState, call: Call) -> Answer:
    """Store an LFS object; its address is the permission, as with a signed storage URL."""
    oid = hashlib.sha256(call.body).hexdigest()
    if oid != call.args["oid"]:
        raise RefusedError(400, f"The content's sha256 is {oid}.")
    state.lfs[oid] = call.body
    return Answer(b"", 200, {"ETag": f'"{oid}"'})


def lfs_verify(state: HubState, call: Call) -> Answer:
    """Confirm that an LFS object arrived whole."""
    require_user(call)
    data = state.lfs.get(call.field("oid"))
    if data is None or len(data) != call.field("size"):
        raise RefusedError(404, "The object was not uploaded.")
    return as_json({})


def _require_target(state: HubState, call: Call, repo: Repo) -> None:
    """Refuse a commit that the caller may make neither to this ref nor as a pull request."""
    revision = call.args["rev"]
    if not call.flag("create_pr") and revision.startswith("refs/pr/"):
        number = int(revision.rpartition("/")[2])
        if number in repo.discussions and repo.discussions[number].author == call.user:
            require_write(state, call, repo, create_pr=True)
            return
    require_write(state, call, repo, create_pr=call.flag("create_pr"))


@dataclass(frozen=True, slots=True)
class Push:
    """A commit as it was sent."""

    title: str
    message: str
    parent: str
    changes: Mapping[str, Blob | None]


def commit(state: HubState, call: Call) -> Answer:
    """Answer `create_commit`: onto a branch, onto a pull request's ref, or as a new pull request.

    `parentCommit` guards a branch (412 where it moved); a pull request is opened from it instead.
    """
    repo, head = locate(state, call)
    _require_target(state, call, repo)
    push = _read_push(state, call, head)
    if call.flag("create_pr"):
        repo, number = _propose(repo, push, call.user, head)
        ref = f"refs/pr/{number}"
    else:
        ref, number = _target(repo, call.args["rev"]), 0
        if push.parent and push.parent != head.oid:
            raise RefusedError(412, STALE)
        repo = _add(repo, ref, push, call.user)
        if ref.startswith("refs/pr/"):
            repo = commit_event(repo, int(ref.rpartition("/")[2]))
    state.put(repo)
    url, oid = f"{state.endpoint}/{resource(repo)}", repo.refs[ref]
    answer = {"success": True, "commitOid": oid, "commitUrl": f"{url}/commit/{oid}", "hookOutput": ""}
    if number:
        answer["pullRequestUrl"] = f"{url}/discussions/{number}"
    return as_json(answer)


def _propose(repo: Repo, push: Push, user: str, head: Commit) -> tuple[Repo, int]:
    base = find_revision(repo, push.parent).oid if push.parent else head.oid
    repo, number = open_discussion(repo, author=user, title=push.title, description=push.message, base=base)
    return commit_event(_add(repo, f"refs/pr/{number}", push, user), number), number


def _add(repo: Repo, ref: str, push: Push, user: str) -> Repo:
    return add_commit(repo, ref, push.changes, author=user, title=push.title, message=push.message)


def _target(repo: Repo, revision: str) -> str:
    """Return the full name of the ref to commit to."""
    ref = revision if revision.startswith("refs/") else f"refs/heads/{revision}"
    if ref not in repo.refs:
        raise RefusedError(400, f"{revision} is not a branch.")
    if ref.startswith("refs/pr/"):
        status = repo.discussions[int(ref.rpartition("/")[2])].status
        if status not in ("open", "draft"):
            raise RefusedError(403, f"This pull request is {status}.")
    return ref


def _read_push(state: HubState, call: Call, head: Commit) -> Push:
    """Read the NDJSON body of a commit."""
    header: Mapping[str, Any] = {}
    changes: dict[str, Blob | None] = {}
    for key, value in _lines(call.body):
        if key == "header":
            header = value
        elif key == "file":
            data = value["content"].encode()
            if value.get("encoding") == "base64":
                data = base64.b64decode(data)
            changes[value["path"]] = make_blob(data)
        elif key == "lfsFile":
            if value["oid"] not in state.lfs:
                raise RefusedError(400, f"The LFS object {value['oid']} of {value['path']} is missing.")
            changes[value["path"]] = make_blob(state.lfs[value["oid"]], lfs=True)
        elif key in ("deletedFile", "deletedFolder"):
            changes.update(_deleted(head, value["path"], folder=key == "deletedFolder"))
        else:
            raise RefusedError(400, f"Unknown operation: {key}")
    if not header.get("summary"):
        raise RefusedError(400, '"summary" is required')
    _check_readme(changes.get("README.md"))
    texts = (header["summary"], header.get("description", ""), header.get("parentCommit", ""))
    return Push(*texts, changes)


def _lines(body: bytes) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for line in body.splitlines():
        try:
            item = json.loads(line)
            yield item["key"], item["value"]
        except (ValueError, KeyError, TypeError):
            raise RefusedError(400, "A line of the commit is not a JSON operation.") from None


def _deleted(head: Commit, path: str, *, folder: bool) -> dict[str, None]:
    prefix = path.rstrip("/") + "/"
    gone = [p for p in head.files if (p.startswith(prefix) if folder else p == path)]
    if not gone:
        kind = "folder" if folder else "file"
        raise RefusedError(404, f"A {kind} with this name doesn't exist: {path}", "EntryNotFound")
    return dict.fromkeys(gone)


def _check_readme(readme: Blob | None) -> None:
    errors = check_card(readme.data.decode("utf-8", "replace")).errors if readme else ()
    if errors:
        raise RefusedError(400, "Invalid metadata in README.md. " + " ".join(errors))
