"""What travels between the HTTP layer and the routes: a call comes in, an answer or a refusal goes out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

INVALID_TOKEN = "Invalid credentials in Authorization header"  # noqa: S105 - a message
ANONYMOUS = "Invalid username or password."


@dataclass(frozen=True, slots=True)
class Token:
    """Who calls, and what the token may do.

    Attributes:
        user: The user the token acts for.
        role: write, read, fineGrained or oidc (a trusted publisher's system user).
        scopes: For fineGrained tokens: repo.read, repo.write, discussion.write, job.write.
        resource: Empty, or the one repository (`datasets/owner/name`) the token is limited to.
    """

    user: str
    role: str = "write"
    scopes: frozenset[str] = frozenset()
    resource: str = ""

    def has(self, scope: str) -> bool:
        """Say whether the token carries a scope."""
        return self.role in ("write", "oidc") or scope in self.scopes


@dataclass(frozen=True, slots=True)
class Call:
    """A request, with `args` the decoded parts of its path and `headers` in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    token: Token | None = None
    args: Mapping[str, str] = field(default_factory=dict)

    @property
    def user(self) -> str:
        """The caller's name, empty when anonymous."""
        return self.token.user if self.token else ""

    def params(self, name: str) -> list[str]:
        """Return every value of a query parameter."""
        return parse_qs(self.query, keep_blank_values=True).get(name, [])

    def flag(self, name: str) -> bool:
        """Say whether a query parameter is set to 1 or true."""
        return any(value.lower() in ("1", "true") for value in self.params(name))

    def number(self, name: str, default: int) -> int:
        """Return a query parameter as a number."""
        value = next(iter(self.params(name)), "")
        return int(value) if value.isdigit() else default

    def fields(self) -> dict[str, Any]:
        """Return the fields of a JSON or form body; every form field is a list of strings."""
        if "application/x-www-form-urlencoded" in self.headers.get("content-type", ""):
            return dict(parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True))
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            raise RefusedError(400, "The body is not JSON.") from None
        if not isinstance(value, dict):
            raise RefusedError(400, "The body is not a JSON object.")
        return value

    def field(self, name: str) -> Any:
        """Return a field of a JSON or form body (a form field as one string)."""
        value = self.fields().get(name)
        if value is None:
            raise RefusedError(400, f'"{name}" is required')
        is_form = "application/x-www-form-urlencoded" in self.headers.get("content-type", "")
        return value[0] if is_form else value


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, before the headers that every response carries."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """An error the Hub reports: status, message and, where it has one, an X-Error-Code."""

    def __init__(self, status: int, message: str, code: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = headers or {}

    def answer(self) -> Answer:
        """Return the response that carries this error."""
        headers = {"X-Error-Message": " ".join(self.message.split()), **self.headers}
        if self.code:
            headers["X-Error-Code"] = self.code
        return as_json({"error": self.message}, self.status, headers)


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return a JSON response."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return Answer(body, status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})


def as_page(call: Call, items: Sequence[Any], size: int, endpoint: str) -> Answer:
    """Return one page of a list, with the Link header to the next one (as GitHub does)."""
    start = call.number("cursor", 0)
    headers = {"X-Total-Count": str(len(items))}
    if start + size < len(items):
        rest = [pair for pair in call.query.split("&") if pair and not pair.startswith("cursor=")]
        query = "&".join([*rest, f"cursor={start + size}"])
        headers["Link"] = f'<{endpoint}{call.path}?{query}>; rel="next"'
    return as_json(list(items[start : start + size]), headers=headers)
