"""The verdicts on one trace: first tier by label or by batch, second tier where the first is in doubt."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from hfscore.judge import plan, prompts
from hfscore.judge.calls import Calls, Form
from hfscore.judge.labels import GRADES, LABELS, read_batch, read_grade, read_label, read_review
from hfscore.judge.plan import ANSWER_TOKENS, Mode, Window
from hfscore.judge.prompts import Shown
from hfscore.judge.reply import Reply
from hfscore.ports import CRITERIA, Criterion, JudgedStep, Verdict
from hfscore.records import Trace, Unscored
from hfscore.text.steps import Step

DOUBTFUL: Final = (0.2, 0.8)
AUDIT_SHARE: Final = 0.02
REVIEWED_NEGATIVES: Final[tuple[Criterion, ...]] = ("factuality", "validity")

LABEL: Final = Form(ANSWER_TOKENS["label"], labels=LABELS)
GRADE: Final = Form(ANSWER_TOKENS["holistic"], labels=GRADES)
REASON: Final = Form(ANSWER_TOKENS["reason"])
REVIEW: Final = Form(
    ANSWER_TOKENS["verdict"],
    schema={
        "type": "object",
        "properties": {
            "quote": {"type": "string", "maxLength": 300},
            "reason": {"type": "string", "maxLength": 600},
            "label": {"enum": list(LABELS)},
        },
        "required": ["quote", "reason", "label"],
        "additionalProperties": False,
    },
)

Verdicts = dict[tuple[int, Criterion], Verdict | Unscored]


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a trace is judged.

    Args:
        mode: A call per step and criterion, or per batch of steps and criterion.
        language: Rubric.
        review: Whether doubtful verdicts are asked again with reasons and a quote.
        room: Tokens free for steps in the server's context; None for no bound.
        per_token: Characters in a token of the server's.
        again: Past the store.
    """

    mode: Mode
    language: str
    review: bool
    room: int | None
    per_token: float
    again: bool = False


async def judge_steps(
    calls: Calls, trace: Trace, steps: Sequence[Step], nonce: str, *, protocol: Protocol
) -> tuple[JudgedStep, ...]:
    """Judge all steps of a trace.

    Args:
        calls: Whom to ask.
        trace: The trace.
        steps: Its steps.
        nonce: Of its markers.
        protocol: How.

    Returns:
        One entry a step; a verdict that could not be had is there with its reason.
    """
    sizes = [plan.tokens(step.text, protocol.per_token) for step in steps]
    cut = plan.windows(sizes, protocol.room)
    if cut is None:
        too_long = Unscored("a step is longer than the judge's context")
        return tuple(_judged(step, dict.fromkeys(plan.asked(i), too_long)) for i, step in enumerate(steps))
    found: Verdicts = {}
    partial: set[int] = set()
    for window in cut:
        shown = plan.show(trace, [step.text for step in steps], window, nonce)
        found |= await _window(calls, shown, window, protocol=protocol)
        if protocol.review:
            doubtful = [item for item in found.items() if item[0][0] in window.judged and in_doubt(trace.id, *item)]
            reviews = [_review(calls, shown, place, before, protocol=protocol) for place, before in doubtful]
            found |= dict(await asyncio.gather(*reviews))
        if window.partial(len(steps)):
            partial.update(window.judged)
    return tuple(
        _judged(step, {criterion: found[index, criterion] for criterion in plan.asked(index)}, partial=index in partial)
        for index, step in enumerate(steps)
    )


def _judged(step: Step, verdicts: Mapping[Criterion, Verdict | Unscored], *, partial: bool = False) -> JudgedStep:
    return JudgedStep(step.start, step.end, verdicts, partial)


async def _window(calls: Calls, shown: Shown, window: Window, *, protocol: Protocol) -> Verdicts:
    """First tier. One call goes ahead alone, so that the others find the shared prefix in the server's cache."""
    if protocol.mode == "batch":
        parts = [(part, criterion) for part in plan.batches(window.judged) for criterion in CRITERIA]
        asked = [functools.partial(_batch, calls, shown, *place, protocol=protocol) for place in parts]
    else:
        places = [(index, criterion) for index in window.judged for criterion in plan.asked(index)]
        asked = [functools.partial(_label, calls, shown, *place, protocol=protocol) for place in places]
    found = await asked[0]()
    for verdicts in await asyncio.gather(*(one() for one in asked[1:])):
        found |= verdicts
    return found


async def _label(calls: Calls, shown: Shown, index: int, criterion: Criterion, *, protocol: Protocol) -> Verdicts:
    messages = prompts.ask(protocol.language, shown, "label", criterion, first=index + 1)
    return {(index, criterion): await calls.ask(messages, LABEL, _read_label, again=protocol.again)}


def _read_label(reply: Reply) -> Verdict | Unscored:
    return read_label(reply.content, reply.logprobs)


async def _batch(calls: Calls, shown: Shown, part: range, criterion: Criterion, *, protocol: Protocol) -> Verdicts:
    keys = prompts.keys(part.start + 1, part.stop)
    messages = prompts.ask(protocol.language, shown, "batch", criterion, first=part.start + 1, last=part.stop)
    form = Form(ANSWER_TOKENS["batch"] * len(part) + 16, schema=batch_schema(keys))
    answer = await calls.ask(messages, form, lambda reply: read_batch(reply.content, keys), again=protocol.again)
    verdicts: Sequence[Verdict | Unscored] = [answer] * len(part) if isinstance(answer, Unscored) else answer
    pairs = zip(part, verdicts, strict=True)
    return {(index, criterion): verdict for index, verdict in pairs if criterion in plan.asked(index)}


def batch_schema(keys: Sequence[str]) -> dict[str, Any]:
    """A fixed key a step, a label each: one schema for every window of this size."""
    return {
        "type": "object",
        "properties": {name: {"enum": list(LABELS)} for name in keys},
        "required": list(keys),
        "additionalProperties": False,
    }


def in_doubt(trace: str, place: tuple[int, Criterion], verdict: Verdict | Unscored) -> bool:
    """Whether the second tier looks at a verdict: undecided, a failure of fact or validity, or drawn for the audit."""
    if isinstance(verdict, Unscored):
        return False
    low, high = DOUBTFUL
    if verdict.probability is not None and low <= verdict.probability <= high:
        return True
    if not verdict.holds and place[1] in REVIEWED_NEGATIVES:
        return True
    digest = hashlib.blake2b(f"{trace} {place}".encode("utf-8", "replace"), digest_size=4).digest()
    return int.from_bytes(digest) < AUDIT_SHARE * 2**32


async def _review(
    calls: Calls, shown: Shown, place: tuple[int, Criterion], before: Verdict | Unscored, *, protocol: Protocol
) -> tuple[tuple[int, Criterion], Verdict | Unscored]:
    """Reasons first, then a verdict with a quote. Without both, what the first tier said stands."""
    index, criterion = place
    messages = prompts.ask(protocol.language, shown, "reason", criterion, first=index + 1)
    thoughts = await calls.ask(messages, REASON, _read_thoughts, again=protocol.again)
    if isinstance(thoughts, Unscored):
        return place, before
    step = dict(shown.steps)[index + 1]
    asked = prompts.follow_up(protocol.language, messages, thoughts, index + 1)
    after = await calls.ask(asked, REVIEW, lambda reply: read_review(reply.content, step), again=protocol.again)
    if isinstance(after, Unscored) or isinstance(before, Unscored):
        return place, before
    return place, replace(before, holds=after.holds, tier=2, quote=after.quote, reason=after.reason)


def _read_thoughts(reply: Reply) -> str | Unscored:
    return reply.content.strip() or Unscored("the judge gave no reasons")


async def grade(calls: Calls, shown: Shown, *, language: str) -> float | Unscored:
    """The mean of five grades, or why one is missing (catalogue A6)."""
    asked = [
        calls.ask(
            prompts.ask(language, shown, "holistic", name),
            GRADE,
            lambda reply: read_grade(reply.content, reply.logprobs),
        )
        for name in prompts.rubric(language)["holistic"]
    ]
    grades = [await asked[0], *await asyncio.gather(*asked[1:])]
    missing = next((one for one in grades if isinstance(one, Unscored)), None)
    return missing or sum(one for one in grades if not isinstance(one, Unscored)) / len(grades)
