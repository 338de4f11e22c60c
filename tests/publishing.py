"""What the tests of publishing share: a card, something to publish, patience that does not wait."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from hfscore.hub.client import Patience
from hfscore.hub.push import Outcome, Push, push
from hfscore.loopback import Discussion, LoopbackHub

CARD = b"---\nlicense: mit\nlanguage:\n- en\n---\n# Traces\n\nWritten by hand.\n"
ROWS = b'{"question": "1+1?", "reasoning": "One and one.", "answer": "2"}\n'
COMMIT = r"/commit/"

_count = itertools.count(1)


def new_name(owner: str = "maintainer") -> str:
    """A dataset name that no other test uses."""
    return f"{owner}/traces-{next(_count)}"


def new_dataset(hub: LoopbackHub, files: Mapping[str, bytes] | None = None, *, owner: str = "maintainer") -> str:
    """A dataset with a card and one data file."""
    name = new_name(owner)
    hub.create_dataset(name, {"README.md": CARD, "data.jsonl": ROWS} if files is None else files)
    return name


def section(value: str = "0.50") -> str:
    return f"## Reasoning quality\n\n| metric | value |\n| --- | --- |\n| overlap | {value} |\n"


def material(repo_id: str, value: str = "0.50", *, report: bytes | None = None, **identity: str) -> Push:
    """A section with a number in it, with the report beside it if one is given."""
    side = {} if report is None else {".hfscore/report.json": report}
    block = {"schema": 1, "version": "0.1.0", "data_fingerprint": f"sha256:{0:064x}", **identity}
    return Push(repo_id, section(value), block, side)


@dataclass
class Waits:
    """Patience that writes down how long it was asked to wait, and goes on at once."""

    seconds: list[float] = field(default_factory=list)

    def patience(self, left: float = 320.0) -> Patience:
        return Patience(left, self.seconds.append)


def publish(repo_id: str, value: str = "0.50", **options: object) -> Outcome:
    """Push a section without waiting."""
    return push(material(repo_id, value), patience=Waits().patience(), **options)  # type: ignore[arg-type]


def pull_requests(hub: LoopbackHub, repo_id: str) -> list[Discussion]:
    return [one for one in hub.discussions(repo_id) if one.is_pull_request]


def commits(hub: LoopbackHub) -> int:
    """How many commits were asked for since the log was emptied."""
    return hub.requests.count("POST", COMMIT)
