"""The noise of a device: its channels against Aer's and against density matrices, its circuits against Aer's.

Aer builds its noise from a Qiskit target by its own code; only the numbers of the calibration are the same.
Every statistical comparison fails by chance with probability at most 1e-9.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import msgspec
import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.models.devices import NativeGate, Site, Target, target_named
from qmk.models.devices.names import is_target, snapshots
from qmk.models.devices.noise import depolarizing, noise_of, relaxed_fidelity, unknown
from qmk.models.devices.on_target import misfit, on_target, sites_of, without_idle
from qmk.models.noise import NoiseModel, apply
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node
from qmk.qvm.op import KrausChannel, PauliChannel
from qmk.request.program import to_graph
from qmk.sdk.kit.statistics import check

pytestmark = pytest.mark.filterwarnings("ignore:Duration is rounded")
PAULIS = [
    np.eye(2, dtype=complex),
    np.array([[0, 1], [1, 0]], dtype=complex),
    np.array([[0, -1j], [1j, 0]]),
    np.diag([1, -1]).astype(complex),
]
Channel = list[np.ndarray]


def kraus(op: str, qubits: int, args: dict[str, Any]) -> Channel:
    make = OPS[op].channel
    assert make is not None
    made = make(args, qubits)
    if isinstance(made, KrausChannel):
        return [np.array(each, dtype=complex) for each in made.operators]
    assert isinstance(made, PauliChannel)
    products = PAULIS if qubits == 1 else [np.kron(a, b) for a in PAULIS for b in PAULIS]
    return [math.sqrt(chance) * each for chance, each in zip(made.chances, products, strict=True)]


SWAP = np.eye(4)[[0, 2, 1, 3]]


def superoperator(steps: list[Channel]) -> np.ndarray:
    """Of channels one after the other, on density matrices column by column, the first qubit least significant, as
    Qiskit has it."""
    whole = np.eye(len(steps[0][0]) ** 2, dtype=complex)
    for step in steps:
        turned = [SWAP @ each @ SWAP if len(each) == 4 else each for each in step]
        whole = np.asarray(sum(np.kron(each.conj(), each) for each in turned)) @ whole
    return whole


def of_gate(model: NoiseModel, target: Target, gate: NativeGate) -> np.ndarray:
    """The channel that is written after one gate."""
    handles = sites_of(target, Graph(vqs=tuple(f"q{site}" for site in range(target.sites))))
    on = [handles[site] for site in gate.sites]
    angles = {p.name: 0.3 for p in OPS[f"core.{gate.name}"].params if p.kind == "angle"}
    nodes = (Node("a", "core.alloc", {}, tuple(on)), Node("b", f"core.{gate.name}", angles, tuple(on)))
    wide = len(on)
    steps: list[Channel] = [[np.eye(2**wide, dtype=complex)]]
    for node in apply(model, Graph(nodes=nodes, vqs=tuple(on))).nodes:
        if node.op.startswith("noise."):
            found = kraus(node.op, len(node.vqs), dict(node.args))
            if wide == 2 and len(node.vqs) == 1:
                first = node.vqs[0] == on[0]
                found = [np.kron(each, np.eye(2)) if first else np.kron(np.eye(2), each) for each in found]
            steps.append(found)
    return superoperator(steps)


NAMES = {"cnot": "cx"}


def qiskit_target(target: Target, sites: int) -> Any:
    """The first ``sites`` of a device as Qiskit's target, with one error of reading a site."""
    circuit = pytest.importorskip("qiskit.circuit")
    transpiler = pytest.importorskip("qiskit.transpiler")
    library = pytest.importorskip("qiskit.circuit.library")
    made_of = {
        "cnot": library.CXGate(),
        "ecr": library.ECRGate(),
        "cz": library.CZGate(),
        "id": library.IGate(),
        "rz": library.RZGate(circuit.Parameter("angle")),
        "sx": library.SXGate(),
        "x": library.XGate(),
    }
    rows = target.readings[:sites]
    timing = target.timing
    assert timing is not None
    qubits = [transpiler.QubitProperties(t1=row.t1_s, t2=row.t2_s) for row in rows]
    made = transpiler.Target(num_qubits=sites, dt=timing.dt_s, qubit_properties=qubits)
    properties = transpiler.InstructionProperties
    for name in target.gates:
        facts = [fact for fact in target.facts if fact.name == name and max(fact.sites) < sites]
        known = {fact.sites: properties(error=fact.error, duration=fact.duration_s) for fact in facts}
        made.add_instruction(made_of[name], known)
    readings = {(k,): properties(error=row.readout_error, duration=row.readout_s) for k, row in enumerate(rows)}
    made.add_instruction(circuit.library.Measure(), readings)
    made.add_instruction(circuit.Delay(circuit.Parameter("t")), {(k,): properties() for k in range(sites)})
    return made


def one_error(target: Target) -> Target:
    """The device with equal chances of both wrong readings, as Qiskit's targets have them."""
    rows = tuple(msgspec.structs.replace(site, p01=None, p10=None) for site in target.readings)
    return msgspec.structs.replace(target, readings=rows)


def compare_channels(name: str, sites: int) -> None:
    models = pytest.importorskip("qiskit_aer.noise.device.models")
    info = pytest.importorskip("qiskit.quantum_info")
    target = target_named(name)
    theirs = {
        (gate, tuple(qubits)): info.SuperOp(error).data
        for gate, qubits, error in models.basic_device_gate_errors(target=qiskit_target(target, sites))
        if gate != "delay"
    }
    model = noise_of(target)
    compared = 0
    for fact in target.facts:
        if max(fact.sites) >= sites or fact.error == 1:
            continue
        ours = of_gate(model, target, fact)
        d = 2 ** len(fact.sites)
        found = theirs.pop((NAMES.get(fact.name, fact.name), fact.sites), np.eye(d * d))
        assert np.allclose(ours, found, atol=1e-9), fact
        compared += 1
    assert not theirs
    assert compared > sites


@pytest.mark.parametrize(("name", "sites"), [("fake_manila", 5), ("fake_sherbrooke", 4), ("fake_torino", 4)])
def test_every_gate_errs_as_in_aer(name, sites):
    compare_channels(name, sites)


@pytest.mark.conformance
@pytest.mark.parametrize("name", snapshots())
def test_every_gate_of_a_snapshot_errs_as_in_aer(name):
    compare_channels(name, target_named(name).sites)


@pytest.mark.parametrize("name", snapshots())
def test_errors_of_gates_are_those_of_the_calibration(name):
    """The average fidelity of what is written, by density matrices, is 1 - error, unless relaxation alone is more."""
    target = target_named(name)
    model = noise_of(target)
    facts = [fact for fact in target.facts if fact.error and fact.error < 0.5]
    for fact in facts[:: max(1, len(facts) // 12)]:
        d = 2 ** len(fact.sites)
        entangled = np.trace(of_gate(model, target, fact)).real / d**2
        fidelity = (d * entangled + 1) / (d + 1)
        floor = math.prod(relaxed_fidelity(target.readings[site], fact.duration_s or 0) for site in fact.sites)
        assert fidelity == pytest.approx(min(1 - (fact.error or 0), (d * floor + 1) / (d + 1)), abs=1e-12), fact


def circuits(n: int) -> dict[str, Any]:
    """GHZ; a layered circuit; and one in which two qubits wait in |1> and |+> while others are busy."""
    qiskit = pytest.importorskip("qiskit")
    ghz, layers, idle = (qiskit.QuantumCircuit(n, n) for _ in range(3))
    ghz.h(0)
    for k in range(n - 1):
        ghz.cx(k, k + 1)
    for layer, k in itertools.product(range(4), range(n)):
        layers.ry(0.3 + 0.7 * k + layer, k)
        layers.cx(k, (k + 1 + layer % 2) % n)
    idle.x(range(n))
    idle.h(n - 1)
    for _ in range(5):
        idle.cx(0, 1)
        idle.sx(1)
    idle.cx(1, 2)
    idle.h(n - 1)
    found = {"ghz": ghz, "layers": layers, "idle": idle}
    for circuit in found.values():
        circuit.measure(range(n), range(n))
    return found


def exact_of_aer(circuit: Any, target: Any) -> dict[str, float]:
    """The distribution of a circuit of Qiskit with Aer's noise of that target, by density matrices."""
    aer = pytest.importorskip("qiskit_aer")
    qiskit = pytest.importorskip("qiskit")
    providers = pytest.importorskip("qiskit.providers")

    class Backend(providers.BackendV2):
        max_circuits = None
        target = property(lambda self: target)

        @classmethod
        def _default_options(cls):
            return providers.Options()

        def run(self, *args, **kwargs):
            raise AssertionError("only its target is read")

    noise = aer.noise.NoiseModel.from_backend(Backend())
    layout = range(circuit.num_qubits)
    timed = qiskit.transpile(
        circuit, target=target, optimization_level=0, scheduling_method="asap", initial_layout=layout
    )
    bare, measured = timed.copy_empty_like(), dict[int, int]()
    for op in timed.data:
        places = [timed.find_bit(qubit).index for qubit in op.qubits]
        if op.name == "measure":
            measured[timed.find_bit(op.clbits[0]).index] = places[0]
        elif not set(places) & set(measured.values()):  # what comes after a reading is waiting
            bare.append(op)
    bare.save_probabilities([measured[cbit] for cbit in sorted(measured)])
    simulator = aer.AerSimulator(method="density_matrix", noise_model=noise)
    p = np.array(simulator.run(bare, shots=1).result().data()["probabilities"]).reshape([2] * len(measured))
    for axis, cbit in enumerate(sorted(measured, reverse=True)):
        wrong = noise._local_readout_errors.get((measured[cbit],))
        if wrong is not None:
            p = np.moveaxis(np.tensordot(wrong.probabilities.T, p, axes=(1, axis)), 0, axis)
    keys = ("".join(bits) for bits in itertools.product("01", repeat=len(measured)))
    return dict(zip(keys, p.reshape(-1).tolist(), strict=True))


def compare_circuits(name: str, sites: int, shots: int) -> None:
    qiskit = pytest.importorskip("qiskit")
    device = one_error(target_named(name))
    target = qiskit_target(device, sites)
    for label, circuit in circuits(4).items():
        made = qiskit.transpile(circuit, target=target, optimization_level=1, seed_transpiler=5)
        graph = to_graph(made)
        assert misfit(device, graph) == ""
        exact = exact_of_aer(made, target)
        counts = qmk.run(on_target(device, graph), shots=shots, seed=11).counts
        assert check(counts, exact) == "", (name, label)
        clean = qmk.run(graph, shots=shots, seed=11).counts
        assert check(clean, exact) != "", "the noise is seen with so many shots"


def test_circuits_give_the_distribution_of_aer():
    compare_circuits("fake_manila", 5, 100_000)


@pytest.mark.conformance
@pytest.mark.parametrize(("name", "sites"), [(name, min(target_named(name).sites, 16)) for name in snapshots()])
def test_circuits_on_every_snapshot_give_the_distribution_of_aer(name, sites):
    compare_circuits(name, sites, 400_000)


def test_a_qubit_that_waits_relaxes_for_as_long_as_it_waits():
    target = Target(
        "pair",
        2,
        couplings=((0, 1),),
        gates=("x", "cz"),
        facts=(NativeGate("x", (0,), duration_s=4e-8), NativeGate("cz", (0, 1), duration_s=3e-7)),
        readings=(Site(t1_s=1e-4, t2_s=5e-4), Site(t1_s=2e-4, t2_s=1e-4, readout_error=0.1)),
    )
    gates = "x q[1]; x q[0]; x q[0]; x q[0]; cz q[0],q[1]; measure q->c;"
    text = f'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; {gates}'
    made = on_target(target, to_graph(text))
    spent = dict.fromkeys(made.vqs, 0.0)
    for node in made.nodes:
        if node.op == "noise.thermal":
            spent[node.vqs[0]] += node.args["duration"]
            assert node.args["t2"] <= 2 * node.args["t1"]
    assert spent["q_0"] == pytest.approx(3 * 4e-8 + 3e-7)
    assert spent["q_1"] == pytest.approx(3 * 4e-8 + 3e-7), "x on site 1 has no duration: it waits for three gates"
    readings = [node.args for node in made.nodes if node.op == "noise.readout"]
    assert readings == [{"p01": 0.1, "p10": 0.1}]


def test_what_a_calibration_does_not_say_is_said():
    target = Target("two", 2, gates=("sx", "cz"), facts=(NativeGate("sx", (0,), 1e-3),))
    assert unknown(target) == [
        "1 pairs without the error of a gate",
        "1 sites without the error of a gate",
        "2 sites without T1",
        "2 sites without T2",
        "2 sites without the error of a reading",
    ]
    assert unknown(target_named("fake_manila")) == []
    with pytest.raises(QmkError, match="target 'line:3' says nothing of errors"):
        noise_of(target_named("line:3"))
    with pytest.raises(QmkError, match="target 'two' has 2 sites"):
        noise_of(target, ("a", "b", "c"))


def test_relaxation_that_explains_more_than_the_error_leaves_nothing():
    target = Target("one", 1, gates=("x",), facts=(NativeGate("x", (0,), 1e-5, 1e-6),), readings=(Site(1e-5, 1e-5),))
    assert depolarizing(target, target.facts[0]) == 0
    assert depolarizing(msgspec.structs.replace(target, readings=()), target.facts[0]) == pytest.approx(1.5e-5)


@pytest.mark.parametrize(
    ("gates", "why"),
    [
        ("cx q[0],q[2];", "core.cnot on sites [0, 2], which device 'fake_manila' does not couple so"),
        ("h q[0];", "core.h is not native to device 'fake_manila'"),
        ("rz(0.1) q[4]; cx q[1],q[0];", ""),
        ("x q[5];", "core.x) is on a qubit that device 'fake_manila' has no usable site for"),
    ],
)
def test_programs_for_a_device_are_told_from_others(gates, why):
    text = f'OPENQASM 2.0; include "qelib1.inc"; qreg q[6]; creg c[1]; {gates} measure q[0]->c[0];'
    found = misfit(target_named("fake_manila"), to_graph(text))
    assert why in found
    assert bool(why) == bool(found)


def test_physical_qubits_are_sites_and_idle_ones_are_left_out():
    graph = to_graph('OPENQASM 3.0; include "stdgates.inc"; bit[1] c; x $3; c[0] = measure $3;')
    names = sites_of(target_named("fake_manila"), graph)
    assert names == ["", "", "", "phys_3", ""]
    wide = to_graph('OPENQASM 2.0; include "qelib1.inc"; qreg q[5]; creg c[1]; x q[3]; measure q[3]->c[0];')
    assert without_idle(wide).vqs == ("q_3",)
    assert qmk.run(without_idle(wide), shots=10, seed=1).counts == {"1": 10}


def test_a_run_on_a_device_is_compiled_and_says_so():
    result = qmk.run("examples/bell.qasm", device="fake_guadalupe", shots=2000, seed=1)
    assert len(result.counts) > 2
    note = result.provenance.notes["device"]
    assert "fake_guadalupe, compiled for it, calibrated" in note
    assert note.endswith("(2021-04-20): stale")
    assert is_target("fake_guadalupe")
    assert not is_target("zoned")
