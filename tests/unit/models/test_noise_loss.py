"""Noise models that lose atoms, and what comes of them in results."""

from __future__ import annotations

import math

import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.models import noise
from qmk.qvm.graph import Graph, Node
from qmk.qvm.verify import verify


def pair(*more):
    gates = (Node("h", "core.h", {}, ("a",)), Node("cx", "core.cnot", {}, ("a", "b")), *more)
    looks = (Node("ma", "core.mz", {}, ("a",), produces=("x",)), Node("mb", "core.mz", {}, ("b",), produces=("y",)))
    nodes = (Node("n", "core.alloc", {}, ("a", "b")), *gates, *looks)
    return Graph(nodes=nodes, vqs=("a", "b"), events=("x", "y"))


def losses(graph):
    return [(node.vqs, node.args["p"]) for node in graph.nodes if node.op == "noise.loss"]


def exact(graph):
    assert not verify(graph).findings
    return exact_distribution(lower(graph, ALL_GATES))


def test_the_short_form_loses_each_atom_of_each_gate():
    made = noise.apply(noise.resolve("loss=0.1"), pair())
    assert losses(made) == [(("a",), 0.1), (("a",), 0.1), (("b",), 0.1)]
    first, second = 0.1 * 0.9, 0.9 * 0.9  # lost with the first gate: b stays 0
    assert exact(made) == pytest.approx(
        {
            "00": 0.5 * second * 0.9, "11": 0.5 * second * 0.9,
            "L0": 0.1 * 0.9 + 0.5 * 0.9 * 0.1 * 0.9, "L1": 0.5 * 0.9 * first,
            "0L": 0.5 * second * 0.1, "1L": 0.5 * second * 0.1,
            "LL": 0.1 * 0.1 + 0.9 * 0.1 * 0.1,
        }
    )  # fmt: skip


def test_gates_on_one_and_on_two_atoms_may_lose_them_at_rates_of_their_own():
    made = noise.apply(noise.resolve("depolarizing=1e-3,loss=0.01:0.03"), pair())
    assert losses(made) == [(("a",), 0.01), (("a",), 0.03), (("b",), 0.03)]
    assert sum(node.op == "noise.depolarize" for node in made.nodes) == 2


def test_both_atoms_of_a_gate_are_lost_together_where_the_model_says_so():
    model = noise.NoiseModel(gates=(noise.GateRule((noise.Loss(0.2, together=True),), arity=2),))
    made = noise.apply(model, pair())
    assert losses(made) == [(("a", "b"), 0.2)]
    assert exact(made) == pytest.approx({"00": 0.4, "11": 0.4, "LL": 0.2})


def test_a_rate_is_per_second_of_gates_of_waiting_and_of_transport():
    model = noise.NoiseModel(loss_rate=50.0, durations={"1q": 1e-3, "2q": 2e-3, "measure": 0.0})
    wait = Node("w", "atoms.wait", {"duration": 4000.0}, ("b",))
    move = Node("v", "atoms.move", {"to": [[0.0, 1.0]], "duration": 500.0}, ("a",))
    found = losses(noise.apply(model, pair(wait, move)))
    seconds = [(vqs, round(-math.log1p(-p) / 50.0, 9)) for vqs, p in found]
    assert seconds == [(("a",), 1e-3), (("a",), 2e-3), (("b",), 2e-3), (("b",), 4e-3), (("a",), 5e-4)]


def test_atoms_that_leave_their_levels_depend_on_the_state():
    model = noise.resolve("leak=0.0:0.5")
    nodes = (
        Node("n", "core.alloc", {}, ("a",)),
        Node("x", "core.x", {}, ("a",)),
        Node("m", "core.mz", {}, ("a",), produces=("x",)),
    )
    made = noise.apply(model, Graph(nodes=nodes, vqs=("a",), events=("x",)))
    assert exact(made) == pytest.approx({"1": 0.5, "L": 0.5})


def test_measurements_in_other_bases_notice_the_loss_as_well():
    nodes = (
        Node("n", "core.alloc", {}, ("a",)),
        Node("h", "core.h", {}, ("a",)),
        Node("m", "core.mx", {}, ("a",), produces=("x",)),
    )
    made = noise.apply(noise.resolve("loss=0.25"), Graph(nodes=nodes, vqs=("a",), events=("x",)))
    assert exact(made) == pytest.approx({"0": 0.75, "L": 0.25})


def test_a_wrong_reading_is_of_the_bit_and_the_loss_is_seen_all_the_same():
    nodes = (
        Node("n", "core.alloc", {}, ("a",)),
        Node("h", "core.x", {}, ("a",)),
        Node("m", "core.mz", {}, ("a",), produces=("x",)),
    )
    made = noise.apply(noise.resolve("loss=0.5,readout=0.1"), Graph(nodes=nodes, vqs=("a",), events=("x",)))
    assert exact(made) == pytest.approx({"0": 0.05, "1": 0.45, "L": 0.5})


BELL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'


@pytest.mark.parametrize("engine", [None, "native:tableau", "native:dense", "aer", "reference", "stabilizer"])
def test_a_result_counts_lost_atoms_and_keeps_both_events_of_each_shot(engine):
    found = qmk.run(BELL, shots=400, seed=3, noise="loss=0.2", engine=engine, keep_events=True)
    counts = {}
    for row in found.events():
        key = "".join("L" if row[f"c_{k}__lost"] else str(row[f"c_{k}"]) for k in (1, 0))
        assert not any(row[f"c_{k}__lost"] and row[f"c_{k}"] for k in range(2))
        counts[key] = counts.get(key, 0) + 1
    assert counts == found.counts
    assert any("L" in key for key in counts)


def test_an_engine_that_cannot_follow_losses_says_so():
    with pytest.raises(QmkError, match="qulacs: lost atoms"):
        qmk.run(BELL, shots=10, noise="loss=0.2", engine="qulacs")
    with pytest.raises(QmkError, match="chances that depend on the state"):
        qmk.run(BELL, shots=10, noise="leak=0.1:0.2", engine="native:tableau")


@pytest.mark.parametrize("engine", [None, "aer:density_matrix", "native:dense", "native:tableau"])
@pytest.mark.parametrize("model", ["loss=0.2", "leak=0.1:0.2"])
def test_an_observable_of_atoms_that_may_be_lost_has_no_value(engine, model):
    """Whatever engine is asked, and whether or not it could follow the losses: one rule, before any of them."""
    with pytest.raises(QmkError, match="atoms that may be lost has no value") as refused:
        qmk.expectation(BELL, ["Z0"], noise=model, engine=engine)
    assert refused.value.kind.name == "UNSUPPORTED"
    assert refused.value.fields["node"].startswith("noise")
    with pytest.raises(QmkError, match="atoms that may be lost has no value"):
        qmk.probabilities(BELL, [0], noise=model, engine=engine)


def test_an_evolution_that_loses_atoms_has_none_either_and_chances_of_zero_are_none():
    pulse = {"positions": [[0.0, 0.0]], "c6": 5.42e6, "duration": 0.5, "drives": [], "noise": {"loss_per_us": 0.1}}
    nodes = (Node("load", "core.alloc", vqs=("a",)), Node("wait", "analog.rydberg", pulse, ("a",)))
    with pytest.raises(QmkError, match=r"node 'wait' \(analog.rydberg\): an observable of atoms that may be lost"):
        qmk.expectation(Graph(nodes=nodes, vqs=("a",), caps=("CAP_ALLOC",)), "Z0")
    assert qmk.expectation(BELL, "ZZ", noise="loss=0").exact


@pytest.mark.parametrize("text", ["loss=2", "loss=-0.1", "loss=nan", "loss_rate=-1", "leak=0.1", "leak=0.1:2"])
def test_chances_out_of_range_are_refused(text):
    with pytest.raises(QmkError, match="noise model"):
        noise.resolve(text)


def test_a_circuit_for_stim_is_refused_loss():
    import stim

    for text in ("loss=0.1", "loss_rate=5"):
        with pytest.raises(QmkError, match="Stim circuit"):
            noise.on_stim(stim.Circuit("H 0\nM 0"), noise.resolve(text))
