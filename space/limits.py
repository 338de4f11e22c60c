"""What a visitor may ask for, read from the environment once, so that an operator can change it without code."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one deployment.

    Args:
        on_space: Whether strangers use this page: on a Space, not on somebody's own machine.
        rows: Questions of one run, at most; more by default where nobody else waits.
        megabytes: Data files of the chosen splits, at most.
        seconds: One run, at most.
        memory: Gigabytes of one run, at most.
        at_once: Runs at once; the others wait in the order in which they came.
        per_hour: Runs of one visitor in an hour.
        students: Students of one run, at most.
        shown: Characters of one trace that are shown; the export holds all.
        hosts: "host:port" of judges on private addresses that visitors may name.
    """

    on_space: bool
    rows: int = 500
    megabytes: int = 4000
    seconds: int = 1800
    memory: int = 12
    at_once: int = 2
    per_hour: int = 30
    students: int = 2
    shown: int = 100_000
    hosts: frozenset[str] = frozenset()


def read(environ: dict[str, str] | None = None) -> Limits:
    """The limits of this process: HFSCORE_SPACE_ROWS=1000 and the like; HFSCORE_SPACE_HOSTS=10.0.0.5:8080,..."""
    env = os.environ if environ is None else environ
    on_space = env.get("SYSTEM") == "spaces"
    names = ("rows", "megabytes", "seconds", "memory", "at_once", "per_hour", "students", "shown")
    given = {name: int(env[key]) for name in names if (key := f"HFSCORE_SPACE_{name.upper()}") in env}
    hosts = frozenset(host.strip().lower() for host in env.get("HFSCORE_SPACE_HOSTS", "").split(",") if host.strip())
    given.setdefault("rows", 500 if on_space else 100_000)
    return Limits(on_space=on_space, hosts=hosts, **given)
