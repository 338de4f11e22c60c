"""Languages of the traces: a control, because most published evidence is for one language only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from hfscore.ports import Tools
from hfscore.records import Trace
from hfscore.spec import Fact, Family, Fold, Scores

WINDOW = 120  # characters, from the start, the middle and the end: enough to tell, and the same cost at every length
SHOWN = 5
NO_LANGUAGE = "zxx"  # ISO 639-2 for "no linguistic content"


def glimpse(text: str) -> str:
    """Three windows of a text, or all of it if it is short."""
    if len(text) <= 3 * WINDOW:
        return text
    middle = (len(text) - WINDOW) // 2
    return "\n".join((text[:WINDOW], text[middle : middle + WINDOW], text[-WINDOW:]))


def language(text: str) -> str:
    """ISO 639 code of the text's language, by py3langid; "zxx" where there are no words."""
    import py3langid

    code: str = py3langid.classify(glimpse(text))[0]
    return code


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Nothing per trace: a language is no number."""
    return {}


def read(traces: Sequence[Trace], scores: Scores) -> Counter[str]:
    """Languages of a batch."""
    return Counter(language(trace.reasoning) for trace in traces if trace.reasoning.strip())


def add(state: Counter[str], traces: Sequence[Trace], found: Counter[str]) -> None:
    """Add them up."""
    state.update(found)


def finish(state: Counter[str]) -> list[Fact]:
    """Shares of the most frequent languages, and of the rest together."""
    total = sum(state.values())
    if not total:
        return []
    ranked = sorted(state.items(), key=lambda item: (-item[1], item[0]))
    facts = [_fact(code, count, total) for code, count in ranked[:SHOWN]]
    rest = total - sum(count for _, count in ranked[:SHOWN])
    return [*facts, _fact("others", rest, total)] if rest else facts


def _fact(code: str, count: int, total: int) -> Fact:
    title = "Language: none (formulas, code)" if code == NO_LANGUAGE else f"Language: {code}"
    note = "By py3langid, from three windows of each trace; short and formula-heavy traces are often mistaken."
    return Fact(f"language_{code}", title, count / total, "share", total, note)


def settings(tools: Tools) -> Mapping[str, str]:
    """The identifier of languages."""
    return {"language identification": f"py3langid {version('py3langid')}"}


FAMILY = Family(
    id="language",
    title="Languages",
    source="py3langid; catalogue I (controls)",
    version=1,
    metrics=(),
    score=score,
    fold=Fold(start=lambda tools: Counter(), add=add, finish=finish, read=read),
    settings=settings,
)
