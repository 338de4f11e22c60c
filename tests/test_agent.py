"""Agents' trajectories and verifiers: known answers by hand, rules in both directions, whole datasets."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore import engine, run
from hfscore.metrics import agent, verifier
from hfscore.records import Reading, Scored, Trace, Turn, Unscored
from hfscore.settings import Settings
from hfscore.sources import open_source
from hfscore.spec import Fact
from hfscore.text.outcomes import ERRORS, is_check, is_error, shows_difference
from hfscore.text.trajectories import Step, recovered, steps_of, targets
from hfscore.text.verifiable import is_checkable
from tests.fakes import tools, trace

SCHEMAS = json.loads((Path(__file__).parent / "data" / "hub_schemas.json").read_text(encoding="utf-8"))
COLUMNS = tuple(metric.id for metric in agent.FAMILY.metrics)


def episode(*turns: tuple[str, str], response: str | None = None, row: int = 0) -> Trace:
    return trace("thinking", row=row, turns=tuple(Turn(*turn) for turn in turns), response=response)


def example(repo_id: str) -> Trace:
    """The example trajectory of a layout, read as a run reads it."""
    row = next(s for s in SCHEMAS if s["repo_id"] == repo_id)["example_row"]
    (detected,) = run.detect(open_source([row]), Settings())
    (found,) = run.traces_of(detected.layout, detected.ref, 0, row, ())
    return found


def measured(one: Trace) -> dict[str, Reading]:
    return {name: readings[0] for name, readings in agent.score([one], tools(), None).items()}


def value(reading: Reading) -> float:
    assert isinstance(reading, Scored), reading
    return reading.value


# An episode that fails once, makes it good on the same file, is tested, and is submitted.
REPAIR = episode(
    ("user", "add(1, 2) returns 4."),
    ("action", "python calc.py"),
    (
        "observation",
        "Traceback (most recent call last):\n  File 'calc.py', line 1\nNameError: name 'ad' is not defined",
    ),
    ("reasoning", "A typo."),
    ("action", "sed -i 's/ad(/add(/' calc.py"),
    ("observation", "[edited]"),
    ("action", "pytest tests/test_calc.py"),
    ("observation", "3 passed in 0.01s"),
    ("action", "submit"),
    ("observation", "diff --git a/calc.py b/calc.py\n@@ -1 +1 @@\n-ad(1)\n+add(1)"),
)


def test_an_episode_that_fails_and_recovers() -> None:
    found = {name: value(reading) for name, reading in measured(REPAIR).items()}
    assert found == {
        "agent_failures_kept": 1,
        "agent_failed_actions": 0.25,
        "agent_recovery": 1,
        "agent_terminal_check": 1,
        "agent_state_differences": 1,
    }


def test_an_episode_that_fails_and_goes_elsewhere() -> None:
    one = episode(
        ("action", "cat missing.txt"),
        ("observation", "cat: missing.txt: No such file or directory"),
        ("action", "ls src/"),
        ("observation", "main.py"),
        ("action", "answer(42)"),
    )
    found = measured(one)
    assert value(found["agent_failed_actions"]) == 0.5  # the answer has no observation
    assert value(found["agent_recovery"]) == 0
    assert value(found["agent_terminal_check"]) == 0
    assert value(found["agent_state_differences"]) == 0


def test_what_is_no_trajectory_or_shows_nothing_has_no_number() -> None:
    assert set(measured(trace("2 + 2 is 4")).values()) == {Unscored("not an agent's trajectory")}
    silent = measured(episode(("action", "ls"), ("action", "submit")))
    for name in ("agent_failures_kept", "agent_failed_actions", "agent_recovery"):
        assert silent[name] == Unscored("no observation in the trajectory")
    clean = measured(episode(("action", "ls"), ("observation", "main.py")))
    assert clean["agent_recovery"] == Unscored("no failed action")
    assert value(clean["agent_failures_kept"]) == 0


@pytest.mark.parametrize(
    ("repo_id", "differences"),
    [("nebius/SWE-agent-trajectories", 1), ("Agent-Ark/Toucan-1.5M", 0), ("THUDM/AgentInstruct", 0)],
)
def test_real_layouts(repo_id: str, differences: float) -> None:
    found = measured(example(repo_id))
    assert value(found["agent_failures_kept"]) == 0
    assert value(found["agent_failed_actions"]) == 0
    assert value(found["agent_terminal_check"]) == 0  # how it ended stands in columns, if anywhere
    assert value(found["agent_state_differences"]) == differences  # the patch is the response


# Errors.

FAILED = [
    "Traceback (most recent call last):\n  File",
    "bash: foo: command not found",
    "cat: x: No such file or directory",
    "bash: ./run.sh: Permission denied",
    "ValueError: too many values",
    "requests.exceptions.ConnectionError: refused",
    "Error: boom",
    "error[E0382]: borrow of moved value",
    "fatal: not a git repository",
    "HTTP/1.1 404 Not Found",
    "404 Client Error: Not Found for url",
    "status code: 500",
    '{"error": "no such city"}',
    "{'success': False}",
    '{"status": "error", "data": null}',
    "1 failed, 2 passed in 0.1s",
    "Found 3 errors in 1 file",
    "FAILED tests/test_calc.py::test_add",
    "The command failed with no output",
    "fatal: unable to access the remote",
    "Nothing happens.",
    "Invalid action",
    "[Command finished with exit code 127]",
    "<returncode>1</returncode>",
    '{"exit_code": 2, "output": "done"}',
]
WORKED = [
    "",
    "12 C, rain",
    "0 errors, 0 warnings",
    "no errors found",
    "3 passed, 0 failed",
    "No tests failed.",
    "HTTP/1.1 200 OK",
    '{"error": null, "city": "Gdynia"}',
    '{"errors": []}',
    "Error: none",
    "Tests completed without errors",
    "exit code: 0\nValueError: shown in the log, yet the command succeeded",
    "errors.py  failed_jobs.csv",
    "10:import os\n11:try:\n12:    run()\n13:except ValueError:\n14:Error: shown in a listing\n",
    "room 404 and 500 chairs",
]


@pytest.mark.parametrize("observation", FAILED)
def test_errors(observation: str) -> None:
    assert is_error(observation)
    assert is_error(f"$ run\n{observation}\n$ ")


@pytest.mark.parametrize("observation", WORKED)
def test_no_errors(observation: str) -> None:
    assert not is_error(observation)


def test_the_last_exit_code_decides() -> None:
    assert not is_error("exit code: 1\nretrying\nexit code: 0")
    assert is_error("exit code: 0\nexit code: 1")


@given(st.text(max_size=200))
def test_any_observation(text: str) -> None:
    assert is_error(text) in (True, False)
    assert len(steps_of([Turn("action", text), Turn("observation", text)])) == 1


@pytest.mark.parametrize(
    "unit", ["error ", "a", "1", "file ", "python test", ": ", "-", "--- a\n", "[a.", "exit code ", "1:\n"]
)
def test_time_grows_with_length_only(unit: str) -> None:
    text = unit * (400_000 // len(unit))
    began = time.monotonic()
    is_error(text)
    is_check(text, text)
    targets(text)
    is_checkable(text)
    assert time.monotonic() - began < 5  # a square would take minutes


# Steps, targets, checks.


def test_steps_pair_actions_with_what_came_back() -> None:
    turns = [
        Turn("system", "You are an agent."),
        Turn("observation", "the room as it is"),  # before any act
        Turn("action", "a"),
        Turn("action", "b"),
        Turn("observation", "1"),
        Turn("observation", "2"),
        Turn("reasoning", "hm"),
        Turn("action", "c"),
    ]
    assert steps_of(turns) == [Step("a\nb", "1\n2"), Step("c", "")]


def test_an_observation_after_words_belongs_to_them() -> None:
    assert steps_of([Turn("assistant", "open the door"), Turn("observation", "It is locked.")]) == [
        Step("open the door", "It is locked.")
    ]


@pytest.mark.parametrize(
    ("action", "about"),
    [
        ("python src/calc.py --fast", {"calc.py"}),
        ("cat /etc/hosts", {"hosts"}),
        ('get_weather({"city": "Gdynia"})', {"get_weather"}),
        ("bash\n\n```bash\nwhoami\n```", {"whoami"}),
    ],
)
def test_targets(action: str, about: set[str]) -> None:
    assert targets(action) == about


def test_recovery_counts_within_three_steps_on_the_same_target() -> None:
    failed, other, good = Step("cat a.txt", "error: x"), Step("ls b.txt", "ok"), Step("cat a.txt", "fine")
    assert recovered([failed, good]) == (1, 1)
    assert recovered([failed, other, other, good]) == (1, 1)
    assert recovered([failed, other, other, other, good]) == (0, 1)
    assert recovered([failed, failed, good]) == (2, 2)
    assert recovered([good, failed]) == (0, 1)
    assert recovered([failed, other]) == (0, 1)


@pytest.mark.parametrize(
    ("action", "observation", "expected"),
    [
        ("pytest -q", "2 passed in 0.1s", True),
        ("pytest -q", "1 failed", True),  # a check that fails is a check
        ("python tests/test_a.py", "OK", True),
        ("go test ./...", "ok  	pkg	0.1s", True),
        ("cat pytest.ini", "[pytest]", False),
        ("submit", "Reward: 1.0", True),
        ("submit", "submitted", True),
        ("submit", "", False),
        ("click[Buy Now]", "Your score (min 0.0, max 1.0): 0.5", True),
        ("git diff", "diff --git a/x b/x", True),
        ("ls", "main.py", False),
        ("echo hello; " * 20 + "exit", "status", False),
    ],
)
def test_checks(action: str, observation: str, expected: bool) -> None:
    assert is_check(action, observation) is expected


def test_only_the_last_steps_are_a_final_check() -> None:
    later = [turn for _ in range(3) for turn in (("action", "ls"), ("observation", "main.py"))]
    early = episode(("action", "pytest"), ("observation", "2 passed"), *later)
    assert value(measured(early)["agent_terminal_check"]) == 0
    assert value(
        measured(episode(("action", "pytest"), ("observation", "2 passed"), *later[:4]))["agent_terminal_check"]
    )


@pytest.mark.parametrize(
    "text", ["diff --git a b", "@@ -1,2 +3 @@", "--- a/x\n+++ b/x", "*** Begin Patch", "-old\n+new"]
)
def test_differences(text: str) -> None:
    assert shows_difference(f"first\n{text}\n")


@pytest.mark.parametrize("text", ["", "- a\n- b", "a - b\n+ c", "---\n\n+++", "5 - 3 = 2"])
def test_no_differences(text: str) -> None:
    assert not shows_difference(text)


def test_every_rule_of_errors_is_needed_and_its_words_let_it_through() -> None:
    def says(name: str, text: str) -> bool:
        return re.search(ERRORS[name][1], text, re.IGNORECASE | re.MULTILINE) is not None

    for name, (cues, _) in ERRORS.items():
        own = [text for text in FAILED if says(name, text)]
        assert any(not any(says(other, text) for other in ERRORS if other != name) for text in own), name
        assert all(any(cue in text.lower() for cue in cues.split("|")) for text in own), name


# Many episodes.


def facts(traces: list[Trace]) -> list[Fact]:
    table = engine.score_part(traces, [agent.FAMILY], tools(), {}, config="default", split="train")
    return table.facts


def many(count: int, failing: int = 0) -> list[Trace]:
    calm, bad = (("action", "ls"), ("observation", "main.py")), (("action", "ls"), ("observation", "Error: x"))
    return [episode(*(bad if row < failing else calm), row=row) for row in range(count)]


def test_a_large_set_without_any_failure_is_asked_whether_it_was_cleaned() -> None:
    (fact,) = facts(many(300))
    assert (fact.id, fact.value, fact.of) == ("agent_failing_episodes", 0, 300)
    assert fact.note.startswith("No failure in 300 episodes: was it cleaned?")


@pytest.mark.parametrize(("count", "failing", "share"), [(99, 0, 0.0), (300, 1, 1 / 300), (300, 300, 1.0)])
def test_small_sets_and_sets_with_failures_are_not_asked(count: int, failing: int, share: float) -> None:
    (fact,) = facts(many(count, failing))
    assert fact.value == pytest.approx(share)
    assert "cleaned" not in fact.note


def test_nothing_is_said_of_data_without_agents() -> None:
    assert facts([trace("2 + 2 is 4", row=row) for row in range(150)]) == []


def test_batches_change_nothing() -> None:
    traces = [REPAIR, trace("no agent"), *many(5, 2)]
    together = agent.score(traces, tools(), None)
    assert set(together) == set(COLUMNS)
    for place, one in enumerate(traces):
        assert measured(one) == {name: readings[place] for name, readings in together.items()}


# Verifiers.

MATHS: list[tuple[str | None, str]] = [
    ("21", "programmatic"),
    ("\\frac{3}{4}", "programmatic"),
    ("C", "programmatic"),
    ("$x = \\sqrt{2} + 1$", "programmatic"),
    ("mercury", "programmatic"),
    ("There are 24, so the answer is \\boxed{21}.", "programmatic"),
    ("5+7=12, then 12-2=10.\n#### 10", "programmatic"),
    ('{"inputs": ["1 2"], "outputs": ["3"]}', "programmatic"),
    ("from solution import is_even\ndef test_a():\n    assert is_even(4)", "programmatic"),
    ("Metal conducts heat away from the hand faster than wood does.", "judgement"),
    ("def is_even(n):\n    remainder = n % 2\n    return remainder == 0", "judgement"),
    ("", "none"),
    ("  ", "none"),
    (None, "none"),
]


@pytest.mark.parametrize(("reference", "expected"), MATHS)
def test_verifiers(reference: str | None, expected: str) -> None:
    assert verifier.verifier_of(trace("thinking", reference=reference)) == expected


def test_an_observed_outcome_is_environmental_and_goes_first() -> None:
    assert verifier.verifier_of(REPAIR) == "environmental"
    assert verifier.verifier_of(example("Agent-Ark/Toucan-1.5M")) == "none"  # an observation is no outcome
    both = Trace("c", "s", 0, 0, "q", "r", reference="21", turns=REPAIR.turns)
    assert verifier.verifier_of(both) == "environmental"


@settings(max_examples=100)
@given(st.lists(st.one_of(st.none(), st.text(max_size=80)), min_size=1, max_size=5))
def test_every_record_is_of_one_class(references: list[str | None]) -> None:
    scores: Any = verifier.score([trace("x", reference=one) for one in references], tools(), None)
    assert set(scores) == {metric.id for metric in verifier.FAMILY.metrics}
    for place in range(len(references)):
        assert sum(readings[place].value for readings in scores.values()) == 1
