"""The `.hfscore.toml` of a dataset on the Hub: it came with the data, so it may choose what is measured and no more."""

from __future__ import annotations

from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

from hfscore.errors import HubError
from hfscore.hub.client import connect
from hfscore.hub.repo import read_file
from hfscore.settings_file import FILE, SettingsFile, parse


def read(repo_id: str, revision: str | None = None, *, token: str | None = None) -> SettingsFile | None:
    """Read a dataset's settings file.

    Args:
        repo_id: "owner/name".
        revision: Branch, tag or commit; None for main.
        token: Token of the Hub; None for the one that is logged in.

    Returns:
        What the file may say; None where there is none, or no such dataset, which scoring will explain.

    Raises:
        HfscoreError: The file cannot be read, or the Hub could not be reached.
    """
    try:
        text = read_file(connect(repo_id, token), revision or "main", FILE)
    except HubError as error:
        if isinstance(error.__cause__, RepositoryNotFoundError | RevisionNotFoundError):
            return None
        raise
    return parse(text, f"{FILE} of {repo_id}", own=False) if text is not None else None
