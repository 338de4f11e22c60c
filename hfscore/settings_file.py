"""`.hfscore.toml`: settings that a dataset keeps beside its data, for the command line, the Action and the Space.

Keys are the long options of `hfscore score` without their dashes, and a table `[gate]` with those of `hfscore gate`:

    rows = 500
    config = ["full", "concise"]
    reasoning = ["trace"]

    [gate]
    fail-under = ["arithmetic=0.95"]

Read strictly: a key that is not known, or a value of another kind, is refused by name. What comes with somebody
else's data may choose what is measured, and nothing that would call a server, load a model, read a path or spend.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from hfscore.errors import HfscoreError
from hfscore.settings import Settings

if TYPE_CHECKING:
    from pydantic import BaseModel

FILE = ".hfscore.toml"
HARMLESS = frozenset(
    {"config", "split", "rows", "seed", "metric", "by", "question", "reasoning", "response", "reference", "target"}
)
GATE: Mapping[str, Any] = {"fail_under": tuple[str, ...], "fail_over": tuple[str, ...], "baseline": str}


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What a file says.

    Args:
        where: The file, to print.
        settings: Field of `Settings` -> value.
        gate: Option of `hfscore gate` ("fail_under", "fail_over", "baseline") -> value.
        left_out: Keys that were there and do not count, because the file is not the user's own.
    """

    where: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    gate: Mapping[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def over(self, settings: Settings) -> Settings:
        """Settings with what the file says put over them."""
        return dataclasses.replace(settings, **self.settings)

    def under(self, settings: Settings) -> Settings:
        """Settings in which the file speaks where they are still at their defaults."""
        usual = Settings()
        said = {k: v for k, v in self.settings.items() if getattr(settings, k) == getattr(usual, k)}
        return dataclasses.replace(settings, **said)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was taken and what was not, whole sentences."""
        said = []
        if self.settings:
            said.append(f"Settings from {self.where}: {', '.join(map(key_of, self.settings))}.")
        if self.left_out:
            names = ", ".join(self.left_out)
            said.append(f"Left out of {self.where}, which came with the data: {names}. Give them as options.")
        return tuple(said)


def key_of(name: str) -> str:
    """The key of a field of `Settings`: its long option."""
    return name.replace("_", "-")


@functools.cache
def _model() -> type[BaseModel]:
    from pydantic import ConfigDict, Field, create_model

    strict = ConfigDict(strict=True, extra="forbid", alias_generator=key_of)
    hints: dict[str, Any] = typing.get_type_hints(Settings)
    hints["rows"] = Annotated[int, Field(gt=0)] | Literal["all"]
    gates: dict[str, Any] = {name: (kind, None) for name, kind in GATE.items()}
    gate = create_model("Gate", __config__=strict, **gates)
    fields: dict[str, Any] = {name: (kind, None) for name, kind in hints.items()}
    return create_model("SettingsFile", __config__=strict, **fields, gate=(gate, None))


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors."""
    return _model().model_json_schema()


def parse(text: bytes, where: str, *, own: bool) -> SettingsFile:
    """Read a settings file.

    Args:
        text: The file.
        where: What to call it.
        own: Whether it is the user's own; otherwise only keys in `HARMLESS` and the gate count.

    Raises:
        HfscoreError: It is no TOML, has a key that is not known, or a value of another kind.
    """
    from pydantic import ValidationError

    try:
        data = tomllib.loads(text.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise HfscoreError(f"{where} is no TOML ({error}).", "Mend it, or run with --settings-file none.") from error
    try:
        # As JSON, for there a strict model takes a list for a tuple.
        read = _model().model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        raise _refusal(where, error.errors()[0]) from error
    found = {name: getattr(read, name) for name in read.model_fields_set}
    gate = found.pop("gate", None)
    if found.get("rows") == "all":
        found["rows"] = None
    allowed = {name: value for name, value in found.items() if own or name in HARMLESS}
    left_out = tuple(sorted(key_of(name) for name in found if name not in allowed))
    gates = {name: getattr(gate, name) for name in gate.model_fields_set} if gate is not None else {}
    if not own and gates.pop("baseline", None) is not None:
        left_out += ("gate.baseline",)
    return SettingsFile(where, allowed, gates, left_out)


def _refusal(where: str, error: Any) -> HfscoreError:
    path = [str(part) for part in error["loc"]]
    key = ".".join(path[:2] if path[0] == "gate" else path[:1])  # further parts are places in a list or a union
    if error["type"] == "extra_forbidden":
        known = [key_of(one.name) for one in dataclasses.fields(Settings)]
        if key.startswith("gate."):
            known = [f"gate.{key_of(name)}" for name in GATE]
        near = difflib.get_close_matches(key, known, n=1)
        return HfscoreError(f"{where}: there is no key '{key}'.", f"Keys: {', '.join(near or known)}.")
    return HfscoreError(f"{where}: the value of '{key}' does not fit: {error['msg']}.", "See docs/ci.md for the file.")


def load(path: Path, *, own: bool) -> SettingsFile:
    """Read a settings file from disk; see `parse`."""
    try:
        return parse(path.read_bytes(), str(path), own=own)
    except OSError as error:
        raise HfscoreError(
            f"{path} cannot be read ({error.strerror}).", "Name another with --settings-file."
        ) from error


def find(source: Path | None) -> SettingsFile | None:
    """The file that goes with a run: the working folder's, which counts whole, or the one beside a local source.

    Args:
        source: Local file or folder that is scored, or None.
    """
    if Path(FILE).is_file():
        return load(Path(FILE), own=True)
    if source is None:
        return None
    path = (source if source.is_dir() else source.parent) / FILE
    return load(path, own=False) if path.is_file() else None
