"""Where a judge is, and which key it may be shown: pure functions over the address and the environment.

The key policy, whole:

    judge                                    without --judge-key-env          with --judge-key-env NAME
    hf:MODEL, https://router.huggingface.co,
    https://huggingface.co                   HF_TOKEN, else the stored login  the variable's value
    any other https:// address               no key                           the variable's value
    http:// on this machine                  no key                           the variable's value
    any other http:// address                no key                           refused: it would travel in the clear

So a Hugging Face token leaves for a foreign host only where its user names the variable that holds it. Nothing else is
ever a source of keys: no .netrc, no proxy settings, no credentials in an address.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote, urlsplit

from hfscore.errors import HfscoreError

ROUTER: Final = "https://router.huggingface.co/v1"
HUGGING_FACE: Final = frozenset({"huggingface.co", "router.huggingface.co"})

_CHAT: Final = "/chat/completions"
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~%@:+=-]+)*")
_MODEL = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(?::[A-Za-z0-9][\w-]*)?", re.ASCII)
_VISIBLE = re.compile(r"[!-~]+")
_HF_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{16,}\b")
_SHORTEST_KEY = 4  # a shorter one could not be struck out of a text without shredding it

_FORMS = "Write rules, hf:owner/model, or an address such as http://127.0.0.1:8080/v1."


@dataclass(frozen=True, slots=True)
class Address:
    """A judge as `--judge` names it.

    Args:
        kind: "rules" needs no server; "hf" is Inference Providers; "url" any server with OpenAI's chat route.
        root: Origin and path without "/v1", where a server's own routes begin; empty for rules.
        base: What "/chat/completions" follows; empty for rules.
        model: The model an address names, with its provider ("owner/model:provider"), or None.
    """

    kind: Literal["rules", "hf", "url"]
    root: str = ""
    base: str = ""
    model: str | None = None

    @property
    def host(self) -> str:
        """Host in lower case, without port; empty for rules."""
        return urlsplit(self.base).hostname or ""

    @property
    def loopback(self) -> bool:
        """Whether the host is this machine by its name or number."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def hugging_face(self) -> bool:
        """Whether a Hugging Face token belongs here."""
        parts = urlsplit(self.base)
        return parts.scheme == "https" and parts.port in (None, 443) and self.host in HUGGING_FACE


def parse_address(text: str) -> Address:
    """Read `--judge`.

    Args:
        text: "rules", "hf:owner/model", "hf:owner/model:provider", or an http(s) address with or without "/v1".

    Raises:
        HfscoreError: It is none of these, or carries credentials.
    """
    if text == "rules":
        return Address("rules")
    if text.startswith("hf:"):
        model = text.removeprefix("hf:")
        if not _MODEL.fullmatch(model):
            raise HfscoreError("--judge hf: needs a model.", "Write hf:owner/model or hf:owner/model:provider.")
        return Address("hf", ROUTER.removesuffix("/v1"), ROUTER, model)
    return _parse_url(text)


def _parse_url(text: str) -> Address:
    scheme, mark, rest = text.partition("://")
    if not mark or scheme.lower() not in ("http", "https") or not _VISIBLE.fullmatch(rest):
        raise HfscoreError("--judge names no judge that hfscore knows.", _FORMS)
    if "@" in re.split(r"[/?#\\]", rest, maxsplit=1)[0]:
        raise HfscoreError(
            "The address in --judge holds credentials.", "Leave them out, and name a variable with --judge-key-env."
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise HfscoreError("The address in --judge is no address.", _FORMS) from None
    host, path = parts.netloc.removesuffix(f":{port}"), parts.path.rstrip("/").removesuffix(_CHAT)
    # Letters that another reader of addresses might take for something else are refused, not interpreted.
    if not (_HOST.fullmatch(host) and _PATH.fullmatch(path)) or "?" in rest or "#" in rest:
        raise HfscoreError("The address in --judge is no plain address: host, port and path.", _FORMS)
    root = f"{scheme.lower()}://{parts.netloc}{path.removesuffix('/v1')}"
    return Address("url", root, f"{root}/v1")


def key_for(
    address: Address, key_env: str | None, environ: Mapping[str, str], login: Callable[[], str | None] | None = None
) -> str | None:
    """The key that a judge may be shown, or None for none.

    Args:
        address: The judge.
        key_env: Name of the environment variable that the user says holds its key, or None.
        environ: The environment.
        login: What gives the stored Hugging Face login; by default `huggingface_hub.get_token`.

    Raises:
        HfscoreError: The variable is empty, the key would travel in the clear, or Inference Providers get no token.
    """
    if address.kind == "rules":
        return None
    if key_env is not None:
        key = environ.get(key_env, "").strip()
        if not key:
            raise HfscoreError(
                f"--judge-key-env {key_env}: that variable is not set.", f"Set {key_env} to the judge's key."
            )
        if not address.base.startswith("https://") and not address.loopback:
            raise HfscoreError(
                f"The key in {key_env} would travel to {address.host} in the clear.",
                "Use an https:// address, or a judge on this machine.",
            )
        return _checked(key, key_env)
    if not address.hugging_face:
        return None
    token = environ.get("HF_TOKEN", "").strip() or (login or _stored_login)()
    if token is None and address.kind == "hf":
        raise HfscoreError("Inference Providers need a Hugging Face token.", "Run `hf auth login`, or set HF_TOKEN.")
    return None if token is None else _checked(token, "HF_TOKEN")


def _stored_login() -> str | None:
    from huggingface_hub import get_token

    return get_token()


def _checked(key: str, name: str) -> str:
    if len(key) < _SHORTEST_KEY or not _VISIBLE.fullmatch(key):
        raise HfscoreError(
            f"The key in {name} cannot be sent.",
            f"A key has at least {_SHORTEST_KEY} characters, all of them visible ASCII.",
        )
    return key


def redact(text: str, key: str | None) -> str:
    """The text without the key, however a message may have spelled it, and without any Hugging Face token."""
    if key:
        for spelled in {key, quote(key, safe=""), json.dumps(key)[1:-1]}:
            text = text.replace(spelled, "[key]")
    return _HF_TOKEN.sub("[key]", text)
