"""The op declarations check each other: matrix, flow, lowering, inverse, Clifford steps and measurement agree.

Conventions under test: first operand = most significant bit; a flow maps a Pauli product to U P U^dagger.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pytest

from qmk.ir.clifford import as_pauli, tableau
from qmk.ir.inverse import inverse_args
from qmk.ir.modifiers import clifford_steps
from qmk.qvm.families import FAMILIES, OPS, SPELLINGS
from qmk.qvm.families.core import FIXED_SIZE
from qmk.qvm.op import Op, Step

ATOL = 1e-12
Array = np.ndarray[Any, np.dtype[np.complex128]]

UNITARY = [op for op in OPS.values() if op.op_class == "unitary"]
ANGLES = [0.0, 0.3, -1.7, math.pi / 2, math.pi, -math.pi, 2 * math.pi, 5.1]


def samples(op: Op) -> list[tuple[dict[str, Any], int]]:
    """Arguments and numbers of qubits to try an op with."""
    if op.name == "core.mod":
        return [
            ({"gate": "x", "controls": 2}, 3),
            ({"gate": "rz", "controls": 1, "state": "0", "power": 0.5, "params": {"theta": 0.7}}, 2),
            ({"gate": "iswap", "power": -3.0}, 2),
            ({"gate": "gphase", "controls": 2, "state": "10", "params": {"gamma": 0.3}}, 2),
            ({"gate": "cp", "controls": 1, "power": 0.3, "params": {"lam": 2.0}}, 3),
        ]
    if op.name == "core.paulirot":
        return [({"paulis": p, "theta": t}, len(p)) for p in ("X", "Y", "ZZ", "XIY", "II", "YXZ") for t in ANGLES]
    names = [param.name for param in op.params]
    values = itertools.product(ANGLES, repeat=len(names)) if len(names) < 3 else zip(ANGLES, ANGLES[1:], ANGLES[2:])  # noqa: B905
    return [(dict(zip(names, chosen, strict=True)), op.vqs.low) for chosen in values]


def array(op: Op, args: Mapping[str, Any]) -> Array:
    assert op.matrix is not None
    return np.array(op.matrix(args), dtype=complex)


def on(qubits: int, small: Array, operands: Iterable[int]) -> Array:
    """``small`` on ``operands`` of ``qubits`` qubits, by its action on every basis state."""
    operands = tuple(operands)
    k = len(operands)
    tensor = small.reshape((2,) * (2 * k))
    state = np.eye(2**qubits, dtype=complex).reshape((2,) * qubits + (2**qubits,))
    state = np.tensordot(tensor, state, axes=(tuple(range(k, 2 * k)), operands))
    return np.moveaxis(state, tuple(range(k)), operands).reshape(2**qubits, 2**qubits)


def product(steps: Iterable[Step], qubits: int) -> Array:
    out = np.eye(2**qubits, dtype=complex)
    for step in steps:
        out = on(qubits, array(OPS[step.op], step.args), step.operands) @ out
    return out


def equal_up_to_phase(a: Array, b: Array, atol: float = 1e-9) -> bool:
    at = np.unravel_index(np.argmax(abs(a)), a.shape)
    return abs(b[at]) > 0.1 * abs(a[at]) and np.allclose(a * (b[at] / a[at]), b, atol=atol)


PAULI = {
    "I": np.eye(2, dtype=complex),
    "X": np.array([[0, 1], [1, 0]], dtype=complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]).astype(complex),
}


def pauli(letters: str) -> Array:
    out = np.eye(1, dtype=complex)
    for letter in letters:
        out = np.kron(out, PAULI[letter])
    return out


@pytest.mark.parametrize("op", UNITARY, ids=lambda op: op.name)
class TestUnitaryOps:
    def test_matrix_is_unitary_of_the_declared_size(self, op: Op):
        for args, qubits in samples(op):
            matrix = array(op, args)
            assert matrix.shape == (2**qubits, 2**qubits)
            assert np.allclose(matrix @ matrix.conj().T, np.eye(2**qubits), atol=ATOL)

    def test_inverse_undoes_it_exactly(self, op: Op):
        for args, _ in samples(op):
            undone = array(OPS[op.inverse], inverse_args(op, args)) @ array(op, args)
            assert np.allclose(undone, np.eye(len(undone)), atol=1e-9)

    def test_flow_is_conjugation(self, op: Op):
        if op.flow is None:
            return
        matrix = array(op, {})
        generators = {"I" * k + p + "I" * (op.vqs.low - k - 1) for k in range(op.vqs.low) for p in "XZ"}
        assert set(op.flow) == generators
        for letters, image in op.flow.items():
            sign = {"+": 1, "-": -1}[image[0]]
            assert np.allclose(matrix @ pauli(letters) @ matrix.conj().T, sign * pauli(image[1:]), atol=ATOL)

    def test_a_gate_without_arguments_has_a_flow_exactly_when_it_is_clifford(self, op: Op):
        if op.params:
            assert op.flow is None
        else:
            matrix = array(op, {})
            assert (op.flow is not None) == (tableau(tuple(map(tuple, matrix.tolist()))) is not None)

    def test_lowering_is_the_matrix(self, op: Op):
        if op.lower is None:
            return
        for args, qubits in samples(op):
            lowered = product(op.lower(args, qubits), qubits)
            assert np.allclose(array(op, args), lowered, atol=1e-9)  # the phase too: definitions are written from it

    def test_other_lowerings_are_the_matrix_up_to_phase(self, op: Op):
        for args, qubits in samples(op) if op.also and op.name != "core.gphase" else ():
            for steps in op.also:
                assert equal_up_to_phase(array(op, args), product(steps(args, qubits), qubits))

    def test_a_declared_control_is_the_matrix(self, op: Op):
        for args, _ in samples(op) if op.controls else ():
            base = array(OPS[op.base], args)
            whole = np.eye(len(base) << op.controls, dtype=complex)
            whole[-len(base) :, -len(base) :] = base
            assert np.allclose(array(op, args), whole, atol=ATOL)

    def test_it_commutes_with_the_pauli_of_each_declared_basis(self, op: Op):
        for args, qubits in samples(op) if op.bases else ():
            matrix = array(op, args)
            for at, letter in enumerate(op.bases.replace("-", "I")):
                product_ = pauli("I" * at + letter + "I" * (qubits - at - 1))
                assert np.allclose(matrix @ product_, product_ @ matrix, atol=1e-9)

    def test_rank_two_is_the_schmidt_rank_of_every_cut(self, op: Op):
        if op.vqs.low < 2 or op.vqs.high is None:
            return
        largest = 0
        for args, qubits in samples(op):
            tensor = array(op, args).reshape((2,) * (2 * qubits))
            for size in range(1, qubits):
                for cut in itertools.combinations(range(qubits), size):
                    rest = [k for k in range(qubits) if k not in cut]
                    order = [*cut, *(k + qubits for k in cut), *rest, *(k + qubits for k in rest)]
                    largest = max(largest, np.linalg.matrix_rank(tensor.transpose(order).reshape(4**size, -1), 1e-9))
        assert op.rank_two == (largest == 2)

    def test_clifford_steps_are_the_gate_up_to_phase_or_it_is_not_clifford(self, op: Op):
        quarter = [(k * math.pi / 4,) for k in range(-9, 10)]
        names = [param.name for param in op.params if param.kind == "angle"]
        if op.name == "core.mod":
            cases = samples(op)
        elif op.name == "core.paulirot":
            cases = [({"paulis": p, "theta": t}, len(p)) for p in ("Y", "XZ", "YIX", "II") for (t,) in quarter]
        elif len(names) < 2:
            cases = [(dict(zip(names, chosen, strict=False)), op.vqs.low) for chosen in quarter]
        else:
            grid = [k * math.pi / 4 for k in range(8)] + [0.3, -0.3]
            chosen = itertools.product(grid, repeat=len(names))
            cases = [(dict(zip(names, angles, strict=True)), op.vqs.low) for angles in chosen]
        for args, qubits in cases:
            check_steps(op, args, qubits)


def check_steps(op: Op, args: Mapping[str, Any], qubits: int) -> None:
    matrix = array(op, args)
    steps = clifford_steps(op.name, args)
    clifford = tableau(tuple(map(tuple, matrix.tolist()))) is not None
    assert (steps is not None) == clifford, (op.name, args)
    if steps is not None:
        allowed = {"x", "y", "z", "h", "s", "sdg", "sx", "sxdg", "cnot", "cz", "swap"}
        assert {OPS[step.op].short for step in steps} <= allowed
        assert equal_up_to_phase(matrix, product(steps, qubits)), (op.name, args)


@pytest.mark.parametrize("gate", FIXED_SIZE)
def test_clifford_steps_of_modified_gates(gate: str):
    """Every gate, powered and controlled, at quarter-turn angles: phases under control matter."""
    op = FIXED_SIZE[gate]
    chooser = random.Random(gate)
    names = [param.name for param in op.params]
    for controls, power in itertools.product((0, 1, 2), (1, -1, 2, 0.5, 4)):
        qubits = op.vqs.low + controls
        if not 1 <= qubits <= 4:
            continue
        for _ in range(2 if names else 1):
            args = {
                "gate": gate,
                "controls": controls,
                "state": "".join(chooser.choice("01") for _ in range(controls)),
                "power": power,
                "params": {name: chooser.randrange(-8, 9) * math.pi / 2 for name in names},
            }
            check_steps(OPS["core.mod"], args, qubits)


def branches(op: Op, args: Mapping[str, Any], qubits: int, produced: int) -> dict[tuple[int, ...], Array]:
    """Kraus operator of each outcome of a measurement's lowering."""
    steps = op.lower(args, qubits) if op.lower is not None else (Step("core.mz", (0,), {}, 0),)
    out: dict[tuple[int, ...], Array] = {}
    for outcome in itertools.product((0, 1), repeat=produced):
        kraus = np.eye(2**qubits, dtype=complex)
        for step in steps:
            if step.op == "core.mz":
                bit = outcome[step.event]
                small = np.diag([1 - bit, bit]).astype(complex)
            else:
                small = array(OPS[step.op], step.args)
            kraus = on(qubits, small, step.operands) @ kraus
        out[outcome] = kraus
    return out


def observable(op: Op, args: Mapping[str, Any]) -> Array:
    if op.name == "core.mangle":
        return math.cos(args["theta"]) * PAULI["Z"] + math.sin(args["theta"]) * PAULI["X"]
    return pauli(args.get("paulis") or {"core.mx": "X", "core.my": "Y", "core.mz": "Z"}[op.name])


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("core.mz", {}),
        ("core.mx", {}),
        ("core.my", {}),
        *[("core.mangle", {"theta": theta}) for theta in (0.0, 0.4, math.pi / 2, -2.0)],
        *[("core.mpauli", {"paulis": paulis}) for paulis in ("X", "Y", "ZZ", "XY", "IZ", "YXZ", "ZIX")],
    ],
)
def test_measurement_projects_onto_the_eigenspace_of_its_outcome(name: str, args: dict[str, Any]):
    """Outcome b leaves the eigenstate of eigenvalue (-1)^b, with the Born probability."""
    op = OPS[name]
    what = observable(op, args)
    qubits = len(what).bit_length() - 1
    for (bit,), kraus in branches(op, args, qubits, 1).items():
        projector = (np.eye(2**qubits) + (-1) ** bit * what) / 2
        assert np.allclose(kraus, projector, atol=ATOL)


def test_bell_measurement_reads_phase_then_parity():
    """Phi+ (00), Psi+ (01), Phi- (10), Psi- (11); the state afterwards is the Bell state found."""
    bell = {
        (0, 0): np.array([1, 0, 0, 1]),
        (0, 1): np.array([0, 1, 1, 0]),
        (1, 0): np.array([1, 0, 0, -1]),
        (1, 1): np.array([0, 1, -1, 0]),
    }
    for outcome, kraus in branches(OPS["core.mbell"], {}, 2, 2).items():
        state = bell[outcome] / math.sqrt(2)  # pyright: ignore[reportArgumentType]
        assert np.allclose(kraus, np.outer(state, state), atol=ATOL)


def test_composites_lower_to_what_they_say():
    steps = OPS["core.teleport_cnot"].lower
    assert steps is not None
    assert np.allclose(product(steps({}, 2), 2), array(OPS["core.cnot"], {}))
    inject = OPS["magic.inject_t"].lower
    assert inject is not None
    first, *rest = inject({}, 1)
    assert first.op == "core.reset"
    state = product(rest, 1) @ np.array([1, 0])
    assert np.allclose(state, np.array([1, np.exp(0.25j * math.pi)]) / math.sqrt(2))


def test_names_and_spellings_are_unique_and_belong_to_their_family():
    ops = [op for family in FAMILIES for op in family.ops]
    assert len(OPS) == len(ops)
    assert len(SPELLINGS) == len(ops) + sum(1 for op in ops if op.legacy)
    for family in FAMILIES:
        assert all(op.name.startswith(f"{family.name}.") for op in family.ops)
    for op in ops:
        assert op.doc
        assert not op.inverse or op.inverse in OPS
        assert {name for entry in op.negated for name in entry.split("=")} <= {param.name for param in op.params}
        assert all(param.doc for param in op.params)


def test_lowerings_use_declared_ops_with_the_right_operands():
    for op in OPS.values():
        if op.lower is None:
            continue
        args = {"paulis": "XYZ", **{param.name: 0.1 for param in op.params if param.kind == "angle"}}
        qubits = 3 if op.vqs.high is None else 2
        for step in op.lower(args, op.vqs.low if op.vqs.high is not None else qubits):
            assert OPS[step.op].vqs.accepts(len(step.operands))
            assert len(set(step.operands)) == len(step.operands)


def test_as_pauli_finds_phase_and_letters():
    for letters in ("X", "Y", "ZY", "YZ", "XIY", "YYZ"):
        for phase in (1, -1, 1j, np.exp(0.3j)):
            found = as_pauli(tuple(map(tuple, (phase * pauli(letters)).tolist())))
            assert found is not None
            assert found[1] == letters
            assert abs(found[0] - phase) < 1e-12
    assert as_pauli(((1, 0), (0, 1j))) is None
