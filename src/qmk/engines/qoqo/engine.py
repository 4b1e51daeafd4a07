"""Circuits of qoqo, and the state that its QuEST backend ends in: qubit k is bit k of an index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import qoqo  # pyright: ignore[reportMissingTypeStubs]
import qoqo_quest  # pyright: ignore[reportMissingTypeStubs]

from qmk.engines.qoqo import DECLARATION
from qmk.exact.library import LibraryEngine
from qmk.exact.readout import Amplitudes, Readout
from qmk.ir.program import Gate
from qmk.ir.qoqo_gates import QOQO

lib: Any = qoqo
quest: Any = qoqo_quest
_STATE = "state"


def _operation(gate: Gate) -> dict[str, Any]:
    known = QOQO[gate.name]
    body = {**dict(zip(known.qubits, gate.qubits, strict=True)), **dict(zip(known.params, gate.params, strict=True))}
    return {known.name: body}


def simulator(readout: Readout, _method: str) -> Callable[[], Amplitudes]:
    size = max(readout.n_qubits, 1)
    definition = {"DefinitionComplex": {"name": _STATE, "length": 1 << size, "is_output": True}}
    operations = [_operation(gate) for gate in readout.gates]
    version = {"major_version": 1, "minor_version": 0}
    whole = {"definitions": [definition], "operations": operations, "_roqoqo_version": version}
    circuit = lib.Circuit.from_json(msgspec.json.encode(whole).decode())
    circuit += lib.operations.PragmaGetStateVector(_STATE, None)

    def simulate() -> Amplitudes:
        _, _, complexes = quest.Backend(size).run_circuit(circuit)
        return np.array(complexes[_STATE][0], dtype=np.complex128)

    return simulate


class QoqoEngine(LibraryEngine):
    def __init__(self) -> None:
        super().__init__(DECLARATION, "qoqo_quest", simulator, first_highest=False)
