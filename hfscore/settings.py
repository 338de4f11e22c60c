"""Every option that decides a number, as one value: hashed for staleness, printed as the command that repeats a run."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfscore.report import settings_hash
from hfscore.spec import Family

DEFAULT_ROWS = 200
PATHS = (
    "encoder",
    "student",
    "contamination",
    "judge_check",
    "reference_lm",
    "profile",
)  # options that may name a file or folder
ACCESS = ("judge_key_env", "judge_store", "target", "profile")  # options that decide no number


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
        student: Models to be trained: their tokenizers measure what fits a training length, their weights the fit.
        reference_lm: Causal language model of perplexity, entropy and gain; None for the default, "none" for none.
        contamination: Index files of evaluation sets to look for.
        judge: "rules", "hf:MODEL", or the address of a server; None for no judge.
        judge_model: The model to ask for at that address; None for the one that it serves.
        judge_mode: "label" (a call a step and criterion), "batch" (a call a window of steps and criterion) or "auto".
        judge_rubric: Language of the rubric, "en" or "pl".
        judge_tiers: 1 for labels alone; 2 to ask doubtful verdicts again, with reasons and a quote.
        judge_check: Result of `hfscore judge check`, to correct rates by.
        atomizer: "splitter" (rules), "merge" (rules, joined by the judge) or "paper" (the judge's own cuts).
        budget: What the judge may spend: tokens ("2M"), or money with `price` ("$5"); None for no bound.
        price: Money for a million tokens sent and a million answered, or empty.
        judge_key_env: Environment variable that holds the judge's key.
        judge_store: File of the judge's answers; None for the user's cache.
        target: Sizes of student to read the report for, such as "8B"; empty for those of the students.
        profile: Files with evidence of the user's own, shown beside what is published.
        controls: Whether damaged copies of a sample of the traces are scored beside them.
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
    reference_lm: str | None = None
    contamination: tuple[str, ...] = ()
    judge: str | None = None
    judge_model: str | None = None
    judge_mode: str = "auto"
    judge_rubric: str = "en"
    judge_tiers: int = 2
    judge_check: str | None = None
    atomizer: str = "splitter"
    budget: str | None = None
    price: tuple[float, ...] = ()
    judge_key_env: str | None = None
    judge_store: str | None = None
    target: tuple[str, ...] = ()
    profile: tuple[str, ...] = ()
    controls: bool = False
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
        data = {name: value for name, value in data.items() if name not in ACCESS}
        if not self.controls:
            del data["controls"]  # as before there were any
        versions = {family.id: family.version for family in families}
        return settings_hash({"settings": data, "families": versions})


def as_json(settings: Settings) -> dict[str, Any]:
    """Plain data, tuples as lists. A folder or a server of this machine is nobody else's business."""
    data = dataclasses.asdict(settings)
    for name in PATHS:
        value = data[name]
        data[name] = _short(value) if isinstance(value, str) else tuple(map(_short, value or ())) or value
    if settings.judge and settings.judge != "rules" and not settings.judge.startswith("hf:"):
        data["judge"] = "URL"
    if settings.judge_model and Path(settings.judge_model).is_absolute():
        data["judge_model"] = Path(settings.judge_model).name
    data["judge_store"] = data["judge_key_env"] = None
    return {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}


def from_json(data: Mapping[str, Any]) -> Settings:
    """Settings from their fields as JSON gave them back: lists are tuples again."""
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    return Settings(**values)


def _short(name: str) -> str:
    return Path(name).name if Path(name).exists() else name


def command(settings: Settings, source: str, revision: str | None, verb: str = "score") -> str:
    """The shell line that repeats a run; every argument quoted."""
    words = ["hfscore", verb, source]
    if revision:
        words += ["--revision", revision]
    return shlex.join([*words, *arguments(as_json(settings))])


def arguments(values: Mapping[str, Any]) -> list[str]:
    """The options that say what settings say.

    Args:
        values: Every field of `Settings` -> its value, tuples or lists alike.
    """
    words, default = [], Settings()
    for field in dataclasses.fields(Settings):
        value = values[field.name]
        if field.name in ("rows", "seed"):
            words += [f"--{field.name}", "all" if value is None else str(value)]
        elif field.name == "price":
            words += ["--price", *map(str, value)] if value else []
        elif isinstance(value, bool):
            words += [f"--{field.name}"] if value else []
        elif isinstance(value, list | tuple):
            words += [word for item in value for word in (f"--{field.name}", item)]
        elif value != getattr(default, field.name):
            words += [f"--{field.name.replace('_', '-')}", str(value)]
    return words
