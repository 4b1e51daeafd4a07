"""Evolutions with noise against the master equation, solved densely, and against Gaussian averages.

Where a mean over shots is compared, 5.2 standard errors are allowed: some 30 comparisons fail together with 6e-6.
"""

from __future__ import annotations

import itertools
import math
import pickle
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import expm

import qmk
from qmk.base.errors import QmkError
from qmk.engines.rydberg import DECLARATION
from qmk.engines.rydberg.engine import RydbergEngine
from qmk.ir.bits import finish
from qmk.ir.lower import lower
from qmk.qvm.graph import Graph, Guard, Node
from qmk.qvm.verify import verify
from qmk.router.features import features

GATES = DECLARATION.methods[""].gates
SIGMAS = 5.2
C6 = 5_420_000.0


def flat(value: float, duration: float) -> dict[str, list[float]]:
    return {"times": [0.0, duration], "values": [value, value]}


def graph(*evolutions: dict[str, Any], op: str = "analog.rydberg") -> Graph:
    atoms = len(evolutions[0]["positions"])
    names = tuple(f"a{k}" for k in range(atoms))
    nodes = [Node("load", "core.alloc", vqs=names)]
    nodes += [Node(f"evolve{k}", op, args, names) for k, args in enumerate(evolutions)]
    nodes += [Node(f"read{k}", "core.mz", vqs=(name,), produces=(f"e{k}",)) for k, name in enumerate(names)]
    made = Graph(nodes=tuple(nodes), vqs=names, events=tuple(f"e{k}" for k in range(atoms)), caps=("CAP_ALLOC",))
    assert verify(made).ok, verify(made).findings
    return made


def pulse(positions: list[list[float]], duration: float, noise: dict[str, float], **fields: float) -> dict[str, Any]:
    drive = {name: flat(value, duration) for name, value in fields.items()}
    return {"positions": positions, "c6": C6, "duration": duration, "drives": [drive], "noise": noise}


def rows(made: Graph, shots: int, seed: int) -> np.ndarray[Any, Any]:
    """What is read of every atom."""
    program = lower(made, GATES, loss_events=True)
    found = finish(program, RydbergEngine().prepare(program, "").run(shots, seed).bits, seed)
    return found[:, [program.events[f"e{k}"][0] for k in range(len(made.vqs))]]


def master(args: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Weights of g, r and lost of every atom, by the master equation of atoms with three levels g, r, lost; constant
    fields. shape (3,) * n."""
    n, levels = len(args["positions"]), 3
    drive, noise = args["drives"][0], args["noise"]

    def on(matrix: np.ndarray[Any, Any], atom: int) -> Any:
        return sparse.csr_array(np.kron(np.kron(np.eye(levels**atom), matrix), np.eye(levels ** (n - 1 - atom))))

    def unit(to: int, of: int) -> np.ndarray[Any, Any]:
        out = np.zeros((levels, levels))
        out[to, of] = 1.0
        return out

    size = levels**n
    hamiltonian, jumps = sparse.csr_array((size, size), dtype=complex), []
    phase = drive.get("phase", flat(0.0, 1.0))["values"][0]
    for atom in range(n):
        coupling = 0.5 * drive["amplitude"]["values"][0] * np.exp(1j * phase) * unit(0, 1)
        hamiltonian = hamiltonian + on(coupling + coupling.conj().T, atom)
        hamiltonian = hamiltonian - drive.get("detuning", flat(0.0, 1.0))["values"][0] * on(unit(1, 1), atom)
        for name, to, share in (("decay", 0, 1.0), ("loss", 2, 1.0), ("dephasing", 1, 2.0)):
            if rate := share * noise.get(f"{name}_per_us", 0.0):
                jumps.append(math.sqrt(rate) * on(unit(to, 1), atom))
    for a, b in itertools.combinations(range(n), 2):
        energy = args["c6"] / math.dist(args["positions"][a], args["positions"][b]) ** 6
        hamiltonian = hamiltonian + energy * on(unit(1, 1), a) @ on(unit(1, 1), b)
    rho = np.zeros((size, size), dtype=complex)
    rho[0, 0] = 1.0
    drift = -1j * hamiltonian - 0.5 * sum(jump.T @ jump for jump in jumps)

    def right(rho: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        half = drift @ rho  # rho is hermitian
        return half + half.conj().T + sum((jump @ (jump @ rho).T).T for jump in jumps)

    steps = 250  # Runge-Kutta of order four: 1e-7 here, checked against an exponential below
    h = args["duration"] / steps
    for _ in range(steps):
        k1 = right(rho)
        k2 = right(rho + 0.5 * h * k1)
        k3 = right(rho + 0.5 * h * k2)
        rho = rho + h / 6 * (k1 + 2 * k2 + 2 * k3 + right(rho + h * k3))
    return np.real(np.diagonal(rho)).reshape((levels,) * n)


def test_the_master_equation_is_that_of_a_decaying_atom() -> None:
    """Of one atom with light, its solution is the exponential of the Liouvillian of two levels."""
    args = pulse([[0.0, 0.0]], 1.1, {"decay_per_us": 0.6, "dephasing_per_us": 0.3}, amplitude=4.0, detuning=1.0)
    lower_, number = np.array([[0, 1], [0, 0]]), np.diag([0, 1])
    h = 2.0 * (lower_ + lower_.T) - 1.0 * number
    eye = np.eye(2)
    drift = -1j * (np.kron(h, eye) - np.kron(eye, h.T))
    for jump in (math.sqrt(0.6) * lower_, math.sqrt(0.6) * number):
        square = jump.T @ jump
        drift = drift + np.kron(jump, jump) - 0.5 * (np.kron(square, eye) + np.kron(eye, square))
    wanted = float(np.real(expm(1.1 * drift)[3, 0]))
    assert master(args)[1] == pytest.approx(wanted, abs=1e-7)


CHAIN = [[0.0, 0.0], [7.2, 0.0], [14.0, 1.0], [21.0, 0.5]]
OPEN = [
    (1, {"decay_per_us": 1.5}),
    (2, {"dephasing_per_us": 0.9}),
    (2, {"loss_per_us": 1.0}),
    (3, {"decay_per_us": 0.5, "dephasing_per_us": 0.7, "loss_per_us": 0.4}),
    (4, {"decay_per_us": 0.3, "loss_per_us": 0.5}),
]


@pytest.mark.parametrize(("atoms", "noise"), OPEN)
def test_counts_follow_the_master_equation(atoms: int, noise: dict[str, float]) -> None:
    """Of every outcome: a lost atom reads 0."""
    args = pulse(CHAIN[:atoms], 1.2, noise, amplitude=6.0, detuning=2.0, phase=0.4)
    shots = 4000
    bits = rows(graph(args), shots, 11)
    weights = master(args)
    assert weights.sum() == pytest.approx(1.0, abs=1e-9)
    for outcome in itertools.product((0, 1), repeat=atoms):
        chance = sum(weights[levels] for levels in itertools.product(*(((0, 2), (1,))[bit] for bit in outcome)))
        seen = (bits == outcome).all(axis=1).mean()
        assert seen == pytest.approx(chance, abs=SIGMAS * math.sqrt(chance * (1 - chance) / shots) + 2 / shots), outcome


def test_lost_atoms_are_counted_in_the_notes() -> None:
    args = pulse(CHAIN[:2], 1.2, {"loss_per_us": 1.0}, amplitude=6.0)
    samples = RydbergEngine().prepare(lower(graph(args), GATES), "").run(2000, 3)
    weights = master(args)
    mean = weights[2].sum() + weights[:, 2].sum()
    assert samples.notes["atoms_lost"] / 2000 == pytest.approx(mean, abs=SIGMAS * math.sqrt(2 * 0.25 / 2000))
    assert samples.notes["trajectories"] == 2000


def excited(amplitude: float, detuning: float, duration: float) -> float:
    """Rabi's formula."""
    total = math.hypot(amplitude, detuning)
    return (amplitude / total * math.sin(0.5 * total * duration)) ** 2


NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(60)


@pytest.mark.parametrize("alike", [True, False])
def test_shot_noise_of_amplitude_and_detuning_averages_rabi_oscillations(alike: bool) -> None:
    """Two atoms far apart. What all feel alike correlates them, what each feels for itself does not."""
    part = "" if alike else "_atom"
    noise = {f"amplitude{part}_sigma": 0.15, f"detuning{part}_sigma_rad_per_us": 2.5}
    args = pulse([[0.0, 0.0], [500.0, 0.0]], 0.9, noise, amplitude=7.0, detuning=1.0)
    shots = 6000
    bits = rows(graph(args), shots, 5)
    both = np.array([[excited(7.0 * (1 + 0.15 * a), 1.0 + 2.5 * d, 0.9) for a in NODES] for d in NODES])
    share = np.outer(WEIGHTS, WEIGHTS) / WEIGHTS.sum() ** 2
    mean, square = float((share * both).sum()), float((share * both**2).sum())
    joint = square if alike else mean**2
    for seen, chance in ((bits[:, 0], mean), (bits[:, 1], mean), (bits[:, 0] & bits[:, 1], joint)):
        assert seen.mean() == pytest.approx(chance, abs=SIGMAS * math.sqrt(chance * (1 - chance) / shots))
    assert abs(square - mean**2) > SIGMAS * 2 * math.sqrt(joint * (1 - joint) / shots)  # so the two cases differ


def test_a_shot_has_one_deviation_for_all_its_evolutions() -> None:
    """Two half turns under the same wrong amplitude are a whole turn under it, not two independent ones."""
    half = pulse([[0.0, 0.0]], 0.5, {"amplitude_sigma": 0.3}, amplitude=2 * math.pi)
    shots = 4000
    seen = rows(graph(half, half), shots, 9).mean()
    share = WEIGHTS / WEIGHTS.sum()
    turn = [math.sin(math.pi * (1 + 0.3 * a)) ** 2 for a in NODES]
    apart = [0.5 * (1 - math.cos(math.pi * (1 + 0.3 * a)) * math.cos(math.pi * (1 + 0.3 * b))) for a in NODES
             for b in NODES]  # fmt: skip
    chance = float(share @ turn)
    assert seen == pytest.approx(chance, abs=SIGMAS * math.sqrt(chance * (1 - chance) / shots))
    assert abs(float(np.outer(share, share).ravel() @ apart) - chance) > 0.05


def test_positions_move_the_blockade() -> None:
    """Two atoms where the interaction is about the amplitude, in every direction at once."""
    noise = {"position_sigma_um": 0.25, "position_sigma_z_um": 0.6}
    args = pulse([[0.0, 0.0], [9.0, 0.0]], 1.2, noise, amplitude=8.0)
    shots, nodes = 5000, 24
    seen = rows(graph(args), shots, 21)
    at, weight = np.polynomial.hermite_e.hermegauss(nodes)
    share = weight / weight.sum()
    wide, high = 0.25 * math.sqrt(2), 0.6 * math.sqrt(2)
    mean = 0.0
    for (x, p), (y, q), (z, s) in itertools.product(zip(at, share, strict=True), repeat=3):
        distance = math.sqrt((9.0 + wide * x) ** 2 + (wide * y) ** 2 + (high * z) ** 2)
        mean += p * q * s * pair(C6 / distance**6, 8.0, 1.2)
    both = seen.all(axis=1).mean()
    assert both == pytest.approx(mean, abs=SIGMAS * math.sqrt(mean * (1 - mean) / shots))
    still = pair(C6 / 9.0**6, 8.0, 1.2)
    assert abs(still - mean) > 2 * SIGMAS * math.sqrt(mean * (1 - mean) / shots)


def pair(energy: float, amplitude: float, duration: float) -> float:
    """Probability that both of two driven atoms are excited: gg, (gr + rg)/sqrt2, rr."""
    side = amplitude / math.sqrt(2)
    h = np.array([[0.0, side, 0.0], [side, 0.0, side], [0.0, side, energy]])
    values, vectors = np.linalg.eigh(h)
    return float(abs((vectors[2] * np.exp(-1j * values * duration)) @ vectors[0]) ** 2)


def test_expectation_values_are_sampled_with_their_error() -> None:
    args = pulse(CHAIN[:3], 1.0, {"decay_per_us": 0.8, "dephasing_per_us": 0.4}, amplitude=5.0)
    found = qmk.expectation(graph(args), ["Z0", "Z1 Z2"], shots=2000, seed=4)
    weights = master(args)[:2, :2, :2]
    signs = np.array([1.0, -1.0])
    wanted = [float(np.einsum("abc,a->", weights, signs)), float(np.einsum("abc,b,c->", weights, signs, signs))]
    for row, value in zip(found, wanted, strict=True):
        assert not row.exact
        assert row.engine == "rydberg"
        assert 0 < row.error < 0.03
        assert row.value == pytest.approx(value, abs=SIGMAS * row.error)


def test_a_seed_replays_the_shots_and_a_plan_pickles() -> None:
    args = pulse(CHAIN[:3], 1.0, {"decay_per_us": 0.8, "position_sigma_um": 0.1}, amplitude=5.0)
    plan = RydbergEngine().prepare(lower(graph(args), GATES), "")
    first = plan.run(40, 7).bits
    assert (pickle.loads(pickle.dumps(plan)).run(40, 7).bits == first).all()
    assert (plan.run(40, 8).bits != first).any()


def test_noise_that_is_zero_is_none() -> None:
    quiet = pulse(CHAIN[:2], 1.0, {"decay_per_us": 0.0}, amplitude=5.0)
    assert qmk.expectation(graph(quiet), "Z0").exact
    assert not features(graph(quiet)).noise


def test_no_other_engine_takes_it_and_its_price_grows_with_the_shots() -> None:
    made = graph(pulse(CHAIN, 1.0, {"decay_per_us": 0.1}, amplitude=5.0))
    found = features(made)
    assert found.noise == {"analog"}
    assert DECLARATION.predict("", found, 1000).seconds > 50 * DECLARATION.predict("", found, 10).seconds
    with pytest.raises(QmkError, match="state"):
        qmk.state(made)


def test_an_evolution_with_noise_under_a_guard_is_refused() -> None:
    args = pulse([[0.0, 0.0]], 1.0, {"decay_per_us": 0.1}, amplitude=5.0)
    nodes = (
        Node("load", "core.alloc", vqs=("a", "b")),
        Node("look", "core.mz", vqs=("b",), produces=("seen",)),
        Node("evolve", "analog.rydberg", args, ("a",), guard=Guard("eq", "seen", 1)),
        Node("read", "core.mz", vqs=("a",), produces=("e",)),
    )
    made = Graph(nodes=nodes, vqs=("a", "b"), events=("seen", "e"), caps=("CAP_ALLOC",))
    with pytest.raises(QmkError, match="evolve"):
        lower(made, GATES)


@pytest.mark.parametrize(
    ("noise", "what"),
    [({"decay": 1.0}, "has no 'decay'"), ({"decay_per_us": -1.0}, "0 or more"), ({"loss_per_us": "1"}, "number")],
)
def test_the_verifier_says_what_is_wrong_with_noise(noise: dict[str, Any], what: str) -> None:
    args = pulse([[0.0, 0.0]], 1.0, noise, amplitude=5.0)
    nodes = (Node("load", "core.alloc", vqs=("a",)), Node("evolve", "analog.rydberg", args, ("a",)))
    found = verify(Graph(nodes=nodes, vqs=("a",), events=(), caps=("CAP_ALLOC",))).findings
    assert found[0].rule == "QVM-T13"
    assert what in found[0].message


# -- atoms that are not there ----------------------------------------------------------------------------------------


def with_vacancies(args: dict[str, Any], p: float) -> Graph:
    """Atoms that may be missing, looked for before and after: events ``pre``, ``r`` and ``gone`` of each."""
    atoms = len(args["positions"])
    names = tuple(f"a{k}" for k in range(atoms))
    nodes = [Node("load", "core.alloc", vqs=names)]
    nodes += [Node(f"fill{k}", "noise.loss", {"p": p}, (name,)) for k, name in enumerate(names)]
    nodes += [Node(f"look{k}", "atoms.check", vqs=(name,), produces=(f"pre{k}",)) for k, name in enumerate(names)]
    nodes.append(Node("evolve", "analog.rydberg", args, names))
    nodes += [Node(f"read{k}", "atoms.mz", vqs=(name,), produces=(f"r{k}", f"gone{k}")) for k, name in enumerate(names)]
    events = tuple(event for node in nodes for event in node.produces)
    made = Graph(nodes=tuple(nodes), vqs=names, events=events, caps=("CAP_ALLOC",))
    assert verify(made).ok, verify(made).findings
    return made


@pytest.mark.parametrize("noise", [{}, {"loss_per_us": 0.9, "dephasing_per_us": 0.3}])
def test_an_atom_that_is_not_there_does_not_interact(noise: dict[str, float]) -> None:
    """Each pattern of atoms evolves as those alone; one that gets lost on the way was there before."""
    args, p, shots = pulse(CHAIN[:3], 0.9, noise, amplitude=6.0, detuning=1.0), 0.3, 5000
    result = qmk.run(with_vacancies(args, p), shots=shots, seed=8)
    assert result.provenance.engine == "rydberg"
    seen: dict[tuple[tuple[int, ...], ...], int] = {}
    for shot in result.events():
        key = tuple((shot[f"pre{k}"], shot[f"r{k}"], shot[f"gone{k}"]) for k in range(3))
        seen[key] = seen.get(key, 0) + 1
    total = 0.0
    for missing in itertools.product((0, 1), repeat=3):
        there = [k for k in range(3) if not missing[k]]
        chance = math.prod(p if gone else 1 - p for gone in missing)
        weights = master({**args, "positions": [CHAIN[k] for k in there]}) if there else np.array(1.0)
        for levels in itertools.product(range(3), repeat=len(there)):
            found = dict(zip(there, levels, strict=True))
            key = tuple((missing[k], int(found.get(k) == 1), int(found.get(k, 2) == 2)) for k in range(3))
            wanted = chance * float(weights[levels])
            total += wanted
            allowed = SIGMAS * math.sqrt(max(wanted, 0.0) / shots) + 3 / shots
            assert seen.pop(key, 0) / shots == pytest.approx(wanted, abs=allowed), key
    assert total == pytest.approx(1.0, abs=1e-9)
    assert not seen  # nothing else happens
