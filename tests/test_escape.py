"""What comes from a dataset is shown, and does nothing."""

from __future__ import annotations

import shlex
import subprocess
import unicodedata
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hfscore import escape

NASTY = (
    "a|b",
    "``` ` ``",
    "<script>alert(1)</script>",
    "</details><b>x",
    "](http://evil.example)",
    "![x](http://evil.example/x.png)",
    "[x]: http://evil.example",
    "line\nbreak\r\n\r\n# heading",
    "$$x$$ and \\(y\\) and $z$",
    "\u202eabc\u2066\u200f",
    "--> <!-- hfscore:end -->",
    "{{ 7 * 7 }}{% raw %}",
    "@someone #1 :smile: www.evil.example https://evil.example a@b.example",
    "arxiv.org/abs/2605.13290 arXiv:2605.13290",
    "*em* _em_ **b** ~~s~~ \\",
    "- item",
    "1. item",
    "1) item",
    "+ item",
    "===",
    "---",
    "> quote",
    "    code",
    "&lt;b&gt; &#124; &amp;",
    "\x1b[31mred\x1b]8;;http://evil.example\x07link\x1b]8;;\x07",
    "\x00\x07\x7f\x9b",
    "\ud800",
    "",
    " ",
    "x" * 400,
    "עברית العربية",
    "' ; rm -rf ~ #",
    "a\\|b",
)
TEXTS = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=40), st.text("|`<>\\*_~[]()$#@!&-+=.:/ \n\t0123aw", max_size=20)
)
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
CONTEXTS = ("{}", "before {} after", "- {}", "**{}**", "> {}", "| h |\n| --- |\n| {} |", "[{}](http://ok.example)")


def shown(markdown: str, template: str) -> tuple[str, set[str]]:
    """The text that a reader sees, and the kinds of inline tokens that make it."""
    inline = [token for token in MARKDOWN.parse(template.replace("{}", markdown)) if token.type == "inline"]
    children = [child for token in inline for child in token.children or ()]
    text = "".join(child.content for child in children if child.type in ("text", "code_inline"))
    return text.replace(escape.WORD_JOINER, ""), {child.type for child in children}


def block_kinds(markdown: str) -> list[str]:
    return [token.type for token in MARKDOWN.parse(markdown)]


@pytest.mark.parametrize("template", CONTEXTS)
@given(text=TEXTS)
@settings(max_examples=150)
def test_markdown_shows_the_text_and_nothing_else(template: str, text: str) -> None:
    words = "before {} after" if "before" in template else "h{}" if "| h |" in template else "{}"
    made = escape.markdown(text)
    found, kinds = shown(made, template)
    assert found == words.replace("{}", escape.plain(text)).strip()
    assert kinds <= {"text", "link_open", "link_close", "strong_open", "strong_close"}
    if escape.plain(text):
        assert block_kinds(template.replace("{}", made)) == block_kinds(template.replace("{}", "word"))


@given(text=TEXTS)
def test_no_character_that_a_renderer_could_take_for_markup_is_left(text: str) -> None:
    made = escape.markdown(text)
    bare = "".join(part.split(";", 1)[-1] if n else part for n, part in enumerate(made.split("&#")))
    assert not set(bare) & set("<>|`\\*_~[]$@#&\n")
    for live in ("://", "www.", "arxiv.org", "arXiv:"):
        assert live not in made


@pytest.mark.parametrize("template", ["{}", "x {} y", "| h |\n| --- |\n| {} |"])
@given(text=TEXTS)
def test_code_shows_the_text(template: str, text: str) -> None:
    found, kinds = shown(escape.code(text), template)
    assert (escape.plain(text) or "(empty)") in found
    assert kinds <= {"text", "code_inline"}


def test_code_is_a_code_span_where_it_can_be() -> None:
    assert escape.code("6b_finetuning/test") == "`6b_finetuning/test`"
    assert escape.code("a`b|c") == "a&#96;b&#124;c"
    assert escape.code("\u200f") == "(empty)"
    assert "arxiv.org" not in escape.code("https://arxiv.org/abs/2605.13290")


@given(text=TEXTS)
def test_terminal_text_moves_and_hides_nothing(text: str) -> None:
    made = escape.terminal(text)
    assert not any(unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") for one in made)
    made.encode()


def test_terminal_keeps_what_can_be_read() -> None:
    assert escape.terminal("  a\tb\x1b[1;31mred\x1b[0m\x1b]0;title\x07!\u202e") == "  a bred!"
    assert escape.terminal("\x1b]8;;http://never-ended") == "8;;http://never-ended"
    assert escape.terminal("zażółć 数学 🙂 \ud83d") == "zażółć 数学 🙂 \ufffd"


def test_terminal_time_grows_with_length_only() -> None:
    assert escape.terminal("\x1b]" * 200_000) == ""
    assert len(escape.markdown(":a" * 100_000)) >= 200_000


@given(text=TEXTS)
@example(text="a/b?c#d&e=f%20 (x)")
def test_url_part_is_one_part(text: str) -> None:
    made = escape.url_part(text)
    split = urlsplit(f"http://h.example/x/{made}/y")
    assert split.path == f"/x/{made}/y"
    assert not split.query
    assert not split.fragment
    assert not set(made) & set("/?#()<>[]|`\\ \n")
    assert unquote(made) == text.encode("utf-8", "replace").decode()


@given(text=st.text(max_size=60), limit=st.integers(5, 50))
def test_clip_is_bounded_and_says_so(text: str, limit: int) -> None:
    made = escape.clip(text, limit)
    assert len(made) <= limit
    assert made == text or "…" in made
    assert escape.clip("config-with-a-long-name-ending-in-v2", 20) == "config-with-a…-in-v2"


WORDS = st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=15), min_size=1)


@given(words=WORDS)
@example(words=["--config", "a b\n<!-- hfscore:end -->\n```"])
@settings(max_examples=60)
def test_a_shell_line_says_the_same_to_bash(words: list[str]) -> None:
    line = escape.shell(shlex.join(words))
    assert escape.terminal(line) == line
    assert "<!--" not in line
    done = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True)
    assert done.stdout == b"".join(word.encode() + b"\0" for word in words)


def test_a_line_that_no_shell_reads_is_still_one_line() -> None:
    assert escape.shell("hfscore 'never\nclosed") == "hfscore 'never closed"
