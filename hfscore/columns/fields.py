"""Question, response and reference that go with the chosen traces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hfscore.columns import answers, words
from hfscore.columns.answers import final_answer, final_line, is_code
from hfscore.columns.layout import Pick, Source
from hfscore.columns.leaves import Leaf, Spelling
from hfscore.columns.markers import has_span, split_think
from hfscore.columns.names import fold
from hfscore.columns.paths import parse
from hfscore.columns.traces import MOST, Choice, items_path, shown_path, version_rank

# Among equally strong names, the one nearest to what was asked comes first.
_QUESTION_ORDER = ("question", "problem", "query", "prompt", "instruction", "puzzle", "input", "user")
_ORDERS = ("instruction", "instructions", "consigne", "polecenie", "anweisung", "指令", "instruccion")


@dataclass(frozen=True)
class Picked:
    """Pieces of one field: what to read, the paths to show, and the places they stand in."""

    picks: tuple[Pick, ...] = ()
    paths: tuple[str, ...] = ()
    leaves: tuple[Leaf, ...] = ()


NOTHING = Picked()


def _cells(leaves: Sequence[Leaf]) -> Picked:
    picks = tuple(Pick(parse(leaf.path)) for leaf in leaves)
    return Picked(picks, tuple(leaf.path for leaf in leaves), tuple(leaves))


# Question -----------------------------------------------------------------------------------------


def question(leaves: Sequence[Leaf], choice: Choice | None) -> Picked:
    """Find the question.

    Args:
        leaves: All places.
        choice: The traces, or None where there are none.

    Returns:
        A column whose name asks, one that a chat with these traces repeats before others; a user's message where the traces stand in a chat that does not repeat
        that column, or where no column asks; last, a column that is a question by position and contents.
    """
    used = {leaf.path for leaf in choice.leaves} if choice else set()
    columns = [leaf for leaf in leaves if leaf.path not in used and _asks(leaf)]
    chat = _asking_chat(leaves, choice)
    own_chat = chat is not None and choice is not None and chat in choice.leaves
    told = [f for f in leaves if f is chat and choice and any(t.alike(f) for t in choice.leaves)]
    columns.sort(key=lambda leaf: (not any(map(leaf.alike, told)), *_question_rank(leaf, choice)))
    strong = [leaf for leaf in columns if leaf.name.strength >= 2]
    if strong and (chat is None or not own_chat or strong[0].alike(chat)):
        named_so = strong[0].name.strength == 3 or chat is None
        if named_so or chat is not None and strong[0].alike(chat):
            return _cells(_joined(strong[0], leaves))
    if chat is not None:
        return _from_chat(chat, choice)
    if strong or columns:
        return _cells(_joined((strong or columns)[0], leaves))
    guess = _by_contents(leaves, used) if choice else None
    return _cells([guess]) if guess else NOTHING


def _asks(leaf: Leaf) -> bool:
    name = leaf.name
    if leaf.form != "text" or leaf.many or name.role != "question" or name.noise or name.judge:
        return False
    if name.strength == 1:
        return leaf.words >= 4 or leaf.share(lambda t: t.rstrip().endswith(("?", "？"))) >= MOST
    return leaf.words >= (1 if name.strength == 3 else 2)


def _question_rank(leaf: Leaf, choice: Choice | None) -> tuple[object, ...]:
    """Same version as the trace, sure name, untagged, top level, order of names, order of columns."""
    version = choice.leaves[0].name.version if choice else ()
    near = next((i for i, word in enumerate(_QUESTION_ORDER) if word in leaf.name.base), 4)
    return (
        leaf.name.version != version,
        -leaf.name.strength,
        version_rank(leaf),
        len(leaf.parts),
        leaf.parsed,
        near,
        len(leaf.name.key),
        leaf.order,
    )


def _joined(main: Leaf, leaves: Sequence[Leaf]) -> list[Leaf]:
    """A statement or passage before the question, and the input after an instruction."""
    texts = [f for f in leaves if f.form == "text" and not f.many and len(f.parts) == 1 and f is not main]
    texts = [f for f in texts if not (f.name.noise or f.name.judge) and f.name.version == main.name.version]
    before = [f for f in texts if f.name.role == "context" and f.words >= 2 and not f.alike(main)]
    orders = bool(set(main.name.base) & set(_ORDERS))
    after = [f for f in texts if orders and f.name.base in (("input",), ("输入",), ("entrada",), ("eingabe",))]
    return [*before, main, *after[:1]]


def _asking_chat(leaves: Sequence[Leaf], choice: Choice | None) -> Leaf | None:
    """The traces' own chat; else one that repeats the traces; else one of prompts alone; else any."""
    asking = [f for f in leaves if f.form == "chat" and any(_user_texts(f))]
    own = [f for f in asking if choice and f in choice.leaves]
    repeats = [f for f in asking if choice and any(t.alike(f) for t in choice.leaves)]
    prompts = [f for f in asking if not any(m.role == "assistant" for c in f.chats for m in c)]
    return next(iter([*own, *repeats, *prompts, *asking]), None)


def _user_texts(leaf: Leaf) -> list[str]:
    return [m.text for chat in leaf.chats for m in chat if m.role == "user" and m.text]


def _from_chat(chat: Leaf, choice: Choice | None) -> Picked:
    spelled = chat.spelled or Spelling()
    path = parse(chat.path)
    if choice and choice.kind == "agent_trajectory" and chat in choice.leaves:
        flagged = any(m.trained is False for c in chat.chats for m in c)
        shown = spelled.select(chat.path, "user", "[*]" if flagged else "[0]")
        return Picked((Pick(path, "agent_task"),), (shown,), (chat,))
    if choice and choice.kind == "multi_turn" and chat in choice.leaves:
        return Picked((Pick(path, "first_user"),), (spelled.select(chat.path, "user", "[*]"),), (chat,))
    return Picked((Pick(path, "last_user"),), (spelled.select(chat.path, "user", "[-1]"),), (chat,))


def _by_contents(leaves: Sequence[Leaf], used: set[str]) -> Leaf | None:
    """A column of distinct texts that ask, or failing that run on; the first such one."""
    texts = [
        f
        for f in leaves
        if f.form == "text" and not f.many and f.path not in used and len(f.parts) == 1 and not f.parsed
        if f.name.role in (None, "generic", "question", "context") and not (f.name.noise or f.name.judge)
    ]
    asking = [f for f in texts if f.share(lambda t: "?" in t or "？" in t) >= MOST]
    long = [f for f in texts if f.words >= 5]
    return next(iter([*asking, *long]), None)


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
        return name.role == "response" and not _user_texts(leaf)
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
        return cells_of(ranked[:2] if ranked[0].name.role == "answer" else ranked[:1])
    if choice and said.leaves and _is_keyed(leaves, choice):
        return cells_of(list(said.leaves[:1]))
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
    picks = tuple(Pick(parse(f.path), "final" if _ends_in_line(f) else "cell") for f in found[:1])
    return Picked(picks, tuple(f.path for f in found[:1]), tuple(found[:1]))


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
