"""The language model that comes with the package: its files, what it notices, and that training repeats."""

from __future__ import annotations

import json
import lzma
import subprocess
import sys
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from hfscore.errors import SourceError
from hfscore.reference_lm import folder, form

DATA = Path(__file__).parent / "data"
HEAD = DATA / "gsm8k_head.jsonl"
FEW = 20
MEGABYTES = 8


@cache
def items() -> list[form.Item]:
    rows = map(json.loads, lzma.decompress((DATA / "gsm8k_test_300.jsonl.xz").read_bytes()).decode().splitlines())
    return [form.Item(row["question"], row["answer"], row["reference"]) for row in rows]


@cache
def shipped() -> tuple[Any, Any]:
    from hfscore.reference_lm.evaluate import load

    return load(folder())


@cache
def few_losses() -> np.ndarray:
    from hfscore.reference_lm.evaluate import mean_nll

    return mean_nll(*shipped(), [([form.prompt(item.question)], item.solution) for item in items()[:FEW]])


def test_naming_it_loads_no_model_library() -> None:
    code = "import sys, hfscore.reference_lm as r; r.folder(); assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_its_files_are_small_and_complete() -> None:
    sizes = {path.name: path.stat().st_size for path in folder().iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= sizes.keys()
    assert {"README.md", "LICENSE-gsm8k", "training.json"} <= sizes.keys()
    assert sum(sizes.values()) < MEGABYTES * 1e6


def test_it_loads_with_plain_transformers() -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder(), trust_remote_code=False, use_safetensors=True)
    assert model.dtype == torch.float32  # half precision on disk, single to compute with
    assert 2e6 <= sum(weight.numel() for weight in model.parameters()) <= 3.5e6
    tokenizer = AutoTokenizer.from_pretrained(folder(), trust_remote_code=False)
    assert tokenizer.is_fast
    assert len(tokenizer) == model.config.vocab_size
    assert tokenizer("12")["input_ids"][0] == tokenizer.bos_token_id == tokenizer.eos_token_id


def test_the_card_states_the_facts_of_the_run() -> None:
    facts = json.loads((folder() / "training.json").read_text())
    card = (folder() / "README.md").read_text()
    for fact in (facts["data_sha256"], f"{facts['parameters']:,}", facts["date"], f"{facts['loss']:.2f}"):
        assert fact in card


def test_the_form_is_that_of_the_engine() -> None:
    from hfscore.lm import spans

    assert (form.QUESTION, form.NO_QUESTION) == (spans.QUESTION, spans.NO_QUESTION)


@pytest.mark.parametrize(
    "text", ["He sold 48/2 = $24.50.\nSo 1,000 × 3 = 3,000\n\n", "żółw 日本 🙂\u2028<|endoftext|> x"]
)
def test_tokens_are_the_text_digit_by_digit(text: str) -> None:
    _, tokenizer = shipped()
    found = tokenizer(text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
    assert tokenizer.decode(found["input_ids"]) == text
    tokens = [text[start:end] for start, end in found["offset_mapping"]]
    assert [token for token in tokens if any(map(str.isdecimal, token))] == list(filter(str.isdecimal, text))


def test_sound_traces_are_probable() -> None:
    from hfscore.reference_lm.evaluate import mean_nll

    model, tokenizer = shipped()
    assert few_losses().mean() < 1.5
    unrelated = "Photosynthesis stores light as sugar; chlorophyll absorbs red and blue, and leaves look green."
    assert mean_nll(model, tokenizer, [([form.prompt(None)], unrelated)])[0] > 2 * few_losses().mean()


def test_another_question_makes_traces_less_probable() -> None:
    from hfscore.reference_lm.evaluate import mean_nll

    texts = [([form.prompt(items()[row + 1].question)], items()[row].solution) for row in range(FEW)]
    assert (mean_nll(*shipped(), texts) > few_losses()).sum() >= 17


@pytest.mark.parametrize("damage", ["shuffle_steps", "falsify_number", "break_result"])
def test_damaged_traces_are_less_probable(damage: str) -> None:
    from hfscore.damage import plant
    from hfscore.records import Trace
    from hfscore.reference_lm.evaluate import mean_nll

    few = items()[:FEW]
    traces = [Trace("default", "test", row, 0, item.question, item.solution) for row, item in enumerate(few)]
    planted = plant(traces, damage, 1.0)
    touched = [row for row, one in enumerate(planted) if one.touched]
    texts = [([form.prompt(few[row].question)], planted[row].trace.reasoning) for row in touched]
    rises = mean_nll(*shipped(), texts) - few_losses()[touched]
    assert len(touched) >= 5
    assert (rises > 0).mean() >= 0.8


def test_a_loss_is_that_of_the_scored_tokens_alone() -> None:
    """Against the model's own loss, one text at a time; texts of one batch do not move each other."""
    import torch

    from hfscore.reference_lm.evaluate import mean_nll

    model, tokenizer = shipped()
    for item, batched in zip(items()[:3], few_losses(), strict=False):
        given = [tokenizer.bos_token_id, *tokenizer(form.prompt(item.question), add_special_tokens=False)["input_ids"]]
        scored = tokenizer(item.solution, add_special_tokens=False)["input_ids"]
        labels = torch.tensor([[-100] * len(given) + scored])
        with torch.no_grad():
            own = model(input_ids=torch.tensor([given + scored]), labels=labels).loss.item()
        assert mean_nll(model, tokenizer, [([form.prompt(item.question)], item.solution)])[0] == pytest.approx(
            own, 1e-5
        )
        assert batched == pytest.approx(own, 1e-4)


def test_an_effect_is_the_mean_and_the_share_that_rises() -> None:
    from hfscore.reference_lm.evaluate import effect

    found = effect("x", items()[:5], np.array([0.2, 0.2, 0.2, -0.1, 0.0]))
    assert (found.mean, found.rises, found.items) == (pytest.approx(0.1), 0.6, 5)
    assert found.low < 0.1 < found.high
    assert found.row().startswith("| x | 5 | +0.100 (")


def test_items_have_three_steps_and_come_in_file_order() -> None:
    from hfscore.reference_lm.evaluate import choose

    head = form.read_gsm8k(HEAD)
    chosen = choose(head, 10)
    assert chosen == sorted(chosen, key=head.index)
    assert [item.question for item in chosen] == [item.question for item in items()[:10]]
    with pytest.raises(SourceError, match="not 300"):
        choose(head)


def test_notes_and_the_last_line_are_no_part_of_a_solution() -> None:
    first = form.read_gsm8k(HEAD)[0]
    assert first.answer == "18"
    assert "9 * 2 = $<<9*2=18>>18 every" in first.notes
    assert "9 * 2 = $18 every" in first.solution
    assert "####" not in first.notes


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"question": "q"}', '{"question": 1, "answer": "x\\n#### 1"}', '{"question": "q", "answer": "x"}'],
)
def test_a_file_that_is_not_gsm8k_is_refused_by_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(HEAD.read_text(encoding="utf-8").splitlines()[0] + "\n" + line, encoding="utf-8")
    with pytest.raises(SourceError, match="Line 2"):
        form.read_gsm8k(path)


def test_the_scripts_say_what_is_wrong_with_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from hfscore.reference_lm import evaluate, train

    for main, words in ((train.main, [str(tmp_path / "out")]), (evaluate.main, [])):
        with pytest.raises(SystemExit) as stopped:
            main([str(tmp_path / "none.jsonl"), *words])
        assert stopped.value.code == 2
        assert "cannot be read" in capsys.readouterr().err


def test_sequences_take_every_form_and_share() -> None:
    from hfscore.reference_lm.train import Recipe, segments

    recipe, rng, item = Recipe(), Random(0), form.read_gsm8k(HEAD)[0]
    drawn = [segments(item, recipe, rng) for _ in range(4000)]
    traced = [one for one in drawn if one[1]]
    assert 1 - len(traced) / len(drawn) == pytest.approx(recipe.no_trace, abs=0.02)
    shares = {
        "no_question": [one[0] == form.prompt(None) for one in traced],
        "notes": ["<<" in one[1] for one in traced],
        "ending": [one[1] not in (item.notes, item.solution) for one in traced],
        "cue": [len(one) == 4 for one in traced],
    }
    for name, seen in shares.items():
        assert np.mean(seen) == pytest.approx(getattr(recipe, name), abs=0.03), name
    assert all(one[-1] == item.answer for one in drawn if len(one) == 4)


def test_training_repeats_and_gives_a_model_that_loads(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    from hfscore.reference_lm.evaluate import load, mean_nll
    from hfscore.reference_lm.train import main

    for name, seed in (("one", "0"), ("two", "0"), ("other", "1")):
        main([str(HEAD), str(tmp_path / name), "--steps", "2", "--seed", seed])
    one, two, other = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two", "other"))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert not all(np.array_equal(one[name], other[name]) for name in one)
    model, tokenizer = load(tmp_path / "one")
    assert np.isfinite(mean_nll(model, tokenizer, [([form.prompt("What is 1 + 1?")], "It is 2.")])).all()
    assert json.loads((tmp_path / "one" / "training.json").read_text())["items"] == 60
