"""Addresses that visitors type: refused unless plain, public and still the same machine when the connection is made.

`check` reads and resolves an address; `guard` then holds the whole process to it. What is checked is not the name but
the number that a socket connects to, at the moment it connects: a name that answers differently the second time, or a
redirect, meets the same rule.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

Resolve = Callable[[str, int], list[str]]

# Letters that no two readers of addresses understand differently; no credentials, query, fragment or escapes.
_PLAIN = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~:+=/-]*)?")
_NUMBERS = re.compile(r"(0[xX][0-9A-Fa-f]*|[0-9]+)(\.(0[xX][0-9A-Fa-f]*|[0-9]+))*\.?")
_LOCAL = (".localhost", ".local", ".internal", ".home.arpa", ".lan", ".intranet", ".corp", ".home")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class RefusedError(Exception):
    """An address that is not connected to; the message is a sentence for the visitor."""


def check(address: str, allowed: Collection[str] = (), resolve: Resolve | None = None) -> str:
    """Check an address that a visitor typed.

    Args:
        address: "http://host:port/path" or "https://...".
        allowed: "host:port" that may be private.
        resolve: (host, port) -> IP addresses; the system's resolver by default.

    Returns:
        "host:port" of the address.

    Raises:
        RefusedError: It is no plain web address, or leads to a private network.
    """
    if not _PLAIN.fullmatch(address):
        raise RefusedError(
            "This is no plain address: write http:// or https://, a host, and at most a port and a path."
        )
    parts = urlsplit(address)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise RefusedError("This port does not exist.") from None
    host = (parts.hostname or "").lower()
    if ".." in parts.path or host.startswith(("-", ".")) or ".." in host:
        raise RefusedError("This is no plain address.")
    place = f"{host}:{port}"
    if place in allowed:
        return place
    number = _number(host)
    if number is None and _NUMBERS.fullmatch(host):
        raise RefusedError("Write a numeric address as four decimal numbers.")
    if number is None and ("." not in host.rstrip(".") or host.rstrip(".").endswith(_LOCAL)):
        raise RefusedError(f"{host} is a name of a private network, and this Space may not connect to it.")
    found = [str(number)] if number else (resolve or _resolve)(host, port)
    if not found:
        raise RefusedError(f"The host {host} is not known.")
    if not all(is_public(one) for one in found):
        raise RefusedError(f"{host} leads to a private network, and this Space may not connect to it.")
    return place


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet; the IPv4 address inside an IPv6 one counts too."""
    try:
        number = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(number, ipaddress.IPv6Address):
        inner = number.ipv4_mapped or number.sixtofour or (number.teredo or (None, None))[1]
        if number in _NAT64 or int(number) >> 32 == 0:
            inner = ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
        if inner is not None and not is_public(str(inner)):
            return False
    return number.is_global and not number.is_multicast and not number.is_reserved


def guard(allowed: Collection[str] = ()) -> None:
    """From now on this process connects to public addresses only, and to those allowed ("host:port").

    A name among those allowed stands for the addresses that it has now.
    """
    numbers = {(one, int(port)) for host, _, port in (place.rpartition(":") for place in allowed) for one in _own(host)}
    connect = socket.socket.connect

    def checked(sock: socket.socket, address: Any) -> Any:
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            _require(address[0], address[1], numbers)
        return connect(sock, address)

    def checked_ex(sock: socket.socket, address: Any) -> int:
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            _require(address[0], address[1], numbers)
        return plain_ex(sock, address)

    plain_ex = socket.socket.connect_ex
    socket.socket.connect = checked  # type: ignore[method-assign]
    socket.socket.connect_ex = checked_ex  # type: ignore[method-assign]


def _require(host: str, port: int, numbers: Collection[tuple[str, int]]) -> None:
    """Refuse a connection unless its address is a number that is public or allowed."""
    if _number(host) is None:
        raise ConnectionRefusedError("connections are made to checked addresses only, not to names")
    if (host, port) not in numbers and not is_public(host):
        raise ConnectionRefusedError("this Space does not connect to private networks")


def _own(host: str) -> list[str]:
    bare = host.strip("[]")
    return [bare] if _number(bare) else _resolve(bare, 0)


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _resolve(host: str, port: int) -> list[str]:
    try:
        return sorted({str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError):
        return []
