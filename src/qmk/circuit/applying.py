"""Applies ops to a circuit: gates with their modifiers, other ops by their declarations, registers in step."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Self, cast

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.circuit.declared import GateMethod, OpMethod, gate_methods, op_methods, suggest
from qmk.circuit.items import Item, Step
from qmk.circuit.methods import MODIFIERS
from qmk.circuit.operands import QubitLike, wrong
from qmk.circuit.store import Store, angles_of, as_list, require_distinct
from qmk.circuit.values import pauli_product, require_arguments, value_of
from qmk.frontends.openqasm.replay import gate_item
from qmk.frontends.openqasm.unitary import (
    ROOT_QUBITS,
    NoPower,
    Unitary,
    control,
    inverse,
    move_operands,
    ops_of,
    power,
    synthesise,
)  # fmt: skip
from qmk.ir.parameters import Angle
from qmk.models.arguments import show, to_plain
from qmk.qvm.families import noise, photonic
from qmk.qvm.op import Matrix, Op

_NO_PHASE = 1e-12
"""A global phase up to this is what is left of rounding."""


class UnknownGate(QmkError, AttributeError):
    """INVALID_PARAMS for a gate that is not there; also an AttributeError, as Python's protocols expect."""


class Applying(Store):
    """What the methods of ops come down to."""

    def apply(self, name: str, *given: Any, **named: Any) -> Self:
        """Applies the op ``name`` as its method does: ``apply("rx", 0.5, 0)`` is ``rx(0.5, 0)``.

        Raises INVALID_PARAMS for a name that is not an op, with what may have been meant."""
        gate = gate_methods().get(name.removeprefix("core.")) if isinstance(cast("object", name), str) else None
        if gate is not None:
            self._apply_gate(gate, given, named)
            return self
        op = self._op_method(name) if isinstance(cast("object", name), str) else None
        if op is None:
            raise unknown_gate(name)
        self._apply_op(op, given, named)
        return self

    def unitary(self, matrix: Any, *qubits: QubitLike) -> Self:
        """Applies a unitary matrix of 2^n rows to one to three qubits, the first the highest bit of an index, as gates
        that have exactly this matrix.

        Raises INVALID_PARAMS for a matrix that is not unitary within 1e-9 or does not fit the qubits."""
        operands = self._flat_qubits(qubits)
        self._items += items_of(synthesise(_unitary_matrix(matrix, len(operands))), operands)
        return self

    # -- gates -------------------------------------------------------------------------------------------------------

    def _apply_gate(self, method: GateMethod, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        modifiers = {key: named.pop(key, default) for key, default in MODIFIERS.items()}
        arguments = _arguments(method, given, named)
        n_params = len(method.params)
        angles = [angles_of(method.name, each) for each in arguments[:n_params]]
        qubits = [self._qubits(each) for each in arguments[n_params:]]
        controls, state = self._controls(modifiers["ctrl"], modifiers["ctrl_state"])
        exponent = exponent_of(modifiers["power"], modifiers["inverse"])
        plain = method.gate.direct and not state and exponent == 1.0
        made: list[Item] = []
        for row_angles, row in _in_step(method.name, angles, qubits):
            operands = (*controls, *row)
            require_distinct(method.name, operands, self._qubit_names)
            if plain:
                made.append((method.gate.direct, row_angles, operands))
            else:
                made += items_of(_modify(method, row_angles, state, exponent), operands)
        self._items += made

    def _controls(self, given: QubitLike | None, state: Any) -> tuple[list[int], str]:
        if given is None:
            if state is not None:
                raise wrong("ctrl_state is given without ctrl", "name the control qubits with ctrl")
            return [], ""
        found = as_list(self._qubits(given))
        return found, control_state(state, len(found))

    # -- other ops ---------------------------------------------------------------------------------------------------

    def _op_method(self, name: str) -> OpMethod | None:
        """The op of a name that is not a gate's."""
        return op_methods().get(name)

    def _apply_op(self, method: OpMethod, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        op, before = method.op, len(method.before)
        wanted, given = _bits_of(method, given, named) if method.writes else ({}, given)
        reads = self._reads(method, named) if op.inputs.high != 0 else ()
        if len(given) < before + (op.vqs.low > 0) or (op.vqs.high == 0 and len(given) > before):
            raise _count_error(method, op.vqs.of("qubit"), len(given))
        channel = self._channel(op, given[0]) if op.chs.high else ""
        values = dict(zip((param.name for param in method.params), given[before - len(method.params) :], strict=False))
        args = _op_arguments(method, values, named)
        operands = [self._qubits(each) for each in given[before:]]
        if op.vqs.high is None:
            rows: list[tuple[int, ...]] = [tuple(qubit for each in operands for qubit in as_list(each))]
        else:
            rows = [row for _, row in _in_step(method.name, [], operands)]
        for row in rows:
            require_distinct(method.name, row, self._qubit_names)
            _require_arguments(method, args, row)
        one = len(rows) == 1 and not any(isinstance(each, list) for each in operands)
        size = photonic.n_events(op.name, args)
        if size >= 0:
            written = self._numbers(size, wanted["bits"], len(rows))
        else:
            written = self._writes(method, wanted, len(rows), one) if wanted else [()] * len(rows)
        for row, bits in zip(rows, written, strict=True):
            counted = {"n": len(row), **args} if op.name == "core.alloc" else args
            self._items.append(Step(op.name, counted, row, reads, bits, channel))
        if channel:
            self._channels.add(channel)

    def _reads(self, method: OpMethod, named: dict[str, Any]) -> tuple[int, ...]:
        """The bits that an op reads."""
        found = tuple(as_list(self._bits(named.pop("reads", ()))))
        if not method.op.inputs.accepts(len(found)):
            wanted = method.op.inputs.of("bit")
            raise wrong(f"{method.name} reads {wanted}, not {len(found)}", "name them with reads=...", "reads")
        return found

    def _writes(self, method: OpMethod, wanted: dict[str, Any], count: int, one: bool) -> list[tuple[int, ...]]:
        """The bits that each of ``count`` applications writes. ``one``: on qubits that are given singly."""
        each = (method.op.produces.high or 0) // len(wanted)
        found = [self._bits_for(count * each, bits, one and each == 1) for bits in wanted.values()]
        if len({bit for bits in found for bit in bits}) < count * each * len(found):
            raise wrong(f"{method.name} writes a bit twice", "name each bit once", "bits")
        return [tuple(bit for bits in found for bit in bits[at * each : (at + 1) * each]) for at in range(count)]

    def _numbers(self, size: int, bits: Any, count: int) -> list[tuple[int, ...]]:
        """The bits of each of ``count`` numbers that an op tells, a register of its own for each if none are given."""
        if bits is None:
            bits = [bit for _ in range(count) for bit in self.add_bits(size, self._new_name("", "n"))]
        found = self._bits_for(count * size, bits)
        return [tuple(found[at : at + size]) for at in range(0, len(found), size)]

    def _channel(self, op: Op, name: Any) -> str:
        """The name of a channel, which is there unless the op opens one."""
        if not isinstance(name, str) or not (name.isascii() and name.isidentifier()) or len(name) > LIMITS.name_chars:
            raise wrong(f"a channel cannot be named {show(name)}", "take a few letters, digits and _", "channel")
        if op.channel_effect != "open" and name not in self._channels:
            fix = f"open it first: open_channel({show(name)}, qubit1, qubit2)"
            raise wrong(f"there is no channel {show(name)}", fix, "channel")
        return name


def _bits_of(method: OpMethod, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """The bits to write as they are given, by position behind the qubits or by keyword, and what stands before them."""
    vqs, names = method.op.vqs, method.writes
    last = len(method.before) + vqs.low if vqs.low == vqs.high else len(given)
    by_place = dict(zip(names, given[last:], strict=False))
    if len(given) - last > len(names) or any(name in named for name in by_place):
        raise _count_error(method, vqs.of("qubit"), len(given))
    return {name: named.pop(name, by_place.get(name)) for name in names}, given[:last]


def _require_arguments(method: OpMethod, args: dict[str, Any], row: tuple[int, ...]) -> None:
    """Raises INVALID_PARAMS for arguments that do not fit together or so many qubits."""
    op = method.op
    if not op.vqs.accepts(len(row)):
        text = f"{method.name} takes {op.vqs.of('qubit')}, and {len(row)} are given"
        raise wrong(text, f"write {method.usage}")
    if "paulis" in args:
        pauli_product(method.name, args["paulis"], len(row))
    elif args:
        require_arguments(method, args, row)


def _op_arguments(method: OpMethod, values: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    """The arguments of an op, each as the bytecode has it. None: one that may be left out is."""
    for name in named:
        if all(name != param.name for param in method.options):
            raise wrong(f"{method.name} has no keyword '{name}'", f"write {method.usage}")
    given, args = {**values, **named}, dict[str, Any]()
    for param in (*method.params, *method.options):
        if param.required and param.name not in given:
            unit = f", in {param.unit}" if param.unit else ""
            text = f"{method.name} needs {param.name}: {param.doc}{unit}"
            raise wrong(text, f"write {method.usage}", param.name)
        if param.required or given.get(param.name) is not None:
            args[param.name] = value_of(method.name, param, given[param.name], args)
    return args


def _unitary_matrix(given: Any, qubits: int) -> Matrix:
    try:
        rows = tuple(tuple(complex(x) for x in row) for row in to_plain(given))
    except Exception:  # a caller's own class may raise anything
        raise wrong("unitary: this is not a matrix of numbers", "give rows of numbers, or a numpy array") from None
    size = 1 << qubits
    if not 1 <= qubits <= ROOT_QUBITS or len(rows) != size or any(len(row) != size for row in rows):
        text = f"unitary: {len(rows)} rows on {qubits} qubit(s)"
        raise wrong(text, f"give 1 to {ROOT_QUBITS} qubits, and a square matrix of 2^n rows for n of them")
    for a, b in itertools.product(range(size), repeat=2):
        if not abs(sum(rows[a][k] * rows[b][k].conjugate() for k in range(size)) - (a == b)) <= noise.TOLERANCE:
            raise wrong(f"unitary: rows {a} and {b} of the matrix are not orthonormal", "give a unitary matrix")
    return rows


def unknown_gate(name: object) -> UnknownGate:
    """The refusal of a gate that is not there."""
    text = f"a circuit has no gate or method {show(name)}"
    return UnknownGate("INVALID_PARAMS", text, field="gate", help=suggest(name))


def _arguments(method: GateMethod, given: tuple[Any, ...], named: Mapping[str, Any]) -> list[Any]:
    """The arguments in order, those by keyword in their places."""
    wanted = (*method.params, *method.operands)
    found: dict[str, Any] = dict(zip(wanted, given, strict=False))
    for name, value in named.items():
        if name not in wanted or name in found:
            what = "is given twice" if name in found else f"is not one of its arguments ({', '.join(wanted)})"
            raise wrong(f"{method.name}: '{name}' {what}", f"write {method.usage}")
        found[name] = value
    if len(found) != len(wanted) or len(given) > len(wanted):
        raise _count_error(method, _count(len(method.operands), "qubit"), len(given) + len(named))
    return [found[name] for name in wanted]


def _count_error(method: GateMethod | OpMethod, qubits: str, given: int) -> QmkError:
    takes = f"{_count(len(method.params), 'argument')} and {qubits}" if method.params else qubits
    return wrong(f"{method.name} takes {takes}; {_count(given, 'value')} given", f"write {method.usage}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def control_state(given: Any, count: int) -> str:
    """What so many control qubits must hold, a digit each; None: all 1."""
    if given is None:
        return "1" * count
    if not isinstance(given, str) or len(given) != count or set(given) - {"0", "1"}:
        fix = "write a 0 or 1 for each control, the first one first, such as '01'"
        raise wrong(f"ctrl_state {show(given)} does not fit {count} control qubit(s)", fix)
    return given


def exponent_of(given: Any, inverted: Any = False) -> float:
    """The power of a gate as a number, negative where it is also inverted."""
    try:
        exponent = float(given)
    except Exception:  # a caller's own class may raise anything
        exponent = float("nan")
    if isinstance(given, (bool, str)) or not abs(exponent) <= 2**53:
        raise wrong(f"power {show(given)} is not a finite number", "give such as 0.5 or -1")
    if not isinstance(inverted, bool):
        raise wrong(f"inverse {show(inverted)} is neither True nor False", "give one of these")
    return -exponent if inverted else exponent


def _in_step(
    name: str, angles: Sequence[Angle | list[Angle]], qubits: Sequence[int | list[int]]
) -> list[tuple[tuple[Angle, ...], tuple[int, ...]]]:
    """The angles and qubits of each application: lists go in step, single ones stay."""
    sizes = {len(each) for each in (*angles, *qubits) if isinstance(each, list)}
    if not sizes:
        return [(cast("tuple[Angle, ...]", tuple(angles)), cast("tuple[int, ...]", tuple(qubits)))]
    if len(sizes) > 1:
        text = f"{name}: lists of {' and '.join(map(str, sorted(sizes)))} items do not go in step"
        raise wrong(text, "give lists of one length, or single values beside a list")
    (size,) = sizes

    rows = [list(each) if isinstance(each, list) else [each] * size for each in (*angles, *qubits)]
    columns = zip(*cast("list[list[Any]]", rows), strict=True)
    return [(column[: len(angles)], column[len(angles) :]) for column in columns]


def _modify(method: GateMethod, angles: tuple[Angle, ...], state: str, exponent: float) -> Unitary:
    """The gate to a power, then under controls."""
    unitary = method.gate.make(*angles)
    if exponent != 1.0:
        unitary = raise_power(method.name, unitary, exponent)
    return control(unitary, state) if state else unitary


def raise_power(name: str, unitary: Unitary, exponent: float) -> Unitary:
    """The power of a gate. Raises UNSUPPORTED for a fractional one of a gate with parameters, or of one too large."""
    try:
        return inverse(unitary) if exponent == -1.0 else power(unitary, exponent, LIMITS.expansion_nodes)
    except (NoPower, OverflowError, TypeError) as error:
        why = "whose angle has no value yet" if isinstance(error, TypeError) else "of that size"
        raise QmkError(
            "UNSUPPORTED",
            f"{name}: power {exponent:g} of a gate {why}",
            field="power",
            help="use a whole power, or write the angle out, such as theta/2",
        ) from None


def items_of(unitary: Unitary, operands: Sequence[int]) -> list[Item]:
    """A gate's primitives as items on these qubits, and its global phase, which matters once there are controls."""
    phase = math.remainder(unitary.phase, 2 * math.pi)
    found: list[Item] = [("gphase", (phase,), ())] if abs(phase) > _NO_PHASE else []
    for each in move_operands(unitary, tuple(operands)).prims:
        if each.base == "barrier":
            found.append(Step("core.barrier", {}, each.operands))
            continue
        for short, args, qubits in ops_of(each):
            found.append(gate_item(short, args, qubits))
    return found
