"""Degenerate traces: flags a maintainer can filter by, one column each, each 0 or 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hfscore.ports import Tools
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.spec import Family, Metric, Scores
from hfscore.text import degenerate
from hfscore.text.addressed import addressed
from hfscore.text.steps import split_steps


def _loops(trace: Trace) -> bool:
    return degenerate.loops([step.text for step in split_steps(trace.reasoning)])


def _cut_off(trace: Trace) -> bool:
    return degenerate.cut_off(trace.reasoning, trace.response, unclosed=trace.think_span == "unclosed")


def _mixes(trace: Trace) -> bool:
    return degenerate.mixes_scripts(trace.question, trace.reasoning)


def _refuses(trace: Trace) -> bool:
    return degenerate.refuses(trace.reasoning, trace.response)


def _names_itself(trace: Trace) -> bool:
    return degenerate.names_itself(trace.reasoning) or degenerate.names_itself(trace.response or "")


def _addresses_grader(trace: Trace) -> bool:
    return any(addressed(text) for text in (trace.reasoning, trace.response, trace.question) if text)


RULES: dict[str, Callable[[Trace], bool]] = {
    "flag_loop": _loops,
    "flag_cut_off": _cut_off,
    "flag_script_mix": _mixes,
    "flag_refusal": _refuses,
    "flag_self_naming": _names_itself,
    "flag_addresses_grader": _addresses_grader,
}


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Apply every rule to every trace."""
    empty = Unscored("empty trace")
    results: dict[str, list[Reading]] = {}
    for name, rule in RULES.items():
        results[name] = [Scored(float(rule(trace))) if trace.reasoning.strip() else empty for trace in traces]
    return results


def _flag(
    id: str, alias: str, title: str, formula: str, *, reading: str = "a rule, not a verdict: look at the rows"
) -> Metric:
    return Metric(
        id=id,
        alias=alias,
        title=title,
        formula=formula,
        reading=reading,
        lowest=0.0,
        highest=1.0,
        direction="none",
        grade="-",
        evidence="No claim; rows to look at.",
        digits=1,
        unit="share",
        flag=True,
    )


FAMILY = Family(
    id="flags",
    title="Degenerate traces",
    source="ours; rules in hfscore/text/degenerate.py and addressed.py",
    version=1,
    rank=70,
    metrics=(
        _flag(
            "flag_loop",
            "FL1",
            "Loops",
            f"steps of {degenerate.LOOP_WORDS}+ words that stand {degenerate.LOOP_TIMES}+ times make up "
            f"{degenerate.LOOP_SHARE:.0%} of the trace, or one character runs on {degenerate.RUN_LENGTH} times",
        ),
        _flag("flag_cut_off", "FL2", "Breaks off", "thinking, code block or last sentence never ends"),
        _flag(
            "flag_script_mix",
            "FL3",
            "Changes script",
            f"{degenerate.FOREIGN_LETTERS}+ letters and {degenerate.FOREIGN_SHARE:.0%}+ in a second script "
            "that the question does not use",
        ),
        _flag("flag_refusal", "FL4", "Refuses", "the response opens with a refusal (word lists: en, pl)"),
        _flag("flag_self_naming", "FL5", "A teacher names itself", "speaks as a named model (word lists: en, pl)"),
        _flag(
            "flag_addresses_grader",
            "FL6",
            "Text addressed to a grader",
            "question, trace or response holds a forged label, marker or turn, or asks for a grade "
            "(word lists: de, en, es, fr, it, ja, pl, pt, ru, zh)",
            reading="flagged, not punished: a judge may have been swayed; look at the rows",
        ),
    ),
    score=score,
)
