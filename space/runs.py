"""Visitors and their runs: a folder and at most one process each, gone when the visitor is."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import limits

HERE = Path(__file__).resolve().parent
BOUNDS = limits.read()
SECRETS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "OAUTH_CLIENT_SECRET", "OAUTH_CLIENT_ID")
Event = dict[str, Any]


class RefusedError(Exception):
    """What a visitor asked for is not done; the message is a sentence for them."""


@dataclass(slots=True)
class Visitor:
    """One open page.

    Args:
        owner: Who was logged in when the results were made, or "".
        job: What the results were made from.
        results: What the last run gave for the page.
        process: The run that goes on, or None.
        cancelled: Whether its end was asked for.
    """

    owner: str = ""
    job: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    cancelled: bool = False
    busy: bool = False
    ticket: str = ""
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="hfscore-visitor-")))


ANYBODY = "\n"  # no account has this name
KEPT_FOR = 900.0  # seconds that results outlive their page: logging in loads it anew

_visitors: dict[str, Visitor] = {}
_left: dict[str, tuple[float, Visitor]] = {}  # ticket -> when the page went, and what it had
_started: dict[str, deque[float]] = defaultdict(deque)
_lock = threading.Lock()
_public = Path(tempfile.mkdtemp(prefix="hfscore-public-"))


def visitor(session: str, owner: str = "") -> Visitor:
    """The visitor of a page; results of somebody who has logged out, or of somebody else, are gone."""
    with _lock:
        found = _visitors.setdefault(session, Visitor())
    if found.owner not in ("", owner) and owner != ANYBODY:
        forget(session)
        with _lock:
            found = _visitors.setdefault(session, Visitor())
    return found


def forget(session: str) -> None:
    """End a visitor's run and delete what they had."""
    with _lock:
        found = _visitors.pop(session, None)
    if found is not None:
        _delete(found)


def _delete(one: Visitor) -> None:
    cancel(one)
    shutil.rmtree(one.folder, ignore_errors=True)


def ticket(one: Visitor) -> str:
    """A secret for the visitor's browser, by which the page finds its results again after it was loaded anew."""
    one.ticket = one.ticket or secrets.token_urlsafe(24)
    return one.ticket


def leave(session: str) -> None:
    """A page was closed or loaded anew: its run ends, its results wait a while for its ticket."""
    now = time.monotonic()
    with _lock:
        found = _visitors.pop(session, None)
        if found is not None and found.results:
            _left[found.ticket] = (now, found)
        old = [_left.pop(name)[1] for name, (when, _) in list(_left.items()) if now - when > KEPT_FOR]
    if found is not None:
        cancel(found)
        old += [] if found.results else [found]
    for one in old:
        _delete(one)


def come_back(session: str, shown: str, owner: str) -> Visitor:
    """The visitor of a page that was loaded anew; without a ticket that is known, or for somebody else, a new one."""
    with _lock:
        pages = [name for name, one in _visitors.items() if shown and one.ticket == shown and name != session]
        if pages and shown not in _left:  # the new page came before the old one's end was noticed
            _left[shown] = (time.monotonic(), _visitors.pop(pages[0]))
        if shown in _left and _left[shown][1].owner in ("", owner):
            _visitors[session] = _left.pop(shown)[1]
    return visitor(session, owner)


def cancel(one: Visitor) -> None:
    """End a visitor's run, whether it waits or goes on."""
    one.cancelled = True
    if one.process is not None:
        _end(one.process)


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def admit(one: Visitor, who: str) -> None:
    """Count a run of a visitor.

    Raises:
        RefusedError: They have one that goes on, or have had many.
    """
    if one.busy:
        raise RefusedError("A run of yours goes on already. Wait for it, or cancel it.")
    now, times = time.monotonic(), _started[who]
    while times and now - times[0] > 3600:
        times.popleft()
    if len(times) >= BOUNDS.per_hour:
        raise RefusedError(f"You have had {BOUNDS.per_hour} runs in an hour, which is all that this Space gives one.")
    times.append(now)
    one.busy, one.cancelled = True, False


def run(one: Visitor, verb: str, token: str | None, **job: Any) -> Iterator[Event]:
    """Do a job in a process of its own; the last event is "done", "error" or "cancelled"."""
    private = tempfile.mkdtemp(prefix="hfscore-private-") if token else None
    whole = {
        "verb": verb,
        "token": token or "",
        "folder": str(one.folder),
        "on_space": BOUNDS.on_space,
        "memory": BOUNDS.memory if BOUNDS.on_space else 0,
        "megabytes": BOUNDS.megabytes if BOUNDS.on_space else 0,
        "rows": BOUNDS.rows if BOUNDS.on_space else 0,
        "hosts": sorted(BOUNDS.hosts),
        **job,
    }
    try:
        if one.cancelled:
            yield {"cancelled": True}
            return
        yield from _events(one, whole, _environment(private))
    finally:
        one.busy = False
        if private:
            shutil.rmtree(private, ignore_errors=True)


def _environment(private: str | None) -> dict[str, str]:
    """A run's environment: on a Space none of the operator's secrets, and a cache that only public data shares."""
    environment = {**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    if not BOUNDS.on_space:
        return environment
    kept = {name: value for name, value in environment.items() if name not in SECRETS}
    home = private or str(_public)
    return {
        **{name: value for name, value in kept.items() if name not in ("SYSTEM", "HF_HUB_CACHE", "HF_DATASETS_CACHE")},
        "HF_HOME": home,
        "HF_HUB_CACHE": f"{home}/hub",
        "HF_DATASETS_CACHE": f"{home}/datasets",
        "XDG_CACHE_HOME": f"{home}/cache",
    }


def _events(one: Visitor, job: dict[str, Any], environment: dict[str, str]) -> Iterator[Event]:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "worker.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
        cwd=one.folder,
        start_new_session=True,
    )
    one.process = process
    clock = threading.Timer(BOUNDS.seconds, _end, [process])
    clock.daemon = True
    clock.start()
    last: Event = {}
    try:
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(job))
        process.stdin.close()
        for line in process.stdout:
            last = json.loads(line)
            if "progress" in last or "say" in last:
                yield last
        process.wait()
        if one.cancelled:
            yield {"cancelled": True}
        elif "done" in last or "error" in last:
            yield last
        else:
            yield {"error": _why(process.returncode, clock.finished.is_set())}
    finally:
        clock.cancel()
        _end(process)
        process.wait()
        one.process = None


def _why(code: int, timed_out: bool) -> str:
    if timed_out:
        return (
            f"The run took longer than {BOUNDS.seconds // 60} minutes and was ended. Fewer rows or metrics take less."
        )
    if code < 0:
        return (
            "The run was ended by the machine, most likely for want of memory. Fewer rows or a smaller model may fit."
        )
    return "The run ended without a result. The operator's log says more."
