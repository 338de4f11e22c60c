"""Final answers: do they match the reference, and does a trace arrive at the answer that is recorded? (G1, G5).

Compared by text where that decides, else by math-verify in a process that is killed when its time is up. A suspect
reference is one that several generations contradict while they agree among themselves: look at the key, not only at
the generations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from hfscore.ports import Tools
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.spec import Fact, Family, Fold, Metric, Scores
from hfscore.text.answer_equality import same_answer
from hfscore.text.answer_text import final_answer
from hfscore.text.verifiable import is_checkable

NO_REFERENCE = Unscored("no reference answer")
NOT_CHECKABLE = Unscored("the reference is no short answer that a rule can check")
OWN = Unscored("the reference is read from the record's own answer")
NO_ANSWER = Unscored("no final answer found")
NO_CONCLUSION = Unscored("the trace states no conclusion of its own")
NO_RESPONSE = Unscored("no response apart from the trace")

FEWEST_AGREEING = 3
QUESTIONS = 100_000  # remembered for suspect references
DISTINCT = 32  # answers to one question that are told apart; with more there is no agreement to find
ROWS = 20


def stated(trace: Trace) -> str | None:
    """The final answer of a record: of the response, else of the trace; a short response is one itself."""
    response = (trace.response or "").strip()
    if not response:
        return final_answer(trace.reasoning)
    return final_answer(response) or (response if is_checkable(response) else final_answer(trace.reasoning))


def expected(reference: str) -> str | None:
    """The answer a reference ends in, or the reference itself where it is short."""
    return final_answer(reference) or (reference.strip() if is_checkable(reference) else None)


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Compare every record's final answer with its reference, and with its own trace."""
    matches: list[Reading | None] = [None] * len(traces)
    consistent: list[Reading | None] = [None] * len(traces)
    asked: list[tuple[list[Reading | None], int]] = []
    pairs: list[tuple[str, str]] = []

    def ask(where: list[Reading | None], index: int, gold: str, said: str) -> None:
        asked.append((where, index))
        pairs.append((gold, said))

    for index, trace in enumerate(traces):
        said = stated(trace)
        gold = expected(trace.reference) if trace.reference and trace.reference.strip() else None
        if gold is not None and trace.own_reference:
            matches[index] = OWN
        elif gold is None:
            matches[index] = NOT_CHECKABLE if trace.reference and trace.reference.strip() else NO_REFERENCE
        elif said is None:
            matches[index] = NO_ANSWER
        else:
            ask(matches, index, gold, said)
        why_not, conclusion, recorded = _conclusion(trace)
        if why_not is not None:
            consistent[index] = why_not
        else:
            ask(consistent, index, recorded, conclusion)
    verdicts = tools.verifier().verify(pairs) if pairs else []
    for (where, index), verdict in zip(asked, verdicts, strict=True):
        where[index] = verdict if isinstance(verdict, Unscored) else Scored(float(verdict))
    return {"final_answer": _whole(matches), "answer_consistency": _whole(consistent)}


def _conclusion(trace: Trace) -> tuple[Unscored | None, str, str]:
    """(why nothing can be compared, the trace's own conclusion, the recorded answer)."""
    response = (trace.response or "").strip()
    if not response or trace.own_response or response == trace.reasoning.strip():
        return NO_RESPONSE, "", ""
    recorded = final_answer(response) or (response if is_checkable(response) else None)
    conclusion = final_answer(trace.reasoning)
    if recorded is None:
        return NO_ANSWER, "", ""
    return (NO_CONCLUSION, "", "") if conclusion is None else (None, conclusion, recorded)


def _whole(readings: Sequence[Reading | None]) -> list[Reading]:
    assert all(reading is not None for reading in readings)
    return [reading for reading in readings if reading is not None]


@dataclass(slots=True)
class Answers:
    """Of one question: its row, its reference, and each distinct answer with how often it was given."""

    row: int
    reference: str
    given: dict[str, int] = field(default_factory=dict)


def add(state: dict[str, Answers], traces: Sequence[Trace], scores: Scores) -> None:
    """Gather answers by question, equal ones together."""
    for trace in traces:
        gold = expected(trace.reference) if trace.reference and trace.reference.strip() else None
        said = stated(trace)
        if (
            gold is None
            or said is None
            or trace.own_reference
            or (trace.question_id not in state and len(state) >= QUESTIONS)
        ):
            continue
        answers = state.setdefault(trace.question_id, Answers(trace.row, gold))
        if said not in answers.given:
            said = next((one for one in answers.given if same_answer(one, said)), said)
        if said in answers.given or len(answers.given) < DISTINCT:
            answers.given[said] = answers.given.get(said, 0) + 1


def finish(state: dict[str, Answers]) -> list[Fact]:
    """How many references are contradicted by generations that agree among themselves."""
    several = [answers for answers in state.values() if sum(answers.given.values()) >= FEWEST_AGREEING]
    title = "References that agreeing generations contradict"
    if not several:
        why = f"Not measured: no question has {FEWEST_AGREEING} generations with an answer and a reference."
        return [Fact("suspect_references", title, None, "share", 0, why)]
    suspects = [answers.row for answers in several if _is_suspect(answers)]
    note = f"{FEWEST_AGREEING} or more generations, and two thirds of all, give one answer that is not the reference."
    rows = tuple(sorted(suspects)[:ROWS])
    return [Fact("suspect_references", title, len(suspects) / len(several), "share", len(several), note, rows)]


def _is_suspect(answers: Answers) -> bool:
    answer, times = max(answers.given.items(), key=lambda item: item[1])
    total = sum(answers.given.values())
    return times >= FEWEST_AGREEING and 3 * times >= 2 * total and same_answer(answers.reference, answer) is False


def settings(tools: Tools) -> Mapping[str, str]:
    """The library behind the comparison."""
    return {"answer comparison": f"math-verify {version('math-verify')}, 3 s a pair"}


FAMILY = Family(
    id="final_answer",
    title="Final answers",
    source="catalogue G1, G5; math-verify",
    version=1,
    rank=10,
    metrics=(
        Metric(
            id="final_answer",
            alias="G1",
            title="Final answer equals the reference",
            formula="1 if the final answer equals the reference answer",
            reading="right as far as the reference is; wrong traces can still teach",
            lowest=0.0,
            highest=1.0,
            direction="contested",
            grade="X",
            evidence="Filtering by answer did not beat no filter in one study, wrong traces cost little in another; "
            "in a third, verified accuracy went with results of larger students.",
            headline=True,
            digits=1,
            unit="share",
        ),
        Metric(
            id="answer_consistency",
            alias="G5",
            title="The trace's own conclusion equals the recorded answer",
            formula="1 if the last answer stated in the trace equals the answer of the response",
            reading="a trace that concludes otherwise than its record contradicts itself: look at the rows",
            lowest=0.0,
            highest=1.0,
            direction="up",
            grade="-",
            evidence="Ours; no published link to training outcomes.",
            digits=1,
            unit="share",
        ),
    ),
    score=score,
    needs=("verifier",),
    fold=Fold(start=lambda tools: {}, add=add, finish=finish),
    settings=settings,
)
