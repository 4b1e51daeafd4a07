"""The gates of family ``core``: everything about a gate stands in its declaration here, once.

Readers, writers, engines, drawings and the native core take what they know of a gate from here. ``names`` lists, in
words, where a gate is known and under which name: ``stim=CX``, or ``ddsim`` alone where the name is the same.
``native`` are those that the native core runs as they are; it takes all others by their lowering.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Sequence
from typing import Any

from qmk.qvm import matrices as m
from qmk.qvm.op import Args, Matrix, Op, Param, exactly
from qmk.qvm.steps import script

_DOC = {"theta": "rotation angle", "phi": "azimuthal angle", "lam": "phase angle", "gamma": "phase"}
THETA = Param("theta", "angle", _DOC["theta"], "rad", synonyms=("angle",))
LAM = Param("lam", "angle", _DOC["lam"], "rad", synonyms=("lambda", "theta", "angle"))
_POLAR = Param("theta", "angle", "polar angle", "rad")
_PHI = Param("phi", "angle", _DOC["phi"], "rad")
_LAM_U = Param("lam", "angle", _DOC["lam"], "rad", synonyms=("lambda",))


def _gate(
    short: str,
    doc: str,
    matrix: Matrix | Callable[..., Matrix],
    *params: Param,
    inverse: str = "",
    negated: tuple[str, ...] = (),
    flow: str = "",
    bases: str = "",
    lower: str = "",
    also: Sequence[str] = (),
    names: str = "",
    legacy: bool = True,
    base: str = "",
    controls: int = 0,
) -> Op:
    """A gate. ``matrix`` takes the parameters in order; ``inverse`` is the gate itself where it is not given, with all
    angles negated; ``flow`` is written as "X>+Y Z>+Z"; ``legacy``: QVM 0.1 has it."""
    wanted = tuple(param.name for param in params)

    def make(args: Args) -> Matrix:
        return matrix(*(args[name] for name in wanted)) if callable(matrix) else matrix

    sample = make(dict.fromkeys(wanted, 0.0))
    pairs = dict(pair.split(">") for pair in flow.split())
    return Op(
        f"core.{short}",
        doc,
        "unitary",
        f"APPLY_{short.upper()}" if legacy else "",
        vqs=exactly(len(sample).bit_length() - 1),
        params=params,
        inverse=f"core.{inverse or short}",
        negated=negated or (wanted if not inverse else ()),
        matrix=make,
        flow=pairs or None,
        lower=script(lower) if lower else None,
        also=tuple(script(text) for text in also),
        base=base and f"core.{base}",
        controls=controls,
        bases=bases,
        names=names,
    )


def _control(short: str, doc: str, base: Op, controls: int = 1, **more: Any) -> Op:
    """Declares ``base`` under ``controls`` controls. ``base`` is its own inverse, with its angles negated."""
    inner = base.matrix
    assert inner is not None

    def matrix(*values: float) -> Matrix:
        return m.add_controls(inner({p.name: v for p, v in zip(base.params, values, strict=True)}), controls)

    whole = matrix if base.params else matrix()
    bases = "Z" * controls + (base.bases or "-" * (base.vqs.high or 0))
    return _gate(short, doc, whole, *base.params, base=base.short, controls=controls, bases=bases, **more)


def _exchange(cosine: float, forth: complex, back: complex, both: complex = 1) -> Matrix:
    """A gate that acts on |01> and |10> only, and by ``both`` on |11>."""
    return ((1, 0, 0, 0), (0, cosine, forth, 0), (0, back, cosine, 0), (0, 0, 0, both))


def _fsim(theta: float, phi: float) -> Matrix:
    sine = -1j * math.sin(theta)
    return _exchange(math.cos(theta), sine, sine, cmath.exp(-1j * phi))


def _xx_plus_yy(theta: float, beta: float) -> Matrix:
    sine = -1j * math.sin(theta / 2)
    return _exchange(math.cos(theta / 2), sine * cmath.exp(1j * beta), sine * cmath.exp(-1j * beta))


def _about(paulis: str) -> Callable[..., Matrix]:
    """Rotations exp(-i theta/2 P) about a Pauli product."""

    def rotation(theta: float) -> Matrix:
        return m.pauli_rotation(paulis, theta)

    return rotation


def _gphase(gamma: float) -> Matrix:
    return ((cmath.exp(1j * gamma),),)


def _qasm_u(theta: float, phi: float, lam: float) -> Matrix:
    return m.scale(cmath.exp(0.5j * theta), m.u(theta, phi, lam))


_SQUARE_ROOT = (
    "h 0; h 1; cnot 0 1; t 1; cnot 0 1; h 0; h 1; sxdg 0; sxdg 1; cnot 0 1; t 1; cnot 0 1; sx 0; sx 1;"
    "gphase(gamma=-pi/4)"
)
"""RXX and RYY by pi/4, with T gates."""

X = _gate(
    "x", "Pauli X", m.X, flow="X>+X Z>-Z", bases="X",
    also=("h 0; z 0; h 0", "rx(theta=pi) 0", "u(theta=pi, phi=0, lam=pi) 0"),
    names="native qasm aer extended ddsim stim=X lightning=PauliX qulacs=X qsim=kX nvm=X braket qir",
)  # fmt: skip
Y = _gate(
    "y", "Pauli Y", m.Y, flow="X>-X Z>-Z", bases="Y", also=("z 0; x 0",),
    names="native qasm aer extended ddsim stim=Y lightning=PauliY qulacs=Y qsim=kY nvm=Y braket qir",
)  # fmt: skip
Z = _gate(
    "z", "Pauli Z", m.Z, flow="X>-X Z>+Z", bases="Z", also=("p(lam=pi) 0", "rz(theta=pi) 0", "s 0; s 0"),
    names="native qasm aer extended ddsim stim=Z lightning=PauliZ qulacs=Z qsim=kZ nvm=Z braket qir",
)  # fmt: skip
H = _gate(
    "h", "Hadamard", m.H, flow="X>+Z Z>+X",
    also=(
        "u(theta=pi/2, phi=0, lam=pi) 0", "z 0; ry(theta=pi/2) 0", "rz(theta=pi/2) 0; sx 0; rz(theta=pi/2) 0",
        "rz(theta=pi/2) 0; rx(theta=pi/2) 0; rz(theta=pi/2) 0",
    ),
    names="native qasm aer extended ddsim stim=H lightning=Hadamard qulacs=H qsim=kH nvm=H braket qir",
)  # fmt: skip
RX = _gate(
    "rx", "rotation about X", m.rx, THETA, bases="X",
    also=("h 0; rz(theta=theta) 0; h 0", "u(theta=theta, phi=-pi/2, lam=pi/2) 0"),
    names="native qasm aer ddsim lightning=RX clifft=R_X nvm=RX braket qir",
)  # fmt: skip
RY = _gate(
    "ry", "rotation about Y", m.ry, THETA, bases="Y",
    also=("sdg 0; rx(theta=theta) 0; s 0", "u(theta=theta, phi=0, lam=0) 0"),
    names="native qasm aer ddsim lightning=RY clifft=R_Y nvm=RY braket qir",
)  # fmt: skip
RZ = _gate(
    "rz", "rotation about Z, symmetric phase", m.rz, THETA, bases="Z",
    also=("p(lam=theta) 0", "u(theta=0, phi=0, lam=theta) 0"),
    names="native qasm aer ddsim lightning=RZ clifft=R_Z nvm=RZ braket qir",
)  # fmt: skip
P = _gate(
    "p", "phase diag(1, e^{i lam})", m.phase, LAM, bases="Z", also=("rz(theta=lam) 0",),
    names="native qelib1=p,u1 stdgates=p,phase,u1 aer extended ddsim lightning=PhaseShift qulacs=U1 clifft=R_Z",
)  # fmt: skip
SWAP = _gate(
    "swap", "exchange two qubits", m.permutation((0, 2, 1, 3)), flow="XI>+IX ZI>+IZ IX>+XI IZ>+ZI",
    lower="cnot 0 1; cnot 1 0; cnot 0 1",
    names="native qasm aer extended ddsim stim=SWAP lightning=SWAP qulacs=SWAP qsim=kSWAP draw=× braket qir",
)  # fmt: skip

SINGLE = (
    _gate("id", "identity", m.I2, flow="X>+X Z>+Z", also=("",), legacy=False,
          names="native qasm aer extended ddsim stim=I draw=I"),
    X, Y, Z, H,
    _gate("s", "phase gate, sqrt(Z)", m.S, inverse="sdg", flow="X>+Y Z>+Z", bases="Z",
          also=("p(lam=pi/2) 0", "rz(theta=pi/2) 0", "t 0; t 0"),
          names="native qasm aer extended ddsim stim=S lightning=S qulacs=S qsim=kS nvm=S braket qir"),
    _gate("sdg", "inverse of S", m.SDG, inverse="s", flow="X>-Y Z>+Z", bases="Z",
          also=("p(lam=-pi/2) 0", "rz(theta=-pi/2) 0", "z 0; s 0", "s 0; s 0; s 0"),
          names="native qasm aer extended ddsim stim=S_DAG qulacs=Sdag draw=S† nvm=SDG,S_DAG qir=s__adj"),
    _gate("sx", "sqrt(X)", m.SX, inverse="sxdg", flow="X>+X Z>-Y", bases="X",
          also=("h 0; s 0; h 0", "rx(theta=pi/2) 0"),
          names="native qasm aer extended ddsim stim=SQRT_X lightning=SX draw=√X qir"),
    _gate("sxdg", "inverse of SX", m.SXDG, inverse="sx", flow="X>+X Z>+Y", bases="X",
          also=("h 0; sdg 0; h 0", "rx(theta=-pi/2) 0"),
          names="native qelib1 aer extended ddsim stim=SQRT_X_DAG draw=√X†"),
    _gate("t", "pi/8 gate, sqrt(S)", m.T, inverse="tdg", bases="Z", also=("p(lam=pi/4) 0", "rz(theta=pi/4) 0"),
          names="native qasm aer extended ddsim lightning=T qulacs=T qsim=kT clifft=T stim_tag=S[T] nvm=T braket qir"),
    _gate("tdg", "inverse of T", m.TDG, inverse="t", bases="Z",
          also=("p(lam=-pi/4) 0", "rz(theta=-pi/4) 0", "sdg 0; t 0", "t 0; t 0; t 0; t 0; t 0; t 0; t 0"),
          names="native qasm aer extended ddsim qulacs=Tdag clifft=T_DAG stim_tag=S_DAG[T] draw=T† nvm=TDG qir=t__adj"),
    RX, RY, RZ, P,
    _gate("u", "any single-qubit gate up to phase, in OpenQASM 3's convention", m.u, _POLAR, _PHI, _LAM_U,
          negated=("theta", "phi=lam", "lam=phi"), also=("rz(theta=lam) 0; ry(theta=theta) 0; rz(theta=phi) 0",),
          names="native qelib1=u,u3 aer ddsim qulacs=U3 clifft=U3 braket"),
    _gate("qasm_u", "built-in U of OpenQASM 3: u times e^{i theta/2}", _qasm_u, _POLAR, _PHI, _LAM_U,
          negated=("theta", "phi=lam", "lam=phi"), legacy=False,
          lower="gphase(gamma=theta/2); u(theta=theta, phi=phi, lam=lam) 0"),
    _gate("gphase", "global phase e^{i gamma}; matters only under control", _gphase,
          Param("gamma", "angle", _DOC["gamma"], "rad"), also=("",), legacy=False, names="braket"),
)  # fmt: skip

CNOT = _control(
    "cnot", "controlled X (control, target)", X, flow="XI>+XX ZI>+ZI IX>+IX IZ>+ZZ", also=("h 1; cz 0 1; h 1",),
    names="native qelib1=cx stdgates=cx,CX aer=cx extended ddsim=cx stim=CX lightning=CNOT qulacs=CNOT qsim=kCX"
    " nvm=CX,CNOT qir=cx,cnot",
)  # fmt: skip

DOUBLE = (
    CNOT,
    _control("cy", "controlled Y (control, target)", Y, flow="XI>+XY ZI>+ZI IX>+ZX IZ>+ZZ",
                lower="sdg 1; cnot 0 1; s 1", names="native qasm aer ddsim stim=CY lightning=CY nvm=CY braket qir"),
    _control("cz", "controlled Z", Z, flow="XI>+XZ ZI>+ZI IX>+ZX IZ>+IZ", lower="h 1; cnot 0 1; h 1",
                names="native qasm aer extended ddsim stim=CZ lightning=CZ qulacs=CZ qsim=kCZ nvm=CZ braket qir"),
    _control("ch", "controlled Hadamard (control, target)", H,
                lower="s 1; h 1; t 1; cnot 0 1; tdg 1; h 1; sdg 1", names="native qasm ddsim"),
    SWAP,
    _gate("iswap", "exchange two qubits with phase i on |01>, |10>", _exchange(0, 1j, 1j), inverse="iswapdg",
          flow="XI>+ZY ZI>+IZ IX>+YZ IZ>+ZI", lower="s 0; s 1; h 0; cnot 0 1; cnot 1 0; h 1",
          names="native ddsim stim=ISWAP draw=iSWAP"),
    _gate("iswapdg", "inverse of iSWAP", _exchange(0, -1j, -1j), inverse="iswap",
          flow="XI>-ZY ZI>+IZ IX>-YZ IZ>+ZI", lower="h 1; cnot 1 0; cnot 0 1; h 0; sdg 1; sdg 0",
          names="native ddsim stim=ISWAP_DAG draw=iSWAP†"),
    _control("cp", "controlled phase", P,
                lower="p(lam=lam/2) 0; cnot 0 1; p(lam=-lam/2) 1; cnot 0 1; p(lam=lam/2) 1",
                names="native qelib1=cp,cu1 stdgates=cp,cphase aer ddsim lightning=ControlledPhaseShift"),
    _control("crx", "controlled RX (control, target)", RX,
                lower="h 1; rz(theta=theta/2) 1; cnot 0 1; rz(theta=-theta/2) 1; cnot 0 1; h 1",
                names="native qasm aer ddsim lightning=CRX"),
    _control("cry", "controlled RY (control, target)", RY,
                lower="ry(theta=theta/2) 1; cnot 0 1; ry(theta=-theta/2) 1; cnot 0 1",
                names="native qasm aer ddsim lightning=CRY"),
    _control("crz", "controlled RZ (control, target)", RZ,
                lower="rz(theta=theta/2) 1; cnot 0 1; rz(theta=-theta/2) 1; cnot 0 1",
                names="native qasm aer ddsim lightning=CRZ"),
    _gate("rxx", "exp(-i theta/2 XX)", _about("XX"), THETA, bases="XX",
          lower="h 0; h 1; cnot 0 1; rz(theta=theta) 1; cnot 0 1; h 0; h 1",
          names="native qelib1 aer ddsim lightning=IsingXX clifft=R_XX qir"),
    _gate("ryy", "exp(-i theta/2 YY)", _about("YY"), THETA, bases="YY",
          lower="sxdg 0; sxdg 1; cnot 0 1; rz(theta=theta) 1; cnot 0 1; sx 0; sx 1",
          names="native qelib1 aer ddsim lightning=IsingYY clifft=R_YY qir"),
    _gate("rzz", "exp(-i theta/2 ZZ)", _about("ZZ"), THETA, bases="ZZ",
          lower="cnot 0 1; rz(theta=theta) 1; cnot 0 1",
          names="native qelib1 aer ddsim lightning=IsingZZ clifft=R_ZZ qir"),
    _gate("rzx", "exp(-i theta/2 ZX): a cross resonance, as Qiskit's", _about("ZX"), THETA, bases="ZX", legacy=False,
          lower="h 1; rzz(theta=theta) 0 1; h 1"),
    _gate("ecr", "echoed cross resonance, (XI - YX)/sqrt(2)",
          m.scale(1 / math.sqrt(2), m.add(m.pauli_string("XI"), m.scale(-1, m.pauli_string("YX")))), bases="-X",
          flow="XI>-YX ZI>-ZI IX>+IX IZ>+ZY", lower="s 0; sx 1; cnot 0 1; x 0; gphase(gamma=-pi/4)",
          legacy=False),
    _gate("siswap", "square root of iSWAP", _exchange(math.sqrt(0.5), 1j * math.sqrt(0.5), 1j * math.sqrt(0.5)),
          inverse="siswapdg", legacy=False,
          lower=_SQUARE_ROOT.replace("t 1", "tdg 1").replace("-pi", "pi"), names="draw=√iSWAP"),
    _gate("siswapdg", "inverse of the square root of iSWAP",
          _exchange(math.sqrt(0.5), -1j * math.sqrt(0.5), -1j * math.sqrt(0.5)), inverse="siswap",
          lower=_SQUARE_ROOT, legacy=False, names="draw=√iSWAP†"),
    _gate("fsim", "fSim as Cirq's: exchange by theta, phase -phi on |11>; (pi/2, pi/6) is Sycamore", _fsim, THETA,
          Param("phi", "angle", "phase angle", "rad"), legacy=False,
          lower="rxx(theta=theta) 0 1; ryy(theta=theta) 0 1; cp(lam=-phi) 0 1"),
    _gate("xx_plus_yy", "exp(-i theta/4 (XX + YY)), turned by RZ(beta) of the first qubit, as Qiskit's", _xx_plus_yy,
          THETA, Param("beta", "angle", "phase of the exchange", "rad"), negated=("theta",), legacy=False,
          lower="rz(theta=beta) 0; rxx(theta=theta/2) 0 1; ryy(theta=theta/2) 0 1; rz(theta=-beta) 0"),
)  # fmt: skip

TRIPLE = (
    _control(  # Nielsen and Chuang, figure 4.9: seven T gates and six CNOTs
        "toffoli", "doubly controlled X", X, 2,
        lower="h 2; cnot 1 2; tdg 2; cnot 0 2; t 2; cnot 1 2; tdg 2; cnot 0 2; t 1; t 2; h 2; cnot 0 1; t 0; tdg 1;"
        "cnot 0 1",
        names="native qasm=ccx aer=ccx extended ddsim=mcx lightning=Toffoli qulacs=TOFFOLI clifft=CCX qir=ccx",
    ),
    _control("ccz", "doubly controlled Z", Z, 2, lower="h 2; toffoli 0 1 2; h 2",
                names="native aer extended ddsim=mcz clifft=CCZ"),
    _control("cswap", "controlled SWAP (control, a, b)", SWAP, lower="cnot 2 1; toffoli 0 1 2; cnot 2 1",
                names="native qasm aer ddsim lightning=CSWAP braket"),
)  # fmt: skip

FIXED_SIZE: dict[str, Op] = {op.short: op for op in (*SINGLE, *DOUBLE, *TRIPLE)}
"""Short name to gate: what core.mod can raise to a power and control."""
