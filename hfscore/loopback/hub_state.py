"""Everything one loopback Hub remembers, and who may read and write it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfscore.loopback.hub_store import Repo
from hfscore.loopback.hub_wire import ANONYMOUS, Call, RefusedError, Token

# The Hub's user behind a trusted publisher's token; its name on the live Hub is not documented.
SYSTEM_USER = "system"


@dataclass(slots=True)
class HubState:
    """The Hub's memory; changed only while the server holds its lock."""

    endpoint: str
    tokens: dict[str, Token]
    orgs: Mapping[str, Iterable[str]]
    repos: dict[tuple[str, str], Repo] = field(default_factory=dict)
    renamed: dict[tuple[str, str], str] = field(default_factory=dict)
    lfs: dict[str, bytes] = field(default_factory=dict)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    webhooks: list[dict[str, Any]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    publishers: dict[str, str] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)

    def put(self, repo: Repo) -> None:
        """Store the next value of a repository."""
        self.repos[repo.type, repo.id] = repo


def resource(repo: Repo) -> str:
    """Return a repository's path on the Hub, such as `datasets/owner/name`."""
    return repo.id if repo.type == "model" else f"{repo.type}s/{repo.id}"


def belongs(state: HubState, user: str, namespace: str) -> bool:
    """Say whether a namespace is the user's own or that of an organisation they are in."""
    return bool(user) and (user == namespace or user in state.orgs.get(namespace, ()))


def may_write(state: HubState, call: Call, repo: Repo) -> bool:
    """Say whether the caller may commit to a repository's branches."""
    token = call.token
    if token is None or not token.has("repo.write"):
        return False
    if token.resource:
        return token.resource == resource(repo)
    return belongs(state, token.user, repo.id.partition("/")[0])


def may_read(state: HubState, call: Call, repo: Repo) -> bool:
    """Say whether the caller may know that a repository exists."""
    if not repo.private or may_write(state, call, repo) or call.user in repo.readers:
        return True
    return belongs(state, call.user, repo.id.partition("/")[0])


def find_repo(state: HubState, call: Call) -> Repo:
    """Return the repository a call names.

    Raises:
        RefusedError: 307 for an old name; 404 (401 for anonymous callers, who are not told the
            difference) for one that is missing or that the caller may not see.
    """
    kind = call.args.get("type") or "models"
    key = (kind.removesuffix("s"), call.args["id"])
    if key in state.renamed:
        old, new = f"/{key[1]}", f"/{state.renamed[key]}"
        location = call.path.replace(old, new, 1) + (f"?{call.query}" if call.query else "")
        raise RefusedError(307, "The repository was renamed.", headers={"Location": location})
    repo = state.repos.get(key)
    if repo is None or not may_read(state, call, repo):
        status, message = (404, "Repository not found") if call.token else (401, ANONYMOUS)
        # The live Hub leaves the code out of the 401; its client then recognises
        # the address, but only behind https.
        raise RefusedError(status, message, "RepoNotFound")
    return repo


def require_files(state: HubState, call: Call, repo: Repo) -> None:
    """Refuse a caller who has not been granted access to a gated repository's files."""
    if not repo.gated or may_write(state, call, repo) or call.user in repo.readers:
        return
    if belongs(state, call.user, repo.id.partition("/")[0]):
        return
    message = f"Access to {repo.type} {repo.id} is restricted"
    if call.token is None:
        message += ". You must have access to it and be authenticated to access it. Please log in."
        raise RefusedError(401, message, "GatedRepo")
    message += f" and you are not in the authorized list. Visit {state.endpoint}/{resource(repo)} to ask for access."
    raise RefusedError(403, message, "GatedRepo")


def require_user(call: Call) -> Token:
    """Return the caller's token.

    Raises:
        RefusedError: 401 for an anonymous caller.
    """
    if call.token is None:
        raise RefusedError(401, ANONYMOUS)
    return call.token


def require_scope(call: Call, scope: str, repo: Repo | None = None) -> Token:
    """Return the caller's token if it carries a scope and is not limited to another repository.

    Raises:
        RefusedError: 401 for an anonymous caller, 403 where the token forbids it.
    """
    token = require_user(call)
    elsewhere = repo is not None and token.resource not in ("", resource(repo))
    if elsewhere or not token.has(scope):
        raise RefusedError(403, "Authorization error.")
    return token


def require_write(state: HubState, call: Call, repo: Repo, *, create_pr: bool = False) -> None:
    """Refuse a caller who may not commit here (or not even propose a commit).

    Raises:
        RefusedError: 401 or 403, with the Hub's hint where a pull request would be possible.
    """
    token = require_user(call)
    if may_write(state, call, repo):
        return
    wanted = "discussion.write" if create_pr else "repo.write"
    if token.resource or not (token.has(wanted) or token.has("repo.write")):
        raise RefusedError(403, "Authorization error.")
    if not create_pr:
        raise RefusedError(403, "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request.")
