"""A check of a judge: scripted judges whose figures are known, the shipped sets, hostile files."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore.errors import ReportError, SourceError
from hfscore.judge import check_result, labelled
from hfscore.judge.check import check
from hfscore.judge.check_result import CheckResult, Measure
from hfscore.judge.estimates import Estimate, wilson
from hfscore.judge.given_steps import SEPARATOR, fails, on_steps
from hfscore.judge.labelled import FIRST_ERROR, Item, LabelledSet
from hfscore.judge.rules import RulesJudge
from hfscore.ports import CRITERIA, Criterion, Judged, JudgedStep, ModelName, Verdict
from hfscore.records import Trace, Unscored

EITHER: tuple[Criterion, ...] = ("factuality", "validity")
LOST = Unscored("no answer")


@dataclass
class Scripted:
    """Cuts at line ends and fails what a word in the step tells it to: "bad" by validity, "untrue" by factuality..."""

    words: Mapping[str, Criterion] = field(
        default_factory=lambda: {"bad": "validity", "untrue": "factuality", "loose": "coherence", "idle": "utility"}
    )
    chance: Callable[[str], float] | None = None
    fickle: bool = False
    planned: list[str] = field(default_factory=list)

    name = ModelName("scripted", "1")
    settings: Mapping[str, str] = field(default_factory=lambda: {"rubric": "en"})

    def plan(self, traces: Sequence[Trace]) -> Sequence[str]:
        self.planned += [trace.id for trace in traces]
        return ("Everything is asked.",)

    def judge(self, traces: Sequence[Trace]) -> list[Judged | Unscored]:
        return [self._judged(trace) for trace in traces]

    def repeat(self, traces: Sequence[Trace]) -> list[Judged | Unscored]:
        other = replace(self, words={"fine": "validity"}) if self.fickle else self
        return other.judge(traces)

    def holistic(self, traces: Sequence[Trace]) -> list[float | Unscored]:
        return [Unscored("not asked") for _ in traces]

    def _judged(self, trace: Trace) -> Judged | Unscored:
        if "unreachable" in (trace.question or ""):
            return LOST
        found, start = [], 0
        for line in trace.reasoning.splitlines(keepends=True):
            if line.strip():
                found.append(JudgedStep(start, start + len(line), self._verdicts(line, start)))
            start += len(line)
        return Judged(tuple(found))

    def _verdicts(self, line: str, start: int) -> dict[Criterion, Verdict | Unscored]:
        broken = {criterion for word, criterion in self.words.items() if word in line}
        chance = self.chance(line) if self.chance else None
        return {
            one: LOST if "silent" in line else Verdict(one not in broken, chance)
            for one in CRITERIA
            if start or one != "coherence"
        }


def first_error(*traces: tuple[Sequence[str], int | None], name: str = "some") -> LabelledSet:
    rows = [
        {"problem": f"question {number}", "steps": list(steps), "label": -1 if label is None else label}
        for number, (steps, label) in enumerate(traces)
    ]
    return labelled.parse(lines(*rows), name)


def lines(*rows: Mapping[str, Any]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def value(result: CheckResult, measure: Measure, criteria: Sequence[Criterion], error: str | None = None) -> Estimate:
    found = result.figure(result.sets[0].name, measure, criteria, error)
    assert found is not None
    assert isinstance(found.value, Estimate), found
    return found.value


def left_out(result: CheckResult, measure: Measure, criteria: Sequence[Criterion]) -> Mapping[str, int]:
    found = result.figure(result.sets[0].name, measure, criteria)
    assert found is not None
    return found.left_out


def test_first_errors_known_answer() -> None:
    some = first_error(
        (["fine", "bad", "fine"], 1),  # a hit
        (["fine", "fine", "bad"], 1),  # too late
        (["bad", "bad"], 1),  # too early
        (["untrue", "fine"], 0),  # a hit by facts alone
        (["fine", "fine"], None),
        (["fine", "untrue"], None),  # a false alarm by facts alone
    )
    result = check(Scripted(), [some])
    found = value(result, "first_error_accuracy", ("validity",))
    assert (found.value, found.n) == (0.25, 4)
    assert (found.low, found.high) == pytest.approx(wilson(1, 4))
    assert value(result, "error_free_accuracy", ("validity",)).value == 1
    assert value(result, "f1", ("validity",)).value == pytest.approx(2 * 0.25 / 1.25)
    assert value(result, "first_error_accuracy", EITHER).value == 0.5
    assert value(result, "error_free_accuracy", EITHER).value == 0.5
    assert value(result, "f1", EITHER).value == 0.5
    assert value(result, "f1", EITHER).n == 6
    assert result.notes == ("Everything is asked.",)


def test_steps_behind_the_first_error_are_dropped() -> None:
    result = check(Scripted(), [first_error((["fine", "bad", "bad", "silent", "fine"], 1))])
    assert value(result, "recall", ("validity",)).n == 1
    assert value(result, "specificity", ("validity",)).n == 1
    assert value(result, "first_error_accuracy", ("validity",)).value == 1
    assert (result.sets[0].steps, result.sets[0].labelled) == (5, 2)


def test_no_verdict_is_left_out_and_counted() -> None:
    some = labelled.parse(
        lines(
            {"problem": "one", "steps": ["fine", "bad"], "label": 1},
            {"problem": "two", "steps": ["silent", "bad"], "label": 1},
            {"problem": "three", "steps": ["fine", "silent"], "label": -1},
            {"problem": "unreachable", "steps": ["fine", "bad"], "label": 1},
        ),
        "some",
    )
    result = check(Scripted(), [some])
    assert value(result, "first_error_accuracy", ("validity",)).n == 1
    assert left_out(result, "first_error_accuracy", ("validity",)) == {"no answer": 2}
    free = result.figure("some", "error_free_accuracy", ("validity",))
    assert free is not None
    assert isinstance(free.value, Unscored)
    assert free.left_out == {"no answer": 1}
    f1 = result.figure("some", "f1", ("validity",))
    assert f1 is not None
    assert isinstance(f1.value, Unscored)
    assert f1.left_out == {"no answer": 3}
    assert value(result, "recall", ("validity",)).n == 2
    assert left_out(result, "recall", ("validity",)) == {"no answer": 1}


def own(criterion: str | list[str], steps: Sequence[str], errors: Sequence[int], error_class: str) -> dict[str, Any]:
    return {
        "problem": f"{error_class} {steps}",
        "steps": list(steps),
        "criterion": criterion,
        "error_steps": list(errors),
        "error_class": error_class,
    }


def test_recall_by_class_and_specificity() -> None:
    some = labelled.parse(
        lines(
            own("utility", ["fine", "idle", "idle and more"], [1, 2], "circular"),
            own("utility", ["idle", "fine", "fine"], [2], "redundant"),
            own(["validity", "factuality"], ["fine", "untrue", "bad", "fine"], [1, 2, 3], "deception"),
            own(list(CRITERIA), ["fine", "idle"], [], "none"),
        ),
        "some",
    )
    result = check(Scripted(), [some])
    assert value(result, "recall", ("utility",), "circular").value == 1
    assert value(result, "recall", ("utility",), "redundant").value == 0
    assert value(result, "recall", ("utility",)).value == pytest.approx(2 / 3)
    # right by utility: one, two, and the two of the clean trace, of which "idle" fails twice
    right = value(result, "specificity", ("utility",))
    assert (right.value, right.n) == (3 / 5, 5)
    assert value(result, "balanced_accuracy", ("utility",)).value == pytest.approx((2 / 3 + 3 / 5) / 2)
    assert value(result, "recall", EITHER, "deception").value == pytest.approx(2 / 3)
    assert value(result, "specificity", EITHER).n == 3
    assert result.figure("some", "f1", ("validity",)) is None
    assert result.figure("some", "recall", ("coherence",)) is None


def test_probabilities_known_answer() -> None:
    steps = ["fine"] * 4 + ["bad"]
    some = first_error(*[([*steps[:4], f"bad {number}"], 4) for number in range(6)])
    result = check(Scripted(chance=lambda line: 0.2 if "bad" in line else 0.9), [some])
    assert value(result, "brier", ("validity",)).value == pytest.approx((4 * 0.01 + 0.04) / 5)
    assert value(result, "ece", ("validity",)).value == pytest.approx((4 * 0.1 + 0.2) / 5)
    without = check(Scripted(), [some]).figure("some", "brier", ("validity",))
    assert without is not None
    assert without.value == Unscored("the judge gives no probabilities")
    assert without.left_out == {"no probability": 30}


def test_flips_and_agreement() -> None:
    some = first_error(*[(["fine", "bad", "so so", "so so"], None) for _ in range(10)])
    fickle = Scripted(fickle=True)
    result = check(fickle, [some], second=Scripted(words={"so": "validity"}), repeats=4)
    flips = value(result, "flip_rate", ("validity",))
    assert (flips.value, flips.n) == (0.5, 16)
    assert value(result, "flip_rate", ("utility",)).value == 0
    shared = value(result, "agreement", ("validity",))
    assert (shared.value, shared.n) == (0.25, 40)
    # chance: 1/4 and 1/2 fail, 1/8 + 3/8 agree
    assert value(result, "kappa", ("validity",)).value == pytest.approx((0.25 - 0.5) / (1 - 0.5))
    assert left_out(result, "flip_rate", ("coherence",)) == {"not asked of this step": 4}
    assert sorted(fickle.planned) == sorted(f"labelled/some/{row}#0" for row in range(10))
    assert result.second == ModelName("scripted", "1")


def test_a_given_step_takes_the_verdicts_of_all_that_overlap_it() -> None:
    steps = ["One. Two.", "Three", "Four"]
    text = SEPARATOR.join(steps)
    good, wrong = Verdict(True, 0.9), Verdict(False, 0.3)

    def judged(*parts: tuple[int, int, Verdict | Unscored]) -> Judged:
        return Judged(tuple(JudgedStep(start, end, {"validity": verdict}) for start, end, verdict in parts))

    def read(one: Judged) -> list[bool | Unscored]:
        return [fails(given, ("validity",)) for given in on_steps(steps, one)]

    assert read(judged((0, 5, good), (5, 11, wrong), (11, 18, good), (18, len(text), good))) == [True, False, False]
    # a step that reaches over two given ones speaks of both; the white space between them is of neither
    assert read(judged((0, 11, good), (9, len(text), wrong))) == [False, True, True]
    assert read(judged((0, 5, good), (5, 11, LOST), (11, 18, good))) == [
        LOST,
        False,
        Unscored("the judge has no step there"),
    ]
    assert read(judged((0, 5, wrong), (5, 11, LOST), (11, len(text), good)))[0] is True
    assert read(judged((0, 9, good), (9, 11, wrong), (11, 18, good), (18, len(text), good))) == [False] * 3
    both = on_steps(steps, judged((0, 5, good), (5, 11, Verdict(True, 0.6)), (11, len(text), Verdict(True))))
    assert both[0]["validity"] == Verdict(True, 0.6)
    assert both[1]["validity"] == Verdict(True)
    assert on_steps(steps, LOST)[2]["utility"] == LOST


@settings(max_examples=300)
@given(
    st.lists(st.text(alphabet="ab \n", min_size=1, max_size=8).filter(str.strip), min_size=1, max_size=6),
    st.lists(st.integers(0, 60), max_size=12),
    st.data(),
)
def test_a_given_step_fails_where_it_shares_a_character_with_a_failing_one(
    steps: list[str], cuts: list[int], data: st.DataObject
) -> None:
    text = SEPARATOR.join(steps)
    ends = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    failing = [data.draw(st.booleans()) for _ in ends[1:]]
    spans = list(zip(pairwise(ends), failing, strict=True))
    judged = Judged(tuple(JudgedStep(start, end, {"validity": Verdict(not bad)}) for (start, end), bad in spans))
    broken = {index for (start, end), bad in spans if bad for index in range(start, end) if not text[index].isspace()}
    found, start = on_steps(steps, judged), 0
    for step, given_verdicts in zip(steps, found, strict=True):
        place = range(start, start + len(step))
        assert fails(given_verdicts, ("validity",)) is bool(broken.intersection(place))
        start += len(step) + len(SEPARATOR)


def test_the_four_forms() -> None:
    steps = ["a", "b", "c"]
    bench = labelled.parse(lines({"problem": "p", "steps": steps, "label": 1, "final_answer_correct": False}), "x")
    assert bench.items == (Item("p", ("a", "b", "c"), (False, True, None), EITHER, FIRST_ERROR),)
    free = labelled.parse(lines({"problem": "p", "steps": steps, "label": -1, "final_answer_correct": False}), "x")
    assert (free.items[0].wrong, free.items[0].first, free.items[0].doubtful) == ((False,) * 3, None, True)
    mistake = {"input": "p", "steps": steps, "mistake_index": 0, "answer": "1", "target": "2"}
    big = labelled.parse(lines(mistake, {**mistake, "mistake_index": None}), "x")
    assert [(one.wrong, one.doubtful) for one in big.items] == [((True, None, None), False), ((False,) * 3, True)]
    prm = {"modified_question": "p", "modified_process": steps, "error_steps": [1, 3], "classification": "circular"}
    (item,) = labelled.parse(lines(prm), "x").items
    assert (item.wrong, item.criteria, item.error) == ((True, False, True), ("utility",), "circular")
    ours = {"problem": "p", "steps": steps, "criterion": "coherence", "labels": [True, False, None]}
    (item,) = labelled.parse(lines(ours), "x").items
    assert (item.wrong, item.criteria) == ((False, True, None), ("coherence",))
    listed = labelled.parse(json.dumps([ours]).encode(), "x")
    assert labelled.parse(lzma.compress(lines(ours)), "x") == listed


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"problem": "p", "steps": ["a"], "label": 1}, "the label is no step"),
        ({"problem": "p", "steps": ["a"], "label": True}, "the label is no step"),
        ({"problem": "p", "steps": "abc", "label": 0}, "the steps are no list"),
        ({"problem": "p", "steps": [], "label": -1}, "no steps, an empty step, or not a label for every step"),
        ({"problem": "p", "steps": ["a", " "], "label": 0}, "no steps, an empty step, or not a label for every step"),
        ({"problem": None, "steps": ["a"], "label": 0}, "question, steps or class of error are not text"),
        (own("wit", ["a"], [0], "x"), "a criterion that is none of the four"),
        (own("utility", ["a"], [1], "x"), "an error is marked at a step that does not exist"),
        (
            {"problem": "p", "steps": ["a"], "criterion": "utility", "labels": [1]},
            "labels that are not true, false or null",
        ),
        (
            {"modified_question": "p", "modified_process": ["a"], "error_steps": [2], "classification": "circular"},
            "an error is marked at a step that does not exist",
        ),
        (
            {"modified_question": "p", "modified_process": ["a"], "error_steps": [1], "classification": "new"},
            "a class of errors that no criterion stands for",
        ),
    ],
)
def test_what_cannot_be_used_is_counted(row: dict[str, Any], reason: str) -> None:
    found = labelled.parse(lines(row, {"problem": "p", "steps": ["a"], "label": 0}), "x")
    assert (len(found.items), found.unread) == (1, {reason: 1})


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[1]", b"3", b'{"steps": []}', b"\xfd7zXZ\x00torn", b"\xff\xfe", b"[" * 9999]
)
def test_what_is_no_labelled_set_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        labelled.parse(data, "x")
    with pytest.raises(SourceError):
        labelled.load(tmp_path / "none.jsonl")


def test_a_file_is_called_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl.xz"
    path.write_bytes(lzma.compress(lines({"problem": "p", "steps": ["a"], "label": 0})))
    one = labelled.load(path)
    assert (one.name, len(one.items)) == ("mine", 1)
    with pytest.raises(SourceError, match="same name"):
        check(Scripted(), [one, one])
    with pytest.raises(SourceError, match="shipped"):
        labelled.shipped("mine")


@pytest.mark.parametrize(
    ("name", "traces", "erroneous", "doubtful"),
    [("bbm_arithmetic", 300, 238, 18), ("bbm_word_sorting", 100, 66, 4), ("prmbench", 146, 136, 0)],
)
def test_shipped_sets(name: str, traces: int, erroneous: int, doubtful: int) -> None:
    one = labelled.shipped(name)
    assert name in labelled.SHIPPED
    assert (len(one.items), one.unread) == (traces, {})
    assert sum(item.first is not None for item in one.items) == erroneous
    assert sum(item.doubtful for item in one.items) == doubtful


def test_every_class_of_prmbench_is_shipped() -> None:
    assert {item.error for item in labelled.shipped("prmbench").items} == set(labelled.PRMBENCH_CLASSES)


class PlannedRules(RulesJudge):
    """The rule judge, which has nothing to plan."""

    def plan(self, traces: Sequence[Trace]) -> Sequence[str]:
        return ()


def test_the_rule_judge_finds_first_errors_of_arithmetic() -> None:
    result = check(PlannedRules(), [labelled.shipped("bbm_arithmetic")], repeats=5)
    found = value(result, "first_error_accuracy", ("validity",))
    assert found.n == 238
    assert found.value * 238 >= 206
    free = value(result, "error_free_accuracy", ("validity",))
    assert (free.n, round(free.value * 62)) == (62, 50)  # the twelve others end in a wrong answer
    assert value(result, "flip_rate", ("validity",)).value == 0


def test_a_result_comes_back_from_its_file(tmp_path: Path) -> None:
    some = first_error(*[(["fine", "bad"], 1), (["fine", "silent"], None)] * 5)
    result = check(Scripted(chance=lambda line: 0.5), [some], second=Scripted())
    for path in (check_result.save(result, tmp_path), check_result.save(result, tmp_path / "x.json")):
        assert check_result.load(path) == result
    assert check_result.load(tmp_path) == result


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 9}', '{"schema": 1}', '{"schema": 1, "judge": 3}', "NaN"])
def test_what_is_no_result_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / check_result.CHECK_FILE
    with pytest.raises(ReportError):
        check_result.load(path)
    path.write_text(text)
    with pytest.raises(ReportError):
        check_result.load(tmp_path)


def test_the_table_says_why_and_is_harmless() -> None:
    some = labelled.parse(
        lines(
            {"problem": "one", "steps": ["fine", "bad"], "label": 1},
            own("utility", ["fine", "idle"], [1], "\x1b[31mred\nline"),
        ),
        "a\x1b[2Jset",
    )
    result = check(Scripted(), [some])
    rows = check_result.table(result)
    assert rows[0] == check_result.HEADER
    assert {len(row) for row in rows} == {len(check_result.HEADER)}
    assert not any("\x1b" in cell or "\n" in cell or "nan" in cell.lower() for row in rows[1:] for cell in row)
    free = next(row for row in rows if row[2].startswith("no step fails") and row[1] == "validity")
    assert free[3:] == ("nothing to count", "", "", "")
    caught = next(row for row in rows if row[1:3] == ("utility", "wrong steps that fail: red line"))
    assert caught[3:] == ("1.000", "0.207 to 1.000", "1", "")
    assert check_result.remarks(result)[0].startswith("aset: 2 traces, 2 of them with an error; 4 steps")


def test_a_share_is_corrected_by_what_the_judge_missed() -> None:
    steps = ["fine"] * 8 + ["bad"] * 2
    some = [labelled.parse(lines(own("validity", [*steps[:9], f"x {n}"], [8, 9], f"{n}")), f"{n}") for n in range(20)]
    items = tuple(item for one in some for item in one.items)
    result = check(Scripted(), [LabelledSet("some", items, {})])
    # Half of the wrong steps go unseen: of 90 that hold by the judge, ten more fail.
    found = check_result.corrected_share(result, "some", "validity", (90, 100))
    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(0.8)
    assert found.low < 0.8 < found.high
    none = check_result.corrected_share(result, "some", "utility", (90, 100))
    assert none == Unscored("the judge was not checked by this criterion")
