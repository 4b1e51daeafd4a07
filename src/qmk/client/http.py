"""Calls over HTTP: a frame of qSyscall is the body of a request, its answers are the body of the response.

A connection is kept and used again. What goes wrong between here and the daemon is told apart: no server, a certificate
that is not trusted, something that is not QMK, a proxy without its server.
"""

from __future__ import annotations

import http.client
import io
import os
import select
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias, cast

from qmk import __version__
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.client.address import Server
from qmk.client.sync import BlockingLink
from qmk.formats.printable import printable
from qmk.rpc import frame
from qmk.secrets.certificates import context

LONGEST_WAIT_MS = 20_000
"""Proxies give up on an answer after 30 or 60 seconds."""
CONNECT_S = 10.0
ANSWER_S = 60.0
"""Seconds within which an answer begins, and goes on, beyond the time that the call itself asks to wait."""
PATH, STREAM_PATH = "/rpc", "/rpc/stream"
STREAM_HEADER = "QMK-Stream"
SILENCE_S = 40.0
"""A stream says every 15 s that it is there."""
MEDIA_TYPE = "application/json"
Reader: TypeAlias = "io.BufferedReader[Any]"
LINE_BYTES, MOST_FIELDS = 1 << 16, 100
"""Of the head of an answer."""
AWAY = (429, 502, 503, 504)
"""What a proxy answers while its server is not there, and a gateway that is full."""


class HttpConnection:
    """One connection to a server, opened when it is needed and again when the server has closed it meanwhile."""

    def __init__(self, server: Server, token: str) -> None:
        self._server = server
        self._token = token
        self._head = head_of(server, token, "POST", PATH) + b"Content-Length: %d\r\n\r\n"
        self._connection: http.client.HTTPConnection | None = None
        self._reader: Reader | None = None
        self._poll = select.poll()
        self._pid = 0

    def open(self) -> http.client.HTTPConnection:
        """The connection. Raises CONNECTION_LOST where there is no server, AUTH_FAILED for the wrong one."""
        if self._connection is not None and self._pid == os.getpid() and not self._poll.poll(0):
            return self._connection  # which the server has not closed
        self.close()
        server = self._server
        if server.scheme == "https":
            made = http.client.HTTPSConnection(
                server.host, server.port, timeout=CONNECT_S, context=context(server.cafile, server.cert, "cert")
            )
        else:
            made = http.client.HTTPConnection(server.host, server.port, timeout=CONNECT_S)
        try:
            made.connect()
        except OSError as error:
            made.close()
            raise _cannot_connect(server, error) from error
        made.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection, self._pid = made, os.getpid()
        self._reader, self._poll = reader_of(made.sock), select.poll()
        self._poll.register(made.sock, select.POLLIN)
        return made

    def ask(self, line: bytes, held_ms: int, stream: str = "") -> list[frame.Answer]:
        """The answers to a frame, whatever their numbers; none where they are to come by a stream. Raises
        ConnectionError where the connection breaks, QmkError for the gateway's own refusals and for whatever is not a
        gateway."""
        connection = self.open()
        try:
            connection.sock.settimeout(ANSWER_S + held_ms / 1e3)
            head = self._head % len(line)
            if stream:
                head = head[:-2] + f"{STREAM_HEADER}: {stream}\r\n\r\n".encode("ascii")
            connection.sock.sendall(head + line)  # in one piece: http.client would send two
            response = Response(cast("Reader", self._reader))
            response.begin()
            body = response.read(LIMITS.frame_bytes + 2)
            if len(body) > LIMITS.frame_bytes + 1:
                raise http.client.HTTPException("it is too long")
        except (TimeoutError, http.client.HTTPException) as error:
            self.close()
            raise ConnectionResetError(str(error)) from error
        except ssl.SSLError as error:  # TLS 1.3 tells of a certificate that is missing or refused with the first answer
            self.close()
            raise _cannot_connect(self._server, error) from error
        except BaseException:
            self.close()  # between a call and its answer
            raise
        if response.will_close:
            self.close()
        if stream and response.status == 202:
            return []
        return _answers(self._server, response, body)

    def follow(self, name: str, after: int) -> Response:
        """The response that is the stream of this name after an event, a new one without a name. Raises as ``ask``, and
        CONNECTION_LOST where the server has it no longer."""
        connection = self.open()
        more = f"{STREAM_HEADER}: {name}\r\nLast-Event-ID: {after}\r\n" if name else ""
        head = head_of(self._server, self._token, "GET", STREAM_PATH) % () + more.encode("ascii")
        try:
            connection.sock.settimeout(SILENCE_S)
            connection.sock.sendall(head + b"\r\n")
            response = Response(cast("Reader", self._reader))
            response.begin()
            if response.status == 200 and response.media_type == "text/event-stream":
                return response
            body = response.read(LIMITS.frame_bytes)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise ConnectionResetError(str(error)) from error
        self.close()
        _answers(self._server, response, body)
        raise _not_answered(self._server, response)

    def close(self) -> None:
        if self._connection is not None and self._reader is not None:
            self._reader.close()
            self._connection.close()
        self._connection = self._reader = None

    def abort(self) -> None:
        """Ends an exchange that another thread waits for."""
        made = self._connection
        if made is not None:
            with suppress(OSError, AttributeError):  # it may be closed by now
                made.sock.shutdown(socket.SHUT_RDWR)


class Response(http.client.HTTPResponse):
    """An answer whose headers are read as what they are. The standard library reads them as those of a mail, which
    takes longer than all else that a client does. Names are in lower case; of several the last counts. ``reader`` is
    that of the connection (``reader_of``), which goes on after the answer."""

    fields: dict[str, str]

    def __init__(self, reader: Reader) -> None:
        super().__init__(cast("socket.socket", _Opened(reader)))

    def _close_conn(self) -> None:
        self.fp = None  # pyright: ignore[reportAttributeAccessIssue]  # the standard library says so too

    def begin(self) -> None:
        while True:
            line, *rest = self._read_head()
            line = line.split(None, 2)
            if len(line) < 2 or not line[0].startswith("HTTP/1.") or not line[1].isdecimal():
                raise http.client.BadStatusLine("the answer is not one of HTTP/1.1" if line else "there is no answer")
            self.status = self.code = int(line[1])
            self.version = 10 if line[0] == "HTTP/1.0" else 11
            self.fields = _fields_of(rest)
            if self.status >= 200:  # others come before the answer
                break
        connection = self.fields.get("connection", "").lower()
        self.will_close = "close" in connection or (self.version == 10 and "keep-alive" not in connection)
        self.chunked = self.fields.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        size = self.fields.get("content-length", "")
        self.length = int(size) if size.isdecimal() and not self.chunked else None
        if self.status in (204, 304):
            self.length = 0
        self.will_close = self.will_close or (self.length is None and not self.chunked)

    def _read_head(self) -> list[str]:
        """The lines before the body."""
        head, end, _ = self.fp.peek().partition(b"\r\n\r\n")
        if end:  # nearly always: it came as one piece
            self.fp.read(len(head) + len(end))
            return head.decode("latin-1").split("\r\n")
        found = [self.fp.readline(LINE_BYTES)]
        while found[-1] not in (b"\r\n", b"\n", b"") and len(found) <= MOST_FIELDS:
            found.append(self.fp.readline(LINE_BYTES))
        if found[0] and (found[-1] == b"" or len(found) > MOST_FIELDS):
            raise http.client.HTTPException("its headers have no end")
        return [line.decode("latin-1") for line in found if line.strip()] or [""]

    @property
    def media_type(self) -> str:
        return self.fields.get("content-type", "").partition(";")[0].strip().lower()


class _Opened(NamedTuple):
    """Stands for the socket where the standard library opens one to read."""

    reader: Reader

    def makefile(self, mode: str) -> Reader:
        return self.reader


def reader_of(sock: socket.socket) -> Reader:
    """What reads all answers of a connection."""
    return cast("Reader", sock.makefile("rb", LINE_BYTES))


def _fields_of(lines: Sequence[str]) -> dict[str, str]:
    if len(lines) > MOST_FIELDS:
        raise http.client.HTTPException("it has too many headers")
    rows = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, mark, value in rows if mark}


class HttpLink(BlockingLink):
    """The calls of one client at a time over HTTP."""

    longest_wait_ms: int | None = LONGEST_WAIT_MS

    def __init__(self, server: Server, token: str) -> None:
        super().__init__()
        self._connection = HttpConnection(server, token)
        self._pid = 0

    def is_open(self) -> bool:
        """Whether it was opened and nothing has broken since. A connection that is merely gone is renewed: a session
        does not depend on it. A forked process begins anew."""
        return self._pid == os.getpid()

    def close(self) -> None:
        self._pid = 0
        self._connection.close()

    async def open(self, path: str) -> None:
        self._connection.open()
        self._pid = os.getpid()

    async def exchange(self, numbers: Sequence[int], line: bytes, held_ms: int = 0) -> list[frame.Answer]:
        return pick(numbers, self._connection.ask(line, held_ms))


def pick(numbers: Sequence[int], answers: Sequence[frame.Answer]) -> list[frame.Answer]:
    """The answers with these numbers, in that order."""
    found = {answer.id: answer for answer in answers}
    if not all(number in found for number in numbers):
        raise ConnectionResetError("not every call is answered")
    return [found[number] for number in numbers]


def _answers(server: Server, response: Response, body: bytes) -> list[frame.Answer]:
    """What a response says. Raises the error that it is, if it is one."""
    found: list[frame.Answer] = []
    if response.media_type == MEDIA_TYPE:
        with suppress(QmkError):
            found = [each for each in frame.answers(body) if each.error is not None or each.result]
    for each in found:
        if each.id is None and each.error is not None:
            raise each.error  # the gateway refused the whole request
    if response.status == 200 and found:
        return found
    raise _not_answered(server, response)


def _not_answered(server: Server, response: Response) -> QmkError:
    """The error of a response that no gateway of QMK has given."""
    status, url = response.status, server.url
    if status in (401, 403):
        return QmkError(
            "AUTH_FAILED", f"the server at {url} asks for other credentials (HTTP {status})", help=f"qmk login {url}"
        )
    if status in AWAY:
        why = f"the server at {url} is away or has no room (HTTP {status})"
        return QmkError("CONNECTION_LOST", why, server=url, hint="try again later, or with patience_s=60")
    if status == 413:
        return QmkError(
            "QUOTA_EXCEEDED",
            f"a proxy before {url} takes no request so long (HTTP 413)",
            help=f"let it take {LIMITS.frame_bytes} bytes",
        )
    help = "check the address; a gateway is started with 'qmk serve --http' or 'qmk gateway'"
    if 300 <= status < 400:
        to = printable(response.fields.get("location", "another place")[:200])
        help = f"it points to {to}; if that is the server that you mean, give its address"
    return QmkError("UNSUPPORTED", f"what answers at {url} is not a gateway of QMK (HTTP {status})", help=help)


def _cannot_connect(server: Server, error: OSError) -> QmkError:
    """Why there is no connection, with the fix."""
    url, where = server.url, f"{server.host}:{server.port}"
    hint = "check the address; a gateway is started with 'qmk serve --http' or 'qmk gateway'"
    if isinstance(error, ssl.SSLCertVerificationError):
        return QmkError(
            "AUTH_FAILED",
            f"the certificate of {url} is not trusted: {error.verify_message}",
            help="name the certificate of its authority: cafile=..., --cafile FILE, or SSL_CERT_FILE",
        )
    if isinstance(error, ssl.SSLError):
        why = f"TLS with {url} failed: {(error.reason or str(error)).lower().replace('_', ' ')}"
        hint = "it may speak plain http, or no common version of TLS"
        if "CERTIFICATE" in (error.reason or ""):
            hint = "show it a certificate that its operator gave you: cert=..., --cert REFERENCE"
    elif isinstance(error, socket.gaierror):
        why = f"there is no host '{server.host}'"
    elif isinstance(error, ConnectionRefusedError):
        why = f"nothing listens at {where}"
    elif isinstance(error, TimeoutError):
        why = f"no answer from {where} within {CONNECT_S:.0f} s"
    else:
        why = f"cannot connect to {where}: {(error.strerror or str(error)).lower()}"
    return QmkError("CONNECTION_LOST", why, server=url, connected=False, hint=hint)


def head_of(server: Server, token: str, method: str, path: str) -> bytes:
    """The headers of all requests, as a template."""
    if not token.isascii() or not token.isprintable() or " " in token:
        raise QmkError("AUTH_FAILED", "the token is not valid", help="tokens are letters, digits, dots, - and _")
    lines = [
        f"{method} {server.path}{path} HTTP/1.1",
        f"Host: {server.url.partition('://')[2].partition('/')[0]}",
        f"User-Agent: qmk/{__version__}",
        f"Accept: {MEDIA_TYPE}, text/event-stream",
        f"Content-Type: {MEDIA_TYPE}",
        *([f"Authorization: Bearer {token}"] if token else []),
    ]
    return "\r\n".join(lines).replace("%", "%%").encode("ascii") + b"\r\n"
