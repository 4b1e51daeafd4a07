"""Braket's OpenQASM as ours: its gates to a global phase, lines with their numbers, bits with their qubits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.gateway.braket.openqasm import GATES, measured_qubits, prepare
from qmk.gateway.braket.results import bits_of

MATRICES: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "data" / "gateway" / "braket_gates.json").read_text()
)


def test_every_gate_has_a_matrix_to_compare_with() -> None:
    assert set(GATES) <= set(MATRICES)


@pytest.mark.parametrize("name", MATRICES)
def test_gate_is_brakets(name: str) -> None:
    """Half of a maximally entangled state passes the gate: its amplitudes are the matrix. Qubit 0 of Braket's matrices
    is the most significant bit."""
    row = MATRICES[name]
    wanted = np.array(row["real"]) + 1j * np.array(row["imag"])
    size = int(np.log2(len(wanted)))
    angles = f"({', '.join(map(str, row['angles']))})" if row["angles"] else ""
    lines = [f"OPENQASM 3.0;\nqubit[{2 * size}] q;"]
    lines += [f"h q[{at}]; cnot q[{at}], q[{at + size}];" for at in range(size)]
    operands = ", ".join(f"q[{at}]" for at in range(size))
    lines.append(f"{name}{angles} {operands};")
    text = prepare("\n".join(lines)).rpartition("\nbit[")[0]
    amplitudes = np.asarray(qmk.state(text)).reshape((2,) * (2 * size))
    found = amplitudes.reshape(2**size, 2**size) * np.sqrt(2**size)
    overlap = np.trace(found.conj().T @ wanted) / 2**size
    assert abs(abs(overlap) - 1) < 1e-9
    assert np.allclose(found * (overlap / abs(overlap)), wanted, atol=1e-9)


def test_lines_keep_their_numbers() -> None:
    source = "OPENQASM 3.0;\nqubit[2] q;\nbit[1] b;\nxy(0.1) q[0], q[1];\nnone q[0];\nb[0] = measure q[0];"
    with pytest.raises(QmkError) as caught:
        qmk.run(prepare(source), shots=1)
    assert caught.value.findings[0].line == 5


@pytest.mark.parametrize("pragma", ["noise bit_flip(0.1) q[0]", "result probability", "unitary([[1, 0], [0, 1]]) q[0]"])
def test_pragmas_that_matter_are_refused_where_they_stand(pragma: str) -> None:
    with pytest.raises(QmkError) as caught:
        prepare(f"OPENQASM 3.0;\nqubit[1] q;\n#pragma braket {pragma}\n")
    assert (caught.value.findings[0].rule, caught.value.findings[0].line) == ("BRAKET-01", 3)
    assert "pragma" in prepare("OPENQASM 3.0;\n#pragma braket verbatim\nqubit q;\n// #pragma braket noise x")


def test_a_gate_that_the_program_defines_is_its_own() -> None:
    text = prepare('OPENQASM 3.0;\ninclude "stdgates.inc";\ngate cnot a, b { cz a, b; }\nqubit[2] q;\ncnot q[0], q[1];')
    assert text.count("gate cnot") == 1
    assert text.count("stdgates.inc") == 1


def test_without_a_measurement_all_qubits_are_measured() -> None:
    text = prepare("OPENQASM 3.0;\nqubit[2] q;\nqubit r;\nx q[1];\nx r;")
    assert qmk.run(text, shots=3).counts == {"1 10": 3}
    assert measured_qubits(text, [("measured_q", 0), ("measured_q", 1), ("measured_r", 0)]) == [0, 1, 2]


@pytest.mark.parametrize(
    ("lines", "bits", "qubits"),
    [
        ("b[0] = measure q[2]; b[1] = measure r[0];", [("b", 0), ("b", 1)], [2, 3]),
        ("b = measure q;", [("b", 0), ("b", 1), ("b", 2)], [0, 1, 2]),
        ("b[0] = measure $7; // b[1] = measure q[0];", [("b", 0)], [7]),
        ("b[0] = measure q[0]; b[0] = measure q[1];", [("b", 0)], [0]),
        ("for uint i in [0:1] { b[i] = measure q[i]; }", [("b", 0), ("b", 1)], [0, 1]),
    ],
)
def test_bits_know_their_qubits(lines: str, bits: list[tuple[str, int]], qubits: list[int]) -> None:
    assert measured_qubits(f"OPENQASM 3.0; qubit[3] q; qubit[1] r; bit[3] b; {lines}", bits) == qubits


def test_bits_are_in_the_order_of_their_declarations() -> None:
    measured = "a[0] = measure q[0]; a[1] = measure q[1]; b[0] = measure q[2];"
    text = prepare(f"OPENQASM 3.0; bit[2] a; bit[1] b; qubit[3] q; x q[1]; {measured}")
    result = qmk.run(text, shots=1)
    bits, columns = bits_of(result)
    assert bits == [("a", 0), ("a", 1), ("b", 0)]
    [row] = result.rows()
    assert [row[at] for at in columns if at is not None] == ["0", "1", "0"]


def test_comments_that_do_not_end_take_no_time() -> None:
    text = "/*" * 2_000_000  # each was looked for its end: days
    assert prepare("OPENQASM 3.0;" + text).endswith(text)
