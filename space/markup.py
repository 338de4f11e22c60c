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


STACKED = 6  # columns at most


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], caption: str, *, titled: bool = False) -> str:
    """A table of cells that are HTML already; headers and caption are text, the latter unseen where one is titled."""
    head = "".join(f'<th scope="col">{text(one)}</th>' for one in headers)
    names = [text(one) for one in headers]
    cells = (
        "".join(f'<td data-head="{name}">{one}</td>' for name, one in zip(names, row, strict=True)) for row in rows
    )
    body = "".join(f"<tr>{one}</tr>" for one in cells)
    kind = "hf-unseen" if titled else "hf-caption"
    narrow = " hf-stack" if 3 <= len(headers) <= STACKED else ""  # on a telephone a row's cells stand in a column
    return (
        f'<div class="hf-scroll{narrow}" tabindex="0" role="region" aria-label="{text(caption)}"><table>'
        f'<caption class="{kind}"><span>{text(caption)}</span></caption><thead><tr>{head}</tr></thead>'
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


def results(report: Mapping[str, Any], shown: Mapping[str, Any]) -> str:
    """A report: what was read, what is known for each student, and every metric with what it rests on.

    Args:
        report: As `report.json` has it.
        shown: How it is read (`hfscore.interpret`), with the "bars" of every distribution.
    """
    gaps = {one["metric"]: one for one in report["differences"]}
    sections: dict[bool, list[str]] = {True: [], False: []}
    for metric in shown["metrics"]:
        sections[metric["headline"]].append(
            metric_section(metric, values_of(report, metric["id"]), gaps.get(metric["id"]), shown["bars"])
        )
    first, rest = sections[True], sections[False]
    pieces = [_basis(report), students(report, shown), LEGEND, *(first or rest)]
    if first and rest:
        pieces.append(f"<details><summary>{len(rest)} more measurements</summary>{''.join(rest)}</details>")
    tail = controls(shown) + _facts(report) + _missing(report)
    return f'<div class="hf-results">{"".join(pieces)}{tail}</div>'


def values_of(report: Mapping[str, Any], metric: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The numbers of a metric, a part each, by the parts' names."""
    several = len({part["split"] for part in report["parts"]}) > 1
    own = [one for one in report["values"] if one["metric"] == metric and one["by"] is None]
    return [(f"{one['config']}/{one['split']}" if several else one["config"], one) for one in own]


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
    total = f", of {part['questions_total']:,}" if part["questions_total"] else ""
    return "all rows" if part["design"] == "all" else f"questions at random{total}"


def metric_section(
    metric: Mapping[str, Any],
    own: Sequence[tuple[str, Any]],
    gap: Mapping[str, Any] | None,
    bars: Mapping[str, Any],
) -> str:
    """One metric: a figure, a table, the paired difference if there is one, and how to read it."""
    rows = [_value(metric, name, value) for name, value in own]
    headers = ["what", "mean (95% interval)", "median (5th to 95th percentile)", "rests on"]
    if metric["id"] not in bars:  # two values at most: a median says nothing
        headers, rows = [*headers[:2], headers[3]], [(*row[:2], row[3]) for row in rows]
    between = ""
    if gap:
        clear = "" if gap["low"] > 0 or gap["high"] < 0 else "; not distinguishable"
        low, high = (number(gap[end], metric) for end in ("low", "high"))
        between = (
            f"<p>{text(gap['first'][0])} − {text(gap['second'][0])}: {number(gap['mean'], metric)} ({low} to {high}), "
            f"{gap['pairs']:,} questions scored on both sides{clear}.</p>"
        )
    shown = table(headers, rows, metric["title"], titled=True)
    grade = "no evidence is claimed" if metric["grade"] == "-" else f"grade of evidence {metric['grade']}"
    evidence = f"<span>({text(grade)}: {text(metric['evidence'])})</span>"
    drawn = figure(metric, own, bars.get(metric["id"]))
    return (
        f"<section><h3>{text(metric['title'])}</h3>{drawn}{shown}{between}"
        f'<p class="hf-reading">How to read it: {text(metric["reading"])}. {evidence}</p></section>'
    )


def _value(metric: Mapping[str, Any], name: str, value: Mapping[str, Any]) -> tuple[str, ...]:
    mean = number(value["mean"], metric)
    if value["low"] is not None and value["low"] == value["high"]:
        mean += " (all alike)"
    elif value["low"] is not None:
        mean += f" ({number(value['low'], metric)} to {number(value['high'], metric)})"
    spread = number(value["median"], metric)
    if value["p5"] is not None:
        spread += f" ({number(value['p5'], metric)} to {number(value['p95'], metric)})"
    missing = sum(value["unscored"].values())
    why = f"; {missing:,} not scored: " + "; ".join(f"{n:,} {text(r)}" for r, n in value["unscored"].items())
    return (
        text(name),
        mean,
        spread,
        f"{value['scored']:,} traces, {value['questions']:,} questions{why if missing else ''}",
    )


LEGEND = (
    '<p class="hf-reading">In the figures: <b>bars</b> are traces (the outermost hold all that lies beyond), the '
    "<b>thin line</b> goes from the 5th to the 95th percentile, its <b>tick</b> is the median; the <b>dot</b> is the "
    "mean and the <b>thick line</b> its 95% interval, by a bootstrap over questions.</p>"
)
NAMED, TALL, UNDER = 20, 32, 16  # pixels of a row: its name, its bars, what is under its line


def figure(metric: Mapping[str, Any], own: Sequence[tuple[str, Any]], bars: Mapping[str, Any] | None) -> str:
    """Every part on one axis: its distribution, percentiles and median, the mean with its interval."""
    drawn = [(name, one) for name, one in own if one["mean"] is not None]
    keys = ("p5", "p95", "low", "high", "mean") if bars else ("low", "high", "mean")
    ends = [one[key] for _, one in drawn for key in keys if one[key] is not None]
    ends += [bars["low"], bars["high"]] if bars else [0.0, 1.0] if metric["unit"] == "share" else []
    if not drawn or min(ends) == max(ends) or (not bars and all(one["low"] == one["high"] for _, one in drawn)):
        return ""
    low, high = min(ends), max(ends)

    def at(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    row = NAMED + (TALL if bars else 10) + UNDER
    lines = "".join(_line(row * place, name, one, bars, at) for place, (name, one) in enumerate(drawn))
    foot = row * len(drawn) + 12
    axis = (
        f'<text x="0" y="{foot}">{number(low, metric)}</text>'
        f'<text x="100%" y="{foot}" text-anchor="end">{number(high, metric)}</text>'
    )
    said = f"{metric['title']}: distribution, median, mean and interval; the table below has the numbers"
    return f'<svg class="hf-figure" height="{foot + 6}" role="img" aria-label="{text(said)}">{lines}{axis}</svg>'


def _line(top: int, name: str, one: Mapping[str, Any], bars: Mapping[str, Any] | None, at: Any) -> str:
    short = name if len(name) <= 40 else f"…{name[-39:]}"
    base = top + NAMED + (TALL if bars else 10)
    pieces = [f'<text x="0" y="{top + 13}">{text(short)}</text>']
    pieces.append(f'<line x1="0" x2="100%" y1="{base}" y2="{base}" class="hf-axis"/>')
    if bars:
        pieces.append(_bars(base, bars, bars["counts"].get(f"{one['config']}/{one['split']}", []), at))
    if bars and one["p5"] is not None:
        pieces.append(_span(at(one["p5"]), at(one["p95"]), base, "hf-spread"))
        x = at(one["median"])
        pieces.append(f'<line x1="{x}%" x2="{x}%" y1="{base - 9}" y2="{base + 7}" class="hf-median"/>')
    if one["low"] is not None:
        pieces.append(_span(at(one["low"]), at(one["high"]), base, "hf-interval"))
    pieces.append(f'<circle cx="{at(one["mean"])}%" cy="{base}" r="4" class="hf-mean"/>')
    return "".join(pieces)


def _span(first: float, last: float, y: int, kind: str) -> str:
    return f'<line x1="{first}%" x2="{last}%" y1="{y}" y2="{y}" class="{kind}"/>'


def _bars(base: int, bars: Mapping[str, Any], counts: Sequence[int], at: Any) -> str:
    step = (bars["high"] - bars["low"]) / max(len(counts), 1)
    most = max(counts, default=0)
    pieces = []
    for place, count in enumerate(counts):
        tall = TALL * count / most if most else 0.0
        left, right = (at(bars["low"] + step * edge) for edge in (place, place + 1))
        box = f'x="{left}%" width="{right - left:.2f}%" y="{base - tall:.1f}" height="{tall:.1f}"'
        pieces.append(f'<rect {box} class="hf-bar"/>' if count else "")
    return "".join(pieces)


SIGNS = {"up": "higher counts as better", "down": "lower counts as better"}


def students(report: Mapping[str, Any], shown: Mapping[str, Any]) -> str:
    """What was measured, and beside it what evidence says of it at the size of each student, side by side."""
    if not shown["targets"]:
        return ""
    known = [{one["metric"]: one for one in (*it["signed"], *it["unsigned"])} for it in shown["targets"]]
    signed = {one["metric"] for it in shown["targets"] for one in it["signed"]}
    rows = []
    for metric in shown["metrics"]:
        if not metric["headline"] and metric["id"] not in signed:
            continue
        own = values_of(report, metric["id"])
        measured = "<br>".join(_mean(metric, name if len(own) > 1 else "", one) for name, one in own)
        cells = [_known(metric, own, one.get(metric["id"])) for one in known]
        rows.append((text(metric["title"]), measured, *cells))
    headers = ("metric", "mean here", *(f"a student of {it['target']}" for it in shown["targets"]))
    notes = [f"{it['target']}: {it['note']}" for it in shown["targets"] if it["note"]]
    grades = "; ".join(f"{grade} {words}" for grade, words in shown["grades"].items() if grade != "-")
    alone = "One dataset alone is described, not ranked." if len(report["parts"]) == 1 else ""
    said = " ".join([*notes, f"Grades of evidence: {grades}." if grades else "", alone])
    shut = table(headers, rows, "Read for the student that you train")
    return f'{shut}<p class="hf-reading">{text(said)}</p>'


SHORT = 24  # characters of a name that stands on one line with its number


def _mean(metric: Mapping[str, Any], name: str, one: Mapping[str, Any]) -> str:
    """A mean and how many traces it rests on, or that none was scored."""
    where = f"{text(name)}: " if name else ""
    if one["mean"] is None:
        return f"{where}not scored"
    rests = f'<span class="hf-why">({one["scored"]:,} traces)</span>'
    shown = f"{number(one['mean'], metric)} {rests}"
    if len(name) <= SHORT:
        return f'<span class="hf-kept">{where}{shown}</span>'
    return f'{where}<span class="hf-kept">{shown}</span>'


def _known(metric: Mapping[str, Any], own: Sequence[tuple[str, Any]], known: Mapping[str, Any] | None) -> str:
    """What is known of a metric at one size."""
    if known is None:
        return "no claim"
    grade = "" if known["grade"] == "-" else f" ({known['grade']})"
    if known["direction"] == "none":
        return text(known["evidence"])
    sign = SIGNS.get(known["direction"], "contested")
    full = [one["p5"] == metric["highest"] for _, one in own if one["mean"] is not None]
    if metric["highest"] is not None and full and all(full) and known["direction"] in ("up", "down"):
        sign += ", but 95% of these traces are at its ceiling: it says nothing here"
    return f'<b>{text(sign)}</b>{text(grade)}<br><span class="hf-why">{text(known["evidence"])}</span>'


def controls(shown: Mapping[str, Any]) -> str:
    """Where damaged copies of the traces land, and which metrics did not notice."""
    rows = shown["controls"]
    if not rows:
        return ""
    titles = {metric["id"]: metric["title"] for metric in shown["metrics"]}
    said = [
        f"<p>{text(titles[one['metric']])} is uninformative here:</p>"
        f"<ul>{''.join(f'<li>{text(why)}</li>' for why in one['why'])}</ul>"
        for one in shown["uninformative"]
    ]
    cells = [
        (
            text(titles[one["metric"]]),
            text(one["label"]),
            text(one["damage"]),
            text(one["original"]),
            text(f"{one['full']} ({one['interval']})"),
            text(f"{one['difference']} ({one['difference_interval']})"),
            f"{one['traces']:,} traces",
            text(one["expected"]),
            "yes" if one["moved"] else "<b>no</b>",
        )
        for one in rows
    ]
    headers = ("metric", "what", "damage", "as they are", "all damaged", "difference", "rests on", "should", "does")
    title = "Controls: copies of a sample of these traces with known faults planted, scored beside them"
    whole = "".join(said) + table(headers, cells, f"{title}. In brackets: 95% intervals; of a difference, paired")
    return f"<details><summary>{text(title)}</summary>{whole}</details>"


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
