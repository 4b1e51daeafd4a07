"""Random circuits: as OpenQASM text and read again, they are the same program."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qmk
from qmk.circuit.declared import gate_methods
from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import Graph, digest
from qmk.qvm.verify import verify
from qmk.request.program import to_graph
from qmk.sdk.kit.programs import Case
from qmk.sdk.kit.random_programs import random_cases

QUBITS, BITS = 4, 3
GATES = [name for name, method in gate_methods().items() if 1 <= len(method.operands) <= QUBITS and name != "qasm_u"]
"""All gates but OpenQASM's own U, which is read as u and a phase."""

SEEDS = st.integers(0, 2**32 - 1)


def distribution(graph: Graph) -> dict[str, float]:
    assert verify(graph).error() is None
    return exact_distribution(lower(graph, ALL_GATES))


def gate(rng: random.Random, circuit: qmk.Circuit, angles: list[Any]) -> None:
    """Adds a random gate, now and then under a control, to a power or undone."""
    method = gate_methods()[rng.choice(GATES)]
    qubits = rng.sample(range(QUBITS), len(method.operands))
    free = [qubit for qubit in range(QUBITS) if qubit not in qubits]
    given = [rng.choice([rng.uniform(-4, 4), *angles]) for _ in method.params]
    keywords: dict[str, Any] = {}
    if free and rng.random() < 0.3:
        ctrl = rng.sample(free, rng.randint(1, len(free)))
        keywords |= {"ctrl": ctrl, "ctrl_state": "".join(rng.choice("01") for _ in ctrl)}
    if rng.random() < 0.2:
        keywords["power"] = rng.choice([-2, 0, 3, 5])
    elif rng.random() < 0.2:
        keywords["inverse"] = True
    circuit.apply(method.name, *given, *qubits, **keywords)


def flat(seed: int, angles: list[Any]) -> qmk.Circuit:
    """A circuit of gates, barriers and resets that measures each qubit once, at the end."""
    rng = random.Random(seed)
    circuit = qmk.Circuit({"q": QUBITS - 1, "a": None}, {"c": QUBITS})
    for _ in range(rng.randint(0, 12)):
        gate(rng, circuit, angles)
        if rng.random() < 0.1:
            circuit.reset(rng.randrange(QUBITS))
        if rng.random() < 0.1:
            circuit.barrier(*rng.sample(range(QUBITS), 2))
    return circuit.measure_all()


def dynamic(seed: int) -> qmk.Circuit:
    """A circuit with measurements and branches anywhere."""
    rng = random.Random(seed)
    circuit = qmk.Circuit(QUBITS, BITS).h(range(QUBITS))

    def body(depth: int) -> None:
        for _ in range(rng.randint(1, 4)):
            kind = rng.random()
            if kind < 0.5:
                gate(rng, circuit, [])
            elif kind < 0.7:
                circuit.measure(rng.randrange(QUBITS), rng.randrange(BITS), basis=rng.choice("XYZ"))
            elif kind < 0.8:
                circuit.assign(rng.randrange(BITS), condition(rng, circuit))
            elif depth:
                with circuit.if_(condition(rng, circuit)):
                    body(depth - 1)
                if rng.random() < 0.5:
                    with circuit.else_():
                        body(depth - 1)

    body(2)
    return circuit.measure([0, 1], [0, 1])


def condition(rng: random.Random, circuit: qmk.Circuit) -> Any:
    a, b, c = rng.sample(list(circuit.bits), 3)
    return rng.choice([a, ~a, a & b, a | ~b, a ^ b, (a & b) ^ c, circuit.bits.equals(rng.randrange(1 << BITS))])


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_the_text_of_a_flat_circuit_has_its_digest_and_its_bits(seed: int) -> None:
    theta, w = qmk.Parameter("theta"), qmk.Parameter("w", 2)
    circuit = flat(seed, [theta, 2 * theta - w[1], w[0] / 3])
    known = {name: size for name, size in {"theta": 0.37, "w": [0.11, -2.0]}.items() if name in circuit.parameters}
    text = circuit.to("qasm3")
    bound = circuit.bind(known)
    assert digest(to_graph(text, params=known)) == bound.digest == digest(circuit.to_graph(known))
    counts = qmk.sample(text, shots=40, seed=seed, params=known).counts
    assert qmk.sample(circuit, shots=40, seed=seed, params=known).counts == counts
    assert qmk.Circuit.from_text(bound.to("qasm3")) == bound


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_the_text_of_a_circuit_with_branches_has_its_distribution(seed: int) -> None:
    circuit = dynamic(seed)
    wanted = distribution(circuit.graph)
    assert distribution(to_graph(circuit.to("qasm3"))) == pytest.approx(wanted)
    assert distribution(qmk.Circuit.from_graph(circuit.graph).graph) == pytest.approx(wanted)


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_a_circuit_and_its_inverse_do_nothing(seed: int) -> None:
    rng = random.Random(seed)
    circuit = qmk.Circuit(QUBITS)
    for _ in range(6):
        gate(rng, circuit, [])
    assert abs(qmk.state(circuit + circuit.inverse())[0]) == pytest.approx(1)


@pytest.mark.parametrize("case", random_cases(24), ids=lambda case: case.name)
def test_random_graphs_are_read_with_their_meaning(case: Case) -> None:
    circuit = qmk.Circuit.from_graph(case.graph)
    assert distribution(circuit.graph) == pytest.approx(distribution(case.graph))
