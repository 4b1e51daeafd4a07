"""Requests that the gateway itself sends: webhooks, and to identity providers.

What strangers name, such as the URL of a webhook, is only reached at public addresses: the name is resolved once, every
address that it has is looked at, and the connection goes to one of these addresses and not to the name again. Redirects
are never followed; answers are bounded in time and length.
"""

from __future__ import annotations

import asyncio
import http.client
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from urllib.parse import urlsplit

from qmk.base.errors import QmkError
from qmk.secrets import certificates

TIMEOUT_S, WHOLE_S = 10.0, 20.0
"""Seconds without a byte, and of a whole request, after which a server does not answer."""
ANSWER_BYTES = 1 << 20
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""Addresses of IPv4 behind a NAT64, private ones too."""


def context_of_ours() -> ssl.SSLContext:
    """What requests of the gateway are sent with: ``QMK_OUTGOING_CA`` is a file of authorities in the place of the
    system's, ``QMK_OUTGOING_CERT`` a reference to the certificate that we show a server that asks for one. Raises
    INVALID_PARAMS."""
    return certificates.context(os.environ.get(CA) or None, os.environ.get(CERT, ""), CERT)


CA, CERT = "QMK_OUTGOING_CA", "QMK_OUTGOING_CERT"
_POOL = ThreadPoolExecutor(16, "qmk-outgoing")


class _Fixed(http.client.HTTPConnection):
    """A connection to an address that was looked at."""

    def __init__(self, address: str, host: str, port: int, context: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=TIMEOUT_S)
        self._address, self._context = address, context

    def connect(self) -> None:
        made = socket.create_connection((self._address, self.port), TIMEOUT_S)
        self.sock = made if self._context is None else self._context.wrap_socket(made, server_hostname=self.host)

    def cut(self) -> None:
        """Ends what another thread waits for."""
        with suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


def check_url(url: str, *, private: bool) -> tuple[str, int, str, bool]:
    """Host, port, path and whether it is https. Raises INVALID_PARAMS for a URL that is never asked."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    secure = parts.scheme == "https"
    wrong = parts.scheme not in ("https", "http") or not host or parts.username is not None or parts.fragment
    if wrong or any(ord(each) <= 32 or ord(each) > 126 for each in url):
        raise QmkError("INVALID_PARAMS", "this is not a URL of https", field="url", help="such as https://host/path")
    if not secure and not private:
        raise QmkError("INVALID_PARAMS", "the URL has to begin with https://", field="url")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return host, port or (443 if secure else 80), path, secure


def public_address(host: str, port: int, *, private: bool) -> str:
    """An address of a host. Raises INVALID_PARAMS where one of them is not public, CONNECTION_LOST for none."""
    try:
        found = [row[4][0] for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError as error:
        raise QmkError("CONNECTION_LOST", f"the host {host} is not found") from error
    for text in found:
        address = ipaddress.ip_address(str(text).partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        if not private and (not address.is_global or address.is_multicast or address in TRANSLATED):
            fix = "give a public address, or start the gateway with --private-webhooks"
            raise QmkError(
                "INVALID_PARAMS", f"the host {host} has an address that is not public", field="url", help=fix
            )
    return str(found[0])


async def ask(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, *, private: bool = False
) -> tuple[int, bytes]:
    """As ``send``, in threads of its own, so that slow servers keep nothing else waiting."""
    work = partial(send, method, url, body, headers, private=private)
    return await asyncio.get_running_loop().run_in_executor(_POOL, work)


def send(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, *, private: bool = False
) -> tuple[int, bytes]:
    """Status and body of the answer. It blocks. Raises INVALID_PARAMS for a URL that may not be asked, CONNECTION_LOST
    without an answer."""
    host, port, path, secure = check_url(url, private=private)
    address = public_address(host, port, private=private)
    connection = _Fixed(address, host, port, context_of_ours() if secure else None)
    end = threading.Timer(WHOLE_S, connection.cut)
    end.start()
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        found = answer.read(ANSWER_BYTES + 1)
    except (OSError, http.client.HTTPException) as error:
        raise QmkError("CONNECTION_LOST", f"{host} does not answer: {error or type(error).__name__}") from error
    finally:
        end.cancel()
        connection.close()
    if len(found) > ANSWER_BYTES:
        raise QmkError("CONNECTION_LOST", f"{host} answers with more than {ANSWER_BYTES} bytes")
    return answer.status, found
