"""The `hfscore:` block in a card's front matter: where it stands, what it says, how it is edited.

Nothing here writes YAML that somebody else wrote. A parser says where the keys stand, and an edit
replaces whole lines of our own. Of a key that is not ours only the parser's events are kept, to see
afterwards that they are still the same; no value of it is ever built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from hfscore.card.edits import Edit
from hfscore.card.identity import KEY, SCHEMA, Identity, flaw, rendered, restored
from hfscore.card.refusal import refuse

# The Hub's expression, huggingface_hub.repocard.REGEX_YAML_BLOCK. JavaScript's \s takes a byte
# order mark for white space, Python's does not: hence the class. A lone "\r" never gets here, but
# the "\r" stays: with it, and only with it, "---\r\n---\r\n" is front matter.
_BLOCK = re.compile(r"([\s\ufeff]*---(?:\r\n|\r|\n))([\S\s]*?)(\r\n|\r|\n)---[ \t]*(?:\r\n|\n|\Z)")
_UNCLOSED = re.compile(r"[\s\ufeff]*---\r?\n(?!---[ \t]*(?:\r?\n|\Z))")
# Line breaks in YAML 1.1 but not in 1.2, and a mark that parsers skip without counting it.
_DISPUTED = re.compile("[\x85\u2028\u2029\ufeff]")
# libyaml's time grows with the square of the depth of brackets: 200,000 take it a minute.
_DEEPEST = 64
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # every scalar as text


@dataclass(frozen=True, slots=True)
class Entry:
    """One top-level key with its value: offsets into the card, and what the parser saw.

    Args:
        name: The key, None where it is no scalar.
        start: Offset of the key.
        end: Offset behind the last character of the value.
        events: The parser's events, key and value.
    """

    name: str | None
    start: int
    end: int
    events: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The front matter as the Hub finds it, all offsets into the card.

    Args:
        start: Offset of the opening `---`.
        content: Offset of the first line of YAML.
        close: Offset of the closing `---`.
        end: Offset of the body.
        entries: The top-level keys in order.
    """

    start: int
    content: int
    close: int
    end: int
    entries: tuple[Entry, ...]


def locate(text: str) -> FrontMatter | None:
    """Find the front matter the way the Hub does, and read its keys.

    Args:
        text: The card without byte order mark; every line ends with "\\n" or "\\r\\n".

    Returns:
        What was found, or None where the Hub sees no front matter.

    Raises:
        CardError: It is not closed, not YAML, or not a plain block of keys.
    """
    match = _BLOCK.match(text)
    if match is None:
        if _UNCLOSED.match(text):
            refuse(
                "The card opens front matter with `---`, and no line closes it.",
                "Close it with a line `---`, or put a blank line and `***` for a rule.",
            )
        return None
    if match[1].strip(" \t\r\n") != "---":
        refuse(
            "An unusual space stands before the front matter: some readers see it and some do not.",
            "Delete what stands before the first `---`.",
        )
    close = match.end(3)
    content = close if match[1].endswith("\r") else match.start(2)
    line = text.count("\n", 0, content) + 1
    return FrontMatter(
        start=match.end(1) - len(match[1].lstrip()),
        content=content,
        close=close,
        end=match.end(),
        entries=tuple(_entries(match[2], content, line)),
    )


def _entries(block: str, offset: int, line: int) -> Iterator[Entry]:
    if _DISPUTED.search(block):
        refuse(
            "The front matter holds a character that YAML 1.1 and YAML 1.2 read differently "
            "(U+0085, U+2028, U+2029 or U+FEFF).",
            "Write it as an escape such as `\\u2028` in double quotes.",
        )
    events = _events(block, line)
    documents = [event for event in events if isinstance(event, yaml.DocumentStartEvent)]
    if not documents:
        return
    if len(documents) > 1 or documents[0].explicit or events[-2].explicit:
        refuse(
            "The front matter holds a YAML document marker (`---` or `...`).",
            "Leave one plain block of `key: value` lines between the two `---`.",
        )
    if not isinstance(events[2], yaml.MappingStartEvent) or events[2].flow_style:
        refuse(
            "The front matter is not a block of `key: value` lines.",
            "Write one key per line, without `{` and `}`.",
        )
    nodes = list(_nodes(events[3:-3]))
    for key, value in zip(nodes[::2], nodes[1::2], strict=True):
        node = (*key, *value)
        # Where a block collection ends no character stands; its mark lies behind blanks and
        # comments that belong to nobody. An alias is an event of its own, where it is written.
        ends = [e.end_mark.index for e in node if e.end_mark.index > e.start_mark.index]
        name = key[0].value if isinstance(key[0], yaml.ScalarEvent) else None
        yield Entry(name, offset + node[0].start_mark.index, offset + max(ends, default=0), node)


def _events(block: str, line: int) -> list[Any]:
    """Parse without composing: no recursion, no aliases followed, no tag obeyed."""
    events: list[Any] = []
    anchors: set[str] = set()
    depth = 0
    mend = "Mend the YAML between the two `---`."
    try:
        for event in yaml.parse(block, Loader=_LOADER):
            depth += _step(event)
            if depth > _DEEPEST:
                refuse(f"The front matter is nested deeper than {_DEEPEST} levels.", mend)
            anchor = getattr(event, "anchor", None)
            if isinstance(event, yaml.AliasEvent) and anchor not in anchors:
                refuse("The front matter uses a YAML alias that nothing defines.", mend)
            if anchor:
                anchors.add(anchor)
            events.append(event)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None)
        where = f" (line {line + mark.line}: {problem})" if mark else ""
        refuse(f"The front matter is not valid YAML{where}.", mend)
    return events


def _step(event: Any) -> int:
    return isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)


def _nodes(events: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    start = depth = 0
    for index, event in enumerate(events, 1):
        depth += _step(event)
        if depth == 0:
            yield tuple(events[start:index])
            start = index


def others(front: FrontMatter | None) -> list[tuple[object, ...]]:
    """Describe every key that is not ours, in order, so that two cards can be compared."""
    facts = ("anchor", "tag", "implicit", "value", "style", "flow_style")
    return [
        (type(event), *(getattr(event, fact, None) for fact in facts))
        for entry in (front.entries if front else ())
        if entry.name != KEY
        for event in entry.events
    ]


def read(text: str, front: FrontMatter | None) -> dict[str, Any] | Literal[False] | None:
    """Read the `hfscore` key.

    Args:
        text: The card.
        front: Its front matter.

    Returns:
        What a run wrote, False where the maintainer wants no section, None where there is no key.

    Raises:
        CardError: The key is doubled, or its value was written neither by a run nor as `false`.
    """
    entry = _own(front)
    if entry is None:
        return None
    start, end = _lines(text, entry)
    try:
        # As text, a timestamp that has lost its quotes in a rewrite is still what was written.
        block = _TEXT_LOADER(text[start:end]).get_single_data()[KEY]
    except yaml.YAMLError:
        block = None
    if isinstance(block, str) and block.lower() in ("false", "no", "off"):
        return False
    if isinstance(block, dict):
        block = {name: restored(value) for name, value in block.items()}
        schema = block.get("schema")
        if isinstance(schema, int) and schema != SCHEMA:
            refuse(f"The card was written by another hfscore (schema {schema}).", "Upgrade hfscore.")
    if not isinstance(block, dict) or flaw(block):
        refuse(
            "The front matter has a key `hfscore` whose value hfscore did not write.",
            "Rename or delete the key; `hfscore: false` keeps hfscore away.",
        )
    if "#" in text[start:end]:  # which no value of ours holds
        refuse(
            "A comment stands inside the `hfscore:` block, which each run replaces.",
            "Move the comment out of the block.",
        )
    return block


def _own(front: FrontMatter | None) -> Entry | None:
    own = [entry for entry in front.entries if entry.name == KEY] if front else []
    if len(own) > 1:
        refuse("The front matter has the key `hfscore` more than once.", "Keep one of them.")
    return own[0] if own else None


def edit(text: str, front: FrontMatter | None, identity: Identity, *, eol: str) -> Edit:
    """Say how the block gets into the card: in place of the old one, else as the last key.

    Args:
        text: The card.
        front: Its front matter; None puts a new one at the start of the card.
        identity: The keys and values, without `flaw`.
        eol: Line end to write.

    Raises:
        CardError: No whole line can be set before or after the keys that stand there.
    """
    if front is None or not front.entries:
        block = rendered(identity, column=0, eol=eol)
        if front is None:
            return (0, 0, f"---{eol}{block}---{eol}")
        # A blank line behind the block says that a front matter without any line was there before.
        blank = eol if front.content == front.close else ""
        return (front.close, front.close, block + blank)
    own = _own(front)
    start, _ = _lines(text, own or front.entries[0])
    column = (own or front.entries[0]).start - start
    block = rendered(identity, column=column, eol=eol)
    if own:
        return (*_lines(text, own), block)
    last = front.entries[-1]
    leaf = next(e for e in reversed(last.events) if not isinstance(e, yaml.CollectionEndEvent))
    # The Hub's expression cuts the line end before the closing `---` off the YAML: a block scalar
    # that stands last has no final line break, and would get one if a key came after it.
    is_block_scalar = isinstance(leaf, yaml.ScalarEvent) and leaf.style in ("|", ">")
    at = _lines(text, last)[0] if is_block_scalar else front.close
    return (at, at, block)


def erasure(text: str, front: FrontMatter | None) -> Edit | None:
    """Say how our block gets out of the card; front matter that holds nothing else goes with it."""
    if not front or not read(text, front):
        return None
    own = _own(front)
    assert own is not None
    start, end = _lines(text, own)
    if (start, end) == (front.content, front.close):
        return (front.start, front.end, "")
    is_blank_behind = text[end : front.close] in ("\n", "\r\n")
    if start == front.content and text.endswith("\r\n", 0, start) and is_blank_behind:
        return (start, front.close, "")
    return (start, end, "")


def _lines(text: str, entry: Entry) -> tuple[int, int]:
    start = text.rfind("\n", 0, entry.start) + 1
    if text[start : entry.start].strip(" "):
        refuse(
            "A key of the front matter does not start its line.",
            "Write it as `key: value` on a line of its own.",
        )
    return start, text.index("\n", entry.end) + 1
