"""A run that is killed loses nothing that was stored: it goes on, asks nothing twice, and ends with the same scores.

HFSCORE_KILLS sets how often (10 by default).
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from hfscore.judge.background import Background
from hfscore.judge.calls import Calls
from hfscore.judge.prompts import read
from hfscore.judge.server import probe
from hfscore.judge.store import Store
from hfscore.judge.verdicts import LABEL, REASON, REVIEW
from hfscore.loopback import LoopbackTGI
from hfscore.loopback.tgi import Said, rules
from tests.served import QUICK, holds, judging, solutions

KILLS = int(os.environ.get("HFSCORE_KILLS", "10"))
TRACES = 12
RUN = f"""
import json, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from hfscore.judge.address import parse_address
from hfscore.judge.served import Choice, open_judge
from tests.served import holds, solutions
judge = open_judge(parse_address(sys.argv[1]), Choice(), key=None, store=Path(sys.argv[2]), say=lambda sentence: None)
print("open", flush=True)
print(json.dumps(holds(judge.judge(solutions({TRACES})))), flush=True)
judge.close()
"""
FORMS = {"label": LABEL, "reason": REASON, "verdict": REVIEW}


class Listening:
    """A brain that remembers the prompts it was asked."""

    def __init__(self) -> None:
        self.heard: list[list[dict[str, str]]] = []

    def __call__(self, messages: Sequence[dict[str, str]]) -> Said:
        self.heard.append(list(messages))
        return rules(messages)


def stored(path: Path) -> set[str]:
    if not path.exists():
        return set()
    with Store.open(path) as store:
        return {row[0] for row in store._connection.execute("SELECT key FROM answers")}


def names(tgi: LoopbackTGI, heard: Sequence[list[dict[str, str]]]) -> list[str]:
    """The keys under which answers to these prompts are stored."""
    with judging(tgi) as judge:
        calls: Calls = judge._calls
        judged = [one for one in heard if "<ask " in one[-1]["content"] or len(one) > 2]
        return [calls._name(calls.body(one, FORMS[read(one).kind])) for one in judged]


def test_killed_at_random_moments_a_run_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    draw = random.Random(4)
    brain = Listening()
    with LoopbackTGI(brain=brain, latency=0.05) as tgi:
        with judging(tgi) as judge:
            undisturbed = holds(judge.judge(solutions(TRACES)))
        path = tmp_path / "store.sqlite"
        seen: list[int] = []
        while len(seen) < KILLS:
            known = stored(path)
            brain.heard.clear()
            process = subprocess.Popen(
                [sys.executable, "-c", RUN, tgi.url, str(path)], stdout=subprocess.PIPE, text=True
            )
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            time.sleep(draw.uniform(0.05, 0.5))
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            seen.append(len(known))
            assert not known & set(names(tgi, brain.heard))
        brain.heard.clear()
        known = stored(path)
        done = subprocess.run(
            [sys.executable, "-c", RUN, tgi.url, str(path)], stdout=subprocess.PIPE, text=True, check=True
        )
        assert not known & set(names(tgi, brain.heard))
    assert json.loads(done.stdout.splitlines()[1]) == undisturbed
    assert len(set(seen)) >= 3, "the kills were to strike a run that had come further each time"


def test_the_test_would_see_an_answer_asked_twice(tmp_path: Path) -> None:
    brain = Listening()
    with LoopbackTGI(brain=brain) as tgi:
        with judging(tgi, store=tmp_path / "store.sqlite") as judge:
            judge.judge(solutions(2))
        known = stored(tmp_path / "store.sqlite")
        brain.heard.clear()
        with judging(tgi, store=tmp_path / "store.sqlite") as judge:
            judge.repeat(solutions(1))
        assert known & set(names(tgi, brain.heard))


def test_two_processes_on_one_store_agree(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with LoopbackTGI(latency=0.01) as tgi:
        both = [
            subprocess.Popen([sys.executable, "-c", RUN, tgi.url, str(path)], stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        said = [one.communicate(timeout=60)[0].splitlines()[1] for one in both]
        assert [one.returncode for one in both] == [0, 0]
        with judging(tgi, store=path) as judge:
            tgi.clear()
            assert holds(judge.judge(solutions(TRACES))) == json.loads(said[0]) == json.loads(said[1])
            assert not [one for one in tgi.requests if one.kind]


def test_probing_costs_a_dozen_short_calls() -> None:
    from hfscore.judge.address import parse_address
    from hfscore.judge.client import Client

    background = Background()
    try:
        with LoopbackTGI() as tgi:
            client = Client(parse_address(tgi.url), None, QUICK)
            background.run(client.__aenter__())
            background.run(probe(client))
            background.run(client.__aexit__(None, None, None))
            assert tgi.requests.count("POST", "chat/completions") <= 14
    finally:
        background.close()
