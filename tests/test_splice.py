"""Splicing a section into a card: every byte that is not ours stays, and comes back on removal."""

from __future__ import annotations

import itertools
import re
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from hfscore.card import front_matter
from hfscore.card.splice import BEGIN, END, read_identity, remove
from hfscore.errors import CardError
from tests.splicing import (
    BODIES,
    CARDS,
    FRONTS,
    IDENTITY,
    OTHER_IDENTITY,
    OTHER_SECTION,
    SECTION,
    assert_sacred,
    body_of,
    parts,
    rendered,
    spliced,
    without_section,
)

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


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
def test_a_made_up_card_rewritten_by_the_hub_client_is_still_ours(eol: str) -> None:
    from huggingface_hub import DatasetCard

    readable = [front for front in FRONTS if "1: a" not in front and "!custom" not in front]
    assert len(readable) > 15
    for front in readable:
        card = front.replace("\n", eol).encode()
        rewritten = str(DatasetCard(spliced(card).decode())).encode()
        assert read_identity(rewritten) == IDENTITY
        assert body_of(remove(rewritten)) == body_of(card)
        assert remove(spliced(rewritten)) == remove(rewritten)


def test_the_cards_hold_the_traps_they_were_chosen_for() -> None:
    text = {path.stem: path.read_bytes().decode() for path in CARDS}
    assert not text["pandas"].startswith("---") and not text["pandas"].endswith("\n")
    assert "\n\n---\n" in text["casino"]
    assert text["moroco"].endswith("\n\n")
    assert len(re.findall(r"(?m)^```", text["turk"])) % 2
    assert "<details" in text["quickdraw"]
    assert max(text["wisesight1000"]) > "\uffff"


# ---------------------------------------------------------------- made-up cards


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
    card = spliced("# T\n").replace(b"---\n# T", b"license: mit\n---\n# T")
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


# ---------------------------------------------------------------- time


@pytest.mark.parametrize("unit", ["-", "`", "<", "[", "|", "> ", "<a ", "<!--", "<div>\n", "*a ", "\\`"])
def test_hostile_cards_take_no_time(unit: str) -> None:
    flood = unit * (1_000_000 // len(unit))
    began = time.process_time()
    for card in (flood, f"---\na: 1\n---\n{flood}\n", f"---\n{flood}\n---\n", f"---\nk: {flood}\n---\n"):
        try:
            result = spliced(card)
        except CardError:
            continue
        assert remove(result) == card.encode()
    assert time.process_time() - began < 6


def test_a_front_matter_of_39000_lines() -> None:
    features = "".join(f"  - name: f{i}\n    dtype: string\n" for i in range(18))
    configs = "".join(f"- config_name: c{i}\n  features:\n{features}" for i in range(1000))
    card = f"---\ndataset_info:\n{configs}---\n# T\n".encode()
    began = time.process_time()
    assert remove(spliced(card)) == card
    assert time.process_time() - began < 8
