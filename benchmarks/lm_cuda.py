"""Scoring rows on a GPU: models of the Qwen3 family's shapes in bfloat16, at three lengths.

Rows of one run are of one length, so padding plays no part; that figure is in `lm`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import torch

from benchmarks import measure, models
from benchmarks.outcome import Figures, Options, Outcome, Table
from hfscore.lm.batches import cut, is_out_of_memory
from hfscore.lm.forward import hidden_states, windows
from hfscore.lm.load import TOKENS
from hfscore.lm.model import CausalLM
from hfscore.lm.tokens import Row
from hfscore.ports import Passage

_COMMON = {"vocab_size": 151_936, "head_dim": 128, "num_key_value_heads": 8, "max_position_embeddings": 40_960}
SHAPES = {
    "0.6B": _COMMON
    | {
        "hidden_size": 1024,
        "intermediate_size": 3072,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "tie_word_embeddings": True,
    },
    "8B": _COMMON
    | {
        "hidden_size": 4096,
        "intermediate_size": 12_288,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "tie_word_embeddings": False,
    },
}
TINY = {
    "vocab_size": 5_000,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 40_960,
    "tie_word_embeddings": True,
}
LENGTHS = (2_000, 8_000, 30_000)
TOKENS_A_RUN = 64_000
SPEED = {
    "model": "model",
    "length": "tokens a row",
    "design": "design",
    "gives": "gives",
    "wall_s": "wall, s",
    "tokens_s": "tokens/s",
    "ratio": "time / hfscore",
    "share": "of the bfloat16 limit",
    "peak_gib": "peak memory above weights, GiB",
    "rounds": "rounds",
}
GIVES = {
    "hfscore": "surprisal, entropy, rank",
    "sorted, full logits": "surprisal, entropy",
    "one by one, full logits": "surprisal, entropy",
    "liger": "surprisal, entropy",
}

Design = Callable[[], list[models.Scores]]


def run(options: Options) -> Outcome:
    """Compare designs, shape by shape and length by length."""
    shapes = {"tiny": TINY} if options.quick else SHAPES
    reader = models.tokenizer()
    ceiling = measure.Ceiling(options.device, ("bfloat16",), options.quick)
    speed: list[Figures] = []
    errors: list[Figures] = []
    checks: dict[str, bool] = {}
    notes: list[str] = [] if find_spec("liger_kernel") else ["liger-kernel is not installed, so it is not measured."]
    for shape, config in shapes.items():
        lm = models.causal_lm(config, reader, device=options.device, dtype="bfloat16")
        for length in (50, 200) if options.quick else LENGTHS:
            count = 2 if options.quick else max(1, TOKENS_A_RUN // length)
            texts = models.passages(reader, [length] * count)
            label = f"{shape}, {length:,} tokens"
            compared = _compare(lm, texts, ceiling, options=options)
            checks |= {f"{label}, {what}": holds for what, holds in compared.checks.items()}
            notes += [f"{label}: {note}" for note in compared.notes]
            for table, rows in zip(compared.tables, (speed, errors), strict=True):
                rows += [{"model": shape, "length": length, **row} for row in table.rows]
        del lm
    return Outcome(
        title="Random weights in bfloat16, rows of one length.",
        tables=(
            Table("Designs", SPEED, speed),
            Table("Errors on the shortest row", {"model": "model", "length": "tokens a row", **models.ERRORS}, errors),
        ),
        checks=checks,
        ceiling=ceiling.data(),
        notes=notes,
    )


def _compare(lm: CausalLM, texts: Sequence[Passage], ceiling: measure.Ceiling, *, options: Options) -> Outcome:
    """All designs on rows of one length."""
    rows = models.laid_out(lm, texts)
    answer = models.answer(lm, texts, rows)
    speed: list[Figures] = []
    errors: list[Figures] = []
    checks: dict[str, bool] = {}
    notes: list[str] = []
    fitting: dict[str, Design] = {}
    for name, design in _designs(lm, texts, rows, device=options.device).items():
        try:
            design()  # the first run compiles kernels, and shows whether it fits
            fitting[name] = design
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            notes.append(f"{name} does not fit into memory.")
    runs = measure.alternate(
        fitting,
        device=options.device,
        before=ceiling.measure,
        least=1 if options.quick else 3,
        seconds=0,
    )
    limit = models.flops(lm, rows) / ceiling.flops["bfloat16"]
    for name, one in runs.items():
        row, holds = answer.check(name, one, models.TOLERANCE["bfloat16"])
        errors.append(row)
        checks |= holds
        speed.append(
            {
                "design": name,
                "gives": GIVES[name],
                "wall_s": one.wall,
                "tokens_s": sum(answer.tokens) / one.wall,
                "ratio": one.wall / runs["hfscore"].wall if "hfscore" in runs else None,
                "share": limit / one.wall,
                "peak_gib": one.peak,
                "rounds": one.rounds,
            }
        )
    return Outcome("", (Table("", SPEED, speed), Table("", models.ERRORS, errors)), checks, notes=notes)


def _designs(lm: CausalLM, texts: Sequence[Passage], rows: Sequence[Row], *, device: str) -> dict[str, Design]:
    batches = cut([len(row.ids) for row in rows], TOKENS[device])
    found: dict[str, Design] = {
        "hfscore": lambda: models.scores(lm, texts),
        "sorted, full logits": lambda: models.full_logits(lm.model, rows, batches),
        "one by one, full logits": lambda: models.full_logits(lm.model, rows, [[row] for row in range(len(rows))]),
    }
    if device == "cuda" and find_spec("liger_kernel"):
        found["liger"] = lambda: _liger(lm, rows, batches)
    return found


@torch.inference_mode()
def _liger(lm: CausalLM, rows: Sequence[Row], batches: Sequence[Sequence[int]]) -> list[models.Scores]:
    """The engine's batches and hidden states under Liger's head, which gives a token's surprisal and entropy."""
    fused = import_module("liger_kernel.ops").LigerFusedLinearScaledCrossEntropyFunction
    weight = models.head_of(lm).weight
    found: dict[int, models.Scores] = {}
    for batch in batches:
        parts = [windows(row, rows[row].ids, rows[row].scored, longest=None)[0] for row in batch]
        targets = torch.from_numpy(np.concatenate([part.targets for part in parts])).to(weight.device)
        states = hidden_states(lm.model, parts)
        nll, entropy = (one.float().cpu() for one in fused.apply(states, weight, targets, 1.0, -100, 1, True))
        sizes = [len(part.targets) for part in parts]
        for row, one, other in zip(batch, nll.split(sizes), entropy.split(sizes), strict=True):
            found[row] = (one.numpy(), other.numpy())
    return [found[row] for row in range(len(rows))]
