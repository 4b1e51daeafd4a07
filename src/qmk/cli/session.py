"""The daemon, for the time of one command: by its socket, or by the URL of a server."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from qmk.cli import options, terminal

if TYPE_CHECKING:
    from qmk.client import Client
    from qmk.client.address import Server

    Place = tuple[str | Server | None, str | None]


@contextmanager
def connect(socket_path: str | None) -> Generator[Client]:
    """A client whose session ends with the command, however that ends; jobs go on. Of ``--socket`` and ``--server`` on
    the command line one counts, else QMK_SERVER, else QMK_SOCKET, else the current context, else the user's own daemon.
    """
    client = open_client(find_place(socket_path))
    try:
        yield client
    finally:
        client.leave()


def open_client(place: Place) -> Client:
    """A client that stays, of what ``find_place`` gives."""
    from qmk.client import Client

    return Client(place[0], token=place[1])


def find_server() -> str:
    """What ``--server`` names, or ""."""
    context = click.get_current_context(silent=True)
    return "" if context is None else context.meta.get(options.SERVER, "")


def find_place(socket_path: str | None) -> Place:
    """Where to connect, and the token to show there; None: as the client finds it."""
    server = find_server()
    given = is_given("socket_path")
    if given and server and is_given("server"):
        raise click.UsageError("give either --socket or --server")
    if given or (socket_path and not server):
        return socket_path, None
    from qmk.client import address, contexts
    from qmk.rpc import places

    if address.is_url(server):
        return server, None
    known = contexts.load()
    if not (server or known.current):
        return None, None
    found = known.find(server or known.current)
    return found.place(), places.token() or found.read_token()


def is_given(name: str) -> bool:
    """Whether an option stands on the command line."""
    context = click.get_current_context(silent=True)
    return context is not None and context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def local_only() -> click.UsageError:
    """Raised by commands that work on the daemon's own files, where they are asked to do it on a server."""
    return click.UsageError("this command works on the daemon's own files: run it on the machine of the daemon")


def mention_server(server: str | None) -> None:
    """Says that a command acts on this machine, where others go to a server."""
    from qmk.client import contexts

    name = server or contexts.load().current
    if name:
        terminal.say(f"note: this acts on this machine, not on the server '{name}'", err=True)
