"""`hfscore push --on-jobs` and `hfscore webhook create`: the same push, on the Hub's hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from hfscore.cli import output
from hfscore.cli.options import takes_settings
from hfscore.errors import HfscoreError

if TYPE_CHECKING:
    from hfscore.hub.jobs import Job
    from hfscore.settings import Settings

JOBS = "On HF Jobs"
RepoId = Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The dataset on the Hub.")]
OnJobs = Annotated[
    Optional[str],  # noqa: UP045 - typer reads the annotation at run time
    typer.Option("--on-jobs", metavar="FLAVOR", help="Run on this hardware of HF Jobs.", rich_help_panel=JOBS),
]
USUAL_TIMEOUT = "2h"
Timeout = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--timeout",
        help="When the Hub ends the job: number and s, m, h or d.",
        show_default=USUAL_TIMEOUT,
        rich_help_panel=JOBS,
    ),
]
Secret = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--secret",
        metavar="NAME",
        help="Environment variable the job gets as a secret, besides HF_TOKEN (repeat).",
        rich_help_panel=JOBS,
    ),
]
JobPackage = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--job-package", help="What the job installs; this version by default.", rich_help_panel=JOBS),
]

app = typer.Typer(no_args_is_help=True)


@app.callback()
def webhook() -> None:
    """Keep a section fresh: score a dataset again whenever its data changes."""


def _checked(job: Job) -> Job:
    """The job, if it can run; says what it costs at most."""
    from hfscore.hub import jobs

    jobs.check(job)
    output.say(jobs.most_it_costs(job))
    return job


def refuse_without_a_job(timeout: str | None, secret: list[str] | None, package: str | None) -> None:
    """Refuse options that say how a job runs where none is asked for.

    Raises:
        HfscoreError: One of them was given; it is named.
    """
    given = {"--timeout": timeout, "--secret": secret, "--job-package": package}
    if named := [option for option, value in given.items() if value]:
        raise HfscoreError(
            f"{' and '.join(named)}: for a job, and none was asked for.", "Add --on-jobs cpu-basic, or leave it out."
        )


def start(
    repo_id: str,
    settings: Settings,
    flavor: str,
    words: list[str],
    *,
    timeout: str | None,
    secret: list[str] | None,
    package: str | None,
) -> None:
    """Run `hfscore push` as a job, and say where it is."""
    from hfscore.hub import jobs

    secrets, ends = tuple(secret or ()), timeout or USUAL_TIMEOUT
    job = jobs.Job(repo_id, settings, flavor, tuple(words), ends, secrets, package or jobs.PACKAGE)
    started = jobs.run(_checked(job))
    output.line(f"started  {started.url}")
    output.say(f"Next: hf jobs logs {started.id}")


@app.command()
@takes_settings()
def create(
    source: RepoId,
    settings: Settings,
    on_jobs: OnJobs = None,
    timeout: Timeout = None,
    secret: Secret = None,
    job_package: JobPackage = None,
) -> None:
    """Push now on HF Jobs, and again whenever the dataset's data changes."""
    from hfscore import api
    from hfscore.hub import jobs

    if on_jobs is None:
        raise HfscoreError("A webhook runs a job, and a job needs hardware.", "Name it: --on-jobs cpu-basic.")
    secrets, package = tuple(secret or ()), job_package or jobs.PACKAGE
    job = jobs.Job(api.hub_id(source), settings, on_jobs, (), timeout or USUAL_TIMEOUT, secrets, package)
    made = jobs.watch(_checked(job))
    output.line(f"created  webhook {made.id}")
    output.line(f"started  {made.job.url}")
    output.say("A change of the card alone, our own pull request included, ends the job before anything is scored.")
