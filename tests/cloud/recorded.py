"""Local servers that answer as providers document it, and check what they are asked.

A ``Recorded`` keeps every request, and can be told to fail: ``faults`` are taken in order by requests that they match.
Its tasks are computed by the native core, so that distributions can be compared.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar, cast
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Fault:
    """An answer in place of the right one. ``begins``: method and path. ``taken``: the request is carried out all the
    same, and only its answer is lost. ``status`` 0: the connection is closed without one."""

    begins: str
    status: int = 0
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    taken: bool = False


class Refused(Exception):
    """The server's own answer to a wrong request."""

    def __init__(self, status: int, body: Any = None) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body


class Recorded(ThreadingHTTPServer):
    """``answer`` gives status and JSON for a request; a subclass has the provider's."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, request: Request) -> Any:
        raise Refused(501)

    def asked(self, begins: str) -> list[Request]:
        """The requests whose method and path begin so."""
        return [request for request in self.requests if str(request).startswith(begins)]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a client that has gone."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        server = cast("Recorded", self.server)
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Request(self.command, parts.path, parse_qs(parts.query), headers, body)
        with server.lock:
            server.requests.append(asked)
            fault = next((fault for fault in server.faults if str(asked).startswith(fault.begins)), None)
            if fault is not None:
                server.faults.remove(fault)
            try:
                status, answer = (200, server.answer(asked)) if fault is None or fault.taken else (0, None)
            except Refused as refused:
                status, answer = refused.status, refused.body
            except Exception as error:  # a check of the server's own: it is seen in the error that the client raises
                status, answer = 400, {"message": f"{type(error).__name__}: {error}"}
        if fault is not None and not fault.status:
            self.close_connection = True
            return
        if fault is not None:
            status, answer = fault.status, fault.body
        data = answer if isinstance(answer, bytes) else b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in (fault.headers if fault is not None else {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


Server = TypeVar("Server", bound=Recorded)


@contextmanager
def running(make: Callable[[], Server]) -> Iterator[Server]:
    """The server, while it runs."""
    server = make()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
