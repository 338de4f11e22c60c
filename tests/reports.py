"""Reports to render: one part, two that share questions, four, many, and none scored. Numbers invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hfscore import targets
from hfscore.metrics import alignment, fvcu, redundancy, structure, student_fit
from hfscore.profiles import Entry, Profile
from hfscore.report import Difference, Part, Report, RowNote, Skipped, SourceInfo, Value
from hfscore.spec import Metric

URL = "https://huggingface.co/datasets/example-org/algebra-traces"
COMMIT = "4f2a9c1e7b0d5a6688c1f3e2d9b74a5510cc8e37"
METRICS: tuple[Metric, ...] = (*alignment.FAMILY.metrics, *redundancy.FAMILY.metrics, structure.FAMILY.metrics[0])
MEANS: Mapping[str, float] = {
    "alignment_margin": 0.412,
    "alignment_question_trace": 0.634,
    "alignment_trace_answer": 0.281,
    "redundancy_windowed": 0.437,
    "redundancy": 0.462,
    "redundancy_long_range": 0.196,
    "words": 84.3,
}


STUDENTS = ("example/student-8b", "example/student-14b")
MEANS_JUDGED: Mapping[str, float] = {"factuality": 0.978, "validity": 0.959, "coherence": 0.993, "utility": 0.913}


def part(config: str, split: str = "train", **more: object) -> Part:
    given: dict[str, object] = {
        "kind": "single_trace",
        "mapping": {
            "question": ("problem",),
            "reasoning": ("solution",),
            "response": (),
            "reference_answer": ("answer",),
        },
        "design": "questions",
        "rows_total": 52_418,
        "questions_total": 52_418,
        "rows": 400,
        "questions": 400,
        "traces": 400,
    }
    return Part(config, split, **{**given, **more})  # type: ignore[arg-type]


def value(metric: str, of: Part, mean: float | None, *, by: tuple[str, str] | None = None, **more: object) -> Value:
    """A value around a mean; without one, every trace is unscored."""
    low, high, p5, median, p95 = (None,) * 5 if mean is None else _around(mean)
    scored = 0 if mean is None else of.traces
    given = {"scored": scored, "questions": min(scored, of.questions)}
    return Value(metric, of.config, of.split, by, mean, low, high, p5, median, p95, **{**given, **more})  # type: ignore[arg-type]


def _around(mean: float) -> tuple[float, ...]:
    """Interval, 5th percentile, median and 95th percentile; a long tail for what is no share."""
    if mean > 1:
        return mean * 0.96, mean * 1.05, mean // 3, mean // 1.1, mean * 2.4 // 1
    return mean - 0.013, mean + 0.014, mean - 0.21, mean + 0.01, mean + 0.19


def values_of(of: Part, shift: float = 0.0) -> list[Value]:
    found = [value(name, of, mean * (1 - 15 * shift) if mean > 1 else mean + shift) for name, mean in MEANS.items()]
    nothing = {"no response apart from the trace": of.traces}
    return [*found, value("alignment_trace_response", of, None, unscored=nothing)]


def report(parts: Sequence[Part], values: Sequence[Value], **more: object) -> Report:
    given: dict[str, object] = {
        "schema": 1,
        "version": "0.1.0",
        "measured_at": "2026-11-18T09:12:44Z",
        "source": SourceInfo(
            "hub",
            "example-org/algebra-traces",
            f"git:{COMMIT}",
            "sha256:77b1f0c25a9e4d3388f6a1c0e9d2b4475c61a8fe03d9b27715ac40e6d8f3920b",
            URL,
            viewer=True,
        ),
        "metrics": METRICS,
        "families": {
            "alignment": {"version": "1", "encoder": "example/encoder", "encoder revision": "git:03bd1f2"},
            "redundancy": {"version": "1", "compressor": "zlib level 9 (library 1.3.1)"},
        },
        "differences": (),
        "facts": (),
        "rows": (),
        "skipped": (),
        "settings": {"rows": 400, "seed": 0},
        "settings_hash": "sha256:0f5bd44dd6c1f3be7a1e6bd4b0f9f6a0c6f1ee1d2a8f3bb0c0f8fb7b4a2d9e11",
        "command": f"hfscore score example-org/algebra-traces --revision {COMMIT[:7]} --rows 400 --seed 0",
        "environment": {"python": "3.11.9"},
    }
    return Report(parts=tuple(parts), values=tuple(values), **{**given, **more})  # type: ignore[arg-type]


def one() -> Report:
    only = part("default", notes=("The reasoning was read from `solution`; its last line is the answer.",))
    values = values_of(only)
    values[0] = replace(values[0], scored=391, unscored={"empty trace": 7, "no question": 2})
    values[3] = replace(
        values[3], scored=393, unscored={"empty trace": 7}, marked={"shorter than one 1 KiB window": 38}
    )
    rows = (RowNote("unclosed think span", "default", "train", (881, 10_342, 27_719), 3),)
    return report([only], values, rows=rows)


def pair() -> Report:
    first, second = part("full", traces=400), part("concise", traces=398)
    values = [*values_of(first), *values_of(second, -0.032)]
    values[8] = value("alignment_margin", second, 0.409)
    ends = ("full", "train"), ("concise", "train")
    differences = (
        Difference("alignment_margin", *ends, 0.004, -0.011, 0.019, 380),
        Difference("redundancy_windowed", *ends, 0.032, 0.024, 0.040, 389),
        Difference("redundancy", *ends, 0.044, 0.034, 0.054, 389),
    )
    values[0] = replace(values[0], scored=393, unscored={"empty trace": 5, "no question": 2})
    values[8] = replace(values[8], scored=397, unscored={"empty trace": 1})
    values[3] = replace(values[3], marked={"shorter than one 1 KiB window": 38, "unclosed think span": 4})
    values += [
        value(metric, of, mean, by=("source", label), scored=count, unscored={})
        for of in (first, second)
        for label, count in (("olympiad", 140), ("textbook", 260))
        for metric, mean in (("alignment_margin", 0.4), ("redundancy_windowed", 0.43), ("words", 90.0))
    ]
    rows = (
        RowNote("unclosed think span", "full", "train", (10_342, 27_719, 30_001, 30_002, 30_003, 30_004), 14),
        RowNote("empty trace", "concise", "train", (881,), 1),
    )
    skipped = (Skipped("concise/test", "there are questions, but no column holds reasoning"),)
    return report([first, second], values, differences=differences, rows=rows, skipped=skipped)


def targeted() -> Report:
    """Two parts, two students, sizes of every kind, and evidence of the user's own that contradicts."""
    base = pair()
    fitted = [student_fit.for_student(0, name).metrics[:2] for name in STUDENTS]
    metrics = [metric for pair in fitted for metric in pair]
    judged = [metric for metric in fvcu.FAMILY.metrics if metric.id in MEANS_JUDGED]
    values = [
        value(metric.id, of, 2.9 + 0.2 * place - shift)
        for place, metric in enumerate(metrics)
        for of, shift in zip(base.parts, (0.0, 0.24), strict=True)
    ]
    values += [
        replace(value(metric.id, of, MEANS_JUDGED[metric.id]), p5=1.0 if metric.id == "coherence" else 0.8)
        for metric in judged
        for of in base.parts
    ]
    ends = ("full", "train"), ("concise", "train")
    gaps = [
        Difference(metrics[0].id, *ends, 0.24, 0.17, 0.31, 400),
        Difference(metrics[2].id, *ends, 0.03, -0.03, 0.09, 400),
        Difference("validity", *ends, -0.015, -0.023, -0.007, 389),
        Difference("factuality", *ends, -0.002, -0.008, 0.004, 389),
        Difference("coherence", *ends, 0.001, -0.001, 0.002, 389),
    ]
    own = Entry("alignment_margin", "down", "C", ("scores.csv",), "", n=6, size_seen_b=(7.0, 7.0))
    sizes = [targets.parse(text) for text in ("9B", "70B", "30B-A3B", "unknown")]
    return replace(
        base,
        metrics=(*judged, *base.metrics, *metrics),
        values=(*base.values, *values),
        differences=(*base.differences, *gaps),
        students=STUDENTS,
        judge="example/judge-32b",
        targets=(*(targets.of_model(name, weights=None) for name in STUDENTS), *sizes),
        profiles=(Profile("maths-7b", (6.0, 8.0), (own,)),),
    )


def four() -> Report:
    names = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
    parts = [
        part(name, "test", rows=150, questions=150, traces=150, rows_total=150, questions_total=150, design="all")
        for name in names
    ]
    values = [found for place, one in enumerate(parts) for found in values_of(one, 0.017 * place)]
    missing = {"not longer than one 1 KiB window": 150}
    values = [
        replace(value(one.metric, parts[0], None, unscored=missing), config=one.config, split=one.split)
        if one.metric == "redundancy_long_range"
        else one
        for one in values
    ]
    return report(parts, values, command="hfscore score example-org/algebra-traces --rows all --seed 0")


def many(count: int = 9) -> Report:
    parts = [part(f"subject_{place}", traces=400 + place, rows=400 + place) for place in range(count)]
    return report(parts, [found for place, one in enumerate(parts) for found in values_of(one, 0.005 * place)])


def nothing() -> Report:
    only = part(
        "default", kind="multi_generation", rows=12, questions=12, traces=12, questions_total=None, rows_total=None
    )
    values = [value(metric.id, only, None, unscored={"empty trace": 12}) for metric in METRICS]
    local = SourceInfo("files", "traces.jsonl")
    return report([only], values, source=local, families={}, command="hfscore score traces.jsonl")
