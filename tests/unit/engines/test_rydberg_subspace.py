"""Evolutions in the states without blockaded pairs, against all states."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import qmk
from qmk import router
from qmk.base.errors import QmkError
from qmk.engines.rydberg import DECLARATION
from qmk.engines.rydberg.engine import RydbergEngine
from qmk.engines.rydberg.subspace import TOLERANCE, Subspace
from qmk.ir.lower import lower
from qmk.qvm.graph import Graph, Node
from qmk.router.features import features

C6 = 5_420_000.0
GATES = DECLARATION.methods["subspace"].gates


def sweep(atoms: int, spacing: float, amplitude: float, **more: Any) -> Graph:
    """The Z2 sweep with a phase that changes and a drive with a pattern, of a chain that is a little bent."""
    times = [0.0, 0.3, 2.7, 3.0]
    drives = [
        {
            "amplitude": {"times": times, "values": [0.0, amplitude, amplitude, 0.0]},
            "detuning": {"times": times, "values": [-30.0, -30.0, 40.0, 40.0]},
            "phase": {"times": [0.0, 1.5, 3.0], "values": [0.0, 0.8, 0.8]},
        },
        {"detuning": {"times": [0.0, 3.0], "values": [0.0, 4.0]}, "pattern": [0.2 * (k % 3) for k in range(atoms)]},
    ]
    points = [[spacing * k, 0.3 * (k % 2)] for k in range(atoms)]
    args = {"positions": points, "c6": C6, "duration": 3.0, "drives": drives, **more}
    names = tuple(f"a{k}" for k in range(atoms))
    nodes = [Node("load", "core.alloc", vqs=names), Node("evolve", "analog.rydberg", args, names)]
    nodes += [Node(f"read{k}", "core.mz", vqs=(name,), produces=(f"e{k}",)) for k, name in enumerate(names)]
    return Graph(nodes=tuple(nodes), vqs=names, events=tuple(f"e{k}" for k in range(atoms)), caps=("CAP_ALLOC",))


@pytest.mark.parametrize(("atoms", "amplitude", "allowed"), [(7, 12.0, 4e-3), (12, 12.0, 4e-3), (12, 4.0, 3e-4)])
def test_values_are_near_those_of_all_states(atoms: int, amplitude: float, allowed: float) -> None:
    """By less than the population that the notes' estimate stands for."""
    made = sweep(atoms, 5.0, amplitude)
    strings = [f"Z{k}" for k in range(atoms)] + ["X0", "Y1", "X0 Y2", "Z1 Z3"]
    near = qmk.expectation(made, strings, engine="rydberg:subspace")
    exact = qmk.expectation(made, strings, engine="rydberg")
    off = max(abs(a.value - b.value) / 2 for a, b in zip(near[:atoms], exact[:atoms], strict=True))
    notes = RydbergEngine().prepare(lower(made, GATES), "subspace").run(1, 1).notes
    assert off < min(allowed, notes["blockade_error"] ** 2)
    assert max(abs(a.value - b.value) for a, b in zip(near, exact, strict=True)) < 2 * notes["blockade_error"]
    assert notes["subspace_states"] == {7: 34, 12: 377}[atoms]  # Fibonacci numbers
    assert notes["blockaded_pairs"] == atoms - 1
    assert notes["state_error"] <= TOLERANCE


def test_a_pair_that_is_not_strong_enough_stays() -> None:
    """At 6.1 um the interaction is seven times the amplitude of 15: nothing is left out, so all agrees."""
    made = sweep(6, 6.1, 15.0)
    near = qmk.probabilities(made, engine="rydberg:subspace").values
    assert near == pytest.approx(qmk.probabilities(made, engine="rydberg").values, abs=2 * TOLERANCE)
    notes = RydbergEngine().prepare(lower(made, GATES), "subspace").run(1, 1).notes
    assert (notes["subspace_states"], notes["blockaded_pairs"], notes["blockade_error"]) == (64, 0, 0.0)


def test_states_are_those_without_a_blockaded_pair() -> None:
    space = Subspace(5, {(0, 1), (1, 4), (2, 3)})
    wanted = [
        x for x in range(32) if not any(x >> (4 - a) & 1 and x >> (4 - b) & 1 for a, b in ((0, 1), (1, 4), (2, 3)))
    ]
    assert space.found.tolist() == wanted


def test_counts_replay_and_a_plan_pickles() -> None:
    made = sweep(6, 5.0, 12.0)
    plan = RydbergEngine().prepare(lower(made, GATES), "subspace")
    bits = plan.run(300, 4).bits
    assert (pickle.loads(pickle.dumps(plan)).run(300, 4).bits == bits).all()
    assert not (bits[:, :-1] & bits[:, 1:]).any()
    exact = np.array([(1 - row.value) / 2 for row in qmk.expectation(made, [f"Z{k}" for k in range(6)])])
    assert bits.mean(axis=0) == pytest.approx(exact, abs=5.2 * 0.5 / 300**0.5 + 4e-3)


def test_it_is_never_chosen_unasked() -> None:
    decision = router.choose(features(sweep(6, 5.0, 12.0)), 10, memory_bytes=1 << 30)
    found = {(row.name, bool(row.gaps)) for row in decision.candidates if row.name.startswith("rydberg")}
    assert found == {("rydberg", False), ("rydberg:mixed", False), ("rydberg:subspace", True)}


def test_a_job_reports_the_states() -> None:
    result = qmk.run(sweep(16, 5.0, 12.0), shots=5, seed=1, engine="rydberg:subspace")
    assert result.provenance.notes["subspace_states"] == 2584


def test_noise_and_too_many_states_are_refused() -> None:
    with pytest.raises(QmkError, match="noise"):
        qmk.run(sweep(4, 5.0, 12.0, noise={"decay_per_us": 0.1}), shots=1, engine="rydberg:subspace")
    with pytest.raises(QmkError, match="states"):
        qmk.run(sweep(30, 12.0, 12.0), shots=1, engine="rydberg:subspace")
