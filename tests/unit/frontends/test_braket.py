"""Amazon Braket's OpenQASM: its gates to the phase, its pragmas, and what is refused at which line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.frontends import recognise
from qmk.frontends.braket.channels import NOISE
from qmk.frontends.braket.gates import CORE, GATES
from qmk.frontends.openqasm.unitary import matrix_of
from qmk.request.program import to_graph

MATRICES: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "data" / "gateway" / "braket_gates.json").read_text()
)


def read(text: str, **params: Any) -> Any:
    return to_graph(text.encode(), "braket", params or None)


@pytest.mark.parametrize("name", sorted(MATRICES.keys() & GATES.keys()))
def test_gate_is_brakets_with_its_phase(name: str) -> None:
    row = MATRICES[name]
    gate = GATES[name]
    found = np.array(matrix_of(gate.make(*row["angles"]), gate.qubits))
    assert np.allclose(found, np.array(row["real"]) + 1j * np.array(row["imag"]), atol=1e-9)


def test_every_gate_has_a_matrix_to_compare_with() -> None:
    assert GATES.keys() - MATRICES.keys() <= {"u"}
    assert CORE["u"] == "u"


@pytest.mark.parametrize("fast", [True, False])
def test_flat_text_gives_the_same_graph_either_way(fast: bool) -> None:
    """A comment keeps a text from the native core."""
    calls = ""
    for name, gate in GATES.items():
        angles = f"({', '.join(['0.3'] * gate.params)})" if gate.params else ""
        calls += f"{name}{angles} {', '.join(f'q[{k}]' for k in range(gate.qubits))};\n"
    text = f"OPENQASM 3.0;\nqubit[3] q;\nh q;\n{calls}{'' if fast else '// x'}"
    plain = "OPENQASM 3.0;\nqubit[3] q;\nh q;\n" + "".join(f"i q[{k}];\n" for k in range(3)) + calls + "// y"
    assert abs(abs(np.vdot(qmk.state(read(text)), qmk.state(read(plain)))) - 1) < 1e-9


def test_pragmas_say_whose_text_it_is() -> None:
    assert recognise(b"OPENQASM 3.0;\nqubit q;\n#pragma braket result probability\n") == "braket"
    assert recognise(b"OPENQASM 3.0;\nqubit q;\n// #pragma braket result probability\n") == "qasm3"


def test_qubits_that_are_not_used_are_left_out_and_all_others_measured() -> None:
    graph = read("OPENQASM 3.0;\nqubit[3] q;\nqubit r;\nx q[1];\nx r;")
    assert graph.metadata["braket"] == {"qubits": [1, 3], "results": [], "implicit": True}
    assert qmk.run(graph, shots=3).counts == {"11": 3}
    graph = read("OPENQASM 3.0;\nx $7;\nh $2;\nh $2;\ncnot $7, $2;")
    assert graph.metadata["braket"]["qubits"] == [2, 7]
    assert qmk.run(
        "OPENQASM 3.0;\nx $7;\nh $2;\nh $2;\n#pragma braket verbatim\nbox { cnot $7, $2; }", shots=3
    ).counts == {"11": 3}


def test_only_registers_with_measurements_are_reported() -> None:
    text = "OPENQASM 3.0;\nqubit[2] q;\nbit[2] b;\nbit flag;\nx q[0];\n"
    text += "b[0] = measure q[0];\nflag = b[0];\nif (flag) { x q[1]; }"
    assert qmk.run(read(text), shots=2).counts == {"1": 2}
    assert qmk.run(read("OPENQASM 3.0;\nqubit[2] q;\nx q[1];\nmeasure q;"), shots=2).counts == {"10": 2}


@pytest.mark.parametrize("name", NOISE)
def test_noise_is_a_channel(name: str) -> None:
    count, qubits, make = NOISE[name]
    numbers = [0.1 * (k + 1) for k in range(count)]
    operands = ", ".join(f"q[{k}]" for k in range(qubits))
    text = f"qubit[2] q;\nh q;\n#pragma braket noise {name}({', '.join(map(str, numbers))}) {operands}\n"
    graph = read("OPENQASM 3.0;\n" + text)
    (node,) = [each for each in graph.nodes if each.op.startswith("noise")]
    assert (node.op, node.args) == make(*numbers)
    assert len(node.vqs) == qubits
    assert qmk.run(graph, shots=10).shots == 10


def test_unitaries_and_kraus_operators() -> None:
    text = "OPENQASM 3.0;\nqubit[2] q;\n#pragma braket unitary([[0, 1.0], [1im, 0]]) q[1]\nswap q[0], q[1];"
    assert qmk.run(
        text + "\n#pragma braket noise kraus([[0.6, 0], [0, 0.6]], [[0, 0.8], [0.8, 0]]) q[0]", shots=100
    ).shots
    assert np.allclose(abs(qmk.state(read(text))), [0, 0, 1, 0])


def test_results_are_noted() -> None:
    text = (
        "OPENQASM 3.0;\nqubit[3] q;\nh q[2];\ni q[0];\n"
        "#pragma braket result expectation hermitian([[0, -1im], [0 + 1im, 0]]) q[2] @ x(q[0])\n"
        '#pragma braket result amplitude "01", "10"\n#pragma braket result variance h all\n'
        "#pragma braket result adjoint_gradient expectation(2 * x(q[0]) @ z(q[2]) - 0.5 * y(q[0])) a, b\n"
    )
    notes = read(text).metadata["braket"]
    assert notes["qubits"] == [0, 2]
    first, second, third, fourth = notes["results"]
    matrix = [[[0.0, 0.0], [0.0, -1.0]], [[0.0, 1.0], [0.0, 0.0]]]
    assert first == {"type": "expectation", "observable": [matrix, "x"], "targets": [1, 0]}
    assert second["states"] == ["01", "10"]
    assert third == {"type": "variance", "observable": ["h"]}
    assert fourth["terms"] == [[2.0, ["x", "z"], [0, 1]], [-0.5, ["y"], [0]]]
    assert fourth["parameters"] == ["a", "b"]


WRONG = {
    "noise bit_flop(0.1) q[0]": "there is no channel",
    "noise bit_flip(0.1, 0.2) q[0]": "takes 1 number",
    "noise bit_flip(1.5) q[0]": "from 0 to 1",
    "noise two_qubit_dephasing(0.1) q[0]": "2 qubit",
    "noise kraus([[1, 0], [0, 1]]) q[0], q[1]": "does not fit 2",
    "noise bit_flip(0.1) r[0]": "not declared",
    "unitary([[1, 1], [1, 1]]) q[0]": "not unitary",
    "unitary([[1, 0], [0, 1]]) q[0], q[1]": "does not fit 2",
    "unitary([[1, 0], [0, 1]) q[0]": "expected",
    "unitary([[1, 0], [0, spam]]) q[0]": "not a number",
    "noise kraus([[1]]) q[0], q[0]": "twice",
    "result expectation w(q[0])": "not an observable",
    "result expectation x(q[0]) y(q[1])": "follows the observable",
    "result expectation x(q[0]) @ y(q)": "one qubit",
    "result amplitude 00, 2": "not bitstrings",
    "result spam": "not a result",
    "result probability $9": "nothing acts on",
    "result probability q[0": "not a qubit",
    "spam": "not a pragma",
}


@pytest.mark.parametrize("pragma", WRONG)
def test_a_wrong_pragma_is_refused_with_its_line(pragma: str) -> None:
    with pytest.raises(QmkError) as caught:
        read(f"OPENQASM 3.0;\nqubit[2] q;\nh q;\n#pragma braket {pragma}\ncnot q[0], q[1];")
    found = caught.value.findings[0]
    assert found.line == 4
    assert WRONG[pragma] in found.message


def test_pragmas_of_others_are_warned_of() -> None:
    graph = read("OPENQASM 3.0;\nqubit q;\n#pragma vendor fast\nh q;")
    assert graph.metadata["warnings"][0]["rule"] == "QASM3-025"


def test_inputs() -> None:
    text = "OPENQASM 3.0;\ninput float a;\nqubit q;\nrx(2 * a) q;\n#pragma braket result expectation z(q)"
    assert qmk.expectation(text, "Z", params={"a": 0.2}).value == pytest.approx(np.cos(0.4))
