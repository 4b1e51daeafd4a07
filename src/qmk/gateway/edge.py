"""What every request and every answer of the gateway passes, whatever its path: which hosts it serves, which web pages
may call it, and the headers that tell a browser what it must not do.

- ``Host``: an address, this machine, a name of the certificate, or one that was allowed. With another name, a page of
  its owner could reach a gateway in a private network as if it were its own (DNS rebinding).
- ``Origin``: a page of another site may change nothing here, with cookies or without.
- Every answer forbids frames, guessed types and referrers; one without a policy of its own may load nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from qmk.base.errors import QmkError
from qmk.gateway.hosts import HOSTS
from qmk.gateway.http import Refusal
from qmk.gateway.whole import BEGINS

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HSTS_S = 365 * 24 * 3600
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
POLICY = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The content security policy of answers that have none of their own."""
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", POLICY),
)
_SECURE_HEADERS = (*_HEADERS, (b"strict-transport-security", b"max-age=%d" % HSTS_S))


@dataclass(frozen=True)
class Edge:
    """``hosts``: names that are served beside addresses and this machine, in lower case; one that begins with a dot
    stands for all below it, None for every name. ``tls``: browsers are told to come by https only."""

    hosts: frozenset[str] | None = None
    tls: bool = False

    def check(self, method: str, headers: Mapping[str, str]) -> None:
        """Raises ``Refusal`` 421 for a host that is not served here, AUTH_FAILED for a page of another site."""
        host = headers.get("host", "")
        if self.hosts is not None and not serves(host, self.hosts):
            raise Refusal(421, f"this gateway does not serve the host '{host[:100]}': --allowed-host names it")
        site = headers.get("sec-fetch-site", "")
        origin = headers.get("origin")
        if method in SAFE:
            foreign = site == "cross-site" and "cookie" in headers and headers.get("sec-fetch-mode") != "navigate"
        else:
            foreign = site in ("cross-site", "same-site") or (origin is not None and not is_own(origin, host))
        if foreign:
            raise QmkError("AUTH_FAILED", "a page of another site may not do this", help="use the gateway's own pages")

    def send_with_headers(self, send: Send, host: str) -> Send:
        """``send``, with the headers that every answer has and this one has not. Browsers are not told to come to this
        machine's own names by https only: that would hold for all its other ports too."""
        headers = _SECURE_HEADERS if self.tls and not is_local(host) else _HEADERS

        async def complete(message: Message) -> None:
            if message["type"] in BEGINS:
                own = list(message["headers"])
                names = {name.lower() for name, _ in own}
                message["headers"] = [*own, *(row for row in headers if row[0] not in names)]
            await send(message)

        return complete


def serves(host: str, allowed: Iterable[str]) -> bool:
    """Whether a header ``Host`` names an address, this machine, or one of the names."""
    name = _name_of(host)
    return (
        is_local(host)
        or _is_address(name)
        or any(name == each or (each.startswith(".") and name.endswith(each)) for each in allowed)
    )


def is_local(host: str) -> bool:
    """Whether a header ``Host`` has a name that always is this machine."""
    name = _name_of(host)
    return name == "localhost" or name.endswith(".localhost")


def is_own(origin: str, host: str) -> bool:
    """Whether an origin is that of the host itself. The scheme is not compared: TLS may end before the gateway."""
    return origin.partition("://")[2].lower() == host.lower() != ""


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of a request by name, in lower case."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


@lru_cache(HOSTS)
def _name_of(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


@lru_cache(HOSTS)
def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
