"""Qsim's own circuits, built gate by gate through its compiled module.

Cirq is what qsim's Python package takes circuits from; importing it and translating from it costs more than most
simulations. Here gates go straight into qsim's list: named ones by kind, all others as matrices; qsim fuses both alike.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from qmk.base.errors import QmkError
from qmk.base.units import bytes_text
from qmk.engines.qsim import DECLARATION
from qmk.exact.library import LibraryEngine
from qmk.exact.readout import Amplitudes, Readout
from qmk.ir.names import names
from qmk.ir.program import Gate
from qmk.ir.unitary import Array, matrix_of, split_controls
from qmk.sdk import extension

_KINDS = names("qsim")
_BUILDS = ("qsim_avx512", "qsim_avx2", "qsim_sse", "qsim_basic")
FUSED_SMALL, FUSED_LARGE = 2, 3
"""Qubits of a fused gate: in cache arithmetic decides, beyond it the passes over memory do"""
IN_CACHE_QUBITS = 18


@functools.cache
def library() -> Any:
    """Qsim as compiled for this processor."""
    folder = extension.folder_of("qsimcirq")
    decide: Any = extension.load("qsimcirq.qsim_decide", folder)
    found = decide.detect_instructions()
    return extension.load(f"qsimcirq.{_BUILDS[found if 0 <= found < len(_BUILDS) else -1]}", folder)


def build(readout: Readout) -> Any:
    """Qsim's circuit: qubit k is bit k of an index. A gate's time only has to grow along each of its qubits."""
    lib = library()
    circuit = lib.Circuit()
    circuit.num_qubits = max(readout.n_qubits, 1)
    for time, gate in enumerate(gate for gate in readout.gates if gate.name != "id"):
        _add(lib, circuit, time, gate)
    return circuit


def _add(lib: Any, circuit: Any, time: int, gate: Gate) -> None:
    qubits = list(gate.qubits)
    if gate.name == "mod":
        base, targets, controls, values = split_controls(gate)
        lib.add_matrix_gate(time, list(targets), _flat(base), circuit)
        if controls:
            lib.control_last_gate(list(controls), list(values), circuit)
    elif gate.name in _KINDS:
        lib.add_gate(getattr(lib, _KINDS[gate.name]), time, qubits, {}, circuit)
    else:
        lib.add_matrix_gate(time, qubits, _flat(matrix_of(gate)), circuit)


def _flat(matrix: Array) -> list[float]:
    return matrix.astype(np.complex64).view(np.float32).reshape(-1).tolist()


def simulator(readout: Readout, _method: str) -> Callable[[], Amplitudes]:
    circuit = build(readout)
    options: dict[str, Any] = {
        "c": circuit,
        "s": 1,
        "t": int(os.environ.get("OMP_NUM_THREADS") or 1),
        "f": FUSED_SMALL if readout.n_qubits <= IN_CACHE_QUBITS else FUSED_LARGE,
        "r": 1,
        "v": 0,
        "z": False,
        "g": False,
        "gmode": 0,
        "gsst": 5,
        "gdb": 6,
    }
    size = 1 << max(readout.n_qubits, 1)

    def simulate() -> Amplitudes:
        found = library().qsim_simulate_fullstate(options, 0)
        if len(found) != 2 * size:  # qsim has said why on standard error; with these options only memory can be short
            raise QmkError(
                "RESOURCE_EXHAUSTED", f"qsim has no room for a state of {bytes_text(8 * size)}", needed_bytes=8 * size
            )
        return found.view(np.complex64)

    return simulate


class QsimEngine(LibraryEngine):
    def __init__(self) -> None:
        library()
        super().__init__(DECLARATION, "qsimcirq", simulator, first_highest=False)
