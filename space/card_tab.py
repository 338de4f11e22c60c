"""The Card tab: the section as the Hub shows it, as Markdown, as a diff; the pull request, in the visitor's name."""

from __future__ import annotations

from typing import Any

import gradio as gr
import markup
import runs
from score_tab import owner, who

NOTHING = "Score a dataset first: then its section stands here."
LOGIN = "Log in to open a pull request, or copy the section below into the card by hand."


def show(request: gr.Request, profile: gr.OAuthProfile | None) -> tuple[Any, ...]:
    """What the last run of this page has to say to a card."""
    one = runs.visitor(request.session_hash or "", owner(profile))
    card = one.results.get("card", {})
    if "error" in card:
        return markup.note(card["error"], "error"), "", "", "", gr.update(interactive=False)
    if not card:
        return markup.note(NOTHING), "", "", "", gr.update(interactive=False)
    on_hub = one.job.get("hub")
    said = "" if not on_hub else LOGIN if runs.BOUNDS.on_space and profile is None else ""
    if not on_hub:
        said = "This is no dataset on the Hub: there is nothing to send, and the section can be copied."
    page = markup.frame(card["page"], "The section as the Hub shows it")
    return (
        markup.note(said),
        page,
        card["section"],
        _diff(card["diff"]),
        gr.update(interactive=bool(on_hub and not said)),
    )


def _diff(words: str) -> str:
    kinds = {"+": "hf-added", "-": "hf-taken", "@": "hf-place"}
    lines = (f'<span class="{kinds.get(one[:1], "")}">{markup.text(one)}\n</span>' for one in words.splitlines())
    return f'<pre class="hf-diff" tabindex="0" aria-label="Difference to the current card">{"".join(lines)}</pre>'


def send(
    request: gr.Request, profile: gr.OAuthProfile | None, token: gr.OAuthToken | None, *, foreign: bool = False
) -> str:
    """Open the pull request."""
    one = runs.visitor(request.session_hash or "", owner(profile))
    if not one.results or not one.job.get("hub"):
        return markup.note(NOTHING, "error")
    if runs.BOUNDS.on_space and token is None:
        return markup.note("Your login has ended. Log in again: the results wait for you.", "error")
    try:
        runs.admit(one, who(request, profile))
    except runs.RefusedError as error:
        return markup.note(str(error), "error")
    secret = token.token if token else None
    last = list(runs.run(one, "push", secret, allow_foreign=foreign, source=one.job["source"]))[-1]
    if "done" not in last:
        return markup.note(last.get("error", "Cancelled."), "error")
    done = last["done"]
    words = " ".join([f"{done['action'].capitalize()}:", *done["notes"]])
    link = (
        f'<a href="{markup.text(done["url"])}" target="_blank" rel="noopener noreferrer">{markup.text(done["url"])}</a>'
    )
    return f'<div class="hf-note hf-info" role="status">{markup.text(words)} {link}</div>'


def build(*filled: Any) -> None:
    """Lay the tab out; `filled` are the events after which there are new results."""
    status = gr.HTML("", elem_id="card-status")
    with gr.Row():
        go = gr.Button("Open pull request", variant="primary", interactive=False, elem_id="open-pr")
        foreign = gr.Checkbox(
            False, label="I do not maintain this dataset, and its maintainers know", elem_id="foreign"
        )
    with gr.Tabs():
        with gr.Tab("As the Hub shows it"):
            shown = gr.HTML("", elem_id="card-page")
        with gr.Tab("Markdown"):
            raw = gr.Code("", language="markdown", label="The section", interactive=False, elem_id="card-raw")
        with gr.Tab("Difference to the current card"):
            diff = gr.HTML("", elem_id="card-diff")
    outputs = [status, shown, raw, diff, go]
    private = {"api_visibility": "private", "show_progress": "hidden"}
    for event in filled:
        event.then(show, None, outputs, **private)

    def push(foreign: bool, request: gr.Request, profile: gr.OAuthProfile | None, token: gr.OAuthToken | None) -> str:
        return send(request, profile, token, foreign=foreign)

    go.click(push, foreign, status, **private, concurrency_id="runs", concurrency_limit=runs.BOUNDS.at_once)
