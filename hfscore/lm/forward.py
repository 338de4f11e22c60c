"""Forward passes: hidden states, long rows in windows; a model's own logits only where nothing else gives them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hfscore.lm.memory import activations, available
from hfscore.lm.tokens import Ids
from hfscore.ports import RANK_LIMIT

OWN_LOGITS = 2**28  # most numbers of a model's own logits at once: 1 GiB


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a row that goes through the model in one piece.

    Args:
        row: Number of the row.
        ids: (t,) its tokens.
        before: (n,) places in it of the tokens before those that are scored here.
        targets: (n,) ids of the scored tokens.
    """

    row: int
    ids: Ids
    before: Ids
    targets: Ids


def windows(row: int, ids: Ids, scored: Ids, *, longest: int | None) -> list[Window]:
    """Cut a row into windows that overlap by half, so that a token sees at least half a window, each scored once.

    Args:
        row: Its number.
        ids: (t,) its tokens.
        scored: (n,) places of its scored tokens, ascending, none the first.
        longest: Most tokens in a window; None for no limit.

    Returns:
        The windows in order; none where what stands before the first scored token fills one alone.
    """
    if longest is not None and scored[0] >= longest:
        return []
    size = int(scored[-1])  # the last token is foretold, not read
    if longest is None or size <= longest:
        return [Window(row, ids[:size], scored - 1, ids[scored])]
    found, done = [], 0
    for begin in range(0, size, max(1, longest // 2)):
        end = min(begin + longest, size)
        here = scored[(scored > done) & (scored <= end)]
        if len(here):
            found.append(Window(row, ids[begin:end], here - 1 - begin, ids[here]))
        done = end
        if end == size:
            break
    return found


def hidden_states(model: Any, batch: Sequence[Window]) -> Tensor:
    """(n, d) hidden states before all scored tokens of a batch, window after window.

    Windows are padded on the right and no mask is passed: in a causal model nothing sees what stands behind it.
    """
    longest = max(len(one.ids) for one in batch)
    check_memory(model, len(batch) * longest)
    ids = np.zeros((len(batch), longest), dtype=np.int64)
    for line, one in enumerate(batch):
        ids[line, : len(one.ids)] = one.ids
    states = model.base_model(torch.from_numpy(ids).to(model.device), use_cache=False).last_hidden_state
    wanted = np.concatenate([one.before + line * longest for line, one in enumerate(batch)])
    rows: Tensor = states.flatten(0, 1)[torch.from_numpy(wanted).to(model.device)]
    return rows


def longest_input(model: Any) -> int | None:
    """Most tokens that the model was made to read; None where its config does not say."""
    found = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return int(found) if found and found > 0 else None


def check_memory(model: Any, tokens: int) -> None:
    """Give up before a CPU does: Linux hands out memory that it does not have and then ends the process.

    Raises:
        MemoryError: A batch of so many tokens would not fit.
    """
    free = available(model.device) if model.device.type == "cpu" else None
    if free is not None and activations(model, tokens) > free:
        raise MemoryError


def own_statistics(model: Any, window: Window) -> tuple[Tensor, Tensor, Tensor]:
    """As `head.statistics`, from the model's own logits, a bounded number of them at once."""
    check_memory(model, len(window.ids))
    ids = torch.from_numpy(window.ids).to(model.device)[None]
    targets = torch.from_numpy(window.targets).to(model.device)
    parts, at = [], 0
    for logits in own_logits(model, ids, torch.from_numpy(window.before).to(model.device)):
        parts.append(_reduce(logits, targets[at : at + len(logits)]))
        at += len(logits)
    nll, entropy, rank = (torch.cat(columns) for columns in zip(*parts, strict=True))
    return nll, entropy, rank


def own_logits(model: Any, ids: Tensor, places: Tensor) -> Iterator[Tensor]:
    """A model's own logits at some places of one row, (at most a chunk, V) float32 at a time.

    The body runs again for each chunk: models that need this are few, and no other way is sure to be theirs.
    """
    partly = "logits_to_keep" in inspect.signature(model.forward).parameters
    size = max(1, OWN_LOGITS // model.get_output_embeddings().weight.shape[0])
    if not partly:
        logits = model(ids, use_cache=False).logits[0]
    for chunk in places.tensor_split(max(1, -(-len(places) // size))):
        if partly:
            yield model(ids, use_cache=False, logits_to_keep=chunk).logits[0].float()
        else:
            yield logits[chunk].float()


def _reduce(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    target = logits.gather(1, targets[:, None])
    rank = 1 + (logits > target).sum(-1)
    logs = logits.log_softmax(-1)
    entropy = -torch.linalg.vecdot(logs.exp(), logs)
    return -logs.gather(1, targets[:, None])[:, 0], entropy.clamp(min=0), rank.clamp(max=RANK_LIMIT).int()
