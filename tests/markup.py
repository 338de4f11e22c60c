"""What a rendered section may be made of, whatever the data says."""

from __future__ import annotations

import itertools
import re
import unicodedata

from markdown_it import MarkdownIt
from markdown_it.token import Token

from hfscore import escape

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def check(section: str, *, links: str, heading: str = "Reasoning quality") -> None:
    """Assert that a section holds our structure only, whatever the data says."""
    assert "<!--" not in section
    assert "-->" not in section
    assert "hfscore:begin" not in section or "&" in section
    hidden = {one for one in section if unicodedata.category(one) in ("Cc", "Cf", "Cs")}
    assert hidden <= {"\n", escape.WORD_JOINER}
    tokens = MARKDOWN.parse(section)
    for token in tokens:
        check_block(token)
        for child in token.children or ():
            check_inline(child, links)
    headings = [tokens[n + 1] for n, token in enumerate(tokens) if token.type == "heading_open"]
    text = "".join(child.content for token in headings for child in token.children or ())
    assert text == heading
    assert sum(token.type == "fence" for token in tokens) == 1
    check_tables(section)


def check_block(token: Token) -> None:
    assert token.type.split("_open")[0].split("_close")[0] in {
        *("heading", "paragraph", "inline", "table", "thead", "tbody", "tr", "th", "td", "bullet_list", "list_item"),
        *("blockquote", "fence", "html_block"),
    }, token
    assert token.level <= 5
    if token.type == "html_block":
        for line in token.content.rstrip("\n").split("\n"):
            assert re.fullmatch(r"<details><summary><b>[^<>]*</b>[^<>]*</summary>|</details>", line), line
    if token.type == "fence":
        assert token.info == "bash"


def check_inline(token: Token, links: str) -> None:
    assert token.type in {
        *("text", "softbreak", "code_inline", "strong_open", "strong_close", "em_open", "em_close"),
        *("link_open", "link_close"),
    }, token
    if token.type == "link_open":
        assert str(token.attrs["href"]).startswith(
            (f"{links}/tree/", f"{links}/viewer/", f"{links}/blob/main/.hfscore/")
        ) or (token.attrs["href"] == links)


def check_tables(section: str) -> None:
    """Rows of one table have as many cells as its header, counted as GFM does: every bare pipe parts two cells."""
    lines = section.split("\n")
    counts = [len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0 for line in lines]
    for before, now in itertools.pairwise(counts):
        assert not (before and now) or before == now
    parsed = sum(token.type == "tr_open" for token in MARKDOWN.parse(section))
    delimiters = sum(bool(re.fullmatch(r"\|( -{3}:? \|)+", line)) for line in lines)
    assert parsed == sum(map(bool, counts)) - delimiters
