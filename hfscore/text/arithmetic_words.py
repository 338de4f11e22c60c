"""Words that bear on the numbers beside them, English and Polish, in lower case."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Behind or before a number they change what it means: "half of 20 + 5 = 15" is no wrong equation.
SCALES = _words("""
    half halves third thirds quarter quarters fourth fifth sixth tenth hundred hundreds thousand thousands million
    millions billion billions trillion dozen dozens score pi squared cubed factorial mod modulo choose times plus
    minus divided multiplied over power percent percentage remainder rem cent cents ¢ penny pennies st nd rd th
    tysiąc tysiące tysięcy tys mln mld tuzin tuziny razy dzielone reszta reszty połowa grosz grosze groszy gr
    kwadrat do
""")
# The same, before a number only.
MODIFIERS = SCALES | _words("""
    of twice thrice double triple quadruple by root log ln exp sin cos tan sqrt from than average mean ratio
    difference product quotient per z ze przez pierwiastek dwukrotność
""")
# Before "of", these name a sum that follows: "a total of 5 + 3 = 8".
TOTALS = _words("total sum cost amount price value")
# They make one sum of two: "add 10 to the 29 + 24", "1 and 1/4".
LINKS = _words("and to with plus oraz i a do")
# They are no unit.
GRAMMAR = LINKS | _words("""
    so then thus hence if or but we he she it they the this that which where is are was were be gives get because
    since more czyli więc jest
""")
# Their number is a name: "on day 1 * 2" is no product.
NUMBERED = _words("""
    day week month year hour step case part number no round stage phase problem question option figure table
    chapter person level grade dzień krok
""")
# A letter gets no value behind them: "either x = 0 or x + 2 = 0".
CONDITIONS = _words("if or either suppose assume when whether case unless lub albo jeśli gdy jeżeli załóżmy")
# Behind an equals sign they make it "about equal".
APPROXIMATELY = _words("about approximately around roughly nearly almost approx circa około ok ok.")
# With these a difference is told without its sign: 160 - 240 = 80 less.
LESS = _words("less fewer lower short under behind below mniej")
PERCENT_WORDS = _words("percent procent proc")
