"""Decompositions: every gate and modifier gives back its matrix, over every native gate set that is universal."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
import qmk_native

from qmk.base.errors import QmkError
from qmk.ir.program import Gate
from qmk.ir.resolver import ALL_GATES, NoLowering, Resolver
from qmk.ir.synthesis import MAX_CONTROLS, mod_steps, zyz
from qmk.ir.unitary import apply, apply_gate, matrix_of
from qmk.qvm.families import OPS
from qmk.qvm.op import Op

FIXED = [OPS[f"core.{short}"] for short in sorted(ALL_GATES - {"mod", "paulirot"})]
NATIVE_SETS = [("h", "rz", "cnot"), ("u", "cnot"), ("rz", "sx", "cz"), ("h", "p", "cz"), ("rx", "rz", "cz")]
EXACT_SETS = [("h", "t", "cnot"), ("h", "s", "cz", "t")]


def angles(op: Op, seed: str) -> dict[str, float]:
    dice = random.Random(seed)
    return {p.name: dice.uniform(-6, 6) for p in op.params}


def unitary(steps: list[tuple[np.ndarray, tuple[int, ...]]], qubits: int) -> np.ndarray:
    """The product of gates as a matrix, first qubit most significant."""
    total = np.eye(2**qubits, dtype=np.complex128).reshape((2,) * qubits + (2**qubits,))
    for matrix, operands in steps:
        total = apply(total, matrix, operands)
    return total.reshape(2**qubits, 2**qubits)


def same_up_to_phase(a: np.ndarray, b: np.ndarray) -> bool:
    place = np.unravel_index(np.argmax(np.abs(b)), b.shape)
    return bool(abs(abs(a[place]) - abs(b[place])) < 1e-9 and np.allclose(a * (b[place] / a[place]), b, atol=1e-9))


@pytest.mark.parametrize("op", FIXED, ids=lambda op: op.short)
def test_modified_gate_equals_its_matrix(op: Op) -> None:
    qubits = op.vqs.low
    for controls, power in itertools.product(range(4 - qubits), (1.0, -1.0, 0.5, 3.0)):
        if controls + qubits == 0:
            continue
        for state in {"1" * controls, "0" * controls, ("01" * controls)[:controls]}:
            args = {"gate": op.short, "controls": controls, "power": power, "state": state, "params": angles(op, "m")}
            args = {key: value for key, value in args.items() if key != "state" or value}
            steps = mod_steps(args, controls + qubits)
            got = unitary([(np.array(OPS[s.op].matrix(s.args)), s.operands) for s in steps], controls + qubits)
            assert same_up_to_phase(got, np.array(OPS["core.mod"].matrix(args))), args


@pytest.mark.parametrize("controls", range(1, 9))
def test_many_controls_without_ancilla(controls: int) -> None:
    dice = np.random.Generator(np.random.PCG64(controls))
    shape = (2,) * (controls + 1)
    start = dice.normal(size=shape) + 1j * dice.normal(size=shape)
    for gate in ("x", "h", "t"):
        args = {"gate": gate, "controls": controls}
        state = start
        for step in mod_steps(args, controls + 1):
            state = apply(state, np.array(OPS[step.op].matrix(step.args)), step.operands)
        want = apply_gate(start, Gate("mod", tuple(range(controls + 1)), (), None, args))
        assert same_up_to_phase(state.reshape(1, -1), want.reshape(1, -1))


def test_multi_controlled_phase_is_quadratic_and_bounded() -> None:
    sizes = [len(mod_steps({"gate": "t", "controls": k}, k + 1)) for k in (20, 40, 80)]
    assert sizes[1] < 5 * sizes[0]
    assert sizes[2] < 5 * sizes[1]
    with pytest.raises(QmkError, match="at most 256"):
        mod_steps({"gate": "x", "controls": MAX_CONTROLS + 1}, MAX_CONTROLS + 2)


@pytest.mark.parametrize("native", NATIVE_SETS + EXACT_SETS, ids="-".join)
def test_every_gate_over_a_native_set(native: tuple[str, ...]) -> None:
    resolver = Resolver(frozenset(native))
    for op in FIXED:
        if op.short == "gphase":
            continue
        args = angles(op, "n")
        if native in EXACT_SETS and (args or op.short == "sx"):
            if args:
                with pytest.raises(NoLowering):
                    resolver.pieces(op.name, args, op.vqs.low)
            continue
        pieces = resolver.pieces(op.name, args, op.vqs.low)
        assert {piece.name for piece in pieces} <= set(native)
        steps = [(matrix_of(Gate(p.name, p.operands, p.params)), p.operands) for p in pieces]
        assert same_up_to_phase(unitary(steps, op.vqs.low), np.array(op.matrix(args))), op.name


def test_pauli_rotation_lowers_to_its_matrix() -> None:
    op, args = OPS["core.paulirot"], {"paulis": "YIXZ", "theta": 0.7}
    pieces = Resolver(frozenset({"h", "s", "sdg", "cnot", "rz"})).pieces(op.name, args, 4)
    steps = [(matrix_of(Gate(p.name, p.operands, p.params)), p.operands) for p in pieces]
    assert same_up_to_phase(unitary(steps, 4), np.array(op.matrix(args)))


def test_controlled_action_on_a_state_equals_the_full_matrix() -> None:
    dice = np.random.Generator(np.random.PCG64(5))
    state = dice.normal(size=(2,) * 4) + 1j * dice.normal(size=(2,) * 4)
    args = {"gate": "rxx", "controls": 2, "state": "10", "power": 0.5, "params": {"theta": 1.1}}
    gate = Gate("mod", (3, 0, 2, 1), (), None, args)
    want = apply(state, np.array(OPS["core.mod"].matrix(args)), gate.qubits)
    assert np.allclose(apply_gate(state, gate), want)


@pytest.mark.parametrize("op", [op for op in FIXED if op.vqs.low == 1], ids=lambda op: op.short)
def test_euler_angles(op: Op) -> None:
    matrix = op.matrix(angles(op, "z"))
    alpha, beta, gamma, delta = zyz(matrix)
    rebuilt = np.exp(1j * alpha) * matrix_of(Gate("rz", (0,), (beta,))) @ matrix_of(Gate("ry", (0,), (gamma,)))
    assert np.allclose(rebuilt @ matrix_of(Gate("rz", (0,), (delta,))), matrix, atol=1e-9)


def test_steps_rebuild_a_random_unitary() -> None:
    dice = np.random.Generator(np.random.PCG64(9))
    wanted, _ = np.linalg.qr(dice.normal(size=(8, 8)) + 1j * dice.normal(size=(8, 8)))
    rows = qmk_native.controlled_steps([[(x.real, x.imag) for x in row] for row in wanted.tolist()], [])
    steps = [(matrix_of(Gate(name, tuple(at), tuple(x for _, x in args))), tuple(at)) for name, at, args in rows]
    assert same_up_to_phase(unitary(steps, 3), wanted)


@pytest.mark.parametrize("rows", [[], [[(1.0, 0.0)], []], [[(1.0, 0.0)] * 3] * 3, [[(1.0, 0.0)]] * 2])
def test_what_is_no_matrix_is_refused(rows: list[list[tuple[float, float]]]) -> None:
    with pytest.raises(ValueError, match="square"):
        qmk_native.controlled_steps(rows, [])
