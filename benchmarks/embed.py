"""Sentence embedding of long traces: hfscore's pooled chunks beside an encoder that reads the beginning alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks import measure
from benchmarks.outcome import Options, Outcome, Table
from benchmarks.texts import lognormal, prose
from hfscore.backends.embedder import OFFLINE_ENCODER, SentenceEncoder, load_encoder
from hfscore.errors import MissingExtraError

TEXTS, LEAST_WORDS, MOST_WORDS = 6, 150, 700  # a word is some four tokens of this encoder
OTHER_END = prose(300, seed=99, topic=1)
HEADINGS = {
    "design": "design",
    "seen": "share of tokens read",
    "end_seen": "sees how a trace ends",
    "wall_s": "wall, s",
    "cpu_s": "CPU, s",
    "ratio": "CPU time / plain",
    "read_s": "tokens read/s",
    "share": "of the matmul limit (wall)",
    "peak_gib": "peak memory, GiB",
    "rounds": "rounds",
}


def run(options: Options) -> Outcome:
    """Compare the two on traces of some hundred to some thousand tokens."""
    title = f"{OFFLINE_ENCODER}; whole traces in chunks, and plain `encode`, which cuts."
    try:
        encoder = load_encoder(OFFLINE_ENCODER)
    except MissingExtraError as error:
        return Outcome(title, skipped=error.message)
    import torch

    torch.set_num_threads(measure.threads())
    model = encoder.model.to(options.device)
    count, most = (2, LEAST_WORDS) if options.quick else (TEXTS, MOST_WORDS)
    words = lognormal(count, median=300, lowest=LEAST_WORDS, highest=most)
    texts = [prose(size, seed=number) for number, size in enumerate(words)]

    def whole(these: list[str] = texts) -> np.ndarray:
        return SentenceEncoder(model, encoder.name).embed(these)  # a new one, which remembers nothing

    def plain(these: list[str] = texts) -> np.ndarray:
        return np.asarray(model.encode(these, normalize_embeddings=True, show_progress_bar=False))

    ceiling = measure.Ceiling(options.device, ("float32",), options.quick)
    runs = measure.alternate(
        {"hfscore": whole, "plain": plain},
        device=options.device,
        before=ceiling.measure,
        least=1 if options.quick else 2,
        seconds=0 if options.quick else 10,
    )
    sizes = [len(model.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]) for text in texts]
    limit = model.max_seq_length - model.tokenizer.num_special_tokens_to_add()
    read = {"hfscore": sum(sizes), "plain": sum(min(size, limit) for size in sizes)}
    named = model.named_parameters()
    weights = sum(weight.numel() for name, weight in named if weight.ndim == 2 and "embeddings" not in name)
    ends = {name: _sees_the_end(embed, texts[0]) for name, embed in (("hfscore", whole), ("plain", plain))}
    rows = [
        {
            "design": name,
            "seen": read[name] / sum(sizes),
            "end_seen": ends[name],
            "wall_s": one.wall,
            "cpu_s": one.cpu,
            "ratio": one.cpu / runs["plain"].cpu,
            "read_s": read[name] / one.wall,
            "share": weights * 2 * read[name] / ceiling.flops["float32"] / one.wall,
            "peak_gib": one.peak,
            "rounds": one.rounds,
        }
        for name, one in runs.items()
    ]
    vectors = runs["hfscore"].result
    return Outcome(
        title=f"{title} {count} traces of {min(sizes):,} to {max(sizes):,} tokens; the encoder reads {limit} at once.",
        tables=(Table("Designs", HEADINGS, rows),),
        checks={
            "hfscore: a vector a trace, of length 1": vectors.shape[0] == count
            and bool(np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)),
            "hfscore: another end gives another vector": ends["hfscore"],
        },
        ceiling=ceiling.data(),
        notes=["Plain `encode` is the faster because it leaves out the rest; its time is no target."],
    )


def _sees_the_end(embed: Callable[[list[str]], np.ndarray], text: str) -> bool:
    """Whether the vector of a trace changes with what stands at its end."""
    long = f"{text} {prose(300, seed=98)}"
    first, second = embed([f"{long} {OTHER_END}", f"{long} {prose(300, seed=97)}"])
    return bool(first @ second < 0.999)
