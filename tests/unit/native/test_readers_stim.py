"""The native reader of flat Stim text against the front end: the same graph, and the same ops, cbits and registers, on
random programs, on Stim's own codes and on broken text, or declined."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
import stim
from qmk_native import Declined, read_stim, read_stim_graph

import qmk
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.frontends import load
from qmk.frontends.stim import gates
from qmk.frontends.stim.reader import interpret
from qmk.ir import lower
from qmk.ir.native_circuit import GATES, circuit_of, program_of
from qmk.qvm.graph import Graph, unpack
from qmk.request import native_text
from qmk.sdk.frontend import Source
from tests.unit.native.conftest import same

MEASURED = ("M", "MX", "MY", "MZ", "MR", "MRX", "MRY", "MRZ")
NOISE = {"X_ERROR": 1, "Y_ERROR": 1, "Z_ERROR": 1, "DEPOLARIZE1": 1, "PAULI_CHANNEL_1": 3}
PAIR_NOISE = {"DEPOLARIZE2": 1, "PAULI_CHANNEL_2": 15}
OTHERS = ("TICK", "MPP X0*Z1", "E(0.1) X0", "S[T] 0", "# a note", "", "MXX 0 1", "SHIFT_COORDS(0, 1)", "MPAD 0 1")


class Writer:
    """One random program; ``flat`` leaves out what the native reader declines."""

    def __init__(self, seed: int, flat: bool) -> None:
        self.dice, self.flat = Random(seed), flat
        self.names = self.dice.sample(range(30), self.dice.randrange(2, 5))
        self.measured = 0
        self.noisy = self.dice.random() < 0.4

    def qubits(self, count: int) -> list[str]:
        return [str(q) for q in self.dice.sample(self.names, count)]

    def arguments(self, count: int) -> str:
        left = 1.0
        found: list[str] = []
        for _ in range(count):
            p = round(self.dice.random() * left * 0.5, 4)
            left -= p
            found.append(repr(p) if self.dice.random() < 0.9 else "0")
        return f"({', '.join(found)})"

    def pairs(self) -> str:
        return " ".join(" ".join(self.qubits(2)) for _ in range(self.dice.randrange(3)))

    def measurement(self) -> str:
        name = self.dice.choice(MEASURED)
        targets = [self.dice.choice(("", "", "!")) + q for q in self.qubits(self.dice.randrange(1, len(self.names)))]
        self.measured += len(targets)
        noise = self.arguments(1) if self.noisy and self.dice.random() < 0.4 else ""
        return f"{name}{noise} {' '.join(targets)}"

    def records(self, most: int) -> str:
        return " ".join(f"rec[-{self.dice.randrange(1, self.measured + 1)}]" for _ in range(self.dice.randrange(most)))

    def line(self) -> str:
        kind = self.dice.randrange(16)
        if kind < 4:
            return f"{self.dice.choice(list(gates.SINGLE))} {' '.join(self.qubits(self.dice.randrange(1, 3)))}"
        if kind < 8:
            return f"{self.dice.choice(list(gates.DOUBLE))} {self.pairs()}"
        if kind < 10:
            return self.measurement()
        if kind == 10:
            return f"{self.dice.choice(list(gates.RESETS))} {' '.join(self.qubits(1))}"
        if kind == 11 and self.noisy:
            name, count = self.dice.choice(list(NOISE.items()))
            return f"{name}{self.arguments(count)} {' '.join(self.qubits(2))}"
        if kind == 12 and self.noisy:
            name, count = self.dice.choice(list(PAIR_NOISE.items()))
            return f"{name}{self.arguments(count)} {self.pairs()}"
        if kind == 13 and self.measured:
            number = self.dice.randrange(4)
            head = self.dice.choice(("DETECTOR(1, -2.5)", f"OBSERVABLE_INCLUDE({number})"))
            return f"{head} {self.records(9)}"
        if kind == 14 and self.measured:
            qubit, record = self.qubits(1)[0], f"rec[-{self.dice.randrange(1, self.measured + 1)}]"
            name, (_, place) = self.dice.choice(list(gates.FED.items()))
            return f"{name} {record} {qubit}" if place != "second" else f"{name} {qubit} {record}"
        return "TICK" if self.flat else self.dice.choice(OTHERS)

    def program(self) -> str:
        lines = [self.line() for _ in range(self.dice.randrange(4, 16))]
        if self.dice.random() < 0.3:
            inner = [self.line() for _ in range(3)]
            lines += ["REPEAT 3 {", *(f"  {row}" for row in inner if row), "  H 0  # within", "}", self.measurement()]
        return "\n".join([f"QUBIT_COORDS(0, 1) {self.names[0]}", *lines]) + "\n"


def interpreted(text: str) -> Graph:
    """A text as the front end reads it, whatever the native core would read."""
    return interpret(Source(text.encode()))


def require_same_graph(text: str) -> None:
    """The native graph of ``text``, which the native core reads, is the front end's."""
    mine, want = unpack(read_stim_graph(text)), interpreted(text)
    assert mine == want, text
    assert msgspec.json.encode(mine) == msgspec.json.encode(want), text


@pytest.fixture
def reference(everything_kept):
    """A text as the front end and ``ir.lower`` give it, everything unobservable kept."""
    return lambda text: program_of(circuit_of(lower.lower(interpreted(text), GATES | {"gphase"})))


@pytest.mark.parametrize("first", range(0, 600, 100))
def test_random_flat_programs_have_the_front_ends_ops_and_wrong_ones_are_declined(first, reference):
    read = 0
    for seed in range(first, first + 100):
        text = Writer(seed, flat=True).program()
        try:
            want = reference(text)
        except QmkError:
            for reader in (read_stim, read_stim_graph):
                with pytest.raises(Declined):
                    reader(text)
            continue
        try:
            mine = read_stim(text)
        except Declined:
            continue
        assert same(program_of(mine), want), text
        require_same_graph(text)
        read += 1
    assert read > 60


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_broken_programs_are_never_read_as_something_else(first, reference):
    for seed in range(first, first + 100):
        text, dice = Writer(seed, flat=seed % 2 == 0).program(), Random(seed)
        for _ in range(dice.randrange(3)):
            at = dice.randrange(len(text))
            text = text[:at] + dice.choice("!0 3#[](){}*-.,XrM\n\t\r") + text[at + dice.randrange(2) :]
        try:
            mine = read_stim(text)
        except Declined:
            continue
        assert same(program_of(mine), reference(text)), text
        require_same_graph(text)


@pytest.mark.parametrize("code", ["surface_code:rotated_memory_x", "repetition_code:memory", "color_code:memory_xyz"])
def test_codes_of_stim_have_the_front_ends_ops(code, reference):
    circuit = stim.Circuit.generated(
        code,
        distance=3,
        rounds=3,
        after_clifford_depolarization=0.01,
        before_round_data_depolarization=0.01,
        before_measure_flip_probability=0.02,
        after_reset_flip_probability=0.03,
    )
    assert same(program_of(read_stim(str(circuit))), reference(str(circuit)))
    require_same_graph(str(circuit))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing",
        "TICK",
        "H",
        "S[T] 0",
        "MPP X0*X1",
        "I_ERROR[loss](0.1) 0",
        "E(0.1) X0",
        "CX sweep[0] 1",
        "M rec[-1]",
        "CX rec[-1] 0",
        "CX 0 0",
        "CX 0",
        "H !0",
        "X_ERROR(1.5) 0",
        "X_ERROR 0",
        "PAULI_CHANNEL_1(0.5, 0.5, 0.5) 0",
        "M(0.1) 0\nCX rec[-1] 1",
        "REPEAT 2 {\nH 0",
        "REPEAT 2 {\n}",
        "}",
        "REPEAT 10000000 {\nH 0\n}",
        "H 0\nOBSERVABLE_INCLUDE(0.5)",
        "H0",
        "h 0",
        "H 0 0x1",
        "H 1" + "0" * 40,
        "\n".join(f"H {q}" for q in range(LIMITS.qubits + 1)),
        "REPEAT 2 {\n" * 70 + "H 0\n" + "}\n" * 70,
    ],
    ids=lambda text: text[:40],
)
def test_what_is_wrong_or_not_flat_is_declined(text):
    for reader in (read_stim, read_stim_graph):
        with pytest.raises(Declined):
            reader(text)


EVERY_NODE = """
QUBIT_COORDS(0, 1) 3 12
SHIFT_COORDS(1)
QUBIT_COORDS(0.5) 12 007
X_ERROR(0.1) 3\nY_ERROR(0.2) 3\nZ_ERROR(0) 3\nDEPOLARIZE1(0.3) 3 12\nDEPOLARIZE2(0.1) 3 12
PAULI_CHANNEL_1(0.1, 0.2, 0.3) 7
PAULI_CHANNEL_2(.01, .02, .03, .04, .05, .06, .07, .01, .02, .03, .04, .05, .06, .07, .08) 3 12
TICK
SQRT_YY_DAG 3 12 7 3 # a note
MX !3 12
MRY(0.25) 7 !12
REPEAT 4 {
  M 3 !7
  SHIFT_COORDS(0, 1)
  DETECTOR(1, 2, 3) rec[-1] rec[-2]
}
RX 3\nRY 7\nR 12
CX rec[-1] 3\nCZ 7 rec[-2]\nYCZ 12 rec[-1]
DETECTOR rec[-1] rec[-2] rec[-3] rec[-4] rec[-5] rec[-6] rec[-7] rec[-8] rec[-9] rec[-10] rec[-2]
DETECTOR rec[-1] rec[-1]\nDETECTOR rec[-3]\nDETECTOR
OBSERVABLE_INCLUDE(3) rec[-1] rec[-9]\nOBSERVABLE_INCLUDE(1) rec[-2]\nOBSERVABLE_INCLUDE(3) rec[-3]
"""


def test_a_graph_has_every_node_name_and_coordinate_of_the_front_ends():
    require_same_graph(EVERY_NODE)
    graph = load(EVERY_NODE.encode(), format="stim").graph
    assert graph == interpreted(EVERY_NODE)
    assert graph.families == ("core", "noise")
    assert graph.metadata["qubit_coordinates"] == {"q3": [0.0, 1.0], "q12": [1.5], "q7": [1.5]}
    require_same_graph("H 0\n" + "\n".join(f"{name} 0" for name in gates.SINGLE))
    require_same_graph("\n".join(f"{name} 0 1" for name in gates.DOUBLE))


def test_a_text_without_qubits_or_with_sweep_bits_is_the_front_ends():
    assert load(b"TICK\nMPAD 1\n", format="stim").graph == interpreted("TICK\nMPAD 1\n")
    given = load(b"CX sweep[0] 1\nM 1\n", format="stim", params={"sweep": [1]}).graph
    assert [node.op for node in given.nodes] == ["core.alloc", "core.x", "core.mz", "core.free"]


def test_text_in_no_named_format_is_read_as_what_it_is():
    text = "H 0\nCX 0 1\nM 0 1\n"
    circuit = read_stim(text)
    assert native_text.read(text) == native_text.read(text.encode()) == native_text.read(text, "stim") == circuit
    assert native_text.read(text, "qasm3") is None
    assert native_text.read("not a program") is None
    assert native_text.read(text, params={"sweep": "1"}) is None


def test_stim_text_is_sampled_on_the_native_core():
    found = qmk.sample("H 0\nCX 0 1\nM 0 1\nDETECTOR rec[-1] rec[-2]\n", shots=500, seed=3)
    assert found.engine == "native"
    assert set(found.counts) == {"00 0", "11 0"}
