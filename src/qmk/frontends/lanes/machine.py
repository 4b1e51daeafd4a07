"""The stack machine: instructions run once, atoms are followed from site to site, gates become nodes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from qmk.frontends.lanes.arch import Arch
from qmk.frontends.lanes.code import Instruction, Location, lane, location
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.builder import Builder
from qmk.frontends.openqasm.logic import Bit
from qmk.sdk.frontend import Refused, refuse


class Value(NamedTuple):
    """What lies on the stack. ``kind``: number, loc, lane, zone, future, array, bit, detector or observable; the bit
    of a vacant site is None."""

    kind: str
    value: Any


class Machine:
    """``turn``: radians in one unit of an angle. ``sites``: where the atom of each bit of the result was measured."""

    def __init__(self, arch: Arch, turn: float) -> None:
        self.arch, self.turn = arch, turn
        self.builder = Builder()
        self.stack: list[Value] = []
        self.atoms: dict[Location, str] = {}
        self.filled_sites = self.ended = False
        self.measurements = 0
        self.measured: list[Bit] = []
        self.sites: list[Location] = []
        self.detectors: list[Bit] = []
        self.observables: list[Bit] = []
        self.returned: Value | None = None

    def run(self, program: list[Instruction]) -> None:
        for item in program:
            if self.ended:
                refuse("LANES-03", f"{item.op} follows the end of the program", item.line)
            if item.op in _GATES and not self.filled_sites and item.op != "initial_fill":
                refuse("LANES-03", f"{item.op} comes before initial_fill", item.line)
            try:
                _DO[item.op](self, item)
            except Refused as refused:
                refused.line = refused.line or item.line
                raise

    # -- stack -------------------------------------------------------------------------------------------------------

    def pop(self, kind: str = "") -> Any:
        if not self.stack:
            refuse("LANES-03", "the stack is empty")
        found = self.stack.pop()
        if kind and found.kind != kind:
            refuse("LANES-03", f"there is a {found.kind} on the stack, not a {kind}")
        return found.value if kind else found

    def pops(self, item: Instruction, kind: str) -> list[Any]:
        """As many values as the instruction says, the deepest first."""
        count = int(item.numbers[0])
        if count > len(self.stack):
            refuse("LANES-03", f"{item.op} takes {count} values, but the stack has {len(self.stack)}")
        return [self.pop(kind) for _ in range(count)][::-1]

    def push(self, kind: str, value: Any) -> None:
        self.stack.append(Value(kind, value))

    def constant(self, item: Instruction) -> None:
        kind = {"const_loc": "loc", "const_lane": "lane", "const_zone": "zone"}.get(item.op, "number")
        self.push(kind, item.numbers[0])

    def shuffle(self, item: Instruction) -> None:
        top = self.pop()
        if item.op == "dup":
            self.stack += [top, top]
        elif item.op == "swap":
            under = self.pop()
            self.stack += [top, under]

    # -- atoms -------------------------------------------------------------------------------------------------------

    def fill(self, item: Instruction) -> None:
        if item.op == "initial_fill" and self.filled_sites:
            refuse("LANES-03", "initial_fill comes twice")
        if item.op == "fill" and not self.arch.spec.atom_reloading:
            refuse("LANES-08", "the architecture has no atom_reloading")
        self.filled_sites = True
        made: list[Location] = []
        for bits in self.pops(item, "loc"):
            at = location(bits)
            self.arch.check(at)
            if at in self.atoms:
                refuse("LANES-06", f"there is an atom at {_show(at)} already")
            self.atoms[at] = self.builder.allocate(f"a{len(self.builder.vqs)}", None)[0]
            made.append(at)
        if made:
            points = [list(self.arch.point(at)) for at in made]
            self.builder.add("atoms.place", tuple(self.atoms[at] for at in made), {"positions": points})

    def move(self, item: Instruction) -> None:
        """All lanes at once, each from where atoms were before. A lane whose site is vacant carries nothing."""
        bits = self.pops(item, "lane")
        ends = [self.arch.ends(lane(one)) for one in bits]
        starts, aims = [start for start, _ in ends], [end for _, end in ends]
        if len(set(starts)) < len(starts) or len(set(aims)) < len(aims):
            refuse("LANES-07", "two lanes of one move begin or end at one site")
        for end in aims:
            if end in self.atoms and end not in starts:
                refuse("LANES-07", f"the atom at {_show(end)} stays, and another is carried there")
        carried = {end: self.atoms.pop(start) for start, end in ends if start in self.atoms}
        self.atoms.update(carried)
        if carried:
            to = [list(self.arch.point(end)) for end in carried]
            duration = max(self.arch.duration(one) for one in bits)
            self.builder.add("atoms.move", tuple(carried.values()), {"to": to, "duration": duration})

    # -- gates -------------------------------------------------------------------------------------------------------

    def angle(self) -> float:
        found = self.pop("number") * self.turn
        if not abs(found) < 1e9:
            refuse("LANES-02", f"an angle of {found:g} rad")
        return found

    def qubits(self, item: Instruction) -> list[str]:
        """Those at the locations of a local gate, or all."""
        if item.op.startswith("global"):
            return list(self.atoms.values())
        found: list[str] = []
        for bits in self.pops(item, "loc"):
            at = location(bits)
            self.arch.check(at)
            if at not in self.atoms:
                refuse("LANES-06", f"there is no atom at {_show(at)}")
            if self.atoms[at] in found:
                refuse("LANES-06", f"{_show(at)} is named twice")
            found.append(self.atoms[at])
        return found

    def turn_about_axis(self, item: Instruction) -> None:
        """R: a turn by an angle about cos(axis) X + sin(axis) Y. The axis is on top of the stack."""
        axis, theta = self.angle(), self.angle()
        args = {"theta": theta, "phi": axis - math.pi / 2, "lam": math.pi / 2 - axis}
        op, args = ("core.rx", {"theta": theta}) if axis == 0 else ("core.u", args)
        for qubit in self.qubits(item):
            self.builder.add(op, (qubit,), dict(args))

    def turn_about_z(self, item: Instruction) -> None:
        theta = self.angle()
        for qubit in self.qubits(item):
            self.builder.add("core.rz", (qubit,), {"theta": theta})

    def zone(self, bits: int) -> int:
        if bits >= len(self.arch.spec.zones):
            refuse("LANES-05", f"there is no zone {bits}")
        return bits

    def entangle(self, item: Instruction) -> None:
        """CZ on every entangling pair of sites of the zone that has both its atoms."""
        radius = self.arch.spec.blockade_radius
        for a, b in self.arch.pairs(self.zone(self.pop("zone"))):
            if a in self.atoms and b in self.atoms:
                apart = math.dist(self.arch.point(a), self.arch.point(b))
                if radius is not None and apart > radius * (1 + 1e-9):
                    refuse("LANES-08", f"{_show(a)} and {_show(b)} are {apart:g} um apart, beyond {radius:g} um")
                self.builder.add("core.cz", (self.atoms[a], self.atoms[b]))

    # -- measurements ------------------------------------------------------------------------------------------------

    def measure(self, item: Instruction) -> None:
        """Each zone's sites, word by word; the first zone's future is on top."""
        self.measurements += 1
        if self.measurements > 1 and not self.arch.spec.feed_forward:
            refuse("LANES-08", "the architecture has no feed_forward: it measures once")
        zones = [self.zone(bits) for bits in self.pops(item, "zone")]
        if len(set(zones)) < len(zones):
            refuse("LANES-03", "a zone is measured twice at once")
        futures: list[list[Value]] = []
        for zone in zones:
            row: list[Value] = []
            for at in self.arch.locations(zone):
                bit = None
                if at in self.atoms:
                    bit = self.builder.measure(self.atoms[at], f"m{len(self.measured)}")
                    self.measured.append(bit)
                    self.sites.append(at)
                row.append(Value("bit", bit))
            futures.append(row)
        for row in reversed(futures):
            self.push("future", row)

    def wait(self, item: Instruction) -> None:
        self.push("array", self.pop("future"))

    def array(self, item: Instruction) -> None:
        _tag, rows, columns = (int(number) for number in item.numbers)
        count = rows * max(columns, 1)
        if rows == 0 or count > len(self.stack):
            refuse("LANES-03", f"new_array takes {count} values, but the stack has {len(self.stack)}")
        values = [self.pop() for _ in range(count)][::-1]
        if columns:
            values = [Value("array", values[at : at + columns]) for at in range(0, count, columns)]
        self.push("array", values)

    def item(self, item: Instruction) -> None:
        indexes = self.pops(item, "number")
        found = Value("array", self.pop("array"))
        for index in indexes:
            if found.kind != "array" or not isinstance(index, int) or not 0 <= index < len(found.value):
                refuse("LANES-03", f"index {index} is outside the array")
            found = found.value[index]
        self.stack.append(found)

    def parity(self, item: Instruction) -> None:
        bit: Bit = lg.FALSE
        for one in bits_of(Value("array", self.pop("array")), vacant=False):
            bit = self.builder.logic.differ(bit, one)
        kind = item.op.removeprefix("set_")
        (self.detectors if kind == "detector" else self.observables).append(bit)
        self.push(kind, bit)

    def end(self, item: Instruction) -> None:
        self.ended = True
        if item.op == "return":
            self.returned = self.pop()


def bits_of(value: Value, vacant: bool) -> list[Bit]:
    """The bits in a value, in order. Vacant sites are left out, or refused."""
    if value.kind == "array":
        return [bit for part in value.value for bit in bits_of(part, vacant)]
    if value.kind in ("detector", "observable"):
        return [value.value]
    if value.kind != "bit":
        refuse("LANES-03", f"a {value.kind} is not a measurement")
    if value.value is None and not vacant:
        refuse("LANES-06", "the parity of a site without an atom")
    return [] if value.value is None else [value.value]


def _show(at: Location) -> str:
    return f"zone {at.zone}, word {at.word}, site {at.site}"


_GATES = {"move", "fill", "local_r", "local_rz", "global_r", "global_rz", "cz", "measure"}
_DO: dict[str, Callable[[Machine, Instruction], None]] = {
    **dict.fromkeys(("const.f64", "const.i64", "const_loc", "const_lane", "const_zone"), Machine.constant),
    **dict.fromkeys(("pop", "dup", "swap"), Machine.shuffle),
    **dict.fromkeys(("initial_fill", "fill"), Machine.fill),
    "move": Machine.move,
    **dict.fromkeys(("local_r", "global_r"), Machine.turn_about_axis),
    **dict.fromkeys(("local_rz", "global_rz"), Machine.turn_about_z),
    "cz": Machine.entangle,
    "measure": Machine.measure,
    "await_measure": Machine.wait,
    "new_array": Machine.array,
    "get_item": Machine.item,
    **dict.fromkeys(("set_detector", "set_observable"), Machine.parity),
    **dict.fromkeys(("return", "halt"), Machine.end),
}
