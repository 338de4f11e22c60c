"""Where the traces of a split are: several readings of the sample, the surest first.

The ranking, in words: an agent's trajectory; texts with think spans (more traces per row before fewer,
columns before chats that repeat them); columns whose name says reasoning; lists of steps; reasoning
under headings; names that may mean reasoning ("explanation"); last, untagged worked solutions, which
count only on evidence in their contents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hfscore.columns import answers, words
from hfscore.columns.agents import Reading, is_agent, is_agent_step, is_react, read_trajectory
from hfscore.columns.answers import Evidence, is_code
from hfscore.columns.choice import (
    MOST,
    SOME,
    Choice,
    chat_choice,
    chats_choice,
    named_rule,
    steps_choice,
    text_choice,
    thinking,
    thoughts,
    untagged_rule,
)
from hfscore.columns.extract import step_text
from hfscore.columns.layout import Source
from hfscore.columns.leaves import Leaf, Spelling
from hfscore.columns.markers import has_headings, has_span, pairs_in
from hfscore.columns.paths import parse
from hfscore.columns.steps import is_step_list
from hfscore.columns.variants import variants, version_rank


def choose(leaves: Sequence[Leaf]) -> Choice | None:
    """Take the first reading, in the order above, that the sample supports."""
    tiers: tuple[Callable[[Sequence[Leaf]], Choice | None], ...] = (
        agents,
        marked,
        lambda found: named(found, 3),
        steps,
        headed,
        lambda found: named(found, 2),
        untagged,
        lambda found: named(found, 1),
    )
    return next((choice for tier in tiers if (choice := tier(leaves))), None)


def may_hold_traces(leaf: Leaf) -> bool:
    """Whether the name leaves room for a trace: no question, no label, no judge's words."""
    role, name = leaf.name.role, leaf.name
    asks = role in ("question", "context") and name.strength >= 2
    return not (asks or leaf.packed or name.noise or name.judge or role in ("options", "reference"))


# Agents -------------------------------------------------------------------------------------------


def agents(leaves: Sequence[Leaf]) -> Choice | None:
    """Chats that act, lists of thought/action/observation, and ReAct-like texts."""
    for leaf in leaves:
        if leaf.form == "chat" and leaf.chats and not leaf.name.judge:
            choice = agent_chat(leaf)
        elif leaf.form == "structs" and leaf.cells:
            choice = agent_steps(leaf)
        elif leaf.form == "text" and may_hold_traces(leaf) and leaf.share(is_react) >= MOST:
            source = Source(parse(leaf.path), "text", "react")
            choice = Choice("agent_trajectory", (source,), (leaf,), (leaf.path,), (), "agent")
        else:
            choice = None
        if choice:
            return choice
    return None


def agent_chat(leaf: Leaf) -> Choice | None:
    """Read a chat as an agent's trajectory, if most of its samples act and some think."""
    named_so = bool(words.TRAJECTORY_WORDS.intersection(leaf.name.tokens))
    acting = [chat for chat in leaf.chats if is_agent(chat, named_so)]
    if len(acting) < MOST * len(leaf.chats):
        return None
    answered = [m for chat in acting for m in chat if m.role == "assistant"]
    pairs = pairs_in(m.text for m in answered)
    reading = Reading(
        explicit=any(m.reasoning or has_span(m.text) for m in answered),
        users_observe=not any(m.role == "observation" or m.observation for c in acting for m in c),
        pairs=pairs,
    )
    if not any(read_trajectory(chat, reading).reasoning for chat in acting):
        return None
    source = Source(parse(leaf.path), "agent", pairs=pairs, reading=reading)
    spelled = leaf.spelled or Spelling()
    path = spelled.select(leaf.path, "assistant", "[*]", spelled.thought or None)
    return Choice("agent_trajectory", (source,), (leaf,), (path,), (), "agent")


def agent_steps(leaf: Leaf) -> Choice | None:
    """Read a list of structs as a trajectory, if most of them hold a thought and an act."""
    items = [item for cell in leaf.cells for v in cell for item in v]
    if not items or sum(map(is_agent_step, items)) < MOST * len(items):
        return None
    source = Source(parse(leaf.path), "agent_steps")
    keys = [k for k in words.REASONING_KEYS if any(isinstance(i, dict) and i.get(k) for i in items)]
    path = f"{leaf.path}[*].{keys[0]}" if keys else leaf.path
    return Choice("agent_trajectory", (source,), (leaf,), (path,), (), "agent")


# Think spans --------------------------------------------------------------------------------------


def marked(leaves: Sequence[Leaf]) -> Choice | None:
    """Texts, lists of texts and chats with think spans, or chats with reasoning in fields."""
    holding = [f for f in leaves if f.form in ("text", "list") and not f.packed and f.spans >= SOME]
    texts = [f for f in holding if may_hold_traces(f) or (f.name.role == "reference" and f.spans >= MOST)]
    chats = [leaf for leaf in leaves if leaf.form == "chat" and thinking(leaf) >= SOME]
    order = {"text": 0, "list": 0, "chat": 1}
    ranked = sorted(
        [*texts, *chats],
        key=lambda f: (-_per_row(f), order[f.form], f.parsed, -f.name.strength, len(f.name.key), f.order),
    )
    if not ranked:
        return None
    winner = ranked[0]
    if winner.form == "chat":
        choice = chats_choice(variants(winner, chats))
        plain = [f for f in leaves if _says_reasoning(f) and f.form == "text" and f.alike(winner)]
        if choice.kind == "single_trace" and plain:
            return text_choice(variants(plain[0], plain), named_rule, "named")
        return choice
    group = variants(winner, holding)
    return text_choice(group, lambda leaf: "think", "think")


def _per_row(leaf: Leaf) -> float:
    """Traces in a row, on average over the rows that have any."""
    if leaf.form == "chat":
        counts = [thoughts(chat) for chat in leaf.chats]
    else:
        counts = [sum(len(v) if leaf.form == "list" else 1 for v in cell) for cell in leaf.cells]
    counts = [n for n in counts if n]
    return round(sum(counts) / len(counts), 2) if counts else 0.0


# Names --------------------------------------------------------------------------------------------


def named(leaves: Sequence[Leaf], strength: int) -> Choice | None:
    """Places whose name says reasoning, at one strength of the name."""
    holding = [f for f in leaves if f.form in ("text", "list") and not f.is_label]
    found = [f for f in holding if _says_reasoning(f) and f.name.strength == strength]
    if strength < 3:
        found = [f for f in found if f.share(is_code) < MOST and any(map(_asks_something, leaves))]
    ranked = sorted(found, key=lambda f: (f.parsed, bool(f.name.version), -_coverage(f), len(f.parts), f.order))
    if not ranked:
        return None
    winner = ranked[0]
    if is_step_list(winner, leaves):
        return steps_choice(winner)
    return text_choice(variants(winner, holding), named_rule, "named")


def _asks_something(leaf: Leaf) -> bool:
    if leaf.form == "chat":
        return any(m.role == "user" for chat in leaf.chats for m in chat)
    return leaf.form == "text" and leaf.name.role in ("question", "context") and leaf.name.strength >= 2


def _says_reasoning(leaf: Leaf) -> bool:
    name = leaf.name
    return name.role == "reasoning" and not (name.noise or name.judge or leaf.packed or leaf.is_label)


def _coverage(leaf: Leaf) -> float:
    return round(leaf.filled / max(1, len(leaf.cells)), 1)


# Steps --------------------------------------------------------------------------------------------


def steps(leaves: Sequence[Leaf]) -> Choice | None:
    """Lists that cut one trace into steps."""
    found = [
        leaf
        for leaf in leaves
        if leaf.form in ("list", "structs")
        and not (leaf.name.noise or leaf.name.judge)
        and _texts_of_steps(leaf)
        and is_step_list(leaf, leaves)
    ]
    ranked = sorted(found, key=lambda f: (f.parsed, version_rank(f), len(f.parts), f.order))
    return steps_choice(ranked[0]) if ranked else None


def _texts_of_steps(leaf: Leaf) -> bool:
    items = [item for cell in leaf.cells for v in cell for item in v]
    return sum(step_text(item) is not None for item in items) >= MOST * len(items) > 0


# Headings and untagged texts ----------------------------------------------------------------------


def headed(leaves: Sequence[Leaf]) -> Choice | None:
    """Texts and chats with a heading over the reasoning and one over the answer."""
    found = [
        leaf for leaf in leaves if leaf.form in ("text", "list") and may_hold_traces(leaf) and leaf.headings >= MOST
    ]
    ranked = sorted(found, key=lambda f: (f.parsed, -f.name.strength, f.order))
    if ranked:
        return text_choice(variants(ranked[0], found), lambda leaf: "headings", "headings")
    for leaf in leaves:
        texts = _last_answers(leaf)
        if texts and sum(map(has_headings, texts)) >= MOST * len(texts):
            return chat_choice(leaf, "headings", "headings")
    return None


def _last_answers(leaf: Leaf) -> list[str]:
    if leaf.form != "chat":
        return []
    last = ([m.text for m in chat if m.role == "assistant"][-1:] for chat in leaf.chats)
    return [text for texts in last for text in texts if text]


# How much room the name leaves for a worked text, and the evidence it then needs.
_ROOM = {"response": 3, "preference": 3, "worked": 2, "answer": 1, "generic": 1}


def untagged(leaves: Sequence[Leaf]) -> Choice | None:
    """Responses, solutions and answers whose contents show reasoning, without any marker."""
    verified = any(
        leaf.name.role in ("reference", "answer") and 0 < leaf.words <= 8 and not leaf.name.noise
        for leaf in leaves
        if leaf.form in ("text", "number", "bool")
    )
    texts = [f for f in leaves if f.form in ("text", "list") and f.name.role != "question"]
    prose = [f for f in texts if not f.packed and f.share(lambda t: t.lstrip()[:1] in "[{") < MOST]
    holding = [f for f in prose if shows_reasoning(f, verified)]
    found = [f for f in holding if may_hold_traces(f)]
    ranked = sorted(
        found,
        key=lambda f: (
            f.parsed,
            -_room(f),
            version_rank(f),
            len(f.parts) > 1,
            len(f.name.key),
            -f.words,
            f.order,
        ),
    )
    if ranked:
        winner = ranked[0]
        if is_step_list(winner, leaves):
            return steps_choice(winner)
        return text_choice(variants(winner, holding), untagged_rule, "untagged")
    for leaf in leaves:
        weights = [answers.evidence(text) for text in _last_answers(leaf)]
        if weights and sum(w.hard > 0 for w in weights) >= MOST * len(weights):
            return chat_choice(leaf, "final", "untagged")
    return None


def _room(leaf: Leaf) -> int:
    keyed = leaf.name.role == "worked" and bool(leaf.name.key)
    return _ROOM.get(leaf.name.role or "", 0) - keyed


def shows_reasoning(leaf: Leaf, verified: bool) -> bool:
    """Whether most texts of a place show reasoning.

    A response needs a sign that ordinary prose lacks; a solution, or a response in data that also keep
    a short answer to check it against, only several sentences with a connective or the like.
    """
    room = leaf.name.role
    if room == "worked" or (verified and room in ("response", "answer")):
        return leaf.weighed(_argues) >= MOST
    if room is None and not (words.MODEL_WORDS.intersection(leaf.name.tokens) or leaf.words >= 60):
        return False
    return leaf.weighed(lambda w: w.hard > 0 and not w.code and w.words >= 6) >= MOST


def _argues(weight: Evidence) -> bool:
    if weight.code and not weight.hard:
        return False
    return weight.words >= 6 and (weight.hard > 0 or weight.soft >= 2)
