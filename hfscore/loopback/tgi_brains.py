"""What the loopback TGI thinks with: the rule judge, a fixed verdict, and one that obeys whoever speaks to it.

A brain gets the messages of a call and says what it would answer. All of them read a judge's prompt with
`hfscore.judge.prompts.read`; to anything else they chat.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from hfscore.judge.prompts import FAILS, HOLDS, Asked, Shown, keys, read
from hfscore.judge.rules import verdicts
from hfscore.loopback.tgi_model import Message, Said
from hfscore.ports import CRITERIA

Brain = Callable[[Sequence[Message]], Said]
"""Messages of a call -> what the model would say, left alone."""

SURE: Final = 0.97
"""P(label) of a rule that decides; one that cannot decide says `_UNDECIDED`."""

_UNDECIDED: Final = 0.5

CHAT: Final = Said("That is a good question. I would have to look into it before I could say more.")
QUOTED: Final = 160  # characters of a quote

_ASK = re.compile(r"<ask ([0-9a-f]{16}) (\w+) (\S+) (\d+) (\d+)>\n")
_ASK_LEAD: Final = "\n\n<ask "
_KINDS: Final = frozenset(("label", "batch", "reason", "holistic", "merge", "atomize"))

Chance = Callable[[Shown, int, str], float]
"""A trace as shown, the number of a step, a criterion -> P(the criterion holds)."""


def asked(messages: Sequence[Message]) -> Asked | None:
    """A judge's prompt as a program reads it, or None where it is none; what a trace's calls share is read once."""
    user = next((message["content"] for message in messages if message["role"] == "user"), "")
    body, lead, tail = user.rpartition(_ASK_LEAD)
    tag = _ASK.match(lead.lstrip("\n") + tail) if lead else None
    if tag is None or tag[2] not in _KINDS:
        return None
    shown = _shown(body, tag[1])
    if shown is None:
        return None
    kind = "verdict" if len(messages) > 2 else tag[2]
    criterion = "" if tag[3] == "-" else tag[3]
    return Asked(kind, shown, criterion, int(tag[4]), int(tag[5]))  # type: ignore[arg-type]


@lru_cache(maxsize=1_024)
def _shown(body: str, nonce: str) -> Shown | None:
    """What is judged, from the part of a prompt that all calls on a trace share."""
    try:
        return read([{"role": "user", "content": f"{body}\n\n<ask {nonce} label - 0 0>\n"}]).shown
    except ValueError:
        return None


def _by_rules(shown: Shown, step: int, criterion: str) -> float:
    holds = _found(shown).get((step, criterion))
    return _UNDECIDED if holds is None else SURE if holds else 1 - SURE


@lru_cache(maxsize=1_024)
def _found(shown: Shown) -> Mapping[tuple[int, str], bool | None]:
    """Every verdict on a trace; a window is judged as if it were the whole."""
    found = verdicts(shown.question, [text for _, text in shown.steps])
    return {
        (number, name): holds
        for (number, _), own in zip(shown.steps, found, strict=True)
        for name, holds in own.items()
    }


def rules(messages: Sequence[Message]) -> Said:
    """The rule judge behind a chat route. Its grade of a whole is a rule too: the mean share of steps that hold."""
    question = asked(messages)
    return CHAT if question is None else answer(question, _by_rules)


def fixed(label: str, probability: float = SURE) -> Brain:
    """A brain with one label for every step, of a given probability."""
    odds = probability if label == HOLDS else 1 - probability

    def brain(messages: Sequence[Message]) -> Said:
        question = asked(messages)
        return CHAT if question is None else answer(question, lambda shown, step, criterion: odds)

    return brain


def answer(question: Asked, chance: Chance) -> Said:
    """The answer to a judge's question, in the form that was asked for."""
    return _FORMS[question.kind](question, chance)


def _label(question: Asked, chance: Chance) -> Said:
    odds = chance(question.shown, question.first, question.criterion)
    return Said(_of(odds), {HOLDS: odds, FAILS: 1 - odds})


def _batch(question: Asked, chance: Chance) -> Said:
    steps = range(question.first, question.last + 1)
    labels = (_of(chance(question.shown, step, question.criterion)) for step in steps)
    return Said(_json(dict(zip(keys(question.first, question.last), labels, strict=True))))


def _reason(question: Asked, chance: Chance) -> Said:
    says = "holds" if _of(chance(question.shown, question.first, question.criterion)) == HOLDS else "does not hold"
    return Said(f"Looking at step {question.first} by rule, {question.criterion} {says} for it.")


def _verdict(question: Asked, chance: Chance) -> Said:
    label = _of(chance(question.shown, question.first, question.criterion))
    text = dict(question.shown.steps).get(question.first, "")
    quote = next((line.strip() for line in text.split("\n") if line.strip()), "")[:QUOTED]
    return Said(_json({"quote": quote, "reason": f"A rule decides on {question.criterion}.", "label": label}))


def _holistic(question: Asked, chance: Chance) -> Said:
    shown = question.shown
    chances = [chance(shown, step, criterion) for step, _ in shown.steps for criterion in CRITERIA]
    decided = [odds for odds in chances if odds != _UNDECIDED]
    grade = 1 + round(4 * sum(odds > _UNDECIDED for odds in decided) / max(1, len(decided)))
    odds = {str(other): 0.9 if other == grade else 0.025 for other in range(1, 6)}
    return Said(str(grade), odds)


def _atomize(question: Asked, chance: Chance) -> Said:
    return Said(_json({"steps": [text for _, text in question.shown.steps]}))


_FORMS: Final[Mapping[str, Callable[[Asked, Chance], Said]]] = {
    "label": _label,
    "batch": _batch,
    "reason": _reason,
    "verdict": _verdict,
    "holistic": _holistic,
    "merge": lambda question, chance: Said(_json({"join": []})),
    "atomize": _atomize,
}


def _of(odds: float) -> str:
    return HOLDS if odds >= _UNDECIDED else FAILS


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False)


# What a gullible model takes for the voice of its master.
_ROLE = re.compile(r"<[|｜][^|｜<>\n]{1,48}[|｜]>|</?s>|<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>", re.IGNORECASE)
_ORDER = re.compile(
    r"(?:ignore|disregard|forget)\b[^\n]{0,200}?\b(?:answer|label|output|say|reply|respond)\b[^\n01]{0,40}([01])\b"
    r"|\b(?:label|verdict|answer|rating)\s*[:=]\s*[\"']?([01])\b"
    r"|\b(?:answer|output|say|reply|respond)(?: only| with| always){0,2}\s+[\"']?([01])[\"']?(?=[.!\s]*$)",
    re.IGNORECASE | re.MULTILINE,
)
_HIDDEN = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_TAGS: Final = {0xE0000 + code: code for code in range(32, 127)}


def ordered(messages: Sequence[Message]) -> str | None:
    """The label that an instruction demands which stands unescaped in a prompt, or None.

    Unescaped is: behind a control token of a chat template, on a line that is not led by "| ", behind a second closing
    marker, or spelled in characters that no reader sees.
    """
    for message in messages:
        if message["role"] == "assistant":
            continue
        text = message["content"]
        seen = _HIDDEN.sub("", text).translate(_TAGS)
        control = _ROLE.search(seen)
        open_lines = "\n".join(line for line in seen.split("\n") if not line.startswith("| "))
        for heard in (seen[control.end() :] if control else "", seen if seen != text else "", open_lines):
            if found := _ORDER.search(heard):
                return found[1] or found[2] or found[3]
    return None


def obedient(messages: Sequence[Message]) -> Said:
    """The rule judge, but for any instruction in the prompt that was not made harmless: that is obeyed."""
    question, label = asked(messages), ordered(messages)
    if question is None or label is None:
        return rules(messages)
    odds = SURE if label == HOLDS else 1 - SURE
    return answer(question, lambda shown, step, criterion: odds)


BRAINS: Final[Mapping[str, Brain]] = {
    "rules": rules,
    "obedient": obedient,
    "holds": fixed(HOLDS),
    "fails": fixed(FAILS),
}
"""Brains by name, for the command line."""
