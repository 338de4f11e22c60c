"""Jobs and webhooks: the payload as the Hub gets it, and that our own commit sets off no second run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hfscore.errors import HfscoreError, HubError
from hfscore.hub import jobs
from hfscore.loopback import LoopbackHub
from hfscore.settings import Settings
from tests.publishing import commits, new_name, pull_requests
from tests.test_cli import Cli, dataset, jsonl

CHEAP = ("--metric", "redundancy", "--rows", "5")
NASTY = 'a "b" $(touch x); `c` \n--force'


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(monkeypatch, capsys)


@pytest.fixture
def name(hub: LoopbackHub) -> Iterator[str]:
    hub.jobs.clear()
    hub.webhooks.clear()
    one = new_name()
    hub.create_dataset(one, dataset())
    yield one
    hub.jobs.clear()
    hub.webhooks.clear()


def test_a_push_on_jobs_sends_this(cli: Cli, hub: LoopbackHub, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", "k-1234567")
    monkeypatch.setenv("OTHER", "o-7654321")
    judged = ("--judge", "https://judge.example/v1", "--judge-key-env", "JUDGE_KEY")
    sent = ("--by", NASTY, "--no-create-pr", "--commit-message", NASTY, "--scores-repo", f"{name}-scores")
    code, out, err = cli(
        "push", name, *CHEAP, *judged, *sent, "--on-jobs", "a10g-small", "--timeout", "90m", "--secret", "OTHER"
    )
    assert code == 0, err
    (job,) = hub.jobs
    spec = job["spec"]
    assert job["namespace"] == "maintainer"
    assert spec["dockerImage"] == jobs.IMAGE
    assert spec["flavor"] == "a10g-small"
    assert spec["timeoutSeconds"] == 5400
    assert spec["secrets"] == {"HF_TOKEN": "hf_loopback", "JUDGE_KEY": "k-1234567", "OTHER": "o-7654321"}
    assert spec["environment"] == {}
    assert spec["command"] == [
        *("uvx", "--from", jobs.PACKAGE, "hfscore", "push", name, "--rows", "5", "--seed", "0"),
        *("--metric", "redundancy", "--by", NASTY, "--judge", "https://judge.example/v1"),
        *("--judge-key-env", "JUDGE_KEY", "--settings-file", "none", "--no-create-pr"),
        *("--commit-message", NASTY, "--scores-repo", f"{name}-scores"),
    ]
    shown = out + err + str(spec["command"])
    assert not any(value in shown for value in ("k-1234567", "o-7654321", "hf_loopback"))
    assert "$1.00 an hour: at most $1.50 until the timeout of 90m" in " ".join(err.split())
    assert "started" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--on-jobs", "toaster"), "cpu-basic"),
        (("--on-jobs", "cpu-basic", "--timeout", "soon"), "90m"),
        (("--on-jobs", "cpu-basic", "--secret", "NOT_SET_HERE"), "NOT_SET_HERE"),
        (("--on-jobs", "cpu-basic", "--judge", "http://localhost:8080"), "cannot reach"),
        (("--on-jobs", "cpu-basic", "--judge", "http://10.0.0.7:8080"), "cannot reach"),
        (("--on-jobs", "cpu-basic", "--student", "."), "on this machine"),
        (("--on-jobs", "cpu-basic", "--dry-run"), "--on-jobs"),
        (("--timeout", "2h"), "--timeout: for a job, and none was asked for"),
        (("--secret", "OTHER", "--job-package", "x"), "--secret and --job-package: for a job"),
    ],
)
def test_what_a_job_cannot_do_is_refused_before_one_is_paid_for(
    cli: Cli, hub: LoopbackHub, name: str, words: tuple[str, ...], said: str
) -> None:
    code, _, err = cli("push", name, *words)
    assert code == 2
    assert said in " ".join(err.split())
    assert not hub.jobs


def test_a_lost_answer_starts_no_second_job(hub: LoopbackHub, name: str) -> None:
    hub.fail("POST", "/api/jobs/", drop="after")
    with pytest.raises(HubError, match="may have arrived"):
        jobs.run(jobs.Job(name, Settings(), "cpu-basic"))
    assert len(hub.jobs) == 1


def test_a_token_without_the_right_is_told_so(hub: LoopbackHub, name: str) -> None:
    hub.add_token("hf_readonly", "maintainer", role="read")
    with pytest.raises(HubError, match="may not run jobs"):
        jobs.run(jobs.Job(name, Settings(), "cpu-basic"), token="hf_readonly")


def run_the_hooked_job(cli: Cli, hub: LoopbackHub) -> str:
    """What the Hub does when a webhook fires: run its job's command again."""
    (hook,) = hub.webhooks
    (job,) = [one for one in hub.jobs if one["id"] == hook["jobSourceId"]]
    words = job["spec"]["command"]
    code, out, err = cli(*words[words.index("hfscore") + 1 :])
    assert code == 0, err
    return out


def test_a_webhook_runs_the_job_and_our_own_commits_set_off_no_second_run(
    cli: Cli, hub: LoopbackHub, name: str
) -> None:
    create = ("webhook", "create", name, *CHEAP, "--on-jobs", "cpu-basic")
    code, out, err = cli(*create)
    assert code == 0, err
    assert "webhook" in out
    (hook,) = hub.webhooks
    assert hook["watched"] == [{"type": "dataset", "name": name}]
    assert hook["domains"] == ["repo"]
    assert hook["secrets"] == {"HF_TOKEN": "hf_loopback"}

    assert "opened" in run_the_hooked_job(cli, hub)  # the job's own first run
    hub.clear()
    assert "up to date" in run_the_hooked_job(cli, hub)  # our pull request fired the hook
    (pull,) = pull_requests(hub, name)
    hub.merge(name, pull.num)
    assert "up to date" in run_the_hooked_job(cli, hub)  # its merge fired it
    hub.commit(name, {"README.md": hub.read(name, "README.md") + b"\nA word by hand.\n"})
    assert "up to date" in run_the_hooked_job(cli, hub)  # the card changed, the data did not
    assert commits(hub) == 0
    hub.commit(
        name, {"train.jsonl": jsonl({"question": "Q?", "reasoning": "One thing. Another thing.", "answer": "2"})}
    )
    assert "opened" in run_the_hooked_job(cli, hub)  # now it did
    assert commits(hub) == 1

    code, _, err = cli(*create)
    assert (code, len(hub.webhooks)) == (2, 1)
    assert "hf webhooks delete" in " ".join(err.split())


def test_a_webhook_needs_hardware(cli: Cli, name: str) -> None:
    code, _, err = cli("webhook", "create", name)
    assert code == 2
    assert "--on-jobs" in err


def test_durations() -> None:
    assert [jobs.Job("a/b", Settings(), "x", timeout=text).seconds for text in ("30s", "1.5h", "2d")] == [
        30,
        5400,
        172800,
    ]
    for text in ("", "5", "0h", "-1h", "1w"):
        with pytest.raises(HfscoreError, match="no duration"):
            assert jobs.Job("a/b", Settings(), "x", timeout=text).seconds
