"""HTTP/1.1 of the gateway: bounds on connections, times and sizes, and no request that two readers could read as two.

The parser (llhttp) refuses both lengths at once, a length twice, folded headers and lines without a carriage return.
What it lets pass and this protocol refuses: no or several hosts, a coding other than ``chunked``, chunks in HTTP/1.0,
and whatever is too long. Trailers are dropped. Connections that send no request in time are closed, and earlier when
others need their places.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from qmk.gateway.whole import ANSWER

HEAD_S = 10.0
"""Seconds from the first byte that is waited for to the end of a request's headers."""
BODY_S = 65.0
"""Seconds for the rest of a request: a bit more than those after which an answer says so."""
HEAD_BYTES = 32 << 10
"""Longest request line with headers."""
URL_BYTES = 8 << 10
HEADERS = 100
"""Most headers of a request."""
PIPELINED = 16
"""Most requests that wait on a connection for the answer to one before them."""
ADDRESS_CONNECTIONS = 1024
"""Connections of one address, if nothing else is said. Those from this machine are not bound: a proxy stands there."""
_ONCE = frozenset((b"host", b"authorization", b"content-type", b"origin", b"x-amz-security-token"))
"""Headers that decide something here: given twice, another reader could take the other one."""
_HERE = frozenset(("127.0.0.1", "::1", ""))


class TimelyProtocol(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it; whoever is not being served has ``HEAD_S`` to say what it wants, and where all
    places are taken, of the address with the most connections the one that has waited longest makes room."""

    address_connections = ADDRESS_CONNECTIONS
    _deadline: asyncio.TimerHandle | None = None
    _since: float = 0.0
    _closing: bool = False
    _in_body: bool = False
    _wrong: tuple[int, str] = (400, "this is not a valid HTTP request")
    _in_head = False
    _of_body = False
    _bytes = 0
    """Of the head so far; after it, of what came that is not part of the body: sizes of chunks, trailers."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        counts = self._addresses
        counts[self._peer] += 1
        self._watch()
        if self._peer not in _HERE and counts[self._peer] > self.address_connections:
            self._closing = True
            transport.close()
        elif self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        in_head, before = self._in_head, self.cycle
        super().data_received(data)
        if (in_head and self._in_head) or (before is self.cycle and not self._of_body):
            self._bytes += len(data)
            if self._bytes > HEAD_BYTES and not self.transport.is_closing():
                self._refuse(431, "the headers are too long")
        self._of_body = False
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        counts = self._addresses
        counts[self._peer] -= 1
        if not counts[self._peer]:
            del counts[self._peer]
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._bytes = True, 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > URL_BYTES:
            self._stop(414, "the address is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer: no part of what was asked
        super().on_header(name, value)
        if len(self.headers) > HEADERS:
            self._stop(431, "there are too many headers")

    def on_headers_complete(self) -> None:
        self._in_head, self._bytes = False, 0
        names = [name for name, _ in self.headers]
        new = cast("Any", self.parser).get_http_version() == "1.1"
        if (count := names.count(b"host")) != 1 and (new or count):
            self._stop(400, "the request must name its host, and one")
        if len({*names}) != len(names) and (twice := [name for name in _ONCE if names.count(name) > 1]):
            self._stop(400, f"the header {twice[0].decode()} is given twice")
        if b"transfer-encoding" in names:
            coding = b", ".join(value for name, value in self.headers if name == b"transfer-encoding")
            if coding and (coding.strip().lower() != b"chunked" or not new):
                self._stop(400, "the only transfer coding is chunked, in HTTP/1.1")
        if len(self.pipeline) >= PIPELINED:
            self._stop(400, f"more than {PIPELINED} requests wait on one connection")
        if sum(len(name) + len(value) + 4 for name, value in self.headers) > HEAD_BYTES:
            self._stop(431, "the headers are too long")
        super().on_headers_complete()
        cycle: Any = self.cycle
        cycle.transport = joined = _Joined(self.transport, self.loop)
        cycle.send = partial(_send, cycle, cycle.send, joined)
        self.scope["extensions"] = {ANSWER: {}}

    def on_body(self, body: bytes) -> None:
        self._of_body, self._bytes = True, 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Whoever was answered before its request had come as a whole is left: the rest would be read for nothing."""
        if self.cycle.more_body and not self.pipeline:
            self.transport.close()
        super().on_response_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """What follows a request to speak something else is not known, so the answer to it is the last."""
        self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        self._refuse(*self._wrong)

    def _stop(self, status: int, text: str) -> None:
        """Ends the parsing of what cannot be served."""
        self._wrong = status, text
        raise ValueError(text)

    def _refuse(self, status: int, text: str) -> None:
        """Says why and closes; only closes where another answer is under way."""
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request
        if cycle is None or cycle.response_complete:
            body = text.encode()
            head = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[status] + head % len(body) + body)
        self.transport.close()

    def _watch(self) -> None:
        """Has the connection closed if what is waited for does not come: a request, or the rest of its body."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        under_way = None if cycle is None or cycle.response_complete else cycle
        if under_way is not None and not under_way.more_body:
            self._unwatch()
        elif self._deadline is None or self._in_body != (under_way is not None):
            self._unwatch()
            self._in_body, self._since = under_way is not None, self.loop.time()
            self._deadline = self.loop.call_later(BODY_S if self._in_body else HEAD_S, self._too_late)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _make_room(self) -> None:
        own = [each for each in cast("set[Any]", self.connections) if isinstance(each, TimelyProtocol)]
        count = self._addresses
        waiting = [each for each in own if each._deadline and not each._in_body and not each._closing]
        if waiting:
            first = max(waiting, key=lambda each: (count[each._peer], -each._since))
            first._closing = True
            first.transport.close()

    @property
    def _addresses(self) -> Counter[str]:
        """How many connections each address has."""
        return self.server_state.__dict__.setdefault("addresses", Counter[str]())

    @property
    def _peer(self) -> str:
        """The address at the other end, without its port."""
        return "" if self.client is None else str(self.client[0])

    def _too_late(self) -> None:
        self.transport.close()


async def _send(cycle: Any, send: Any, joined: _Joined, message: Any) -> None:
    """Sends as uvicorn does; an answer that is there as a whole is written in one piece."""
    if message["type"] != ANSWER:
        await send(message)
        return
    if cycle.flow.write_paused and not cycle.disconnected:
        await cycle.flow.drain()
    if cycle.disconnected:
        return
    headers: list[tuple[bytes, bytes]] = message["headers"]
    head = b"".join([b"%b: %b\r\n" % row for row in headers])
    if head.count(b"\n") != len(headers) or head.count(b"\r") != len(headers):
        raise RuntimeError("a header of the answer has several lines")
    if not cycle.keep_alive:
        head += b"connection: close\r\n"
    body = b"" if cycle.scope["method"] == "HEAD" else message["body"]
    cycle.response_started, cycle.waiting_for_100_continue = True, False
    joined.write_whole(b"%b%b\r\n%b" % (STATUS_LINE[message["status"]], head, body))
    cycle.response_complete = True
    cycle.message_event.set()
    if not cycle.keep_alive:
        joined.close()
    cycle.on_response()


class _Joined:
    """A transport that writes the head of an answer with the first piece of its body: once, where a call into the
    system costs as much as all else that the gateway does. A body that does not come at once is not waited for."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._head: bytes | None = None
        self._begun = False

    def write(self, data: bytes) -> None:
        if self._begun:
            head, self._head = self._head, None
            self._transport.write(data if head is None else head + data)
        else:
            self._begun, self._head = True, data
            self._loop.call_soon(self._flush)

    def write_whole(self, data: bytes) -> None:
        """Writes an answer with its body."""
        self._begun = True
        self._transport.write(data)

    def _flush(self) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()
