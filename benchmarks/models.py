"""Random causal language models for hfscore's engine, the work they must do, and exact numbers to check it against."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.measure import Run
from benchmarks.outcome import Figures
from benchmarks.texts import prose
from hfscore.lm.batches import Budget
from hfscore.lm.head import Head
from hfscore.lm.load import TOKENS
from hfscore.lm.model import CausalLM
from hfscore.lm.probe import fused_head
from hfscore.lm.spans import Script
from hfscore.lm.tokens import Encoder, Row
from hfscore.ports import ModelName, Passage
from hfscore.records import Unscored
from hfscore.text.chat_form import form_of

COMPARED = 512  # tokens of the shortest row, at most, whose exact numbers are worked out

Scores = tuple[NDArray[np.float32], NDArray[np.float32] | None]  # (n,) surprisal and entropy of a row, nats

# Nats by which one token may be off: float32 rounds, bfloat16 has 8 bits.
TOLERANCE = {"float32": 1e-3, "bfloat16": 0.3}
ERRORS = {
    "design": "design",
    "scored": "tokens scored",
    "given": "tokens given",
    "nll_max": "surprisal, largest error, nats",
    "nll_mean": "mean error",
    "entropy_max": "entropy, largest error, nats",
    "entropy_mean": "mean error",
}


def tokenizer() -> Any:
    """A byte-level BPE of 4,000 tokens, trained on generated text."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=4000, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator([prose(20_000)], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<|bos|>")


def passages(reader: Any, lengths: Sequence[int]) -> list[Passage]:
    """Texts of about so many tokens, one behind the other in file order."""
    found = []
    for number, length in enumerate(lengths):
        text = prose(length, seed=number)  # a word is a token or more
        ends = reader(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)["offset_mapping"]
        found.append(Passage(None, (text[: ends[length - 1][1]],)))
    return found


def causal_lm(config: Mapping[str, Any], reader: Any, *, device: str, dtype: str) -> CausalLM:
    """A random model of the Qwen3 kind, as `hfscore.lm.load` would hand it out.

    Args:
        config: Fields of its config.
        reader: Its tokenizer.
        device: "cpu" or "cuda".
        dtype: Name of its weights' type.
    """
    from transformers import AutoModelForCausalLM, Qwen3Config

    torch.manual_seed(0)
    with torch.device(device), torch.no_grad():
        full = Qwen3Config(**config, bos_token_id=None, eos_token_id=None)
        model = AutoModelForCausalLM.from_config(full, dtype=getattr(torch, dtype)).eval().requires_grad_(False)
        model.lm_head.weight.mul_(3)  # logits far enough apart that the entropy is not just log V
    return _wrapped(model, Script(reader, form_of(reader)), reader)


def _wrapped(model: Any, script: Script, reader: Any) -> CausalLM:
    return CausalLM(
        model=model,
        script=script,
        encoder=Encoder(reader, model.get_input_embeddings().weight.shape[0]),
        name=ModelName("random weights"),
        head=fused_head(model),
        window=model.config.max_position_embeddings,
        budget=Budget(TOKENS[model.device.type]),
    )


def in_bfloat16(lm: CausalLM) -> CausalLM:
    """The same model with its weights rounded."""
    return _wrapped(copy.deepcopy(lm.model).to(torch.bfloat16), lm.script, lm.encoder.tokenizer)


def head_of(lm: CausalLM) -> Head:
    """The model's output weights, which the engine must have found."""
    assert lm.head is not None, "the engine found no fused head in a plain model"
    return lm.head


def laid_out(lm: CausalLM, texts: Sequence[Passage]) -> list[Row]:
    """The texts as the engine's tokens."""
    found = lm.encoder.rows([lm.script.passage(text) for text in texts])
    return [row for row in found if isinstance(row, Row)]


def given(lm: CausalLM, texts: Sequence[Passage]) -> list[int]:
    """Tokens of every text, by the tokenizer alone."""
    read = lm.encoder.tokenizer
    return [len(read(text.parts[0], add_special_tokens=False, verbose=False)["input_ids"]) for text in texts]


def scores(lm: CausalLM, texts: Sequence[Passage]) -> list[Scores]:
    """What the engine says, a text it could not score having no tokens."""
    nothing = np.empty(0, dtype=np.float32)
    return [
        (nothing, nothing) if isinstance(found, Unscored) else (found[0].nll, found[0].entropy)
        for found in lm.passages(texts)
    ]


def flops(lm: CausalLM, rows: Sequence[Row]) -> float:
    """Floating-point operations of the matrix products that unpadded rows need, attention's lower half included."""
    model = lm.model
    outside = ("embed_tokens", "lm_head", "norm")
    named = model.named_parameters()
    body = sum(weight.numel() for name, weight in named if not any(word in name for word in outside))
    config = model.config
    heads = config.num_attention_heads * config.head_dim * config.num_hidden_layers
    read = [len(row.ids) - 1 for row in rows]  # the last token is foretold, not read
    scored = sum(len(row.scored) for row in rows)
    attention = sum(2.0 * length * length * heads for length in read)
    return float(2 * body * sum(read) + 2 * head_of(lm).weight.numel() * scored + attention)


def exact(hidden: Tensor, weight: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """(n,) surprisal and entropy in nats, in float64, of (n, d) hidden states under (V, d) output weights."""
    states = hidden.double()
    logs = torch.cat([states @ block.double().T for block in torch.split(weight, 16384)], dim=1).log_softmax(-1)
    return -logs.gather(1, targets[:, None])[:, 0].cpu(), -(logs.exp() * logs).sum(-1).cpu()


@torch.inference_mode()
def exact_row(lm: CausalLM, row: Row) -> tuple[Tensor, Tensor]:
    """`exact` for the first tokens of a row read alone, from the model's own hidden states."""
    ids = torch.from_numpy(row.ids).to(lm.model.device)
    places = torch.from_numpy(row.scored[:COMPARED]).to(lm.model.device)
    states = lm.model.base_model(ids[None], use_cache=False).last_hidden_state[0]
    return exact(states[places - 1], head_of(lm).weight, ids[places])


def errors(found: Scores, truth: tuple[Tensor, Tensor]) -> dict[str, float | None]:
    """Largest and mean error of the tokens whose truth is known; None where there is no finite number for each."""
    figures: dict[str, float | None] = {}
    for name, ours, theirs in zip(("nll", "entropy"), found, truth, strict=True):
        figures |= {f"{name}_max": None, f"{name}_mean": None}
        if ours is None or len(ours) < len(theirs):
            continue
        off = np.abs(ours[: len(theirs)].astype(np.float64) - theirs.numpy())
        if np.isfinite(off).all():
            figures |= {f"{name}_max": float(off.max()), f"{name}_mean": float(off.mean())}
    return figures


def near(found: Scores, truth: tuple[Tensor, Tensor], tolerance: float) -> bool:
    """Whether all that was found is that close to the truth; what was not asked for is None."""
    off = errors(found, truth)
    asked = [f"{name}_max" for name, ours in zip(("nll", "entropy"), found, strict=True) if ours is not None]
    return all((error := off[name]) is not None and error <= tolerance for name in asked)


@dataclass(frozen=True, slots=True)
class Answer:
    """What must come out of every design.

    Args:
        tokens: Tokens of every row.
        shortest: Number of the row that is compared.
        truth: Its exact surprisal and entropy.
    """

    tokens: Sequence[int]
    shortest: int
    truth: tuple[Tensor, Tensor]

    def check(self, name: str, run: Run, tolerance: float) -> tuple[Figures, dict[str, bool]]:
        """A row of a table with the headings `ERRORS`, and what holds of a design."""
        result: Sequence[Scores] = run.result
        shortest = result[self.shortest]
        counts = {"scored": sum(len(nll) for nll, _ in result), "given": sum(self.tokens)}
        return {"design": name, **counts, **errors(shortest, self.truth)}, {
            f"{name}: every token is scored": [len(nll) for nll, _ in result] == list(self.tokens),
            f"{name}: within {tolerance:g} nats of float64": near(shortest, self.truth, tolerance),
        }


def answer(lm: CausalLM, texts: Sequence[Passage], rows: Sequence[Row]) -> Answer:
    """The answer for these rows."""
    counts = given(lm, texts)
    shortest = counts.index(min(counts))
    return Answer(counts, shortest, exact_row(lm, rows[shortest]))


@torch.inference_mode()
def full_logits(
    model: Any, rows: Sequence[Row], batches: Sequence[Sequence[int]], *, masked: bool = False, entropy: bool = True
) -> list[Scores]:
    """The peers' way: a batch's logits over the whole vocabulary at once.

    Args:
        model: The model.
        rows: What it reads.
        batches: Numbers of the rows, batch by batch.
        masked: Whether padding is masked, as tokenizers hand it out.
        entropy: Surprisal and entropy through log-softmax; otherwise surprisal alone, through cross-entropy on
            shifted copies.
    """
    found: dict[int, Scores] = {}
    for batch in batches:
        longest = max(len(rows[number].ids) for number in batch)
        ids = torch.zeros(len(batch), longest, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for line, number in enumerate(batch):
            size = len(rows[number].ids)
            ids[line, :size] = torch.from_numpy(rows[number].ids)
            mask[line, :size] = 1
        ids, mask = ids.to(model.device), mask.to(model.device)
        logits = model(ids, attention_mask=mask if masked else None, use_cache=False).logits
        nll, spread = _both(logits, ids) if entropy else (_surprisal(logits, ids), None)
        del logits
        for line, number in enumerate(batch):
            places = torch.from_numpy(rows[number].scored - 1)
            own = None if spread is None else spread[line].float().cpu()[places].numpy()
            found[number] = (nll[line].float().cpu()[places].numpy(), own)
    return [found[number] for number in range(len(rows))]


def _both(logits: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
    logs = logits[:, :-1].float().log_softmax(-1)
    return -logs.gather(2, ids[:, 1:, None])[..., 0], -(logs.exp() * logs).sum(-1)


def _surprisal(logits: Tensor, ids: Tensor) -> Tensor:
    ahead = logits[:, :-1].float().contiguous()
    return torch.nn.functional.cross_entropy(ahead.transpose(1, 2), ids[:, 1:].contiguous(), reduction="none")
