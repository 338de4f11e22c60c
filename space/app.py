"""hfscore as a page: score a dataset's reasoning traces, look at rows, compare, and send the section to its card."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import gradio as gr

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import card_tab
import compare_tab
import label_tab
import markup
import rows_tab
import runs
import score_tab

HERE = Path(__file__).resolve().parent
ABOUT = """\
# hfscore
What is in a reasoning dataset, measured on its traces: every number says what it rests on, and a failure is never a
number. Nothing here says that a dataset trains a better model.
"""


def restore(kept: str, request: gr.Request, profile: gr.OAuthProfile | None) -> tuple[Any, Any]:
    """Give a page that was loaded anew, as by logging in, the results that it had."""
    one = runs.come_back(request.session_hash or "", kept, score_tab.owner(profile))
    if not one.results:
        return gr.skip(), gr.skip()  # whoever was quick may have an answer there already
    return markup.note("These are the results from before."), markup.results(
        one.results["report"], one.results["shown"]
    )


def leave(request: gr.Request) -> None:
    """A page was closed."""
    runs.leave(request.session_hash or "")


def build() -> gr.Blocks:
    """Lay the page out."""
    with gr.Blocks(title="hfscore", delete_cache=(600, 3600), fill_width=False) as page:
        with gr.Row():
            with gr.Column(scale=4, min_width=300):
                gr.Markdown(ABOUT)
            if runs.BOUNDS.on_space:
                gr.LoginButton(size="sm", elem_id="login", scale=0)
        with gr.Tabs():
            with gr.Tab("Score", id="score"):
                score = score_tab.build()
                loaded = page.load(restore, score.keep, [score.status, score.results], api_visibility="private")
            with gr.Tab("Rows", id="rows"):
                rows_tab.build(score.done, loaded)
            with gr.Tab("Label", id="label"):
                labelled = label_tab.build(score.done, loaded)
            with gr.Tab("Compare", id="compare-tab"):
                compare_tab.build()
            with gr.Tab("Card", id="card"):
                card_tab.build(score.done, loaded, labelled)
        page.unload(leave)
    return page


def launch(**options: Any) -> None:
    """Serve the page."""
    page = build().queue(max_size=100)
    page.launch(css_paths=HERE / "style.css", footer_links=["settings"], ssr_mode=False, **options)


if __name__ == "__main__":
    launch()
