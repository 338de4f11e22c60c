"""Finds out which server a judge runs on and what it really does, by asking it.

An HTTP 200 proves nothing: servers accept constraints that they ignore. So every constraint is proved twice, each time
with strings that no model would write freely.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from hfscore.errors import HfscoreError
from hfscore.judge.client import Client
from hfscore.judge.dialects import TRAITS, Dialect, Server, constrain_labels, constrain_schema, quiet
from hfscore.judge.faults import Failure, harmless
from hfscore.judge.labels import read_object
from hfscore.judge.reply import Reply, count

__all__ = ["Server", "count_tokens", "probe"]

Message = Mapping[str, Any]
Facts = Mapping[str, Any]
What = Literal["labels", "schema"]

_TELLS: Final[tuple[tuple[str, Dialect, Callable[[Facts], bool]], ...]] = (
    ("/info", "tgi", lambda facts: "router" in facts),
    ("/get_model_info", "sglang", lambda facts: "model_path" in facts),
    ("/props", "llama.cpp", lambda facts: "default_generation_settings" in facts),
    ("/version", "vllm", lambda facts: "version" in facts),
    ("/openapi.json", "transformers", lambda facts: "/load_model" in _mapping(facts.get("paths"))),
)
"""Route, who answers it, and what nobody else answers it with."""
_ASKED: Final = "Name a colour. Answer with one word."
_ODD: Final = (("qz7", "kx4"), ("vw3", "jp9"))
_LIST: Final = (
    "Continue this list with five more words, chosen at random: anchor, meadow, violin, copper, lantern, glacier, "
    "pepper, saddle, harbour, needle, walnut, thunder, mirror, cotton, ladder, compass, orchard, pebble, ribbon,"
)
_TRIES: Final = 3  # for a question that meets a passing fault
_PASSING: Final = frozenset({"refused", "generation", "server", "connection"})

# Some of these answer with what they have, whatever model they are asked for.
_LISTS_ALL: Final = frozenset({"tgi", "vllm", "sglang", "llama.cpp"})

_NO_LABELS = (
    "The judge's server enforces no choice of labels: free text is read, and what is no label leaves its step unscored."
)
_NO_SCHEMA = (
    "The judge's server enforces no JSON schema: free text is read, and what does not fit leaves its step unscored."
)
_NO_LOGPROBS = "The judge's server gives no log-probabilities: its verdicts carry no probability."
_UNLISTED = "The judge's server lists {names}, not {model}: what answers may be another model."
_VARIES = "The judge's server gave two answers to one request at temperature 0."
_THINKS = "The judge thinks before it answers, although asked not to: an answer may end before its label."


async def probe(client: Client, model: str | None = None) -> Server:
    """Find out what a judge's server is and does, with about a dozen short calls.

    Args:
        client: An open client.
        model: The model that the user named, or None for the one that is served.

    Raises:
        HfscoreError: Nothing there answers as a chat route with this model and key; the sentence says what does.
    """
    server, served, wanted = await _identify(client), await _served(client), model or client.address.model
    if not (server.model or served or wanted):  # perhaps there is no chat route at all
        outcome = await _ask(client, _body(replace(server, model="any"), _ASKED, 4))
        if isinstance(outcome, Failure) and outcome.kind == "configuration" and outcome.cause != "model":
            raise client.explain(outcome)
    server = _settled(server, served, wanted, client)
    server = await _repeated(client, server)
    traits = TRAITS[server.dialect]
    server = replace(
        server,
        labels=await _first_enforced(client, server, "labels", traits.labels),
        schema=await _first_enforced(client, server, "schema", traits.schemas),
    )
    server = replace(server, logprobs=await _alternatives(client, server, traits.alternatives))
    return replace(server, notes=(*server.notes, *(note for note, holds in _notes(server) if holds)))


async def _identify(client: Client) -> Server:
    """Dialect and figures, from the routes that tell servers apart; the model is left open."""
    if client.address.kind == "hf":
        return Server("inference-providers", "")
    for route, dialect, tells in _TELLS:
        answer = await client.ask(route)
        if isinstance(answer, Failure):
            if answer.kind == "connection" or answer.cause == "tls":
                raise client.explain(answer)
        elif tells(facts := answer.json()):
            return _read(dialect, facts, client)
    return Server("openai", "")


def _read(dialect: Dialect, facts: Facts, client: Client) -> Server:
    """What the telling route says beyond who it is."""

    def text(name: str) -> str | None:
        value = facts.get(name)
        return (harmless(client.redact(value)) or None) if isinstance(value, str) else None

    slots = TRAITS[dialect].concurrency
    if dialect == "tgi":
        return Server(
            dialect,
            text("model_id") or "",
            revision=text("model_sha"),
            version=text("version"),
            concurrency=count(facts.get("max_concurrent_requests")) or slots,
            input_tokens=count(facts.get("max_input_tokens")) or None,
            total_tokens=count(facts.get("max_total_tokens")) or None,
        )
    if dialect == "llama.cpp":
        total = count(facts.get("total_slots"))
        window = count(_mapping(facts.get("default_generation_settings")).get("n_ctx")) or None
        # It queues: a second call for each slot waits there, so that none stands idle.
        return Server(
            dialect, "", version=text("build_info"), concurrency=2 * total if total else slots, total_tokens=window
        )
    return Server(dialect, "", version=text("version"), concurrency=slots)


async def _served(client: Client) -> list[Facts]:
    """The entries of /v1/models; empty where there is no such list."""
    answer = await client.ask("/v1/models")
    entries = answer.json().get("data") if not isinstance(answer, Failure) else None
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]


def _settled(server: Server, served: Sequence[Facts], wanted: str | None, client: Client) -> Server:
    """The server with the model it will be asked for, and what the list says of that model."""
    names = [server.model] if server.model else [harmless(entry["id"]) for entry in served]
    if wanted is None and len(names) != 1:
        said = f"serves several models: {', '.join(names[:9])}" if names else "does not say which model it serves"
        raise HfscoreError(f"The judge at {client.address.base} {said}.", "Name one with --judge-model.")
    unlisted = wanted is not None and bool(names) and wanted not in names
    if unlisted and server.dialect in _LISTS_ALL:
        raise HfscoreError(
            f"The judge at {client.address.base} serves {', '.join(names[:9])}, not {wanted}.",
            "Name a model that it serves with --judge-model, or leave the option out.",
        )
    model = wanted or names[0]
    entry = next((entry for entry in served if entry["id"] == model), {})
    window = count(entry.get("max_model_len")) or count(entry.get("context_length")) or None
    notes = (_UNLISTED.format(model=model, names=", ".join(names[:3])),) if unlisted else ()
    return replace(server, model=model, total_tokens=server.total_tokens or window, notes=notes)


async def _repeated(client: Client, server: Server) -> Server:
    """Ask one thing twice, at temperature 0; the first call of all, so what is wrong with the judge shows here."""
    body = quiet(_body(server, _LIST, 24), server)
    first = await _ask(client, body)
    if isinstance(first, Failure):
        raise client.explain(first, server.model)
    second = await _ask(client, body)
    if isinstance(second, Failure):
        raise client.explain(second, server.model)
    return replace(
        server,
        repeats=first.content == second.content,
        prefix_cache=bool(second.cached_tokens),
        thinks=first.thinking or second.thinking,
        # A fingerprint names a build, which is not the weights' revision.
        version=server.version or second.fingerprint,
    )


def _body(server: Server, question: str, room: int) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}]
    return {"model": server.model, "messages": messages, "max_tokens": room, "temperature": 0.0}


async def _ask(client: Client, body: Mapping[str, Any]) -> Reply | Failure:
    """One question, asked again after a fault that may pass.

    Raises:
        HfscoreError: The judge cannot be reached or has no room, which says nothing of what it can do.
    """
    outcome = await client.once(body)
    for tries in range(1, _TRIES):
        if isinstance(outcome, Reply) or outcome.kind not in _PASSING:
            break
        await asyncio.sleep(client.patience.wait(tries, outcome.wait))
        outcome = await client.once(body)
    if isinstance(outcome, Failure) and outcome.kind in ("refused", "connection", "timeout"):
        raise client.explain(outcome)
    return outcome


async def _first_enforced(client: Client, server: Server, what: What, spellings: Sequence[str]) -> str | None:
    """The first spelling of a constraint that the server obeys both times."""
    for spelling in spellings:
        trial = replace(server, labels=spelling) if what == "labels" else replace(server, schema=spelling)
        if await _obeys(client, trial, what, _ODD[0]) and await _obeys(client, trial, what, _ODD[1]):
            return spelling
    return None


async def _obeys(client: Client, trial: Server, what: What, pair: tuple[str, str]) -> bool:
    """Whether an answer was held to strings that no model would write freely."""
    body = _body(trial, _ASKED, 64)
    if what == "labels":
        reply = await _ask(client, constrain_labels(body, pair, trial))
        return isinstance(reply, Reply) and reply.content.strip() in pair
    key, value = pair
    schema = {
        "type": "object",
        "properties": {key: {"type": "string", "enum": [value]}},
        "required": [key],
        "additionalProperties": False,
    }
    reply = await _ask(client, constrain_schema(body, schema, trial))
    return isinstance(reply, Reply) and read_object(reply.content) == {key: value}


async def _alternatives(client: Client, server: Server, most: int) -> int:
    """How many alternatives a token it gives log-probabilities for: as many as may be, five, or none."""
    body = constrain_labels(_body(server, _ASKED, 4), ("1", "0"), server)
    for asked in sorted({most, 5}, reverse=True):
        reply = await _ask(client, {**body, "logprobs": True, "top_logprobs": asked})
        if isinstance(reply, Reply) and any(entry["top_logprobs"] for entry in reply.logprobs or ()):
            return asked
    return 0


def _notes(server: Server) -> Iterable[tuple[str, bool]]:
    yield _NO_LABELS, server.labels is None
    yield _NO_SCHEMA, server.schema is None
    yield _NO_LOGPROBS, server.logprobs == 0
    yield _VARIES, server.repeats is False
    yield _THINKS, server.thinks


async def count_tokens(client: Client, server: Server, messages: Sequence[Message]) -> int | None:
    """Tokens of a prompt as the server will count them, or None where it does not say."""
    body: dict[str, Any] = {"model": server.model, "messages": list(messages)}
    if server.dialect == "tgi":
        tokens = (await _told(client, "/chat_tokenize", body)).get("tokenize_response")
    elif server.dialect == "vllm":
        return count((await _told(client, "/tokenize", quiet(body, server))).get("count"))
    elif server.dialect == "llama.cpp":
        prompt = (await _told(client, "/apply-template", quiet(body, server))).get("prompt")
        if not isinstance(prompt, str):
            return None
        tokens = (await _told(client, "/tokenize", {"content": prompt, "add_special": True})).get("tokens")
    else:
        return None
    return len(tokens) if isinstance(tokens, list) else None


async def _told(client: Client, route: str, body: Mapping[str, Any]) -> Facts:
    answer = await client.ask(route, body)
    return {} if isinstance(answer, Failure) else answer.json()


def _mapping(value: Any) -> Facts:
    return value if isinstance(value, dict) else {}
