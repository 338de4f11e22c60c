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
    data_fingerprint,
    metadata_errors,
    read_file,
    read_head,
)
from hfscore.hub.side_files import check_not_data, check_paths

Action = Literal["opened", "updated", "committed", "unchanged", "dry-run"]

DESCRIPTION = f"""\
This adds a section to the dataset card with measurements of the reasoning traces in this dataset. \
The same is there for machines: a block `hfscore:` in the card's metadata and, if there is one, a \
report in the folder `.hfscore/`, which the `datasets` library does not read.

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
    declined: bool = False


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
    if me and not dry_run:
        _check_may_propose(me, p.repo_id, allow_foreign=allow_foreign)
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


def check(
    repo_id: str,
    *,
    create_pr: bool = True,
    allow_foreign: bool = False,
    token: str | None = None,
    patience: Patience | None = None,
) -> None:
    """Refuse what `push` would refuse, before hours are spent on scoring.

    Args:
        repo_id: "owner/name".
        create_pr: As for `push`.
        allow_foreign: As for `push`.
        token: As for `push`.
        patience: As for `push`.

    Raises:
        CardError: The card declines a section, or none can be spliced into it safely.
        HubError: There is no token, it may not do this, or the Hub could not be reached.
    """
    remote = connect(repo_id, token, patience)
    require_token(remote)
    if create_pr:
        _check_may_propose(pulls.who(remote), repo_id, allow_foreign=allow_foreign)
    card = read_file(remote, read_head(remote).sha, README) or b""
    splice.splice(card, section="## Reasoning quality\n", identity={"schema": 1, "version": "trial"})


def _check_may_propose(me: Me, repo_id: str, *, allow_foreign: bool) -> None:
    if me.read_only:
        raise HubError(
            "This token may only read.",
            "Use one with the role write, or a fine-grained one that may open pull requests.",
        )
    if not (allow_foreign or pulls.may_write(me, repo_id)):
        raise HubError(
            f"{me.name} does not maintain {repo_id}, as far as the Hub tells.",
            "Ask its maintainers first; to open a pull request anyway: --allow-foreign.",
        )


def _look(remote: Remote, p: Push, me: Me | None) -> _Plan:
    """Read what stands there now, and plan what is left to do.

    Args:
        remote: The dataset.
        p: What to publish.
        me: Whose pull requests to look for; None looks at main only.
    """
    head = read_head(remote, oids=True)
    before = read_file(remote, head.sha, README) or b""
    plan = _plan(remote, p, "main", head.sha, before, before)
    if p.side_files:
        repo_yaml = read_file(remote, head.sha, REPO_YAML) if REPO_YAML in head.oids else None
        check_not_data(plan.after, repo_yaml)
    measured, now = p.identity.get("data_fingerprint"), data_fingerprint(head)
    if measured and now and measured != now:
        plan = replace(plan, notes=("The data has changed since it was measured.",))
    if not plan.files or me is None:
        return plan
    for pull in pulls.ours(remote, me):
        there = read_head(remote, pull.ref)
        card = read_file(remote, there.sha, README) or b""
        if pull.status == "open":
            # Main's text wins, unless somebody has worked on the branch: then theirs stays.
            found = _plan(remote, p, pull.ref, there.sha, card, card if pull.shared else before)
            return replace(found, pull=pull, notes=plan.notes)
        if pull.status == "closed" and _spliced(card, p) == card:
            note = f"A pull request with this very section was closed: {pull.url}"
            return replace(plan, files={}, pull=pull, notes=(note, *plan.notes), declined=True)
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
    notes = (*plan.notes, *_conflicts(remote, me, plan.pull))
    return Outcome("updated", plan.pull.url, done.oid, _diff(plan), notes)


def _conflicts(remote: Remote, me: Me, pull: Pull) -> tuple[str, ...]:
    """What stands in the way of merging a pull request that was just updated."""
    try:
        after = pulls.read_pull(remote, me, pull.number)
    except HubError as fault:
        return (f"Whether {pull.url} can be merged is not known: {fault.message}",)
    if after is None or not after.conflicts:
        return ()
    return (
        f"{pull.url} cannot be merged as it is: main has changed too ({', '.join(after.conflicts)}). "
        "Merge main into its branch with git, or close it and push with --no-create-pr.",
    )


def _nothing_left(remote: Remote, plan: _Plan, sent: list[_Plan]) -> Outcome:
    """It was there before, or a try has done it whose answer was lost."""
    url = plan.pull.url if plan.pull else remote.url
    if not sent or plan.declined:
        return Outcome("unchanged", url, plan.parent, notes=plan.notes)
    action: Action = "committed"
    if plan.pull is not None:
        action = "opened" if sent[-1].pull is None else "updated"
    return Outcome(action, url, plan.parent, _diff(sent[-1]), plan.notes)


def _diff(plan: _Plan) -> str:
    """What changes in the card, as a unified diff."""
    old, new = (card.decode("utf-8", "replace").split("\n") for card in (plan.before, plan.after))
    return "\n".join(difflib.unified_diff(old, new, f"a/{README}", f"b/{README}", lineterm=""))
