"""Words the splitter knows, English and Polish together: the language of a trace is not asked for.

All lower case; abbreviations stand without their last dot. A word that is also a common English or
Polish word ("red.", "in.", "max.") is left out: a missed cut costs less than a glued pair of sentences.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEVER_LAST = _words(
    # English
    "mr mrs ms dr prof rev hon gen col capt lt sgt st mt e.g i.e eg ie cf viz vs resp approx ca incl esp w.r.t "
    # Polish
    "np tj tzn tzw tzv m.in por zob ul al os pl św bp ks mgr inż hab lek wg płk kpt ppłk gen"
)
"""Abbreviations that no sentence ends with, whatever follows."""

OFTEN_LAST = _words("etc itd itp")
"""Abbreviations that end a sentence wherever a capital follows."""

MAY_BE_LAST = _words("inc ltd co corp jr sr r w")
"""Abbreviations that end a sentence only where one of `STARTERS` follows, as "a.m." and "U.S." do."""

BEFORE_NUMBER = _words(
    "no nos nr fig figs eq eqs eqn sec ch chap p pp vol thm lem prop cor def ex tab app art ver "
    "str s rys pkt poz ust zad rozdz tw godz ok lp wz "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
"""Abbreviations only where a number follows: "No. 5", "ok. 20 km"; elsewhere words ("No. That is wrong.")."""

SPACED = (" m. in", " i. e", " e. g", " n. e", " o. o")
"""Abbreviations written with spaces; a space, and what stands before the last dot."""

STARTERS = _words(
    # English
    "the this that these those there then thus therefore so but now we let let's if since because hence first second "
    "third next finally also however it it's its i i'm i'll he she they you in for to when what which why how where "
    "wait hmm okay ok alright actually alternatively again yes no maybe perhaps not at on from given suppose assume "
    "consider using substituting another similarly moreover meanwhile overall after before each all both here "
    # Polish
    "więc zatem czyli stąd dlatego teraz następnie potem najpierw potrzebujemy mamy jeśli jeżeli gdy ponieważ ale "
    "jednak to ten ta te tak nie być może czekaj dobrze sprawdźmy policzmy obliczmy niech skoro po w na dla aby żeby "
    "wtedy ostatecznie odpowiedź podsumowując wynik razem łącznie możemy musimy"
)
"""Words that begin a sentence often enough to tell "angle A. Then" from "J. Smith"."""

STARTERS_IN_LOWER_CASE = _words(
    "then so but now we let let's if since because hence thus therefore this that's it's i i'm he she they however "
    "also finally next wait hmm okay ok alright actually alternatively what how why suppose assume "
    "więc zatem czyli stąd dlatego teraz następnie potem mamy jeśli jeżeli czekaj"
)
"""Words that begin a sentence even where the writer uses no capitals."""

LETTERED = _words(
    "angle answer arc box case choice circle class edge event graph group house label letter line matrix node option "
    "player point row segment set side team triangle type vertex vitamin "
    "grupa kąt klasa odcinek odpowiedź opcja punkt trójkąt wierzchołek zbiór"
)
"""Nouns that a capital letter names: in "Class B. Then", "B." is no initial."""

RESTARTS = _words("wait no hmm hold actually sorry oops czekaj nie hm chwila zaraz")
"""Words with which a writer breaks off, after an ellipsis: "that is 13... wait, no"."""

INTERJECTIONS = _words(
    "okay ok so wait hmm hm ah oh well yes no right alright now then but and first yeah sure great "
    "no tak dobra dobrze więc ale czekaj"
)
"""Words that make no clause of their own: "Okay, so I need" holds one clause, not two."""

CLAUSE_OPENERS = (
    # English
    "so",
    "but",
    "therefore",
    "thus",
    "hence",
    "and so",
    "and therefore",
    "and thus",
    "and hence",
    "which means",
    "which implies",
    "which gives",
    "which simplifies",
    "which leads",
    "which shows",
    "which tells",
    # Polish
    "więc",
    "a więc",
    "zatem",
    "a zatem",
    "czyli",
    "stąd",
    "dlatego",
    "ale",
    "co oznacza",
    "co daje",
)
"""After a comma, these open a clause that claims something of its own."""

NOT_CLAUSES = (
    *("so that", "so far", "so much", "so many", "so on", "so called", "so-"),
    *("but also", "but rather", "but instead", "but not", "ale także", "ale też", "ale nie", "ale również"),
    "dlatego że",
)
"""Beginnings that look like `CLAUSE_OPENERS` and are none."""

STEP_WORDS = ("step", "case", "part", "method", "approach", "option", "krok", "etap", "przypadek", "część", "metoda")
"""Words that a number follows in a label: "Step 1:", "Krok 2."."""
