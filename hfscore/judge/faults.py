"""Why a call gave no answer: kinds, causes and what each one means for the run, as tables. Pure.

A kind says what is done about it (`POLICY`); a cause says it in words (`CAUSES`), for a row and for the whole run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from hfscore.errors import HfscoreError
from hfscore.escape import clip, plain
from hfscore.judge.limiter import Effect

Kind = Literal[
    "refused", "generation", "server", "timeout", "connection", "garbage", "context", "configuration", "request"
]

SAID: Final = 240  # characters kept of what a server says


@dataclass(frozen=True, slots=True)
class Policy:
    """What is done about a kind of failure.

    Args:
        retries: Tries after the first, at most.
        effect: What the limiter is told.
        stop_after: So many failed calls of this kind, one after the other and after their retries, end the run; None
            for a kind that may be one row's own.
    """

    retries: int
    effect: Effect
    stop_after: int | None = None


POLICY: Final[Mapping[Kind, Policy]] = {
    "refused": Policy(30, "refused", 20),
    "generation": Policy(2, "trouble"),  # a TGI shard's error: the next try may meet another batch
    "server": Policy(5, "trouble", 50),
    "timeout": Policy(2, "trouble", 50),
    "connection": Policy(8, "trouble", 20),
    "garbage": Policy(2, "trouble"),
    "context": Policy(0, "none"),
    "configuration": Policy(0, "none", 5),
    "request": Policy(0, "none"),
}


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause in words.

    Args:
        kind: What is done about it.
        words: Why a row is unscored.
        message: Sentence for the run; {base}, {host}, {model} and {said} are filled in.
        hint: The next step.
    """

    kind: Kind
    words: str
    message: str
    hint: str


_NAME_KEY = "Name the environment variable that holds its key with --judge-key-env."
_UP = "Start the server, or check host and port in --judge."
_RESUME = "Run again when it is well: what was judged is kept."

CAUSES: Final[Mapping[str, Cause]] = {
    "busy": Cause("refused", "the judge refused: overloaded", "The judge at {base} keeps refusing: {said}", _RESUME),
    "generation": Cause("generation", "the judge failed to generate", "The judge failed to generate: {said}", _RESUME),
    "server": Cause("server", "the judge's server failed", "The judge's server at {base} fails: {said}", _RESUME),
    "slow": Cause(
        "timeout", "the judge did not answer in time", "The judge at {base} does not answer in time.", _RESUME
    ),
    "down": Cause("connection", "the judge was not there", "No judge answers at {base}: {said}", _UP),
    "unknown_host": Cause(
        "connection", "the judge's host is unknown", "The host {host} in --judge is not known.", "Check its spelling."
    ),
    "cut": Cause("connection", "the judge cut the connection", "The judge at {base} cuts its answers: {said}", _RESUME),
    "garbage": Cause(
        "garbage", "the judge's reply is no chat completion", "What answers at {base} is no chat route: {said}", _UP
    ),
    "too_large": Cause(
        "garbage", "the judge's reply is too large", "The judge at {base} sends replies too large to read.", _UP
    ),
    "context": Cause(
        "context",
        "longer than the judge's context",
        "A request is longer than the judge's context: {said}",
        "Start the server with a longer context, or name a judge that has one.",
    ),
    "key_missing": Cause("configuration", "the judge wants a key", "The judge at {base} wants a key.", _NAME_KEY),
    "key_refused": Cause(
        "configuration",
        "the judge refuses the key",
        "The judge at {base} refuses the key.",
        "Check the key, and what it may be used for.",
    ),
    "payment": Cause(
        "configuration",
        "the judge wants payment",
        "The judge at {base} wants payment: {said}",
        "Add credits or raise the quota there, then run again: what was judged is kept.",
    ),
    "route": Cause(
        "configuration",
        "no chat route at the judge's address",
        "There is no chat route at {base}/chat/completions.",
        "Give the address under which the server answers /v1/chat/completions.",
    ),
    "model": Cause(
        "configuration",
        "the judge does not serve the model",
        "The judge at {base} does not serve the model {model}: {said}",
        "Name a model that it serves.",
    ),
    "redirect": Cause(
        "configuration",
        "the judge redirects elsewhere",
        "The judge at {base} redirects to {said}, and hfscore follows no redirects with texts and keys.",
        "Give that address in --judge if you trust it.",
    ),
    "tls": Cause(
        "configuration",
        "the judge's certificate is not trusted",
        "No secure connection to {host}: {said}",
        "Check the host, its certificate, and whether it speaks https.",
    ),
    "shape": Cause(
        "configuration",
        "the judge does not understand the request",
        "The judge at {base} does not understand the request: {said}",
        "Check that the server speaks OpenAI's chat route.",
    ),
    "request": Cause("request", "the judge rejected the request", "The judge at {base} rejects requests: {said}", ""),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A call without an answer.

    Args:
        cause: Key of `CAUSES`.
        said: What the server or the network said, one harmless line without the key.
        status: HTTP status, or None where there was none.
        tries: How often the call was sent.
        wait: Seconds that the server asked us to wait, or None.
    """

    cause: str
    said: str = ""
    status: int | None = None
    tries: int = 1
    wait: float | None = None

    @property
    def kind(self) -> Kind:
        """What is done about it."""
        return CAUSES[self.cause].kind

    @property
    def reason(self) -> str:
        """Why the row is unscored, a few words of ours."""
        return CAUSES[self.cause].words

    @property
    def policy(self) -> Policy:
        """The rules for its kind."""
        return POLICY[self.kind]


# First match counts: statuses, what the text must hold, cause. The texts are those of TGI, vLLM, SGLang, llama.cpp,
# transformers, OpenAI and the Inference Providers router.
_CONTEXT = re.compile(
    r"inputs`? tokens \+ `?max_new_tokens|inputs`? must have less than|exceed_context_size|context_length_exceeded"
    r"|maximum context length|exceeds? the (?:available )?context (?:size|length|window)|model's context length"
    r"|max_model_len|maximum model length|prompt is too long",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"model_not_(?:found|supported)|(?:unknown|invalid|no such) model"
    r"|model\b.{0,80}?\b(?:not (?:found|exist|supported|available|served|loaded)|does ?n[o']t exist|is not a valid)"
    r"|server is (?:pinned to|serving)|wrong model",
    re.IGNORECASE | re.DOTALL,
)
_QUOTA = re.compile(r"insufficient_quota|exceeded your (?:current|monthly)|billing", re.IGNORECASE)
# Plain text, from TGI's framework; FastAPI's list of wrong fields; transformers serve.
_SHAPE = re.compile(r'\A\s*(?:[^\s{]|\{\s*"detail"\s*:\s*(?:\[|"Unexpected fields))')

_RULES: Final[tuple[tuple[tuple[int, ...] | range, re.Pattern[str] | None, str], ...]] = (
    (range(300, 400), None, "redirect"),
    ((400, 413, 422), _CONTEXT, "context"),
    ((413,), None, "context"),
    ((402,), None, "payment"),
    ((403, 429), _QUOTA, "payment"),
    ((400, 403, 404, 422), _MODEL, "model"),
    ((401, 403), None, "key_refused"),
    ((404, 405, 410), None, "route"),
    ((415,), None, "shape"),
    ((422,), _SHAPE, "shape"),
    ((429,), None, "busy"),
    ((424,), None, "generation"),
    ((408, 500, 502, 503, 504), None, "server"),
)


def from_status(
    status: int, text: str, *, keyed: bool, wait: float | None = None, location: str | None = None
) -> Failure:
    """Classify an answer that is no 200.

    Args:
        status: HTTP status.
        text: Its body, without the key.
        keyed: Whether a key was sent.
        wait: Seconds of its Retry-After, or None.
        location: Where it redirects to, or None.
    """
    cause = next(
        (cause for codes, pattern, cause in _RULES if status in codes and (pattern is None or pattern.search(text))),
        "request",
    )
    if cause == "key_refused" and not keyed:
        cause = "key_missing"
    said = location or "an unnamed place" if cause == "redirect" else f"{status} {text}"
    return Failure(cause, harmless(said), status, wait=wait)


def harmless(text: str) -> str:
    """What a server said, as one short line that a terminal survives."""
    return clip(plain(text[: 20 * SAID]), SAID)


def explain(failure: Failure, *, base: str, host: str, model: str | None) -> HfscoreError:
    """The one sentence with which a failure ends a run, and its next step."""
    cause = CAUSES[failure.cause]
    said = failure.said or "nothing more"
    message = cause.message.format(base=base, host=host, model=model or "asked for", said=said)
    return HfscoreError(message if message.endswith(".") else f"{message}.", cause.hint)
