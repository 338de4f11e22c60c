"""Run benchmarks: `python -m benchmarks [NAME ...]`, without network, on generated text and random weights."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from typing import Any

from benchmarks import measure
from benchmarks.outcome import Options, facts, render

# What runs without a name, in under three minutes on two idle cores; what loads no torch comes first.
USUAL = ("judge", "data", "redundancy", "embed", "head", "lm")
FURTHER = ("model_free", "on_ray", "selection", "startup")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(USUAL)} (these by default), {', '.join(FURTHER)}"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="of lm, head and embed")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that it runs, measures nothing")
    parser.add_argument("--full", action="store_true", help="judge: two rounds and 20,000 verdicts")
    parser.add_argument("--rows", type=int, help="redundancy, data, model_free, selection: over a file of so many rows")
    parser.add_argument("--format", choices=("parquet", "jsonl"), default="parquet", help="redundancy --rows: the file")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document with all figures")
    form.add_argument("--markdown", action="store_true", help="tables for a README")
    found = parser.parse_args()
    if unknown := set(found.names) - {*USUAL, *FURTHER}:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    if found.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            parser.error("there is no CUDA device here")
    return found


def main() -> int:
    """Run what was asked for and print it.

    Returns:
        0, or 1 if a design gave wrong numbers: then its figures mean nothing.
    """
    asked = _asked()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # processes are started after tokenizers were used
    options = Options(asked.device, asked.quick, asked.full, asked.rows, asked.format)
    machine, before = measure.machine(options.device), measure.now()
    shown = not asked.json
    if shown:
        heads = _in_words(machine) | {"load average before": f"{before.load:.2f}"}
        print(facts(heads, markdown=asked.markdown), flush=True)
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(asked.names or USUAL):
        measure.say(f"{name} ...")
        started = time.perf_counter()
        outcome = importlib.import_module(f"benchmarks.{name}").run(options)
        found[name] = outcome.data() | {"seconds": time.perf_counter() - started}
        if shown:
            print(f"\n{render(name, outcome, markdown=asked.markdown)}", flush=True)
    load = measure.load(before, measure.now())
    if shown:
        print(f"\n{facts(_load_in_words(load), markdown=asked.markdown)}")
    else:
        document = {"machine": machine, "load": load, "quick": options.quick, "benchmarks": found}
        json.dump(document, sys.stdout, indent=2, allow_nan=False)
        print()
    return 0 if all(one["correct"] for one in found.values()) else 1


def _in_words(machine: dict[str, Any]) -> dict[str, Any]:
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    memory = machine["memory_gib"] and f"{machine['memory_gib']:.0f} GiB"
    return {
        "machine": f"{machine['cpu']}, {machine['cores']} cores, {memory} memory, {machine['system']}",
        "GPU": machine["gpu"],
        "threads": machine["threads"],
        "versions": f"Python {machine['python']}, {versions}",
    }


def _load_in_words(load: dict[str, Any]) -> dict[str, Any]:
    others = load["others_cores"]
    return {
        "load average after": f"{load['after']:.2f}, this run's own work included",
        "cores used by others meanwhile": others if others is None else f"{others:.2f}",
        "WARNING": load["warning"],
    }


if __name__ == "__main__":
    sys.exit(main())
