"""What a judge is sent: the most shared text first, so that a server's prefix cache serves all calls on a trace.

system: role, security, labels, four definitions; the same for a whole run but for the nonce. user: problem, reference,
numbered steps; the same for all calls on a trace. tail: criterion and step; the only thing that changes.

A trace is hostile text. Each of its lines is led by "| ", so that none can pass for a marker; the markers carry a nonce
that its author cannot know; control tokens of chat templates are replaced. `read` is the inverse, for a judge that is
a program.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

from hfscore.text.control import without_control

PROMPT_VERSION: Final = 1
"""Raised whenever a prompt's text or layout changes; part of every stored answer's key."""

RUBRICS: Final = ("en", "pl")
HOLDS, FAILS = "1", "0"
CONTROL: Final = "[control token]"

Message = dict[str, str]
Kind = Literal["label", "batch", "reason", "verdict", "holistic", "merge", "atomize"]

_LINE_ENDS = re.compile(r"\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Shown:
    """A trace, or a window of it, as a judge is shown it.

    Args:
        question: The problem, or None.
        reference: The reference answer, or None.
        steps: (number, text) of the steps shown, numbers ascending from 1.
        nonce: 16 hex digits.
        shortened: Whether steps are left out.
    """

    question: str | None
    reference: str | None
    steps: tuple[tuple[int, str], ...]
    nonce: str
    shortened: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt as a program reads it back.

    Args:
        kind: What is asked.
        shown: What it is asked about.
        criterion: Which criterion, empty where none is.
        first: Number of the first step asked about, 0 where none is.
        last: Number of the last.
    """

    kind: Kind
    shown: Shown
    criterion: str = ""
    first: int = 0
    last: int = 0


@cache
def rubric(language: str) -> Mapping[str, Any]:
    """The texts of a rubric, "en" or "pl"."""
    return tomllib.loads(files("hfscore.judge.rubrics").joinpath(f"{language}.toml").read_text(encoding="utf-8"))


def nonce_of(secret: bytes, question: str | None, reasoning: str) -> str:
    """16 hex digits, stable for a trace in a store and unguessable to the trace's author (HMAC-SHA256).

    Where the text happens to hold the digits, the next in a counted row is taken.
    """
    material = f"{question}\x00{reasoning}".encode("utf-8", "surrogatepass")
    for attempt in range(2**16):
        nonce = hmac.new(secret, attempt.to_bytes(2) + material, hashlib.sha256).hexdigest()[:16]
        if nonce not in reasoning and nonce not in (question or ""):
            return nonce
    raise AssertionError("a text cannot hold every nonce")


def harmless(text: str) -> str:
    """A text whose control tokens are replaced, whose invisible characters are gone, and whose every line is led."""
    text = without_control(text.encode("utf-8", "replace").decode(), CONTROL)
    return "\n".join(f"| {line}" for line in _LINE_ENDS.split(text.strip()))


def system(language: str, nonce: str) -> Message:
    """The system message: the same for every call on a trace."""
    texts = rubric(language)
    # The nonce stands last, so that what comes before it is one prefix for the whole run.
    parts = [texts["role"], texts["labels"], *texts["criteria"].values(), texts["security"].format(nonce=nonce)]
    return {"role": "system", "content": "\n\n".join(part.strip() for part in parts)}


def body(language: str, shown: Shown) -> str:
    """Problem, reference and steps: the same for every call on a trace."""
    names = rubric(language)["parts"]
    blocks = []
    for name in ("problem", "reference"):
        text = shown.question if name == "problem" else shown.reference
        if text and text.strip():
            blocks.append(f"<{name} {shown.nonce}> {names[name]}:\n{harmless(text)}\n</{name} {shown.nonce}>")
    steps = "\n".join(f"<{number} {shown.nonce}>\n{harmless(text)}" for number, text in shown.steps)
    note = f" {names['shortened']}" if shown.shortened else ""
    blocks.append(f"<steps {shown.nonce}> {names['steps']}:{note}\n{steps}\n</steps {shown.nonce}>")
    return "\n\n".join(blocks)


def keys(first: int, last: int) -> tuple[str, ...]:
    """Keys of a batch's answer: places in the window, so that few schemas serve all windows."""
    return tuple(f"s{place}" for place in range(1, last - first + 2))


def ask(
    language: str, shown: Shown, kind: Kind, criterion: str = "", *, first: int = 0, last: int = 0
) -> list[Message]:
    """The messages of one call.

    Args:
        language: Rubric.
        shown: What is judged.
        kind: What is asked; "verdict" is asked by `follow_up`.
        criterion: Which criterion; of "holistic", which of its five.
        first: Number of the step, or of the first of a batch.
        last: Number of the last step of a batch; the first by default.
    """
    last = last or first
    texts = rubric(language)
    named = texts["holistic"][criterion] if kind == "holistic" else criterion
    filled = texts["tails"][kind].format(
        criterion=named, step=first, first=first, last=last, keys=", ".join(keys(first, last))
    )
    tag = f"<ask {shown.nonce} {kind} {criterion or '-'} {first} {last}>"
    return [
        system(language, shown.nonce),
        {"role": "user", "content": f"{body(language, shown)}\n\n{tag}\n{filled.strip()}"},
    ]


def follow_up(language: str, messages: Sequence[Message], thoughts: str, step: int) -> list[Message]:
    """The second turn of a review: the judge's own thoughts, then the question for a checked verdict."""
    tail = rubric(language)["tails"]["verdict"].format(step=step).strip()
    return [*messages, {"role": "assistant", "content": thoughts}, {"role": "user", "content": tail}]


def read(messages: Sequence[Mapping[str, str]]) -> Asked:
    """Read a prompt back.

    Args:
        messages: What `ask` or `follow_up` made; texts of steps come back as `harmless` left them, unled.

    Raises:
        ValueError: The messages are no prompt of this form.
    """
    user = next((message["content"] for message in messages if message["role"] == "user"), "")
    tags = re.findall(r"^<ask ([0-9a-f]{16}) (\w+) (\S+) (\d+) (\d+)>$", user, re.MULTILINE)
    if not tags:
        raise ValueError("no question to a judge")
    nonce, kind, criterion, first, last = tags[-1]
    block = re.search(rf"^<steps {nonce}> ([^\n]*)\n(.*?)\n?^</steps {nonce}>$", user, re.MULTILINE | re.DOTALL)
    if block is None:
        raise ValueError("no steps")
    pieces = re.split(rf"^<(\d+) {nonce}>\n", block[2], flags=re.MULTILINE)[1:]
    steps = tuple((int(number), _unled(text)) for number, text in zip(pieces[::2], pieces[1::2], strict=True))
    shown = Shown(
        question=_block(user, "problem", nonce),
        reference=_block(user, "reference", nonce),
        steps=steps,
        nonce=nonce,
        shortened=not block[1].endswith(":"),
    )
    if len(messages) > 2:  # system and user, then the second turn of a review
        kind = "verdict"
    return Asked(kind, shown, "" if criterion == "-" else criterion, int(first), int(last))


def _block(user: str, name: str, nonce: str) -> str | None:
    found = re.search(rf"^<{name} {nonce}> [^\n]*\n(.*?)\n</{name} {nonce}>$", user, re.MULTILINE | re.DOTALL)
    return _unled(found[1]) if found else None


def _unled(text: str) -> str:
    return "\n".join(line.removeprefix("| ") for line in text.rstrip("\n").split("\n"))
