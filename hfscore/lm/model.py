"""A causal language model that scores traces and passages, each in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hfscore.lm.batches import Budget, cut
from hfscore.lm.forward import Window, hidden_states, own_statistics, windows
from hfscore.lm.head import Head, divergence, statistics
from hfscore.lm.spans import ANSWER, REASONING, RESPONSE, Layout, Script
from hfscore.lm.tokens import Encoder, Row
from hfscore.ports import LanguageModel, ModelName, Passage, TokenScores, TraceScores
from hfscore.records import Trace, Unscored

NOT_FINITE = Unscored("the model's logits are no finite numbers")
OTHER_TOKENIZER = Unscored("not measurable: the two models have different tokenizers")
OTHER_TOKENS = Unscored("not measurable: the two models' templates cut the text differently")
NO_HEAD = Unscored("not measurable: a model's logits cannot be made in blocks")
PROBE = "So 12 + 3.5 = 15,5?\n\n  Żółw: “naïve” 日本 🙂 \\(x^2\\)"

Arrays = tuple[Tensor, ...]  # what is found at the scored tokens of a window or a row, (n, ...) each, on the CPU
Reduce = Callable[[Sequence[Window]], list[Arrays]]


@dataclass(slots=True, repr=False, eq=False)
class CausalLM:
    """A `ports.LanguageModel` over a transformers model.

    Args:
        model: The model, on its device.
        script: How texts are laid out for it.
        encoder: How they become tokens.
        name: The model and its revision.
        head: Its output weights, or None where its own forward makes the logits.
        window: Most tokens it reads at once; None for no limit.
        budget: Most tokens in a batch.
        about: What a reader of its numbers should know, a sentence; empty for nothing.
        watch: Told after every batch how many tokens of a call are done, and of how many.
    """

    model: Any
    script: Script
    encoder: Encoder
    name: ModelName
    head: Head | None
    window: int | None
    budget: Budget
    about: str = ""
    watch: Callable[[int, int], None] | None = None
    _last: tuple[tuple[Trace, ...], list[TraceScores | Unscored]] = field(default=((), []), init=False)

    @property
    def parameters(self) -> int:
        """Number of weights; those that stand in two places count once."""
        return sum(weight.numel() for weight in self.model.parameters())

    @property
    def settings(self) -> Mapping[str, str]:
        """Whatever decides its numbers."""
        longest = (
            f"{self.window:,} tokens; longer texts in windows that overlap by half" if self.window else "unlimited"
        )
        return {
            "dtype": str(self.model.dtype).removeprefix("torch."),
            "device": self.model.device.type,
            "head": "fused" if self.head else "the model's own: its logits are more than its output weights give",
            "form": self.script.sentence,
            "window": longest,
            **({"about": self.about} if self.about else {}),
        }

    def traces(self, traces: Sequence[Trace]) -> list[TraceScores | Unscored]:
        """Score whole traces; see `ports.LanguageModel`."""
        asked = tuple(traces)
        if self._last[0] != asked:
            found = self._scored([self.script.trace(trace) for trace in asked])
            self._last = (asked, [one if isinstance(one, Unscored) else _trace_scores(one) for one in found])
        return list(self._last[1])

    def passages(self, passages: Sequence[Passage]) -> list[tuple[TokenScores, ...] | Unscored]:
        """Score texts; see `ports.LanguageModel`."""
        return self._scored([self.script.passage(passage) for passage in passages])

    def disagreement(self, other: LanguageModel, traces: Sequence[Trace]) -> list[NDArray[np.float32] | Unscored]:
        """Jensen-Shannon divergence along the reasoning; see `ports.LanguageModel`.

        Taken over the ids that both models have: some pad their output weights by a few rows.
        """
        if not isinstance(other, CausalLM) or not _same_tokenizer(self.encoder.tokenizer, other.encoder.tokenizer):
            return [OTHER_TOKENIZER] * len(traces)
        if self.head is None or other.head is None:
            return [NO_HEAD] * len(traces)
        mine, theirs = self._reasoning(traces), other._reasoning(traces)
        found: list[NDArray[np.float32] | Unscored] = []
        pairs: dict[int, tuple[Row, Row]] = {}
        for place, (one, two) in enumerate(zip(mine, theirs, strict=True)):
            if isinstance(one, Row) and isinstance(two, Row) and np.array_equal(_targets(one), _targets(two)):
                pairs[place] = (one, two)
            found.append(next((row for row in (one, two) if isinstance(row, Unscored)), OTHER_TOKENS))
        places = list(pairs)
        for batch in cut([len(pairs[place][0].ids) for place in places], self.budget.tokens):
            chosen = [places[number] for number in batch]
            left = self._through([pairs[place][0] for place in chosen], self._hidden)
            right = other._through([pairs[place][1] for place in chosen], other._hidden)
            for place, states, others in zip(chosen, left, right, strict=True):
                found[place] = _between(self.head, states, other.head, theirs=others)
        return found

    def _reasoning(self, traces: Sequence[Trace]) -> list[Row | Unscored]:
        """The rows with the tokens of the reasoning alone to be scored."""
        rows = self.encoder.rows([self.script.trace(replace(trace, reference=None)) for trace in traces])
        return [_only(row, REASONING) if isinstance(row, Row) else row for row in rows]

    def _scored(self, layouts: Sequence[Layout | Unscored]) -> list[tuple[TokenScores, ...] | Unscored]:
        rows = self.encoder.rows(layouts)
        found = iter(self._through([row for row in rows if isinstance(row, Row)], self._statistics))
        return [_token_scores(row, next(found), self.window) if isinstance(row, Row) else row for row in rows]

    @torch.inference_mode()
    def _through(self, rows: Sequence[Row], reduce: Reduce) -> list[Arrays | Unscored]:
        """Send rows through the model, window by window in batches, and put what was found together again."""
        jobs = [
            one for number, row in enumerate(rows) for one in windows(number, row.ids, row.scored, longest=self.window)
        ]
        total, passed = sum(len(job.ids) for job in jobs), 0

        def work(batch: Sequence[int]) -> list[Arrays]:
            nonlocal passed
            chosen = [jobs[place] for place in batch]
            result = reduce(chosen)
            passed += sum(len(job.ids) for job in chosen)
            if self.watch is not None:
                self.watch(passed, total)
            return result

        done = self.budget.run([len(job.ids) for job in jobs], work)
        parts: list[list[Arrays | Unscored]] = [[] for _ in rows]
        for job, result in zip(jobs, done, strict=True):
            parts[job.row].append(result)
        filled = Unscored(f"the question alone fills the model's window of {self.window} tokens")
        return [_joined(results) if results else filled for results in parts]

    def _statistics(self, batch: Sequence[Window]) -> list[Arrays]:
        if self.head is None:
            return [tuple(one.cpu() for one in own_statistics(self.model, window)) for window in batch]
        targets = torch.from_numpy(np.concatenate([one.targets for one in batch])).to(self.model.device)
        found = statistics(self.head, hidden_states(self.model, batch), targets)
        return _split([one.cpu() for one in found], batch)

    def _hidden(self, batch: Sequence[Window]) -> list[Arrays]:
        return _split([hidden_states(self.model, batch)], batch)


def _split(columns: Sequence[Tensor], batch: Sequence[Window]) -> list[Arrays]:
    """What was found in a batch, window by window."""
    sizes = [len(one.targets) for one in batch]
    return list(zip(*(torch.split_with_sizes(column, sizes) for column in columns), strict=True))


def _joined(results: Sequence[Arrays | Unscored]) -> Arrays | Unscored:
    """What was found in a row; a window that has no result has none for the row."""
    arrays = []
    for one in results:
        if isinstance(one, Unscored):
            return one
        arrays.append(one)
    return tuple(torch.cat(columns) for columns in zip(*arrays, strict=True))


def _token_scores(row: Row, found: Arrays | Unscored, window: int | None) -> tuple[TokenScores, ...] | Unscored:
    if isinstance(found, Unscored):
        return found
    nll, entropy, rank = (one.numpy() for one in found)
    if not (np.isfinite(nll).all() and np.isfinite(entropy).all()):
        return NOT_FINITE
    windowed = window is not None and bool(row.scored[-1] > window)
    parts = [row.part == part for part in range(len(row.bytes))]
    starts = row.starts.astype(np.int32)
    return tuple(
        TokenScores(nll[here], entropy[here], rank[here], starts[here], size, windowed)
        for here, size in zip(parts, row.bytes, strict=True)
    )


def _trace_scores(parts: Sequence[TokenScores]) -> TraceScores:
    response, answer = (parts[part] if parts[part].bytes else None for part in (RESPONSE, ANSWER))
    return TraceScores(parts[REASONING], response, answer)


def _only(row: Row, part: int) -> Row:
    """The row up to the last token of one part, and only that part scored."""
    here = row.part == part
    scored = row.scored[here]
    return Row(row.ids[: scored[-1] + 1], scored, row.part[here], row.starts[here], row.bytes)


def _targets(row: Row) -> NDArray[np.int64]:
    return row.ids[row.scored]


def _same_tokenizer(one: Any, other: Any) -> bool:
    if one.get_vocab() != other.get_vocab():
        return False
    first, second = (each(PROBE, add_special_tokens=False)["input_ids"] for each in (one, other))
    return bool(first == second)


@torch.inference_mode()
def _between(
    head: Head, mine: Arrays | Unscored, other: Head, *, theirs: Arrays | Unscored
) -> NDArray[np.float32] | Unscored:
    if isinstance(mine, Unscored):
        return mine
    if isinstance(theirs, Unscored):
        return theirs
    found: NDArray[np.float32] = divergence(head, mine[0], other, theirs=theirs[0]).cpu().numpy()
    return found if np.isfinite(found).all() else NOT_FINITE
