"""Publishes the section: reads the card where it stands, splices, commits on top of what was read.

Every try starts by looking at what is there, so that a try whose answer was lost, a commit of
somebody else in between and a second run all come out the same: once, and on top of the others' work.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from hfscore.card import splice
from hfscore.errors import HubError
from hfscore.hub import pulls
from hfscore.hub.client import Patience, Remote, connect, require_token
from hfscore.hub.pulls import MARKER, TITLE_ADD, TITLE_UPDATE, Me, Pull
from hfscore.hub.repo import (
    README,
    REPO_YAML,
    Content,
    changed,
    commit,
    metadata_errors,
    read_file,
    read_head,
)
from hfscore.hub.side_files import check_not_data, check_paths

Action = Literal["opened", "updated", "committed", "unchanged", "dry-run"]

DESCRIPTION = f"""\
This adds a section to the dataset card with measurements of the reasoning traces in this dataset, \
and the same numbers in machine-readable form: a block `hfscore:` in the card's metadata, and files \
in the folder `.hfscore/`, which data loaders leave out.

Nothing else in the card and no data was changed. The section says how everything was measured and \
how to repeat it.

Not wanted? Close this pull request. To decline for good, put `hfscore: false` into the card's metadata.

{MARKER}
"""


@dataclass(frozen=True, slots=True)
class Push:
    """What is to be published.

    Args:
        repo_id: "owner/name".
        section: The section of the card's body, Markdown.
        identity: What goes under `hfscore:` in the card's metadata.
        side_files: Path below `.hfscore/` -> content.
        commit_message: One line; None for our own.
    """

    repo_id: str
    section: str
    identity: Mapping[str, Any]
    side_files: Mapping[str, bytes] = field(default_factory=dict)
    commit_message: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done.

    Args:
        action: "opened" or "updated" a pull request, "committed" to main, "unchanged", "dry-run".
        url: Page of the pull request or commit; of the dataset where nothing was changed there.
        revision: Commit that holds the section now, or None.
        diff: Unified diff of README.md; text of the card, so not safe to print as it is.
        notes: What the user should know, whole sentences.
    """

    action: Action
    url: str | None
    revision: str | None
    diff: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one try has found and means to do; nothing if `files` is empty."""

    ref: str
    parent: str
    before: bytes
    after: bytes
    files: Mapping[str, Content]
    pull: Pull | None = None
    notes: tuple[str, ...] = ()


def push(
    p: Push,
    *,
    create_pr: bool = True,
    dry_run: bool = False,
    allow_foreign: bool = False,
    token: str | None = None,
    patience: Patience | None = None,
) -> Outcome:
    """Publish the section in a dataset's card.

    Args:
        p: What to publish.
        create_pr: Open or update a pull request; False commits to main.
        dry_run: Read everything, write nothing.
        allow_foreign: Open a pull request also on a dataset that the token's owner does not
            maintain, as far as the Hub tells.
        token: Token of the Hub; None for the one that is logged in.
        patience: How long to wait for the Hub in all.

    Raises:
        CardError: The section cannot be spliced safely, or the card declines it.
        ConflictError: The branch moved more often than we tried.
        HubError: The Hub refused, or could not be reached.
    """
    check_paths(p.side_files)
    remote = connect(p.repo_id, token, patience)
    if not dry_run:
        require_token(remote)
    me = pulls.who(remote) if create_pr and remote.token else None
    if me and not (dry_run or allow_foreign or pulls.may_write(me, p.repo_id)):
        raise HubError(
            f"{me.name} does not maintain {p.repo_id}, as far as the Hub tells.",
            "Ask its maintainers first; to open a pull request anyway: --allow-foreign.",
        )
    sent: list[_Plan] = []  # what was sent without an answer: it may have arrived

    def attempt() -> Outcome:
        plan = _look(remote, p, me)
        if not plan.files:
            return _nothing_left(remote, plan, sent)
        _check_metadata(remote, plan)
        if dry_run:
            url = plan.pull.url if plan.pull else None
            return Outcome("dry-run", url, None, _diff(plan), plan.notes)
        sent.append(plan)
        return _write(remote, p, plan, me)

    if dry_run:
        return remote.ask(attempt)
    return remote.ask(attempt, "propose" if create_pr else "commit")


def _look(remote: Remote, p: Push, me: Me | None) -> _Plan:
    """Read what stands there now, and plan what is left to do.

    Args:
        remote: The dataset.
        p: What to publish.
        me: Whose pull requests to look for; None looks at main only.
    """
    head = read_head(remote)
    before = read_file(remote, head.sha, README) or b""
    plan = _plan(remote, p, "main", head.sha, before, before)
    if p.side_files:
        repo_yaml = read_file(remote, head.sha, REPO_YAML) if REPO_YAML in head.oids else None
        check_not_data(plan.after, repo_yaml)
    if not plan.files or me is None:
        return plan
    for pull in pulls.ours(remote, me):
        there = read_head(remote, pull.ref)
        card = read_file(remote, there.sha, README) or b""
        if pull.status == "open":
            # Main's text wins, unless somebody has worked on the branch: then theirs stays.
            found = _plan(remote, p, pull.ref, there.sha, card, card if pull.shared else before)
            return replace(found, pull=pull)
        if pull.status == "closed" and _spliced(card, p) == card:
            note = f"A pull request with this very section was closed: {pull.url}"
            return replace(plan, files={}, pull=pull, notes=(note,))
        break  # only the latest answer counts
    return plan


def _spliced(card: bytes, p: Push) -> bytes:
    return splice.splice(card, section=p.section, identity=p.identity)


def _plan(remote: Remote, p: Push, ref: str, sha: str, before: bytes, base: bytes) -> _Plan:
    """Plan to turn what a commit holds into a base card with our section."""
    after = _spliced(base, p)
    files = dict(changed(remote, sha, p.side_files)) if p.side_files else {}
    if after != before:
        files[README] = after
    return _Plan(ref, sha, before, after, files)


def _check_metadata(remote: Remote, plan: _Plan) -> None:
    """Refuse a card that the Hub would refuse, and say whose fault it is."""
    if README not in plan.files:
        return
    wrong = metadata_errors(remote, plan.after)
    if not wrong:
        return
    already = metadata_errors(remote, plan.before) if plan.before else []
    if already:
        raise HubError(
            f"The card of {remote.id} was invalid before hfscore touched it: {'; '.join(already)}",
            "Mend the card's metadata first, then push again.",
        )
    raise HubError(
        f"The Hub does not accept the card with the section: {'; '.join(wrong)}",
        "This is a fault of hfscore: please report it. Nothing was written.",
    )


def _write(remote: Remote, p: Push, plan: _Plan, me: Me | None) -> Outcome:
    """Send the one commit that a plan is about: to main, to a pull request, or as a new one."""
    opening = me is not None and plan.pull is None
    title = TITLE_ADD if splice.read_identity(plan.before) is None else TITLE_UPDATE
    done = commit(
        remote,
        plan.files,
        onto=plan.ref,
        parent=plan.parent,
        title=" ".join((p.commit_message or title).split())[:200],
        description=DESCRIPTION if opening else "",
        create_pr=opening,
    )
    if opening:
        return Outcome("opened", done.pr_url, done.oid, _diff(plan), plan.notes)
    if me is None or plan.pull is None:
        return Outcome("committed", done.commit_url, done.oid, _diff(plan), plan.notes)
    after = pulls.read_pull(remote, me, plan.pull.number)
    notes = plan.notes
    if after and after.conflicts:
        notes += (
            f"{after.url} cannot be merged as it is ({', '.join(after.conflicts)}): "
            "close it and push again, and a new one will start from main.",
        )
    return Outcome("updated", plan.pull.url, done.oid, _diff(plan), notes)


def _nothing_left(remote: Remote, plan: _Plan, sent: list[_Plan]) -> Outcome:
    """It was there before, or a try has done it whose answer was lost."""
    url = plan.pull.url if plan.pull else remote.url
    if not sent or plan.notes:
        return Outcome("unchanged", url, plan.parent, notes=plan.notes)
    if plan.pull is None:
        return Outcome("committed", url, plan.parent, _diff(sent[-1]))
    return Outcome("updated" if sent[-1].pull else "opened", url, plan.parent, _diff(sent[-1]))


def _diff(plan: _Plan) -> str:
    """What changes in the card, as a unified diff."""
    old, new = (card.decode("utf-8", "replace").split("\n") for card in (plan.before, plan.after))
    return "\n".join(difflib.unified_diff(old, new, f"a/{README}", f"b/{README}", lineterm=""))
