"""For whom a report is read: sizes of students counted in their weights, options that decide no number."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

import hfscore
from hfscore import api, catalog, read_for, targets
from hfscore.backends.language_models import load_language_model
from hfscore.backends.model_size import ModelSize, model_size
from hfscore.errors import HfscoreError
from hfscore.profiles import Entry, Profile, dump
from hfscore.reference_lm import OFFLINE_REFERENCE_LM, folder
from hfscore.report import load
from tests import reports
from tests.test_cli import GSM8K, OFFLINE, Cli, cli  # noqa: F401 - a fixture
from tests.tiny_models import tiny_model

OWN = Profile("maths-7b", (6.0, 8.0), (Entry("words", "down", "C", ("scores.csv",), "Mine.", n=6),))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(dump(OWN), encoding="utf-8")
    return path


# Sizes of models.


def test_weights_are_counted_without_loading_them(tmp_path: Path) -> None:
    made = tiny_model(tmp_path / "model", "qwen3")
    assert model_size(str(made)).weights == load_language_model(str(made)).parameters
    assert model_size(OFFLINE_REFERENCE_LM) == ModelSize(
        load_language_model(OFFLINE_REFERENCE_LM).parameters, experts=False
    )


def test_an_adapter_or_a_second_copy_is_not_counted(tmp_path: Path) -> None:
    made = tiny_model(tmp_path / "model", "llama")
    before = model_size(str(made))
    weights = (made / "model.safetensors").read_bytes()
    (made / "consolidated.safetensors").write_bytes(weights)
    (made / "adapter_model.safetensors").write_bytes(weights)
    assert model_size(str(made)) == before
    (made / "model.safetensors").unlink()
    assert model_size(str(made)).weights is None


def test_an_index_names_the_files_of_a_model(tmp_path: Path) -> None:
    made = tiny_model(tmp_path / "model", "llama")
    before = model_size(str(made))
    (made / "model.safetensors").rename(made / "model-00001-of-00001.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00001.safetensors", "b": "model-00001-of-00001.safetensors"}}
    (made / "model.safetensors.index.json").write_text(json.dumps(index))
    assert model_size(str(made)) == before


def test_packed_weights_are_not_counted(tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    save_file({"w": np.zeros((4, 4), dtype=np.uint8)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"num_local_experts": 8}))
    assert model_size(str(tmp_path)) == ModelSize(None, experts=True)


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff" * 64])
def test_damaged_files_give_no_size(tmp_path: Path, damage: bytes) -> None:
    for name in ("config.json", "model.safetensors", "model.safetensors.index.json"):
        (tmp_path / name).write_bytes(damage)
    assert model_size(str(tmp_path)) == ModelSize(None, experts=False)


def test_a_model_that_cannot_be_reached_is_sized_by_its_name() -> None:
    report = dataclasses.replace(reports.one(), students=("owner/student-7B",))
    (found,) = read_for.for_settings(report, hfscore.Settings(student=("owner/student-7B@main",))).targets
    assert (found.text, found.basis, found.students) == ("7B", "name", ("owner/student-7B",))


# A run.


def test_a_run_is_read_for_its_students_and_for_the_sizes_asked_for(
    cli: Cli,  # noqa: F811
    tmp_path: Path,
    own: Path,
) -> None:
    given = ("--rows", "8", "--student", OFFLINE_REFERENCE_LM, "--metric", "rsr", "--metric", "words")
    code, shown, _ = cli(
        "score", str(GSM8K), *given, "--target", "7B", "--profile", str(own), "--out", str(tmp_path / "out")
    )
    assert code == 0
    assert max(map(len, shown.splitlines())) <= 80
    assert "Read for 7B: read as ≤ 8B" in shown
    assert "your own evidence (maths-7b): Words per trace, lower counts as better" in shown
    assert f"Read for 2.6M ({OFFLINE_REFERENCE_LM}): read as ≤ 8B, extrapolated below 3B" in shown
    seven, own_size = shown.split("Read for 7B")[1].split("Read for 2.6M")
    assert "Rank-surprisal ratio" not in seven  # no student of that size was measured
    assert "Rank-surprisal ratio" in own_size
    report = load(tmp_path / "out")
    assert [one.text for one in report.targets] == ["7B", "2.6M"]
    assert report.profiles == (OWN,)
    assert str(own) not in report.command  # a path of this machine
    assert "--target 7B" in report.command

    code, card, _ = cli("card", str(tmp_path / "out"), "--target", "70B")
    assert code == 0
    assert "**70B**: read as ≥ 11B, extrapolated above 14B" in card
    assert "**7B**" not in card
    assert f"**2.6M** (`{OFFLINE_REFERENCE_LM}`)" in card
    assert cli("card", str(tmp_path / "out"))[1] != card


def test_what_it_is_read_for_decides_no_number(own: Path) -> None:
    plain = hfscore.Settings()
    read = hfscore.Settings(target=("8B", "14B"), profile=(str(own),))
    assert plain.hash(catalog.families()) == read.hash(catalog.families())


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--target", "huge"), "'huge' is no size of a model"), (("--profile", "nowhere.toml"), "nowhere.toml")],
)
def test_what_cannot_be_read_is_refused_before_anything_is_scored(
    cli: Cli,  # noqa: F811
    words: tuple[str, ...],
    said: str,
) -> None:
    code, out, err = cli("score", str(GSM8K), *OFFLINE, *words)
    assert code == 2
    assert out == ""
    assert said in err.replace("\n", " ")


def test_a_profile_for_another_size_is_said_to_be_left_out() -> None:
    from tests.test_claims import terminal_of

    shown = read_for.for_others(dataclasses.replace(reports.one(), profiles=(OWN,)), target=("14B",))
    assert "Your profile 'maths-7b' is for none of these sizes" in terminal_of(shown)
    assert "Own evidence" not in api.section(shown)


def test_other_sizes_keep_the_students() -> None:
    base = reports.targeted()
    found = read_for.for_others(base, target=("8B",))
    assert [(one.text, one.students) for one in found.targets] == [
        ("8B", ("example/student-8b",)),
        ("14B", ("example/student-14b",)),
    ]
    assert read_for.for_others(base) == base
    with pytest.raises(HfscoreError):
        read_for.for_others(base, target=("8",))


def test_the_shipped_model_is_where_it_is_said_to_be() -> None:
    assert (folder() / "model.safetensors").is_file()
    assert targets.of_model("x", weights=model_size(OFFLINE_REFERENCE_LM).weights).total_b == 0.0026
