"""The HTTP side of the loopback Hub: sockets, bodies, keep-alive, faults, the log."""

from __future__ import annotations

import socket
import time
from collections import Counter
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from hfscore.loopback.hub_faults import Fault, Faults, Request, RequestLog
from hfscore.loopback.hub_routes import dispatch
from hfscore.loopback.hub_state import HubState
from hfscore.loopback.hub_wire import Answer, Call

_LARGEST = 64 * 1024**2  # bytes of a request's body
_WINDOW_S = 300
# Requests per window (hf.co/docs/hub/rate-limits), anonymous and signed in; shown, not enforced.
_QUOTAS = {"api": (500, 1000), "resolvers": (3000, 5000), "pages": (100, 200)}


class HubServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1, one thread per connection, and forgets them all when closed."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        endpoint = f"http://127.0.0.1:{self.server_address[1]}"
        self.state = HubState(endpoint, {}, {})
        self.lock = Lock()
        self.faults = Faults()
        self.log = RequestLog()
        self.used: Counter[tuple[str, str]] = Counter()
        self.started = time.monotonic()
        self.open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember a connection, so that it can be closed with the server."""
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that ended."""
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a client goes away in the middle; print any other error."""
        import sys

        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """Close the listening socket and every connection kept alive."""
        super().server_close()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it went away by itself

    def rate_limit(self, call: Call) -> dict[str, str]:
        """Count a call and return the headers that tell what is left."""
        bucket = "resolvers" if "/resolve/" in call.path else "pages"
        bucket = "api" if call.path.startswith(("/api/", "/oauth/")) else bucket
        quota = _QUOTAS[bucket][bool(call.user)]
        self.used[call.user, bucket] += 1
        left = max(0, quota - self.used[call.user, bucket])
        reset = _WINDOW_S - int(time.monotonic() - self.started) % _WINDOW_S
        policy = f'"fixed window";"{bucket}";q={quota};w={_WINDOW_S}'
        return {"RateLimit": f'"{bucket}";r={left};t={reset}', "RateLimit-Policy": policy}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "loopback-hub"
    wbufsize = -1  # headers and body leave in one segment
    disable_nagle_algorithm = True
    server: HubServer

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: `LoopbackHub.requests` is the log."""

    def _serve(self) -> None:
        hub, body = self.server, self._read_body()
        if body is None:
            self._send(Answer(b"", 413), {})
            self.close_connection = True
            return
        path, _, query = self.path.partition("?")
        bearer = self.headers.get("Authorization", "")
        token = hub.state.tokens.get(bearer.removeprefix("Bearer ").strip())
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.command, path, query, headers, body, token)
        fault = hub.faults.take(call.method, self.path)
        answer = self._struck(fault)
        if answer is None and not (fault and fault.drop == "before"):
            known = token is not None or not bearer.startswith("Bearer ")
            with hub.lock:
                answer = dispatch(hub.state, call, known_token=known)
        dropped = answer is None or (fault is not None and fault.drop is not None)
        self._note(call, None if dropped else answer)
        if dropped or answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(answer, hub.rate_limit(call))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _struck(self, fault: Fault | None) -> Answer | None:
        if fault is None:
            return None
        if fault.before is not None:
            fault.before()
        time.sleep(fault.delay_s)
        return None if fault.drop else fault.answer()

    def _note(self, call: Call, answer: Answer | None) -> None:
        status = answer.status if answer else 0
        size = len(answer.body) if answer and call.method != "HEAD" else 0
        signed = "authorization" in call.headers
        request = Request(call.method, call.path, call.query, status, call.user or None, signed, call.body, size)
        self.server.log.append(request)

    def _send(self, answer: Answer, limits: dict[str, str]) -> None:
        self.send_response(answer.status, responses.get(answer.status, ""))
        given = {name.lower() for name in answer.headers}
        headers = {n: v for n, v in limits.items() if n.lower() not in given}
        headers |= {"Content-Length": str(len(answer.body)), **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value.encode("ascii", "replace").decode())
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _read_body(self) -> bytes | None:
        """Return the request's body, or None where it is too large."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._read_chunks()
        size = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(size) if size <= _LARGEST else None

    def _read_chunks(self) -> bytes | None:
        chunks: list[bytes] = []
        total = 0
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            total += size
            if total > _LARGEST:
                return None
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline() not in (b"\r\n", b"\n", b""):
            pass  # trailers
        return b"".join(chunks)
