"""The Space's own small parts: which addresses are refused, what becomes of hostile text, whose results are whose."""

from __future__ import annotations

import ast
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from types import ModuleType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import hfscore
from hfscore import settings_file
from tests.space_app import SPACE


@pytest.fixture(scope="module")
def parts() -> Iterator[dict[str, ModuleType]]:
    """The modules of the Space that need no gradio."""
    sys.path.insert(0, str(SPACE))
    try:
        import limits
        import markup
        import network
        import runs
        import worker

        yield {"limits": limits, "markup": markup, "network": network, "runs": runs, "worker": worker}
    finally:
        sys.path.remove(str(SPACE))
        for name in ("limits", "markup", "network", "runs", "worker"):
            sys.modules.pop(name, None)


NAMES = {
    "judge.example": ["93.184.216.34"],
    "rebound.example": ["93.184.216.34", "127.0.0.1"],
    "inside.example": ["10.0.0.7"],
    "six.example": ["2606:2800:220:1:248:1893:25c8:1946"],
    "six-inside.example": ["fd00::1"],
    "nowhere.example": [],
}

TRICKS = [
    "http://127.0.0.1:8080/v1",
    "http://localhost:8080/v1",
    "http://LOCALHOST/v1",
    "http://localhost./v1",
    "http://0.0.0.0:8080",
    "http://0/v1",
    "http://127.1/v1",
    "http://2130706433/v1",
    "http://0x7f000001/v1",
    "http://0x7f.0.0.1/v1",
    "http://0177.0.0.1/v1",
    "http://127.0.0.1./v1",
    "http://10.0.0.5/v1",
    "http://172.16.3.4/v1",
    "http://192.168.1.1/v1",
    "http://100.64.0.1/v1",
    "http://169.254.169.254/latest/meta-data",
    "http://224.0.0.1/v1",
    "http://255.255.255.255/v1",
    "http://240.0.0.1/v1",
    "http://[::1]/v1",
    "http://[::]/v1",
    "http://[::ffff:127.0.0.1]/v1",
    "http://[::127.0.0.1]/v1",
    "http://[64:ff9b::7f00:1]/v1",
    "http://[2002:7f00:1::]/v1",
    "http://[fe80::1]/v1",
    "http://[fe80::1%25eth0]/v1",
    "http://[fd00::1]/v1",
    "http://inside.example/v1",
    "http://six-inside.example/v1",
    "http://rebound.example/v1",
    "http://nowhere.example/v1",
    "http://judge.localhost/v1",
    "http://metadata.google.internal/v1",
    "http://printer.local/v1",
    "http://intranet/v1",
    "http://judge.example@127.0.0.1/v1",
    "http://judge.example:80@127.0.0.1/v1",
    "http://judge.example#@127.0.0.1/",
    "http://judge.example\\@127.0.0.1/",
    "http://judge.example?x=http://127.0.0.1",
    "http://judge.example/%2e%2e/v1",
    "http://judge.example/a/../../v1",
    "http://judge.example:99999/v1",
    "http://１２７.0.0.1/v1",
    "http://127。0。0。1/v1",
    "http://judge.example\t/v1",
    "http://judge.example /v1",
    " http://judge.example/v1",
    "http:///v1",
    "http:judge.example",
    "//judge.example/v1",
    "judge.example/v1",
    "ftp://judge.example/v1",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "javascript:alert(1)",
    "data:text/plain,x",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/v1",
]


@pytest.mark.parametrize("address", TRICKS)
def test_tricks_are_refused(address: str, parts: dict[str, ModuleType]) -> None:
    with pytest.raises(parts["network"].RefusedError):
        parts["network"].check(address, (), lambda host, port: NAMES.get(host.rstrip("."), []))


@pytest.mark.parametrize("address", ["https://judge.example/v1", "http://judge.example:8080", "https://six.example/v1"])
def test_public_addresses_pass(address: str, parts: dict[str, ModuleType]) -> None:
    parts["network"].check(address, (), lambda host, port: NAMES[host])


def test_the_operator_lists_a_private_one(parts: dict[str, ModuleType]) -> None:
    check = parts["network"].check
    assert check("http://10.0.0.5:8080/v1", ["10.0.0.5:8080"]) == "10.0.0.5:8080"
    with pytest.raises(parts["network"].RefusedError):
        check("http://10.0.0.5:8081/v1", ["10.0.0.5:8080"])


GUARDED = """
import socket, sys
import network
network.guard(sys.argv[1:])
socket.getaddrinfo = lambda *a, **k: [(2, 1, 6, "", ("127.0.0.1", PORT))]  # the name now says something else
def attempt(connect):
    try:
        connect()
    except ConnectionRefusedError as error:
        return str(error)
    return "connected"
print(attempt(lambda: socket.create_connection(("judge.example", PORT), 5)))
print(attempt(lambda: socket.socket().connect(("localhost", PORT))))
print(attempt(lambda: socket.socket(socket.AF_INET6).connect(("::ffff:127.0.0.1", PORT))))
print(attempt(lambda: socket.socket().connect_ex(("127.0.0.1", PORT))))
import asyncio, aiohttp
async def ask():
    async with aiohttp.ClientSession() as session:
        await session.get("http://judge.example:PORT/")
try:
    asyncio.run(ask())
    print("connected")
except aiohttp.ClientError as error:
    print(error)
"""


def test_what_was_checked_is_what_is_connected_to() -> None:
    """A name that answers otherwise the second time meets the guard when the socket connects."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        code = GUARDED.replace("PORT", str(server.getsockname()[1]))
        done = subprocess.run([sys.executable, "-c", code], cwd=SPACE, capture_output=True, text=True, check=False)
        lines = done.stdout.splitlines()
        assert len(lines) == 5, done.stderr
        assert "connected" not in lines
        assert all(re.search("private networks|checked addresses|Cannot connect", line) for line in lines), lines
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()


def test_the_guard_lets_the_listed_one_through() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        guarded = f"import network, socket\nnetwork.guard(['127.0.0.1:{port}'])\n"
        code = f"{guarded}socket.socket().connect(('127.0.0.1', {port}))"
        subprocess.run([sys.executable, "-c", code], cwd=SPACE, check=True)


class Tags(HTMLParser):
    """Every tag of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


NASTY = [
    "<script>x</script>",
    "<img src=x onerror=y>",
    "\" onmouseover='z'",
    "&lt;b&gt;",
    "${x}",
    "{{x}}",
    "`",
    "\u202e",
]


@given(st.text() | st.sampled_from(NASTY) | st.lists(st.sampled_from(NASTY)).map("".join))
def test_any_text_stays_text(parts: dict[str, ModuleType], words: str) -> None:
    shown = parts["markup"].text(words)
    tags = Tags()
    tags.feed(f'<p title="{shown}">{shown}</p>')
    tags.close()
    assert tags.tags == ["p"]
    assert not set("<>\"'${}`") & set(shown)
    assert not any(mark in shown for mark in "\u202a\u202e\u2066\u2069\u200f\x00\x1b")


@given(st.lists(st.none() | st.floats(-1e6, 1e6) | st.floats(1 - 1e-15, 1), min_size=1, max_size=40))
@settings(deadline=None, max_examples=60)  # the first one loads pyarrow
@example([0.9999999999999999, 1.0, 0.9999999999999998, 1.0])
def test_every_scored_trace_is_in_a_bar(
    parts: dict[str, ModuleType], tmp_path_factory: pytest.TempPathFactory, values: list[float | None]
) -> None:
    path = tmp_path_factory.getbasetemp() / "bars.parquet"
    columns = {
        "config": ["one"] * len(values),
        "split": ["train"] * len(values),
        "metric": pa.array(values, pa.float64()),
    }
    pq.write_table(pa.table(columns), path)
    found = parts["worker"]._bars(path, ["metric"])
    scored = [one for one in values if one is not None]
    if found:
        assert sum(found["metric"]["counts"]["one/train"]) == len(scored)
        assert found["metric"]["low"] < found["metric"]["high"]
    else:
        assert len(set(scored)) <= 2 or max(scored) - min(scored) <= 1e-9 * max(map(abs, scored))


def test_results_follow_their_owner(parts: dict[str, ModuleType]) -> None:
    runs = parts["runs"]
    mine = runs.visitor("page-1", "alice")
    mine.owner, mine.results = "alice", {"report": {}}
    ticket = runs.ticket(mine)
    runs.leave("page-1")
    assert runs.come_back("page-2", ticket, "bob").results == {}
    assert runs.come_back("page-3", "", "alice").results == {}
    assert runs.come_back("page-4", ticket, "alice").results == {"report": {}}
    assert runs.visitor("page-4", "").results == {}, "who logs out has nothing left"
    assert not mine.folder.exists()
    for page in ("page-1", "page-2", "page-3", "page-4"):
        runs.forget(page)


def test_limits_of_one_visitor(parts: dict[str, ModuleType]) -> None:
    runs = parts["runs"]
    one = runs.visitor("busy", "")
    runs.admit(one, "carol")
    with pytest.raises(runs.RefusedError, match="goes on already"):
        runs.admit(one, "carol")
    for _ in range(runs.BOUNDS.per_hour - 1):
        one.busy = False
        runs.admit(one, "carol")
    one.busy = False
    with pytest.raises(runs.RefusedError, match="in an hour"):
        runs.admit(one, "carol")
    runs.forget("busy")


def test_a_run_sees_no_secret_of_the_operator(parts: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch) -> None:
    runs, limits = parts["runs"], parts["limits"]
    monkeypatch.setattr(runs, "BOUNDS", limits.read({"SYSTEM": "spaces"}))
    monkeypatch.setenv("HF_TOKEN", "hf_operator")
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", "secret")
    shared, own = runs._environment(None), runs._environment("/private")
    assert not {"HF_TOKEN", "OAUTH_CLIENT_SECRET"} & (set(shared) | set(own))
    assert own["HF_HOME"] == "/private"
    assert shared["HF_HOME"] != own["HF_HOME"]


def test_the_space_uses_public_names_only() -> None:
    for path in SPACE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hfscore"):
                assert node.module == "hfscore", path.name
                assert {one.name for one in node.names} <= set(hfscore.__all__)
            if isinstance(node, ast.Import):
                assert not any(one.name.startswith("hfscore.") for one in node.names), path.name
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "hfscore":
                assert node.attr in hfscore.__all__, f"{path.name}: {node.attr}"


def test_what_a_dataset_says_of_itself_stays_in_bounds(parts: dict[str, ModuleType]) -> None:
    """Its settings file may not lift the operator's bounds, nor name a server, a model or a path."""
    limits = parts["limits"]
    assert limits.read({"SYSTEM": "spaces"}).rows == 500
    assert limits.read({"SYSTEM": "spaces", "HFSCORE_SPACE_ROWS": "50"}).rows == 50
    assert settings_file.HARMLESS.isdisjoint({"judge", "judge_key_env", "student", "encoder", "reference_lm"})
