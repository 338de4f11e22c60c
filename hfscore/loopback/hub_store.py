"""A tiny git with discussions: frozen values, and pure functions that return the next value.

Knows commits, refs, pull requests and their events; knows no HTTP, no users and no rights.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from hfscore.loopback.hub_objects import Blob, Changes, Files, changed, folder_oids, git_oid, oid_of

MAIN = "refs/heads/main"


@dataclass(frozen=True, slots=True)
class Commit:
    """A snapshot of all files; `parent` is empty for the first commit."""

    oid: str
    files: Files
    parent: str
    author: str
    title: str
    message: str
    date: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a discussion; `data` is what the Hub sends for its kind."""

    id: str
    kind: str
    author: str
    date: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Discussion:
    """A discussion or pull request; `base` is the commit from which a pull request was opened."""

    num: int
    title: str
    author: str
    status: str
    is_pull_request: bool
    date: str
    base: str = ""
    merged: str = ""
    events: tuple[Event, ...] = ()

    @property
    def comments(self) -> tuple[str, ...]:
        """The text of every comment, the description first."""
        return tuple(e.data["latest"]["raw"] for e in self.events if e.kind == "comment")

    @property
    def description(self) -> str:
        """The first comment: what the author wrote when opening."""
        return next(iter(self.comments), "")


@dataclass(frozen=True, slots=True)
class Repo:
    """A repository; `type` is model, dataset or space, refs have their full names."""

    id: str
    type: str
    private: bool
    gated: bool
    date: str
    commits: Mapping[str, Commit] = field(default_factory=dict)
    refs: Mapping[str, str] = field(default_factory=dict)
    discussions: Mapping[int, Discussion] = field(default_factory=dict)
    readers: frozenset[str] = frozenset()


def now() -> str:
    """Return the time as the Hub writes it, in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_repo(repo_id: str, repo_type: str, *, private: bool = False, gated: bool = False) -> Repo:
    """Return a repository without commits."""
    return Repo(repo_id, repo_type, private, gated, now())


def find_commit(repo: Repo, revision: str) -> Commit | None:
    """Resolve a branch, a tag, a full ref or a commit id (at least 7 digits of it)."""
    for ref in (revision, f"refs/heads/{revision}", f"refs/tags/{revision}"):
        if ref in repo.refs:
            return repo.commits[repo.refs[ref]]
    matches = [oid for oid in repo.commits if len(revision) >= 7 and oid.startswith(revision)]
    return repo.commits[matches[0]] if len(matches) == 1 else None


def history(repo: Repo, head: Commit) -> list[Commit]:
    """Return a commit and its ancestors, newest first."""
    commits = [head]
    while commits[-1].parent:
        commits.append(repo.commits[commits[-1].parent])
    return commits


def last_change(repo: Repo, head: Commit, path: str) -> Commit:
    """Return the newest commit at or before `head` that touched a file or folder."""
    for commit in history(repo, head):
        before = repo.commits[commit.parent].files if commit.parent else {}
        if any(p == path or p.startswith(path + "/") for p in changed(before, commit.files)):
            return commit
    return head


def add_commit(
    repo: Repo, ref: str, changes: Changes, *, author: str, title: str, message: str = "", parent: str | None = None
) -> Repo:
    """Commit changes on top of a ref and move the ref there.

    Args:
        repo: The repository.
        ref: The full name of the ref to move; it need not exist yet.
        changes: New content by path; None deletes.
        author: Who commits.
        title: First line of the commit message.
        message: The rest of it.
        parent: Commit to build on; by default where the ref stands, or nothing.
    """
    parent = repo.refs.get(ref, "") if parent is None else parent
    files = dict(repo.commits[parent].files) if parent else {}
    for path, blob in changes.items():
        files.pop(path, None)
        if blob is not None:
            files[path] = blob
    date = now()
    root = folder_oids(files)[""]
    text = f"tree {root}\nparent {parent}\nauthor {author} {date}\n\n{title}\n\n{message}\n"
    commit = Commit(git_oid("commit", text.encode()), files, parent, author, title, message, date)
    return replace(repo, commits={**repo.commits, commit.oid: commit}, refs={**repo.refs, ref: commit.oid})


def set_ref(repo: Repo, ref: str, oid: str) -> Repo:
    """Point a ref to a commit."""
    return replace(repo, refs={**repo.refs, ref: oid})


def open_discussion(
    repo: Repo, *, author: str, title: str, description: str, base: str = "", status: str = "open"
) -> tuple[Repo, int]:
    """Open a discussion, or a pull request where a base commit is given.

    Discussions and pull requests share one sequence of numbers, as on the Hub.
    """
    num = max(repo.discussions, default=0) + 1
    opened = Discussion(num, title, author, status, bool(base), now(), base)
    repo = replace(repo, discussions={**repo.discussions, num: opened})
    if base:
        repo = set_ref(repo, f"refs/pr/{num}", base)
    return add_event(repo, num, comment_event(author, description)), num


def add_event(repo: Repo, num: int, event: Event, **updates: Any) -> Repo:
    """Append an event to a discussion and set the fields named in `updates`."""
    before = repo.discussions[num]
    after = replace(before, events=(*before.events, event), **updates)
    return replace(repo, discussions={**repo.discussions, num: after})


def make_event(kind: str, author: str, data: Mapping[str, Any]) -> Event:
    """Return an event that happens now."""
    return Event(secrets.token_hex(12), kind, author, now(), data)


def comment_event(author: str, text: str) -> Event:
    """Return a new comment, in the shape the Hub sends."""
    latest = {"raw": text, "html": "", "updatedAt": now(), "author": {"name": author}}
    data = {"edited": False, "hidden": False, "latest": latest, "history": [], "numEdits": 0}
    return make_event("comment", author, data)


def edit_comment(repo: Repo, num: int, event_id: str, **data: Any) -> Repo:
    """Change a comment's data (`latest`, `hidden`); the previous text goes to its history."""
    discussion = repo.discussions[num]

    def edited(event: Event) -> Event:
        if event.id != event_id:
            return event
        past = [*event.data["history"], event.data["latest"]]
        return replace(event, data={**event.data, "edited": True, "history": past, **data})

    after = replace(discussion, events=tuple(map(edited, discussion.events)))
    return replace(repo, discussions={**repo.discussions, num: after})


def commit_event(repo: Repo, num: int) -> Repo:
    """Note in a pull request that its ref moved to a new commit."""
    head = repo.commits[repo.refs[f"refs/pr/{num}"]]
    data = {"subject": head.title, "oid": head.oid}
    return add_event(repo, num, make_event("commit", head.author, data))


def proposed(repo: Repo, num: int) -> dict[str, Blob | None]:
    """Return the changes that a pull request makes to the commit it was opened from."""
    base = repo.commits[repo.discussions[num].base]
    return changed(base.files, repo.commits[repo.refs[f"refs/pr/{num}"]].files)


def conflicting(repo: Repo, num: int) -> list[str]:
    """Return the paths that main and the pull request both changed, differently."""
    main = repo.commits[repo.refs[MAIN]].files
    ours = changed(repo.commits[repo.discussions[num].base].files, main)
    theirs = proposed(repo, num)
    same = {p for p in ours if p in theirs and oid_of(ours[p]) == oid_of(theirs[p])}
    return sorted((ours.keys() & theirs.keys()) - same)


def merge(repo: Repo, num: int, *, author: str) -> Repo:
    """Apply a pull request's files to main; where both changed a file, the pull request wins."""
    title = f"{repo.discussions[num].title} (#{num})"
    repo = add_commit(repo, MAIN, proposed(repo, num), author=author, title=title)
    event = make_event("status-change", author, {"status": "merged"})
    return add_event(repo, num, event, status="merged", merged=repo.refs[MAIN])
