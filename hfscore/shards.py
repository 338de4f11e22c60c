"""What models have scored so far, batch by batch, so that a killed run goes on and several runs share the work.

A folder holds `run.json` (the fingerprint of the run) and a Parquet file for each batch, written under a temporary
name, synced and renamed: a file is whole or not there. Its name says which part and which position; each of its rows
carries a hash of the trace it speaks of, so that scores never land on other data. The controls of a part are kept
likewise. What needs no model is not kept: it is computed again soon enough.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hfscore.errors import HfscoreError
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.report import Control, atomic

FOLDER = "shards"
RUN_FILE = "run.json"
HERE = "here"  # of a fingerprint: paths and addresses of this machine, which a merge needs and no number depends on


@dataclass(frozen=True, slots=True)
class Share:
    """Which batches are this run's: every `of`-th, from the `index`-th, counted from 1."""

    index: int
    of: int

    def holds(self, batch: int) -> bool:
        """Whether a batch, counted from 0, is this run's."""
        return batch % self.of == self.index - 1


def parse_share(text: str) -> Share:
    """Read "2/4".

    Raises:
        HfscoreError: It is no share.
    """
    index, _, of = text.partition("/")
    if not (index.isdecimal() and of.isdecimal() and 1 <= int(index) <= int(of)):
        raise HfscoreError(f"'{text}' is no share of a run.", "Give --shard 1/4 to --shard 4/4, for example.")
    return Share(int(index), int(of))


@dataclass(frozen=True, slots=True)
class Shards:
    """The kept batches of one part.

    Args:
        folder: Where they lie.
        part: Number of the part in its run.
        complete: Whether a batch that is not kept is an error, for a merge.
    """

    folder: Path
    part: int
    complete: bool = False

    def load(self, start: int, traces: Sequence[Trace]) -> dict[str, list[Reading]] | None:
        """The readings of a batch.

        Args:
            start: Position of its first trace in the part.
            traces: The batch.

        Returns:
            metric id -> a reading a trace, or None if the batch is not kept.

        Raises:
            HfscoreError: The kept batch is about other traces, or a merge misses it.
        """
        import pyarrow.parquet as pq

        path = self._path(start)
        if not path.exists():
            if self.complete:
                last = start + len(traces) - 1
                raise HfscoreError(
                    f"The scores of traces {start:,} to {last:,} of part {self.part + 1} are missing.",
                    "Run the shares that are not done yet, then merge again.",
                )
            return None
        table = pq.read_table(path).to_pydict()
        if table.pop("trace") != [_hash(trace) for trace in traces]:
            raise HfscoreError(
                f"{path} is about other traces than those read now.", f"Remove {self.folder} to score them anew."
            )
        names = [name for name in table if not name.endswith(("_unscored", "_mark"))]
        return {
            name: [
                Unscored(reason) if reason is not None else Scored(value, mark)
                for value, reason, mark in zip(
                    table[name], table[f"{name}_unscored"], table[f"{name}_mark"], strict=True
                )
            ]
            for name in names
        }

    def save(self, start: int, traces: Sequence[Trace], readings: Mapping[str, Sequence[Reading]]) -> None:
        """Keep the readings of a batch: metric id -> a reading a trace."""
        self.put(start, packed(traces, readings))

    def put(self, start: int, content: bytes) -> None:
        """Keep a batch that is `packed`."""
        with atomic(self._path(start)) as temporary:
            temporary.write_bytes(content)

    def has(self, start: int) -> bool:
        """Whether a batch is kept."""
        return self._path(start).exists()

    def load_controls(self, traces: Sequence[Trace]) -> list[Control] | None:
        """The controls of the part, or None if they are not kept, or are about other traces."""
        path = self._controls
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return [Control(**one) for one in kept["controls"]] if kept.get("traces") == list(map(_hash, traces)) else None

    def save_controls(self, traces: Sequence[Trace], found: Sequence[Control]) -> None:
        """Keep the controls of the part, measured on these traces."""
        kept = {"traces": list(map(_hash, traces)), "controls": [asdict(one) for one in found]}
        with atomic(self._controls) as temporary:
            temporary.write_text(json.dumps(kept, allow_nan=False), encoding="utf-8")

    @property
    def _controls(self) -> Path:
        return self.folder / f"{self.part:04d}-controls.json"

    def starts(self) -> frozenset[int]:
        """Positions of the batches that are kept."""
        files = self.folder.glob(f"{self.part:04d}-*.parquet")
        return frozenset(int(path.stem.partition("-")[2]) for path in files)

    def _path(self, start: int) -> Path:
        return self.folder / f"{self.part:04d}-{start:010d}.parquet"


def packed(traces: Sequence[Trace], readings: Mapping[str, Sequence[Reading]]) -> bytes:
    """The Parquet file of a batch: metric id -> a reading a trace."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    data: dict[str, Any] = {"trace": pa.array([_hash(trace) for trace in traces], pa.uint64())}
    for name, column in readings.items():
        scored = [one if isinstance(one, Scored) else None for one in column]
        reasons = [one.reason if isinstance(one, Unscored) else None for one in column]
        data[name] = pa.array([one and one.value for one in scored], pa.float64())
        data[f"{name}_unscored"] = pa.array(reasons, pa.string())
        data[f"{name}_mark"] = pa.array([one and one.mark for one in scored], pa.string())
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(data), sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _hash(trace: Trace) -> int:
    text = f"{trace.id}\x00{trace.question}\x00{trace.reasoning}\x00{trace.response}\x00{trace.reference}"
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def begin(folder: Path, fingerprint: Mapping[str, Any]) -> None:
    """Open a folder for a run, or go on with the one that is there.

    Args:
        folder: Where batches are kept.
        fingerprint: Everything that decides a number, as JSON data.

    Raises:
        HfscoreError: The folder belongs to another run; the differences are named.
    """
    path = folder / RUN_FILE
    mine = json.loads(json.dumps(fingerprint))
    if path.exists():
        other = run_of(folder)
        other.pop(HERE, None)
        compared = {name: value for name, value in mine.items() if name != HERE}
        different = [f"{name} ({theirs} there, {ours} here)" for name, theirs, ours in _differences(other, compared)]
        if different:
            raise HfscoreError(
                f"{folder} keeps an unfinished run that differs in {'; '.join(different[:5])}.",
                f"Finish it with the same options, or remove {folder}.",
            )
        return
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(mine, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def run_of(folder: Path) -> dict[str, Any]:
    """The fingerprint of the run that a folder keeps.

    Raises:
        HfscoreError: It keeps none.
    """
    try:
        data = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HfscoreError(
            f"{folder} keeps no run ({error}).", "Make one with 'hfscore score SOURCE --out DIR --shard 1/2'."
        ) from error
    if not isinstance(data, dict):
        raise HfscoreError(f"{folder / RUN_FILE} is not ours.", f"Remove {folder}.")
    return data


def _differences(theirs: Any, ours: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted({*theirs, *ours}):
            yield from _differences(theirs.get(key), ours.get(key), f"{name}.{key}" if name else key)
    elif theirs != ours:
        yield name, _short(theirs), _short(ours)


def _short(value: Any) -> str:
    text = "nothing" if value in (None, [], {}, "") else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def end(folder: Path) -> None:
    """Remove what was kept: the run is done, and its report is written."""
    shutil.rmtree(folder, ignore_errors=True)
