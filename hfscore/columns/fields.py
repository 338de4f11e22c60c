"""Response and reference that go with the chosen traces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hfscore.columns import answers, words
from hfscore.columns.answers import is_code
from hfscore.columns.choice import MOST, NOTHING, Choice, Picked, items_path, shown_path
from hfscore.columns.layout import Pick, Source
from hfscore.columns.leaves import Leaf, Spelling
from hfscore.columns.markers import has_span, split_think
from hfscore.columns.names import fold
from hfscore.columns.paths import parse
from hfscore.text.answer_text import final_answer, final_line

# Response -----------------------------------------------------------------------------------------


def response(leaves: Sequence[Leaf], choice: Choice, asked: Picked) -> tuple[Choice, Picked]:
    """Put a response beside every source whose own text holds none.

    Returns:
        The choice with its sources completed, and where the responses stand. Variants are paired by
        their key ("gemini_attempt" with "gemini_thinking"); an unpaired one stays without a response.
    """
    if choice.tier == "agent":
        return _outcome(leaves, choice)
    if choice.response:
        return choice, Picked(paths=choice.response)
    taken = {f.path for f in (*choice.leaves, *asked.leaves)}
    found = [f for f in leaves if f.path not in taken and _may_respond(f)]
    if not found and len(choice.leaves) == 1 and _is_keyed(leaves, choice):
        keys = [f for f in leaves if f.name.role == "reference" and f.form == "text" and _may_refer(f)]
        found = sorted(keys, key=_reference_rank)[:1]
    several = len(choice.leaves) > 1
    sources: list[Source] = []
    mates: list[Leaf] = []
    for source, leaf in zip(choice.sources, choice.leaves, strict=True):
        mate = _mate(leaf, found, several, choice.tier == "steps")
        if mate:
            mates.append(mate)
            sources.append(replace(source, response=items_path(mate)))
        elif choice.tier == "steps":
            last = parse(shown_path(leaf).removesuffix("[*]") + "[-1]") if leaf.form == "list" else None
            sources.append(replace(source, response=last))
        else:
            sources.append(source)
    shown = tuple(shown_path(mate) for mate in mates)
    if choice.tier == "steps" and not mates and choice.leaves[0].form == "list":
        shown = (f"{choice.leaves[0].path}[-1]",)
    return replace(choice, sources=tuple(sources)), Picked((), shown, tuple(mates))


def _outcome(leaves: Sequence[Leaf], choice: Choice) -> tuple[Choice, Picked]:
    """What an agent hands in: a patch in a column of its own, else its last words."""
    patches = [f for f in leaves if f.form == "text" and f.name.role == "patch" and f.words >= 1]
    patches = [f for f in patches if not (f.name.noise or f.name.judge) and not _is_gold(f)]
    if not patches:
        own = choice.leaves[0]
        spelled = own.spelled if own.form == "chat" and own.spelled else Spelling()
        return choice, Picked(paths=(spelled.select(own.path, "assistant", "[-1]"),))
    best = min(patches, key=lambda f: (-f.name.strength, f.order))
    source = replace(choice.sources[0], response=parse(best.path))
    return replace(choice, sources=(source,)), Picked((), (best.path,), (best,))


def _is_gold(leaf: Leaf) -> bool:
    return bool(words.GOLD_WORDS.intersection(leaf.name.tokens))


def _may_respond(leaf: Leaf) -> bool:
    name = leaf.name
    if leaf.form not in ("text", "list", "number", "chat") or name.noise or name.judge:
        return False
    if leaf.form == "chat":
        return name.role == "response" and not leaf.user_texts
    return name.role in ("response", "worked", "answer")


_RESPONSE_ORDER = {"response": 0, "worked": 1, "answer": 2}


def _mate(leaf: Leaf, found: Sequence[Leaf], several: bool, one: bool) -> Leaf | None:
    """The response of one trace: same list, same key; responses before solutions before answers."""
    near = [f for f in found if _same_list(f, leaf, one)]
    if several:
        near = [f for f in near if f.name.key == leaf.name.key]
    ranked = sorted(
        near,
        key=lambda f: (
            f.parsed,
            f.name.key != leaf.name.key,
            bool(f.name.key),
            f.name.version != leaf.name.version,
            f.parts[:-1] != leaf.parts[:-1],
            _RESPONSE_ORDER.get(f.name.role or "", 3),
            -f.name.strength,
            f.order,
        ),
    )
    return ranked[0] if ranked else None


def _same_list(leaf: Leaf, other: Leaf, one: bool) -> bool:
    """Whether two places give as many texts per row; with `one` trace per row, whether the first gives one."""
    if one:
        return not leaf.many and leaf.form != "list"
    if not (leaf.many or other.many or "list" in (leaf.form, other.form)):
        return True
    pairs = [(_count(a, leaf), _count(b, other)) for a, b in zip(leaf.cells, other.cells, strict=True)]
    both = [(a, b) for a, b in pairs if a and b]
    return bool(both) and all(a == b for a, b in both)


def _count(cell: tuple[object, ...], leaf: Leaf) -> int:
    if leaf.form == "list":
        return sum(len(v) for v in cell if isinstance(v, list | tuple))
    return len(cell)


# Reference ----------------------------------------------------------------------------------------


def reference(leaves: Sequence[Leaf], choice: Choice | None, asked: Picked, said: Picked) -> Picked:
    """Find the reference answer.

    A name that says so comes first; then an answer, then a solution, that is not the response already.
    With a rationale or with options the answer given is the key, so it is both. A worked solution that
    is the trace itself ends in the reference. Program text cut out of the response is none.
    """
    taken = {f.path for f in (*(choice.leaves if choice else ()), *asked.leaves)}
    found = [f for f in leaves if f.path not in taken and _may_refer(f)]
    gold = [f for f in found if f.name.role == "reference"]
    responses = {f.path for f in said.leaves}
    others = [f for f in found if f.name.role in ("answer", "worked") and f.path not in responses]
    others = [f for f in others if not (choice and _cut_out(f, choice))]
    ranked = sorted(gold, key=_reference_rank) + sorted(others, key=_reference_rank)
    if ranked:
        return cells_of(ranked)
    if choice and said.leaves and _is_keyed(leaves, choice):
        return cells_of(said.leaves)
    if choice and choice.tier == "untagged" and len(choice.leaves) == 1:
        own = choice.leaves[0]
        gold_text = own.name.role in ("worked", "answer") and own.form == "text" and not own.many
        if gold_text and own.share(lambda t: final_answer(t) is not None) >= MOST:
            return Picked((Pick(parse(own.path), "final"),), (own.path,), (own,))
    return NOTHING


def _may_refer(leaf: Leaf) -> bool:
    name = leaf.name
    if leaf.many or name.noise or name.role not in ("reference", "answer", "worked"):
        return False
    if leaf.form == "bool":
        return name.role == "answer"
    if leaf.form == "list":
        return name.role != "worked" and leaf.words <= 12
    if leaf.form == "number":
        return name.role != "worked"
    return leaf.form == "text" and bool(leaf.texts) and (name.role == "reference" or not name.judge)


def _reference_rank(leaf: Leaf) -> tuple[object, ...]:
    order = {"reference": 0, "answer": 1, "worked": 2}[leaf.name.role or "worked"]
    return (
        order,
        leaf.parsed,
        leaf.name.judge,
        -leaf.name.strength,
        leaf.form == "list",
        len(leaf.parts),
        len(leaf.name.version),
        len(leaf.name.key),
        leaf.order,
    )


def cells_of(found: Sequence[Leaf]) -> Picked:
    """Read the first of some places, its final answer alone where its texts end in a line like "#### 18"."""
    first = found[0]
    pick = Pick(parse(first.path), "final" if _ends_in_line(first) else "cell")
    return Picked((pick,), (first.path,), (first,))


def _ends_in_line(leaf: Leaf) -> bool:
    return leaf.form == "text" and leaf.share(lambda t: bool((final_line(t) or ("", ""))[0])) >= MOST


def _is_keyed(leaves: Sequence[Leaf], choice: Choice) -> bool:
    """Whether the answer is the key of a test: options stand beside it, or a rationale explains it."""
    if any(f.name.role == "options" for f in leaves):
        return True
    return choice.tier == "named" and bool(set(choice.leaves[0].name.base) & _EXPLAINING)


_EXPLAINING = {token for name in ("rationale", "explanation", "justification") for token in fold(name)} | {
    "explication",
    "erklarung",
    "wyjasnienie",
    "解析",
    "解説",
    "해설",
}


def _cut_out(leaf: Leaf, choice: Choice) -> bool:
    """Whether a "solution" is program text copied from the response of most rows."""
    if leaf.form != "text" or not leaf.share(is_code) >= MOST:
        return False
    pairs = [(a, b) for a, b in zip(leaf.cells, choice.leaves[0].cells, strict=True) if a and b]
    copied = sum(_holds(b, str(a[0]).strip()) for a, b in pairs)
    return bool(pairs) and copied * 2 > len(pairs)


def _holds(cell: tuple[object, ...], code: str) -> bool:
    """Whether a fenced block of the response is this program."""
    texts = [v for v in cell if isinstance(v, str)]
    texts += [m.text for v in cell if isinstance(v, tuple) for m in v if hasattr(m, "text")]
    said = [split_think(t, ()).response or "" if has_span(t) else t for t in texts]
    return any(block.strip() == code for text in said for block in answers.fenced(text))
