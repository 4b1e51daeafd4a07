"""OpenQASM 2 text of graphs: read again by us and by Qiskit, it is the same program."""

from __future__ import annotations

import random

import numpy as np
import pytest
from qiskit import qasm2
from qiskit.quantum_info import Operator

import qmk
from qmk.circuit.declared import gate_methods
from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.graph import Graph, digest
from qmk.request.program import to_graph

QUBITS = 5


def distribution(graph: Graph) -> dict[str, float]:
    return exact_distribution(lower(graph, ALL_GATES))


@pytest.mark.parametrize("name", sorted(name for name, op in FIXED_SIZE.items() if op.vqs.low))
def test_qiskit_reads_each_gate_as_its_matrix(name: str) -> None:
    op = FIXED_SIZE[name]
    angles = [0.3 * (k + 1) for k in range(len(op.params))]
    text = qmk.Circuit(op.vqs.low).apply(name, *angles, *range(op.vqs.low)).to("qasm2")
    assert op.matrix is not None
    wanted = np.array(op.matrix(dict(zip((param.name for param in op.params), angles, strict=True))))
    read = qasm2.loads(text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    assert Operator(read.reverse_bits()).equiv(Operator(wanted))


@pytest.mark.parametrize("seed", range(20))
def test_random_programs_are_the_same_when_read_again(seed: int) -> None:
    rng = random.Random(seed)
    circuit = qmk.Circuit({"q": QUBITS - 1, "a": None}, {"one": None, "two": 2, "c": QUBITS}).h(range(QUBITS))
    for _ in range(15):
        method = gate_methods()[rng.choice([name for name in gate_methods() if name != "gphase"])]
        kind = rng.random()
        if kind < 0.1:
            circuit.measure(rng.randrange(QUBITS), "one")
        elif kind < 0.2:
            circuit.reset(rng.randrange(QUBITS)).barrier(0, 1)
        else:
            angles = [rng.uniform(-4, 4) for _ in method.params]
            circuit.apply(method.name, *angles, *rng.sample(range(QUBITS), len(method.operands)))
        if kind < 0.1:
            break
    circuit.measure([0, 1], "two")
    with circuit.if_("two", rng.randrange(4)):
        circuit.x(2).h(3)
    with circuit.if_("one", rng.randrange(2)):
        circuit.sx(4)
    circuit.measure(range(QUBITS), "c")
    text = circuit.to("qasm2")
    assert distribution(to_graph(text)) == pytest.approx(distribution(circuit.graph))
    assert len(qasm2.loads(text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS).clbits) == QUBITS + 3


def test_a_flat_program_has_its_digest() -> None:
    circuit = qmk.Circuit(3).h(0).cx(0, 1).u(0.1, 0.2, 0.3, 2).p(0.1, 0).cp(0.2, 1, 2).sxdg(1).swap(0, 2).measure_all()
    assert digest(to_graph(circuit.to("qasm2"))) == circuit.digest


def refusals() -> dict[str, tuple[qmk.Circuit, str, str]]:
    part = qmk.Circuit(1, 2).measure(0, 0).measure(0, 1)
    with part.if_(0):
        part.x(0)
    again = qmk.Circuit(1).measure(0, "c").x(0).measure(0, "c")
    parity = qmk.Circuit(2).measure_all()
    parity.assign("p", parity.bits[0] ^ parity.bits[1])
    return {
        "controls": (qmk.Circuit(2).x(0, ctrl=1, ctrl_state="0"), "'x' with controls or a power", "qasm3"),
        "power": (qmk.Circuit(1).h(0, power=0.3), "'h' with controls or a power", "qasm3"),
        "noise": (qmk.Circuit(1).depolarize(0.1, 0), "noise.depolarize has no form in OpenQASM 2", "qvm-json"),
        "part": (part, "the condition is not the value of one whole register", "a register of its own"),
        "again": (again, "is in no register: OpenQASM 2 prints every bit, once", "of its own"),
        "table": (parity, "core.lut has no form in OpenQASM 2", "qasm3"),
    }


@pytest.mark.parametrize("name", refusals())
def test_what_has_no_form_is_refused(name: str) -> None:
    circuit, message, fix = refusals()[name]
    with pytest.raises(qmk.QmkError) as caught:
        circuit.to("qasm2")
    assert message in caught.value.findings[0].text()
    assert fix in caught.value.findings[0].help
