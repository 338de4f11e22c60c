"""Whether a program can check an answer against a reference: by the reference's form alone."""

from __future__ import annotations

import re

CHECKABLE_WORDS = 5
CHECKABLE_CHARACTERS = 60
FORMULA_CHARACTERS = 200
HEAD = 20_000  # characters in which test cases show themselves

_TESTS = re.compile(
    r"^[ \t]{0,16}(?:assert\b|self\.assert\w|def test_|class Test\w)|\bassert(?:Equal|_eq)\b"
    r"|[\"'](?:inputs?|stdin|fn_name|test_?cases?|unit_?tests?|expected_outputs?)[\"'] {0,3}:",
    re.MULTILINE | re.IGNORECASE,
)
_FINAL = re.compile(r"\\boxed\s{0,3}\{|^####\s{0,3}\S", re.MULTILINE)
_COMMAND = re.compile(r"\\[A-Za-z]{1,30}")
_WORD = re.compile(r"[^\W\d_]{4}")


def is_checkable(reference: str) -> bool:
    """Whether a reference is made of test cases, ends in a marked answer, or is short: a number, a label, a formula.

    Args:
        reference: The reference answer, not blank.

    Returns:
        True for tests; for a text with a marked final answer (`\\boxed{}`, `####`); for at most
        `CHECKABLE_WORDS` words in `CHECKABLE_CHARACTERS`; for a formula, in which no run of four letters stands
        once LaTeX commands are left out. A worked solution or a code listing without tests needs a judge.
    """
    text = reference.strip()
    if _TESTS.search(text[:HEAD]) or _FINAL.search(text):
        return True
    if len(text) <= CHECKABLE_CHARACTERS and len(text.split()) <= CHECKABLE_WORDS:
        return True
    return len(text) <= FORMULA_CHARACTERS and _WORD.search(_COMMAND.sub(" ", text)) is None
