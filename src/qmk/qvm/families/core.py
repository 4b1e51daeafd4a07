"""Family ``core``: lifecycle, gates, measurement, reset, feed-forward and event logic."""

from __future__ import annotations

from typing import Any

from qmk.qvm import matrices as m
from qmk.qvm import powers
from qmk.qvm.families.gates import CNOT, DOUBLE, FIXED_SIZE, SINGLE, TRIPLE
from qmk.qvm.op import Args, Arity, Family, Lowering, Matrix, Op, Param, Step, exactly
from qmk.qvm.steps import script

ONE, TWO, MANY = exactly(1), exactly(2), Arity(1, None)
PAULIS = Param("paulis", "pauli", "one of I X Y Z per operand, in operand order", synonyms=("mask", "pauli"))


def _step(op: str, *operands: int, event: int = -1, **args: Any) -> Step:
    return Step(f"core.{op}", operands, args, event)


_TO_Z = {"X": ("h",), "Y": ("sdg", "h"), "Z": (), "I": ()}
_FROM_Z = {"X": ("h",), "Y": ("h", "s"), "Z": (), "I": ()}


def _parity_frame(paulis: str) -> tuple[list[Step], list[Step], int]:
    """Clifford frame in which the Pauli product is Z on one qubit: (into it, back, that qubit or -1)."""
    support = [q for q, p in enumerate(paulis) if p != "I"]
    into = [_step(g, q) for q in support for g in _TO_Z[paulis[q]]]
    ladder = [_step("cnot", a, support[-1]) for a in support[:-1]]
    back = [*reversed(ladder), *(_step(g, q) for q in support for g in _FROM_Z[paulis[q]])]
    return into + ladder, back, support[-1] if support else -1


def _lower_paulirot(args: Args, _n: int) -> tuple[Step, ...]:
    into, back, target = _parity_frame(args["paulis"])
    if target < 0:
        return (_step("gphase", gamma=-args["theta"] / 2),)
    return (*into, _step("rz", target, theta=args["theta"]), *back)


def _lower_mpauli(args: Args, _n: int) -> tuple[Step, ...]:
    into, back, target = _parity_frame(args["paulis"])
    return (*into, _step("mz", target, event=0), *back)


def _lower_basis(axis: str) -> Lowering:
    def lower(_args: Args, _n: int) -> tuple[Step, ...]:
        into = [_step(g, 0) for g in _TO_Z[axis]]
        return (*into, _step("mz", 0, event=0), *(_step(g, 0) for g in _FROM_Z[axis]))

    return lower


def _lower_mangle(args: Args, _n: int) -> tuple[Step, ...]:
    theta = args["theta"]
    return (_step("ry", 0, theta=-theta), _step("mz", 0, event=0), _step("ry", 0, theta=theta))


def _lower_mbell(_args: Args, _n: int) -> tuple[Step, ...]:
    return (
        _step("cnot", 0, 1),
        _step("h", 0),
        _step("mz", 0, event=0),
        _step("mz", 1, event=1),
        _step("h", 0),
        _step("cnot", 0, 1),
    )


LIFECYCLE = (
    Op(
        "core.alloc",
        "allocate qubits in |0>, or modes of light in the vacuum",
        "lifecycle",
        "ALLOC_LQ",
        vqs=MANY,
        params=(
            Param("n", "int", "number of qubits; must equal the handles listed", "qubits", required=False, low=1),
            Param("profile", "profile", "code profile such as logical:surface(d=7)", required=False),
            Param("tenant_id", "text", "owner of the qubits, for programs that span tenants", required=False),
            Param("carrier", "text", "what they are", required=False, default="qubit", choices=("qubit", "mode")),
        ),
        cap="CAP_ALLOC",
    ),
    Op("core.free", "release qubits; their state is traced out", "lifecycle", "FREE_LQ", vqs=MANY),
    Op(
        "core.fence",
        "epoch boundary: preempt, migrate or checkpoint here",
        "fence",
        "FENCE_EPOCH",
        vqs=Arity(0, None),
    ),
    Op(
        "core.barrier",
        "region mark; gates do not move across it",
        "hint",
        "BAR_REGION",
        vqs=Arity(0, None),
        params=(Param("tag", "text", "any text", required=False),),
    ),
)


def power_of_args(args: Args) -> Matrix:
    """The matrix of the gate of a core.mod, raised to its power and without its controls."""
    gate = FIXED_SIZE[args["gate"]]
    assert gate.matrix is not None
    return powers.power(gate.matrix(args.get("params", {})), args.get("power", 1.0))


def _matrix_mod(args: Args) -> Matrix:
    return powers.add_controls(power_of_args(args), args.get("controls", 0), args.get("state", ""))


GENERAL = (
    Op(
        "core.paulirot",
        "exp(-i theta/2 P) for a Pauli product P",
        "unitary",
        "",
        vqs=MANY,
        params=(PAULIS, Param("theta", "angle", "rotation angle", "rad", synonyms=("angle",))),
        inverse="core.paulirot",
        negated=("theta",),
        matrix=lambda a: m.pauli_rotation(a["paulis"], a["theta"]),
        lower=_lower_paulirot,
    ),
    Op(
        "core.mod",
        "a gate raised to a power, then controlled (controls first); inverse is power -1",
        "unitary",
        "",
        vqs=MANY,
        params=(
            Param("gate", "gate", "short name of a unitary op of fixed size, such as rz"),
            Param("controls", "int", "number of control qubits", "qubits", required=False, default=0, low=0),
            Param("state", "bits", "control values, first control first; all ones if absent", required=False),
            Param("power", "float", "exponent on the principal branch", required=False, default=1.0),
            Param("params", "map", "the gate's own arguments by name", required=False),
        ),
        inverse="core.mod",
        negated=("power",),
        matrix=_matrix_mod,
    ),
)

MEASURE = (
    Op("core.mz", "measure Z", "measure", "MEASURE_Z", vqs=ONE, produces=ONE),
    Op("core.mx", "measure X", "measure", "MEASURE_X", vqs=ONE, produces=ONE, lower=_lower_basis("X")),
    Op("core.my", "measure Y", "measure", "MEASURE_Y", vqs=ONE, produces=ONE, lower=_lower_basis("Y")),
    Op(
        "core.mangle",
        "measure cos(theta) Z + sin(theta) X",
        "measure",
        "MEASURE_ANGLE",
        vqs=ONE,
        produces=ONE,
        params=(Param("theta", "angle", "angle from Z in the XZ plane", "rad", synonyms=("angle",)),),
        lower=_lower_mangle,
    ),
    Op(
        "core.mbell",
        "measure in the Bell basis: two events (phase, parity), or one holding 2*phase+parity",
        "measure",
        "MEASURE_BELL",
        vqs=TWO,
        produces=Arity(1, 2),
        lower=_lower_mbell,
    ),
    Op(
        "core.mpauli",
        "measure a Pauli product without measuring its factors",
        "measure",
        "",
        vqs=MANY,
        produces=ONE,
        params=(PAULIS,),
        lower=_lower_mpauli,
    ),
    Op("core.reset", "send a qubit to |0>", "reset", "RESET", vqs=ONE),
)

FEEDFORWARD = (
    Op(
        "core.condpauli",
        "apply a Pauli when the XOR of the input events is 1",
        "feedforward",
        "COND_PAULI",
        vqs=MANY,
        inputs=Arity(1, None),
        params=(PAULIS,),
    ),
    Op(
        "core.lut",
        "event from events by truth table: bit k of the table is the value where input i is bit i of k",
        "classical",
        "",
        inputs=Arity(0, 6),
        produces=ONE,
        params=(Param("table", "int", "truth table of 2^inputs bits", low=0, high=float(2**64 - 1)),),
    ),
    Op(
        "core.teleport_cnot",
        "CNOT through a Bell pair that the kernel supplies",
        "composite",
        "TELEPORT_CNOT",
        vqs=TWO,
        cap="CAP_TELEPORT",
        lower=script("cnot 0 1"),
        bases=CNOT.bases,
    ),
)

FAMILY = Family(
    "core",
    1,
    "lifecycle, gates, measurement, reset, feed-forward and event logic",
    (*LIFECYCLE, *SINGLE, *DOUBLE, *TRIPLE, *GENERAL, *MEASURE, *FEEDFORWARD),
)
