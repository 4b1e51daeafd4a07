"""Servers that ``qmk login`` knows, with their tokens: one file in the config folder, which only the user reads."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from qmk.base.errors import QmkError
from qmk.client.address import Server, is_url, read_server
from qmk.request import arguments
from qmk.rpc import places
from qmk.rpc.private import read_private, write_private

FILE_BYTES = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class Context(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One server under a name. The token is here, or in the file ``token_file``."""

    name: str
    server: str
    token: str = ""
    token_file: str = ""
    cafile: str | None = None
    allow_http: bool = False
    cert: str = ""

    def place(self) -> Server:
        return read_server(self.server, self.cafile, self.allow_http, self.cert)

    def read_token(self) -> str:
        return places.read_token(Path(self.token_file)) if self.token_file else self.token


class Contexts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of them, by name; ``current`` names the one that commands use."""

    current: str = ""
    contexts: tuple[Context, ...] = ()

    def find(self, name: str) -> Context:
        """Raises INVALID_PARAMS where there is none of this name."""
        for each in self.contexts:
            if each.name == name:
                return each
        known = ", ".join(each.name for each in self.contexts) or "none"
        help = f"there are: {known}; 'qmk login URL' makes one"
        raise QmkError("INVALID_PARAMS", f"there is no context '{name[:64]}'", field="context", help=help)

    def of_url(self, url: str) -> Context | None:
        """The context of a server, the current one first."""
        found = [each for each in self.contexts if each.server == url]
        return next((each for each in found if each.name == self.current), found[0] if found else None)

    def put(self, context: Context, current: bool = False) -> Contexts:
        """With this context, in the place of one of the same name."""
        others = tuple(each for each in self.contexts if each.name != context.name)
        return Contexts(context.name if current else self.current, (*others, context))

    def remove(self, name: str) -> Contexts:
        """Without the context of this name."""
        self.find(name)
        rest = tuple(each for each in self.contexts if each.name != name)
        return Contexts("" if self.current == name else self.current, rest)


def check_name(name: str) -> str:
    """The name, if a context may have it. Raises INVALID_PARAMS."""
    if not _NAME.fullmatch(name):
        help = "letters, digits, '.', '_' and '-', at most 64"
        raise QmkError("INVALID_PARAMS", "this is not a name for a context", field="name", help=help)
    return name


def contexts_path() -> Path:
    """Where contexts are kept: in ``QMK_CONFIG_DIR``, else ``$XDG_CONFIG_HOME/qmk``, else ``~/.config/qmk``."""
    if named := os.environ.get("QMK_CONFIG_DIR"):
        return Path(named) / "contexts.json"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "qmk" / "contexts.json"


def load() -> Contexts:
    """The contexts there are. Raises INVALID_PARAMS for a file that others may read, or that is not one of contexts."""
    path = contexts_path()
    try:
        return msgspec.json.decode(read_private(path, FILE_BYTES), type=Contexts)
    except QmkError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return Contexts()
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unusable(path, f"it is not a file of contexts: {error}", "remove it and log in again") from error


def save(contexts: Contexts) -> None:
    """Writes all contexts, at once or not at all. Raises INVALID_PARAMS where that cannot be."""
    path = contexts_path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, msgspec.json.format(msgspec.json.encode(contexts)) + b"\n")
    except OSError as error:
        raise _unusable(
            path, f"cannot write it: {(error.strerror or str(error)).lower()}", "check its folder"
        ) from error


def place_of(
    path: str | os.PathLike[str] | Server | None, cafile: str | None = None, allow_http: bool = False, cert: str = ""
) -> Server | Path:
    """The server of a URL, with what is known of it beside, or the socket at a path, by default the user's own. Raises
    INVALID_PARAMS."""
    if isinstance(path, Server):
        return path
    if not isinstance(path, (str, os.PathLike, type(None))):  # pyright: ignore[reportUnnecessaryIsInstance]
        help = "leave it out for your own daemon"
        raise arguments.refuse("path", path, "the path of the daemon's socket, or a URL", help)
    if cafile is not None:
        arguments.text("cafile", cafile)
    if not isinstance(path, str) or not is_url(path):
        return places.socket_path() if path is None else Path(path)
    known = load().of_url(read_server(path, allow_http=True).url)
    if known is not None:
        cafile, allow_http = cafile or known.cafile, allow_http or known.allow_http
        cert = cert or known.cert
    return read_server(path, cafile, allow_http, cert)


def token_for(server: Server | None) -> str:
    """The token of this process, or else the one that is kept for the server. Raises INVALID_PARAMS."""
    found = places.token()
    if found or server is None:
        return found
    known = load().of_url(server.url)
    return "" if known is None else known.read_token()


def _unusable(path: Path, why: str, help: str) -> QmkError:
    return QmkError("INVALID_PARAMS", f"{path}: {why}", path=str(path), help=help)
