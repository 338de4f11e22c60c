"""Shows a card as one HTML file, much as the Hub would: for a look before anything is sent.

Of a card's own HTML only a few elements without attributes come through; the rest is shown as text. The page
loads nothing: no script, no font, no picture.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

# The Hub's own expression for the metadata block (huggingface_hub.repocard.REGEX_YAML_BLOCK).
_FRONT_MATTER = re.compile(r"[\s\ufeff]*---\r?\n([\S\s]*?)\r?\n---[ \t]*(?:\r\n|\n|$)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_ALLOWED = re.compile(r"(<(?:details(?: open)?|summary|b|br ?/?)>|</(?:details|summary|b)>)")
_ALERT = re.compile(r"\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\][ \t]*(?:\n|$)")


def html_page(card: str, title: str) -> str:
    """A self-contained page that shows a card.

    Args:
        card: The whole card, front matter included.
        title: What stands in the browser's tab.
    """
    front = _FRONT_MATTER.match(card)
    body = _parser().render(card[front.end() :] if front else card)
    metadata = f"<details><summary>Metadata</summary><pre>{html.escape(front[1])}</pre></details>\n" if front else ""
    page = _PAGE.format(title=html.escape(title), style=_STYLE, metadata=metadata, body=body)
    return page.encode("utf-8", "replace").decode()


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parser.core.ruler.push("alerts", _alerts)
    parser.add_render_rule("html_block", _own_html)
    parser.add_render_rule("html_inline", _own_html)
    parser.add_render_rule("image", _no_image)
    parser.add_render_rule("link_open", _outside_link)
    parser.add_render_rule("table_open", lambda *_: '<div class="scroll"><table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return parser


def _alerts(state: StateCore) -> None:
    """Turn a quote that begins with `[!NOTE]` and the like into a box with that title."""
    for quote, paragraph, text in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        if quote.type != "blockquote_open" or paragraph.type != "paragraph_open" or not text.children:
            continue
        found = _ALERT.match(text.content)
        if found:
            quote.attrSet("class", f"alert {found[1].lower()}")
            text.children = [_title(found[1].capitalize()), *_after_first_line(text.children)]


def _title(words: str) -> Token:
    return Token("html_inline", "", 0, content=f"<b>{words}</b><br>")


def _after_first_line(children: Sequence[Token]) -> list[Token]:
    breaks = (place for place, token in enumerate(children) if token.type in ("softbreak", "hardbreak"))
    return list(children[next(breaks, len(children)) + 1 :])


def _own_html(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """A card's own HTML: allowed elements as they are, comments left out, the rest as text."""
    pieces = _ALLOWED.split(_COMMENT.sub("", tokens[index].content))
    return "".join(
        piece if place % 2 else html.escape(html.unescape(piece), quote=False) for place, piece in enumerate(pieces)
    )


def _no_image(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    words = renderer.renderInlineAsText(token.children or [], options, env) or str(token.attrs.get("src", ""))
    return f"<i>[picture: {html.escape(words)}]</i>"


def _outside_link(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    tokens[index].attrSet("rel", "nofollow noopener noreferrer")
    return renderer.renderToken(tokens, index, options, env)


_STYLE = """\
:root { color-scheme: light dark; --text: #1f2328; --soft: #59636e; --line: #d1d9e0; --back: #fff; --shade: #f6f8fa;
  --link: #0b5cad; --note: #0969da; --warn: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --soft: #9198a1; --line: #3d444d; --back: #0d1117;
  --shade: #161b22; --link: #6cb2ff; --note: #4493f8; --warn: #d29922; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 62rem; background: var(--back); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; overflow-wrap: break-word; }
h1, h2, h3 { line-height: 1.25; margin: 1.6em 0 .6em; }
h2 { padding-bottom: .3em; border-bottom: 1px solid var(--line); }
a { color: var(--link); }
em { color: var(--soft); }
code, pre { font: .86em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; background: var(--shade);
  border-radius: 4px; }
code { padding: .12em .35em; }
pre { padding: .8rem 1rem; overflow-x: auto; }
pre code { padding: 0; background: none; font-size: 1em; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .92em; line-height: 1.45; font-variant-numeric: tabular-nums; }
th, td { border: 1px solid var(--line); padding: .42em .7em; text-align: left; vertical-align: top; min-width: 5.5rem; }
body > .scroll td[style*=right] { white-space: nowrap; }
td:not([style]) { min-width: 9rem; }
td code { overflow-wrap: anywhere; }
th { background: var(--shade); font-weight: 600; }
blockquote { margin: 1rem 0; padding: .2rem 1rem; border-left: 4px solid var(--line); color: var(--soft); }
.alert { color: var(--text); border-color: var(--note); background: var(--shade); }
.alert b:first-child { color: var(--note); }
.warning, .caution, .important { border-color: var(--warn); }
details { margin: .5rem 0; border: 1px solid var(--line); border-radius: 6px; padding: .5rem .8rem; }
summary { cursor: pointer; }
details[open] > summary { margin-bottom: .6rem; }
li { margin: .2em 0; }
"""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
{metadata}{body}</body>
</html>
"""
