"""The one way to say no to a card: what is wrong, how to mend it, and how to do without a splice."""

from __future__ import annotations

from typing import NoReturn

from hfscore.errors import CardError

WAY_OUT = (
    "Or leave the card as it is: `hfscore card REPORT` prints the section, and the sidecar "
    "`.hfscore/` carries the same measurement."
)


def refuse(message: str, mend: str) -> NoReturn:
    """Raise the error that leaves a card untouched.

    Args:
        message: What is wrong, one sentence.
        mend: What its maintainer can do about it, one sentence.

    Raises:
        CardError: Always.
    """
    raise CardError(message, f"{mend} {WAY_OUT}")
