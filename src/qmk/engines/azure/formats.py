"""What providers in Azure Quantum take and give: circuits of IonQ in JSON, OpenQASM 2 of Quantinuum, Quil of Rigetti.

An outcome of IonQ is a whole number whose bit k is qubit k. Bits of Quantinuum are text, the last character bit 0; a
row of Rigetti has bit k at place k. Read-out k is bit k of the one register ``ro``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta

from qmk.cloud import ionq, plan
from qmk.exact.readout import Readout
from qmk.ir.bits import Bits
from qmk.ir.program import Measure, Program, Register
from qmk.ir.raising import graph_of
from qmk.sdk import discovery

REGISTER = "ro"
Bit = Annotated[int, Meta(ge=0, le=1)]
Text = Annotated[str, Meta(pattern="^[01]*$")]


class Histogram(msgspec.Struct):
    histogram: ionq.Numbers


class Format(NamedTuple):
    """``read`` gives one row a shot and one column a read-out, from (answer, read-out, shots, seed); it raises
    msgspec's or a ValueError for an answer that is not as documented."""

    input: str
    output: str
    content_type: str
    write: Callable[[Readout], bytes]
    read: Callable[[bytes, Readout, int, int], Bits]


def _ionq(readout: Readout) -> bytes:
    return msgspec.json.encode(ionq.circuit_of(readout))


def _text(language: str) -> Callable[[Readout], bytes]:
    """The writer of a front-end, found by its name."""

    def write(readout: Readout) -> bytes:
        width = len(readout.qubits)
        measured = tuple(Measure(qubit, k) for k, qubit in enumerate(readout.qubits))
        register = Register(REGISTER, tuple(reversed(range(width))))
        program = Program(readout.n_qubits, width, (*readout.gates, *measured), (register,), {})
        frontend = discovery.frontend(language)
        assert frontend is not None
        assert frontend.emit is not None
        return frontend.emit(graph_of(program))

    return write


def _from_chances(data: bytes, readout: Readout, shots: int, seed: int) -> Bits:
    """IonQ's probabilities. A device's are multiples of one shot; those of the simulator are drawn from."""
    chances = msgspec.json.decode(data, type=Histogram).histogram
    if abs(sum(chances.values()) - 1) > 1e-3:
        raise ValueError("probabilities whose sum is not 1")
    counts = {outcome: round(chance * shots) for outcome, chance in chances.items()}
    if sum(counts.values()) != shots or any(abs(counts[k] - chances[k] * shots) > 1e-3 for k in counts):
        counts = plan.draw(chances, shots, seed, "azure")
    return plan.repeat(counts, readout.qubits, seed)


def _from_text(data: bytes, readout: Readout, shots: int, _: int) -> Bits:
    rows = msgspec.json.decode(data, type=dict[str, list[Text]]).get(REGISTER, [])
    return _rows([[int(bit) for bit in reversed(row)] for row in rows], readout, shots)


def _from_rows(data: bytes, readout: Readout, shots: int, _: int) -> Bits:
    return _rows(msgspec.json.decode(data, type=dict[str, list[list[Bit]]]).get(REGISTER, []), readout, shots)


def _rows(rows: list[list[int]], readout: Readout, shots: int) -> Bits:
    if len(rows) != shots or any(len(row) != len(readout.qubits) for row in rows):
        raise ValueError(f"{len(rows)} shots of {shots}")
    return np.array(rows, dtype=np.uint8).reshape(shots, len(readout.qubits))


FORMATS: dict[str, Format] = {
    "ionq": Format("ionq.circuit.v1", "ionq.quantum-results.v1", "application/json", _ionq, _from_chances),
    "quantinuum": Format(
        "honeywell.openqasm.v1", "honeywell.quantum-results.v1", "application/qasm", _text("qasm2"), _from_text
    ),
    "rigetti": Format("rigetti.quil.v1", "rigetti.quil-results.v1", "text/plain", _text("quil"), _from_rows),
}
"""By provider, which is the first part of a target's name."""
