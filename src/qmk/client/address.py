"""Where a client's calls go: to the socket of a daemon on this machine, or to the URL of a gateway before one."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec

from qmk.base.errors import QmkError
from qmk.rpc.private import is_loopback

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.ASCII | re.IGNORECASE)
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+", re.ASCII)
PORTS = {"https": 443, "http": 80}


class Server(msgspec.Struct, frozen=True):
    """A gateway: ``path`` is what stands before ``/rpc``. ``cafile``: certificates of the authorities that are trusted,
    instead of the system's. ``cert``: a reference to the certificate and key that we show, see ``qmk.secrets``."""

    scheme: str
    host: str
    port: int
    path: str = ""
    cafile: str | None = None
    cert: str = ""

    @property
    def url(self) -> str:
        """The one spelling of its address, without a slash at the end."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{name}{port}{self.path}"


def is_url(text: object) -> bool:
    """Whether a place is written as a URL, rather than as the path of a socket."""
    return isinstance(text, str) and _SCHEME.match(text) is not None


def read_server(text: str, cafile: str | None = None, allow_http: bool = False, cert: str = "") -> Server:
    """The server at a URL. Raises INVALID_PARAMS for what is not one, and for plain http to another machine, over which
    everybody on the way could read the token, unless ``allow_http``."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _refuse("this is not a URL", "write https://host or https://host:port") from None
    scheme, path = parts.scheme.lower(), parts.path.rstrip("/")
    if scheme not in PORTS:
        raise _refuse(f"'{scheme[:20]}' is not a protocol of QMK's servers", "write https://host")
    if "@" in parts.netloc:  # not shown: it may hold a password
        raise _refuse("there is a user name in the URL", "write https://host, and give the token as token")
    if parts.query or parts.fragment:
        raise _refuse("there is something behind the path of the URL", "leave out what begins with ? or #")
    if not host or not _HOST.fullmatch(host) or not _PATH.fullmatch(path):
        raise _refuse("this is not the URL of a server", "write https://host or https://host:port")
    if scheme == "http" and not (allow_http or is_loopback(host)):
        raise _refuse(
            f"plain http to {host} shows the token to everybody on the way",
            f"write https://{host}, or allow plain http explicitly: allow_http=True, --allow-http",
        )
    return Server(scheme, host, port or PORTS[scheme], path, cafile, cert)


def _refuse(what: str, help: str) -> QmkError:
    return QmkError("INVALID_PARAMS", f"server: {what}", field="server", help=help)
