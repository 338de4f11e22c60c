"""One loopback Hub per test process, a fresh Hugging Face home, and no way out to any other network.

The environment is set before anything imports huggingface_hub, which reads it once. Under
pytest-xdist every worker imports this file, and so has a Hub of its own.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hfscore.loopback import LoopbackHub

assert "huggingface_hub" not in sys.modules, "huggingface_hub was imported before its environment was set"

_HOME = tempfile.TemporaryDirectory(prefix="hfscore-tests-")
_HUB = LoopbackHub(orgs={"lab": ("maintainer",)}).start()
for _name in (
    "HF_OIDC_RESOURCE",
    "HF_OIDC_ID_TOKEN",
    "HF_TOKEN_PATH",
    "HUGGING_FACE_HUB_TOKEN",
    "HUGGINGFACE_HUB_CACHE",
):
    os.environ.pop(_name, None)
# Read when torch is first loaded: a thread a process, which sleeps while it waits, since two processes share two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.update(_HUB.environment(Path(_HOME.name)))

_refused: list[str] = []
_connect, _getaddrinfo = socket.socket.connect, socket.getaddrinfo


def _is_loopback(host: object) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _guarded_connect(self: socket.socket, address: Any) -> None:
    if self.family != getattr(socket, "AF_UNIX", None) and not _is_loopback(address[0]):
        _refused.append(f"connect {address}")
        raise ConnectionRefusedError(f"tests may not connect to {address}")
    _connect(self, address)


def _guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if name is not None and not _is_loopback(name):
        # `datasets` asks this host about every unpinned dataset, and does without an answer.
        if name != "datasets-server.127.0.0.1":
            _refused.append(f"look up {name}")
        raise socket.gaierror(socket.EAI_NONAME, f"tests may not look up {name}")
    return _getaddrinfo(host, *args, **kwargs)


socket.socket.connect = _guarded_connect  # type: ignore[method-assign,assignment]
socket.getaddrinfo = _guarded_getaddrinfo


def pytest_unconfigure() -> None:
    _HUB.stop()
    _HOME.cleanup()


@pytest.fixture(scope="session")
def hub() -> LoopbackHub:
    """The Hub that HF_ENDPOINT names; use repository names of your own."""
    return _HUB


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Start every test without faults and with an empty log; fail it if it left this machine."""
    _HUB.clear()
    _refused.clear()
    yield
    _HUB.clear()
    assert not _refused, f"the test tried to leave this machine: {_refused}"


@pytest.fixture
def refused() -> list[str]:
    """The attempts to leave this machine; a test that makes them on purpose empties the list."""
    return _refused
