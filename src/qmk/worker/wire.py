"""How messages travel between the host and a worker: a 4-byte little-endian length, then MessagePack.

Both ends are our own processes on one machine, joined by a socket pair; still every length is checked, because the
worker runs third-party code. ``Unframer`` takes bytes as they come and has no I/O; ``Channel`` is the blocking end.
"""

from __future__ import annotations

import select
import socket
import struct
from typing import Any, Generic, TypeVar

import msgspec

from qmk.base.limits import LIMITS
from qmk.rpc.splitter import RECEIVE_BYTES

MESSAGE_BYTES = LIMITS.event_bytes + LIMITS.frame_bytes + LIMITS.source_bytes
"""The longest message: a result with all its events, or a graph, with room for the rest of it."""

_LENGTH = struct.Struct("<I")
_ENCODER = msgspec.msgpack.Encoder()
T = TypeVar("T")


class WireError(Exception):
    """The other end sent something that is not a message. The connection is of no further use."""


def frame(message: msgspec.Struct) -> bytes:
    """Encodes ``message`` with its length in front."""
    buffer = bytearray(_LENGTH.size)
    _ENCODER.encode_into(message, buffer, _LENGTH.size)
    length = len(buffer) - _LENGTH.size
    if length > MESSAGE_BYTES:
        raise WireError(f"a message of {length} bytes exceeds {MESSAGE_BYTES}")
    _LENGTH.pack_into(buffer, 0, length)
    return bytes(buffer)


class Unframer(Generic[T]):
    """Collects bytes and gives out messages, in time linear in the bytes. ``kind`` is the union of messages
    expected."""

    def __init__(self, kind: Any) -> None:
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind)
        self._buffer = bytearray()

    def feed(self, data: bytes | memoryview) -> list[T]:
        """The messages that ``data`` completes. Raises ``WireError`` when the stream makes no sense."""
        self._buffer += data
        messages: list[T] = []
        start = 0
        with memoryview(self._buffer) as view:
            while len(view) - start >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(view, start)
                if length > MESSAGE_BYTES:
                    raise WireError(f"a message of {length} bytes exceeds {MESSAGE_BYTES}")
                end = start + _LENGTH.size + length
                if len(view) < end:
                    break
                messages.append(self._decode(view[start + _LENGTH.size : end]))
                start = end
        del self._buffer[:start]
        return messages

    def _decode(self, body: memoryview) -> T:
        with body:
            try:
                return self._decoder.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise WireError(f"not a message: {error}") from error


class Channel(Generic[T]):
    """A blocking end of the socket pair: ``send`` and ``receive`` one message at a time."""

    def __init__(self, sock: socket.socket, kind: Any) -> None:
        self.sock = sock
        self._unframer: Unframer[T] = Unframer(kind)
        self._waiting: list[T] = []

    def send(self, message: msgspec.Struct) -> None:
        self.sock.sendall(frame(message))

    def waiting(self) -> T | None:
        """The next message if one has come in, without waiting for it; None otherwise, also at the end."""
        while not self._waiting and select.select([self.sock], [], [], 0)[0]:
            data = self.sock.recv(RECEIVE_BYTES)
            if not data:
                return None
            self._waiting = self._unframer.feed(data)
        return self._waiting.pop(0) if self._waiting else None

    def put_back(self, message: T) -> None:
        """Puts ``message`` back, to be the next one again."""
        self._waiting.insert(0, message)

    def receive(self) -> T | None:
        """The next message; None when the other end has closed. Honours the socket's timeout."""
        while not self._waiting:
            data = self.sock.recv(RECEIVE_BYTES)
            if not data:
                return None
            self._waiting = self._unframer.feed(data)
        return self._waiting.pop(0)
