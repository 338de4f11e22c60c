"""An agent's turns as steps: an action with what came back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hfscore.records import Turn
from hfscore.text.outcomes import is_check, is_error

FINAL_STEPS = 3  # the last steps, among which a final check is looked for
RECOVERY_STEPS = 3  # within this many later steps a failed action may be made good

ACTION_HEAD = 2000  # characters in which an action names what it is about; the rest is what it writes

_PATH = re.compile(r"[\w./~-]{0,200}/[\w./~-]{1,200}|\b[\w-]{1,100}\.[A-Za-z]\w{0,7}\b")
_WORD = re.compile(r"[A-Za-z_][\w-]{0,60}")
_SCAFFOLD = frozenset({"bash", "sh", "python", "python3", "sudo", "execute_bash", "tool_call", "json", "action", "act"})


@dataclass(frozen=True, slots=True)
class Step:
    """One action of an agent and all that came back before the next; `observation` is "" where nothing did."""

    action: str
    observation: str

    @property
    def failed(self) -> bool:
        """Whether the observation says that the action failed."""
        return is_error(self.observation)


def steps_of(turns: Sequence[Turn]) -> list[Step]:
    """Pair actions with what came back.

    Args:
        turns: The whole trajectory.

    Returns:
        Steps in order. Calls made at once are one step, and so is all that comes back to them. What is observed
        after words without an action belongs to these words.
    """
    steps: list[Step] = []
    acts: list[str] = []
    seen: list[str] = []
    said = ""

    def close() -> None:
        if acts or (seen and said):  # what is seen before any act is the state the episode starts from
            steps.append(Step("\n".join(acts) or said, "\n".join(seen)))
        acts.clear()
        seen.clear()

    for turn in turns:
        if turn.role == "observation":
            seen.append(turn.text)
        elif turn.role in ("reasoning", "assistant", "action"):
            if seen:
                close()
                said = ""
            if turn.role == "action":
                acts.append(turn.text)
            else:
                said = turn.text
    close()
    return steps


def targets(action: str) -> frozenset[str]:
    """What an action is about: the files and addresses it names, else its command or tool."""
    action = action[:ACTION_HEAD]
    paths = frozenset(found.strip("./").rsplit("/", 1)[-1] for found in _PATH.findall(action))
    if named := paths - {""}:
        return named
    words = (word.lower() for word in _WORD.findall(action))
    return frozenset([next((word for word in words if word not in _SCAFFOLD), action.strip()[:60])])


def recovered(steps: Sequence[Step]) -> tuple[int, int]:
    """Count failed actions, and those of them that were made good.

    Args:
        steps: The steps in which something was observed.

    Returns:
        (made good within `RECOVERY_STEPS` by a success on the same target, failed).
    """
    outcomes = [(step.failed, targets(step.action)) for step in steps]
    failures = [place for place, (failed, _) in enumerate(outcomes) if failed]
    good = sum(
        any(
            not failed and about & outcomes[place][1]
            for failed, about in outcomes[place + 1 : place + 1 + RECOVERY_STEPS]
        )
        for place in failures
    )
    return good, len(failures)


def has_outcome(steps: Sequence[Step]) -> bool:
    """Whether one of the last steps checked the outcome, with its result."""
    return any(is_check(step.action, step.observation) for step in steps[-FINAL_STEPS:] if step.observation)
