"""Every hfscore command that README and docs show is run, in the order of the page, on the loopback Hub and judge.

A command that needs the outside says so: `# outside` at its end.
"""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi

import hfscore.metrics
from hfscore import api, cli
from hfscore.loopback import LoopbackHub, LoopbackTGI
from hfscore.profiles import Entry, Profile, dump
from hfscore.report import load
from hfscore.settings import Settings
from tests.publishing import new_name
from tests.test_cli import jsonl

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUTSIDE = "# outside"
PROGRAMS = {"hfscore": cli.main, "hf-score": cli.score_main}
CARD = b"""\
---
license: mit
configs:
- config_name: full
  data_files: full/train.jsonl
- config_name: concise
  data_files: concise/train.jsonl
---
# Sums
"""


def commands(page: Path) -> list[tuple[str, list[str]]]:
    """(line, words) of every command of a page that is ours and needs nothing from outside."""
    found = []
    for block in BLOCK.findall(page.read_text()):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] in PROGRAMS and OUTSIDE not in line:
                found.append((line, words))
    return found


def rows(count: int) -> list[dict[str, object]]:
    return [
        {
            "question": f"What is {i} plus {i}?",
            "reasoning": f"I take {i} and add {i} to it.\nThat is {i} + {i} = {2 * i}.\nSo it is {2 * i}.",
            "response": f"The answer is {2 * i}.",
            "answer": str(2 * i),
            "source": ("web", "book")[i % 2],
        }
        for i in range(count)
    ]


@pytest.fixture
def names(hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A working folder and a Hub as the docs assume them; word -> what stands for it here."""
    monkeypatch.chdir(tmp_path)
    name = new_name()
    data = jsonl(*rows(10))
    hub.create_dataset(name, {"README.md": CARD, "full/train.jsonl": data, "concise/train.jsonl": data})
    for tag in ("v1", "v2"):
        HfApi().create_tag(name, tag=tag, repo_type="dataset")
    two = [{**row, "model_a": {"text": row["reasoning"]}, "model_b": {"text": row["reasoning"]}} for row in rows(6)]
    Path("traces.jsonl").write_bytes(jsonl(*two))
    pq.write_table(pa.Table.from_pylist(rows(6)), "traces.parquet")
    Path("test.jsonl").write_bytes(jsonl(*({"question": row["question"]} for row in rows(6))))
    Path("README.md").write_bytes(b"---\nlicense: mit\n---\n# Sums\n")
    Path("my_section.md.jinja").write_text("Measured on {{ date }}.\n")
    entry = Entry("redundancy", "down", "C", ("mine",), "")
    Path("own.toml").write_text(dump(Profile("mine", (0, 100), (entry,))))
    step = {"id": "x", "problem": "1+1?", "steps": ["One and one is 2.", "So it is 3."], "label": 1}
    Path("processbench.jsonl").write_text(json.dumps(step) + "\n")
    monkeypatch.setenv("HFSCORE_JUDGE_KEY", "k-1234567")
    hub.jobs.clear()
    hub.webhooks.clear()
    with LoopbackTGI() as tgi:
        yield {
            "owner/dataset": name,
            "owner/dataset-scores": f"{name}-scores",
            "owner/model": "gsm8k-3m",
            "other_report": "report",
            "full=report_a": "full=report",
            "concise=report_b": "concise=report",
            "Qwen/Qwen3-8B-Base": "gsm8k-3m",
            **dict.fromkeys(("http://localhost:8080", "http://localhost:8000", "URL"), tgi.url),
        }
    hub.jobs.clear()
    hub.webhooks.clear()


def run(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n" * 5 + "q\n"))
    try:
        PROGRAMS[words[0]]()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_every_command_of_a_page_works(
    page: Path, names: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for line, words in commands(page):
        here = [names.get(word, word.replace("owner/dataset", names["owner/dataset"])) for word in words]
        if words[1] == "verify":
            merged(here[2])
        if words[1:3] == ["judge", "check"] and "--data" not in words:
            here += ["--data", "processbench.jsonl"]  # the labelled steps that come with hfscore take a minute
        code = run(here, monkeypatch)
        out, err = capsys.readouterr()
        assert code == 0, f"{line}\n{out}\n{err}"
        assert "Traceback" not in err


def merged(name: str) -> None:
    """Put a section on main, as it stands there once somebody has merged the pull request."""
    if api.status(name).ref != "main":
        kept = Path("report").is_dir()
        api.push(load(Path("report")) if kept else api.score(name, Settings(metric=("redundancy",))), create_pr=False)


def python_block(page: str) -> str:
    return (ROOT / page).read_text().split("```python\n")[1].split("```")[0]


def test_the_python_of_the_recipes_runs(names: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code = python_block("docs/recipes.md").replace("owner/dataset", names["owner/dataset"])
    exec(compile(code, "recipes.md", "exec"), {})
    assert "redundancy_windowed" in capsys.readouterr().out


def test_the_metric_of_the_docs_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hedging.py").write_text(python_block("docs/writing_a_metric.md"))
    monkeypatch.setattr(hfscore.metrics, "__path__", [*hfscore.metrics.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "hfscore.metrics.hedging", raising=False)
    rows = [{"question": f"Why {i}?", "reasoning": "Maybe so, perhaps not.", "response": "x"} for i in range(5)]
    (value,) = api.score(rows, Settings(metric=("hedging",)), name="toy").values
    assert value.mean == 50.0
    monkeypatch.delitem(sys.modules, "hfscore.metrics.hedging")
