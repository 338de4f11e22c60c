"""What the reference language model notices: `python -m hfscore.reference_lm.evaluate GSM8K_TEST_JSONL`.

Traces of the test set are damaged in known ways, or put under another question; a model that reads them finds them
less probable then. Prints Markdown, for the model's card: a table made with transformers alone, so that it also checks
the scores that the rest of the package gives, and one of those scores (`known_damage`), which takes ten minutes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from hfscore.damage import plant
from hfscore.errors import SourceError
from hfscore.records import Trace
from hfscore.reference_lm import folder, known_damage
from hfscore.reference_lm.form import Item, prompt, read_gsm8k, with_cue
from hfscore.stats import Floats, mean_interval
from hfscore.text.steps import split_steps

ITEMS: Final = 300
FEWEST_STEPS: Final = 3
BATCH: Final = 32

Text = tuple[Sequence[str], str]
"""(segments that are given, the segment that is scored)"""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change does to texts, each compared with itself unchanged.

    Args:
        change: The change, in words.
        items: Texts that could be changed so.
        mean: Mean rise of the loss in nats per token.
        low: Lower end of its 95% bootstrap interval.
        high: Upper end.
        rises: Share of the texts whose loss rises.
    """

    change: str
    items: int
    mean: float
    low: float
    high: float
    rises: float

    def row(self) -> str:
        """A row of the table."""
        rise = f"{self.mean:+.3f} ({self.low:+.3f} to {self.high:+.3f})"
        return f"| {self.change} | {self.items} | {rise} | {self.rises:.3f} |"


def load(path: Path) -> tuple[Any, Any]:
    """(model in single precision, tokenizer) from a folder."""
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, use_safetensors=True)
    return model.eval(), AutoTokenizer.from_pretrained(path)


def choose(items: Sequence[Item], count: int = ITEMS) -> list[Item]:
    """The first items, in file order, whose solution has at least three steps.

    Raises:
        SourceError: There are too few.
    """
    chosen = [item for item in items if len(split_steps(item.solution)) >= FEWEST_STEPS][:count]
    if len(chosen) < count:
        raise SourceError(f"The file holds {len(chosen)} items of at least {FEWEST_STEPS} steps, not {count}.")
    return chosen


def mean_nll(model: Any, tokenizer: Any, texts: Sequence[Text]) -> Floats:
    """Loss of each text's scored segment, mean over its tokens.

    Args:
        model: A causal language model.
        tokenizer: Its tokenizer.
        texts: n texts, each within the model's context.

    Returns:
        (n,) nats per token.
    """
    rows = [_ids(tokenizer, given, scored) for given, scored in texts]
    order = sorted(range(len(rows)), key=lambda index: len(rows[index][0]))
    result = np.empty(len(rows))
    for start in range(0, len(order), BATCH):
        places = order[start : start + BATCH]
        for place, loss in zip(places, _losses(model, [rows[place] for place in places]), strict=True):
            result[place] = loss
    return result


def _ids(tokenizer: Any, given: Sequence[str], scored: str) -> tuple[list[int], int]:
    """(token ids of a text, how many of them are scored)."""
    parts = tokenizer([*given, scored], add_special_tokens=False)["input_ids"]
    return [tokenizer.bos_token_id, *(token for part in parts for token in part)], len(parts[-1])


@torch.no_grad()
def _losses(model: Any, rows: Sequence[tuple[list[int], int]]) -> Iterator[float]:
    """Losses of texts in one pass; what fills a row up stands behind it, where nothing before it looks."""
    longest = max(len(ids) for ids, _ in rows)
    batch = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in rows])
    logits = model(input_ids=batch, use_cache=False).logits.float()
    for (ids, scored), own in zip(rows, logits, strict=True):
        target = torch.tensor(ids[-scored:])
        before = own[len(ids) - scored - 1 : len(ids) - 1]
        yield torch.nn.functional.cross_entropy(before, target).item()


def effect(change: str, items: Sequence[Item], rises: Floats) -> Effect:
    """Sum up the rises of the loss of one item each."""
    interval = mean_interval(rises, [item.question for item in items], seed=0)
    if interval is None:
        raise SourceError(f"Too few items for an interval: {len(items)}.")
    return Effect(change, len(items), float(rises.mean()), *interval, float((rises > 0).mean()))


DAMAGES: Final = {
    "steps shuffled": "shuffle_steps",
    "a given number falsified": "falsify_number",
    "an arithmetic result broken": "break_result",
}


def effects(model: Any, tokenizer: Any, items: Sequence[Item]) -> list[Effect]:
    """What every change does to the loss of solutions, and a missing solution to the loss of the answer."""
    traces = [Trace("default", "test", row, 0, item.question, item.solution) for row, item in enumerate(items)]
    sound = mean_nll(model, tokenizer, [([prompt(item.question)], item.solution) for item in items])
    found = []
    for change, damage in DAMAGES.items():
        planted = plant(traces, damage, 1.0)
        touched = [row for row, one in enumerate(planted) if one.touched]
        texts = [([prompt(items[row].question)], planted[row].trace.reasoning) for row in touched]
        rises = mean_nll(model, tokenizer, texts) - sound[touched]
        found.append(effect(change, [items[row] for row in touched], rises))
    others = [*items[1:], items[0]]
    texts = [([prompt(other.question)], item.solution) for item, other in zip(items, others, strict=True)]
    found.append(effect("under the next item's question", items, mean_nll(model, tokenizer, texts) - sound))
    texts = [([prompt(None)], item.solution) for item in items]
    found.append(effect("without a question", items, mean_nll(model, tokenizer, texts) - sound))
    behind = mean_nll(model, tokenizer, [(with_cue(item.question, item.solution), item.answer) for item in items])
    alone = mean_nll(model, tokenizer, [(with_cue(item.question, ""), item.answer) for item in items])
    found.append(effect("the final answer, its trace left out", items, alone - behind))
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m hfscore.reference_lm.evaluate", description=__doc__)
    parser.add_argument("gsm8k_test_jsonl", type=Path, help="test.jsonl of openai/grade-school-math")
    parser.add_argument("--folder", type=Path, default=folder(), help="the model; without it the one shipped")
    chosen = parser.parse_args(argv)
    try:
        items = choose(read_gsm8k(chosen.gsm8k_test_jsonl))
    except SourceError as error:
        parser.error(str(error))
    model, tokenizer = load(chosen.folder)
    sound = mean_nll(model, tokenizer, [([prompt(item.question)], item.solution) for item in items])
    lines = [
        f"Loss of {len(items)} sound traces given their questions: {sound.mean():.3f} nats per token "
        f"(perplexity {np.exp(sound.mean()):.1f}).",
        "",
        "| change | items | rise of the loss, nats per token (95% interval) | share that rises |",
        "| --- | ---: | ---: | ---: |",
        *(one.row() for one in effects(model, tokenizer, items)),
    ]
    sys.stdout.write("\n".join([*lines, "", *known_damage.table(items, chosen.folder)]) + "\n")


if __name__ == "__main__":
    main()
