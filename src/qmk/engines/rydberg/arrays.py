"""Evolutions over any namespace of the array API standard: the native core's splitting for arrays on a device.

A step is the native core's (``native/src/analog/scheme.rs``): the phases of all interactions, and a unitary matrix of
each atom, with its light and its detuning. The matrices of neighbouring atoms are multiplied out in groups, so that a
stage is one product with a phase and a few matrix products. Runs are repeated with more steps until two agree, by the
rule of ``native/src/analog/evolve.rs``, so the stated error means the same.

Amplitudes are complex128, shape (2^n,), atom 0 the highest bit. ``choose_namespace`` names a namespace only where the
environment asks for one (``QMK_RYDBERG_DEVICE=cupy`` or ``torch``), a device answers, and the register is large enough.
"""

from __future__ import annotations

import importlib
import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from qmk.base.errors import QmkError
from qmk.engines.rydberg import TOLERANCE
from qmk.engines.rydberg.evolution import Evolution
from qmk.ir.fields import Knots, level, line, segments

VARIABLE = "QMK_RYDBERG_DEVICE"
ATOMS = 16
"""Registers of fewer atoms stay on the processor, since a stage is over before a device has begun it."""

GROUP = 5
"""How many atoms have their matrices multiplied out together."""

STEPS = 1 << 26
Matrix = npt.NDArray[np.complex128]

_A = (0.0502627644003922, 0.413514300428344, 0.0450798897943977, -0.188054853819569, 0.541960678450780)
_B = (0.148816447901042, -0.132385865767784, 0.067307604692185, 0.432666402578175)
_LAST = 0.5 - sum(_B)
DIAGONAL = (*_A, 1.0 - 2.0 * sum(_A), *_A[::-1])
TURNS = (*_B, _LAST, _LAST, *_B[::-1])
"""Lengths of the two flows, of order 6 (Blanes and Moan, J. Comput. Appl. Math. 142, 313 (2002), table 2, S10)."""


def choose_namespace(n_qubits: int) -> Any | None:
    """The namespace of the device that the environment asks for, or None for the native core. Raises UNSUPPORTED where
    it asks for one that is not there."""
    name = os.environ.get(VARIABLE, "")
    if not name or n_qubits < ATOMS:
        return None
    try:
        if name not in ("cupy", "torch"):
            raise ValueError(f"no namespace '{name}'")
        xp = importlib.import_module(name)
        count = xp.cuda.runtime.getDeviceCount() if name == "cupy" else xp.cuda.device_count()
        if not count:
            raise ValueError("no device answers")
    except Exception as missing:  # a driver that is too old raises what it likes
        raise QmkError(
            "UNSUPPORTED",
            f"engine 'rydberg': {VARIABLE}={name}: {missing}",
            engine="rydberg",
            help=f"install cupy or torch for this machine's device, or unset {VARIABLE}",
        ) from missing
    return xp


def evolve(
    xp: Any, state: npt.NDArray[np.complex128], part: Evolution, tolerance: float = TOLERANCE, device: str | None = None
) -> tuple[npt.NDArray[np.complex128], dict[str, Any]]:
    """The state after ``part``, within ``tolerance`` up to a phase, and what ``AtomRegister.evolve`` tells of a run.
    Raises UNSUPPORTED where that would take more steps than any run has."""
    course = _Course(xp, state, part, device)
    first, second = course.paces(tolerance)
    steps, total, last, fewer = int(np.ceil(first)), 0, None, 0
    while steps <= STEPS:
        found = course.run(steps)
        total += found[1]
        wanted = second / first
        if last is not None:
            apart = _distance(xp, last, found[0])
            ratio = (fewer / steps) ** 6
            error = apart * ratio / (1.0 - ratio)
            if error <= tolerance:
                told = {"error": error, "steps": found[1], "all_steps": total}
                return _to_host(found[0]), told
            wanted = 2.0 if apart > 0.1 else min(max(1.1 * (error / tolerance) ** (1 / 6), 1.3), 16.0)
        last, fewer = found[0], steps
        steps = int(np.ceil(steps * wanted))
    raise QmkError(
        "UNSUPPORTED",
        f"engine 'rydberg': an evolution of {part.duration:g} us: the tolerance would take {steps} steps or more",
        engine="rydberg",
        help="place the atoms farther apart, or make the evolution shorter",
    )


class _Course:
    """What a run needs but the number of its steps."""

    def __init__(self, xp: Any, state: npt.NDArray[np.complex128], part: Evolution, device: str | None) -> None:
        self.xp, self.part = xp, part
        self.n = state.size.bit_length() - 1
        self._where = {} if device is None else {"device": device}
        pairs = np.array(part.pairs, dtype=np.float64).reshape(self.n, self.n)
        self._start = xp.asarray(state, **self._where)
        self._energies = xp.asarray(energies(pairs).astype(np.complex128), **self._where)
        self._weights = np.array([drive[3] for drive in part.drives]).reshape(len(part.drives), self.n)
        self._segments = segments((field for drive in part.drives for field in drive[:3]), part.duration)
        self._near = float(np.sort(np.abs(pairs), axis=1)[:, -2:].sum(axis=1).max(initial=0.0))

    def paces(self, tolerance: float) -> tuple[float, float]:
        """Steps of the first two runs, never the same number: as the native core's ``paced``."""
        drives = self.part.drives
        amplitude, detuning = self._largest([d[0] for d in drives]), self._largest([d[2] for d in drives])
        size = self.part.duration * (amplitude + detuning + self._near) * (max(self.n, 12) / 20.0) ** (1 / 3)
        second = size * 1.32 * (1e-8 / tolerance) ** (1 / 6)
        first = min(max(second / 3.0, size * 0.31), second / 1.3)
        least = max(self.part.duration * amplitude, 1.0)
        more = len(self._segments)
        return max(first, least) + more, max(second, 1.3 * least) + more

    def _largest(self, fields: Sequence[Knots]) -> float:
        peaks = [max((abs(value) for value in values), default=0.0) for _, values in fields]
        return float((np.array(peaks) @ np.abs(self._weights)).max(initial=0.0)) if peaks else 0.0

    def run(self, steps: float) -> tuple[Any, int]:
        """One run of about ``steps`` steps, with how many they were."""
        state, done = self._start, 0
        for start, end in self._segments:
            count = max(int(np.ceil(steps * (end - start) / self.part.duration)), 1)
            h = (end - start) / count
            for k in range(count):
                state = self._step(state, start + k * h, h, 0.5 * (start + end))
            done += count
        return state, done

    def _step(self, state: Any, t: float, h: float, inside: float) -> Any:
        phases = [level(drive[1], inside) for drive in self.part.drives]
        of_turns = of_diagonal = t
        for a, b in itertools.zip_longest(DIAGONAL, TURNS, fillvalue=0.0):
            state = state * self.xp.exp(self._energies * complex(0.0, -a * h))
            shifts = self._fields(2, of_diagonal, inside) * (a * h)
            of_turns += a * h
            strengths = self._fields(0, of_turns, inside, phases)
            state = self._turn(state, shifts.real, strengths * (b * h))
            of_diagonal += b * h
        return state

    def _fields(self, field: Literal[0, 2], t: float, inside: float, phases: Sequence[float] = ()) -> Matrix:
        """Of every atom at time t; amplitudes with their phases."""
        now = np.array([line(drive[:3][field], t, inside) for drive in self.part.drives], dtype=np.complex128)
        return (now * np.exp(1j * np.array(phases)) if len(phases) else now) @ self._weights

    def _turn(self, state: Any, shifts: npt.NDArray[np.float64], strengths: Matrix) -> Any:
        """Phases ``shifts`` of atoms in r, then turns by exp(-i/2 (s |g><r| + h.c.))."""
        size = np.abs(strengths)
        along = np.exp(1j * np.angle(strengths))
        cos, sin = np.cos(0.5 * size), np.sin(0.5 * size)
        phase = np.exp(1j * shifts)
        for first in range(0, self.n, GROUP):
            made = np.eye(1, dtype=np.complex128)
            for k in range(first, min(first + GROUP, self.n)):
                flip = -1j * sin[k]
                made = np.kron(made, [[cos[k], flip * along[k] * phase[k]], [flip / along[k], cos[k] * phase[k]]])
            cube = self.xp.reshape(state, (1 << first, made.shape[0], -1))
            state = self.xp.matmul(self.xp.asarray(made, **self._where), cube)
        return self.xp.reshape(state, (-1,))


def energies(pairs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Interaction energy by index, rad/us."""
    out = np.zeros(1)
    for atom in reversed(range(len(pairs))):
        excited = np.zeros(1)
        for other in pairs[atom, atom + 1 :]:
            excited = np.add.outer(excited, [0.0, other]).reshape(-1)
        out = np.concatenate([out, out + excited])
    return out


def _distance(xp: Any, a: Any, b: Any) -> float:
    """Distance of two states up to a phase."""
    overlap = complex(xp.sum(xp.conj(a) * b))
    phase = overlap / abs(overlap) if overlap else 1.0
    return float(xp.sum(xp.abs(a * phase - b) ** 2)) ** 0.5


def _to_host(state: Any) -> npt.NDArray[np.complex128]:
    get: Callable[[], Any] | None = getattr(state, "get", None)
    return np.ascontiguousarray(get() if get is not None else state.cpu() if hasattr(state, "cpu") else state)
