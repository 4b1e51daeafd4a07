"""QMK inside Qiskit beside Aer's own primitives, and how fast circuits of Qiskit are read and written.

    python -m benchmarks.frameworks.qiskit

The conversion of 100,000 gates, and the sampler and the estimator at 1,000 values of the parameters of an ansatz. CPU
time of ``run(...).result()``, the best of three; QMK's caches are off, and each takes as many threads as it wants.
Public circuits are run by ``benchmarks.frameworks.public``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import Row, show

ROUNDS = 3
GATES = 100_000
TARGET_S = 0.3
POINTS = 1000
SHOTS = 1024


def best_of(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """The least CPU time of some runs."""
    taken: list[float] = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
        if sum(taken) > 5:
            break
    return min(taken)


def conversion() -> list[Row]:
    from benchmarks.building import build_qiskit
    from qmk.adapters.qiskit.read import read
    from qmk.adapters.qiskit.write import write
    from qmk.circuit.flat import flat_text

    theirs = build_qiskit(GATES)
    ours = read(theirs)
    return [
        Row(f"read {GATES} gates", best_of(lambda: read(theirs)), TARGET_S),
        Row(f"write {GATES} gates", best_of(lambda: write(ours))),
        Row(f"flat text of {GATES} gates", best_of(lambda: flat_text(ours.copy()._with_items(ours._items)))),
    ]


def ansatz(qubits: int) -> Any:
    from qiskit.circuit.library import efficient_su2

    return efficient_su2(qubits, reps=2)


def neighbours(qubits: int) -> Any:
    """The mean of Z and the sum of ZZ of neighbours."""
    from qiskit.quantum_info import SparsePauliOp

    terms = [("Z", [k], 1 / qubits) for k in range(qubits)]
    terms += [("ZZ", [k, k + 1], 1.0) for k in range(qubits - 1)]
    return SparsePauliOp.from_sparse_list(terms, qubits)


def sweeps() -> list[Row]:
    import numpy as np

    rows: list[Row] = []
    for qubits in (4, 8, 12, 14):
        circuit = ansatz(qubits)
        measured = circuit.copy()
        measured.measure_all()
        values = np.random.default_rng(1).uniform(-3, 3, (POINTS, circuit.num_parameters))
        pub = (circuit, neighbours(qubits), values)
        ours, theirs = samplers()
        rows.append(
            Row(
                f"sampler, {qubits} qubits, {POINTS} points",
                best_of(lambda s=ours, m=measured, v=values: s.run([(m, v)], shots=SHOTS).result()),
                peer="Aer",
                peer_s=best_of(lambda s=theirs, m=measured, v=values: s.run([(m, v)], shots=SHOTS).result(), 1),
            )
        )
        ours, theirs = estimators()
        rows.append(
            Row(
                f"estimator, {qubits} qubits, {POINTS} points",
                best_of(lambda e=ours, p=pub: e.run([p]).result()),
                peer="Aer",
                peer_s=best_of(lambda e=theirs, p=pub: e.run([p]).result(), 1),
            )
        )
    return rows


def samplers(method: str = "automatic") -> tuple[Any, Any]:
    from qiskit_aer.primitives import SamplerV2 as Aer

    from qmk.integrations.qiskit import Backend, SamplerV2

    return SamplerV2(Backend(cache=False), seed=1), Aer(seed=1, options={"backend_options": {"method": method}})


def estimators(method: str = "automatic") -> tuple[Any, Any]:
    from qiskit_aer.primitives import EstimatorV2 as Aer

    from qmk.integrations.qiskit import Backend, EstimatorV2

    return EstimatorV2(Backend(), seed=1), Aer(options={"backend_options": {"method": method}})


def load(path: Path, method: str) -> Any:
    """The circuit of a file, in the gates of one of Aer's methods. QMK reads what Qiskit's own readers do not."""
    from qiskit import qasm2, transpile
    from qiskit.circuit.library import get_standard_gate_name_mapping
    from qiskit_aer import AerSimulator

    import qmk

    text = path.read_text()
    if "OPENQASM 2" in text:
        circuit = qasm2.loads(text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    else:
        circuit = qmk.Circuit.from_text(text).to("qiskit")
    known = {*AerSimulator(method=method).configuration().basis_gates} & {*get_standard_gate_name_mapping()}
    return transpile(circuit, basis_gates=[*known, "if_else", "reset"], optimization_level=0)


def prepare(task: str, side: str, path: Path) -> Callable[[], Any]:
    """The work of one side on a public circuit, after a small one to warm up: see ``benchmarks.frameworks.public``."""
    method = "matrix_product_state" if side == "aer-mps" else "automatic"
    circuit, small = load(path, method), ansatz(2).assign_parameters([0.1] * 12)
    if task == "qiskit-sampler":
        small.measure_all()
        sampler = samplers(method)[side != "qmk"]
        sampler.run([small], shots=SHOTS).result()
        return lambda: sampler.run([circuit], shots=SHOTS).result()
    circuit.remove_final_measurements()
    estimator = estimators(method)[side != "qmk"]
    estimator.run([(small, "ZZ")]).result()
    pub = (circuit, neighbours(circuit.num_qubits))

    def estimate() -> tuple[float, float]:
        data = estimator.run([pub]).result()[0].data
        return float(data.evs), float(data.stds)

    return estimate


def main() -> None:
    show("conversion", conversion())
    show("parameter sets", sweeps())


if __name__ == "__main__":
    main()
