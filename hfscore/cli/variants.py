"""`hfscore variants`: other versions of the same traces, to see what a metric notices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hfscore.cli import output
from hfscore.cli.options import Revision, Source, takes_settings

if TYPE_CHECKING:
    from hfscore.settings import Settings


@takes_settings(
    "config",
    "split",
    "rows",
    "seed",
    "judge",
    "judge_model",
    "judge_key_env",
    "judge_store",
    "question",
    "reasoning",
    "response",
    "reference",
)
def variants(
    source: Source,
    settings: Settings,
    out: Annotated[Path, typer.Option(help="Folder for a JSONL file of each variant, and the originals.")],
    revision: Revision = None,
) -> None:
    """Write summarized, constant-length (BabyThink) and lengthy versions of traces.

    Rules make them; with --judge its model writes them.
    """
    from hfscore.variants import write_variants

    with output.progress() as progress:
        written = write_variants(source, settings, out=out, revision=revision, progress=progress, say=output.say)
    output.line(f"{written.traces:,} traces of {written.source}, variants by {written.by}")
    for variant, name in written.files.items():
        missing = written.failures[variant]
        reasons = "; ".join(f"{count:,} {why}" for why, count in missing.items())
        output.line(f"  {variant}: {out / name}" + (f", without a text: {reasons}" if reasons else ""))
    names = " ".join(str(out / name) for name in written.files.values())
    output.say(f"Next: hfscore compare {names}")
