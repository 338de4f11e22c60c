"""How many calls may be on their way to a judge at once. Pure: knows no network, and no clock but the times it is told.

Additive increase, multiplicative decrease, as in TCP (Chiu and Jain 1989; slow start, Jacobson 1988). A server such as
TGI refuses a call beyond its slots at once (429), so a refusal is the signal, and errors are none: they pause growth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

Effect = Literal["ok", "refused", "trouble", "none"]
"""What an answer says about the load: the server had room, had none, is unwell, or nothing."""

FIRST: Final = 32
CUT: Final = 0.75
UNKNOWN_CAP: Final = 64
"""Calls at once, at most, where neither server nor user names a number."""

HEADROOM: Final = 0.9
"""Share of a server's slots that we take: others use it too."""


def cap_for(slots: int | None, asked: int | None = None) -> int:
    """Most calls at once, at least 1.

    Args:
        slots: Calls that the server takes at once, of which we leave a tenth; None if unknown.
        asked: What the user asked for, or None.
    """
    offered = UNKNOWN_CAP if slots is None else int(slots * HEADROOM)
    if asked is None:
        return max(1, offered)
    return max(1, asked if slots is None else min(asked, offered))


@dataclass(slots=True)
class Limiter:
    """The number of calls allowed at once, moved by what comes of them.

    Every call is entered with `start` and left with `end`. While all allowed calls are in use, an answer raises the
    limit by one until the first refusal (so it doubles each round), then by one a round. A refusal cuts it to three
    quarters, once for all calls that were started before the cut.

    Args:
        cap: The limit never exceeds it.
        limit: Calls allowed at once; its whole part counts.
        in_flight: Calls on their way.
        cuts: How often the limit was cut.
        resume: Time before which nothing may start.
    """

    cap: int
    limit: float = field(init=False)
    in_flight: int = field(default=0, init=False)
    cuts: int = field(default=0, init=False)
    resume: float = field(default=float("-inf"), init=False)
    _hold: int = field(default=0, init=False)  # answers to wait for before growing again

    def __post_init__(self) -> None:
        if self.cap < 1:
            raise ValueError("a limiter needs room for one call")
        self.limit = max(1, min(FIRST, self.cap // 2))

    def has_room(self, now: float) -> bool:
        """Whether a call may start at `now`, in the seconds of the caller's clock."""
        return self.in_flight < int(self.limit) and now >= self.resume

    def start(self) -> int:
        """Enter a call; the ticket goes to `end`."""
        self.in_flight += 1
        return self.cuts

    def end(self, ticket: int, effect: Effect) -> None:
        """Leave a call that was entered with `ticket`."""
        full = self.in_flight >= int(self.limit)
        self.in_flight -= 1
        if effect == "ok" and self._hold:
            self._hold -= 1
        elif effect == "ok" and full:
            self.limit = min(self.cap, self.limit + (1 / self.limit if self.cuts else 1))
        elif effect == "trouble":
            self._hold = int(self.limit)
        elif effect == "refused" and ticket == self.cuts:
            self.limit = max(1.0, self.limit * CUT)
            self.cuts += 1

    def pause(self, until: float) -> None:
        """Let nothing start before `until`; an earlier end of a pause changes nothing."""
        self.resume = max(self.resume, until)
