"""Gaussian states: means and covariances of x and p, and what is measured of them.

Photon numbers come from elements of the density matrix in Fock space, which follow from each other. Nothing is cut off:
the probability of "so many or more" is that of any number, of a smaller state, less those of the numbers below.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from qmk.exact.light.setup import Optics, Reading, Step
from qmk.sdk.engine import Unsupported

Reals = npt.NDArray[np.float64]

Complexes = npt.NDArray[np.complex128]

MOST_ELEMENTS = 1 << 26
"""Elements of density matrices, all together, from which one distribution is made: a gigabyte."""

ROUNDING = 1e-13
"""A probability below this is rounding."""


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
            factors: dict[str, list[tuple[float, tuple[int, ...]]]]
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


_BOTH: Complexes = np.eye(2, dtype=np.complex128)
_OTHER: Complexes = np.array([[0, 1], [1, 0]], dtype=np.complex128)


def _symplectic(step: Step) -> Reals:
    """What an op without displacement does to x and p, from a -> A a + B a^dagger."""
    r, phase = abs(step.z), step.z / abs(step.z) if step.z else 1.0
    a: Complexes
    b: Complexes
    if step.matrix is not None:
        a, b = step.matrix, np.zeros_like(step.matrix)
    elif step.kind == "squeeze":
        a, b = np.array([[math.cosh(r) + 0j]]), np.array([[-phase * math.sinh(r) + 0j]])
    else:
        a, b = math.cosh(r) * _BOTH, phase * math.sinh(r) * _OTHER
    both, less = a + b, a - b
    return np.block([[both.real, -less.imag], [both.imag, less.real]])


def sample(found: Optics, shots: int, rng: np.random.Generator) -> list[npt.NDArray[np.int64]]:
    """The number that each reading tells, a row of ``shots`` each; two, of x and p, for a heterodyne."""
    state = State.of(found)
    quadratures = [reading for reading in found.readings if reading.kind in ("homodyne", "heterodyne")]
    if not quadratures:
        return sample_numbers(distribution(state, found.readings), shots, rng)
    require_quadratures(found.readings)
    values = _sample_quadratures(state, quadratures, shots, rng)
    out: list[npt.NDArray[np.int64]] = []
    for reading in quadratures:
        out += [digitise(next(values), reading) for _ in range(1 + (reading.kind == "heterodyne"))]
    return out


def require_quadratures(readings: Sequence[Reading]) -> None:
    """Raises ``Unsupported`` if photons are counted too."""
    if any(reading.kind not in ("homodyne", "heterodyne") for reading in readings):
        raise Unsupported("photons are counted beside homodyne or heterodyne: one program has one kind of detector")


def _sample_quadratures(
    state: State, readings: Sequence[Reading], shots: int, rng: np.random.Generator
) -> Iterator[Reals]:
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
    """The joint probabilities of what photon counters tell: an axis for each, of numbers 0 to ``most``. Raises
    MemoryError where the elements of density matrices that it takes do not fit."""
    if size_log2([reading.most for reading in readings]) > math.log2(MOST_ELEMENTS):
        raise MemoryError(f"the joint distribution of {len(readings)} photon counters")

    def below(modes: Sequence[int], most: Sequence[int]) -> Reals:
        at = state.places(modes)
        return numbers(state.cov[np.ix_(at, at)], state.mean[at], most)

    return joint(readings, below)


def joint(readings: Sequence[Reading], below: Callable[[Sequence[int], Sequence[int]], Reals]) -> Reals:
    """As ``distribution``, where ``below(modes, most)`` has the joint probabilities of photon numbers of ``modes``
    below ``most``, an axis for each."""
    table = np.zeros([reading.most + 1 for reading in readings])
    for counted in itertools.product((False, True), repeat=len(readings)):
        chosen = [reading for reading, yes in zip(readings, counted, strict=True) if yes]
        found = below([reading.mode for reading in chosen], [reading.most for reading in chosen])
        table[tuple(slice(0, r.most) if yes else r.most for r, yes in zip(readings, counted, strict=True))] = found
    for axis, reading in enumerate(readings):  # what is told as most is what is left of any number
        moved = np.moveaxis(table, axis, 0)
        moved[reading.most] -= moved[: reading.most].sum(axis=0)
    table = np.where(table < ROUNDING, 0.0, table)
    return table / table.sum()


def size_log2(most: Sequence[int]) -> float:
    """Log2 of the elements of all density matrices from which a joint distribution is made."""
    return sum(math.log2(each * each + 1) for each in most)


def numbers(cov: Reals, mean: Reals, below: Sequence[int]) -> Reals:
    """The joint probabilities of photon numbers below ``below``, an axis a mode: the diagonal of the density matrix.

    Its elements G come from each other: G at k + e_i is (b_i G at k + sum over j of A_ij sqrt(k_j) G at k - e_j) /
    sqrt(k_i + 1). A, b and G at 0 follow from Q, the covariance of a and a^dagger with a half added (Miatto and
    Quesada, "Fast optimization of parametrized quantum optical circuits", arXiv:2004.11002)."""
    modes = len(below)
    one = np.eye(modes)
    to_complex = 0.5 * np.block([[one, 1j * one], [one, -1j * one]])
    q = to_complex @ cov @ to_complex.conj().T + np.eye(2 * modes) / 2
    inverse, beta = np.linalg.inv(q), to_complex @ mean
    swap = np.roll(np.eye(2 * modes), modes, axis=0)
    a = swap @ (np.eye(2 * modes) - inverse)
    b = swap @ inverse @ beta
    start = np.exp(-0.5 * (beta.conj() @ inverse @ beta)) / np.sqrt(np.linalg.det(q) + 0j)
    sizes = [*below, *below]
    found = np.full((1,) * (2 * modes), start, dtype=np.complex128)
    for axis, size in enumerate(sizes):
        found = _extend(found, axis, size, a[axis], b[axis])
    letters = "abcdefghijklmnopqrstuvwxyz"[:modes]
    spread: Complexes = np.einsum(f"{letters}{letters}->{letters}", found) if modes else found
    return spread.real


def _extend(found: Complexes, axis: int, size: int, row: Complexes, shift: complex) -> Complexes:
    """Fills one more axis of the elements, up to ``size``, from those where it is 0."""
    rows = [np.take(found, 0, axis=axis)]
    for k in range(size - 1):
        more = shift * rows[k]
        for other in range(axis):
            more = more + row[other] * _raise(rows[k], other)
        if k:
            more = more + row[axis] * math.sqrt(k) * rows[k - 1]
        rows.append(more / math.sqrt(k + 1))
    return np.stack(rows, axis=axis)


def _raise(found: Complexes, axis: int) -> Complexes:
    """Give sqrt(k) times the element at k - 1, along an axis."""
    moved = np.moveaxis(found, axis, 0)
    out = np.zeros_like(moved)
    roots = np.sqrt(np.arange(1.0, len(moved)))
    out[1:] = moved[:-1] * roots.reshape(-1, *[1] * (moved.ndim - 1))
    return np.moveaxis(out, 0, axis)


def sample_numbers(table: Reals, shots: int, rng: np.random.Generator) -> list[npt.NDArray[np.int64]]:
    """Draws from a table of joint probabilities, an axis a reading."""
    if not table.ndim:
        return []
    edges = np.cumsum(table.ravel())
    found = np.searchsorted(edges, rng.random(shots) * float(edges[-1]), side="right")
    drawn: npt.NDArray[np.intp] = np.minimum(found, table.size - 1)
    return [number.astype(np.int64) for number in np.unravel_index(drawn, table.shape)]
