"""The barest client of the socket: one line out, one line in. What it times is the daemon, not a client library."""

from __future__ import annotations

import socket
from itertools import count
from types import TracebackType
from typing import Any, Self

import msgspec


class Refused(Exception):
    """The daemon answered with an error object."""


class Connection:
    """A blocking connection with a session of its own once ``negotiate`` was called."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._reader = self._socket.makefile("rb", buffering=1 << 16)
        self._ids = count(1)
        self.session = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()
        self._socket.close()

    def exchange(self, frame: bytes) -> bytes:
        """Send one frame with its newline and return the answer's line."""
        self._socket.sendall(frame)
        return self._reader.readline()

    def frame(self, method: str, params: dict[str, Any]) -> bytes:
        request = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        return msgspec.json.encode(request) + b"\n"

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The call's result; the session is added to the parameters once there is one."""
        if self.session:
            params["session_id"] = self.session
        answer = msgspec.json.decode(self.exchange(self.frame(method, params)))
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    def negotiate(self) -> None:
        self.session = self.call("q_negotiate_caps")["session_id"]
