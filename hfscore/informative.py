"""Which metrics a report's controls leave uninformative on its data, and why, in words.

Catalogue §3b asks for a clear response where its table gives a sign; how far a metric that should stay may move it
leaves to the test. Here a metric is uninformative where damage that should raise or lower it does not, and where damage
that should leave it moves it at least as far as the weakest damage that should move it: its value cannot tell the two
apart. One that moves less than that, and more than it should, is shown as not as tabled and stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hfscore.damage import DAMAGES
from hfscore.report import Control

SIGNS = ("+", "-")


@dataclass(frozen=True, slots=True)
class Failure:
    """A response that leaves a metric uninformative.

    Args:
        control: Its control at full dose.
        beside: Where the metric should have stayed: the weakest move that it should make, which is no stronger.
    """

    control: Control
    beside: Control | None = None

    @property
    def words(self) -> str:
        """What happened, without the metric's name and without a full stop."""
        planted = title(self.control.damage)
        if self.beside is None:
            back = self.control.difference_high < 0 if self.control.expected == "+" else self.control.difference_low > 0
            should = "raise" if self.control.expected == "+" else "lower"
            other = "lowered" if self.control.expected == "+" else "raised"
            return f"{planted} should {should} it and {other + ' it' if back else 'did not'}"
        should = "leave it" if self.control.expected == "0" else "lower it or leave it"
        moved = "raised" if self.control.difference > 0 else "lowered"
        weakest = f"{title(self.beside.damage)}, which should move it"
        return f"{planted} should {should} and {moved} it at least as far as {weakest}"


def title(damage: str) -> str:
    """A corruption in a few words, with quotation marks."""
    return f"'{DAMAGES[damage].title if damage in DAMAGES else damage}'"


def told(controls: Sequence[Control]) -> list[Control]:
    """Controls at full dose that people are shown: what should rise or fall, and whatever did not do as tabled."""
    return [one for one in controls if one.dose == 1.0 and (one.expected in SIGNS or one.moved == "no")]


def failures(controls: Sequence[Control]) -> list[Failure]:
    """Every response that leaves its metric uninformative, in the order of the controls."""
    weakest: dict[tuple[str, str, str], Control] = {}
    for one in told(controls):
        part = (one.metric, one.config, one.split)
        if one.expected in SIGNS and one.moved == "yes":
            weakest[part] = min(weakest.get(part, one), one, key=lambda each: abs(each.difference))
    found = []
    for one in told(controls):
        least = weakest.get((one.metric, one.config, one.split))
        if one.moved == "no" and one.expected in SIGNS:
            found.append(Failure(one))
        elif one.moved == "no" and least is not None and abs(one.difference) >= abs(least.difference):
            found.append(Failure(one, least))
    return found


def uninformative(controls: Sequence[Control]) -> frozenset[str]:
    """Metrics that some part's controls leave uninformative."""
    return frozenset(one.control.metric for one in failures(controls))
