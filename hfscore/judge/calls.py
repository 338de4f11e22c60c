"""One question to the judge: asked of the store first, then of the server; kept only when complete and valid."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, TypeVar

from hfscore.judge import dialects
from hfscore.judge.budget import Budget
from hfscore.judge.dialects import Server
from hfscore.judge.faults import Failure
from hfscore.judge.plan import CHARACTERS_PER_TOKEN, tokens
from hfscore.judge.prompts import PROMPT_VERSION, Message
from hfscore.judge.reply import Reply
from hfscore.judge.store import Answer, Store, key
from hfscore.records import Unscored
from hfscore.text.steps import SPLITTER_VERSION

READING_VERSION: Final = 1
"""Raised whenever an answer is read differently."""

ATTEMPTS: Final = 2  # a complete answer that is not in the form asked for is asked once more, then given up
THINKING_ROOM: Final = 4096  # tokens for a model that thinks although asked not to
MOST_LOGPROBS: Final = 5  # enough for two labels and their spellings; TGI gives no more

BUDGET_SPENT: Final = "the judge's budget was spent"

T = TypeVar("T")


class Asker(Protocol):
    """What sends a body; `hfscore.judge.client.Client` does."""

    async def chat(self, body: Mapping[str, Any]) -> Reply | Failure:
        """One call, retried as far as may be."""
        ...


@dataclass(slots=True)
class Usage:
    """What was spent in this process, in the server's own tokens, and what the store saved."""

    calls: int = 0
    sent: int = 0
    answered: int = 0
    stored: int = 0
    asking: int = 0  # tokens sent and not answered yet, by estimate


@dataclass(frozen=True, slots=True)
class Form:
    """The form an answer must have.

    Args:
        room: Tokens of an answer, at most.
        labels: Allowed answers, each a single token; log-probabilities are asked for.
        schema: JSON Schema of the answer.
    """

    room: int
    labels: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Calls:
    """Asks one server as one model, with one store.

    Args:
        asker: The client.
        server: What the server was found to be.
        store: Where answers are kept.
        budget: What may be spent; None for no bound.
        usage: What was spent.
    """

    asker: Asker
    server: Server
    store: Store
    budget: Budget | None = None
    usage: Usage = field(default_factory=Usage)
    _open: dict[str, asyncio.Future[Reply | Unscored]] = field(default_factory=dict)

    async def ask(
        self, messages: Sequence[Message], form: Form, read: Callable[[Reply], T | Unscored], *, again: bool = False
    ) -> T | Unscored:
        """Ask, and read the answer.

        Args:
            messages: The prompt.
            form: What the answer must look like.
            read: Reads a complete answer; what it calls `Unscored` is asked once more and never kept.
            again: Past the store, and without keeping the answer, for a second judgement.

        Returns:
            What `read` made of the answer, or why there is none.

        Raises:
            HfscoreError: The judge cannot be asked at all.
        """
        body = self.body(messages, form)
        if again:
            answer = await self._valid(body, form, read)
            return answer if isinstance(answer, Unscored) else answer[1]
        name = self._name(body)
        kept = self.store.get_many([name]).get(name)
        if kept is not None and not isinstance(found := read(_reply(kept)), Unscored):
            self.usage.stored += 1
            return found
        if name in self._open:  # the same question about an equal trace is under way
            reply = await asyncio.shield(self._open[name])
            return reply if isinstance(reply, Unscored) else read(reply)
        waiting = self._open[name] = asyncio.get_running_loop().create_future()
        outcome: Reply | Unscored = Unscored("the run was stopped")
        try:
            answer = await self._valid(body, form, read)
            if isinstance(answer, Unscored):
                outcome = answer
                return answer
            outcome, found = answer
            usage = {"prompt_tokens": outcome.prompt_tokens, "completion_tokens": outcome.completion_tokens}
            self.store.put(name, Answer(outcome.content, outcome.logprobs, usage=usage))
            return found
        finally:
            waiting.set_result(outcome)
            del self._open[name]

    def _name(self, body: Mapping[str, Any]) -> str:
        return key(
            body,
            model=self.server.model,
            fingerprint=self.server.fingerprint,
            prompts=PROMPT_VERSION,
            schema=READING_VERSION,
            splitter=SPLITTER_VERSION,
        )

    async def _valid(
        self, body: Mapping[str, Any], form: Form, read: Callable[[Reply], T | Unscored]
    ) -> tuple[Reply, T] | Unscored:
        why = Unscored("the judge gave no answer")
        for _ in range(ATTEMPTS):
            usage = self.usage
            if self.budget and self.budget.spent(usage.sent + usage.asking, usage.answered) >= self.budget.amount:
                return Unscored(BUDGET_SPENT)
            size = sum(tokens(message["content"], CHARACTERS_PER_TOKEN) for message in body["messages"])
            usage.asking += size
            try:
                reply = await self.asker.chat(body)
            finally:
                usage.asking -= size
            if isinstance(reply, Failure):
                return Unscored(reply.reason)
            usage.calls += 1
            usage.sent += reply.prompt_tokens or size
            usage.answered += reply.completion_tokens or 0
            if reply.finish != "stop":
                why = Unscored("the judge's answer was cut off")
                continue
            if "</think>" in reply.content:  # the log-probabilities would be those of the thoughts
                reply = replace(reply, content=reply.content.rpartition("</think>")[2], logprobs=None)
            found = read(reply)
            if not isinstance(found, Unscored):
                return reply, found
            why = found
        return why

    def body(self, messages: Sequence[Message], form: Form) -> dict[str, Any]:
        """The request, in the server's dialect. A constraint that the server does not enforce is not sent."""
        body: dict[str, Any] = {
            "model": self.server.model,
            "messages": list(messages),
            "max_tokens": form.room + (THINKING_ROOM if self.server.thinks else 0),
            "temperature": 0.0,  # TGI samples at 1.0 where none is given
        }
        if form.labels:
            if self.server.logprobs:
                body |= {"logprobs": True, "top_logprobs": min(MOST_LOGPROBS, self.server.logprobs)}
            return dialects.constrain_labels(body, form.labels, self.server)
        if form.schema is not None:
            return dialects.constrain_schema(body, form.schema, self.server)
        return dialects.quiet(body, self.server)


def _reply(answer: Answer) -> Reply:
    return Reply(answer.content, "stop", tuple(answer.logprobs) if answer.logprobs is not None else None)
