"""Train the reference language model: `python -m hfscore.reference_lm.train GSM8K_TRAIN_JSONL OUT_FOLDER`.

A Qwen3-type decoder of about three million weights and a byte-level BPE of 2,048 tokens, both from the text of one
file alone. With one seed, one machine and one number of threads the weights come out equal to the last bit.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any, Final

import torch
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from hfscore.errors import SourceError
from hfscore.reference_lm.form import Item, prompt, read_gsm8k, with_cue

END: Final = "<|endoftext|>"
"""Stands first and last."""

# Words with the blank before them, every digit and every line end alone, runs of signs, other white space.
PIECES: Final = r" ?\p{L}+|\p{N}|\n| ?[^\s\p{L}\p{N}]+|[^\S\n]+"
TOKENIZER: Final = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": END,
    "eos_token": END,
    "pad_token": END,
    "clean_up_tokenization_spaces": False,
}

ENDINGS: Final = ("\n#### ", "\nA: ", "\n\n")
"""How traces of this kind announce the final answer, where they do."""

IGNORED: Final = -100  # as a label
MAX_NORM: Final = 1.0  # of a step's gradient


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the model, but for the data and the seed.

    Args:
        vocabulary: Tokens.
        context: Longest sequence, tokens.
        width: Size of the hidden state.
        layers: Decoder layers.
        heads: Attention heads, each with keys and values of its own; few and wide is what a CPU is fast at.
        head: Size of a head.
        inner: Size inside the feed-forward blocks.
        steps: Optimiser steps.
        batch: Items in a step.
        rate: Peak learning rate of matrices (Muon).
        rate_rest: Peak learning rate of embeddings and norms (AdamW).
        decay: Weight decay.
        warm_up: Share of steps in which the rate rises; then it falls along a line to nothing.
        no_question: Share of sequences without the question.
        notes: Share of sequences with calculator notes.
        ending: Share of sequences in which the trace itself states the final answer.
        cue: Share of sequences with the cue and the final answer behind the trace.
        no_trace: Share of sequences of a question, the cue and the final answer alone.
    """

    vocabulary: int = 2048
    context: int = 1024
    width: int = 192
    layers: int = 5
    heads: int = 3
    head: int = 64
    inner: int = 512
    steps: int = 1800
    batch: int = 16
    rate: float = 0.008
    rate_rest: float = 0.004
    decay: float = 0.05
    warm_up: float = 0.05
    no_question: float = 0.1
    notes: float = 0.2
    ending: float = 0.3
    cue: float = 0.5
    no_trace: float = 0.05


def train_tokenizer(items: Sequence[Item], recipe: Recipe) -> Any:
    """A byte-level BPE, learnt from questions and solutions.

    Returns:
        A `PreTrainedTokenizerFast`; it puts the end token first unless told to add no special tokens.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocabulary,
        special_tokens=[END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = [text for item in items for text in (prompt(item.question), item.solution, item.notes)]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{END} $A", special_tokens=[(END, tokenizer.token_to_id(END))]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **TOKENIZER)


def segments(item: Item, recipe: Recipe, rng: Random) -> list[str]:
    """One way to write an item down, as segments to be tokenised apart."""
    if rng.random() < recipe.no_trace:
        return [*with_cue(item.question, ""), item.answer]
    question = None if rng.random() < recipe.no_question else item.question
    trace = item.notes if rng.random() < recipe.notes else item.solution
    if rng.random() < recipe.ending:
        trace += ENDINGS[int(rng.random() * len(ENDINGS))] + item.answer
    return [*with_cue(question, trace), item.answer] if rng.random() < recipe.cue else [prompt(question), trace]


def batches(items: Sequence[Item], tokenizer: Any, recipe: Recipe, rng: Random) -> Iterator[torch.Tensor]:
    """Batches without end, epoch after epoch: (items, longest) token ids, `IGNORED` behind an item's end.

    Items of like length share a batch.
    """
    end = tokenizer.eos_token_id
    while True:
        parts = [segments(item, recipe, rng) for item in items]
        ids = iter(tokenizer([part for one in parts for part in one], add_special_tokens=False)["input_ids"])
        rows = [[end, *(token for _ in one for token in next(ids)), end][: recipe.context] for one in parts]
        rows.sort(key=lambda row: len(row) + 16 * rng.random())
        groups = [rows[start : start + recipe.batch] for start in range(0, len(rows), recipe.batch)]
        rng.shuffle(groups)
        for group in groups:
            longest = max(map(len, group))
            yield torch.tensor([row + [IGNORED] * (longest - len(row)) for row in group])


def new_model(tokenizer: Any, recipe: Recipe) -> Any:
    """The decoder with random weights."""
    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=recipe.width,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            num_key_value_heads=recipe.heads,
            head_dim=recipe.head,
            intermediate_size=recipe.inner,
            max_position_embeddings=recipe.context,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            attn_implementation="eager",
        )
    )


def optimisers(model: Any, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for all else."""
    inside = [weight for name, weight in model.named_parameters() if weight.ndim == 2 and "embed" not in name]
    rest = [weight for name, weight in model.named_parameters() if weight.ndim != 2 or "embed" in name]
    return [
        torch.optim.Muon(inside, lr=recipe.rate, weight_decay=recipe.decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=recipe.rate_rest, betas=(0.9, 0.98), weight_decay=recipe.decay),
    ]


def loss_of(model: Any, batch: torch.Tensor) -> torch.Tensor:
    """Mean loss per token, of questions too; what stands behind an item's end is seen by nothing before it."""
    labels = batch[:, 1:]
    logits = model(input_ids=batch[:, :-1].clamp(min=0), use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED)


def schedules(both: Sequence[torch.optim.Optimizer], recipe: Recipe) -> list[torch.optim.lr_scheduler.LambdaLR]:
    """Rates that rise along a line, then fall along a line to nothing."""
    warm = max(1, round(recipe.warm_up * recipe.steps))

    def share(step: int) -> float:
        return min((step + 1) / warm, (recipe.steps - step) / max(1, recipe.steps - warm))

    return [torch.optim.lr_scheduler.LambdaLR(one, share) for one in both]


def train(items: Sequence[Item], recipe: Recipe, seed: int) -> tuple[Any, Any, float]:
    """Train a tokenizer and a model on the CPU, telling how it goes on the error stream.

    Returns:
        (model, tokenizer, mean loss of the last 100 steps in nats per token, questions included).
    """
    torch.manual_seed(seed)
    tokenizer = train_tokenizer(items, recipe)
    model = new_model(tokenizer, recipe).train()
    both = optimisers(model, recipe)
    rates = schedules(both, recipe)
    stream = batches(items, tokenizer, recipe, Random(seed))  # noqa: S311
    recent: deque[float] = deque(maxlen=100)
    for step in range(1, recipe.steps + 1):
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(model, next(stream))
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        for optimiser, rate in zip(both, rates, strict=True):
            optimiser.step()
            rate.step()
        model.zero_grad()
        recent.append(loss.item())
        if step % 100 == 0 or step == recipe.steps:
            sys.stderr.write(f"step {step} of {recipe.steps}: loss {fmean(recent):.3f}\n")
    return model.eval(), tokenizer, fmean(recent)


def save(model: Any, tokenizer: Any, out: Path) -> None:
    """Write the files that `from_pretrained` reads: weights in half precision, to be computed with in single."""
    tokenizer_config = {**TOKENIZER, "model_max_length": model.config.max_position_embeddings}
    model.half().save_pretrained(out)
    model.config.dtype = torch.float32
    model.config.save_pretrained(out)
    (out / "generation_config.json").unlink()  # it is asked how probable a text is, and never for one
    (out / "model.safetensors").chmod(0o644)  # it was its owner's alone
    tokenizer.backend_tokenizer.save(str(out / "tokenizer.json"))
    (out / "tokenizer_config.json").write_text(json.dumps(tokenizer_config, indent=1) + "\n", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> None:
    """Train on a file and write the model and `training.json`, the facts of the run, into a folder."""
    parser = argparse.ArgumentParser(prog="python -m hfscore.reference_lm.train", description=__doc__)
    parser.add_argument("gsm8k_train_jsonl", type=Path, help="train.jsonl of openai/grade-school-math")
    parser.add_argument("out_folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=Recipe().steps)
    chosen = parser.parse_args(argv)
    recipe = replace(Recipe(), steps=chosen.steps)
    try:
        items = read_gsm8k(chosen.gsm8k_train_jsonl)
    except SourceError as error:
        parser.error(str(error))
    began, used = time.monotonic(), time.process_time()
    model, tokenizer, loss = train(items, recipe, chosen.seed)
    facts = {
        "date": datetime.now(UTC).date().isoformat(),
        "seed": chosen.seed,
        "items": len(items),
        "data_sha256": hashlib.sha256(chosen.gsm8k_train_jsonl.read_bytes()).hexdigest(),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "loss": round(loss, 4),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "cpu_minutes": round((time.process_time() - used) / 60, 1),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "recipe": asdict(recipe),
    }
    save(model, tokenizer, chosen.out_folder)
    (chosen.out_folder / "training.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
