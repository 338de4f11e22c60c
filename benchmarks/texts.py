"""Generated text and rows, the same in every run."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from string import ascii_lowercase

ROW_BYTES = 1300
WORDS = (
    "so",
    "we",
    "take",
    "the",
    "sum",
    "of",
    "both",
    "sides",
    "and",
    "then",
    "divide",
    "by",
    "two",
    "which",
    "gives",
)


def prose(words: int, *, seed: int = 0, topic: int = 0) -> str:
    """Sentences of invented words; texts of one topic share them."""
    draw = random.Random(topic)
    lexicon = ["".join(draw.choices(ascii_lowercase, k=draw.randint(2, 9))) for _ in range(2000)]
    draw = random.Random(seed)
    found = draw.choices(lexicon, k=words)
    for place in range(11, words, 12):
        found[place] += "."
    return " ".join(found)


def lognormal(count: int, *, median: float, lowest: int, highest: int, spread: float = 0.9, seed: int = 0) -> list[int]:
    """Lengths as traces have them: log-normal, cut at both ends."""
    draw = random.Random(seed)
    return [int(min(highest, max(lowest, median * draw.lognormvariate(0, spread)))) for _ in range(count)]


def rows(count: int) -> Iterator[dict[str, str]]:
    """Question and trace pairs of about 1.3 kB."""
    draw = random.Random(0)
    paragraphs = [" ".join(draw.choices(WORDS, k=60)) for _ in range(2000)]
    for number in range(count):
        trace, size = [], 0
        while size < ROW_BYTES - 60:
            trace.append(draw.choice(paragraphs) + f" {draw.randrange(1000)}.")
            size += len(trace[-1])
        yield {
            "question": f"What is {number} times {draw.randrange(99)}?",
            "reasoning": "\n".join(trace),
            "response": str(number),
        }


def write(path: Path, count: int) -> None:
    """Write `rows` as the path's suffix says, Parquet in row groups of 10,000."""
    if path.suffix == ".jsonl":
        with path.open("w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows(count))
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.string()) for name in ("question", "reasoning", "response")])
    with pq.ParquetWriter(path, schema) as writer:
        batch = []
        for row in rows(count):
            batch.append(row)
            if len(batch) == 10_000:
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
                batch = []
        writer.write_table(pa.Table.from_pylist(batch, schema=schema))
