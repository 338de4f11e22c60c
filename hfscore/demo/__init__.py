"""The whole job on one machine: a loopback Hub, a dataset on it, scores, a pull request, a card to look at.

The dataset is an excerpt (150 questions) of the GSM8K test set with four models' solutions, from
openai/grade-school-math, MIT licence (LICENSE-gsm8k). The Hub is `hfscore.loopback`; the clients are the real ones.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping
from importlib.resources import files

REPO = "maintainer/gsm8k-four-solvers"
TOKEN = "hf_loopback"  # noqa: S105 - the loopback Hub's own
SOLVERS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")

CARD = """\
---
license: mit
language:
- en
pretty_name: "GSM8K: four solvers"   # an excerpt
task_categories: [question-answering]
configs:
{configs}---

# GSM8K, four solvers

150 questions of the GSM8K test set, each with the solutions of four models: two sizes (6B, 175B),
fine-tuned alone or with a verifier that picks the best of many samples.

## How it was made

From `example_model_solutions.jsonl` of [openai/grade-school-math](https://github.com/openai/grade-school-math)
(MIT licence). One config for each solver.

| column | what |
| --- | --- |
| `question` | the problem |
| `solution` | the model's working, ending in `A: <number>` |
| `answer` | the reference answer |
"""


def example_files() -> Mapping[str, bytes]:
    """Files of the demo dataset: a card, and a Parquet file for each of the four configs."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    packed = files("hfscore.demo").joinpath("gsm8k.jsonl.gz").read_bytes()
    rows = [json.loads(line) for line in gzip.decompress(packed).decode().splitlines()]
    result = {}
    for solver in SOLVERS:
        table = pa.table(
            {
                "question": [row["question"] for row in rows],
                "solution": [row[solver] for row in rows],
                "answer": [row["reference"] for row in rows],
            }
        )
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        result[f"{solver}/test-00000-of-00001.parquet"] = buffer.getvalue()
    configs = "".join(
        f"- config_name: {solver}\n  data_files:\n  - split: test\n    path: {solver}/test-*\n" for solver in SOLVERS
    )
    return {"README.md": CARD.format(configs=configs).encode(), **result}
