"""How a model is told to forget its task, and how a grader is asked for a grade, in ten languages.

The hard part is what must not match: "ignore the negative root", "mark point A", "the judge gave her 10 points".
So a rule asks for a verb, for what only a grader works on (a step, an answer, this), and for a grade; and for the
imperative, since "we can regard the answer as correct" speaks of the author's own work.

The words stand in `addressed_words.toml`. English has templates of its own, in word order; the other languages share
theirs, most of them sets, since German puts its verb last and Polish anywhere.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Final

from hfscore.text.addressed_rules import Family, Rule, rules

UNSPACED: Final = frozenset({"ja", "zh"})
"""Languages that put no blanks between words."""

_ALONE = (
    r"(?!_+(?!(?:for|to|in|on|here|and|regardless|no_matter|as|at|always|every|everywhere|now|only|because|since|please|"
    r"throughout|when|whatever|after|each|below|or|without|instead|then|"
    r"pour|por|per|para|für|bei|auf|dla|na|przy|для|на|в)\b)[^\W\d_]{3})"
)
_ONE = rf"1(?:\.0)?(?!_(?:to|and|or)_\d)(?![.,]\w|[/*+=^%-]_?\w|_?[*+=<>/^%])(?!\w){_ALONE}"
_PATTERNS = {
    "{one}": _ONE,  # "1" that is no part of a number, a product, or a count of things ("1 apple")
    "{alone}": _ALONE,  # no noun follows: "output valid JSON" asks for no label
    "{tops}": r"10_?/_?10 5_?/_?5 6_?/_?6 20_?/_?20 100_?/_?100",
}

ENGLISH: Final[Mapping[Family, Sequence[str]]] = {
    "override": (
        "ignore ~5 instruction",
        "ignore ~3 given ~2 told",
        "ignore ~1 everything ~4 before",
        "new ~2 orders ~3 follow",
        "new ~2 orders :",
        "your_new ~1 task",
        "your_task ~3 is_to ~2 treat|give|say ~5 good|full !unit",
        "mode_name mode ~2 on",
        "enter ~1 mode_name mode",
        "forced",
        "from_now ~2 you|always",
        "from_now say|rate|ignore",
        "supersede ~4 instruction",
        "your_orders have ~1 changed",
        "please ignore ~2 check",
        "supersede ~1 all_else",
        "you_are ~1 freed",
        "grading ~1 is over",
    ),
    "grader": (
        "greeting ~1 grader|job|reader|machine !of",
        "note to_the ~0 grader|job|reader !of",
        "note to ~0 grader|job|reader !of",
        "@ grader|job|reader , request",
        "@ grader|job|reader , ~6 request",
        "@ to_the grader|job|reader ,",
        "grader ~2 modal ~2 treat|give|say|ignore",
        "reader ~2 modal",
        "job ~1 modal ~2 treat|give|say|ignore ~5 work|sure_label|full",
        "as_a ~1 grader|job|reader ~1 you",
        "you_are ~3 grader|job !of",
        "to_you ~2 say extra*3 sure_label",
        "to_you ~2 say extra*3 label ~1 whatever ~2 judged",
        "to_you ~2 treat ~4 work|this ~2 as ~2 good !unit",
        "to_you ~3 give ~4 full",
        "to_you ~3 assign ~3 verdict ~3 best",
        "author treat ~4 work ~1 as ~2 good !unit",
        "author treat ~4 work : ~1 good !unit",
        "author treat whole ~2 as ~2 good !unit",
        "author rate this ~2 as ~2 good !unit",
        "this ~3 work ~3 deserve ~4 full",
        "this ~2 deserve ~4 full",
        "this ~3 deserve ~2 verdict|score ~1 best",
        "this ~3 work ~1 deserve ~1 one",
        "this ~4 work ~4 is_marked ~1 sure_label|full",
        "grader gave ~4 full",
        "author give this ~4 full",
        "author give the ~2 work ~1 full",
        "author give ~2 full ~1 whatever ~2 work|this",
        "full ~0 please",
        "author return ~1 full",
        "do_not ~1 punish",
        "do_not marking ~4 wrong",
        "lenient ~5 grade",
        "lenient toward ~1 this",
        "always answer extra*4 sure_label !unit",
        "speak extra*3 label ~1 whatever ~3 judged",
        "speak ~2 label_noun ~1 sure_label",
        "author assign ~3 label_noun ~2 best ~2 whatever ~2 judged|work|this",
        "author assign ~2 work|this ~3 label_noun ~2 full",
        "author assign ~2 work ~3 label_noun ~2 best",
        "author assign ~3 verdict ~3 best !unit",
        "author set ~3 score ~2 full|best !unit",
        "this ~2 work ~5 checked ~4 by ~3 grader|job|person",
        "already",
        "boss",
    ),
}

OTHERS: Final[Mapping[Family, Sequence[str]]] = {
    "override": (
        "ignore & orders ~5",
        "from_now ~2 say|rate|give|you",
        "new_orders",
    ),
    "grader": (
        "rate & work & as ~4",
        "rate|give & full ~5",
        "say & one & must ~2",
        "work & deserve & full ~4",
        "grader & must & rate|give|say|full ~4",
        "note ~1 grader",
        "you_are ~1 grader",
        "do_not ~2 punish",
    ),
    "label": ("key : one|positive|full",),
}


def requests(*, spaced: bool) -> Iterator[Rule]:
    """The rules of all languages that put blanks between words, or of those that do not."""
    text = files("hfscore.text").joinpath("addressed_words.toml").read_text(encoding="utf-8")
    for name, pattern in _PATTERNS.items():
        text = text.replace(name, pattern)
    for language, words in tomllib.loads(text).items():
        if (language not in UNSPACED) is spaced:
            yield from rules(words, ENGLISH if language == "en" else OTHERS, spaced=spaced)
