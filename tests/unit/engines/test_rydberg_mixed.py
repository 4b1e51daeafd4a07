"""Gates, measurements, conditions and fences between evolutions."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

import qmk
from qmk import router
from qmk.engines.rydberg import DECLARATION
from qmk.engines.rydberg.engine import RydbergEngine
from qmk.ir.lower import lower
from qmk.qvm.graph import Graph, Guard, Node
from qmk.qvm.verify import verify
from qmk.router.features import features
from qmk.sdk.kit.builder import Builder

CAN = DECLARATION.methods["mixed"]
C6 = 5_420_000.0


def flat(value: float, duration: float) -> dict[str, list[float]]:
    return {"times": [0.0, duration], "values": [value, value]}


def pulse(spacing: float, amplitude: float, detuning: float, duration: float, atoms: int = 2) -> dict[str, Any]:
    drive = {"amplitude": flat(amplitude, duration), "detuning": flat(detuning, duration)}
    points = [[spacing * k, 0.0] for k in range(atoms)]
    return {"positions": points, "c6": C6, "duration": duration, "drives": [drive]}


def unitary(args: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Of two atoms in the basis gg, gr, rg, rr."""
    fields = args["drives"][0]
    w, d = fields["amplitude"]["values"][0], fields["detuning"]["values"][0]
    x, one = np.array([[0, 1], [1, 0]]), np.diag([0.0, 1.0])
    eye = np.eye(2)
    h = 0.5 * w * (np.kron(x, eye) + np.kron(eye, x)) - d * (np.kron(one, eye) + np.kron(eye, one))
    h = h + C6 / args["positions"][1][0] ** 6 * np.kron(one, one)
    return expm(-1j * args["duration"] * h)


FIRST, SECOND = pulse(7.5, 5.0, 1.0, 0.6), pulse(6.5, 4.0, -2.0, 0.5)


def made(*nodes: Node, events: tuple[str, ...] = ()) -> Graph:
    found = Graph(
        nodes=(Node("load", "core.alloc", vqs=("a", "b")), *nodes), vqs=("a", "b"), events=events, caps=("CAP_ALLOC",)
    )
    assert verify(found).ok, verify(found).findings
    return found


READ = (Node("ra", "core.mz", vqs=("a",), produces=("ea",)), Node("rb", "core.mz", vqs=("b",), produces=("eb",)))


def test_gates_between_evolutions() -> None:
    graph = made(
        Node("h", "core.h", vqs=("b",)),
        Node("e1", "analog.rydberg", FIRST, ("a", "b")),
        Node("cz", "core.cz", vqs=("a", "b")),
        Node("turn", "core.ry", {"theta": 0.7}, ("a",)),
        Node("e2", "analog.rydberg", SECOND, ("a", "b")),
        *READ,
        events=("ea", "eb"),
    )
    h = np.array([[1, 1], [1, -1]]) / math.sqrt(2)
    c, s = math.cos(0.35), math.sin(0.35)
    turn = np.kron(np.array([[c, -s], [s, c]]), np.eye(2))
    wanted = unitary(SECOND) @ turn @ np.diag([1, 1, 1, -1]) @ unitary(FIRST) @ np.kron(np.eye(2), h)[:, 0]
    state = np.asarray(qmk.state(graph))
    overlap = np.vdot(state, wanted)
    assert np.linalg.norm(state * overlap / abs(overlap) - wanted) < 1e-7
    result = qmk.run(graph, shots=2000, seed=3)
    assert (result.provenance.engine, result.provenance.method) == ("rydberg", "mixed")
    for at, chance in enumerate(abs(wanted) ** 2):
        seen = result.counts.get(format(at, "02b"), 0) / 2000
        assert seen == pytest.approx(chance, abs=5 * math.sqrt(chance * (1 - chance) / 2000))


def test_an_evolution_under_a_condition() -> None:
    """A half turn of one atom, where the other was found in r: they end alike."""
    half = pulse(7.5, 2 * math.pi, 0.0, 0.5, atoms=1)
    graph = made(
        Node("h", "core.h", vqs=("a",)),
        Node("look", "core.mz", vqs=("a",), produces=("seen",)),
        Node("flip", "analog.rydberg", half, ("b",), guard=Guard("eq", "seen", 1)),
        READ[1],
        events=("seen", "eb"),
    )
    counts = qmk.run(graph, shots=400, seed=1).counts
    assert set(counts) == {"00", "11"}
    assert abs(counts["11"] - 200) < 5 * 10


def fenced() -> Graph:
    return made(
        Node("e1", "analog.rydberg", FIRST, ("a", "b")),
        Node("f1", "core.fence"),
        Node("h", "core.h", vqs=("b",)),
        Node("f2", "core.fence"),
        Node("look", "core.mz", vqs=("a",), produces=("seen",)),
        Node("e2", "analog.rydberg", SECOND, ("a", "b"), guard=Guard("eq", "seen", 1)),
        Node("f3", "core.fence"),
        Node("e3", "analog.rydberg", FIRST, ("a", "b")),
        *READ,
        events=("seen", "ea", "eb"),
    )


def test_a_run_is_saved_at_fences_and_goes_on_elsewhere() -> None:
    plan: Any = RydbergEngine().prepare(lower(fenced(), CAN.gates), "mixed")
    other = pickle.loads(pickle.dumps(plan))
    wanted = plan.run(300, 5).bits
    execution, epochs = plan.start(300, 5), []
    while execution.advance():
        epochs.append(execution.epoch)
        execution = other.resume(execution.save())
    assert epochs[:3] == [1, 2, 3]
    assert (execution.samples().bits == wanted).all()


def test_gates_can_be_undone_and_evolutions_can_not() -> None:
    plan: Any = RydbergEngine().prepare(lower(fenced(), CAN.gates), "mixed")
    execution = plan.start(100, 5)
    execution.advance()
    execution.advance()
    assert execution.epoch == 2
    assert execution.rewind(1)
    assert not execution.rewind(0)
    while execution.advance():
        pass
    assert (execution.samples().bits == plan.run(100, 5).bits).all()


def test_programs_of_gates_alone_are_not_for_it() -> None:
    found = features(Builder(2).op("h", 0).op("cnot", 0, 1).measure_all().graph())
    decision = router.choose(found, 100, memory_bytes=1 << 30)
    assert all(row.gaps for row in decision.candidates if row.name.startswith("rydberg"))
