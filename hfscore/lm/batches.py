"""Batches of rows of like length, each within a budget of tokens that halves when memory runs out.

Knows no model: a batch is a list of row numbers, and what is done with it is the caller's.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

from hfscore.records import Unscored

TOO_LONG = Unscored("too long for the memory at hand")
_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")

Result = TypeVar("Result")


def cut(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Cut rows, longest first, into batches.

    Args:
        lengths: Tokens of every row.
        budget: Most tokens in a batch once its rows are padded to the longest; a longer row stands alone.

    Returns:
        Numbers of the rows, batch by batch.
    """
    batches: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if batches and lengths[batches[-1][0]] * (len(batches[-1]) + 1) <= budget:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches


@dataclass(slots=True)
class Budget:
    """Most tokens in a batch; what did not fit once is not tried again."""

    tokens: int

    def run(self, lengths: Sequence[int], work: Callable[[list[int]], list[Result]]) -> list[Result | Unscored]:
        """Do `work` on all rows, batch by batch.

        Args:
            lengths: Tokens of every row.
            work: A batch's row numbers -> one result each; may run out of memory.

        Returns:
            One result a row, in the order of `lengths`.
        """
        results: list[Result | Unscored] = [TOO_LONG] * len(lengths)
        pending = cut(lengths, self.tokens)[::-1]
        while pending:
            batch = pending.pop()
            done = _try(work, batch)
            if done is not None:
                for row, result in zip(batch, done, strict=True):
                    results[row] = result
            elif len(batch) > 1:
                self.tokens = max(1, min(self.tokens, len(batch) * lengths[batch[0]]) // 2)
                left = [row for one in (batch, *reversed(pending)) for row in one]
                smaller = cut([lengths[row] for row in left], self.tokens)
                pending = [[left[place] for place in one] for one in reversed(smaller)]
        return results


def _try(work: Callable[[list[int]], list[Result]], batch: list[int]) -> list[Result] | None:
    """What `work` gives, or None where memory ran out; by then all that the failed try held is free again."""
    try:
        return work(batch)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a GPU or a CPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return any(words in str(error).lower() for words in _NO_MEMORY)
