"""The section in a card's body: which comments are its markers, and how it gets in and out.

A CommonMark parser decides, not a search: markers in a code fence are somebody's documentation.
Only block structure is parsed, so that time grows with the length of a card and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

from markdown_it import MarkdownIt
from markdown_it.token import Token

from hfscore.card.edits import Edit
from hfscore.card.open_html import open_elements
from hfscore.card.refusal import refuse

_HEAD = "<!-- hfscore:begin v1 (generated: text between the two markers is replaced on the next run)"
BEGIN = f"{_HEAD} -->"
END = "<!-- hfscore:end -->"

# What `erasure` must know and cannot see: that the card had no line end there, or the comment with
# which the maintainer had chosen the place.
_NO_LINE_END = " no line end stood before"
_PLACED = " placed as:"

_MARKER = re.compile(r" {0,3}(<!--[ \t]*hfscore:(begin|end)(?: +v(\d+))?\b((?:(?!-->).)*)-->)[ \t]*")
_ANY_MARKER = re.compile(r"<!--\s*hfscore:(begin|end)\b")
_OURS = re.compile(r"<!-- hfscore:begin v1 \(generated[^()]*\)(.*)-->")
_BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n)*+")
PLACE = f"Place `<!-- hfscore:begin -->` and `{END}`, each on a line of its own, where the section should stand."

_BLOCKS = MarkdownIt("commonmark").enable("table").disable("inline")

Shape = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """The two markers: offsets into the card, and positions among the tokens.

    Args:
        begin: Offset of the begin marker's line.
        content: Offset of the line after it.
        end: Offset of the end marker's line.
        stop: Offset behind the end marker's line.
        first: Index of the begin marker's token.
        last: Index of the end marker's token.
    """

    begin: int
    content: int
    end: int
    stop: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Body:
    """A body: its offset into the card, its block tokens, the pair of markers among them."""

    start: int
    tokens: list[Token]
    pair: Pair | None

    @property
    def shape(self) -> tuple[list[Shape], list[Shape], list[Shape]]:
        """What the tokens say before, inside and after the pair of markers."""
        tokens = [_shape(token) for token in self.tokens]
        if self.pair is None:
            return tokens, [], []
        first, last = self.pair.first, self.pair.last
        return tokens[:first], tokens[first + 1 : last], tokens[last + 1 :]


def _shape(token: Token) -> Shape:
    content = token.content
    if token.type == "html_block":  # the last line of a card may lack its line end
        content = content.removesuffix("\n")
    attributes = tuple(token.attrs.items())
    return (token.type, token.level, content, token.info, token.markup, token.hidden, attributes)


def parse(text: str, start: int) -> Body:
    """Parse the body and find the markers.

    Args:
        text: The card.
        start: Offset of its body.

    Raises:
        CardError: The markers are not one pair, in order, at top level.
    """
    tokens = _BLOCKS.parse(text[start:])
    found = [(kind, index) for index, token in enumerate(tokens) for kind in _markers(token)]
    if not found:
        return Body(start, tokens, None)
    kinds = [kind for kind, _ in found]
    if kinds != ["begin", "end"]:
        what = f"{kinds.count('begin')} begin and {kinds.count('end')} end markers"
        if kinds == ["end", "begin"]:
            what = "the end marker stands before the begin marker"
        refuse(
            f"The card's hfscore markers are not one pair: {what}.",
            "Leave one begin marker and, below it, one end marker.",
        )
    (_, first), (_, last) = found
    lines = [start, *(match.end() for match in re.compile("\n").finditer(text, start)), len(text)]
    begin, end = _line(tokens[first]), _line(tokens[last])
    pair = Pair(lines[begin], lines[begin + 1], lines[end], lines[end + 1], first, last)
    return Body(start, tokens, pair)


def _line(token: Token) -> int:
    assert token.map is not None
    return token.map[0]


def _markers(token: Token) -> list[str]:
    if token.type != "html_block" or "hfscore:" not in token.content:
        return []
    lines = token.content.rstrip("\n").split("\n")
    matches = [match for line in lines if (match := _MARKER.fullmatch(line))]
    if matches and (token.level or len(lines) > 1):
        refuse(
            "A hfscore marker stands inside a list, a quote or a block of HTML.",
            "Put it at the start of a line of its own, with a blank line before and after the pair.",
        )
    for match in matches:
        if match[3] not in (None, "1"):
            refuse(f"The section was written by another hfscore (v{match[3]}).", "Upgrade hfscore.")
    return [match[2] for match in matches]


def checked(section: str) -> tuple[str, list[Shape]]:
    """Make sure that a section can stand in any card, and say how it reads.

    Args:
        section: Markdown without markers, lines ending with "\\n".

    Returns:
        The section without blank lines around it, and the shape of its tokens.

    Raises:
        CardError: It is empty, holds a marker, or would change what stands after it.
    """
    section = section.strip()
    environment: dict[str, Any] = {}
    *tokens, last = _BLOCKS.parse(f"{section}\n\n{END}\n", environment)
    mend = "This is a defect of the template that rendered it."
    if not section or "\r" in section or "\0" in section or _ANY_MARKER.search(section):
        refuse("The section is empty, or holds a marker or a carriage return.", mend)
    if last.type != "html_block" or last.content != f"{END}\n":
        refuse("The section leaves a code fence or an HTML comment open.", mend)
    if environment.get("references"):
        refuse("The section defines link references, which would hold in the whole card.", mend)
    if names := open_elements(tokens):
        refuse(f"The section opens `<{names[0]}` and does not close it.", mend)
    return section, [_shape(token) for token in tokens]


def edit(text: str, body: Body, section: str, *, eol: str) -> Edit:
    """Say how a section gets into the card: between the markers, else at the end.

    Args:
        text: The card.
        body: Its body.
        section: What `checked` returned.
        eol: Line end to write.

    Raises:
        CardError: What stands at the end would swallow the section, or text that hfscore did not
            write stands between the markers.
    """
    # The blank line before the end marker ends a paragraph, a table or `</details>`.
    content = section.replace("\n", eol) + eol * 2
    if body.pair is None:
        _refuse_open_end(text, body)
        ended = not text or text.endswith("\n")
        begin = BEGIN if ended else f"{_HEAD}{_NO_LINE_END} -->"
        lead = eol if ended else eol * 2
        return (len(text), len(text), f"{lead}{begin}{eol}{content}{END}{eol}")
    pair = body.pair
    line, between = text[pair.begin : pair.content], text[pair.content : pair.end]
    ours = _OURS.fullmatch(line.strip())
    placed = ours is not None and ours[1].startswith(_PLACED)
    if not between.strip(" \t\r\n") and not placed:
        comment = line.strip()
        line = line.replace(comment, f"{_HEAD}{_PLACED}{comment[4:-3]}-->")
        placed = True
    elif ours is None:
        _refuse_text_between()
    # Blank lines that the maintainer had left between the markers stay, to come back on removal.
    gap = _blank_lines(between) if placed else ""
    return (pair.begin, pair.end, f"{line}{gap}{content}")


def erasure(text: str, body: Body) -> Edit | None:
    """Say how the section gets out of the card, None where there is none.

    Markers that the maintainer had placed become empty again. Of line ends before the section only
    those go that came with it, and only where no text that was added after it needs them.

    Raises:
        CardError: Text that hfscore did not write stands between the markers.
    """
    pair = body.pair
    if pair is None:
        return None
    line, between = text[pair.begin : pair.content], text[pair.content : pair.end]
    comment = line.strip()
    ours = _OURS.fullmatch(comment)
    if ours and ours[1].startswith(_PLACED):
        line = line.replace(comment, f"<!--{ours[1].removeprefix(_PLACED)}-->")
        return (pair.begin, pair.end, line + _blank_lines(between))
    if not between.strip(" \t\r\n"):
        return None
    if not ours:
        _refuse_text_between()
    after = text[pair.stop :]
    start = pair.begin
    if not after or after.startswith(("\n", "\r\n")):
        blank = start - _line_end(text, start)
        if _line_end(text, blank) or not blank:
            start = blank
        if not after and ours[1].startswith(_NO_LINE_END):
            start -= _line_end(text, start)
    return (start, pair.stop, "")


def _line_end(text: str, at: int) -> int:
    """Count the characters of the line end that stands before `at`."""
    return 2 if text.endswith("\r\n", 0, at) else int(text.endswith("\n", 0, at))


def _blank_lines(text: str) -> str:
    match = _BLANK_LINES.match(text)
    return match[0] if match else ""


def _refuse_text_between() -> NoReturn:
    refuse(
        "Text that hfscore did not write stands between the hfscore markers.",
        "Move it out; the text between the markers is replaced on each run.",
    )


def _refuse_open_end(text: str, body: Body) -> None:
    """Refuse a body whose end would swallow what comes after it."""
    last = next((token for token in reversed(body.tokens) if not token.level and token.map), None)
    # A blank line and a comment in the first column end every other block.
    if last and last.type in ("fence", "html_block"):
        tail = "\n".join(text[body.start :].split("\n")[_line(last) :])
        probe = _BLOCKS.parse(f"{tail}\n\n<!-- -->")[-1]
        if probe.type != "html_block" or probe.content != "<!-- -->":
            what = "code fence" if last.type == "fence" else "comment or other block of HTML"
            line = text.count("\n", 0, body.start) + _line(last) + 1
            refuse(f"The card ends inside a {what} that opens on line {line}, never closed.", PLACE)
    if names := open_elements(body.tokens):
        refuse(f"The card opens `<{names[0]}` and never closes it: its end is inside.", PLACE)
