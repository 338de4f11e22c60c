"""A real judge client over a loopback TGI, and traces to judge."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hfscore.judge.address import parse_address
from hfscore.judge.client import Patience
from hfscore.judge.served import Choice, ServedJudge, open_judge
from hfscore.loopback import LoopbackTGI
from hfscore.ports import Judged, JudgedStep, Verdict
from hfscore.records import Trace, Unscored
from tests.fakes import trace

HEAD = Path(__file__).parent / "data" / "gsm8k_head.jsonl"
QUICK = Patience(deadline=20, timeout=2, first_wait=0.01, longest_wait=0.05)


def solutions(count: int) -> list[Trace]:
    """Gold solutions of GSM8K, without their last line."""
    rows = [json.loads(line) for line in HEAD.read_text(encoding="utf-8").splitlines()[:count]]
    found = [trace(row["answer"].partition("####")[0], question=row["question"]) for row in rows]
    return [replace(one, row=number) for number, one in enumerate(found)]


@contextmanager
def judging(
    tgi: LoopbackTGI, choice: Choice | None = None, *, store: Path | None = None, said: list[str] | None = None
) -> Iterator[ServedJudge]:
    """A judge that asks a loopback TGI."""
    say = said.append if said is not None else lambda sentence: None
    judge = open_judge(parse_address(tgi.url), choice or Choice(), key=None, store=store, say=say, patience=QUICK)
    try:
        yield judge
    finally:
        judge.close()


def steps_of(judged: Sequence[Judged | Unscored]) -> list[JudgedStep]:
    """All steps; none may be missing."""
    assert all(isinstance(one, Judged) for one in judged), [one for one in judged if not isinstance(one, Judged)]
    return [step for one in judged if isinstance(one, Judged) for step in one.steps]


def holds(judged: Sequence[Judged | Unscored]) -> list[dict[str, bool | str]]:
    """Every verdict as true or false, or why there is none."""
    return [
        {name: one.holds if isinstance(one, Verdict) else one.reason for name, one in step.verdicts.items()}
        for step in steps_of(judged)
    ]
