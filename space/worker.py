"""One run in a process of its own: it holds one visitor's token, and all it read and loaded goes when it ends.

A job comes as JSON on standard input; what happens leaves as JSON lines on standard output:
{"progress": [stage, done, total]}, {"say": sentence}, and at the end {"done": ...} or {"error": sentence}.
"""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import network

Tell = Callable[..., None]
EXAMPLE = "gsm8k-four-solvers"
BARS = 24
ROUNDING = 1e-9  # values that differ by less are the same, and their range cannot be cut into bars
Verb = Callable[[dict[str, Any], Tell], Any]


def main() -> None:
    """Do one job."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints goes to the log

    def tell(**event: Any) -> None:
        out.write(json.dumps(event) + "\n")
        out.flush()

    job = json.load(sys.stdin)
    _settle(job)
    import hfscore

    try:
        tell(done=VERBS[job["verb"]](job, tell))
    except (hfscore.HfscoreError, network.RefusedError) as error:
        tell(error=str(error))
    except MemoryError:
        tell(error="The run needed more memory than there is here. Fewer rows or a smaller model may fit.")
    except Exception:  # noqa: BLE001 - a visitor gets a sentence, the operator the trace
        traceback.print_exc()
        tell(error="hfscore met a fault of its own. The operator's log says more; nothing was written.")


def _settle(job: dict[str, Any]) -> None:
    """Take the visitor's token, the bounds and the addresses, before anything reads them."""
    if job["token"]:
        os.environ["HF_TOKEN"] = job["token"]
    if job["memory"]:
        resource.setrlimit(resource.RLIMIT_DATA, (job["memory"] << 30,) * 2)
    if job["on_space"]:
        places = list(job["hosts"])
        for name in ("HF_ENDPOINT", "HTTPS_PROXY", "HTTP_PROXY"):
            parts = urlsplit(os.environ.get(name, ""))
            if parts.hostname:
                places.append(f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}")
        network.guard(places)


def _source(job: dict[str, Any]) -> str:
    """The dataset, or the example written into the visitor's folder."""
    if job["source"] != EXAMPLE:
        return str(job["source"])
    import hfscore

    folder = Path(job["folder"]) / EXAMPLE
    for path, data in hfscore.example_files().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return str(folder)


def _settings(job: dict[str, Any]) -> Any:
    import hfscore

    judge = job["settings"].get("judge") or ""
    if job["on_space"] and judge not in ("", "rules") and not judge.startswith("hf:"):
        network.check(judge, job["hosts"])
    chosen = hfscore.Settings(**job["settings"])
    if job["hub"]:
        chosen = hfscore.read_settings(job["source"], chosen, **_asked(job))
    if not job["rows"]:
        return chosen
    return dataclasses.replace(chosen, rows=min(chosen.rows or job["rows"], job["rows"]))


def _asked(job: dict[str, Any]) -> dict[str, Any]:
    return {"revision": job["revision"] or None, "token": job["token"] or None}


def look(job: dict[str, Any], tell: Tell) -> Any:
    """Columns with their first rows, and the section that the card carries already."""
    import hfscore

    source = _source(job)
    tell(progress=["looking at the columns", 0, None])
    found = hfscore.detect_columns(source, _settings(job), **_asked(job))
    parts = [{"name": one.name, "size": one.ref.size, "rows": one.ref.rows, **hfscore.first_rows(one)} for one in found]
    section = None
    if source == job["source"] and job["hub"]:
        there = hfscore.published(source, token=job["token"] or None)
        section = {"state": there.status.state, "why": there.status.why, "url": there.status.url, "page": there.page}
    return {"parts": parts, "section": section}


def estimate(job: dict[str, Any], tell: Tell) -> Any:
    """Time five questions without the judge; say what the sample gives and what the judge would be sent."""
    import time

    import hfscore

    settings, source = _settings(job), _source(job)
    few = dataclasses.replace(settings, rows=5, judge=None, budget=None)
    few = dataclasses.replace(few, metric=tuple(one for one in few.metric if one != "fvcu") or ("structure",))
    started = time.monotonic()
    tell(progress=["timing five questions", 0, None])
    made = hfscore.score(source, few, **_asked(job))
    seconds = time.monotonic() - started
    said = list(hfscore.estimate(source, settings, **_asked(job)))
    return {"seconds": seconds, "parts": len(made.parts), "said": said}


def score(job: dict[str, Any], tell: Tell) -> Any:
    """Score, keep report, scores and judged steps in the visitor's folder, and show the card."""
    import hfscore

    source, settings, folder = _source(job), _settings(job), Path(job["folder"])
    _bounded(job, hfscore.detect_columns(source, settings, **_asked(job)))
    report = hfscore.score(
        source,
        settings,
        out=folder,
        with_text=True,
        name=EXAMPLE if source != job["source"] else None,
        progress=lambda stage, done, total: tell(progress=[stage, done, total]),
        say=lambda sentence: tell(say=sentence),
        **_asked(job),
    )
    tell(progress=["writing the section", 0, None])
    sheet = hfscore.label_sheet(folder, source=source, token=job["token"] or None) if report.judge else []
    return {"card": _card(job, report), "sheet": [dataclasses.asdict(one) for one in sheet], "shown": _shown(folder)}


def labels(job: dict[str, Any], tell: Tell) -> Any:
    """Correct the judge's shares by a person's labels, and show the card that says so."""
    import hfscore

    source, folder = _source(job), Path(job["folder"])
    sheet = hfscore.label_sheet(folder, source=source, token=job["token"] or None)
    report = hfscore.apply_labels(folder, sheet, job["answers"])
    return {"card": _card(job, report), "shown": _shown(folder)}


def compare(job: dict[str, Any], tell: Tell) -> Any:
    """Several sources, measured alike and compared by question."""
    import hfscore

    settings, folder, selectors = _settings({**job, "hub": False}), Path(job["folder"]) / "compared", []
    for one in job["sources"]:
        source = _source({**job, "source": one["source"]})
        only = dataclasses.replace(settings, config=(one["config"],) if one["config"] else ())
        _bounded(job, hfscore.detect_columns(source, only, token=job["token"] or None))
        selectors.append(f"{one['label']}={source}{':' if one['config'] else ''}{one['config']}")
    hfscore.compare(
        selectors,
        settings,
        targets=job["targets"],
        token=job["token"] or None,
        out=folder,
        progress=lambda stage, done, total: tell(progress=[stage, done, total]),
        say=lambda sentence: tell(say=sentence),
    )
    return {**json.loads((folder / "comparison.json").read_bytes()), "shown": _shown(folder)}


def _shown(folder: Path) -> dict[str, Any]:
    """How a kept report is read, and its distributions."""
    import hfscore

    read = dataclasses.asdict(hfscore.interpret(hfscore.load_report(folder)))
    return {**read, "bars": _bars(folder / "scores.parquet", [metric["id"] for metric in read["metrics"]])}


def _bars(path: Path, metrics: list[str]) -> dict[str, Any]:
    """For every metric with more than two values: how many traces of each part lie in equal steps.

    The steps go from the 1st to the 99th percentile of all parts together; what lies beyond counts at the ends.
    """
    import numpy as np
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["config", "split", *metrics])
    places = np.array([f"{one['config']}/{one['split']}" for one in table.select(["config", "split"]).to_pylist()])
    found: dict[str, Any] = {}
    for metric in metrics:
        values = table[metric].to_numpy().astype(float)
        known = ~np.isnan(values)
        if len(np.unique(values[known])) <= 2:
            continue
        low, high = np.percentile(values[known], [1, 99])
        if np.isclose(low, high, rtol=ROUNDING, atol=0):
            low, high = values[known].min(), values[known].max()
        if np.isclose(low, high, rtol=ROUNDING, atol=0):
            continue
        within = np.clip(values, low, high)
        counts = {
            place: np.histogram(within[known & (places == place)], BARS, (low, high))[0].tolist()
            for place in dict.fromkeys(places.tolist())
        }
        found[metric] = {"low": float(low), "high": float(high), "counts": counts}
    return found


def _bounded(job: dict[str, Any], parts: Any) -> None:
    from hfscore import HfscoreError

    size = sum(one.ref.size or 0 for one in parts)
    if job["megabytes"] and size > job["megabytes"] * 10**6:
        raise HfscoreError(
            f"The chosen splits have {size / 1e9:.1f} GB, more than this page reads.",
            "Choose one config and split, or run `hfscore score` on a machine of your own.",
        )


def _card(job: dict[str, Any], report: Any) -> dict[str, str]:
    import hfscore

    example = Path(job["folder"]) / EXAMPLE / "README.md"
    readme = example.read_bytes() if job["source"] == EXAMPLE else None
    try:
        return dataclasses.asdict(hfscore.preview(report, readme, token=job["token"] or None))
    except hfscore.HfscoreError as error:
        return {"error": str(error)}


def push(job: dict[str, Any], tell: Tell) -> Any:
    """Open the pull request, or update the one that is open, in the visitor's name."""
    import hfscore

    report = hfscore.load_report(Path(job["folder"]))
    done = hfscore.push(report, token=job["token"], allow_foreign=job["allow_foreign"])
    return {"action": done.action, "url": done.url, "notes": list(done.notes)}


VERBS: dict[str, Verb] = {
    "look": look,
    "estimate": estimate,
    "score": score,
    "compare": compare,
    "labels": labels,
    "push": push,
}

if __name__ == "__main__":
    main()
