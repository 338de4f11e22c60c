"""Everything a user can mend, as one small tree of exceptions.

    HfscoreError                 a sentence and the next step; the CLI prints it and exits 2
    ├── SourceError              a dataset that cannot be read (missing, gated, script-based, empty...)
    │   └── RevisionError        what was loaded is not the revision that was asked for
    ├── ColumnsError             a mapping that cannot be decided or does not fit the rows
    │   └── NotReasoningError    the data holds no reasoning traces
    ├── MissingExtraError        an optional package or model is not at hand
    ├── ReportError              a report that cannot be read or written
    ├── CardError                a card into which nothing can be spliced safely
    └── HubError                 the Hub refused, or could not be reached
        └── ConflictError        the branch moved under a commit more often than we retry

A row that cannot be scored is no exception: it is `records.Unscored`, with its reason.
"""

from __future__ import annotations


class HfscoreError(Exception):
    """A problem the user can act on.

    Args:
        message: What is wrong, one sentence.
        hint: The next step, one sentence; empty where the message already says it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


class SourceError(HfscoreError):
    """The dataset cannot be read."""


class RevisionError(SourceError):
    """The rows at hand do not belong to the revision asked for."""


class ColumnsError(HfscoreError):
    """The mapping from columns to question, reasoning, response and reference is undecided or wrong."""


class NotReasoningError(ColumnsError):
    """The data holds no reasoning traces; the message says why."""


class MissingExtraError(HfscoreError):
    """An optional package or a model is not at hand; the hint is the line that installs it."""


class ReportError(HfscoreError):
    """A report cannot be read or written."""


class CardError(HfscoreError):
    """The section cannot be spliced into this card without risk to what stands there."""


class HubError(HfscoreError):
    """The Hub refused a request or could not be reached."""


class ConflictError(HubError):
    """The branch kept moving while we tried to commit."""
