"""`hfscore verify`: a published section measured again, number by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from hfscore.cli import output
from hfscore.cli.jobs import RepoId
from hfscore.cli.options import takes_settings

if TYPE_CHECKING:
    from hfscore.settings import Settings
    from hfscore.verification import Check

SHOWN = 12


def _questions(value: str) -> str:
    if value != "all" and not (value.isdigit() and int(value) > 0):
        raise typer.BadParameter("give a number of questions, or 'all'")
    return value


@takes_settings("encoder", "reference_lm", "student", file=False)
def verify(
    source: RepoId,
    settings: Settings,
    n: Annotated[
        str, typer.Option("--n", help="Questions to measure again, or 'all' for every number.", callback=_questions)
    ] = "20",
    revision: Annotated[str, typer.Option(help="Branch, or refs/pr/N, whose section is checked.")] = "main",
    scores_repo: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Dataset with the published scores of every trace, to compare one by one."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="On stdout as JSON.")] = False,
) -> None:
    """Measure a random part of a published section again; exits with 1 where a number does not hold."""
    import dataclasses

    from hfscore import api
    from hfscore.verification import verify as check

    with output.progress() as progress:
        found = check(
            api.hub_id(source),
            None if n == "all" else int(n),
            models=settings,
            scores_repo=scores_repo,
            revision=revision,
            progress=progress,
            say=output.say,
        )
    if as_json:
        output.json_line(dataclasses.asdict(found))
    else:
        part = "the whole sample" if found.exact else f"{found.questions} questions of the sample"
        output.line(f"{found.repo_id} at {found.revision[:7]}, data at {found.data_revision[:7]}: {part}")
        _show("refuted", [one for one in found.checks if one.verdict == "refuted"])
        _show("confirmed", [one for one in found.checks if one.verdict == "confirmed"])
        _reasons([one for one in found.checks if one.verdict == "not checked"])
        counts = (f"{found.count(verdict)} {verdict}" for verdict in ("confirmed", "refuted", "not checked"))
        output.line("\n" + ", ".join(counts))
    if found.refuted:
        raise typer.Exit(1)


def _show(title: str, checks: list[Check]) -> None:
    """Numbers as a table, the rest as sentences."""
    numbers = [one for one in checks if one.published is not None or one.found is not None]
    shown = numbers if title == "refuted" else numbers[:SHOWN]
    if checks:
        output.line("")
    for one in (one for one in checks if one not in numbers):
        output.line(f"{title}  {one.what}: {one.why}")
    if shown:
        rows = [[one.what, *map(_number, (one.published, one.found, one.tolerance))] for one in shown]
        output.figures(title, [["", "published", "now", "may differ by"], *rows])
    if len(shown) < len(numbers):
        output.line(f"and {len(numbers) - len(shown)} more (--json has all)")


def _number(number: float | None) -> str:
    return "–" if number is None else f"{number:.4g}"


def _reasons(checks: list[Check]) -> None:
    """What was not checked, a line for each reason."""
    reasons: dict[str, list[str]] = {}
    for one in checks:
        reasons.setdefault(one.why, []).append(one.what)
    if reasons:
        output.line("\nnot checked")
    for why, names in reasons.items():
        output.line(f"  {len(names)} numbers, such as {names[0]}: {why}")
