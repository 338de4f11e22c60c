"""How numbers are written for people: true minus signs, thousands apart, as many decimals as say something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hfscore.spec import Unit

EXTRA = 2  # decimals given beyond those asked for, where fewer would hide what an interval says
NOTHING = 1e-9  # an end of an interval nearer to 0 than this is 0: what is left is rounding of sums
_LARGE = 1e9  # from here on powers of ten, counts excepted


@dataclass(frozen=True, slots=True)
class Style:
    """How the values of one metric are written: shares as percentages, the rest as they are."""

    digits: int
    unit: Unit = ""

    def number(self, value: float) -> str:
        """ "0.41", "−3", "91.6%"."""
        return self._bare(value) + ("%" if self.unit == "share" else "")

    def span(self, low: float, high: float) -> str:
        """ "0.39–0.43", "90.1–93.0%"; "−0.04 to 0.00" where a sign would run into the dash."""
        return _joined(self._bare(low), self._bare(high)) + ("%" if self.unit == "share" else "")

    def gap(self, value: float) -> str:
        """A difference: "+0.02", "−0.8 points"; "0.00" has no sign."""
        bare = self._bare(value)
        sign = "+" if value > 0 and bare.strip("0.,") else ""
        return sign + bare + (" points" if self.unit == "share" else "")

    def gap_span(self, low: float, high: float) -> str:
        """Ends of a difference, without a unit."""
        return _joined(self._bare(low), self._bare(high))

    def _bare(self, value: float) -> str:
        return number(100 * value if self.unit == "share" else value, self.digits)


def number(value: float, digits: int) -> str:
    """ "−0.41", "12,345.0", "1.2e+12"; a value that rounds to nothing has no sign."""
    text = f"{value:,.{digits}f}" if abs(value) < _LARGE else f"{value:.3g}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", "−")


def count(value: int) -> str:
    """ "12,345"."""
    return f"{value:,}".replace("-", "−")


def _joined(first: str, last: str) -> str:
    return f"{first} to {last}" if "−" in first + last else f"{first}–{last}"


def style(digits: int, unit: Unit, spans: Iterable[tuple[float, float]]) -> Style:
    """The fewest decimals at which every interval has two different ends and none seems to touch 0 that does not.

    Args:
        digits: What the metric asks for; at most `EXTRA` more are given.
        unit: What it counts.
        spans: Ends of intervals that will be printed side by side.
    """
    ends = [(low, high) for low, high in spans if low != high]
    styles = [Style(digits + extra, unit) for extra in range(EXTRA + 1)]
    return next((one for one in styles if all(_telling(one, *end) for end in ends)), styles[-1])


def _telling(one: Style, low: float, high: float) -> bool:
    first, last, zero = one.number(low), one.number(high), one.number(0.0)
    return first != last and not (low > NOTHING and first == zero) and not (high < -NOTHING and last == zero)
