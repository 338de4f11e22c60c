"""Fine-tuning runs that test a selection: the subset, the random one and a damaged control, over seeds.

Written for TRL's `trl sft --config`. Every run is the same but for its data and its seed, and nothing is cut off.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from hfscore import catalog
from hfscore.backends.language_models import where
from hfscore.backends.model_size import model_size
from hfscore.backends.student_tokenizer import ChatTokenizer
from hfscore.comparison.readings import base
from hfscore.damage import plant
from hfscore.errors import HfscoreError
from hfscore.evidence.tables import OUTCOMES, SCORES
from hfscore.records import Trace
from hfscore.report import atomic
from hfscore.run import traces_of
from hfscore.selection.choice import Positions
from hfscore.selection.opening import Opened
from hfscore.selection.summary import Chosen
from hfscore.selection.values import RANDOM, SUBSET, Selection
from hfscore.text.chat_form import prompt_and_rest
from hfscore.text.training_text import conversation, texts_of

CONTROL = "control"
DAMAGE = "swap_traces"
SWAPPED_TOGETHER = 5000  # traces that are exchanged among each other; all of them would have to fit into memory
ROLES = {SUBSET: "candidate", RANDOM: "null", CONTROL: "control"}

# The same in every run; batch size and rate are a place to start from, not a finding.
SAME: Mapping[str, Any] = {
    "num_train_epochs": 3,
    "learning_rate": 0.00001,
    "lr_scheduler_type": "cosine",
    "per_device_train_batch_size": 1,
    "gradient_accumulation_steps": 16,
    "completion_only_loss": True,
    "packing": False,
    "max_length": None,
    "save_strategy": "no",
    "report_to": "none",
}


def write(
    opened: Opened,
    picked: Chosen,
    selection: Selection,
    student: str,
    tokenizer: ChatTokenizer,
    folder: Path,
    *,
    seeds: int,
) -> None:
    """Write data, configs, and the two tables that `hfscore evidence fit` takes, the outcomes left open.

    Args:
        opened: Where the rows are.
        picked: Which rows.
        selection: What is said of them.
        student: The model to train, as it was named.
        tokenizer: Its tokenizer.
        folder: Where to.
        seeds: Runs of each.

    Raises:
        HfscoreError: The traces have several turns to train on, or there are no seeds.
    """
    if seeds < 1:
        raise HfscoreError("There is nothing to train.", "Give at least one seed.")
    sets: dict[str, Iterable[Trace]] = {SUBSET: _traces(opened, picked.subset)}
    if picked.random is not None:
        sets[RANDOM] = _traces(opened, picked.random)
    sets[CONTROL] = _swapped(_traces(opened, picked.subset), selection.seed)
    counts = {name: _write(folder / f"{name}.jsonl", traces, tokenizer) for name, traces in sets.items()}
    if not counts[CONTROL]:
        (folder / f"{CONTROL}.jsonl").unlink()
        del sets[CONTROL]
    for name in sets:
        for seed in range(seeds):
            with atomic(folder / "configs" / f"{name}-{seed}.yaml") as temporary:
                temporary.write_text(config(name, student, seed), encoding="utf-8")
    _tables(opened, selection, student, tokenizer, folder, list(sets), seeds)
    with atomic(folder / "README.txt") as temporary:
        temporary.write_text(_how(selection, counts, seeds), encoding="utf-8")


def clear(folder: Path) -> None:
    """Remove what `write` left in a folder before."""
    names = ("README.txt", "scores.csv", "outcomes.csv", *(f"{name}.jsonl" for name in ROLES))
    ours = [folder / name for name in names]
    ours += [path for name in ROLES for path in (folder / "configs").glob(f"{name}-*.yaml")]
    for path in ours:
        path.unlink(missing_ok=True)
    for empty in (folder / "configs", folder):
        if empty.is_dir() and not any(empty.iterdir()):
            empty.rmdir()


def _write(path: Path, traces: Iterable[Trace], tokenizer: ChatTokenizer) -> int:
    count = 0
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for trace in traces:
            file.write(json.dumps(training_example(trace, tokenizer)) + "\n")
            count += 1
    return count


def _traces(opened: Opened, positions: Positions) -> Iterator[Trace]:
    layout, ref = opened.one.layout, opened.one.ref
    for row, data in opened.source.take(ref, positions.tolist(), layout.columns):
        for trace in traces_of(layout, ref, row, data, ()):
            if trace.turns:  # the first rows had none
                raise HfscoreError("A trajectory has several turns to train on.", "Leave --trl out.")
            yield trace


def _swapped(traces: Iterator[Trace], seed: int) -> Iterator[Trace]:
    """Traces given to other questions, a bounded number at a time; one that cannot be swapped stays out."""
    batch = list(islice(traces, SWAPPED_TOGETHER))
    while batch:
        after = list(islice(traces, SWAPPED_TOGETHER))
        if len(after) < SWAPPED_TOGETHER:  # a short last batch might have none to swap with
            batch, after = batch + after, []
        yield from (one.trace for one in plant(batch, DAMAGE, 1.0, seed) if one.touched)
        batch = after


def training_example(trace: Trace, tokenizer: ChatTokenizer) -> dict[str, Any]:
    """A prompt with its completion, as TRL takes them: messages where the chat template keeps reasoning, else text."""
    messages = conversation(trace, tokenizer.how.field)
    if tokenizer.how.through == "template":
        return {"prompt": messages[:-1], "completion": messages[-1:]}
    if tokenizer.how.through == "prompt":
        prompt, completion = prompt_and_rest(tokenizer.tokenizer, messages)
        start = tokenizer.tokenizer.bos_token or ""  # the trainer puts it there itself
        return {"prompt": prompt.removeprefix(start) if tokenizer.around[0] else prompt, "completion": completion}
    asked, *said = (text for _, text in texts_of(trace, messages))
    return {"prompt": f"{asked}\n\n", "completion": "\n\n".join(said)}


def config(name: str, student: str, seed: int) -> str:
    """A config of `trl sft`, to be run in its folder's parent."""
    model, _, revision = (student, "", "") if Path(student).exists() else student.partition("@")
    values: dict[str, Any] = {
        "model_name_or_path": where(model),
        **({"model_revision": revision} if revision else {}),
        "datasets": [{"path": "json", "data_files": f"{name}.jsonl"}],
        "output_dir": f"runs/{name}-{seed}",
        "seed": seed,
        "data_seed": seed,
        **SAME,
    }
    return "".join(f"{key}: {_yaml(value)}\n" for key, value in values.items())


def _yaml(value: Any) -> str:
    """JSON is YAML, but for 1e-05, which is text to PyYAML."""
    return f"{value:.6f}" if isinstance(value, float) else json.dumps(value)


def _tables(
    opened: Opened,
    selection: Selection,
    student: str,
    tokenizer: ChatTokenizer,
    folder: Path,
    sets: list[str],
    seeds: int,
) -> None:
    rule = _rule(selection)
    versions = {metric: opened.report.families.get(family, {}) for metric, family in _families(opened).items()}
    sides = {SUBSET: [one.subset for one in selection.measured]}
    if RANDOM in sets:
        sides[RANDOM] = [one.random for one in selection.measured if one.random is not None]
    with atomic(folder / "scores.csv") as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*SCORES, "metric_version", "config_hash", "variant_family", "role"])
        for name in sets:
            cells = [cell.mean for cell in sides[name]] if name in sides else [None] * len(selection.measured)
            for one, mean in zip(selection.measured, cells, strict=True):
                said = versions[one.metric]
                how = hashlib.sha256(json.dumps(dict(said), sort_keys=True).encode()).hexdigest()[:12]
                value = "" if mean is None else repr(mean)
                table.writerow([f"{rule}-{name}", one.metric, value, said.get("version", ""), how, rule, ROLES[name]])
    size = model_size(student).weights
    tokens = {SUBSET: selection.subset.tokens, RANDOM: selection.random.tokens if selection.random else ""}
    with atomic(folder / "outcomes.csv") as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*OUTCOMES, "seed", "params_total_b", "train_tokens"])
        for name in sets:
            for seed in range(seeds):
                billions = f"{size / 1e9:.3g}" if size else ""
                row = [f"{rule}-{name}", tokenizer.name.id, "BENCHMARK", "", seed, billions, tokens.get(name, "")]
                table.writerow(row)


def _families(opened: Opened) -> dict[str, str]:
    """Metric -> its family in the report, the one of a student where it is measured for one."""
    of = catalog.family_of()
    return {
        metric.id: of.get(base(metric.id), "") + metric.id.removeprefix(base(metric.id))
        for metric in opened.report.metrics
    }


def _rule(selection: Selection) -> str:
    """A name of what rows were chosen from and by, another one for another choice."""
    by = "+".join(f"{one.metric}-{one.direction}" for one in selection.by) or "unflagged"
    what = selection.target if selection.target and len(selection.by) > 1 else by
    whole = repr((selection.source, selection.config, selection.split, selection.by, selection.asked, selection.grouped,
                  selection.columns, selection.seed, selection.settings_hash, selection.subset.tokens))  # fmt: skip
    return f"{what}-{selection.subset.rows}-{hashlib.sha256(whole.encode()).hexdigest()[:6]}"


def _how(selection: Selection, counts: Mapping[str, int], seeds: int) -> str:
    null = "none was found"
    if RANDOM in counts:
        null = f"{counts[RANDOM]:,} traces of as many random rows, {selection.unit} within 1%: the null"
    exchanged = f"{counts[CONTROL]:,}" if counts[CONTROL] else "none"
    notes = "".join(f"\n{note}" for note in selection.notes)
    return f"""Fine-tuning runs that test whether the chosen rows matter. Nothing was trained yet.

  for config in configs/*.yaml; do trl sft --config "$config"; done

subset    {counts[SUBSET]:,} traces of the {selection.subset.rows:,} chosen rows
random    {null}
control   {exchanged} of the chosen traces, exchanged between questions, as far as there were others
          to exchange with: a student that does not tell it from the subset does not learn from the traces

All runs are alike but for data and seed ({seeds} each). Evaluate every run on the same benchmarks, write the
scores into outcomes.csv (a row for each benchmark), then

  hfscore evidence fit scores.csv outcomes.csv

One selection is one candidate: five or more, from other rules or shares, are needed before anything is tested.
Join their tables row by row.
{notes}
"""
