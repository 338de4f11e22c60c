"""One run on a Ray cluster: windows are read, and scored by what needs models, wherever there is room.

Ray Data streams windows from readers through pools of actors, each of which loads its models once, and slows the
readers where the actors cannot keep up. What the actors score comes back and is kept window by window in the run's
folder, by the fingerprint of a local run (`shards`): a killed worker's window is scored again, a killed run goes on,
here or on one machine. The report is then made as `merge` makes it, by a pool for the families that need no model.

All machines need this package, the data and the models; the folder is this machine's. A judge is asked from this
machine alone: its calls are shared out among the workers, and their answers join the run's own store.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hfscore
from hfscore import catalog, engine, pool
from hfscore.backends.judges import Slot, store_of
from hfscore.errors import HfscoreError, MissingExtraError
from hfscore.judge.store import Store
from hfscore.pool import Batch
from hfscore.prepare import Plan, Prepared, Say, prepare, silent
from hfscore.records import Reading
from hfscore.run import Progress, Run, mute
from hfscore.settings import Settings
from hfscore.shards import Shards, packed
from hfscore.spec import Family, Need

Row = dict[str, Any]  # of a Ray dataset: what a batch is called there holds one window

# A family stands in the last stage that has one of its needs.
STAGES: Mapping[str, frozenset[Need]] = {
    "tools": frozenset({"verifier", "students", "contamination"}),
    "models": frozenset({"embedder", "reference_lm", "student_lms"}),
    "judge": frozenset({"judge"}),
}
SLICE = 1  # byte: a block of Ray's is one window, so that a window is what moves and what is scored again


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a run goes.

    Args:
        address: A running cluster ("auto", "ray://host:10001"); None starts one on this machine for this run.
        workers: Actors in every pool.
        gpus_per_worker: GPUs that each actor of the models' pool holds; a fraction shares one.
    """

    address: str | None = None
    workers: int = 2
    gpus_per_worker: float = 0.0

    def __post_init__(self) -> None:
        if self.workers < 1 or self.gpus_per_worker < 0:
            raise HfscoreError("A cluster needs at least one worker, and no fewer than 0 GPUs for each.")


@dataclass(frozen=True, slots=True)
class Job:
    """What every worker needs to know.

    Args:
        source: As of `api.score`, as it can be named from any machine.
        settings: As of `api.score`.
        revision: The proven revision, or None.
        plan: What is measured; None before it is known.
    """

    source: str
    settings: Settings
    revision: str | None
    plan: Plan | None = None

    def prepare(self, slot: Slot | None = None) -> contextlib.AbstractContextManager[Prepared]:
        """The run as a worker sees it."""
        return prepare(self.source, self.settings, revision=self.revision, plan=self.plan, slot=slot)


def _ray() -> Any:
    try:
        import ray.data
    except ImportError as error:
        raise MissingExtraError("Ray is not installed.", 'pip install "hfscore[ray]"') from error
    return ray


@contextlib.contextmanager
def connected(cluster: Cluster, stages: int) -> Iterator[Any]:
    """Ray, connected; a cluster that was started for this run ends with it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody without being asked for
    ray = _ray()
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    if ray.is_initialized():
        yield ray
        return
    here: dict[str, Any] = {"num_cpus": stages * cluster.workers + 1, "include_dashboard": False}
    where = {"address": cluster.address} if cluster.address else here
    try:
        ray.init(**where, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise HfscoreError(
            f"No Ray cluster answers at '{cluster.address}' ({error}).",
            "Start one with 'ray start --head', or leave --address out to have one on this machine.",
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


@contextlib.contextmanager
def opened(
    source: Any,
    settings: Settings,
    cluster: Cluster,
    *,
    out: Path,
    revision: str | None = None,
    progress: Progress = silent,
    say: Say = mute,
) -> Iterator[Prepared]:
    """Score on a cluster all that needs models, and prepare the run that makes the report of it.

    Args:
        source: A Hub id or a path that every machine can read.
        settings: As of `api.score`.
        cluster: Where to.
        out: The run's folder.
        revision: As of `api.score`.
        progress: As of `api.score`.
        say: As of `api.score`.

    Raises:
        MissingExtraError: Ray is not installed.
        HfscoreError: As of `api.score`; or the source is in this process's memory; or a budget is to be shared out.
    """
    if not isinstance(source, str | Path):
        raise HfscoreError("Other machines cannot read what is in this process's memory.", "Write it to a file.")
    if settings.budget is not None:
        raise HfscoreError("Each worker would spend the whole budget.", "Leave --budget out, or --engine ray.")
    name = str(Path(source).resolve()) if Path(source).exists() else str(source)
    with connected(cluster, len(STAGES) + 1) as ray:
        progress("asking a worker what can be measured", 0, None)
        job = _planned(ray, Job(name, settings, revision), cluster, say)
        here = prepare(source, settings, revision=job.revision, out=out, plan=job.plan, progress=progress)
        with here as prepared:
            run = prepared.run
            if run.shards is not None:
                with _judge_slots(settings, cluster) as slots:
                    _score(ray, job, cluster, slots, run)
            stream = functools.partial(_free, ray, job, cluster)
            run = dataclasses.replace(run, merging=run.shards is not None, elsewhere=stream)
            yield dataclasses.replace(prepared, run=run)


def _planned(ray: Any, job: Job, cluster: Cluster, say: Say) -> Job:
    """What can be measured where the models will run, and the revision that all workers read."""

    def plan() -> tuple[str, Plan, str | None, list[str]]:
        said: list[str] = []
        with prepare(job.source, job.settings, revision=job.revision, say=said.append) as prepared:
            return hfscore.__version__, prepared.plan, prepared.opened.info.revision, said

    ask = ray.remote(num_cpus=1, num_gpus=cluster.gpus_per_worker)(_answer)
    there, found, revision, said = _told(ray.get(ask.remote(plan)))
    if there != hfscore.__version__:
        raise HfscoreError(
            f"The cluster has hfscore {there}, this machine {hfscore.__version__}.", "Install one version on both."
        )
    for sentence in said:
        say(sentence)
    return dataclasses.replace(job, plan=found, revision=revision.removeprefix("git:") if revision else job.revision)


def _answer(ask: Any) -> Any:
    """What a call gives, or the error a user can mend: Ray would wrap it in a traceback."""
    try:
        return ask()
    except HfscoreError as error:
        return error


def _told(answer: Any) -> Any:
    if isinstance(answer, HfscoreError):
        raise answer
    return answer


def _families(job: Job) -> list[Family]:
    assert job.plan is not None, "a plan comes first"
    return [one for one in catalog.for_students(catalog.families(), job.plan.students) if one.id in job.plan.families]


def _stage(family: Family) -> str:
    """Where a family that needs tools, or compares traces, is scored."""
    needed = [name for name, needs in STAGES.items() if needs & set(family.needs)]
    return needed[-1] if needed else "tools"


def _dataset(ray: Any, parts: Sequence[int], reader: Any) -> Any:
    """One row a window, read part after part or part beside part."""
    ray.data.DataContext.get_current().enable_progress_bars = False
    ray.data.DataContext.get_current().target_max_block_size = SLICE
    rows = ray.data.from_items([{"part": part} for part in parts], override_num_blocks=len(parts))
    return rows.map_batches(reader, batch_size=1, num_cpus=0.5)


def _read(batch: Row, job: Job, kept: Mapping[int, frozenset[int]]) -> Iterator[Row]:
    """The windows of a part, but for those that are kept already."""
    part = int(batch["part"][0])
    with job.prepare() as prepared:
        start = 0
        for traces in prepared.run.batches(part):
            if start not in kept.get(part, ()):
                yield {"part": [part], "start": [start], "traces": [pickle.dumps(traces)], "found": [pickle.dumps({})]}
            start += len(traces)


def _score(ray: Any, job: Job, cluster: Cluster, slots: Sequence[Slot], run: Run) -> None:
    """Score every window that is not kept yet, and keep it."""
    assert run.shards is not None, "what needs models is kept"
    costly = [one for one in run.families if not pool.is_free(one)]
    stages = [name for name in STAGES if any(_stage(one) == name for one in costly)]
    shards = [Shards(run.shards, part) for part in range(len(run.detected))]
    kept = {one.part: one.starts() for one in shards}
    rows = _dataset(ray, range(len(shards)), functools.partial(_read, job=job, kept=kept))
    for name in stages:
        ids = [one.id for one in costly if _stage(one) == name]
        last = name == stages[-1]
        rows = rows.map_batches(
            Scorer,
            fn_constructor_args=(job, ids, last, slots if name == "judge" else ()),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=cluster.workers),
            **_resources(ray, name, cluster),
        )
    done = 0
    for row in rows.iter_rows():
        shards[row["part"]].put(row["start"], row["kept"])
        done += int(row["count"])
        run.progress("scoring with models on the cluster", done, None)


def _resources(ray: Any, stage: str, cluster: Cluster) -> dict[str, Any]:
    if stage == "models":
        return {"num_cpus": 1, "num_gpus": cluster.gpus_per_worker}
    if stage == "tools":
        return {"num_cpus": 1}
    here = f"node:{ray.util.get_node_ip_address()}"  # which Ray gives every machine of its own accord
    return {"num_cpus": 0.5, "resources": {here: 0.001}}  # it waits for a server; its answers lie on this machine


class Scorer:
    """An actor that scores windows with some families, whose models it loads once.

    Args:
        job: What is scored.
        ids: Ids of the families of its stage.
        last: Whether the readings of all stages are complete after it.
        slots: Shares of the judge's calls, of which it takes a free one; empty where no judge is asked.
    """

    def __init__(self, job: Job, ids: Sequence[str], last: bool, slots: Sequence[Slot]) -> None:
        self._stack = contextlib.ExitStack()
        slot = self._stack.enter_context(_claimed(slots)) if slots else None
        self._run = self._stack.enter_context(job.prepare(slot)).run
        self._families = [one for one in self._run.families if one.id in ids]
        self._last = last
        self._pools: dict[int, Mapping[str, Any]] = {}

    def __call__(self, batch: Row) -> Row:
        """Score one window."""
        part, start = int(batch["part"][0]), int(batch["start"][0])
        traces = pickle.loads(batch["traces"][0])  # noqa: S301 - made by `_read`, in the same run
        found: dict[str, Sequence[Reading]] = pickle.loads(batch["found"][0])  # noqa: S301
        if part not in self._pools:
            self._pools[part] = self._run.pools(part)
        found |= engine.score_batch(traces, self._families, self._run.tools, self._pools[part])
        if not self._last:
            return {**batch, "found": [pickle.dumps(found)]}
        return {"part": [part], "start": [start], "count": [len(traces)], "kept": [packed(traces, found)]}


@contextlib.contextmanager
def _judge_slots(settings: Settings, cluster: Cluster) -> Iterator[Sequence[Slot]]:
    """A store for every worker that asks the judge; their answers join the run's store, before and after."""
    own = store_of(settings)
    stores = [own.with_name(f"{own.name}.worker-{number}") for number in range(cluster.workers)]
    _join(own)  # of a run that was killed, perhaps with more workers
    yield [Slot(store, cluster.workers) for store in stores]
    _join(own)


def _join(own: Path) -> None:
    left = sorted(path for path in own.parent.glob(f"{own.name}.worker-*") if path.name.rpartition("-")[2].isdigit())
    if not left:
        return
    with Store.open(own) as store:
        for path in left:
            store.absorb(path)
    for path in left:
        for name in (path, *path.parent.glob(f"{path.name}-*"), path.with_name(f"{path.name}.lock")):
            name.unlink(missing_ok=True)


@contextlib.contextmanager
def _claimed(slots: Sequence[Slot]) -> Iterator[Slot]:
    """The first slot that nobody holds. A process that dies gives its slot back, with the answers it got."""
    import fcntl  # where there is no Ray for Windows' sake, nothing else needs it

    for slot in slots:
        slot.store.parent.mkdir(parents=True, exist_ok=True)
        lock = slot.store.with_name(f"{slot.store.name}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        with lock:
            yield slot
        return
    raise HfscoreError("More workers ask the judge than there are shares of its calls.", "Run again.")


class Finder:
    """An actor that scores windows with the families that need no model."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._families = [one for one in catalog.families() if one.id in ids]

    def __call__(self, batch: Row) -> Row:
        """Score one window."""
        found = pool.find(self._families, pickle.loads(batch["traces"][0]))  # noqa: S301 - made by `_read`
        return {"traces": batch["traces"], "found": [pickle.dumps(found)]}


def _free(ray: Any, job: Job, cluster: Cluster, part: int) -> Iterator[Batch]:
    """The windows of one part in order, with what the families that need no model found in them."""
    ray.data.DataContext.get_current().execution_options.preserve_order = True
    ids = [one.id for one in _families(job) if pool.is_free(one)]
    rows = _dataset(ray, [part], functools.partial(_read, job=job, kept={})).map_batches(
        Finder,
        fn_constructor_args=(ids,),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=cluster.workers),
        num_cpus=1,
    )
    for row in rows.iter_rows():
        traces = pickle.loads(row["traces"])  # noqa: S301 - made by `_read`, in the same run
        yield traces, [trace for trace in traces if trace.problem is None], pickle.loads(row["found"])  # noqa: S301
