"""Routes of discussions and pull requests."""

from __future__ import annotations

from typing import Any

from hfscore.loopback.hub_objects import unified_diff
from hfscore.loopback.hub_state import HubState, find_repo, may_write, require_scope, require_write, resource
from hfscore.loopback.hub_store import (
    MAIN,
    Discussion,
    Event,
    Repo,
    add_event,
    comment_event,
    conflicting,
    edit_comment,
    make_event,
    merge,
    now,
    open_discussion,
)
from hfscore.loopback.hub_wire import Answer, Call, RefusedError, as_json

PAGE = 10  # discussions per page
_GROUPS = {"open": ("open", "draft"), "closed": ("closed", "merged")}


def listing(state: HubState, call: Call) -> Answer:
    """Answer `get_repo_discussions`: newest first, filtered by type, status and author."""
    repo = find_repo(state, call)
    kind, status, author = (next(iter(call.params(n)), "") for n in ("type", "status", "author"))
    found = [
        discussion
        for discussion in sorted(repo.discussions.values(), key=lambda d: -d.num)
        if (kind in ("", "all") or discussion.is_pull_request == (kind == "pull_request"))
        and (status in ("", "all") or discussion.status in _GROUPS.get(status, ()))
        and author in ("", discussion.author)
    ]
    start = call.number("p", 0) * PAGE
    closed = sum(d.status in _GROUPS["closed"] for d in repo.discussions.values())
    return as_json(
        {
            "discussions": [_summary(repo, d) for d in found[start : start + PAGE]],
            "count": len(found),
            "start": start,
            "numClosedDiscussions": closed,
        }
    )


def _summary(repo: Repo, discussion: Discussion) -> dict[str, Any]:
    return {
        "num": discussion.num,
        "title": discussion.title,
        "author": {"name": discussion.author, "type": "user"},
        "repo": {"name": repo.id, "type": repo.type},
        "status": discussion.status,
        "createdAt": discussion.date,
        "isPullRequest": discussion.is_pull_request,
        "numComments": len(discussion.comments),
        "pinned": False,
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.kind,
        "createdAt": event.date,
        "author": {"name": event.author, "type": "user"},
        "data": dict(event.data),
    }


def find(state: HubState, call: Call) -> tuple[Repo, Discussion]:
    """Return the repository and the discussion a call names."""
    repo = find_repo(state, call)
    discussion = repo.discussions.get(int(call.args["num"]))
    if discussion is None:
        raise RefusedError(404, "Discussion not found")
    return repo, discussion


def details(state: HubState, call: Call) -> Answer:
    """Answer `get_discussion_details`, with the diff of a pull request where it is asked for."""
    repo, discussion = find(state, call)
    value = _summary(repo, discussion)
    value["events"] = [_event(event) for event in discussion.events]
    if discussion.is_pull_request:
        changes = {"base": MAIN}
        if discussion.merged:
            changes["mergeCommitId"] = discussion.merged
        value["changes"] = changes
        is_open = discussion.status in _GROUPS["open"]
        value["filesWithConflicts"] = conflicting(repo, discussion.num) if is_open else []
        if call.flag("diff"):
            head = repo.commits[repo.refs[f"refs/pr/{discussion.num}"]]
            value["diff"] = unified_diff(repo.commits[discussion.base].files, head.files)
    return as_json(value)


def create(state: HubState, call: Call) -> Answer:
    """Answer `create_discussion`; a pull request without a commit starts as a draft."""
    repo = find_repo(state, call)
    token = require_scope(call, "discussion.write", repo)
    title, is_pull_request = str(call.field("title")).strip(), bool(call.fields().get("pullRequest"))
    if not 3 <= len(title) <= 200:
        raise RefusedError(400, '"title" length must be between 3 and 200 characters')
    repo, number = open_discussion(
        repo,
        author=token.user,
        title=title,
        description=str(call.fields().get("description", "")),
        base=repo.refs[MAIN] if is_pull_request else "",
        status="draft" if is_pull_request else "open",
    )
    state.put(repo)
    url = f"{state.endpoint}/{resource(repo)}/discussions/{number}"
    return as_json({"num": number, "url": url, "pullRequest": is_pull_request})


def comment(state: HubState, call: Call) -> Answer:
    """Answer `comment_discussion`."""
    repo, discussion = find(state, call)
    token = require_scope(call, "discussion.write", repo)
    text = str(call.field("comment"))
    if not text.strip():
        raise RefusedError(400, '"comment" is not allowed to be empty')
    event = comment_event(token.user, text)
    state.put(add_event(repo, discussion.num, event))
    return as_json({"newMessage": _event(event)})


def edit(state: HubState, call: Call) -> Answer:
    """Answer `edit_discussion_comment` and `hide_discussion_comment`; only the writer may edit."""
    repo, discussion = find(state, call)
    token = require_scope(call, "discussion.write", repo)
    event = next((e for e in discussion.events if e.id == call.args["event"]), None)
    if event is None or event.kind != "comment":
        raise RefusedError(404, "Comment not found")
    hide = call.args["action"] == "hide"
    if event.author != token.user and not (hide and may_write(state, call, repo)):
        raise RefusedError(403, "Only the author of a comment may change it.")
    text = "" if hide else str(call.field("content"))
    latest = {**event.data["latest"], "raw": text, "updatedAt": now(), "author": {"name": token.user}}
    repo = edit_comment(repo, discussion.num, event.id, latest=latest, hidden=hide)
    state.put(repo)
    after = next(e for e in repo.discussions[discussion.num].events if e.id == event.id)
    return as_json({"updatedComment": _event(after)})


def _own(state: HubState, call: Call) -> tuple[Repo, Discussion, str]:
    """Return a discussion that the caller opened, or whose repository they may write."""
    repo, discussion = find(state, call)
    token = require_scope(call, "discussion.write", repo)
    if discussion.author != token.user:
        require_write(state, call, repo)
    return repo, discussion, token.user


def _say(repo: Repo, call: Call, number: int, user: str) -> Repo:
    text = str(call.fields().get("comment") or "")
    return add_event(repo, number, comment_event(user, text)) if text else repo


def status(state: HubState, call: Call) -> Answer:
    """Answer `change_discussion_status`."""
    repo, discussion, user = _own(state, call)
    new = str(call.field("status"))
    if new not in ("open", "closed") or discussion.status == "merged":
        raise RefusedError(400, f"A {discussion.status} discussion cannot become {new}.")
    repo = _say(repo, call, discussion.num, user)
    event = make_event("status-change", user, {"status": new})
    state.put(add_event(repo, discussion.num, event, status=new))
    return as_json({"newStatus": _event(event)})


def title(state: HubState, call: Call) -> Answer:
    """Answer `rename_discussion`."""
    repo, discussion, user = _own(state, call)
    new = str(call.field("title"))
    event = make_event("title-change", user, {"from": discussion.title, "to": new})
    state.put(add_event(repo, discussion.num, event, title=new))
    return as_json({"newTitle": _event(event)})


def merge_pull_request(state: HubState, call: Call) -> Answer:
    """Answer `merge_pull_request`; refused where both sides changed a file."""
    repo, discussion = find(state, call)
    require_write(state, call, repo)
    if not discussion.is_pull_request or discussion.status not in _GROUPS["open"]:
        raise RefusedError(400, f"A {discussion.status} discussion cannot be merged.")
    if paths := conflicting(repo, discussion.num):
        raise RefusedError(409, f"There are conflicts in {', '.join(paths)}.")
    repo = _say(repo, call, discussion.num, call.user)
    state.put(merge(repo, discussion.num, author=call.user))
    return as_json({})
