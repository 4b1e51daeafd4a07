"""Three levels with noise against the master equation, solved densely, and against Gaussian averages.

Where a mean over shots is compared, 5.2 standard errors are allowed: some 40 comparisons fail together with 8e-6.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any, cast

import numpy as np
import pytest
from scipy.linalg import expm

import qmk
from qmk.base.errors import QmkError
from qmk.engines.rydberg.evolution import evolution as evolved
from qmk.engines.rydberg.evolution import piece
from qmk.ir.program import NoisyEvolution
from qmk.models.atoms import AtomNoise, noisy
from qmk.qvm.families import analog
from qmk.qvm.graph import Graph, Node
from qmk.qvm.verify import verify
from qmk.router.features import features

C6 = 5_420_000.0
SIGMAS = 5.2
LEVELS, LOST = 4, 3
"""of the master equation: |0>, |1>, r, lost"""

Matrix = np.ndarray[Any, Any]


def drive(transition: str, duration: float, **fields: float) -> dict[str, Any]:
    flat = {name: {"times": [0.0, duration], "values": [value, value]} for name, value in fields.items()}
    return {"transition": transition, **flat}


def evolution(places: list[list[float]], duration: float, drives: list[dict[str, Any]], **noise: float) -> Any:
    return {"positions": places, "c6": C6, "duration": duration, "drives": drives, "noise": noise}


def graph(*evolutions: dict[str, Any]) -> Graph:
    names = tuple(f"a{k}" for k in range(len(evolutions[0]["positions"])))
    nodes = [Node("load", "core.alloc", vqs=names)]
    nodes += [Node(f"evolve{k}", "analog.rydberg3", args, names) for k, args in enumerate(evolutions)]
    nodes += [Node(f"read{q}", "atoms.mz", vqs=(q,), produces=(f"bit_{q}", f"gone_{q}")) for q in names]
    events = tuple(event for node in nodes for event in node.produces)
    made = Graph(nodes=tuple(nodes), vqs=names, events=events, caps=("CAP_ALLOC",))
    assert verify(made).ok, verify(made).findings
    return made


def seen(made: Graph, shots: int, seed: int) -> dict[tuple[int, ...], float]:
    """How often each reading of all atoms is found: 0, 1, or 2 for a lost one."""
    result = qmk.run(made, shots=shots, seed=seed)
    assert result.provenance.engine == "rydberg"
    out: dict[tuple[int, ...], float] = {}
    for shot in result.events():
        key = tuple(2 if shot[f"gone_{q}"] else shot[f"bit_{q}"] for q in made.vqs)
        out[key] = out.get(key, 0.0) + 1 / shots
    return out


def unit(to: int, of: int) -> Matrix:
    out = np.zeros((LEVELS, LEVELS))
    out[to, of] = 1.0
    return out


def master(*evolutions: dict[str, Any]) -> dict[tuple[int, ...], float]:
    """Chances of what ``seen`` gives, by the exponential of the Liouvillian of atoms with four levels; constant
    fields. What is in r after an evolution is lost."""
    n = len(evolutions[0]["positions"])
    size = LEVELS**n

    def on(matrix: Matrix, atom: int) -> Matrix:
        return np.kron(np.kron(np.eye(LEVELS**atom), matrix), np.eye(LEVELS ** (n - 1 - atom)))

    rho = np.zeros((size, size), dtype=complex)
    rho[0, 0] = 1.0
    for args in cast("list[dict[str, Any]]", evolutions):
        noise, h, jumps = args["noise"], np.zeros((size, size), dtype=complex), list[Matrix]()
        share = noise.get("decay_to_0", 0.0)
        kinds = (("decay", 0, share), ("decay", 1, 1 - share), ("loss", LOST, 1.0), ("dephasing", 2, 2.0))
        for atom, row in itertools.product(range(n), args["drives"]):
            a, b = analog.COUPLES[row["transition"]]  # pyright: ignore[reportIndexIssue]
            strength, phase, detuning = (row[name]["values"][0] if name in row else 0.0 for name in analog.FIELDS)  # pyright: ignore[reportIndexIssue, reportOperatorIssue]
            coupling = 0.5 * strength * np.exp(1j * phase) * unit(a, b)
            h += on(coupling + coupling.conj().T - detuning * unit(b, b), atom)
        for atom, (name, to, part) in itertools.product(range(n), kinds):
            jumps.append(math.sqrt(part * noise.get(f"{name}_per_us", 0.0)) * on(unit(to, 2), atom))
        for atom in range(n):
            jumps.append(math.sqrt(2.0 * noise.get("ground_dephasing_per_us", 0.0)) * on(unit(1, 1), atom))
        for a, b in itertools.combinations(range(n), 2):
            energy = args["c6"] / math.dist(args["positions"][a], args["positions"][b]) ** 6
            h += energy * on(unit(2, 2), a) @ on(unit(2, 2), b)
        drift = -1j * h - 0.5 * sum((jump.T @ jump for jump in jumps), np.zeros((size, size)))
        rho = flow(drift, jumps, rho, args["duration"])
        for atom in range(n):  # r to lost
            keep = on(np.eye(LEVELS) - unit(2, 2), atom)
            drop = on(unit(LOST, 2), atom)
            rho = keep @ rho @ keep + drop @ rho @ drop.T
    weights = np.real(np.diagonal(rho)).reshape((LEVELS,) * n)
    return {key: float(weights[tuple((0, 1, LOST)[x] for x in key)]) for key in itertools.product(range(3), repeat=n)}


def flow(drift: Matrix, jumps: list[Matrix], rho: Matrix, duration: float) -> Matrix:
    """Runge-Kutta of order four in the frame of no jumps: within 1e-6, as a test below finds."""
    steps = 100
    h = duration / steps
    half = expm(0.5 * h * drift)

    def right(rho: Matrix) -> Matrix:
        return sum((jump @ rho @ jump.T for jump in jumps), np.zeros_like(rho))

    def free(rho: Matrix) -> Matrix:
        return half @ rho @ half.conj().T

    for _ in range(steps):
        k1 = right(rho)
        middle = free(rho)
        k2 = right(middle + 0.5 * h * free(k1))
        k3 = right(middle + 0.5 * h * k2)
        k4 = right(free(middle + h * k3))
        rho = free(middle + h / 6 * (free(k1) + 2 * k2 + 2 * k3)) + h / 6 * k4
    return rho


def compare(made: Graph, wanted: dict[tuple[int, ...], float], shots: int, seed: int) -> None:
    found = seen(made, shots, seed)
    assert sum(wanted.values()) == pytest.approx(1.0, abs=1e-6)
    for key, chance in wanted.items():
        allowed = SIGMAS * math.sqrt(max(chance * (1 - chance), 0.0) / shots) + 2 / shots
        assert found.pop(key, 0.0) == pytest.approx(chance, abs=allowed), key
    assert not found  # nothing else happens


def test_the_master_equation_is_that_of_an_atom_that_decays_in_the_dark() -> None:
    """A half turn from |0> to r, then 0.5 us in which it decays."""
    flip = evolution([[0.0, 0.0]], 1e-4, [drive("rydberg0", 1e-4, amplitude=math.pi * 1e4)])
    dark = evolution([[0.0, 0.0]], 0.5, [], decay_per_us=1.2, decay_to_0=0.25, loss_per_us=0.4)
    # one evolution: what is in r between two of them is lost
    both = {**dark, "drives": [drive("rydberg0", 0.5, amplitude=2 * math.pi)]}
    size = LEVELS
    h = math.pi * (unit(0, 2) + unit(2, 0))
    eye = np.eye(size)
    jumps = [math.sqrt(0.3) * unit(0, 2), math.sqrt(0.9) * unit(1, 2), math.sqrt(0.4) * unit(LOST, 2)]
    whole = -1j * (np.kron(h, eye) - np.kron(eye, h.T))
    for jump in jumps:
        square = jump.T @ jump
        whole = whole + np.kron(jump, jump) - 0.5 * (np.kron(square, eye) + np.kron(eye, square))
    rho = (expm(0.5 * whole)[:, 0]).reshape(size, size)
    exact = np.real(np.diagonal(rho))
    assert master(both)[(1,)] == pytest.approx(exact[1], abs=1e-6)
    assert master(both)[(2,)] == pytest.approx(exact[2] + exact[LOST], abs=1e-6)
    assert master(flip)[(2,)] == pytest.approx(1.0, abs=1e-6)


RYDBERG = functools.partial(drive, "rydberg", 1.1)
RAMAN = functools.partial(drive, "raman", 1.1)
OPEN: list[tuple[int, dict[str, float]]] = [
    (1, {"decay_per_us": 1.5, "decay_to_0": 0.8}),
    (1, {"dephasing_per_us": 1.2}),
    (2, {"decay_per_us": 0.8, "decay_to_0": 0.3, "dephasing_per_us": 0.5, "loss_per_us": 0.6}),
    (2, {"decay_per_us": 0.8, "loss_per_us": 0.3, "ground_dephasing_per_us": 1.5}),
]


@pytest.mark.parametrize(("atoms", "noise"), OPEN)
def test_readings_follow_the_master_equation(atoms: int, noise: dict[str, float]) -> None:
    places = [[0.0, 0.0], [7.4, 0.0]][:atoms]
    light = [RAMAN(amplitude=4.0, detuning=1.0), RYDBERG(amplitude=5.0, detuning=-2.0, phase=0.7)]
    args = evolution(places, 1.1, light, **noise)
    compare(graph(args), master(args), 1000, 11)


def test_evolutions_in_a_row_lose_what_is_in_r_between_them() -> None:
    light = [RAMAN(amplitude=3.0), RYDBERG(amplitude=4.0)]
    first = evolution([[0.0, 0.0], [7.4, 0.0]], 1.1, light, decay_per_us=0.9, loss_per_us=0.2)
    made = graph(first, first)
    compare(made, master(first, first), 800, 5)
    assert features(made).noise >= {"analog", "levels"}


def ramsey(noise: dict[str, float], wait: float = 1.0) -> dict[str, Any]:
    """A quarter turn, a wait under a drive whose fields have knots within it, and a quarter turn back."""
    turn = math.pi / 2 / 0.01
    times = [0.0, 0.01, 0.01, wait + 0.01, wait + 0.01, wait + 0.02]
    on = {"times": times, "values": [turn, turn, 0.0, 0.0, turn, turn]}
    phase = {"times": [0.0, wait, wait + 0.02], "values": [0.0, math.pi, math.pi]}
    return evolution([[0.0, 0.0]], wait + 0.02, [{"transition": "raman", "amplitude": on, "phase": phase}], **noise)


@pytest.mark.parametrize(
    ("noise", "left"),
    [
        ({"ground_dephasing_per_us": 1.0}, math.exp(-1.01)),
        ({"ground_detuning_atom_sigma_rad_per_us": math.sqrt(2.0)}, math.exp(-(1.006**2))),
        (
            {"ground_dephasing_per_us": 0.5, "dephasing_per_us": 3.0, "detuning_atom_sigma_rad_per_us": 9.0},
            math.exp(-0.505),
        ),
    ],
)
def test_fringes_fall_to_1_over_e_after_t2_star(noise: dict[str, float], left: float) -> None:
    """In |0> again with (1 + left)/2; noise of r does nothing where nothing is in r. In the quarter turns of 0.01 us
    the error counts about half, and 2/pi of the detuning: within 0.003."""
    shots = 1000
    chance = 0.5 * (1 + left)
    found = seen(graph(ramsey(noise)), shots, 4)
    allowed = SIGMAS * math.sqrt(chance * (1 - chance) / shots) + 0.003
    assert found[(0,)] == pytest.approx(chance, abs=allowed)


def test_a_coherence_that_is_gone_at_once_is_refused() -> None:
    with pytest.raises(QmkError, match="ground_dephasing_per_us of 1e\\+06"):
        qmk.run(graph(ramsey({"ground_dephasing_per_us": 1e6})), shots=1)


def test_a_piece_of_an_evolution_has_its_fields_as_they_are_there() -> None:
    args = ramsey({})
    ramp = {"times": [0.0, 0.4, 0.4, 1.02], "values": [0.0, 4.0, 1.0, 7.2]}
    item = NoisyEvolution("analog.rydberg3", (0,), {**args, "drives": [{**args["drives"][0], "detuning": ramp}]})
    whole = evolved(item, 1)
    cut = piece(whole, 0.1, 0.9)
    (times, values), phases = cut.drives[0][2], cut.drives[0][1]
    assert (cut.duration, cut.couples) == (pytest.approx(0.8), whole.couples)
    assert times == pytest.approx([0.0, 0.3, 0.3, 0.8])
    assert values == pytest.approx([1.0, 4.0, 1.0, 6.0])
    assert phases[1] == [0.0, 0.0]
    assert piece(whole, 0.9, 1.02).drives[0][1] == (pytest.approx([0.0, 0.1, 0.12]), [0.0, math.pi, math.pi])


NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)


def test_amplitudes_deviate_in_all_light_and_detunings_of_r_alone() -> None:
    """Two atoms far apart under the same deviations: Rabi's formula, averaged; what leaves |0> is lost, or in |1>."""
    far, share = [[0.0, 0.0], [500.0, 0.0]], np.outer(WEIGHTS, WEIGHTS) / WEIGHTS.sum() ** 2
    sigmas = {"amplitude_sigma": 0.15, "detuning_sigma_rad_per_us": 2.5}

    def moved(a: float, d: float) -> float:
        strength, detuning = 7.0 * (1 + 0.15 * a), 1.0 + 2.5 * d
        total = math.hypot(strength, detuning)
        return (strength / total * math.sin(0.5 * total * 0.9)) ** 2

    for transition, to, deviates in (("rydberg0", 2, 1.0), ("raman", 1, 0.0)):
        args = evolution(far, 0.9, [drive(transition, 0.9, amplitude=7.0, detuning=1.0)], **sigmas)
        table = np.array([[moved(a, deviates * d) for a in NODES] for d in NODES])
        both, one = float((share * table**2).sum()), float((share * table).sum())
        wanted = {(to, to): both, (to, 0): one - both, (0, to): one - both, (0, 0): 1 - 2 * one + both}
        compare(graph(args), wanted, 1000, 3)


def test_a_lost_atom_meets_no_light_and_a_seed_replays() -> None:
    args = evolution([[0.0, 0.0], [7.4, 0.0]], 1.1, [RAMAN(amplitude=3.0)], decay_per_us=0.9, position_sigma_um=0.1)
    made = graph(args)
    at = next(k for k, node in enumerate(made.nodes) if node.id == "evolve0")
    lose = Node("lose", "noise.loss", {"p": 1.0}, ("a0",))
    gone = Graph(nodes=(*made.nodes[:at], lose, *made.nodes[at:]), vqs=made.vqs, events=made.events, caps=made.caps)
    assert {key[0] for key in seen(gone, 50, 1)} == {2}
    assert qmk.run(made, shots=40, seed=7).counts == qmk.run(made, shots=40, seed=7).counts


@pytest.mark.parametrize(
    ("op", "noise", "what"),
    [
        ("analog.rydberg3", {"decay_to_0": 1.5}, "share, 0 to 1"),
        ("analog.rydberg3", {"decay": 1.0}, "has no 'decay'"),
        ("analog.rydberg", {"decay_to_0": 0.5}, "has no 'decay_to_0'"),
    ],
)
def test_the_verifier_says_what_is_wrong(op: str, noise: dict[str, float], what: str) -> None:
    args = evolution([[0.0, 0.0]], 1.0, [], **noise)
    nodes = (Node("load", "core.alloc", vqs=("a",)), Node("evolve", op, args, ("a",)))
    found = verify(Graph(nodes=nodes, vqs=("a",), events=(), caps=("CAP_ALLOC",))).findings
    assert found[0].rule == "QVM-T13"
    assert what in found[0].message


def test_errors_of_a_device_go_on_three_levels_too() -> None:
    """Without light: |0> reads 1 with p01, and an atom that is missing is seen to be."""
    made = noisy(graph(evolution([[0.0, 0.0]], 0.2, [])), AtomNoise(name="mine", missing=0.3, p01=0.2))
    assert verify(made).ok, verify(made).findings
    shots = 1500
    found = seen(made, shots, 2)
    assert found[(2,)] == pytest.approx(0.3, abs=SIGMAS * math.sqrt(0.21 / shots))
    assert found[(1,)] == pytest.approx(0.14, abs=SIGMAS * math.sqrt(0.12 / shots))
    with pytest.raises(QmkError, match="noise of its own"):
        noisy(noisy(graph(evolution([[0.0, 0.0]], 0.2, [])), "pasqal"), "pasqal")
