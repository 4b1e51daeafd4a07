"""Family ``core``: lifecycle, gates, measurement, reset, feed-forward and event logic."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from qmk.qvm import matrices as m
from qmk.qvm import powers
from qmk.qvm.op import Args, Arity, Family, Lowering, Matrix, Op, Param, Step, exactly

ONE, TWO, THREE, MANY = exactly(1), exactly(2), exactly(3), Arity(1, None)

THETA = Param("theta", "angle", "rotation angle", "rad", synonyms=("angle",))
PHI = Param("phi", "angle", "azimuthal angle", "rad")
LAM = Param("lam", "angle", "phase angle", "rad", synonyms=("lambda", "theta", "angle"))
LAM_U = Param("lam", "angle", "phase angle", "rad", synonyms=("lambda",))
PAULIS = Param("paulis", "pauli", "one of I X Y Z per operand, in operand order", synonyms=("mask", "pauli"))


def _fixed(matrix: Matrix) -> Callable[[Args], Matrix]:
    return lambda _args: matrix


def _step(op: str, *operands: int, event: int = -1, **args: Any) -> Step:
    return Step(f"core.{op}", operands, args, event)


def _gate(
    short: str,
    legacy: str,
    doc: str,
    matrix: Matrix,
    inverse: str,
    flow: dict[str, str] | None = None,
    lower: Lowering | None = None,
) -> Op:
    """A gate without parameters."""
    qubits = exactly(len(matrix).bit_length() - 1)
    return Op(
        f"core.{short}",
        doc,
        "unitary",
        legacy,
        vqs=qubits,
        inverse=f"core.{inverse}",
        matrix=_fixed(matrix),
        flow=flow,
        lower=lower,
    )


def _rot(
    short: str,
    legacy: str,
    doc: str,
    qubits: int,
    matrix: Callable[[float], Matrix],
    param: Param = THETA,
    lower: Lowering | None = None,
) -> Op:
    """A gate with one angle, inverted by negating it."""
    name = param.name
    return Op(
        f"core.{short}",
        doc,
        "unitary",
        legacy,
        vqs=exactly(qubits),
        params=(param,),
        inverse=f"core.{short}",
        negated=(name,),
        matrix=lambda args: matrix(args[name]),
        lower=lower,
    )


def _cnot_conjugated(axis: str) -> Lowering:
    """exp(-i theta/2 PP) for P in X, Y, Z as basis change, CNOT, RZ, CNOT, basis change back."""
    before = {"X": ("h",), "Y": ("sdg", "h"), "Z": ()}[axis]
    after = {"X": ("h",), "Y": ("h", "s"), "Z": ()}[axis]

    def lower(args: Args, _n: int) -> tuple[Step, ...]:
        steps = [_step(g, q) for q in (0, 1) for g in before]
        steps += [_step("cnot", 0, 1), _step("rz", 1, theta=args["theta"]), _step("cnot", 0, 1)]
        return (*steps, *(_step(g, q) for q in (0, 1) for g in after))

    return lower


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
        "allocate qubits in |0>",
        "lifecycle",
        "ALLOC_LQ",
        vqs=MANY,
        params=(
            Param("n", "int", "number of qubits; must equal the handles listed", "qubits", required=False, low=1),
            Param("profile", "profile", "code profile such as logical:surface(d=7)", required=False),
            Param("tenant_id", "text", "owner of the qubits, for programs that span tenants", required=False),
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

SINGLE = (
    _gate("id", "", "identity", m.I2, "id", {"X": "+X", "Z": "+Z"}),
    _gate("x", "APPLY_X", "Pauli X", m.X, "x", {"X": "+X", "Z": "-Z"}),
    _gate("y", "APPLY_Y", "Pauli Y", m.Y, "y", {"X": "-X", "Z": "-Z"}),
    _gate("z", "APPLY_Z", "Pauli Z", m.Z, "z", {"X": "-X", "Z": "+Z"}),
    _gate("h", "APPLY_H", "Hadamard", m.H, "h", {"X": "+Z", "Z": "+X"}),
    _gate("s", "APPLY_S", "phase gate, sqrt(Z)", m.S, "sdg", {"X": "+Y", "Z": "+Z"}),
    _gate("sdg", "APPLY_SDG", "inverse of S", m.SDG, "s", {"X": "-Y", "Z": "+Z"}),
    _gate("sx", "APPLY_SX", "sqrt(X)", m.SX, "sxdg", {"X": "+X", "Z": "-Y"}),
    _gate("sxdg", "APPLY_SXDG", "inverse of SX", m.SXDG, "sx", {"X": "+X", "Z": "+Y"}),
    _gate("t", "APPLY_T", "pi/8 gate, sqrt(S)", m.T, "tdg"),
    _gate("tdg", "APPLY_TDG", "inverse of T", m.TDG, "t"),
    _rot("rx", "APPLY_RX", "rotation about X", 1, m.rx),
    _rot("ry", "APPLY_RY", "rotation about Y", 1, m.ry),
    _rot("rz", "APPLY_RZ", "rotation about Z, symmetric phase", 1, m.rz),
    _rot("p", "APPLY_P", "phase diag(1, e^{i lam})", 1, m.phase, LAM),
    Op(
        "core.u",
        "any single-qubit gate up to phase, in OpenQASM 3's convention",
        "unitary",
        "APPLY_U",
        vqs=ONE,
        params=(Param("theta", "angle", "polar angle", "rad"), PHI, LAM_U),
        inverse="core.u",  # with (-theta, -lam, -phi): see qvm/inverse.py
        matrix=lambda a: m.u(a["theta"], a["phi"], a["lam"]),
    ),
    Op(
        "core.gphase",
        "global phase e^{i gamma}; matters only under control",
        "unitary",
        "",
        params=(Param("gamma", "angle", "phase", "rad"),),
        inverse="core.gphase",
        negated=("gamma",),
        matrix=lambda a: ((complex(math.cos(a["gamma"]), math.sin(a["gamma"])),),),
    ),
)

DOUBLE = (
    _gate(
        "cnot",
        "APPLY_CNOT",
        "controlled X (control, target)",
        m.controlled(m.X),
        "cnot",
        {"XI": "+XX", "ZI": "+ZI", "IX": "+IX", "IZ": "+ZZ"},
    ),
    _gate(
        "cy",
        "APPLY_CY",
        "controlled Y (control, target)",
        m.controlled(m.Y),
        "cy",
        {"XI": "+XY", "ZI": "+ZI", "IX": "+ZX", "IZ": "+ZZ"},
        lower=lambda _a, _n: (_step("sdg", 1), _step("cnot", 0, 1), _step("s", 1)),
    ),
    _gate(
        "cz",
        "APPLY_CZ",
        "controlled Z",
        m.controlled(m.Z),
        "cz",
        {"XI": "+XZ", "ZI": "+ZI", "IX": "+ZX", "IZ": "+IZ"},
        lower=lambda _a, _n: (_step("h", 1), _step("cnot", 0, 1), _step("h", 1)),
    ),
    _gate(
        "ch",
        "APPLY_CH",
        "controlled Hadamard (control, target)",
        m.controlled(m.H),
        "ch",
        lower=lambda _a, _n: (
            _step("s", 1),
            _step("h", 1),
            _step("t", 1),
            _step("cnot", 0, 1),
            _step("tdg", 1),
            _step("h", 1),
            _step("sdg", 1),
        ),
    ),
    _gate(
        "swap",
        "APPLY_SWAP",
        "exchange two qubits",
        m.permutation((0, 2, 1, 3)),
        "swap",
        {"XI": "+IX", "ZI": "+IZ", "IX": "+XI", "IZ": "+ZI"},
        lower=lambda _a, _n: (_step("cnot", 0, 1), _step("cnot", 1, 0), _step("cnot", 0, 1)),
    ),
    _gate(
        "iswap",
        "APPLY_ISWAP",
        "exchange two qubits with phase i on |01>, |10>",
        ((1, 0, 0, 0), (0, 0, 1j, 0), (0, 1j, 0, 0), (0, 0, 0, 1)),
        "iswapdg",
        {"XI": "+ZY", "ZI": "+IZ", "IX": "+YZ", "IZ": "+ZI"},
        lower=lambda _a, _n: (
            _step("s", 0),
            _step("s", 1),
            _step("h", 0),
            _step("cnot", 0, 1),
            _step("cnot", 1, 0),
            _step("h", 1),
        ),
    ),
    _gate(
        "iswapdg",
        "APPLY_ISWAPDG",
        "inverse of iSWAP",
        ((1, 0, 0, 0), (0, 0, -1j, 0), (0, -1j, 0, 0), (0, 0, 0, 1)),
        "iswap",
        {"XI": "-ZY", "ZI": "+IZ", "IX": "-YZ", "IZ": "+ZI"},
        lower=lambda _a, _n: (
            _step("h", 1),
            _step("cnot", 1, 0),
            _step("cnot", 0, 1),
            _step("h", 0),
            _step("sdg", 1),
            _step("sdg", 0),
        ),
    ),
    _rot(
        "cp",
        "APPLY_CP",
        "controlled phase",
        2,
        lambda t: m.controlled(m.phase(t)),
        LAM,
        lower=lambda a, _n: (
            _step("p", 0, lam=a["lam"] / 2),
            _step("cnot", 0, 1),
            _step("p", 1, lam=-a["lam"] / 2),
            _step("cnot", 0, 1),
            _step("p", 1, lam=a["lam"] / 2),
        ),
    ),
    _rot(
        "crx",
        "APPLY_CRX",
        "controlled RX (control, target)",
        2,
        lambda t: m.controlled(m.rx(t)),
        lower=lambda a, _n: (
            _step("h", 1),
            _step("rz", 1, theta=a["theta"] / 2),
            _step("cnot", 0, 1),
            _step("rz", 1, theta=-a["theta"] / 2),
            _step("cnot", 0, 1),
            _step("h", 1),
        ),
    ),
    _rot(
        "cry",
        "APPLY_CRY",
        "controlled RY (control, target)",
        2,
        lambda t: m.controlled(m.ry(t)),
        lower=lambda a, _n: (
            _step("ry", 1, theta=a["theta"] / 2),
            _step("cnot", 0, 1),
            _step("ry", 1, theta=-a["theta"] / 2),
            _step("cnot", 0, 1),
        ),
    ),
    _rot(
        "crz",
        "APPLY_CRZ",
        "controlled RZ (control, target)",
        2,
        lambda t: m.controlled(m.rz(t)),
        lower=lambda a, _n: (
            _step("rz", 1, theta=a["theta"] / 2),
            _step("cnot", 0, 1),
            _step("rz", 1, theta=-a["theta"] / 2),
            _step("cnot", 0, 1),
        ),
    ),
    _rot(
        "rxx",
        "APPLY_RXX",
        "exp(-i theta/2 XX)",
        2,
        lambda t: m.pauli_rotation("XX", t),
        lower=_cnot_conjugated("X"),
    ),
    _rot(
        "ryy",
        "APPLY_RYY",
        "exp(-i theta/2 YY)",
        2,
        lambda t: m.pauli_rotation("YY", t),
        lower=_cnot_conjugated("Y"),
    ),
    _rot(
        "rzz",
        "APPLY_RZZ",
        "exp(-i theta/2 ZZ)",
        2,
        lambda t: m.pauli_rotation("ZZ", t),
        lower=_cnot_conjugated("Z"),
    ),
)


def _lower_toffoli(_args: Args, _n: int) -> tuple[Step, ...]:
    """Nielsen and Chuang, figure 4.9: seven T gates and six CNOTs."""
    a, b, c = 0, 1, 2
    return (
        _step("h", c), _step("cnot", b, c), _step("tdg", c), _step("cnot", a, c), _step("t", c),
        _step("cnot", b, c), _step("tdg", c), _step("cnot", a, c), _step("t", b), _step("t", c),
        _step("h", c), _step("cnot", a, b), _step("t", a), _step("tdg", b), _step("cnot", a, b),
    )  # fmt: skip


TRIPLE = (
    _gate(
        "toffoli",
        "APPLY_TOFFOLI",
        "doubly controlled X",
        m.controlled(m.X, 2),
        "toffoli",
        lower=_lower_toffoli,
    ),
    _gate(
        "ccz",
        "APPLY_CCZ",
        "doubly controlled Z",
        m.controlled(m.Z, 2),
        "ccz",
        lower=lambda _a, _n: (_step("h", 2), _step("toffoli", 0, 1, 2), _step("h", 2)),
    ),
    _gate(
        "cswap",
        "APPLY_CSWAP",
        "controlled SWAP (control, a, b)",
        m.controlled(m.permutation((0, 2, 1, 3))),
        "cswap",
        lower=lambda _a, _n: (_step("cnot", 2, 1), _step("toffoli", 0, 1, 2), _step("cnot", 2, 1)),
    ),
)

FIXED_SIZE: dict[str, Op] = {op.short: op for op in (*SINGLE, *DOUBLE, *TRIPLE)}
"""Short name to gate: what core.mod can raise to a power and control."""


def powered(args: Args) -> Matrix:
    """The matrix that a core.mod with these args controls: its gate to the power."""
    gate = FIXED_SIZE[args["gate"]]
    assert gate.matrix is not None
    return powers.power(gate.matrix(args.get("params", {})), args.get("power", 1.0))


def _matrix_mod(args: Args) -> Matrix:
    return powers.controlled(powered(args), args.get("controls", 0), args.get("state", ""))


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
        lower=lambda _a, _n: (_step("cnot", 0, 1),),
    ),
)

FAMILY = Family(
    "core",
    1,
    "lifecycle, gates, measurement, reset, feed-forward and event logic",
    (*LIFECYCLE, *SINGLE, *DOUBLE, *TRIPLE, *GENERAL, *MEASURE, *FEEDFORWARD),
)
