"""Agents' trajectories: failures that were kept, how they were made good, and a final check (catalogue H3 to H5).

What failed is read off the observations by rules (`hfscore/text/outcomes.py`), in English; nothing is run again.
Traces that are no trajectory have no number. arXiv 2606.02113: transcripts of successes alone do not show which action
was wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hfscore.ports import Tools
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.spec import Direction, Fact, Family, Fold, Metric, Scores
from hfscore.text.outcomes import shows_difference
from hfscore.text.trajectories import FINAL_STEPS, RECOVERY_STEPS, has_outcome, recovered, steps_of

NOT_AGENT = Unscored("not an agent's trajectory")
NOTHING_OBSERVED = Unscored("no observation in the trajectory")
NO_FAILURE = Unscored("no failed action")
MANY = 100  # episodes among which one without any failure would be strange


def measure(trace: Trace) -> dict[str, Reading]:
    """Every metric of one trace."""
    if not trace.turns:
        return {metric.id: NOT_AGENT for metric in FAMILY.metrics}
    steps = steps_of(trace.turns)
    observed = [step for step in steps if step.observation]
    good, failed = recovered(observed)
    shown = [step.observation for step in observed] + [trace.response or ""]
    return {
        "agent_failures_kept": Scored(float(failed > 0)) if observed else NOTHING_OBSERVED,
        "agent_failed_actions": Scored(failed / len(observed)) if observed else NOTHING_OBSERVED,
        "agent_recovery": Scored(good / failed) if failed else NO_FAILURE if observed else NOTHING_OBSERVED,
        "agent_terminal_check": Scored(float(has_outcome(steps))),
        "agent_state_differences": Scored(float(any(map(shows_difference, shown)))),
    }


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Measure every trajectory."""
    found = [measure(trace) for trace in traces]
    return {metric.id: [one[metric.id] for one in found] for metric in FAMILY.metrics}


@dataclass(slots=True)
class Episodes:
    """How many trajectories were observed, and how many of them show a failure."""

    observed: int = 0
    failing: int = 0


def add(state: Episodes, traces: Sequence[Trace], scores: Scores) -> None:
    """Count episodes."""
    for reading in scores.get("agent_failures_kept", ()):
        if isinstance(reading, Scored):
            state.observed += 1
            state.failing += reading.value == 1


def finish(state: Episodes) -> list[Fact]:
    """The share of episodes with a failure; a warning where there are many episodes and none fails."""
    if not state.observed:
        return []
    note = "Read off the observations by rules; a failure that is kept shows which action was wrong."
    if not state.failing and state.observed >= MANY:
        note = (
            f"No failure in {state.observed:,} episodes: was it cleaned? Say in the card which episodes and which "
            "actions were left out, or publish them too."
        )
    share = state.failing / state.observed
    return [Fact("agent_failing_episodes", "Episodes with a failed action", share, "share", state.observed, note)]


def _metric(
    id: str, alias: str, title: str, formula: str, *, reading: str, evidence: str, direction: Direction = "none"
) -> Metric:
    return Metric(
        id=id,
        alias=alias,
        title=title,
        formula=formula,
        reading=reading,
        lowest=0.0,
        highest=1.0,
        direction=direction,
        grade="D",
        evidence=evidence,
        digits=0,
        unit="share",
    )


_PRIMER = "A primer's advice on records (arXiv 2606.02113); no link to training results."
_STUDY = "One preliminary study of four teachers counts command errors as a good sign; too few to give a direction."

FAMILY = Family(
    id="agent",
    title="Agents' trajectories",
    source="catalogue H3 to H5; arXiv 2606.02113; rules in hfscore/text/outcomes.py",
    version=1,
    metrics=(
        _metric(
            "agent_failures_kept",
            "H3",
            "Failures kept",
            "1 if an observation says that its action failed",
            reading="whether a failure and its output were kept; none in a large set suggests cleaning",
            evidence=_PRIMER,
        ),
        _metric(
            "agent_failed_actions",
            "H3f",
            "Failed actions",
            "failed actions / actions with an observation",
            reading="how often the environment answered with an error; by words, so a file that quotes one counts",
            evidence=_STUDY,
        ),
        _metric(
            "agent_recovery",
            "H4",
            "Recovery",
            f"failed actions followed within {RECOVERY_STEPS} steps by a success on the same target / failed actions",
            reading="how often a failure was made good at once; a target is a file, an address or a command",
            evidence=_PRIMER,
        ),
        _metric(
            "agent_terminal_check",
            "H5",
            "Final check in the trajectory",
            f"1 if one of the last {FINAL_STEPS} actions checks the outcome and its result is there",
            reading="whether the trajectory itself shows how it ended: tests run, a status, a difference. Columns "
            "beside it, such as an exit status, are listed with what the release says",
            evidence=_PRIMER,
        ),
        _metric(
            "agent_state_differences",
            "H5d",
            "State differences",
            "1 if an observation or the response shows a diff or a patch",
            reading="whether it can be seen what changed",
            evidence=_PRIMER,
        ),
    ),
    score=score,
    fold=Fold(start=lambda tools: Episodes(), add=add, finish=finish),
)
