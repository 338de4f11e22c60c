"""What figures are measured with: the machine in words, its ceilings, peak memory, and designs in turn.

Knows no design. Figures that the system does not give are None, never a guess.
"""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

GIB = 2**30
BUSY = 0.5  # of a core, per core: beyond it another run's figures are in these
PACKAGES = (
    "hfscore",
    "numpy",
    "torch",
    "transformers",
    "sentence-transformers",
    "liger-kernel",
    "datasets",
    "pyarrow",
    "aiohttp",
    "huggingface-hub",
    "openai",
)
# Instructions that decide the speed of matrix products; the kernel's names and ours.
_UNITS = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "AVX-512 bf16", "amx_bf16": "AMX bf16", "asimd": "NEON"}
_STATUS, _STAT, _REFS = Path("/proc/self/status"), Path("/proc/stat"), Path("/proc/self/clear_refs")


def say(words: str) -> None:
    """Tell how far the run is, beside its output."""
    print(words, file=sys.stderr, flush=True)


# The machine


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """Threads of matrix products: OMP_NUM_THREADS, else one a core."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) else cores()


def machine(device: str) -> dict[str, Any]:
    """The machine in words, and the versions of what matters here."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    gpu = None
    if device == "cuda":
        import torch

        gpu = torch.cuda.get_device_name()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB if hasattr(os, "sysconf") else None
    return {
        "cpu": _cpu(),
        "cores": cores(),
        "threads": threads(),
        "memory_gib": memory and round(memory, 1),
        "gpu": gpu,
        "system": f"{platform.system()} on {platform.machine()}",
        "python": platform.python_version(),
        "versions": found,
    }


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text().lower()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    words = set(text.split())
    units = [ours for name, ours in _UNITS.items() if name in words]
    return f"{names[0] if names else 'unknown'} ({', '.join(units) or 'no wide units known'})"


@dataclass(frozen=True, slots=True)
class Moment:
    """How busy the machine is at one time.

    Args:
        load: Load average of the last minute.
        busy: Core seconds that all processes have used since start-up, or None.
        own: Core seconds of this process and its children.
        clock: Seconds.
    """

    load: float
    busy: float | None
    own: float
    clock: float


def now() -> Moment:
    """This moment."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    own = sum(one.ru_utime + one.ru_stime for one in used)
    return Moment(os.getloadavg()[0], _busy(), own, time.perf_counter())


def _busy() -> float | None:
    try:
        counts = [int(word) for word in _STAT.read_text().splitlines()[0].split()[1:9]]
    except (OSError, ValueError, IndexError):
        return None
    user, nice, system, _, _, interrupt, soft, steal = counts
    return (user + nice + system + interrupt + soft + steal) / os.sysconf("SC_CLK_TCK")


def load(before: Moment, after: Moment) -> dict[str, Any]:
    """Load averages, cores that others used meanwhile, and a warning where figures cannot be trusted."""
    others = None
    if before.busy is not None and after.busy is not None:
        spent = (after.busy - before.busy) - (after.own - before.own)
        others = max(0.0, spent / (after.clock - before.clock))
    count = cores()
    warning = None
    if before.load > BUSY * count or (others or 0) > BUSY * count:
        warning = "The machine was busy with other work: wall times are not to be quoted, ratios with care."
    return {
        "before": round(before.load, 2),
        "after": round(after.load, 2),
        "before_per_core": round(before.load / count, 2),
        "after_per_core": round(after.load / count, 2),
        "others_cores": None if others is None else round(others, 2),
        "warning": warning,
    }


# Ceilings


def multiplies_bf16(device: str) -> bool:
    """Whether the device multiplies bfloat16 in hardware."""
    import torch

    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


@dataclass(slots=True)
class Ceiling:
    """The best that the device was seen to give, over all measurements of a run.

    Args:
        device: "cpu" or "cuda".
        dtypes: Names of torch types to multiply.
        quick: Whether a token of the work will do.
        flops: name of a type -> floating-point operations a second.
        bandwidth: Bytes a second, read and written; 0 where it is not measured, as on a CPU.
    """

    device: str
    dtypes: tuple[str, ...]
    quick: bool = False
    flops: dict[str, float] = field(default_factory=dict)
    bandwidth: float = 0.0

    def measure(self) -> None:
        """Look again, and keep what is better."""
        import torch

        size = 64 if self.quick else 8192 if self.device == "cuda" else 1024
        for name in self.dtypes:
            left, right = (torch.randn(size, size).to(self.device, getattr(torch, name)) for _ in range(2))
            out = torch.empty_like(left)
            best = self._least(partial(torch.mm, left, right, out=out))
            self.flops[name] = max(self.flops.get(name, 0.0), 2 * size**3 / best)
        if self.device == "cuda":
            source = torch.empty(64 if self.quick else GIB, dtype=torch.uint8, device=self.device)
            target = torch.empty_like(source)
            self.bandwidth = max(self.bandwidth, 2 * len(source) / self._least(lambda: target.copy_(source)))

    def _least(self, work: Callable[[], object]) -> float:
        best, end = float("inf"), time.perf_counter() + (0 if self.quick else 0.25)
        work()
        while best == float("inf") or time.perf_counter() < end:
            sync(self.device)
            started = time.perf_counter()
            work()
            sync(self.device)
            best = min(best, time.perf_counter() - started)
        return best

    def data(self) -> dict[str, float]:
        """For an outcome."""
        found = {f"{name} matmul, GFLOP/s": rate / 1e9 for name, rate in self.flops.items()}
        return found | ({"memory, GB/s": self.bandwidth / 1e9} if self.bandwidth else {})


def paired_share(work: Callable[[], object], flops: float, *, rounds: int, size: int = 1024) -> float:
    """Speed of work on a CPU, as a share of a float32 matrix product's in the same seconds.

    Product and work take turns, about as long as each other, so that what others do to the machine meets both.

    Args:
        work: What is timed, once a round.
        flops: Its floating-point operations.
        rounds: Number of rounds.
        size: Rows and columns of the product.

    Returns:
        Ratio of the medians of wall time.
    """
    import torch

    left, right = torch.randn(size, size), torch.randn(size, size)
    out, repeats = torch.empty_like(left), max(1, round(flops / (2 * size**3)))

    def product() -> None:
        for _ in range(repeats):
            torch.mm(left, right, out=out)

    limits, times = [], []
    for _ in range(rounds):
        limits.append(_seconds(product))
        times.append(_seconds(work))
    return statistics.median(limits) / repeats / (2 * size**3) * flops / statistics.median(times)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def sync(device: str) -> None:
    """Wait for the GPU."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()


# Memory


def _status(field_: str) -> int | None:
    """Bytes of a line of the kernel's account of this process."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field_}:")), None)


def process_peak() -> float | None:
    """Highest resident memory of this process since it started or since the last `settle`, GiB."""
    found = _status("VmHWM")
    return None if found is None else found / GIB


def settle(device: str = "cpu") -> int | None:
    """Forget the high-water mark of memory.

    Returns:
        Bytes held now, or None where the mark cannot be reset.
    """
    gc.collect()
    if device == "cuda":
        import torch

        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        return int(torch.cuda.memory_allocated())
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        _REFS.write_text("5")  # proc(5): resets the peak resident set size
    except (OSError, AttributeError):
        return None
    held, mark = _status("VmRSS"), _status("VmHWM")
    return held if held and mark and mark - held < 2**25 else None


def above(held: int | None, device: str = "cpu") -> float | None:
    """Peak memory since `settle`, above what was held then, GiB."""
    if held is None:
        return None
    if device == "cuda":
        import torch

        return (torch.cuda.max_memory_allocated() - held) / GIB
    mark = _status("VmHWM")
    return None if mark is None else max(0, mark - held) / GIB


# Designs


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one design.

    Args:
        wall: Seconds, the least of all rounds.
        cpu: Core seconds of this process, the least of all rounds.
        peak: GiB above what was held before, the most of all rounds; None where not measured.
        rounds: Number of rounds.
        result: What it gave in the last round.
    """

    wall: float
    cpu: float
    peak: float | None
    rounds: int
    result: Any


def alternate(
    designs: Mapping[str, Callable[[], Any]],
    *,
    device: str = "cpu",
    before: Callable[[], object] = lambda: None,
    least: int = 2,
    seconds: float = 20.0,
) -> dict[str, Run]:
    """Run designs in turn, A B C and then C B A.

    Args:
        designs: name -> the work.
        device: Where it is done.
        before: Called before each design.
        least: Rounds, at least.
        seconds: No round begins that would not end within so many, beyond the least.

    Returns:
        name -> what came of it, in the order of `designs`. All designs have the same number of rounds.
    """
    found: dict[str, Run] = {}
    started, rounds = time.perf_counter(), 0
    while rounds < least or (time.perf_counter() - started) * (rounds + 1) / rounds < seconds:
        for name in list(designs)[:: 1 if rounds % 2 == 0 else -1]:
            before()
            run = _once(designs[name], device)
            say(f"  round {rounds + 1}, {name}: {run.wall:.2f} s")
            found[name] = _better(found[name], run) if name in found else run
        rounds += 1
    return {name: found[name] for name in designs}


def _once(work: Callable[[], Any], device: str) -> Run:
    held = settle(device)
    sync(device)
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    sync(device)
    return Run(time.perf_counter() - wall, time.process_time() - cpu, above(held, device), 1, result)


def _better(one: Run, other: Run) -> Run:
    peaks = [peak for peak in (one.peak, other.peak) if peak is not None]
    peak = max(peaks) if len(peaks) == 2 else None
    return Run(min(one.wall, other.wall), min(one.cpu, other.cpu), peak, one.rounds + 1, other.result)


def apart(work: Callable[..., T], *args: Any) -> T:
    """Do work in a fresh process, whose memory and imports are its own; `work` stands at the top of a module."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *args).result()
