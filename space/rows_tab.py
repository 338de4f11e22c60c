"""The Rows tab: traces sorted and filtered; one opened shows its steps, verdicts, flags and numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gradio as gr
import markup
import runs
from score_tab import owner

NOTHING = "Score a dataset first: then its traces stand here."
CRITERIA = ("factuality", "validity", "coherence", "utility")
SHADES = (*CRITERIA, "surprisal", "entropy")
LISTED = 200
FILTERS = ("All traces", "Flagged", "A step fails", "Something not scored")
ORDERS = ("highest first", "lowest first")
TEXTS = ("question", "reasoning", "response", "reference")
KEYS = {
    "judged": "Number of the step, then: ✓ holds, ✗ fails, ? not scored.",
    "read": "Number of the step, then the mean of its tokens in nats; the darker, the higher within this trace.",
}
Row = Mapping[str, Any]


def _table(one: runs.Visitor, name: str) -> list[dict[str, Any]]:
    """The rows of a parquet file of the last run; none where it was not written."""
    import pyarrow.parquet as pq

    path = one.folder / name
    return list(pq.read_table(path).to_pylist()) if one.results and path.exists() else []


def _place(row: Row) -> tuple[Any, ...]:
    return row["config"], row["split"], row["row"], row["trace"]


def _id(row: Row) -> str:
    return f"{row['config']}/{row['split']}/{row['row']}#{row['trace']}"


def _metrics(one: runs.Visitor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = one.results["shown"]["metrics"] if one.results else []
    return found


def _flags(row: Row, metrics: Sequence[Row]) -> list[str]:
    return [metric["title"] for metric in metrics if metric["flag"] and row[metric["id"]] == 1]


def _kept(row: Row, which: str, words: str, metrics: Sequence[Row], failing: set[tuple[Any, ...]]) -> bool:
    if which == "Flagged" and not _flags(row, metrics):
        return False
    if which == "A step fails" and _place(row) not in failing:
        return False
    if which == "Something not scored" and not any(row[f"{metric['id']}_unscored"] for metric in metrics):
        return False
    return not words or any(words.lower() in (row[text] or "").lower() for text in TEXTS)


def _failing(one: runs.Visitor) -> set[tuple[Any, ...]]:
    rows = _table(one, "steps.parquet")
    return {_place(row) for row in rows if any(row[criterion] is False for criterion in CRITERIA)}


def listing(
    sort: str, order: str, which: str, words: str, request: gr.Request, profile: gr.OAuthProfile | None
) -> tuple[Any, ...]:
    """The traces that fit, in order, and how many there are."""
    one = runs.visitor(request.session_hash or "", owner(profile))
    rows, metrics = _table(one, "scores.parquet"), _metrics(one)
    if not rows:
        return markup.note(NOTHING), gr.skip(), gr.update(choices=[], value=None)
    failing = _failing(one) if which == "A step fails" else set()
    found = [row for row in rows if _kept(row, which, words.strip(), metrics, failing)]
    if sort in found[0] if found else False:
        known = [row for row in found if row[sort] is not None]
        known.sort(key=lambda row: row[sort], reverse=order == ORDERS[0])
        found = known + [row for row in found if row[sort] is None]
    shown = [_line(row, sort, metrics) for row in found[:LISTED]]
    said = f"{len(found):,} of {len(rows):,} traces" + (f"; the first {LISTED} are listed" if found[LISTED:] else "")
    choices = [_id(row) for row in found[:LISTED]]
    metric = next((one for one in metrics if one["id"] == sort), None)
    headers = ["trace", metric["title"] if metric else "characters", "flags", "question"]
    last = "" if metric is None else " Those without a number stand last, with the reason."
    table = gr.update(value={"headers": headers, "data": shown})
    return markup.note(f"{said}.{last}"), table, gr.update(choices=choices, value=None)


def _line(row: Row, sort: str, metrics: Sequence[Row]) -> list[str]:
    metric = next((one for one in metrics if one["id"] == sort), None)
    if metric is None:
        value = f"{len(row['reasoning'] or ''):,}"
    elif row[sort] is None:
        value = markup.seen(row[f"{sort}_unscored"] or "", 60)
    else:
        value = markup.number(row[sort], metric)
    flags = ", ".join(_flags(row, metrics)) or "none"
    return [markup.seen(_id(row), 80), value, flags, markup.seen(row["question"] or "", 120)]


def opened(identity: str | None, shade: str, request: gr.Request, profile: gr.OAuthProfile | None) -> str:
    """One trace."""
    one = runs.visitor(request.session_hash or "", owner(profile))
    row = next((row for row in _table(one, "scores.parquet") if _id(row) == identity), None)
    if row is None:
        return markup.note("Choose a trace.") if one.results else ""
    steps = [step for step in _table(one, "steps.parquet") if _place(step) == _place(row)]
    read = [step for step in _table(one, "token_steps.parquet") if _place(step) == _place(row)]
    pieces = [_link(one, row), _verdicts(steps, row["reasoning"] or "")]
    pieces += [_text("Question", row["question"]), _reasoning(row, steps, read, shade)]
    pieces += [_text("Response", row["response"]), _text("Reference answer", row["reference"]), _numbers(one, row)]
    return f'<div class="hf-one">{"".join(pieces)}</div>'


def _link(one: runs.Visitor, row: Row) -> str:
    source = one.results["report"]["source"]
    title = f"<h3>{markup.text(_id(row))}</h3>"
    if not source["viewer"] or not source["url"]:
        return title
    from urllib.parse import quote

    part = f"{quote(row['config'], safe='')}/{quote(row['split'], safe='')}"
    url = f"{source['url']}/viewer/{part}?p={row['row'] // 100}&row={row['row']}"
    link = f'<a href="{markup.text(url)}" target="_blank" rel="noopener noreferrer">The row in the viewer</a>'
    return f"{title}<p>{link}</p>"


def _clipped(words: str) -> str:
    """A text as HTML, or its beginning and how much is left to the export."""
    limit = runs.BOUNDS.shown
    if len(words) <= limit:
        return markup.text(words)
    return f"{markup.text(words[:limit])}… <em>({len(words) - limit:,} more characters are in the export)</em>"


def _text(title: str, words: str | None) -> str:
    if not words:
        return ""
    return f'<h4>{markup.text(title)}</h4><div class="hf-trace" dir="auto">{_clipped(words)}</div>'


def _reasoning(row: Row, steps: Sequence[Row], read: Sequence[Row], shade: str) -> str:
    words = row["reasoning"] or ""
    marks = steps if shade in CRITERIA else read
    if not marks:
        why = f" ({shade} was not measured)" if shade else ""
        return _text(f"Reasoning{why}", words)
    values = sorted(one[shade] for one in marks if one[shade] is not None)
    spans = "".join(_step(number, words, one, shade, values) for number, one in enumerate(marks, 1))
    end = marks[-1]["end"]
    rest = _clipped(words[end:]) if end <= runs.BOUNDS.shown else ""
    key = KEYS["judged" if shade in CRITERIA else "read"]
    title = f'<h4>Reasoning, by {markup.text(shade)}</h4><p class="hf-reading">{key}</p>'
    return f'{title}<div class="hf-trace" dir="auto">{spans}{rest}</div>'


def _step(number: int, words: str, one: Row, shade: str, values: Sequence[float]) -> str:
    if one["start"] > runs.BOUNDS.shown:
        return ""
    value = one[shade]
    if shade in CRITERIA:
        kind, sign = {True: ("hf-holds", "✓"), False: ("hf-fails", "✗"), None: ("hf-unknown", "?")}[value]
        said = {True: "holds", False: "fails", None: one[f"{shade}_unscored"] or "not scored"}[value]
    else:
        rank = sum(other <= value for other in values) / len(values)
        kind, sign = f"hf-heat{min(4, int(rank * 5))}", f"{value:.2f}"
        said = f"{value:.2f} nats a token, over {one['tokens']} tokens"
    text = _clipped(words[one["start"] : one["end"]])
    return f'<span class="{kind}" title="{markup.text(said)}"><b class="hf-mark">{number} {sign}</b>{text}</span>'


def _verdicts(steps: Sequence[Row], words: str) -> str:
    """The first wrong step, and every failing verdict with the judge's quote and reason."""
    failing = [(one, criterion) for one in steps for criterion in CRITERIA if one[criterion] is False]
    missing = sum(one[criterion] is None for one in steps for criterion in CRITERIA)
    rests = f" {missing:,} of {len(CRITERIA) * len(steps):,} verdicts could not be given." if missing else ""
    if not failing:
        return markup.note(f"No step was found to fail.{rests}") if steps else ""
    wrong = next((pair for pair in failing if pair[1] in ("factuality", "validity")), None)
    first = f"First wrong step: {wrong[0]['step']} ({wrong[1]})." if wrong else "No step fails by fact or validity."
    rows = [
        (
            str(one["step"]),
            criterion,
            markup.text(one.get(f"{criterion}_quote") or ""),
            markup.text(one.get(f"{criterion}_reason") or "the judge gave a label alone"),
        )
        for one, criterion in failing
    ]
    headers = ("step", "criterion", "quote", "reason")
    return markup.note(first + rests) + markup.table(headers, rows, "Verdicts that fail")


def _numbers(one: runs.Visitor, row: Row) -> str:
    rows = []
    for metric in _metrics(one):
        value, why = row[metric["id"]], row[f"{metric['id']}_unscored"]
        shown = ("yes" if value else "no") if metric["flag"] else markup.number(value, metric)
        rows.append((markup.text(metric["title"]), markup.text(why) if why else shown))
    flags = ", ".join(_flags(row, _metrics(one))) or "none"
    return f"<p>Flags: {markup.text(flags)}</p>" + markup.table(("metric", "this trace"), rows, "Numbers of this trace")


def export(request: gr.Request, profile: gr.OAuthProfile | None) -> Any:
    """Every trace with its text, numbers and steps, a JSON object a line."""
    one = runs.visitor(request.session_hash or "", owner(profile))
    steps: dict[tuple[Any, ...], list[Row]] = {}
    for step in (*_table(one, "steps.parquet"), *_table(one, "token_steps.parquet")):
        steps.setdefault(_place(step), []).append(step)
    path = one.folder / "traces.jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(_exported(_table(one, "scores.parquet"), steps))
    return gr.update(value=str(path), visible=bool(one.results))


def _exported(rows: Sequence[Row], steps: Mapping[tuple[Any, ...], list[Row]]) -> Iterator[str]:
    for row in rows:
        yield json.dumps({**row, "step_rows": steps.get(_place(row), [])}, ensure_ascii=False) + "\n"


def sorts(request: gr.Request, profile: gr.OAuthProfile | None) -> tuple[Any, ...]:
    """What the last run can be sorted and coloured by."""
    one = runs.visitor(request.session_hash or "", owner(profile))
    choices = [("as in the dataset", "row"), *((metric["title"], metric["id"]) for metric in _metrics(one))]
    judged = (one.folder / "steps.parquet").exists()
    shade = "validity" if judged else "surprisal" if (one.folder / "token_steps.parquet").exists() else "validity"
    return gr.update(choices=choices, value="row"), shade, gr.update(visible=False), ""


def build(*filled: Any) -> None:
    """Lay the tab out; `filled` are the events after which there are new results."""
    with gr.Row():
        sort = gr.Dropdown([("as in the dataset", "row")], value="row", label="Sort by", elem_id="sort", min_width=220)
        order = gr.Radio(ORDERS, value=ORDERS[1], label="Order", elem_id="order", min_width=220)
        which = gr.Dropdown(FILTERS, value=FILTERS[0], label="Show", elem_id="which", min_width=220)
        words = gr.Textbox("", label="Contains", elem_id="contains", min_width=220)
    status = gr.HTML("", elem_id="rows-status")
    headers = ["trace", "characters", "flags", "question"]
    table = gr.Dataframe(
        headers=headers,
        datatype="str",
        interactive=False,
        wrap=True,
        max_height=320,
        label="Traces: config/split/row#trace; choose one to open it",
        elem_id="traces",
        column_widths=["220px", "140px", "140px", "420px"],
    )
    with gr.Row():
        chosen = gr.Dropdown(
            [], label="Open trace", value=None, elem_id="trace", allow_custom_value=True, min_width=220
        )
        shade = gr.Dropdown(SHADES, value="validity", label="Colour steps by", elem_id="shade", min_width=220)
        save = gr.Button("Export", elem_id="export")
    file = gr.File(label="All traces, a JSON object a line", visible=False, elem_id="export-file")
    one = gr.HTML("", elem_id="opened")
    private = {"api_visibility": "private", "show_progress": "hidden"}
    asked = {"fn": listing, "inputs": [sort, order, which, words], "outputs": [status, table, chosen], **private}
    for event in filled:
        event.then(sorts, None, [sort, shade, file, one], **private).then(**asked)
    for control in (sort, order, which):
        control.input(**asked)
    words.submit(**asked)
    gr.on([chosen.input, shade.input], opened, [chosen, shade], one, **private)

    def pick(event: gr.SelectData) -> str:
        return str(event.row_value[0])

    table.select(pick, None, chosen, **private).then(opened, [chosen, shade], one, **private)
    save.click(export, None, file, **private)
