"""Noise models: rules, presets, short forms, JSON, what they write into a graph, and how it is routed."""

from __future__ import annotations

import math
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stim

import qmk
from qmk.base.errors import QmkError
from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.models.noise import (
    AmplitudeDamping,
    Depolarize,
    GateRule,
    Kraus,
    NoiseModel,
    Pauli,
    Pauli2,
    PhaseDamping,
    Readout,
    Relaxation,
    apply,
    resolve,
)
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node, Output, digest
from qmk.qvm.verify import verify
from qmk.request.shots import shots_for
from qmk.router import choose
from qmk.router.features import features
from qmk.sdk.kit.builder import Builder, when
from qmk.worker.runner import Runner

GIB = 1 << 30
FORMS = [
    "depolarizing=1e-2", "uniform=0.01", "si1000=0.01", "biased=0.01:100", "thermal=50us:70us", "twirled=50us:70us",
    "readout=0.02:0.05", "reset=0.1", "idle=0.01", "depolarizing=0.01,readout=0.1,amplitude_damping=0.1",
    "phase_damping=0.2",
]  # fmt: skip


def noises(graph: Graph) -> list[tuple[str, tuple[str, ...], dict[str, Any]]]:
    return [(node.op.partition(".")[2], node.vqs, node.args) for node in graph.nodes if node.op.startswith("noise.")]


def ghz(n: int) -> Builder:
    b = Builder(n).op("h", 0)
    for q in range(n - 1):
        b.op("cnot", q, q + 1)
    return b


@pytest.mark.parametrize("text", FORMS)
def test_every_short_form_gives_a_sound_program_and_survives_json(text: str) -> None:
    model = resolve(text)
    assert model.name == text
    assert NoiseModel.from_json(model.to_json()) == model
    b = ghz(2)
    if text.startswith("idle"):  # qubit 1 waits
        b.op("s", 0).op("s", 0).op("cz", 0, 1)
    noisy = apply(model, b.measure_all().graph())
    assert verify(noisy).ok
    assert noises(noisy)
    found = exact_distribution(lower(noisy, ALL_GATES))
    assert math.isclose(sum(found.values()), 1.0)
    assert len(found) > 2 or text.startswith(("thermal", "phase", "idle", "reset"))


def test_gates_may_have_the_names_of_other_languages() -> None:
    ours, theirs = (
        NoiseModel(gates=(GateRule((Depolarize(0.1),), gates=names),), durations={names[0]: 1e-7})
        for names in (("cnot", "toffoli"), ("cx", "ccx"))
    )
    assert theirs == ours
    with pytest.raises(QmkError, match="there is no gate 'measure'"):
        GateRule((Depolarize(0.1),), gates=("measure",))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("colour=1", "is not a term of noise"),
        ("depolarizing=x", "is not a number"),
        ("depolarizing=2", "probability of an error"),
        ("biased=0.1", "is not a term of noise"),
        ("thermal=1us:5us", "longer than twice T1"),
        ("readout=0.1,uniform=0.1", "after another term"),
        ("no/such/file.json", "cannot read"),
        ("biased=0.1:-1", "the bias is -1"),
        ("biased=0.1:inf", "the bias is inf"),
        ("depolarizing=0.1ms", "is not a number"),
        ("a\0", "cannot read"),
        ("1e-3", "is not a term of noise, and there is no such file"),
        ("/dev/zero", "larger than"),
        ("/dev/zero@1h", "larger than"),
        ("device,readout=0.1", "no device"),
    ],
)
def test_what_is_no_model_is_refused(text: str, why: str) -> None:
    with pytest.raises(QmkError, match=why) as refused:
        resolve(text)
    assert refused.value.kind.name == "INVALID_PARAMS"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("depolarising=1e-3", "write depolarizing=P"),
        ("depolarizing", "write depolarizing=P"),
        ("readouts", "write readout=P or readout=P01:P10"),
        ("qqq=1", "terms of depolarizing=P, uniform=P"),
    ],
)
def test_the_term_that_was_meant_is_named(text: str, hint: str) -> None:
    with pytest.raises(QmkError) as refused:
        resolve(text)
    assert hint in refused.value.fields["help"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: NoiseModel(idle=(Kraus(()),)),
        lambda: NoiseModel(reset=(Pauli2({"XX": 0.1}),)),
        lambda: GateRule((), gates=("no_gate",)),
        lambda: NoiseModel(durations={"cnot": -1.0}),
        lambda: NoiseModel(relaxation=(Relaxation(1e-6, 1e-6),)),
        lambda: GateRule((), arity=-1),
        lambda: resolve(3),  # type: ignore[arg-type]
        lambda: NoiseModel(durations={"lunch": 1.0}),
        lambda: Pauli(0.5, 0.5, 0.5),
        lambda: Pauli2({"XW": 0.1}),
        lambda: Kraus((((0.5, 0.0), (0.0, 0.0)), ((0.0, 0.0), (0.5, 0.0)))),  # pyright: ignore[reportArgumentType]
        lambda: Readout(-0.1, 0.0),
        lambda: NoiseModel.from_json('{"gates": [{"errors": [{"kind": "gremlin"}]}]}'),
        lambda: NoiseModel.from_json('{"color": 1}'),
        lambda: NoiseModel.from_json("{"),
    ],
)
def test_wrong_models_are_refused(make: Any) -> None:
    with pytest.raises((QmkError, TypeError)):
        make()


def test_hash_covers_all_but_the_name(tmp_path: Path) -> None:
    a, b = resolve("si1000=1e-3"), NoiseModel.si1000(1e-3)
    assert a.hash == b.hash != NoiseModel.si1000(2e-3).hash
    path = tmp_path / "mine.json"
    path.write_bytes(NoiseModel(readout=(Readout(0.1, 0.2),)).to_json())
    assert resolve(path).name == "mine"
    assert resolve(path).label.startswith("mine [")


def test_the_first_rule_that_fits_is_taken() -> None:
    model = NoiseModel(
        gates=(
            GateRule((Pauli(px=0.1),), gates=("cnot",), qubits=("q0", "q1")),
            GateRule((Depolarize(0.2),), arity=2),
            GateRule((AmplitudeDamping(0.3), PhaseDamping(0.4)), gates=("h",)),
        )
    )
    b = Builder(3).op("h", 0).op("x", 0).op("cnot", 0, 1).op("cnot", 1, 2).op("toffoli", 0, 1, 2)
    assert noises(apply(model, b.graph())) == [
        ("amplitude_damping", ("q0",), {"gamma": 0.3}),
        ("phase_damping", ("q0",), {"lam": 0.4}),
        ("pauli", ("q0",), {"px": 0.1}),
        ("pauli", ("q1",), {"px": 0.1}),
        ("depolarize", ("q1", "q2"), {"p": 0.2}),
    ]


def test_errors_on_pairs_and_on_three_qubits() -> None:
    model = NoiseModel(
        gates=(
            GateRule(
                (Depolarize(0.1), Pauli2({"ZZ": 0.2}), Depolarize(0.3, each=True)),
            ),
        )
    )
    b = Builder(3).op("cz", 2, 0).op("toffoli", 0, 1, 2)
    found = Counter((short, vqs) for short, vqs, _ in noises(apply(model, b.graph())))
    assert found == Counter(
        [("depolarize", ("q2", "q0")), ("pauli2", ("q2", "q0"))]
        + [("depolarize", (q,)) for q in ("q2", "q0")]
        + 2 * [("depolarize", (q,)) for q in ("q0", "q1", "q2")]
    )


def test_measured_events_keep_their_names_for_what_is_read() -> None:
    b = Builder(2).op("h", 0)
    event = b.measure(0)
    b.op("x", 1, guard=when(event))
    b.measure(1, guard=when(event))
    plain = b.graph()
    noisy = apply(NoiseModel(readout=(Readout(0.25, 0.5),)), plain)
    assert verify(noisy).ok
    assert noisy.outputs == (Output("", ("e0", "e1")),)
    assert noisy.events == ("e0", "e1", "e0__true", "e1__true")
    reads = [node for node in noisy.nodes if node.op == "noise.readout"]
    assert [(n.inputs, n.produces, n.guard) for n in reads] == [
        (("e0__true",), ("e0",), None),
        (("e1__true",), ("e1",), when("e0")),
    ]
    found = exact_distribution(lower(noisy, ALL_GATES))
    # read 1 with (1/2)(1/4) + (1/2)(1/2); then the other qubit is 1, and is read wrongly by half
    assert found == pytest.approx({"00": 0.625, "10": 0.1875, "11": 0.1875})


def test_a_wide_event_cannot_be_misread() -> None:
    b = Builder(2)
    b.measure(0, 1, basis="mbell")
    with pytest.raises(QmkError, match="two bits"):
        apply(NoiseModel(readout=(Readout(0.1, 0.1),)), b.graph())


def test_waiting_is_counted_in_layers_and_apart_while_others_are_measured() -> None:
    b = Builder(3).op("h", 0).op("h", 1).op("h", 2).op("x", 0).op("x", 0)
    b.measure(0)
    b.op("reset", 0).op("cnot", 1, 2)
    b.op("barrier").op("cz", 0, 1)
    model = NoiseModel(idle=(Pauli(pz=0.1),), idle_measure=(Pauli(px=0.1),))
    found = noises(apply(model, b.graph()))
    # layers: h | cnot, x | x | measure | reset | cz: qubit 1 waits for a gate, then for read-out and reset
    assert found == [
        ("pauli", ("q1",), {"pz": pytest.approx(0.1)}),
        ("pauli", ("q1",), {"px": pytest.approx(0.18)}),
    ]


def test_repeated_errors_are_the_errors_again_and_again() -> None:
    assert Pauli(0.1, 0.2, 0.05).repeat(1).args() == pytest.approx({"px": 0.1, "py": 0.2, "pz": 0.05})
    twice = Pauli(0.1, 0.2, 0.05).repeat(2).args()
    assert twice["px"] == pytest.approx(2 * (0.65 * 0.1 + 0.2 * 0.05))
    assert AmplitudeDamping(0.1).repeat(3).args() == pytest.approx({"gamma": 1 - 0.9**3})
    assert Depolarize(0.1).repeat(2).args() == pytest.approx({"p": 0.1 + 0.9 * 0.1 - 0.1 * 0.1 / 3})


def test_it_takes_linear_time_in_nodes() -> None:
    """Nodes made are at most a constant times the nodes there were, whatever waits for what."""
    b = Builder(2)
    for _ in range(2000):
        b.op("x", 0).op("barrier")
    b.op("cnot", 0, 1)
    assert len(apply(NoiseModel.uniform(1e-3), b.graph()).nodes) < 2 * len(b.nodes) + 10


def gates_in_a_row(graph: Graph) -> list[int]:
    """Lengths of the runs of reversible nodes."""
    runs = groupby(graph.nodes, key=lambda node: OPS[node.op].op_class)
    return [len(list(run)) for op_class, run in runs if op_class == "unitary"]


def test_noise_changes_the_digest_and_ends_what_can_be_undone() -> None:
    plain = Builder(1).op("h", 0).op("s", 0).graph()
    noisy = apply(NoiseModel.depolarizing(0.1), plain)
    assert digest(plain) != digest(noisy)
    assert digest(noisy) == digest(apply(NoiseModel.depolarizing(0.1), plain))
    assert gates_in_a_row(plain) == [2]
    assert gates_in_a_row(noisy) == [1, 1]


def test_noise_under_a_guard_is_refused() -> None:
    b = Builder(2).op("h", 0)
    event = b.measure(0)
    b.op("depolarize", 1, family="noise", p=0.1, guard=when(event))
    assert [finding.rule for finding in verify(b.graph()).errors] == ["QVM-L10"]


@pytest.mark.parametrize(
    ("op", "qubits", "args", "why"),
    [
        ("pauli", 1, {"px": 0.6, "pz": 0.6}, "add up to 1.2"),
        ("thermal", 1, {"t1": 0.0, "duration": 1.0}, "longer than 0 s"),
        ("kraus", 1, {"operators": [[[[0.9, 0], [0, 0]], [[0, 0], [1, 0]]]]}, "does not preserve the trace"),
        ("kraus", 2, {"operators": [[[[1, 0], [0, 0]], [[0, 0], [1, 0]]]]}, "4 rows of 4 entries"),
        ("kraus", 1, {"operators": []}, "0 Kraus operators"),
        ("kraus", 1, {"operators": [[[["1", 0], [0, 0]], [[0, 0], [1, 0]]]]}, "finite numbers"),
    ],
)
def test_arguments_that_are_no_channel_are_found(op: str, qubits: int, args: dict[str, Any], why: str) -> None:
    graph = Builder(2).op(op, *range(qubits), family="noise", **args).graph()
    finding = verify(graph).errors[0]
    assert finding.rule == "QVM-T12"
    assert why in finding.message


def routed(graph: Graph, shots: int = 1000, memory_bytes: int = 16 * GIB) -> str:
    decision = choose(features(graph), shots, memory_bytes=memory_bytes)
    return f"{decision.engine}:{decision.method}".rstrip(":")


def test_each_kind_of_noise_goes_to_what_can_run_it() -> None:
    wide = apply(NoiseModel.si1000(1e-3), ghz(300).measure_all().graph())
    assert routed(wide) == "stabilizer"

    def decaying(n: int) -> Graph:
        b = ghz(n)
        for q in range(n):
            b.op("ry", q, theta=0.3 + q)
        for _ in range(3):
            for q in range(n):
                b.op("u", q, theta=0.4, phi=0.1 * q, lam=0.2).op("cnot", q, (q + 5) % n)
        return apply(NoiseModel.thermal(50e-6, 70e-6, {"1q": 35e-9, "2q": 60e-9}), b.measure_all().graph())

    small, large = decaying(6), decaying(16)
    assert routed(small) == "aer:density_matrix"
    assert routed(large) == "aer:statevector"
    assert features(large).noise == {"kraus"}
    twirled = apply(NoiseModel.thermal(50e-6, 70e-6, {"1q": 35e-9}, twirl=True), ghz(4).measure_all().graph())
    assert features(twirled).noise == {"pauli"}


def test_readings_ask_nothing_of_an_engine_unless_they_are_acted_on() -> None:
    late = apply(NoiseModel(readout=(Readout(0.1, 0.2),)), ghz(3).measure_all().graph())
    assert features(late).noise == frozenset()
    b = Builder(2).op("h", 0)
    b.op("x", 1, guard=when(b.measure(0)))
    acted = apply(NoiseModel(readout=(Readout(0.1, 0.2),)), b.measure_all().graph())
    found = features(acted)
    assert (found.noise, found.feed_forward, found.n_qubits, found.has_reset) == ({"pauli"}, "full", 3, True)


def test_a_stated_error_is_held_by_the_worst_case() -> None:
    for error in (0.3, 0.1, 0.02, 0.01, 0.0017):
        shots = shots_for(error)
        assert 1 / (2 * math.sqrt(shots)) <= error * (1 + 1e-9)
        assert shots == 1 or 1 / (2 * math.sqrt(shots - 1)) > error
    for error in (0.0, 1.0, -0.1, math.nan):
        with pytest.raises(QmkError, match="standard error"):
            shots_for(error)
    with pytest.raises(QmkError, match="exceed the limit 'shots'"):
        shots_for(1e-6)
    with pytest.raises(QmkError, match="both a number of shots and a standard error"):
        qmk.run(ghz(2).measure_all().graph(), shots=10, error=0.1)


def test_runs_and_samples_take_noise_and_error() -> None:
    graph = ghz(4).measure_all().graph()
    found = qmk.run(graph, noise="readout=1.0", error=0.05, seed=1)
    assert found.shots == 100
    assert set(found.counts) == {"0000", "1111"}
    assert found.provenance.notes["noise"].startswith("readout=1.0 [")
    assert "at most 0.05" in found.provenance.notes["shots"]
    with_x = NoiseModel(gates=(GateRule((Pauli(px=1.0),), gates=("cnot",)),))
    exact = exact_distribution(lower(apply(with_x, graph), ALL_GATES))
    assert set(qmk.sample(graph, noise=with_x, error=0.05, seed=1).counts) == set(exact)


def test_the_label_of_a_graph_names_both_models() -> None:
    graph = ghz(2).measure_all().graph()
    gates, readout = (resolve(text) for text in ("depolarizing=0.01", "readout=0.1"))
    both = apply(readout, apply(gates, graph)).metadata["noise"]
    turned = apply(gates, apply(readout, graph)).metadata["noise"]
    assert both["name"] == f"{gates.name} + {readout.name}"
    assert len({both["hash"], turned["hash"], gates.hash, readout.hash}) == 4
    assert apply(gates, graph).metadata["noise"]["hash"] == gates.hash


def test_a_surface_code_has_the_detection_rates_of_stims_own_circuit() -> None:
    """Stim's rotated memory with depolarizing errors after gates, read-outs that lie and resets that fail, against the
    same gates as a program with the model of these rates. Detectors are counted from the records of both; a rate fails
    by chance with probability below 1e-9 at 7 standard errors, all 16 x 2 below 1e-7."""
    p, shots = 0.02, 20_000
    theirs = stim.Circuit.generated(
        "surface_code:rotated_memory_z", distance=3, rounds=2, after_clifford_depolarization=p,
        before_measure_flip_probability=p, after_reset_flip_probability=p,
    )  # fmt: skip
    clean = theirs.without_noise().flattened()
    width = clean.num_qubits
    b = Builder(width)
    record: list[str] = []
    for item in clean:
        targets = [t.value for t in item.targets_copy()] if item.name in ("R", "H", "CX", "M", "MR") else []  # pyright: ignore[reportAttributeAccessIssue]
        if item.name == "CX":
            for at in range(0, len(targets), 2):
                b.op("cnot", targets[at], targets[at + 1])
            continue
        for q in targets:
            if item.name == "H":
                b.op("h", q)
            if item.name in ("M", "MR"):
                record.append(b.measure(q))
            if item.name in ("R", "MR"):
                b.op("reset", q)
    model = NoiseModel(gates=(GateRule((Depolarize(p),)),), readout=(Readout(p, p),), reset=(Pauli(px=p),))
    # allocation is a reset too, and stim resets all its qubits once more
    graph = apply(model, b.graph())
    first = next(at for at, node in enumerate(graph.nodes) if node.op == "core.reset")
    graph = Graph(**{**{f: getattr(graph, f) for f in graph.__struct_fields__}, "nodes": _without(graph.nodes, first)})
    done = Runner("native").execute(graph, "auto", shots, 5)
    rows = np.unpackbits(np.frombuffer(done.event_bits, dtype=np.uint8).reshape(shots, -1), axis=1)
    columns = [done.event_names.index(event) for event in record]
    ours = clean.compile_m2d_converter().convert(measurements=rows[:, columns].astype(bool), append_observables=False)
    wanted = theirs.compile_detector_sampler(seed=7).sample(200_000).mean(axis=0)  # pyright: ignore[reportAttributeAccessIssue]
    error = np.sqrt(wanted * (1 - wanted) * (1 / shots + 1 / 200_000))
    assert (np.abs(ours.mean(axis=0) - wanted) < 7 * error).all()


def _without(nodes: tuple[Node, ...], first: int) -> tuple[Node, ...]:
    """Without the flips that follow the allocation."""
    return tuple(node for at, node in enumerate(nodes) if at >= first or not node.op.startswith("noise."))


def test_terms_follow_a_file_at_a_moment(tmp_path: Path) -> None:
    path = tmp_path / "fridge.json"
    path.write_text('{"points": [{"time_s": 0, "readout": 0.1, "gate_2q": 1e-3}]}')
    model = resolve(f"{path}@1h,readout=0.25")
    assert model.readout[0].p01 == 0.25
    assert model.gates == resolve(f"{path}@1h").gates
