"""What the `hfscore:` block may say, and how it is written and read back.

Cards are rewritten by other tools: PyYAML (YAML 1.1) drops the quotes that it finds needless, and
the Hub then reads with js-yaml (YAML 1.2). Only values that live through both are let in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

Identity = Mapping[str, str | int | Sequence[str]]

KEY = "hfscore"
SCHEMA = 1

_LONGEST = 300
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
# Text that, written without quotes, YAML 1.1 (PyYAML, which rewrites cards) or YAML 1.2 (js-yaml,
# which reads them on the Hub) may take for something else. A prefix mends a digest: `git:4f2a`.
_AMBIGUOUS = re.compile(
    r"""(?=.*[0-9])[-+]?(0[xob])?[0-9a-f_]*\.?[0-9a-f_]*(e[-+]?[0-9_]*)?  # number, hex, 12e4567
    | [-+]?[0-9_]+(:[0-9_]+)+(\.[0-9_]*)?                                 # base 60
    | [0-9]+-[0-9]+-[0-9]+                                                # date without a time
    | [-+]?\.?(inf|infinity|nan) | true|false|yes|no|on|off|y|n|null|~|=|<<""",
    re.VERBOSE | re.IGNORECASE,
)


def flaw(identity: Mapping[Any, Any]) -> str | None:
    """Say what keeps an identity from surviving a rewrite of the card, None where nothing does.

    A value must mean the same in YAML 1.1 and 1.2, and again after a tool has dropped its quotes.
    """
    schema = identity.get("schema")
    if isinstance(schema, bool) or schema != SCHEMA:
        return f"`schema` is not {SCHEMA}"
    for name, value in identity.items():
        if not (isinstance(name, str) and _NAME.fullmatch(name)) or _AMBIGUOUS.fullmatch(name):
            return f"{name!r} is no key: lower-case letters, digits and `_`"
        many = isinstance(value, list | tuple)
        for item in value if many else (value,):
            problem = _flaw_of(item, text=many)
            if problem:
                return f"`{name}` {problem}"
    return None


def _flaw_of(item: object, *, text: bool) -> str | None:
    if isinstance(item, int) and not isinstance(item, bool) and not text:
        return None if abs(item) < 2**53 else "is more than JavaScript counts exactly"
    if not isinstance(item, str):
        return "is neither text nor a whole number"
    if not item or item != item.strip() or not item.isprintable() or "#" in item:
        return "is empty, has blanks around it, or holds a line break, a control character or `#`"
    if len(item) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    if _AMBIGUOUS.fullmatch(item):
        return f"({item}) is a number, a date or a constant to some YAML: prefix it, as in `git:`"
    return None


def rendered(identity: Identity, *, column: int, eol: str) -> str:
    """Write the block, one key to a line.

    Args:
        identity: Keys and values without `flaw`.
        column: Column at which the top-level keys of the front matter stand.
        eol: Line end.
    """
    pad = " " * column
    # JSON text is YAML, 1.1 and 1.2 alike, and quotes every string.
    lines = [f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in plain(identity).items()]
    return "".join(f"{pad}{line}{eol}" for line in (f"{KEY}:", *(f"  {line}" for line in lines)))


def plain(identity: Identity) -> dict[str, Any]:
    """Give the identity the types that reading it back gives: sequences as lists."""
    return {k: v if isinstance(v, str | int) else list(v) for k, v in identity.items()}


def restored(value: Any) -> Any:
    """Turn a value read as text into what it was: no text without a `flaw` looks like a number."""
    is_number = isinstance(value, str) and len(value) < 18 and _INTEGER.fullmatch(value)
    return int(value) if is_number else value
