"""Starts a real server in a process of its own, waits until it answers, and ends it whatever happens."""

from __future__ import annotations

import http.client
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from hfscore.judge.address import parse_address
from hfscore.judge.client import Patience
from hfscore.judge.served import Choice, ServedJudge, open_judge

PATIENCE = Patience(deadline=120, timeout=60, first_wait=0.05, longest_wait=0.5)  # for a busy machine
_TAIL = 4000  # characters of a log that are shown
_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",  # would ask PyPI
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
}
# Stands between: kills the server once its own standard input ends, as it does even when the tests are killed.
_KEEPER = """
import subprocess, sys, threading
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
threading.Thread(target=lambda: (sys.stdin.read(), server.kill()), daemon=True).start()
sys.exit(server.wait())
"""


def free_port() -> int:
    """A port below those that systems hand out by themselves, so that nobody is given it before the server takes it."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    pytest.fail("no free port among a hundred tried")


@contextmanager
def running(
    command: Sequence[str | Path], port: int, log: Path, *, ready: str = "/health", within: float = 240.0
) -> Iterator[str]:
    """A server, from its first good answer to the end of the block.

    Args:
        command: What starts it on 127.0.0.1.
        port: Where it will answer.
        log: File for what it prints; its end is shown where the start fails.
        ready: Route that answers 200 once the server can be asked.
        within: Seconds to wait for that.

    Yields:
        Its address, without a path.
    """
    words = [sys.executable, "-c", _KEEPER, *map(str, command)]
    # A home of its own: transformers serve lists whatever models a cache holds, those of other tests too.
    own = {"HF_HOME": str(log.parent / "home"), "HF_HUB_CACHE": str(log.parent / "home" / "hub")}
    with log.open("wb") as printed:
        server = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=printed, stderr=printed, cwd=log.parent, env=os.environ | _QUIET | own
        )
    try:
        _wait(server, port, log, ready=ready, within=within)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.communicate()  # ends its standard input, and waits


def _wait(server: subprocess.Popen[bytes], port: int, log: Path, *, ready: str, within: float) -> None:
    end = time.monotonic() + within
    while not _answers(port, ready):
        if server.poll() is not None:
            _fail(f"the server ended with status {server.returncode} before it was ready", log)
        if time.monotonic() > end:
            _fail(f"the server was not ready within {within:g} s", log)
        time.sleep(0.1)


def _answers(port: int, route: str) -> bool:
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asked.request("GET", route)
        return asked.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def _fail(sentence: str, log: Path) -> None:
    printed = log.read_text(encoding="utf-8", errors="replace")[-_TAIL:].strip()
    pytest.fail(f"{sentence}; it printed:\n{printed or '(nothing)'}", pytrace=False)


@contextmanager
def judging(
    url: str, choice: Choice, *, store: Path | None = None, said: list[str] | None = None
) -> Iterator[ServedJudge]:
    """A judge over a server, as the commands open it."""
    say = (said if said is not None else []).append
    judge = open_judge(parse_address(url), choice, key=None, store=store, say=say, patience=PATIENCE)
    try:
        yield judge
    finally:
        judge.close()
