"""HTML of results. Everything that is not ours passes `text` on its way in: text of a dataset is text everywhere."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Marks that turn the reading direction, and what else cannot be seen: shown by their number, never obeyed.
_UNSEEN_RANGES = (
    *((0x00, 0x09), (0x0B, 0x0D), (0x0E, 0x20), (0x7F, 0xA0), (0x61C, 0x61D), (0x200B, 0x2010), (0x202A, 0x202F)),
    *((0x2060, 0x2070), (0xFEFF, 0xFF00), (0xE0000, 0xE0080)),
)
_UNSEEN = {code: f"[U+{code:04X}]" for first, end in _UNSEEN_RANGES for code in range(first, end)}
_BRACES = {ord("$"): "&#36;", ord("{"): "&#123;", ord("}"): "&#125;", ord("`"): "&#96;"}


def text(value: Any) -> str:
    """A value as text inside HTML, between tags or in a quoted attribute."""
    words = str(value).encode("utf-8", "replace").decode().translate(_UNSEEN)
    return html.escape(words, quote=True).translate(_BRACES)


def seen(value: Any, limit: int = 400) -> str:
    """A value for a component that shows text: the invisible is spelled out, the long is cut with a mark."""
    words = str(value).encode("utf-8", "replace").decode().translate(_UNSEEN)
    return words if len(words) <= limit else f"{words[:limit]}… ({len(words) - limit:,} more characters)"


def note(words: str, kind: str = "info") -> str:
    """One sentence; kind "error" is announced at once to those who listen."""
    role = "alert" if kind == "error" else "status"
    return f'<div class="hf-note hf-{kind}" role="{role}">{text(words)}</div>' if words else ""


def progress(stage: str, done: int, total: int | None, said: Sequence[str]) -> str:
    """How far a run is, and what it has said."""
    bar = (
        f'<progress max="{total}" value="{done}" aria-label="progress"></progress> {done:,} of {total:,}'
        if total
        else ""
    )
    lines = "".join(f"<li>{text(one)}</li>" for one in said[-6:])
    return f'<div class="hf-note hf-info" role="status"><b>{text(stage)}</b> {bar}<ul>{lines}</ul></div>'


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> str:
    """A table of cells that are HTML already; headers and caption are text."""
    head = "".join(f'<th scope="col">{text(one)}</th>' for one in headers)
    body = "".join(f"<tr>{''.join(f'<td>{one}</td>' for one in row)}</tr>" for row in rows)
    return (
        f'<div class="hf-scroll" tabindex="0"><table><caption>{text(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def frame(page: str, title: str) -> str:
    """A whole page of its own, which can run nothing, open nothing and reach nothing outside itself."""
    return f'<iframe class="hf-card" sandbox title="{text(title)}" srcdoc="{text(page)}"></iframe>'


def number(value: float | None, metric: Mapping[str, Any]) -> str:
    """A number as its metric prints it; "none" where nothing was scored."""
    if value is None:
        return "none"
    if metric["unit"] == "share":
        return f"{value:.1%}".replace("-", "−")
    digits = 0 if metric["unit"] in ("steps", "words", "bytes", "tokens") and abs(value) >= 100 else metric["digits"]
    return f"{value:,.{digits}f}".replace("-", "−")


def results(report: Mapping[str, Any]) -> str:
    """A report: for every metric its numbers, a figure, what they rest on and how to read them."""
    parts = [(part["config"], part["split"]) for part in report["parts"]]
    values = {(one["metric"], one["config"], one["split"]): one for one in report["values"] if one["by"] is None}
    gaps = {one["metric"]: one for one in report["differences"]}
    first, rest = [], []
    for metric in report["metrics"]:
        own = [(config, values.get((metric["id"], config, split))) for config, split in parts]
        (first if metric["headline"] else rest).append(metric_section(metric, own, gaps.get(metric["id"])))
    pieces = [_basis(report), *(first or rest)]
    if first and rest:
        pieces.append(f"<details><summary>{len(rest)} more measurements</summary>{''.join(rest)}</details>")
    return f'<div class="hf-results">{"".join(pieces)}{_facts(report)}{_missing(report)}</div>'


def _basis(report: Mapping[str, Any]) -> str:
    revision = (report["source"]["revision"] or "").removeprefix("git:")[:7]
    where = f" at revision {text(revision)}" if revision else ""
    rows = [
        (text(part["config"]), text(part["split"]), f"{part['questions']:,}", f"{part['traces']:,}", _design(part))
        for part in report["parts"]
    ]
    said = f"{report['source']['id']}{where}"
    return table(("config", "split", "questions", "traces", "how they were chosen"), rows, f"What was read of {said}")


def _design(part: Mapping[str, Any]) -> str:
    total = f" of {part['questions_total']:,}" if part["questions_total"] else ""
    return "all rows" if part["design"] == "all" else f"questions drawn at random{total}"


def metric_section(metric: Mapping[str, Any], own: Sequence[tuple[str, Any]], gap: Mapping[str, Any] | None) -> str:
    """One metric: a figure, a table, the paired difference if there is one, and how to read it."""
    rows = [_value(metric, name, value) for name, value in own if value]
    headers = ["what", "mean (95% interval)", "median (5th to 95th percentile)", "rests on"]
    if metric["unit"] == "share":  # a trace is mostly 0 or 1: its median says nothing
        headers, rows = [*headers[:2], headers[3]], [(*row[:2], row[3]) for row in rows]
    between = ""
    if gap:
        clear = "" if gap["low"] > 0 or gap["high"] < 0 else "; not distinguishable"
        low, high = (number(gap[end], metric) for end in ("low", "high"))
        between = (
            f"<p>{text(gap['first'][0])} − {text(gap['second'][0])}: {number(gap['mean'], metric)} ({low} to {high}), "
            f"{gap['pairs']:,} questions scored on both sides{clear}.</p>"
        )
    shown = table(headers, rows, metric["title"])
    grade = "a control, no evidence is claimed" if metric["grade"] == "-" else f"grade of evidence {metric['grade']}"
    evidence = f"<span>({text(grade)}: {text(metric['evidence'])})</span>"
    return (
        f"<section><h3>{text(metric['title'])}</h3>{figure(metric, own)}{shown}{between}"
        f'<p class="hf-reading">{text(metric["reading"])}. {evidence}</p></section>'
    )


def _value(metric: Mapping[str, Any], name: str, value: Mapping[str, Any]) -> tuple[str, ...]:
    mean = number(value["mean"], metric)
    if value["low"] is not None:
        mean += f" ({number(value['low'], metric)} to {number(value['high'], metric)})"
    spread = "" if metric["unit"] == "share" else number(value["median"], metric)
    if spread and value["p5"] is not None:
        spread += f" ({number(value['p5'], metric)} to {number(value['p95'], metric)})"
    missing = sum(value["unscored"].values())
    why = f"; {missing:,} not scored: " + "; ".join(f"{n:,} {text(r)}" for r, n in value["unscored"].items())
    return (
        text(name),
        mean,
        spread,
        f"{value['scored']:,} traces, {value['questions']:,} questions{why if missing else ''}",
    )


def figure(metric: Mapping[str, Any], own: Sequence[tuple[str, Any]]) -> str:
    """Every part on one axis: a line from the 5th to the 95th percentile, a tick at the median, the mean's interval."""
    drawn = [(name, one) for name, one in own if one and one["mean"] is not None]
    keys = ("p5", "p95", "low", "high", "mean")
    ends = [one[key] for _, one in drawn for key in keys if one[key] is not None]
    if not drawn or min(ends) == max(ends):
        return ""
    low, high = min(ends), max(ends)

    def at(value: float) -> float:
        return 150 + 440 * (value - low) / (high - low)

    lines = [_line(28 * row + 18, name, one, at) for row, (name, one) in enumerate(drawn)]
    foot = 28 * len(drawn) + 20
    axis = (
        f'<text x="150" y="{foot}">{number(low, metric)}</text>'
        f'<text x="590" y="{foot}" text-anchor="end">{number(high, metric)}</text>'
    )
    said = f"{metric['title']}: line from 5th to 95th percentile, tick at the median, box is the mean's 95% interval"
    size = f'viewBox="0 0 600 {foot + 6}"'
    return f'<svg class="hf-figure" {size} role="img" aria-label="{text(said)}">{"".join(lines)}{axis}</svg>'


def _line(y: int, name: str, one: Mapping[str, Any], at: Any) -> str:
    short = name if len(name) <= 20 else f"…{name[-19:]}"
    pieces = [f'<text x="0" y="{y + 5}">{text(short)}</text>']
    if one["p5"] is not None:
        pieces.append(f'<line x1="{at(one["p5"]):.1f}" x2="{at(one["p95"]):.1f}" y1="{y}" y2="{y}" class="hf-spread"/>')
    if one["median"] is not None and one["p5"] is not None and one["p5"] != one["p95"]:
        x = f"{at(one['median']):.1f}"
        pieces.append(f'<line x1="{x}" x2="{x}" y1="{y - 8}" y2="{y + 8}" class="hf-median"/>')
    if one["low"] is not None:
        left, width = at(one["low"]), max(at(one["high"]) - at(one["low"]), 1.5)
        pieces.append(f'<rect x="{left:.1f}" width="{width:.1f}" y="{y - 5}" height="10" class="hf-interval"/>')
    pieces.append(f'<circle cx="{at(one["mean"]):.1f}" cy="{y}" r="3.5" class="hf-mean"/>')
    return "".join(pieces)


def _facts(report: Mapping[str, Any]) -> str:
    rows = [
        (
            text(one["config"]),
            text(one["fact"]["title"]),
            _fact(one["fact"]),
            f"{one['fact']['of']:,}",
            text(one["fact"]["note"]),
        )
        for one in report["facts"]
    ]
    if not rows:
        return ""
    shown = table(("config", "what", "value", "rests on", "how"), rows, "What was found in each config as a whole")
    return f"<details><summary>{len(rows)} facts about whole configs</summary>{shown}</details>"


def _fact(fact: Mapping[str, Any]) -> str:
    metric = {"unit": fact["unit"], "digits": 2}
    if fact["value"] is None:
        return "not measured"
    interval = f" ({number(fact['low'], metric)} to {number(fact['high'], metric)})" if fact["low"] is not None else ""
    return number(fact["value"], metric) + interval


def _missing(report: Mapping[str, Any]) -> str:
    rows = [(text(one["what"]), text(one["why"])) for one in report["skipped"]]
    if not rows:
        return ""
    shown = table(("what", "why"), rows, "Not measured")
    return f"<details><summary>{len(rows)} things were not measured</summary>{shown}</details>"
