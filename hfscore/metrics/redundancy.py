"""Redundancy: the share of a trace's bytes that a compressor saves.

arXiv 2605.13290 gives "Information density calculated as (1 - len_compressed / len_original)" without naming
compressor or unit. Ours are named: zlib level 9 over UTF-8 bytes for the plain and the windowed form. The plain
form follows length (0.40 at 500 bytes and 0.69 at 100,000 bytes of one and the same prose), hence the other two.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from hfscore.ports import Tools
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.spec import Family, Metric, Scores

LEVEL = 9
ZSTD_LEVEL = 3  # its window reaches 2 MiB back; zlib's ends at 32 KiB
WINDOW = 1024

EMPTY = Unscored("empty trace")
ONE_WINDOW = Unscored("not longer than one 1 KiB window")
SHORT = "shorter than one 1 KiB window"


def ratio(data: bytes) -> float:
    """1 − compressed/original bytes under zlib level 9; `data` must not be empty. Can be negative."""
    return 1 - len(zlib.compress(data, LEVEL)) / len(data)


def windowed(data: bytes) -> float:
    """Mean `ratio` over 1 KiB windows.

    A remainder is read as the last full KiB, so that every window has one length: a short window compresses
    worse and would bring the length back in. Data shorter than a window is one window.
    """
    last = len(data) - WINDOW
    starts = [*range(0, max(last, 0), WINDOW), max(last, 0)]
    return sum(ratio(data[start : start + WINDOW]) for start in starts) / len(starts)


@cache
def _zstd() -> tuple[Callable[[bytes], int], int]:
    """The size of zstd's output, and the bytes of an empty frame, which say nothing about the data."""
    import pyarrow

    codec = pyarrow.Codec("zstd", compression_level=ZSTD_LEVEL)
    return lambda data: len(codec.compress(data, asbytes=True)), len(codec.compress(b"", asbytes=True))


def long_range(data: bytes) -> float:
    """1 − c(whole)/Σ c(1 KiB windows), c = bytes of zstd level 3 less an empty frame: what is saved across windows."""
    size, frame = _zstd()
    parts = sum(size(data[start : start + WINDOW]) - frame for start in range(0, len(data), WINDOW))
    return 1 - (size(data) - frame) / parts


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Read every trace's reasoning as UTF-8."""
    plain: list[Reading] = []
    by_window: list[Reading] = []
    across: list[Reading] = []
    for trace in traces:
        data = trace.reasoning.encode("utf-8", "surrogatepass")
        if not trace.reasoning.strip():
            plain.append(EMPTY)
            by_window.append(EMPTY)
            across.append(EMPTY)
            continue
        plain.append(Scored(ratio(data)))
        by_window.append(Scored(windowed(data), SHORT if len(data) < WINDOW else None))
        across.append(Scored(long_range(data)) if len(data) > WINDOW else ONE_WINDOW)
    return {"redundancy": plain, "redundancy_windowed": by_window, "redundancy_long_range": across}


def settings(tools: Tools) -> Mapping[str, str]:
    """The libraries whose output is measured."""
    import pyarrow

    return {
        "compressor": f"zlib level {LEVEL} (library {zlib.ZLIB_RUNTIME_VERSION})",
        "long-range compressor": f"zstd level {ZSTD_LEVEL} (pyarrow {pyarrow.__version__})",
    }


CONTESTED = (
    "One small study (Polish, four variants, one model per size) counts higher redundancy as good for an 11B model; "
    "an intervention that removed text after the answer was settled improved training."
)

FAMILY = Family(
    id="redundancy",
    title="Redundancy",
    source="arXiv 2605.13290 (Redundancy Ratio); windowed and long-range forms are ours",
    version=1,
    rank=40,
    metrics=(
        Metric(
            id="redundancy_windowed",
            alias="B2w",
            title="Redundancy, 1 KiB windows",
            formula="mean over 1 KiB windows w of 1 − len(zlib9(w)) / len(w), bytes",
            reading="repetition inside a KiB; stable in length, blind to repeats that lie further apart",
            lowest=None,
            highest=1.0,
            direction="contested",
            grade="X",
            evidence=CONTESTED,
            headline=True,
        ),
        Metric(
            id="redundancy",
            alias="B2",
            title="Redundancy, plain",
            formula="1 − len(zlib9(T)) / len(T), T = the trace's UTF-8 bytes",
            reading="grows with length even where the style does not change: compare only traces of like length",
            lowest=None,
            highest=1.0,
            direction="contested",
            grade="X",
            evidence=CONTESTED,
        ),
        Metric(
            id="redundancy_long_range",
            alias="B2x",
            title="Redundancy, long range",
            formula="1 − c(T) / Σ c(w) over 1 KiB windows w, c = bytes of zstd level 3 less an empty frame",
            reading="what repeats across windows, up to 2 MiB apart: shared vocabulary first, whole passages when high",
            lowest=None,
            highest=1.0,
            direction="contested",
            grade="X",
            evidence=CONTESTED,
        ),
    ),
    score=score,
    settings=settings,
)
