"""How much to choose, and of what."""

from __future__ import annotations

from dataclasses import dataclass

from hfscore.errors import HfscoreError


@dataclass(frozen=True, slots=True)
class Wish:
    """How much to choose, and of what.

    Args:
        top: Share of all rows, above 0 and at most 1; None for no share.
        n: Rows; None for no number.
        drop_flagged: Whether rows that carry a flag are left out.
        balance: Columns whose values get the same number of rows each, as far as they have them.
        keep_shares: Columns whose values keep the shares that they have among the rows to choose from.
    """

    top: float | None = None
    n: int | None = None
    drop_flagged: bool = False
    balance: tuple[str, ...] = ()
    keep_shares: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.top is None) == (self.n is None) and not (self.top is None and self.drop_flagged):
            raise HfscoreError("How many rows?", "Give one of --top 20%, --n 5000, or --drop-flagged alone.")
        if (self.top is not None and not 0 < self.top <= 1) or (self.n is not None and self.n < 1):
            raise HfscoreError("That is no number of rows.", "Give --top 20%, or --n 5000.")
        if self.balance and self.top is None and self.n is None:
            raise HfscoreError("All rows without a flag cannot be balanced as well.", "Add --top 20%, or --n 5000.")
        if self.balance and self.keep_shares:
            raise HfscoreError("Groups are made even or keep their shares, not both.", "Name columns in one of them.")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that make groups."""
        return (*self.balance, *self.keep_shares)

    @property
    def words(self) -> str:
        """How many, in words."""
        if self.top is None and self.n is None:
            return "all without a flag"
        many = f"as many as {100 * self.top:g}% of all rows" if self.top is not None else f"{self.n:,} rows"
        return f"{many}, none with a flag" if self.drop_flagged else many

    def rows_of(self, every: int, there: int) -> int:
        """How many rows are asked for, of all there are and of those that can be chosen."""
        if self.top is not None:
            return max(1, round(self.top * every))
        return self.n if self.n is not None else there
