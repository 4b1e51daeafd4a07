"""Gaussian states: means and covariances of x and p, and what is measured of them.

Photon numbers come from their generating function, the mean of the product of t_i^(n_i). Of a Gaussian state with
covariance V and mean d it is det(Q (1 - A T))^(-1/2) exp(-d (1 - T) (Q (1 - A T))^(-1) d / 4), where Q = (V + 1)/2,
A = (V + 1)^(-1) (V - 1) and T holds each t_i twice (hbar = 2). Its values on a circle of radius below 1 give the
probability of each number by a Fourier transform, its value at 1 that of any number, and the difference that of "more";
nothing is cut off. The norm of A T is below 1, so all pivots of 1 - A T have a positive real part, which settles the
sign of the square root.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qmk.exact.light.setup import Optics, Reading, Step
from qmk.sdk.engine import Unsupported

Reals = npt.NDArray[np.float64]

CHUNK = 1 << 14
"""Points of the generating function that are computed at once."""

ROUNDING = 1e-11
"""A probability below this is rounding: about the error of a coefficient."""

POINTS = 3
"""Points on the circle for each number told: the more, the less rounding matters."""


class State:
    """``mean``, shape (2n,): all x, then all p. ``cov``, shape (2n, 2n)."""

    def __init__(self, photons: int, nbar: Sequence[float]) -> None:
        self.n = photons
        self.mean = np.zeros(2 * self.n)
        self.cov = np.diag([2 * each + 1.0 for each in (*nbar, *nbar)])

    @classmethod
    def of(cls, found: Optics) -> State:
        """The state before what is measured, of all modes. Raises ``Unsupported`` if it is not Gaussian."""
        if not found.is_gaussian:
            raise Unsupported("photons or a nonlinear medium: the state is not Gaussian")
        made = cls(found.n_modes, found.nbar)
        for step in found.steps:
            made.take(step)
        return made

    def places(self, modes: Sequence[int]) -> list[int]:
        """Where x and p of these modes stand."""
        return [*modes, *(self.n + mode for mode in modes)]

    def take(self, step: Step) -> None:
        """One piece of optics."""
        at = self.places(step.modes)
        if step.kind == "displace":
            self.mean[at] += 2 * step.z.real, 2 * step.z.imag
            return
        if step.kind == "lose":
            kept = step.z.real
            self.mean[at] *= math.sqrt(kept)
            self.cov[at] *= math.sqrt(kept)
            self.cov[:, at] *= math.sqrt(kept)
            self.cov[at, at] += (1 - kept) * (2 * step.strength + 1)
            return
        change = _symplectic(step)
        self.mean[at] = change @ self.mean[at]
        self.cov[at] = change @ self.cov[at]
        self.cov[:, at] = self.cov[:, at] @ change.T

    def expectation(self, letters: str) -> float:
        """The mean of a product, a letter a mode: N the photon number (x^2 + p^2 - 2) / 4, X, P, I. Factors of
        different modes commute, so it is that of the Wigner function."""
        terms: list[tuple[float, tuple[int, ...]]] = [(1.0, ())]
        for mode, letter in enumerate(letters):
            x, p = mode, self.n + mode
            factors = {"I": [(1.0, ())], "X": [(1.0, (x,))], "P": [(1.0, (p,))]}
            factors["N"] = [(0.25, (x, x)), (0.25, (p, p)), (-0.5, ())]
            terms = [(a * b, at + more) for a, at in terms for b, more in factors[letter]]
        return sum(factor * self._moment(at) for factor, at in terms)

    def _moment(self, at: tuple[int, ...]) -> float:
        """The mean of a product of quadratures, by Isserlis' theorem."""
        if not at:
            return 1.0
        first, rest = at[0], at[1:]
        pairs = (self.cov[first, other] * self._moment(rest[:k] + rest[k + 1 :]) for k, other in enumerate(rest))
        return float(self.mean[first]) * self._moment(rest) + float(sum(pairs))


def _symplectic(step: Step) -> Reals:
    """What an op without displacement does to x and p, from a -> A a + B a^dagger."""
    r, phase = abs(step.z), step.z / abs(step.z) if step.z else 1.0
    if step.matrix is not None:
        a, b = step.matrix, np.zeros_like(step.matrix)
    elif step.kind == "squeeze":
        a, b = np.array([[math.cosh(r)]]), np.array([[-phase * math.sinh(r)]])
    else:
        a, b = math.cosh(r) * np.eye(2), phase * math.sinh(r) * np.array([[0.0, 1.0], [1.0, 0.0]])
    both, less = a + b, a - b
    return np.block([[both.real, -less.imag], [both.imag, less.real]])


def sample(found: Optics, shots: int, rng: np.random.Generator) -> list[npt.NDArray[np.int64]]:
    """The number that each reading tells, a row of ``shots`` each; two, of x and p, for a heterodyne."""
    state = State.of(found)
    quadratures = [reading for reading in found.readings if reading.kind in ("homodyne", "heterodyne")]
    if not quadratures:
        return sample_numbers(distribution(state, found.readings), shots, rng)
    if len(quadratures) < len(found.readings):
        raise Unsupported("photons are counted beside homodyne or heterodyne: one program has one kind of detector")
    values = _sample_quadratures(state, quadratures, shots, rng)
    out: list[npt.NDArray[np.int64]] = []
    for reading in quadratures:
        out += [digitise(next(values), reading) for _ in range(1 + (reading.kind == "heterodyne"))]
    return out


def _sample_quadratures(state: State, readings: Sequence[Reading], shots: int, rng: np.random.Generator):  # noqa: ANN202
    rows: list[Reals] = []
    added: list[float] = []
    for reading in readings:
        phi = float(reading.args.get("phi", 0.0))
        angles = (phi,) if reading.kind == "homodyne" else (0.0, math.pi / 2)
        for angle in angles:
            row = np.zeros(2 * state.n)
            row[reading.mode], row[state.n + reading.mode] = math.cos(angle), math.sin(angle)
            rows.append(row)
            added.append(0.0 if reading.kind == "homodyne" else 1.0)
    look = np.array(rows)
    cov = look @ state.cov @ look.T + np.diag(added)
    weights, vectors = np.linalg.eigh(cov)
    root = vectors * np.sqrt(weights.clip(0.0))
    found = look @ state.mean + rng.standard_normal((shots, len(rows))) @ root.T
    return iter(found.T)


def digitise(values: Reals, reading: Reading) -> npt.NDArray[np.int64]:
    """What a converter of so many bits tells of these values."""
    from qmk.qvm.families.photonic import DIGITS

    span, levels = float(reading.args.get("span", 10.0)), 1 << int(reading.args.get("digits", DIGITS))
    told = np.floor((values + span) / (2 * span) * levels)
    return told.clip(0, levels - 1).astype(np.int64)


def distribution(state: State, readings: Sequence[Reading]) -> Reals:
    """The joint probabilities of what photon counters tell: an axis for each, of numbers 0 to ``most``."""
    if not readings:
        return np.ones(())
    axes = [_points(reading.most) for reading in readings]
    shape = tuple(len(axis) for axis in axes)
    values = np.empty(math.prod(shape), dtype=np.complex128)
    at = state.places([reading.mode for reading in readings])
    cov, mean = state.cov[np.ix_(at, at)], state.mean[at]
    for begin in range(0, len(values), CHUNK):
        index = np.unravel_index(np.arange(begin, min(begin + CHUNK, len(values))), shape)
        t = np.stack([axis[k] for axis, k in zip(axes, index, strict=True)], axis=-1)
        values[begin : begin + CHUNK] = generating_function(cov, mean, t)
    table = values.reshape(shape)
    for axis, reading in enumerate(readings):
        table = _numbers(table, axis, reading.most)
    found = table.real
    found = np.where(found < ROUNDING, 0.0, found)
    return found / found.sum()


def _points(most: int) -> npt.NDArray[np.complex128]:
    """Where the generating function is looked at for numbers below ``most``; at last at 1."""
    if most == 1:
        return np.array([0.0, 1.0], dtype=np.complex128)
    count = POINTS * most
    return np.append(_radius(count) * np.exp(2j * np.pi * np.arange(count) / count), 1.0)


def _radius(count: int) -> float:
    return 10.0 ** (-15.0 / count)


def _numbers(table: npt.NDArray[np.complex128], axis: int, most: int) -> npt.NDArray[np.complex128]:
    """Turns an axis of points into one of numbers 0 to ``most``."""
    moved = np.moveaxis(table, axis, 0)
    inside, whole = moved[:-1], moved[-1:]
    if most > 1:
        scale = _radius(len(inside)) ** -np.arange(most)
        inside = np.fft.fft(inside, axis=0)[:most] / len(inside) * scale.reshape(-1, *[1] * (moved.ndim - 1))
    return np.moveaxis(np.concatenate([inside, whole - inside.sum(axis=0, keepdims=True)]), 0, axis)


def generating_function(cov: Reals, mean: Reals, t: npt.NDArray[np.complex128]) -> npt.NDArray[np.complex128]:
    """The mean of the product of t_i^(n_i); ``t`` has shape (points, modes)."""
    size = len(mean)
    q = (cov + np.eye(size)) / 2
    a = np.linalg.solve(2 * q, cov - np.eye(size))
    twice = np.concatenate([t, t], axis=-1)
    work = np.empty((len(t), size, size + 1), dtype=np.complex128)
    work[:, :, :size] = np.eye(size) - a * twice[:, None, :]
    work[:, :, size] = np.linalg.solve(q, mean)
    root = np.full(len(t), math.sqrt(np.linalg.det(q)), dtype=np.complex128)
    for k in range(size):  # elimination without exchanges, all points at once
        pivot = work[:, k, k]
        root *= np.sqrt(pivot)
        factor = work[:, k + 1 :, k] / pivot[:, None]
        work[:, k + 1 :, k:] -= factor[:, :, None] * work[:, k, None, k:]
    if not mean.any():
        return 1 / root
    solved = np.empty((len(t), size), dtype=np.complex128)
    for k in reversed(range(size)):
        rest = work[:, k, size] - np.einsum("pj,pj->p", work[:, k, k + 1 : size], solved[:, k + 1 :])
        solved[:, k] = rest / work[:, k, k]
    return np.exp(-((1 - twice) * mean * solved).sum(axis=-1) / 4) / root


def sample_numbers(table: Reals, shots: int, rng: np.random.Generator) -> list[npt.NDArray[np.int64]]:
    """Draws from a table of joint probabilities, an axis a reading."""
    if not table.ndim:
        return []
    edges = np.cumsum(table.ravel())
    drawn = np.searchsorted(edges, rng.random(shots) * edges[-1], side="right")
    numbers = np.unravel_index(drawn.clip(0, table.size - 1), table.shape)
    return [np.asarray(number, dtype=np.int64) for number in numbers]
