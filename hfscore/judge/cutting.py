"""What cuts a trace into the steps that are judged: rules, rules with the judge's joins, or the judge itself."""

from __future__ import annotations

from typing import Final, Literal

from hfscore.judge import prompts
from hfscore.judge.atomizer import ATOMIZE_SCHEMA, JOIN_SCHEMA, Aligned, align, joined, read_join
from hfscore.judge.calls import Calls, Form
from hfscore.judge.labels import NO_OBJECT, read_object
from hfscore.judge.plan import CHARACTERS_PER_TOKEN, reference_of
from hfscore.judge.reply import Reply
from hfscore.records import Trace, Unscored
from hfscore.text.steps import split_steps

Atomizer = Literal["splitter", "merge", "paper"]

JOIN_ROOM: Final = 8  # tokens an index
JSON_ROOM: Final = 1.5  # an emitted text with its quotes and escapes, against the text


async def cut(calls: Calls, trace: Trace, nonce: str, *, atomizer: Atomizer, language: str) -> Aligned | Unscored:
    """The steps of a trace, or why there are none. What the judge says is checked by code.

    Args:
        calls: Whom to ask.
        trace: The trace.
        nonce: Of its markers.
        atomizer: "splitter" asks nobody; "merge" asks which pieces to join, and joins none where the answer is
            unusable; "paper" has the judge write the steps out (the procedure of arXiv 2605.13290), which are then
            found in the trace.
        language: Rubric.
    """
    steps = split_steps(trace.reasoning)
    if atomizer == "merge" and len(steps) > 1:
        numbered = tuple((number, step.text) for number, step in enumerate(steps, 1))
        shown = prompts.Shown(trace.question, reference_of(trace), numbered, nonce)
        form = Form(64 + JOIN_ROOM * len(steps), schema=JOIN_SCHEMA)

        def read(reply: Reply) -> list[int] | Unscored:
            found = read_join(reply.content, len(steps))
            return NO_OBJECT if found is None else found

        join = await calls.ask(prompts.ask(language, shown, "merge"), form, read)
        steps = steps if isinstance(join, Unscored) else joined(steps, join)
    elif atomizer == "paper":
        shown = prompts.Shown(trace.question, None, ((1, trace.reasoning),), nonce)
        form = Form(256 + int(JSON_ROOM * len(trace.reasoning) / CHARACTERS_PER_TOKEN), schema=ATOMIZE_SCHEMA)
        emitted = await calls.ask(prompts.ask(language, shown, "atomize"), form, _read_steps)
        return emitted if isinstance(emitted, Unscored) else align(trace.reasoning, emitted)
    return Aligned(tuple(steps), verbatim=1.0, coverage=1.0, order_violations=0)


def _read_steps(reply: Reply) -> list[str] | Unscored:
    data = read_object(reply.content)
    steps = data.get("steps") if data else None
    if not isinstance(steps, list) or not steps or not all(isinstance(one, str) for one in steps):
        return NO_OBJECT
    return steps
