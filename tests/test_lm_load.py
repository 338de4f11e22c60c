"""Loading a language model: what can be used, and one sentence for everything else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from hfscore.errors import MissingExtraError
from hfscore.lm import load
from hfscore.lm.memory import available
from hfscore.loopback import LoopbackHub
from hfscore.ports import ModelName, TraceScores
from tests.fakes import trace
from tests.tiny_models import save_tokenizer, shared_model, tiny_model


def copied(folder: Path, kind: str = "llama") -> Path:
    shutil.copytree(shared_model(kind), folder)
    return folder


def refused(name: Path | str, **more: Any) -> str:
    with pytest.raises(MissingExtraError) as caught:
        load(str(name), **more)
    return str(caught.value)


def saved(folder: Path, model: Any) -> Path:
    model.save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def test_a_folder(tmp_path: Path) -> None:
    lm = load(str(copied(tmp_path / "small")))
    assert lm.name == ModelName("small", None)
    assert not lm.model.training
    assert not any(weight.requires_grad for weight in lm.model.parameters())
    assert isinstance(lm.traces([trace("So two")])[0], TraceScores)


def test_a_model_on_the_hub(hub: LoopbackHub, tmp_path: Path) -> None:
    from huggingface_hub import HfApi

    api = HfApi()
    api.create_repo("maintainer/tiny-lm")
    api.upload_folder(repo_id="maintainer/tiny-lm", folder_path=copied(tmp_path / "m"))
    first = api.model_info("maintainer/tiny-lm").sha
    lm = load("maintainer/tiny-lm")
    assert lm.name == ModelName("maintainer/tiny-lm", f"git:{first}")
    assert load(f"maintainer/tiny-lm@{first}").name == lm.name


def test_a_model_that_is_not_there() -> None:
    assert "The language model 'lab/no-such-model' cannot be used" in refused("lab/no-such-model")
    assert "cannot be used" in refused("not a name at all/../x")


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "cannot be used" in refused(tmp_path)


def test_code_of_its_own_is_never_run(tmp_path: Path) -> None:
    folder = copied(tmp_path / "m")
    ran = tmp_path / "ran"
    code = f"open({str(ran)!r}, 'w').close()\nfrom transformers import LlamaConfig as C, LlamaForCausalLM as M\n"
    (folder / "own.py").write_text(code)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"}}
    (folder / "config.json").write_text(json.dumps(config))
    assert "cannot be used" in refused(folder)
    assert not ran.exists()


def test_weights_that_are_no_safetensors(tmp_path: Path) -> None:
    folder = copied(tmp_path / "m")
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert "safetensors" in refused(folder)


def test_damaged_weights(tmp_path: Path) -> None:
    folder = copied(tmp_path / "m")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert "cannot be used" in refused(folder)


def test_a_folder_without_a_tokenizer(tmp_path: Path) -> None:
    folder = copied(tmp_path / "m")
    for file in folder.glob("tokenizer*"):
        file.unlink()
    assert "cannot be used" in refused(folder)


def test_weights_that_are_missing_are_not_made_up(tmp_path: Path) -> None:
    from transformers import LlamaConfig, LlamaModel

    config = LlamaConfig(
        vocab_size=382, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2
    )
    assert "do not hold all" in refused(saved(tmp_path / "m", LlamaModel(config)))


def test_a_model_that_sees_what_comes_after(tmp_path: Path) -> None:
    from transformers import BertConfig, BertLMHeadModel

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    said = refused(saved(tmp_path / "m", BertLMHeadModel(BertConfig(vocab_size=382, **sizes))))
    assert "depends on what comes after" in said
    causal = saved(tmp_path / "n", BertLMHeadModel(BertConfig(vocab_size=382, is_decoder=True, **sizes)))
    assert load(str(causal)).settings["head"].startswith("the model's own")  # a layer stands before its weights


def test_an_encoder_decoder(tmp_path: Path) -> None:
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(vocab_size=382, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2)
    said = refused(saved(tmp_path / "m", T5ForConditionalGeneration(config)))
    assert "a model of type t5 is no causal language model" in said


def test_a_model_that_does_not_fit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    from transformers import LlamaConfig

    config = LlamaConfig(vocab_size=128_000, hidden_size=16_384, intermediate_size=65_536, num_hidden_layers=120)
    config.save_pretrained(tmp_path)  # and no weights at all
    said = refused(tmp_path, device="cpu")
    assert "GiB for its weights in float32" in said
    assert "are free on the cpu" in said


@pytest.mark.parametrize(
    ("asked", "said"), [({"dtype": "float8"}, "no dtype 'float8'"), ({"device": "moon"}, "no device")]
)
def test_what_is_not_there(asked: dict[str, str], said: str) -> None:
    assert said in refused(shared_model(), **asked)


def test_a_device_that_is_not_there() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert "no device 'cuda'" in refused(shared_model(), device="cuda")


def test_a_cpu_that_does_not_multiply_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert "does not multiply bfloat16" in refused(shared_model(), device="cpu", dtype="bfloat16")


def test_a_context_shorter_than_the_probe(tmp_path: Path) -> None:
    lm = load(str(tiny_model(tmp_path / "m", "gpt2", n_positions=16)), device="cpu")
    assert lm.window == 16
    assert lm.settings["head"] == "fused"


def test_memory_is_known_here() -> None:
    free = available(torch.device("cpu"))
    if not Path("/proc/meminfo").exists():
        assert free is None
    else:
        assert free is not None
        assert 2**20 < free < 2**50
