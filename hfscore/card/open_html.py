"""Which HTML elements a Markdown text leaves open: they would capture what is put after it."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

_INLINE = MarkdownIt("zero", {"html": True}).enable(["autolink", "backticks", "escape", "html_inline"])
_LONGEST_PARAGRAPH = 20_000  # html_inline copies the rest of the paragraph for every `<`
_TAG = re.compile(r"<!--(?:-?>|[\S\s]*?(?:-->|\Z))|<(/?)([A-Za-z][A-Za-z0-9]*+)(?=[\s/>])([^<>]*+)>")
# Elements that go on, in a browser, over everything that follows until they are closed. Not here:
# those that the end of a paragraph closes (`sup`, `span`), those that HTML closes by itself (`p`,
# `li`, `td`), and names it does not know (`<eos>`).
_CAPTURES = re.compile(
    r"""a|article|aside|audio|b|big|blockquote|button|center|code|details|dialog|div|dl|em|fieldset|
    figcaption|figure|font|footer|form|h[1-6]|header|i|iframe|main|menu|nav|noscript|object|ol|pre|
    s|script|section|select|small|strike|strong|style|summary|svg|table|template|textarea|title|tt|
    u|ul|video""",
    re.VERBOSE,
)
_DEEPEST = 100  # more elements than this in one another, and none of them will be closed


def open_elements(tokens: list[Token]) -> list[str]:
    """Name the HTML elements that are open behind the last token, the way a browser reads them."""
    stack: list[str] = []
    floors: list[int] = []
    for token in tokens:
        if token.nesting == 1:
            floors.append(len(stack))
        elif token.nesting == -1:
            floor = floors.pop()
            # The end of a list, a quote or a heading closes what was opened inside, a comment
            # excepted; that of a paragraph does not, for <div> and its like have closed it before.
            if token.type != "paragraph_close":
                stack[floor:] = [name for name in stack[floor:] if name == "!--"]
        for html in _html(token):
            _walk(html, stack)
        if len(stack) > _DEEPEST:
            break
    return stack


def _html(token: Token) -> list[str]:
    if token.type == "html_block":
        return [token.content]
    if token.type != "inline" or "<" not in token.content:
        return []
    if len(token.content) > _LONGEST_PARAGRAPH:
        return [token.content]
    children: list[Token] = []
    _INLINE.inline.parse(token.content, _INLINE, {}, children)
    return [child.content for child in children if child.type == "html_inline"]


def _walk(html: str, stack: list[str]) -> None:
    for match in _TAG.finditer(html):
        name = match[2].lower() if match[2] else "!--"
        if name == "!--":
            opens, closes = not match[0].endswith("-->"), False
        else:
            known = bool(_CAPTURES.fullmatch(name))
            opens = known and not match[1] and not match[3].endswith("/")
            closes = known and bool(match[1])
        if opens:
            stack.append(name)
        elif closes and name in stack:
            while stack.pop() != name:
                pass
        if len(stack) > _DEEPEST:
            break
