"""Cards and sections that are refused, each for its reason; maintainers who decline; what an identity may say."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hfscore.card.identity import flaw
from hfscore.card.splice import BEGIN, END, hands_off, read_identity, remove
from hfscore.errors import CardError
from tests.splicing import HUB_BLOCK, IDENTITY, assert_sacred, refusal, spliced


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
        ("\n" * 100_001, "more than 100,000 lines"),
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
        ("---\n!!map\n&x a: 1\n? b\n: 2\nc: |\n  d\n? e\n: |\n  f\n---\n", "does not start its line"),
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
