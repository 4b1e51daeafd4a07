"""Open systems in time by QuTiP, against formulas, our own integration, and itself."""

from __future__ import annotations

import importlib
import math
import pickle
from typing import Any

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.client.trajectory import Trajectory
from qmk.engines import qutip as declared
from qmk.engines.qutip.engine import QutipEngine
from qmk.ir.evolutions import alike
from qmk.ir.lower import lower
from qmk.ir.program import Gate, Measure, Program, Reset
from qmk.models.dynamics import checks, matrices
from qmk.qvm.families.dynamics import width
from qmk.qvm.graph import Graph, Node
from qmk.sdk.engine import Unsupported

Args = dict[str, Any]
integrate: Any = importlib.import_module("scipy.integrate")  # it has no types


def one(op: str, on: int = 0, factor: Any = 1.0, **more: Any) -> Args:
    return {"factor": factor, "of": [{"op": op, "on": on}], **more}


def two(a: str, i: int, b: str, j: int, factor: float = 1.0) -> Args:
    return {"factor": factor, "of": [{"op": a, "on": i}, {"op": b, "on": j}]}


def times(stop: float, count: int = 21) -> list[float]:
    return [float(t) for t in np.linspace(0.0, stop, count)]


def graph(args: Args, read: bool = True) -> Graph:
    qubits = tuple(f"q{k}" for k in range(sum(map(width, args["levels"]))))
    events = tuple(f"e{k}" for k in range(len(qubits)))
    nodes = [Node("a", "core.alloc", vqs=qubits), Node("evolve", "dynamics.evolve", args, qubits)]
    nodes += [Node(f"m{q}", "core.mz", vqs=(q,), produces=(e,)) for q, e in zip(qubits, events, strict=True) if read]
    return Graph(nodes=tuple(nodes), vqs=qubits, events=events if read else ())


def run(args: Args, **keywords: Any) -> qmk.Result:
    given: dict[str, Any] = {"shots": 50, "seed": 1, **keywords}
    return qmk.run(graph(args), None, **given)


def cavity(levels: int = 6, g: float = 1.0, photons: int = 0, **more: Any) -> Args:
    """A resonant Jaynes-Cummings model; the atom is excited in level 0."""
    return {
        "levels": [levels, 2],
        "hamiltonian": [two("a", 0, "sp", 1, g), two("adag", 0, "sm", 1, g)],
        "initial": [{"on": 0, "level": photons}, {"on": 1, "level": 0}],
        "times": times(6.0),
        "observables": {"n": [one("n")], "inversion": [one("sz", 1)]},
        **more,
    }


def integrated(args: Args) -> dict[str, Any]:
    """The master equation by a method of order eight in our own form of it, with matrices that are dense."""
    model = checks.model_of(args)
    parts = [(matrix.toarray(), time) for matrix, time in matrices.hamiltonian(model)]
    jumps = [(matrix.toarray(), time) for matrix, time in matrices.collapses(model)]
    start = matrices.state(model)
    rho = start if start.ndim == 2 else np.outer(start, start.conj())

    def slope(t: float, flat: Any) -> Any:
        now = flat.reshape(rho.shape)
        energy = sum(float(matrices.values(time, np.array(t))) * matrix for matrix, time in parts)
        out = -1j * (energy @ now - now @ energy)
        for matrix, time in jumps:
            square = matrix.conj().T @ matrix
            rate = max(0.0, float(matrices.values(time, np.array(t))))
            out = out + rate * (matrix @ now @ matrix.conj().T - 0.5 * (square @ now + now @ square))
        return out.reshape(-1)

    span = (model.times[0], model.times[-1])
    found = integrate.solve_ivp(
        slope, span, rho.reshape(-1).astype(complex), "DOP853", model.times, rtol=1e-10, atol=1e-12, max_step=0.05
    )
    states = found.y.T.reshape(-1, *rho.shape)
    rows = {name: matrices.operator(terms, model.levels).toarray() for name, terms in model.observables.items()}
    return {name: np.einsum("tij,ji->t", states, matrix).real for name, matrix in rows.items()} | {"": states[-1]}


@pytest.mark.parametrize("photons", [0, 3])
def test_an_atom_in_a_cavity_swaps_its_excitation_at_the_rabi_frequency(photons: int) -> None:
    """Inversion cos(2 g sqrt(n + 1) t)."""
    result = run(cavity(photons=photons, g=0.7))
    found = result.trajectory
    assert (result.method, found.exact) == ("sesolve", True)
    assert found["inversion"] == pytest.approx(np.cos(1.4 * math.sqrt(photons + 1) * found.times), abs=1e-6)
    assert list(found) == ["n", "inversion"]
    assert not found.errors("n").any()


def test_a_weakly_driven_cavity_shows_the_vacuum_rabi_splitting() -> None:
    """<a>(t) of a cavity with an atom in its ground state oscillates with g about the cavity's frequency: two lines."""
    g, omega = 0.8, 5.0
    terms = [two("a", 0, "sp", 1, g), two("adag", 0, "sm", 1, g), one("n", 0, omega), one("sz", 1, omega / 2)]
    start = [{"on": 0, "vector": [[0, 0.6, 0.0], [1, 0.8, 0.0]]}, {"on": 1, "level": 1}]
    args = {"levels": [3, 2], "hamiltonian": terms, "initial": start, "times": times(40.0, 401)}
    found = run({**args, "observables": {"x": [one("x")]}}).trajectory
    exact = math.sqrt(2) * 0.48 * np.cos(omega * found.times) * np.cos(g * found.times)
    assert found["x"] == pytest.approx(exact, abs=1e-6)


def test_a_damped_oscillator_follows_its_amplitude() -> None:
    alpha, kappa, omega = 1.2, 0.3, 2.0
    args = {
        "levels": [20],
        "hamiltonian": [one("n", 0, omega)],
        "collapse": [{"rate": kappa, "operator": [one("a")]}],
        "initial": [{"on": 0, "coherent": [alpha, 0.0]}],
        "times": times(5.0),
        "observables": {"n": [one("n")], "x": [one("x")], "p": [one("p")]},
    }
    result = run(args)
    t = result.trajectory.times
    assert result.method == "mesolve"
    amplitude = alpha * np.exp(-kappa * t / 2)
    assert result.trajectory["n"] == pytest.approx(amplitude**2, abs=1e-6)
    assert result.trajectory["x"] == pytest.approx(math.sqrt(2) * amplitude * np.cos(omega * t), abs=1e-6)
    assert result.trajectory["p"] == pytest.approx(-math.sqrt(2) * amplitude * np.sin(omega * t), abs=1e-6)


def test_a_thermal_oscillator_stays_thermal() -> None:
    mean = 0.2
    rows = [{"rate": 0.5 * (mean + 1), "operator": [one("a")]}, {"rate": 0.5 * mean, "operator": [one("adag")]}]
    args = {"levels": [12], "hamiltonian": [], "collapse": rows, "initial": [{"on": 0, "thermal": mean}]}
    found = run({**args, "times": times(3.0), "observables": {"n": [one("n")]}}).trajectory
    assert found["n"] == pytest.approx(np.full(21, mean), abs=1e-6)


def test_a_sweep_through_a_crossing_tunnels_as_landau_and_zener_say() -> None:
    """P(stay in the diabatic state) = exp(-pi g^2 / (2 v)) for H = v t sz / 2 + g sx / 2, from far to far."""
    v, g, far = 2.0, 1.0, 60.0
    ramp = {"times": [-far, far], "values": [-v * far / 2, v * far / 2]}
    args = {
        "levels": [2],
        "hamiltonian": [one("sz", time=ramp), one("sx", factor=g / 2)],
        "times": [-far, far],
        "observables": {"stay": [one("|0><0|")]},
    }
    stay = run(args).trajectory["stay"][-1]
    assert stay == pytest.approx(math.exp(-math.pi * g * g / (2 * v)), abs=1e-2)


def test_qubits_decay_and_dephase_as_lindblad_says() -> None:
    """T1 and T2: 1 / T2 = 1 / (2 T1) + 2 rate of sz."""
    rows = [{"rate": 0.4, "operator": [one("sm")]}, {"rate": 0.15, "operator": [one("sz")]}]
    start = [{"on": 0, "vector": [[0, 0.8, 0.0], [1, 0.6, 0.0]]}]
    args = {"levels": [2], "hamiltonian": [], "collapse": rows, "initial": start, "times": times(4.0)}
    found = run({**args, "observables": {"up": [one("|0><0|")], "sx": [one("sx")]}}).trajectory
    assert found["up"] == pytest.approx(0.64 * np.exp(-0.4 * found.times), abs=1e-7)
    assert found["sx"] == pytest.approx(0.96 * np.exp(-(0.2 + 0.3) * found.times), abs=1e-7)


ENVELOPES: dict[str, Args] = {
    "lines": {"times": [0.0, 1.0, 1.5, 6.0], "values": [0.0, 2.0, 0.5, 0.5]},
    "spline": {"times": [0.0, 1.0, 2.5, 4.0, 6.0], "values": [0.0, 1.0, -1.0, 0.5, 0.2], "order": 3},
    "cosine": {"omega": 2.0, "phase": 0.3},
    "pulse": {"center": 5.0, "sigma": 0.1},
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_a_driven_system_is_what_our_own_integration_gives(name: str) -> None:
    drive = [one("x", time=ENVELOPES[name], factor=3.0), one("sy", 1, time=ENVELOPES[name])]
    fall = {"times": [0.0, 6.0], "values": [1.0, 0.2]}
    rows = [
        {"rate": 0.2, "operator": [one("a")], "time": fall},
        {"rate": 0.1, "operator": [one("sm", 1), one("sx", 1, 0.3)], "time": {"center": 1.0, "sigma": 2.0}},
    ]
    args = cavity(4, collapse=rows)
    args["hamiltonian"] += drive
    wanted = qmk.outputs(graph(args), trajectory=True, density=True)[1]
    result, want = run(args, outputs=wanted), integrated(args)
    for key in args["observables"]:
        assert result.trajectory[key] == pytest.approx(want[key], abs=1e-6)
    assert result.density == pytest.approx(want[""], abs=1e-6)


def test_steps_hold_their_value_until_the_next_time() -> None:
    """A field on for a time of pi / 2 flips a qubit, whose rest is without field."""
    on = {"times": [0.0, 1.0, 1.0 + math.pi / 2, 6.0], "values": [0.0, 1.0, 0.0, 0.0], "order": 0}
    args = {"levels": [2], "hamiltonian": [one("sx", time=on)], "times": times(6.0)}
    found = run({**args, "observables": {"sz": [one("sz")]}}).trajectory
    assert found["sz"][[0, -1]] == pytest.approx([1.0, -1.0], abs=1e-6)


def test_trajectories_agree_with_the_master_equation_within_their_errors() -> None:
    args = cavity(3, collapse=[{"rate": 0.5, "operator": [one("a")]}], times=times(3.0, 7))
    sampled, exact = run(args, engine="qutip:mcsolve", shots=400), run(args)
    found, want = sampled.trajectory, exact.trajectory
    assert not found.exact
    assert sampled.values is not None
    assert sampled.values.shots == 400
    for name in found:
        errors = found.errors(name)[1:]
        assert (errors > 0).all()
        assert (errors < 0.06).all()
        assert (abs(found[name] - want[name])[1:] < 5 * errors).all()
    again = run(args, engine="qutip:mcsolve", shots=400)
    assert again.counts == sampled.counts
    assert list(again.trajectory["n"]) == list(found["n"])
    excited = sampled.counts.get("000", 0) / 400
    assert excited == pytest.approx((1 + want["inversion"][-1]) / 2, abs=0.12)


def superradiance(n: int, **more: Any) -> Args:
    """Excited spins that decay together and alone, under a field and a coupling of every pair."""
    together = {"rate": 0.4, "operator": [one("sm", k) for k in range(n)]}
    alone = [{"rate": 0.1, "operator": [one("sm", k)]} for k in range(n)]
    dephased = [{"rate": 0.05, "operator": [one("sz", k)]} for k in range(n)]
    pairs = [two("sx", i, "sx", j, 0.3) for i in range(n) for j in range(i)]
    return {
        "levels": [2] * n,
        "hamiltonian": [*(one("sx", k, 0.2, time={"omega": 1.0}) for k in range(n)), *pairs],
        "collapse": [together, *alone, *dephased],
        "times": times(3.0, 7),
        "observables": {"up": [one("|0><0|", k) for k in range(n)], "zz": [two("sz", 0, "sz", 1)] if n == 2 else pairs},
        **more,
    }


@pytest.mark.parametrize("n", [2, 4])
def test_identical_spins_in_dickes_states_are_what_the_whole_space_gives(n: int) -> None:
    args = superradiance(n)
    found, want = run(args, engine="qutip:piqs", shots=4000), run(args, engine="qutip:mesolve", shots=4000)
    for name in ("up", "zz"):
        assert found.trajectory[name] == pytest.approx(want.trajectory[name], abs=1e-6)
    assert found.trajectory.exact
    assert found.counts.tvd(want.counts) < 0.06


def test_many_identical_spins_flash_together() -> None:
    """Dicke superradiance: the rate at which 20 spins radiate peaks near N^2 / 4 of one spin's."""
    n = 20
    args = superradiance(n, hamiltonian=[], times=times(1.0, 41))
    args["collapse"] = [{"rate": 1.0, "operator": [one("sm", k) for k in range(n)]}]
    args["observables"] = {"up": args["observables"]["up"]}
    result = run(args)
    assert result.method == "piqs"
    rate = -np.gradient(result.trajectory["up"], result.trajectory.times)
    assert 0.5 * n * n / 4 < rate.max() < 1.2 * n * (n + 2) / 4
    assert rate.argmax() > 2


def test_what_is_not_alike_is_not_taken_for_alike() -> None:
    same = superradiance(3)
    assert alike(checks.model_of(same))
    assert not alike(checks.model_of({**same, "initial": [{"on": 1, "level": 1}]}))
    assert not alike(checks.model_of({**same, "hamiltonian": [one("sz", 2)]}))
    assert not alike(checks.model_of({**same, "collapse": same["collapse"][:2]}))
    assert not alike(checks.model_of({**same, "observables": {"one": [one("sz", 1)]}}))
    assert not alike(checks.model_of(cavity()))
    with pytest.raises(QmkError) as refused:
        run({**same, "hamiltonian": [one("sz", 2)]}, engine="qutip:piqs")
    assert refused.value.kind.name == "UNSUPPORTED"


def test_levels_are_read_in_binary_and_values_of_qubits_are_there() -> None:
    args = {
        "levels": [5, 2],
        "hamiltonian": [one("n", 0, 1.3)],
        "initial": [{"on": 0, "level": 4}, {"on": 1, "vector": [[0, 0.6, 0.0], [1, 0.0, 0.8]]}],
        "times": [0.0, 1.0],
    }
    counts = run(args, shots=1000).counts
    assert set(counts) == {"1000", "1001"}
    assert counts["1001"] / 1000 == pytest.approx(0.64, abs=0.06)
    assert float(qmk.expectation(graph(args), "ZIIY")) == pytest.approx(-0.96, abs=1e-7)
    assert abs(qmk.amplitudes(graph(args), ["1001"])[0]) == pytest.approx(0.8, abs=1e-7)
    lossy = {**args, "collapse": [{"rate": 1.0, "operator": [one("a")]}]}
    chances = qmk.probabilities(graph(lossy), [0]).values
    assert chances[1] == pytest.approx(math.exp(-4.0), abs=1e-7)
    assert float(qmk.expectation(graph(lossy), "ZIIY")) == pytest.approx(0.96 * (1 - 2 * math.exp(-4.0)), abs=1e-7)
    with pytest.raises(QmkError, match="no single state"):
        qmk.state(graph(lossy))


def test_qubits_keep_their_places() -> None:
    """An evolution on two of three qubits, in another order."""
    args = {"levels": [2, 2], "hamiltonian": [], "initial": [{"on": 0, "level": 1}], "times": [0.0, 1.0]}
    qubits = ("q0", "q1", "q2")
    nodes = [Node("a", "core.alloc", vqs=qubits), Node("evolve", "dynamics.evolve", args, ("q2", "q0"))]
    nodes += [Node(f"m{q}", "core.mz", vqs=(q,), produces=(f"e{q}",)) for q in qubits]
    made = Graph(nodes=tuple(nodes), vqs=qubits, events=tuple(f"e{q}" for q in qubits))
    assert qmk.run(made, shots=5, seed=1).counts == {"001": 5}
    assert abs(qmk.state(made)[0b001]) == pytest.approx(1.0)
    mixed = {**args, "initial": [{"on": 0, "density": [[0, 0, 0.25, 0.0], [1, 1, 0.75, 0.0]]}]}
    other = Graph(nodes=(nodes[0], Node("evolve", "dynamics.evolve", mixed, ("q2", "q0"))), vqs=qubits)
    assert float(qmk.expectation(other, "IIZ")) == pytest.approx(-0.5)


REFUSED: dict[str, tuple[Args, str]] = {
    "not Hermitian": ({"hamiltonian": [one("a")]}, "not Hermitian"),
    "not Hermitian later": ({"hamiltonian": [one("a", time={"omega": 1.0, "phase": -math.pi / 2})]}, "not Hermitian"),
    "observable": ({"observables": {"a": [one("a")]}}, "x and p"),
    "negative": (
        {"initial": [{"on": 1, "density": [[0, 0, 1.5, 0.0], [1, 1, -0.5, 0.0]]}]},
        "not Hermitian and positive",
    ),
    "operator": ({"hamiltonian": [one("sx")]}, "not an operator of one subsystem of 6 levels"),
    "envelope": ({"hamiltonian": [one("n", time={"times": [0.0, 1.0], "values": [1.0, 1.0]})]}, "short of 0 or 6"),
    "norm": ({"initial": [{"on": 0, "vector": [[0, 2.0, 0.0]]}]}, "norm"),
    "rate": ({"collapse": [{"rate": 1.0, "operator": [one("a")], "time": {"omega": 1.0}}]}, "never below 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_unphysical_is_refused_with_its_place(name: str) -> None:
    change, why = REFUSED[name]
    with pytest.raises(QmkError, match=why) as refused:
        run(cavity(**change))
    assert refused.value.kind.name == "UNSUPPORTED"


def test_an_engine_of_evolutions_refuses_everything_else() -> None:
    engine, lowered = QutipEngine(), lower(graph(cavity()), frozenset({"dynamics.evolve"}))
    evolve = next(item for item in lowered.instructions if isinstance(item, Gate))
    for wrong in ([Reset(0)], [Measure(0, 0), evolve], [evolve, evolve], [], [Gate("x", (0,)), evolve]):
        with pytest.raises(Unsupported):
            engine.prepare(Program(4, 4, tuple(wrong), (), {}), "sesolve")
    with pytest.raises(Unsupported, match="no method"):
        engine.prepare(lowered, "euler")
    plan = engine.prepare(lowered, "sesolve")
    copied = pickle.loads(pickle.dumps(plan))
    assert (copied.run(20, 3).bits == plan.run(20, 3).bits).all()
    assert set(declared.DECLARATION.methods) == {"sesolve", "mesolve", "mcsolve", "piqs"}
    with pytest.raises(QmkError, match="no values over time"):
        Trajectory.of(None)
