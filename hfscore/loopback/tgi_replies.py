"""Answers of the loopback TGI: bodies and headers of its routes, and its counters in Prometheus' text form."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hfscore.loopback.tgi_checks import Call
from hfscore.loopback.tgi_model import Output, Token, token_id, tokenize

VERSION: Final = "3.3.7"
FINGERPRINT: Final = f"{VERSION}-loopback"
_FINISH: Final = {"eos_token": "stop"}  # the chat routes' name; the others stay


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds a request took: checking, waiting, generating."""

    validation: float
    queue: float
    inference: float

    @property
    def total(self) -> float:
        """All together."""
        return self.validation + self.queue + self.inference


@dataclass(slots=True)
class Counters:
    """What was counted since the start.

    Args:
        requests: Requests to the routes that count.
        success: Those that were answered.
        failure: Those that were not, by the router's word for why.
        sums: Of each histogram, the sum.
        counts: Of each histogram, the observations.
        in_flight: Requests held now.
        most_in_flight: Most held at once.
    """

    requests: int = 0
    success: int = 0
    failure: Counter[str] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0

    def enter(self) -> None:
        """Hold a request."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def observe(self, call: Call, output: Output, timing: Timing) -> None:
        """Count an answered request."""
        self.success += 1
        generated = max(1, len(output.tokens))
        for name, value in (
            ("request_duration", timing.total),
            ("request_validation_duration", timing.validation),
            ("request_queue_duration", timing.queue),
            ("request_inference_duration", timing.inference),
            ("request_mean_time_per_token_duration", timing.inference / generated),
            ("request_input_length", call.prompt_tokens),
            ("request_generated_tokens", len(output.tokens)),
        ):
            self.sums[name] += value  # type: ignore[assignment]
            self.counts[name] += 1

    def render(self) -> str:
        """All of it in Prometheus' text form."""
        lines = []
        for name, kind, value in (
            ("request_count", "counter", self.requests),
            ("request_success", "counter", self.success),
            ("queue_size", "gauge", 0),
            ("batch_current_size", "gauge", self.in_flight),
        ):
            lines += [f"# TYPE tgi_{name} {kind}", f"tgi_{name} {value}", ""]
        if self.failure:
            lines += ["# TYPE tgi_request_failure counter"]
            lines += [f'tgi_request_failure{{err="{why}"}} {count}' for why, count in sorted(self.failure.items())]
            lines += [""]
        for name, count in self.counts.items():
            lines += [f"# TYPE tgi_{name} histogram", f'tgi_{name}_bucket{{le="+Inf"}} {count}']
            lines += [f"tgi_{name}_sum {self.sums[name]}", f"tgi_{name}_count {count}", ""]
        return "\n".join(lines) + "\n"


def headers(call: Call, output: Output, timing: Timing) -> dict[str, str]:
    """The headers of an answer; times in whole milliseconds."""
    generated = max(1, len(output.tokens))
    return {
        "x-compute-type": "1-cpu",
        "x-compute-time": f"{timing.total:.6f}",
        "x-compute-characters": str(len(call.prompt)),
        "x-total-time": str(int(timing.total * 1000)),
        "x-validation-time": str(int(timing.validation * 1000)),
        "x-queue-time": str(int(timing.queue * 1000)),
        "x-inference-time": str(int(timing.inference * 1000)),
        "x-time-per-token": str(int(timing.inference * 1000 / generated)),
        "x-prompt-tokens": str(call.prompt_tokens),
        "x-generated-tokens": str(len(output.tokens)),
    }


def _usage(call: Call, outputs: Sequence[Output]) -> dict[str, int]:
    generated = sum(len(output.tokens) for output in outputs)
    return {
        "prompt_tokens": call.prompt_tokens,
        "completion_tokens": generated,
        "total_tokens": call.prompt_tokens + generated,
    }


def chat(model: str, call: Call, output: Output) -> dict[str, Any]:
    """The body of a chat completion."""
    return {
        "object": "chat.completion",
        "id": "",
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": FINGERPRINT,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": output.text},
                "logprobs": {"content": [_position(token) for token in output.tokens]} if call.logprobs else None,
                "finish_reason": _FINISH.get(output.finish, output.finish),
            }
        ],
        "usage": _usage(call, [output]),
    }


def _position(token: Token) -> dict[str, Any]:
    return {
        "token": token.text,
        "logprob": token.logprob,
        "top_logprobs": [{"token": text, "logprob": value} for text, value in token.alternatives],
    }


def chunks(model: str, call: Call, output: Output) -> Iterator[dict[str, Any]]:
    """The bodies of a streamed chat completion, one a token; the last says why the answer ended."""
    head = {"object": "chat.completion.chunk", "id": "", "created": int(time.time()), "model": model}
    for place, token in enumerate(output.tokens, 1):
        choice = {
            "index": 0,
            "delta": {"role": "assistant", "content": token.text},
            "logprobs": {"content": [_position(token)]} if call.logprobs else None,
            "finish_reason": _FINISH.get(output.finish, output.finish) if place == len(output.tokens) else None,
        }
        yield {**head, "system_fingerprint": FINGERPRINT, "choices": [choice], "usage": None}


def completion(model: str, call: Call, output: Output) -> dict[str, Any]:
    """The body of a text completion."""
    return {
        "object": "text_completion",
        "id": "",
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": FINGERPRINT,
        "choices": [
            {
                "index": 0,
                "text": output.text,
                "logprobs": None,
                "finish_reason": _FINISH.get(output.finish, output.finish),
            }
        ],
        "usage": _usage(call, [output]),
    }


def native(call: Call, outputs: Sequence[Output]) -> dict[str, Any]:
    """The body of the native route; the first output is the best."""
    best, *others = (_native_one(call, output) for output in outputs)
    body = {"generated_text": best.pop("generated_text")}
    if not call.details:
        return body
    return {**body, "details": {**best, **({"best_of_sequences": others} if others else {})}}


def _native_one(call: Call, output: Output) -> dict[str, Any]:
    tops = [
        [{"id": token_id(text), "text": text, "logprob": value, "special": False} for text, value in token.alternatives]
        for token in output.tokens
    ]
    return {
        "generated_text": call.prompt * call.full + output.text,
        "finish_reason": output.finish,
        "generated_tokens": len(output.tokens),
        "seed": call.sampling.seed if call.sampling.temperature else None,
        "prefill": [],  # prompt log-probabilities need a flag at the start that this server does not have
        "tokens": [
            {"id": token.id, "text": token.text, "logprob": token.logprob, "special": False} for token in output.tokens
        ],
        **({"top_tokens": tops} if call.sampling.alternatives else {}),
    }


def simple_tokens(text: str) -> list[dict[str, Any]]:
    """The tokens of a text as the tokenize routes list them; offsets count bytes of UTF-8."""
    tokens, start = [], 0
    for piece in tokenize(text):
        stop = start + len(piece.encode("utf-8", "replace"))
        tokens.append({"id": token_id(piece), "text": piece, "start": start, "stop": stop})
        start = stop
    return tokens


def info(model: str, sha: str | None, slots: int, limits: Mapping[str, int]) -> dict[str, Any]:
    """The body of /info."""
    return {
        "model_id": model,
        "model_sha": sha,
        "model_pipeline_tag": "text-generation",
        "max_concurrent_requests": slots,
        "max_best_of": 2,
        "max_stop_sequences": 4,
        **limits,
        "validation_workers": 2,
        "max_client_batch_size": 4,
        "router": "text-generation-router",
        "version": VERSION,
        "sha": None,
        "docker_label": "loopback",
    }
