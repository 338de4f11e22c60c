"""A judge without a language model: four verdicts a step from the arithmetic, the numbers and the words of a trace.

It reads English solutions to word problems in arithmetic, and nothing else is claimed. It sees what is on the page:

    validity     no equation of the step is false. An error carried over is not met again; prose is not checked.
    factuality   every number and name is in the question, in an earlier step, among the results of the trace's own
                 equations, or a common constant (60 minutes, 100%). So a broken result costs validity alone.
    coherence    what the step needs stands before it: it uses no result that is only worked out later, and it shares a
                 number or a content word with the question or an earlier step. Not asked of the first step.
    utility      the step says something that no earlier step said: a number, a content word, a calculation.

None stands for what is not asked or cannot be decided: factuality without a question, a step in which no number and no
word can be read, all but validity where the text does not read as English. Time is linear in the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate
from typing import Final

from hfscore.judge import correction
from hfscore.judge.check_result import CheckResult
from hfscore.judge.rules_words import COMMON_NAMES, CONSTANTS, NUMBER_WORDS, SCALE_WORDS, STOP_WORDS, TENS
from hfscore.ports import CRITERIA, Corrected, Criterion, Judged, JudgedStep, ModelName, Verdict
from hfscore.records import Trace, Unscored
from hfscore.text.arithmetic import ARITHMETIC_VERSION, check_equations
from hfscore.text.arithmetic_values import Number
from hfscore.text.numerals import NUMERAL, read_numeral
from hfscore.text.steps import SPLITTER_VERSION, split_steps

RULES_VERSION: Final = 1
"""Raised whenever a verdict may come out otherwise."""

SERVED_AS: Final = "loopback/rules"
"""The model's name where the rules answer behind a server, in the demo and in tests."""

ABOUT: Final = "It is no language model: rules that read English arithmetic and count words and numbers, nothing else."

UNDECIDED: Final = Unscored("the rules cannot decide this step")
NO_GRADE: Final = Unscored("the rule judge gives no overall score")

LEAST_WORDS, LEAST_STOP_WORDS = 24, 0.12
"""From so many words on, a text with a smaller share of English function words is not taken for English."""

_TOKEN = re.compile(
    rf"(?<![^\W_])(?P<number>{NUMERAL})(?P<percent>\s?%|\spercent\b)?+|(?P<word>[^\W\d_]++(?:['’][^\W\d_]++)*+)"
)
_NUMERAL = re.compile(NUMERAL)
# Numbers of steps and list items are no quantities.
_LABEL = re.compile(r"[\s>*-]*+(?:(?:step|part|case)\s\d{1,3}+\b|\(?\d{1,3}+[.)](?=\s))", re.IGNORECASE)
_ANSWER = re.compile(r"\s*+(?:####|A:)")
_BEFORE_NAME = re.compile(r"[\w,;%)][ \t]\Z")
_NOT_CALCULATED = re.compile(r"[^\d+\-−*×·/÷^().,%]")
_ENDING = re.compile(r"(?<=...)(?:ing|ed|es|s|ly)\Z")
_LARGE = 10**12  # no number word multiplies beyond
_SEPARATOR = "\n\n"  # an empty sentence: no equation reaches over it


@dataclass(frozen=True, slots=True)
class _Facts:
    """A text as the rules see it.

    Args:
        numbers: Each numeral's possible values, likeliest first.
        implied: Values of number words, and what percentages come to.
        stems: Content words without their endings.
        names: Stems of capitalised words inside a sentence.
        words: How many words.
        function_words: How many of them are English function words.
    """

    numbers: tuple[tuple[Number, ...], ...]
    implied: frozenset[Number]
    stems: frozenset[str]
    names: frozenset[str]
    words: int
    function_words: int

    def values(self) -> set[Number]:
        """Every value the text may be taken to mention."""
        return {value for readings in self.numbers for value in readings} | self.implied


@dataclass(slots=True)
class _Sums:
    """The equations of one step.

    Args:
        results: Values on their right sides, as written and as they should be.
        done: Their left sides, bare.
        wrong: Whether one is false.
    """

    results: set[Number] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    wrong: bool = False


def verdicts(question: str | None, steps: Sequence[str]) -> list[dict[Criterion, bool | None]]:
    """Judge the steps of a trace.

    Args:
        question: The question, or None.
        steps: The steps in order.

    Returns:
        For each step, whether each criterion holds; None where that is not asked or cannot be decided.
    """
    asked = _read(question) if question and question.strip() else None
    read = [_read(step) for step in steps]
    sums = _sums(steps)
    english = _is_english([asked, *read] if asked else read)
    results = {value for own in sums for value in own.results}
    values = asked.values() if asked else set()
    stems = set(asked.stems) if asked else set()
    said: set[str | Number] = set()
    found: list[dict[Criterion, bool | None]] = []
    for index, (facts, own) in enumerate(zip(read, sums, strict=True)):
        items = {*(readings[0] for readings in facts.numbers), *facts.stems, *own.done}
        readable = english and bool(items)
        free = CONSTANTS | own.results
        new = [one for one in facts.numbers if values.isdisjoint(one) and free.isdisjoint(one)]
        early = [one for one in new if not results.isdisjoint(one)]
        shares = not stems.isdisjoint(facts.stems) or any(not values.isdisjoint(one) for one in facts.numbers)
        found.append(
            {
                "factuality": len(new) == len(early) and facts.names <= stems if asked and english else None,
                "validity": not own.wrong,
                "coherence": shares and not early if readable and index else None,
                "utility": not items <= said if readable else None,
            }
        )
        values |= facts.values() | own.results
        stems |= facts.stems
        said |= items
    return found


def _read(text: str) -> _Facts:
    numbers: list[tuple[Number, ...]] = []
    implied: set[Number] = set()
    words: list[str] = []
    names: set[str] = set()
    before: Number | None = None
    label = _LABEL.match(text)
    for token in _TOKEN.finditer(text, label.end() if label else 0):
        if token["number"]:
            readings = tuple(reading.value for reading in read_numeral(token["number"]))
            before = readings[0] if readings else None
            if readings:
                numbers.append(readings)
                implied |= _percent(readings[0]) if token["percent"] else set()
            continue
        word = token["word"].lower().removesuffix("'s").removesuffix("’s")
        spelled = _spelled(word, before)
        before = spelled[0] if spelled else None
        implied.update(spelled)
        words.append(word)
        if word not in STOP_WORDS and word not in COMMON_NAMES and _is_name(text, token):
            names.add(_stem(word))
    stems = {_stem(word) for word in words if word not in STOP_WORDS and len(word) > 2}
    if _ANSWER.match(text) or "\\boxed" in text:
        stems.add("answer")
    function_words = sum(word in STOP_WORDS for word in words)
    return _Facts(tuple(numbers), frozenset(implied), frozenset(stems), frozenset(names), len(words), function_words)


def _percent(value: Number) -> set[Number]:
    """What p per cent comes to in sums: a share, what is left, what it grows to."""
    share = Fraction(value) / 100
    return {share, 1 - share, 1 + share, 100 - value, 100 + value}


def _spelled(word: str, before: Number | None) -> tuple[Number, ...]:
    """Values of a number word, with the number before it: "twenty-five", "3 hundred"."""
    if word in SCALE_WORDS and before is not None and before < _LARGE:
        return (before * SCALE_WORDS[word], SCALE_WORDS[word])
    values = NUMBER_WORDS.get(word, ())
    if values and before is not None and before in TENS.values() and 0 < values[0] < 10:
        return (before + values[0], *values)
    return values


def _stem(word: str) -> str:
    return _ENDING.sub("", word)


def _is_name(text: str, token: re.Match[str]) -> bool:
    word, start = token["word"], token.start()
    return len(word) > 2 and word[:2].istitle() and _BEFORE_NAME.search(text, max(0, start - 2), start) is not None


def _sums(steps: Sequence[str]) -> list[_Sums]:
    """The equations of each step; letters keep their values from step to step."""
    found = [_Sums() for _ in steps]
    ends = list(accumulate(len(step) + len(_SEPARATOR) for step in steps))
    index = 0
    for equation in check_equations(_SEPARATOR.join(steps)):
        index = bisect_right(ends, equation.start, lo=index)
        own = found[index]
        own.done |= {_NOT_CALCULATED.sub("", equation.left)} - {""}
        own.wrong = own.wrong or equation.holds is False
        for numeral in _NUMERAL.findall(f"{equation.right} {equation.expected or ''}"):
            own.results.update(reading.value for reading in read_numeral(numeral))
    return found


def _is_english(texts: Sequence[_Facts]) -> bool:
    words = sum(facts.words for facts in texts)
    return words < LEAST_WORDS or sum(facts.function_words for facts in texts) >= LEAST_STOP_WORDS * words


@dataclass(frozen=True, slots=True)
class RulesJudge:
    """The rule judge in this process.

    Args:
        checked: What `hfscore judge check` found of it, or None.
    """

    checked: CheckResult | None = None

    @property
    def name(self) -> ModelName:
        """The judge and the version of its rules."""
        return ModelName("rules", str(RULES_VERSION))

    @property
    def settings(self) -> Mapping[str, str]:
        """What decides its verdicts."""
        return {
            "about": ABOUT,
            "errors": correction.errors(self.checked),
            "versions": f"rules {RULES_VERSION}, arithmetic {ARITHMETIC_VERSION}, steps {SPLITTER_VERSION}",
        }

    def estimate(self, traces: Sequence[Trace], price: Sequence[float]) -> Sequence[str]:
        """What judging takes: nothing that is paid for."""
        return ("The rule judge asks no server and costs nothing.",)

    def plan(self, traces: Sequence[Trace]) -> Sequence[str]:
        """Take every question: rules need no budget."""
        return ()

    def judge(self, traces: Sequence[Trace]) -> list[Judged | Unscored]:
        """Judge every step of every trace."""
        return [_judge(trace) for trace in traces]

    def repeat(self, traces: Sequence[Trace]) -> list[Judged | Unscored]:
        """Judge once more; rules never change their mind."""
        return self.judge(traces)

    def corrected(self, criterion: Criterion, observed: tuple[float, float]) -> Corrected | Unscored | None:
        """A share corrected for the rules' errors on labelled steps."""
        return correction.corrected(self.checked, criterion, observed)

    def holistic(self, traces: Sequence[Trace]) -> list[float | Unscored]:
        """No overall score: rules that read no prose have no view of a whole."""
        return [NO_GRADE for _ in traces]


def _judge(trace: Trace) -> Judged | Unscored:
    if trace.problem is not None:
        return Unscored(trace.problem)
    steps = split_steps(trace.reasoning)
    if not steps:
        return Unscored("no reasoning")
    found = verdicts(trace.question, [step.text for step in steps])
    return Judged(
        tuple(
            JudgedStep(step.start, step.end, _given(own, first=index == 0))
            for index, (step, own) in enumerate(zip(steps, found, strict=True))
        )
    )


def _given(found: Mapping[Criterion, bool | None], *, first: bool) -> dict[Criterion, Verdict | Unscored]:
    asked = (criterion for criterion in CRITERIA if not (first and criterion == "coherence"))
    return {criterion: UNDECIDED if (holds := found[criterion]) is None else Verdict(holds) for criterion in asked}
