"""Gates whose angles depend on measurements: written as gates with known angles under the bits that decide them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.angles import Turns, terms_of, total, unwrap
from qmk.frontends.openqasm.flow import Flow
from qmk.frontends.openqasm.library import Gate
from qmk.frontends.openqasm.logic import Bit
from qmk.frontends.openqasm.sources import Refusal
from qmk.frontends.openqasm.tree import GateCall
from qmk.frontends.openqasm.values import TURN, Value, angle_data, turns

MAX_CASES = 8
"""Bits that may decide the angles of a gate which is not a rotation: one call for each of their values"""


class Turning(Flow):
    """Gate calls with measured angles."""

    def call_gate(self, call: GateCall, args: list[float | Value], operands: list[Value]) -> None:
        measured = [arg for arg in args if isinstance(arg, Value)]
        if not measured:
            super().call_gate(call, args, operands)
        elif len(args) == 1 and self._adds(call):
            self._each_turn(call, measured[0], operands)
        else:
            bits = dict.fromkeys(bit for arg in measured for _, bit in terms_of(arg.data).terms)
            if len(bits) > MAX_CASES:
                raise Refusal(
                    "measured", call.pos,
                    f"the angles of {call.name} depend on {len(bits)} measured bits, more than {MAX_CASES}",
                    "write it with rx, ry, rz, p or their controlled forms, which take any number of bits",
                )  # fmt: skip
            self._each_case(call, args, operands, list(bits), {})

    def _adds(self, call: GateCall) -> bool:
        """Whether turning by a, then by b, is turning by a + b."""
        gate = self.gates.get(call.name)
        if call.name != "gphase" and not (isinstance(gate, Gate) and gate.direct and gate.params == 1):
            return False
        powers = [m.argument for m in call.modifiers if m.kind == "pow" and m.argument is not None]
        return all(self.real(power).is_integer() for power in powers)

    def _each_turn(self, call: GateCall, angle: Value, operands: list[Value]) -> None:
        size = angle.type.size
        gate = self.gates.get(call.name)
        controlled = any(modifier.kind in ("ctrl", "negctrl") for modifier in call.modifiers)
        if controlled or (isinstance(gate, Gate) and gate.direct in ("crx", "cry", "crz")):
            found = terms_of(unwrap(angle.data, size, self.logic))  # a turn of 2 pi changes the sign: it must not wrap
        else:
            found = terms_of(angle.data)
            if size is not None:
                found = Turns(_short(found.constant), tuple((_short(weight), bit) for weight, bit in found.terms))
        if found.constant:
            super().call_gate(call, [found.constant * TURN], operands)
        for weight, bit in found.terms:
            condition = lg.restrict(bit, self.builder.facts)
            self.branch(condition, lambda w=weight: self.call_gate(call, [w * TURN], operands), None, call.pos)

    def _each_case(
        self,
        call: GateCall,
        args: list[float | Value],
        operands: list[Value],
        bits: list[Bit],
        held: Mapping[Bit, bool],
    ) -> None:
        if not bits:
            self.call_gate(call, [_resolve(arg, held) for arg in args], operands)
            return
        first, rest = bits[0], bits[1:]
        condition = lg.restrict(first, self.builder.facts)
        sides = (lambda value=value: self._each_case(call, args, operands, rest, {**held, first: value})
                 for value in (True, False))  # fmt: skip
        self.branch(condition, next(sides), next(sides), call.pos)


def _short(weight: float) -> float:
    """The same turn modulo a whole one, the short way round."""
    return math.remainder(weight, 1.0)


def _resolve(arg: float | Value, held: Mapping[Bit, bool]) -> float:
    """The angle in radians where the bits hold ``held``."""
    if not isinstance(arg, Value):
        return arg
    found = terms_of(turns(arg))
    number = angle_data(total(found.constant, ((w, lg.constant(held[bit])) for w, bit in found.terms), arg.type.size))
    assert not isinstance(number, Turns)
    return number
