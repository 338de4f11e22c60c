"""One place in the sample rows, with what its name says and what its texts show."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from hfscore.columns import paths, words
from hfscore.columns.answers import Evidence, count_words, evidence
from hfscore.columns.chats import Chat, Message
from hfscore.columns.markers import has_headings, has_span
from hfscore.columns.names import Name, read_name

_MOST_TEXTS = 200  # texts of one place that are weighed
Cells = tuple[tuple[Any, ...], ...]
Form = Literal["text", "list", "structs", "chat", "number", "bool", "labels"]


@dataclass(frozen=True, eq=False)
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
        packed: Its texts are JSON or chat templates, read at another place.
        spelled: How a chat's messages are spelled.
    """

    path: str
    column: str
    parts: tuple[str, ...]
    form: Form
    cells: Cells
    many: bool = False
    order: int = 0
    parsed: bool = False
    packed: bool = False
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
    def user_texts(self) -> list[str]:
        """What users say in the chats of a chat leaf."""
        return [m.text for chat in self.chats for m in chat if m.role == "user" and m.text]

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
    """How a chat's messages are spelled, to write paths into them.

    Args:
        role_key: Key of the role, such as "from".
        content: Path from a message to what it says, such as ".value".
        thought: Path from a message to what was thought, "" where it keeps no such field.
        roles: Our roles -> the data's names for them; empty where messages cannot be told by a path.
    """

    role_key: str = "role"
    content: str = ".content"
    thought: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)

    def select(self, path: str, role: str, which: str, inner: str | None = None) -> str:
        """Write a path to messages of one role; `which` is "[-1]", "[*]" or "[0]", `inner` what to take of them."""
        if not self.roles:
            return path
        name = self.roles.get(role, role)
        return f"{path}[{self.role_key}={name}]{which}{self.content if inner is None else inner}"


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
