"""llama.cpp as a judge: it holds answers to their form, and the probabilities read from it are the model's own.

Run with `-m llama`, after an install of the extra `llama`. LLAMA_SERVER names a `llama-server` to take instead of
llama-cpp-python's.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hfscore.judge.dialects import Dialect
from hfscore.judge.labels import LABELS, LEAST_MASS
from hfscore.judge.prompts import HOLDS
from hfscore.judge.served import Choice
from hfscore.ports import Verdict
from hfscore.text.steps import split_steps
from tests.gguf_models import save_gguf
from tests.real_servers import free_port, judging, running
from tests.served import solutions, steps_of
from tests.tiny_judges import WINDOW, InProcess, labels_asked, same_markers, tiny_judge

pytestmark = [pytest.mark.llama, pytest.mark.xdist_group("llama.cpp")]

BINARY = os.environ.get("LLAMA_SERVER")
SLOTS = 2


@dataclass(frozen=True, slots=True)
class Kind:
    """A llama.cpp server: how it is started, and what it must be found to be."""

    program: tuple[str, ...]
    options: str
    ready: str
    dialect: Dialect
    schema: str
    concurrency: int | None
    total_tokens: int | None


# Keys and values in float32 too, and plain attention: probabilities are compared to three decimals.
_BINARY = Kind(
    (str(BINARY),),
    f"-c {SLOTS * WINDOW} -np {SLOTS} -t 1 --jinja -ctk f32 -ctv f32 -fa off",
    ready="/health",
    dialect="llama.cpp",
    schema="json_schema",
    concurrency=2 * SLOTS,
    total_tokens=WINDOW,
)
_PYTHON = Kind(
    (sys.executable, "-m", "llama_cpp.server"),
    f"--n_ctx {WINDOW} --logits_all True --n_threads 1 --type_k 0 --type_v 0",
    ready="/v1/models",
    dialect="openai",  # none of its own routes tells it apart
    schema="json_object",
    concurrency=None,
    total_tokens=None,
)
KIND = _BINARY if BINARY else _PYTHON


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    return InProcess.load(tiny_judge(tmp_path_factory.mktemp("tiny-judge")))


@pytest.fixture(scope="module")
def url(model: InProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    for package in ("gguf",) if BINARY else ("gguf", "llama_cpp"):
        if importlib.util.find_spec(package) is None:
            pytest.fail(f"{package} is missing: pip install -c constraints.txt -e '.[test,llama]'", pytrace=False)
    here = tmp_path_factory.mktemp("llama-server")
    file = save_gguf(here / "tiny.gguf", model)
    port = free_port()
    command = [*KIND.program, *KIND.options.split(), "--model", file, "--host", "127.0.0.1", "--port", str(port)]
    with running(command, port, here / "server.log", ready=KIND.ready) as address:
        yield address


def test_it_is_recognised_and_seen_to_hold_answers_to_their_form(url: str) -> None:
    said: list[str] = []
    with judging(url, Choice(), said=said) as judge:
        server, mode = judge.server, judge.mode
    assert (server.dialect, server.labels, server.schema) == (KIND.dialect, "grammar", KIND.schema)
    assert (server.concurrency, server.total_tokens) == (KIND.concurrency, KIND.total_tokens)
    assert server.logprobs >= 5
    assert server.repeats
    assert mode == "label"
    assert said == []


def test_probabilities_are_the_models_own(
    url: str, model: InProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same_markers(monkeypatch)
    traces = solutions(4)
    store = tmp_path / "answers.sqlite"
    with judging(url, Choice(mode="label", tiers=1), store=store) as judge:
        judged = judge.judge(traces)
        spent = judge.spent()
    asked = list(labels_asked(store, traces, judged))
    assert len(asked) == sum(4 * len(split_steps(trace.reasoning)) - 1 for trace in traces)
    chances = [model.chances(messages) for messages, _ in asked]
    for (_, found), labels in zip(asked, chances, strict=True):
        mass = sum(labels.values())
        assert mass > LEAST_MASS  # else there is nothing to compare
        assert isinstance(found, Verdict), found
        assert found.probability == pytest.approx(labels[HOLDS] / mass, abs=5e-4)
        assert found.mass == pytest.approx(mass, abs=5e-4)
        assert found.holds == (labels[HOLDS] >= mass / 2)
    likely = [labels[HOLDS] / sum(labels.values()) for labels in chances]
    assert max(likely) - min(likely) > 0.1  # not one number for every prompt
    sent = sum(model.prompt(messages).shape[1] for messages, _ in asked)
    assert f"({sent:,} tokens sent, " in spent  # the server reads the very tokens that the model was given here


def test_a_model_that_says_labels_is_held_to_json(url: str, model: InProcess) -> None:
    traces = solutions(4)
    with judging(url, Choice(mode="batch", tiers=1)) as judge:
        judged = judge.judge(traces)
    found = [verdict for step in steps_of(judged) for verdict in step.verdicts.values()]
    assert len(found) == sum(4 * len(split_steps(trace.reasoning)) - 1 for trace in traces)
    assert all(isinstance(verdict, Verdict) for verdict in found), found
    assert model.answer([{"role": "user", "content": "Which?"}]) in LABELS  # left to itself it writes no JSON
