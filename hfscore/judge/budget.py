"""What a judge may spend, and how many questions that is enough for. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hfscore.errors import HfscoreError
from hfscore.judge.plan import Cost

_AMOUNT = re.compile(r"(?P<money>\$)?(?P<number>\d+(?:\.\d+)?)(?P<unit>[kKmMbB])?")
_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}


@dataclass(frozen=True, slots=True)
class Budget:
    """An amount, and what a token sent and a token answered take from it.

    Args:
        amount: Tokens, or money.
        sent: Of the amount, for a token sent.
        answered: Of the amount, for a token answered.
        money: Whether the amount is money.
    """

    amount: float
    sent: float = 1.0
    answered: float = 1.0
    money: bool = False

    def spent(self, sent: int, answered: int) -> float:
        """What tokens take from the amount."""
        return sent * self.sent + answered * self.answered

    def show(self, amount: float) -> str:
        """An amount in words."""
        return f"${amount:,.2f}" if self.money else f"{amount:,.0f} tokens"


def parse(text: str, price: Sequence[float] = ()) -> Budget:
    """Read "2M" (tokens), "500k", or "$5" with prices for a million tokens sent and answered.

    Raises:
        HfscoreError: It is neither, or money without prices.
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or not float(found["number"]):
        raise HfscoreError(f"'{text}' is no budget.", "Give tokens, as 500k or 2M, or money with prices: $5.")
    amount = float(found["number"]) * _UNITS[(found["unit"] or "").lower()]
    if not found["money"]:
        return Budget(amount)
    if len(price) != 2 or not any(price):
        raise HfscoreError("A budget in money needs prices.", "Add --price SENT ANSWERED, for a million tokens each.")
    return Budget(amount, price[0] / 1e6, price[1] / 1e6, money=True)


def affordable(costs: Mapping[str, Cost], budget: Budget) -> list[str]:
    """The longest run of questions, in the order given, whose estimated cost stays within a budget.

    The order is random and the choice is made before anything is measured, so that what is chosen is a random sample
    and its intervals hold. (A run that stopped when the money was gone would miss long traces more often.)

    Args:
        costs: question id -> what its traces will cost, in random order.
        budget: The bound.
    """
    chosen, left = [], budget.amount
    for question, cost in costs.items():
        left -= budget.spent(cost.prompt, cost.answer)
        if left < 0:
            break
        chosen.append(question)
    return chosen
