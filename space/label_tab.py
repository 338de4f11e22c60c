"""The Label tab: steps drawn at random, shown without the judge's verdict; the answers correct the judge's shares."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
import markup
import runs
from score_tab import owner, who

NOTHING = "Score a dataset with a judge first: then steps drawn at random stand here, without the judge's verdict."
ENOUGH = 5
AROUND = 1500


def show(request: gr.Request, profile: gr.OAuthProfile | None) -> tuple[Any, ...]:
    """The step that is asked about next."""
    one = runs.visitor(request.session_hash or "", owner(profile))
    sheet, answers = one.results.get("sheet", []), one.results.get("answers", [])
    many = gr.update(interactive=len(answers) >= ENOUGH)
    if not sheet:
        return markup.note(NOTHING), *(gr.update(interactive=False) for _ in range(5))
    ask = [gr.update(interactive=len(answers) < len(sheet))] * 3
    back = gr.update(interactive=bool(answers))
    if len(answers) >= len(sheet):
        return markup.note("All steps drawn are labelled."), *ask, back, many
    return _page(sheet[len(answers)], len(answers) + 1, len(sheet)), *ask, back, many


def _page(asked: dict[str, Any], number: int, total: int) -> str:
    pieces = [
        markup.note(f"{number} of {total}: {asked['drawn']['criterion']}"),
        f'<p class="hf-reading">{markup.text(asked["rubric"])}</p>',
        _text("Problem", asked["question"]),
        _text("Reference answer", asked["reference"]),
        _text("Before the step", asked["before"][-AROUND:], len(asked["before"]) - AROUND),
        _text("The step", asked["step"], kind="hf-asked"),
        _text("Behind the step", asked["behind"][:AROUND], len(asked["behind"]) - AROUND),
    ]
    return "".join(pieces)


def _text(title: str, words: str | None, left: int = 0, kind: str = "") -> str:
    if not words:
        return ""
    more = f" ({left:,} more characters are not shown)" if left > 0 else ""
    shown = markup.text(words[: runs.BOUNDS.shown])
    return f'<h4>{markup.text(title + more)}</h4><div class="hf-trace {kind}" dir="auto">{shown}</div>'


def answer(holds: bool | None, request: gr.Request, profile: gr.OAuthProfile | None) -> tuple[Any, ...]:
    """Keep a label, and show the next step."""
    one = runs.visitor(request.session_hash or "", owner(profile))
    answers = one.results.get("answers", [])
    if len(answers) < len(one.results.get("sheet", [])):
        answers.append(holds)
    return show(request, profile)


def back(request: gr.Request, profile: gr.OAuthProfile | None) -> tuple[Any, ...]:
    """Take the last label back."""
    one = runs.visitor(request.session_hash or "", owner(profile))
    if one.results.get("answers"):
        one.results["answers"].pop()
    return show(request, profile)


def apply(request: gr.Request, profile: gr.OAuthProfile | None, token: gr.OAuthToken | None) -> str:
    """Correct the judge's shares by the labels given so far."""
    one = runs.visitor(request.session_hash or "", owner(profile))
    answers = one.results.get("answers", [])
    if len(answers) < ENOUGH:
        return markup.note(f"At least {ENOUGH} labels are needed.", "error")
    try:
        runs.admit(one, who(request, profile))
    except runs.RefusedError as error:
        return markup.note(str(error), "error")
    secret = token.token if token else None
    last = list(runs.run(one, "labels", secret, answers=answers, **one.job))[-1]
    if "done" not in last:
        return markup.note(last.get("error", "Cancelled."), "error")
    one.results |= {**last["done"], "report": json.loads((one.folder / "report.json").read_bytes())}
    facts = [item for item in one.results["report"]["facts"] if item["fact"]["id"].endswith("_labelled")]
    rows = [
        (
            markup.text(item["config"]),
            markup.text(item["fact"]["title"]),
            _value(item["fact"]),
            markup.text(item["fact"]["note"]),
        )
        for item in facts
    ]
    given = sum(one is not None for one in answers)
    said = markup.note(f"{given} labels are counted, and the card says so too. More make the intervals narrower.")
    return said + markup.table(("config", "what", "value (95% interval)", "rests on"), rows, "Corrected by your labels")


def _value(fact: dict[str, Any]) -> str:
    metric = {"unit": fact["unit"], "digits": 2}
    if fact["value"] is None:
        return "not measured"
    interval = f" ({markup.number(fact['low'], metric)} to {markup.number(fact['high'], metric)})"
    return markup.number(fact["value"], metric) + (interval if fact["low"] is not None else "")


def build(*filled: Any) -> Any:
    """Lay the tab out; returns the event after which the card says something new."""
    asked = gr.HTML(markup.note(NOTHING), elem_id="asked")
    with gr.Row():
        yes = gr.Button("Holds", interactive=False, elem_id="holds")
        no = gr.Button("Fails", interactive=False, elem_id="fails")
        skip = gr.Button("Skip", interactive=False, elem_id="skip")
        again = gr.Button("Back", interactive=False, elem_id="back")
    done = gr.Button("Correct the judge by these labels", variant="primary", interactive=False, elem_id="apply")
    found = gr.HTML("", elem_id="corrected")
    outputs = [asked, yes, no, skip, again, done]
    private = {"api_visibility": "private", "show_progress": "hidden"}

    def holds(request: gr.Request, profile: gr.OAuthProfile | None) -> tuple[Any, ...]:
        return answer(True, request, profile)

    def fails(request: gr.Request, profile: gr.OAuthProfile | None) -> tuple[Any, ...]:
        return answer(False, request, profile)

    def skipped(request: gr.Request, profile: gr.OAuthProfile | None) -> tuple[Any, ...]:
        return answer(None, request, profile)

    yes.click(holds, None, outputs, **private)
    no.click(fails, None, outputs, **private)
    skip.click(skipped, None, outputs, **private)
    again.click(back, None, outputs, **private)
    for event in filled:
        event.then(show, None, outputs, **private)
    return done.click(apply, None, found, **private, concurrency_id="runs", concurrency_limit=runs.BOUNDS.at_once)
