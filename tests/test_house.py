"""The rules of the house: format, lint, types, import order, start-up, and what the package shows the world."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import hfscore

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "transformers", "datasets", "gradio", "sentence_transformers", "huggingface_hub")

pytestmark = pytest.mark.xdist_group("house")


def run(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_lint() -> None:
    run("ruff", "check", ".")


def test_format() -> None:
    run("ruff", "format", "--check", ".")


def test_types() -> None:
    run("mypy")


def test_import_order() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


HELP = """
import runpy, sys
sys.argv = ["hfscore", "--help"]
try:
    runpy.run_module("hfscore", run_name="__main__")
except SystemExit:
    pass
"""


@pytest.mark.parametrize("code", ["import hfscore", HELP])
def test_start_up_loads_nothing_heavy(code: str) -> None:
    code += f"\nimport sys\nprint('LOADED', sorted(set({HEAVY}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "LOADED []" in done.stdout


def test_public_names_exist_and_are_all() -> None:
    assert set(hfscore._PUBLIC) | {"__version__"} == set(hfscore.__all__)
    assert all(getattr(hfscore, name) is not None for name in hfscore.__all__)


def test_top_level_is_the_agreed_list() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    top = {line.split("/")[0] for line in listed.stdout.splitlines()}
    agreed = {"pyproject.toml", "hfscore", "space", "templates", "tests", ".github", "README.md"}
    small = {"LICENSE", ".gitignore", ".ci", "constraints.txt", "docs", "examples", "benchmarks"}
    assert agreed - {"space", ".github"} <= top <= agreed | small


def test_files_and_functions_stay_short() -> None:
    import ast

    long = []
    for path in (ROOT / "hfscore").rglob("*.py"):
        text = path.read_text()
        if text.count("\n") > 450:
            long.append(f"{path.name}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno > 80:  # type: ignore[operator]
                long.append(f"{path.name}: {node.name}")
    assert not long


def test_extras_name_what_they_need() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {"embed", "offline", "all", "test"} <= set(extras)
