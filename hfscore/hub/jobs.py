"""HF Jobs: `hfscore push` on the Hub's hardware, once or whenever a dataset changes.

A job's command is a list of words that no shell reads. Secrets are named by the caller, and their values travel in
the field that the Hub keeps apart from what a job shows.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import hfscore
from hfscore.errors import HfscoreError, HubError
from hfscore.hub.client import FAULTS, Remote, connect, explain, require_token, status_of
from hfscore.judge.address import parse_address
from hfscore.settings import PATHS, Settings, arguments

T = TypeVar("T")

IMAGE = "ghcr.io/astral-sh/uv:python3.12-bookworm"
PACKAGE = f"hfscore[all]=={hfscore.__version__}"
LABEL = "hfscore"  # marks the jobs that are ours
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Job:
    """A push that is to run on the Hub's hardware.

    Args:
        repo_id: "owner/name" of the dataset.
        settings: What decides the numbers.
        options: Further options of `hfscore push`, as words.
        flavor: The hardware's name on the Hub, such as "a10g-small".
        timeout: Number and unit (s, m, h, d) after which the Hub ends the job.
        secrets: Names of environment variables that the job gets too; HF_TOKEN and the judge's key always.
        package: What is installed, as pip names it.
    """

    repo_id: str
    settings: Settings
    flavor: str
    options: tuple[str, ...] = ()
    timeout: str = "2h"
    secrets: tuple[str, ...] = ()
    package: str = PACKAGE

    @property
    def command(self) -> list[str]:
        """The words that the job runs."""
        values = dataclasses.asdict(dataclasses.replace(self.settings, judge_store=None))
        words = ["push", self.repo_id, *arguments(values), "--settings-file", "none", *self.options]
        return ["uvx", "--from", self.package, "hfscore", *words]

    @property
    def seconds(self) -> float:
        """The timeout.

        Raises:
            HfscoreError: It is no duration.
        """
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", self.timeout)
        if found is None or float(found[1]) <= 0:
            raise HfscoreError(f"'{self.timeout}' is no duration.", "Write a number and s, m, h or d, such as 90m.")
        return float(found[1]) * _UNITS[found[2]]


@dataclass(frozen=True, slots=True)
class Started:
    """A job that the Hub has taken.

    Args:
        id: The job's id.
        url: Its page.
    """

    id: str
    url: str


def check(job: Job) -> None:
    """Refuse what only this machine could do.

    Raises:
        HfscoreError: A setting names a file or a server of this machine, or the timeout is no duration.
    """
    assert job.seconds > 0
    values = dataclasses.asdict(job.settings)
    for name in PATHS:
        given = values[name] or ()
        for one in (given,) if isinstance(given, str) else given:
            if Path(one).exists():
                raise HfscoreError(
                    f"--{name.replace('_', '-')} {one} is on this machine, where the job does not run.",
                    "Name a repository on the Hub, or leave it out.",
                )
    if job.settings.judge and _is_here(parse_address(job.settings.judge).host):
        raise HfscoreError(
            f"The judge at {job.settings.judge} is on this machine or its network, which a job cannot reach.",
            "Name a public address, or --judge hf:MODEL.",
        )


def _is_here(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))


def most_it_costs(job: Job, *, token: str | None = None) -> str:
    """What the job costs if it runs until its timeout, a sentence.

    Raises:
        HfscoreError: The Hub has no such hardware.
        HubError: The Hub could not be reached.
    """
    remote = connect(job.repo_id, token)
    there = {one.name: one for one in remote.ask(remote.api.list_jobs_hardware)}
    if job.flavor not in there:
        raise HfscoreError(f"The Hub runs no jobs on '{job.flavor}'.", f"Choose one of {', '.join(there)}.")
    one = there[job.flavor]
    seconds = {"second": 1, "minute": 60, "hour": 3600}.get(one.unit_label)
    if seconds is None:
        return f"The Hub charges ${one.unit_cost_usd:.4f} per {one.unit_label} of {job.flavor}."
    hourly = one.unit_cost_usd * 3600 / seconds
    most = hourly * job.seconds / 3600
    return f"{job.flavor} costs ${hourly:.2f} an hour: at most ${most:.2f} until the timeout of {job.timeout}."


def run(job: Job, *, token: str | None = None) -> Started:
    """Ask the Hub to run a job; sent once, for a second request would be a second job.

    Raises:
        HfscoreError: A secret has no value here, or a setting means only this machine.
        HubError: The Hub refused, or could not be reached.
    """
    check(job)
    remote = connect(job.repo_id, token)
    require_token(remote)
    started = _once(
        remote,
        lambda: remote.api.run_job(
            image=IMAGE,
            command=job.command,
            flavor=job.flavor,
            timeout=job.timeout,
            secrets=_secrets(job, remote),
            name="hfscore",
            labels={LABEL: "push"},
        ),
    )
    return Started(started.id, started.url)


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook that runs a job again whenever its dataset changes.

    Args:
        id: The webhook's id.
        job: The job that it runs, which has also run once.
        watched: What it watches.
    """

    id: str
    job: Started
    watched: tuple[str, ...] = field(default_factory=tuple)


def watch(job: Job, *, token: str | None = None) -> Hook:
    """Run a job now, and again whenever the dataset changes.

    Every run starts with `hfscore status`: where data and settings are those of the section, which they are after our
    own commit, it ends without scoring.

    Raises:
        HfscoreError: As of `run`; or such a webhook is there already.
        HubError: The Hub refused, or could not be reached.
    """
    check(job)
    remote = connect(job.repo_id, token)
    require_token(remote)
    for one in remote.ask(remote.api.list_webhooks, "job"):
        watches = any(item.type == "dataset" and item.name == job.repo_id for item in one.watched)
        if watches and one.job is not None and LABEL in (one.job.labels or {}):
            raise HfscoreError(
                f"The webhook {one.id} watches {job.repo_id} already.",
                f"To replace it: hf webhooks delete {one.id}, then run again.",
            )
    started = run(job, token=token)
    made = _once(
        remote,
        lambda: remote.api.create_webhook(
            job_id=started.id,
            watched=[{"type": "dataset", "name": job.repo_id}],
            domains=["repo"],
            secrets=_secrets(job, remote),  # those of the job are not copied to it
        ),
    )
    return Hook(made.id, started, tuple(item.name for item in made.watched))


def _secrets(job: Job, remote: Remote) -> dict[str, str]:
    names: Sequence[str] = [*job.secrets, *filter(None, [job.settings.judge_key_env])]
    missing = sorted(name for name in names if name != "HF_TOKEN" and not os.environ.get(name))
    if missing:
        raise HfscoreError(f"There is no value for the secret {', '.join(missing)}.", "Set it in the environment.")
    values = {name: os.environ[name] for name in names if name != "HF_TOKEN"}
    return {"HF_TOKEN": remote.token or "", **values}


def _once(remote: Remote, step: Callable[[], T]) -> T:
    try:
        return step()
    except FAULTS as fault:
        said = explain(fault, remote, "job")
        if status_of(fault) is None:
            raise HubError(
                said.message, f"It may have arrived: look at {remote.api.endpoint}/settings/jobs."
            ) from fault
        raise said from fault
