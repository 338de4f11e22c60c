"""Why a dataset on the Hub cannot be read, each as a sentence and the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfscore.errors import SourceError
from hfscore.sources.problems import brief, reading_errors, status_of, transport_errors

if TYPE_CHECKING:
    from huggingface_hub import HfApi


def explain(error: Exception, repo_id: str, revision: str | None, api: HfApi) -> SourceError:
    """Explain why the Hub did not describe a dataset.

    Args:
        error: What the client raised.
        repo_id: The id asked for.
        revision: The revision asked for.
        api: Client to look further with: other kinds of repository, branches.

    Returns:
        The error to raise.
    """
    from huggingface_hub import errors

    if isinstance(error, errors.OfflineModeIsEnabled):
        return SourceError(
            f"HF_HUB_OFFLINE is set, so {repo_id} cannot be looked up.", "Unset it, or pass a local path."
        )
    if isinstance(error, errors.HFValidationError):
        return SourceError(f"{repo_id!r} is no dataset id.", 'Write "owner/name", or a path that exists.')
    if isinstance(error, errors.GatedRepoError):
        return gated(repo_id, api)
    if isinstance(error, errors.RevisionNotFoundError):
        return _no_revision(repo_id, revision, api)
    if isinstance(error, errors.RepositoryNotFoundError):
        return _not_found(repo_id, api)
    status = status_of(error)
    if status == 429:
        return SourceError(
            "The Hub answers that there were too many requests (429).",
            "Try again in five minutes; with a token the limit is higher.",
        )
    if status in (401, 403):
        return SourceError(f"The Hub refuses to show {repo_id} ({status}).", "Check the token with `hf auth whoami`.")
    if status is not None or isinstance(error, (*transport_errors(), ConnectionError, TimeoutError)):
        return SourceError(
            f"The Hub at {api.endpoint} could not be reached ({brief(error)}).",
            "Check the connection, or https://status.huggingface.co, and try again.",
        )
    return SourceError(f"{repo_id} cannot be opened ({brief(error)}).")


def gated(repo_id: str, api: HfApi) -> SourceError:
    """Explain a gated dataset."""
    hint = f"Accept its terms at {api.endpoint}/datasets/{repo_id} with the account of your token"
    if not _has_token(api):
        hint = f"Log in with `hf auth login` and accept its terms at {api.endpoint}/datasets/{repo_id}"
    return SourceError(f"The dataset {repo_id} is gated.", f"{hint}.")


def _not_found(repo_id: str, api: HfApi) -> SourceError:
    """Explain a dataset that is missing, private, or no dataset."""
    for kind, words in (("model", "a model"), ("space", "a Space")):
        if _answers(api, repo_id, kind):
            return SourceError(f"{repo_id} is {words}, not a dataset.", "Pass the id of a dataset.")
    hint = "Check the spelling; if it is private, log in with `hf auth login`."
    if _has_token(api):
        hint = "Check the spelling; if it is private, use a token that may read it (`hf auth whoami` says whose it is)."
    return SourceError(f"There is no dataset {repo_id} that this token may see.", hint)


def _no_revision(repo_id: str, revision: str | None, api: HfApi) -> SourceError:
    try:
        refs = api.list_repo_refs(repo_id, repo_type="dataset")
        names = [ref.name for ref in (*refs.branches, *refs.tags)] + [ref.ref for ref in refs.converts]
    except reading_errors():
        names = []
    hint = f"There is: {', '.join(names[:20])}; a commit is named by its 40 digits." if names else "Check it."
    return SourceError(f"The dataset {repo_id} has no revision {revision!r}.", hint)


def script_problem(repo_id: str, script: str, export: str, token: str | None) -> SourceError:
    """Explain a dataset that is a Python script, which `datasets` refuses to run since version 4.

    Args:
        repo_id: The dataset.
        script: Name of the script.
        export: Branch in which the Hub keeps its own conversion to Parquet, for many datasets.
        token: Token.
    """
    from huggingface_hub import HfApi

    message = f"The dataset {repo_id} is loaded by a script ({script}), which is not run."
    try:
        refs = HfApi(token=token).list_repo_refs(repo_id, repo_type="dataset")
        exported = any(ref.ref == export for ref in refs.converts)
    except reading_errors():
        exported = True
    if exported:
        return SourceError(message, f"Read the Hub's own Parquet export: `--revision {export}`.")
    return SourceError(message, f"The Hub has no Parquet export of it ({export}); ask its authors for data files.")


def unresolved(error: Exception, repo_id: str, sha: str) -> SourceError:
    """Explain why `datasets` could not tell the files of a dataset that the Hub did describe."""
    if isinstance(error, SourceError):
        return error
    status = status_of(error)
    if status is not None or isinstance(error, (*transport_errors(), ConnectionError, TimeoutError)):
        return SourceError(
            f"The Hub stopped answering while the files of {repo_id} were listed ({brief(error)}).",
            "Run the same command again later.",
        )
    return SourceError(
        f"The configs of {repo_id} at {sha[:7]} cannot be resolved ({brief(error)}).",
        f"Mend the `configs:` of its README.md, or name the files: `hf://datasets/{repo_id}@{sha}/PATH`.",
    )


def _answers(api: HfApi, repo_id: str, kind: str) -> bool:
    try:
        return api.repo_info(repo_id, repo_type=kind).id == repo_id
    except reading_errors():
        return False


def _has_token(api: HfApi) -> bool:
    from huggingface_hub import get_token

    return bool(api.token or get_token())
