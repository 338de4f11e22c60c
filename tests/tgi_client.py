"""A loopback TGI to talk to, and a plain client: no retries, no proxies, no redirects."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hfscore.judge.prompts import Shown
from hfscore.loopback import LoopbackTGI

NONCE = "0123456789abcdef"
QUESTION = "Janet's 16 ducks lay an egg each. She eats three eggs and sells the rest at $2 an egg."
STEPS = (
    "She sells 16 - 3 = 13 eggs.",
    "She makes 13 * 2 = 27 dollars.",
    "She makes 13 * 2 = 27 dollars.",
    "So it is 26.",
)
SHOWN = Shown(QUESTION, None, tuple(enumerate(STEPS, 1)), NONCE)
LABEL = {"max_tokens": 4, "temperature": 0, "logprobs": True, "top_logprobs": 5}
ONLY_LABELS = {"response_format": {"type": "regex", "value": "(1|0)"}}
CHAT_ROUTE = "/v1/chat/completions"
COLOUR = [{"role": "user", "content": "Name a colour."}]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def choice(self) -> Any:
        return self.json["choices"][0]

    @property
    def content(self) -> str:
        return str(self.choice["message"]["content"])


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)


def send(url: str, body: Any = None, **headers: str) -> Answer:
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    try:
        with OPENER.open(request, timeout=20) as reply:
            return Answer(reply.status, reply.headers, reply.read())
    except urllib.error.HTTPError as reply:
        return Answer(reply.code, reply.headers, reply.read())


def chat(tgi: LoopbackTGI, messages: Any = COLOUR, **fields: Any) -> Answer:
    return send(tgi.url + CHAT_ROUTE, {"messages": messages, "temperature": 0, **fields})
