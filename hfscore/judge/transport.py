"""One HTTP request to a judge, and whatever comes of it as a value.

Whatever the environment holds (proxies, .netrc, tokens), the only key that leaves is the one handed in, and it goes to
the judge's own address: redirects are not followed, cookies not kept.
"""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from hfscore.judge.address import Address, redact
from hfscore.judge.faults import Failure, from_status, harmless
from hfscore.judge.reply import GarbageError, load

LARGEST: Final = 8 * 2**20
"""Bytes of a reply that are read."""

_LONGEST_WAIT = 3600.0  # s; whoever asks for more is taken to mean this


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of status 200.

    Args:
        payload: Its whole body.
        headers: Its headers, names in any case.
        seconds: From sending to the last byte.
    """

    payload: bytes
    headers: Mapping[str, str]
    seconds: float

    def json(self) -> dict[str, Any]:
        """The body as a JSON object, empty if it is none."""
        try:
            return load(self.payload)
        except GarbageError:
            return {}


@dataclass(slots=True)
class Transport:
    """A session with one judge.

    Args:
        address: The judge.
        key: The key it may be shown, or None.
        connect: Seconds for a connection.
    """

    address: Address
    key: str | None = field(repr=False)
    connect: float
    _session: aiohttp.ClientSession | None = field(default=None, init=False, repr=False)

    def open(self) -> None:
        """Open the session, on the running event loop."""
        headers = {"Accept-Encoding": "identity", "User-Agent": "hfscore"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            trust_env=False,
            auto_decompress=False,  # we ask for no compression; a bomb stays small
        )

    async def close(self) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, url: str, payload: bytes | None, timeout: float) -> Answer | Failure:
        """Send one request: a POST of a JSON payload, or a GET without one.

        Args:
            url: Whole address, under the judge's own.
            payload: JSON, or None.
            timeout: Seconds until the last byte of the answer.
        """
        if self._session is None:
            raise RuntimeError("the judge's session is not open")
        limits = aiohttp.ClientTimeout(total=timeout, sock_connect=min(self.connect, timeout))
        headers = {"Content-Type": "application/json"} if payload is not None else None
        method = "GET" if payload is None else "POST"
        started = time.perf_counter()
        try:
            async with self._session.request(
                method, url, data=payload, headers=headers, timeout=limits, allow_redirects=False
            ) as response:
                body = await _bounded(response)
                if body is None:
                    return Failure("too_large", status=response.status)
                if response.status == 200:
                    return Answer(body, response.headers, time.perf_counter() - started)
                return from_status(
                    response.status,
                    self._clean(body.decode("utf-8", "replace")),
                    keyed=self.key is not None,
                    wait=retry_after(response.headers.get("Retry-After"), time.time()),
                    location=self._clean(response.headers.get("Location", "")),
                )
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            return Failure(_cause(error), harmless(self._clean(_words(error))))

    def _clean(self, text: str) -> str:
        return redact(text, self.key)


async def _bounded(response: aiohttp.ClientResponse) -> bytes | None:
    """The whole body, or None beyond the bound."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > LARGEST:
            response.close()
            return None
        parts.append(part)
    return b"".join(parts)


def _cause(error: Exception) -> str:
    """Key of `faults.CAUSES` for what aiohttp raises."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "unknown_host"
    if isinstance(error, (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch)):
        return "tls"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "down"
    if isinstance(error, TimeoutError):
        return "slow"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "down"
    return "garbage" if isinstance(error, aiohttp.ClientResponseError) else "cut"


def _words(error: Exception) -> str:
    if isinstance(getattr(error, "os_error", error), ConnectionRefusedError):
        return "connection refused"
    return str(error) or type(error).__name__


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for, or None.

    Args:
        value: Seconds or an HTTP date (RFC 9110, 10.2.3).
        now: Unix time.
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError, TypeError):
            return None
    return min(max(0.0, seconds), _LONGEST_WAIT) if math.isfinite(seconds) else None
