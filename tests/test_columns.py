"""Layouts: 37 of the Hub and as many again invented must give exactly their texts; hostile rows never fail."""

from __future__ import annotations

import json
import pickle
import random
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfscore.columns import Extracted, Layout, Overrides, detect, extract, parse, question_of, reasoning_text, resolve
from hfscore.columns import words as word_lists
from hfscore.columns.answers import evidence
from hfscore.columns.markers import pairs_in, split_think
from hfscore.columns.names import fold, read_name
from hfscore.columns.paths import quote
from hfscore.errors import ColumnsError, HfscoreError
from hfscore.records import Turn
from tests.invented_layouts import LAYOUTS, Case, chat

HUB = json.loads((Path(__file__).parent / "data" / "hub_schemas.json").read_text(encoding="utf-8"))
QUIET = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
Q, THOUGHT = "How many legs have 3 cats?", "Three cats with 4 legs each: 12."


def texts_of(layout: Layout, found: Extracted) -> dict[str, Any]:
    """What came out, in the form of the expected texts: lists for generations, turns and an agent's steps."""
    reasoning: Any = [
        [turn.text for turn in t.reasoning] if isinstance(t.reasoning, tuple) else t.reasoning for t in found.traces
    ]
    response: Any = [t.response for t in found.traces]
    question: Any = found.question
    if layout.kind == "multi_turn":
        question = [t.question for t in found.traces]
    elif layout.kind != "multi_generation" and found.traces:
        [reasoning], [response] = reasoning, response
    return {
        "question_text": question,
        "reasoning_text": reasoning or None,
        "response_text": response if found.traces else None,
        "reference_text": found.reference,
    }


def stripped(value: Any) -> Any:
    return [stripped(v) for v in value] if isinstance(value, list) else value.strip() if value else value


# Known layouts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", HUB, ids=[f"{e['repo_id']}:{e['config']}" for e in HUB])
def test_layouts_of_the_hub_give_their_texts(entry: dict[str, Any]) -> None:
    expected, row = entry["expected"], entry["example_row"]
    layout = detect([row])
    assert layout.kind == expected["kind"]
    for name, got in texts_of(layout, extract(layout, row)).items():
        allowed = [expected[name], *expected.get("alternatives", {}).get(name, [])]
        assert got in [stripped(value) for value in allowed], name


@pytest.mark.parametrize("entry", HUB, ids=[f"{e['repo_id']}:{e['config']}" for e in HUB])
def test_parts_join_to_the_text(entry: dict[str, Any]) -> None:
    for name, parts in entry["expected"].get("parts", {}).items():
        assert "\n\n".join(parts) == stripped(entry["expected"][name])


@pytest.mark.parametrize("case", LAYOUTS, ids=[case.name for case in LAYOUTS])
def test_invented_layouts_give_their_texts(case: Case) -> None:
    layout = detect(case.rows)
    got = texts_of(layout, extract(layout, case.rows[0]))
    if case.kind == "not_reasoning":
        assert (layout.kind, bool(layout.why)) == ("not_reasoning", True)
        return
    assert layout.kind == case.kind
    assert got == {
        "question_text": case.question,
        "reasoning_text": case.reasoning,
        "response_text": case.response,
        "reference_text": case.reference,
    }
    assert bool(layout.why) == (case.kind == "question_only")


EVERY_ROW = [e["example_row"] for e in HUB] + [case.rows[0] for case in LAYOUTS]


@pytest.mark.parametrize("row", EVERY_ROW)
def test_the_columns_a_layout_names_suffice(row: dict[str, Any]) -> None:
    layout = pickle.loads(pickle.dumps(detect([row])))
    needed = {name: value for name, value in row.items() if name in layout.columns}
    assert extract(layout, needed) == extract(layout, row)
    asked = {name: value for name, value in row.items() if name in layout.question_columns}
    assert question_of(layout, asked) == question_of(layout, row) == extract(layout, row).question


@pytest.mark.parametrize("row", EVERY_ROW)
def test_the_order_of_columns_does_not_matter(row: dict[str, Any]) -> None:
    def essence(columns: dict[str, Any]) -> Any:
        found = extract(detect([columns]), columns)
        return found.question, sorted((str(t.reasoning), str(t.response)) for t in found.traces), found.reference

    names = list(row)
    random.Random(7).shuffle(names)
    assert essence({name: row[name] for name in names}) == essence(row)


@pytest.mark.parametrize("row", EVERY_ROW)
def test_paths_shown_are_paths_and_work_as_overrides(row: dict[str, Any]) -> None:
    layout = detect([row])
    for paths in layout.mapping.values():
        for path in paths:
            assert parse(path)
    if layout.kind not in ("single_trace", "multi_generation"):
        return
    again = detect([row], Overrides(reasoning=layout.mapping["reasoning"]))
    want = [reasoning_text(t.reasoning) for t in extract(layout, row).traces]
    assert [reasoning_text(t.reasoning) for t in extract(again, row).traces] == want


def test_question_column_and_user_message_name_one_cluster() -> None:
    row = {"problem": Q, "messages": chat(("user", Q), ("assistant", f"<think>{THOUGHT}</think>12"))}
    assert detect([row]).mapping["question"] == ("problem",)
    assert question_of(detect([row]), row) == Q


# Samples of several rows --------------------------------------------------------------------------


def test_evidence_is_weighed_across_rows() -> None:
    rows = [
        {"question": Q, "cot": None, "answer": "12", "note": None},
        {"question": Q, "answer": "12"},
        {"question": Q, "cot": THOUGHT, "answer": "12", "note": None},
    ]
    layout = detect(rows)
    assert layout.mapping["reasoning"] == ("cot",)
    assert "note" not in layout.columns
    assert [extract(layout, row).traces[0].problem for row in rows] == ["no reasoning in this row"] * 2 + [None]


def test_a_column_that_is_always_null_is_absent() -> None:
    rows = [{"question": Q, "reasoning": None, "response": f"<think>{THOUGHT}</think>12"}] * 3
    assert detect(rows).mapping["reasoning"] == ("response",)


def test_one_accidental_marker_makes_no_layout() -> None:
    rows = [{"prompt": "Explain tags.", "response": f"Tags look like {i}: text in angle brackets."} for i in range(40)]
    rows[7]["response"] = "Write `<think>` before and `</think>` after."
    assert detect(rows).kind == "not_reasoning"


def test_reasoning_switched_off_is_told_apart_from_reasoning_lost() -> None:
    on = {"input": chat(("user", Q)), "output": f"<think>\n{THOUGHT}\n</think>\n\n12", "reasoning": "on"}
    rows = [on, {**on, "output": "12", "reasoning": "off"}, {**on, "output": "12"}]
    layout = detect(rows)
    assert layout.flag == "reasoning"
    assert "reasoning" in layout.columns
    traces = [extract(layout, row).traces[0] for row in rows]
    assert [t.problem for t in traces] == [None, "reasoning is off in this row", "no think span in this row"]
    assert [t.response for t in traces] == ["12", "12", "12"]


def test_reasoning_switched_off_in_the_prompt() -> None:
    rows = [
        {"messages": chat(("user", f"{Q} /no_think"), ("assistant", "<think>\n\n</think>\n\n12"))},
        {"messages": chat(("user", Q), ("assistant", f"<think>{THOUGHT}</think>12"))},
    ]
    layout = detect(rows)
    assert [extract(layout, row).traces[0].problem for row in rows] == ["reasoning is off in this row", None]


def test_placeholders_are_no_question_and_the_note_says_so() -> None:
    rows = [{"id": i, "input": "-", "output": f"<think>{THOUGHT}</think>\n{i}"} for i in range(3)]
    layout = detect(rows)
    assert layout.mapping["question"] == ()
    assert extract(layout, rows[0]).question is None
    assert any("`input` holds only placeholders" in note for note in layout.notes)


def test_program_cut_out_of_the_response_is_no_reference() -> None:
    row = {"input": Q, "output": f"<think>{THOUGHT}</think>\n```python\nprint(3 * 4)\n```", "solution": "print(3 * 4)"}
    assert detect([row]).mapping["reference_answer"] == ()
    assert detect([{**row, "solution": "import sys\nprint(12)"}]).mapping["reference_answer"] == ("solution",)


def test_a_second_reading_is_named_with_its_override() -> None:
    row = {"question": Q, "reasoning": THOUGHT, "explanation": "Cats have four legs each.", "answer": "12"}
    notes = detect([row]).notes
    assert any("`explanation`" in note and "--reasoning explanation" in note for note in notes)
    assert any("--reference answer" in note for note in notes)


def test_no_rows_and_empty_rows() -> None:
    for rows in ([], [{}], [{"a": None}]):
        layout = detect(rows)
        assert layout.kind == "not_reasoning"
        assert layout.why
        assert extract(layout, {}) == Extracted(None)


# One row, taken apart -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reasoning", "response", "span", "marks", "problem"),
    [
        ("<think>a</think>b", "a", "b", "valid", (), None),
        ("a</think>b", "a", "b", "valid", (), None),
        ("<think>a", "a", "", "unclosed", ("unclosed think span",), None),
        ("<think>\n\n</think>b", "", "b", "empty", (), "empty think span"),
        ("b", "", "b", "missing", (), "no think span in this row"),
        ("x <think>a</think>b", "a", "b", "valid", ("text before the think span",), None),
        ("<think>a</think>b<think>c</think>d", "a\n\nc", "d", "valid", (), None),
        ("<think>a</think><answer>b</answer>", "a", "b", "valid", (), None),
        ("<think>a <answer>b</answer>", "a", "b", "unclosed", ("unclosed think span",), None),
        ("<THINK>a</THINK>b", "a", "b", "valid", (), None),
        ("[THINK]a[/THINK]b", "a", "b", "valid", (), None),
        ("", "", None, None, (), "no reasoning in this row"),
        (None, "", None, None, (), "no reasoning in this row"),
        (7, "", None, None, (), "not a string"),
        ({"a": 1}, "", None, None, (), "not a string"),
    ],
)
def test_think_spans(text: Any, reasoning: str, response: str, span: str, marks: tuple[str, ...], problem: str) -> None:
    layout = detect([{"question": Q, "response": f"<think>{THOUGHT}</think>12"}])
    [trace] = extract(layout, {"question": Q, "response": text}).traces
    assert (trace.reasoning, trace.response, trace.think_span) == (reasoning, response, span)
    assert (trace.marks, trace.problem) == (marks, problem)


def test_broken_json_is_a_problem_of_its_row() -> None:
    good = {"messages": json.dumps(chat(("user", Q), ("assistant", f"<think>{THOUGHT}</think>12")))}
    layout = detect([good] * 4 + [{"messages": "[{oops"}])
    assert layout.mapping["reasoning"] == ("json(messages)[role=assistant][-1].content",)
    [trace] = extract(layout, {"messages": "[{oops"}).traces
    assert trace.problem == "bad JSON in column messages"
    assert extract(layout, {}).traces[0].problem == "no reasoning in this row"


def test_every_generation_is_a_trace_even_if_nothing_is_in_it() -> None:
    layout = detect([{"q": Q, "generations": [f"<think>{THOUGHT}</think>12"] * 2}])
    assert layout.kind == "multi_generation"
    traces = extract(layout, {"q": Q, "generations": [f"<think>{THOUGHT}</think>12", None, 3, "12"]}).traces
    assert [t.problem for t in traces] == [
        None,
        "no reasoning in this row",
        "not a string",
        "no think span in this row",
    ]
    assert len(extract(layout, {"q": Q, "generations": []}).traces) == 1


def test_responses_that_do_not_pair_up_are_left_out_rather_than_shifted() -> None:
    layout = detect([{"question": Q, "reasonings": [THOUGHT, "3 * 4"], "answers": ["12", "12"]}])
    traces = extract(layout, {"question": Q, "reasonings": [THOUGHT, "3 * 4"], "answers": ["12"]}).traces
    assert [t.response for t in traces] == [None, None]


def test_an_agent_keeps_all_its_turns() -> None:
    row = next(e["example_row"] for e in HUB if e["repo_id"] == "THUDM/AgentInstruct")
    [trace] = extract(detect([row]), row).traces
    assert [(t.role, t.text.splitlines()[0]) for t in trace.turns] == [
        ("user", "Now, I will start a new problem in a new OS. My problem is:"),
        ("reasoning", "wc -l counts lines."),
        ("action", "bash"),
        ("observation", "The output of the OS:"),
        ("reasoning", "The count is 3."),
        ("action", "answer(3)"),
    ]
    assert trace.marks == ("worked example before the question left out",)
    assert reasoning_text(trace.reasoning) == "wc -l counts lines.\n\nThe count is 3."
    assert reasoning_text((Turn("observation", "x"), Turn("reasoning", "y"))) == "y"


# Overrides ----------------------------------------------------------------------------------------

MODELS = {
    "question": Q,
    "ground_truth": f"{THOUGHT}\nA: 12",
    "6b_tuned": {"is_correct": True, "solution": f"{THOUGHT}\nA: 12"},
    "175b_tuned": {"is_correct": False, "solution": "3 and 4 make 7.\nA: 7"},
}


def test_one_override_per_generation() -> None:
    layout = detect([MODELS], Overrides(reasoning=("6b_tuned.solution", "175b_tuned.solution")))
    found = extract(layout, MODELS)
    assert layout.kind == "multi_generation"
    assert [(t.reasoning, t.response) for t in found.traces] == [(THOUGHT, "12"), ("3 and 4 make 7.", "7")]
    assert (found.question, found.reference) == (Q, "12")


def test_overrides_of_every_field() -> None:
    row = {"a b": Q, "x.y": THOUGHT, "c": "12", "d": 13, "e": {"f": "twelve"}}
    asked = Overrides(question=("a b",), reasoning=("x.y",), response=("c",), reference=("d",))
    found = extract(detect([row], asked), row)
    assert (found.question, found.reference) == (Q, "13")
    assert (found.traces[0].reasoning, found.traces[0].response) == (THOUGHT, "12")
    quoted = Overrides(reasoning=('["x.y"]',), response=("e.f",))
    assert extract(detect([row], quoted), row).traces[0].response == "twelve"


@pytest.mark.parametrize(
    ("path", "traces"),
    [
        ("steps[*]", ["a\n\nb"]),
        ("steps", ["a\n\nb"]),
        ("runs[*]", ["a", "b"]),
        ("steps[0]", ["a"]),
        ("talk[role=assistant][-1].content", ["b"]),
        ("talk", ["b"]),
        ("json(packed)[*].text", ["a", "b"]),
    ],
)
def test_overrides_read_what_they_point_at(path: str, traces: list[str]) -> None:
    row = {
        "question": Q,
        "steps": ["a", "b"],
        "runs": ["a", "b"],
        "talk": chat(("user", Q), ("assistant", "<think>b</think>12")),
        "packed": '[{"text": "a"}, {"text": "b"}]',
    }
    found = extract(detect([row], Overrides(reasoning=(path,))), row)
    assert [trace.reasoning for trace in found.traces] == traces


def test_an_override_that_names_an_agents_chat_reads_it_as_one() -> None:
    row = next(e["example_row"] for e in HUB if e["repo_id"] == "nebius/SWE-agent-trajectories")
    for path in ("trajectory", "trajectory[role=ai][*].text"):
        layout = detect([row], Overrides(reasoning=(path,)))
        assert layout.kind == "agent_trajectory"
        assert extract(layout, row) == extract(detect([row]), row)


def test_several_references_stand_in_for_each_other() -> None:
    rows = [{"q": Q, "cot": THOUGHT, "a": None, "b": "12"}, {"q": Q, "cot": THOUGHT, "a": "twelve", "b": "12"}]
    layout = detect(rows, Overrides(reference=("a", "b")))
    assert [extract(layout, row).reference for row in rows] == ["12", "twelve"]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (Overrides(question=("qestion",)), "'question'"),
        (Overrides(reasoning=("6b_tuned.text",)), "finds nothing"),
        (Overrides(reasoning=("6b_tuned",)), "holds no text"),
        (Overrides(reasoning=("question[",)), "never closed"),
        (Overrides(reasoning=("question",), response=("ground_truth", "question")), "2 response columns"),
    ],
)
def test_wrong_overrides_say_what_to_mend(asked: Overrides, says: str) -> None:
    with pytest.raises(ColumnsError, match=says):
        detect([MODELS], asked)


# Paths --------------------------------------------------------------------------------------------

ROW = {
    "a": 1,
    "b.c": {"d": 2},
    "x": [{"r": "u", "t": 1, "k": True}, {"r": "v", "t": 2}, 5, {"r": "u", "t": 3}],
    "n": [[1, 2], [3]],
    "j": '{"k": [{"m": 1}, {"m": 2}]}',
    'q"': 4,
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", [1]),
        ("missing", []),
        ("a.b", []),
        ('["b.c"].d', [2]),
        ('["q\\""]', [4]),
        ("x.t", [1, 2, 3]),
        ("x[*].t", [1, 2, 3]),
        ("x[r=u].t", [1, 3]),
        ("x[r=u][-1].t", [3]),
        ("x[k=true].t", [1]),
        ("x[t=2].r", ["v"]),
        ('x[r="u"][:-1].t', [1]),
        ("x[9].t", []),
        ("n[*][*]", [1, 2, 3]),
        ("n[0]", [[1, 2]]),
        ("json(j).k[*].m", [1, 2]),
        ("json(j).k[1]", [{"m": 2}]),
        ("json(a).k", []),
        ("a[*]", []),
    ],
)
def test_paths_find_what_they_name(path: str, found: list[Any]) -> None:
    assert resolve(path, ROW) == found


@pytest.mark.parametrize(
    ("path", "at", "says"),
    [
        ("", 0, "column name"),
        (".a", 0, "column name"),
        ("a.", 2, "field name"),
        ("a[", 1, "never closed"),
        ("a[role]", 2, "key=value"),
        ("a b]c", 3, "expected"),
        ("json(a", 0, "never closed by )"),
        ("a..b", 2, "field name"),
    ],
)
def test_a_wrong_path_is_pointed_at(path: str, at: int, says: str) -> None:
    with pytest.raises(ColumnsError) as failed:
        parse(path)
    assert says in failed.value.message
    assert f"    {' ' * at}^" in failed.value.message


@given(st.text(min_size=1))
def test_any_column_name_can_be_written_as_a_path(name: str) -> None:
    assert resolve(quote(name), {name: 3}) == [3]


# Names, final answers, evidence -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Complex_CoT", "reasoning"),
        ("gemini_thinking_trajectory", "reasoning"),
        ("思维链", "reasoning"),
        ("推理过程", "reasoning"),
        ("Begründung", "reasoning"),
        ("ground_truth_solution", "reference"),
        ("Ground-True Answer", "reference"),
        ("answerKey", "reference"),
        ("deepseek_solution", "response"),
        ("input_text", "question"),
        ("responseText", "response"),
        ("问题描述", "question"),
        ("odpowiedź", "answer"),
        ("cot_type", "noise"),
        ("reasoning_content_tokens_len", "noise"),
        ("is_correct", "noise"),
        ("question_id", "noise"),
        ("gemini_grade_reason", "judge"),
        ("response_quality_assessment", "judge"),
    ],
)
def test_names_say_their_role(name: str, role: str) -> None:
    read = read_name((name,))
    assert ("noise" if read.noise else "judge" if read.judge else read.role) == role


def test_names_tell_variants_apart() -> None:
    assert read_name(("r1_solution_2",)).key == ("r1", "2")
    assert read_name(("6b_tuned", "solution")).key == ("6b", "tuned")
    assert read_name(("solution_ko",)).version == ("ko",)
    assert read_name(("responses", "text")).role == "response"
    assert read_name(("metadata", "reasoning_score")).noise


def test_no_word_has_two_roles() -> None:
    seen: dict[tuple[str, ...], str] = {}
    for role, by_strength in word_lists.ROLES.items():
        for names in by_strength.values():
            for name in names:
                assert seen.setdefault(fold(name), role) == role, name


def test_evidence_tells_worked_texts_from_prose() -> None:
    worked = evidence("First, 3 * 4 = 12. So the answer is 12.")
    prose = evidence("Eat well and sleep enough, because the body needs both. Drink water. Move every day.")
    program = evidence("def f(x):\n    y = x + 1\n    return y")
    assert worked.hard
    assert not prose.hard
    assert not program.hard
    assert program.code


# Hostile data -------------------------------------------------------------------------------------

NASTY = [
    "<think>a</think>b",
    "</think>",
    "<think>",
    "user",
    "assistant",
    "tool",
    "[1]",
    '{"a": 1}',
    "[[[",
    "off",
    "Step 1: a. Step 2: b",
    "\\boxed{\n",
    "Thought: a\nAction: b",
    "x\n#### 4",
    "<answer>3</answer>",
    '[{"role": "assistant", "content": 3}]',
]
TEXT = st.one_of(
    st.text(max_size=20), st.sampled_from([*NASTY, "<|im_start|>user\n", "<|channel|>analysis<|message|>"])
)
NAMES = [
    "question",
    "answer",
    "reasoning",
    "messages",
    "role",
    "content",
    "from",
    "value",
    "solution",
    "response",
    "responses",
    "text",
    "steps",
    "completions",
    "labels",
    "thought",
    "action",
    "observation",
    "chosen",
    "rejected",
    "type",
    "message",
    "payload",
    "tool_calls",
    "loss",
    "generations",
    "metadata",
    "trajectory",
    "system_prompt",
    "step_1",
    "step_2",
    "step",
    "human",
    "assistant",
    "options",
]
KEYS = st.one_of(st.sampled_from(NAMES), st.text(max_size=6))
CELL = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=20,
)
ROWS = st.lists(st.dictionaries(KEYS, CELL, max_size=6), max_size=4)


@QUIET
@given(ROWS, ROWS)
def test_any_rows_are_read_without_failing(sample: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    layout = pickle.loads(pickle.dumps(detect(sample)))
    assert bool(layout.why) == (layout.kind in ("not_reasoning", "question_only"))
    for row in sample + others:
        found = extract(layout, row)
        assert len(found.traces) >= len(layout.sources)
        for trace in found.traces:
            assert trace.problem or reasoning_text(trace.reasoning)
            assert trace.response is None or isinstance(trace.response, str)


@QUIET
@given(ROWS, st.lists(st.one_of(KEYS, st.text(max_size=8)), min_size=1, max_size=2), st.data())
def test_any_override_is_obeyed_or_refused(rows: list[dict[str, Any]], paths: list[str], data: Any) -> None:
    field = data.draw(st.sampled_from(["question", "reasoning", "response", "reference"]))
    try:
        layout = detect(rows, Overrides(**{field: tuple(paths)}))
    except HfscoreError as error:
        assert error.message
    else:
        for row in rows:
            extract(layout, row)


@given(st.text(alphabet="<>/think\n abc[]THINK◁▷|", max_size=60))
def test_splitting_keeps_the_text(text: str) -> None:
    split = split_think(text, pairs_in([text]))
    assert all(piece in text for piece in split.reasoning.split("\n\n"))
    assert split.response is not None
    assert split.response in text
    assert bool(split.reasoning) == (split.problem is None)


def test_deep_nesting_is_no_trouble() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    for row in ({"question": deep, "reasoning": deep}, {"messages": deep}, {"question": Q, "reasoning": [deep]}):
        extract(detect([row]), row)
    packed = {"messages": "[" * 5_000 + "]" * 5_000}
    extract(detect([packed]), packed)
    talk = {"messages": [{"role": "user", "content": deep}, {"role": "assistant", "content": deep, "tool_calls": deep}]}
    extract(detect([talk]), talk)


BIG = 3_000_000


@pytest.mark.parametrize(
    "piece", ["<think>", "</think>", "</s>", "\\boxed{", "####\n", " ", "Thought: a\n", "answer is ", "</answer>", "<"]
)
@pytest.mark.parametrize(
    "row",
    [
        {"question": Q, "response": f"<think>{THOUGHT}</think>12"},
        {"question": Q, "response": f"First, {THOUGHT} So \\boxed{{12}}."},
        {"question": Q, "trajectory": "Thought: a\nAction: b\nThought: c\nFinal Answer: d"},
    ],
    ids=["think", "untagged", "react"],
)
def test_time_is_linear_in_the_text(row: dict[str, Any], piece: str) -> None:
    layout = detect([row])
    column = next(name for name in row if name != "question")
    start = time.perf_counter()
    extract(layout, {**row, column: row[column] + piece * (BIG // len(piece))})
    assert time.perf_counter() - start < 6  # a quadratic scan of 3 MB would take hours
