"""What the ops of HUGR's extensions do, by their full names."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from qmk.frontends.hugr.arithmetic import OPS as NUMBERS
from qmk.frontends.hugr.arrays import OPS as ARRAYS
from qmk.frontends.hugr.machine import Call, Machine
from qmk.frontends.hugr.tree import Node
from qmk.frontends.hugr.values import Array, Qubit, Sum, boolean, qubits_in, truth, variant, wrong
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.replay import PARAMS
from qmk.frontends.pytket_json.gates import gates_of
from qmk.frontends.qir.values import number
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.sdk.frontend import Refused

_GATES = (
    *("H", "X", "Y", "Z", "S", "Sdg", "T", "Tdg", "V", "Vdg", "Rx", "Ry", "Rz"),
    *("CX", "CY", "CZ", "CRz", "Toffoli"),
)
"""Gates of ``tket.quantum``, named as pytket names them but for Toffoli; their angles are rotations."""
_NATIVE = ("PhasedX", "Rz", "ZZPhase", "PhasedXX")
"""Gates of ``tket.qsystem``; their angles are floats in radians."""
_SYSTEMS = ("tket.qsystem", "tket.qsystem.helios", "tket.qsystem.sol")


def _qubit(value: Any) -> str:
    if not isinstance(value, Qubit):
        raise wrong("a qubit", value)
    return value.handle


# -- gates -------------------------------------------------------------------------------------------------------------


def _gate(name: str, scale: float) -> Call:
    """A gate whose angles come after its qubits, times ``scale`` in radians."""

    def call(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
        qubits = [value for value in given if isinstance(value, Qubit)]
        handles = [qubit.handle for qubit in qubits]
        if len(set(handles)) < len(handles):
            raise Refused("HUGR-04", "a qubit stands twice in one gate")
        for condition, angles in machine.arithmetic.combinations(given[len(qubits) :]):
            if not all(type(angle) is float and math.isfinite(angle) for angle in angles):
                raise Refused("HUGR-04", "its angles are finite numbers, and its qubits are defined")
            known = lg.constant_of(condition)
            if not known:
                machine.builder.enter(condition)
            _write(machine, name, [scale * angle for angle in angles], handles)
            if not known:
                machine.builder.leave()
        return qubits

    return call


def _write(machine: Machine, name: str, angles: list[float], handles: list[str]) -> None:
    try:
        rows = gates_of(name, angles, len(handles))
        for gate, own, places, _ in rows:
            op = FIXED_SIZE[gate]
            if len(own) != len(PARAMS[gate]) or len(places) != op.vqs.high:
                raise IndexError
            machine.builder.add(op.name, tuple([handles[k] for k in places]), dict(zip(PARAMS[gate], own, strict=True)))
    except (IndexError, KeyError):
        raise Refused(
            "HUGR-04", f"it does not take {len(handles)} qubits and {len(angles)} angles that are defined"
        ) from None


# -- qubits ------------------------------------------------------------------------------------------------------------


def _allocate(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return [machine.allocate()]


def _try_allocate(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return [variant(1, 2, machine.allocate())]


def _free(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    machine.release(_qubit(given[0]))
    return []


def _reset(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    machine.builder.add("core.reset", (_qubit(given[0]),))
    return given


def _measure(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return [given[0], boolean(machine.measure(_qubit(given[0])))]


def _measure_free(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    found = boolean(machine.measure(_qubit(given[0])))
    machine.release(given[0].handle)
    return [found]


def _measure_reset(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    found = boolean(machine.measure(_qubit(given[0])))
    return [*_reset(machine, node, given), found]


def _barrier(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    handles = tuple(handle for value in given for handle in qubits_in(value))
    if handles:
        machine.builder.add("core.barrier", handles, guarded=False)
    return given


# -- tuples and what changes nothing -----------------------------------------------------------------------------------


def _same(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return given


def _nothing(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return []


def _twice(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return [given[0], given[0]]


def _make_tuple(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return [variant(0, 1, *given)]


def _unpack_tuple(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    value = given[0]
    if not isinstance(value, Sum) or len(value.rows) != 1:
        raise wrong("a tuple", value)
    return list(value.rows[0] or ())


def _panic(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    raise Refused("HUGR-06", "a shot comes to a place where the program breaks off, so that it has no result")


# -- results -----------------------------------------------------------------------------------------------------------


def _plain(kind: str, value: Any) -> Any:
    return number([truth(value)]) if kind == "result" else value


def _record(kind: str, is_array: bool) -> Call:
    def call(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
        if not machine.always():
            raise Refused("HUGR-06", "a result is reported in some shots only")
        label = str(node.args[0]["arg"])
        values = [given[0]]
        if is_array:
            if not isinstance(given[0], Array):
                raise wrong("an array", given[0])
            values = given[0].items
            machine.recorded.append(("array", len(values), label))
        for k, value in enumerate(values):
            inner = f"{label}[{k}]" if is_array and kind != "result" else label
            if value is None or isinstance(value, (Array, Qubit)) or (isinstance(value, Sum) and kind != "result"):
                raise wrong("a number", value)
            machine.recorded.append((kind, _plain(kind, value), inner))
        return []

    return call


@cache
def calls() -> dict[str, Call]:
    """Every op that is read, by extension and name."""
    found: dict[str, Call] = {**NUMBERS, **ARRAYS}
    for name in _GATES:
        found[f"tket.quantum.{name}"] = _gate("CCX" if name == "Toffoli" else name, math.pi)
    shared: dict[str, Call] = {"QFree": _free, "TryQAlloc": _try_allocate, "Reset": _reset}
    quantum: dict[str, Call] = {**shared, "QAlloc": _allocate, "Measure": _measure, "MeasureFree": _measure_free}
    found |= {f"tket.quantum.{name}": call for name, call in quantum.items()}
    native: dict[str, Call] = {
        **shared,
        **{name: _gate(name, 1.0) for name in _NATIVE},
        "LazyMeasure": _measure_free,
        "LazyMeasureReset": _measure_reset,
        "FutureToMeasurement": _same,
        "RuntimeBarrier": _barrier,
    }
    found |= {f"{system}.{name}": call for system in _SYSTEMS for name, call in native.items()}
    for word, kind in (("bool", "result"), ("int", "int"), ("uint", "int"), ("f64", "double")):
        found[f"tket.result.result_{word}"] = _record(kind, False)
        found[f"tket.result.result_array_{word}"] = _record(kind, True)
    return found | {
        "tket.measurement.Read": _same,
        "tket.futures.Read": _same,
        "tket.futures.Dup": _twice,
        "tket.futures.Free": _nothing,
        "tket.guppy.drop": _nothing,
        "tket.global_phase.global_phase": _nothing,
        "prelude.MakeTuple": _make_tuple,
        "prelude.UnpackTuple": _unpack_tuple,
        "prelude.Noop": _same,
        "prelude.Barrier": _barrier,
        "prelude.print": _nothing,
        "prelude.panic": _panic,
        "prelude.exit": _panic,
        "prelude.MakeError": _same,
    }
