"""The benchmark of the compiler: which circuits it takes, what nobody may count, and its ratios."""

from __future__ import annotations

from pathlib import Path

import pytest
import qmk_native

from benchmarks.compiler.asked import Cache, best_of, key_of
from benchmarks.compiler.hamiltonians import NAMES, hamiltonian
from benchmarks.compiler.programs import circuit_of, visible
from benchmarks.compiler.table import better_peer, line, ratios, summary
from qmk.compiling.straight import rows_of

MEASURE = ("measure", [0], [], 0)


def test_there_are_thirty_circuits_of_hamiltonians() -> None:
    assert len(NAMES) == len(set(NAMES)) >= 30
    for name in NAMES:
        found = qmk_native.circuit_metrics(hamiltonian(name))
        assert found["two_qubit_gates"] > 0
        assert found["measurements"] == found["qubits"]


def test_a_generated_circuit_is_the_same_each_time() -> None:
    assert rows_of(hamiltonian(NAMES[0])) == rows_of(hamiltonian(NAMES[0]))


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        ([("cz", [0, 1], [], -1), MEASURE], 1),  # diagonal right before the measurement
        ([("cnot", [1, 2], [], -1), MEASURE], 1),  # on qubits that nothing reads
        ([("cz", [0, 1], [], -1), ("h", [0], [], -1), MEASURE], 3),
        ([("cnot", [1, 0], [], -1), MEASURE], 2),
        ([("cz", [0, 1], [], -1), ("cnot", [1, 2], [], -1)], 2),  # nothing is measured: all is wanted
    ],
)
def test_what_no_measurement_sees_is_taken_out(rows: list[tuple[str, list[int], list[float], int]], left: int) -> None:
    assert len(visible(rows)) == left


def test_a_circuit_with_feed_forward_is_not_taken(tmp_path: Path) -> None:
    text = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[1]; measure q[0] -> c[0]; if(c==1) x q[1];'
    (tmp_path / "some.qasm").write_text(text)
    assert circuit_of(str(tmp_path / "some.qasm")) is None


def test_ratios_are_to_the_better_peer() -> None:
    row = {
        "circuit": "some",
        "qubits": 3,
        "raw": 12,
        "qiskit": best_of([{"gates": 12, "depth": 8, "cpu_s": 1.0}, {"gates": 10, "depth": 9, "cpu_s": 3.0}], ""),
        "pytket": best_of([{"gates": 11, "depth": 6, "cpu_s": 1.0}], ""),
        "qmk2": best_of([{"gates": 5, "depth": 3, "cpu_s": 0.4}], ""),
    }
    assert better_peer(row) == "qiskit"
    assert ratios([row], "qmk2") == {"gates": [0.5], "depth": [0.5], "cpu": [0.1], "one": [0.2]}
    assert "gates 0.500" in summary([row], "qmk2")
    assert line(row, "qmk2")[4] == "10 / 9 (2)"
    none = {**row, "qiskit": best_of([], "more than 60 s"), "pytket": {"error": "no"}}
    assert better_peer(none) is None
    assert ratios([none], "qmk2")["gates"] == []


def test_what_peers_answered_is_kept(tmp_path: Path) -> None:
    rows = rows_of(hamiltonian(NAMES[0]))
    assert key_of("qiskit", rows, "line:9", 20) != key_of("qiskit", rows, "line:9", 5)
    assert key_of("pytket", rows, "line:9", 20) == key_of("pytket", rows, "line:9", 5)
    Cache(tmp_path / "kept.json").keep("one", {"gates": 1})
    assert Cache(tmp_path / "kept.json")["one"] == {"gates": 1}
