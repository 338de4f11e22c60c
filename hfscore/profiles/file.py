"""Profiles as TOML files.

schema = 1
name = "maths-7b"
size_b = [6, 8]              # billions of parameters; [11, inf] for no upper end

[[entry]]
metric = "rsr"
direction = "down"           # up, down, none, contested
grade = "C"                  # A, B, C, D, X
size_seen_b = [7, 7]
sources = ["scores.csv and outcomes.csv of 2026-11-18"]
languages = ["en"]
n = 6
evidence = "One sentence."
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfscore.errors import HfscoreError
from hfscore.profiles.model import SCHEMA, Entry, Profile

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def load_profile(path: Path | str) -> Profile:
    """Read a profile.

    Raises:
        HfscoreError: The file cannot be read, or is no profile; the place and the reason are named.
    """
    try:
        return parse(Path(path).read_text(encoding="utf-8"), name=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise HfscoreError(
            f"The profile '{path}' cannot be read ({error}).", "'hfscore evidence fit' writes one."
        ) from error


def parse(text: str, *, name: str) -> Profile:
    """Read a profile's text.

    Args:
        text: TOML.
        name: What to call it in errors.

    Raises:
        HfscoreError: As of `load_profile`.
    """
    from pydantic import ValidationError

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise HfscoreError(f"The profile '{name}' is not TOML ({error}).") from error
    if data.get("schema") != SCHEMA:
        raise HfscoreError(f"The profile '{name}' has schema {data.get('schema')!r}; this version reads {SCHEMA}.")
    if unknown := _unknown(data):
        raise HfscoreError(f"The profile '{name}' holds '{unknown}', which no profile has.", "Check its spelling.")
    try:
        profile = _adapter().validate_python(_from_toml(data))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise HfscoreError(f"The profile '{name}' is none: {where}: {first['msg']}.") from error
    if problem := flaw(profile):
        raise HfscoreError(f"The profile '{name}' is none: {problem}.")
    return profile


def _unknown(data: Mapping[str, Any]) -> str:
    """A key that is not one of the form, or nothing."""
    known = {field.name for field in fields(Profile)} - {"entries"} | {"entry"}
    parts = {field.name for field in fields(Entry)}
    entries = [one for one in data.get("entry", ()) if isinstance(one, dict)]
    return next((key for key in data if key not in known), "") or next(
        (key for one in entries for key in one if key not in parts), ""
    )


def flaw(profile: Profile) -> str:
    """What is wrong with a profile beyond its types, or nothing."""
    if not profile.name.strip():
        return "it has no name"
    metrics = [one.metric for one in profile.entries]
    if double := next((name for name in metrics if metrics.count(name) > 1), None):
        return f"'{double}' has two entries"
    for where, ends in [("size_b", profile.size_b), *((one.metric, one.size_seen_b) for one in profile.entries)]:
        if ends and not (0 <= ends[0] < math.inf and (ends[1] is None or ends[0] <= ends[1])):
            return f"the range of {where} holds no size"
    for one in profile.entries:
        if not one.metric or not one.sources or not all(source.strip() for source in one.sources):
            return f"'{one.metric}' has no source"
        if one.grade == "-":
            return f"'{one.metric}' has no grade"
        if one.n is not None and one.n < 1:
            return f"'{one.metric}' rests on {one.n} datasets"
    return ""


def dump(profile: Profile) -> str:
    """A profile as TOML, which `load_profile` reads back equal."""
    lines = [f"schema = {profile.schema}", f"name = {_value(profile.name)}", f"size_b = {_value(profile.size_b)}"]
    ends = {"seen_from_b": profile.seen_from_b, "seen_to_b": profile.seen_to_b}
    lines += [f"{key} = {_value(size)}" for key, size in ends.items() if size is not None]
    for one in profile.entries:
        lines += ["", "[[entry]]"]
        for field in fields(Entry):
            value = getattr(one, field.name)
            if field.default is MISSING or value != field.default:
                lines.append(f"{field.name} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return "[" + ", ".join("inf" if one is None else _value(one) for one in value) + "]"
    return f"{value:g}" if isinstance(value, float) and value == round(value, 4) else repr(value)


def _from_toml(data: Mapping[str, Any]) -> dict[str, Any]:
    """Keys as the value names them: `entry` is `entries`, an infinite upper end is None."""
    renamed = {("entries" if key == "entry" else key): _finite(value) for key, value in data.items()}
    if isinstance(renamed.get("entries"), list):
        renamed["entries"] = [
            {key: _finite(value) for key, value in one.items()} if isinstance(one, dict) else one
            for one in renamed["entries"]
        ]
    return {"entries": (), **renamed}


def _finite(value: Any) -> Any:
    if isinstance(value, list) and len(value) == 2 and value[1] == math.inf:
        return [value[0], None]
    return value


@cache
def _adapter() -> TypeAdapter[Profile]:
    from pydantic import TypeAdapter

    return TypeAdapter(Profile)
