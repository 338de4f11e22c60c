"""`hfscore push`, `hfscore card` and `hfscore status`: the section, into the card and on the Hub."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from hfscore.cli import jobs, output
from hfscore.cli.jobs import RepoId
from hfscore.cli.options import Revision, Source, takes_settings
from hfscore.errors import CardError, HfscoreError, ReportError

if TYPE_CHECKING:
    from hfscore.report import Report
    from hfscore.settings import Settings

SEND = "What to send"


@takes_settings()
def push(
    source: RepoId,
    settings: Settings,
    revision: Revision = None,
    report: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Send the report of an earlier run instead of scoring.", rich_help_panel=SEND),
    ] = None,
    create_pr: Annotated[
        bool,
        typer.Option("--create-pr/--no-create-pr", help="A pull request, or a commit to main.", rich_help_panel=SEND),
    ] = True,
    commit_message: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Title of the commit and the pull request.", rich_help_panel=SEND),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the card's diff, send nothing.", rich_help_panel=SEND)
    ] = False,
    allow_foreign: Annotated[
        bool,
        typer.Option("--allow-foreign", help="Open a pull request on a dataset of others.", rich_help_panel=SEND),
    ] = False,
    scores_repo: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Publish the scores of every trace as this dataset.", rich_help_panel=SEND),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Score again even if the section is up to date.", rich_help_panel=SEND)
    ] = False,
    out: Annotated[Optional[Path], typer.Option(help="Folder for report.json and scores.parquet.")] = None,  # noqa: UP045
    with_text: Annotated[bool, typer.Option("--with-text", help="Store the traces' text in scores.parquet.")] = False,
    on_jobs: jobs.OnJobs = None,
    timeout: jobs.Timeout = None,
    secret: jobs.Secret = None,
    job_package: jobs.JobPackage = None,
) -> None:
    """Score a Hub dataset and send the section to its card as a pull request."""
    from hfscore import api
    from hfscore.report import load

    repo_id = api.hub_id(source)
    if on_jobs is not None:
        if dry_run or report is not None or out is not None:
            raise HfscoreError("A job has no folder of this machine, and no terminal.", "Leave --on-jobs out.")
        words = _words(revision, create_pr=create_pr, allow_foreign=allow_foreign, force=force, with_text=with_text)
        words += _named("--commit-message", commit_message) + _named("--scores-repo", scores_repo)
        jobs.start(repo_id, settings, on_jobs, words, timeout=timeout, secret=secret, package=job_package)
        return
    jobs.refuse_without_a_job(timeout, secret, job_package)
    if report is None and not (force or dry_run or out or scores_repo or revision):
        state = api.status(repo_id, settings)
        if state.state == "fresh" or (state.state == "pending" and create_pr):
            output.say(f"Up to date: {state.why} Nothing was scored; --force scores again.")
            output.line(f"up to date  {state.url or repo_id}")
            return
    if not dry_run:
        api.check_push(repo_id, create_pr=create_pr, allow_foreign=allow_foreign)
    with tempfile.TemporaryDirectory() as temporary:
        given = report.parent if report is not None and report.is_file() else report
        folder = given or out or Path(temporary)
        made = (
            api.for_others(load(report), settings.target, settings.profile)
            if report is not None
            else _score(source, settings, revision, folder, with_text=with_text)
        )
        if made.source.id != repo_id:
            raise ReportError(f"The report is about {made.source.id}, not about {repo_id}.")
        outcome = api.push(
            made, create_pr=create_pr, dry_run=dry_run, allow_foreign=allow_foreign, commit_message=commit_message
        )
        for note in outcome.notes:
            output.say(note)
        if dry_run:
            output.raw(outcome.diff)
            return
        output.line(f"{outcome.action}  {outcome.url}")
        if scores_repo:
            scores = api.publish_scores(made, folder, scores_repo)
            output.line(f"{scores.action}  {scores.url}")


def _score(source: str, settings: Settings, revision: str | None, folder: Path, *, with_text: bool) -> Report:
    from hfscore import api

    with output.progress() as progress:
        made = api.score(
            source,
            settings,
            revision=revision,
            out=folder,
            with_text=with_text,
            progress=progress,
            say=output.say,
            cores=os.cpu_count() or 1,
        )
    output.report_table(made)
    return made


def _named(option: str, value: str | None) -> list[str]:
    return [option, value] if value else []


def _words(revision: str | None, **flags: bool) -> list[str]:
    """Options of `push` as words for a job."""
    usual = {"create_pr": True}
    words = _named("--revision", revision)
    for name, value in flags.items():
        if value != usual.get(name, False):
            words.append(f"--{'' if value else 'no-'}{name.replace('_', '-')}")
    return words


def card(
    report: Annotated[Optional[Path], typer.Argument(help="Folder of a report (--out of 'hfscore score').")] = None,  # noqa: UP045
    readme: Annotated[Optional[Path], typer.Option(help="The card; the section alone if left out.")] = None,  # noqa: UP045
    write: Annotated[bool, typer.Option("--write", help="Write the card.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show what would change.")] = False,
    template: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(exists=True, dir_okay=False, help="Jinja2 file for the section alone (names: docs/templates.md)."),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the section out again, byte for byte.")] = False,
    target: Annotated[
        list[str], typer.Option(help="Size of student to read the report for instead of its own: 8B (repeat).")
    ] = [],  # noqa: B006
    profile: Annotated[list[str], typer.Option(help="Evidence of your own, shown beside the published (repeat).")] = [],  # noqa: B006
) -> None:
    """Put the section into a local README.md, show it, or take it out; works without a network."""
    from hfscore import api
    from hfscore.report import load

    if (remove and readme is None) or (report is None and not remove):
        raise HfscoreError(
            "There is nothing to do.",
            "hfscore card REPORT --readme README.md --write, or hfscore card --readme README.md --remove",
        )
    if remove and (write or report is not None):
        raise HfscoreError("--remove takes the section out; it goes with --readme and --diff only.", "Run it alone.")
    if readme is None and (write or diff):
        raise HfscoreError("There is no card to write to or compare with.", "Name it: --readme README.md")
    made = api.for_others(load(report), target, profile) if report is not None and not remove else None
    if readme is None:
        assert made is not None
        output.raw(api.section(made, template.read_text(encoding="utf-8") if template else None))
        return
    if template is not None:
        raise HfscoreError("A section from your own template is printed, never spliced.", "Leave --readme out.")
    try:
        before = readme.read_bytes() if readme.exists() else b""
    except OSError as error:
        raise CardError(f"{readme} cannot be read ({error.strerror}).") from error
    after = api.spliced(before, made) if made is not None else api.removed(before)
    if diff:
        output.raw(api.diff(before, after, str(readme)))
    if write or (remove and not diff):
        if after != before:
            api.write_bytes(readme.resolve(), after)
        if made is not None:  # the card points to it
            api.write_report(made, readme.resolve().parent)
        output.say(f"{readme}: {'unchanged' if after == before else 'written'}.")
    elif not diff:
        output.raw(after.decode("utf-8"))


@takes_settings()
def status(
    source: Source,
    settings: Settings,
    readme: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Card of a local dataset; README.md in its folder by default."),
    ] = None,
    compare_settings: Annotated[
        bool, typer.Option("--settings", help="Also compare the settings given here with those of the section.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="On stdout as JSON.")] = False,
) -> None:
    """Say whether a dataset's section is fresh, stale, waiting in a pull request, or not there."""
    from hfscore import api

    if api.is_local(source):
        found = api.local_status(source, settings, readme=readme, any_settings=not compare_settings)
    else:
        found = api.status(api.hub_id(source), settings if compare_settings else None)
    if as_json:
        output.json_line({"state": found.state, "why": found.why, "url": found.url})
    else:
        output.line(f"{found.state}  {found.why}")
