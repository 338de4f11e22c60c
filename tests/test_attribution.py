"""What a release says about itself: known answers on real layouts and cards, and hostile ones."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore import report, run
from hfscore.api import score
from hfscore.attribution import Seen, attribute, read_card
from hfscore.attribution.release import RULES
from hfscore.attribution.rule import pattern
from hfscore.attribution.seen import cells, fold, named
from hfscore.card.render import render_section
from hfscore.card.splice import splice
from hfscore.loopback import LoopbackHub
from hfscore.report import Attribution, ReleaseField
from hfscore.settings import Settings
from hfscore.sources import open_source
from tests import reports

DATA = Path(__file__).parent / "data"
SCHEMAS = json.loads((DATA / "hub_schemas.json").read_text(encoding="utf-8"))
NO_CARD = read_card(None)
MAPPING = {"question": ("q",), "reasoning": ("r",)}


def traces(*rows: dict[str, Any]) -> Seen:
    """Rows of a layout whose question is q and whose reasoning is r."""
    return Seen("default", "train", "single_trace", MAPPING, rows, {"question": len(rows), "reasoning": len(rows)})


MATHS = traces({"q": "1+1?", "r": "2"})

POLISH = """\
---
license: cc-by-4.0
tags: [distilabel]
---
# Zadania z matematyki

Ślady zostały wygenerowane przez DeepSeek-R1, a odpowiedzi zweryfikowano programem. Temperatura wynosiła 0,6.

## Źródła danych

Zadania pochodzą z konkursów szkolnych.

## Filtrowanie

Odrzucono ślady bez odpowiedzi.

## Podział danych

[More Information Needed]

## Ograniczenia

Do uzupełnienia.

## Dekontaminacja

Usunięto zadania z GSM8K, porównując 13-gramy.
""".encode()


def seen(repo_id: str) -> Seen:
    """The example of a layout, read as a run reads it."""
    one = next(s for s in SCHEMAS if s["repo_id"] == repo_id)
    (detected,) = run.detect(open_source([one["example_row"]]), Settings())
    return run.seen(detected)


def of(repo_id: str, card: bytes | None = None) -> Attribution:
    return attribute(read_card(card), [seen(repo_id)])


def field(found: Attribution, name: str) -> ReleaseField:
    return next(one for one in found.fields if one.id == name)


def places(found: Attribution, name: str) -> list[tuple[str, str]]:
    return [(place.where, place.name) for place in field(found, name).places]


def missing(found: Attribution) -> set[str]:
    return {one.id for one in found.fields if one.state == "missing"}


# Columns of real layouts, answers by hand.


def test_a_maths_set() -> None:
    found = of("open-r1/OpenR1-Math-220k")
    assert found.contract == "programmatic"
    assert "correctness_math_verify" in found.why
    assert "correctness_llama" not in found.why  # null in the row
    assert places(found, "verifier") == [("column", "correctness_math_verify")]
    assert places(found, "source") == [("column", "source")]
    assert places(found, "row_id") == [("column", "uuid")]
    absent = {"verifier_version", "teacher", "filter", "split", "decontamination", "licence", "risks", "execution"}
    assert missing(found) == absent
    assert not {one.group for one in found.fields} & {"agent", "difficulty"}


def test_a_verl_set_has_prompts_and_a_rule_but_no_traces() -> None:
    found = of("koajoel/DAPO-Math-17k-dedup")
    assert (found.contract, found.why) == ("programmatic", "By columns: programmatic: reward_model.style.")
    assert places(found, "verifier") == [("column", "reward_model.style")]
    assert places(found, "reference") == [("column", "reward_model.ground_truth")]
    assert places(found, "source") == [("column", "data_source")]
    assert field(found, "reasoning").state == "missing"
    assert "teacher" not in {one.id for one in found.fields}  # nobody wrote traces


def test_an_agent_set() -> None:
    found = of("nebius/SWE-agent-trajectories")
    assert (found.contract, found.why) == ("environmental", "By columns: environmental: exit_status, eval_logs.")
    assert places(found, "teacher") == [("column", "model_name")]
    assert places(found, "terminal") == [("column", "exit_status"), ("column", "eval_logs")]
    assert places(found, "state_differences") == [("column", "generated_patch")]
    assert {"action_schema", "scaffold", "budget"} <= missing(found)
    assert not {"response", "reference"} & {one.id for one in found.fields}


def test_tools_are_an_action_schema_and_an_assessment_is_a_judgement() -> None:
    found = of("Agent-Ark/Toucan-1.5M")
    assert places(found, "action_schema") == [("column", "available_tools"), ("column", "target_tools")]
    assert (found.contract, places(found, "verifier")) == ("judgement", [("column", "response_quality_assessment")])
    assert "terminal" in missing(found)


@pytest.mark.parametrize(
    ("repo_id", "contract"),
    [
        ("simplescaling/s1K-1.1", "judgement"),  # graded by models
        ("facebook/natural_reasoning", "judgement"),  # a sentence as reference
        ("openai/gsm8k", "programmatic"),  # a number
        ("KodCode/KodCode-V1-SFT-R1", "programmatic"),  # tests
        ("PrimeIntellect/SYNTHETIC-1", "programmatic"),
        ("open-r1/Mixture-of-Thoughts", "none"),
        ("THUDM/AgentInstruct", "none"),  # an agent without an outcome
    ],
)
def test_what_checks_the_answers(repo_id: str, contract: str) -> None:
    assert of(repo_id).contract == contract


def test_parts_that_differ_are_mixed_and_one_without_a_check_is_not() -> None:
    code, grade, none = (seen(name) for name in ("openai/gsm8k", "simplescaling/s1K-1.1", "minchyeom/thinker"))
    assert attribute(NO_CARD, [code, grade]).contract == "mixed"
    assert attribute(NO_CARD, [code, none]).contract == "programmatic"


def test_difficulty_asks_whose_and_how() -> None:
    found = of("KodCode/KodCode-V1-SFT-R1")
    asked = {one.id for one in found.fields if one.group == "difficulty"}
    assert asked == {"difficulty_model", "difficulty_rollouts", "difficulty_sampling", "difficulty_date"}
    assert ("column", "gpt_pass_trial_num") in places(found, "difficulty_rollouts")
    card = b"# Coding\n\nPass rates were measured with GPT-4o in 2025 at temperature 1.0.\n"
    found = of("KodCode/KodCode-V1-SFT-R1", card)
    assert {field(found, f"difficulty_{name}").state for name in ("model", "date", "sampling")} == {"mentioned"}


def test_a_column_that_is_empty_is_missing_and_said_so() -> None:
    outcome = field(of("ServiceNow-AI/R1-Distill-SFT"), "outcome")
    assert outcome.state == "missing"
    assert outcome.next.startswith("There is verified, but empty in the rows looked at. ")


def test_a_column_filled_in_some_rows_says_in_how_many() -> None:
    rows = [{"q": "1", "r": "2", "generator": name} for name in ("X-7B", "", None, "unknown")]
    found = attribute(NO_CARD, [traces(*rows)])
    teacher = field(found, "teacher")
    assert (teacher.state, teacher.rows, found.rows) == ("found", 1, 4)
    assert teacher.next == "Filled in 1 of the 4 rows looked at: say what holds for the others."


def test_a_reference_that_only_some_rows_have_says_in_how_many() -> None:
    rows = [{"question": f"{i}+1?", "reasoning": f"{i}, then 1 more.", "answer": gold} for i, gold in enumerate("12")]
    rows += [{"question": "2+1?", "reasoning": "2, then 1 more.", "answer": None}]
    (detected,) = run.detect(open_source(rows), Settings(reference=("answer",)))
    reference = field(attribute(NO_CARD, [run.seen(detected)]), "reference")
    assert (reference.state, reference.rows) == ("found", 2)
    assert reference.next.startswith("Filled in 2 of the 3 rows")


def test_a_role_s_own_column_answers_nothing_else() -> None:
    assert "outcome" in missing(of("deepmind/aqua_rat"))  # `correct` is the reference, a letter


def test_names_of_columns_point_to_a_model_without_naming_it() -> None:
    teacher = field(of("simplescaling/s1K-1.1"), "teacher")
    assert teacher.state == "missing"
    assert "gemini_thinking_trajectory, deepseek_thinking_trajectory" in teacher.next


def test_cells_look_into_structs_lists_and_json() -> None:
    row = {
        "a": {"b": [{"c": "x"}, {"c": None}, {"c": " "}]},
        "meta": '{"generator": {"name": "X"}}',
        "broken": "{not json",
        "none": None,
        "list": [True, False],
    }
    assert cells(row) == {
        "a.b.c": ("x",),
        "meta.generator.name": ("X",),
        "broken": ("{not json",),
        "none": (),
        "list": ("True", "False"),
    }


def test_a_long_list_hides_no_later_column() -> None:
    row = {"messages": [{"role": "user", "content": "x"}] * 5000, "license": "mit"}
    assert cells(row)["license"] == ("mit",)


def test_names_match_by_part() -> None:
    assert named("responses.responseModel", "*_model") == "responses.responseModel"
    assert named("generator.name", "generator") == "generator"
    assert named("reward_model.style", "reward_model.style") == "reward_model.style"
    assert named("reward_model.name", "*_model", "reward_model") is None
    assert named("resources", "source sources") is None
    assert fold("Źródło danych") == "zrodlo_danych"


# Cards.


def test_a_placeholder_card_says_only_what_its_metadata_says() -> None:
    found = attribute(read_card((DATA / "cards" / "imdb_urdu_reviews.md").read_bytes()), [MATHS])
    assert places(found, "licence") == [("metadata", "license")]  # its section is a placeholder
    assert places(found, "source") == [("metadata", "source_datasets")]
    assert {"split", "risks", "teacher", "filter", "decontamination"} <= missing(found)


def test_a_filled_card() -> None:
    found = attribute(read_card((DATA / "cards" / "casino.md").read_bytes()), [MATHS])
    assert places(found, "licence")[:2] == [("metadata", "license"), ("heading", "Licensing Information")]
    assert ("metadata", "annotations_creators") in places(found, "teacher")  # expert-generated
    assert ("heading", "Data Splits") in places(found, "split")
    assert {"decontamination", "verifier", "execution"} <= missing(found)


def test_a_polish_card() -> None:
    found = attribute(read_card(POLISH), [MATHS])
    assert places(found, "teacher") == [("mention", "wygenerowane przez DeepSeek-R1")]
    assert field(found, "teacher").next.startswith("Mentioned in passing")
    assert places(found, "verifier") == [("mention", "zweryfikowano programem")]
    assert places(found, "execution") == [("mention", "Temperatura")]
    assert ("heading", "Źródła danych") in places(found, "source")
    assert ("heading", "Filtrowanie") in places(found, "filter")
    assert ("heading", "Dekontaminacja") in places(found, "decontamination")
    assert {"split", "risks"} <= missing(found)  # placeholders in both languages


@pytest.mark.parametrize(
    ("front", "name", "state", "says"),
    [
        ("license: mit", "licence", "found", ""),
        ("license: unknown", "licence", "missing", "Add `license:`"),
        ("license: other", "licence", "missing", "add `license_name`"),
        ("license: other\nlicense_name: my-own", "licence", "found", ""),
        ("license:\n- other\n- mit", "licence", "found", ""),
        ("license: '[More Information Needed]'", "licence", "missing", ""),
        ("annotations_creators: [machine-generated]", "teacher", "missing", "not which model"),
        ("annotations_creators: [crowdsourced]", "teacher", "found", ""),
        ("tags: [synthetic]", "teacher", "missing", "not which"),
        ("tags: [Qwen3]", "teacher", "missing", "Name the teacher"),
        ("language_creators: [found]", "source", "missing", "not where the questions come from"),
        ("source_datasets: [extended|gsm8k]", "source", "found", ""),
        ("configs:\n- config_name: a\n  data_files:\n  - split: train\n    path: x", "split", "found", ""),
        ("dataset_info:\n  splits:\n  - name: test\n    num_examples: 3", "split", "found", ""),
    ],
)
def test_metadata(front: str, name: str, state: str, says: str) -> None:
    found = field(attribute(read_card(f"---\n{front}\n---\n# A\n".encode()), [MATHS]), name)
    assert found.state == state
    assert says in found.next


@pytest.mark.parametrize(
    ("body", "name", "state"),
    [
        ("## Licensing\n\nMIT.", "licence", "found"),
        ("## Licensing\n\n### Details\n\nMIT.", "licence", "found"),  # what a section inside says counts
        ("## Licensing\n\n### Details\n\nTBD", "licence", "missing"),
        ("## Licensing\n\n## Contact\n\nMe.", "licence", "missing"),
        ("## Licensing\n\n```\nMIT\n```", "licence", "missing"),  # code is no prose
        ("- [Licensing Information](#licensing-information)", "licence", "missing"),
        ("Licensing\n=========\n\nMIT.", "licence", "found"),
        ("<!-- It is decontaminated. -->", "decontamination", "missing"),
        ("It was decontaminated against MATH-500.", "decontamination", "mentioned"),
        ("| step | how |\n| --- | --- |\n| decontamination | 13-grams |", "decontamination", "mentioned"),
        ("Answers were checked with math-verify 0.8.0.", "verifier_version", "mentioned"),
        ("Answers were checked with math-verify.", "verifier_version", "missing"),
        ("Traces were distilled from **DeepSeek-R1**.", "teacher", "mentioned"),
        ("Traces were generated by gpt-4o.", "teacher", "mentioned"),
        ("Traces were generated by a model.", "teacher", "missing"),
        ("Run `filter()` first.", "filter", "missing"),
        ("We used rejection sampling.", "filter", "mentioned"),
    ],
)
def test_prose(body: str, name: str, state: str) -> None:
    assert field(attribute(read_card(body.encode()), [MATHS]), name).state == state


def test_an_agent_s_card_names_scaffold_and_budget() -> None:
    card = b"Collected with SWE-agent in Docker, at most 50 turns; failed trajectories are kept."
    found = of("THUDM/AgentInstruct", card)
    assert {field(found, name).state for name in ("scaffold", "initial_state", "budget", "failures")} == {"mentioned"}


@pytest.mark.parametrize("make", [reports.one, reports.pair])
def test_the_section_that_was_written_is_not_read_again(make: Any) -> None:
    made = attribute(read_card(POLISH), [MATHS])
    written = reports.replace(make(), attribution=made)
    identity = {"schema": 1, "version": "0.1.0", "data_fingerprint": f"sha256:{0:064x}"}
    again = splice(POLISH, section=render_section(written), identity=identity)
    assert b"Decontamination" in again
    assert attribute(read_card(again), [MATHS]) == made


def test_no_card_and_no_metadata_are_said() -> None:
    assert attribute(NO_CARD, [MATHS]).notes == (
        "No card was read beside the data: only columns were looked at, not what a card says.",
    )
    assert "no metadata block" in read_card(b"# A\n").notes[0]
    assert read_card(b"\xef\xbb\xbf---\r\nlicense: mit\r\n---\r\n# A\r\n").values("license") == ["mit"]


BOMB = "a: &a [x, x]\n" + "".join(f"b{i}: &b{i} [{', '.join([f'*b{i - 1}' if i else '*a'] * 9)}]\n" for i in range(9))


@pytest.mark.parametrize(
    "front",
    [
        "license: [",
        "- a\n- b",
        "just text",
        "a: " + "[" * 5000 + "]" * 5000,
        "a: \x00",
        "license: &a [*a]",
        "? [a, b]\n: c",
        "license: *nowhere",
        BOMB + "license: *b8",
        BOMB.replace("[x, x]", "[]") + "license: *b8",
    ],
)
def test_front_matter_that_is_no_help_stops_nothing(front: str) -> None:
    began = time.monotonic()
    card = read_card(f"---\n{front}\n---\n## Licence\n\nMIT\n".encode())
    found = attribute(card, [MATHS])
    assert time.monotonic() - began < 5
    assert field(found, "licence").state == "found"
    assert card.metadata is not None or "no readable YAML" in card.notes[0]


def test_no_tag_of_yaml_is_obeyed() -> None:
    card = read_card(b"---\nlicense: !!python/object/apply:os.system [exit]\nwhen: !!timestamp nonsense\n---\n")
    assert card.values("license") == ["exit"]
    assert card.values("when") == ["nonsense"]


@pytest.mark.parametrize(
    "unit",
    [
        "#",
        "# a\n",
        "<!--",
        "\n<!--\n",
        "[",
        "[a](#",
        ">",
        "`",
        "| a |\n",
        "<a ",
        "generated by ",
        "pass rate of ",
        "judge ",
        "---\n",
    ],
)
def test_time_grows_with_length_only(unit: str) -> None:
    began = time.monotonic()
    attribute(read_card((unit * (60_000 // len(unit))).encode()), [MATHS])
    assert time.monotonic() - began < 5  # a square would take minutes


def test_no_pattern_matches_an_empty_text() -> None:
    for rule in RULES:
        for lines in (rule.headings, rule.mentions, rule.in_names, *(value for _, value in rule.metadata)):
            assert pattern(lines).search("") is None, rule.id


def test_fields_are_named_once_and_can_all_be_filled() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.role or rule.columns or rule.headings or rule.mentions, rule.id
        assert rule.advice.endswith(".")


# Whatever stands there.

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["license", "tags", "source_datasets", "configs", "annotations_creators", "x"]) | st.text(
    max_size=8
)


def consistent(found: Attribution) -> None:
    for one in found.fields:
        assert (one.state == "missing") == (not one.places)
        assert one.next or one.state == "found"
        assert 0 <= one.rows <= found.rows
    written = reports.replace(reports.nothing(), attribution=found)
    assert report.from_json(report.to_json(written)) == written
    table = render_section(written).partition("| field | found where | next step |\n")[2].partition("\n\n")[0]
    assert {line.count("|") for line in table.splitlines()} == {4}


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_any_metadata(metadata: dict[str, Any]) -> None:
    front = yaml.safe_dump(metadata, allow_unicode=True)
    card = read_card(f"---\n{front}---\n# A\n".encode("utf-8", "surrogatepass"))
    consistent(attribute(card, [MATHS]))


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_any_card(data: bytes) -> None:
    consistent(attribute(read_card(data), [MATHS]))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.dictionaries(KEYS, VALUES, max_size=5), max_size=3),
    st.sampled_from(["single_trace", "agent_trajectory"]),
)
def test_any_rows(rows: list[dict[str, Any]], kind: str) -> None:
    consistent(attribute(NO_CARD, [Seen("a", "b", kind, {}, rows)]))


HOSTILE = (
    "# Licence |<img src=x>`*[a](javascript:1)\n\nGenerated by DeepSeek<script>|evil\n\n"
    "## Data splits --> </details>\n\nx\n"
)


def test_a_hostile_card_stays_text() -> None:
    row = {"q": "1", "r": "2", "source|<b>": "x", "source_\x1b[31m": "y", "generator`|": "z", "filter\ud800": "w"}
    found = attribute(read_card(HOSTILE.encode()), [traces(row)])
    assert ("column", "filter?") in places(found, "filter")
    consistent(found)
    section = render_section(reports.replace(reports.nothing(), attribution=found))
    assert "<img" not in section
    assert "<script" not in section
    assert "\x1b" not in section
    assert section.count("</details>") == section.count("<details>")
    assert "](javascript" not in section


# Where cards come from, and the whole way.

ROWS = [
    {"question": f"What is {i}+1?", "reasoning": f"{i} plus 1 is {i + 1}.", "answer": str(i + 1), "id": i}
    for i in range(6)
]
LINES = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)


def test_a_folder_has_the_card_that_stands_in_it(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_bytes(LINES)
    assert open_source(tmp_path).card() is None
    (tmp_path / "README.md").write_bytes(POLISH)
    assert open_source(tmp_path).card() == POLISH
    assert open_source(tmp_path / "train.jsonl").card() is None  # a README beside a file may be about anything
    assert open_source(ROWS).card() is None


def test_a_dataset_on_the_hub_has_the_card_of_its_commit(hub: LoopbackHub) -> None:
    sha = hub.create_dataset("lab/attributed", {"README.md": POLISH, "train.jsonl": LINES})
    hub.commit("lab/attributed", {"README.md": b"# Another\n"})
    assert open_source("lab/attributed", revision=sha).card() == POLISH
    assert open_source("lab/attributed").card() == b"# Another\n"
    hub.create_dataset("lab/cardless", {"train.jsonl": LINES})
    assert open_source("lab/cardless").card() is None


def test_a_run_reports_it(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_bytes(LINES)
    (tmp_path / "README.md").write_bytes(POLISH)
    made = score(tmp_path, Settings(metric=("structure",)), out=tmp_path / "out")
    assert made.attribution is not None
    assert report.load(tmp_path / "out").attribution == made.attribution
    assert made.attribution.rows == len(ROWS)
    assert places(made.attribution, "licence") == [("metadata", "license")]
    section = render_section(made)
    assert "What the release says" in section
    assert "| Licence | metadata `license` | – |" in section
    assert "mentioned in the card: “wygenerowane przez DeepSeek-R1”" in section
