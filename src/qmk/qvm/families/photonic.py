"""Family ``photonic``: modes of light.

A mode is a handle among ``vqs`` that ``core.alloc`` allocates with ``carrier`` "mode", in the vacuum. It is linear and
owned as a qubit is, yet only ops of this family, free, barrier and fence take it. Conventions: hbar = 2, so that
x = a + a^dagger, p = -i (a - a^dagger) and the vacuum has variance 1; angles in rad. What is measured is absorbed: the
mode is in the vacuum then. An op that tells a number writes its bits, the lowest first.
"""

from __future__ import annotations

import itertools
from typing import Any, cast

from qmk.qvm.op import NONE, Args, Arity, Family, Op, OpClass, Param, exactly

LARGEST = 1e6  # magnitude of a displacement, a squeezing, a strength or a mean photon number
MOST, DIGITS = 7, 12  # what is told where the program does not say


def fault(name: str, args: Args, modes: int, events: int) -> str:
    """Why arguments, each of which is sound, do not fit together, the modes or the events written; "" if they do."""
    if 0 <= n_events(name, args) != events:
        return f"it tells a number of {n_events(name, args)} bit(s), and {events} event(s) are listed"
    return _matrix_fault(args["matrix"], modes) if "matrix" in args else ""


def n_events(name: str, args: Args) -> int:
    """How many events an op writes that tells a number; -1 of other ops."""
    if name == "photonic.count_photons":
        return int(args.get("most", MOST)).bit_length()
    values = {"photonic.homodyne": 1, "photonic.heterodyne": 2}.get(name)
    return -1 if values is None else values * int(args.get("digits", DIGITS))


def _matrix_fault(rows: Any, modes: int) -> str:
    if not _is_list(rows, modes) or not all(_is_list(row, modes) and all(map(_is_entry, row)) for row in rows):
        return f"its matrix is {modes} rows of {modes} entries [re, im], finite numbers"
    found = [[complex(*entry) for entry in row] for row in rows]
    for a, b in itertools.combinations_with_replacement(found, 2):
        if not abs(sum(x * y.conjugate() for x, y in zip(a, b, strict=True)) - (a is b)) <= 1e-9:
            return "its matrix is not unitary within 1e-9"
    return ""


def _is_list(value: Any, size: int) -> bool:
    return isinstance(value, list) and len(cast("list[Any]", value)) == size


def _is_entry(entry: Any) -> bool:
    return _is_list(entry, 2) and all(type(part) in (int, float) and abs(part) <= 2.0 for part in entry)


def _real(name: str, doc: str, low: float = -LARGEST, high: float = LARGEST) -> Param:
    return Param(name, "float", doc, low=low, high=high)


def _op(short: str, doc: str, *params: Param, kind: OpClass = "evolution", on: int = 1, to: Arity = NONE) -> Op:
    vqs = exactly(on) if on else Arity(1, 64)
    return Op(f"photonic.{short}", doc, kind, vqs=vqs, params=params, produces=to)


_R, _KAPPA = _real("r", "magnitude of z"), Param("kappa", "angle", "strength", "rad")
_NBAR, _LEFT = _real("nbar", "mean photon number", 0.0), _real("transmission", "share of the energy left", 0.0, 1.0)
_PHI = Param("phi", "angle", "phase", "rad", required=False, default=0.0)
_SPAN = Param("span", "float", "told are -span to span", required=False, default=10.0, low=1e-6, high=LARGEST)
_DIGITS = Param("digits", "int", "bits of each value", required=False, default=DIGITS, low=1, high=32)

FAMILY = Family(
    "photonic", 1, "modes of light: preparation, linear and nonlinear optics, loss, photon counting, quadratures", (
        _op("prepare_vacuum", "no photon, whatever the mode held", kind="reset"),
        _op("prepare_fock", "so many photons", Param("n", "int", "photons", low=0, high=255), kind="reset"),
        _op("prepare_coherent", "the vacuum, displaced by z = r e^{i phi}", _R, _PHI, kind="reset"),
        _op("prepare_squeezed", "the vacuum, squeezed by z = r e^{i phi}", _R, _PHI, kind="reset"),
        _op("prepare_thermal", "a thermal state", _NBAR, kind="reset"),
        _op("displace", "exp(z a^dagger - z* a), z = r e^{i phi}", _R, _PHI),
        _op("squeeze", "exp((z* a^2 - z a^dagger^2)/2), z = r e^{i phi}", _R, _PHI),
        _op("squeeze_two", "exp(z a^dagger b^dagger - z* a b), z = r e^{i phi}", _R, _PHI, on=2),
        _op("shift_phase", "exp(i phi n)", Param("phi", "angle", "phase of a photon", "rad")),
        _op("beam_splitter", "a becomes cos(theta) a - e^{-i phi} sin(theta) b, b e^{i phi} sin(theta) a + "
            "cos(theta) b", Param("theta", "angle", "cos(theta)^2 of the energy stays", "rad"), _PHI, on=2),
        _op("mach_zehnder", "twice: a phase on the first mode, outer then inner, and beam_splitter(pi/4, pi/2)",
            Param("inner", "angle", "second phase", "rad"), Param("outer", "angle", "first phase", "rad"), on=2),
        _op("interferometer", "a_j becomes the sum over k of U_jk a_k",
            Param("matrix", "matrix", "unitary U, a list of rows of entries [re, im]"), on=0),
        _op("kerr", "exp(i kappa n^2)", _KAPPA),
        _op("cross_kerr", "exp(i kappa n_a n_b)", _KAPPA, on=2),
        _op("cubic_phase", "exp(i gamma x^3 / 6)", _real("gamma", "strength")),
        _op("lose", "each photon is lost with probability 1 - transmission", _LEFT),
        _op("lose_thermal", "mixes with a thermal mode at a beam splitter", _LEFT, _NBAR),
        _op("count_photons", "number of photons, or most where it is larger", Param("most", "int", "largest number "
            "told", required=False, default=MOST, low=1, high=255), kind="measure", to=Arity(1, 8)),
        _op("detect_photons", "whether there is any photon", kind="measure", to=exactly(1)),
        _op("homodyne", "x cos(phi) + p sin(phi) as floor((value + span) / (2 span) 2^digits), kept within its bits",
            _PHI, _SPAN, _DIGITS, kind="measure", to=Arity(1, 32)),
        _op("heterodyne", "x, then p, each with a vacuum's variance added, as homodyne tells them", _SPAN, _DIGITS,
            kind="measure", to=Arity(2, 64)),
    ),
)  # fmt: skip
