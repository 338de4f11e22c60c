"""Chats in all their spellings, read into one form: who spoke, what was said, thought and called.

Understood are lists of messages (role/content, from/value, author/parts...), lists of question and
answer pairs, events of coding agents (`message` or `payload` around a message), contents made of typed
blocks, JSON text of any of these, and one text in a chat template.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from hfscore.columns import tags, words
from hfscore.columns.blocks import Blocks, call_text, text_of
from hfscore.columns.names import fold, read_name
from hfscore.columns.paths import is_list, read_json

# A struct is a turn of a chat only under these keys: input/output are examples of a task more often.
_PAIR_KEYS = {
    "human": "user",
    "user": "user",
    "question": "user",
    "system": "system",
    "assistant": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "model": "assistant",
    "answer": "assistant",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Args:
        role: "system", "user", "assistant", "observation", "reasoning", "action" or "other".
        text: What was said, "" if nothing.
        reasoning: What was thought, where the message keeps it apart; else None.
        action: The calls that go with the message, as text, or None.
        observation: What a tool answered inside this message, or None.
        trained: Value of a flag such as `loss`, None where there is none.
    """

    role: str
    text: str
    reasoning: str | None = None
    action: str | None = None
    observation: str | None = None
    trained: bool | None = None


Chat = tuple[Message, ...]


def read_chat(value: Any) -> Chat:
    """Read a cell as a chat.

    Args:
        value: A list of messages, pairs or events, one such message, JSON text of these, or a
            templated text.

    Returns:
        Its messages in order, reasoning messages merged into the answers they precede; empty if the
        cell is no chat.
    """
    if isinstance(value, str):
        parsed = read_json(value)
        return read_chat(parsed) if parsed is not None else read_template(value)
    if isinstance(value, Mapping):
        value = _transposed(value) or (value,)
    if not is_list(value):
        return ()
    messages = [m for item in value if isinstance(item, Mapping) for m in _messages(item)]
    return _merged(messages)


def is_chat(value: Any) -> bool:
    """Whether a list, or a single message, reads as a chat with known roles."""
    items: Any = (_transposed(value) or (value,)) if isinstance(value, Mapping) else value
    if not is_list(items) or not items or not all(isinstance(item, Mapping) for item in items):
        return False
    chat = [m for item in items[:20] for m in _messages(item)]
    known = sum(m.role != "other" for m in chat)
    return known > 0 and known * 2 >= len(chat) and len(chat) * 2 >= min(len(items), 20)


def _transposed(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A list of structs stored as a struct of lists: {"role": [...], "content": [...]}."""
    lists = {k: v for k, v in value.items() if is_list(v)}
    roles = next((lists[k] for k in words.ROLE_KEYS if k in lists), None)
    if not roles or not any(k in lists for k in words.CONTENT_KEYS):
        return []
    level = {k: v for k, v in lists.items() if len(v) == len(roles)}
    return [{k: v[i] for k, v in level.items()} for i in range(len(roles))]


def _messages(item: Mapping[str, Any]) -> Iterable[Message]:
    inner = item.get("message", item.get("payload", item.get("data")))
    if isinstance(inner, Mapping) and (role_of(inner) or "type" in inner):
        message = _message(inner) or _bare_block(inner)
        return (message,) if message else ()
    if message := _message(item):
        return (message,)
    if message := _bare_block(item):
        return (message,)
    return _pair(item)


def role_of(item: Mapping[str, Any]) -> str:
    """The canonical role of a message, "other" for a role we do not know, "" if it has none."""
    for key in words.ROLE_KEYS:
        value = item.get(key)
        if isinstance(value, Mapping):
            value = value.get("role", value.get("name"))
        if isinstance(value, str):
            role = canonical_role(value)
            if role != "other" or key not in ("type", "author"):
                return role
    return ""


@lru_cache(maxsize=1024)
def canonical_role(name: str) -> str:
    """Map "gpt", "Human", "tool_response"... to one of our roles; "other" if unknown."""
    name = " ".join(fold(name))
    for role, names in words.CHAT_ROLES.items():
        if name in names:
            return role
    return "other"


def _message(item: Mapping[str, Any]) -> Message | None:
    role = role_of(item)
    if len(item) == 2 and role and isinstance(said := item.get("content", item.get("value")), str):
        return Message(role, said.strip())
    key = next((k for k in words.CONTENT_KEYS if item.get(k) is not None), None)
    called = [call_text(item[k]) for k in words.ACTION_KEYS if item.get(k)]
    thought = _thought(item)
    has_key = key is not None or any(k in item for k in words.CONTENT_KEYS)
    if not role or not (has_key or called or thought):
        return None
    blocks = Blocks()
    blocks.read(item[key] if key else "")
    role = _by_channel(item, role)
    if role == "user" and blocks.seen and not blocks.text and not blocks.thought:
        role = "observation"
    thought = thought or "\n\n".join(blocks.thought) or None
    observation = "\n\n".join(blocks.seen) or None
    action = "\n".join(filter(None, (*blocks.called, *called))) or None
    return Message(role, "\n\n".join(blocks.text), thought, action, observation, _trained(item))


def _by_channel(item: Mapping[str, Any], role: str) -> str:
    """gpt-oss keeps the channel beside the role: analysis is thought, commentary calls tools."""
    channel = item.get("channel")
    if role != "assistant" or not isinstance(channel, str):
        return role
    return {"analysis": "reasoning", "commentary": "action"}.get(channel, role)


def _thought(item: Mapping[str, Any]) -> str | None:
    """Reasoning kept in a field of the message, or of a struct inside it."""
    inner = [v for v in item.values() if isinstance(v, Mapping)]
    for holder in (item, *inner):
        for key in words.REASONING_KEYS:
            if holder.get(key) and (text := text_of(holder[key]).strip()):
                return text
    return None


def _trained(item: Mapping[str, Any]) -> bool | None:
    for key in words.TRAINED_KEYS:
        if isinstance(item.get(key), bool | int | float):
            return bool(item[key])
    return None


def _bare_block(item: Mapping[str, Any]) -> Message | None:
    """An event that is a block itself: {"type": "function_call", ...}."""
    said = Blocks()
    said.read([item])
    if said.thought:
        return Message("reasoning", "\n\n".join(said.thought))
    if said.called:
        return Message("action", "", action="\n".join(said.called))
    if said.seen:
        return Message("observation", "\n\n".join(said.seen))
    return None


def _pair(item: Mapping[str, Any]) -> tuple[Message, ...]:
    """A turn written as one struct: {"human": ..., "assistant": ...}."""
    found: dict[str, str] = {}
    for key, value in item.items():
        role = _PAIR_KEYS.get(str(key).lower()) or read_name((str(key),)).role
        if isinstance(value, str) and role in ("user", "system", "assistant", "reasoning"):
            found.setdefault(role, value)
    if "user" not in found or "assistant" not in found:
        return ()
    asked = Message("user", found["user"].strip())
    answered = Message("assistant", found["assistant"].strip(), found.get("reasoning"))
    before = (Message("system", found["system"]),) if "system" in found else ()
    return (*before, asked, answered)


def _merged(messages: Sequence[Message]) -> Chat:
    """Join a message that only thinks, and a call that stands alone, to the answer of the same turn."""
    chat: list[Message] = []
    thought: list[str] = []
    for message in messages:
        if message.role == "reasoning":
            thought.append(message.text or message.reasoning or "")
        elif message.role in ("assistant", "action"):
            answer = _as_answer(message)
            whole = "\n\n".join(filter(None, (*thought, message.reasoning)))
            chat.append(replace(answer, reasoning=whole) if thought and whole else answer)
            thought = []
        else:
            chat += _alone(thought)
            chat.append(message)
            thought = []
    return (*chat, *_alone(thought))


def _as_answer(message: Message) -> Message:
    if message.role == "assistant":
        return message
    return replace(message, role="assistant", text="", action=message.action or message.text)


def _alone(thought: Sequence[str]) -> list[Message]:
    return [Message("assistant", "", "\n\n".join(filter(None, thought)))] if any(thought) else []


def read_template(text: str) -> Chat:
    """Read one text in a chat template ("<|im_start|>user", "### Response:"...) as a chat."""
    for pattern, closing in tags.TEMPLATES:
        hits = list(pattern.finditer(text))
        roles = [canonical_role(hit[1]) for hit in hits]
        if "assistant" not in roles or not {"user", "system"}.intersection(roles):
            continue
        ends = [hit.start() for hit in hits[1:]] + [len(text)]
        turns: list[tuple[str, list[str]]] = []
        for hit, role, end in zip(hits, roles, ends, strict=True):
            body = _body(text[hit.end() : end], role, closing)
            if turns and turns[-1][0] == role:
                turns[-1][1].append(body)
            else:
                turns.append((role, [body]))
        return tuple(Message(role, "\n\n".join(parts)) for role, parts in turns)
    return ()


def _body(text: str, role: str, closing: str) -> str:
    """What a turn says, without what closes it; gpt-oss's channels stay in an answer."""
    text = text.strip().removesuffix(closing).strip()
    if role == "assistant":
        return text
    return text.removeprefix("<|message|>").removesuffix("<|end|>").strip()
