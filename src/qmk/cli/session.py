"""The daemon, for the time of one command."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qmk.client import Client


@contextmanager
def connect(socket_path: str | None) -> Generator[Client]:
    """A client whose session ends with the command, however that ends; jobs go on."""
    from qmk.client import Client

    client = Client(socket_path)
    try:
        yield client
    finally:
        client.leave()
