"""Think spans and answer tags: where a text itself says what is reasoning and what is the response.

Every scan is linear in the text: fixed strings, or patterns that start with a literal class and hold
no nested repeats. A text is never copied more than a few times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hfscore.columns import tags

ThinkSpan = Literal["valid", "empty", "missing", "unclosed"]
UNCLOSED = "unclosed think span"
BEFORE = "text before the think span"
EMPTY_PROBLEM = "empty think span"
MISSING_PROBLEM = "no think span in this row"


@dataclass(frozen=True, slots=True)
class Split:
    """A text, taken apart.

    Args:
        reasoning: What was thought, stripped; "" where there is none.
        response: What follows, stripped; None where the text does not tell.
        span: How the think span was found; None where none was looked for.
        marks: What is noteworthy.
        problem: Why there is no reasoning, or None.
    """

    reasoning: str
    response: str | None
    span: ThinkSpan | None = None
    marks: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """An opening and a closing marker, spelled as they stand in the data."""

    open: str
    close: str

    @property
    def anchored(self) -> bool:
        """Whether the markers are plain words, which count only where the text opens with them."""
        return (self.open, self.close) in tags.ANCHORED_PAIRS


def pairs_in(texts: Iterable[str]) -> tuple[Pair, ...]:
    """Collect the think markers that occur in some texts.

    Returns:
        Distinct pairs, the most frequent first; a missing partner is derived from the other one.
    """
    seen: Counter[Pair] = Counter()
    for text in texts:
        seen.update(set(_pairs(text)))
    return tuple(pair for pair, _ in seen.most_common())


def _pairs(text: str) -> list[Pair]:
    pairs = [Pair(o, c) for o, c in tags.FIXED_PAIRS if c in text and (o in text)]
    pairs += [Pair(o, c) for o, c in tags.ANCHORED_PAIRS if text.lstrip().startswith(o) and c in text]
    opens: dict[str, str] = {}
    for match in tags.THINK_TAG.finditer(text):
        found = match[0]
        if tags.is_closing(match):
            opens[tags.opening_of(match)] = found
        else:
            opens.setdefault(found, tags.closing_of(match))
    return pairs + [Pair(o, c) for o, c in opens.items()]


def has_span(text: str) -> bool:
    """Whether a text is built around a think span, rather than naming one in passing.

    True if it starts with an opening marker, if a span stands in it, or if a closing marker follows
    some text (the chat template had supplied the opening one).
    """
    if is_harmony(text):
        return True
    head = text[:200].lstrip()
    for pair in _pairs(text):
        if head.startswith(pair.open):
            return True
        close = text.find(pair.close)
        if close > 0 and text[:close].strip():
            return True
    return False


def split_think(text: str, pairs: tuple[Pair, ...]) -> Split:
    """Split a text at its think spans.

    Args:
        text: A model's output.
        pairs: Markers of this layout; others are tried where none of them occurs.

    Returns:
        Reasoning (spans joined by a blank line) and the response after the last span. A closing marker
        alone ends the reasoning; an opening one alone makes all the rest reasoning and the response "".
    """
    if is_harmony(text):
        return split_harmony(text)
    pair = _first_pair(text, pairs) or _first_pair(text, tuple(_pairs(text)))
    if pair is None:
        return Split("", clean_response(text), "missing", problem=MISSING_PROBLEM)
    spans, rest, marks, span = _spans(text, pair)
    reasoning = "\n\n".join(part for part in (s.strip() for s in spans) if part)
    if not reasoning:
        return Split("", clean_response(rest), "empty", marks, EMPTY_PROBLEM)
    return Split(reasoning, clean_response(rest), span, marks)


def bare_thought(text: str, pairs: tuple[Pair, ...]) -> str:
    """Reasoning that stands in a field of its own, without the tags it may have kept."""
    return (split_think(text, pairs).reasoning if has_span(text) else "") or text.strip()


def _first_pair(text: str, pairs: tuple[Pair, ...]) -> Pair | None:
    """The pair whose opening marker comes first; failing that, whose closing one does."""
    by_open = [(at, i) for i, p in enumerate(pairs) if (at := _opening(text, p)) >= 0]
    if by_open:
        return pairs[min(by_open)[1]]
    tagged = [(i, p) for i, p in enumerate(pairs) if not p.anchored]
    by_close = [(at, i) for i, p in tagged if (at := text.find(p.close)) >= 0]
    return pairs[min(by_close)[1]] if by_close else None


def _opening(text: str, pair: Pair) -> int:
    if not pair.anchored:
        return text.find(pair.open)
    return text.find(pair.open) if text[:200].lstrip().startswith(pair.open) else -1


def _spans(text: str, pair: Pair) -> tuple[list[str], str, tuple[str, ...], ThinkSpan]:
    """All spans of one pair, what follows the last, marks, and how they ended."""
    opened = _opening(text, pair)
    closed = text.find(pair.close)
    if opened < 0 or 0 <= closed < opened:
        return [text[:closed]], text[closed + len(pair.close) :], (), "valid"
    marks = (BEFORE,) if text[:opened].strip() else ()
    spans: list[str] = []
    at = opened
    while at >= 0:
        start = at + len(pair.open)
        end = text.find(pair.close, start)
        if end < 0:
            thought, answer = _until_answer(text[start:])
            return [*spans, thought], answer, (*marks, UNCLOSED), "unclosed"
        spans.append(text[start:end])
        after = end + len(pair.close)
        at = -1 if pair.anchored else text.find(pair.open, after)
    return spans, text[after:], marks, "valid"


def _until_answer(text: str) -> tuple[str, str]:
    """An unclosed span ends where an answer tag wraps the rest, if one does."""
    match = tags.ANSWER_AT_END.search(text[-tags.TAIL :].rstrip())
    if match is None:
        return text, ""
    opening = text.rfind(f"<{match[1]}>")
    return (text[:opening], text[opening:]) if opening >= 0 else (text, "")


def clean_response(text: str) -> str:
    """Strip a response of end-of-turn tokens and of the answer tags that wrap it."""
    text = _without_end_tokens(text.strip())
    for _ in range(2):
        inner = _inside_answer_tag(text)
        if inner is None:
            return text
        text = _without_end_tokens(inner.strip())
    return text


def _without_end_tokens(text: str) -> str:
    for _ in range(tags.MOST_END_TOKENS):
        token = next((t for t in tags.END_TOKENS if text.endswith(t)), None)
        if token is None:
            break
        text = text[: -len(token)].rstrip()
    return text


def _inside_answer_tag(text: str) -> str | None:
    if match := tags.ANSWER_AT_START.match(text):
        closing = text.find(tags.answer_closing(match), match.end())
        return text[match.end() : closing if closing >= 0 else len(text)]
    if match := tags.ANSWER_AT_END.search(text[-tags.TAIL :]):
        opening = text.rfind(f"<{match[1]}>")
        if opening >= 0:
            return text[opening + len(match[1]) + 2 : len(text) - len(match[0])]
    return None


def answer_tag_at(text: str) -> int:
    """Where an answer tag starts that closes at the text's end, and follows some text; else -1."""
    match = tags.ANSWER_AT_END.search(text.rstrip()[-tags.TAIL :])
    at = text.rfind(f"<{match[1]}>") if match else -1
    return at if at > 0 and text[:at].strip() else -1


def split_answer_tag(text: str) -> Split:
    """Split before an answer tag at the end: "3 + 4 = 7 <answer>7</answer>"."""
    at = answer_tag_at(text)
    if at < 0:
        return Split("", clean_response(text), problem="no answer tag in this row")
    return Split(text[:at].strip(), clean_response(text[at:]))


# Harmony (gpt-oss) --------------------------------------------------------------------------------


def is_harmony(text: str) -> bool:
    """Whether a text is written in channels: analysis, commentary, final."""
    return "<|channel|>analysis" in text


def split_harmony(text: str) -> Split:
    """Split a text of channels: all analysis is reasoning, the last final message the response."""
    analysis: list[str] = []
    final: str | None = None
    ended = False
    for match in tags.CHANNEL.finditer(text):
        end = tags.CHANNEL_END.search(text, match.end())
        body = text[match.end() : end.start() if end else len(text)].strip()
        if match[1] == "analysis":
            analysis.append(body)
            ended = end is not None
        elif match[1] == "final":
            final = body
    reasoning = "\n\n".join(part for part in analysis if part)
    if not reasoning:
        return Split("", final, "empty", problem=EMPTY_PROBLEM)
    if not ended:
        return Split(reasoning, "", "unclosed", (UNCLOSED,))
    return Split(reasoning, final if final is not None else "", "valid")


# Headings -----------------------------------------------------------------------------------------


def has_headings(text: str) -> bool:
    """Whether a heading such as "## Reasoning" is followed by one such as "## Final answer"."""
    found = _headings(text)
    return found is not None and bool(text[found[1] : found[2]].strip())


def split_headings(text: str) -> Split:
    """Split at the headings; without both of them there is no reasoning to be found."""
    found = _headings(text)
    if found is None:
        return Split("", text.strip(), "missing", problem=MISSING_PROBLEM)
    before, start, end, after = found
    reasoning, marks = text[start:end].strip(), (BEFORE,) if text[:before].strip() else ()
    response = clean_response(text[after:])
    if not reasoning:
        return Split("", response, "empty", marks, EMPTY_PROBLEM)
    return Split(reasoning, response, "valid", marks)


def _headings(text: str) -> tuple[int, int, int, int] | None:
    think = tags.THINK_HEADING.search(text, 0, tags.HEAD)
    if think is None:
        return None
    style = text[think.start() : think.end()].lstrip()[:1]
    answers = list(tags.ANSWER_HEADING.finditer(text, think.end()))
    alike = [a for a in answers if a[0].lstrip()[:1] in "#*" or style not in "#*"] or answers
    finals = [a for a in alike if "final" in a[0].lower()] or alike
    if not finals:
        return None
    return think.start(), think.end(), finals[0].start(), finals[0].end()
