"""What nothing printed may say, and the search for it."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterable
from pathlib import Path

from hfscore import escape

CLAIMS = tomllib.loads((Path(__file__).parent / "data" / "forbidden_claims.toml").read_text())["claim"]
CHANCE = "a p value"


def claimed(text: str, *, own: Iterable[str] = (), but: Iterable[str] = ()) -> list[str]:
    """What a text claims that it may not.

    Args:
        text: The text; line breaks count as spaces.
        own: Words of the user's, which are no claim of ours however they are escaped.
        but: Claims that may stand in this text.
    """
    text = _without(_one_line(text), own)
    found = []
    for claim in CLAIMS:
        if claim["claims"] in but:
            continue
        left = re.sub(claim["but"], "", text) if "but" in claim else text
        found += [f"{claim['claims']}: {hit[0]}" for hit in re.finditer(claim["pattern"], left, flags=re.IGNORECASE)]
    return found


def _without(text: str, own: Iterable[str]) -> str:
    forms = {
        _one_line(form)
        for word in own
        for form in (
            escape.terminal(word),
            escape.markdown(word),
            json.dumps(word, ensure_ascii=False)[1:-1],
            escape.shell(shlex.quote(word)),
            shlex.quote(word),
        )
    }
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "…")
    return text


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
