"""`hfscore space`: the page of the Space on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

import hfscore
from hfscore.cli import output
from hfscore.errors import HfscoreError, MissingExtraError


def space(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)] = 7860,
) -> None:
    """Show scores, rows, comparisons and the card in the browser; nobody else can reach it, and no login is needed."""
    if find_spec("gradio") is None:
        raise MissingExtraError("The page needs gradio.", 'pip install "hfscore[space]"')
    app = _app()
    output.say(f"http://127.0.0.1:{port} (Ctrl-C ends it)")
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    environment = {name: value for name, value in environment.items() if name not in ("SYSTEM", "SPACE_ID")}
    raise typer.Exit(subprocess.call([sys.executable, str(app)], env=environment))  # noqa: S603 - our own file


def _app() -> Path:
    """The app of the installed package, or of a checkout."""
    root = Path(hfscore.__file__).parent
    for folder in (root / "_space", root.parent / "space"):
        if (folder / "app.py").exists():
            return folder / "app.py"
    raise HfscoreError("The page's files are not part of this installation.", "Install hfscore's wheel.")
