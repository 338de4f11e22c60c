"""The terminal in which somebody labels steps: shows a step with what a judge was shown, takes a key, saves at once.

The judge's verdict is not shown: nothing here knows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from hfscore import escape
from hfscore.errors import ReportError
from hfscore.judge import blind_labels
from hfscore.judge.blind_labels import Drawn, Label
from hfscore.judge.prompts import rubric
from hfscore.records import Trace

AROUND: Final = 1500
"""Characters shown before a step, and behind it where its use for the answer is asked about."""

KEYS: Final = "y holds   n fails   s skip   b back   m more   q save and quit"
ANSWERS: Final[Mapping[str, bool | None]] = {"y": True, "n": False, "s": None}


@dataclass(frozen=True, slots=True)
class Shown:
    """A step with what stands around it.

    Args:
        trace: Its trace.
        before: The reasoning before it.
        step: The step.
        behind: The reasoning behind it.
    """

    trace: Trace
    before: str
    step: str
    behind: str


def locate(drawn: Sequence[Drawn], traces: Sequence[Trace]) -> dict[Drawn, Shown]:
    """Find the text of every step drawn.

    Args:
        drawn: The steps.
        traces: The traces they were drawn from, read again.

    Raises:
        ReportError: A step does not stand there any more: to leave it out would bias the sample.
    """
    by_id = {trace.id: trace for trace in traces}
    found = {}
    for one in drawn:
        identity, start, end = one.place
        trace = by_id.get(identity)
        if trace is None or not 0 <= start < end <= len(trace.reasoning):
            raise ReportError(
                f"The step at {start} of {escape.plain(identity)} is not in the data as it was read now.",
                "Judge this data again, or name the revision that was judged.",
            )
        found[one] = Shown(trace, trace.reasoning[:start], trace.reasoning[start:end], trace.reasoning[end:])
    return found


def run(drawn: Sequence[Drawn], traces: Sequence[Trace], path: Path, *, keys: TextIO, screen: TextIO) -> list[Label]:
    """Ask about every step drawn that has no label yet.

    Args:
        drawn: The steps, in the order in which they are asked about.
        traces: The traces they were drawn from, read again.
        path: File of the labels; made when the first is given, gone on with where it exists.
        keys: Where answers are typed, a line each; its end saves and quits.
        screen: Where steps are shown.

    Returns:
        All labels of the file.

    Raises:
        ReportError: The file is no file of labels, or the data is not that which was labelled.
    """
    shown = locate(drawn, traces)
    labels = blind_labels.read(path)
    for label in labels:
        if label.drawn in shown and blind_labels.digest(shown[label.drawn].step) != label.digest:
            raise ReportError(
                f"A step of {escape.plain(label.drawn.place[0])} reads otherwise than when it was labelled.",
                f"Begin a new file, or remove its line from {path}.",
            )
    while True:
        done = {label.drawn for label in labels}
        current = next((one for one in drawn if one not in done), None)
        if current is None:
            screen.write("\nAll steps drawn are labelled.\n")
            return labels
        heading = f"{drawn.index(current) + 1} of {len(drawn)}"
        screen.write("\n".join(["", *page(current, shown[current], heading, limit=AROUND)]) + "\n")
        key = _key(current, shown[current], heading, keys=keys, screen=screen)
        if key == "q":
            screen.write(f"\n{len(labels)} labels are saved.\n")
            return labels
        if key == "b":
            if labels and labels[-1].drawn in shown:
                blind_labels.withdraw(path)
                labels.pop()
            else:
                screen.write("There is nothing to go back to.\n")
            continue
        label = Label(current, ANSWERS[key], blind_labels.digest(shown[current].step))
        blind_labels.append(path, label)
        labels.append(label)


def _key(one: Drawn, shown: Shown, heading: str, *, keys: TextIO, screen: TextIO) -> str:
    """Ask until a key is given that moves on."""
    while True:
        screen.write(f"{KEYS}: ")
        screen.flush()
        line = keys.readline()
        key = line.strip().lower() if line else "q"
        if key in ANSWERS or key in ("b", "q"):
            return key
        if key == "m":
            screen.write("\n".join(["", *page(one, shown, heading, limit=None)]) + "\n")


def page(one: Drawn, shown: Shown, heading: str, *, limit: int | None) -> Iterator[str]:
    """The lines of one question. Text of the dataset is led by "| ", so that it cannot pass for ours.

    Args:
        one: The step and the criterion.
        shown: The step and what stands around it.
        heading: Which of how many.
        limit: Most characters of what stands around the step; None for all, and for what follows it too.
    """
    yield f"── {heading} · {one.criterion} " + "─" * 40
    yield from rubric("en")["criteria"][one.criterion].strip().splitlines()
    yield from _part("Problem", shown.trace.question)
    yield from _part("Reference answer", shown.trace.reference)
    before = shown.before if limit is None else shown.before[-limit:]
    yield from _part(f"Before the step{_left(len(shown.before) - len(before))}", before)
    yield from _part("THE STEP", shown.step)
    # Whether a step is of use is seen from the end; for the other criteria what follows would only give it away.
    if one.criterion == "utility" or limit is None:
        behind = shown.behind if limit is None else shown.behind[:limit]
        yield from _part(f"Behind the step{_left(len(shown.behind) - len(behind))}", behind)
    yield ""


def _left(characters: int) -> str:
    return f" ({characters:,} more characters are not shown: m)" if characters else ""


def _part(title: str, text: str | None) -> Iterator[str]:
    if text and text.strip():
        yield from ("", f"{title}:")
        yield from (f"| {escape.terminal(line)}" for line in text.strip().splitlines())
