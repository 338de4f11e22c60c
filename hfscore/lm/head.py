"""From hidden states to surprisal, entropy and rank, without ever holding tokens x vocabulary.

Logits are made block by block of the vocabulary, in one buffer that stays in the cache, and reduced online: running
maximum, sum of exponentials and sum of exponentials times logits (Milakov & Gimelshein, arXiv 1805.02867, and the
same step for the entropy).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from hfscore.ports import RANK_LIMIT

LOWEST = -1e30  # below every logit, and finite, so that a difference of two is a number


@dataclass(frozen=True, slots=True)
class Head:
    """How logits come from hidden states: cap·tanh(scale·(h·Wᵀ + bias)/cap), the cap and the bias where there are any.

    Args:
        weight: (V, d) output embedding.
        bias: (V,) or None.
        scale: Factor of the logits.
        cap: Bound of the logits, or None.
        wide: Whether the device multiplies narrow numbers into float32, so that logits are not rounded.
    """

    weight: Tensor
    bias: Tensor | None = None
    scale: float = 1.0
    cap: float | None = None
    wide: bool = False

    @property
    def size(self) -> int:
        """Number of logits."""
        return len(self.weight)

    @property
    def shape(self) -> tuple[int, int]:
        """(tokens, vocabulary) of one block: 4 MiB of logits on a CPU, 256 MiB on a GPU."""
        return (512, 2048) if self.weight.device.type == "cpu" else (4096, 16384)

    def blocks(self, hidden: Tensor, width: int, size: int) -> Iterator[tuple[int, Tensor]]:
        """Logits, block by block.

        Args:
            hidden: (n, d) hidden states.
            width: Most ids in a block.
            size: Number of ids to go through.

        Yields:
            The first id of a block, and its (n, at most width) float32 logits, overwritten by the next block.
        """
        count, hidden = len(hidden), hidden.to(self.weight.dtype)
        buffer = torch.empty(count * width, dtype=torch.float32, device=hidden.device)
        narrow = None
        if hidden.dtype != torch.float32 and not self.wide:
            narrow = torch.empty(count * width, dtype=hidden.dtype, device=hidden.device)
        for start in range(0, size, width):
            end = min(start + width, size)
            logits = buffer[: count * (end - start)].view(count, end - start)
            columns = self.weight[start:end].T
            if narrow is not None:
                logits.copy_(torch.mm(hidden, columns, out=narrow[: logits.numel()].view_as(logits)))
            elif self.wide:
                torch.mm(hidden, columns, out_dtype=torch.float32, out=logits)
            else:
                torch.mm(hidden, columns, out=logits)
            if self.bias is not None:
                logits += self.bias[start:end]
            yield start, self._altered(logits)

    def of(self, hidden: Tensor, ids: Tensor) -> Tensor:
        """(n,) logit of one id for each of n hidden states; its last bit may differ from that in `blocks`."""
        logits = (hidden.float() * self.weight[ids].float()).sum(-1)
        return self._altered(logits if self.bias is None else logits + self.bias[ids])

    def _altered(self, logits: Tensor) -> Tensor:
        if self.scale != 1.0:
            logits *= self.scale
        if self.cap is not None:
            logits.div_(self.cap).tanh_().mul_(self.cap)
        return logits


def statistics(head: Head, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Surprisal, entropy and rank of tokens.

    Args:
        head: The model's.
        hidden: (n, d) hidden states, each before its token.
        targets: (n,) the tokens' ids.

    Returns:
        (n,) -log p(target) in nats, (n,) entropy in nats, (n,) 1 + number of larger logits, at most `RANK_LIMIT`;
        float32, float32, int32.
    """
    parts = [_chunk(head, *pair) for pair in zip(*(_cut(one, head.shape[0]) for one in (hidden, targets)), strict=True)]
    nll, entropy, rank = (torch.cat(columns) for columns in zip(*parts, strict=True))
    return nll, entropy, rank


def _cut(rows: Tensor, longest: int) -> tuple[Tensor, ...]:
    """Near-equal pieces: a short last one would read the whole weight for few tokens."""
    return rows.tensor_split(max(1, math.ceil(len(rows) / longest)))


def _chunk(head: Head, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    zeros = torch.zeros(len(hidden), device=hidden.device)
    top, total, weighted, larger, own = zeros + LOWEST, zeros, zeros, zeros, zeros
    width = head.shape[1]
    target = head.of(hidden, targets)
    spare = torch.empty(len(hidden) * width, device=hidden.device)
    for start, logits in head.blocks(hidden, width, head.size):
        other = spare[: logits.numel()].view_as(logits)
        at = targets - start
        last = logits.shape[1] - 1
        own = torch.where((at >= 0) & (at <= last), logits.gather(1, at.clamp(0, last)[:, None])[:, 0], own)
        larger = larger + torch.gt(logits, target[:, None], out=other).sum(-1)  # as floats: three times faster
        risen = torch.maximum(top, logits.amax(-1))
        fall = top - risen
        power = torch.exp(logits.sub_(risen[:, None]), out=other)
        weighted = (weighted + fall * total) * fall.exp() + torch.linalg.vecdot(power, logits)
        total = total * fall.exp() + power.sum(-1)
        top = risen
    # `target` and `own` are one logit by two roads: where the last bit differs, it must not outrank itself.
    rank = 1 + larger - (own > target).float()
    spread = total.log()
    entropy = (spread - weighted / total).clamp(min=0)
    return (spread + (top - own)).clamp(min=0), entropy, rank.clamp(max=RANK_LIMIT).int()


def divergence(one: Head, mine: Tensor, other: Head, *, theirs: Tensor) -> Tensor:
    """Jensen-Shannon divergence between two models' next-token distributions, over the ids that both have.

    Two passes over the vocabulary: the normalisers, then the terms.

    Args:
        one: A model's head.
        mine: (n, d) its hidden states.
        other: Another's head.
        theirs: (n, e) its hidden states before the same tokens.

    Returns:
        (n,) float32 nats, between 0 and ln 2.
    """
    longest = one.shape[0]
    pairs = zip(_cut(mine, longest), _cut(theirs, longest), strict=True)
    return torch.cat([_divergence(one, left, other, theirs=right) for left, right in pairs])


def _divergence(one: Head, mine: Tensor, other: Head, *, theirs: Tensor) -> Tensor:
    width, size = one.shape[1], min(one.size, other.size)
    first, second = _normaliser(one, mine, width, size), _normaliser(other, theirs, width, size)
    total = torch.zeros(len(mine), device=mine.device)
    for (_, left), (_, right) in zip(one.blocks(mine, width, size), other.blocks(theirs, width, size), strict=True):
        p = left - first[:, None]
        q = (right - second[:, None]).to(p.device)
        middle = torch.logaddexp(p, q) - math.log(2)
        total += (p.exp() * (p - middle) + q.exp() * (q - middle)).sum(-1) / 2
    return total.clamp(0, math.log(2))


def _normaliser(head: Head, hidden: Tensor, width: int, size: int) -> Tensor:
    """(n,) log of the sum of exponentials."""
    total = torch.full((len(hidden),), LOWEST, device=hidden.device)
    for _, logits in head.blocks(hidden, width, size):
        total = torch.logaddexp(total, logits.logsumexp(-1))
    return total
