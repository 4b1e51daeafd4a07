"""Circuits placed on coupled sites: every gate on a coupled pair, the same unitary, the same distribution of bits."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
import qmk_native

from tests.unit.native.rewrite_cases import GATES, KINDS, NUMBER, Case, distance, distribution, final_state, random_case

stim = pytest.importorskip("stim", reason="stim is the judge of large Clifford circuits: pip install stim")

ERROR = 1e-9
Pairs = list[tuple[int, int]]

LINE: Pairs = [(k, k + 1) for k in range(8)]
GRID: Pairs = [*((k, k + 1) for k in range(8) if k % 3 != 2), *((k, k + 3) for k in range(6))]
STAR: Pairs = [(0, k) for k in range(1, 9)]
RING: Pairs = [(k, (k + 1) % 9) for k in range(9)]
DEVICES = {"line": LINE, "grid": GRID, "star": STAR, "ring": RING}


def assert_coupled(circuit: Any, pairs: Pairs) -> None:
    coupled = {frozenset(pair) for pair in pairs}
    for kind, qubits, *_ in circuit.rows()[0]:
        name = KINDS[kind][0]
        assert len(qubits) < 2 or name == "noise2" or frozenset(qubits) in coupled, (name, qubits)


def random_unitary(n: int, seed: int) -> Case:
    dice = random.Random(seed)
    case = Case(n)
    names = dice.choice(
        ([g[0] for g in GATES], ["cp", "h", "rzz", "t"], ["cnot", "h", "t", "swap"], ["toffoli", "h", "cz"])
    )
    fits = {name: (qubits, angles) for name, qubits, angles in GATES if qubits <= n}
    for _ in range(dice.randrange(5, 50)):
        name = dice.choice([name for name in names if name in fits])
        qubits, angles = fits[name]
        params = tuple(dice.choice((dice.uniform(-4, 4), math.pi / 2, math.pi)) for _ in range(angles))
        case.gate(name, *dice.sample(range(n), qubits), params=params)
    return case


def on_sites(state: np.ndarray, sites: list[int], n: int) -> np.ndarray:
    """A state with qubit q at ``sites[q]``, the other sites in |0>."""
    rest = [site for site in range(n) if site not in sites]
    zeros = np.zeros((2,) * len(rest), dtype=complex)
    zeros[(0,) * len(rest)] = 1
    return np.moveaxis(np.multiply.outer(state, zeros), range(n), [*sites, *rest])


def zero_state(n: int) -> np.ndarray:
    state = np.zeros((2,) * n, dtype=complex)
    state[(0,) * n] = 1
    return state


@pytest.mark.parametrize("device", DEVICES)
def test_the_unitary_is_the_same_up_to_where_qubits_end(device: str) -> None:
    """Each of four qubits begins entangled with one that no gate of the random circuit uses, which makes the final
    state a copy of the unitary."""
    for seed in range(40):
        body = random_unitary(4, seed)
        case = Case(8)
        for qubit in range(4):
            case.gate("h", qubit)
            case.gate("cnot", qubit, qubit + 4)
        case.ops += body.ops
        wanted = final_state(case.circuit(), zero_state(8))
        for circuit, first, last, facts in qmk_native.place(case.circuit(), 9, DEVICES[device], seed=seed, trials=6):
            assert_coupled(circuit, DEVICES[device])
            assert len(set(first)) == len(set(last)) == 8
            found = final_state(circuit, zero_state(9))
            assert abs(abs(np.vdot(on_sites(wanted, last, 9), found)) - 1) < ERROR, f"seed {seed}"
            assert facts["swaps"] >= 0


@pytest.mark.parametrize("device", DEVICES)
def test_the_state_of_random_circuits_is_the_same(device: str) -> None:
    for seed in range(60):
        case = random_unitary(2 + seed % 7, 1000 + seed)
        wanted = final_state(case.circuit(), zero_state(case.n_qubits))
        for circuit, _, last, _ in qmk_native.place(case.circuit(), 9, DEVICES[device], seed=seed, trials=8):
            assert_coupled(circuit, DEVICES[device])
            found = final_state(circuit, zero_state(9))
            assert abs(abs(np.vdot(on_sites(wanted, last, 9), found)) - 1) < ERROR, f"seed {seed}"


@pytest.mark.parametrize("commute", [True, False])
def test_measurements_conditions_resets_and_noise_keep_their_distribution(commute: bool) -> None:
    for seed in range(150):
        circuit = random_case(seed).circuit()
        pairs: Pairs = [(k, k + 1) for k in range(5)]
        for placed, _, _, _ in qmk_native.place(circuit, 6, pairs, seed=seed, trials=4, keep=1, commute=commute):
            assert_coupled(placed, pairs)
            assert distance(distribution(circuit), distribution(placed)) < ERROR, f"seed {seed}"


def clifford(n: int, count: int, seed: int) -> Case:
    dice = random.Random(seed)
    case = Case(n)
    for _ in range(count):
        if dice.random() < 0.5:
            case.gate(dice.choice(["h", "s", "sx", "y"]), dice.randrange(n))
        else:
            case.gate(dice.choice(["cnot", "cz", "swap", "iswap"]), *dice.sample(range(n), 2))
    return case


STIM = {"cnot": "CX", "cz": "CZ", "swap": "SWAP", "iswap": "ISWAP", "h": "H", "s": "S", "sx": "SQRT_X", "y": "Y"}


def stabilisers(circuit: Any) -> Any:
    simulator = stim.TableauSimulator()
    simulator.set_num_qubits(circuit.n_qubits)
    for kind, qubits, *_ in circuit.rows()[0]:
        simulator.do(stim.Circuit(f"{STIM[KINDS[kind][0]]} {' '.join(map(str, qubits))}"))
    return simulator


@pytest.mark.parametrize(("n", "side"), [(30, 6), (60, 8)])
def test_large_clifford_circuits_have_the_same_stabilisers(n: int, side: int) -> None:
    pairs = [(k, k + 1) for k in range(side * side) if k % side != side - 1]
    pairs += [(k, k + side) for k in range(side * (side - 1))]
    for seed in range(3):
        circuit = clifford(n, 10 * n, seed).circuit()
        [(placed, _, last, _)] = qmk_native.place(circuit, side * side, pairs, seed=seed, trials=2, keep=1)
        assert_coupled(placed, pairs)
        found = stabilisers(placed)
        for string in stabilisers(circuit).canonical_stabilizers():
            there = stim.PauliString(side * side)
            for qubit in range(n):
                there[last[qubit]] = string[qubit]
            assert found.peek_observable_expectation(there * string.sign) == 1


def case_with_copies(seed: int) -> Case:
    """Qubits copied by CNOTs from |0>, with gates, measurements, conditions and noise between."""
    dice = random.Random(seed)
    case = Case(6)
    case.gate("h", 0)
    for step in range(dice.randrange(8, 30)):
        kind = dice.choice(("copy", "copy", "copy", "phase", "phase", "turn", "measure", "noise"))
        a, b = dice.sample(range(6), 2)
        if kind == "copy":
            case.gate("cnot", a, b)
        elif kind == "phase":
            name, qubits = dice.choice((("cz", (a, b)), ("t", (a,)), ("cp", (a, b)), ("rzz", (a, b))))
            case.gate(name, *qubits, params=(dice.uniform(-3, 3),) if name in ("cp", "rzz") else ())
        elif kind == "turn":
            case.gate(dice.choice(("h", "sx", "x")), a)
        elif kind == "measure" and case.n_cbits < 3:
            cbit = case.measure(a)
            case.gate(dice.choice(("x", "z", "h")), b, cond=case.cond("bit", cbit))
        elif kind == "noise" and step % 3 == 0:
            case.ops.append((NUMBER["noise"], [a], [0.1, 0.05, 0.02], -1, -1, -1))
    for qubit in range(6):
        case.measure(qubit)
    return case


@pytest.mark.parametrize("seed", range(120))
def test_gates_on_copies_keep_the_distribution(seed: int) -> None:
    circuit = case_with_copies(seed).circuit()
    wanted = distribution(circuit)
    for placed, _, _, _ in qmk_native.place(circuit, 9, STAR if seed % 2 else GRID, seed=seed, trials=6):
        assert_coupled(placed, STAR if seed % 2 else GRID)
        assert distance(wanted, distribution(placed)) < ERROR
    assert distance(wanted, distribution(qmk_native.spread(circuit))) < ERROR


def cat(n: int) -> Any:
    case = Case(n)
    case.gate("h", 0)
    for qubit in range(n - 1):
        case.gate("cnot", qubit, qubit + 1)
    return case.circuit()


def test_a_cat_state_needs_no_exchange_on_any_connected_device() -> None:
    """Each qubit is copied from whichever copy is beside it."""
    for pairs in DEVICES.values():
        placed, _, last, facts = qmk_native.place(cat(9), 9, pairs, trials=6)[0]
        assert (facts["swaps"], facts["two"]) == (0, 8)
        found = stabilisers(placed)
        assert found.peek_observable_expectation(stim.PauliString("X" * 9)) == 1
        assert len(set(last)) == 9
        for site in range(8):
            string = stim.PauliString(9)
            string[site] = string[site + 1] = "Z"
            assert found.peek_observable_expectation(string) == 1


def test_a_chain_of_copies_becomes_a_tree() -> None:
    circuit = qmk_native.spread(cat(128))
    metrics = qmk_native.circuit_metrics(circuit)
    assert (metrics["two_qubit_gates"], metrics["two_qubit_depth"]) == (127, 7)
    strings = {str(string) for string in stabilisers(circuit).canonical_stabilizers()}
    assert strings == {str(string) for string in stabilisers(cat(128)).canonical_stabilizers()}


def chain(n: int, pairs: Pairs) -> Any:
    case = Case(n)
    for a, b in pairs:
        case.gate("cz", a, b)
    return case.circuit()


def test_a_line_and_a_ring_need_no_exchange() -> None:
    for pairs in ([(k, k + 1) for k in range(8)], [(k, (k + 1) % 8) for k in range(8)]):
        placed, _, _, facts = qmk_native.place(chain(9, pairs), 9, GRID)[0]
        assert facts["swaps"] == 0
        assert facts["two"] == len(placed) == len(pairs)


def test_of_layouts_without_exchanges_the_best_sites_are_taken() -> None:
    errors = [(a, b, 0.001 if {a, b} == {6, 7} else 0.1) for a, b in LINE]
    [(_, first, _, _)] = qmk_native.place(chain(2, [(0, 1)]), 9, LINE, errors=errors)
    assert set(first) == {6, 7}
    case = Case(1)
    case.gate("h", 0)
    case.measure(0)
    readout = [0.2] * 9
    readout[4] = 0.01
    [(_, first, _, _)] = qmk_native.place(case.circuit(), 9, LINE, readout=readout)
    assert first == [4]


def test_the_seed_decides() -> None:
    circuit = random_unitary(8, 3).circuit()
    once, again, other = (qmk_native.place(circuit, 9, LINE, seed=seed, trials=5) for seed in (1, 1, 2))
    assert [(a[0].rows(), a[1:]) for a in once] == [(a[0].rows(), a[1:]) for a in again]
    assert len(other) >= 1


def test_more_trials_are_never_worse() -> None:
    circuit = random_unitary(9, 4).circuit()
    scores = []
    for trials in (1, 5, 40):
        _, _, _, facts = qmk_native.place(circuit, 9, RING, trials=trials)[0]
        scores.append(facts["two"] + 0.05 * facts["depth"])
    assert scores == sorted(scores, reverse=True)


def test_only_the_named_sites_are_used() -> None:
    sites = [0, 1, 3, 4, 6, 7]
    [(placed, first, _, _)] = qmk_native.place(chain(6, [(0, 1), (2, 3), (4, 5)]), 9, GRID, sites=sites)
    used = {qubit for _, qubits, *_ in placed.rows()[0] for qubit in qubits}
    assert used == set(first) == set(sites)


@pytest.mark.parametrize(
    ("n", "pairs", "device", "text"),
    [
        (3, [], (2, [(0, 1)]), "3 qubits: the device has 2 that can be used"),
        (3, [(0, 1), (1, 2), (0, 2)], (4, [(0, 1), (2, 3)]), "at most 2 connected"),
        (2, [(0, 1)], (2, [(0, 2)]), r"coupling \(0, 2\): sites are two different numbers below 2"),
        (2, [(0, 1)], (5000, []), "5000 sites: a device may have 4096"),
    ],
)
def test_what_does_not_fit_is_refused(n: int, pairs: Pairs, device: tuple[int, Pairs], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        qmk_native.place(chain(n, pairs), *device)
