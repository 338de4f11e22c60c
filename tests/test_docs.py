"""Docs that are made from the code are in step with it. HFSCORE_UPDATE_DOCS=1 rewrites them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hfscore import catalog, comparison, listing, report
from hfscore.cli import app
from tests.action_inputs import block

ROOT = Path(__file__).resolve().parents[1]


def in_step(path: Path, text: str) -> None:
    if os.environ.get("HFSCORE_UPDATE_DOCS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text, "run HFSCORE_UPDATE_DOCS=1 python -m pytest tests/test_docs.py"


def between(text: str, name: str, new: str) -> str:
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    head, rest = text.split(begin)
    return head + begin + new + end + rest.split(end)[1]


def test_the_metrics_page_has_the_families_table() -> None:
    path = ROOT / "docs" / "metrics.md"
    in_step(path, between(path.read_text(), "metrics table", listing.families_table(catalog.families())))


def test_metrics_page() -> None:
    path = ROOT / "docs" / "metrics.md"
    in_step(path, between(path.read_text(), "generated", listing.metrics_sections(catalog.families())))


def test_report_schema() -> None:
    in_step(ROOT / "docs" / "report.schema.json", json.dumps(report.json_schema(), indent=2, ensure_ascii=False) + "\n")


def test_comparison_schema() -> None:
    text = json.dumps(comparison.json_schema(), indent=2, ensure_ascii=False)
    in_step(ROOT / "docs" / "comparison.schema.json", text + "\n")


@pytest.mark.parametrize("name", ["options", "environment"])
def test_the_action_has_the_options_of_the_command_line(name: str) -> None:
    path = ROOT / ".github" / "actions" / "hfscore" / "action.yml"
    head, begin, rest = re.split(rf"(.*# begin {name}\n)", path.read_text())
    end = rest[re.search(rf" *# end {name}\n", rest).start() :]  # type: ignore[union-attr]
    in_step(path, head + begin + block(name) + end)


def test_file_tree_is_true() -> None:
    readme = (ROOT / "README.md").read_text()
    tree = readme.split("<!-- file tree -->")[1].split("```")[1].splitlines()[1:]
    parent = ROOT
    for line in tree:
        name = line.split()[0]
        parent = ROOT if not line.startswith(" ") else parent
        path = (ROOT / "hfscore" / name) if line.startswith("  ") else (ROOT / name)
        assert path.exists(), line


PAGES = (ROOT / "README.md", ROOT / "docs" / "recipes.md")
COMMANDS = [
    found for page in PAGES for found in re.findall(r"^hfscore (\w+)((?: .*)?)$", page.read_text(), flags=re.MULTILINE)
]


@pytest.mark.parametrize(("command", "rest"), COMMANDS)
def test_options_in_the_recipes_exist(command: str, rest: str) -> None:
    sub = rest.split()[:1] if command in ("contamination", "evidence", "judge", "webhook") else []
    words = [command, *sub]
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"}).stdout
    for option in re.findall(r"--[a-z-]+", rest):
        assert option in shown, f"{command} {option}"


def test_the_test_command_is_what_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text()
    command = readme.split("<!-- test command -->\n```bash\n")[1].split("\n```")[0]
    assert command.endswith("-m pytest")
    assert "-c constraints.txt" in command
    assert "test command" in (ROOT / ".ci" / "run").read_text()
    installs = re.findall(r"pip install .*", readme.split("For use on the real Hub")[0])
    assert installs
    assert all("-c constraints.txt" in line for line in installs)
