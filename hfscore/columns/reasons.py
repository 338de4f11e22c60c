"""Sentences: why data hold no traces, and which decisions a person should see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from shlex import quote

from hfscore.columns import words
from hfscore.columns.choice import SOME, Choice, Picked, thinking
from hfscore.columns.layout import Kind
from hfscore.columns.leaves import Leaf

_SHORT = 5  # words; a longer response that shows no reasoning is prose


@dataclass(frozen=True)
class Verdict:
    """Kind of the data without traces, the reason, and what else to see."""

    kind: Kind
    why: str
    notes: tuple[str, ...] = ()


def verdict(leaves: Sequence[Leaf], asked: Picked, refers: Picked) -> Verdict:
    """Say what data without traces are.

    Returns:
        "question_only" if rows ask something (and at most state the answer); else "not_reasoning".
    """
    hint = ("Name the column that holds the reasoning with --reasoning, if there is one.",)
    if not leaves:
        return Verdict("not_reasoning", "the sampled rows hold no values")
    pairs = [leaf for leaf in leaves if leaf.name.role == "preference"]
    if pairs:
        return Verdict(
            "not_reasoning",
            f"{_names(pairs)} are preference pairs whose texts show no reasoning",
            hint,
        )
    if translated := _translations(leaves):
        return Verdict("not_reasoning", f"{_names(translated)} hold the same text in several languages", hint)
    chats = [f for f in leaves if f.form == "chat" and any(m.role == "assistant" for c in f.chats for m in c)]
    if chats:
        return Verdict("not_reasoning", f"the answers in {_names(chats[:1])} show no reasoning", hint)
    if not asked.picks:
        return Verdict("not_reasoning", _no_question(leaves), hint)
    return _with_question(leaves, asked, refers, hint)


def _with_question(leaves: Sequence[Leaf], asked: Picked, refers: Picked, hint: tuple[str, ...]) -> Verdict:
    said = [f for f in leaves if f.name.role == "response" and f.form in ("text", "list") and f.texts]
    said = [f for f in said if not (f.name.noise or f.name.judge)]
    prose = [f for f in said if f.words > _SHORT]
    if prose:
        return Verdict(
            "not_reasoning", f"{_names(prose[:1])} answers {_names(asked.leaves)} without showing reasoning", hint
        )
    labels = [f for f in leaves if f.form in ("number", "bool") and f.name.tokens[-1:] in (("label",), ("labels",))]
    sure = any(f.form == "chat" or f.name.strength == 3 for f in asked.leaves)
    if not refers.picks and (labels or not sure):
        return Verdict("not_reasoning", _no_question(leaves), hint)
    answers = refers.leaves or tuple(said[:1])
    if answers:
        why = f"{_asks(asked)} and {_names(answers)} answers; no column shows the reasoning between"
    else:
        why = f"{_asks(asked)}; no column holds an answer or reasoning"
    return Verdict("question_only", why, hint)


def _asks(asked: Picked) -> str:
    return f"{_names(asked.leaves)} {'asks' if len(asked.leaves) == 1 else 'ask'}"


def _no_question(leaves: Sequence[Leaf]) -> str:
    texts = [f for f in leaves if f.form in ("text", "list") and not f.is_label and not f.name.noise]
    if not texts:
        return "no column holds free text"
    labels = [f for f in leaves if f.form in ("number", "bool") or (f.form == "text" and f.is_label)]
    beside = f" beside labels such as {_names(labels[:1])}" if labels else ""
    return f"{_names(texts[:3])} is free text{beside}; no column asks a question or shows reasoning"


def _translations(leaves: Sequence[Leaf]) -> list[Leaf]:
    """Texts named by nothing but their language."""
    found = [f for f in leaves if f.form == "text" and _is_language(f.parts[-1])]
    return found if len(found) > 1 else []


def _is_language(part: str) -> bool:
    return part.lower().split("_")[0].split("-")[0] in words.LANGUAGES


def _names(leaves: Iterable[Leaf]) -> str:
    paths = [f"`{leaf.path}`" for leaf in leaves]
    return " and ".join(filter(None, (", ".join(paths[:-1]), *paths[-1:])))


# Notes --------------------------------------------------------------------------------------------


def notes(leaves: Sequence[Leaf], choice: Choice, asked: Picked, said: Picked, refers: Picked) -> tuple[str, ...]:
    """Decisions a person should see, each with the override that decides otherwise."""
    found = [*_trace_notes(leaves, choice), *_answer_notes(leaves, choice, said, refers)]
    if not asked.picks:
        found.append(_no_question_note(leaves))
    elif (rival := _rival(leaves, asked)) is not None:
        found.append(f"{_names([rival])} also asks; choose it with --question {quote(rival.path)}.")
    return tuple(found)


def _trace_notes(leaves: Sequence[Leaf], choice: Choice) -> list[str]:
    found: list[str] = []
    chosen = {leaf.path for leaf in choice.leaves}
    shown = ", ".join(f"`{path}`" for path in choice.reasoning)
    if choice.tier == "untagged":
        found.append(
            f"No marker separates reasoning in {shown}: it was chosen because its texts show reasoning, "
            "and the final answer is read from their end."
        )
    if choice.tier == "steps":
        found.append(f"The items of {shown} are read as the steps of one trace.")
    others = [f for f in leaves if f.path not in chosen and _could_hold(f)]
    repeated = [f for f in others if any(f.alike(c) or c.alike(f) for c in choice.leaves)]
    rivals = [f for f in others if f not in repeated]
    if repeated:
        found.append(f"{_names(repeated[:2])} repeats the same traces and is not counted again.")
    return found + [_rival_note(leaf) for leaf in rivals[:3]]


def _rival_note(leaf: Leaf) -> str:
    version = "holds another version of the texts (language or wording)"
    what = version if leaf.name.version else "could hold reasoning too"
    return f"{_names([leaf])} {what}; choose it with --reasoning {quote(leaf.path)}."


def _could_hold(leaf: Leaf) -> bool:
    if leaf.name.noise or leaf.name.judge:
        return False
    if leaf.form == "chat":
        return thinking(leaf) >= SOME
    if leaf.form not in ("text", "list") or leaf.is_label:
        return False
    if leaf.name.role in ("question", "context", "reference", "options"):
        return False
    return (
        (leaf.name.role == "reasoning" and leaf.name.strength >= 2)
        or leaf.spans >= SOME
        or (leaf.name.role in ("worked", "steps") and bool(leaf.name.version))
    )


def _answer_notes(leaves: Sequence[Leaf], choice: Choice, said: Picked, refers: Picked) -> list[str]:
    found: list[str] = []
    both = {f.path for f in said.leaves} & {f.path for f in refers.leaves}
    own = {f.path for f in choice.leaves} & {f.path for f in refers.leaves}
    if both:
        found.append(f"`{min(both)}` is both the response and the reference, so their agreement says nothing.")
    if own:
        found.append(
            f"The reference is the final answer of `{min(own)}` itself, so agreement with the response says nothing."
        )
    if not refers.picks and said.leaves and said.leaves[0].name.role == "answer":
        path = said.leaves[0].path
        found.append(f"`{path}` is read as the response; if it is the reference answer, say --reference {quote(path)}.")
    taken = {f.path for f in (*choice.leaves, *said.leaves, *refers.leaves)}
    other = [
        f
        for f in leaves
        if f.path not in taken and not f.many and f.form == "text" and not f.name.noise
        if f.name.role in ("reference", "worked") and not (f.name.judge or f.name.version)
    ]
    if other:
        path = other[0].path
        found.append(f"`{path}` is not used; if it is the reference, say --reference {quote(path)}.")
    return found


def _rival(leaves: Sequence[Leaf], asked: Picked) -> Leaf | None:
    taken = {f.path for f in asked.leaves}
    rivals = [
        f
        for f in leaves
        if f.form == "text" and f.path not in taken and f.name.role == "question" and f.name.strength == 3
        if not (f.many or f.name.noise or f.name.judge or f.parsed)
        if not any(f.alike(a) and a.alike(f) for a in asked.leaves)
    ]
    return rivals[0] if rivals else None


def _no_question_note(leaves: Sequence[Leaf]) -> str:
    blank = [f for f in leaves if f.name.role == "question" and f.name.strength >= 2 and not f.texts]
    blank = [f for f in blank if f.form == "text"]
    if blank:
        return f"{_names(blank[:1])} holds only placeholders, so these rows have no question."
    return "No column was recognised as the question; name it with --question."
