"""`hfscore evidence fit` and `hfscore evidence convert`: a user's own results of fine-tuning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import typer

from hfscore.cli import output
from hfscore.errors import HfscoreError

if TYPE_CHECKING:
    from hfscore.evidence import Evidence

app = typer.Typer(no_args_is_help=True)


@app.callback()
def evidence() -> None:
    """Compare metrics of training sets with what became of models trained on them."""


@app.command()
def fit(
    scores: Annotated[Path, typer.Argument(help="Metrics of variants: CSV, JSONL or Parquet.")],
    outcomes: Annotated[Path, typer.Argument(help="Benchmark scores of models trained on them.")],
    direction: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(metavar="METRIC=up|down", help="Declared before looking (repeat); else two-sided."),
    ] = None,
    length_metric: Annotated[str, typer.Option(metavar="METRIC", help="The length others must beat.")] = "",
    leave_out: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(metavar="IDS", help="Variants, separated by commas: what vanishes without them?"),
    ] = None,
    outcome: Annotated[
        Literal["ranks", "z"], typer.Option(help="What is averaged over benchmarks: ranks or z scores.")
    ] = "ranks",
    published: Annotated[bool, typer.Option(help="Set published evidence beside.")] = True,
    seed: Annotated[int, typer.Option(help="Seed of the permutations above 8 variants.")] = 0,
    write_profile: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="Write a profile (.toml)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="On stdout as JSON.")] = False,
) -> None:
    """Fit: rank correlations, permutation tests, and what length or single variants explain of them."""
    from dataclasses import asdict

    from hfscore.evidence import fit_evidence

    found = fit_evidence(
        scores,
        outcomes,
        directions=_directions(direction or []),
        length_metric=length_metric,
        leave_out=[name.strip() for names in leave_out or [] for name in names.split(",") if name.strip()],
        scale=outcome,
        published=published,
        seed=seed,
    )
    if as_json:
        output.json_line(asdict(found))
    else:
        _print(found)
    if write_profile is not None:
        _write_profile(found, write_profile, (scores.name, outcomes.name))


@app.command()
def convert(
    wide: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(help="Table with a row for each student and teacher; that of arXiv 2601.14249 by default."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for scores.csv and outcomes.csv.")] = Path(),
) -> None:
    """Turn a wide table (student, student_size_b, teacher, metrics, downstream_score) into scores and outcomes."""
    from hfscore.evidence import from_wide, shipped

    tables = from_wide(shipped()) if wide is None else from_wide(wide, source=_source(wide))
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in zip(("scores.csv", "outcomes.csv"), tables, strict=True):
        _write_csv(out / name, rows)
        output.line(f"written  {out / name}")
    output.say(f"Next: hfscore evidence fit {out / 'scores.csv'} {out / 'outcomes.csv'}")


def _directions(given: list[str]) -> dict[str, str]:
    found = {}
    for one in given:
        metric, sign, way = one.rpartition("=")
        if not sign or way not in ("up", "down"):
            raise HfscoreError(f"'{one}' declares no direction.", "Write METRIC=up or METRIC=down.")
        found[metric] = way
    return found


def _source(wide: Path) -> str:
    """The table that comes with the package keeps its source, or it would be taken for new evidence."""
    from hfscore.evidence.wide import SOURCE, is_shipped

    return SOURCE if is_shipped(wide) else wide.name


def _print(found: Evidence) -> None:
    from hfscore.evidence import words

    output.line(words.headline(found))
    for title, rows in words.tables(found):
        output.line("")
        output.figures(title, rows)
    for heading, sentences in words.lines(found):
        output.line("")
        output.sentences(heading, sentences)


def _write_profile(found: Evidence, path: Path, sources: tuple[str, ...]) -> None:
    from hfscore.evidence.user_profile import to_profile
    from hfscore.profiles import dump

    profile = to_profile(found, name=path.stem, sources=sources)
    path.write_text(dump(profile), encoding="utf-8")
    output.say(f"Written: {path}")


def _write_csv(path: Path, rows: list[Any]) -> None:
    import csv

    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
