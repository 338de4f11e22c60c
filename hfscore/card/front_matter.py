"""The `hfscore:` block in a card's front matter: where it stands, what it says, how it is edited.

Nothing here writes YAML that somebody else wrote. A parser says where the keys stand, and an edit
replaces whole lines of our own. Of a key that is not ours only the parser's events are kept, to see
afterwards that they are still the same; no value of it is ever built.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from hfscore.card.refusal import refuse

Identity = Mapping[str, str | int | Sequence[str]]
Edit = tuple[int, int, str]
"""Offset of the first character to take away, offset behind the last, and what stands there then."""

KEY = "hfscore"
SCHEMA = 1

# The Hub's expression, huggingface_hub.repocard.REGEX_YAML_BLOCK. A lone "\r" never gets here.
# JavaScript's \s takes a byte order mark for white space, Python's does not: hence the class.
_BLOCK = re.compile(r"([\s\ufeff]*---\r?\n)([\S\s]*?)(\r?\n)---[ \t]*(?:\r?\n|\Z)")
_UNCLOSED = re.compile(r"[\s\ufeff]*---\r?\n(?!---[ \t]*(?:\r?\n|\Z))")
# Line breaks in YAML 1.1 but not in 1.2, and a mark that parsers skip without counting it.
_DISPUTED = re.compile("[\x85\u2028\u2029\ufeff]")
# libyaml's time grows with the square of the depth of brackets: 200,000 take it a minute.
_DEEPEST = 64
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_LONGEST = 300
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
# Text that, written without quotes, YAML 1.1 (PyYAML, which rewrites cards) or YAML 1.2 (js-yaml,
# which reads them on the Hub) may take for something else. A prefix mends a digest: `git:4f2a`.
_AMBIGUOUS = re.compile(
    r"""(?=.*[0-9])[-+]?(0[xob])?[0-9a-f_]*\.?[0-9a-f_]*(e[-+]?[0-9_]*)?  # number, hex, 12e4567
    | [-+]?[0-9_]+(:[0-9_]+)+(\.[0-9_]*)?                                 # base 60
    | [0-9]+-[0-9]+-[0-9]+                                                # date without a time
    | [-+]?\.?(inf|infinity|nan) | true|false|yes|no|on|off|y|n|null|~|=|<<""",
    re.VERBOSE | re.IGNORECASE,
)


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
    content, close = match.start(2), match.end(3)
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
        end = max(e.end_mark.index for e in node if e.end_mark.index > e.start_mark.index)
        name = key[0].value if isinstance(key[0], yaml.ScalarEvent) else None
        yield Entry(name, offset + node[0].start_mark.index, offset + end, node)


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
    start, _ = _lines(text, entry)
    try:
        # Every scalar as text: a timestamp that lost its quotes in a rewrite is still the same.
        block = yaml.BaseLoader(text[start : entry.end]).get_single_data()[KEY]
    except yaml.YAMLError:
        block = None
    if isinstance(block, str) and block.lower() in ("false", "no", "off"):
        return False
    if isinstance(block, dict):
        block = {name: _restored(value) for name, value in block.items()}
        schema = block.get("schema")
        if isinstance(schema, int) and schema != SCHEMA:
            refuse(f"The card was written by another hfscore (schema {schema}).", "Upgrade hfscore.")
    if not isinstance(block, dict) or flaw(block):
        refuse(
            "The front matter has a key `hfscore` whose value hfscore did not write.",
            "Rename or delete the key; `hfscore: false` keeps hfscore away.",
        )
    if "#" in text[start : entry.end] or "#" in text[entry.end : text.index("\n", entry.end)]:
        refuse(
            "A comment stands inside the `hfscore:` block, which each run replaces.",
            "Move the comment out of the block.",
        )
    return block


def _restored(value: Any) -> Any:
    # No text that we write looks like a number (see `flaw`), so what does is one.
    return int(value) if isinstance(value, str) and _INTEGER.fullmatch(value[:20]) else value


def _own(front: FrontMatter | None) -> Entry | None:
    own = [entry for entry in front.entries if entry.name == KEY] if front else []
    if len(own) > 1:
        refuse("The front matter has the key `hfscore` more than once.", "Keep one of them.")
    return own[0] if own else None


def flaw(identity: Mapping[Any, Any]) -> str | None:
    """Say what keeps an identity from surviving a rewrite of the card, None where nothing does.

    A value must mean the same in YAML 1.1 and 1.2, and again after a tool has dropped its quotes.
    """
    schema = identity.get("schema")
    if isinstance(schema, bool) or schema != SCHEMA:
        return f"`schema` is not {SCHEMA}"
    for name, value in identity.items():
        if not (isinstance(name, str) and _NAME.fullmatch(name)) or _AMBIGUOUS.fullmatch(name):
            return f"{name!r} is no key: lower-case letters, digits and `_`"
        many = isinstance(value, list | tuple)
        for item in value if many else (value,):
            problem = _flaw_of(item, text=many)
            if problem:
                return f"`{name}` {problem}"
    return None


def _flaw_of(item: object, *, text: bool) -> str | None:
    if isinstance(item, int) and not isinstance(item, bool) and not text:
        return None if abs(item) < 2**53 else "is more than JavaScript counts exactly"
    if not isinstance(item, str):
        return "is neither text nor a whole number"
    if not item or item != item.strip() or not item.isprintable() or "#" in item:
        return "is empty, has blanks around it, or holds a line break, a control character or `#`"
    if len(item) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    if _AMBIGUOUS.fullmatch(item):
        return f"({item}) is a number, a date or a constant to some YAML: prefix it, as in `git:`"
    return None


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
        block = _rendered(identity, column=0, eol=eol)
        if front is None:
            return (0, 0, f"---{eol}{block}---{eol}")
        return (front.close, front.close, block)
    own = _own(front)
    start, _ = _lines(text, own or front.entries[0])
    column = (own or front.entries[0]).start - start
    block = _rendered(identity, column=column, eol=eol)
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
    return (start, end, "")


def _lines(text: str, entry: Entry) -> tuple[int, int]:
    start = text.rfind("\n", 0, entry.start) + 1
    if text[start : entry.start].strip(" "):
        refuse(
            "A key of the front matter does not start its line.",
            "Write it as `key: value` on a line of its own.",
        )
    return start, text.index("\n", entry.end) + 1


def _rendered(identity: Identity, *, column: int, eol: str) -> str:
    pad = " " * column
    # JSON text is YAML, 1.1 and 1.2 alike, and quotes every string.
    values = {k: v if isinstance(v, str | int) else list(v) for k, v in identity.items()}
    lines = [f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in values.items()]
    return "".join(f"{pad}{line}{eol}" for line in (f"{KEY}:", *(f"  {line}" for line in lines)))
