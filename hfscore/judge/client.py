"""A judge's client: bounded retries, a limit on calls at once, and one clear end where all calls would fail.

Knows the chat route and how it fails, not what is asked.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from hfscore.errors import HfscoreError
from hfscore.judge.address import Address, redact
from hfscore.judge.faults import Failure, Kind, explain, harmless
from hfscore.judge.gate import Gate
from hfscore.judge.limiter import UNKNOWN_CAP, Effect, Limiter
from hfscore.judge.reply import GarbageError, Reply, parse
from hfscore.judge.transport import Answer, Transport

ROUTE_TIMEOUT: Final = 60.0
"""Seconds for a server's own routes, which generate nothing."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often.

    Args:
        deadline: Seconds for one call with all its tries, from when it is first sent.
        timeout: Seconds for one try, queueing on the server included.
        connect: Seconds for a connection.
        first_wait: Ceiling, in seconds, of the random wait before the second try; it doubles with each further one.
        longest_wait: Where the doubling ends, in seconds.
        spare_retries: Retries of a whole run beyond one for each call.
    """

    deadline: float = 900.0
    timeout: float = 300.0
    connect: float = 10.0
    first_wait: float = 0.5
    longest_wait: float = 30.0
    spare_retries: int = 200

    def wait(self, tries: int, asked: float | None) -> float:
        """Seconds before the next try: full jitter (Brooker 2015), after what the server asked for."""
        ceiling = min(self.longest_wait, self.first_wait * 2.0 ** min(tries - 1, 30))
        return (asked or 0.0) + random.uniform(0, ceiling)  # noqa: S311 - no secret


@dataclass(slots=True)
class Tally:
    """What a client has done so far.

    Args:
        calls: Chat calls asked for.
        retries: Tries beyond the first.
        refusals: Tries that the server refused for want of room.
        prompt_tokens: Tokens sent, as the server counts.
        cached_tokens: Of these, tokens that a prefix cache held.
        completion_tokens: Tokens answered.
    """

    calls: int = 0
    retries: int = 0
    refusals: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0

    def add(self, reply: Reply) -> None:
        """Count a reply's tokens."""
        self.prompt_tokens += reply.prompt_tokens or 0
        self.cached_tokens += reply.cached_tokens or 0
        self.completion_tokens += reply.completion_tokens or 0


class Client:
    """A judge's client. Open it with `async with`, and use it on that event loop alone.

    Args:
        address: The judge; any but "rules".
        key: What `address.key_for` allowed, or None.
        patience: How long and how often.
        cap: Calls at once, at most; see `resize`.
    """

    def __init__(
        self, address: Address, key: str | None = None, patience: Patience | None = None, *, cap: int = UNKNOWN_CAP
    ) -> None:
        self.address = address
        self.patience = patience or Patience()
        self.cap = cap
        self.tally = Tally()
        self._key = key
        self._transport = Transport(address, key, self.patience.connect)
        self._gate = Gate(Limiter(cap))
        self._streak: tuple[Kind | None, int] = (None, 0)  # failures of one kind, one after the other

    async def __aenter__(self) -> Self:
        self._transport.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.close()

    def resize(self, cap: int) -> None:
        """Set the calls at once, at most, now that the server has said how many it takes; while none is on its way."""
        self.cap = cap
        self._gate = Gate(Limiter(cap))

    def redact(self, text: str) -> str:
        """The text without the key."""
        return redact(text, self._key)

    def explain(self, failure: Failure, model: str | None = None) -> HfscoreError:
        """A failure as the sentence that ends a run."""
        return explain(failure, base=self.address.base, host=self.address.host, model=model)

    async def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Answer | Failure:
        """Ask one of the server's own routes, once: a GET, or a POST of a JSON body.

        Args:
            path: Behind the address's root, such as "/info".
            body: JSON body, or None.
        """
        payload = None if body is None else _encoded(body)
        return await self._transport.send(self.address.root + path, payload, min(self.patience.timeout, ROUTE_TIMEOUT))

    async def once(self, body: Mapping[str, Any]) -> Reply | Failure:
        """Ask the chat route one single time; counts for nothing in `chat`'s judgement of the run."""
        outcome, _ = await self._turn(_encoded(body), None)
        return outcome or Failure("slow")

    async def chat(self, body: Mapping[str, Any]) -> Reply | Failure:
        """Ask the chat route, again where that may help.

        Args:
            body: The route's JSON body.

        Returns:
            The reply, or why there is none.

        Raises:
            HfscoreError: So many calls in a row failed for a reason of one kind that going on would only fail the rest.
        """
        self.tally.calls += 1
        outcome = await self._persist(_encoded(body))
        if isinstance(outcome, Reply):
            self._streak = (None, 0)
            self.tally.add(outcome)
            return outcome
        self._streak = (outcome.kind, self._streak[1] + 1 if self._streak[0] == outcome.kind else 1)
        limit = outcome.policy.stop_after
        if limit is not None and self._streak[1] >= limit:
            raise self.explain(outcome, str(body.get("model", "")))
        return outcome

    async def _persist(self, payload: bytes) -> Reply | Failure:
        """Try until a reply comes, or until the rules, the deadline or the run's retries say that none will."""
        clock = asyncio.get_running_loop().time
        failures: list[Failure] = []
        deadline: float | None = None
        while True:
            outcome, deadline = await self._turn(payload, deadline)
            if isinstance(outcome, Reply):
                return replace(outcome, tries=len(failures) + 1)
            failures += [outcome] if outcome else []
            last = replace(failures[-1], tries=len(failures))
            wait = self.patience.wait(len(failures), last.wait)
            if outcome is None or clock() + wait > deadline or not self._may_retry(failures):
                return last
            self.tally.retries += 1
            await asyncio.sleep(wait)

    async def _turn(self, payload: bytes, deadline: float | None) -> tuple[Reply | Failure | None, float]:
        """One try once there is room for it, within a deadline that runs from the first; None if that has passed."""
        ticket = await self._gate.enter()
        effect: Effect = "none"
        pause = 0.0
        try:
            now = asyncio.get_running_loop().time()
            if deadline is None:
                deadline = now + self.patience.deadline
            if now >= deadline:
                return None, deadline
            outcome = await self._try(payload, min(deadline - now, self.patience.timeout))
            effect = outcome.policy.effect if isinstance(outcome, Failure) else "ok"
            asked = outcome.wait or 0.0 if isinstance(outcome, Failure) else 0.0
            pause = asked if asked <= self.patience.deadline else 0.0  # nobody waits that long: let the rest find out
            self.tally.refusals += effect == "refused"
            return outcome, deadline
        finally:
            self._gate.leave(ticket, effect, pause)

    def _may_retry(self, failures: list[Failure]) -> bool:
        last = failures[-1]
        alike = Counter(failure.kind for failure in failures)[last.kind]
        return alike <= last.policy.retries and self.tally.retries < self.tally.calls + self.patience.spare_retries

    async def _try(self, payload: bytes, timeout: float) -> Reply | Failure:
        answer = await self._transport.send(f"{self.address.base}/chat/completions", payload, timeout)
        if isinstance(answer, Failure):
            return answer
        try:
            return replace(parse(answer.payload, answer.headers, self.redact), seconds=answer.seconds)
        except GarbageError as error:
            body = self.redact(answer.payload.decode("utf-8", "replace"))  # whole: a cut key would not be found
            return Failure("garbage", harmless(f"{error}: {body}"), 200)


def _encoded(body: Mapping[str, Any]) -> bytes:
    # A lone surrogate cannot be encoded, and a server would take its escape for bad JSON.
    return json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
