"""Final answers: read them, compare them cheaply, and compare them by mathematics in killable processes.

`final_answer` and `same_answer` are pure. `Verifier` runs math-verify (a parser of LaTeX answers on
top of SymPy), which an answer such as 10^{10^{10}} keeps busy for ever: each comparison runs in a
process of its own that is killed when its time is up, and its pair is unscored.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import queue
import re
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from hfscore.errors import MissingExtraError
from hfscore.records import Unscored
from hfscore.text.answer_equality import plain_answer, same_answer
from hfscore.text.answer_text import MAX_ANSWER, final_answer

__all__ = ["MAX_ANSWER", "Verifier", "final_answer", "same_answer"]

START_TIMEOUT_S = 120.0
TIMED_OUT = Unscored("math-verify timed out")
CRASHED = Unscored("math-verify crashed")
WORDED = Unscored("the answers are worded differently")
TOO_LONG = Unscored(f"an answer is longer than {MAX_ANSWER:,} characters")
ABSENT = Unscored("an answer is empty")

_COMMAND = re.compile(r"\\[A-Za-z]++")
# Three letters in a row are a word, and math-verify would multiply its letters: listen = silent.
_PROSE = re.compile(r"(?!(?:sin|cos|tan|cot|sec|csc|log|exp|sqrt|min|max|mod|gcd|lcm)\b)\b[^\W\d_]{3,}+")


class Verifier:
    """Compare reference answers with predictions, by text where that decides and else by math-verify.

    Processes start when first needed, and end with `close` or the `with` block.

    Args:
        workers: Processes to run at once, at least 1.
    """

    def __init__(self, workers: int = 1) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        self._size = workers
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._all = [_Worker() for _ in range(workers)]
        for worker in self._all:
            self._idle.put(worker)
        weakref.finalize(self, _stop, self._all)

    def __enter__(self) -> Verifier:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process and wait for it; the verifier may be used again."""
        _stop(self._all)

    def verify(self, pairs: Sequence[tuple[str, str]], timeout_s: float = 3.0) -> list[bool | Unscored]:
        """Compare pairs of answers.

        Args:
            pairs: (reference, prediction), each a final answer.
            timeout_s: Seconds that one comparison may take, a process's start not counted.

        Returns:
            For each pair whether the answers are equal, or why that could not be told: a comparison
            that hangs or kills its process is unscored and does not touch the others.

        Raises:
            MissingExtraError: math-verify is needed and not installed.
        """
        verdicts = [_by_text(*pair) for pair in pairs]
        open_pairs = [index for index, verdict in enumerate(verdicts) if verdict is None]
        if open_pairs and importlib.util.find_spec("math_verify") is None:
            raise MissingExtraError("Comparing formulas needs math-verify.", "Install it: pip install math-verify")
        with ThreadPoolExecutor(self._size) as pool:
            results = pool.map(lambda index: self._ask(pairs[index], timeout_s), open_pairs)
            found = dict(zip(open_pairs, results, strict=True))
        return [found[index] if verdict is None else verdict for index, verdict in enumerate(verdicts)]

    def _ask(self, pair: tuple[str, str], timeout_s: float) -> bool | Unscored:
        worker = self._idle.get()
        try:
            return worker.compare(_latex(pair[0]), _latex(pair[1]), timeout_s)
        finally:
            self._idle.put(worker)


def _latex(answer: str) -> str:
    return plain_answer(answer).replace("$", "").replace("%", "\\%").replace("°", "^{\\circ}")


def _by_text(reference: str, prediction: str) -> bool | Unscored | None:
    same = same_answer(reference, prediction)
    if same is not None:
        return same
    if max(len(reference), len(prediction)) > MAX_ANSWER:
        return TOO_LONG
    if not reference.strip() or not prediction.strip():
        return ABSENT
    if any(_PROSE.search(_COMMAND.sub(" ", answer)) for answer in (reference, prediction)):
        return WORDED
    return None


def _stop(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        worker.stop()


class _Worker:
    """One process of math-verify, started when first asked."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def compare(self, reference: str, prediction: str, timeout_s: float) -> bool | Unscored:
        if self._process is None and self._start() is None:
            return CRASHED
        answer, timed_out = self._exchange(json.dumps([reference, prediction]), timeout_s)
        if isinstance(answer, bool):
            return answer
        if isinstance(answer, str):
            return Unscored(answer)
        return TIMED_OUT if timed_out else CRASHED

    def _start(self) -> object:
        script = Path(__file__).with_name("answer_worker.py")
        # -P keeps the script's folder off its path. Pipes of its own: it must not eat our standard input.
        self._process = subprocess.Popen(  # noqa: S603 (our own script)
            [sys.executable, "-P", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        return self._exchange(None, START_TIMEOUT_S)[0]

    def _exchange(self, request: str | None, timeout_s: float) -> tuple[object, bool]:
        """Send a line and read one; the process is killed, and (None, ...) returned, when time is up."""
        process = self._process
        assert process and process.stdin and process.stdout
        timed_out = threading.Event()
        line = ""
        with _deadline(process, timeout_s, timed_out), contextlib.suppress(OSError):
            if request is not None:
                process.stdin.write(request + "\n")
                process.stdin.flush()
            line = process.stdout.readline()
        if timed_out.is_set() or not line.endswith("\n"):
            self.stop()
        return (json.loads(line) if line.endswith("\n") else None), timed_out.is_set()

    def stop(self) -> None:
        """Kill the process, if there is one, and wait for its end, so that no zombie stays."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # What was not sent yet goes nowhere.
                assert stream
                stream.close()
        process.wait()


@contextlib.contextmanager
def _deadline(process: subprocess.Popen[str], timeout_s: float, timed_out: threading.Event) -> Iterator[None]:
    """Kill a process unless the block ends in time; a read from it then ends as well."""

    def kill() -> None:
        timed_out.set()
        process.kill()

    timer = threading.Timer(timeout_s, kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
