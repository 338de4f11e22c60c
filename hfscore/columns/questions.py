"""The question that goes with the chosen traces."""

from __future__ import annotations

from collections.abc import Sequence

from hfscore.columns.choice import MOST, NOTHING, Choice, Picked
from hfscore.columns.layout import Pick
from hfscore.columns.leaves import Leaf, Spelling
from hfscore.columns.paths import parse
from hfscore.columns.variants import version_rank

# Among equally strong names, the one nearest to what was asked comes first.
_QUESTION_ORDER = ("question", "problem", "query", "prompt", "instruction", "puzzle", "input", "user")
_ORDERS = ("instruction", "instructions", "consigne", "polecenie", "anweisung", "指令", "instruccion")


def question(leaves: Sequence[Leaf], choice: Choice | None) -> Picked:
    """Find the question.

    Args:
        leaves: All places.
        choice: The traces, or None where there are none.

    Returns:
        A column whose name asks, one that a chat with these traces repeats before others; a user's
        message where the traces stand in a chat that does not repeat that column, or where no column
        asks; last, a column that is a question by position and contents.
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
        if named_so or (chat is not None and strong[0].alike(chat)):
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
    asking = [f for f in leaves if f.form == "chat" and any(f.user_texts)]
    own = [f for f in asking if choice and f in choice.leaves]
    repeats = [f for f in asking if choice and any(t.alike(f) for t in choice.leaves)]
    prompts = [f for f in asking if not any(m.role == "assistant" for c in f.chats for m in c)]
    return next(iter([*own, *repeats, *prompts, *asking]), None)


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


def _cells(leaves: Sequence[Leaf]) -> Picked:
    picks = tuple(Pick(parse(leaf.path)) for leaf in leaves)
    return Picked(picks, tuple(leaf.path for leaf in leaves), tuple(leaves))
