"""The native dense simulator against numpy: states, what is read off them, and distributions of random programs.

Statistical tests: with ``near``, a cell of probability p in ``shots`` samples fails by chance with probability below
1e-12 (Bernstein's inequality); the whole file compares fewer than 5e4 cells, so it fails falsely less than once in 1e7
runs. Outcomes of probability 0 must not occur at all.
"""

from __future__ import annotations

import math
from random import Random
from typing import Any, Literal

import numpy as np
import pytest
from qmk_native import DENSE_RATES, Adjoint, DensePlan, metric_tensor, read_qasm

from qmk.exact.simulator import exact_distribution
from qmk.ir.native_circuit import circuit_of
from qmk.ir.program import Gate, Measure, PauliNoise, Program, Register, Reset
from qmk.ir.unitary import apply, apply_gate
from tests.unit.native.random_programs import dynamic, gates, unitary

PRECISIONS: tuple[tuple[Literal["f32", "f64"], type[Any], float], ...] = (
    ("f32", np.complex64, 3e-5),
    ("f64", np.complex128, 1e-11),
)
PAULIS = {"I": np.eye(2), "X": np.array([[0, 1], [1, 0]]), "Y": np.array([[0, -1j], [1j, 0]]), "Z": np.diag([1, -1])}
BERNSTEIN = math.log(2e12)


def state_of(n, items):
    state = np.zeros((2,) * n, dtype=complex)
    state[(0,) * n] = 1
    for item in items:
        state = apply_gate(state, item)
    return state.reshape(-1)


def expected(state, n, pauli):
    moved = state.reshape((2,) * n)
    for qubit, letter in enumerate(pauli):
        moved = apply(moved, PAULIS[letter].astype(complex), (qubit,))
    return float(np.vdot(state, moved.reshape(-1)).real)


def near(found, probability, shots):
    spread = max(probability * (1 - probability), 0.0) * shots
    reach = math.sqrt(2 * spread * BERNSTEIN) + 2 * BERNSTEIN / 3
    return abs(found - probability * shots) <= reach


def agree(program, shots, seed, precision: Literal["f32", "f64"] = "f32", **options):
    exact = exact_distribution(program)
    counts = DensePlan(circuit_of(program), precision, **options).run(shots, seed).counts()
    assert sum(counts.values()) == shots
    assert all(exact.get(key, 0) > 1e-9 for key in counts), (seed, counts)
    assert all(near(counts.get(key, 0), p, shots) for key, p in exact.items()), (seed, counts, exact)


@pytest.mark.parametrize("seed", range(250))
def test_states_of_random_circuits(seed):
    dice = Random(seed)
    n, items = dice.randint(1, 9), []
    items = gates(dice, n, dice.choice((1, 3, 10, 40, 100)))
    circuit, reference = circuit_of(unitary(n, items)), state_of(n, items)
    for precision, dtype, error in PRECISIONS:
        found = np.frombuffer(DensePlan(circuit, precision).state(), dtype=dtype)
        assert np.abs(found - reference).max() < error


@pytest.mark.parametrize("seed", range(5))
def test_states_beyond_one_chunk_and_threads_change_no_bit(seed):
    dice = Random(1000 + seed)
    n = 18
    items = gates(dice, n, 60)
    circuit, reference = circuit_of(unitary(n, items)), state_of(n, items)
    for precision, dtype, error in PRECISIONS:
        one = DensePlan(circuit, precision).state()
        assert np.abs(np.frombuffer(one, dtype=dtype) - reference).max() < error
        assert DensePlan(circuit, precision, threads=3).state() == one


@pytest.mark.parametrize("block", range(20))
def test_distributions_of_random_dynamic_programs(block):
    for seed in range(25 * block, 25 * (block + 1)):
        agree(dynamic(seed), 3000, seed, ("f32", "f64")[seed % 2])


def test_a_wide_state_is_sampled_as_its_probabilities_say():
    n, items = 14, gates(Random(3), 14, 80)
    weights = np.abs(state_of(n, items)) ** 2
    shots = 20_000
    bits = np.frombuffer(DensePlan(circuit_of(unitary(n, items))).run(shots, 5).bits(), dtype=np.uint8)
    index = bits.reshape(shots, n) @ (1 << np.arange(n - 1, -1, -1))
    assert (weights[index] > 1e-12).all()
    for qubit in range(n):
        one = (np.arange(1 << n) >> (n - 1 - qubit)) & 1 == 1
        assert near(bits.reshape(shots, n)[:, qubit].sum(), weights[one].sum(), shots)
    for cell in np.argsort(weights)[-50:]:
        assert near((index == cell).sum(), weights[cell], shots)


def test_shots_of_a_branch_lie_anywhere():
    """Half of the shots read 1, and so does half of the first half of them."""
    program = Program(2, 2, (Gate("h", (0,)), Measure(0, 0), Gate("x", (1,), (), ("bit", 0)), Reset(0),
                             Measure(1, 1)), (Register("c", (0, 1)),), {})  # fmt: skip
    bits = np.frombuffer(DensePlan(circuit_of(program)).run(20_000, 1).bits(), dtype=np.uint8).reshape(-1, 2)
    assert (bits[:, 0] == bits[:, 1]).all()
    assert near(bits[:10_000, 0].sum(), 0.5, 10_000)


def test_the_same_seed_gives_the_same_bits():
    circuit = circuit_of(dynamic(77))
    runs = [DensePlan(circuit).run(500, seed).bits() for seed in (4, 4, 5)]
    assert runs[0] == runs[1] != runs[2]


def test_qubits_are_in_the_state_only_while_they_must_be():
    """A chain of 60 qubits, each entangled with its neighbour and then measured, needs two at a time."""
    items = [Gate("h", (0,))]
    for qubit in range(59):
        items += [Gate("cnot", (qubit, qubit + 1)), Gate("ry", (qubit + 1,), (0.3,)), Measure(qubit, qubit)]
    program = Program(60, 60, (*items, Measure(59, 59)), (Register("c", tuple(range(60))),), {})
    plan = DensePlan(circuit_of(program))
    assert plan.width == 2
    assert sum(plan.run(200, 1).counts().values()) == 200


def test_noise_in_few_shots_costs_few_branches():
    items = [Gate("h", (0,)), Gate("cnot", (0, 1))]
    items += [PauliNoise(q, 0.001, 0.0, 0.002) for _ in range(4) for q in range(2)]
    program = Program(2, 2, (*items, Measure(0, 0), Measure(1, 1)), (Register("c", (0, 1)),), {})
    agree(program, 20_000, 3)


def test_memory_is_known_and_refused_with_its_number():
    circuit = circuit_of(unitary(30, [Gate("rx", (q,), (0.1 + q,)) for q in range(30)]))
    with pytest.raises(MemoryError, match=str(8 << 30)):
        DensePlan(circuit, memory_limit=1 << 30)
    with pytest.raises(MemoryError, match=str(16 << 30)):
        DensePlan(circuit, "f64", memory_limit=1 << 30)
    assert DensePlan(circuit_of(unitary(20, gates(Random(1), 20, 200)))).memory_bytes(1000) == 8 << 20


def test_a_tree_that_memory_does_not_hold_is_walked_in_batches():
    program = dynamic(11)
    limit = DensePlan(circuit_of(program)).memory_bytes(1)
    for seed in range(8):
        agree(dynamic(seed), 2000, seed, memory_limit=max(limit, 2000 * 65))


@pytest.mark.parametrize("seed", range(40))
def test_what_is_read_off_a_state(seed):
    dice = Random(seed)
    n = dice.randint(1, 6)
    items = gates(dice, n, 20)
    plan, state = DensePlan(circuit_of(unitary(n, items)), "f64"), state_of(n, items)
    paulis = ["".join(dice.choice("IXYZ") for _ in range(n)) for _ in range(4)]
    assert np.allclose(plan.expectation(paulis), [expected(state, n, p) for p in paulis], atol=1e-10)
    strings = ["".join(dice.choice("01") for _ in range(n)) for _ in range(4)]
    assert np.allclose(plan.amplitudes(strings), [state[int(s, 2)] for s in strings], atol=1e-10)
    qubits = dice.sample(range(n), dice.randint(0, n))
    weights = (np.abs(state) ** 2).reshape((2,) * n).sum(axis=tuple(q for q in range(n) if q not in qubits))
    weights = np.transpose(weights, np.argsort(np.argsort(qubits))) if qubits else weights
    assert np.allclose(plan.probabilities(qubits), weights.reshape(-1), atol=1e-10)


def moved(items, point):
    angles = iter(point)
    return [Gate(g.name, g.qubits, tuple(next(angles) for _ in g.params)) for g in items]


@pytest.mark.parametrize("seed", range(30))
def test_gradients_are_slopes(seed):
    dice = Random(seed)
    n = dice.randint(2, 5)
    items = [g for g in gates(dice, n, 16) if g.name != "id"]
    paulis = [("".join(dice.choice("IXYZ") for _ in range(n)), dice.uniform(-1, 1)) for _ in range(3)]
    value, slopes = DensePlan(circuit_of(unitary(n, items)), "f64").gradient(paulis)

    def energy(point):
        state = state_of(n, moved(items, point))
        return sum(factor * expected(state, n, p) for p, factor in paulis)

    point = [angle for g in items for angle in g.params]
    assert value == pytest.approx(energy(point), abs=1e-10)
    assert len(slopes) == len(point)
    for k in range(0, len(point), 3):
        up, down = ([x + step * (j == k) for j, x in enumerate(point)] for step in (1e-5, -1e-5))
        assert slopes[k] == pytest.approx((energy(up) - energy(down)) / 2e-5, abs=1e-6)


@pytest.mark.parametrize("seed", range(10))
def test_a_circuit_prepared_once_has_gradients_at_any_angles(seed):
    dice = Random(seed)
    n = dice.randint(2, 5)
    items = [g for g in gates(dice, n, 16) if g.name != "id"]
    paulis = [("".join(dice.choice("IXYZ") for _ in range(n)), dice.uniform(-1, 1)) for _ in range(12)]
    circuit = circuit_of(unitary(n, items))
    wanted = [dice.random() < 0.5 for _ in circuit.params]
    every, some = Adjoint(circuit, paulis), Adjoint(circuit, paulis, wanted)
    for _ in range(3):
        point = [dice.uniform(-3, 3) for _ in circuit.params]
        value, slopes = DensePlan(circuit_of(unitary(n, moved(items, point))), "f64").gradient(paulis)
        assert every.gradient(point) == (value, slopes)
        assert every.value(point) == value
        found, part = some.gradient(point)
        assert found == value
        assert [slope for slope, kept in zip(part, wanted, strict=True) if kept] == [
            slope for slope, kept in zip(slopes, wanted, strict=True) if kept
        ]


def test_states_of_gradients_and_metrics_have_a_bound():
    circuit = circuit_of(unitary(12, [Gate("rx", (0,), (0.1,))]))
    with pytest.raises(MemoryError, match="131072 bytes"):
        Adjoint(circuit, [], None, 100_000)
    with pytest.raises(MemoryError, match="196608 bytes"):
        metric_tensor(circuit, [0.1], [[(0, 1.0)]], 1, 100_000)


@pytest.mark.parametrize("seed", range(20))
def test_sweeps_are_the_circuit_at_every_point(seed):
    dice = Random(seed)
    n = dice.randint(1, 5)
    items = gates(dice, n, 12)
    size = sum(len(g.params) for g in items)
    points = [[dice.uniform(-3, 3) for _ in range(size)] for _ in range(dice.choice((1, 5, 17)))]
    paulis = ["".join(dice.choice("IXYZ") for _ in range(n)) for _ in range(3)] + ["Z" * n]
    circuit = circuit_of(unitary(n, items))
    states = [state_of(n, moved(items, point)) for point in points]
    for precision, _, error in PRECISIONS:
        found = DensePlan(circuit, precision).sweep(points, paulis)
        assert np.allclose(found, [[expected(s, n, p) for p in paulis] for s in states], atol=error)  # pyright: ignore[reportArgumentType]
    for samples, state in zip(DensePlan(circuit).sweep(points, shots=500, seed=seed), states, strict=True):
        counts = samples.counts()  # pyright: ignore[reportAttributeAccessIssue]
        assert all(near(counts.get(f"{x:0{n}b}", 0), abs(state[x]) ** 2, 500) for x in range(1 << n))


def test_what_is_not_defined_is_refused():
    items = (Gate("h", (0,)), Measure(0, 0), Gate("x", (0,), (), ("bit", 0)))
    plan = DensePlan(circuit_of(Program(1, 1, items, (), {})))
    for ask in (plan.state, lambda: plan.gradient([("Z", 1.0)]), lambda: plan.sweep([[]], ["Z"])):
        with pytest.raises(ValueError, match="one final state"):
            ask()
    plan_circuit = circuit_of(unitary(2, [Gate("rx", (0,), (0.1,))]))
    plan = DensePlan(plan_circuit)
    wrong = (
        (lambda: plan.expectation(["X"]), "1 characters for 2 qubits"),
        (lambda: plan.expectation(["XQ"]), "none of I, X, Y, Z"),
        (lambda: plan.amplitudes(["2"]), "no string of 2 bits"),
        (lambda: plan.probabilities([0, 0]), "named twice"),
        (lambda: plan.probabilities([2]), "not in the circuit"),
        (lambda: plan.sweep([[]], ["ZZ"]), "a point of 0 parameters, where the circuit has 1"),
        (lambda: Adjoint(plan_circuit, [("Z", 1.0)]), "1 characters for 2 qubits"),
        (lambda: Adjoint(plan_circuit, [], [True, False]), "2 marks for 1 angles"),
        (lambda: Adjoint(plan_circuit, []).value([]), "0 angles, where the circuit has 1"),
        (lambda: Adjoint(plan_circuit, []).gradient([float("nan")]), "all must be finite"),
        (lambda: metric_tensor(plan_circuit, [0.1], [], 1), "factors of other angles"),
        (lambda: metric_tensor(plan_circuit, [0.1], [[(1, 1.0)]], 1), "factors of other angles"),
        (lambda: metric_tensor(plan_circuit, [], [[]], 1), "0 angles"),
        (lambda: plan.cost(1, {"speed": 1.0}), "rate 'speed'"),
        (lambda: DensePlan(read_qasm("qubit q;"), "f16"), "precision 'f16'"),  # pyright: ignore[reportArgumentType]
    )
    for ask, why in wrong:
        with pytest.raises(ValueError, match=why):
            ask()


def test_cost_follows_the_rates():
    plan = DensePlan(circuit_of(unitary(16, gates(Random(2), 16, 300))))
    half = {name: value / 2 if name.startswith("seconds") else value * 2 for name, value in DENSE_RATES.items()}
    assert plan.cost(1000, half) == pytest.approx(plan.cost(1000) / 2)
    assert plan.cost(100_000) > plan.cost(1000)


def test_circuits_with_nothing_in_them():
    assert DensePlan(read_qasm("OPENQASM 3; bit[2] c;")).run(3, 0).counts() == {"00": 3}
    assert DensePlan(circuit_of(unitary(2, []))).run(0, 0).counts() == {}
    assert np.frombuffer(DensePlan(circuit_of(unitary(1, [Gate("x", (0,))]))).state(), dtype=np.complex64)[1] == 1
