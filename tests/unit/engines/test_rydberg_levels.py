"""Atoms of three levels against a dense integration of the Hamiltonian that the family states."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import qmk_native
from scipy.integrate import solve_ivp

import qmk
from qmk.base.errors import QmkError
from qmk.engines.rydberg import DECLARATION
from qmk.engines.rydberg.engine import RydbergEngine
from qmk.engines.rydberg.evolution import evolution
from qmk.ir.bits import finish
from qmk.ir.lower import lower
from qmk.ir.program import Gate, NoisyEvolution
from qmk.qvm.families import analog
from qmk.qvm.graph import Graph, Node
from qmk.qvm.verify import verify
from qmk.router.features import features
from qmk.sdk.engine import Samples

GATES = DECLARATION.methods[""].gates
C6 = 5_420_000.0
SIGMAS = 5.2
"""some 60 comparisons fail together with 1.2e-5"""


def flat(value: float, duration: float) -> dict[str, list[float]]:
    return {"times": [0.0, duration], "values": [value, value]}


def graph(*evolutions: tuple[str, dict[str, Any]], atoms: int) -> Graph:
    names = tuple(f"a{k}" for k in range(atoms))
    nodes = [Node("load", "core.alloc", vqs=names)]
    nodes += [Node(f"evolve{k}", op, args, names) for k, (op, args) in enumerate(evolutions)]
    nodes += [Node(f"read{k}", "core.mz", vqs=(name,), produces=(f"e{k}",)) for k, name in enumerate(names)]
    made = Graph(nodes=tuple(nodes), vqs=names, events=tuple(f"e{k}" for k in range(atoms)), caps=("CAP_ALLOC",))
    assert verify(made).ok, verify(made).findings
    return made


def run(made: Graph, shots: int, seed: int) -> Samples:
    """``bits`` are what is read of every atom."""
    program = lower(made, GATES, loss_events=True)
    found = RydbergEngine().prepare(program, "").run(shots, seed)
    read = finish(program, found.bits, seed)[:, [program.events[f"e{k}"][0] for k in range(len(made.vqs))]]
    return Samples(read, found.notes)


def drive(transition: str, duration: float, pattern: list[float] | None = None, **fields: Any) -> dict[str, Any]:
    out = {name: value if isinstance(value, dict) else flat(value, duration) for name, value in fields.items()}
    return {"transition": transition, **out, **({} if pattern is None else {"pattern": pattern})}


def crooked(atoms: int, seed: int, duration: float = 0.7) -> dict[str, Any]:
    """All transitions, without symmetry, with ramps, a jump and phases that change."""
    dice = np.random.default_rng(seed)
    weights = [[float(w) for w in dice.uniform(-1, 1, size=atoms)] for _ in range(2)]
    ramp = {"times": [0.0, 0.3 * duration, 0.3 * duration, duration], "values": [1.0, 5.0, 8.0, 3.0]}
    steps = {"times": [0.0, 0.6 * duration, duration], "values": [0.4, -1.3, 9.0]}
    return {
        "positions": [[7.0 * k, float(dice.uniform(-1, 1))] for k in range(atoms)],
        "c6": C6,
        "duration": duration,
        "drives": [
            drive("raman", duration, amplitude=ramp, phase=steps, detuning=2.0),
            drive("rydberg", duration, amplitude=6.0, phase=0.9, detuning=ramp),
            drive("rydberg0", duration, weights[0], amplitude=4.0, detuning=-1.5),
            {"amplitude": flat(3.0, duration), "phase": steps, "pattern": weights[1]},  # rydberg, as none is named
        ],
    }


def integrated(args: dict[str, Any], start: np.ndarray[Any, Any] | None = None) -> np.ndarray[Any, Any]:
    """The Schroedinger equation, dense, from knot to knot by a Runge-Kutta method of order eight."""
    points, n = args["positions"], len(args["positions"])
    size = 3**n
    levels = np.array(list(itertools.product(range(3), repeat=n)))

    def on(to: int, of: int, atom: int) -> np.ndarray[Any, Any]:
        out = np.zeros((3, 3))
        out[to, of] = 1.0
        return np.kron(np.kron(np.eye(3**atom), out), np.eye(3 ** (n - 1 - atom)))

    pairs = np.zeros(size)
    for a, b in itertools.combinations(range(n), 2):
        pairs += C6 / math.dist(points[a], points[b]) ** 6 * ((levels[:, a] == 2) & (levels[:, b] == 2))

    def value(field: dict[str, list[float]] | None, t: float, middle: float, linear: bool) -> float:
        if field is None:
            return 0.0
        times, values = field["times"], field["values"]
        k = max(k for k in range(len(times) - 1) if times[k] <= middle)
        slope = (values[k + 1] - values[k]) / (times[k + 1] - times[k]) if linear else 0.0
        return values[k] + slope * (t - times[k])

    lifts = [
        (row, *((on(a, b, atom), on(b, b, atom), weight) for atom, weight in enumerate(row.get("pattern", [1.0] * n))))
        for row in args["drives"]
        for a, b in [analog.COUPLES[row.get("transition", "rydberg")]]
    ]

    def hamiltonian(t: float, middle: float) -> np.ndarray[Any, Any]:
        out = np.diag(pairs).astype(complex)
        for row, *atoms in lifts:
            coupling = 0.5 * value(row.get("amplitude"), t, middle, True)
            coupling = coupling * np.exp(1j * value(row.get("phase"), t, middle, False))
            detuning = value(row.get("detuning"), t, middle, True)
            for lift, upper, weight in atoms:
                out += weight * (coupling * lift + np.conj(coupling) * lift.T - detuning * upper)
        return out

    psi = np.eye(1, size, dtype=complex)[0] if start is None else start
    cuts = sorted({t for row in args["drives"] for name in analog.FIELDS if name in row for t in row[name]["times"]})
    for low, high in itertools.pairwise(cuts):
        middle = 0.5 * (low + high)
        right = lambda t, y, middle=middle: -1j * (hamiltonian(t, middle) @ y)  # noqa: E731
        psi = solve_ivp(right, (low, high), psi, method="DOP853", rtol=1e-11, atol=1e-12).y[:, -1]
    return psi


def apart(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    overlap = np.vdot(a, b)
    return float(np.linalg.norm(a * (overlap / abs(overlap)) - b))


@pytest.mark.parametrize("atoms", [1, 2, 3])
def test_every_amplitude_agrees_with_a_dense_integration(atoms: int) -> None:
    args = crooked(atoms, atoms)
    part = evolution(NoisyEvolution("analog.rydberg3", tuple(range(atoms)), args), atoms)
    register = qmk_native.LevelRegister(atoms, 1 << 30)
    drives = [(*light, levels) for light, levels in zip(part.drives, part.couples, strict=True)]
    told = register.evolve(part.pairs, drives, part.duration, 1e-9)
    found = np.frombuffer(register.state(), dtype=np.complex128)
    assert apart(found, integrated(args)) < 3e-9
    assert told["error"] <= 1e-9


def test_what_is_left_in_r_reads_0_and_is_counted_as_lost() -> None:
    args, shots = crooked(3, 7), 20_000
    samples = run(graph(("analog.rydberg3", args), atoms=3), shots, 5)
    weights = (abs(integrated(args)) ** 2).reshape(3, 3, 3)
    for outcome in itertools.product((0, 1), repeat=3):
        chance = sum(weights[levels] for levels in itertools.product(*(((0, 2), (1,))[bit] for bit in outcome)))
        seen = (samples.bits == outcome).all(axis=1).mean()
        assert seen == pytest.approx(chance, abs=SIGMAS * math.sqrt(chance * (1 - chance) / shots)), outcome
    lost = sum(weights.take(2, axis=k).sum() for k in range(3))
    assert samples.notes["atoms_lost"] / shots == pytest.approx(lost, abs=SIGMAS * math.sqrt(3 * 0.75 / shots))
    assert samples.notes["trajectories"] == 1


def test_a_controlled_phase_by_the_blockade() -> None:
    """Half turns to r of the first atom, a whole one of the second, and back: |11> alone gets no sign from the second
    (Jaksch et al., Phys. Rev. Lett. 85, 2208 (2000)). Between half Raman pulses on the target it is a CNOT."""
    half, near = 0.02, [[0.0, 0.0], [3.0, 0.0]]

    def turn(transition: str, angle: float, pattern: list[float], phase: float = 0.0) -> dict[str, Any]:
        light = drive(transition, half, pattern, amplitude=angle / half, phase=phase)
        return {"positions": near, "c6": C6, "duration": half, "drives": [light]}

    pi = math.pi
    gate = [("rydberg", pi, [1.0, 0.0]), ("rydberg", 2 * pi, [0.0, 1.0]), ("rydberg", pi, [1.0, 0.0])]
    sequence = [("raman", pi / 2, [0.0, 1.0]), *gate, ("raman", -pi / 2, [0.0, 1.0])]
    joined = chained([turn(*row) for row in sequence])
    flipped = chained([turn(*row) for row in [("raman", pi, [1.0, 0.0]), *sequence]])
    for args, control in ((joined, 0), (flipped, 1)):
        state = integrated(args).reshape(3, 3)
        found = run(graph(("analog.rydberg3", args), atoms=2), 400, 1).bits
        assert (found[:, 0] == control).mean() > 0.97
        wanted = float((abs(state[:, 1]) ** 2).sum())
        assert found[:, 1].mean() == pytest.approx(wanted, abs=SIGMAS * 0.5 / math.sqrt(400))
        assert abs(wanted - (1 - control)) < 0.05


def chained(pulses: list[dict[str, Any]]) -> dict[str, Any]:
    """Pulses of equal length one after the other, as one evolution."""
    length = pulses[0]["duration"]
    total, drives = length * len(pulses), []
    for at, row in enumerate(pulses):
        (light,) = row["drives"]
        start, end = at * length, (at + 1) * length
        inner, strength = [t for t in (start, start, end, end) if t > 0], light["amplitude"]["values"][0]
        times = [0.0, *inner] if at else [0.0, end, end]
        values = [0.0, 0.0, strength, strength, 0.0] if at else [strength, strength, 0.0]
        if at == len(pulses) - 1:
            times, values = times[:-1], values[:-1]
            times[-1] = total
        else:
            times, values = [*times, total], [*values, 0.0]
        drives.append({**light, "amplitude": {"times": times, "values": values}, "phase": flat(0.0, total)})
    return {**pulses[0], "duration": total, "drives": drives}


def test_evolutions_in_a_row_lose_atoms_on_the_way() -> None:
    """One atom, a quarter turn to r twice: what was in r after the first is lost, so the second does not bring it
    further (without the loss the atom would be in r for certain, and read 0)."""
    quarter = {
        "positions": [[0.0, 0.0]],
        "c6": C6,
        "duration": 0.5,
        "drives": [drive("rydberg", 0.5, amplitude=math.pi)],
    }
    flip = {**quarter, "drives": [drive("raman", 0.5, amplitude=2 * math.pi)]}
    made = graph(*[("analog.rydberg3", row) for row in (flip, quarter, quarter)], atoms=1)
    shots = 1500
    found = run(made, shots, 3)
    assert found.bits.mean() == pytest.approx(0.25, abs=SIGMAS * math.sqrt(0.25 * 0.75 / shots))
    assert found.notes["atoms_lost"] / shots == pytest.approx(0.75, abs=SIGMAS * math.sqrt(0.25 * 0.75 / shots))


def test_it_follows_an_evolution_of_two_levels_and_values_are_sampled() -> None:
    first = {"positions": [[0.0, 0.0]], "c6": C6, "duration": 0.5, "drives": [{"amplitude": flat(math.pi, 0.5)}]}
    second = {**first, "drives": [drive("raman", 0.5, amplitude=math.pi)]}
    made = graph(("analog.rydberg", first), ("analog.rydberg3", second), atoms=1)
    found = qmk.expectation(made, "Z", shots=500, seed=2)  # two quarter turns
    assert not found.exact
    assert float(found) == pytest.approx(-1.0, abs=0.05)
    assert features(made).noise == {"levels"}
    with pytest.raises(QmkError, match="state"):
        qmk.state(made)


def test_the_verifier_knows_the_transitions() -> None:
    args = {"positions": [[0.0, 0.0]], "c6": C6, "duration": 0.5, "drives": [drive("raman", 0.5, amplitude=1.0)]}
    for op, changed, message in (
        ("analog.rydberg", args, "has no 'transition'"),
        ("analog.rydberg3", {**args, "drives": [{"transition": "micro"}]}, "its transition is one of"),
    ):
        nodes = (Node("load", "core.alloc", vqs=("a",)), Node("evolve", op, changed, ("a",)))
        found = verify(Graph(nodes=nodes, vqs=("a",), events=(), caps=("CAP_ALLOC",))).findings
        assert found[0].rule == "QVM-T13"
        assert message in found[0].message


def test_memory_is_that_of_three_levels() -> None:
    wide = {
        "positions": [[6.0 * k, 0.0] for k in range(12)],
        "c6": C6,
        "duration": 1.0,
        "drives": [drive("rydberg", 1.0, amplitude=3.0)],
    }
    cost = DECLARATION.predict("", features(graph(("analog.rydberg3", wide), atoms=12)), 10)
    assert cost.memory_bytes == pytest.approx(qmk_native.LevelRegister.memory_bytes(12), rel=0.15)
    assert isinstance(lower(graph(("analog.rydberg3", wide), atoms=12), GATES).instructions[0], NoisyEvolution | Gate)


def test_a_look_for_the_atom_alone_finds_what_was_left_in_r():
    """Nobody reads the qubit, and yet the evolution matters."""
    pulse = {
        "positions": [[0.0, 0.0]],
        "c6": C6,
        "duration": 1.0,
        "drives": [drive("rydberg0", 1.0, amplitude=math.pi)],
    }
    nodes = (
        Node("load", "core.alloc", vqs=("a",)),
        Node("pulse", "analog.rydberg3", pulse, ("a",)),
        Node("look", "atoms.check", vqs=("a",), produces=("gone",)),
    )
    made = Graph(nodes=nodes, vqs=("a",), events=("gone",), caps=("CAP_ALLOC",))
    assert qmk.run(made, shots=10, seed=1).counts == {"1": 10}


def test_atoms_without_light_take_few_steps() -> None:
    """Such as lost ones: two runs of as many steps could not tell an error."""
    register = qmk_native.LevelRegister(1, 1 << 20)
    dark = (([0.0, 0.5], [6.0, 6.0]), ([], []), ([], []), [0.0], (0, 1))
    told = register.evolve([0.0], [dark], 0.5, 1e-8)
    assert told["error"] < 1e-8
    assert told["all_steps"] < 10
