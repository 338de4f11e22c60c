"""Servers on 127.0.0.1 that speak real protocols, for the demo and the tests."""

from hfscore.loopback.hub_faults import Request, RequestLog
from hfscore.loopback.hub_server import LoopbackHub
from hfscore.loopback.hub_store import Discussion

__all__ = ["Discussion", "LoopbackHub", "Request", "RequestLog"]
