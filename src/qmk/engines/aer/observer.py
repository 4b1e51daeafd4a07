"""Values of Aer's states by its save instructions: expectation values, amplitudes, marginals, state vectors.

A matrix product state whose bond reaches the cap is refused, as for samples: the values would be of another state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from qmk.engines.aer.apart import run_apart
from qmk.engines.aer.circuit import build
from qmk.engines.aer.engine import AerPlan, controller
from qmk.exact.statevector import highest_first
from qmk.ir.program import Program

EACH, MEAN = "single", "average"
"""How Aer saves amplitudes, and numbers: of the one shot there is"""


class AerObserver:
    """Runs the circuit again for each question: what is saved stands in the circuit."""

    def __init__(self, program: Program, method: str) -> None:
        self._plan = AerPlan(program, method)
        self._n = program.n_qubits
        self._qubits = list(range(max(program.n_qubits, 1)))

    def expectation(self, paulis: Sequence[str], /) -> list[float]:
        def ask(circuit: Any) -> None:
            for at, text in enumerate(paulis):
                # Aer's first letter belongs to the last qubit
                circuit.save_expval(self._qubits, "save_expval", [text[::-1]], [1.0], [1.0], MEAN, f"e{at}")

        def read(data: Any) -> list[float]:
            return [complex(data[f"e{at}"]).real for at in range(len(paulis))]

        return self._ask_for(ask, read) if paulis else []

    def state(self) -> np.ndarray[Any, np.dtype[np.complex128]]:
        def ask(circuit: Any) -> None:
            circuit.save_state(self._qubits, "save_statevector", EACH, "state")

        def read(data: Any) -> bytes:
            return np.asarray(data["state"], dtype=np.complex128).tobytes()

        return highest_first(np.frombuffer(self._ask_for(ask, read), dtype=np.complex128), self._n)

    def amplitudes(self, bitstrings: Sequence[str], /) -> list[complex]:
        def ask(circuit: Any) -> None:
            numbers = [int(text[::-1], 2) for text in bitstrings]
            circuit.save_amplitudes(self._qubits, "save_amplitudes", numbers, EACH, "amplitudes")

        def read(data: Any) -> list[tuple[float, float]]:
            return [(complex(z).real, complex(z).imag) for z in data["amplitudes"]]

        return [complex(*pair) for pair in self._ask_for(ask, read)]

    def probabilities(self, qubits: Sequence[int], /) -> list[float]:
        if not qubits:
            return [1.0]

        def ask(circuit: Any) -> None:
            circuit.save_state(list(qubits)[::-1], "save_probabilities", MEAN, "chances")

        def read(data: Any) -> list[float]:
            return [float(chance) for chance in data["chances"]]

        return self._ask_for(ask, read)

    def _ask_for(self, ask: Callable[[Any], None], read: Callable[[Any], Any]) -> Any:
        """What ``read`` makes of the data that ``ask`` has saved; in a child process where a bond may be capped."""

        def work() -> bytes:
            circuit = build(self._plan.program, self._plan.method).circuit
            ask(circuit)
            output = controller().execute([circuit], None, self._plan.config(1, 0, 0))
            result: dict[str, Any] = output["results"][0] if output.get("results") else {}
            if not output.get("success", False) or "data" not in result:
                raise self._plan.failure(str(result.get("status") or output.get("status")))
            self._plan.check_bonds(str(result.get("metadata", {}).get("MPS_log_data", "")))
            return msgspec.msgpack.encode(read(result["data"]))

        apart = self._plan.cap is not None
        return msgspec.msgpack.decode(run_apart(work, f"aer ({self._plan.method})") if apart else work())
