"""How large a model is: counted in its safetensors, on this machine where they lie here, else by the Hub."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from hfscore.backends.language_models import where

SECONDS_TO_ANSWER = 10
FLOATS = {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"}  # others are packed: shapes do not count weights
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")


@dataclass(frozen=True, slots=True)
class ModelSize:
    """What is known of a model's size.

    Args:
        weights: Number of parameters, or None where they could not be counted.
        experts: Whether its config names experts, so that only some are active on a token.
    """

    weights: int | None
    experts: bool


def model_size(name: str) -> ModelSize:
    """Count a model's parameters without loading it.

    Args:
        name: "owner/model", "owner/model@revision", a folder, or the name of the shipped one.
    """
    place = where(name)
    if Path(place).is_dir():
        return _of_folder(Path(place))
    model_id, _, revision = place.partition("@")
    folder = _cached(model_id, revision or None)
    found = _of_folder(folder) if folder else ModelSize(None, experts=False)
    return found if found.weights is not None else _of_hub(model_id, revision or None, experts=found.experts)


def _of_folder(folder: Path) -> ModelSize:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        config = {}
    config = config if isinstance(config, dict) else {}
    experts = any(isinstance(count := config.get(key), int) and count > 1 for key in EXPERTS)
    try:
        weights = sum(map(_count, _files(folder)))
    except (ImportError, OSError, ValueError, LookupError, TypeError, AttributeError):
        weights = 0
    return ModelSize(weights or None, experts)


def _files(folder: Path) -> list[Path]:
    """The files of the whole model; others in the folder may be adapters, or the same weights once more."""
    if (whole := folder / "model.safetensors").is_file():
        return [whole]
    index = json.loads((folder / "model.safetensors.index.json").read_text(encoding="utf-8"))
    return [folder / Path(name).name for name in sorted(set(index["weight_map"].values()))]


def _count(file: Path) -> int:
    """Parameters in a file, from its header.

    Raises:
        ValueError: They are packed, or the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as opened:
            slices: list[Any] = [opened.get_slice(key) for key in opened.keys()]  # noqa: SIM118
            if not {one.get_dtype() for one in slices} <= FLOATS:
                raise ValueError(f"packed weights in {file.name}")
            return sum(prod(one.get_shape()) for one in slices)
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _cached(model_id: str, revision: str | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(model_id, "config.json", revision=revision)
    except HFValidationError:
        return None
    return Path(found).parent if isinstance(found, str) else None


def _of_hub(model_id: str, revision: str | None, *, experts: bool) -> ModelSize:
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError

    try:
        info = HfApi().model_info(
            model_id, revision=revision, timeout=SECONDS_TO_ANSWER, expand=["safetensors", "config"]
        )
    except (OSError, httpx2.HTTPError, HFValidationError):
        return ModelSize(None, experts)
    kind = str((info.config or {}).get("model_type", ""))
    counted = info.safetensors
    plain = counted is not None and set(counted.parameters) <= FLOATS
    return ModelSize(counted.total if counted and plain else None, experts or "moe" in kind or kind == "mixtral")
