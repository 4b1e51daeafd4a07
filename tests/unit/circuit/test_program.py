"""``qmk.Program``: every op of the bytecode, and the graph that the same program has when it is written as text."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import qmk
from qmk.circuit.declared import gate_methods, op_methods, program_methods
from qmk.frontends import load
from qmk.qvm.families import OPS
from qmk.qvm.graph import digest
from qmk.qvm.verify import verify

PAIR = [[0.0, 0.0], [5.0, 0.0]]
PULSE: Any = {"positions": PAIR, "c6": 5_420_000.0, "duration": 0.5}
BY_NAME = {
    "core.barrier": lambda p: p.apply("core.barrier", 0, 1, tag="here"),
    "core.fence": lambda p: p.apply("core.fence", 0),
    "core.mod": lambda p: p.x(0, ctrl=1, power=0.5),
    "core.lut": lambda p: p.measure(0, "c[0]").apply("core.lut", 1, reads="c[0]", bits="not"),
    "core.condpauli": lambda p: p.measure(0, "c[0]").apply("core.condpauli", "XZ", 0, 1, reads="c[0]"),
    "core.mz": lambda p: p.measure(0),
    "core.mx": lambda p: p.measure(0, basis="X"),
    "core.my": lambda p: p.measure(0, basis="Y"),
    "core.mbell": lambda p: p.measure_bell(0, 1),
    "core.mpauli": lambda p: p.measure_pauli("ZZ", 0, 1),
    "core.reset": lambda p: p.reset(0),
    "core.gphase": lambda p: p.gphase(0.5, ctrl=0),
    "noise.readout": lambda p: p.measure(0, "c[0]").readout_error("c[0]", p01=0.1),
    "core.paulirot": lambda p: p.paulirot("XY", 0.5, 0, 1),
    "noise.depolarize": lambda p: p.depolarize(0.1, 0, 1),
    "noise.kraus": lambda p: p.kraus([np.eye(2)], 0),
    "noise.thermal": lambda p: p.thermal(1e-6, 0, t1=1e-3, t2=None),
    "noise.loss": lambda p: p.loss(0.1, 0, 1),
    "noise.leak": lambda p: p.leak(0.1, 0.2, 0),
    "noise.amplitude_damping": lambda p: p.amplitude_damping(0.1, 0),
    "noise.phase_damping": lambda p: p.phase_damping(0.1, 0),
    "core.alloc": lambda p: p.free(0).alloc(0, profile="logical:surface(d=7)"),
    "core.free": lambda p: p.free(0),
    "core.mangle": lambda p: p.measure_angle(0.3, [0, 1]),
    "channel.open": lambda p: p.open_channel("link", 0, 1, fidelity=0.9),
    "channel.use": lambda p: p.open_channel("link", 0, 1).use_channel("link", semantic="swap"),
    "channel.close": lambda p: p.open_channel("link", 0, 1).close_channel("link"),
    "policy.set": lambda p: p.set_policy(priority=np.int64(3)),
    "script.python": lambda p: p.apply("script.python", ["result = ", "1"]),
    "dynamics.evolve": lambda p: p.evolve(0, 1, levels=[3], hamiltonian=[{"of": [{"op": "n", "on": 0}]}], times=[0, 1]),
    "analog.rydberg": lambda p: p.rydberg(0, 1, **PULSE, drives={"amplitude": 4}),
    "analog.rydberg3": lambda p: p.rydberg3(0, 1, **PULSE, drives={"amplitude": 4, "transition": "raman"}),
    "atoms.place": lambda p: p.place_atoms(np.array(PAIR), range(2)),
    "atoms.move": lambda p: p.move_atoms(PAIR, 10, 0, 1),
    "atoms.wait": lambda p: p.wait_atoms(3, 0),
    "atoms.mz": lambda p: p.measure_atoms([0, 1], "out", "lost", lost_as=1),
    "atoms.check": lambda p: p.check_atoms(0, "there"),
    "atoms.reload": lambda p: p.reload_atoms(0, 1),
}


def of_light(name: str) -> qmk.Program:
    """The same with an op on modes of light."""
    program, values = qmk.Program(modes=2), {"int": 2, "matrix": [[0.6, 0.8j], [0.8j, 0.6]]}
    op = OPS[name]
    given = [values.get(param.kind, 0.25) for param in op.params if param.required]
    return program.apply(name, *given, *range(op.vqs.high if op.vqs.high in (1, 2) else 2))


def one_of(name: str) -> qmk.Program:
    """A program with the op in it."""
    program = qmk.Program(3, 3)
    if name in BY_NAME:
        return BY_NAME[name](program)
    op = OPS[name]
    if op.family == "photonic":
        return of_light(name)
    given = [0.25] * sum(param.required for param in op.params)
    return program.apply(name, *given, *range(op.vqs.low))


@pytest.mark.parametrize("name", OPS)
def test_every_op_is_reached_and_verified(name: str) -> None:
    program = one_of(name)
    graph = program.graph
    assert name in {node.op for node in graph.nodes} | {"core.gphase"}
    assert not verify(graph).errors
    assert qmk.Program.from_graph(graph) == program == pickle.loads(pickle.dumps(program)) == copy.deepcopy(program)
    assert qmk.Program.from_text(program.to("json")) == program == qmk.Program.from_text(program.to("binary"))
    assert str(program)
    assert "<svg" in program._repr_html_()


def test_the_methods_of_circuit_and_program_are_all_ops_without_overlap() -> None:
    assert not program_methods().keys() & (gate_methods().keys() | op_methods().keys() | set(dir(qmk.Circuit)))


def test_it_has_the_digest_of_assembly() -> None:
    text = """
.version 1.0
.caps CAP_ALLOC CAP_LINK
.output b descending = b
n0: ALLOC_LQ n=1 -> here [CAP_ALLOC]
n1: ALLOC_LQ n=1 -> there [CAP_ALLOC]
n2: APPLY_H here
n3: OPEN_CHAN here, there, fidelity=0.99 -> link
n4: USE_CHAN link, semantic="teleport"
n5: CLOSE_CHAN link
n6: MEASURE_Z there -> b
n7: FREE_LQ here, there
"""
    program = qmk.Program({"here": None, "there": None}).h("here").open_channel("link", "here", "there", fidelity=0.99)
    program.use_channel("link", semantic="teleport").close_channel("link").measure("there", "b")
    assert program.digest == digest(load(text.encode()).graph)
    assert program == qmk.Program.from_text(text)


def test_what_a_circuit_holds_has_one_digest() -> None:
    circuit = qmk.Circuit(2).h(0).cx(0, 1).measure_all()
    program = qmk.Program(2).add(circuit)
    assert program == circuit
    assert hash(program) == hash(circuit)
    assert repr(program) == "<Program 2 qubits, 2 bits, 4 ops>"
    assert type(program.copy() + circuit) is qmk.Program


def test_qubits_come_and_go() -> None:
    program = qmk.Program({"a": 2, "b": 2, "late": 1})
    program.alloc("a", profile="logical:surface(d=5)").h("a").free("a").alloc("late").x("late").measure("late", "out")
    nodes = program.graph.nodes
    assert [(node.op, node.vqs) for node in nodes if node.op in ("core.alloc", "core.free")] == [
        ("core.alloc", ("b_0", "b_1")),
        ("core.alloc", ("a_0", "a_1")),
        ("core.free", ("a_0", "a_1")),
        ("core.alloc", ("late_0",)),
        ("core.free", ("b_0", "b_1", "late_0")),
    ]
    assert nodes[1].args == {"n": 2, "profile": "logical:surface(d=5)"}
    assert qmk.run(program, shots=5).counts == {"1": 5}
    assert qmk.Program.from_graph(program.graph).graph.nodes[1].args == nodes[1].args
    assert program.depth() == 2


def test_channels_teleport() -> None:
    sent = qmk.Program(2).ry(1.2, 0).open_channel("link", 0, 1, raw=1.0).use_channel("link").close_channel("link")
    assert qmk.run(sent.ry(-1.2, 1).measure(1), shots=100, seed=1).counts == {"0": 100}
    outer = qmk.Program(4).add(sent, [2, 3])
    assert outer.graph.chs == ("link",)
    assert outer.use_channel("link").ops[-1].channel == "link"


def test_waveforms_are_numbers_samples_pairs_or_objects() -> None:
    times, values = np.array([0.0, 0.25, 0.5]), np.array([1.0, 2.0, 3.0])
    forms = (values, (times, values), {"times": times, "values": values}, [1, 2, 3])
    built = [qmk.Program(2).rydberg(0, 1, **PULSE, drives=[{"amplitude": form, "pattern": (1, 0)}]) for form in forms]
    assert built[0] == built[1] == built[2] == built[3]
    (drive,) = built[0].ops[0].args["drives"]
    assert drive == {"amplitude": {"times": [0.0, 0.25, 0.5], "values": [1.0, 2.0, 3.0]}, "pattern": [1.0, 0.0]}


def test_waveforms_have_parameters() -> None:
    size, far = qmk.Parameter("size"), qmk.Parameter("far")
    arguments: Any = {**PULSE, "positions": [[0, 0], [far, 0]], "drives": {"amplitude": 2 * size}}
    pulse = qmk.Program(2).rydberg(0, 1, **arguments)
    assert pulse.parameters == {"far": None, "size": None}
    plain = qmk.Program(2).rydberg(0, 1, **PULSE, drives={"amplitude": 4})
    assert pulse.bind(size=2, far=5) == plain
    assert pulse != pulse.bind(far=5)
    swept = qmk.sweep(pulse, {size: [1.0, 2.0], far: [5.0, 5.0]}, "ZZ").values
    assert abs(swept[1, 0] - qmk.expectation(plain, "ZZ").value) < 1e-9


def test_lost_atoms_are_told() -> None:
    atoms = qmk.Program(2).x([0, 1]).loss(1.0, 1).check_atoms(1, "gone").measure_atoms([0, 1], "out", "lost")
    assert qmk.run(atoms, shots=3).counts == {"10 L1 1": 3}
    again = qmk.Program(1).loss(1.0, 0).reload_atoms(0).measure_atoms(0)
    assert qmk.run(again, shots=3).counts == {"00": 3}


REFUSED: dict[str, tuple[Any, str, str]] = {
    "no channel": (lambda p: p.use_channel("link"), "there is no channel 'link'", "open_channel('link', qubit1"),
    "name": (lambda p: p.open_channel("a b", 0, 1), "cannot be named 'a b'", "letters"),
    "one end": (
        lambda p: p.open_channel("a", 0),
        "open_channel takes 2 qubits",
        "open_channel(channel, qubit1, qubit2)",
    ),
    "fidelity": (lambda p: p.open_channel("a", 0, 1, fidelity=2), "fidelity is 2", "0.25 to 1"),
    "semantic": (lambda p: p.open_channel("a", 0, 1).use_channel("a", semantic="x"), "'x'", "teleport, swap"),
    "missing": (lambda p: p.rydberg(0, 1, positions=PAIR), "rydberg needs c6", "c6=..."),
    "places": (lambda p: p.place_atoms([[0, 0]], 0, 1), "place_atoms: positions are a list", "one place for each"),
    "same place": (
        lambda p: p.place_atoms([[0, 0], [0, 0]], 0, 1),
        "atoms 0 and 1 are at the same place",
        "all different",
    ),
    "no places": (lambda p: p.place_atoms(3, 0), "place_atoms: positions is 3", "list or an array of places"),
    "drives": (lambda p: p.rydberg(0, 1, **PULSE, drives=3), "rydberg: drives is 3", "objects with amplitude"),
    "drive": (lambda p: p.rydberg(0, 1, **PULSE, drives=[3]), "rydberg: drives[0] is 3", "'amplitude'"),
    "field": (lambda p: p.rydberg(0, 1, **PULSE, drives={"amplitud": 3}), "has no 'amplitud'", "fields"),
    "sample": (lambda p: p.rydberg(0, 1, **PULSE, drives={"phase": [1.0]}), "has 1 value(s)", "times (us)"),
    "waveform": (lambda p: p.rydberg(0, 1, **PULSE, drives={"phase": "x"}), "drives[0]['phase']: 'x'", "number"),
    "noise": (lambda p: p.rydberg(0, 1, **PULSE, drives=[], noise=3), "rydberg: noise is 3", "decay_per_us"),
    "profile": (lambda p: p.alloc(0, profile="surface"), "'surface' cannot be read", "logical:surface(d=7)"),
    "owner": (lambda p: p.alloc(0, tenant_id=3), "alloc: tenant_id is 3", "give text"),
    "whole": (lambda p: p.set_policy(priority=1.5), "set_policy: priority is 1.5", "whole number"),
    "keyword": (lambda p: p.free(0, now=True), "free has no keyword 'now'", "free(*qubits)"),
    "bits": (lambda p: p.measure_atoms([0, 1], "out", "out"), "measure_atoms writes a bit twice", "each bit once"),
    "more bits": (lambda p: p.check_atoms(0, "a", "b"), "check_atoms takes 1 qubit", "check_atoms(qubit, bits)"),
    "reads": (lambda p: p.apply("core.condpauli", "X", 0), "reads at least 1 bits", "reads=..."),
    "no op": (lambda p: p.apply("core.nothing"), "no gate or method 'core.nothing'", "dir"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_argument_and_the_fix(name: str) -> None:
    build, message, fix = REFUSED[name]
    with pytest.raises(qmk.QmkError) as caught:
        build(qmk.Program(2))
    assert message in str(caught.value)
    assert fix in caught.value.fields["help"]


def test_a_circuit_says_that_a_program_has_it() -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(qmk.Circuit(2), "rydberg")  # noqa: B009
    assert isinstance(caught.value, qmk.QmkError)
    assert "qmk.Program has 'rydberg'" in str(caught.value.fields["help"])
    with pytest.raises(qmk.QmkError, match="no form in a circuit") as refused:
        qmk.Circuit.from_graph(qmk.Program(2).open_channel("link", 0, 1).graph)
    assert "qmk.Program" in refused.value.fields["help"]


@pytest.mark.parametrize("name", ["free", "alloc", "open_channel"])
def test_the_verifier_says_what_may_not_be_conditional(name: str) -> None:
    program = qmk.Program(3).measure(0, "c")
    with program.if_("c"):
        getattr(program, name)(*["link", 1] * (name == "open_channel"), 2)
    with pytest.raises(qmk.QmkError) as caught:
        qmk.run(program, shots=1)
    assert "guard" in caught.value.findings[0].message
