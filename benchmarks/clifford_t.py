"""T gates, rotations and gates on two qubits after QMK's Clifford+T pass and after its peers, with processor time.

Everybody gets one text: the circuit without its measurements and barriers, in H, S, T, X, Z, CX and RZ, as Qiskit
writes it at level 0. Everybody's answer is counted by the same function, with rotations joined and not synthesized.
Rotations by random angles are synthesized by themselves. Peers that are not installed are left out and named.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import math
import random
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import qmk_native

from benchmarks import results

BASIS = ["h", "s", "sdg", "t", "tdg", "x", "z", "cx", "rz"]
CIRCUITS = [
    "bp_csla_mux_3",
    "qb_bigadder_n18",
    "bp_adder_8",
    "qb_adder_n28",
    "bp_gf2e8_mult",
    "bp_ham15-med",
    "qb_sat_n11",
    "mqt_vbe_ripple_carry_adder_25",
    "qb_multiplier_n45",
    "qb_multiplier_n75",
    "mqt_draper_qft_adder_20",
    "mqt_qft_24",
    "bp_qft_N020",
    "mqt_hrs_cumulative_multiplier_13",
    "ct_n40_d40_t40",
    "pyzx_ct_q16_d400",
]
TOLERANCE = 1e-12


def plain(path: Path) -> str:
    from qiskit import QuantumCircuit, qasm2, qasm3, transpile

    text = path.read_text()
    circuit: QuantumCircuit = (
        qasm3.loads(text)
        if "OPENQASM 3" in text
        else qasm2.loads(text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    )
    bare = QuantumCircuit(circuit.num_qubits)
    for step in circuit.data:
        if step.operation.name not in ("measure", "barrier"):
            bare.append(step.operation, [circuit.find_bit(q).index for q in step.qubits])
    return qasm2.dumps(transpile(bare, basis_gates=BASIS, optimization_level=0))


def counts(circuit: qmk_native.Circuit) -> dict[str, int]:
    """T gates, rotations by other angles, and gates on two qubits."""
    found = {"t": 0, "rotations": 0, "two_qubit": 0}
    for kind, qubits, angles, *_ in circuit.rows()[0]:
        name = qmk_native.KINDS[kind][0]
        found["two_qubit"] += len(qubits) == 2
        found["t"] += name in ("t", "tdg")
        for angle in angles:
            eighths = angle / (math.pi / 4)
            if abs(eighths - round(eighths)) * math.pi / 4 > TOLERANCE:
                found["rotations"] += 1
            elif round(eighths) % 2:
                found["t"] += 1
    return found


def by_qmk(text: str) -> dict[str, int]:
    """With its rotations joined; their synthesis to a coarse error is in its time, not in its counts."""
    report = qmk_native.clifford_t(qmk_native.read_qasm(text), keep_unitary=True, epsilon=0.9)[1]
    return {name: report["folded"][name] for name in ("t", "rotations", "two_qubit")}


def by_qmk_with_ancillae(path: Path) -> dict[str, int]:
    """From the text with its Toffoli gates, which the others get in T gates."""
    circuit = without_reads(path)
    report = qmk_native.clifford_t(circuit, keep_unitary=True, epsilon=0.9, ancillae=True)[1]
    names = ("t", "rotations", "two_qubit", "measurements")
    return {**{name: report["folded"][name] for name in names}, "ancillae": report["ancillae"]}


def without_reads(path: Path) -> qmk_native.Circuit:
    circuit = qmk_native.read_qasm(path.read_text())
    ops, _, _ = circuit.rows()
    kept = [op for op in ops if qmk_native.KINDS[op[0]][0] != "measure"]
    return qmk_native.Circuit(circuit.n_qubits, 0, kept)


def by_tzap(text: str) -> str:
    tzap: Any = importlib.import_module("tzap")
    return tzap.optimize_qasm(text).qasm


def by_qiskit(text: str) -> str:
    from qiskit import qasm2, transpile

    return qasm2.dumps(transpile(qasm2.loads(text), basis_gates=BASIS, optimization_level=3, seed_transpiler=1))


def by_tket(text: str) -> str:
    from pytket import OpType
    from pytket.passes import AutoRebase, GreedyPauliSimp, RemoveRedundancies
    from pytket.qasm import circuit_from_qasm_str, circuit_to_qasm_str

    circuit = circuit_from_qasm_str(text)
    GreedyPauliSimp().apply(circuit)
    AutoRebase({OpType.CX, OpType.H, OpType.Rz, OpType.X, OpType.S, OpType.Sdg, OpType.Z}).apply(circuit)
    RemoveRedundancies().apply(circuit)
    return circuit_to_qasm_str(circuit, header="qelib1")


def by_pyzx(text: str) -> str:
    pyzx: Any = importlib.import_module("pyzx")
    graph = pyzx.Circuit.from_qasm(text).to_graph()
    return pyzx.Circuit.from_graph(pyzx.teleport_reduce(graph)).to_basic_gates().to_qasm()


PEERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "qmk": ("qmk_native", by_qmk),
    "tzap": ("tzap", by_tzap),
    "tket GreedyPauliSimp": ("pytket", by_tket),
    "pyzx teleport_reduce": ("pyzx", by_pyzx),
    "qiskit level 3": ("qiskit", by_qiskit),
}


def folded(folder: Path, names: list[str], most_ops: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name in names:
        text = plain(folder / f"{name}.qasm")
        source = qmk_native.read_qasm(text)
        row: dict[str, Any] = {"circuit": name, "raw": counts(source)}
        for peer, (package, run) in PEERS.items():
            slow = package in ("pytket", "pyzx") and len(source) > most_ops
            if importlib.util.find_spec(package) is None or slow:
                continue
            started = time.process_time()
            made = run(text)
            seconds = time.process_time() - started
            found = counts(qmk_native.read_qasm(made)) if isinstance(made, str) else made
            row[peer] = {**found, "cpu_s": round(seconds, 4)}
        row["qmk with ancillae"] = by_qmk_with_ancillae(folder / f"{name}.qasm")
        rows.append(row)
        print(row, flush=True)
    return rows


def synthesized(angles: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for epsilon in (1e-3, 1e-6, 1e-10):
        rng = random.Random(5)
        t, started = 0, time.process_time()
        for _ in range(angles):
            gates, error = qmk_native.synthesize_rz(rng.uniform(0, 2 * math.pi), epsilon)
            assert error <= epsilon
            t += gates.count("t") + gates.count("tdg")
        milliseconds = (time.process_time() - started) * 1e3 / angles
        row: dict[str, Any] = {"epsilon": epsilon, "qmk": {"t": t / angles, "cpu_ms": round(milliseconds, 3)}}
        if importlib.util.find_spec("qiskit") is not None:
            row["qiskit gridsynth_rz"] = by_gridsynth(epsilon, max(angles // 20, 1))
        rows.append(row)
        print(row, flush=True)
    return rows


def by_gridsynth(epsilon: float, angles: int) -> dict[str, float]:
    from qiskit.synthesis import gridsynth_rz

    rng, t, started = random.Random(5), 0, time.process_time()
    for _ in range(angles):
        ops = gridsynth_rz(rng.uniform(0, 2 * math.pi), epsilon).count_ops()
        t += ops.get("t", 0) + ops.get("tdg", 0)
    return {"t": t / angles, "cpu_ms": round((time.process_time() - started) * 1e3 / angles, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="of OpenQASM files", required=True)
    parser.add_argument("--circuits", nargs="*", default=CIRCUITS)
    parser.add_argument("--most-ops", type=int, default=3000, help="pytket and pyzx get no larger circuits")
    parser.add_argument("--angles", type=int, default=1000, help="random angles that are synthesized")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    missing = [peer for peer, (package, _) in PEERS.items() if importlib.util.find_spec(package) is None]
    if missing:
        print("not installed:", ", ".join(missing), file=sys.stderr)
    rows = folded(args.folder, args.circuits, args.most_ops)
    rotations = synthesized(args.angles)
    if args.json:
        found = [name for name in ("tzap", "pytket", "pyzx", "qiskit") if importlib.util.find_spec(name)]
        results.write(args.json, rows, {name: version(name) for name in found}, synthesis=rotations, missing=missing)


if __name__ == "__main__":
    main()
