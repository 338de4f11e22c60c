r"""The final answer that a text states: `\boxed{...}`, `#### 18`, `The answer is (C).`, `Odpowiedź: 2,5`.

Reads form only; whether the answer is right is none of its business. Every search is linear.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

MAX_ANSWER = 2_000

_BRACE = re.compile(r"\\(?:boxed|fbox)\s{0,8}+\{|\\.|[{}]", re.DOTALL)
_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE)
_HASHES = re.compile(r"\s*+#{4}(?!#)(.*+)")
_LABEL = re.compile(r"\s*+\**+A\**+\s*+:(.*+)")
# "answer", then a verb or a sign that says that it follows; a heading "Final answer" has neither.
_PHRASE = re.compile(
    r"""
    (?P<heading>\bfinal\ answer|\bostateczna\ odpowiedź)[*_]{0,3}+:?+[*_]{0,3}+[ \t]*+(?=\n)
  | \b(?:answer|odpowied[źz]|r[ée]ponse|respuesta|antwort|risposta|resposta|ответ)
    (?:\ (?:choice|option|to\ (?:the|this)\ (?:question|problem)|finale?|correcta|correta|corretta|ko[ńn]cowa))?+
    [*_]{0,3}+
    (?:[ ]?+[:=：]
      |[ ](?P<verb>is|(?:would|should|must)\ be|(?<!answer\ )to|brzmi|jest|est|es|ser[ií]a|ist|lautet|[èé])\b[ ]?+:?+)
  | (?:答案|答え|정답|답)(?:[ ]?+[:：]|(?P<particle>应该是|是|为|為|は|은|는)[ ]?+[:：]?+)
  | \bodp\b(?:[*_]{0,3}+[.:]){1,2}+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[^.\s])\.(?=\s|$)|。")
_LAST_EQUALS = re.compile(r"(?<![<>!=])=([^=<>]++)$")


def final_answer(text: str, *, trailing: bool = False) -> str | None:
    r"""The final answer that a text states, in its own form.

    In this order: a last line `#### 18`; the last `\boxed{...}`; the last `<answer>...</answer>`;
    the last of "The answer is ...", "Final answer: ...", "Odpowiedź: ...", "Odp. ..." and the like in
    other languages, and a last line "A: 18".

    Args:
        text: A response, or a reference solution.
        trailing: Whether, where nothing of that stands, a last line that ends in "= 42" counts.

    Returns:
        The answer without the markup around it, at most 2,000 characters; None where none is stated.
    """
    last_line = text.rstrip().rpartition("\n")[2]
    marked = _group(_HASHES.match(last_line))
    candidates = (
        None if marked is None else _boxed(marked) or marked,
        _boxed(text),
        _tagged(text),
        _phrased(text, last_line),
        _group(_LAST_EQUALS.search(last_line)) if trailing else None,
    )
    for candidate in candidates:
        answer = None if candidate is None else _bare(candidate)
        if answer:
            return answer
    return None


def final_line(text: str) -> tuple[str, str] | None:
    """Split off a last line such as "#### 18" or "A: 18".

    Args:
        text: A worked solution.

    Returns:
        (what stands before it, the answer), both stripped; None if the last line is no such line.
    """
    body = text.rstrip()
    at = body.rfind("\n") + 1
    answer = _group(_HASHES.match(body, at) or _LABEL.match(body, at))
    return (body[:at].strip(), answer.strip()) if answer and answer.strip() else None


def _group(match: re.Match[str] | None) -> str | None:
    return match[1] if match else None


def _boxed(text: str) -> str | None:
    """What the last box holds whose braces close."""
    if "\\boxed" not in text and "\\fbox" not in text:
        return None
    open_braces: list[tuple[int, bool]] = []
    best = (-1, -1)
    for match in _BRACE.finditer(text):
        brace = match[0]
        if brace == "}":
            start, is_box = open_braces.pop() if open_braces else (-1, False)
            if is_box and start > best[0] and text[start : match.start()].strip():
                best = (start, match.start())
        elif brace[-1] == "{" and brace != "\\{":
            open_braces.append((match.end(), brace != "{"))
    return text[slice(*best)] if best[0] >= 0 else None


def _tagged(text: str) -> str | None:
    start, best = -1, None
    for match in _TAG.finditer(text):
        if not match[1]:
            start = match.end()
        elif start >= 0:
            best, start = (start, match.start()), -1
    return text[slice(*best)] if best else None


def _phrased(text: str, last_line: str) -> str | None:
    """What follows the last phrase that announces an answer, or a last line's "A:"."""
    last = next(iter(deque(_PHRASE.finditer(text), maxlen=1)), None)
    label = _LABEL.match(last_line)
    line_start = len(text.rstrip()) - len(last_line)
    if label and (last is None or last.end() < line_start):
        return label[1]
    if last is None:
        return None
    said = next(_lines(text, last.end()), "")
    return _SENTENCE_END.split(said, maxsplit=1)[0] if last["verb"] or last["particle"] else said


def _lines(text: str, start: int) -> Iterator[str]:
    """The lines from an offset on that hold more than markup."""
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if text[start:end].strip(" \t\r*_`"):
            yield text[start:end]
        start = end + 1


def _bare(answer: str) -> str | None:
    """An answer without Markdown, mathematics delimiters and the full stop around it."""
    answer = answer.strip()
    if len(answer) > MAX_ANSWER:
        return None
    before = ""
    while before != answer:
        before = answer
        answer = answer.strip("*_` \t\r\n")
        if (answer.endswith(".") and not answer.endswith("..")) or answer.endswith("。"):
            answer = answer[:-1]
        for opening, closing in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
            inside = answer[len(opening) : -len(closing)]
            wrapped = answer.startswith(opening) and answer.endswith(closing) and len(answer) > len(opening + closing)
            if wrapped and opening not in inside:
                answer = inside
    return answer or None
