"""The wire format of protocol buffers, as far as it takes to read a message whose fields are known.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import struct

Message = dict[int, list["int | bytes"]]
"""The values of each field by its number, in order: an int for a varint, bytes for all else."""


def read(data: bytes) -> Message:
    """Raises ValueError for what is not a message."""
    found: Message = {}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        value: int | bytes
        if kind == 0:
            value, at = _varint(data, at)
        else:
            size, at = (8, at) if kind == 1 else (4, at) if kind == 5 else _varint(data, at) if kind == 2 else (-1, at)
            if size < 0 or at + size > len(data) or number == 0:
                raise ValueError(f"byte {at} does not begin a field")
            value, at = data[at : at + size], at + size
        found.setdefault(number, []).append(value)
    return found


def messages(message: Message, number: int) -> list[Message]:
    """The messages in a field."""
    return [read(value) for value in message.get(number, []) if isinstance(value, bytes)]


def message(holder: Message, number: int) -> Message:
    """The last message in a field; an empty one where there is none."""
    found = messages(holder, number)
    return found[-1] if found else {}


def text(holder: Message, number: int) -> str:
    """The text in a field; "" where there is none. Raises ValueError for text that is not UTF-8."""
    found = holder.get(number)
    return found[-1].decode() if found and isinstance(found[-1], bytes) else ""


def real(holder: Message, number: int) -> float:
    """The float or double in a field; 0 where there is none. Raises ValueError for another type."""
    found = holder.get(number)
    if not found:
        return 0.0
    value = found[-1]
    if not isinstance(value, bytes) or len(value) not in (4, 8):
        raise ValueError(f"field {number} is not a number")
    return struct.unpack("<f" if len(value) == 4 else "<d", value)[0]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
    raise ValueError(f"byte {at} ends within a number")
