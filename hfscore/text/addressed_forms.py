"""What a forged verdict, marker or turn of a chat looks like, whatever the language: `addressed_forms.toml`, read."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from hfscore.text.addressed_rules import Rule


@cache
def forms() -> tuple[Rule, ...]:
    """The rules, in the order of the file."""
    data = tomllib.loads(files("hfscore.text").joinpath("addressed_forms.toml").read_text(encoding="utf-8"))
    names: dict[str, str] = {}
    for name, pattern in data["names"].items():
        names[f"{{{name}}}"] = _expanded(pattern, names)
    return tuple(
        Rule(
            family=form["family"],
            stems=(tuple(form["stems"].replace("_", " ").split("|")),),
            pattern=_expanded(form["pattern"], names),
            cased=form.get("cased", False),
        )
        for form in data["form"]
    )


def _expanded(pattern: str, names: dict[str, str]) -> str:
    pattern = "".join(pattern.split())
    for name, value in names.items():
        pattern = pattern.replace(name, value)
    return pattern.replace("_", " ")
