"""Gate calls, gate definitions, and subroutine calls, which are inlined."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

from qmk.base.limits import LIMITS
from qmk.frontends.openqasm.builder import too_many
from qmk.frontends.openqasm.library import QELIB1, STDGATES, Gate
from qmk.frontends.openqasm.places import Places
from qmk.frontends.openqasm.scope import GateBody, Quiet, Subroutine, Symbol, UserGate, Variable
from qmk.frontends.openqasm.sources import Refusal, nearest
from qmk.frontends.openqasm.tree import GateCall, GateDef, Modifier, Opaque
from qmk.frontends.openqasm.unitary import (
    ROOT_OPERATIONS,
    ROOT_QUBITS,
    NoPower,
    Unitary,
    control,
    inverse,
    move_operands,
    power,
)  # fmt: skip
from qmk.frontends.openqasm.values import FLOAT, Type, Value

OTHER_NAMES = {
    "cnot": "cx",
    "not": "x",
    "toffoli": "ccx",
    "hadamard": "h",
    "fredkin": "cswap",
    "measure_all": "measure",
}
"""What gates are called in other libraries."""

_CACHE = 4096
"""Expansions of user gates kept, by gate and parameters."""


class Calls(Places):
    """Applying gates and calling subroutines."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.checking = False

    # -- gate calls --------------------------------------------------------------------------------------------------

    def gate_call(self, call: GateCall) -> None:
        """Apply a gate with its modifiers, once for every qubit of registers given as operands."""
        if call.duration is not None:
            self.warn("timing", call.pos, "the gate's duration is not followed: an ideal device has no clock")
        phase_only = call.name == "gphase" and self.dialect == 3
        if call.name not in self.gates and not phase_only:
            raise self._unknown_gate(call.name, call.pos)
        args = [self.parameter(arg) for arg in call.args]
        self.call_gate(call, args, [self.qubits(node) for node in call.operands])

    def call_gate(self, call: GateCall, args: list[float | Value], operands: list[Value]) -> None:
        """Apply a gate with parameters that are known; ``Turning`` takes care of the others."""
        values = cast("tuple[float, ...]", tuple(args))
        phase_only = call.name == "gphase" and self.dialect == 3
        if phase_only:
            unitary, qubits = self._global_phase(values, call.pos), 0
        else:
            unitary, qubits = self.gate(call.name, values, call.pos)
        # ctrl commutes with inv and pow: taking the controls last keeps powers to the gate itself
        for controls in (False, True):
            for modifier in reversed(call.modifiers):
                if (modifier.kind in ("ctrl", "negctrl")) is controls:
                    unitary, qubits = self._modify(unitary, qubits, modifier)
        if len(operands) != qubits:
            raise self._wrong_count(call, qubits, len(operands))
        for handles in self.broadcast(operands, call.pos):
            self.apply(unitary, handles, phase_only)

    def _wrong_count(self, call: GateCall, wanted: int, given: int) -> Refusal:
        controls = " with its modifiers" if call.modifiers else ""
        return Refusal(
            "qubit-count", call.pos, f"{call.name}{controls} acts on {wanted} qubit(s), {given} given",
            f"write: {call.name} " + ", ".join(f"q[{k}]" for k in range(wanted)) + ";" if 0 < wanted < 8 else "",
        )  # fmt: skip

    def _global_phase(self, values: tuple[float, ...], pos: int) -> Unitary:
        if len(values) != 1:
            raise Refusal("parameter-count", pos, f"gphase takes 1 parameter, not {len(values)}")
        return Unitary((), values[0])

    def gate(self, name: str, values: tuple[float, ...], pos: int) -> tuple[Unitary, int]:
        """The operations of gate ``name`` with parameters ``values``, and its number of qubits."""
        found = self.gates[name]
        if isinstance(found, Gate):
            params, qubits = found.params, found.qubits
        else:
            params, qubits = len(found.definition.params), len(found.definition.qubits)
        if len(values) != params:
            raise Refusal("parameter-count", pos, f"{name} takes {params} parameter(s), {len(values)} given")
        if isinstance(found, Gate):
            return found.make(*values), qubits
        if self.checking:
            return Unitary(()), qubits
        return self._expansion(found, values, pos), qubits

    def _unknown_gate(self, name: str, pos: int) -> Refusal:
        if name in self.poisoned:
            return Quiet()
        symbol = self.globals.get(name)
        if isinstance(symbol, Subroutine):
            return Refusal("unknown-gate", pos, f"'{name}' is a subroutine, not a gate", f"write: {name}(...);")
        library = "qelib1.inc" if self.dialect == 2 else "stdgates.inc"
        if name in (QELIB1 if self.dialect == 2 else STDGATES):
            return Refusal("unknown-gate", pos, f"no gate '{name}' is defined", f'add: include "{library}";')
        near = OTHER_NAMES.get(name.lower()) or nearest(name, set(self.gates))
        help = f"did you mean '{near}'?" if near else f"define it: gate {name} q {{ ... }}"
        return Refusal("unknown-gate", pos, f"no gate '{name}' is defined", help)

    def _expansion(self, gate: UserGate, values: tuple[float, ...], pos: int) -> Unitary:
        definition = gate.definition
        if isinstance(definition, Opaque):
            raise Refusal(
                "opaque", pos, f"'{definition.name}' is opaque: it has no definition that could be run",
                "replace the opaque declaration by a gate definition",
            )  # fmt: skip
        key = (definition.name, values)
        found = self.expansions.get(key)
        if found is None:
            found = self.expand(definition, values, pos)
            if len(self.expansions) >= _CACHE:
                self.expansions.clear()
            self.expansions[key] = found
        return found

    def expand(self, definition: GateDef, values: tuple[float, ...], pos: int) -> Unitary:
        """Run a gate's body with its qubits numbered 0, 1, ...; collect its operations."""
        scope: dict[str, Symbol] = {}
        for name, value in zip(definition.params, values, strict=True):
            scope[name] = Variable(name, FLOAT, value, definition.pos, constant=True)
        for number, name in enumerate(definition.qubits):
            scope[name] = Variable(name, Type("qubit"), (number,), definition.pos, constant=True)
        outer = self.gate_body
        body = self.gate_body = GateBody()
        try:
            self.in_frame(scope, pos, lambda: [self.execute(statement) for statement in definition.body])
        finally:
            self.gate_body = outer
        return Unitary(tuple(body.prims), body.phase)

    def in_frame(self, scope: dict[str, Symbol], pos: int, run: Callable[[], object]) -> None:
        """Run with only ``scope`` and the global constants visible."""
        start = self.frame_start
        depth = len(self.scopes)
        self.deeper(pos)
        self.scopes.append(scope)
        self.frame_start = depth
        try:
            run()
        finally:
            del self.scopes[depth:]
            self.frame_start = start
            self.nesting -= 1

    def _modify(self, unitary: Unitary, qubits: int, modifier: Modifier) -> tuple[Unitary, int]:
        if modifier.kind == "inv":
            if modifier.argument is not None:
                raise Refusal("modifier", modifier.pos, "inv takes no argument", "write: inv @ gate ...")
            return inverse(unitary), qubits
        if modifier.kind == "pow":
            return self._raise_to_power(unitary, modifier), qubits
        count = 1 if modifier.argument is None else self.integer(modifier.argument)
        if count < 1:
            raise Refusal("modifier", modifier.pos, f"{modifier.kind}({count}): at least one control is needed")
        if count + qubits > LIMITS.qubits:
            raise Refusal("limit", modifier.pos, f"{count} controls exceed the limit of {LIMITS.qubits} qubits")
        return control(unitary, ("1" if modifier.kind == "ctrl" else "0") * count), qubits + count

    def _raise_to_power(self, unitary: Unitary, modifier: Modifier) -> Unitary:
        if modifier.argument is None:
            raise Refusal("modifier", modifier.pos, "pow needs an exponent", "write: pow(2) @ gate ...")
        exponent = self.real(modifier.argument)
        if not math.isfinite(exponent) or abs(exponent) > 2**53:
            raise Refusal("value", modifier.pos, f"the exponent {exponent} is too large")
        try:
            return power(unitary, exponent, LIMITS.expansion_nodes)
        except OverflowError:
            raise too_many(modifier.pos) from None
        except NoPower:
            raise Refusal(
                "power", modifier.pos,
                f"pow({exponent:g}) of a gate of several operations is computed for at most {ROOT_QUBITS} qubits and "
                f"{ROOT_OPERATIONS} operations",
                "take the power of each operation inside the gate, or use a whole exponent",
            ) from None  # fmt: skip

    def broadcast(self, operands: list[Value], pos: int) -> list[tuple[Any, ...]]:
        """The qubits of each application: registers go in step, single qubits stay."""
        if len(operands) == 1 and operands[0].type.size is None:
            return [operands[0].data]
        sizes = {value.type.size for value in operands if value.type.size is not None}
        if len(sizes) > 1:
            shown = " and ".join(str(size) for size in sorted(sizes))
            raise Refusal("size", pos, f"registers of {shown} qubits cannot be used together", "use slices of one size")
        if not sizes:
            rows = [tuple(value.data[0] for value in operands)]
        else:
            (size,) = sizes
            rows = [
                tuple(value.data[0] if value.type.size is None else value.data[k] for value in operands)
                for k in range(size)
            ]
        for row in rows:
            if len(set(row)) < len(row):
                twice = next(handle for handle in row if row.count(handle) > 1)
                shown = f"qubit '{twice}'" if isinstance(twice, str) else "a qubit"
                raise Refusal("same-qubit", pos, f"{shown} is used twice in one operation")
        return rows

    def apply(self, unitary: Unitary, handles: tuple[Any, ...], keep_phase: bool = False) -> None:
        """Write a gate's operations to the graph, or to the gate definition being expanded."""
        if self.gate_body is not None:
            if len(self.gate_body.prims) + len(unitary.prims) > LIMITS.expansion_nodes:
                raise too_many(self.builder.pos)
            moved = move_operands(unitary, handles)
            self.gate_body.prims.extend(moved.prims)
            self.gate_body.phase += moved.phase
            return
        if keep_phase and unitary.phase:
            self.builder.add("core.gphase", (), {"gamma": unitary.phase})
        for item in unitary.prims:
            self.builder.add_primitive(item, handles)
