"""Inference Providers as the Space's judge: the real address, over TLS, in the name of the visitor who is logged in."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from hfscore.loopback import LoopbackHub, LoopbackTGI
from tests.space_app import ROOT, browser, free_port, on_the_hub, serving, wait_for
from tests.test_space import choose, done, log_in, more, opened

pytest.importorskip("gradio")

ROUTER = "router.huggingface.co"
ROUTED = free_port()

# What DNS would say on a machine where the router stands at hand; everything else is asked as ever.
RESOLVER = f"""
import socket
asked = socket.getaddrinfo
def getaddrinfo(host, port, *rest, **more):
    if host == "{ROUTER}":
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", {ROUTED}))]
    return asked(host, port, *rest, **more)
socket.getaddrinfo = getaddrinfo
"""


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of the router's name, which is its own authority, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, ROUTER)])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    names = [x509.DNSName(ROUTER), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("authority") / "router.pem"
    path.write_bytes(secret + pem)
    return path


@pytest.fixture(scope="module")
def site(hub: LoopbackHub, authority: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("space"), free_port()
    (folder / "sitecustomize.py").write_text(RESOLVER)
    listed = {
        "HFSCORE_SPACE_HOSTS": f"127.0.0.1:{ROUTED}",
        "PYTHONPATH": f"{folder}:{ROOT}",
        "SSL_CERT_FILE": str(authority),
    }
    with serving({**on_the_hub(hub.endpoint, port), **listed}, port, log=folder / "log.txt") as (url, process):
        wait_for(port, process)
        yield url
    said = (folder / "log.txt").read_text()
    assert said.count("Traceback") == said.count("in watchfn_spaces"), said[-3000:]


@contextmanager
def router(behind: LoopbackTGI, authority: Path) -> Iterator[list[str]]:
    """TLS in front of a judge, at the port that the router's name leads to; gives the keys that it was shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    keys: list[str] = []
    port = int(behind.url.rpartition(":")[2])

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: list[str]) -> None:
        while data := await reader.read(65536):
            heard += re.findall(r"Authorization: Bearer (\S+)", data.decode("latin-1"))
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pipe(reader, outer, keys), pipe(inner, writer, []), return_exceptions=True)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(
        asyncio.start_server(serve, "127.0.0.1", ROUTED, ssl=context), loop
    ).result(10)
    try:
        yield keys
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def test_inference_providers_are_asked_with_the_visitors_login(
    chrome: Any, site: str, hub: LoopbackHub, authority: Path
) -> None:
    """The visitor's token goes to the router, over TLS, and no other token does."""
    with LoopbackTGI(dialect="openai", model="owner/judge") as judge, router(judge, authority) as keys:
        page = opened(chrome, site)
        log_in(page, hub, "alice")
        page.wait_for_timeout(1_000)  # fields are made when they are first shown
        page.get_by_label("Questions", exact=True).fill("5")
        more(page)
        page.get_by_label("Configs").fill("6b_finetuning")
        choose(page, "Judge", "Inference Providers")
        page.get_by_label("Judge's model or address").fill("owner/judge")
        page.get_by_role("button", name="Score", exact=True).click()
        done(page)
        assert judge.requests.matching("POST")
        assert all(one.authorization_present for one in judge.requests.matching("POST"))
    found = page.locator("#results").inner_text()
    assert "Validity: steps without an error of their own" in found
    (key,) = set(keys)
    whose = httpx.get(f"{hub.endpoint}/api/whoami-v2", headers={"Authorization": f"Bearer {key}"}).json()
    assert whose["name"] == "alice"
    page.context.close()
