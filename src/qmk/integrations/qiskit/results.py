"""Results as Qiskit has them."""

# Qiskit has no types that a checker may rely on.
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportUnnecessaryIsInstance=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.result.models import ExperimentResult, ExperimentResultData

from qmk.ir.parameters import decode_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qmk.client.result import Result as Ours


def header_of(circuit: QuantumCircuit) -> dict[str, Any]:
    """What the header of a result says of its circuit."""
    return {
        "name": circuit.name,
        "metadata": circuit.metadata or {},
        "n_qubits": circuit.num_qubits,
        "qreg_sizes": [[register.name, register.size] for register in circuit.qregs],
        "memory_slots": circuit.num_clbits,
        "creg_sizes": [[register.name, register.size] for register in circuit.cregs],
        "global_phase": 0.0,
    }


def header_from(found: Ours, name: str) -> dict[str, Any]:
    """The header of a result whose circuit is not at hand: its registers are those that print."""
    registers = [[decode_name(each.name), len(each.bits)] for each in reversed(found.registers)]
    return {"name": name, "metadata": {}, "memory_slots": found.counts.width, "creg_sizes": registers}


def experiment_of(found: Ours, header: dict[str, Any], memory: bool) -> ExperimentResult:
    """One result: counts and, for ``memory``, each shot, as hexadecimal numbers with bit k the k-th classical bit."""
    data = ExperimentResultData()
    if header["memory_slots"]:
        counts = {hex(int(key.replace(" ", ""), 2)): number for key, number in found.counts.items()}
        data = ExperimentResultData(counts=counts, memory=_memory(found.bits()) if memory else None)
    return ExperimentResult(found.shots, True, data, status="DONE", seed=found.seed, header=header)


def _memory(bits: NDArray[np.uint8]) -> list[str]:
    """Each row, its first bit the highest, as a hexadecimal number."""
    rows = np.packbits(bits, axis=1)
    shift = -bits.shape[1] % 8
    return [hex(int.from_bytes(row.tobytes(), "big") >> shift) for row in rows]


def pack_register(bits: NDArray[np.uint8], places: list[int]) -> NDArray[np.uint8]:
    """The rows of one register in the form of ``BitArray``: packed, the highest bit first, zeros before it. ``bits``
    has shape (..., bits as printed), ``places`` are the register's classical bits, the lowest first."""
    last = bits.shape[-1] - 1
    columns = [last - place for place in reversed(places)]
    if columns == list(range(last + 1)):
        chosen = bits
    else:
        chosen = bits[..., columns]
    missing = -len(places) % 8
    if not missing:
        return np.packbits(chosen, axis=-1)
    padded = np.zeros((*chosen.shape[:-1], len(places) + missing), np.uint8)
    padded[..., missing:] = chosen
    return np.packbits(padded, axis=-1)
