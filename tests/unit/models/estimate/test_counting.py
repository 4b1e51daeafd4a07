"""Logical counts of programs, by the rules that ``counting`` states."""

from __future__ import annotations

import pytest

import qmk
from qmk.api.estimating import logical_counts

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def of(body: str, qubits: int = 3) -> tuple[int, int, int, int, int]:
    found = logical_counts(f"{HEAD}qubit[{qubits}] q;\n{body}")
    return found.t_count, found.rotation_count, found.rotation_depth, found.ccz_count, found.measurement_count


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("h q[0]; s q[1]; cx q[0], q[1]; rz(pi/2) q[2];", (0, 0, 0, 0, 0)),
        ("t q[0]; tdg q[1]; rz(pi/4) q[2]; rx(-3*pi/4) q[0];", (4, 0, 0, 0, 0)),
        ("ccx q[0], q[1], q[2]; cswap q[0], q[1], q[2];", (0, 0, 0, 2, 0)),
        ("rz(0.1) q[0]; rz(0.2) q[1]; rz(0.3) q[2];", (0, 3, 1, 0, 0)),
        ("rz(0.1) q[0]; cx q[0], q[1]; rz(0.2) q[1];", (0, 2, 2, 0, 0)),
        ("t q[0]; cx q[0], q[1]; rz(0.2) q[1]; rz(0.3) q[2];", (1, 2, 2, 0, 0)),
        ("t q[0]; t q[1]; t q[0];", (3, 0, 0, 0, 0)),
        ("U(0.1, 0.2, 0.3) q[0];", (0, 3, 3, 0, 0)),
        ("U(0, 0.2, 0.3) q[0];", (0, 1, 1, 0, 0)),
        ("U(0.1, pi/2, pi/4) q[0];", (1, 1, 1, 0, 0)),
        ("ch q[0], q[1];", (2, 0, 0, 0, 0)),
        ("crz(0.4) q[0], q[1];", (0, 2, 2, 0, 0)),
        ("cp(pi/2) q[0], q[1];", (3, 0, 0, 0, 0)),
        ("bit c; c = measure q[0]; if (c == 1) { t q[1]; } reset q[0];", (1, 0, 0, 0, 1)),
        ("ctrl(2) @ x q[0], q[1], q[2];", (0, 0, 0, 1, 0)),
    ],
)
def test_counts(body: str, expected: tuple[int, ...]) -> None:
    assert of(body) == expected


def test_a_gate_without_a_cost_of_its_own_is_refused() -> None:
    with pytest.raises(qmk.QmkError, match="controls"):
        of("ctrl(3) @ h q[0], q[1], q[2], q[3];", qubits=4)


def test_qubits_are_those_alive_at_once() -> None:
    text = "ALLOC_LQ n=2 -> a, b\nFREE_LQ a\nALLOC_LQ n=1 -> c\nMEASURE_Z c -> m\nMEASURE_Z b -> k\n"
    try:
        found = logical_counts(text, format="qvm-asm")
    except qmk.QmkError:
        pytest.fail("the program should be read")
    assert (found.qubits, found.measurement_count) == (2, 2)


def test_an_estimate_from_a_program_is_that_of_its_counts() -> None:
    program = f"{HEAD}qubit[2] q;\nbit[2] c;\nt q[0];\ncx q[0], q[1];\nc = measure q;\n"
    params = {"qubitParams": {"name": "qubit_gate_ns_e4"}, "errorBudget": 1e-9}
    direct = qmk.estimate({"numQubits": 2, "tCount": 1, "measurementCount": 2}, params)
    found = qmk.estimate(program, params)
    assert isinstance(found, qmk.Estimate)
    assert isinstance(direct, qmk.Estimate)
    assert found.to_dict() == direct.to_dict()
