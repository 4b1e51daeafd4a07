"""The matrix-product-state engine against a plain numpy state vector, and its bounds.

False failures: each comparison fails by chance with probability below 1e-9 (total variation distance of N shots over K
outcomes, with McDiarmid's inequality), so below 1e-7 for the file.
"""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
import qmk_native as native

from qmk.qvm.families import OPS

KINDS = {name: (number, qubits, params) for number, (name, qubits, params) in enumerate(native.KINDS)}
GATES = [name for name, (number, _, _) in KINDS.items() if number < KINDS["measure"][0]]


def row(name: str, qubits: list[int], params: list[float] | None = None, cbit: int = -1) -> tuple:
    return (KINDS[name][0], qubits, params or [], -1, cbit, -1)


def matrix(name: str, params: list[float]) -> np.ndarray:
    op = OPS[f"core.{name}"]
    return np.array(op.matrix(dict(zip([p.name for p in op.params], params, strict=True))), dtype=complex)


def probabilities(n: int, ops: list[tuple]) -> np.ndarray:
    """Of each basis state, qubit 0 = most significant bit."""
    state = np.zeros((2,) * n, dtype=complex)
    state[(0,) * n] = 1
    names = {number: name for name, (number, _, _) in KINDS.items()}
    for kind, qubits, params, *_ in ops:
        gate = matrix(names[kind], params).reshape((2,) * (2 * len(qubits)))
        k = len(qubits)
        state = np.moveaxis(np.tensordot(gate, state, axes=(range(k, 2 * k), qubits)), range(k), qubits)
    return np.abs(state.reshape(-1)) ** 2


def random_ops(n: int, length: int, dice: random.Random) -> list[tuple]:
    ops = []
    for _ in range(length):
        name = dice.choice([g for g in GATES if KINDS[g][1] <= n])
        _, qubits, params = KINDS[name]
        ops.append(row(name, dice.sample(range(n), qubits), [dice.uniform(-4, 4) for _ in range(params)]))
    return ops


def measured(n: int, ops: list[tuple]) -> native.Circuit:
    reads = [row("measure", [q], cbit=q) for q in range(n)]
    return native.Circuit(n, n, [*ops, *reads], registers=[("c", list(range(n)), False)])


@pytest.mark.parametrize("seed", range(40))
def test_samples_are_of_the_state_vectors_distribution(seed: int) -> None:
    dice = random.Random(seed)
    n, shots = dice.randint(1, 7), 20_000
    ops = random_ops(n, dice.randint(0, 40), dice)
    samples, (_, lost) = native.MpsPlan(measured(n, ops)).run(shots, seed)
    expected = probabilities(n, ops)
    found = np.zeros(2**n)
    for key, count in samples.counts().items():
        found[int(key, 2)] = count
    assert not found[expected < 1e-12].any()
    distance = 0.5 * np.abs(found / shots - expected).sum()
    assert distance <= math.sqrt(2**n / (4 * shots)) + math.sqrt(math.log(1e9) / (2 * shots))
    assert lost < 1e-10


def test_a_wide_state_of_little_entanglement_costs_little() -> None:
    ops = [row("h", [0]), *(row("cnot", [k, k + 1]) for k in range(299))]
    samples, (bond, _) = native.MpsPlan(measured(300, ops)).run(1000, 5)
    assert set(samples.counts()) == {"0" * 300, "1" * 300}
    assert bond == 2


@pytest.mark.parametrize("seed", range(10))
def test_no_bond_outgrows_the_bound_known_before_the_run(seed: int) -> None:
    plan = native.MpsPlan(measured(8, random_ops(8, 25, random.Random(seed))))
    assert plan.run(10, 1)[1][0] <= 2 ** plan.bounds(10)[0]


def test_far_partners_meet_and_every_qubit_keeps_its_bit() -> None:
    ops = [row("x", [3]), row("h", [0]), row("cnot", [0, 9]), row("cnot", [3, 7]), row("cnot", [9, 1])]
    keys = set(native.MpsPlan(measured(10, ops)).run(200, 1)[0].counts())
    assert keys == {"0001000100", "1101000101"}


def test_the_same_seed_gives_the_same_bits() -> None:
    plan = native.MpsPlan(measured(5, random_ops(5, 30, random.Random(2))))
    assert plan.run(500, 9)[0].bits() == plan.run(500, 9)[0].bits()
    assert plan.run(500, 9)[0].bits() != plan.run(500, 10)[0].bits()


def test_a_state_that_outgrows_its_bound_ends_without_an_answer() -> None:
    plan = native.MpsPlan(measured(10, random_ops(10, 200, random.Random(4))))
    with pytest.raises(MemoryError, match=r"a bond reached dimension \d+, 4 are allowed"):
        plan.run(10, 1, bond=4)
    with pytest.raises(TimeoutError, match="out of time after 0 of"):
        plan.run(10, 1, seconds=0.0)


def drifting(angle: float, times: int) -> native.Circuit:
    """Turns |00> towards |11> by steps so small that each is cut off; a third qubit keeps them apart."""
    return measured(3, [row("rxx", [0, 1], [angle]), row("cz", [1, 2])] * times)


def test_what_is_cut_off_again_and_again_adds_up_to_all_that_it_can_be() -> None:
    steps = 314
    samples, (bond, lost) = native.MpsPlan(drifting(math.pi / steps, steps)).run(100, 1, cut=1e-4)
    assert bond == 1
    assert samples.counts() == {"000": 100}  # where the state is |110>
    assert lost > 0.99


def test_a_chain_that_lost_too_much_gives_no_answer() -> None:
    plan = native.Plan(drifting(6e-7, 40_000), 10, "mps", rewrites=False)
    with pytest.raises(MemoryError, match="what was cut off"):
        plan.run(10, 1)


def test_shots_without_room_are_refused_before_the_run() -> None:
    circuit = measured(4, [row("h", [0]), row("cnot", [0, 3])])
    with pytest.raises(MemoryError, match="bytes of outcomes are needed"):
        native.MpsPlan(circuit).run(10**13, 1)
    with pytest.raises(MemoryError, match="bytes of outcomes are needed"):
        native.Plan(circuit, 10, "mps", rewrites=False).run(10**13, 1)


def test_a_chain_that_cannot_grow_has_no_time_limit() -> None:
    circuit = measured(20, [row("h", [0]), *(row("cnot", [k, k + 1]) for k in range(19))])
    plan = native.Plan(circuit, 10, "mps", rewrites=False)
    assert not plan.may_fail
    assert plan.cost(10**10) == native.MpsPlan(circuit).bounds(10**10)[1] > 60


@pytest.mark.parametrize(
    ("ops", "why"),
    [
        ([row("reset", [0])], "op 0 is a reset"),
        ([row("measure", [0], cbit=0), row("x", [0])], "qubit 0 after its measurement"),
        ([row("noise", [0], [0.1, 0, 0])], "op 0 is a noise"),
    ],
)
def test_what_it_cannot_run_is_refused_by_name(ops: list[tuple], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        native.MpsPlan(native.Circuit(1, 1, ops, registers=[("c", [0], False)]))


def hidden(n: int, pairs: list[tuple[int, int]], steps: int, seed: int) -> tuple[list[int], list[tuple]]:
    """Ising steps on a graph whose vertices are qubits in a random order."""
    dice = random.Random(seed)
    names = dice.sample(range(n), n)
    ops = [row("h", [q]) for q in range(n)]
    for _ in range(steps):
        ops += [row("rzz", [names[a], names[b]], [dice.uniform(0.5, 2.5)]) for a, b in pairs]
        ops += [row("rx", [q], [dice.uniform(0.5, 2.5)]) for q in range(n)]
    return names, ops


@pytest.mark.parametrize("seed", range(30))
def test_reordered_qubits_keep_their_bits(seed: int) -> None:
    dice = random.Random(seed)
    n, shots = dice.randint(3, 7), 20_000
    pairs = [(k, dice.randrange(k)) for k in range(1, n)]
    ops = [*hidden(n, pairs, 2, seed)[1], *random_ops(n, dice.randint(0, 10), dice)]
    plan = native.MpsPlan(measured(n, ops)).reordered(shots)
    samples, (bond, _) = plan.run(shots, seed)
    assert bond <= 2 ** plan.bounds(shots)[0]
    expected = probabilities(n, ops)
    found = np.zeros(2**n)
    for key, count in samples.counts().items():
        found[int(key, 2)] = count
    assert not found[expected < 1e-12].any()
    distance = 0.5 * np.abs(found / shots - expected).sum()
    assert distance <= math.sqrt(2**n / (4 * shots)) + math.sqrt(math.log(1e9) / (2 * shots))


@pytest.mark.parametrize(
    ("n", "pairs", "steps", "bond"),
    [
        (40, [(2 * k, 2 * k + 1) for k in range(20)] + [(k, k + 2) for k in range(38)], 2, 4),
        (63, [(k, (k - 1) // 2) for k in range(1, 63)], 2, 8),
        (40, [(k, k + 1) for k in range(39)], 4, 4),
    ],
    ids=["ladder", "tree", "line"],
)
def test_a_hidden_graph_of_narrow_cuts_gets_a_low_bound(n: int, pairs: list, steps: int, bond: int) -> None:
    plan = native.MpsPlan(measured(n, hidden(n, pairs, steps, 7)[1])).reordered(1000)
    assert plan.bounds(1000)[0] <= bond
    assert plan.run(10, 1)[1][0] <= 2**bond


def test_a_route_looks_at_other_orders_only_for_what_takes_long() -> None:
    pairs = [(2 * k, 2 * k + 1) for k in range(20)] + [(k, k + 2) for k in range(38)]
    circuit = measured(40, hidden(40, pairs, 2, 7)[1])
    routed = native.Plan(circuit, 100, "mps")
    assert routed.candidates[0]["width"] <= 4
    assert sum(routed.run(100, 1)[0].counts().values()) == 100
    small = native.Plan(measured(14, [row("h", [0]), row("t", [0])]), 100)
    assert not {"mps", "cut"} & {candidate["method"] for candidate in small.candidates}


def layers_of_su4(n: int, depth: int, dice: random.Random) -> list[tuple]:
    """Haar-like gates on random pairs: three two-qubit rotations between turns of each qubit."""
    ops: list[tuple] = []
    turn = lambda q: row("u", [q], [dice.uniform(-3, 3) for _ in range(3)])  # noqa: E731
    for _ in range(depth):
        order = dice.sample(range(n), n)
        for a, b in zip(order[::2], order[1::2], strict=False):
            ops += [turn(a), turn(b)]
            ops += [row(name, [a, b], [dice.uniform(-3, 3)]) for name in ("rxx", "ryy", "rzz")]
            ops += [turn(a), turn(b)]
    return ops


def random_strings(n: int, count: int, dice: random.Random) -> list[str]:
    return ["".join(dice.choice("IIXYZ") for _ in range(n)) for _ in range(count)]


@pytest.mark.parametrize("n", [1, 2, 5, 9, 12, 16])
def test_values_are_those_of_the_state_vector(n: int) -> None:
    dice = random.Random(n)
    ops = layers_of_su4(n, 3, dice) if n > 9 else layers_of_su4(n, 8, dice) + random_ops(n, 40, dice)
    circuit, strings = native.Circuit(n, 0, ops), random_strings(n, 60, dice)
    state = native.MpsPlan(circuit).reordered(1).evolve()
    wanted = native.DensePlan(circuit, "f64").expectation(strings)
    assert np.allclose(state.expectation(strings), wanted, rtol=0, atol=1e-10)
    assert state.error < 1e-8


def test_the_error_bounds_what_a_coarse_cut_changes() -> None:
    dice = random.Random(3)
    circuit, strings = native.Circuit(10, 0, layers_of_su4(10, 4, dice)), random_strings(10, 60, dice)
    wanted = np.array(native.DensePlan(circuit, "f64").expectation(strings))
    state = native.MpsPlan(circuit).evolve(cut=1e-3)
    off = np.abs(np.array(state.expectation(strings)) - wanted).max()
    assert 1e-4 < off <= state.error
    with pytest.raises(MemoryError, match="a bond reached dimension"):
        native.MpsPlan(circuit).evolve(bond=4)
    with pytest.raises(TimeoutError, match="out of time"):
        native.MpsPlan(circuit).evolve(seconds=1e-6)
    with pytest.raises(ValueError, match="not one letter"):
        state.expectation(["XX"])


def test_values_of_a_wide_state_are_those_of_aer() -> None:
    qiskit = pytest.importorskip("qiskit")
    aer = pytest.importorskip("qiskit_aer")
    info = pytest.importorskip("qiskit.quantum_info")
    n, dice = 30, random.Random(8)
    theirs, ops = qiskit.QuantumCircuit(n), []
    for _ in range(3):
        for q in range(n):
            angle = dice.uniform(-3, 3)
            theirs.ry(angle, q)
            ops.append(row("ry", [q], [angle]))
        for q in range(n - 1):
            angle = dice.uniform(-3, 3)
            theirs.rzz(angle, q, q + 1)
            ops.append(row("rzz", [q, q + 1], [angle]))
    pairs = dice.sample(range(n - 1), 6)
    strings = ["I" * k + "XZ" + "I" * (n - k - 2) for k in pairs] + ["Y" * n, "Z" + "I" * (n - 2) + "X"]
    for k, text in enumerate(strings):
        theirs.save_expectation_value(info.Pauli(text[::-1]), range(n), label=str(k))
    data = aer.AerSimulator(method="matrix_product_state").run(theirs).result().data()
    found = native.MpsPlan(native.Circuit(n, 0, ops)).evolve().expectation(strings)
    assert np.allclose(found, [data[str(k)] for k in range(len(strings))], rtol=0, atol=1e-7)
