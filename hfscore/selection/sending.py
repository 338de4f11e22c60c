"""Sends a selection to the Hub as a dataset of its own."""

from __future__ import annotations

from pathlib import Path

from hfscore.hub import scores_repo, status
from hfscore.hub.push import Outcome
from hfscore.hub.repo import README
from hfscore.selection import page
from hfscore.selection.values import DATA, KEY, RANDOM, SELECTION_FILE, SUBSET, Selection
from hfscore.selection.write import FORMATS

TITLE = "Publish rows chosen by what was measured"


def check_push(repo_id: str, *, token: str | None = None) -> None:
    """Refuse a dataset that `push_selection` could not write to, before anything is scored.

    Raises:
        HubError: Nobody is logged in, or it holds something else than a selection.
    """
    scores_repo.check(repo_id, KEY, token=token)


def push_selection(
    selection: Selection,
    folder: Path | str,
    repo_id: str,
    *,
    private: bool = False,
    token: str | None = None,
) -> Outcome:
    """Publish the rows in a folder that `select` wrote, with their card; private where the source is not public.

    Args:
        selection: What `select` returned.
        folder: Where it wrote.
        repo_id: "owner/name", created where it does not exist.
        private: Whether the dataset must be private in any case.
        token: Token of the Hub; None for the one that is logged in.

    Raises:
        HubError: The repository holds something else or is too public, or the Hub refused.
    """
    where = Path(folder)  # its card has the licence of what the rows were chosen from
    files: dict[str, Path] = {f"{DATA}/{name}": where / DATA / name for name in selection.files.values()}
    files[SELECTION_FILE] = where / SELECTION_FILE
    hidden = selection.source.kind == "hub" and status.is_restricted(selection.source.id, token=token)
    return scores_repo.publish_scores(
        repo_id,
        files,
        page.card(selection, (where / README).read_bytes(), repo_id=repo_id).encode(),
        private=private or hidden,
        key=KEY,
        title=TITLE,
        replaces=[f"{DATA}/{name}.{form}" for name in (SUBSET, RANDOM) for form in FORMATS],
        token=token,
    )
