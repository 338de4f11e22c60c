"""A survey of sample rows: every text, list, chat and number that can be reached, with what it holds."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from hfscore.columns import paths, words
from hfscore.columns.agents import is_agent_step
from hfscore.columns.answers import Evidence, count_words, evidence
from hfscore.columns.chats import Chat, Message, canonical_role, is_chat, read_chat, read_template, role_of
from hfscore.columns.markers import has_headings, has_span
from hfscore.columns.names import Name, fold, read_name

_DEPTH = 5  # nesting that is looked into
_FIELDS = 80  # fields of one struct that are looked into
_MOST = 600  # places in all
_MOST_TEXTS = 200  # texts of one place that are weighed
Form = Literal["text", "list", "structs", "chat", "number", "bool", "labels"]


@dataclass(frozen=True)
class Leaf:
    """One place in the rows.

    Args:
        path: Its path, as text.
        column: The top-level column.
        parts: Column and fields on the way.
        form: "text"; "list" of texts; "structs"; "chat"; "number"; "bool"; "labels" a list of these two.
        cells: Per sampled row, the values found there, missing ones left out; chats are read already.
        many: The path runs over the items of a list.
        order: Position among all places.
        parsed: It lies inside a JSON text.
        spelled: How a chat's messages are spelled.
    """

    path: str
    column: str
    parts: tuple[str, ...]
    form: Form
    cells: tuple[tuple[Any, ...], ...]
    many: bool = False
    order: int = 0
    parsed: bool = False
    spelled: Spelling | None = None

    @cached_property
    def name(self) -> Name:
        """What the name says."""
        return read_name(self.parts)

    @cached_property
    def texts(self) -> list[str]:
        """Texts found, those of chats and placeholders left out."""
        found = (v for cell in self.cells for v in cell)
        flat = (t for v in found for t in (v if paths.is_list(v) and self.form == "list" else (v,)))
        return [t for t in flat if isinstance(t, str) and not is_placeholder(t)][:_MOST_TEXTS]

    @cached_property
    def weights(self) -> list[Evidence]:
        """How much each text looks like reasoning."""
        return [evidence(text) for text in self.texts]

    @cached_property
    def words(self) -> float:
        """Median number of words of a text (of its first 4,000 characters)."""
        return statistics.median([count_words(t[:4_000]) for t in self.texts] or [0])

    @cached_property
    def spans(self) -> float:
        """Share of the texts that are built around a think span."""
        return self.share(has_span)

    @cached_property
    def headings(self) -> float:
        """Share of the texts with a reasoning heading and an answer heading."""
        return self.share(has_headings)

    @cached_property
    def is_label(self) -> bool:
        """All texts are flags, single words or one constant short phrase: a label, not a text."""
        distinct = {text.strip().lower() for text in self.texts}
        return not distinct or distinct <= words.FLAG_VALUES or self.words < 2

    @property
    def chats(self) -> list[Chat]:
        """The chats of a chat leaf."""
        return [chat for cell in self.cells for chat in cell]

    @property
    def filled(self) -> int:
        """Rows with a value."""
        return sum(bool(cell) for cell in self.cells)

    def share(self, holds: Callable[[str], bool]) -> float:
        """Share of the texts for which something holds; 0 if there are none."""
        return sum(map(holds, self.texts)) / len(self.texts) if self.texts else 0.0

    def weighed(self, holds: Callable[[Evidence], bool]) -> float:
        """Share of the texts whose evidence passes a test; 0 if there are none."""
        return sum(map(holds, self.weights)) / len(self.weights) if self.weights else 0.0

    def alike(self, other: Leaf) -> bool:
        """Whether the other place repeats this one's texts, in most rows (of a chat: its answers)."""
        pairs = [(a, b) for a, b in zip(self.cells, other.cells, strict=True) if a and b]
        same = sum(_squeezed(a, False) in _squeezed(b, True) for a, b in pairs if _squeezed(a, False))
        return bool(pairs) and same * 2 > len(pairs)


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a chat's messages are spelled, to write paths into them."""

    role_key: str = "role"
    content_key: str = "content"
    roles: Mapping[str, str] = field(default_factory=dict)

    def select(self, path: str, role: str, which: str, key: str | None = None) -> str:
        """Write a path to the content of messages of one role; `which` is "[-1]", "[*]" or "[0]"."""
        if not self.roles:
            return path
        name = self.roles.get(role, role)
        return f"{path}[{self.role_key}={name}]{which}{paths.field(key or self.content_key)}"


def is_placeholder(text: str) -> bool:
    """Whether a text stands for "nothing": empty, "-", "n/a"."""
    return len(text) < 12 and text.strip().lower() in words.PLACEHOLDERS


def _squeezed(values: Sequence[Any], whole: bool) -> str:
    """All texts of a cell in one line; of a chat its answers, or the `whole` of it with its thoughts."""
    texts: list[str] = []
    for value in values:
        if isinstance(value, str):
            texts.append(value)
        elif paths.is_list(value):
            texts += [v for v in value if isinstance(v, str)]
            said = [m for m in value if isinstance(m, Message) and (whole or m.role == "assistant")]
            texts += [text for m in said for text in (m.reasoning, m.text) if text and (whole or m.text)]
    return " ".join(" ".join(texts).split())


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


Cells = tuple[tuple[Any, ...], ...]


def _present(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(v for v in values if v is not None and not (paths.is_list(v) and not v) and v != {})


def _walk(found: list[Leaf], place: _Place, cells: Cells) -> None:
    values = [v for cell in cells for v in cell]
    if not values or len(place.parts) > _DEPTH or len(found) >= _MOST:
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
    found.append(
        Leaf(place.path, place.parts[0], place.parts, form, cells, place.many, len(found), place.parsed, spelled)
    )


def _walk_text(found: list[Leaf], place: _Place, cells: Cells) -> None:
    texts = [v for cell in cells for v in cell if isinstance(v, str) and not is_placeholder(v)]
    _add(found, place, "text", cells)
    if not texts:
        return
    read = [paths.read_json(text) for text in texts]
    if sum(isinstance(v, dict | list) for v in read) * 5 >= len(texts) * 4:
        parsed = tuple(_present(paths.read_json(v) for v in cell) for cell in cells)
        _walk(found, place.read(), parsed)
    elif sum(bool(read_template(text)) for text in texts) * 2 > len(texts):
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
    if all(map(_is_step_struct, structs)):
        _add(found, place, "list", tuple(tuple(list(v.values()) for v in cell) for cell in cells))
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
    raw = [m for cell in cells for v in cell for m in ((v,) if isinstance(v, Mapping) else v)]
    messages = [m for m in raw if isinstance(m, Mapping)]
    single = any(isinstance(v, Mapping) for cell in cells for v in cell)
    spelled = Spelling() if single else _spelling(messages)
    chats = tuple(tuple(filter(None, map(read_chat, cell))) for cell in cells)
    _add(found, place, "chat", chats, spelled)
    for role in ("user", "assistant"):
        selected = spelled.select("", role, "[-1]", "x").removesuffix(".x")
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
    role_keys: Counter[str] = Counter()
    content_keys: Counter[str] = Counter()
    for message in messages[:200]:
        key = next((k for k in words.ROLE_KEYS if isinstance(message.get(k), str)), None)
        if key is None:
            continue
        role_keys[key] += 1
        content_keys.update([k for k in words.CONTENT_KEYS if message.get(k) is not None][:1])
        roles.setdefault(canonical_role(message[key]), message[key])
    first = [next(iter(k for k, _ in keys.most_common(1)), "") for keys in (role_keys, content_keys)]
    return Spelling(first[0] or "role", first[1] or "content", roles)
