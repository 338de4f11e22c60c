"""How much memory there is, and how much a model needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

_CGROUP = Path("/sys/fs/cgroup")
_MEMINFO = Path("/proc/meminfo")


def available(device: torch.device) -> int | None:
    """Bytes that can still be taken on a device; None where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type != "cpu":
        return None
    known = [size for size in (_free(), _left_to_group()) if size is not None]
    return min(known) if known else None


def _free() -> int | None:
    """What Linux calls available: free, or a cache that can be dropped."""
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _left_to_group() -> int | None:
    """What the limit of a container leaves; caches of files count as used there and can be dropped."""
    try:
        limit, used = (_CGROUP / "memory.max").read_text(), (_CGROUP / "memory.current").read_text()
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
    except OSError:
        return None
    if limit.strip() == "max":
        return None
    return max(0, int(limit) - int(used) + int(stat.get("inactive_file", 0)))


def activations(model: Any, tokens: int) -> int:
    """Bytes that one layer's hidden states take, about: states around attention, and those inside the feed-forward."""
    narrow = model.get_input_embeddings().weight.shape[1]
    wide = getattr(model.config.get_text_config(), "intermediate_size", None) or 4 * narrow
    wide = max(wide) if isinstance(wide, list | tuple) else wide
    return int(tokens * model.dtype.itemsize * (8 * narrow + 3 * wide))
