"""The wheel works where there is no checkout: its data files are in it, and both programs start."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

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
    assert "OWNER/NAME" in run(away, "hf-score", "status", "--help")
    rows = ROOT / "tests" / "data" / "gsm8k_head.jsonl"
    assert "gsm8k_head.jsonl" in run(away, "hf-score", str(rows), "--rows", "5", "--metric", "redundancy")
