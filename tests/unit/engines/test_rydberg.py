"""The Rydberg engine against published cases, an adaptive integration of the same Hamiltonian, and itself."""

from __future__ import annotations

import itertools
import json
import math
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import qmk
from qmk import router
from qmk.base.errors import QmkError
from qmk.engines.rydberg import DECLARATION, TOLERANCE
from qmk.engines.rydberg.engine import RydbergEngine
from qmk.frontends import load
from qmk.ir.lower import lower
from qmk.ir.program import Gate, Measure, Program, Reset
from qmk.qvm.graph import Graph, Node
from qmk.qvm.verify import verify
from qmk.router.features import features
from qmk.sdk.engine import Unsupported

DATA = Path(__file__).resolve().parents[2] / "data" / "atoms"
GATES = DECLARATION.methods[""].gates
BRAKET = 5_420_000.0


def graph(*evolutions: tuple[dict[str, Any], tuple[int, ...]], atoms: int) -> Graph:
    """Evolutions in a row, each on some atoms; then all are read."""
    names = tuple(f"a{k}" for k in range(atoms))
    nodes = [Node("load", "core.alloc", vqs=names)]
    for k, (args, on) in enumerate(evolutions):
        nodes.append(Node(f"evolve{k}", "analog.rydberg", args, tuple(names[i] for i in on)))
    nodes += [Node(f"read{k}", "core.mz", vqs=(name,), produces=(f"e{k}",)) for k, name in enumerate(names)]
    events = tuple(f"e{k}" for k in range(atoms))
    made = Graph(nodes=tuple(nodes), vqs=names, events=events, caps=("CAP_ALLOC",))
    assert verify(made).ok, verify(made).findings
    return made


def flat(value: float, duration: float) -> dict[str, list[float]]:
    return {"times": [0.0, duration], "values": [value, value]}


def args(duration: float, positions: list[list[float]], *drives: dict[str, Any], c6: float = BRAKET) -> dict[str, Any]:
    return {"positions": positions, "c6": c6, "duration": duration, "drives": list(drives)}


def state_of(program: Graph) -> np.ndarray[Any, Any]:
    lowered = lower(program, GATES, whole=True)
    gates = tuple(item for item in lowered.instructions if isinstance(item, Gate))
    return RydbergEngine().observe(Program(lowered.n_qubits, 0, gates, (), {}), "").state()  # pyright: ignore[reportAttributeAccessIssue]


def densities(state: np.ndarray[Any, Any]) -> list[float]:
    n = int(math.log2(len(state)))
    weights = (abs(state) ** 2).reshape((2,) * n)
    return [float(weights.take(1, axis=k).sum()) for k in range(n)]


# -- the published cases ---------------------------------------------------------------------------------------------

CASES = [
    (path.name.removesuffix(".expected.json"), key)
    for path in sorted(DATA.glob("*_*.expected.json"))
    for key, value in json.loads(path.read_text()).items()
    if isinstance(value, dict) and "rydberg_density" in value
]


def test_there_are_cases() -> None:
    assert len(CASES) == 12
    assert sum("phase:exp(+i" in key for _, key in CASES) == sum("phase:exp(-i" in key for _, key in CASES) == 2


@pytest.mark.parametrize(("name", "key"), CASES)
def test_densities_and_outcomes_of_the_published_cases(name: str, key: str) -> None:
    """Each with its C6, and with the sign of the phase that it names."""
    wanted = json.loads((DATA / f"{name}.expected.json").read_text())[key]
    params: dict[str, Any] = {"c6": float(re.search(r":([\d.]+) rad", key)[1])}  # pyright: ignore[reportOptionalSubscript]
    params["phase_sign"] = 1 if "exp(+i" in key else -1
    program = load((DATA / f"{name}.braket.json").read_bytes(), params=params).graph
    state = state_of(program)
    given = [value for value in wanted["rydberg_density"] if value is not None]
    assert densities(state) == pytest.approx(given, abs=1e-6)
    outcomes = next(value for label, value in wanted.items() if label.startswith("top_states"))
    for bits, chance in outcomes.items():
        at = int("".join("1" if bit == "0" else "0" for bit in bits), 2)  # 0 is Rydberg there
        assert abs(state[at]) ** 2 == pytest.approx(chance, abs=1e-6)


# -- an independent integration --------------------------------------------------------------------------------------


def integrated(evolution: dict[str, Any], start: np.ndarray[Any, Any] | None = None) -> np.ndarray[Any, Any]:
    """The Schroedinger equation as ``qvm.families.analog`` states it, dense, by an adaptive Runge-Kutta method of order
    eight, from knot to knot."""
    points = [np.array(point) for point in evolution["positions"]]
    n, size = len(points), 1 << len(points)
    excited = np.array([[x >> (n - 1 - k) & 1 for x in range(size)] for k in range(n)], dtype=float)
    lift = [np.zeros((size, size)) for _ in range(n)]  # |0><1| of each atom
    for k in range(n):
        for x in range(size):
            if x >> (n - 1 - k) & 1:
                lift[k][x ^ 1 << (n - 1 - k), x] = 1.0
    pairs = np.zeros(size)
    for i in range(n):
        for j in range(i):
            pairs += evolution["c6"] / np.linalg.norm(points[i] - points[j]) ** 6 * excited[i] * excited[j]

    def slope(low: float, high: float) -> Any:
        middle = 0.5 * (low + high)

        def line(field: dict[str, list[float]] | None, t: float) -> float:
            if field is None:
                return 0.0
            times, values = field["times"], field["values"]
            k = max(k for k in range(len(times) - 1) if times[k] <= middle)
            return values[k] + (values[k + 1] - values[k]) * (t - times[k]) / (times[k + 1] - times[k])

        def level(field: dict[str, list[float]] | None) -> float:
            return (
                0.0 if field is None else field["values"][max(k for k, t in enumerate(field["times"]) if t <= middle)]
            )

        def right(t: float, psi: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            out = pairs * psi
            for drive in evolution["drives"]:
                coupling = 0.5 * line(drive.get("amplitude"), t) * np.exp(1j * level(drive.get("phase")))
                for k, weight in enumerate(drive.get("pattern", [1.0] * n)):
                    out = out + weight * coupling * (lift[k] @ psi) + weight * np.conj(coupling) * (lift[k].T @ psi)
                    out = out - weight * line(drive.get("detuning"), t) * excited[k] * psi
            return -1j * out

        return right

    psi = np.eye(1, size, dtype=complex)[0] if start is None else start
    fields = [
        drive[name] for drive in evolution["drives"] for name in ("amplitude", "phase", "detuning") if name in drive
    ]
    cuts = sorted({0.0, evolution["duration"], *(t for field in fields for t in field["times"])})
    for low, high in itertools.pairwise(cuts):
        psi = solve_ivp(slope(low, high), (low, high), psi, method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
    return psi


def apart(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    """Distance of two states up to a phase."""
    overlap = np.vdot(a, b)
    return float(np.linalg.norm(a * (overlap / abs(overlap)) - b))


def crooked(atoms: int, seed: int, duration: float = 0.8) -> dict[str, Any]:
    """No symmetry: atoms in space, drives with phases and patterns, jumps."""
    dice = np.random.default_rng(seed)
    positions = [[6.0 * k + dice.uniform(-0.8, 0.8), *dice.uniform(-2, 2, size=2)] for k in range(atoms)]
    quarter, half = 0.25 * duration, 0.5 * duration
    return args(
        duration,
        [[float(x) for x in point] for point in positions],
        {
            "amplitude": {"times": [0.0, quarter, duration], "values": [0.0, 12.0, 4.0]},
            "phase": {"times": [0.0, half, duration], "values": [0.3, -1.1, 2.0]},
            "detuning": {"times": [0.0, half, half, duration], "values": [-9.0, 3.0, 8.0, 14.0]},
        },
        {
            "amplitude": flat(3.0, duration),
            "phase": flat(1.9, duration),
            "pattern": [float(w) for w in dice.uniform(-1, 1, size=atoms)],
        },
        {
            "detuning": {"times": [0.0, duration], "values": [0.0, 9.0]},
            "pattern": [float(w) for w in dice.uniform(0, 1, size=atoms)],
        },
    )


@pytest.mark.parametrize(("atoms", "seed"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)])
def test_every_amplitude_agrees_with_an_adaptive_integration(atoms: int, seed: int) -> None:
    evolution = crooked(atoms, seed)
    found = state_of(graph((evolution, tuple(range(atoms))), atoms=atoms))
    assert apart(found, integrated(evolution)) < 3 * TOLERANCE


def test_evolutions_follow_each_other_and_atoms_may_move_in_between() -> None:
    first, second = crooked(3, 6, 0.4), crooked(3, 7, 0.3)
    found = state_of(graph((first, (0, 1, 2)), (second, (0, 1, 2)), atoms=3))
    assert apart(found, integrated(second, integrated(first))) < 5 * TOLERANCE


def test_operands_are_in_their_own_order_and_other_atoms_keep_their_state() -> None:
    evolution = crooked(2, 8)
    pair = integrated(evolution).reshape(2, 2)
    found = state_of(graph((evolution, (2, 0)), atoms=3)).reshape(2, 2, 2)
    wanted = np.zeros((2, 2, 2), dtype=complex)
    wanted[:, 0, :] = pair.T
    assert apart(found.ravel(), wanted.ravel()) < 3 * TOLERANCE


def test_a_phase_turns_the_axis_as_the_family_says() -> None:
    """A quarter turn under Omega/2 (e^{i phi}|0><1| + h.c.) leaves the spin at (-sin phi, -cos phi) on the equator."""
    duration, phase = 0.4, 0.7
    turn = {"amplitude": flat(0.5 * math.pi / duration, duration), "phase": flat(phase, duration)}
    made = graph((args(duration, [[0.0, 0.0]], turn), (0,)), atoms=1)
    found = qmk.expectation(made, ["X", "Y", "Z"])
    assert [float(row) for row in found] == pytest.approx([-math.sin(phase), -math.cos(phase), 0.0], abs=1e-7)
    assert all(row.exact and row.engine == "rydberg" for row in found)


# -- jobs ------------------------------------------------------------------------------------------------------------


def test_counts_are_the_sequences_and_a_seed_replays_them() -> None:
    path = str(DATA / "vacancies_6sites.braket.json")
    result = qmk.run(path, shots=400, seed=7)
    assert result.provenance.engine == "rydberg"
    assert qmk.run(path, shots=400, seed=7).counts == result.counts != qmk.run(path, shots=400, seed=8).counts
    for printed in result.counts:
        pre, post = printed.split(" ")
        assert pre == "110101"
        assert post[2] == post[4] == "0"
    assert result.counts["110101 110000"] == pytest.approx(0.8417 * 400, abs=6 * 8)
    for shot in result.events():
        assert all(shot[f"pre{site}"] == 1 and shot[f"post{site}"] == 1 - shot[f"r{site}"] for site in (0, 1, 3, 5))


def test_values_of_densities_are_exact_beside_counts() -> None:
    program = load((DATA / "z2_sweep_N8.braket.json").read_bytes()).graph
    found = qmk.expectation(program, [f"Z{k}" for k in range(8)])
    given = json.loads((DATA / "z2_sweep_N8.expected.json").read_text())["c6=aquila_braket:5420000.00 rad um^6/us"]
    rydberg = [(1 - row.value) / 2 for row in found]
    assert all(row.exact for row in found)
    assert rydberg == pytest.approx(given["rydberg_density"], abs=1e-6)
    sampled = qmk.expectation(program, "Z0 Z1", shots=4000, seed=1)
    assert not sampled.exact
    assert abs(float(sampled) - float(qmk.expectation(program, "Z0 Z1"))) < 6 / math.sqrt(4000)


def test_the_stated_error_is_in_the_notes_and_below_the_tolerance() -> None:
    result = qmk.run(str(DATA / "z2_sweep_N8.braket.json"), shots=1, seed=1)
    notes = result.provenance.notes
    assert 0 < notes["state_error"] <= TOLERANCE
    assert notes["steps"] > 100


def test_a_plan_pickles_and_gives_the_same_bits() -> None:
    program = lower(graph((crooked(3, 9), (0, 1, 2)), atoms=3), GATES)
    plan = RydbergEngine().prepare(program, "")
    again = pickle.loads(pickle.dumps(plan))
    assert (plan.run(50, 3).bits == again.run(50, 3).bits).all()
    assert plan.run(50, 3).bits.shape == (50, 3)


# -- what it refuses -------------------------------------------------------------------------------------------------


def test_only_this_engine_is_a_candidate_and_gates_are_for_its_method_mixed() -> None:
    made = graph((crooked(2, 10), (0, 1)), atoms=2)
    decision = router.choose(features(made), 100, memory_bytes=1 << 30)
    assert [row.name for row in decision.candidates if not row.gaps] == ["rydberg", "rydberg:mixed"]
    mixed = Graph(
        nodes=(*made.nodes[:2], Node("x", "core.x", vqs=("a0",)), *made.nodes[2:]),
        vqs=made.vqs,
        events=made.events,
        caps=made.caps,
    )
    decision = router.choose(features(mixed), 100, memory_bytes=1 << 30)
    assert [row.name for row in decision.candidates if not row.gaps] == ["rydberg:mixed"]


def test_wide_registers_are_refused_before_memory_is_taken() -> None:
    wide = graph((args(1.0, [[5.0 * k, 0.0] for k in range(36)]), tuple(range(36))), atoms=36)
    with pytest.raises(QmkError) as refused:
        qmk.run(wide, shots=1)
    assert refused.value.kind.name in ("UNSUPPORTED", "RESOURCE_EXHAUSTED")
    assert "available" in json.dumps(refused.value.to_dict())
    wider = graph((args(1.0, [[5.0 * k, 0.0] for k in range(64)]), tuple(range(64))), atoms=64)
    with pytest.raises(QmkError):
        qmk.run(wider, shots=1)


def test_atoms_on_top_of_each_other_would_take_more_steps_than_any_run_has() -> None:
    close = graph((args(4.0, [[0.0, 0.0], [0.01, 0.0]], {"amplitude": flat(5.0, 4.0)}), (0, 1)), atoms=2)
    with pytest.raises(QmkError, match="steps"):
        qmk.run(close, shots=1, engine="rydberg")


@pytest.mark.parametrize(
    "instructions",
    [
        (Gate("h", (0,)), Measure(0, 0)),
        (Reset(0), Measure(0, 0)),
        (Measure(0, 0), Gate("analog.rydberg", (0,), (), None, args(1.0, [[0.0, 0.0]]))),
        (Gate("analog.rydberg", (0,), (), ("bit", 0), args(1.0, [[0.0, 0.0]])),),
        (Measure(0, 0, ("bit", 1)),),
    ],
)
def test_instructions_that_it_would_get_wrong_are_refused(instructions: tuple[Any, ...]) -> None:
    with pytest.raises(Unsupported):
        RydbergEngine().prepare(Program(1, 2, instructions, (), {}), "")


def test_predictions_grow_with_atoms_and_winding_and_state_the_memory() -> None:
    def cost(atoms: int, duration: float) -> Any:
        made = graph(
            (args(duration, [[6.0 * k, 0.0] for k in range(atoms)], {"amplitude": flat(9.0, duration)}),
             tuple(range(atoms))),
            atoms=atoms,
        )  # fmt: skip
        return DECLARATION.predict("", features(made), 100)

    assert cost(8, 1.0).seconds < cost(8, 4.0).seconds < cost(14, 4.0).seconds
    assert cost(20, 1.0).memory_bytes == pytest.approx(48 << 20, rel=0.05)


def test_noise_of_gates_and_estimates_refuse_an_evolution() -> None:
    made = graph((crooked(2, 11), (0, 1)), atoms=2)
    with pytest.raises(QmkError, match="no form"):
        qmk.run(made, shots=1, noise="depolarizing=1e-3")
    with pytest.raises(QmkError, match="is not a gate"):
        qmk.estimate(made)
