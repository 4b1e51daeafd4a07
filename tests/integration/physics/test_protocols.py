"""Protocols whose outcome is known on paper, on the exact oracle.

Numbers are exact to 1e-9; a state is compared by tomography: its Bloch vector is read with measurements in X, Y and Z
and at angles in the XZ plane.
"""

from __future__ import annotations

import cmath
import itertools
import math
from collections.abc import Callable

import pytest

from qmk.qvm.graph import Graph
from qmk.sdk.kit.builder import Builder, all_of, any_of, when

Exact = Callable[[Graph], dict[str, float]]
Chance = Callable[[Graph, int], float]
CLOSE = 1e-9

STATES: dict[str, tuple[Callable[[Builder, int], object], tuple[float, float, float]]] = {
    "T": (lambda b, q: b.op("h", q).op("t", q), (math.sqrt(0.5), math.sqrt(0.5), 0.0)),
    "S": (lambda b, q: b.op("h", q).op("s", q), (0.0, 1.0, 0.0)),
    "zero": (lambda b, q: b.op("id", q), (0.0, 0.0, 1.0)),
    "one": (lambda b, q: b.op("x", q), (0.0, 0.0, -1.0)),
    "minus": (lambda b, q: b.op("x", q).op("h", q), (-1.0, 0.0, 0.0)),
    "generic": (
        lambda b, q: b.op("u", q, theta=1.1, phi=0.7, lam=0.3),
        (math.sin(1.1) * math.cos(0.7), math.sin(1.1) * math.sin(0.7), math.cos(1.1)),
    ),
}


def teleport(b: Builder, joint: bool = False) -> None:
    """Send the state of q0 to q2; ``joint`` measures the sender's pair in the Bell basis instead of by gates."""
    b.op("h", 1).op("cnot", 1, 2)
    if joint:
        b.op("mbell", 0, 1, produces=("z", "x"))
        b.events += ["z", "x"]
    else:
        b.op("cnot", 0, 1).op("h", 0)
        b.measure(0, event="z")
        b.measure(1, event="x")
    b.op("condpauli", 2, inputs=("x",), paulis="X").op("z", 2, guard=when("z"))


@pytest.mark.parametrize("joint", [False, True], ids=["gates", "Bell measurement"])
@pytest.mark.parametrize("name", STATES)
def test_teleportation_delivers_the_state(name: str, joint: bool, exact: Exact, chance_of_one: Chance) -> None:
    prepare, (x, y, z) = STATES[name]
    for basis, component in (("mx", x), ("my", y), ("mz", z)):
        b = Builder(3)
        prepare(b, 0)
        teleport(b, joint)
        b.measure(2, basis=basis)
        graph = b.graph()
        assert chance_of_one(graph, 2) == pytest.approx((1 - component) / 2, abs=CLOSE)
        for sender in ("00", "01", "10", "11"):  # whatever the sender saw, each with one quarter
            seen = {key[2]: p for key, p in exact(graph).items() if key.startswith(sender)}
            assert sum(seen.values()) == pytest.approx(0.25, abs=CLOSE)
            assert seen.get("1", 0.0) == pytest.approx((1 - component) / 8, abs=CLOSE)


@pytest.mark.parametrize("angle", [0.0, 0.4, math.pi / 4, math.pi / 2, 2.5, -1.0])
def test_teleported_t_state_at_an_angle(angle: float, chance_of_one: Chance) -> None:
    b = Builder(3)
    b.op("h", 0).op("t", 0)
    teleport(b)
    b.op("mangle", 2, produces=("m",), theta=angle)
    b.events.append("m")
    component = math.sin(angle) * math.sqrt(0.5)  # cos(angle) Z + sin(angle) X on a state with <Z> = 0, <X> = 1/sqrt 2
    assert chance_of_one(b.graph(), 2) == pytest.approx((1 - component) / 2, abs=CLOSE)


@pytest.mark.parametrize("bits", ["00", "01", "10", "11"])
def test_superdense_coding_carries_two_bits(bits: str, exact: Exact) -> None:
    b = Builder(2).op("h", 0).op("cnot", 0, 1)
    if bits[1] == "1":
        b.op("x", 0)
    if bits[0] == "1":
        b.op("z", 0)
    b.measure(0, 1, basis="mbell")
    assert exact(b.graph()) == pytest.approx({bits: 1.0}, abs=CLOSE)


@pytest.mark.parametrize("marked", ["".join(bits) for bits in itertools.product("01", repeat=2)])
def test_grover_finds_one_of_four_at_once(marked: str, exact: Exact) -> None:
    zeros = [q for q, bit in enumerate(marked) if bit == "0"]

    def around(b: Builder, qubits: list[int]) -> None:
        for q in qubits:
            b.op("x", q)

    b = Builder(2).op("h", 0).op("h", 1)
    around(b, zeros)
    b.op("cz", 0, 1)
    around(b, zeros)
    b.op("h", 0).op("h", 1)
    around(b, [0, 1])
    b.op("cz", 0, 1)
    around(b, [0, 1])
    b.op("h", 0).op("h", 1).measure_all()
    assert exact(b.graph()) == pytest.approx({marked: 1.0}, abs=CLOSE)


def test_grover_of_three_qubits(exact: Exact) -> None:
    """Two rounds on eight items find the marked one with sin^2(5 asin(1/sqrt 8)) = 121/128."""
    b = Builder(3)
    for q in range(3):
        b.op("h", q)
    for _ in range(2):
        b.op("ccz", 0, 1, 2)
        for gate in ("h", "x"):
            for q in range(3):
                b.op(gate, q)
        b.op("mod", 0, 1, 2, gate="z", controls=2)
        for gate in ("x", "h"):
            for q in range(3):
                b.op(gate, q)
    found = exact(b.measure_all().graph())
    assert found["111"] == pytest.approx(121 / 128, abs=CLOSE)


@pytest.mark.parametrize(
    ("oracle", "constant"),
    [((), True), ((("x", 2),), True), ((("cnot", 0, 2),), False), ((("cnot", 0, 2), ("cnot", 1, 2), ("x", 2)), False)],
)
def test_deutsch_jozsa(oracle: tuple[tuple[str | int, ...], ...], constant: bool, exact: Exact) -> None:
    b = Builder(3).op("x", 2)
    for q in range(3):
        b.op("h", q)
    for gate, *qubits in oracle:
        b.op(str(gate), *qubits)
    for q in range(2):
        b.op("h", q)
        b.measure(q)
    found = exact(b.graph())
    assert found.get("00", 0.0) == pytest.approx(1.0 if constant else 0.0, abs=CLOSE)


@pytest.mark.parametrize("error", [None, *itertools.product("XZY", range(3))])
def test_adaptive_correction_repairs_a_bit_flip(
    error: tuple[str, int] | None, exact: Exact, chance_of_one: Chance
) -> None:
    """A repetition code holding a generic qubit: one X anywhere is undone by guards on two parities. A Z is not seen
    and flips the logical phase, which the Bloch vector shows; a Y does both."""
    x, y, z = STATES["generic"][1]
    sign = -1 if error and error[0] in "ZY" else 1
    for basis, component in (("mx", sign * x), ("my", sign * y), ("mz", z)):
        b = Builder(3)
        STATES["generic"][0](b, 0)
        b.op("cnot", 0, 1).op("cnot", 0, 2)
        if error:
            b.op(error[0].lower(), error[1])
        b.op("mpauli", 0, 1, produces=("s",), paulis="ZZ").op("mpauli", 1, 2, produces=("t",), paulis="ZZ")
        b.events += ["s", "t"]
        b.op("x", 0, guard=all_of(when("s"), when("t", 0))).op("x", 1, guard=all_of(when("s"), when("t")))
        b.op("x", 2, guard=all_of(when("s", 0), when("t")))
        b.op("cnot", 0, 2).op("cnot", 0, 1)
        b.measure(0, basis=basis)
        b.measure(1)
        b.measure(2)
        graph = b.graph()
        syndrome = {None: "00", 0: "10", 1: "11", 2: "01"}[error[1] if error and error[0] != "Z" else None]
        assert all(key[:2] == syndrome and key[3:] == "00" for key in exact(graph))
        assert chance_of_one(graph, 2) == pytest.approx((1 - component) / 2, abs=CLOSE)


@pytest.mark.parametrize(("basis", "prepare"), [("mx", ("h",)), ("my", ("h", "s")), ("mz", ())])
def test_measurement_leaves_the_eigenstate_it_reports(basis: str, prepare: tuple[str, ...], exact: Exact) -> None:
    b = Builder(1).op("u", 0, theta=1.0, phi=0.4, lam=0.0)
    for _ in range(3):
        b.measure(0, basis=basis)
    assert set(exact(b.graph())) == {"000", "111"}
    sharp = Builder(1)
    for gate in prepare:
        sharp.op(gate, 0)
    sharp.measure(0, basis=basis)
    assert exact(sharp.graph()) == pytest.approx({"0": 1.0}, abs=CLOSE)


def test_bell_measurement_projects_on_the_pair_it_reports(exact: Exact) -> None:
    b = Builder(2).op("u", 0, theta=0.7, phi=0.2, lam=0.0).op("u", 1, theta=1.9, phi=1.0, lam=0.0)
    b.op("mbell", 0, 1, produces=("p", "q"))
    b.op("mpauli", 0, 1, produces=("xx",), paulis="XX").op("mpauli", 0, 1, produces=("zz",), paulis="ZZ")
    b.events += ["p", "q", "xx", "zz"]
    assert all(key[:2] == key[2:] for key in exact(b.graph()))  # phase is the sign of XX, parity that of ZZ


@pytest.mark.parametrize("angle", [0.3, 1.2, -2.2])
def test_angle_measurement_turns_with_the_state(angle: float, chance_of_one: Chance) -> None:
    """Of RY(a)|0> the observable cos(b) Z + sin(b) X has mean cos(a - b)."""
    b = Builder(1).op("ry", 0, theta=0.8).op("mangle", 0, produces=("m",), theta=angle)
    b.events.append("m")
    assert chance_of_one(b.graph(), 0) == pytest.approx((1 - math.cos(0.8 - angle)) / 2, abs=CLOSE)


def test_injected_t_state_performs_a_t_gate(chance_of_one: Chance) -> None:
    """Gate teleportation: CNOT onto the T state, measure it, S where it read 1; the qubit has passed a T gate."""
    for basis, component in (("mx", math.sqrt(0.5)), ("my", math.sqrt(0.5)), ("mz", 0.0)):
        b = Builder(2).op("h", 0).op("inject_t", 1, family="magic").op("cnot", 0, 1)
        b.measure(1, event="m")
        b.op("s", 0, guard=when("m"))
        b.measure(0, basis=basis)
        assert chance_of_one(b.graph(), 1) == pytest.approx((1 - component) / 2, abs=CLOSE)


def test_injection_ignores_what_the_qubit_held(exact: Exact) -> None:
    b = Builder(2).op("h", 0).op("cnot", 0, 1).op("inject_t", 1, family="magic").op("tdg", 1).op("h", 1)
    b.measure(1)
    assert exact(b.graph()) == pytest.approx({"0": 1.0}, abs=CLOSE)


def test_reset_traces_out_and_gives_a_fresh_qubit(exact: Exact) -> None:
    b = Builder(2).op("h", 0).op("cnot", 0, 1).op("reset", 0)
    b.measure(0)
    b.op("h", 1)  # had the pair stayed coherent, this would be sharp
    b.measure(1)
    assert exact(b.graph()) == pytest.approx({"00": 0.5, "01": 0.5}, abs=CLOSE)


def test_freed_index_is_zero_again(exact: Exact) -> None:
    b = Builder(1).op("x", 0).op("free", 0)
    b.alloc(1)
    b.measure("q1")
    b.op("x", "q1").op("free", "q1")
    b.alloc(1)
    b.measure("q2")
    assert exact(b.graph()) == pytest.approx({"00": 1.0}, abs=CLOSE)


def test_compound_guards_follow_their_truth_table(exact: Exact) -> None:
    guard = any_of(all_of(when("a"), when("b", 0)), all_of(when("b"), when("c")))
    for a, b_, c in itertools.product((0, 1), repeat=3):
        b = Builder(4)
        for q, (bit, name) in enumerate(zip((a, b_, c), "abc", strict=True)):
            if bit:
                b.op("x", q)
            b.measure(q, event=name)
        b.op("x", 3, guard=guard)
        b.measure(3)
        want = int((a and not b_) or (b_ and c))
        assert exact(b.graph()) == pytest.approx({f"{a}{b_}{c}{want}": 1.0}, abs=CLOSE)


@pytest.mark.parametrize("phase", [0.0, 0.25, 0.625])
def test_phase_estimation_with_one_qubit_and_feedback(phase: float, exact: Exact) -> None:
    """Iterative estimation of a phase of three bits: exact bits come out with certainty, lowest first."""
    b = Builder(2).op("x", 1)
    for round_ in range(3):
        b.op("h", 0).op("cp", 0, 1, lam=2 * math.pi * phase * 2 ** (2 - round_))
        for earlier in range(round_):
            b.op("p", 0, lam=-math.pi / 2 ** (round_ - earlier), guard=when(f"m{earlier}"))
        b.op("h", 0)
        b.measure(0, event=f"m{round_}")
        b.op("reset", 0)
    value = int(phase * 8)
    want = "".join(str((value >> k) & 1) for k in range(3))
    assert exact(b.graph()) == pytest.approx({want: 1.0}, abs=CLOSE)


def test_quantum_fourier_transform_of_a_period(exact: Exact) -> None:
    """The transform of |000> + |100> (period four of eight) has the even frequencies only, each a quarter."""
    b = Builder(3).op("h", 0)
    for q in range(3):
        b.op("h", q)
        for k in range(q + 1, 3):
            b.op("cp", k, q, lam=math.pi / 2 ** (k - q))
    b.op("swap", 0, 2).measure_all()
    amplitudes = [abs(sum(cmath.exp(2j * math.pi * f * x / 8) for x in (0, 4))) ** 2 / 16 for f in range(8)]
    want = {format(f, "03b"): p for f, p in enumerate(amplitudes) if p > CLOSE}
    assert exact(b.graph()) == pytest.approx(want, abs=CLOSE)
