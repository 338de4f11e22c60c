"""A walk through sample rows: every text, list, chat and number that can be reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hfscore.columns import paths, words
from hfscore.columns.agents import is_agent_step
from hfscore.columns.chats import canonical_role, is_chat, read_chat, read_template, role_of
from hfscore.columns.leaves import Cells, Form, Leaf, Spelling, is_placeholder
from hfscore.columns.names import fold, read_name

_DEPTH = 5  # nesting that is looked into
_FIELDS = 80  # fields of one struct that are looked into
_MOST = 600  # places in all


def survey(rows: Sequence[Mapping[str, Any]]) -> list[Leaf]:
    """List every place in some sample rows.

    Args:
        rows: Up to some fifty rows; columns may be missing, values may be anything.

    Returns:
        Places in column order; columns that hold nothing at all are left out.
    """
    found: list[Leaf] = []
    columns = dict.fromkeys(key for row in rows for key in row if isinstance(key, str))
    for column in columns:
        cells = tuple(_present([row.get(column)]) for row in rows)
        _walk(found, _Place(paths.quote(column), (column,)), cells)
    return found


def leaf_at(rows: Sequence[Mapping[str, Any]], path: paths.Path, shown: str = "") -> Leaf:
    """The place one path leads to, whatever stands there; its form is that of most values.

    Args:
        rows: Sample rows.
        path: Steps of the path.
        shown: The path as text; a top-level column may leave it empty.
    """
    cells = tuple(_present(paths.resolve(path, row)) for row in rows)
    parts = tuple(step.name for step in path if isinstance(step, paths.Field))
    found: list[Leaf] = []
    place = _Place(shown or paths.quote(parts[0]), parts, any(len(cell) > 1 for cell in cells))
    _walk(found, place, cells)
    chats = [leaf for leaf in found if leaf.form == "chat"]
    here = [*chats[:1], *(leaf for leaf in found if leaf.path == place.path)]
    return here[0] if here else Leaf(place.path, parts[0], parts, "labels", cells)


@dataclass(frozen=True, slots=True)
class _Place:
    path: str
    parts: tuple[str, ...]
    many: bool = False
    parsed: bool = False

    def below(self, name: str) -> _Place:
        return _Place(self.path + paths.field(name), (*self.parts, name), self.many, self.parsed)

    def items(self) -> _Place:
        return _Place(f"{self.path}[*]", self.parts, True, self.parsed)

    def read(self) -> _Place:
        return _Place(f"json({self.path})", self.parts, self.many, True)


def _present(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(v for v in values if v is not None and not (paths.is_list(v) and not v) and v != {})


def _walk(found: list[Leaf], place: _Place, cells: Cells) -> None:
    values = [v for cell in cells for v in cell]
    deep = len(place.parts) > _DEPTH or place.path.count("[*]") > _DEPTH
    if not values or deep or len(found) >= _MOST:
        return
    kind = _kind(values)
    if kind is str:
        _walk_text(found, place, cells)
    elif kind is list:
        _walk_list(found, place, cells)
    elif kind is dict:
        _walk_struct(found, place, cells)
    elif kind is bool:
        _add(found, place, "bool", cells)
    elif kind is float:
        _add(found, place, "number", cells)


def _kind(values: Sequence[Any]) -> type | None:
    """The type that most values have."""
    kinds: dict[type, int] = {}
    for value in values:
        kind = next((k for k, types in _TYPES if isinstance(value, types)), None)
        if kind is not None:
            kinds[kind] = kinds.get(kind, 0) + 1
    return max(kinds, key=lambda k: kinds[k]) if kinds else None


_TYPES: tuple[tuple[type, Any], ...] = (
    (str, str),
    (bool, bool),
    (float, (int, float)),
    (dict, Mapping),
    (list, (list, tuple)),
)


def _add(found: list[Leaf], place: _Place, form: Form, cells: Cells, spelled: Spelling | None = None) -> None:
    """Note a place, with those of its values that have the form of the most."""
    kept = _KEPT.get(form)
    if kept:
        cells = tuple(tuple(v for v in cell if isinstance(v, kept)) for cell in cells)
    at = len(found)
    leaf = Leaf(place.path, place.parts[0], place.parts, form, cells, place.many, at, place.parsed, spelled=spelled)
    found.append(leaf)


_KEPT: dict[Form, Any] = {"text": str, "list": (list, tuple), "structs": (list, tuple), "labels": (list, tuple)}


def _walk_text(found: list[Leaf], place: _Place, cells: Cells) -> None:
    texts = [v for cell in cells for v in cell if isinstance(v, str) and not is_placeholder(v)]
    read = [paths.read_json(text) for text in texts]
    packed = bool(texts) and sum(isinstance(v, dict | list) for v in read) * 5 >= len(texts) * 4
    templated = bool(texts) and not packed and sum(bool(read_template(t)) for t in texts) * 2 > len(texts)
    _add(found, place, "text", cells)
    if packed:
        found[-1] = replace(found[-1], packed=True)
        parsed = tuple(_present(paths.read_json(v) for v in cell) for cell in cells)
        _walk(found, place.read(), parsed)
    elif templated:
        found[-1] = replace(found[-1], packed=True)
        chats = tuple(tuple(filter(None, map(read_chat, cell))) for cell in cells)
        _add(found, place, "chat", chats, Spelling())


def _walk_list(found: list[Leaf], place: _Place, cells: Cells) -> None:
    items = [item for cell in cells for v in cell if paths.is_list(v) for item in v if item is not None]
    kind = _kind(items)
    if kind is str:
        _add(found, place, "list", cells)
    elif kind is dict:
        lists = [v for cell in cells for v in cell if paths.is_list(v)]
        steps = sum(map(is_agent_step, items)) * 2 > len(items)
        if not steps and sum(map(is_chat, lists)) * 2 > len(lists):
            _add_chat(found, place, cells)
        else:
            _add(found, place, "structs", cells)
            _walk_struct(found, place.items(), _flat(cells))
    elif kind is list:
        _walk(found, place.items(), _flat(cells))
    elif kind is not None:
        _add(found, place, "labels", cells)


def _flat(cells: Cells) -> Cells:
    return tuple(_present(item for v in cell if paths.is_list(v) for item in v) for cell in cells)


def _walk_struct(found: list[Leaf], place: _Place, cells: Cells) -> None:
    structs = [v for cell in cells for v in cell if isinstance(v, Mapping)]
    if sum(map(_is_message, structs)) * 2 > len(structs):
        _add_chat(found, place, cells)
        return
    if structs and all(map(_is_step_struct, structs)):
        lists = tuple(tuple(list(v.values()) for v in cell if isinstance(v, Mapping)) for cell in cells)
        _add(found, place, "list", lists)
        return
    names = list(dict.fromkeys(k for s in structs for k in s if isinstance(k, str)))[:_FIELDS]
    for name in names:
        inner = tuple(_present(v.get(name) for v in cell if isinstance(v, Mapping)) for cell in cells)
        _walk(found, place.below(name), inner)


def _is_message(value: Mapping[str, Any]) -> bool:
    listed = any(paths.is_list(value.get(key)) for key in words.ROLE_KEYS)
    return (listed or role_of(value) not in ("", "other")) and is_chat(value)


def _is_step_struct(value: Mapping[str, Any]) -> bool:
    """A struct of numbered steps: {"step_1": ..., "step_2": ...}."""
    names = [fold(str(key)) for key in value]
    return len(names) > 1 and all(len(n) == 2 and n[0] == "step" and n[1].isdigit() for n in names)


def _add_chat(found: list[Leaf], place: _Place, cells: Cells) -> None:
    """A chat, and the texts that its messages keep in fields of their own, such as a reference."""
    values = [v for cell in cells for v in cell]
    raw = [m for v in values for m in (v if paths.is_list(v) else (v,))]
    messages = [m for m in raw if isinstance(m, Mapping)]
    single = any(isinstance(v, Mapping) for v in values)
    spelled = Spelling() if single else _spelling(messages)
    chats = tuple(tuple(filter(None, map(read_chat, cell))) for cell in cells)
    _add(found, place, "chat", chats, spelled)
    for role in ("user", "assistant"):
        selected = spelled.select("", role, "[-1]", "")
        for parts in _inner_texts(messages):
            if read_name((place.parts[0], *parts)).role != "reference":
                continue
            path = place.path + selected + "".join(map(paths.field, parts))
            steps = paths.parse(selected_steps(selected, parts))
            inner = tuple(_present(_within(steps, v) for v in cell) for cell in cells)
            if any(inner):
                at = _Place(path, (*place.parts, *parts), place.many, place.parsed)
                _walk(found, at, inner)


def selected_steps(selected: str, parts: Sequence[str]) -> str:
    """A path, from a stand-in column, to a field of the selected message."""
    return "chat" + selected + "".join(map(paths.field, parts))


def _within(steps: paths.Path, chat: Any) -> Any:
    hits = paths.resolve(steps, {"chat": chat})
    return hits[0] if hits else None


def _inner_texts(messages: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    found: dict[tuple[str, ...], None] = {}
    for message in messages[:200]:
        for key, value in message.items():
            if not isinstance(key, str) or key in words.CONTENT_KEYS or key in words.ROLE_KEYS:
                continue
            if isinstance(value, Mapping):
                found.update(dict.fromkeys((key, k) for k in value if isinstance(k, str)))
            elif isinstance(value, str):
                found[(key,)] = None
    return list(found)[:_FIELDS]


def _spelling(messages: Sequence[Mapping[str, Any]]) -> Spelling:
    roles: dict[str, str] = {}
    keys: dict[str, Counter[str]] = {"role": Counter(), "content": Counter(), "thought": Counter()}
    for message in messages[:200]:
        key = next((k for k in words.ROLE_KEYS if isinstance(message.get(k), str)), None)
        if key is None:
            continue
        keys["role"][key] += 1
        keys["content"].update([k for k in words.CONTENT_KEYS if message.get(k) is not None][:1])
        keys["thought"].update(_thought_paths(message)[:1])
        roles.setdefault(canonical_role(message[key]), message[key])
    first = {name: next((k for k, _ in counted.most_common(1)), "") for name, counted in keys.items()}
    return Spelling(first["role"] or "role", paths.field(first["content"] or "content"), first["thought"], roles)


def _thought_paths(message: Mapping[str, Any]) -> list[str]:
    """Paths from a message to its reasoning, in a field of its own or of a struct inside it."""
    inner = {name: value for name, value in message.items() if isinstance(value, Mapping)}
    inside = [paths.field(n) + paths.field(k) for n, v in inner.items() for k in words.REASONING_KEYS if v.get(k)]
    return [paths.field(k) for k in words.REASONING_KEYS if message.get(k)] + inside
