"""The wheel works where there is no checkout: its data files are in it, and both programs start."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path

import pytest

from tests.space_app import free_port, on_the_hub, serving, wait_for

ROOT = Path(__file__).resolve().parents[1]
CARD = b"---\nlicense: mit\n---\n# Traces\n"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel unpacked in `site`; its dependencies are those of the tests."""
    folder = tmp_path_factory.mktemp("away")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    words = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(words, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", str(folder / "site"), wheel], check=True)
    return folder


def run(folder: Path, program: str, *words: str) -> str:
    """Run a program of the wheel's, far from the checkout."""
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"][program]
    module, function = entry.split(":")
    code = f"import sys, {module}; sys.argv[0] = {program!r}; {module}.{function}()"
    where = (
        "import hfscore, pathlib; assert pathlib.Path(hfscore.__file__).is_relative_to(pathlib.Path('site').resolve());"
    )
    environment = {**os.environ, "PYTHONPATH": str(folder / "site"), "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", where + code, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_demo_then_card(away: Path) -> None:
    assert "bytes of the maintainer are all still there" in run(away, "hfscore", "demo", "demo")
    (away / "README.md").write_bytes(CARD)
    run(away, "hfscore", "card", "demo", "--readme", "README.md", "--write")
    assert b"## Reasoning quality" in (away / "README.md").read_bytes()
    run(away, "hfscore", "card", "--readme", "README.md", "--remove")
    assert (away / "README.md").read_bytes() == CARD


def test_metrics(away: Path) -> None:
    assert "redundancy_windowed" in run(away, "hfscore", "metrics")


def test_the_extension_of_hf(away: Path) -> None:
    assert "Measure the reasoning traces" in run(away, "hf-score", "--help")
    assert "Usage: hf-score status" in run(away, "hf-score", "status", "--help")
    rows = ROOT / "tests" / "data" / "gsm8k_head.jsonl"
    assert "gsm8k_head.jsonl" in run(away, "hf-score", str(rows), "--rows", "5", "--metric", "redundancy")


def test_the_page_starts_from_the_wheel(away: Path) -> None:
    """As on the Hub: the folder `space/` alone, and hfscore from the wheel; its runs find it too."""
    shutil.copytree(ROOT / "space", away / "app", ignore=shutil.ignore_patterns("__pycache__"))
    port = free_port()
    hub = on_the_hub("http://127.0.0.1:1", port)
    with serving(hub, port, log=away / "log.txt", app=away / "app", packages=away / "site") as (url, process):
        wait_for(port, process)
        assert b"Show columns" in urllib.request.urlopen(url, timeout=20).read()
    job = {"verb": "look", "source": "gsm8k-four-solvers", "hub": False, "settings": {}, "revision": "", "token": ""}
    job |= {"folder": str(away), "on_space": True, "memory": 0, "megabytes": 0, "rows": 5, "hosts": []}
    done = subprocess.run(
        [sys.executable, away / "app" / "worker.py"],
        input=json.dumps(job),
        env={**os.environ, "PYTHONPATH": str(away / "site")},
        cwd=away,
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(json.loads(done.stdout.splitlines()[-1])["done"]["parts"]) == 4


def test_the_page_of_this_machine(away: Path) -> None:
    port = free_port()
    words = [sys.executable, "-m", "hfscore", "space", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(away / "site"), "SYSTEM": "spaces"}
    process = subprocess.Popen(words, cwd=away, env=environment, start_new_session=True)
    try:
        wait_for(port, process)
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=20).read()
        assert b"Show columns" in page
        assert b"Sign in with Hugging Face" not in page, "nobody logs in on their own machine"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
