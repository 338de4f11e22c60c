"""Checks a published section against its own receipt, `.hfscore/report.json`, and against the data.

Three questions: does the card print what the receipt holds? Where the scores of every trace are published too, do the
receipt's means follow from them? And do the numbers come out again, on a part of the very sample they rest on?
"""

from hfscore.verification.again import verify
from hfscore.verification.numbers import Check, Verification

__all__ = ["Check", "Verification", "verify"]
