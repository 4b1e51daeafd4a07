"""Brings a lowered program of light into one form: fresh modes, optics on them, and what is read at the end.

A mode that is measured, prepared anew or freed is left behind, and a fresh one takes its place: what is measured in
the middle of a program is then measured at its end. Nothing may depend on a measurement.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from qmk.ir.program import Barrier, Detect, Gate, Logic, Program, Reset
from qmk.qvm.families import photonic
from qmk.sdk.engine import Unsupported

Matrix = npt.NDArray[np.complex128]


class Step(msgspec.Struct, frozen=True):
    """One piece of optics. ``kind``: "passive" with ``matrix`` U (a_j becomes the sum of U_jk a_k), "displace",
    "squeeze" and "squeeze_two" with ``z``, "kerr", "cross_kerr" and "cubic" with ``strength``, "lose" with the energy
    share ``z`` that is left and the environment's mean photon number ``strength``."""

    kind: str
    modes: tuple[int, ...]
    z: complex = 0.0
    strength: float = 0.0
    matrix: Matrix | None = None


class Reading(msgspec.Struct, frozen=True):
    """A measurement of ``mode`` into ``cbits``, the lowest bit first; ``kind`` is its op's short name."""

    kind: str
    mode: int
    cbits: tuple[int, ...]
    args: Mapping[str, Any]

    @property
    def most(self) -> int:
        """The largest number that a photon counter tells."""
        return 1 if self.kind == "detect_photons" else int(self.args.get("most", photonic.MOST))


class Optics(msgspec.Struct, frozen=True):
    """``photons`` and ``nbar``: what each mode holds at first, so many photons or a thermal state."""

    photons: tuple[int, ...]
    nbar: tuple[float, ...]
    steps: tuple[Step, ...]
    readings: tuple[Reading, ...]
    n_cbits: int
    places: tuple[int, ...]
    """For each mode of the program the one that stands for it at the end."""

    @property
    def n_modes(self) -> int:
        return len(self.photons)

    @property
    def is_gaussian(self) -> bool:
        return not any(self.photons) and not any(step.kind in ("kerr", "cross_kerr", "cubic") for step in self.steps)

    @property
    def is_linear(self) -> bool:
        """Photons in interferometers, with loss or without."""
        steps = all(step.kind == "passive" or (step.kind == "lose" and not step.strength) for step in self.steps)
        return steps and not any(self.nbar)

    @property
    def conserves(self) -> bool:
        """Whether no photon is ever added, so that a cutoff above their number is exact."""
        free = ("passive", "kerr", "cross_kerr")
        steps = all(step.kind in free or (step.kind == "lose" and not step.strength) for step in self.steps)
        return steps and not any(self.nbar)


def optics(program: Program) -> Optics:
    """Raises ``Unsupported`` for what depends on a measurement, and for anything but ops of light."""
    return _Setup(program.n_qubits).read(program)


class _Setup:
    def __init__(self, modes: int) -> None:
        self.place = list(range(modes))
        self.photons, self.nbar = [0] * modes, [0.0] * modes
        self.fresh = [True] * modes
        self.measured: set[int] = set()
        self.steps: list[Step] = []
        self.readings: list[Reading] = []

    def read(self, program: Program) -> Optics:
        for item in program.instructions:
            if isinstance(item, Barrier):
                continue
            if getattr(item, "cond", None) is not None:
                raise Unsupported("an op of light under a condition: modes are measured at the end")
            if isinstance(item, Reset):
                self._renew(item.qubit)
            elif isinstance(item, Gate) and item.name.startswith("photonic."):
                self._take(item)
            else:
                what = "event logic" if isinstance(item, Logic) else getattr(item, "name", type(item).__name__)
                raise Unsupported(f"{what}: only ops of light run here")
        counts = tuple(self.photons), tuple(self.nbar)
        return Optics(*counts, tuple(self.steps), tuple(self.readings), program.n_cbits, tuple(self.place))

    def _renew(self, mode: int) -> int:
        """The mode in the vacuum: itself if nothing has touched it, else a fresh one."""
        if not self.fresh[self.place[mode]]:
            self.place[mode] = len(self.photons)
            self.photons.append(0)
            self.nbar.append(0.0)
            self.fresh.append(True)
        return self.place[mode]

    def _lit(self, mode: int) -> int:
        """The mode as it is, in the vacuum if it was measured; from now on it is in use."""
        at = self._renew(mode) if self.place[mode] in self.measured else self.place[mode]
        self.fresh[at] = False
        return at

    def _take(self, item: Gate) -> None:
        short, args = item.name.removeprefix("photonic."), item.args
        if isinstance(item, Detect):
            at = self._lit(item.qubits[0])
            self.readings.append(Reading(short, at, item.cbits, args))
            self.measured.add(at)
            return
        if short.startswith("prepare_"):
            at = self._renew(item.qubits[0])
            self.photons[at], self.nbar[at] = int(args.get("n", 0)), float(args.get("nbar", 0.0))
            self.fresh[at] = short == "prepare_vacuum"
            if short in _PREPARED:
                self.steps.append(Step(_PREPARED[short], (at,), z=_z(args)))
            return
        self.steps.append(_step(short, tuple(map(self._lit, item.qubits)), args))


_PREPARED = {"prepare_coherent": "displace", "prepare_squeezed": "squeeze"}


def _z(args: Mapping[str, Any]) -> complex:
    return float(args["r"]) * cmath.exp(1j * float(args.get("phi", 0.0)))


def _step(short: str, modes: tuple[int, ...], args: Mapping[str, Any]) -> Step:
    match short:
        case "displace" | "squeeze" | "squeeze_two":
            return Step(short, modes, z=_z(args))
        case "shift_phase":
            return Step("passive", modes, matrix=np.array([[cmath.exp(1j * float(args["phi"]))]]))
        case "beam_splitter":
            return Step("passive", modes, matrix=beam_splitter(float(args["theta"]), float(args.get("phi", 0.0))))
        case "mach_zehnder":
            half = beam_splitter(math.pi / 4, math.pi / 2)
            inner, outer = (np.diag([cmath.exp(1j * float(args[name])), 1.0]) for name in ("inner", "outer"))
            return Step("passive", modes, matrix=half @ inner @ half @ outer)
        case "interferometer":
            rows = [[complex(*entry) for entry in row] for row in args["matrix"]]
            return Step("passive", modes, matrix=np.array(rows, dtype=np.complex128))
        case "kerr" | "cross_kerr":
            return Step(short, modes, strength=float(args["kappa"]))
        case "cubic_phase":
            return Step("cubic", modes, strength=float(args["gamma"]))
        case "lose" | "lose_thermal":
            return Step("lose", modes, z=float(args["transmission"]), strength=float(args.get("nbar", 0.0)))
        case _:
            raise Unsupported(f"photonic.{short}: no such optics here")


def beam_splitter(theta: float, phi: float) -> Matrix:
    """U of a beam splitter."""
    c, s = math.cos(theta), math.sin(theta)
    return np.array([[c, -cmath.exp(-1j * phi) * s], [cmath.exp(1j * phi) * s, c]])


def write_bits(found: Optics, drawn: Sequence[npt.NDArray[np.int64]], shots: int) -> npt.NDArray[np.uint8]:
    """The bits of the numbers that the readings tell, shape (shots, n_cbits); a heterodyne tells two."""
    bits = np.zeros((shots, found.n_cbits), dtype=np.uint8)
    numbers = iter(drawn)
    for reading in found.readings:
        count = 1 + (reading.kind == "heterodyne")
        size = len(reading.cbits) // count
        for part in range(count):
            number = next(numbers)
            for k, cbit in enumerate(reading.cbits[part * size : (part + 1) * size]):
                bits[:, cbit] = (number >> k) & 1
    return bits
