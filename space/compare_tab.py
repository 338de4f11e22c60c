"""The Compare tab: two to six sources measured alike, side by side, each number with what it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gradio as gr
import markup
import runs
import score_tab
from score_tab import owner, who

FEWEST, MOST = 2, 6
EXAMPLE = "\n".join(
    f"{score_tab.EXAMPLE}:{name}"
    for name in ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
)
LENGTHS_APART = 1.5


_LINE = re.compile(r"(?:(?P<label>[\w.-]+)=)?(?P<source>[^:=]+)(?::(?P<config>[\w.-]+))?")


def parse(sources: str) -> list[dict[str, str]]:
    """Read the lines: [LABEL=]SOURCE[:CONFIG].

    Raises:
        RefusedError: There are too few or too many, or one cannot be read.
    """
    lines = [one.strip() for one in sources.splitlines() if one.strip()]
    if not FEWEST <= len(set(lines)) == len(lines) <= MOST:
        raise runs.RefusedError(f"Name {FEWEST} to {MOST} different sources, a line each.")
    found = [_LINE.fullmatch(one) for one in lines]
    if not all(found):
        raise runs.RefusedError("Write owner/name or owner/name:config, a line each.")
    parts = [one.groupdict(default="") for one in found if one]
    names = [one["label"] or one["config"] or one["source"].rpartition("/")[2] for one in parts]
    return [
        {**one, "label": name if names.count(name) == 1 else f"{name}-{number}"}
        for number, (one, name) in enumerate(zip(parts, names, strict=True), 1)
    ]


def compare(
    sources: str,
    targets: str,
    rows: float,
    families: list[str],
    controls: bool,
    request: gr.Request,
    profile: gr.OAuthProfile | None,
    token: gr.OAuthToken | None,
) -> Iterator[Any]:
    """Score every source with the same settings, and show them side by side."""
    one = runs.visitor(request.session_hash or "", owner(profile))
    try:
        wanted = parse(sources)
        jobs = [score_tab.job(it["source"], it["config"], "", "", rows, families, controls, *[""] * 8) for it in wanted]
        runs.admit(one, who(request, profile))
    except runs.RefusedError as error:
        yield markup.note(str(error), "error"), gr.skip()
        return
    yield markup.progress("starting", 0, None, []), ""
    settings: dict[str, Any] = {}
    for job in jobs:
        settings |= {name: value for name, value in job["settings"].items() if name != "config"}
    asked = {"sources": wanted, "targets": score_tab.words(targets), "settings": settings}
    secret = token.token if token else None
    for event in runs.run(one, "compare", secret, **{**jobs[0], **asked}):
        if "done" in event:
            yield markup.note("Done."), shown(event["done"])
        else:
            yield score_tab.said(event), gr.skip()


def shown(found: Mapping[str, Any]) -> str:
    """The sources side by side."""
    report, pairs, read = found["report"], found["pairs"], found["shown"]
    pieces = [_lengths(found), *(markup.note(one) for one in found["notes"])]
    pieces += [markup.students(report, read), markup.LEGEND]
    first, rest = [], []
    for metric in read["metrics"]:
        section = markup.metric_section(metric, markup.values_of(report, metric["id"]), None, read["bars"])
        section += _pairs(metric, [one for one in pairs if one["metric"] == metric["id"]])
        (first if metric["headline"] else rest).append(section)
    more = f"<details><summary>{len(rest)} more measurements</summary>{''.join(rest)}</details>" if rest else ""
    return f'<div class="hf-results">{"".join([*pieces, *first, more])}{markup.controls(read)}</div>'


def _pairs(metric: Mapping[str, Any], pairs: Sequence[Mapping[str, Any]]) -> str:
    if not pairs:
        return ""
    rows = []
    for one in pairs:
        mean, low, high = (markup.number(one[key], metric) for key in ("mean", "joint_low", "joint_high"))
        clear = one["joint_low"] > 0 or one["joint_high"] < 0
        rests = f"{one['questions']:,} questions{', the same on both sides' if one['paired'] else ''}"
        said = f"{mean} ({low} to {high}){'' if clear else ': not distinguishable'}"
        rows.append((f"{markup.text(one['first'])} − {markup.text(one['second'])}", said, rests))
    headers = ("difference", "mean (interval that holds for all pairs at once, 95%)", "rests on")
    count = sum(": not dist" not in row[1] for row in rows)
    title = f"{metric['title']}: {count} of {len(rows)} pairs can be told apart"
    return f"<details><summary>{markup.text(title)}</summary>{markup.table(headers, rows, title)}</details>"


def _lengths(found: Mapping[str, Any]) -> str:
    """A warning where lengths differ so much that they move other numbers."""
    known = {
        one["config"]: one["median"]
        for one in found["report"]["values"]
        if one["metric"] == "words" and one["by"] is None and one["median"]
    }
    if len(known) < FEWEST:
        return ""
    longest, shortest = max(known, key=known.__getitem__), min(known, key=known.__getitem__)
    ratio = known[longest] / known[shortest]
    if ratio < LENGTHS_APART:
        return markup.note("Lengths are alike: the longest median is less than 1.5 times the shortest.")
    return markup.note(
        f"The traces of {longest} are {ratio:.1f} times as long as those of {shortest} (medians, in words). "
        "Length moves most of these numbers: to find out what trains a better model, train on both at equal tokens.",
        "error",
    )


def build() -> None:
    """Lay the tab out."""
    with gr.Row():
        sources = gr.Textbox(
            EXAMPLE,
            label="Sources",
            info="[label=]owner/name[:config], a line each; the example's four solvers to begin with",
            lines=6,
            elem_id="sources",
            scale=2,
            min_width=320,
        )
        with gr.Column(min_width=300):
            rows = gr.Number(
                50, label="Questions of each", minimum=5, maximum=runs.BOUNDS.rows, precision=0, elem_id="compare-rows"
            )
            targets = gr.Textbox("8B, 14B", label="Students to be trained", info="sizes, such as 8B", elem_id="targets")
    plain = [item for item in score_tab.FAMILIES.items() if item[1] != "fvcu"]
    families = gr.CheckboxGroup(plain, value=list(score_tab.QUICK), label="Measure", elem_id="compare-families")
    controls = gr.Checkbox(False, label=score_tab.CONTROLS, elem_id="compare-controls")
    with gr.Row():
        go = gr.Button("Compare", variant="primary", elem_id="compare", min_width=140)
        stop = gr.Button("Cancel", elem_id="compare-cancel", min_width=140)
    status = gr.HTML("", elem_id="compare-status")
    found = gr.HTML("", elem_id="compared")
    private = {"api_visibility": "private", "show_progress": "hidden"}
    queue = {"concurrency_id": "runs", "concurrency_limit": runs.BOUNDS.at_once}
    go.click(compare, [sources, targets, rows, families, controls], [status, found], **private, **queue)
    stop.click(score_tab.cancel, None, status, queue=False, **private)
