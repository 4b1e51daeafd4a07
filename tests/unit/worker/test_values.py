"""Values beyond counts against numpy: every engine that has them, cones, gradients, sweeps, and what shots estimate.

Statistical tests: an estimate is at most 7 standard errors off, which a normal one exceeds with probability 3e-12; the
file compares fewer than 2000, so it fails falsely less than once in 1e8 runs.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from qmk.base.errors import QmkError
from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.ir.unitary import apply, apply_gate
from qmk.qvm import outputs as asked
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Outputs, Slot, Sweep, Values
from qmk.sdk import discovery
from qmk.sdk.kit.builder import Builder, when
from qmk.sdk.kit.channel_programs import channel_cases
from qmk.sdk.kit.random_programs import random_case
from qmk.worker.observed import measure_in_bases
from qmk.worker.runner import Runner
from qmk.worker.values import values_of

PAULIS = {
    "I": np.eye(2, dtype=complex),
    "X": np.array([[0, 1], [1, 0]], dtype=complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]).astype(complex),
}
SIGMAS = 7
OBSERVING = [
    (name, method)
    for name, declaration in sorted(discovery.engines().items())
    for method, can in declaration.methods.items()
    if "expectation" in can.outputs and "h" in can.gates and discovery.available(declaration).ok
]


def gates(seed: int, qubits: int = 4, nodes: int = 24, clifford: bool = False) -> Graph:
    return random_case(seed, clifford=clifford, dynamic=False, qubits=qubits, nodes=nodes).graph


def state_of(graph: Graph) -> np.ndarray[Any, Any]:
    program = lower(graph, ALL_GATES, whole=True)
    state = np.zeros((2,) * program.n_qubits, dtype=complex)
    state[(0,) * program.n_qubits] = 1
    for item in program.instructions:
        if hasattr(item, "params"):
            state = apply_gate(state, item)  # type: ignore[arg-type]
    return state


def expected(state: np.ndarray[Any, Any], text: str) -> float:
    moved = state
    for qubit, letter in enumerate(text):
        moved = apply(moved, PAULIS[letter], (qubit,))
    return float(np.vdot(state, moved).real)


def strings(seed: int, n: int, count: int) -> list[str]:
    dice = np.random.default_rng(seed)
    return ["".join(dice.choice(list("IXYZ"), n)) for _ in range(count)]


def values(engine: str, graph: Graph, outputs: Outputs, method: str = "", shots: int = 1000, seed: int = 1) -> Values:
    asked.require(outputs, graph, shots)
    return values_of(Runner(engine), graph, method, outputs, shots, seed)


@pytest.mark.parametrize(("engine", "method"), OBSERVING)
@pytest.mark.parametrize("seed", range(6))
def test_every_observing_engine_agrees_with_numpy(engine: str, method: str, seed: int) -> None:
    n = 4
    can = discovery.engine(engine).methods[method]
    graph = gates(seed, n, clifford=can.clifford)
    state = state_of(graph)
    texts = strings(seed, n, 4)
    bits = [f"{k:04b}" for k in range(16)]
    outputs = Outputs(
        expectations=(tuple((text, k + 1.0) for k, text in enumerate(texts)), ((texts[0], -2.0), ("IIII", 0.5))),
        state="state" in can.outputs,
        amplitudes=tuple(bits) if "amplitudes" in can.outputs else (),
        probabilities=((3, 0), (1,)),
    )
    found = values(engine, graph, outputs, method)
    (point,) = found.points
    assert found.exact
    exact = [sum((k + 1) * expected(state, text) for k, text in enumerate(texts)), 0.5 - 2 * expected(state, texts[0])]
    assert [e.value for e in point.expectations] == pytest.approx(exact, abs=1e-9)
    assert all(e.error == 0 for e in point.expectations)
    theirs = np.frombuffer(point.state, dtype="<c16")
    if "state" in can.outputs:
        assert abs(np.vdot(theirs, state.reshape(-1))) == pytest.approx(1, abs=1e-9)
    assert np.allclose([complex(*pair) for pair in point.amplitudes], theirs if point.amplitudes else [], atol=1e-9)
    square = np.abs(state) ** 2
    assert [p.value for p in point.probabilities[0]] == pytest.approx(square.sum(axis=(1, 2)).T.reshape(-1), abs=1e-9)
    assert [p.value for p in point.probabilities[1]] == pytest.approx(square.sum(axis=(0, 2, 3)), abs=1e-9)


def test_a_local_observable_needs_only_its_cone() -> None:
    b = Builder(60)
    for q in range(60):
        b.op("ry", q, theta=0.1 + q % 7)
    for layer in range(2):
        for q in range(layer, 59, 2):
            b.op("rzz", q, q + 1, theta=0.7)
            b.op("rx", q, theta=0.3)
    wide = b.graph()
    narrow = Builder(6)
    for q in range(6):
        narrow.op("ry", q, theta=0.1 + (27 + q) % 7)
    for layer in range(2):
        for q in range(27, 32):
            if q % 2 == layer:
                narrow.op("rzz", q - 27, q - 26, theta=0.7)
                narrow.op("rx", q - 27, theta=0.3)
    text = "".join("Z" if q in (29, 30) else "I" for q in range(60))
    outputs = Outputs(expectations=(((text, 1.0),),), probabilities=((30,),))
    (point,) = values("reference", wide, outputs).points
    state = state_of(narrow.graph())
    assert point.expectations[0].value == pytest.approx(expected(state, "IIZZII"), abs=1e-9)
    assert point.probabilities[0][1].value == pytest.approx(float((np.abs(state) ** 2)[:, :, :, 1].sum()), abs=1e-9)


@pytest.mark.parametrize("seed", range(30))
def test_values_from_cones_are_those_of_the_whole_program(seed: int) -> None:
    graph = gates(seed + 500, qubits=5, nodes=8)
    state = state_of(graph)
    texts = [text for text in strings(seed, 5, 12) if text.count("I") >= 2] + ["ZIIII", "IIXII", "IIIZZ"]
    (point,) = values("native", graph, Outputs(expectations=tuple(((t, 1.0),) for t in texts)), "auto").points
    assert [e.value for e in point.expectations] == pytest.approx([expected(state, t) for t in texts], abs=1e-9)
    groups = ((0,), (4, 2))
    (point,) = values("reference", graph, Outputs(probabilities=groups)).points
    square = np.abs(state) ** 2
    assert [p.value for p in point.probabilities[0]] == pytest.approx(square.sum(axis=(1, 2, 3, 4)), abs=1e-9)
    assert [p.value for p in point.probabilities[1]] == pytest.approx(
        square.sum(axis=(0, 1, 3)).T.reshape(-1), abs=1e-9
    )


def angled(a: float, b: float) -> Graph:
    made = Builder(3).op("ry", 0, theta=a).op("cnot", 0, 1).op("rz", 1, theta=2 * b - a).op("crx", 1, 2, theta=0.4 * b)
    made.op("u", 2, theta=a, phi=0.3, lam=b).op("cp", 0, 2, lam=b).op("rxx", 0, 1, theta=a + b)
    return made.measure_all().graph()


def angled_sweep(graph: Graph, *points: tuple[float, float]) -> Sweep:
    rows = [(0, "theta", ((0, 1.0),)), (2, "theta", ((1, 2.0), (0, -1.0))), (3, "theta", ((1, 0.4),))]
    rows += [(4, "theta", ((0, 1.0),)), (4, "lam", ((1, 1.0),)), (5, "lam", ((1, 1.0),))]
    rows += [(6, "theta", ((0, 1.0), (1, 1.0)))]
    nodes = [node.id for node in graph.nodes if node.op.startswith("core.") and node.op not in ("core.alloc",)]
    return Sweep(
        names=("a", "b"),
        slots=tuple(Slot(node=nodes[at], arg=arg, terms=terms) for at, arg, terms in rows),
        points=points,
    )


OBSERVABLE = (("ZZI", 0.5), ("XIY", 1.0), ("IXX", -0.7))


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_gradients_are_finite_differences(engine: str) -> None:
    method = "auto" if engine == "native" else ""
    a, b, step = 0.3, 0.7, 1e-5
    graph = angled(a, b)
    sweep = msgspec.structs.replace(angled_sweep(graph), points=())
    found = values(engine, graph, Outputs(expectations=(OBSERVABLE,), gradient=True, sweep=sweep), method)

    def at(x: float, y: float) -> float:
        state = state_of(angled(x, y))
        return sum(c * expected(state, text) for text, c in OBSERVABLE)

    slopes = [(at(a + step, b) - at(a - step, b)) / 2 / step, (at(a, b + step) - at(a, b - step)) / 2 / step]
    assert found.parameters == ["a", "b"]
    assert [s.value for s in found.points[0].gradients[0]] == pytest.approx(slopes, abs=1e-7)


def test_a_gradient_without_parameters_is_by_every_angle() -> None:
    graph = angled(0.3, 0.7)
    outputs = Outputs(expectations=(OBSERVABLE,), gradient=True)
    adjoint, shifted = values("native", graph, outputs, "auto"), values("reference", graph, outputs)
    assert adjoint.parameters == shifted.parameters
    assert len(adjoint.parameters) == 8
    left, right = ([s.value for s in found.points[0].gradients[0]] for found in (adjoint, shifted))
    assert left == pytest.approx(right, abs=1e-9)


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_a_gradient_stands_beside_other_values(engine: str) -> None:
    graph, method = angled(0.3, 0.7), "auto" if engine == "native" else ""
    observables = ((*OBSERVABLE, ("III", 0.25)), (("ZII", 1.0),))
    plain = Outputs(expectations=observables, probabilities=((1,),), state=True)
    alone = values(engine, graph, plain, method).points[0]
    together = values(engine, graph, msgspec.structs.replace(plain, gradient=True), method).points[0]
    assert together.state == alone.state
    assert [p.value for p in together.probabilities[0]] == [p.value for p in alone.probabilities[0]]
    assert [e.value for e in together.expectations] == pytest.approx([e.value for e in alone.expectations], abs=1e-12)
    assert len(together.gradients) == 2
    assert together.expectations[0].value == pytest.approx(
        0.25 + sum(c * expected(state_of(graph), text) for text, c in OBSERVABLE), abs=1e-12
    )


def test_a_measured_angle_has_no_rule() -> None:
    graph = Builder(1).op("mangle", 0, produces=["e"], theta=0.3).op("x", 0, guard=when("e")).graph()
    with pytest.raises(QmkError, match="no rule to derive") as refused:
        values("reference", graph, Outputs(expectations=((("Z", 1.0),),), gradient=True))
    assert refused.value.kind.name == "UNSUPPORTED"


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_a_sweep_is_the_program_at_every_point(engine: str) -> None:
    method = "auto" if engine == "native" else ""
    points = ((0.3, 0.7), (0.0, 1.0), (-2.0, 0.1))
    graph = angled(0.3, 0.7)
    outputs = Outputs(expectations=(OBSERVABLE, (("ZII", 1.0),)), sweep=angled_sweep(graph, *points))
    found = values(engine, graph, outputs, method, shots=200)
    for point, (a, b) in zip(found.points, points, strict=True):
        state = state_of(angled(a, b))
        exact = [sum(c * expected(state, text) for text, c in OBSERVABLE), expected(state, "ZII")]
        assert [e.value for e in point.expectations] == pytest.approx(exact, abs=1e-9)
        assert sum(point.counts.values()) == 200
    assert found.points[0].counts != found.points[1].counts


@pytest.mark.parametrize("engine", ["native", "reference", "aer"])
def test_estimates_are_as_far_off_as_their_errors_say(engine: str) -> None:
    if not discovery.available(discovery.engine(engine)).ok:
        pytest.fail(f"the suite needs {engine}")
    method = {"native": "auto", "aer": "statevector"}.get(engine, "")
    scores: list[float] = []
    for seed in range(40):
        graph = gates(seed % 8)
        state = state_of(graph)
        observable = tuple((text, k + 1.0) for k, text in enumerate(strings(seed, 4, 4)))
        outputs = Outputs(expectations=(observable,), probabilities=((1, 2),), sampled=True)
        found = values(engine, graph, outputs, method, shots=500, seed=seed)
        exact = sum(c * expected(state, text) for text, c in observable)
        (estimate,) = found.points[0].expectations
        assert not found.exact
        assert estimate.error > 0
        scores.append((estimate.value - exact) / estimate.error)
        square = (np.abs(state) ** 2).sum(axis=(0, 3)).reshape(-1)
        for chance, probability in zip(found.points[0].probabilities[0], square, strict=True):
            assert abs(chance.value - probability) < SIGMAS * max(chance.error, 1 / 500) + 10 / 500
    assert max(map(abs, scores)) < SIGMAS
    spread = math.sqrt(sum(score**2 for score in scores) / len(scores))
    assert 0.2 < spread < 2.2, "a chi-square of 40 is outside with probability below 1e-9"


def test_the_same_seed_gives_the_same_estimates() -> None:
    outputs = Outputs(expectations=(OBSERVABLE,), sampled=True)
    graph = angled(0.3, 0.7)
    first, again, other = (values("native", graph, outputs, "auto", seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def exact_mean(graph: Graph, text: str) -> float:
    """By following every branch."""
    can = discovery.engine("reference").methods[""]
    from qmk.worker.observed import final_state

    letters = {qubit: letter for qubit, letter in enumerate(text) if letter != "I"}
    program, _ = measure_in_bases(final_state(graph, can), letters, can)
    return sum(p * (-1) ** bits.count("1") for bits, p in exact_distribution(program).items())


@pytest.mark.parametrize("seed", range(8))
def test_programs_with_measurements_on_the_way_are_sampled(seed: int) -> None:
    graph = random_case(seed + 100, clifford=False, dynamic=True).graph
    text = "ZXYI" if seed % 2 else "IZZX"
    found = values("reference", graph, Outputs(expectations=(((text, 1.0),),)), shots=2000, seed=seed)
    (estimate,) = found.points[0].expectations
    assert abs(estimate.value - exact_mean(graph, text)) < SIGMAS * estimate.error + 1e-9


def test_teleportation_moves_the_expectation_values() -> None:
    b = Builder(3).op("ry", 0, theta=0.7).op("h", 1).op("cnot", 1, 2).op("cnot", 0, 1).op("h", 0)
    b.op("mz", 0, produces=["a"]).op("mz", 1, produces=["b"])
    b.op("x", 2, guard=when("b")).op("z", 2, guard=when("a"))
    outputs = Outputs(expectations=((("IIZ", 1.0),), (("IIX", 1.0),), (("IIY", 1.0),)))
    found = values("reference", b.graph(), outputs, shots=20_000)
    assert not found.exact
    for estimate, exact in zip(found.points[0].expectations, (math.cos(0.7), math.sin(0.7), 0.0), strict=True):
        assert abs(estimate.value - exact) < SIGMAS * estimate.error


def test_noise_of_channels_is_sampled_and_has_no_state() -> None:
    noisy = next(case.graph for case in channel_cases() if "noise" in case.needs or case.graph.chs)
    n = asked.n_qubits(noisy)
    found = values("reference", noisy, Outputs(expectations=((("Z" + "I" * (n - 1), 1.0),),)))
    assert not found.exact
    with pytest.raises(QmkError, match="ends in no single state"):
        values("reference", noisy, Outputs(state=True))


def test_a_final_measurement_in_another_basis_leaves_nothing_behind() -> None:
    graph = Builder(1).op("ry", 0, theta=0.4).op("mx", 0, produces=["e"]).graph()
    (point,) = values("reference", graph, Outputs(expectations=((("Z", 1.0),),))).points
    assert point.expectations[0].value == pytest.approx(math.cos(0.4), abs=1e-12)


def test_stabilizer_states_of_hundreds_of_qubits() -> None:
    n = 300
    b = Builder(n).op("h", 0)
    for q in range(n - 1):
        b.op("cnot", q, q + 1)
    graph = b.op("s", 3).graph()
    outputs = Outputs(
        expectations=((("Z" * n, 1.0),), (("XXXY" + "X" * (n - 4), 1.0),), (("X" * n, 1.0),)),
        amplitudes=("0" * n, "1" * n, "1" + "0" * (n - 1)),
        probabilities=((0, n - 1),),
    )
    (point,) = values("stabilizer", graph, outputs).points
    assert [e.value for e in point.expectations] == [1.0, 1.0, 0.0]
    assert np.allclose([complex(*z) for z in point.amplitudes], [math.sqrt(0.5), 1j * math.sqrt(0.5), 0])
    assert [p.value for p in point.probabilities[0]] == [0.5, 0.0, 0.0, 0.5]


def test_an_engine_without_states_says_so() -> None:
    with pytest.raises(QmkError, match="gives no state") as refused:
        values("native", gates(1), Outputs(state=True), "frame")
    assert refused.value.kind.name == "UNSUPPORTED"
