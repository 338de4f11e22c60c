"""Runs the demo and shows it; every command it prints is one a user can type, with an address of their own."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import ModuleType

from hfscore.demo import REPO, TOKEN, example_files
from hfscore.loopback import LoopbackHub, LoopbackTGI
from hfscore.settings import Settings, command


def show(folder: Path, output: ModuleType) -> None:
    """Score the demo dataset on a loopback Hub with a loopback judge, open the pull request, show the card as HTML.

    Args:
        folder: Where card.html, README.md and the report go.
        output: `hfscore.cli.output`.
    """
    import os

    from hfscore.backends.embedder import OFFLINE_ENCODER
    from hfscore.reference_lm import OFFLINE_REFERENCE_LM

    with (
        LoopbackHub(users={TOKEN: "maintainer"}) as hub,
        LoopbackTGI() as tgi,
        tempfile.TemporaryDirectory() as home,
    ):
        # Constants of huggingface_hub are read at its first import, which comes after this line.
        os.environ.update(hub.environment(Path(home), TOKEN))
        hub.create_dataset(REPO, example_files())
        output.line(f"A loopback Hub at {hub.endpoint} holds {REPO}: 150 GSM8K questions, four models' solutions.")
        output.line(f"A loopback TGI at {tgi.url} answers as the judge, with rules and no language model.")
        settings = Settings(
            rows=None,
            encoder=OFFLINE_ENCODER,
            reference_lm=OFFLINE_REFERENCE_LM,
            student=(OFFLINE_REFERENCE_LM,),
            judge=tgi.url,
            judge_store=str(Path(home) / "judge.sqlite"),
        )
        _push(folder, settings, output)
        _card(hub, folder, output)


def _push(folder: Path, settings: Settings, output: ModuleType) -> None:
    from hfscore import api

    output.line(f"\n$ {command(settings, REPO, None, 'push')}")
    with output.progress() as progress:
        report = api.score(REPO, settings, out=folder, progress=progress, say=output.say)
    output.report_table(report)
    outcome = api.push(report)
    output.line(f"{outcome.action}  {outcome.url}")
    output.line(f"\n$ hfscore status {REPO}")
    state = api.status(REPO, settings)
    output.line(f"{state.state}  {state.why}\n")


def _card(hub: LoopbackHub, folder: Path, output: ModuleType) -> None:
    from hfscore.card.page import html_page

    pull = next(one for one in hub.discussions(REPO) if one.is_pull_request)
    readme = hub.read(REPO, "README.md", f"refs/pr/{pull.num}")
    before = hub.read(REPO, "README.md")
    output.card(readme.decode())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_bytes(readme)
    (folder / "card.html").write_text(html_page(readme.decode(), REPO), encoding="utf-8")
    added = len(readme) - len(before)
    output.line(f"The card as it stands in the pull request: {folder}/card.html (open it in a browser).")
    output.line(f"{added:,} bytes were added; the {len(before):,} bytes of the maintainer are all still there.")
    output.line(f"Scores of every trace: {folder}/scores.parquet; the report: {folder}/report.json.")
