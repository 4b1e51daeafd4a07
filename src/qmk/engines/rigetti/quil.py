"""Native Quil of a quantum processor: RZ by any angle, RX(pi/2), and CZ or ISWAP on the pairs that have it.

With W = ISWAP RX(pi/2)_a ISWAP, which is exp(-i pi/4 Z_a Y_b) Z_a Z_b, a CZ is RZ(-pi/2)_a RZ(-pi/2)_b RX(pi/2)_b W Z_a
Z_b RX(-pi/2)_b. Bit k of the program is ``ro[k]``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from qmk.cloud import native
from qmk.ir.program import Program, Unsupported

RIGHT = math.pi / 2


class Site(msgspec.Struct):
    node_ids: tuple[int, ...]


class Operation(msgspec.Struct):
    name: str
    sites: list[Site] = []


class Isa(msgspec.Struct):
    """What is read of an instruction set architecture."""

    instructions: list[Operation]

    def sites(self, *names: str) -> set[tuple[int, ...]]:
        """Where one of these operations is offered."""
        return {site.node_ids for each in self.instructions if each.name in names for site in each.sites}


def quil_of(program: Program, isa: Isa, bits: int) -> str:
    """Raises ``Unsupported`` for what has no place or no form."""
    whole = isa.sites("RX") & isa.sites("RZ") & (isa.sites("MEASURE") or isa.sites("RX"))
    writer = _Writer(isa.sites("CZ"))
    pairs = [(pair[0], pair[1]) for pair in isa.sites("CZ", "ISWAP") if len(pair) == 2]
    native.write(program, pairs, sorted(site[0] for site in whole if len(site) == 1), writer)
    return "\n".join([f"DECLARE ro BIT[{max(bits, 1)}]", *writer.lines, ""])


class _Writer:
    def __init__(self, cz: Iterable[tuple[int, ...]]) -> None:
        self.direct = {frozenset(pair) for pair in cz}
        self.lines: list[str] = []

    def turn(self, site: int, b: float, c: float, d: float) -> None:
        """RZ(b) RY(c) RZ(d) is RZ(b) RX(pi/2) RZ(pi - c) RX(pi/2) RZ(d - pi)."""
        if abs(math.remainder(c, 4 * math.pi)) <= native.TINY:
            self._rz(b + d, site)
            return
        self._rz(d - math.pi, site)
        self._rx(RIGHT, site)
        self._rz(math.pi - c, site)
        self._rx(RIGHT, site)
        self._rz(b, site)

    def cz(self, a: int, b: int) -> None:
        if frozenset((a, b)) in self.direct:
            self.lines.append(f"CZ {a} {b}")
            return
        self._rx(-RIGHT, b)
        self._rz(math.pi, a)
        self._rz(math.pi, b)
        self.lines.append(f"ISWAP {a} {b}")
        self._rx(RIGHT, a)
        self.lines.append(f"ISWAP {a} {b}")
        self._rx(RIGHT, b)
        self._rz(-RIGHT, a)
        self._rz(-RIGHT, b)

    def measure(self, site: int, cbit: int) -> None:
        self.lines.append(f"MEASURE {site} ro[{cbit}]")

    def reset(self, site: int) -> None:
        raise Unsupported("a reset: engine rigetti has none")

    def _rz(self, angle: float, site: int) -> None:
        angle = math.remainder(angle, 2 * math.pi)
        if abs(angle) > native.TINY:
            self.lines.append(f"RZ({angle!r}) {site}")

    def _rx(self, angle: float, site: int) -> None:
        self.lines.append(f"RX({'-' if angle < 0 else ''}pi/2) {site}")
