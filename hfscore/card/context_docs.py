"""docs/templates.md, made from the help that stands beside each name of `context`."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal

from hfscore.card.context import CardContext

_INTRODUCTION = """\
# Templates of the card section

The section is rendered from `templates/section.md.jinja` with [Jinja](https://jinja.palletsprojects.com). A template
of your own uses the same names; it may start with `{% extends "section.md.jinja" %}` and replace single blocks:
`provenance`, `short`, `table`, `students`, `note`, `unscored`, `details`.

What a template prints is escaped, so that no text of a dataset becomes markup. These filters give Markdown instead:

| filter | what |
| --- | --- |
| `value \\| code` | a code span, also inside a table |
| `value \\| link(url)` | a link; the plain text where `url` is none |
| `value \\| fence("bash")` | a fenced block that its content cannot close |
| `value \\| safe` | the text as it is: only for what is Markdown already, such as the result of a macro |

A name that is not listed here is an error, and so is printing none. The first table below lists the names at hand; the
others say what those hold.
"""


def _inside(kind: Any) -> Iterator[type]:
    """The dataclasses of this module that a field's type names, however deep."""
    if dataclasses.is_dataclass(kind):
        yield typing.cast(type, kind)
    for argument in typing.get_args(kind):
        yield from _inside(argument)


def _reachable(top: type) -> list[type]:
    found = [top]
    for kind in found:
        hints = typing.get_type_hints(kind)
        for one in dataclasses.fields(kind):
            found += [inner for inner in _inside(hints[one.name]) if inner not in found]
    return found


def _type_name(kind: Any) -> str:
    """ "text", "number or none", "list of PartRow"... for readers who write templates, not Python."""
    if isinstance(kind, types.UnionType):
        return " or ".join(_type_name(one) for one in typing.get_args(kind))
    if typing.get_origin(kind) is Literal:
        return "text"
    if typing.get_origin(kind) is tuple:
        first, *rest = typing.get_args(kind)
        return f"list of {_type_name(first)}" if Ellipsis in rest else "pair"
    simple = {str: "text", int: "number", bool: "true or false", types.NoneType: "none"}
    return simple.get(kind) or f"[{kind.__name__}](#{kind.__name__.lower()})"


def context_docs() -> str:
    """The text of docs/templates.md: every name a template may use."""
    lines = [_INTRODUCTION]
    for kind in _reachable(CardContext):
        hints = typing.get_type_hints(kind)
        lines += [f"## {kind.__name__}", "", str(kind.__doc__), "", "| name | type | what |", "| --- | --- | --- |"]
        lines += [
            f"| `{one.name}` | {_type_name(hints[one.name])} | {one.metadata['help']} |"
            for one in dataclasses.fields(kind)
        ]
        lines.append("")
    return "\n".join(lines)
