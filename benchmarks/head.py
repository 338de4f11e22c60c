"""The head alone: from hidden states to surprisal and entropy over a vocabulary of 151,936."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmarks import measure
from benchmarks.models import TOLERANCE, errors, exact, near
from benchmarks.outcome import Options, Outcome, Table, Target
from hfscore.lm.head import Head, statistics

FULL = (512, 512, 151_936)  # tokens, dimensions, vocabulary
QUICK = (64, 32, 5_000)
COMPARED = 64  # tokens whose exact numbers are worked out

HEADINGS = {
    "design": "design",
    "gives": "gives",
    "wall_s": "wall, s",
    "cpu_s": "CPU, s",
    "ratio": "CPU time / naive",
    "share": "of the matmul limit (wall)",
    "peak_gib": "peak memory, GiB",
    "nll_max": "surprisal, largest error, nats",
    "nll_mean": "mean error",
    "entropy_max": "entropy, largest error, nats",
    "entropy_mean": "mean error",
    "rounds": "rounds",
}
GIVES = {
    "hfscore": "surprisal, entropy, rank",
    "naive": "surprisal, entropy",
    "token chunks": "surprisal, entropy",
    "surprisal only": "surprisal",
}

Found = tuple[Tensor, Tensor | None]


def naive(hidden: Tensor, weight: Tensor, targets: Tensor) -> Found:
    """All logits at once."""
    logs = (hidden @ weight.T).log_softmax(-1)
    return -logs.gather(1, targets[:, None])[:, 0], -(logs.exp() * logs).sum(-1)


def in_chunks(hidden: Tensor, weight: Tensor, targets: Tensor, size: int = 256) -> Found:
    """All logits of some tokens at a time."""
    pairs = zip(torch.split(hidden, size), torch.split(targets, size), strict=True)
    parts = [naive(states, weight, ids) for states, ids in pairs]
    return torch.cat([nll for nll, _ in parts]), torch.cat([entropy for _, entropy in parts if entropy is not None])


def only_surprisal(hidden: Tensor, weight: Tensor, targets: Tensor) -> Found:
    """All logits at once, and the loss that training has."""
    return cross_entropy(hidden @ weight.T, targets, reduction="none"), None


@torch.inference_mode()
def run(options: Options) -> Outcome:
    """Compare heads."""
    torch.set_num_threads(measure.threads())
    device = options.device
    tokens, width, size = QUICK if options.quick else FULL
    seed = torch.Generator().manual_seed(0)
    weight = (torch.randn(size, width, generator=seed) * 0.06).to(device)
    hidden = torch.randn(tokens, width, generator=seed).to(device)
    targets = torch.randint(size, (tokens,), generator=seed).to(device)
    head = Head(weight)
    truth = exact(hidden[:COMPARED], weight, targets[:COMPARED])
    ceiling = measure.Ceiling(device, ("float32",), options.quick)
    runs = measure.alternate(
        {
            "hfscore": lambda: statistics(head, hidden, targets)[:2],
            "naive": lambda: naive(hidden, weight, targets),
            "token chunks": lambda: in_chunks(hidden, weight, targets),
            "surprisal only": lambda: only_surprisal(hidden, weight, targets),
        },
        device=device,
        before=ceiling.measure,
        least=1 if options.quick else 3,
        seconds=0 if options.quick else 12,
    )
    limit = 2 * tokens * width * size / ceiling.flops["float32"]
    rows, checks, tolerance = [], {}, TOLERANCE["float32"]
    for name, one in runs.items():
        nll, entropy = one.result
        first = nll[:COMPARED].cpu().numpy(), None if entropy is None else entropy[:COMPARED].cpu().numpy()
        checks[f"{name}: every token is scored"] = len(one.result[0]) == tokens
        checks[f"{name}: within {tolerance:g} nats of float64"] = near(first, truth, tolerance)
        rows.append(
            {
                "design": name,
                "gives": GIVES[name],
                "wall_s": one.wall,
                "cpu_s": one.cpu,
                "ratio": one.cpu / runs["naive"].cpu,
                "share": limit / one.wall,
                "peak_gib": one.peak,
                "rounds": one.rounds,
                **errors(first, truth),
            }
        )
    speed = None if options.quick else runs["naive"].cpu / runs["hfscore"].cpu
    return Outcome(
        title=f"{tokens:,} hidden states of {width} numbers, {size:,} logits each, float32.",
        tables=(Table("Heads", HEADINGS, rows),),
        checks=checks,
        targets=(Target("hfscore: times as fast as naive, CPU time", speed, ">=", 1.5),),
        ceiling=ceiling.data(),
    )
