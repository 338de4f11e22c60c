"""One dataset repository on a Hub, and patience: bounded retries, and every fault as a sentence.

huggingface_hub raises a 429 on a commit and a 5xx on most calls at once, so waiting is done here.
Knows nothing of cards or pull requests. The token goes into headers that huggingface_hub builds for
its own endpoint, and nowhere else: it is struck out of every message.
"""

from __future__ import annotations

import email.utils
import json
import os
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from huggingface_hub import HfApi, errors, get_session, get_token
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from hfscore.errors import ConflictError, HubError

T = TypeVar("T")
Doing = Literal["read", "commit", "propose", "create", "job"]

TRIES = 5
SILENCE = 120.0  # seconds without a byte; huggingface_hub itself waits for ever
# huggingface_hub 1.x stands on httpx and 2.x on httpx2: the base class is taken from its own error.
TRANSPORT: type[Exception] = errors.HfHubHTTPError.__bases__[0]
# Older versions of huggingface_hub 1.x know no trusted publishers.
OIDC_ERROR: type[Exception] = getattr(errors, "OIDCError", errors.LocalTokenNotFoundError)
FAULTS = (
    TRANSPORT,
    ConnectionError,
    TimeoutError,
    json.JSONDecodeError,
    errors.HFValidationError,
    errors.LocalTokenNotFoundError,
    OIDC_ERROR,
)

_LOG_IN = "Log in with `hf auth login`, or set HF_TOKEN."
_BY_TYPE: tuple[tuple[type[Exception], str, str], ...] = (
    # GatedRepoError is a RepositoryNotFoundError: the order counts.
    (
        errors.GatedRepoError,
        "Access to {id} is gated, and it has not been granted to this token.",
        "Ask for access at {url}, then run again.",
    ),
    (errors.DisabledRepoError, "The Hub has disabled {id}.", "See {url}."),
    (
        errors.RepositoryNotFoundError,
        "The Hub shows no dataset {id} to this token.",
        f"Check the name; if the dataset is private: {_LOG_IN}",
    ),
    (
        errors.RevisionNotFoundError,
        "{id} has no such branch, pull request or commit.",
        "See {url}/discussions and {url}/tree/main.",
    ),
    (
        errors.HFValidationError,
        "{id} is not the name of a dataset.",
        "A name looks like owner/dataset.",
    ),
    (errors.LocalTokenNotFoundError, "There is no token for the Hub.", _LOG_IN),
    (errors.OfflineModeIsEnabled, "HF_HUB_OFFLINE is set.", "Unset it to reach the Hub."),
    (
        OIDC_ERROR,
        "The Hub gave no token to this job: {said}",
        "Check the dataset's trusted publishers and that the job has `id-token: write`.",
    ),
)
_FORBIDDEN: dict[Doing, tuple[str, str]] = {
    "read": ("This token may not read {id}.", "Use a token that may read it."),
    "commit": (
        "This token may not commit to {id}.",
        "Open a pull request with --create-pr, or use a token that may write to it.",
    ),
    "propose": (
        "This token may not open or update a pull request on {id}.",
        "Use a token with the role write, or a fine-grained one that may open pull requests there.",
    ),
    "create": (
        "This token may not create or write {id}.",
        "Use a token that may write to that namespace, or another name.",
    ),
    "job": (
        "This token may not run jobs, or not make webhooks.",
        "Use a token that may; jobs need credit on the account.",
    ),
}


@dataclass(slots=True)
class Patience:
    """How long one command may wait for the Hub, all waits together. Shrinks as it is used.

    Args:
        left: Seconds; one window of the Hub's rate limit lasts 300.
        sleep: What waits.
    """

    left: float = 320.0
    sleep: Callable[[float], None] = time.sleep

    def wait(self, seconds: float) -> bool:
        """Wait, or say that there is not so much patience left."""
        if seconds > self.left:
            return False
        self.left -= seconds
        self.sleep(seconds)
        return True


@dataclass(frozen=True, slots=True)
class Remote:
    """A dataset repository and the means to reach it.

    Args:
        id: "owner/name".
        api: The client, bound to one endpoint and one token.
        token: The token, or None for nobody.
        oidc: Whether the token is a trusted publisher's: nobody's, for one repository, for an hour.
        patience: What is left to wait.
    """

    id: str
    api: HfApi
    token: str | None = field(repr=False)
    oidc: bool
    patience: Patience

    @property
    def url(self) -> str:
        """Address of the dataset's page."""
        return f"{self.api.endpoint}/datasets/{self.id}"

    def ask(self, step: Callable[[], T], doing: Doing = "read") -> T:
        """Take a step that may be repeated, as often as it takes within bounds.

        Args:
            step: Sends requests and returns what came of them. If it writes, it must look first
                whether an earlier call has already written.
            doing: What the step is for; decides the sentence on a refusal.

        Raises:
            ConflictError: The branch moved under every one of our commits.
            HubError: The Hub refused, or could not be reached.
        """
        for attempt in range(1, TRIES + 1):
            _set_timeout()
            try:
                return step()
            except FAULTS as fault:
                pause = _pause(fault, attempt)
                if pause is None:
                    raise explain(fault, self, doing) from fault
                if attempt == TRIES or not self.patience.wait(pause):
                    raise _gave_up(fault, self, doing, pause) from fault
        raise AssertionError("the last attempt returns or raises")


def connect(repo_id: str, token: str | None = None, patience: Patience | None = None) -> Remote:
    """Prepare to reach a dataset. Sends nothing, unless a trusted publisher's token must be got.

    Args:
        repo_id: "owner/name".
        token: A token; None for the one that huggingface_hub finds (a trusted publisher's first,
            then HF_TOKEN, then the one logged in), or nobody's.
        patience: How long to wait in all.
    """
    patience = patience or Patience()
    nobody = Remote(repo_id, HfApi(token=False), None, False, patience)
    try:
        validate_repo_id(repo_id)
    except errors.HFValidationError as fault:
        raise explain(fault, nobody, "read") from fault
    found = (token or nobody.ask(get_token) or "").strip() or None
    from_job = token is None and bool(os.environ.get("HF_OIDC_RESOURCE"))
    oidc = found is not None and (from_job or found.startswith("hf_jwt_"))
    return Remote(repo_id, HfApi(token=found or False), found, oidc, patience)


def _set_timeout() -> None:
    """Bound the silences of huggingface_hub's session, unless somebody has chosen otherwise.

    Its calls take no timeout, and it opens a new session after a lost connection.
    """
    session = get_session()
    if session.timeout.read is None:
        session.timeout = SILENCE


def require_token(remote: Remote) -> None:
    """Refuse to write as nobody."""
    if remote.token is None:
        raise HubError("Publishing needs a token.", _LOG_IN)


def status_of(fault: Exception) -> int | None:
    """The status of the response that a fault stands for, or None if there was no response."""
    return fault.response.status_code if isinstance(fault, errors.HfHubHTTPError) else None


def _pause(fault: Exception, attempt: int) -> float | None:
    """Seconds to wait before asking again, or None where asking again cannot help."""
    backoff = random.uniform(0.5, 1.0) * 2.0**attempt  # noqa: S311 (spreads clients, hides nothing)
    if isinstance(fault, errors.OfflineModeIsEnabled | errors.LocalTokenNotFoundError | OIDC_ERROR):
        return None
    if not isinstance(fault, errors.HfHubHTTPError):
        return None if isinstance(fault, errors.HFValidationError) else backoff
    status = fault.response.status_code
    if status == 429:
        return _asked_wait(fault) or backoff
    if status in (409, 412):
        return backoff / 4
    return max(backoff, _asked_wait(fault) or 0.0) if status >= 500 or status == 408 else None


def _asked_wait(fault: errors.HfHubHTTPError) -> float | None:
    """Seconds that the server asks to wait, from RateLimit or Retry-After (RFC 9110, 10.2.3)."""
    headers = fault.response.headers
    # The Hub sends RateLimit with every answer; it is the reason for a 429 only.
    limit = re.search(r"\br\s*=\s*0\s*;\s*t\s*=\s*(\d+)", headers.get("RateLimit", ""))
    if limit and fault.response.status_code == 429:
        return float(limit[1]) + 1.0
    after = headers.get("Retry-After", "").strip()
    if after.isdecimal():
        return float(after) + 1.0
    try:
        return max(0.0, email.utils.parsedate_to_datetime(after).timestamp() - time.time()) + 1.0
    except (ValueError, TypeError):
        return None


def explain(fault: Exception, remote: Remote, doing: Doing) -> HubError:
    """Put a fault into a sentence and a next step."""
    said = plain(getattr(fault, "server_message", None) or str(fault), remote)
    status = status_of(fault)
    known = next((words for kind, *words in _BY_TYPE if isinstance(fault, kind)), None)
    if known:
        message, hint = known
    elif status == 401:
        message, hint = "The Hub does not accept this token.", _LOG_IN
    elif status == 403:
        message, hint = _FORBIDDEN[doing]
        message += " The Hub says: {said}"
    elif status is not None:
        message, hint = "The Hub answered {status}: {said}", ""
    else:
        message, hint = "The Hub at {endpoint} could not be reached: {said}", ""
    words = {
        "id": remote.id,
        "url": remote.url,
        "endpoint": remote.api.endpoint,
        "said": said,
        "status": status,
    }
    return HubError(message.format(**words), hint.format(**words))


def _gave_up(fault: Exception, remote: Remote, doing: Doing, pause: float) -> HubError:
    status = status_of(fault)
    if status in (409, 412):
        return ConflictError(
            f"{remote.id} kept changing while hfscore tried to commit.",
            "Run again when nobody else is writing to it.",
        )
    if status == 429:
        return HubError("The Hub's rate limit is used up.", f"Run again in {pause:.0f} seconds or later.")
    what = f"kept answering {status}" if status else "could not be reached"
    said = "" if status else f" ({plain(str(fault), remote)})"
    hint = "Run again later."
    if doing != "read":
        hint = "The last request may have arrived: run again later, nothing is done twice."
    return HubError(f"The Hub at {remote.api.endpoint} {what}{said}.", hint)


def plain(text: str, remote: Remote) -> str:
    """One short line that is safe to print: servers and proxies write what they like."""
    if remote.token:
        text = text.replace(remote.token, "<token>")
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= 300 else line[:299] + "…"
