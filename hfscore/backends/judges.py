"""The judge that the settings name: rules in this process, or a server behind its own client and store."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hfscore.errors import HfscoreError
from hfscore.judge.address import key_for, parse_address
from hfscore.judge.budget import parse
from hfscore.judge.check_result import CheckResult, load
from hfscore.judge.correction import applies
from hfscore.judge.rules import RulesJudge
from hfscore.judge.store import default_path
from hfscore.ports import Judge
from hfscore.settings import Settings

if TYPE_CHECKING:
    from hfscore.judge.cutting import Atomizer


@dataclass(frozen=True, slots=True)
class Slot:
    """One of several processes that ask one judge at the same time.

    Args:
        store: The file of the answers that this process gets; those of the run's own store are read as well.
        of: How many processes share the calls that may be on their way at once.
    """

    store: Path
    of: int


def store_of(settings: Settings) -> Path:
    """The file of a run's judge answers."""
    return Path(settings.judge_store) if settings.judge_store else default_path()


def open_judge(settings: Settings, say: Callable[[str], None], slot: Slot | None = None) -> Judge:
    """Open the judge of a run.

    Args:
        settings: With a judge named.
        say: Told what its server cannot do and what is done instead.
        slot: Which of several processes this is; None for the only one.

    Raises:
        HfscoreError: The address is none, its key may not go there, or nothing there answers as a judge.
    """
    address = parse_address(settings.judge or "")
    checked = load(Path(settings.judge_check)) if settings.judge_check else None
    if address.kind == "rules":
        return _checked(RulesJudge(checked), checked)
    from hfscore.judge import served  # aiohttp, a fifth of a second

    choice = served.Choice(
        model=settings.judge_model,
        mode=settings.judge_mode,
        rubric=settings.judge_rubric,
        tiers=settings.judge_tiers,
        atomizer=cast("Atomizer", settings.atomizer),
        budget=parse(settings.budget, settings.price) if settings.budget else None,
        checked=checked,
    )
    judge = served.open_judge(
        address,
        choice,
        key=key_for(address, settings.judge_key_env, os.environ),
        store=slot.store if slot else store_of(settings),
        behind=store_of(settings) if slot else None,
        of=slot.of if slot else 1,
        say=say,
    )
    return _checked(judge, checked)


def _checked(judge: Judge, checked: CheckResult | None) -> Judge:
    if checked is not None and not applies(checked, judge.name):
        close_judge(judge, lambda sentence: None)
        raise HfscoreError(
            f"The check is about the judge {checked.judge.id}, not about {judge.name.id}.",
            "Check this judge: hfscore judge check --judge ... --out FILE",
        )
    return judge


def close_judge(judge: Judge, say: Callable[[str], None]) -> None:
    """Close a judge that has a session, and say what it was asked."""
    if isinstance(judge, RulesJudge):
        return
    from hfscore.judge.served import ServedJudge

    assert isinstance(judge, ServedJudge)
    judge.close()
    say(judge.spent())
