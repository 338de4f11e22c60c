"""`.hfscore.toml`: strict, behind options, and harmless where it came with somebody else's data."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hfscore
from hfscore.errors import HfscoreError
from hfscore.loopback import LoopbackHub
from hfscore.settings import Settings
from hfscore.settings_file import FILE, HARMLESS, json_schema, key_of, parse
from tests.publishing import new_name
from tests.test_cli import Cli, dataset

EVERYTHING = b"""
rows = 500
config = ["full"]
reasoning = ["trace"]
judge = "http://evil.example:8080"
judge-key-env = "HF_TOKEN"
judge-store = "/etc/passwd"
encoder = "/home/somebody/model"
student = ["owner/huge-model"]
contamination = ["/dev/zero"]
reference-lm = "owner/other-model"
judge-check = "/etc/shadow"
judge-model = "large"
budget = "$100"
price = [1.0, 2]

[gate]
fail-under = ["redundancy=0.1"]
baseline = "old"
"""


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(monkeypatch, capsys)


def test_the_users_own_file_counts_whole() -> None:
    found = parse(EVERYTHING, "here", own=True)
    assert found.left_out == ()
    settings = found.over(Settings(rows=7, seed=3))
    assert (settings.rows, settings.seed, settings.judge, settings.price) == (
        500,
        3,
        "http://evil.example:8080",
        (1, 2),
    )
    assert found.gate == {"fail_under": ("redundancy=0.1",), "baseline": "old"}


def test_a_file_that_came_with_data_reaches_no_server_model_path_or_purse() -> None:
    found = parse(EVERYTHING, "there", own=False)
    assert set(found.settings) == {"rows", "config", "reasoning"} <= HARMLESS
    assert found.gate == {"fail_under": ("redundancy=0.1",)}
    assert {"judge", "judge-key-env", "student", "encoder", "gate.baseline"} <= set(found.left_out)
    assert any("judge-key-env" in sentence for sentence in found.remarks)
    safe = dataclasses.replace(found.over(Settings()), rows=None, config=(), reasoning=())
    assert safe == Settings(rows=None)


def test_every_setting_is_a_key_and_nothing_harmful_is_harmless() -> None:
    names = {field.name for field in dataclasses.fields(Settings)}
    assert {key_of(name) for name in names} | {"gate"} == set(json_schema()["properties"])
    assert not {name for name in HARMLESS if name.startswith("judge") or name in ("encoder", "student", "budget")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"rowz = 5", "no key 'rowz'"),
        (b"rowz = 5", "Keys: rows"),
        (b"rows = 0", "'rows'"),
        (b"rows = '500'", "'rows"),
        (b"config = 'full'", "'config'"),
        (b"config = [1]", "'config'"),
        (b"seed = 1.5", "'seed'"),
        (b"seed = 2026-01-01", "'seed'"),
        (b"[gate]\nunder = 1", "'gate.under'"),
        (b"[columns]\nquestion = 'x'", "'columns'"),
        (b"rows = ", "no TOML"),
        (b"\xff", "no TOML"),
    ],
)
def test_refusals_name_the_key(text: bytes, said: str) -> None:
    with pytest.raises(HfscoreError, match=said.replace("[", r"\[")):
        parse(text, "it", own=True)


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_refused(text: bytes, own: bool) -> None:
    try:
        parse(text, "it", own=own)
    except HfscoreError as error:
        assert error.message


def scored(out: str) -> dict[str, object]:
    return json.loads(out)["settings"]  # type: ignore[no-any-return]


def test_options_then_file_then_defaults(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.jsonl").write_bytes(dataset()["train.jsonl"])
    Path(FILE).write_text('rows = 5\nseed = 9\nmetric = ["redundancy"]\njudge-tiers = 1\n')
    code, out, err = cli("score", "data.jsonl", "--seed", "4", "--json")
    assert code == 0, err
    found = scored(out)
    assert (found["rows"], found["seed"], found["metric"], found["judge_tiers"]) == (5, 4, ["redundancy"], 1)
    assert "Settings from .hfscore.toml" in err
    found = scored(cli("score", "data.jsonl", "--settings-file", "none", "--metric", "redundancy", "--json")[1])
    assert (found["rows"], found["seed"]) == (200, 0)
    Path(FILE).write_text('judge-mode = "loud"\n')
    code, _, err = cli("score", "data.jsonl")
    assert code == 2
    assert "judge-mode" in err
    Path("own.toml").write_text('rows = "all"\nmetric = ["redundancy"]\n')
    assert scored(cli("score", "data.jsonl", "--settings-file", "own.toml", "--json")[1])["rows"] is None


def test_a_file_beside_foreign_data_and_one_on_the_hub(
    cli: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hub: LoopbackHub,
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    text = b'rows = 5\nmetric = ["redundancy"]\njudge = "http://127.0.0.1:9/"\njudge-key-env = "HF_TOKEN"\n'
    (tmp_path / "there" / "data.jsonl").write_bytes(dataset()["train.jsonl"])
    (tmp_path / "there" / FILE).write_bytes(text)
    name = new_name()
    hub.create_dataset(name, {**dataset(), FILE: text})
    for source in (str(tmp_path / "there"), name):
        code, out, err = cli("score", source, "--json")
        assert code == 0, err
        assert (scored(out)["rows"], scored(out)["judge"]) == (5, None)
        assert "Left out of" in err
        assert "judge-key-env" in err


def test_from_python_the_file_speaks_where_nothing_was_chosen(hub: LoopbackHub) -> None:
    name = new_name()
    hub.create_dataset(name, {**dataset(), FILE: b'rows = 5\nseed = 3\njudge = "rules"\n'})
    assert hfscore.read_settings(name, Settings(seed=9)) == Settings(rows=5, seed=9)


def test_pushing_goes_by_the_datasets_own_file(cli: Cli, hub: LoopbackHub) -> None:
    name = new_name()
    hub.create_dataset(name, {**dataset(), FILE: b'rows = 5\nmetric = ["redundancy"]\n'})
    code, out, err = cli("push", name)
    assert code == 0, err
    assert "opened" in out
    assert "up to date" in cli("push", name)[1]
    assert "opened" not in cli("push", name, "--rows", "6")[1]  # other settings: the same pull request is updated
    assert len([one for one in hub.discussions(name) if one.is_pull_request]) == 1
