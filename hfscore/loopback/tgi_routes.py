"""The HTTP side of the loopback TGI: routes, keys, slots, faults, the log. Imports aiohttp, so it is imported late."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Any, Final, Literal

from aiohttp import web

from hfscore.loopback import tgi_checks as checks
from hfscore.loopback import tgi_replies as replies
from hfscore.loopback.tgi_brains import Brain, asked
from hfscore.loopback.tgi_checks import Call, Limits
from hfscore.loopback.tgi_faults import GARBAGE, Fault, Faults, Request, RequestLog
from hfscore.loopback.tgi_http import REFUSALS, Exchange, as_bytes, as_json, damaged, worded
from hfscore.loopback.tgi_model import Output, Said, generate, template
from hfscore.loopback.tgi_replies import Counters, Timing
from hfscore.loopback.tgi_wire import Refused, read_chat, read_messages, read_native

PAYLOAD_LIMIT: Final = 2_000_000  # bytes of a body; the default of --payload-limit

Route = Literal["chat", "completion", "native", "compat"]
Handler = Callable[["Exchange"], Awaitable[web.StreamResponse]]

_TOO_LARGE: Final = "Failed to buffer the request body: length limit exceeded"
_NO_LABEL: Final = Said("perhaps")


@dataclass(slots=True)
class Service:
    """The server's state.

    Args:
        brain: What it thinks with.
        model: Name of the model it says it serves.
        sha: Revision of that model, or None.
        limits: Tokens and dialect.
        slots: Requests held at once; TGI refuses one more, the other dialects let it wait.
        api_key: Key that the generating routes ask for, or None.
        latency: Seconds each answer takes.
        healthy: What /health says.
    """

    brain: Brain
    model: str
    sha: str | None
    limits: Limits
    slots: int
    api_key: str | None
    latency: float
    healthy: bool = True
    faults: Faults = field(default_factory=Faults)
    log: RequestLog = field(default_factory=RequestLog)
    counters: Counters = field(default_factory=Counters)
    queue: asyncio.Semaphore = field(init=False)
    garbage: cycle[tuple[bytes, str]] = field(default_factory=lambda: cycle(GARBAGE))

    def __post_init__(self) -> None:
        self.queue = asyncio.Semaphore(self.slots)

    def app(self) -> web.Application:
        """The routes; only TGI has its own."""
        app = web.Application(client_max_size=PAYLOAD_LIMIT)
        get: dict[str, Handler] = {"/health": self._health, "/v1/models": self._models}
        post: dict[str, Handler] = {"/v1/chat/completions": self._generating("chat")}
        if self.limits.dialect == "tgi":
            get |= {"/": self._health, "/ping": self._health, "/info": self._info, "/metrics": self._metrics}
            post |= {
                "/chat_tokenize": self._chat_tokenize,
                "/tokenize": self._tokenize,
                "/generate": self._generating("native"),
                "/": self._generating("compat"),
                "/v1/completions": self._generating("completion"),
            }
        for path, handler in get.items():
            app.router.add_get(path, self._noted(handler))
        for path, handler in post.items():
            app.router.add_post(path, self._noted(handler))
        app.router.add_route("*", "/{path:.*}", self._noted(_nowhere))
        return app

    def _noted(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A handler that is given the whole body, words its refusals, and notes what it did."""

        async def noted(request: web.Request) -> web.StreamResponse:
            exchange, status = Exchange(request), 0
            try:
                exchange.body = await request.read()
                answer = await handler(exchange)
                status = 0 if exchange.dropped else answer.status
            except Refused as refusal:
                status = refusal.status
                answer = worded(status, refusal.body)
            except web.HTTPRequestEntityTooLarge:
                status = 413
                answer = web.Response(status=status, text=_TOO_LARGE)
            finally:  # a cancelled request is noted too: its caller has gone
                self._note(exchange, status)
            return answer

        return noted

    def _note(self, exchange: Exchange, status: int) -> None:
        request, question = exchange.request, asked(exchange.call.messages) if exchange.call else None
        known = (question.kind, question.shown.nonce, question.criterion, question.first) if question else ()
        digest = hashlib.blake2b(exchange.body, digest_size=8).hexdigest()
        signed = "Authorization" in request.headers
        self.log.append(Request(exchange.arrived, request.method, request.path, status, digest, signed, *known))

    async def _health(self, exchange: Exchange) -> web.Response:
        return web.Response() if self.healthy else worded(*REFUSALS["503"])

    async def _info(self, exchange: Exchange) -> web.Response:
        limits = {"max_input_tokens": self.limits.input_tokens, "max_total_tokens": self.limits.total_tokens}
        return as_json(replies.info(self.model, self.sha, self.slots, limits))

    async def _metrics(self, exchange: Exchange) -> web.Response:
        return web.Response(text=self.counters.render())

    async def _models(self, exchange: Exchange) -> web.Response:
        entry = {"id": self.model, "object": "model", "created": 0, "owned_by": self.model}
        return as_json({"object": "list", "data": [entry]})

    async def _chat_tokenize(self, exchange: Exchange) -> web.Response:
        prompt = template(read_chat(exchange.data(), len(exchange.body)))
        return as_json({"tokenize_response": replies.simple_tokens(prompt), "templated_text": prompt})

    async def _tokenize(self, exchange: Exchange) -> web.Response:
        self._admit(exchange.request)
        data = exchange.data()
        read_native(data, len(exchange.body))
        return as_json(replies.simple_tokens(data["inputs"]))

    def _admit(self, request: web.Request) -> None:
        """Refuse a caller without the key; the whole header is compared, without case, as TGI does."""
        shown = request.headers.get("Authorization", "")
        if self.api_key is not None and shown.lower() != f"bearer {self.api_key}".lower():
            raise Refused(401, "")

    def _generating(self, route: Route) -> Handler:
        """The handler of a route that generates."""

        async def generating(exchange: Exchange) -> web.StreamResponse:
            start = time.perf_counter()
            self._admit(exchange.request)
            self.counters.requests += 1
            fault = self.faults.take(exchange.request.path, exchange.body)
            if fault is not None and (early := self._early(fault)) is not None:
                return early
            check = self._checker(route, exchange.data(), len(exchange.body))
            try:
                return await self._held(exchange, route, check, fault=fault, start=start)
            except Refused as refusal:
                self.counters.failure["overloaded" if refusal.status == 429 else "validation"] += 1
                raise

        return generating

    def _early(self, fault: Fault) -> web.Response | None:
        """The answer of a fault that needs none of the server's own."""
        if fault.kind in REFUSALS:
            status, words = REFUSALS[fault.kind]
            self.counters.failure[words["error_type"]] += 1
            return worded(status, words)
        if fault.kind == "redirect":
            return web.Response(status=307, headers={"Location": fault.location})
        if fault.kind == "garbage":
            content, kind = next(self.garbage)
            return web.Response(body=content, content_type=kind)
        return None

    def _checker(self, route: Route, data: Mapping[str, Any], size: int) -> Callable[[], Call]:
        """Check a body's shape; what is returned checks its values, which TGI does once there is a slot."""
        limits, draw = self.limits, self.counters.requests
        if limits.dialect != "tgi":
            messages = read_messages(data, size)
            return lambda: checks.check_openai(data, messages, limits, draw)
        if route == "chat":
            messages = read_chat(data, size)
            return lambda: checks.check_chat(data, messages, limits, size, draw)
        if route == "completion":
            return lambda: checks.check_completion(data, limits, size, draw)
        parameters = read_native(data, size)
        return lambda: checks.check_native(data["inputs"], parameters, limits, size, draw)

    async def _held(
        self, exchange: Exchange, route: Route, check: Callable[[], Call], *, fault: Fault | None, start: float
    ) -> web.StreamResponse:
        """Answer while a slot is held."""
        if self.limits.dialect == "tgi" and self.counters.in_flight >= self.slots:
            raise Refused(*REFUSALS["429"])
        async with self.queue:
            self.counters.enter()
            try:
                call = exchange.call = check()
                checked = time.perf_counter()
                delay = self.latency + (fault.delay_s if fault and fault.kind == "slow" else 0.0)
                if delay:
                    await asyncio.sleep(delay)
                outputs = self._outputs(call, fault)
                if fault and fault.kind == "no_logprobs":
                    call = replace(call, logprobs=False)
                timing = Timing(checked - start, 0.0, time.perf_counter() - checked)
                self.counters.observe(call, outputs[0], timing)
                if call.stream and route == "chat":
                    return await self._streamed(exchange.request, call, outputs[0])
                head = replies.headers(call, outputs[0], timing) if self.limits.dialect == "tgi" else {}
                answer = as_json(self._body(route, call, outputs), head)
                return await damaged(exchange, answer, fault)
            finally:
                self.counters.in_flight -= 1

    def _outputs(self, call: Call, fault: Fault | None) -> list[Output]:
        kind = fault.kind if fault else ""
        said, constraint = self.brain(call.messages), call.constraint
        if kind in ("wrong_label", "drop_constraints"):
            said = _NO_LABEL if kind == "wrong_label" else Said(f"Let me see. I would say: {said.text}")
            constraint = None
        seeds = range(call.sampling.seed, call.sampling.seed + call.best_of)
        outputs = [generate(said, constraint, replace(call.sampling, seed=seed)) for seed in seeds]
        if kind == "length":
            kept = [output.tokens[: len(output.tokens) // 2] for output in outputs]
            outputs = [Output("".join(token.text for token in tokens), tokens, "length") for tokens in kept]
        return outputs

    def _body(self, route: Route, call: Call, outputs: list[Output]) -> Any:
        if route == "chat":
            return replies.chat(self.model, call, outputs[0])
        if route == "completion":
            return replies.completion(self.model, call, outputs[0])
        body = replies.native(call, outputs)
        return [body] if route == "compat" else body

    async def _streamed(self, request: web.Request, call: Call, output: Output) -> web.StreamResponse:
        """An answer as server-sent events, a token each."""
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        for chunk in replies.chunks(self.model, call, output):
            await answer.write(b"data: " + as_bytes(chunk) + b"\n\n")
        await answer.write(b"data: [DONE]\n\n")
        await answer.write_eof()
        return answer


async def _nowhere(exchange: Exchange) -> web.Response:
    return web.Response(status=404)
