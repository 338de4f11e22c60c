"""Every option that decides a number, as one value: hashed for staleness, printed as the command that repeats a run."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfscore.report import settings_hash
from hfscore.spec import Family

DEFAULT_ROWS = 200
PATHS = ("encoder", "student", "contamination")  # options that may name a file or folder


@dataclass(frozen=True, slots=True)
class Settings:
    """What to read, what to measure, and with what.

    Args:
        config: Configs to score; empty chooses by rule.
        split: Splits to score; empty chooses by rule.
        rows: Questions to draw at random, or None for all rows.
        seed: Seed of the draw and of every bootstrap.
        metric: Families or metrics to measure; empty for all that can be.
        by: Columns to break every number down by.
        encoder: Sentence encoder of the alignment metrics.
        student: Models whose tokenizers and chat templates measure what fits a training length.
        contamination: Index files of evaluation sets to look for.
        question: Column paths of the question; empty for detection.
        reasoning: Column paths of the reasoning.
        response: Column paths of the response.
        reference: Column paths of the reference answer.
    """

    config: tuple[str, ...] = ()
    split: tuple[str, ...] = ()
    rows: int | None = DEFAULT_ROWS
    seed: int = 0
    metric: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    encoder: str | None = None
    student: tuple[str, ...] = ()
    contamination: tuple[str, ...] = ()
    question: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    response: tuple[str, ...] = ()
    reference: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, tuple) and not isinstance(value, tuple):
                whole = (value,) if isinstance(value, str) else tuple(value)
                object.__setattr__(self, field.name, whole)  # a list, or one name, means the same

    def hash(self, families: Sequence[Family]) -> str:
        """Name what is measured: equal for equal measurements, however they were asked for.

        Args:
            families: What `metric` chose, all of it for none.

        Returns:
            "sha256:...".
        """
        data = as_json(self)
        data |= {name: sorted(set(data[name])) for name in ("config", "split", "by", "student", "contamination")}
        data["metric"] = bool(self.metric)
        versions = {family.id: family.version for family in families}
        return settings_hash({"settings": data, "families": versions})


def as_json(settings: Settings) -> dict[str, Any]:
    """Plain data, tuples as lists."""
    data = dataclasses.asdict(settings)
    for name in PATHS:  # a folder of this machine is nobody else's business
        value = data[name]
        data[name] = _short(value) if isinstance(value, str) else tuple(map(_short, value or ())) or value
    return {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}


def _short(name: str) -> str:
    return Path(name).name if Path(name).exists() else name


def command(settings: Settings, source: str, revision: str | None) -> str:
    """The shell line that repeats a run; every argument quoted."""
    words = ["hfscore", "score", source]
    if revision:
        words += ["--revision", revision]
    default, shown = Settings(), as_json(settings)
    for field in dataclasses.fields(Settings):
        value = shown[field.name]
        if field.name in ("rows", "seed"):
            words += [f"--{field.name}", "all" if value is None else str(value)]
        elif isinstance(value, list):
            words += [word for item in value for word in (f"--{field.name}", item)]
        elif value != getattr(default, field.name):
            words += [f"--{field.name}", str(value)]
    return shlex.join(words)
