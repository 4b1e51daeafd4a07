"""Both forms of a program as instructions.

Binary: the five letters LANES, minor and major version (16 bits each, little end first), then 17 bytes for each
instruction: the opcode, its numbers, zeros. A location is a word of 64 bits: zone (8), word (16), site (16), unused
(24), highest first. A lane: direction (1), kind (2), zone (8), unused (5), bus (16), word (16), site (16). A zone is
the lowest byte of 32 bits.
"""

from __future__ import annotations

import math
import re
import struct
from typing import NamedTuple

from qmk.base.limits import LIMITS
from qmk.sdk.frontend import decode_text, refuse

MAGIC = b"LANES"
WIDTH = 17

Number = int | float


class Instruction(NamedTuple):
    """``line`` in the text; in the binary form the instruction's number, from 1."""

    op: str
    numbers: tuple[Number, ...]
    line: int


class Location(NamedTuple):
    zone: int
    word: int
    site: int


class Lane(NamedTuple):
    """``kind``: 0 sites of a word, 1 words of a zone, 2 zones. ``word`` and ``site`` are where the forward lane
    begins; ``back``: it is used the other way round."""

    back: bool
    kind: int
    zone: int
    word: int
    site: int
    bus: int


FORMS = {
    "const.f64": "d", "const.i64": "q", "const_loc": "Q", "const_lane": "Q", "const_zone": "I",
    "pop": "", "dup": "", "swap": "", "initial_fill": "I", "fill": "I", "move": "I", "local_r": "I", "local_rz": "I",
    "global_r": "", "global_rz": "", "cz": "", "measure": "I", "await_measure": "", "new_array": "III",
    "get_item": "I", "set_detector": "", "set_observable": "", "return": "", "halt": "",
}  # fmt: skip
"""The binary form of each instruction's numbers."""
CODES: dict[bytes, str] = {
    b"\x14\x12\x06": "const.f64", b"\x14\x12\x03": "const.i64", b"\x14\x0e": "dup", b"\x14\x0a": "halt",
    b"\x00": "pop", b"\x01": "swap", b"\x02": "return", b"\x03": "const_loc", b"\x04": "const_lane",
    b"\x05": "const_zone", b"\x06": "initial_fill", b"\x07": "fill", b"\x08": "move", b"\x09": "local_rz",
    b"\x0a": "local_r", b"\x0b": "global_rz", b"\x0c": "global_r", b"\x0d": "cz", b"\x0e": "measure",
    b"\x0f": "await_measure", b"\x10": "new_array", b"\x11": "get_item", b"\x12": "set_detector",
    b"\x13": "set_observable",
}  # fmt: skip
_HEAD = re.compile(r"\s*version\s+(\d{1,5})\.(\d{1,5})\s*;\s*fn\s+@main\s*\(\s*\)\s*\{[ \t]*")
_WORD = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]{1,16}|\d{1,20})\Z")


def location(bits: int) -> Location:
    if bits & 0xFFFFFF:
        refuse("LANES-05", f"0x{bits:016x} is not a location: its lowest 24 bits are not 0")
    return Location(bits >> 56, bits >> 40 & 0xFFFF, bits >> 24 & 0xFFFF)


def lane(bits: int) -> Lane:
    kind = bits >> 61 & 3
    if bits >> 48 & 0x1F or kind == 3:
        refuse("LANES-05", f"0x{bits:016x} is not a lane")
    zone, bus = bits >> 53 & 0xFF, bits >> 32 & 0xFFFF
    return Lane(bool(bits >> 63), kind, zone, bits >> 16 & 0xFFFF, bits & 0xFFFF, bus)


def decode(data: bytes) -> list[Instruction]:
    """Either form, told apart by its first bytes."""
    return _binary(data) if data.startswith(MAGIC) else _text(data)


def _version(major: int, minor: int) -> None:
    if (major, minor) != (1, 0):
        refuse("LANES-01", f"version {major}.{minor} is not 1.0")


def _binary(data: bytes) -> list[Instruction]:
    if len(data) < 9:
        refuse("LANES-01", "the head is cut")
    minor, major = struct.unpack_from("<HH", data, 5)
    _version(major, minor)
    count, rest = divmod(len(data) - 9, WIDTH)
    if rest:
        refuse("LANES-01", f"{len(data) - 9} bytes of code are not a multiple of {WIDTH}")
    _check_count(count)
    return [_read_instruction(data[9 + at * WIDTH : 9 + (at + 1) * WIDTH], at + 1) for at in range(count)]


def _read_instruction(row: bytes, number: int) -> Instruction:
    code = next((code for code in CODES if row.startswith(code)), b"")
    if not code:
        refuse("LANES-02", f"opcode 0x{row[0]:02x} is not an instruction", number)
    op = CODES[code]
    form = "<" + FORMS[op]
    if any(row[len(code) + struct.calcsize(form) :]):
        refuse("LANES-01", f"{op}: bytes that are not used are not 0", number)
    return Instruction(op, _check(op, struct.unpack_from(form, row, len(code)), number), number)


def _check_count(count: int) -> None:
    if count > LIMITS.expansion_nodes:
        refuse("LANES-09", f"{count} instructions exceed the limit of {LIMITS.expansion_nodes}")


def _check(op: str, numbers: tuple[Number, ...], line: int) -> tuple[Number, ...]:
    if op == "const_zone" and numbers[0] > 255:
        refuse("LANES-05", f"0x{int(numbers[0]):08x} is not a zone", line)
    if op == "const.f64" and not math.isfinite(numbers[0]):
        refuse("LANES-02", "const.f64 is not finite", line)
    return numbers


def _text(data: bytes) -> list[Instruction]:
    text = decode_text(data, "LANES-01", "ascii")
    head = _HEAD.match(text)
    if head is None:
        refuse("LANES-01", "it does not begin with 'version 1.0;' and 'fn @main() {'", 1)
    _version(int(head[1]), int(head[2]))
    body = text[head.end() :].rstrip()
    first = text.count("\n", 0, head.end()) + 1
    if not body.endswith("}"):
        refuse("LANES-01", "the function is not closed", first + body.count("\n"))
    made: list[Instruction] = []
    for line, row in enumerate(body[:-1].split("\n"), start=first):
        words = row.split()
        if words:
            made.append(_row(words, line))
    _check_count(len(made))
    return made


def _row(words: list[str], line: int) -> Instruction:
    op = words[0]
    if op not in FORMS:
        refuse("LANES-02", f"{op[:40]!r} is not an instruction", line)
    form = FORMS[op]
    if len(words) - 1 != len(form):
        refuse("LANES-02", f"{op} takes {len(form)} numbers, not {len(words) - 1}", line)
    numbers = tuple(_number(word, kind, line) for word, kind in zip(words[1:], form, strict=True))
    return Instruction(op, _check(op, numbers, line), line)


def _number(word: str, kind: str, line: int) -> Number:
    if kind == "d":
        try:
            return float(word)
        except ValueError:
            refuse("LANES-02", f"{word[:40]!r} is not a number", line)
    if _WORD.match(word) is None:
        refuse("LANES-02", f"{word[:40]!r} is not a whole number", line)
    value = int(word, 16 if "x" in word.lower() else 10)
    low, high = {"q": (-(1 << 63), 1 << 63), "Q": (0, 1 << 64), "I": (0, 1 << 32)}[kind]
    if not low <= value < high:
        refuse("LANES-02", f"{word[:40]} is out of range", line)
    return value
