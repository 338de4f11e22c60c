"""Writes the variants of a source: a JSONL file each, the originals beside them, and what could not be made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hfscore.damage.draws import generator
from hfscore.errors import HfscoreError
from hfscore.prepare import Say, prepare, silent
from hfscore.records import Trace, Unscored
from hfscore.report import atomic
from hfscore.run import Progress, mute
from hfscore.settings import Settings
from hfscore.variants.rules import RULES_VERSION, VARIANTS

MANIFEST_FILE = "variants.json"
ORIGINAL = "original"
DEFAULT = Settings()

Texts = Sequence[str | Unscored]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Args:
        files: variant -> name of its file in the folder; the original is one.
        traces: Traces in each file, those without a variant included.
        failures: variant -> reason -> traces that have none.
        by: "rules, version 1", or the model that wrote them.
        source: What they were made from.
        seed: Seed of every choice.
    """

    files: Mapping[str, str]
    traces: int
    failures: Mapping[str, Mapping[str, int]]
    by: str
    source: str
    seed: int


def write_variants(
    source: Any,
    settings: Settings = DEFAULT,
    *,
    out: Path | str,
    revision: str | None = None,
    token: str | None = None,
    progress: Progress = silent,
    say: Say = mute,
) -> Written:
    """Write summarized, constant-length and lengthy versions of traces, and the originals.

    Rules make them; where `settings.judge` names a server, its model writes them. Equal source, settings and seed give
    equal files, as far as the model does.

    Args:
        source: As of `hfscore.score`.
        settings: Columns, `rows` to draw, `seed`, and the server with its model.
        out: Folder of original.jsonl, summarized.jsonl, babythink.jsonl, lengthy.jsonl and variants.json.
        revision: As of `hfscore.score`.
        token: As of `hfscore.score`.
        progress: As of `hfscore.score`.
        say: As of `hfscore.score`.

    Returns:
        The files, and how many traces have no variant, by reason. Such a trace keeps its row, without reasoning.

    Raises:
        HfscoreError: The source cannot be read, or the model cannot be asked at all.
    """
    folder = Path(out)
    reading = replace(settings, metric=("structure",), judge=None, contamination=(), student=())
    with prepare(source, reading, revision=revision, token=token, progress=progress, say=say) as prepared:
        traces = list(prepared.run.sample())
        name = prepared.opened.info.id
    if not traces:
        raise HfscoreError("There are no traces to write variants of.")
    progress("writing variants", 0, None)
    usable = [trace for trace in traces if _why_not(trace) is None]
    made, by = _made(usable, settings, say)
    texts: dict[str, Texts] = {ORIGINAL: [_why_not(trace) or trace.reasoning for trace in traces]}
    for variant, found in made.items():
        given = iter(found)
        texts[variant] = [_why_not(trace) or next(given) for trace in traces]
    failures = {
        variant: dict(Counter(one.reason for one in found if isinstance(one, Unscored)))
        for variant, found in texts.items()
    }
    for variant, found in texts.items():
        _write(folder / f"{variant}.jsonl", variant, traces, found)
    files = {variant: f"{variant}.jsonl" for variant in texts}
    written = Written(files, len(traces), failures, by, name, settings.seed)
    with atomic(folder / MANIFEST_FILE) as temporary:
        temporary.write_text(json.dumps(asdict(written), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return written


def _made(traces: Sequence[Trace], settings: Settings, say: Say) -> tuple[Mapping[str, Texts], str]:
    if settings.judge:
        from hfscore.variants.asked import ask  # aiohttp, a fifth of a second

        found = ask(traces, list(VARIANTS), settings, say)
        return found.texts, found.model
    made = {
        variant: [rule(trace.reasoning, generator(settings.seed, "variant", variant, trace.id)) for trace in traces]
        for variant, rule in VARIANTS.items()
    }
    return made, f"rules, version {RULES_VERSION}"


def _why_not(trace: Trace) -> Unscored | None:
    if trace.problem is not None:
        return Unscored(trace.problem)
    if trace.turns:
        return Unscored("a trajectory of turns is left alone")
    return None if trace.reasoning.strip() else Unscored("no reasoning")


def _write(path: Path, variant: str, traces: Sequence[Trace], texts: Texts) -> None:
    apart = any(trace.response for trace in traces)
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
        for trace, text in zip(traces, texts, strict=True):
            row: dict[str, Any] = {
                "variant": variant,
                "question": trace.question,
                "reasoning": None if isinstance(text, Unscored) else text,
                **({"response": trace.response} if apart else {}),
                "reference_answer": trace.reference,
                "config": trace.config,
                "split": trace.split,
                "row": trace.row,
                "trace": trace.index,
                "why_not": text.reason if isinstance(text, Unscored) else None,
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
