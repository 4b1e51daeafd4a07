"""Front-end ``stim``: every gate against Stim's matrices, random circuits against Stim's samplers, tags, and what is
refused."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import stim

import qmk
from qmk import frontends
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.exact.simulator import exact_distribution
from qmk.frontends.stim import FRONTEND, STIM_RULES, gates
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Guard, Node, Output
from qmk.qvm.verify import verify
from qmk.sdk.kit import frontend_kit, statistics


def read(text: str, **params: Any) -> Graph:
    return FRONTEND.parse(frontends.Source(text.encode(), "c.stim", params or None))


def chances(text: str) -> dict[str, float]:
    return exact_distribution(lower(read(text), ALL_GATES))


# -- gates ------------------------------------------------------------------------------------------------------------

Matrix = npt.NDArray[Any]
EXCHANGE = np.eye(4)[[0, 2, 1, 3]]


def matrix(step: gates.Step, qubits: int) -> Matrix:
    declared = OPS[f"core.{step.op}"].matrix
    assert declared is not None
    made = np.array(declared(step.args), complex)
    if qubits == 1 or step.operands == (0, 1):
        return made
    if len(step.operands) == 1:
        return np.kron(made, np.eye(2)) if step.operands == (0,) else np.kron(np.eye(2), made)
    return EXCHANGE @ made @ EXCHANGE


@pytest.mark.parametrize("name", [*gates.SINGLE, *gates.DOUBLE])
def test_gates_are_stims_up_to_phase(name: str) -> None:
    qubits = 1 if name in gates.SINGLE else 2
    made = np.eye(2**qubits, dtype=complex)
    for step in (gates.SINGLE | gates.DOUBLE)[name]:
        made = matrix(step, qubits) @ made
    want = stim.gate_data(name).unitary_matrix
    assert want is not None
    if qubits == 2:  # Stim's first target is the least significant
        want = EXCHANGE @ want @ EXCHANGE
    assert abs(abs(np.trace(made.conj().T @ want)) - 2**qubits) < 1e-6  # Stim's matrices are of single precision


def test_every_instruction_of_stim_is_read() -> None:
    spelled = {alias for data in stim.gate_data().values() for alias in data.aliases}
    assert spelled == {*gates.NAMES, *gates.ALIASES} - {"REPEAT"} | {"REPEAT"}


# -- against Stim's samplers ------------------------------------------------------------------------------------------


def random_circuit(seed: int) -> str:
    dice = random.Random(seed)
    rows, measured = list[str](), 0
    single, double = [n for n in gates.SINGLE if n != "I"], [n for n in gates.DOUBLE if n != "II"]
    for _ in range(16):
        a, b, c = dice.sample(range(3), 3)
        kind = dice.choice(["one", "one", "two", "two", "measure", "product", "feed", "noise", "reset", "pair", "spp"])
        if kind == "one":
            rows.append(f"{dice.choice(single)} {a} {b}")
        elif kind == "two":
            rows.append(f"{dice.choice(double)} {a} {b}")
        elif kind == "measure" and measured < 4:
            chance = "(0.125)" if not any("(0.125)" in row for row in rows) else ""
            rows.append(f"{dice.choice(list(gates.MEASURED))}{chance} {dice.choice(['', '!'])}{a}")
            measured += 1
        elif kind == "product" and measured < 4:
            rows.append(f"MPP {dice.choice(['', '!'])}X{a}*Y{b}*{dice.choice('XYZ')}{c}")
            measured += 1
        elif kind == "pair" and measured < 4:
            rows.append(f"{dice.choice(list(gates.PAIRED))} {a} !{b}")
            measured += 1
        elif kind == "feed" and measured:
            rec = f"rec[-{dice.randint(1, measured)}]"
            rows.append(dice.choice([f"CX {rec} {a}", f"CY {rec} {a}", f"CZ {a} {rec}", f"XCZ {a} {rec}"]))
        elif kind == "noise" and not any("0.2" in row for row in rows):
            rows.append(
                dice.choice([
                    f"X_ERROR(0.25) {a}", f"DEPOLARIZE1(0.25) {b}",
                    f"E(0.25) X{a} Y{b} Z{c}", f"PAULI_CHANNEL_1(0.2,0.05,0.15) {c}",
                    f"E(0.25) X{a}\nELSE_CORRELATED_ERROR(0.5) Y{a} Z{b}",
                ])
            )  # fmt: skip
        elif kind == "reset":
            rows.append(f"{dice.choice(list(gates.RESETS))} {a}")
        elif kind == "spp":
            rows.append(f"{dice.choice(['SPP', 'SPP_DAG'])} X{a}*{dice.choice('XYZ')}{b} !Z{c}")
    rows.append("M 0 1 2")
    rows += ["DETECTOR rec[-1] rec[-2]", "DETECTOR rec[-3]", "OBSERVABLE_INCLUDE(1) rec[-2]"]
    return "\n".join(rows) + "\n"


def sampled(text: str, shots: int) -> dict[str, int]:
    """Counts of record, detectors and observables as Stim gives them, without the reference sample."""
    circuit = stim.Circuit(text)
    record = circuit.compile_sampler(seed=7).sample(shots)
    convert = circuit.compile_m2d_converter(skip_reference_sample=True)
    detectors, observables = convert.convert(measurements=record, separate_observables=True)
    rows = zip(record, detectors, observables, strict=True)
    return Counter(" ".join("".join(str(int(bit)) for bit in part) for part in row) for row in rows)


@pytest.mark.parametrize("seed", range(16))
def test_random_circuits_give_what_stim_gives(seed: int) -> None:
    """Fails by chance with probability below 16e-9."""
    text = random_circuit(seed)
    assert verify(read(text)).ok
    assert statistics.check(sampled(text, 20_000), chances(text), 1e-9) == "", text


@pytest.mark.parametrize(
    "text",
    [
        "H 0\nCX 0 1\nHERALDED_ERASE(0.5) 0\nM 0\nMX 1\n",
        "R 0\nHERALDED_PAULI_CHANNEL_1(0.1,0.2,0.3,0.15) 0\nMPP Z0\nMX 0\n",
        "MPAD 0 1\nMPAD(0.25) 1\nX 0\nM 0\nDETECTOR rec[-1] rec[-3]\nDETECTOR rec[-4]\nDETECTOR\n",
        "H 0\nCX 0 1\nDEPOLARIZE2(0.25) 0 1\nM 0\nMX 1\n",
        "H 0\nPAULI_CHANNEL_2(.01,.02,.03,.04,.05,.06,.07,.08,.09,.1,.11,.12,.13,.04,.05) 0 1\nM 1\nMX 0\n",
        "H 0\nMPP X0*Z0*Y0*X1*Z1*Y1 Z2*Z2 !X2*X2\n",
        "E(0.5) X0\nELSE_CORRELATED_ERROR(0.5) X1\nELSE_CORRELATED_ERROR(1) X2\nM 0 1 2\n",
        "REPEAT 2 {\n X 0\n REPEAT 3 {\n  MR 0\n }\n}\nDETECTOR rec[-1] rec[-2]\n",
    ],
)  # fmt: skip
def test_special_instructions_give_what_stim_gives(text: str) -> None:
    """Fails by chance with probability below 8e-9."""
    want = {" ".join(key.split()): p for key, p in chances(text).items()}
    got = {" ".join(key.split()): n for key, n in sampled(text, 20_000).items()}
    assert statistics.check(got, want, 1e-9) == ""


def test_a_surface_code_runs_on_the_stabilizer_engine() -> None:
    """Parities of the noisy record are as frequent as in Stim; each within six standard deviations."""
    circuit = stim.Circuit.generated(
        "surface_code:rotated_memory_z", distance=3, rounds=3, after_clifford_depolarization=0.01,
        before_measure_flip_probability=0.02, after_reset_flip_probability=0.01,
    )  # fmt: skip
    graph = frontends.load(str(circuit).encode()).graph
    shots = 4000
    found = qmk.run(graph, shots=shots, seed=3).counts
    detectors = np.zeros(circuit.num_detectors)
    for key, count in found.items():
        detectors += count * np.array([int(bit) for bit in key.split()[1]])
    want = np.asarray(circuit.compile_detector_sampler(seed=3).sample(100_000)).mean(axis=0)
    assert np.all(np.abs(detectors / shots - want) < 6 * np.sqrt(want * (1 - want) / shots) + 0.005)
    assert len(graph.metadata["detectors"]) == circuit.num_detectors
    coordinates = circuit.get_detector_coordinates()
    assert [coordinates[k] for k in range(circuit.num_detectors)] == graph.metadata["detectors"]
    assert graph.metadata["qubit_coordinates"]["q1"] == [1.0, 1.0]


# -- tags and lost atoms ----------------------------------------------------------------------------------------------


def test_tagged_gates_are_run() -> None:
    """Plain Stim takes S[T] for S: H S S H is X; H T T H is not."""
    assert chances("H 0\nS[T] 0\nS[T] 0\nH 0\nM 0") == pytest.approx({"0": 0.5, "1": 0.5})
    assert chances("H 0\nS[T] 0\nS_DAG[T] 0\nH 0\nM 0") == pytest.approx({"0": 1.0})
    assert chances("I[R_X(theta=0.3*pi)] 0\nM 0")["1"] == pytest.approx(math.sin(0.15 * math.pi) ** 2)
    assert chances("I[R_Y(theta=0.3*pi)] 0\nM 0")["1"] == pytest.approx(math.sin(0.15 * math.pi) ** 2)
    assert chances("H 0\nI[R_Z(theta=1.0*pi)] 0\nH 0\nM 0") == pytest.approx({"1": 1.0})
    turned = "I[U3(theta=0.5*pi, phi=0.25*pi, lambda=0.1*pi)] 0\n"
    assert read(turned).nodes[1].args == {"theta": math.pi / 2, "phi": math.pi / 4, "lam": 0.1 * math.pi}


def test_lost_atoms_read_0_and_say_so() -> None:
    graph = read("X 0 1 2\nI_ERROR[loss](1) 0\nI_ERROR[correlated_loss:0](0.25) 1 2\nM !0 1 2\n")
    assert graph.outputs is not None
    assert [(row.name, row.bits) for row in graph.outputs] == [
        ("record", ("m0", "m1", "m2")), ("lost", ("lost0", "lost1", "lost2")),
    ]  # fmt: skip
    assert [node.vqs for node in graph.nodes if node.op == "noise.loss"] == [("q0",), ("q1", "q2")]
    lowered = exact_distribution(lower(graph, ALL_GATES))  # counts print L for the bit of a lost atom
    assert lowered == pytest.approx({"111 100": 0.75, "1LL 111": 0.25})


def test_leakage_keeps_its_order() -> None:
    node = next(node for node in read("I_ERROR[leakage](0.1, 0.2) 0\nM 0").nodes if node.op == "noise.leak")
    assert node.args == {"p0": 0.1, "p1": 0.2}


def test_a_tag_that_is_only_a_comment_is_noted() -> None:
    loaded = frontends.load(b"H[warm] 0\nM[last] 0\n")
    assert [(row.rule, row.line) for row in loaded.findings] == [("STIM-07", 1), ("STIM-07", 2)]


def test_sweep_bits_are_a_parameter() -> None:
    text = "CX sweep[1] 0\nCZ 0 sweep[0]\nM 0\n"
    assert chances(text) == {"0": 1.0}
    assert exact_distribution(lower(read(text, sweep=[0, 1]), ALL_GATES)) == {"1": 1.0}


# -- out and back -----------------------------------------------------------------------------------------------------


def test_what_a_program_writes_is_stims_own_language() -> None:
    bell = frontends.load(
        b'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;\n'
    ).graph
    text = frontends.emit(bell, "stim").decode()
    assert text.splitlines() == ["# c: m1 m0", "H 0", "CX 0 1", "M 0", "M 1"]
    assert stim.Circuit(text).num_measurements == 2


def test_a_pauli_under_a_guard_is_feedback() -> None:
    nodes = (
        Node("a", "core.alloc", {"n": 2}, ("q0", "q1"), caps=("CAP_ALLOC",)),
        Node("h", "core.h", vqs=("q0",)),
        Node("m", "core.mz", vqs=("q0",), produces=("c",)),
        Node("x", "core.x", vqs=("q1",), guard=Guard("eq", "c", 0)),
        Node("n", "core.mz", vqs=("q1",), produces=("d",)),
    )
    graph = Graph(nodes=nodes, vqs=("q0", "q1"), events=("c", "d"), caps=("CAP_ALLOC",))
    text = FRONTEND.emit(graph).decode() if FRONTEND.emit else ""
    assert text.splitlines() == ["H 0", "M 0", "X 1", "CX rec[-1] 1", "M 1"]
    assert chances(text) == pytest.approx({"01": 0.5, "10": 0.5})


def refused_to_write(*nodes: Node, outputs: tuple[Output, ...] | None = None) -> list[str]:
    alloc = Node("a", "core.alloc", {"n": 3}, ("q0", "q1", "q2"), caps=("CAP_ALLOC",))
    graph = Graph(nodes=(alloc, *nodes), vqs=("q0", "q1", "q2"), outputs=outputs)
    with pytest.raises(QmkError) as caught:
        frontends.emit(graph, "stim")
    assert {finding.rule for finding in caught.value.findings} == {"STIM-20"}
    return [finding.node for finding in caught.value.findings]


def test_what_has_no_form_is_refused_and_named() -> None:
    mz = Node("m", "core.mz", vqs=("q0",), produces=("c",))
    two = Node("k", "core.mz", vqs=("q1",), produces=("d",))
    assert refused_to_write(Node("ccz", "core.ccz", vqs=("q0", "q1", "q2"))) == ["ccz"]
    assert refused_to_write(Node("r", "core.rzz", {"theta": 0.3}, ("q0", "q1"))) == ["r"]
    assert refused_to_write(mz, Node("g", "core.h", vqs=("q1",), guard=Guard("eq", "c", 1))) == ["g"]
    assert refused_to_write(mz, two, Node("l", "core.lut", {"table": 0b1000}, inputs=("c", "d"), produces=("e",))) == [
        "l"
    ]
    assert refused_to_write(Node("d", "noise.amplitude_damping", {"gamma": 0.1}, ("q0",))) == ["d"]
    assert refused_to_write(Node("v", "atoms.check", vqs=("q0",), produces=("c",))) == ["v"]
    assert refused_to_write(mz, outputs=(Output("r", ("c", None)),)) == [""]


# -- what it refuses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "line", "text"),
    [
        ("STIM-01", 1, "# nothing\n"),
        ("STIM-01", 2, "H 0\n}\n"),
        ("STIM-01", 2, "H 0\nREPEAT 3 {\nH 0\n"),
        ("STIM-01", 1, "REPEAT 0 {\nH 0\n}\n"),
        ("STIM-01", 1, "REPEAT 2 {\n}\n"),
        ("STIM-01", 2, "H 0\n?? 1\n"),
        ("STIM-02", 3, "H 0\n\nHADAMARD 0\n"),
        ("STIM-03", 1, "X_ERROR(1.5) 0\n"),
        ("STIM-03", 1, "X_ERROR 0\n"),
        ("STIM-03", 1, "H(0.1) 0\n"),
        ("STIM-03", 1, "PAULI_CHANNEL_1(0.5,0.5,0.5) 0\n"),
        ("STIM-03", 1, "X_ERROR(nan) 0\n"),
        ("STIM-03", 1, "OBSERVABLE_INCLUDE(1000000000)\n"),
        ("STIM-04", 1, "CX 0 1 2\n"),
        ("STIM-04", 1, "CX 0 0\n"),
        ("STIM-04", 1, "H X0\n"),
        ("STIM-04", 1, "H !0\n"),
        ("STIM-04", 1, "MPP X0*Z0\n"),
        ("STIM-04", 2, "M 0\nCX 1 rec[-1]\n"),
        ("STIM-04", 2, "M 0\nSWAP rec[-1] 1\n"),
        ("STIM-04", 2, "M 0\nOBSERVABLE_INCLUDE(0) X0\n"),
        ("STIM-05", 2, "M 0\nDETECTOR rec[-2]\n"),
        ("STIM-05", 1, "CX rec[-1] 0\n"),
        ("STIM-06", 1, "S[U] 0\n"),
        ("STIM-06", 1, "I[R_X(theta=0.3)] 0\n"),
        ("STIM-06", 1, "I[R_X(phi=0.3*pi)] 0\n"),
        ("STIM-06", 1, "I_ERROR[gone](0.1) 0\n"),
        ("STIM-06", 1, "I[__import__('os')] 0\n"),
        ("STIM-08", 1, "REPEAT 1000000000 {\nTICK\n}\n"),
        ("STIM-08", 1, "REPEAT 1000000000 {\nSHIFT_COORDS(1)\n}\n"),
    ],
)  # fmt: skip
def test_circuits_that_break_a_rule(monkeypatch: pytest.MonkeyPatch, rule: str, line: int, text: str) -> None:
    monkeypatch.setattr(LIMITS, "expansion_steps", 3000)
    with pytest.raises(QmkError) as caught:
        read(text)
    finding = caught.value.findings[0]
    assert (finding.rule, finding.file) == (rule, "c.stim")
    if rule != "STIM-08":
        assert finding.line == line
    assert finding.help


def test_parameters_and_depth() -> None:
    for params in ({"n": 1}, {"sweep": [2]}, {"sweep": 1}):
        with pytest.raises(QmkError, match="STIM-09"):
            read("M 0", **params)
    with pytest.raises(QmkError, match="STIM-08"):
        read("REPEAT 2 {\n" * 1000 + "H 0\n" + "}\n" * 1000)


def test_recognition() -> None:
    assert FRONTEND.recognise(b"# a comment\nH 0 1 # another\nCX 0 1\nM 0") == 100
    assert FRONTEND.recognise(b"QUBIT_COORDS(0, 0) 0\nREPEAT 5 {\n    TICK\n}\n") == 100
    for other in (b'{"a": 1}', b"OPENQASM 3;\nqubit q;\n", b".version 0.1\nalloc: ALLOC_LQ n=1 -> q0", b"\0\1"):
        assert FRONTEND.recognise(other) == 0
    assert frontends.load(b"H 0\nM 0\n").format == "stim"


def test_rules_are_used() -> None:
    assert all(re.match(r"STIM-\d\d$", rule) for rule in STIM_RULES)


SAMPLES = frontend_kit.Samples(
    valid={
        "bell": (b"H 0\nCX 0 1\nM 0 1\n", {"00": 0.5, "11": 0.5}),
        "noisy": (b"R 0\nX_ERROR(0.25) 0\nM(0.125) !0\nDETECTOR rec[-1]\n", None),
        "everything": (b"H_XY 0\nSQRT_ZZ_DAG 0 1\nMR 0\nCX rec[-1] 1\nE(0.25) X0 Y1 Z2\nMPP X0*Y1 !Z2\nMX 2\nTICK\n"
                       b"OBSERVABLE_INCLUDE(0) rec[-1] rec[-3]\nDEPOLARIZE2(0.1) 0 1\nPAULI_CHANNEL_1(0.1,0.2,0.3) 2\n"
                       b"SPP X0*Z1\nM 0 1 2\nDETECTOR rec[-1] rec[-2]\n", None),
        "tagged": (b"H 0\nS[T] 0\nI[R_X(theta=0.3*pi)] 0\nI[U3(theta=0.5*pi, phi=0.25*pi, lambda=-0.1*pi)] 0\n"
                   b"M 0\n", None),
    },
    invalid={"unknown": (b"H 0\nFOO 1\n", 2), "open": (b"REPEAT 2 {\nH 0\n", 1)},
    foreign=[b"OPENQASM 3;\nqubit q;\n", b'{"version": "1.0"}'],
)  # fmt: skip
CHECKS = frontend_kit.checks(FRONTEND, SAMPLES)


@pytest.mark.parametrize("check", CHECKS, ids=[check.name for check in CHECKS])
def test_conformance(check: Any) -> None:
    assert check.run() == ""
