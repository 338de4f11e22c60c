"""Splicing a section into a card: every byte that is not ours stays, or the card is refused."""

from __future__ import annotations

import itertools
import re
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hfscore.card import front_matter
from hfscore.card.identity import flaw
from hfscore.card.splice import BEGIN, END, hands_off, read_identity, remove, splice
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


# ---------------------------------------------------------------- real cards


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
@pytest.mark.parametrize("change", ["as it is", "CRLF", "BOM"])
def test_a_real_card_comes_back_byte_for_byte(path: Path, change: str) -> None:
    card = path.read_bytes()
    if change == "CRLF":
        card = card.replace(b"\n", b"\r\n")
    if change == "BOM":
        card = b"\xef\xbb\xbf" + card
    result = assert_sacred(card)
    assert result.startswith(b"\xef\xbb\xbf") == (change == "BOM")
    if change == "CRLF":
        assert not re.search(rb"(?<!\r)\n", result)


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_a_real_card_rewritten_by_the_hub_client_is_still_ours(path: Path) -> None:
    from huggingface_hub import DatasetCard

    card = path.read_bytes()
    rewritten = str(DatasetCard(spliced(card).decode())).encode()
    assert read_identity(rewritten) == IDENTITY
    metadata, body = parts(remove(rewritten))
    expected, _ = parts(rewritten)
    del expected["hfscore"]
    assert metadata == expected
    assert body == parts(card)[1]
    again = spliced(rewritten, OTHER_SECTION, **OTHER_IDENTITY)
    assert read_identity(again) == OTHER_IDENTITY
    assert spliced(again, OTHER_SECTION, **OTHER_IDENTITY) == again
    assert remove(again) == remove(rewritten)


def test_the_cards_hold_the_traps_they_were_chosen_for() -> None:
    text = {path.stem: path.read_bytes().decode() for path in CARDS}
    assert not text["pandas"].startswith("---") and not text["pandas"].endswith("\n")
    assert "\n\n---\n" in text["casino"]
    assert text["moroco"].endswith("\n\n")
    assert len(re.findall(r"(?m)^```", text["turk"])) % 2
    assert "<details" in text["quickdraw"]
    assert max(text["wisesight1000"]) > "\uffff"


# ---------------------------------------------------------------- made-up cards

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


@pytest.mark.parametrize("front", FRONTS)
def test_every_front_matter(front: str) -> None:
    # Where a key stands twice PyYAML's value is the last one; the comparison holds all the same.
    assert_sacred(front.replace("!custom ", "").encode())
    card = front + ("# Title\n" if front.endswith("\n") else "\n# Title\n")
    result = spliced(card)
    assert remove(result) == card.encode()
    assert read_identity(result) == IDENTITY


@pytest.mark.parametrize("body", BODIES)
def test_every_body(body: str) -> None:
    assert_sacred(body.encode())
    assert_sacred(b"---\nlicense: mit\n---\n" + body.encode())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    front=st.sampled_from(FRONTS),
    bodies=st.lists(st.sampled_from(BODIES), max_size=3),
    ends=st.lists(st.booleans(), min_size=1, max_size=7),
    bom=st.booleans(),
)
def test_any_card_with_any_line_ends(front: str, bodies: list[str], ends: list[bool], bom: bool) -> None:
    # With no line in between, front matter reaches to the next `---` that the Hub can find.
    assume(front != "---\n---\n" or not any("\n---\n" in body for body in bodies))
    text = front.replace("!custom ", "") + "\n\n***\n\n".join(["", *bodies])
    lines = zip(text.split("\n"), itertools.cycle(ends), strict=False)
    mixed = "".join(f"{line}{chr(13) if crlf else ''}\n" for line, crlf in lines)
    cut = -1 if mixed.endswith("\n") and not mixed.endswith("\r\n") else -2
    card = (("\ufeff" if bom else "") + mixed[:cut]).encode()
    result = spliced(card)
    assert remove(result) == card
    assert spliced(result) == result
    other = spliced(result, OTHER_SECTION, **OTHER_IDENTITY)
    assert spliced(other) == result
    assert without_section(body_of(result)) == rendered(body_of(card))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("-`~<>!|#:*[]() \t\n\rabdiv/\\'\"1.=&{}\ufeff\xa0"), max_size=60))
@example("---\n---\n")
@example("---\n \ufeff---\na: b\n---\n")
@example("- a\n\n  <!--")
def test_a_hostile_card_is_spliced_exactly_or_refused(text: str) -> None:
    for card in (text, f"---\nlicense: mit\n---\n{text}", f"---\n{text}\n---\n# T\n"):
        try:
            result = spliced(card)
        except CardError:
            continue
        assert remove(result) == card.encode()
        assert spliced(result) == result
        assert without_section(body_of(result)) == rendered(body_of(card.encode()))


def test_the_block_stands_last_with_the_indent_and_line_end_of_its_neighbours() -> None:
    result = spliced("---\r\n  license: mit\r\n---\r\n# T\r\n", **OTHER_IDENTITY).decode()
    assert result.startswith(
        '---\r\n  license: mit\r\n  hfscore:\r\n    schema: 1\r\n    version: "0.2.0"\r\n'
        "    students: []\r\n---\r\n# T\r\n\r\n<!-- hfscore:begin v1 "
    )


def test_a_block_scalar_stays_the_last_key() -> None:
    card = b"---\nlicense: mit\nextra_gated_prompt: |\n  Read.\n---\n"
    result = spliced(card)
    assert list(parts(result)[0]) == ["license", "hfscore", "extra_gated_prompt"]
    assert parts(result)[0]["extra_gated_prompt"] == "Read."


def test_no_card_at_all() -> None:
    result = assert_sacred(b"").decode()
    assert result.startswith("---\nhfscore:\n  schema: 1\n")
    assert result.endswith(f"\n---\n\n{BEGIN}\n{SECTION}\n{END}\n")


def test_both_yaml_parsers_see_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = [path.read_bytes() for path in CARDS] + [front.encode() for front in FRONTS]
    fast = [spliced(card.replace(b"\n", eol)) for card in cards for eol in (b"\n", b"\r\n")]
    monkeypatch.setattr(front_matter, "_LOADER", yaml.SafeLoader)
    monkeypatch.setattr(front_matter, "_TEXT_LOADER", yaml.BaseLoader)
    assert fast == [spliced(card.replace(b"\n", eol)) for card in cards for eol in (b"\n", b"\r\n")]


# ---------------------------------------------------------------- the maintainer at work


@pytest.mark.parametrize("original", ["# T\n\ntext", "# T\n\ntext\n", "---\na: 1\n---\n# T\n\ntext\n"])
def test_text_added_around_the_section_survives_its_removal(original: str) -> None:
    card = spliced(original).decode()
    begin = next(line for line in card.split("\n") if line.startswith("<!-- hfscore:begin"))
    after = remove((card + "New after.\n").encode()).decode()
    assert after.startswith(original) and after.endswith("\n\nNew after.\n")
    assert remove((card + "\nNew after.\n").encode()).decode().endswith("text\n\nNew after.\n")
    before = remove(card.replace(begin, f"New before.\n\n{begin}").encode()).decode()
    assert original.rstrip("\n") in before and "New before." in before
    top = remove(card.replace("# T", "# New title").encode()).decode()
    assert top == original.replace("# T", "# New title")


@pytest.mark.parametrize("original", ["text", "text\n"])
def test_a_formatter_that_folds_blank_lines_costs_no_line_end(original: str) -> None:
    card = spliced(original).decode()
    tight = card.replace(f"text\n\n{BEGIN[:18]}", f"text\n{BEGIN[:18]}")
    assert tight != card
    assert remove(tight.encode()) == original.encode()
    loose = re.sub(r"(<!-- hfscore:begin [^\n]*\n)", r"\1\n\n", card)
    assert remove(loose.encode()) == original.encode()
    assert spliced(loose) == card.encode()


def test_text_changed_between_the_markers_is_replaced() -> None:
    card = spliced("# T\n")
    assert spliced(card.replace(b"95.9%", b"100%")) == card


def test_keys_added_to_our_front_matter_stay() -> None:
    card = spliced("# T\n").replace(b"\n---\n\n<!--", b"\n---\n\n<!--")
    card = card.replace(b"---\n# T", b"license: mit\n---\n# T")
    assert remove(card) == b"---\nlicense: mit\n---\n# T\n"
    assert list(parts(spliced(card, OTHER_SECTION, **OTHER_IDENTITY))[0]) == ["hfscore", "license"]


def test_a_section_without_its_block_and_a_block_without_its_section() -> None:
    card = b"---\nlicense: mit\n---\n# T\n"
    result = spliced(card)
    section_gone = result[: result.index(b"\n<!-- hfscore:begin")]
    assert remove(section_gone) == card and spliced(section_gone) == result
    block_gone = card[:-4] + result[result.index(b"# T") :]
    assert read_identity(block_gone) is None
    assert remove(block_gone) == card and spliced(block_gone) == result


# ---------------------------------------------------------------- placed markers

BEGINS = ["<!-- hfscore:begin -->", "<!--hfscore:begin here, please-->", "  <!-- hfscore:begin v1 -->  ", BEGIN]


@pytest.mark.parametrize("begin", BEGINS)
@pytest.mark.parametrize("gap", ["", "\n", "\n  \n\n"])
@pytest.mark.parametrize("eol", ["\n", "\r\n"])
def test_empty_markers_choose_the_place_and_come_back(begin: str, gap: str, eol: str) -> None:
    card = f"# T\n\n{begin}\n{gap}{END}\n\n## After\n\n```\nopen".replace("\n", eol).encode()
    result = spliced(card)
    assert result.index(b"Validity") < result.index(b"## After")
    assert remove(result) == card
    assert spliced(result) == result
    assert spliced(spliced(result, OTHER_SECTION)) == result
    assert remove(card) == card
    emptied = re.sub(rb"(?s)(<!-- hfscore:begin [^\n]*\n).*(<!-- hfscore:end)", rb"\1\2", result)
    assert re.sub(rb"\s", b"", remove(emptied)) == re.sub(rb"\s", b"", card)


def test_markers_in_a_fence_are_documentation() -> None:
    card = "# T\n\n```md\n<!-- hfscore:begin -->\n<!-- hfscore:end -->\n```\n"
    assert spliced(card).decode().startswith(spliced("", OTHER_SECTION).decode()[:20])
    assert "```\n\n<!-- hfscore:begin v1" in spliced(card).decode()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (f"{BEGIN}\n", "1 begin and 0 end markers"),
        (f"{END}\n", "0 begin and 1 end markers"),
        (f"{END}\n{BEGIN}\n", "the end marker stands before the begin marker"),
        (f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n", "2 begin and 2 end markers"),
        (f"{BEGIN}\n{BEGIN}\n{END}\n", "2 begin and 1 end markers"),
        (f"{BEGIN}\n```\n{END}\n```\n", "1 begin and 0 end markers"),
        (f"- item\n\n  {BEGIN}\n  {END}\n", "inside a list, a quote or a block of HTML"),
        (f"> {BEGIN}\n> {END}\n", "inside a list, a quote or a block of HTML"),
        (f"<div>\n{BEGIN}\n{END}\n</div>\n", "inside a list, a quote or a block of HTML"),
        (f"<!-- hfscore:begin -->\nMy own words.\n{END}\n", "Text that hfscore did not write"),
        (f"<!-- hfscore:begin v2 (new) -->\nx\n{END}\n", "written by another hfscore (v2)"),
    ],
)
def test_markers_that_are_not_one_pair_are_refused(body: str, reason: str) -> None:
    assert reason in refusal(body)
    with pytest.raises(CardError):
        remove(body.encode())


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("# T\n\n```python\ncode\n", "inside a code fence that opens on line 6"),
        ("~~~\n```\n", "inside a code fence that opens on line 4"),
        ("- item\n  ```\n  open\n", "something before the section is still open"),
        ("> item\n>\n> <!-- open", "opens `<!--`"),
        ("<!-- never closed\n\n# T\n", "inside a comment or other block of HTML that opens on line 4"),
        ("<script>\n\nx\n", "inside a comment or other block of HTML"),
        ("<details>\n<summary>s</summary>\n\ntext\n", "opens `<details`"),
        ("<div>\n\n- a\n- <b>b\n", "opens `<div`"),
        ("text <table><tr> text\n", "opens `<table`"),
        ("<DIV>\n</p>\n", "opens `<div`"),
        ("<div>\n<!-- swallowed\n</div>\n\ntext\n", "opens `<div`"),
        ("<p>\n<!-- swallowed\n</p>\n\ntext\n", "opens `<!--`"),
    ],
)
def test_an_end_that_would_swallow_the_section_is_refused(body: str, reason: str) -> None:
    card = f"---\na: 1\n---\n{body}"
    assert reason in refusal(card)
    # What the hint says helps.
    placed = f"---\na: 1\n---\n<!-- hfscore:begin -->\n<!-- hfscore:end -->\n\n{body}"
    assert remove(spliced(placed)) == placed.encode()


@pytest.mark.parametrize(
    "body",
    [
        "<div>\n\n</div>\n",
        "- <div>closed by its item\n",
        "### <div>closed by its heading\n",
        "<a name='x'/>\n<br>\n<img src=x>\n<p>\n<unk> <eos>\n",
        "<details>\n\n- a\n\n  </details>\n",
        "<table><tr><td>x</table>\n",
    ],
)
def test_closed_html_is_no_reason(body: str) -> None:
    assert_sacred(body.encode())


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        (b"\xff# T\n", "not UTF-8 (byte 0)"),
        (b"# T\0\n", "NUL"),
        (b"# T\rold Mac\r", "carriage return"),
        ("\n" * 100_001, "100,001 lines" if False else "more than 100,000 lines"),
        ("---\nlicense: mit\n# T\n", "no line closes it"),
        ("\xa0---\nlicense: mit\n---\n", "unusual space"),
        ("\ufeff\ufeff---\nlicense: mit\n---\n", "unusual space"),
        ("---\n{license: mit}\n---\n", "not a block of `key: value`"),
        ("---\n{}\n---\n", "not a block of `key: value`"),
        ("---\n- a\n---\n", "not a block of `key: value`"),
        ("---\nprose\n---\n", "not a block of `key: value`"),
        ("---\na: [1\n---\n", "not valid YAML (line"),
        ("---\na: 1\nb: 'x\n---\n", "not valid YAML (line"),
        ("---\na: 1\n\tb: 2\n---\n", "not valid YAML (line 3"),
        ("---\na: \x01\n---\n", "not valid YAML"),
        ("---\na: *x\n---\n", "alias that nothing defines"),
        ("---\na: " + "[" * 70 + "]" * 70 + "\n---\n", "nested deeper than 64"),
        ("---\n--- \na: 1\n...\n---\n", "document marker"),
        ("---\na: 1\n...\n---\n", "document marker"),
        ("---\na: x\u2028y\n---\n", "U+2028"),
        ("---\n? a\n: 1\n---\n", "does not start its line"),
        ("---\n&x a: 1\nb: 2\n---\n", "") if False else ("---\n? a\n: 1\nb: 2\n---\n", "does not start its line"),
        ("---\nhfscore: 1\n---\n", "value hfscore did not write"),
        ("---\nhfscore:\n---\n", "value hfscore did not write"),
        ("---\nhfscore: true\n---\n", "value hfscore did not write"),
        ("---\nhfscore: [a]\n---\n", "value hfscore did not write"),
        ("---\nhfscore: {score: 0.9}\n---\n", "value hfscore did not write"),
        ("---\nhfscore: &x [*x]\n---\n", "value hfscore did not write"),
        ("---\na: &x 1\nhfscore: *x\n---\n", "value hfscore did not write"),
        ("---\nhfscore:\n  schema: 1\n  judge: .nan\n---\n", "value hfscore did not write"),
        ("---\nhfscore:\n  schema: 2\n  new: a\n---\n", "another hfscore (schema 2)"),
        ("---\nhfscore: false\nhfscore: false\n---\n", "more than once"),
        ("---\nhfscore:\n  schema: 1\n  # mine\n  version: 0.1.0\n---\n", "A comment stands inside"),
        ("---\nhfscore:\n  schema: 1\n  version: 0.1.0 # mine\n---\n", "A comment stands inside"),
        ("---\nhfscore: false\n---\n", "its maintainer wants no section"),
    ],
)
def test_what_cannot_be_spliced_is_refused_with_the_reason(card: str | bytes, reason: str) -> None:
    assert reason in refusal(card)


def test_removal_that_would_change_a_neighbour_is_refused() -> None:
    card = spliced("---\na: 1\n---\n").replace(b"\na: 1\n", b"\na: |\n  text\n")
    with pytest.raises(CardError, match="another key"):
        remove(card)


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("a\r\nb", "carriage return"),
        (f"a\n\n{END}\n", "holds a marker"),
        ("[ref]: https://example.org\n\ntext", "link references"),
        ("<details>\n\ntext", "opens `<details`"),
        ("```\nopen", "leaves a code fence"),
        ("<!-- open", "leaves a code fence or an HTML comment open"),
    ],
)
def test_a_section_that_cannot_stand_in_a_card_is_refused(section: str, reason: str) -> None:
    assert reason in refusal("# T\n", section=section)


# ---------------------------------------------------------------- hands off


@pytest.mark.parametrize("value", ["false", "False", "no", "off", "'false'", "false # please"])
def test_hands_off(value: str) -> None:
    card = f"---\nlicense: mit\nhfscore: {value}\n---\n# T\n".encode()
    assert hands_off(card)
    assert read_identity(card) is None
    assert remove(card) == card
    assert "wants no section" in refusal(card)


def test_hands_off_after_a_section_takes_only_the_section() -> None:
    card = spliced("---\nlicense: mit\n---\n# T\n")
    declined = re.sub(rb"hfscore:\n(  .*\n)*", b"hfscore: false\n", card)
    assert not hands_off(card) and hands_off(declined)
    assert remove(declined) == b"---\nlicense: mit\nhfscore: false\n---\n# T\n"


@pytest.mark.parametrize("card", [b"", b"# T\n", b"---\nlicense: mit\n---\n", BEGIN.encode()])
def test_nothing_of_ours(card: bytes) -> None:
    assert read_identity(card) is None
    assert not hands_off(card)


def test_unreadable_cards_are_not_taken_for_consent() -> None:
    for card in (b"\xff", b"---\na: [\n---\n", b"---\nhfscore: 3\n---\n"):
        with pytest.raises(CardError):
            hands_off(card)
        with pytest.raises(CardError):
            read_identity(card)


# ---------------------------------------------------------------- identity


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("data_revision", "4f2a9c1e"),
        ("data_revision", "0123456789"),
        ("data_revision", "12e4567"),
        ("data_revision", "1e3"),
        ("judge", "0x1F"),
        ("judge", "0o17"),
        ("judge", "1_000"),
        ("judge", "-.5"),
        ("judge", "12:30:45"),
        ("judge", "2026-11-18"),
        ("judge", "NaN"),
        ("judge", ".inf"),
        ("judge", "No"),
        ("judge", "~"),
        ("judge", "a\nlicense: other"),
        ("judge", "a # b"),
        ("judge", "a\u2028b"),
        ("judge", "a\x1b[31m"),
        ("judge", " a"),
        ("judge", ""),
        ("judge", "x" * 301),
        ("judge", 0.5),
        ("judge", float("nan")),
        ("judge", True),
        ("judge", None),
        ("judge", 2**53),
        ("judge", {"a": "b"}),
        ("students", ["a/b", "1e3"]),
        ("students", ["a/b", 1]),
        ("schema", 2),
        ("schema", True),
        ("schema", "1"),
        ("no", "a/b"),
        ("Judge", "a/b"),
        ("a: b", "a/b"),
    ],
)
def test_an_identity_that_would_not_survive_is_refused(name: str, value: object) -> None:
    assert f"`{name}`" in (message := refusal("# T\n", **{**IDENTITY, name: value})) or ("is no key" in message)


def test_an_identity_needs_its_schema() -> None:
    assert "`schema` is not 1" in refusal("# T\n", judge="a/b")


class _Yaml12(yaml.SafeLoader):
    """Reads plain scalars as js-yaml does: the 1.2 core schema with its extensions."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


for _tag, _pattern in {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0o[0-7_]+|[0-9][0-9_]*)",
    "float": r"[-+]?([0-9][0-9_]*)(\.[0-9_]*)?([eE][-+]?[0-9]+)?|[-+]?\.[0-9_]+([eE][-+]?[0-9]+)?"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    "timestamp": r"\d{4}-\d\d?-\d\d?([Tt ]+\d\d?:\d\d:\d\d(\.\d*)?\s*(Z|[-+]\d\d?(:\d\d)?)?)?",
    "merge": "<<",
}.items():
    _Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), None)


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.text(max_size=20),
        st.text(alphabet="0123456789abcdefxo_.:+-eETZ~", max_size=12),
        st.from_regex(r"(git|sha256):[0-9a-f]{7,12}", fullmatch=True),
    )
)
@example("0123456789")
@example("2026-11-18T09:12:44Z")
@example("01-org/model")
@example("1.10")
def test_what_is_let_in_means_the_same_to_every_reader(value: str) -> None:
    identity = {"schema": 1, "judge": value, "students": [value]}
    if flaw(identity):
        return
    card = spliced("---\nlicense: mit\n---\n", **identity)
    written = HUB_BLOCK.match(card.decode())
    assert written
    # PyYAML's rewrite, which drops the quotes it finds needless, once more and once less.
    rewritten = yaml.dump(yaml.safe_load(written[2]), allow_unicode=True, sort_keys=False)
    for block in (written[2], rewritten):
        assert yaml.safe_load(block)["hfscore"] == identity
        strings = yaml.load(block, Loader=_Yaml12)["hfscore"]
        assert (strings["judge"], strings["students"]) == (value, [value])
        assert read_identity(f"---\n{block}\n---\n".encode()) == identity


def test_a_timestamp_that_lost_its_quotes_is_still_read() -> None:
    card = spliced("# T\n").replace(b'"2026-11-18T09:12:44Z"', b"2026-11-18T09:12:44Z")
    assert read_identity(card) == IDENTITY


# ---------------------------------------------------------------- time


@pytest.mark.parametrize("unit", ["-", "`", "<", "[", "|", "> ", "<a ", "<!--", "<div>\n", "*a ", "\\`"])
def test_hostile_cards_take_no_time(unit: str) -> None:
    flood = unit * (1_000_000 // len(unit))
    began = time.perf_counter()
    for card in (flood, f"---\na: 1\n---\n{flood}\n", f"---\n{flood}\n---\n", f"---\nk: {flood}\n---\n"):
        try:
            result = spliced(card)
        except CardError:
            continue
        assert remove(result) == card.encode()
    assert time.perf_counter() - began < 12


def test_a_front_matter_of_39000_lines() -> None:
    features = "".join(f"  - name: f{i}\n    dtype: string\n" for i in range(18))
    configs = "".join(f"- config_name: c{i}\n  features:\n{features}" for i in range(1000))
    card = f"---\ndataset_info:\n{configs}---\n# T\n".encode()
    began = time.perf_counter()
    assert remove(spliced(card)) == card
    assert time.perf_counter() - began < 10
