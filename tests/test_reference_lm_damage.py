"""What damage within single traces does to the scores of the language model that comes with the package.

Measured anew on few, short traces of GSM8K's test split; the card holds what 300 give, of which
`python -m hfscore.reference_lm.evaluate test.jsonl` prints every figure.
"""

from __future__ import annotations

import json
import lzma
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hfscore.damage import DAMAGES, plant
from hfscore.records import Trace
from hfscore.reference_lm import folder, form, known_damage
from hfscore.reference_lm.doses import DOSES, DOSES_OF, planted
from hfscore.reference_lm.known_damage import EXPECTED, Cell, failures
from hfscore.stats import mean_interval
from hfscore.text.arithmetic import check_equations
from hfscore.text.steps import split_steps

DATA = Path(__file__).parent / "data" / "gsm8k_test_300.jsonl.xz"
FEW = 14  # chosen so that they agree with the 300: with 12, the interval of D1 under deletion touches 0
CONTRASTED = 6  # each trace is read seven times a dose for order and specificity
STEPS = 6  # so that every dose damages more steps than the one below; with 5, several cells are lost in noise

FAILS = {
    ("break_result", "G2"): "not as expected at 100%",
    ("duplicate_step", "E1"): "not as expected at 25%, 50%, 100%",
    ("duplicate_step", "G3"): "not as expected at 25%, 50%, 100%",
    ("swap_traces", "E1"): "a higher dose moves it back",
    ("swap_traces", "G2"): "not as expected at 25%, 50%",
    ("tail_checking", "E1"): "not as expected at 100%",
    ("tail_checking", "D1"): "not as expected at 100%",
    ("tail_checking", "G3"): "not as expected at 100%",
    ("normalise_whitespace", "E1"): "there is no trace it can be planted and measured in",
    ("normalise_whitespace", "D1"): "there is no trace it can be planted and measured in",
    ("normalise_whitespace", "G2"): "there is no trace it can be planted and measured in",
    ("normalise_whitespace", "G3"): "there is no trace it can be planted and measured in",
}
"""The cells that fail on 300 traces, as the card names them."""

UNSEEN = {("break_result", "G2"), ("swap_traces", "G2")}
"""Those that it takes more traces, or lower doses of a swap, to see."""


@cache
def items() -> list[form.Item]:
    rows = map(json.loads, lzma.decompress(DATA.read_bytes()).decode().splitlines())
    return [form.Item(row["question"], row["answer"], row["reference"]) for row in rows]


def traces(of: list[form.Item]) -> list[Trace]:
    return [
        Trace("default", "test", row, 0, one.question, one.solution, reference=one.answer) for row, one in enumerate(of)
    ]


@cache
def few() -> list[form.Item]:
    """The shortest in which every corruption can be planted, but for folding white space, which none of them needs."""
    numbered = (
        planted(traces(items()), "falsify_number", 1.0).keys() & planted(traces(items()), "break_result", 1.0).keys()
    )
    able = [items()[row] for row in numbered if len(split_steps(items()[row].solution)) >= STEPS]
    return sorted(able, key=lambda one: len(one.question) + len(one.solution))[:FEW]


@cache
def cells() -> dict[tuple[str, float, str], Cell]:
    """Surprisal and answer gain at every dose; order and specificity at full dose, of shuffled steps at two."""
    from hfscore.lm import load

    model = load(str(folder()), device="cpu", budget=known_damage.BATCH_TOKENS)
    plain = known_damage.cells(model, few(), contrasted=0)
    doses = {damage: (1.0,) for damage, row in EXPECTED.items() if row.keys() & {"G2", "G3"}}
    some = few()[:CONTRASTED]
    read_again = known_damage.cells(model, some, contrasted=CONTRASTED, doses={**doses, "shuffle_steps": (0.25, 1.0)})
    found = [*plain, *(cell for cell in read_again if cell.measure in ("G2", "G3"))]
    return {(cell.damage, cell.dose, cell.measure): cell for cell in found}


@pytest.mark.slow
@pytest.mark.xdist_group("reference_lm_damage")
def test_exactly_the_cells_fail_that_the_card_names() -> None:
    assert failures([*cells().values()]).keys() == FAILS.keys() - UNSEEN


@pytest.mark.slow
@pytest.mark.xdist_group("reference_lm_damage")
@pytest.mark.parametrize("damage", ["shuffle_steps", "falsify_number"])
def test_the_more_steps_or_numbers_are_damaged_the_less_probable_the_trace(damage: str) -> None:
    rises = [cells()[damage, dose, "E1"] for dose in DOSES]
    assert all(cell.interval is not None and cell.interval[0] > 0 for cell in rises)
    assert all((cell.changes > 0).mean() >= 0.8 for cell in rises)
    assert all(len(cell.changes) == FEW for cell in rises)
    assert rises[0].mean < rises[1].mean < rises[2].mean


@pytest.mark.slow
@pytest.mark.xdist_group("reference_lm_damage")
def test_the_change_of_surprisal_is_that_of_the_loss_reckoned_with_transformers_alone() -> None:
    from hfscore.reference_lm.evaluate import load, mean_nll

    model, tokenizer = load(folder())
    own = traces(few())
    damaged = planted(own, "break_result", 0.5)
    before, after = (
        mean_nll(model, tokenizer, [([form.prompt(one.question)], one.reasoning) for one in some])
        for some in (own, damaged.values())
    )
    assert cells()["break_result", 0.5, "E1"].changes == pytest.approx(after - before, abs=1e-4)


def in_card() -> tuple[set[tuple[str, str, str]], list[str]]:
    """(cells of the card's table with a cross, as (title, dose, measure); the lines of its list of cells that fail)."""
    card = (folder() / "README.md").read_text(encoding="utf-8")
    _, _, behind = card.partition("| corruption | dose |")
    table, _, rest = behind.partition("\n\n")
    rows = [[column.strip() for column in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    assert [row[:2] for row in rows] == [
        [DAMAGES[damage].title, f"{dose:.0%}"] for damage, doses in DOSES_OF.items() for dose in doses
    ]
    crosses = {
        (row[0], row[1], measure)
        for row in rows
        for measure, column in zip(known_damage.MEASURES.values(), row[4:], strict=True)
        if column.endswith("✗")
    }
    _, _, listed = rest.partition("Cells that fail:\n\n")
    return crosses, listed.partition("\n\n")[0].splitlines()


def test_the_card_names_every_cell_that_fails_and_no_other() -> None:
    crosses, lines = in_card()
    assert sorted(lines) == sorted(known_damage.failed_line(*key, why) for key, why in FAILS.items())
    at = "not as expected at "
    named = {
        (DAMAGES[damage].title, dose, measure)
        for (damage, measure), why in FAILS.items()
        if why.startswith(at)
        for dose in why.removeprefix(at).split(", ")
    }
    assert crosses == named


QUESTION = "Ann has 3 apples and buys 5 more. Each costs 2 dollars. What do they cost?"
LINES = ["Ann has 3 apples.", "She buys 5 more.", "So she has 3 + 5 = 8 apples.", "They cost 8 * 2 = 16 dollars."]
OTHERS = ["Bob reads 4 books.", "He reads 6 pages of each.", "That makes 4 * 6 = 24 pages.", "Then he sleeps."]


def at_doses(damage: str) -> list[list[str]]:
    """Lines of one trace of four steps at every dose."""
    texts = ["\n".join(LINES), "\n".join(OTHERS), "Nothing."]
    own = [Trace("default", "test", row, 0, f"{row} {QUESTION}", text) for row, text in enumerate(texts)]
    return [planted(own, damage, dose)[0].reasoning.split("\n") for dose in DOSES_OF[damage]]


@pytest.mark.parametrize(
    ("damage", "counts"),
    [
        ("falsify_number", [1, 1, 2]),  # the first two lines have one given number each, the others arithmetic
        ("break_result", [1, 1, 2]),
        ("duplicate_step", [1, 2, 4]),
        ("swap_traces", [1, 2, 4]),
        ("delete_steps", [1, 1, 2]),  # of half of the steps
        ("filler", [1, 2, 4]),
    ],
)
def test_a_dose_is_a_share_of_one_traces_steps_and_holds_the_lower_ones(damage: str, counts: list[int]) -> None:
    hit = []
    for lines in at_doses(damage):
        if damage == "duplicate_step":
            text = "\n".join(lines)
            hit.append({line for line in LINES if text.count(line) == 2})
            assert len(text) == sum(map(len, LINES)) + sum(map(len, hit[-1])) + len(LINES) + len(hit[-1]) - 1
        else:
            hit.append(set(LINES) - set(lines))
            assert len(lines) == len(LINES) - len(hit[-1]) * (damage == "delete_steps")
    assert [len(one) for one in hit] == counts
    assert hit[0] <= hit[1] <= hit[2]


def test_steps_are_shuffled_among_themselves() -> None:
    moved = [sum(one != two for one, two in zip(lines, LINES, strict=True)) for lines in at_doses("shuffle_steps")]
    assert all(sorted(lines) == sorted(LINES) for lines in at_doses("shuffle_steps"))
    assert moved == [2, 2, 4]  # one step alone has nowhere to go


def test_what_is_put_in_is_the_other_trace_or_filler_of_as_many_bytes() -> None:
    assert at_doses("swap_traces")[2] == OTHERS
    assert all(set(lines) <= {*LINES, *OTHERS} for lines in at_doses("swap_traces"))
    assert all([*map(len, lines)] == [*map(len, LINES)] for lines in at_doses("filler"))


def test_full_doses_without_a_scale_are_those_of_the_damage_itself() -> None:
    own = traces(items()[:20])
    for damage in ("tail_checking", "normalise_whitespace"):
        whole = {row: one.trace for row, one in enumerate(plant(own, damage, 1.0)) if one.touched}
        assert planted(own, damage, 1.0) == whole


def test_a_share_of_the_results_that_can_be_broken_is_broken_in_real_traces() -> None:
    def false(trace: Trace) -> int:
        return sum(equation.holds is False for equation in check_equations(trace.reasoning))

    own = traces(items()[:60])
    full = planted(own, "break_result", 1.0)
    assert len(full) > 40
    for dose in DOSES:
        for row, trace in planted(own, "break_result", dose).items():
            before = false(own[row])
            assert false(trace) - before == math.ceil(dose * (false(full[row]) - before))


def cell(damage: str, measure: str, changes: list[float], dose: float = 1.0) -> Cell:
    values = np.array(changes)
    return Cell(damage, dose, measure, values, mean_interval(values, [str(n) for n in range(len(values))], seed=0))


def test_a_cell_holds_by_its_interval_or_by_its_tolerance() -> None:
    wide, up = [-3.0, 3.0, 4.0, -2.0, 1.0, 2.0], [0.2, 0.3, 0.4, 0.3, 0.2, 0.1]
    down, small = [-one for one in up], [0.04] * 6
    assert cell("shuffle_steps", "E1", up).holds is True
    assert cell("shuffle_steps", "E1", wide).holds is False
    assert cell("shuffle_steps", "E1", down).holds is False
    assert cell("delete_steps", "D1", down).holds is True
    assert cell("tail_checking", "D1", small).holds is True
    assert cell("tail_checking", "D1", up).holds is False
    assert [cell("break_result", "D1", values).holds for values in (down, small, up)] == [True, True, False]
    assert cell("filler", "E1", up).holds is None  # not predicted
    assert cell("shuffle_steps", "E1", up[:4]).holds is None  # too few for an interval


def test_what_fails_is_named_with_the_reason() -> None:
    up, more = [0.2, 0.3, 0.4, 0.3, 0.2, 0.1], [0.5, 0.6, 0.7, 0.6, 0.5, 0.4]
    good = [cell("shuffle_steps", "E1", values, dose) for dose, values in ((0.25, up), (1.0, more))]
    assert ("shuffle_steps", "E1") not in failures(good)
    back = [cell("shuffle_steps", "E1", values, dose) for dose, values in ((0.25, more), (1.0, up))]
    assert failures(back)["shuffle_steps", "E1"] == "a higher dose moves it back"
    fails = [cell("duplicate_step", "E1", values, dose) for dose, values in ((0.25, [-1.0] * 6), (1.0, up))]
    assert failures(fails)["duplicate_step", "E1"] == "not as expected at 100%"
    assert "no trace" in failures(good)["normalise_whitespace", "E1"]
    assert failures([]).keys() == {(damage, measure) for damage, row in EXPECTED.items() for measure in row}
