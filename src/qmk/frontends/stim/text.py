"""The text as a tree: instructions with their lines, and REPEAT blocks. Nothing is unrolled here."""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from qmk.base.limits import LIMITS
from qmk.frontends.stim.gates import ALIASES, NAMES
from qmk.sdk.frontend import Refused


class Target(NamedTuple):
    """``kind`` is "" for a qubit, X, Y or Z for a Pauli on one, rec or sweep for a bit. ``value`` is the index, of rec
    how many measurements ago."""

    kind: str
    value: int
    inverted: bool = False


Product = tuple[Target, ...]
"""Targets joined by ``*``; nearly always one."""


class Instruction(msgspec.Struct, frozen=True):
    name: str
    tag: str
    args: tuple[float, ...]
    targets: tuple[Product, ...]
    line: int

    def refuse(self, rule: str, message: str, help: str = "") -> Refused:
        return Refused(rule, f"{self.name}: {message}", help, self.line)


class Repeat(msgspec.Struct):
    count: int
    line: int
    body: list[Instruction | Repeat] = []


Body = list[Instruction | Repeat]

_HEAD = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)(?:\[([^\]\r\n]*)\])?(?:\(([^)\r\n]*)\))?([^\r\n]*)")
_TARGET = re.compile(r"(!?)(?:(rec)\[-(\d{1,9})\]|(sweep)\[(\d{1,9})\]|([XYZxyz]?)(\d{1,9}))\Z")
_ESCAPED = {r"\C": "]", r"\r": "\r", r"\n": "\n", r"\B": "\\"}
_ESCAPE = re.compile(r"\\[CrnB]")


def parse(text: str) -> Body:
    """Raises ``Refused`` at the first line that is none."""
    root: Body = []
    stack: list[tuple[Body, Repeat | None]] = [(root, None)]
    for line, row in enumerate(text.split("\n"), start=1):
        bare = row.strip()
        if not bare or bare.startswith("#"):
            continue
        body = stack[-1][0]
        if bare.partition("#")[0].strip() == "}":
            _, opened = stack.pop()
            if opened is None:
                raise Refused("STIM-01", "'}' closes no REPEAT", line=line)
            if not opened.body:
                raise Refused("STIM-01", "REPEAT: an empty block", line=opened.line)
            continue
        item = _line(row, line)
        body.append(item)
        if isinstance(item, Repeat):
            if len(stack) > LIMITS.macro_depth:
                raise Refused("STIM-08", f"REPEAT nests deeper than {LIMITS.macro_depth}", line=line)
            stack.append((item.body, item))
    if len(stack) > 1:
        opened = stack[-1][1]
        raise Refused("STIM-01", "REPEAT is not closed", "close it with '}'", line=opened.line if opened else 1)
    if not root:
        raise Refused("STIM-01", "there is not an instruction", line=1)
    return root


def _line(row: str, line: int) -> Instruction | Repeat:
    match = _HEAD.match(row)
    if match is None:
        raise Refused("STIM-01", f"{row.strip()[:40]!r} is not an instruction", line=line)
    name, tag, args, rest = match.groups()
    name = ALIASES.get(name.upper(), name.upper())
    if name not in NAMES:
        raise Refused("STIM-02", f"{name[:40]!r} is not an instruction of Stim", line=line)
    rest = rest.partition("#")[0].strip()
    if rest and match.end(0) and row[match.start(4) : match.start(4) + 1] not in (" ", "\t", "{", "#"):
        raise Refused("STIM-01", f"{row.strip()[:40]!r} is not an instruction", line=line)
    if name == "REPEAT":
        return _repeat(rest, args, line)
    targets = tuple(_product(word, line) for word in rest.split())
    return Instruction(name, _unescape(tag or ""), _numbers(args, line), targets, line)


def _repeat(rest: str, args: str | None, line: int) -> Repeat:
    count = rest.removesuffix("{").strip()
    if not rest.endswith("{") or args is not None or not count.isascii() or not count.isdigit() or len(count) > 18:
        raise Refused("STIM-01", "a block is written REPEAT n { with nothing after it on the line", line=line)
    if int(count) == 0:
        raise Refused("STIM-01", "REPEAT: 0 repetitions", line=line)
    return Repeat(int(count), line)


def _unescape(tag: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED[found[0]], tag)


def _numbers(args: str | None, line: int) -> tuple[float, ...]:
    if args is None or not args.strip():
        return ()
    found: list[float] = []
    for part in args.split(","):
        try:
            value = float(part)
        except ValueError:
            raise Refused("STIM-03", f"{part.strip()[:40]!r} is not a number", line=line) from None
        if not abs(value) < 1e300:
            raise Refused("STIM-03", f"{part.strip()[:40]!r} is not finite", line=line)
        found.append(value)
    return tuple(found)


def _product(word: str, line: int) -> Product:
    made: list[Target] = []
    for part in word.split("*"):
        match = _TARGET.match(part)
        if match is None:
            raise Refused("STIM-04", f"{part[:40]!r} is not a target", line=line)
        inverted, rec, ago, sweep, bit, pauli, qubit = match.groups()
        if rec or sweep:
            if inverted:
                raise Refused("STIM-04", f"{part[:40]!r}: only qubits are inverted", line=line)
            made.append(Target("rec", int(ago)) if rec else Target("sweep", int(bit)))
        else:
            made.append(Target(pauli.upper(), int(qubit), bool(inverted)))
    return tuple(made)
