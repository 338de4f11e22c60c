"""What a family of metrics may ask for; the adapters live in `backends`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from hfscore.contamination import Index
from hfscore.records import Trace, Unscored

Vectors = NDArray[np.float32]
Criterion = Literal["factuality", "validity", "coherence", "utility"]
CRITERIA: tuple[Criterion, ...] = ("factuality", "validity", "coherence", "utility")
RANK_LIMIT = 100  # ranks are clipped here; r_max of RSR (arXiv 2601.14249)
ANSWER_CUE = "\nThe answer is: "  # stands between a trace and its reference answer: given, not scored


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model as it was loaded: id, and revision where one is known ("git:..." or "pypi:...")."""

    id: str
    revision: str | None = None


class Embedder(Protocol):
    """Turns texts into unit vectors, however long the texts are."""

    @property
    def name(self) -> ModelName:
        """The encoder and its revision."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed every text whole.

        Args:
            texts: n non-empty texts of any length.

        Returns:
            (n, d) float32, each row of Euclidean length 1.
        """
        ...


class Verifier(Protocol):
    """Compares answers, each comparison within its own time."""

    def verify(self, pairs: Sequence[tuple[str, str]]) -> list[bool | Unscored]:
        """Compare (reference, answer) pairs; a pair that cannot be decided says why."""
        ...


@dataclass(frozen=True, slots=True)
class Lengths:
    """A trace as a student would be trained on it, in that student's tokens.

    Args:
        total: Tokens of the whole sequence.
        answer_start: Tokens before the answer.
        answer_end: Tokens up to the answer's end; less than `total` by what closes the turn.
        control: How often the text spells out a control token; each is counted as the text it is.
    """

    total: int
    answer_start: int
    answer_end: int
    control: int = 0


class StudentTokenizer(Protocol):
    """Counts the tokens of training sequences."""

    @property
    def name(self) -> ModelName:
        """The student and its revision."""
        ...

    @property
    def form(self) -> str:
        """How a trace becomes a sequence, a whole sentence."""
        ...

    def lengths(self, traces: Sequence[Trace]) -> list[Lengths | Unscored]:
        """Measure training sequences: the question as the user's turn, reasoning and response as the assistant's.

        The answer is the response; without one the last tenth of the trace's characters; an agent's last turn.

        Args:
            traces: n traces.

        Returns:
            n results; a trace that cannot be rendered says why.
        """
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said of one step by one criterion.

    Args:
        holds: Whether the criterion holds.
        probability: P(holds) over the label tokens of the first tier, or None where the server gives no
            log-probabilities.
        mass: Probability of all label tokens together before they were renormalised, or None.
        tier: 1 for a label alone; 2 for a label after reasoning and a checked quote.
        quote: Words of the step that the second tier rests on, or empty.
        reason: Why, in the judge's words, or empty.
    """

    holds: bool
    probability: float | None = None
    mass: float | None = None
    tier: int = 1
    quote: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class JudgedStep:
    """One atomic step and its verdicts.

    Args:
        start: First character of the step in the trace's reasoning.
        end: Character behind its last.
        verdicts: criterion -> verdict, or why there is none. Coherence of a first step is not asked.
        partial: Whether the judge saw only a window of the trace.
    """

    start: int
    end: int
    verdicts: Mapping[Criterion, Verdict | Unscored]
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A trace as a judge read it.

    Args:
        steps: Its atomic steps, in order.
        verbatim: Share of steps that stand word for word in the trace, in order (catalogue A0).
        coverage: Share of the trace's characters that the steps cover (A0).
    """

    steps: tuple[JudgedStep, ...]
    verbatim: float = 1.0
    coverage: float = 1.0


@dataclass(frozen=True, slots=True)
class Corrected:
    """A share of steps corrected for a judge's errors on labelled steps, with its 95% interval.

    Args:
        value: The share.
        low: Lower end of the interval, which holds the uncertainty of the labelled steps too.
        high: Upper end.
        source: The labelled set.
    """

    value: float
    low: float
    high: float
    source: str


class Judge(Protocol):
    """Gives every atomic step of a trace four verdicts."""

    @property
    def name(self) -> ModelName:
        """The judge, and the revision its server named."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """Whatever else decides its verdicts: server, rubric, prompts, mode, atomizer, for the report."""
        ...

    def estimate(self, traces: Sequence[Trace], price: Sequence[float]) -> Sequence[str]:
        """What judging these traces would take, before anything is asked.

        Args:
            traces: Traces that can be read.
            price: Money for a million tokens sent and a million answered; empty if unknown.

        Returns:
            Whole sentences: calls, tokens, money.
        """
        ...

    def plan(self, traces: Sequence[Trace]) -> Sequence[str]:
        """Take as many questions as the budget allows, in the order given; the others are unscored.

        Returns:
            What there is to say about it, whole sentences.
        """
        ...

    def judge(self, traces: Sequence[Trace]) -> list[Judged | Unscored]:
        """Judge every step; the last batch is remembered. A trace that could not be judged says why."""
        ...

    def repeat(self, traces: Sequence[Trace]) -> list[Judged | Unscored]:
        """Judge once more, from scratch, for the test-retest flip rate."""
        ...

    def corrected(self, criterion: Criterion, observed: tuple[float, float]) -> Corrected | Unscored | None:
        """A share corrected for the judge's errors; None where they were not checked.

        Args:
            criterion: The criterion.
            observed: (steps for which it is said to hold, steps judged), in independent observations.
        """
        ...

    def holistic(self, traces: Sequence[Trace]) -> list[float | Unscored]:
        """One overall score in [0, 1] a trace: the mean over five criteria (catalogue A6)."""
        ...


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to score under a language model.

    Args:
        question: The user's turn, given and not scored; None or blank for no question at all.
        parts: The assistant's text in parts that are tokenised each on its own, so that a part's tokens do not
            depend on what stands before it; all are scored.
    """

    question: str | None
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokenScores:
    """Teacher-forced statistics of one text's tokens, natural logarithms.

    Args:
        nll: (n,) float32, -log p(token given everything before it), nats.
        entropy: (n,) float32, entropy of the full vocabulary at the token's position, nats.
        rank: (n,) int32, 1 + number of tokens with a strictly larger logit, at most `RANK_LIMIT`.
        starts: (n,) int32, ascending: the character of the text at which each token begins; tokens inside one
            character share it. The text is the trace's field, or an agent's own turns joined by blank lines.
        bytes: UTF-8 bytes of the text, white space around a trace's texts aside.
        windowed: Whether the text was longer than the model's window, so that some tokens saw a shorter context.
    """

    nll: NDArray[np.float32]
    entropy: NDArray[np.float32]
    rank: NDArray[np.int32]
    starts: NDArray[np.int32]
    bytes: int
    windowed: bool = False


@dataclass(frozen=True, slots=True)
class TraceScores:
    """The tokens of a trace under a language model, from one pass over [question | reasoning | response | answer].

    Args:
        reasoning: Tokens of `Trace.reasoning`; of an agent, of all its own turns.
        response: Tokens of the response, or None where nothing is set apart: without one, of an agent, and where it
            is the end of the same text.
        answer: Tokens of the reference answer behind the trace and `ANSWER_CUE`, or None without a reference.
    """

    reasoning: TokenScores
    response: TokenScores | None
    answer: TokenScores | None


class LanguageModel(Protocol):
    """A causal language model that scores texts, never generates."""

    @property
    def name(self) -> ModelName:
        """The model and its revision."""
        ...

    @property
    def parameters(self) -> int:
        """Number of weights."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """Whatever decides its numbers, for the report: dtype, form of the text (template or plain), window, head."""
        ...

    def traces(self, traces: Sequence[Trace]) -> list[TraceScores | Unscored]:
        """Score whole traces; the last batch is remembered, so that every family reads the same pass."""
        ...

    def passages(self, passages: Sequence[Passage]) -> list[tuple[TokenScores, ...] | Unscored]:
        """Score texts, one `TokenScores` a part."""
        ...

    def disagreement(self, other: LanguageModel, traces: Sequence[Trace]) -> list[NDArray[np.float32] | Unscored]:
        """(n,) Jensen-Shannon divergence in nats at every token of the reasoning; needs one and the same tokenizer."""
        ...


class Tools(Protocol):
    """What a run has at hand. Asking for a tool that a family did not declare is an error."""

    def verifier(self) -> Verifier:
        """What compares final answers in this run."""
        ...

    def embedder(self) -> Embedder:
        """The sentence encoder of this run."""
        ...

    def students(self) -> Sequence[StudentTokenizer]:
        """The tokenizers of the students named for this run."""
        ...

    def contamination(self) -> Index:
        """The evaluation sets that this run compares with."""
        ...

    def judge(self) -> Judge:
        """The judge of this run."""
        ...

    def reference_lm(self) -> LanguageModel:
        """The language model that perplexity, entropy and gain are measured under."""
        ...

    def student_lms(self) -> Sequence[LanguageModel]:
        """The students named for this run, as language models."""
        ...
