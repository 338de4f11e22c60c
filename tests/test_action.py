"""Every script of the Action, run under bash with its declared variables against the loopback Hub and judge."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from hfscore.loopback import LoopbackHub, LoopbackTGI
from tests.publishing import new_name, pull_requests
from tests.runner import SPEC, Comments, Done, Runner
from tests.test_cli import dataset, jsonl

HOSTILE = (
    "a \"b\" 'c' $(touch INJECTED) `touch INJECTED` ; touch INJECTED; ${{ secrets.X }}\n"
    "::set-output name=x::y\n&& touch INJECTED"
)
NASTY = (
    "::error::owned\n::set-output name=verdict::passed\n<script>alert(1)</script> [x](javascript:x) "
    "$(touch INJECTED) @all | `\n##[add-mask]x"
)
CHEAP = {"metric": "redundancy", "rows": "8"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Action's own installation, made by its script; dependencies are those of the tests."""
    temp = tmp_path_factory.mktemp("runner")
    os.environ["RUNNER_PYTHON"] = sys.executable
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PYTHONPATH": sysconfig.get_path("purelib")}
    done = Runner(temp, temp, offline).step("Install hfscore")
    assert done.code == 0, done.err
    return temp


@pytest.fixture
def runner(installed: Path, tmp_path: Path, hub: LoopbackHub) -> Iterator[Runner]:
    (tmp_path / "temp" / "hfscore").mkdir(parents=True)
    (tmp_path / "workspace").mkdir()
    (tmp_path / "temp" / "hfscore" / "venv").symlink_to(installed / "hfscore" / "venv")
    environment = {
        **hub.environment(tmp_path / "hf", token=None),
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "OMP_NUM_THREADS": "1",
        "HOME": str(tmp_path),
        "GITHUB_REPOSITORY": "lab/code",
    }
    yield Runner(tmp_path / "temp", tmp_path / "workspace", environment)
    assert not list(tmp_path.rglob("INJECTED"))


def both(runner: Runner, **more: str) -> tuple[Done, Done]:
    first = runner.step("score", **more)
    assert first.code == 0, first.out + first.err
    second = runner.step("push", **more)
    assert second.code == 0, second.out + second.err
    return first, second


def on_hub(hub: LoopbackHub) -> str:
    name = new_name()
    hub.create_dataset(name, dataset())
    return name


def test_a_pull_request_is_opened_once_and_updated_when_the_data_changes(runner: Runner, hub: LoopbackHub) -> None:
    name = on_hub(hub)
    runner.inputs = {"source": name, "push": "pr", "hf-token": "hf_loopback", **CHEAP}
    first, sent = both(runner)
    (pull,) = pull_requests(hub, name)
    assert sent.outputs == {"changed": "true", "url": f"{hub.endpoint}/datasets/{name}/discussions/{pull.num}"}
    assert first.outputs["verdict"] == "passed"
    assert first.outputs["up-to-date"] == "false"
    assert json.loads(Path(first.outputs["report"]).read_text())["source"]["id"] == name
    assert "Reasoning quality" in first.summary
    assert "opened" in sent.summary

    first, sent = both(runner)
    assert (first.outputs["up-to-date"], first.outputs["report"], sent.outputs["changed"]) == ("true", "", "false")
    assert "Nothing was scored" in first.summary
    hub.commit(name, {"train.jsonl": dataset(9)["train.jsonl"]})
    _, sent = both(runner)
    assert sent.outputs["changed"] == "true"
    assert len(pull_requests(hub, name)) == 1  # one pull request, updated
    hub.merge(name, pull.num)
    hub.clear()
    first, sent = both(runner)
    assert (first.outputs["up-to-date"], sent.outputs["changed"]) == ("true", "false")
    assert not [one for one in hub.requests if one.method == "POST" and "/commit/" in one.path]


def test_a_direct_push_commits(runner: Runner, hub: LoopbackHub) -> None:
    name = on_hub(hub)
    runner.inputs = {"source": name, "push": "direct", "hf-token": "hf_loopback", "commit-message": HOSTILE, **CHEAP}
    _, sent = both(runner)
    assert sent.outputs["changed"] == "true"
    assert b"Reasoning quality" in hub.read(name, "README.md")
    assert not pull_requests(hub, name)


def test_scoring_needs_no_token_and_pushing_says_so(runner: Runner, hub: LoopbackHub) -> None:
    name = on_hub(hub)
    runner.inputs = {"source": name, "push": "pr", **CHEAP}
    assert runner.step("score").code == 0
    assert not [one for one in hub.requests if one.authorization_present]
    sent = runner.step("push")
    assert sent.code == 2
    assert "needs a token" in sent.summary
    assert any("needs a token" in one for one in sent.commands)
    assert not pull_requests(hub, name)


def test_nothing_is_sent_unless_asked(runner: Runner, hub: LoopbackHub) -> None:
    name = on_hub(hub)
    runner.inputs = {"source": name, "hf-token": "hf_loopback", **CHEAP}
    _, sent = both(runner)
    assert sent.outputs == {"changed": "false", "url": ""}
    assert not pull_requests(hub, name)


def test_the_identity_is_exchanged_late_and_a_stored_token_is_the_fallback(runner: Runner, hub: LoopbackHub) -> None:
    name = on_hub(hub)
    job = {key: value for key, value in hub.trust(f"datasets/{name}", "lab/code").items() if key != "HF_OIDC_RESOURCE"}
    runner.inputs = {"source": name, "push": "pr", **CHEAP}
    assert runner.step("score", **job).code == 0
    assert not hub.requests.count("POST", "/oauth/token")
    sent = runner.step("push", **job)
    assert sent.code == 0, sent.err
    assert hub.requests.count("POST", "/oauth/token") == 1
    (pull,) = pull_requests(hub, name)
    assert pull.author == "system"

    other = on_hub(hub)  # it trusts nobody
    runner.inputs = {"source": other, "push": "pr", **CHEAP}
    assert runner.step("score", **job).code == 0
    assert runner.step("push", **job).code == 2
    runner.inputs["hf-token"] = "hf_loopback"
    sent = runner.step("push", **job)
    assert sent.code == 0, sent.err
    assert "HF_TOKEN is used instead" in " ".join(sent.out.split())
    (pull,) = pull_requests(hub, other)
    assert pull.author == "maintainer"


def test_a_judge_that_is_there_and_one_that_is_not(runner: Runner, hub: LoopbackHub) -> None:
    name = on_hub(hub)
    runner.inputs = {"source": name, "metric": "factuality", "rows": "3", "judge": "http://127.0.0.1:9/v1"}
    done = runner.step("score")
    assert done.code == 2
    assert "could not score" in done.summary
    assert "127.0.0.1" in done.summary
    assert not done.outputs
    with LoopbackTGI() as tgi:
        runner.inputs["judge"] = tgi.url
        done = runner.step("score")
        assert done.code == 0, done.err
        assert "actuality" in done.summary


@pytest.mark.parametrize("key", ["source", "metric", "by", "rows", "price", "force", "extras"])
def test_hostile_inputs_are_words_and_nothing_else(runner: Runner, hub: LoopbackHub, key: str) -> None:
    name = on_hub(hub)
    runner.inputs = {"source": name, "push": "pr", **CHEAP, key: HOSTILE}
    done = runner.step("Install hfscore" if key == "extras" else "score")
    assert done.code == 2, done.out
    assert all(one.startswith("::error title=hfscore::") for one in done.commands)
    assert "secrets.X" not in done.outputs.values()


def test_hostile_traces_are_text_in_log_and_summary(runner: Runner, hub: LoopbackHub) -> None:
    rows = [
        {
            "question": f"{NASTY} {i}",
            "reasoning": f"{NASTY} {i} words that are here",
            "answer": f"{NASTY[:70]}{i % 2}",
            NASTY: NASTY,
        }
        for i in range(12)
    ]
    name = new_name()
    hub.create_dataset(name, {"README.md": b"# X\n", "train.jsonl": jsonl(*rows)})
    runner.inputs = {"source": name, "push": "pr", "hf-token": "hf_loopback", "by": "answer", **CHEAP}
    first, sent = both(runner)
    assert first.commands == sent.commands == []
    assert "<script" not in first.summary + sent.summary
    assert "\n::" not in first.summary
    assert "](javascript" not in first.summary
    assert first.outputs["verdict"] == "passed"


def test_a_checkout_that_is_mirrored_gets_the_section_itself(runner: Runner, hub: LoopbackHub) -> None:
    name = on_hub(hub)
    here = runner.workspace
    (here / "train.jsonl").write_bytes(dataset()["train.jsonl"])
    (here / "README.md").write_bytes(b"---\nlicense: mit\n---\n# Sums\n")
    (here / ".github" / "workflows").mkdir(parents=True)
    sync = f"      - uses: huggingface/hub-sync@v1\n        with:\n          huggingface_repo_id: {name}\n"
    (here / ".github" / "workflows" / "sync.yml").write_text(sync)

    runner.inputs = {"source": name, "push": "pr", "hf-token": "hf_loopback", **CHEAP}
    assert runner.step("score").code == 0
    sent = runner.step("push")
    assert sent.code == 2
    assert "sync.yml" in sent.summary
    assert "source: ." in " ".join(sent.out.split())
    assert not pull_requests(hub, name)

    runner.inputs = {"source": ".", "push": "direct", **CHEAP}
    first, sent = both(runner)
    assert sent.outputs["changed"] == "true"
    assert b"Reasoning quality" in (here / "README.md").read_bytes()
    assert (here / ".hfscore" / "report.json").exists()
    first, sent = both(runner)
    assert (first.outputs["up-to-date"], sent.outputs["changed"]) == ("true", "false")
    (here / "train.jsonl").write_bytes(dataset(9)["train.jsonl"])
    first, sent = both(runner)
    assert (first.outputs["up-to-date"], sent.outputs["changed"]) == ("false", "true")


def test_a_gate_that_is_passed_lets_the_section_through(runner: Runner, hub: LoopbackHub) -> None:
    name = on_hub(hub)
    runner.inputs = {"source": name, "push": "pr", "hf-token": "hf_loopback", "fail-over": "redundancy=0.9", **CHEAP}
    first, sent = both(runner)
    assert first.outputs["verdict"] == "passed"
    assert "The gate is passed" in first.summary
    assert sent.outputs["changed"] == "true"
    assert runner.step("Say what was found").code == 0


def test_a_gate_that_is_not_passed_sends_nothing_and_fails_the_job(runner: Runner, hub: LoopbackHub) -> None:
    name = on_hub(hub)
    runner.inputs = {"source": name, "push": "pr", "hf-token": "hf_loopback", "fail-over": "words=1", **CHEAP}
    runner.inputs["metric"] = "structure"
    first, sent = both(runner)
    assert first.outputs["verdict"] == "failed"
    assert "words" in first.summary
    assert (sent.outputs["changed"], len(pull_requests(hub, name))) == ("false", 0)
    assert "gate is not passed" in sent.summary
    done = runner.step("Say what was found")
    assert done.code == 1
    assert any("gate is not passed" in one for one in done.commands)
    (runner.workspace / ".hfscore.toml").write_text('[gate]\nfail-over = ["words=1"]\n')
    del runner.inputs["fail-over"]
    assert runner.step("score").outputs["verdict"] == "failed"
    runner.inputs["gate"] = "false"
    assert runner.step("score").outputs["verdict"] == "none"


def event(runner: Runner, head: str) -> dict[str, str]:
    path = runner.temp / "event.json"
    path.write_text(json.dumps({"pull_request": {"number": 7, "head": {"repo": {"full_name": head}}}}))
    return {"GITHUB_EVENT_PATH": str(path), "GITHUB_EVENT_NAME": "pull_request"}


def test_a_pull_request_from_here_gets_one_comment_and_a_fork_none(runner: Runner, hub: LoopbackHub) -> None:
    name = on_hub(hub)
    github = Comments()
    try:
        runner.inputs = {"source": name, **CHEAP}
        for head, count in (("somebody/fork", 0), ("lab/code", 1), ("lab/code", 1)):
            job = {**event(runner, head), "GITHUB_API_URL": github.url}
            both(runner, **job)
            done = runner.step("Say what was found", **job)
            assert done.code == 0, done.err
            assert len(github.comments) == count
        assert name.split("/")[1] in github.comments[0]["body"]
        assert [method for method, _, _ in github.seen] == ["GET", "POST", "GET", "PATCH"]
        assert {key for _, _, key in github.seen} == {"Bearer ghs_runner"}
        github.refuse = True
        done = runner.step("Say what was found", **job)
        assert done.code == 0
        assert "pull-requests: write" in " ".join(done.out.split())
    finally:
        github.close()


def test_tokens_are_given_to_the_steps_that_need_them_and_no_other() -> None:
    secret = {"inputs.hf-token", "inputs.github-token", "inputs.read-token"}
    given = {
        step["name"]: {word for word in secret for value in step["env"].values() if word in str(value)}
        for step in SPEC["runs"]["steps"]
        if "run" in step
    }
    assert given == {
        "Install hfscore": set(),
        "Score, and put before the gate": {"inputs.read-token"},
        "Push": {"inputs.hf-token"},
        "Say what was found": {"inputs.github-token"},
    }
