"""What goes wrong while reading, in words: every exception becomes a `SourceError` with a next step."""

from __future__ import annotations

import lzma
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from hfscore.errors import SourceError

T = TypeVar("T")

TRIES = 5
LONGEST_WAIT = 310.0  # seconds; the Hub counts requests in windows of 300
_RETRIED = {408, 429, 500, 502, 503, 504}


def pause(seconds: float) -> None:
    """Wait between two tries."""
    time.sleep(seconds)


def transport_errors() -> tuple[type[Exception], ...]:
    """Return what the Hub client raises when no answer came; empty as long as no Hub client is loaded.

    Its HTTP library changed between versions (httpx, httpx2), so the class is found through the client's own error.
    """
    if "huggingface_hub" not in sys.modules:
        return ()
    from huggingface_hub.errors import HfHubHTTPError

    return tuple(c for c in HfHubHTTPError.__mro__ if c.__name__ == "HTTPError" and issubclass(c, Exception))


def resolving_errors() -> tuple[type[Exception], ...]:
    """Return every class of exception that `datasets` ends in when it cannot tell configs and files."""
    import yaml

    return (*reading_errors(), yaml.YAMLError, RuntimeError, TypeError)


def reading_errors() -> tuple[type[Exception], ...]:
    """Return every class of exception that reading a file may end in (pyarrow's derive from these)."""
    return (OSError, ValueError, EOFError, KeyError, zlib.error, lzma.LZMAError, *transport_errors())


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn whatever reading the file `name` raises into a SourceError."""
    try:
        yield
    except reading_errors() as error:
        raise explain_reading(error, name) from error


def explain_reading(error: Exception, name: str) -> SourceError:
    """Say why a file could not be read to its end."""
    status = status_of(error)
    if status in (401, 403):
        return SourceError(
            f"The Hub refuses to hand out {name} ({status}).",
            "Accept the dataset's terms on its page, and use a token that may read it.",
        )
    if status is not None or isinstance(error, (*transport_errors(), ConnectionError, TimeoutError)):
        return SourceError(
            f"The Hub stopped answering while {name} was read ({brief(error)}).", "Run the same command again later."
        )
    if isinstance(error, FileNotFoundError):
        return SourceError(f"The file {name} does not exist.", "Check the path.")
    if isinstance(error, PermissionError):
        return SourceError(f"The file {name} may not be read.", "Check its permissions.")
    return SourceError(
        f"The file {name} is damaged or is not what its name says ({brief(error)}).",
        "Replace the file, or leave it out.",
    )


def brief(error: BaseException) -> str:
    """Give the first line of an exception, cut to 200 characters."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status an exception carries, or None."""
    status: Any = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def patiently(call: Callable[[], T]) -> T:
    """Call again where the Hub is busy, failing or out of reach: at most `TRIES` times and `LONGEST_WAIT` seconds.

    The waits are 1, 2, 4, 8 seconds, or what a 429 asks for in its `RateLimit` or `Retry-After` header.
    """
    left = LONGEST_WAIT
    for attempt in range(TRIES):
        try:
            return call()
        except reading_errors() as error:
            wait = _wait_for(error, attempt)
            if wait is None or wait > left or attempt == TRIES - 1:
                raise
        left -= wait
        pause(wait)
    raise AssertionError("the last try returns or raises")


def _wait_for(error: Exception, attempt: int) -> float | None:
    """Seconds to wait before the next try, or None where another try is of no use."""
    status = status_of(error)
    if status not in _RETRIED and not (status is None and isinstance(error, transport_errors())):
        return None
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", {})
    reset = re.search(r"\bt=(\d+)", headers.get("ratelimit", "")) if status == 429 else None
    if reset:  # RateLimit: "api";r=0;t=55, and a second for rounding
        return float(reset[1]) + 1
    after = headers.get("retry-after", "")
    return float(after) if after.isdigit() else float(2**attempt)
