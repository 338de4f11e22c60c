"""Routes of a repository as a whole: info, lists, refs, commits, creation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hfscore.loopback.hub_cards import check_card
from hfscore.loopback.hub_objects import Blob, make_blob
from hfscore.loopback.hub_state import (
    HubState,
    belongs,
    find_repo,
    may_read,
    require_files,
    require_scope,
    require_write,
    resource,
)
from hfscore.loopback.hub_store import MAIN, Commit, Repo, add_commit, find_commit, history, new_repo, set_ref
from hfscore.loopback.hub_wire import Answer, Call, RefusedError, as_json, as_page

_BINARY = (
    "7z arrow bin bz2 gz h5 joblib npy npz onnx parquet pickle pkl pt rar safetensors tar tgz xz zip zst "
    "wav mp3 flac ogg png jpg jpeg gif webp tiff bmp mp4 webm mov"
)
# The endings that a new repository's `.gitattributes` sends to LFS.
LFS_ENDINGS = tuple(f".{suffix}" for suffix in _BINARY.split())
_ATTRIBUTES = "".join(f"*{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in LFS_ENDINGS)


def start_repo(repo_id: str, repo_type: str, *, private: bool = False, gated: bool = False) -> Repo:
    """Return a repository with the initial commit the Hub makes, which holds `.gitattributes`."""
    repo = new_repo(repo_id, repo_type, private=private, gated=gated)
    files = {".gitattributes": make_blob(_ATTRIBUTES.encode())}
    return add_commit(repo, MAIN, files, author="system", title="initial commit")


def find_revision(repo: Repo, revision: str) -> Commit:
    """Return the commit a revision names, or refuse with RevisionNotFound."""
    commit = find_commit(repo, revision)
    if commit is None:
        raise RefusedError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    return commit


def locate(state: HubState, call: Call) -> tuple[Repo, Commit]:
    """Return the repository and the commit a call names; main where it names no revision."""
    repo = find_repo(state, call)
    return repo, find_revision(repo, call.args.get("rev") or "main")


def info(state: HubState, call: Call) -> Answer:
    """Answer `dataset_info` and its kin."""
    repo, commit = locate(state, call)
    value = describe(repo, commit, blobs=call.flag("blobs"))
    if expand := [*call.params("expand"), *call.params("expand[]")]:
        value = {k: v for k, v in value.items() if k in ("_id", "id", *expand)}
    return as_json(value)


def describe(repo: Repo, commit: Commit, *, blobs: bool = False) -> dict[str, Any]:
    """Return a repository's info as the Hub shows it at a commit."""
    card = metadata(commit)
    value: dict[str, Any] = {
        "_id": commit.oid[:24],
        "id": repo.id,
        "author": repo.id.partition("/")[0],
        "sha": commit.oid,
        "lastModified": commit.date,
        "createdAt": repo.date,
        "private": repo.private,
        "gated": "manual" if repo.gated else False,
        "disabled": False,
        "tags": tags(card),
        "downloads": 0,
        "likes": 0,
        "usedStorage": sum(len(blob.data) for blob in commit.files.values()),
        "siblings": [sibling(p, b, blobs=blobs) for p, b in sorted(commit.files.items())],
    }
    if card:
        value["cardData"] = card
    return value


def metadata(commit: Commit) -> Mapping[str, Any]:
    """Return the card's metadata at a commit; empty where there is none that can be read."""
    readme = commit.files.get("README.md")
    return (check_card(readme.data.decode("utf-8", "replace")).metadata or {}) if readme else {}


def tags(card: Mapping[str, Any]) -> list[str]:
    """Return the tags the Hub derives from a card."""
    derived = []
    for key in ("task_categories", "task_ids", "language", "license", "size_categories"):
        value = card.get(key)
        items = value if isinstance(value, list) else [] if value is None else [value]
        derived += [f"{key}:{item}" for item in items]
    own = card.get("tags")
    return derived + [str(item) for item in own] if isinstance(own, list) else derived


def sibling(path: str, blob: Blob, *, blobs: bool) -> dict[str, Any]:
    """Return a file as `siblings` lists it."""
    value: dict[str, Any] = {"rfilename": path}
    if blobs:
        value |= {"size": len(blob.data), "blobId": blob.oid}
        if blob.sha256:
            pointer = {"pointerSize": len(blob.pointer), "size": len(blob.data)}
            value["lfs"] = {"sha256": blob.sha256, **pointer}
    return value


def listing(state: HubState, call: Call) -> Answer:
    """Answer `list_datasets`: the repositories the caller may see, by author, name or tag."""
    kind = call.args["type"].removesuffix("s")
    found = []
    for repo in state.repos.values():
        author, search = call.params("author"), call.params("search")
        if repo.type != kind or not may_read(state, call, repo):
            continue
        value = describe(repo, repo.commits[repo.refs[MAIN]])
        if (author and author[0] != value["author"]) or (search and search[0] not in repo.id):
            continue
        if set(call.params("filter")) <= set(value["tags"]):
            found.append(value)
    return as_page(call, found, call.number("limit", 100), state.endpoint)


def refs(state: HubState, call: Call) -> Answer:
    """Answer `list_repo_refs`."""
    repo = find_repo(state, call)

    def under(prefix: str, keep: str = "") -> list[dict[str, str]]:
        return [
            {"name": keep + ref.removeprefix(prefix), "ref": ref, "targetCommit": oid}
            for ref, oid in repo.refs.items()
            if ref.startswith(prefix)
        ]

    value = {"branches": under("refs/heads/"), "tags": under("refs/tags/")}
    value["converts"] = under("refs/convert/")
    if call.flag("include_prs"):
        value["pullRequests"] = under("refs/pr/", "refs/pr/")
    return as_json(value)


def commits(state: HubState, call: Call) -> Answer:
    """Answer `list_repo_commits`, newest first."""
    repo, head = locate(state, call)
    value = [
        {
            "id": commit.oid,
            "title": commit.title,
            "message": commit.message,
            "authors": [{"user": commit.author, "avatar": ""}],
            "date": commit.date,
        }
        for commit in history(repo, head)
    ]
    return as_page(call, value, call.number("limit", 50), state.endpoint)


def create(state: HubState, call: Call) -> Answer:
    """Answer `create_repo`; 409 where it exists."""
    token = require_scope(call, "repo.write")
    body = call.fields()
    namespace = body.get("organization") or token.user
    kind, repo_id = body.get("type") or "model", f"{namespace}/{call.field('name')}"
    if not belongs(state, token.user, namespace):
        raise RefusedError(403, f'You don\'t have the rights to create a {kind} under the namespace "{namespace}"')
    private = body.get("visibility") == "private" or body.get("private") is True
    exists = (kind, repo_id) in state.repos
    repo = state.repos.get((kind, repo_id)) or start_repo(repo_id, kind, private=private)
    url = f"{state.endpoint}/{resource(repo)}"
    if exists:
        return as_json({"error": f"You already created this {kind} repo", "url": url}, 409)
    state.put(repo)
    return as_json({"url": url, "name": repo_id, "id": repo.commits[repo.refs[MAIN]].oid[:24]})


def create_ref(state: HubState, call: Call) -> Answer:
    """Answer `create_branch` and `create_tag`; 409 where it exists."""
    repo = find_repo(state, call)
    require_write(state, call, repo)
    if call.args["kind"] == "branch":
        ref = f"refs/heads/{call.args['rev']}"
        start = call.fields().get("startingPoint") or "main"
    else:
        ref, start = f"refs/tags/{call.field('tag')}", call.args["rev"]
    if ref in repo.refs:
        raise RefusedError(409, f"Reference already exists: {ref}")
    state.put(set_ref(repo, ref, find_revision(repo, start).oid))
    return as_json({"success": True})


def auth_check(state: HubState, call: Call) -> Answer:
    """Answer `auth_check`: may the caller read the files, or write?"""
    repo = find_repo(state, call)
    if call.args.get("write"):
        require_write(state, call, repo)
    else:
        require_files(state, call, repo)
    return as_json({})


def page(state: HubState, call: Call) -> Answer:
    """Answer the web address of a repository with a minimal page."""
    repo = find_repo(state, call)
    name = resource(repo).replace("&", "&amp;").replace("<", "&lt;")
    body = f"<!doctype html><title>{name}</title><h1>{name}</h1>\n"
    return Answer(body.encode(), 200, {"Content-Type": "text/html; charset=utf-8"})
