"""The Action's inputs, made from the command line's options."""

from __future__ import annotations

import json
from typing import Any

from hfscore.cli.action import options

COMMANDS = ("score", "push", "gate", "status")


def usual(parameter: Any) -> str:
    """The default of an option in words, empty where there is none."""
    if parameter.is_flag or parameter.default in (None, (), []):
        return ""
    return str(parameter.default)


def inputs() -> dict[str, str]:
    """Name of every input -> description."""
    found = {}
    for parameter in options(*COMMANDS).values():
        text = parameter.help.replace("\\[", "[")
        if parameter.multiple:
            text = text.replace(" (repeat)", "").replace(" (repeat for several)", "").rstrip(".") + ". One a line."
        if default := usual(parameter):
            text += f" (default: {default})"
        if parameter.is_flag:
            text += " true or false."
        found[parameter.opts[0].removeprefix("--")] = text
    return found


def block(name: str) -> str:
    """The generated lines of action.yml."""
    if name == "options":
        lines = [
            line
            for key, text in inputs().items()
            for line in (f"  {key}:", f"    description: {json.dumps(text)}", '    default: ""')
        ]
    else:
        names = {parameter.name: parameter.opts[0][2:] for parameter in options(*COMMANDS).values()}
        lines = [f"        INPUT_{name.upper()}: ${{{{ inputs.{key} }}}}" for name, key in names.items()]
    return "".join(f"{line}\n" for line in lines)
