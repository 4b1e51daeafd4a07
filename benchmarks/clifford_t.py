"""T gates, rotations and gates on two qubits after QMK's Clifford+T pass and after its peers, with processor time.

Everybody gets one text: the circuit without its measurements and barriers, in H, S, T, X, Z, CX and RZ, as Qiskit
writes it at level 0. Everybody's answer is counted by the same function, with rotations joined and not synthesized; a
SWAP is three gates on two qubits. Each case is a process of its own with a limit of processor time; what ran into it
has no figures. Results of QMK without ancillae are proved equal where a checker is installed that can do it in time.
Rotations by random angles are synthesized by themselves. Peers that are not installed are left out and named.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.util
import json
import math
import os
import random
import resource
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import qmk_native

from benchmarks import results

BASIS = ["h", "s", "sdg", "t", "tdg", "x", "z", "cx", "rz"]
ARITHMETIC = [
    "qb_adder_n10",
    "bp_csla_mux_3",
    "bp_ham15-med",
    "qb_bigadder_n18",
    "bp_adder_8",
    "bp_gf2e8_mult",
    "mqt_vbe_ripple_carry_adder_25",
    "qb_adder_n28",
    "qb_adder_n118",
    "qb_multiplier_n45",
    "qb_multiplier_n75",
    "mqt_hrs_cumulative_multiplier_13",
    "mqt_rg_qft_multiplier_16",
    "mqt_draper_qft_adder_20",
    "mqt_qft_24",
    "bp_qft_N020",
    "qb_sat_n11",
    "qb_square_root_n18",
]
HAMILTONIANS = [
    "bp_square_heisenberg_N16",
    "bp_square_heisenberg_N36",
    "tfim1d_n20_s30_J1_h1",
    "tfim1d_n24_s50_J1_h1",
    "qb_ising_n26",
    "qb_vqe_uccsd_n6",
    "qb_gcm_n13",
]
OTHERS = ["hs_bg_n20_ccz2", "ct_n26_d20_t10", "ct_n40_d40_t40", "pyzx_ct_q16_d400"]
TOLERANCE = 1e-12
ROTATION = 100
"""T gates that a rotation takes at 1e-10, for sums of both."""

UNITARY = 11
"""Most qubits of a unitary that is compared entry by entry."""

Run = Callable[[Path, str], dict[str, Any]]


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
    return written(qmk_native.read_qasm(qasm2.dumps(transpile(bare, basis_gates=BASIS, optimization_level=0))))


def written(circuit: qmk_native.Circuit) -> str:
    """OpenQASM 2 with angles in plain decimals, which every reader takes."""
    lines = ["OPENQASM 2.0;", 'include "qelib1.inc";', f"qreg q[{circuit.n_qubits}];"]
    for kind, qubits, angles, *_ in circuit.rows()[0]:
        name = {"cnot": "cx"}.get(qmk_native.KINDS[kind][0], qmk_native.KINDS[kind][0])
        arguments = f"({','.join(f'{angle:.17f}' for angle in angles)})" if angles else ""
        lines.append(f"{name}{arguments} {','.join(f'q[{q}]' for q in qubits)};")
    return "\n".join(lines) + "\n"


def counts(circuit: qmk_native.Circuit) -> dict[str, int]:
    """T gates, rotations by other angles, and gates on two qubits."""
    found = {"t": 0, "rotations": 0, "two_qubit": 0}
    for kind, qubits, angles, *_ in circuit.rows()[0]:
        name = qmk_native.KINDS[kind][0]
        found["two_qubit"] += 3 if name == "swap" else len(qubits) == 2
        found["t"] += name in ("t", "tdg")
        for angle in angles:
            eighths = angle / (math.pi / 4)
            if abs(eighths - round(eighths)) * math.pi / 4 > TOLERANCE:
                found["rotations"] += 1
            elif round(eighths) % 2:
                found["t"] += 1
    return found


def by_qmk(source: qmk_native.Circuit, effort: int, ancillae: bool = False) -> dict[str, Any]:
    """With its rotations joined; their synthesis to a coarse error is in its time, not in its counts."""
    started = time.process_time()
    made, report = qmk_native.clifford_t(source, keep_unitary=True, epsilon=0.9, effort=effort, ancillae=ancillae)
    seconds = time.process_time() - started
    found = {name: report["folded"][name] for name in ("t", "rotations", "two_qubit", "t_depth")}
    if ancillae:
        return {**found, "ancillae": report["ancillae"], "cpu_s": seconds}
    return {**found, "cpu_s": seconds, "made": None if found["rotations"] else written(made)}


def proof(text: str, made: str) -> str | None:
    """The name of the checker that finds the two equal; an error if one finds them different."""
    from qiskit import qasm2

    legacy = qasm2.LEGACY_CUSTOM_INSTRUCTIONS
    circuits = [qasm2.loads(each, custom_instructions=legacy) for each in (text, made)]
    if circuits[0].num_qubits <= UNITARY:
        from qiskit.quantum_info import Operator

        assert Operator(circuits[0]).equiv(Operator(circuits[1])), "not equal"
        return "unitary"
    if not is_installed("mqt.qcec"):
        return None
    found = importlib.import_module("mqt.qcec").verify(*circuits, timeout=10.0, transform_dynamic_circuit=False)
    said = str(found.equivalence)
    assert "not_equivalent" not in said, said
    return "qcec" if "no_information" not in said else None


def without_reads(path: Path) -> qmk_native.Circuit:
    """From the text with its Toffoli gates, which the others get in T gates."""
    circuit = qmk_native.read_qasm(path.read_text())
    ops, _, _ = circuit.rows()
    kept = [op for op in ops if qmk_native.KINDS[op[0]][0] != "measure"]
    return qmk_native.Circuit(circuit.n_qubits, 0, kept)


def by_peer(run: Callable[[str], str], _: Path, text: str) -> dict[str, Any]:
    started = time.process_time()
    made = run(text)
    seconds = time.process_time() - started
    return {**counts(qmk_native.read_qasm(made)), "cpu_s": seconds}


def by_tzap(text: str) -> str:
    tzap: Any = importlib.import_module("tzap")
    return tzap.optimize_qasm(text).qasm


def by_qiskit(text: str) -> str:
    from qiskit import qasm2, transpile

    return qasm2.dumps(transpile(qasm2.loads(text), basis_gates=BASIS, optimization_level=3, seed_transpiler=1))


def by_tket(text: str) -> str:
    from pytket import OpType
    from pytket.passes import AutoRebase, GreedyPauliSimp, RemoveRedundancies
    from pytket.qasm.qasm import circuit_from_qasm_str, circuit_to_qasm_str

    circuit = circuit_from_qasm_str(text)
    GreedyPauliSimp().apply(circuit)
    AutoRebase({OpType.CX, OpType.H, OpType.Rz, OpType.X, OpType.S, OpType.Sdg, OpType.Z}).apply(circuit)
    RemoveRedundancies().apply(circuit)
    return circuit_to_qasm_str(circuit, header="qelib1")


def by_pyzx(text: str) -> str:
    pyzx: Any = importlib.import_module("pyzx")
    graph = pyzx.Circuit.from_qasm(text).to_graph()
    return pyzx.Circuit.from_graph(pyzx.teleport_reduce(graph)).to_basic_gates().to_qasm()


QMK: dict[str, Run] = {
    "qmk": lambda _, text: by_qmk(qmk_native.read_qasm(text), 2),
    "qmk, effort 3": lambda _, text: by_qmk(qmk_native.read_qasm(text), 3),
    "qmk with ancillae": lambda path, _: by_qmk(without_reads(path), 2, ancillae=True),
}
PEERS: dict[str, tuple[str, Run]] = {
    "tzap": ("tzap", functools.partial(by_peer, by_tzap)),
    "tket GreedyPauliSimp": ("pytket", functools.partial(by_peer, by_tket)),
    "pyzx teleport_reduce": ("pyzx", functools.partial(by_peer, by_pyzx)),
    "qiskit level 3": ("qiskit", functools.partial(by_peer, by_qiskit)),
}


def is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # not even the package that it is in
        return False


def apart(work: Callable[[], Any], cpu_s: int) -> Any:
    """What ``work`` gives in a copy of this process, None if it takes more processor time or fails.

    This process has run no compiler of others: their threads do not survive being copied."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
        try:
            with os.fdopen(writing, "w") as out:
                json.dump(work(), out)
        except Exception as error:
            print(f"  failed: {type(error).__name__}: {str(error)[:300]}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answers:
        text = answers.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else None


def folded(folder: Path, names: Sequence[str], cpu_s: int, known: dict[str, Any]) -> list[dict[str, Any]]:
    """``known``: rows of an earlier run by circuit, whose peers are not run again."""
    runs = {**QMK, **{name: run for name, (package, run) in PEERS.items() if importlib.util.find_spec(package)}}
    for package, _ in PEERS.values():
        if importlib.util.find_spec(package):
            importlib.import_module(package)
    rows: list[dict[str, Any]] = []
    for name in names:
        path = folder / f"{name}.qasm"
        text = apart(lambda path=path: plain(path), 60)
        row: dict[str, Any] = {"circuit": name, "raw": counts(qmk_native.read_qasm(text))}
        for who, run in runs.items():
            if who in PEERS and name in known:
                row[who] = known[name].get(who)
                continue
            row[who] = found = apart(lambda run=run, path=path, text=text: run(path, text), cpu_s)
            made = (found or {}).pop("made", None)
            if made is not None:
                found["proved"] = apart(lambda text=text, made=made: proof(text, made), cpu_s)
        rows.append(row)
        print(json.dumps(row), flush=True)
    return rows


def in_all(found: dict[str, Any] | None) -> float:
    return math.inf if found is None else found["t"] + ROTATION * found["rotations"]


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """On how many circuits QMK is best or equal, and below the least of the peers."""
    best = {row["circuit"]: min(in_all(row.get(peer)) for peer in PEERS) for row in rows}
    own = {row["circuit"]: min(in_all(row.get(who)) for who in QMK) for row in rows}
    plainly = {row["circuit"]: in_all(row["qmk"]) for row in rows}
    gates: list[str] = []
    for row in rows:
        same = [row[peer]["two_qubit"] for peer in PEERS if row.get(peer) and in_all(row[peer]) == best[row["circuit"]]]
        if row["qmk"] and (not same or row["qmk"]["two_qubit"] <= min(same)):
            gates.append(row["circuit"])
    return {
        "circuits": len(rows),
        "best_or_equal": sum(own[name] <= best[name] for name in own),
        "best_or_equal_without_ancillae": sum(plainly[name] <= best[name] for name in own),
        "below": [name for name in own if own[name] < best[name]],
        "two_qubit_no_more_than_best_peer": gates,
    }


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
    parser.add_argument("--circuits", nargs="*", default=[*ARITHMETIC, *HAMILTONIANS, *OTHERS])
    parser.add_argument("--cpu", type=int, default=60, help="seconds of processor time of a case")
    parser.add_argument("--angles", type=int, default=1000, help="random angles that are synthesized")
    parser.add_argument("--peers", type=Path, help="results of an earlier run, whose figures of peers are taken")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    missing = [peer for peer, (package, _) in PEERS.items() if importlib.util.find_spec(package) is None]
    if missing:
        print("not installed:", ", ".join(missing), file=sys.stderr)
    known = {row["circuit"]: row for row in json.loads(args.peers.read_text())["rows"]} if args.peers else {}
    rows = folded(args.folder, args.circuits, args.cpu, known)
    found = summary(rows)
    print(json.dumps(found, indent=1))
    rotations = synthesized(args.angles)
    if args.json:
        packages = [name for name in ("tzap", "pytket", "pyzx", "qiskit", "mqt.qcec") if is_installed(name)]
        versions = {name: version(name) for name in packages}
        results.write(args.json, rows, versions, synthesis=rotations, missing=missing, summary=found)


if __name__ == "__main__":
    main()
