r"""A process that answers one question at a time: are two mathematical answers equal?

Run as a script, never imported by hfscore: it reads a JSON line `[reference, prediction]` and
writes a JSON line true, false or a reason. math-verify's own time limits rest on signals, so they
are switched off; whoever started this process kills it when it takes too long.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from importlib import import_module

MAX_MEMORY = 4 * 2**30


def _limit_memory() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    except (ImportError, ValueError, OSError):
        return  # Not every system has such limits; the time limit holds everywhere.


def _comparison() -> Callable[[str, str], bool | str]:
    library = import_module("math_verify")
    # Only the LaTeX grammar: the other one hands text to a general evaluator.
    form = [library.LatexExtractionConfig()]

    def compare(reference: str, prediction: str) -> bool | str:
        sides = []
        for name, answer in (("reference", reference), ("prediction", prediction)):
            read = library.parse(f"${answer}$", form, fallback_mode="no_fallback", parsing_timeout=None)
            if not read:
                return f"math-verify cannot read the {name}"
            sides.append(read)
        return bool(library.verify(*sides, timeout_seconds=None))

    return compare


def main() -> None:
    """Serve until standard input ends."""
    # Whatever a library prints must not mix with the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    logging.disable()
    _limit_memory()
    compare = _comparison()
    answers.write('"ready"\n')
    answers.flush()
    for line in sys.stdin:
        answers.write(json.dumps(compare(*json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
