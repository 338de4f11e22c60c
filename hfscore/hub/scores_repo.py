"""Publishes scores row by row as a dataset of their own, beside the dataset they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

from hfscore.card import splice
from hfscore.errors import CardError, HubError
from hfscore.hub.client import Patience, Remote, connect, require_token
from hfscore.hub.push import Outcome
from hfscore.hub.repo import README, Content, Head, changed, commit, read_file, read_head

SCORES_KEY = "scores_of"
"""The key in a card's `hfscore:` block that names the dataset whose scores a dataset holds."""

_TITLE = "Publish reasoning scores"


def scores_of(card: bytes, key: str = SCORES_KEY) -> str | None:
    """The dataset whose scores (or selection, by `key`) a card says it holds, or None if it is no card of ours."""
    try:
        identity = splice.read_identity(card)
    except CardError:
        return None
    return str(identity[key]) if identity and key in identity else None


def publish_scores(
    scores_repo_id: str,
    files: Mapping[str, Content],
    card: bytes,
    *,
    private: bool,
    key: str = SCORES_KEY,
    title: str = _TITLE,
    replaces: Sequence[str] = (),
    token: str | None = None,
    patience: Patience | None = None,
) -> Outcome:
    """Write scores into a dataset repository, which is created where it does not exist.

    Args:
        scores_repo_id: "owner/name" of the scores.
        files: Path -> content.
        card: README.md; its `hfscore:` block names under `scores_of` what the scores are about.
        private: Whether the scores must be private, as they must where the source is private or gated.
        key: The key that names what the repository is about, and tells whether an existing one may be overwritten.
        title: First line of the commit.
        replaces: Files of an earlier one, deleted where they are there and not among `files`.
        token: Token of the Hub; None for the one that is logged in.
        patience: How long to wait for the Hub in all.

    Returns:
        "committed" with one commit, or "unchanged".

    Raises:
        CardError: The card names no dataset.
        HubError: The repository holds something else or is too public, or the Hub refused.
    """
    about = scores_of(card, key)
    if about is None:
        raise CardError(f"The card of {scores_repo_id} does not say whose scores they are.")
    remote = connect(scores_repo_id, token, patience)
    require_token(remote)
    sent: list[str] = []

    def attempt() -> Outcome:
        head = _head_or_new(remote, private=private)
        _check_may_overwrite(remote, head, about, key, private=private)
        todo = changed(remote, head.sha, {**files, README: card})
        gone = [path for path in replaces if path in head.oids and path not in files]
        if not todo and not gone:
            return Outcome("committed" if sent else "unchanged", remote.url, head.sha)
        sent.append(head.sha)
        done = commit(remote, todo, onto="main", parent=head.sha, title=title, gone=gone)
        return Outcome("committed", done.commit_url, done.oid)

    return remote.ask(attempt, "create")


def check(repo_id: str, key: str, *, token: str | None = None) -> None:
    """Refuse a dataset that holds something else, where it is there already.

    Raises:
        HubError: It does, or nobody is logged in.
    """
    remote = connect(repo_id, token)
    require_token(remote)
    head = _head(remote)
    if head is None:
        return
    if head.oids.keys() - {".gitattributes"} and scores_of(read_file(remote, head.sha, README) or b"", key) is None:
        raise HubError(f"{remote.id} exists and was not written by hfscore.", "Choose another name.")


def _head(remote: Remote) -> Head | None:
    """The head of a dataset; None where there is none. A gated one is there, though it may look as if not."""
    try:
        return read_head(remote)
    except HubError as fault:
        if isinstance(fault.__cause__, RepositoryNotFoundError) and not isinstance(fault.__cause__, GatedRepoError):
            return None
        raise


def _head_or_new(remote: Remote, *, private: bool) -> Head:
    if (head := _head(remote)) is not None:
        return head
    # Left open where it may be public: an organisation's own default then decides.
    remote.api.create_repo(remote.id, repo_type="dataset", private=private or None, exist_ok=True)
    return read_head(remote)


def _check_may_overwrite(remote: Remote, head: Head, about: str, key: str, *, private: bool) -> None:
    """Refuse a repository that is not ours to overwrite, or that shows too much."""
    if private and not head.private:
        raise HubError(
            f"{remote.id} is public, but {about} is not.",
            f"Make it private in {remote.url}/settings, or choose another name.",
        )
    if not head.oids.keys() - {".gitattributes"}:
        return
    there = scores_of(read_file(remote, head.sha, README) or b"", key)
    if there != about:
        what = f"holds the {key.replace('_', ' ')} {there}" if there else "was not written by hfscore"
        raise HubError(f"{remote.id} exists and {what}.", "Choose another name.")
