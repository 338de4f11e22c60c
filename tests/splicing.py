"""Cards to splice into, and what holds for every one of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from hfscore.card.splice import BEGIN, END, read_identity, remove, splice
from hfscore.errors import CardError

CARDS = sorted((Path(__file__).parent / "data" / "cards").glob("*.md"))
HTML = MarkdownIt("commonmark").enable("table")
HUB_BLOCK = re.compile(r"^(\s*---(?:\r\n|\r|\n))([\S\s]*?)((?:\r\n|\r|\n)---[ \t]*(\r\n|\n|$))")

SECTION = """\
## Reasoning quality

*Measured, not claimed.* A paragraph with `code` and a [link](https://example.org).

| metric | `full` |
| --- | ---: |
| Validity | 95.9% |

> [!NOTE]
> A quote.

<details><summary><b>All measurements</b></summary>

| metric | value |
| --- | --- |
| Redundancy | 0.52 |

```bash
hfscore score example-org/traces
```

</details>
"""
OTHER_SECTION = "## Reasoning quality\n\nNothing could be scored."
IDENTITY: dict[str, Any] = {
    "schema": 1,
    "version": "0.1.0",
    "measured_at": "2026-11-18T09:12:44Z",
    "data_revision": "git:4f2a9c1e7b0d5a6688c1f3e2d9b74a5510cc8e37",
    "data_fingerprint": "sha256:77b1f0c25a9e4d3388f6a1c0e9d2b4475c61a8fe03d9b27715ac40e6d8f3920b",
    "report": ".hfscore/report.json",
    "judge": "example/judge-32b",
    "students": ["example/student-8b", "01-org/student-14b"],
}
OTHER_IDENTITY = {"schema": 1, "version": "0.2.0", "students": []}


def spliced(card: bytes | str, section: str = SECTION, **identity: Any) -> bytes:
    card = card.encode() if isinstance(card, str) else card
    return splice(card, section=section, identity=identity or IDENTITY)


def parts(card: bytes) -> tuple[Any, str]:
    """Metadata and body as the Hub and its client find them."""
    text = card.decode("utf-8-sig")
    match = HUB_BLOCK.match(text)
    return (yaml.safe_load(match[2]) or {} if match else {}), body_of(card)


def body_of(card: bytes) -> str:
    return HUB_BLOCK.sub("", card.decode("utf-8-sig"), count=1)


def rendered(body: str) -> str:
    """Render a body, its last line ended: "</div>" at the end of a file yields no line end."""
    return HTML.render(body if body.endswith("\n") else f"{body}\n")


def without_section(body: str) -> str:
    """Render a body with what stands between the markers, and these, cut out of the HTML."""
    return re.sub(r"<!-- hfscore:begin .*?<!-- hfscore:end -->\n", "", HTML.render(body), flags=re.S)


def assert_sacred(card: bytes) -> bytes:
    """Assert everything that holds for an accepted card without a section; return the result."""
    result = spliced(card)
    assert remove(result) == card
    assert spliced(result) == result
    other = spliced(result, OTHER_SECTION, **OTHER_IDENTITY)
    assert remove(other) == card
    assert spliced(other) == result
    assert remove(card) == card

    metadata, body = parts(result)
    before_metadata, before_body = parts(card)
    assert metadata.pop("hfscore") == IDENTITY == read_identity(result)
    assert list(metadata.items()) == list(before_metadata.items())
    assert without_section(body) == rendered(before_body)
    added = len(re.findall(rb"(?m)^<!-- hfscore:(?:begin v1|end) .*-->\r?$", result))
    assert added - len(re.findall(rb"(?m)^<!-- hfscore:end", card)) == 2
    # Our part reads in the card as it reads alone.
    inside = re.search(r"(?s)<!-- hfscore:begin [^\n]*\n(.*)<!-- hfscore:end -->", HTML.render(body))
    assert inside and inside[1] == HTML.render(SECTION)
    return result


def refusal(card: bytes | str, **more: Any) -> str:
    with pytest.raises(CardError) as caught:
        spliced(card, **more)
    assert "hfscore card REPORT" in caught.value.hint
    return caught.value.message


FRONTS = [
    "",
    "---\nlicense: mit\n---\n",
    "---\nlicense: mit\n---",
    "---\nlicense: mit\n---  \t\n",
    "\n \n---\nlicense: mit\n---\n",
    "---\nlicense: mit\n\n---\n",
    "---\nlicense: mit\n# a comment\n\n# another\n---\n",
    "---\n\n---\n",
    "---\n---\n",
    "---\n# only a comment\n---\n",
    "---\n  license: mit\n  tags: [a, b]\n---\n",
    "---\ntags:\n- a\n-  b   # why\n---\n",
    "---\nlicense: mit\nextra_gated_prompt: |\n  Read this.\n\n  And this.\n---\n",
    "---\nextra_gated_prompt: |-\n  Only this.\n---\n",
    "---\nextra_gated_fields:\n  name: >+\n    folded\n\n---\n",
    "---\na: &x [1]\nb: *x\n<<: {c: 1}\n---\n",
    "---\nlanguage: [no]\ndate: 2020-01-01\nx: 1_000\nx: 0777\ny: !custom {z: 1}\n---\n",
    "---\ntext: 'hfscore: 1'\nmore: |\n  hfscore:\n    schema: 1\nlast: 1\n---\n",
    '---\n"quoted": "tab\\tüñï 😀"\nnull_valued:\n---\n',
    "---\n1: a\non: b\n? complex\n: key\nlast: c\n---\n",
    "---\nlong: a\n  b\n  c\n---\n",
]
BODIES = [
    "",
    "\n",
    "\n\n\n",
    "# Title",
    "# Title\n",
    "# Title\n\n",
    "# Title\n \t\n",
    "A paragraph\nof two lines",
    "Setext\n---\n\n***\n",
    "- a list\n  - nested\n",
    "1. one\n\n   more\n\n2. two\n",
    "> a quote\nlazily continued",
    "| a | b |\n| - | - |\n| 1 | 2 |",
    "```python\ncode\n```",
    "~~~\n```\n~~~\n",
    "- item\n  ```\n  a closed fence\n  ```",
    "text\n\n    indented code",
    "[ref]: https://example.org\n\nUse [ref].\n\n[other]:\n  https://example.org 'title'",
    "<!-- a comment -->\n<div align=center>\n\n# T\n\n</div>",
    "<details>\n<summary>s</summary>\n\ntext\n\n</details>\n",
    "<!--\nhfscore:begin\n-->\n",
    "````md\n<!-- hfscore:begin -->\n## Example\n<!-- hfscore:end -->\n````\n",
    f"Write `{BEGIN}` and `{END}`.\n",
    "    <!-- hfscore:begin -->\n",
    "Odd spaces:\u2028\u00a0\u0085\x0b\x0c.\n",
    "math $x < y$ and <unk> <s and 1 <b 2\n\n`<div>` \\<table> ``<details> ` ``\n",
    "hard  \nbreak\\\n",
]
