"""The way from a virtual machine to its host: a serial port, or vsock, on which the machine listens.

A serial port stays open in a copy of a machine. A connection of vsock does not; who listens does, so that the copy is
connected anew.
"""

from __future__ import annotations

import os
import socket
from typing import Protocol, cast

LISTENS = "vsock:"


class Way(Protocol):
    def wait(self) -> socket.socket:
        """Waits until the host is there: what a channel to it needs of a socket."""
        ...

    def wait_again(self, sock: socket.socket) -> socket.socket:
        """Waits until somebody goes on with a copy of this machine; ``sock`` led to who made it."""
        ...

    def close(self) -> None: ...


class Port:
    """A serial port with what a channel needs of a socket."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        return self._fd

    def recv(self, size: int) -> bytes:
        """What has come, at most ``size`` bytes; b"" once the host has closed its end."""
        return os.read(self._fd, size)

    def sendall(self, data: bytes) -> None:
        with memoryview(data) as view:
            at = 0
            while at < len(view):
                at += os.write(self._fd, view[at:])


class Serial:
    """The way by a serial port, open for both directions."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def wait(self) -> socket.socket:
        return cast("socket.socket", Port(self._fd))

    def wait_again(self, sock: socket.socket) -> socket.socket:
        return sock

    def close(self) -> None:
        os.close(self._fd)


class Listening:
    """The way by a socket that listens."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        sock.listen(1)

    def wait(self) -> socket.socket:
        return self._sock.accept()[0]

    def wait_again(self, sock: socket.socket) -> socket.socket:
        sock.close()
        return self.wait()

    def close(self) -> None:
        self._sock.close()


def open_way(text: str) -> Way:
    """``3``, the descriptor of a serial port, or ``vsock:5000``. Raises ``OSError`` where the machine has no vsock."""
    if not text.startswith(LISTENS):
        return Serial(int(text))
    sock = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    sock.bind((socket.VMADDR_CID_ANY, int(text.removeprefix(LISTENS))))
    return Listening(sock)
