"""What checks the answers of a dataset as a whole, by its columns: a program, the environment, a judgement, or nothing.

What the texts of single traces show, such as tests that an agent ran, is measured by the `verifier` family. The four
classes are those of arXiv 2606.02113. A column that is empty in the rows looked at is no evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hfscore.attribution.seen import Cells, Seen, named, readable
from hfscore.report import Contract
from hfscore.text.verifiable import is_checkable

AGENT_KIND = "agent_trajectory"

ENVIRONMENT = """exit_status eval_logs resolved is_resolved reward rewards success is_success test_results final_status
    fail_to_pass terminal* outcome"""
PROGRAM = """test tests test_case* *_tests test_list unit_test* verification_info checker* *_math_verify math_verify*
    expected_output* *_pass_sequence"""
JUDGE = """*_grade judge* *_judge grader* rubric* correctness_llama correctness_gpt* correctness_claude* llm_verdict
    judgement* judgment* response_quality*"""
REWARD_STYLE = "reward_model.style"
STYLES: Mapping[str, Contract] = {"rule": "programmatic", "function": "programmatic", "model": "judgement"}


def contract_of(seen: Sequence[Seen], rows: Sequence[Sequence[Cells]]) -> tuple[Contract, str]:
    """The class of a whole dataset, and a sentence that says what it rests on.

    Args:
        seen: What was looked at.
        rows: For each of them, the cells of its rows.

    Returns:
        "mixed" where parts or columns differ; a part without any check does not make the others mixed.
    """
    found: dict[Contract, list[str]] = {}
    for part, cells in zip(seen, rows, strict=True):
        for contract, why in _of_part(part, cells):
            reasons = found.setdefault(contract, [])
            if why not in reasons:
                reasons.append(why)
    if not found:
        return "none", (
            "No column holds a reference answer, test cases, a judge's verdict or an observed outcome; an outcome that "
            "trajectories show in their own text is counted with the metrics."
        )
    classes = sorted(found)
    because = "; ".join(f"{contract}: {', '.join(found[contract][:3])}" for contract in classes)
    return (classes[0] if len(classes) == 1 else "mixed"), f"By columns: {because}."


def _of_part(part: Seen, cells: Sequence[Cells]) -> list[tuple[Contract, str]]:
    filled = {path: texts for row in cells for path, texts in row.items() if texts}
    found: list[tuple[Contract, str]] = []
    if part.kind == AGENT_KIND:
        found += [("environmental", one) for one in _matching(filled, ENVIRONMENT)]
        if found:
            return found
    found += [("programmatic", one) for one in _matching(filled, PROGRAM)]
    found += [("judgement", one) for one in _matching(filled, JUDGE)]
    style = next(iter(filled.get(REWARD_STYLE, ())), "").lower()
    if style in STYLES:
        found.append((STYLES[style], REWARD_STYLE))
    if found or not part.references:
        return found
    checkable = sum(map(is_checkable, part.references))
    return [("programmatic" if checkable * 2 >= len(part.references) else "judgement", _reference(part))]


def _matching(filled: Mapping[str, tuple[str, ...]], globs: str) -> list[str]:
    return list(dict.fromkeys(hit for path in filled if (hit := named(path, globs))))


def _reference(part: Seen) -> str:
    return readable(next(iter(part.mapping.get("reference_answer", ())), "reference answer"))
