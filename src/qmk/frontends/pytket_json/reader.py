"""A circuit of pytket in JSON to a graph."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, TypeVar

import msgspec

from qmk.base.limits import LIMITS
from qmk.frontends.openqasm.branching import Value
from qmk.frontends.openqasm.replay import PARAMS, BitRegister, QubitRegister, Replay
from qmk.frontends.openqasm.sources import report_limits
from qmk.frontends.pytket_json import classical
from qmk.frontends.pytket_json.gates import GATES, gates_of
from qmk.frontends.pytket_json.rules import PYTKET_RULES
from qmk.ir.expression_text import read_expression
from qmk.ir.parameter_values import affine_parameters, parameters_of, read_values
from qmk.ir.parameters import Angle, Parameter
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Inputs, Refused, Source, decode_json, refuse, report_refused

_DECODER = msgspec.json.Decoder(Any)
MAX_DEPTH = 64
"""Boxes within boxes, and conditions of conditions."""

Unit = tuple[str, tuple[int, ...]]
Place = TypeVar("Place", int, str)


def read(source: Source) -> Graph:
    """The graph with its symbols given as ``source.params``. Raises INVALID_GRAPH with one finding, INVALID_PARAMS for
    values that do not fit."""
    graph = _read(source, {})
    declared = parameters_of(graph)
    values = read_values(declared, source.params or {})
    return _read(source, values) if values else graph


def inputs(source: Source) -> Inputs:
    """The symbols of a circuit."""
    return Inputs(*affine_parameters(_read(source, {})))


def _read(source: Source, values: Mapping[str, Any]) -> Graph:
    with report_refused(PYTKET_RULES, source), report_limits("PYTKET-03"):
        document = decode_json(source.data, _DECODER, "PYTKET-01", "a circuit of pytket")
        try:
            return _Reader(document, values).graph()
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
            refuse("PYTKET-01", f"not as pytket writes it: {type(error).__name__} {str(error)[:80]}")


class _Reader:
    def __init__(self, document: Any, values: Mapping[str, Any]) -> None:
        self.document = document
        qubits, self.qubits = _registers(_units(document["qubits"]), LIMITS.qubits)
        bits, self.bits = _registers(_units(document["bits"]), LIMITS.events)
        self.numbers: dict[str, Angle] = {}
        starts = [0]
        for _, size in bits:
            starts.append(starts[-1] + (size or 1))
        self.hidden = starts[-1]
        registers = [
            BitRegister(name, tuple(range(start, start + (size or 1))), size is None)
            for (name, size), start in zip(bits, starts, strict=False)
        ]
        taken = {name for name, _ in (*qubits, *bits)}
        if len(taken) < len(qubits) + len(bits):
            raise Refused("PYTKET-02", "two registers have one name")
        name = next(each for each in ("collapsed", *(f"collapsed_{k}" for k in range(len(taken)))) if each not in taken)
        registers.append(BitRegister(name, (self.hidden,), True, False))
        self.replay = Replay([QubitRegister(*each) for each in qubits], registers, dict(values))

    def graph(self) -> Graph:
        self._circuit(self.document, self.qubits, self.bits, 0)
        return self.replay.finish({})

    def _circuit(self, given: Any, qubits: Mapping[Unit, int], bits: Mapping[Unit, int], depth: int) -> None:
        if depth > MAX_DEPTH:
            raise Refused("PYTKET-03", f"boxes nest more than {MAX_DEPTH} deep")
        phase = self._angle(given.get("phase", "0"))
        self.replay.gate("gphase", (phase,), ())
        for at, command in enumerate(given["commands"]):
            units = _units(command["args"])
            if len(set(units)) < len(units) or any(unit not in qubits and unit not in bits for unit in units):
                raise Refused("PYTKET-02", f"command {at} acts on a unit that is not declared, or on one twice")
            try:
                self._op(command["op"], [(qubits.get(u, -1), bits.get(u, -1)) for u in units], depth)
            except Refused as refused:
                raise refused.at_place(f"command {at}") from None
        ends = {qubits[a]: qubits[b] for a, b in (map(_unit, pair) for pair in given["implicit_permutation"]) if a != b}
        for here, there in swaps(ends):
            self.replay.gate("swap", (), (here, there))

    def _op(self, op: Any, units: Sequence[tuple[int, int]], depth: int) -> None:
        name = op["type"]
        qubits = tuple(qubit for qubit, _ in units)
        replay = self.replay
        if name in GATES:
            angles = [self._angle(each) for each in op.get("params", ())]
            for gate, own, places, controls in gates_of(name, angles, len(qubits)):
                if len(own) != len(PARAMS[gate]):
                    raise Refused("PYTKET-04", f"{name} has {len(angles)} parameters")
                replay.gate(gate, own, tuple(qubits[k] for k in places), controls)
            return
        match name:
            case "Measure":
                replay.step("core.mz", {}, qubits[:1], (), (units[1][1],))
            case "Collapse":
                replay.step("core.mz", {}, qubits[:1], (), (self.hidden,))
            case "Reset":
                replay.step("core.reset", {}, qubits[:1])
            case "Barrier":
                replay.step("core.barrier", {}, tuple(qubit for qubit in qubits if qubit >= 0))
            case "Conditional":
                self._conditional(op["conditional"], units, depth)
            case "CircBox":
                inner = op["box"]["circuit"]
                own = dict(zip(_units(inner["qubits"]), qubits, strict=False))
                bits = dict(zip(_units(inner["bits"]), (bit for _, bit in units[len(own) :]), strict=True))
                self._circuit(inner, own, bits, depth + 1)
            case _ if name in classical.OPS:
                self._assign(op, [bit for _, bit in units])
            case _:
                raise Refused("PYTKET-03", f"{name} is not read from JSON")

    def _conditional(self, given: Any, units: Sequence[tuple[int, int]], depth: int) -> None:
        if depth > MAX_DEPTH:
            raise Refused("PYTKET-03", f"conditions nest more than {MAX_DEPTH} deep")
        width = given["width"]
        bits = [Value("bit", (bit,)) for _, bit in units[:width]]
        branching = self.replay.branching
        branching.open(classical.equal(bits, given["value"]))
        if not branching.skips:
            self._op(given["op"], units[width:], depth + 1)
        branching.close()

    def _assign(self, op: Any, bits: Sequence[int]) -> None:
        branching = self.replay.branching
        found = [(bits[k], branching.value(value.on(bits))) for k, value in classical.assignments(op, len(bits))]
        for bit, value in found:
            branching.bits[bit] = value

    def _angle(self, given: Any) -> Angle:
        """An angle in half turns as pytket writes it, in radians."""
        found = self.numbers.get(given)
        if found is None:
            try:
                value = read_expression(given, _symbol)
            except ValueError as error:
                raise Refused("PYTKET-04", str(error)) from None
            if isinstance(value, complex):
                raise Refused("PYTKET-04", f"'{given[:40]}' is not real")
            found = self.numbers[given] = math.pi * value
        return found


def _symbol(name: str, index: int | None) -> Angle:
    if index is not None:
        raise ValueError(f"'{name}[{index}]' is not a symbol")
    return math.e if name == "E" else Parameter(name)


def _unit(given: Any) -> Unit:
    name, index = given
    return str(name), tuple(int(k) for k in index)


def _units(given: Any) -> list[Unit]:
    return [_unit(each) for each in given]


def _registers(units: list[Unit], limit: int) -> tuple[list[tuple[str, int | None]], dict[Unit, int]]:
    """Registers by name and size (None: one unit by itself), and each unit's number."""
    if len(units) > limit:
        raise Refused("PYTKET-02", f"{len(units)} units; there may be {limit}")
    found: list[tuple[str, int | None]] = []
    for name, size in layout(units):
        if not name.isidentifier():
            raise Refused("PYTKET-02", f"a register is named '{name[:40]}'")
        found.append((name, size))
    return found, {unit: k for k, unit in enumerate(units)}


def layout(units: Sequence[Unit]) -> list[tuple[str, int | None]]:
    """The registers that these units make, in their order."""
    found: list[tuple[str, int | None]] = []
    for name, group in groupby(units, key=lambda unit: unit[0]):
        indexes = [index for _, index in group]
        if indexes == [(k,) for k in range(len(indexes))]:
            found.append((name, len(indexes)))
        else:
            found += [("_".join([name, *map(str, index)]), None) for index in indexes]
    return found


def swaps(ends: Mapping[Place, Place]) -> list[tuple[Place, Place]]:
    """Swaps that bring what starts at each key to its value, which no two share."""
    found: list[tuple[Place, Place]] = []
    at = {start: start for start in ends}
    for start, end in ends.items():
        here = at[start]
        if here != end:
            other = next((each for each, place in at.items() if place == end), None)
            found.append((here, end))
            at[start] = end
            if other is not None:
                at[other] = here
    return found
