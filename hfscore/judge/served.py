"""A judge behind a chat route, as the port `Judge`: opens client and store, plans, judges trace after trace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final

from hfscore.errors import HfscoreError
from hfscore.judge import correction, plan, prompts, verdicts
from hfscore.judge.address import Address
from hfscore.judge.background import Background, in_turn
from hfscore.judge.budget import Budget, affordable
from hfscore.judge.calls import THINKING_ROOM, Calls
from hfscore.judge.check_result import CheckResult
from hfscore.judge.client import Client, Patience
from hfscore.judge.cutting import Atomizer, cut
from hfscore.judge.limiter import cap_for
from hfscore.judge.plan import Cost, Mode
from hfscore.judge.rules import ABOUT, SERVED_AS
from hfscore.judge.server import Server, count_tokens, probe
from hfscore.judge.store import Store
from hfscore.judge.verdicts import Protocol
from hfscore.ports import Corrected, Criterion, Judged, ModelName
from hfscore.records import Trace, Unscored
from hfscore.text.steps import SPLITTER_VERSION, split_steps

TRACE_SECONDS: Final = 6 * 3600.0  # for all calls on one trace, waiting behind those on other traces included
REVIEW_SHARE: Final = 1.5  # a budget is planned for this many times the first tier, where there is a second
SAMPLED: Final = 8  # traces whose prompts the server counts, to know its characters in a token
MODES: Final[Mapping[Mode, str]] = {
    "label": "a call a step and criterion",
    "batch": "a call a window of steps and criterion",
}
SAFE: Final = 0.9  # of the context, where tokens were estimated and not counted


@dataclass(frozen=True, slots=True)
class Choice:
    """How to judge, as the user chose it; see `settings.Settings`."""

    model: str | None = None
    mode: str = "auto"
    rubric: str = "en"
    tiers: int = 2
    atomizer: Atomizer = "splitter"
    budget: Budget | None = None
    checked: CheckResult | None = None


class ServedJudge:
    """A `ports.Judge` over a server. Opened by `open_judge`, closed with `close`.

    Args:
        background: Where its coroutines run.
        client: An open client.
        calls: Asks the server through the store.
        choice: How to judge.
    """

    def __init__(self, background: Background, client: Client, calls: Calls, choice: Choice) -> None:
        self._background, self._client, self._calls, self._choice = background, client, calls, choice
        self._per_token: float | None = None
        self._allowed: frozenset[str] | None = None  # question ids; None for all
        self._last: tuple[tuple[Trace, ...], list[Judged | Unscored]] = ((), [])

    @property
    def server(self) -> Server:
        """What the server was found to be."""
        return self._calls.server

    @property
    def name(self) -> ModelName:
        """The model that is asked, and its revision as far as the server tells."""
        model = self.server.model
        if PurePosixPath(model).is_absolute() or PureWindowsPath(model).is_absolute():
            model = PureWindowsPath(model).name  # llama.cpp names a model by its file: a path is nobody else's business
        return ModelName(model, self.server.revision)

    @property
    def mode(self) -> Mode:
        """By label where the server can be held to one or gives probabilities, unless every token sent is paid for."""
        if self._choice.mode != "auto":
            return "batch" if self._choice.mode == "batch" else "label"
        paid = self._client.address.kind == "hf"
        return "batch" if paid or not (self.server.labels or self.server.logprobs) else "label"

    @property
    def settings(self) -> Mapping[str, str]:
        """Whatever else decides the verdicts."""
        server, choice = self.server, self._choice
        held = server.labels if self.mode == "label" else server.schema
        return {
            "server": " ".join(filter(None, (server.dialect, server.version))),
            "mode": MODES[self.mode],
            "answers held to their form": f"by {held}" if held else "no, read strictly",
            "probabilities": "from log-probabilities" if server.logprobs and self.mode == "label" else "none",
            "rubric": f"{choice.rubric}, version {prompts.rubric(choice.rubric)['version']}",
            "prompts": str(prompts.PROMPT_VERSION),
            "tiers": "doubtful labels asked again with reasons and a quote" if choice.tiers > 1 else "labels alone",
            "steps": f"{choice.atomizer}, splitter {SPLITTER_VERSION}",
            "errors": correction.errors(choice.checked),
            **({"about": ABOUT} if server.model == SERVED_AS else {}),
        }

    def estimate(self, traces: Sequence[Trace], price: Sequence[float]) -> Sequence[str]:
        """What the first tier of these traces would take; what the store holds already is not taken off."""
        total = sum(self._costs(traces).values(), Cost())
        sentences = [
            f"{total.calls:,} calls to {self.server.model} for {len(traces):,} traces ({self.settings['mode']}).",
            f"About {total.prompt:,} tokens sent, {total.fresh:,} of them new to a prefix cache, and {total.answer:,} "
            f"answered; doubtful steps are asked again, which is not in it." + self._counted,
        ]
        if len(price) == 2:
            sentences.append(f"At {price[0]:g} and {price[1]:g} a million tokens: about {total.price(*price):,.2f}.")
        return sentences

    @property
    def _counted(self) -> str:
        if self._per_token is None:
            return f" The server counts no tokens: {plan.CHARACTERS_PER_TOKEN} bytes to a token are assumed."
        return f" The server's tokenizer takes {self._per_token:.1f} bytes of these texts to a token."

    def _costs(self, traces: Sequence[Trace]) -> dict[str, Cost]:
        """question id -> cost, in the order given."""
        self._background.run(self._measure(traces))
        costs: dict[str, Cost] = {}
        for trace in traces:
            if trace.problem is None:
                steps = [step.text for step in split_steps(trace.reasoning)]
                one = plan.cost(
                    trace,
                    steps,
                    self.mode,
                    language=self._choice.rubric,
                    per_token=self._ratio,
                    room=self._room(trace),
                )
                costs[trace.question_id] = costs.get(trace.question_id, Cost()) + one
        return costs

    def plan(self, traces: Sequence[Trace]) -> Sequence[str]:
        """Take as many questions as the budget allows, in the order given."""
        budget = self._choice.budget
        if budget is None:
            return ()
        costs = self._costs(traces)
        if self._choice.tiers > 1:
            costs = {question: cost.times(REVIEW_SHARE) for question, cost in costs.items()}
        chosen = affordable(costs, budget)
        self._allowed = frozenset(chosen)
        whole = budget.spent(sum(cost.prompt for cost in costs.values()), sum(cost.answer for cost in costs.values()))
        return (
            f"The judge's budget of {budget.show(budget.amount)} is estimated to be enough for {len(chosen):,} of "
            f"{len(costs):,} questions (all: {budget.show(whole)}), chosen at random before anything is judged.",
        )

    def judge(self, traces: Sequence[Trace]) -> list[Judged | Unscored]:
        """Judge every step of every trace."""
        asked = tuple(traces)
        if self._last[0] != asked or not traces:
            self._last = (asked, self._run(traces, lambda trace: self._judged(trace, again=False)))
        return self._last[1]

    def repeat(self, traces: Sequence[Trace]) -> list[Judged | Unscored]:
        """Judge once more, past the store."""
        return self._run(traces, lambda trace: self._judged(trace, again=True))

    def corrected(self, criterion: Criterion, observed: tuple[float, float]) -> Corrected | Unscored | None:
        """A share corrected for the judge's errors on labelled steps."""
        return correction.corrected(self._choice.checked, criterion, observed)

    def holistic(self, traces: Sequence[Trace]) -> list[float | Unscored]:
        """One overall score in [0, 1] a trace."""
        return self._run(traces, self._graded)

    def spent(self) -> str:
        """What was asked in this process, a sentence."""
        usage = self._calls.usage
        return (
            f"The judge was asked {usage.calls:,} times ({usage.sent:,} tokens sent, {usage.answered:,} answered); "
            f"{usage.stored:,} answers came from the store."
        )

    def close(self) -> None:
        """Write the store and end the session."""
        try:
            self._background.run(self._client.__aexit__(None, None, None))
        finally:
            self._background.close()
            self._calls.store.close()

    def _run(self, traces: Sequence[Trace], work: Callable[[Trace], Any]) -> list[Any]:
        async def all_of_them() -> list[Any]:
            await self._measure(traces)
            return await in_turn(traces, work, at_once=max(1, min(len(traces), self._client.cap)))

        found = self._background.run(all_of_them())
        self._calls.store.flush()
        return found

    async def _judged(self, trace: Trace, *, again: bool) -> Judged | Unscored:
        if (why := self._refused(trace)) is not None:
            return why
        try:
            async with asyncio.timeout(TRACE_SECONDS):
                nonce = self._nonce(trace)
                atomizer, language = self._choice.atomizer, self._choice.rubric
                found = await cut(self._calls, trace, nonce, atomizer=atomizer, language=language)
                if isinstance(found, Unscored):
                    return found
                protocol = Protocol(
                    mode=self.mode,
                    language=self._choice.rubric,
                    review=self._choice.tiers > 1,
                    room=await self._counted_room(trace, nonce),
                    per_token=self._ratio,
                    again=again,
                )
                steps = await verdicts.judge_steps(self._calls, trace, found.steps, nonce, protocol=protocol)
        except TimeoutError:
            return Unscored("the judge took too long over the trace")
        return Judged(steps, found.verbatim, found.coverage)

    async def _graded(self, trace: Trace) -> float | Unscored:
        if (why := self._refused(trace)) is not None:
            return why
        nonce = self._nonce(trace)
        if await self._counted_room(trace, nonce) is not None:
            return Unscored("longer than the judge's context")
        steps = [step.text for step in split_steps(trace.reasoning)]
        whole = plan.Window(tuple(range(len(steps))), range(len(steps)))
        shown = plan.show(trace, steps, whole, nonce)
        return await verdicts.grade(self._calls, shown, language=self._choice.rubric)

    def _refused(self, trace: Trace) -> Unscored | None:
        if self._allowed is not None and trace.question_id not in self._allowed:
            return Unscored("beyond the judge's budget")
        return None if trace.reasoning.strip() else Unscored("no steps")

    def _nonce(self, trace: Trace) -> str:
        return prompts.nonce_of(self._calls.store.secret, trace.question, trace.reasoning)

    @property
    def _ratio(self) -> float:
        return self._per_token or plan.CHARACTERS_PER_TOKEN

    async def _measure(self, traces: Sequence[Trace]) -> None:
        """Learn from the server how many bytes of these traces make a token, once."""
        if self._per_token is not None:
            return
        sample = [trace for trace in traces if trace.problem is None and trace.reasoning.strip()][:SAMPLED]
        sizes = tokens = 0
        for trace in sample:
            messages = self._whole(trace, self._nonce(trace))
            counted = await count_tokens(self._client, self.server, messages)
            if counted:
                tokens += counted
                sizes += sum(len(message["content"].encode()) for message in messages)
        if tokens:
            self._per_token = sizes / tokens

    def _whole(self, trace: Trace, nonce: str) -> list[prompts.Message]:
        steps = tuple((number, step.text) for number, step in enumerate(split_steps(trace.reasoning), 1))
        shown = prompts.Shown(trace.question, plan.reference_of(trace), steps, nonce)
        return prompts.ask(self._choice.rubric, shown, "label", "factuality", first=1)

    def _room(self, trace: Trace) -> int | None:
        """Tokens free for steps, by estimate; None where the server told no bound."""
        bound = self.server.input_tokens or self.server.total_tokens
        if bound is None:
            return None
        bound = min(bound, (self.server.total_tokens or bound) - self._answer_room)
        fixed = prompts.system(self._choice.rubric, "0" * 16)["content"]
        given = (trace.question or "") + (plan.reference_of(trace) or "")
        taken = sum(plan.tokens(text, self._ratio) for text in (fixed, given)) + 2 * plan.TAIL_TOKENS
        return max(1, int(bound * SAFE) - taken)

    @property
    def _answer_room(self) -> int:
        longest = plan.ANSWER_TOKENS["reason"] + plan.ANSWER_TOKENS["verdict"]
        return longest + (THINKING_ROOM if self.server.thinks else 0)

    async def _counted_room(self, trace: Trace, nonce: str) -> int | None:
        """None where the whole trace fits, by estimate with a wide margin or by the server's own count."""
        room = self._room(trace)
        if room is None:
            return None
        steps = [step.text for step in split_steps(trace.reasoning)]
        needed = sum(plan.tokens(text, self._ratio) for text in steps)
        if needed <= room / 2:
            return None
        counted = await count_tokens(self._client, self.server, self._whole(trace, nonce))
        bound = self.server.input_tokens or self.server.total_tokens or 0
        bound = min(bound, (self.server.total_tokens or bound) - self._answer_room)
        if counted is not None and counted <= bound:
            return None
        return room if counted is None else min(room, needed - 1)


def open_judge(
    address: Address,
    choice: Choice,
    *,
    key: str | None,
    store: Path | None,
    behind: Path | None = None,
    of: int = 1,
    say: Callable[[str], None],
    patience: Patience | None = None,
) -> ServedJudge:
    """Connect to a judge's server, find out what it does, and open the store.

    Args:
        address: Where it is.
        choice: How to judge.
        key: Its key, allowed by `address.key_for`.
        store: File of its answers; None for memory.
        behind: Another store, whose answers are read and which is left as it is.
        of: How many processes share the calls that may be on their way at once.
        say: Told what the server cannot do and what is done instead.
        patience: How long and how often a call is tried.

    Raises:
        HfscoreError: Nothing there answers as a chat route with this model and key.
    """
    background = Background()
    client = Client(address, key, patience or Patience())
    opened: Store | None = None
    try:
        background.run(client.__aenter__())
        server = background.run(probe(client, choice.model))
        client.resize(max(1, cap_for(server.concurrency) // of))
        for note in server.notes:
            say(note)
        opened = Store.open(store, behind)
        judge = ServedJudge(background, client, Calls(client, server, opened, choice.budget), choice)
        if judge._answer_room * 2 > (server.total_tokens or judge._answer_room * 2):
            raise HfscoreError(
                f"The context of {server.model} at {address.base} is too small: {server.total_tokens:,} tokens.",
                f"Start the server with at least {4 * judge._answer_room:,}.",
            )
    except BaseException:
        if opened is not None:
            opened.close()
        background.run(client.__aexit__(None, None, None))
        background.close()
        raise
    return judge
