"""The page that shows a card: it looks like the Hub's, and runs and loads nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore.card import render
from hfscore.card.page import html_page
from tests import reports
from tests.test_escape import TEXTS


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


MARKUP = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "details",
        "summary",
        "pre",
        "code",
        "b",
        "br",
        "p",
        "h1",
        "h2",
    ),
    *("h3", "h4", "h5", "h6", "a", "em", "strong", "s", "i", "ul", "ol", "li", "blockquote", "hr", "div", "table"),
    *("thead", "tbody", "tr", "th", "td"),
}
CARDS = (
    "<script>alert(1)</script>\n\ntext <img src=x onerror=alert(1)> <b onclick=x>y</b>",
    "<details open>\n<summary><b>x</b></summary>\n\ntext\n\n</details>",
    "![pixel](http://e.example/p.png) [x](javascript:alert(1)) [y](http://e.example 'title')",
    "<!-- a comment -->\n\n<!-- never closed",
    "<details ontoggle=alert(1)><style>*{display:none}</style></details>",
    "---\na: <script>\n---\n# x",
    "> [!WARNING]\n> careful <script>",
    "<a href='http://e.example'>x</a>\n<iframe srcdoc='<script>'></iframe>",
    "<b\nonclick=x>y</b> <B>z</B> <br/> <br>",
)


@given(
    card=st.one_of(st.sampled_from(CARDS), TEXTS, st.lists(st.one_of(st.sampled_from(CARDS), TEXTS)).map("\n\n".join))
)
@settings(max_examples=150)
def test_a_page_runs_and_loads_nothing(card: str) -> None:
    tags = Tags()
    tags.feed(html_page(card, "<script>title"))
    for tag, attributes in tags.found:
        assert tag in MARKUP
        assert set(attributes) <= {
            *(
                "class",
                "href",
                "title",
                "rel",
                "style",
                "open",
                "start",
                "charset",
                "name",
                "content",
                "lang",
                "http-equiv",
            )
        }
        if tag == "a":
            assert not re.match(r"\s*(javascript|data|vbscript|file):", attributes["href"] or "", re.IGNORECASE)


def test_a_page_shows_a_card_as_the_hub_does() -> None:
    page = html_page("---\nlicense: mit\n---\n" + render.render_section(reports.pair()), "pair")
    assert "<pre>license: mit</pre>" in page
    assert page.count('<div class="scroll"><table>') == 7
    assert '<blockquote class="alert note">\n<p><b>Note</b><br>These are properties' in page
    assert "<details><summary><b>All measurements</b>" in page
    assert "[!NOTE]" not in page
    assert page.count("<details>") == page.count("</details>")


def test_html_that_is_not_allowed_is_shown_as_text() -> None:
    page = html_page(
        "<div align=\"center\">\n<script>alert('&amp;')</script>\n</div>\n\na <u>b</u> <br> <!-- gone -->", "x"
    )
    assert "&lt;script&gt;alert('&amp;')&lt;/script&gt;" in page
    assert "a &lt;u&gt;b&lt;/u&gt; <br> </p>" in page
    assert "gone" not in page
