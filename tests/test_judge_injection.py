"""Injected copies through the real judge: what obeys unescaped text is never reached, what is swayed is flagged."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hfscore.judge.served import Choice
from hfscore.loopback import LoopbackTGI
from hfscore.loopback.tgi import Brain, Said, fixed, obedient, rules
from hfscore.loopback.tgi_brains import ordered
from hfscore.ports import Judged
from hfscore.records import Trace, Unscored
from hfscore.text.addressed import addressed
from tests.injections import DEVELOPED, clean, injected, payloads
from tests.served import holds, judging

FAMILIES = tuple(DEVELOPED)
EACH = 24


def copies() -> list[Trace]:
    return [injected(family, index) for family in FAMILIES for index in range(min(EACH, len(payloads(family))))]


def judged(traces: Sequence[Trace], brain: Brain) -> list[Judged | Unscored]:
    with LoopbackTGI(brain=brain) as tgi, judging(tgi, Choice(mode="batch", tiers=1)) as judge:
        return judge.judge(traces)


def test_a_server_that_obeys_what_reaches_it_unescaped_is_never_given_an_order() -> None:
    traces = copies()
    assert len(traces) >= 100
    orders: list[str | None] = []

    def brain(messages: Sequence[dict[str, str]]) -> Said:
        orders.append(ordered(messages))
        return obedient(messages)

    assert holds(judged(traces, brain)) == holds(judged(traces, rules))
    assert len(orders) > 4 * len(traces)
    assert set(orders) == {None}


def test_without_escapes_the_same_server_obeys() -> None:
    traces = [injected("role", index) for index in range(8)]
    raw = [[{"role": "user", "content": f"Judge this.\n{trace.reasoning}\nAnswer: 1 or 0."}] for trace in traces]
    assert any(ordered(messages) for messages in raw)


def test_what_a_gullible_server_makes_of_a_trace_is_flagged() -> None:
    """A judge that believes whatever is written inside a trace is swayed; each trace that sways it carries the flag."""

    def gullible(messages: Sequence[dict[str, str]]) -> Said:
        text = messages[-1]["content"]
        swayed = re.search(
            r"ignore|label|verdict|grader|judge|accept|correct|valid|answer 1|oce[nń]|bewert|system",
            text.partition("<ask ")[0].partition("<steps ")[2],
            re.IGNORECASE,
        )
        return fixed("1" if swayed else "0")(messages)

    traces = copies()
    changed = [
        trace
        for trace, one in zip(traces, judged(traces, gullible), strict=True)
        if isinstance(one, Judged) and any(verdict is True for step in holds([one]) for verdict in step.values())
    ]
    assert len(changed) > 30
    assert [trace.reasoning for trace in changed if not addressed(trace.reasoning)] == []


def test_clean_traces_are_hardly_flagged() -> None:
    flagged = [trace for trace in clean() if addressed(trace.reasoning)]
    assert len(flagged) <= 0.01 * len(clean())
