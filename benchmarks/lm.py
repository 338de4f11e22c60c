"""Scoring rows with a causal language model: hfscore's engine beside the ways its peers take.

The model has the vocabulary of the Qwen3 family and a small body, so that the head is nearly all of the work: the
worst case for it. On a GPU see `lm_cuda`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest.mock import patch

import torch

from benchmarks import measure, models
from benchmarks.outcome import Figures, Options, Outcome, Table, Target
from benchmarks.texts import lognormal
from hfscore.engine import WINDOW_TRACES
from hfscore.lm import model as engine
from hfscore.lm.batches import Budget, cut
from hfscore.lm.load import TOKENS
from hfscore.lm.memory import available
from hfscore.lm.model import CausalLM
from hfscore.lm.tokens import Row
from hfscore.ports import Passage

FULL = {
    "vocab_size": 151_936,
    "hidden_size": 256,
    "intermediate_size": 768,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "max_position_embeddings": 40_960,
    "tie_word_embeddings": True,
}
QUICK = FULL | {"vocab_size": 5_000, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "head_dim": 8}
LENGTHS = (2_500, 900, 1_350, 400, 300, 400)  # in file order, padded by two as much as the mix of `padding` is
SHORT = (60, 150, 20, 90)

OURS, BF16 = "hfscore", "hfscore, bfloat16"
SORTED, FILE_ORDER, ONE = "sorted, full logits", "file order, by two, full logits, mask", "one by one, full logits"
GIVES = {
    OURS: "surprisal, entropy, rank",
    BF16: "surprisal, entropy, rank",
    SORTED: "surprisal, entropy",
    FILE_ORDER: "surprisal",
    ONE: "surprisal, entropy",
}
SPEED = {
    "design": "design",
    "gives": "gives",
    "wall_s": "wall, s",
    "cpu_s": "CPU, s",
    "ratio": "CPU time / hfscore",
    "tokens_s": "tokens/s",
    "share": "of the float32 limit (wall)",
    "share_cpu": "of it (CPU time)",
    "peak_gib": "peak memory above weights, GiB",
    "rounds": "rounds",
}
PADDING = {"policy": "policy", "padding": "tokens computed / tokens needed"}


@dataclass(slots=True)
class Clock:
    """Seconds within some calls, and in all."""

    inside: float = 0.0
    whole: float = 0.0

    @contextmanager
    def around(self, *names: str) -> Iterator[None]:
        """Count the time of a block, and of the engine's functions of these names in it."""
        started = time.perf_counter()
        with ExitStack() as stack:
            for name in names:
                stack.enter_context(patch.object(engine, name, self._timed(getattr(engine, name))))
            yield
        self.whole += time.perf_counter() - started

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                self.inside += time.perf_counter() - started

        return timed


@dataclass(frozen=True, slots=True)
class Work:
    """What all designs do.

    Args:
        lm: The model in hfscore's engine, float32.
        texts: The rows.
        rows: The rows as tokens.
        clock: Time of the engine's parts.
    """

    lm: CausalLM
    texts: Sequence[Passage]
    rows: Sequence[Row]
    clock: Clock = field(default_factory=Clock)

    def ours(self) -> list[models.Scores]:
        """The engine, from texts to numbers, its time in the model counted."""
        with self.clock.around("hidden_states", "statistics"):
            return models.scores(self.lm, self.texts)

    def designs(self) -> dict[str, Callable[[], list[models.Scores]]]:
        """name -> the work; without those that this machine's memory or instructions do not allow."""
        numbers = range(len(self.rows))
        lengths = [len(row.ids) for row in self.rows]
        by_two = [list(numbers[start : start + 2]) for start in range(0, len(lengths), 2)]
        model, rows = self.lm.model, self.rows
        batches = {
            SORTED: cut(lengths, self.lm.budget.tokens),
            FILE_ORDER: by_two,
            ONE: [[number] for number in numbers],
        }
        found: dict[str, Callable[[], list[models.Scores]]] = {OURS: self.ours}
        if measure.multiplies_bf16("cpu"):
            narrow = models.in_bfloat16(self.lm)
            narrow.budget = Budget(self.lm.budget.tokens)
            found[BF16] = lambda: models.scores(narrow, self.texts)
        for name, cuts in batches.items():
            largest = max(len(batch) * max(lengths[number] for number in batch) for batch in cuts)
            free = available(torch.device("cpu"))
            if free is not None and 4 * 4 * largest * model.config.vocab_size > free:  # logits, and three of their size
                continue
            peers = name == FILE_ORDER
            found[name] = partial(models.full_logits, model, rows, cuts, masked=peers, entropy=not peers)
        return found


def run(options: Options) -> Outcome:
    """Compare designs on this device."""
    if options.device == "cuda":
        from benchmarks import lm_cuda

        return lm_cuda.run(options)
    torch.set_num_threads(measure.threads())
    reader = models.tokenizer()
    lm = models.causal_lm(QUICK if options.quick else FULL, reader, device="cpu", dtype="float32")
    texts = models.passages(reader, SHORT if options.quick else LENGTHS)
    # Four rows in large batches would be padded as no window of 2,048 rows is; a budget of one long row is near it.
    lm.budget = Budget(max(models.given(lm, texts)) + 16)
    work = Work(lm, texts, models.laid_out(lm, texts))
    designs = work.designs()
    ceiling = measure.Ceiling("cpu", ("float32", "bfloat16") if BF16 in designs else ("float32",), options.quick)
    runs = measure.alternate(designs, before=ceiling.measure, least=1, seconds=0 if options.quick else 60)
    answer = models.answer(lm, texts, work.rows)
    flops = models.flops(lm, work.rows)
    limit = flops / ceiling.flops["float32"]
    paired = None if options.quick else measure.paired_share(work.ours, flops, rounds=3)
    errors: list[Figures] = []
    checks: dict[str, bool] = {}
    for name, one in runs.items():
        row, holds = answer.check(name, one, models.TOLERANCE["bfloat16" if name == BF16 else "float32"])
        errors.append(row)
        checks |= holds
    speed = [_speed(name, one, runs[OURS], limit=limit, tokens=sum(answer.tokens)) for name, one in runs.items()]
    count = 2 * WINDOW_TRACES if options.quick else 100_000
    waste = padding(count)
    missing = [name for name in GIVES if name not in runs]
    return Outcome(
        title=f"{lm.parameters:,} random weights, vocabulary {lm.model.config.vocab_size:,}, float32 unless named; "
        f"{len(texts)} rows of {min(answer.tokens):,} to {max(answer.tokens):,} tokens, {sum(answer.tokens):,} in all.",
        tables=(
            Table("Designs", SPEED, speed),
            Table("Errors on the shortest row", models.ERRORS, errors),
            Table(f"Padding, {count:,} rows of 300 to 8,000 tokens, median 1,500; lengths only", PADDING, waste),
        ),
        checks=checks,
        targets=targets(None if options.quick else runs, paired, work.clock, padded=waste[0]["padding"]),
        ceiling=ceiling.data(),
        notes=[f"Not run for want of memory or of bfloat16 instructions: {', '.join(missing)}."] if missing else [],
    )


def _speed(name: str, one: measure.Run, ours: measure.Run, *, limit: float, tokens: int) -> Figures:
    return {
        "design": name,
        "gives": GIVES[name],
        "wall_s": one.wall,
        "cpu_s": one.cpu,
        "ratio": one.cpu / ours.cpu,
        "tokens_s": tokens / one.wall,
        "share": limit / one.wall,
        "share_cpu": limit * torch.get_num_threads() / one.cpu,
        "peak_gib": one.peak,
        "rounds": one.rounds,
    }


def targets(
    runs: Mapping[str, measure.Run] | None, paired: float | None, clock: Clock, *, padded: float
) -> Sequence[Target]:
    """What the engine should keep on a CPU; without runs of full size nothing of it is measured but the padding."""
    ours = runs[OURS] if runs else None

    def against(name: str) -> float | None:
        return ours.cpu / runs[name].cpu if runs and ours and name in runs else None

    share = None if ours is None else clock.inside / clock.whole
    return (
        Target(f"CPU time / {SORTED}", against(SORTED), "<=", 1 / 1.8),
        Target(f"CPU time / {FILE_ORDER}", against(FILE_ORDER), "<=", 1 / 3.5),
        Target("peak memory above weights, GiB", None if ours is None else ours.peak, "<=", 0.3),
        Target("share of a float32 product's speed in the same seconds, ranks included", paired, ">=", 0.6),
        Target("tokens computed / tokens needed", padded, "<=", 1.03),
        Target("share of the time in forward passes and the head", share, ">=", 0.9),
    )


def padding(count: int) -> list[Figures]:
    """Padded tokens a token, ours first."""
    lengths = lognormal(count, median=1500, lowest=300, highest=8000)
    windows = [lengths[start : start + WINDOW_TRACES] for start in range(0, count, WINDOW_TRACES)]
    found: list[Figures] = []
    for device, budget in TOKENS.items():
        padded = sum(
            len(batch) * max(window[row] for row in batch) for window in windows for batch in cut(window, budget)
        )
        policy = f"hfscore on a {device}: sorted within {WINDOW_TRACES:,} rows, {budget:,} tokens a batch"
        found.append({"policy": policy, "padding": padded / sum(lengths)})
    for size in (2, 8):
        padded = sum(size * max(lengths[start : start + size]) for start in range(0, count, size))
        found.append({"policy": f"file order, batches of {size}", "padding": padded / sum(lengths)})
    found.append({"policy": "all padded to the longest", "padding": count * max(lengths) / sum(lengths)})
    return found
