"""`transformers serve`, the real one, as a judge: it holds no answer to a form, so answers are read strictly."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hfscore.errors import HfscoreError
from hfscore.judge.labels import LABELS, NO_OBJECT
from hfscore.judge.prompts import HOLDS
from hfscore.judge.served import Choice
from hfscore.ports import Verdict
from hfscore.records import Unscored
from hfscore.text.steps import split_steps
from tests.real_servers import free_port, judging, running
from tests.served import holds, solutions
from tests.tiny_judges import InProcess, labels_asked, same_markers, tiny_judge

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("transformers serve")]

MODEL = "tiny"
START = [sys.executable, "-m", "transformers.cli.transformers", "serve", MODEL, "--device", "cpu", "--dtype", "float32"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server runs; the model stands in it under its name."""
    here = tmp_path_factory.mktemp("transformers-serve")
    tiny_judge(here / MODEL)
    return here


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    from transformers.utils.import_utils import is_serve_available

    if not is_serve_available():
        pytest.fail(
            "`transformers serve` lacks its packages: pip install -c constraints.txt -e '.[test]'", pytrace=False
        )
    port = free_port()
    with running([*START, "--host", "127.0.0.1", "--port", str(port)], port, folder / "server.log") as address:
        yield address


def test_it_is_recognised_and_its_silence_about_constraints_is_not_believed(url: str) -> None:
    said: list[str] = []
    with judging(url, Choice(model=MODEL), said=said) as judge:
        server, settings, mode = judge.server, judge.settings, judge.mode
    assert (server.dialect, server.model) == ("transformers", MODEL)
    assert (server.labels, server.schema, server.logprobs) == (None, None, 0)  # it answers 200 to what it ignores
    assert server.repeats
    assert not server.thinks
    for missing in ("no choice of labels", "no JSON schema", "no log-probabilities"):
        assert sum(missing in sentence for sentence in said) == 1, said
    assert list(server.notes) == said
    assert (settings["answers held to their form"], settings["probabilities"]) == ("no, read strictly", "none")
    assert mode == "batch"  # nothing is gained by a call a step


def test_a_label_is_the_models_own_answer_or_there_is_none(
    url: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same_markers(monkeypatch)
    traces = solutions(4)
    store = tmp_path / "answers.sqlite"
    with judging(url, Choice(model=MODEL, mode="label"), store=store) as judge:
        judged = judge.judge(traces)
    model = InProcess.load(folder / MODEL)
    asked = list(labels_asked(store, traces, judged))
    assert len(asked) == sum(4 * len(split_steps(trace.reasoning)) - 1 for trace in traces)  # no step is left out
    for messages, found in asked:
        said = model.answer(messages)
        if said in LABELS:
            assert found == Verdict(said == HOLDS), said
        else:
            assert isinstance(found, Unscored), said
            assert found.reason
    verdicts = [found.holds for _, found in asked if isinstance(found, Verdict)]
    assert set(verdicts) == {True, False}


def test_an_answer_that_is_not_in_its_form_is_no_verdict(url: str) -> None:
    traces = solutions(2)
    with judging(url, Choice(model=MODEL)) as judge:
        assert judge.mode == "batch"
        judged = judge.judge(traces)
    found = holds(judged)
    assert len(found) == sum(len(split_steps(trace.reasoning)) for trace in traces)
    assert {reason for step in found for reason in step.values()} == {NO_OBJECT.reason}  # it says a label alone


def test_a_model_that_is_not_served_ends_in_one_sentence(url: str) -> None:
    with pytest.raises(HfscoreError) as caught, judging(url, Choice(model="owner/other")):
        pass
    assert f"The judge at {url}/v1 does not serve the model owner/other: 400 " in caught.value.message
    assert f"pinned to '{MODEL}'" in caught.value.message
    assert "\n" not in str(caught.value)
    assert caught.value.hint == "Name a model that it serves."


def test_a_server_that_does_not_say_what_it_serves_needs_a_name(url: str) -> None:
    wanted = r"does not say which model it serves\. Name one with --judge-model\."
    with pytest.raises(HfscoreError, match=wanted), judging(url, Choice()):
        pass


def test_a_start_that_fails_shows_what_was_printed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such package')"]
    wanted = r"(?s)ended with status 1 before it was ready.*no such package"
    with pytest.raises(pytest.fail.Exception, match=wanted), running(command, free_port(), tmp_path / "log"):
        pass


def test_a_start_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"]
    log = tmp_path / "log"
    wanted = "not ready within 3 s"
    with pytest.raises(pytest.fail.Exception, match=wanted), running(command, free_port(), log, within=3):
        pass
    with pytest.raises(ProcessLookupError):
        os.kill(int(log.read_text()), 0)
