"""Trajectories of agents: what was thought before each action, what was done and what came back.

Roles of the turns that come out: "system", "user" (the task and later wishes), "reasoning", "action",
"observation" and "assistant" (words meant for the user).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hfscore.columns import words
from hfscore.columns.blocks import call_text
from hfscore.columns.chats import Chat, Message
from hfscore.columns.markers import Pair, bare_thought, clean_response, has_span, split_think
from hfscore.columns.paths import read_json
from hfscore.records import Turn

EXAMPLE_LEFT_OUT = "worked example before the question left out"

_LABEL_KINDS = {label.lower(): kind for kind, labels in words.LABELS.items() for label in labels}
_LABEL = re.compile(
    r"^[ \t]{0,4}(?:\*\*|#{1,4} ?)?(?P<label>"
    + "|".join(sorted((re.escape(label) for label in _LABEL_KINDS), key=len, reverse=True))
    + r")(?: ?\d{1,3})?(?:\*\*)?[ \t]?[:：](?:\*\*)?",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How the turns of one layout are read.

    Args:
        explicit: Some message keeps its thinking apart, so plain words beside a call are no reasoning.
        users_observe: No role is a tool's, so what users say after the first answer are observations.
        pairs: Think markers of this layout.
    """

    explicit: bool = False
    users_observe: bool = False
    pairs: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One trajectory: the task, every turn after it, and the last words or action."""

    question: str | None
    turns: tuple[Turn, ...]
    response: str | None
    marks: tuple[str, ...] = ()

    @property
    def reasoning(self) -> tuple[Turn, ...]:
        """The reasoning turns alone."""
        return tuple(turn for turn in self.turns if turn.role == "reasoning")


def segments(text: str) -> list[tuple[str, str]]:
    """Cut ReAct-like text at its labels.

    Returns:
        (kind, text) in order; kind "said" for what stands before the first label.
    """
    hits = list(_LABEL.finditer(text))
    if not hits:
        return [("said", text.strip())]
    parts = [("said", text[: hits[0].start()].strip())]
    ends = [hit.start() for hit in hits[1:]] + [len(text)]
    for hit, end in zip(hits, ends, strict=True):
        kind, body = _LABEL_KINDS[hit["label"].lower()], text[hit.end() : end].strip()
        if kind == parts[-1][0] == "action":
            parts[-1] = (kind, f"{parts[-1][1]}\n{body}".strip())
        else:
            parts.append((kind, body))
    return [part for part in parts if part[1]]


def is_react(text: str) -> bool:
    """Whether a text thinks and acts under labels such as "Thought:" and "Action:"."""
    kinds = {kind for kind, _ in segments(text)}
    return "reasoning" in kinds and bool(kinds & {"action", "observation"})


def read_react(text: str) -> Trajectory:
    """Read one ReAct-like text as a trajectory without a question."""
    turns = [Turn("assistant" if kind in ("said", "final") else kind, body) for kind, body in segments(text)]
    return Trajectory(None, tuple(turns), _last_words(turns))


def read_trajectory(chat: Chat, reading: Reading) -> Trajectory:
    """Read a chat as an agent's trajectory.

    Args:
        chat: Messages from `chats.read_chat`.
        reading: How this layout writes its turns.

    Returns:
        The task is the first user message; where a flag such as `loss` excludes the opening turns, they
        are a worked example and the task is the last user message before the turns that count.
    """
    start = _first_counted(chat)
    asked = [i for i, m in enumerate(chat) if m.role == "user" and (start == 0 or i < start)]
    task = (asked[-1] if start else asked[0]) if asked else None
    begin = task if start and task is not None else 0
    turns: list[Turn] = []
    answered = False
    for message in chat[begin:]:
        if message.role == "assistant":
            answered = True
            turns += _assistant_turns(message, reading)
        elif message.text:
            observes = answered and reading.users_observe and message.role == "user"
            role = "observation" if observes else message.role
            turns.append(Turn("observation" if role == "other" and answered else role, message.text))
        if message.observation:
            turns.append(Turn("observation", message.observation))
    question = chat[task].text if task is not None else None
    marks = (EXAMPLE_LEFT_OUT,) if begin else ()
    return Trajectory(question, tuple(turns), _last_words(turns), marks)


def _first_counted(chat: Chat) -> int:
    """Where the turns to count begin: after answers flagged as untrained, if others are trained."""
    flags = [m.trained for m in chat if m.role == "assistant"]
    if False not in flags or True not in flags:
        return 0
    return next(i for i, m in enumerate(chat) if m.role == "assistant" and m.trained)


def _assistant_turns(message: Message, reading: Reading) -> list[Turn]:
    thought, action, said = take_apart(message, reading)
    parts = (("reasoning", thought), ("action", action), ("assistant", said))
    return [Turn(role, text) for role, text in parts if text]


def take_apart(message: Message, reading: Reading) -> tuple[str, str, str]:
    """Take an agent's message apart.

    Returns:
        (reasoning, action, words for the user), each "" where there is none.
    """
    text, action = message.text, message.action or ""
    if message.reasoning:
        said = split_think(text, reading.pairs).response if has_span(text) else text
        return (bare_thought(message.reasoning, reading.pairs), *_act(said or "", action))
    if has_span(text):
        split = split_think(text, reading.pairs)
        return (split.reasoning, *_act(split.response or "", action))
    labelled = segments(text)
    if any(kind == "reasoning" for kind, _ in labelled):
        thought = _join(body for kind, body in labelled if kind == "reasoning")
        acted = _join(body for kind, body in labelled if kind == "action")
        said = _join(body for kind, body in labelled if kind in ("said", "final"))
        return thought, _join((acted, action)), said
    if fields := _thought_fields(text):
        return fields
    if reading.explicit:
        return ("", *_act(text, action))
    if action:
        return text, action, ""
    said, acted = _act(text, "")[::-1]
    return (said, acted, "") if acted else ("", "", said)


def _act(text: str, action: str) -> tuple[str, str]:
    """Cut what follows the thinking into (action, words for the user)."""
    starts = [at for opener in words.ACTION_OPENERS if (at := text.find(opener)) >= 0]
    if not starts:
        return action, text.strip()
    return _join((text[min(starts) :].strip(), action)), text[: min(starts)].strip()


def _thought_fields(text: str) -> tuple[str, str, str] | None:
    """A message that is a JSON object with its thinking in a field, such as {"analysis":, "commands":}."""
    if not text.startswith("{"):
        return None
    value = read_json(text)
    if not isinstance(value, Mapping):
        return None
    thoughts = [value[k] for k in (*words.REASONING_KEYS, "plan") if isinstance(value.get(k), str)]
    if not any(thoughts):
        return None
    actions = [call_text(value[k]) for k in words.ACTION_KEYS if value.get(k)]
    return _join(thoughts), "\n".join(actions), ""


def _join(parts: Any) -> str:
    return "\n\n".join(part for part in parts if part)


def _last_words(turns: Sequence[Turn]) -> str | None:
    """What the trajectory ends in: the agent's last words, or its last action."""
    for turn in reversed(turns):
        if turn.role in ("assistant", "action"):
            return clean_response(turn.text)
    return None


def read_steps(items: Sequence[Any]) -> Trajectory:
    """Read a list of structs such as {thought, action, observation} as a trajectory."""
    turns: list[Turn] = []
    for item in items:
        if not isinstance(item, Mapping):
            continue
        for role, keys in (
            ("reasoning", words.REASONING_KEYS),
            ("action", words.ACTION_KEYS),
            ("observation", words.OBSERVATION_KEYS),
        ):
            key = next((k for k in keys if item.get(k)), None)
            text = call_text(item[key]) if key else ""
            if text:
                turns.append(Turn(role, text))
    return Trajectory(None, tuple(turns), _last_words(turns))


def is_agent_step(item: Any) -> bool:
    """Whether a struct holds a thought together with an action or an observation."""
    if not isinstance(item, Mapping):
        return False
    acts = any(item.get(k) for k in (*words.ACTION_KEYS, *words.OBSERVATION_KEYS))
    return acts and any(isinstance(item.get(k), str) for k in words.REASONING_KEYS)


def is_agent(chat: Chat, named: bool) -> bool:
    """Whether a chat is an agent's trajectory.

    Args:
        chat: Its messages.
        named: Its column is called a trajectory or the like.
    """
    answers = [m for m in chat if m.role == "assistant"]
    if not answers:
        return False
    tools = any(m.role == "observation" or m.observation for m in chat)
    if tools or len(answers) < 2:
        return tools
    if any(m.action for m in answers):
        return True
    acting = [m.text for m in answers if _acts(m.text)]
    if len(acting) * 2 >= len(answers):
        return True
    commands = [m.text for m in answers if _ends_in_command(m.text)]
    return len(commands) * 5 >= len(answers) * 4 and (named or len(answers) >= 4)


def _acts(text: str) -> bool:
    tagged = "<tool_call>" in text or "<function=" in text
    return tagged or is_react(text) or _thought_fields(text) is not None


def _ends_in_command(text: str) -> bool:
    return text.rstrip().endswith(("```", "</execute_bash>", "</execute_ipython>"))
