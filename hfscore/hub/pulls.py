"""Who we are, and which pull requests are ours.

Ours is a pull request that our own account opened, whose description carries our marker and that
touches the card and `.hfscore/` only. Whatever is not proven to be ours is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from huggingface_hub import Discussion, DiscussionComment, DiscussionCommit, DiscussionWithDetails

from hfscore.errors import HubError
from hfscore.hub.client import Remote
from hfscore.hub.repo import README, SIDE_FOLDER

MARKER = "<!-- hfscore:pull-request v1 -->"
TITLE_ADD = "Add a reasoning-quality section to the card"
TITLE_UPDATE = "Update the reasoning-quality section of the card"

# What a trusted publisher's token does is signed by this account of the Hub itself, the one that
# signs every repository's initial commit (seen on huggingface.co; not documented). No person can
# hold the name.
SYSTEM_AUTHOR = "system"

CLOSED_LOOKED_AT = 5
_WRITING_ROLES = frozenset({"admin", "write"})


@dataclass(frozen=True, slots=True)
class Me:
    """The token's owner.

    Args:
        name: Account name; the Hub's own for a trusted publisher.
        writes: Users and organisations under whose names the account may write.
        read_only: Whether the token may only read, whatever the account may do.
    """

    name: str
    writes: frozenset[str] = field(default_factory=frozenset)
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request of ours.

    Args:
        number: Its number.
        url: Its page.
        status: "open", "closed" (declined) or "merged".
        shared: Whether somebody else has committed to its branch.
        conflicts: Files that cannot be merged; a reason in words where the Hub does not name them.
    """

    number: int
    url: str
    status: Literal["open", "closed", "merged"]
    shared: bool
    conflicts: tuple[str, ...]

    @property
    def ref(self) -> str:
        """The branch of the pull request."""
        return f"refs/pr/{self.number}"


def who(remote: Remote) -> Me:
    """Ask who the token's owner is; a trusted publisher's token is known without asking.

    Raises:
        HubError: There is no token, or it is read-only.
    """
    if remote.token is None:
        raise HubError("Publishing needs a token.", "Log in with `hf auth login`, or set HF_TOKEN.")
    if remote.oidc:
        return Me(SYSTEM_AUTHOR, frozenset({_owner(remote.id)}))
    answer: Mapping[str, Any] = remote.ask(lambda: remote.api.whoami(remote.token))
    role = str(((answer.get("auth") or {}).get("accessToken") or {}).get("role") or "")
    orgs = {str(org["name"]) for org in answer.get("orgs") or [] if org.get("roleInOrg") in _WRITING_ROLES}
    name = str(answer.get("name") or "")
    if not name:
        raise HubError("The Hub does not say whose token this is.", "Try another token.")
    return Me(name, frozenset({name, *orgs}), read_only=role == "read")


def may_write(me: Me, repo_id: str) -> bool:
    """Whether the account is known to maintain a dataset. False also where that is not known."""
    return _owner(repo_id).lower() in {name.lower() for name in me.writes}


def _owner(repo_id: str) -> str:
    return repo_id.split("/")[0]


def ours(remote: Remote, me: Me) -> Iterator[Pull]:
    """Our pull requests, the open ones first and of those the newest first.

    Details are asked for one by one, as the caller goes on. Of the account's closed pull requests
    only the last few are looked at, and only those whose branch still exists.
    """

    def search() -> list[Discussion]:
        return list(
            remote.api.get_repo_discussions(
                remote.id, discussion_type="pull_request", author=me.name, repo_type="dataset"
            )
        )

    found = sorted(remote.ask(search), key=lambda one: -one.num)
    past = [one for one in found if not _is_open(one)][:CLOSED_LOOKED_AT]
    refs = set(_refs(remote)) if past else set()
    for one in [one for one in found if _is_open(one)] + past:
        pull = read_pull(remote, me, one.num)
        if pull is not None and (pull.status == "open" or pull.ref in refs):
            yield pull


def _refs(remote: Remote) -> list[str]:
    """The branches of all pull requests, closed ones included until they are deleted."""
    refs = remote.ask(lambda: remote.api.list_repo_refs(remote.id, repo_type="dataset", include_pull_requests=True))
    return [ref.ref for ref in refs.pull_requests or []]


def read_pull(remote: Remote, me: Me, number: int) -> Pull | None:
    """A pull request, if it is proven to be ours."""
    details = remote.ask(lambda: remote.api.get_discussion_details(remote.id, number, repo_type="dataset"))
    if details.author != me.name or not _is_described_by_us(details, me):
        return None
    if not only_our_files(details.diff):
        return None
    conflicts = details.conflicting_files or ()
    return Pull(
        number=details.num,
        url=details.url,
        status="open" if details.status == "draft" else details.status,
        shared=any(e.author != me.name for e in details.events if isinstance(e, DiscussionCommit)),
        conflicts=("some files",) if conflicts is True else tuple(conflicts),
    )


def _is_open(one: Discussion) -> bool:
    return one.status in ("open", "draft")


def _is_described_by_us(details: DiscussionWithDetails, me: Me) -> bool:
    comments = (event for event in details.events if isinstance(event, DiscussionComment))
    first = next(comments, None)
    return first is not None and first.author == me.name and MARKER in first.content.splitlines()


def only_our_files(diff: str | None) -> bool:
    """Whether a git diff touches README.md and `.hfscore/` only. False where it says nothing."""
    heads = [line for line in (diff or "").split("\n") if line.startswith("diff --git ")]
    return bool(heads) and all(_is_ours(head.removeprefix("diff --git ")) for head in heads)


def _is_ours(paths: str) -> bool:
    """Whether `a/PATH b/PATH` names one path of ours twice; a rename names two, a quoted one none."""
    path = paths[2 : 2 + (len(paths) - len("a/ b/")) // 2]
    return paths == f"a/{path} b/{path}" and (path == README or path.startswith(SIDE_FOLDER))
