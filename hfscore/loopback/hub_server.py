"""The loopback Hub as tests and the demo hold it: start it, fill it, break it, look into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any, Self

from hfscore.loopback.hub_accounts import RUNNER
from hfscore.loopback.hub_faults import Drop, Fault, RequestLog
from hfscore.loopback.hub_http import HubServer
from hfscore.loopback.hub_objects import Blob, make_blob
from hfscore.loopback.hub_repos import LFS_ENDINGS, find_revision, start_repo
from hfscore.loopback.hub_store import (
    Discussion,
    Repo,
    add_commit,
    add_event,
    comment_event,
    commit_event,
    make_event,
    merge,
    open_discussion,
    set_ref,
)
from hfscore.loopback.hub_wire import Token

DEFAULT_TOKEN = "hf_loopback"  # noqa: S105 - it opens nothing but this server
# What gradio injects as the visitor's token outside a Space (gradio/oauth.py).
_GRADIO_TOKEN = "mock-oauth-token-for-local-dev"  # noqa: S105


class LoopbackHub:
    """A Hugging Face Hub on 127.0.0.1 that the real clients talk to.

    Repositories, commits, LFS, pull requests, discussions, downloads, rights, OAuth, Jobs and
    webhooks behave as on the Hub as far as its client can tell; nothing is kept on disk. Where
    the Hub's behaviour is not documented the server takes the stricter reading.

    Args:
        users: User name by token; by default one user, `maintainer`.
        orgs: Members by organisation; members may write its repositories.
    """

    def __init__(
        self, *, users: Mapping[str, str] | None = None, orgs: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        self._server = HubServer()
        self._state = self._server.state
        self._thread: Thread | None = None
        names = dict(users) if users is not None else {DEFAULT_TOKEN: "maintainer"}
        self._state.tokens.update({token: Token(name) for token, name in names.items()})
        if names:
            self._state.tokens[_GRADIO_TOKEN] = Token(next(iter(names.values())))
        self._state.orgs = {org: frozenset(members) for org, members in (orgs or {}).items()}

    def start(self) -> Self:
        """Start serving on a port that was free."""
        if self._thread is None:
            loop = {"poll_interval": 0.02}
            self._thread = Thread(target=self._server.serve_forever, kwargs=loop, daemon=True)
            self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and close every connection."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        """The address, for HF_ENDPOINT."""
        return self._state.endpoint

    @property
    def requests(self) -> RequestLog:
        """Every request answered since the last `clear`."""
        return self._server.log

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """The Jobs asked for: `namespace`, and `spec` as it was sent, secrets included."""
        return self._state.jobs

    @property
    def webhooks(self) -> list[dict[str, Any]]:
        """The webhooks that exist, as they were sent."""
        return self._state.webhooks

    def environment(self, hf_home: Path, token: str | None = DEFAULT_TOKEN) -> dict[str, str]:
        """Return the variables that make a process use this Hub and nothing else.

        They must be set before huggingface_hub is imported, which reads them once.

        Args:
            hf_home: An empty directory for the client's cache.
            token: The caller's token; None for an anonymous caller.
        """
        home = str(hf_home)
        variables = {
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": home,
            "HF_HUB_CACHE": f"{home}/hub",
            "HF_DATASETS_CACHE": f"{home}/datasets",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_IMPLICIT_TOKEN": "0",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",  # datasets would ask S3 once per load
            "HF_DATASETS_OFFLINE": "0",
            "HF_HUB_OFFLINE": "0",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }
        return variables if token is None else {**variables, "HF_TOKEN": token}

    def add_token(self, token: str, user: str, *, role: str = "write", scopes: Iterable[str] = ()) -> None:
        """Issue a token: role write, read, or fineGrained with scopes such as discussion.write."""
        with self._server.lock:
            self._state.tokens[token] = Token(user, role, frozenset(scopes))

    def revoke(self, user: str) -> None:
        """End every login of a user, as when it has expired: their tokens are not known any more."""
        with self._server.lock:
            for value in [value for value, token in self._state.tokens.items() if token.user == user]:
                del self._state.tokens[value]

    def trust(self, resource: str, repository: str) -> dict[str, str]:
        """Register a CI repository as trusted publisher of a Hub repository.

        Args:
            resource: The Hub repository, such as `datasets/owner/name`.
            repository: The CI's repository, such as `owner/name`.

        Returns:
            The variables a job of that repository sees, with this server as its token service.
        """
        with self._server.lock:
            self._state.publishers[resource] = repository
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.endpoint}{RUNNER}{repository}",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "runner",
            "HF_OIDC_RESOURCE": resource,
        }

    def create_dataset(
        self,
        repo_id: str,
        files: Mapping[str, bytes],
        *,
        private: bool = False,
        gated: bool = False,
        author: str = "maintainer",
        repo_type: str = "dataset",
    ) -> str:
        """Create a repository with its files; returns the commit's sha.

        As on the Hub, an initial commit by the system holds `.gitattributes`.
        """
        repo = start_repo(repo_id, repo_type, private=private, gated=gated)
        if files:
            repo = add_commit(repo, "refs/heads/main", _blobs(files), author=author, title="Upload dataset")
        with self._server.lock:
            if (repo_type, repo_id) in self._state.repos:
                raise ValueError(f"{repo_type} {repo_id} exists")
            self._state.put(repo)
        return repo.refs["refs/heads/main"]

    def commit(
        self,
        repo_id: str,
        files: Mapping[str, bytes | None],
        *,
        branch: str = "main",
        author: str = "maintainer",
        message: str = "Update",
        repo_type: str = "dataset",
    ) -> str:
        """Commit directly, as another person would; None deletes. Returns the commit's sha.

        A branch that does not exist starts at main. Nothing is validated.
        """
        ref = branch if branch.startswith("refs/") else f"refs/heads/{branch}"
        with self._server.lock:
            repo = self._repo(repo_id, repo_type)
            if ref not in repo.refs:
                repo = set_ref(repo, ref, repo.refs["refs/heads/main"])
            repo = add_commit(repo, ref, _blobs(files), author=author, title=message)
            if ref.startswith("refs/pr/"):
                repo = commit_event(repo, int(ref.rpartition("/")[2]))
            self._state.put(repo)
        return repo.refs[ref]

    def read(self, repo_id: str, path: str, revision: str = "main", *, repo_type: str = "dataset") -> bytes:
        """Return a file's content; KeyError where it does not exist."""
        return find_revision(self._repo(repo_id, repo_type), revision).files[path].data

    def files(self, repo_id: str, revision: str = "main", *, repo_type: str = "dataset") -> dict[str, bytes]:
        """Return every file at a revision."""
        commit = find_revision(self._repo(repo_id, repo_type), revision)
        return {path: blob.data for path, blob in sorted(commit.files.items())}

    def head(self, repo_id: str, revision: str = "main", *, repo_type: str = "dataset") -> str:
        """Return the commit a revision stands at."""
        return find_revision(self._repo(repo_id, repo_type), revision).oid

    def rename(self, old: str, new: str, *, repo_type: str = "dataset") -> None:
        """Rename a repository; the old name redirects."""
        with self._server.lock:
            repo = self._repo(old, repo_type)
            del self._state.repos[repo_type, old]
            self._state.put(replace(repo, id=new))
            self._state.renamed[repo_type, old] = new

    def grant(self, repo_id: str, user: str, *, repo_type: str = "dataset") -> None:
        """Let a user read a private or gated repository."""
        with self._server.lock:
            repo = self._repo(repo_id, repo_type)
            self._state.put(replace(repo, readers=repo.readers | {user}))

    def open_pull_request(
        self,
        repo_id: str,
        *,
        author: str,
        title: str,
        description: str,
        files: Mapping[str, bytes | None],
        repo_type: str = "dataset",
    ) -> int:
        """Open a pull request on main as any person; returns its number."""
        with self._server.lock:
            repo = self._repo(repo_id, repo_type)
            repo, num = open_discussion(
                repo, author=author, title=title, description=description, base=repo.refs["refs/heads/main"]
            )
            repo = add_commit(repo, f"refs/pr/{num}", _blobs(files), author=author, title=title)
            self._state.put(commit_event(repo, num))
        return num

    def comment(self, repo_id: str, num: int, *, author: str, text: str, repo_type: str = "dataset") -> None:
        """Comment on a discussion as any person."""
        with self._server.lock:
            repo = self._repo(repo_id, repo_type)
            self._state.put(add_event(repo, num, comment_event(author, text)))

    def discussions(self, repo_id: str, *, repo_type: str = "dataset") -> list[Discussion]:
        """Return every discussion and pull request, oldest first."""
        return list(self._repo(repo_id, repo_type).discussions.values())

    def merge(self, repo_id: str, num: int, *, author: str = "maintainer", repo_type: str = "dataset") -> str:
        """Merge a pull request; where main changed a file too, the pull request wins."""
        with self._server.lock:
            repo = merge(self._repo(repo_id, repo_type), num, author=author)
            self._state.put(repo)
        return repo.refs["refs/heads/main"]

    def close(self, repo_id: str, num: int, *, author: str = "maintainer", repo_type: str = "dataset") -> None:
        """Close a discussion or pull request."""
        event = make_event("status-change", author, {"status": "closed"})
        with self._server.lock:
            repo = self._repo(repo_id, repo_type)
            self._state.put(add_event(repo, num, event, status="closed"))

    def fail(
        self,
        method: str,
        path_regex: str,
        *,
        status: int | None = None,
        times: int = 1,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        error_code: str | None = None,
        delay_s: float = 0.0,
        drop: Drop | bool = False,
        before: Callable[[], object] | None = None,
    ) -> None:
        """Arm a fault for the next requests that match.

        Args:
            method: The HTTP method; "*" is any.
            path_regex: Searched for in the path and query as sent, percent-encoded.
            status: Answer with this status instead of serving. By default 500, unless `drop`,
                `delay_s` or `before` is given: then the request is served.
            times: How many requests it strikes.
            headers: Headers of that answer.
            body: Body of that answer; by default a JSON error.
            error_code: X-Error-Code of that answer.
            delay_s: Seconds to wait first.
            drop: "before" closes the connection without serving; "after" (or True) serves, then
                closes it: the response is lost although the change was made.
            before: Called first, when the request has arrived (to let somebody else be faster).
        """
        mishap: Drop | None = "after" if drop is True else (drop or None)
        if status is None and not (mishap or delay_s or before):
            status = 500
        fault = Fault(method, path_regex, status, headers or {}, body, error_code, delay_s, mishap, before)
        self._server.faults.arm(fault, times)

    def clear(self) -> None:
        """Disarm every fault and empty the request log; repositories stay."""
        self._server.faults.clear()
        self._server.log.clear()

    def _repo(self, repo_id: str, repo_type: str) -> Repo:
        return self._state.repos[repo_type, repo_id]


def _blobs(files: Mapping[str, bytes | None]) -> dict[str, Blob | None]:
    """Hash files as the Hub would store them by their names."""
    return {
        path: None if data is None else make_blob(data, lfs=path.endswith(LFS_ENDINGS)) for path, data in files.items()
    }
