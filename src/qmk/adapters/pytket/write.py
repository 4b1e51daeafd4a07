"""``qmk.Circuit`` to ``pytket.Circuit``.

Branches become conditions of each of their ops; a condition that is not a conjunction of bits, or that its branch
changes, is kept in a bit of register ``qmk_condition``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from pytket import circuit as lib
from pytket.circuit import logic_exp

from qmk.adapters.pytket.symbols import half_turns
from qmk.circuit import whole
from qmk.circuit.building import PARAMS
from qmk.circuit.items import Assign, Else, End, If, Item, ModifiedGate, Step
from qmk.circuit.operands import Condition
from qmk.frontends.openqasm.unitary import Prim, ops_of
from qmk.frontends.pytket_json.gates import CONTROLLED, PLAIN
from qmk.ir.parameters import Angle, Expression
from qmk.qvm import powers
from qmk.qvm.families import OPS
from qmk.sdk.adapter import cannot, require_other_names

if TYPE_CHECKING:
    from qmk.circuit.circuit import Circuit

# This is a method of Circuit for another framework.
# pyright: reportPrivateUsage=false

tk: Any = lib
_TYPES: dict[str, Any] = dict(tk.OpType.__members__)
_PLAIN = {ours: _TYPES[name] for name, ours in PLAIN.items()}
_MANY_CONTROLS = {ours: _TYPES[name] for name, ours in CONTROLLED.items() if name.startswith("Cn")}
SCRATCH = "qmk_condition"


def write(circuit: Circuit) -> Any:
    """The circuit as pytket has it. Raises UNSUPPORTED for noise, and whatever else pytket has not."""
    circuit._require_finished()
    require_other_names("pytket", circuit.parameters)
    return _Writer(circuit).made


class _Writer:
    def __init__(self, circuit: Circuit) -> None:
        self.made = tk.Circuit()
        self.qubits = _add(circuit._qubit_registers, tk.Qubit, self.made.add_qubit)
        registers = [(register.name, None if register.single else len(register.bits)) for register in _by_bit(circuit)]
        self.bits = _add(registers, tk.Bit, self.made.add_bit)
        self.items = circuit._items
        self.scratch = 0
        self.conditions: list[dict[int, int] | None] = []
        """What each open branch needs bits to hold; None: it is never taken."""
        qubits, add = self.qubits, self.made.add_gate
        for at, item in enumerate(self.items):
            if type(item) is tuple and len(item) == 3 and item[2] and item[0] in _PLAIN and not self.conditions:
                angles = ([half_turns(each) for each in item[1]],) if item[1] else ()
                add(_PLAIN[item[0]], *angles, [qubits[k] for k in item[2]])
            else:
                self._item(item, at)

    def _item(self, item: Item, at: int) -> None:
        match item:
            case If():
                self.conditions.append(self._needs(item.condition, at))
            case Else():
                (negated,) = cast("dict[int, int]", self.conditions[-1]).items()
                self.conditions[-1] = {negated[0]: 1 - negated[1]}
            case End():
                self.conditions.pop()
            case Assign():
                self._assign(self.bits[item.bit], item.value, self._keywords())
            case Step():
                self._step(item, at)
            case _:
                name, angles, qubits, controls, power = cast("ModifiedGate", (*item, "", 1.0)[:5])
                self._gate(name, angles, [self.qubits[k] for k in qubits], controls, power, at)

    # -- gates -------------------------------------------------------------------------------------------------------

    def _gate(
        self, name: str, angles: tuple[Angle, ...], qubits: list[Any], controls: str, power: float, at: int
    ) -> None:
        if name == "ccz":
            name, controls = "z", f"{controls}11"
        if name == "gphase" and controls:
            prim = Prim(name, tuple(range(len(qubits))), cast("Any", {"gamma": angles[0]}), controls, power)
            for short, args, own in ops_of(prim):
                base, values = args.get("gate", short), args.get("state") or "1" * args.get("controls", 0)
                given = args.get("params", args)
                inner = tuple(given[p] for p in PARAMS[base])
                self._gate(base, inner, [qubits[k] for k in own], values, args.get("power", 1.0), at)
            return
        if name == "gphase" and not self.conditions:
            self.made.add_phase(half_turns(angles[0]) * power)
        elif not controls and power == 1.0 and name in _PLAIN:
            self._add(_PLAIN[name], [half_turns(each) for each in angles], qubits)
        elif "0" not in controls and controls and power == 1.0 and name in _MANY_CONTROLS:
            self._add(_MANY_CONTROLS[name], [half_turns(each) for each in angles], qubits)
        else:
            op = _op(name, angles, power, at)
            if controls:
                op = tk.QControlBox(op, len(controls), [value == "1" for value in controls])
            self._add(op, None, qubits)

    def _add(self, op: Any, angles: list[Any] | None, units: list[Any]) -> None:
        given = self._keywords()
        if given is None:
            return
        self.made.add_gate(op, *([angles] if angles else []), units, **given)

    def _step(self, step: Step, at: int) -> None:
        qubits = [self.qubits[k] for k in step.qubits]
        match step.op:
            case "core.mz":
                self._add(_TYPES["Measure"], None, [*qubits, self.bits[step.writes[0]]])
            case "core.reset":
                self._add(_TYPES["Reset"], None, qubits)
            case "core.barrier":
                self._barrier(qubits)
            case "core.paulirot":
                paulis = [getattr(tk.Pauli, letter) for letter in step.args["paulis"]]
                self._add(tk.PauliExpBox(paulis, half_turns(step.args["theta"])), None, qubits)
            case _:
                items = whole.lower_step(step) if step.op.startswith("core.") else None
                if items is None:
                    fix = "leave it out, or run the circuit with QMK"
                    raise cannot("pytket", f"{step.op} ({OPS[step.op].doc})", f"op {at}", fix)
                for each in items:
                    self._item(each, at)

    def _barrier(self, qubits: list[Any]) -> None:
        given = self._keywords()
        if given and qubits:
            bits, value = given["condition_bits"], given["condition_value"]
            self.made.add_conditional_barrier(qubits, bits, value)
        elif given is not None:
            self.made.add_barrier(qubits or list(self.made.qubits))

    # -- classical bits ----------------------------------------------------------------------------------------------

    def _keywords(self) -> dict[str, Any] | None:
        """The conditions of all open branches as pytket's keywords; None where they never hold."""
        needs: dict[int, int] = {}
        for each in self.conditions:
            if each is None or any(needs.get(bit, value) != value for bit, value in each.items()):
                return None
            needs.update(each)
        if not needs:
            return {}
        bits = [self.bits[bit] for bit in needs]
        return {"condition_bits": bits, "condition_value": sum(v << k for k, v in enumerate(needs.values()))}

    def _needs(self, condition: Condition, at: int) -> dict[int, int] | None:
        """The bits that a branch needs, and what they must hold."""
        writes, has_else = _branch(self.items, at)
        found = _literals(condition)
        if found is not None and not writes.intersection(found) and not (has_else and len(found) != 1):
            return found
        bit = tk.Bit(SCRATCH, self.scratch)
        self.scratch += 1
        self.made.add_bit(bit)
        self.bits.append(bit)
        self._assign(bit, condition, {})
        return {len(self.bits) - 1: 1}

    def _assign(self, bit: Any, value: Condition, given: dict[str, Any] | None) -> None:
        if given is None:
            return
        reads = value.bits()
        if value.op == "bit":
            if self.bits[reads[0]] != bit:
                self.made.add_c_copybits([self.bits[reads[0]]], [bit], **given)
        elif not reads:
            self.made.add_c_setbits([bool(_constant(value))], [bit], **given)
        elif value.op == "table" and bit not in [self.bits[k] for k in reads] and _is_flat(value):
            table = [bool(value.args[0] >> k & 1) for k in range(1 << len(reads))]
            self.made.add_c_predicate(table, [self.bits[k] for k in reads], bit, **given)
        else:
            self.made.add_clexpr_from_logicexp(self._logic(value), [bit], **given)

    def _logic(self, value: Condition) -> Any:
        """A condition as pytket's expression of bits."""
        match value.op, value.args:
            case "bit", (index, *_):
                return self.bits[index]
            case "not", (one,):
                return logic_exp.BitNot(self._logic(one))
            case "and", (left, right):
                return logic_exp.BitAnd(self._logic(left), self._logic(right))
            case "or", (left, right):
                return logic_exp.BitOr(self._logic(left), self._logic(right))
            case "xor", (left, right):
                return logic_exp.BitXor(self._logic(left), self._logic(right))
            case "equal", (number, *bits):
                return self._logic(_minterm(number, bits))
            case _:
                table, *bits = value.args
                if not bits:
                    return logic_exp.BitOne() if table & 1 else logic_exp.BitZero()
                rows = [_minterm(k, bits) for k in range(1 << len(bits)) if table >> k & 1]
                if not rows:
                    return logic_exp.BitZero()
                found = rows[0]
                for row in rows[1:]:
                    found |= row
                return self._logic(found)


def _add(registers: Sequence[tuple[str, int | None]], kind: Any, add: Any) -> list[Any]:
    units = [
        unit
        for name, size in registers
        for unit in ([kind(name)] if size is None else [kind(name, k) for k in range(size)])
    ]
    for unit in units:
        add(unit)
    return units


def _by_bit(circuit: Circuit) -> list[Any]:
    """The registers of bits in the order of their bits; a register that grew has none that are apart."""
    registers = sorted(circuit._bit_registers, key=lambda register: register.bits[:1])
    place = 0
    for register in registers:
        if register.bits != tuple(range(place, place + len(register.bits))):
            text = f"register '{register.name}', whose bits were not added together"
            raise cannot("pytket", text, "the circuit", "declare its size with Circuit(..., bits)")
        place += len(register.bits)
    return registers


def _op(name: str, angles: tuple[Angle, ...], power: float, at: int) -> Any:
    """A gate that is not one of pytket's, or a power of one, as one op."""
    if power != 1.0:
        if any(isinstance(angle, Expression) for angle in angles):
            text = f"{name} to the power {power:g}, whose angle has no value yet"
            raise cannot("pytket", text, f"op {at}", "bind its parameters first")
        declared = OPS[f"core.{name}"].matrix
        assert declared is not None
        matrix = powers.power(declared(dict(zip(PARAMS[name], angles, strict=True))), power)
        return getattr(tk, f"Unitary{len(matrix).bit_length() - 1}qBox")(_array(matrix))
    turns = [half_turns(each) for each in angles]
    if name in _PLAIN:
        return tk.Op.create(_PLAIN[name], turns)
    if name in ("iswapdg", "siswap", "siswapdg"):
        return tk.Op.create(_TYPES["ISWAP"], {"iswapdg": -1.0, "siswap": 0.5, "siswapdg": -0.5}[name])
    match name:
        case "xx_plus_yy":
            return tk.Op.create(_TYPES["PhasedISWAP"], [turns[1] / 2, -turns[0]])
        case "rzx":
            return tk.CircBox(tk.Circuit(2).H(1).ZZPhase(turns[0], 0, 1).H(1))
        case "qasm_u":
            return tk.CircBox(tk.Circuit(1).U3(*turns, 0).add_phase(turns[0] / 2))
        case _:
            raise AssertionError(name)


def _array(matrix: Any) -> Any:
    import numpy as np

    return np.array(matrix, dtype=complex)


def _branch(items: Sequence[Item], at: int) -> tuple[set[int], bool]:
    """The bits that the branch which begins at ``at`` writes, and whether it has another side."""
    writes: set[int] = set()
    depth, has_else = 0, False
    for item in items[at:]:
        if isinstance(item, If):
            depth += 1
        elif isinstance(item, End):
            depth -= 1
            if not depth:
                break
        elif isinstance(item, Else):
            has_else = has_else or depth == 1
        elif isinstance(item, Assign):
            writes.add(item.bit)
        elif isinstance(item, Step):
            writes.update(item.writes)
    return writes, has_else


def _literals(condition: Condition) -> dict[int, int] | None:
    """A conjunction of bits as what each must hold; None for another condition."""
    match condition.op, condition.args:
        case "bit", (index, *_):
            return {index: 1}
        case "not", (Condition(op="bit") as one,):
            return {one.args[0]: 0}
        case "equal", (number, *bits) if all(bit.op == "bit" for bit in bits):
            found = {bit.args[0]: number >> k & 1 for k, bit in enumerate(bits)}
            return found if len(found) == len(bits) else None
        case "and", (left, right):
            a, b = _literals(left), _literals(right)
            return None if a is None or b is None or a.keys() & b.keys() else {**a, **b}
        case _:
            return None


def _minterm(number: int, bits: Sequence[Condition]) -> Condition:
    literals = [bit if number >> k & 1 else Condition("not", (bit,)) for k, bit in enumerate(bits)]
    found = literals[0]
    for each in literals[1:]:
        found &= each
    return found


def _is_flat(value: Condition) -> bool:
    return len({*value.bits()}) == len(value.args) - 1 and all(each.op == "bit" for each in value.args[1:])


def _constant(value: Condition) -> int:
    """The value of a condition that reads no bit."""
    match value.op, value.args:
        case "table", (table, *_):
            return table & 1
        case "not", (one,):
            return 1 - _constant(one)
        case op, (left, right):
            a, b = _constant(left), _constant(right)
            return a & b if op == "and" else a | b if op == "or" else a ^ b
        case _:
            raise AssertionError(value.op)
