"""The files and the service by which a GitHub runner is told things: outputs, job summary, a pull request's comment.

Nothing from a dataset may become a command here. Outputs stand between random delimiters; while a program prints, the
runner is told to read no commands from the log; what goes into the summary is Markdown that has been escaped.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hfscore.cli import output

SUMMARY_LIMIT = 1024 * 1024 - 4096  # bytes a step's summary may have, less what the runner may add
COMMENT_LIMIT = 65_000  # characters of a comment
MARKER = "<!-- hfscore:comment v1 -->"
AUTHOR = "github-actions[bot]"


def set_output(name: str, value: str) -> None:
    """Set an output of this step."""
    path = os.environ.get("GITHUB_OUTPUT")
    if path:
        end = f"end-{secrets.token_hex(16)}"
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{name}<<{end}\n{value}\n{end}\n")


def summarise(markdown: str, more: str = "") -> None:
    """Add to the job summary; `more` is left out whole, and that is said, where both would not fit."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    size = len(f"{markdown}{more}".encode("utf-8", "replace"))
    if size > SUMMARY_LIMIT:
        more = "\nThe section is too long for a job summary; it stands in the report's folder.\n"
    with Path(path).open("a", encoding="utf-8", errors="replace") as file:
        file.write(f"{markdown}{more}\n")


def error(message: str) -> None:
    """Annotate the run with an error; the runner's own escapes keep it one line."""
    for character, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        message = message.replace(character, code)
    output.raw(f"::error title=hfscore::{message}\n")


@contextlib.contextmanager
def no_commands() -> Iterator[None]:
    """Keep the runner from reading commands in what is printed meanwhile."""
    token = secrets.token_hex(16)
    output.raw(f"::stop-commands::{token}\n")
    try:
        yield
    finally:
        output.raw(f"\n::{token}::\n")


def say(sentence: str) -> None:
    """One sentence of talk, in which the runner reads no command."""
    with no_commands():
        output.say(sentence)


def pull_request() -> int | None:
    """The number of the pull request that this run is about, if it comes from this very repository."""
    path = os.environ.get("GITHUB_EVENT_PATH")
    if not path or os.environ.get("GITHUB_EVENT_NAME") != "pull_request":
        return None
    event = json.loads(Path(path).read_text(encoding="utf-8"))["pull_request"]
    from_here = (event["head"]["repo"] or {}).get("full_name") == os.environ.get("GITHUB_REPOSITORY")
    return int(event["number"]) if from_here else None


def comment(number: int, markdown: str, token: str) -> None:
    """Write our comment on a pull request, or write it anew; no failure of it fails the run."""
    text = f"{MARKER}\n{markdown}"[:COMMENT_LIMIT]
    try:
        _put_comment(f"/repos/{os.environ['GITHUB_REPOSITORY']}/issues", number, text, token)
    except (urllib.error.URLError, TimeoutError, KeyError, ValueError, TypeError) as fault:
        say(f"No comment was written ({fault}). It needs `permissions: pull-requests: write`.")


def _put_comment(issues: str, number: int, text: str, token: str) -> None:
    page = 1
    while True:
        found = _ask("GET", f"{issues}/{number}/comments?per_page=100&page={page}", token)
        for one in found:
            if one["user"]["login"] == AUTHOR and str(one["body"]).startswith(MARKER):
                _ask("PATCH", f"{issues}/comments/{int(one['id'])}", token, {"body": text})
                return
        if len(found) < 100:
            break
        page += 1
    _ask("POST", f"{issues}/{number}/comments", token, {"body": text})


def _ask(method: str, path: str, token: str, body: Mapping[str, str] | None = None) -> Any:
    root = os.environ["GITHUB_API_URL"]
    host = urlsplit(root)
    if host.scheme != "https" and not _is_loopback(host.hostname or ""):
        raise ValueError("GITHUB_API_URL is no https address")
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{root}{path}", data, headers, method=method)  # noqa: S310 - checked above
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
