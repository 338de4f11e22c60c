"""The Space as on the Hub: its own process, the real OAuth path, and a Chromium that looks at it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SPACE = ROOT / "space"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP_*_~NOTFOUND_,EXCLUDE_127.0.0.1",
]


def chromium() -> str:
    """Where Chromium is; without one the test fails in CI, and is skipped elsewhere."""
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("CI has no Chromium: apt-get install chromium")
    if found is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    return found


@contextmanager
def browser() -> Iterator[Any]:
    """A Chromium without a screen, driven by Playwright."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield opened
        finally:
            opened.close()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def on_the_hub(endpoint: str, port: int) -> dict[str, str]:
    """What the Hub sets for a Space that asks for OAuth, with the loopback Hub as provider."""
    return {
        "SYSTEM": "spaces",
        "SPACE_ID": "maintainer/hfscore",
        "OAUTH_CLIENT_ID": "space-client",
        "OAUTH_CLIENT_SECRET": "space-secret",
        "OAUTH_SCOPES": "openid profile write-discussions gated-repos inference-api",
        "OPENID_PROVIDER_URL": endpoint,
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_XET": "1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_TOKEN": "hf_of_the_operator",
    }


@contextmanager
def serving(
    environment: Mapping[str, str], port: int, *, log: Path, app: Path = SPACE, packages: Path = ROOT
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The app of a folder in a process of its own, with hfscore from `packages`; ends with all it started."""
    with tempfile.TemporaryDirectory(prefix="hfscore-space-") as temporary:
        kept = {
            name: value for name, value in os.environ.items() if not re.match(r"HF_|HUGGING|GRADIO|SPACE|SYSTEM", name)
        }
        whole = {**kept, "PYTHONPATH": str(packages), "TMPDIR": temporary, "OMP_NUM_THREADS": "1", **environment}
        with log.open("ab") as file:
            process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=app, env=whole, stdout=file, stderr=file, start_new_session=True
            )
        try:
            yield f"http://127.0.0.1:{port}", process
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Wait until the app answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, "the app ended"
        time.sleep(0.05)
    raise TimeoutError("the app did not answer")
