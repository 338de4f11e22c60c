"""Whether a dataset's card still tells the truth about the data: one look, nothing written."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hfscore.card import splice
from hfscore.errors import HubError
from hfscore.hub import pulls
from hfscore.hub.client import Patience, Remote, connect
from hfscore.hub.repo import README, data_fingerprint, read_file, read_head

State = Literal["fresh", "stale", "none", "pending"]


@dataclass(frozen=True, slots=True)
class Status:
    """How a dataset's section stands to its data.

    Args:
        state: "fresh", "stale", "none", or "pending": an open pull request of ours holds a fresh one.
        why: One sentence.
        identity: What the section says of itself, or None.
        ref: "main" or the pull request's branch that holds it, or None.
        url: Page of the dataset or of the pull request.
        fingerprint: Of the data as it stands now.
    """

    state: State
    why: str
    identity: Mapping[str, Any] | None
    ref: str | None
    url: str
    fingerprint: str


def status(
    repo_id: str,
    *,
    token: str | None = None,
    settings_hash: str | None = None,
    patience: Patience | None = None,
) -> Status:
    """Compare what the card says was measured with the data that stands there.

    The card's own changes do not count: what counts are the data files and, if given, the settings.

    Args:
        repo_id: "owner/name".
        token: Token of the Hub; None for the one that is logged in. Without one, the pull requests that
            count are those of the dataset's owner and of trusted publishers.
        settings_hash: "sha256:..." of the settings that would be used now; None takes any.
        patience: How long to wait for the Hub in all.

    Raises:
        CardError: The card's own block cannot be read.
        HubError: The Hub refused, or could not be reached.
    """
    remote = connect(repo_id, token, patience)
    head = read_head(remote, oids=True)
    data = data_fingerprint(head)
    if data is None:
        raise HubError(
            f"The Hub does not state the ids of all files of {repo_id}.",
            "Whether its data has changed cannot be told.",
        )
    card = read_file(remote, head.sha, README) or b""
    if splice.hands_off(card):
        return Status("none", "The card says `hfscore: false`.", None, None, remote.url, data)
    identity = splice.read_identity(card)
    why = outdated(identity, data, settings_hash)
    if why is None:
        return Status("fresh", "The section fits the data.", identity, "main", remote.url, data)
    for pull in _proposed(remote):
        there = read_head(remote, pull.ref)
        proposed = splice.read_identity(read_file(remote, there.sha, README) or b"")
        if outdated(proposed, data, settings_hash) is None:
            sentence = f"A section that fits the data waits in {pull.url}."
            return Status("pending", sentence, proposed, pull.ref, pull.url, data)
    if identity is None:
        return Status("none", why, None, None, remote.url, data)
    return Status("stale", why, identity, "main", remote.url, data)


def _proposed(remote: Remote) -> Iterator[pulls.Pull]:
    """The open pull requests whose section can be believed: our own, or without a token those of the maintainers."""
    owner = remote.id.split("/")[0]
    authors = [pulls.Me(pulls.SYSTEM_AUTHOR), pulls.Me(owner)] if remote.token is None else [pulls.who(remote)]
    for me in authors:
        yield from itertools.takewhile(lambda pull: pull.status == "open", pulls.ours(remote, me))


def is_restricted(repo_id: str, *, token: str | None = None, patience: Patience | None = None) -> bool:
    """Whether not everybody may read a dataset's files: it is private or gated.

    Raises:
        HubError: The Hub refused, or could not be reached.
    """
    head = read_head(connect(repo_id, token, patience))
    return head.private or head.gated


def outdated(identity: Mapping[str, Any] | None, data: str, settings_hash: str | None) -> str | None:
    """Why a section does not fit, one sentence; None if it fits."""
    if identity is None:
        return "The card has no section."
    if identity.get("data_fingerprint") != data:
        return "The data files have changed since they were measured."
    if settings_hash is not None and identity.get("settings") != settings_hash:
        return "The section was measured with other settings."
    return None
