"""Servers on 127.0.0.1 that speak real protocols, for the demo and the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfscore.loopback.hub_faults import Request, RequestLog
from hfscore.loopback.hub_server import LoopbackHub
from hfscore.loopback.hub_store import Discussion

if TYPE_CHECKING:
    from hfscore.loopback.tgi import LoopbackTGI

__all__ = ["Discussion", "LoopbackHub", "LoopbackTGI", "Request", "RequestLog"]


def __getattr__(name: str) -> object:
    """Load the TGI server when it is first asked for: it needs aiohttp, which nothing else here does."""
    if name == "LoopbackTGI":
        from hfscore.loopback.tgi import LoopbackTGI

        return LoopbackTGI
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
