"""From a report to a card: the section alone, spliced into a local card, or sent to the Hub."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from hfscore import catalog
from hfscore.card import render, splice
from hfscore.card.page import html_page
from hfscore.errors import HfscoreError
from hfscore.hub import push as hub_push
from hfscore.hub import repo as hub_repo
from hfscore.hub import scores_repo as hub_scores
from hfscore.hub import status as hub_status
from hfscore.report import REPORT_FILE, SCORES_FILE, Report, atomic, save, to_json
from hfscore.settings import Settings
from hfscore.settings_file import SettingsFile, find
from hfscore.sources import open_source, parse_source


def section(report: Report, template: str | None = None) -> str:
    """The section of a report as Markdown, without the markers; `template` is Jinja2 text of the user's own."""
    return render.render_section(report, template)


def spliced(readme: bytes, report: Report) -> bytes:
    """A card with the section of a report in it; every other byte as it was.

    Raises:
        CardError: The section cannot be put in safely, or the card declines it.
    """
    return splice.splice(readme, section=section(report), identity=render.identity(report))


@dataclass(frozen=True, slots=True)
class Preview:
    """A report's section as it would stand in a card, before anything is sent.

    Args:
        section: Markdown, without markers.
        page: The section as a self-contained HTML page, much as the Hub would show it.
        before: The card as it is.
        after: The card with the section.
        diff: Unified diff between the two; text of the card, so not safe to print as it is.
    """

    section: str
    page: str
    before: str
    after: str
    diff: str


def preview(report: Report, readme: bytes | None = None, *, token: str | None = None) -> Preview:
    """Show what `push` would do to a card, without doing it.

    Args:
        report: The report.
        readme: The card; None reads that of the dataset on the Hub, and takes an empty one for other sources.
        token: Token of the Hub; None for the one that is logged in.

    Raises:
        CardError: The section cannot be put in safely, or the card declines it.
        HubError: The Hub refused, or could not be reached.
    """
    if readme is None:
        readme = hub_repo.read_card(report.source.id, "main", token) if report.source.kind == "hub" else b""
    words, after = section(report), spliced(readme, report)
    return Preview(words, html_page(words, report.source.id), readme.decode(), after.decode(), diff(readme, after))


def diff(before: bytes, after: bytes, name: str = "README.md") -> str:
    """Unified diff of two cards; text of the card, so not safe to print as it is."""
    old, new = (text.decode("utf-8").splitlines(keepends=True) for text in (before, after))
    lines = difflib.unified_diff(old, new, fromfile=f"a/{name}", tofile=f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Published:
    """The section that a dataset's card carries now.

    Args:
        status: Whether it is fresh.
        section: Markdown, or None where the card on the main branch has none.
        page: The section as a self-contained HTML page, or None.
    """

    status: hub_status.Status
    section: str | None
    page: str | None


def published(repo_id: str, *, token: str | None = None) -> Published:
    """Read the section that a dataset's card carries, and whether it still fits the data.

    Raises:
        CardError: The card cannot be read.
        HubError: The Hub refused, or could not be reached.
    """
    found = status(repo_id, token=token)
    words = splice.read_section(hub_repo.read_card(repo_id, "main", token))
    return Published(found, words, html_page(words, repo_id) if words else None)


def removed(readme: bytes) -> bytes:
    """A card without our section and block: the bytes from before they were put in."""
    return splice.remove(readme)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def write_report(report: Report, folder: Path) -> Path:
    """Put the report where a card in `folder` points to: .hfscore/report.json."""
    return save(report, folder / ".hfscore")


def is_local(source: str) -> bool:
    """Whether a source is a local file or folder."""
    return parse_source(source)[0] == "files"


def hub_id(source: str) -> str:
    """ "owner/name" of a source that is on the Hub.

    Raises:
        HfscoreError: It is a local file or folder.
    """
    kind, name, *rest = parse_source(source)
    if kind != "hub":
        raise HfscoreError(
            f"'{source}' is a local path.",
            "Score it with 'hfscore score', then: hfscore card REPORT --readme README.md --write",
        )
    if rest and rest[-1]:
        raise HfscoreError(
            f"'{source}' names files inside a dataset, and a section speaks for the whole.",
            "Push owner/name; choose with --config and --split.",
        )
    return str(name)


def push(
    report: Report,
    *,
    create_pr: bool = True,
    dry_run: bool = False,
    allow_foreign: bool = False,
    commit_message: str | None = None,
    token: str | None = None,
) -> hub_push.Outcome:
    """Send the section of a report to its dataset's card; see `hub.push.push`."""
    if report.source.kind != "hub":
        raise HfscoreError(
            f"The report is about '{report.source.id}', which is no dataset on the Hub.",
            "Write the section into a local card: hfscore card REPORT --readme README.md --write",
        )
    publication = hub_push.Push(
        repo_id=report.source.id,
        section=section(report),
        identity=render.identity(report),
        side_files={f".hfscore/{REPORT_FILE}": to_json(report).encode()},
        commit_message=commit_message,
    )
    return hub_push.push(publication, create_pr=create_pr, dry_run=dry_run, allow_foreign=allow_foreign, token=token)


def check_push(repo_id: str, *, create_pr: bool = True, allow_foreign: bool = False, token: str | None = None) -> None:
    """Refuse what `push` would refuse, before anything is scored; see `hub.push.check`.

    A trusted publisher's token lives for an hour: there nothing is asked before the push itself.
    """
    if "HF_OIDC_RESOURCE" not in os.environ:
        hub_push.check(repo_id, create_pr=create_pr, allow_foreign=allow_foreign, token=token)


def settings_file(source: str, revision: str | None = None, *, token: str | None = None) -> SettingsFile | None:
    """The `.hfscore.toml` that goes with a source: the working folder's, or the one beside the data."""
    kind, name, *rest = parse_source(source)
    found = find(name if isinstance(name, Path) else None)
    if found is not None or kind != "hub":
        return found
    from hfscore.hub.settings_file import read

    return read(str(name), revision or (str(rest[0]) if rest and rest[0] else None), token=token)


def read_settings(
    source: str, settings: Settings | None = None, *, revision: str | None = None, token: str | None = None
) -> Settings:
    """Settings in which a dataset's `.hfscore.toml` speaks where they are still at their defaults.

    Args:
        source: "owner/name", or a local path.
        settings: What was chosen otherwise, which goes first.
        revision: Branch, tag or commit of a Hub dataset.
        token: Token of the Hub; None for the one that is logged in.

    Raises:
        HfscoreError: The file has a key that is not known, or cannot be read.
    """
    found = settings_file(source, revision, token=token)
    chosen = settings or Settings()
    return found.under(chosen) if found is not None else chosen


def status(repo_id: str, settings: Settings | None = None, *, token: str | None = None) -> hub_status.Status:
    """Whether a dataset's section is fresh; with settings, also whether it was made with these."""
    wanted = settings.hash(catalog.choose(settings.metric)) if settings else None
    return hub_status.status(repo_id, token=token, settings_hash=wanted)


def card_of(path: Path) -> Path:
    """Where the card of a local file or folder stands."""
    return (path if path.is_dir() else path.parent) / "README.md"


def local_status(
    source: str, settings: Settings, *, readme: Path | None = None, any_settings: bool = False
) -> hub_status.Status:
    """Whether the section in a local card fits the data beside it; no network is used.

    Args:
        source: Local file or folder.
        settings: Configs and splits that are read; all of it is compared unless `any_settings`.
        readme: The card; README.md in the folder by default.
        any_settings: Whether a section made with other settings fits too.
    """
    _, path, *_ = parse_source(source)
    card = readme or card_of(Path(str(path)))
    data = open_source(source, configs=settings.config, splits=settings.split).info.fingerprint or ""
    identity = splice.read_identity(card.read_bytes()) if card.exists() else None
    wanted = None if any_settings else settings.hash(catalog.choose(settings.metric))
    why = hub_status.outdated(identity, data, wanted)
    where = str(card)
    if why is None:
        return hub_status.Status("fresh", "The section fits the data.", identity, None, where, data)
    return hub_status.Status("stale" if identity else "none", why, identity, None, where, data)


def publish_scores(report: Report, folder: Path, repo_id: str, *, token: str | None = None) -> hub_push.Outcome:
    """Publish the scores of every trace as a dataset of its own; private where the source is not public."""
    path = folder / SCORES_FILE
    if not path.exists():
        raise HfscoreError(f"There is no {SCORES_FILE} in {folder}.", "Score with --out DIR, then push --report DIR.")
    return hub_scores.publish_scores(
        repo_id,
        {f"data/{SCORES_FILE}": path, REPORT_FILE: to_json(report).encode()},
        render.scores_card(report, repo_id).encode(),
        private=hub_status.is_restricted(report.source.id, token=token),
        token=token,
    )
