"""Two-qubit gates and CPU time of ``qmk_native.place`` beside Qiskit's Sabre layout and routing.

``python -m benchmarks.placing FOLDER [--target heavy-hex:127] [--seeds 20] [--trials 60]`` reads every OpenQASM file of
a folder that is gates and one read-out. Both sides get the circuit with gates on three qubits decomposed and exchanges
taken as other names, and neither is optimised otherwise. Both results are counted by one rule, Qiskit's: blocks on a
pair are collected, and each counts the CNOTs of its matrix. Qiskit runs once for each seed (its level-2 trials), and
its best and its median count; one thread each. A row of CSV per circuit, then geometric means.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("RAYON_NUM_THREADS", "1")

import qmk_native

from qmk.ir.program import Gate
from qmk.ir.unitary import matrix_of
from qmk.models.devices import target_named
from qmk.models.devices.target import placing

SPELLINGS: dict[str, str] = {"cnot": "cx", "toffoli": "ccx"}


def to_qiskit(circuit: Any) -> Any:
    """The gates of a circuit, read-outs left out; None where it has conditions, resets or measures in the middle."""
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import UnitaryGate

    made = QuantumCircuit(circuit.n_qubits)
    measured: set[int] = set()
    for kind, qubits, params, cond, _, _ in circuit.rows()[0]:
        name: str = qmk_native.KINDS[kind][0]
        if cond != -1 or measured.intersection(qubits) or name in ("reset", "noise", "noise2", "logic"):
            return None
        if name == "measure":
            measured.update(qubits)
        elif (gate := getattr(made, SPELLINGS.get(name, name), None)) is not None:
            gate(*params, *qubits)
        else:
            made.append(UnitaryGate(matrix_of(Gate(name, tuple(qubits), tuple(params)))), qubits[::-1])
    return made


def count(circuit: Any) -> tuple[int, int]:
    """(CNOTs, depth in them) once each block on a pair is synthesised as one."""
    from qiskit.circuit.library import CXGate
    from qiskit.quantum_info import Operator
    from qiskit.synthesis import TwoQubitBasisDecomposer
    from qiskit.transpiler import PassManager
    from qiskit.transpiler.passes import Collect2qBlocks, ConsolidateBlocks

    joined = PassManager([Collect2qBlocks(), ConsolidateBlocks(force_consolidate=True)]).run(circuit)
    needs = TwoQubitBasisDecomposer(CXGate()).num_basis_gates
    depths = [0] * circuit.num_qubits
    total = 0
    for item in joined.data:
        if len(item.qubits) == 2:
            a, b = (joined.find_bit(qubit).index for qubit in item.qubits)
            gates = needs(Operator(item.operation).data)
            total += gates
            depths[a] = depths[b] = max(depths[a], depths[b]) + gates
    return total, max(depths, default=0)


def by_sabre(circuit: Any, pairs: list[tuple[int, int]], seeds: int) -> tuple[list[tuple[int, int]], float]:
    """Counts for each seed, and CPU seconds for one."""
    from qiskit.transpiler import CouplingMap, PassManager
    from qiskit.transpiler.passes import ElidePermutations, SabreLayout, Unroll3qOrMore

    coupling = CouplingMap([*pairs, *((b, a) for a, b in pairs)])
    prepared = PassManager([Unroll3qOrMore(), ElidePermutations()]).run(circuit)
    found: list[tuple[int, int]] = []
    began = time.process_time()
    routed = [
        PassManager([SabreLayout(coupling, seed=seed, max_iterations=2, swap_trials=20, layout_trials=20)]).run(
            prepared
        )
        for seed in range(seeds)
    ]
    seconds = (time.process_time() - began) / seeds
    found.extend(count(each) for each in routed)
    return found, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--target", default="heavy-hex:127")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--most", type=int, default=3000, help="two-qubit gates of the largest circuit")
    asked = parser.parse_args()
    device = placing(target_named(asked.target))
    ratios: dict[str, list[float]] = {"best": [], "median": [], "depth": [], "cpu": []}
    print(
        "circuit,qubits,two_raw,qmk_two,qmk_depth,qmk_cpu_s,sabre_best,sabre_median,sabre_depth,sabre_cpu_s", flush=True
    )
    for path in sorted(asked.folder.glob("*.qasm")):
        try:
            source = qmk_native.read_qasm(path.read_bytes())
        except qmk_native.Declined:
            continue
        circuit = to_qiskit(source) if source.n_qubits <= device["n"] else None
        raw = qmk_native.features(source)["two_qubit"] if circuit is not None else 0
        if circuit is None or not 0 < raw <= asked.most:
            continue
        began = time.process_time()
        placed = qmk_native.place(source, **device, trials=asked.trials, keep=1)[0][0]
        mine_s = time.process_time() - began
        mine, mine_depth = count(to_qiskit(placed))
        theirs, theirs_s = by_sabre(circuit, device["pairs"], asked.seeds)
        best, median = min(theirs)[0], statistics.median(two for two, _ in theirs)
        row = (path.stem, source.n_qubits, raw, mine, mine_depth, mine_s, best, median, min(theirs)[1], theirs_s)
        print(",".join(f"{x:.4g}" if isinstance(x, float) else str(x) for x in row), flush=True)
        for name, ratio in (
            ("best", mine / best),
            ("median", mine / median),
            ("depth", mine_depth / min(theirs)[1]),
            ("cpu", mine_s / theirs_s),
        ):
            ratios[name].append(ratio)
    for name, values in ratios.items():
        print(f"# qmk / sabre {name}: {statistics.geometric_mean(values):.3f} of {len(values)} circuits")


if __name__ == "__main__":
    main()
