"""The only place that prints. Data goes to stdout, talk to stderr; nothing from a dataset reaches the terminal raw."""

from __future__ import annotations

import json
import re
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hfscore.escape import terminal

if TYPE_CHECKING:
    from hfscore.health import Check
    from hfscore.report import Part, Report, Value
    from hfscore.run import Detected, Progress
    from hfscore.spec import Fact, Family, Metric

SHOWN_PARTS = 4  # columns that fit 80 characters; with more, a second table follows
SHOWN_METRICS = 20  # metrics beside the headlines; more are a wall
FIRST_COLUMN = 28
TERMINAL = 80
DOSE_SHOWN = 0.25  # of the controls, beside all traces damaged
GROUPS = 20  # shown in the terminal
GROUP_HEAD = 12  # letters of a metric's name on a line above groups
_PIECE = re.compile(r"[^\s_/.-]*[\s_/.-]+|[^\s_/.-]+")
GLANCE = 100  # characters of a text in `hfscore columns`


def stdout() -> Console:
    """Where data goes."""
    return Console(highlight=False, soft_wrap=False)


def stderr() -> Console:
    """Where talk goes."""
    return Console(stderr=True, highlight=False)


def say(sentence: str) -> None:
    """One sentence of talk."""
    stderr().print(Text(terminal(sentence), style="dim"))


def fail(message: str, hint: str) -> None:
    """A problem and the next step."""
    console = stderr()
    console.print(Text.assemble(("error  ", "bold red"), terminal(message)))
    if hint:
        console.print(Text.assemble(("  next ", "bold"), terminal(hint)))


def raw(text: str) -> None:
    """Text for other programs, byte for byte."""
    sys.stdout.write(text.encode("utf-8", "replace").decode())  # a lone surrogate cannot be written
    sys.stdout.flush()


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress bar with an estimate of the time left; silent where stderr is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = stderr()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        current: dict[str, object] = {"stage": None, "task": None}
        started = time.monotonic()

        def update(stage: str, done: int, total: int | None) -> None:
            if current["stage"] != stage:
                if current["task"] is not None:
                    bar.remove_task(current["task"])  # type: ignore[arg-type]
                current.update(stage=stage, task=bar.add_task(terminal(stage), total=total))
            bar.update(current["task"], completed=done, total=total)  # type: ignore[arg-type]

        yield update
    say(f"Took {time.monotonic() - started:.0f} s.")


def number(value: float | None, metric: Metric) -> str:
    """A value as a metric prints it: a true minus sign, a share as a percentage, a dash where there is none."""
    if value is None:
        return "–"
    if metric.unit == "share":
        return f"{100 * value:.{metric.digits}f}%"
    text = f"{value:,.{metric.digits}f}"
    return text.lstrip("-") if not text.strip("-0.") else text.replace("-", "−")


def interval(low: float, high: float, metric: Metric) -> str:
    """The two ends, as short as they can be read."""
    first, last = number(low, metric), number(high, metric)
    return f"{first} to {last}" if low < 0 else f"{first.removesuffix('%')}–{last}"


def _cell(value: Value | None, metric: Metric) -> Text:
    if value is None or value.mean is None:
        return Text("not scored", style="yellow")
    if metric.statistic == "median":
        cell = Text(number(value.median, metric), style="bold")
        cell.append(f"\n{interval(value.p5 or 0, value.p95 or 0, metric)}", style="not bold dim")
    else:
        cell = Text(number(value.mean, metric), style="bold")
        if value.low is not None and value.high is not None:
            cell.append(f"\n{interval(value.low, value.high, metric)}", style="not bold dim")
    if value.unscored:
        cell.append(f"\n{sum(value.unscored.values()):,} unscored", style="not bold yellow")
    return cell


def report_table(report: Report) -> None:
    """A report on one screen: headline metrics with their intervals, then the rest in brief, then what is missing."""
    console = stdout()
    info = report.source
    revision = f" at {info.revision.removeprefix('git:')[:7]}" if info.revision else ""
    console.print(Text.assemble((terminal(info.id), "bold"), revision))
    for part in report.parts:
        questions = f"{_of(part.questions, part.questions_total)} questions"
        drawn = " drawn at random" if part.design != "all" else ""
        counts = f"{questions}{drawn}, {part.rows:,} rows, {part.traces:,} traces"
        console.print(Text(terminal(f"  {part.config}/{part.split}: {counts}"), style="dim"))
    splits = {part.split for part in report.parts}
    for start in range(0, len(report.parts), SHOWN_PARTS):
        shown = report.parts[start : start + SHOWN_PARTS]
        names = [part.config if len(splits) == 1 else f"{part.config}/{part.split}" for part in shown]
        console.print()
        console.print(_headlines(report, shown, names))
        _brief(console, report, shown)
    _groups(console, report)
    _controls(console, report)
    _facts(console, report)
    _reading(console, report)
    _reasons(console, report)


def _reading(console: Console, report: Report) -> None:
    """What the numbers say for students of each size, a line a statement."""
    from hfscore.cli.reading import lines

    for kind, text in lines(report):
        if kind == "head":
            console.print(Text(f"\n{terminal(text)}", style="bold"))
        elif kind == "text":
            console.print(Text(_wrapped(text, console.width)))
        else:
            console.print(Text(terminal(text), style="dim"))


def _table(names: Sequence[str], first: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    width = FIRST_COLUMN if len(names) < SHOWN_PARTS else FIRST_COLUMN - 8
    table.add_column(first, width=width)
    own = (TERMINAL - width) // len(names) - 2
    for name in names:
        table.add_column(Text(head(name, own)), justify="right", width=own, overflow="fold")
    return table


def head(name: str, width: int) -> str:
    """A name on lines of at most `width`, ended behind a space or one of _ / . - where there is one."""
    lines = [""]
    for piece in _PIECE.findall(terminal(name)):
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def _values(report: Report) -> dict[tuple[str, str, str], Value]:
    return {(value.metric, value.config, value.split): value for value in report.values if value.by is None}


def _headlines(report: Report, shown: Sequence[Part], names: Sequence[str]) -> Table:
    table = _table(names, "mean (95% interval)")
    found = _values(report)
    for metric in report.metrics:
        if metric.headline:
            cells = [_cell(found.get((metric.id, part.config, part.split)), metric) for part in shown]
            label = Text(head(metric.id, table.columns[0].width or 0))
            if metric.statistic == "median":
                label.append("\nmedian (5–95%)", style="dim")
            table.add_row(label, *cells)
    return table


def _brief(console: Console, report: Report, shown: Sequence[Part]) -> None:
    """The other metrics, a line each; those that hold for no trace together in one."""
    nowhere: list[str] = []
    table = _table([""] * len(shown), "")
    table.show_header = False
    found = _values(report)
    for metric in report.metrics:
        values = [found.get((metric.id, part.config, part.split)) for part in shown]
        if metric.headline or not any(value and value.scored for value in values):
            continue
        if metric.unit == "share" and metric.direction == "none" and not any(value and value.mean for value in values):
            nowhere.append(metric.id)
            continue
        cells = [
            number((value.median if metric.statistic == "median" else value.mean) if value else None, metric)
            for value in values
        ]
        label = f"{metric.id} (median)" if metric.statistic == "median" else metric.id
        table.add_row(Text(head(label, table.columns[0].width or 0), style="dim"), *cells)
    if table.row_count > SHOWN_METRICS and not report.settings.get("metric"):
        more = f"{table.row_count + len(nowhere)} more metrics stand in the report; --metric NAME shows one here."
        console.print(Text(more, style="dim"))
        return
    if table.row_count:
        console.print(table)
    if nowhere:
        console.print(Text(f"True of no trace: {', '.join(nowhere)}", style="dim"))


def _controls(console: Console, report: Report) -> None:
    """Where damaged copies land, a line for each corruption that should move a metric."""
    if not report.controls:
        return
    from hfscore.damage import DAMAGES
    from hfscore.informative import failures, told

    by_id = {metric.id: metric for metric in report.metrics}
    quarters = {(c.metric, c.config, c.split, c.damage): c.mean for c in report.controls if c.dose == DOSE_SHOWN}
    console.print(Text("\nControls: your traces, a quarter of them damaged, all of them", style="bold"))
    for one in told(report.controls):
        metric, where = by_id[one.metric], f" {one.config}" if len(report.parts) > 1 else ""
        quarter = number(quarters.get((one.metric, one.config, one.split, one.damage)), metric)
        numbers = f"{number(one.original, metric)}, {quarter}, {number(one.mean, metric)}"
        said = "" if one.moved == "yes" else " (did not move as tabled)"
        console.print(Text(terminal(f"  {one.metric}{where}: {numbers}; {DAMAGES[one.damage].title}{said}")))
    failed: dict[str, list[str]] = {}
    for failure in failures(report.controls):
        where = f" ({failure.control.config})" if len(report.parts) > 1 else ""
        failed.setdefault(failure.control.metric, []).append(failure.words + where)
    for silent, why in sorted(failed.items()):
        console.print(Text(terminal(f"  {silent} is uninformative here: {'; '.join(why)}"), style="yellow"))


def _groups(console: Console, report: Report) -> None:
    """Headline metrics of every group asked for with `--by`, a line per group and part."""
    headlines = [metric for metric in report.metrics if metric.headline] or list(report.metrics[:4])
    groups = sorted({(*value.by, value.config, value.split) for value in report.values if value.by})
    if not groups:
        return
    found = {(value.metric, *value.by, value.config, value.split): value for value in report.values if value.by}
    console.print(Text("\nBy group (the report has every metric)", style="bold"))
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("")
    for metric in headlines:
        table.add_column(head(metric.id, GROUP_HEAD), justify="right", overflow="fold")
    for group in groups[:GROUPS]:
        values = [found.get((metric.id, *group)) for metric in headlines]
        cells = [
            number((value.median if metric.statistic == "median" else value.mean) if value else None, metric)
            for metric, value in zip(headlines, values, strict=True)
        ]
        column, label, config, split = group
        part = f", {config}/{split}" if len(report.parts) > 1 else ""
        table.add_row(Text(terminal(f"{column} = {label}{part}")), *cells)
    console.print(table)
    if len(groups) > GROUPS:
        console.print(Text(f"{len(groups) - GROUPS} more in the report", style="dim"))


def _fact_value(fact: Fact) -> str:
    """ "96.7% (95.2 to 98.0)", "1,234.00", or that it was not measured."""
    if fact.value is None:
        return "not measured"
    scale, sign = (100.0, "%") if fact.unit == "share" else (1.0, "")
    digits = 1 if fact.unit == "share" else 2
    span = f" ({scale * fact.low:,.{digits}f} to {scale * fact.high:,.{digits}f})" if fact.low is not None else ""  # type: ignore[operator]
    return f"{scale * fact.value:,.{digits}f}{sign}{span}"


def fact_line(fact: Fact) -> str:
    """A fact as a sentence."""
    return f"{fact.title}: {_fact_value(fact)}. {fact.note}"


def figures(title: str, rows: Sequence[Sequence[str]]) -> None:
    """A table of plain text, its first row the header."""
    console = stdout()
    console.print(Text(terminal(title), style="bold"))
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows[1:]:
        table.add_row(*(Text(terminal(cell)) for cell in row))
    console.print(table)


def sentences(heading: str, lines: Sequence[str]) -> None:
    """Sentences under a heading, wrapped and indented."""
    console = stdout()
    console.print(Text(terminal(heading), style="bold"))
    for one in lines:
        console.print(Padding(Text(terminal(one)), (0, 0, 0, 2)))


def _facts(console: Console, report: Report) -> None:
    """Facts with a number, part by part; those that are 0 everywhere only where metrics were asked for by name."""
    by_title: dict[str, list[str]] = {}
    some = {one.fact.id for one in report.facts if one.fact.value}
    for one in report.facts:
        if one.fact.value is not None and (one.fact.id in some or report.settings.get("metric")):
            by_title.setdefault(one.fact.title, []).append(f"{_fact_value(one.fact)} {one.config}")
    if by_title:
        console.print(Text("\nOf the parts as a whole", style="bold"))
    for title, values in by_title.items():
        console.print(Text(terminal(f"  {title}: {', '.join(values)}")))


def _reasons(console: Console, report: Report) -> None:
    """Why numbers are missing: one line per reason, whatever the metrics and parts it holds for."""
    reasons: dict[str, tuple[set[str], int]] = {}
    for value in report.values:
        for reason, count in value.unscored.items() if value.by is None else ():
            metrics, most = reasons.get(reason, (set(), 0))
            reasons[reason] = (metrics | {value.metric}, max(most, count))
    if reasons or report.skipped:
        console.print(Text("\nNot scored, and never counted as 0", style="bold"))
    whys: dict[str, list[str]] = {}
    for skipped in report.skipped:
        whys.setdefault(skipped.why, []).append(skipped.what)
    for why, titles in whys.items():
        console.print(Text(_wrapped(f"{'; '.join(titles)}: {why}", console.width)))
    for reason, (metrics, most) in reasons.items():
        names = sorted(metrics)
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        many = f"up to {most:,} traces in a part" if len(report.parts) > 1 else f"{most:,} traces"
        console.print(Text(_wrapped(f"{reason}: {many} ({shown})", console.width)))


def _wrapped(text: str, width: int) -> str:
    """Lines of an indented paragraph whose second line stands further in."""
    return textwrap.fill(terminal(text), width, initial_indent="  ", subsequent_indent="    ")


def _of(some: int, total: int | None) -> str:
    return f"{some:,} of {total:,}" if total is not None and total != some else f"{some:,}"


def line(text: str) -> None:
    """One line of data."""
    stdout().print(Text(terminal(text)), soft_wrap=True)


def json_line(data: Any) -> None:
    """Data as JSON."""
    raw(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def metrics(families: Sequence[Family]) -> None:
    """The catalogue, one block per metric: a wide table would not fit 80 columns."""
    from hfscore.listing import DIRECTIONS

    console = stdout()
    for family in families:
        needs = ", ".join(family.needs) or "nothing"
        console.print(Text.assemble((family.title, "bold underline"), f"  needs {needs}; {family.source}"))
        for metric in family.metrics:
            console.print(Text.assemble("  ", (metric.id, "bold"), f" ({metric.alias})"))
            grid = Table.grid(padding=(0, 2))
            grid.add_row("    what", metric.title)
            grid.add_row("    formula", metric.formula)
            grid.add_row("    direction", f"{DIRECTIONS[metric.direction]}, grade {metric.grade}")
            grid.add_row("    reading", metric.reading)
            console.print(grid)
        console.print()


def checks(found: Sequence[Check]) -> None:
    """What works, what does not, and the next step."""
    grid = Table.grid(padding=(0, 2))
    for one in found:
        mark = Text("ok", style="green") if one.ok else Text("--", style="yellow")
        text = Text(terminal(one.found))
        if one.next:
            text.append(f"\nnext: {terminal(one.next)}", style="bold")
        grid.add_row(mark, one.what, text)
    stdout().print(grid)


def layout(one: Detected, shown: Mapping[str, Any]) -> None:
    """A recognised layout: the mapping, what it rests on, and the first row's texts, cut to a glance."""
    console = stdout()
    console.print(Text.assemble((terminal(one.name), "bold"), f"  {one.layout.kind}"))
    if one.layout.why:
        console.print(Text(terminal(f"  {one.layout.why}"), style="yellow"))
    grid = Table.grid(padding=(0, 2))
    for role, path in shown.get("mapping", {}).items():
        grid.add_row(
            f"  {role}", Text(terminal(", ".join(path) if isinstance(path, list) else path or "–"), style="bold")
        )
    console.print(grid)
    for note in one.layout.notes:
        console.print(Text(terminal(f"  note: {note}")))
    for row in shown.get("rows", [])[:1]:
        console.print(Text("  first row", style="dim"))
        glances = [("question", row["question"])]
        for trace in row["traces"][:3]:
            glances += [("reasoning", trace["reasoning"]), ("response", trace["response"])]
        grid = Table.grid(padding=(0, 2))
        for role, text in [*glances, ("reference", row["reference"])]:
            grid.add_row(f"  {role}", Text(terminal(_glance(text))))
        console.print(grid)


def _glance(text: Any) -> str:
    if isinstance(text, list):
        return f"{len(text)} turns; the first: {_glance(text[0])}" if text else "no turns"
    words = " ".join(str(text).split()) if text is not None else "–"
    return words if len(words) <= GLANCE else f"{words[:GLANCE]}… ({len(str(text).encode('utf-8', 'replace')):,} bytes)"


def card(markdown: str) -> None:
    """A card as the terminal can show it; the front matter and comments left out."""
    from rich.markdown import Markdown

    body = markdown.split("\n---\n", 1)[-1]
    console = stdout()
    console.rule()
    console.print(Markdown("\n".join(line for line in terminal_lines(body))))
    console.rule()


def terminal_lines(text: str) -> Iterator[str]:
    """Lines of a Markdown text without what a terminal cannot show: HTML tags, comments, control characters."""
    for one in text.splitlines():
        if not one.lstrip().startswith(("<!--", "</details", "<details")):
            yield terminal(one)
        elif "<summary>" in one:
            yield "**" + re.sub(r"<[^<>]*>", "", terminal(one)) + "**\n"
