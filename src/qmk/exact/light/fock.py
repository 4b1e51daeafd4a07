"""Fock space with a cutoff: any op of light on few modes.

The state is a mixture of vectors, shape (branches, cutoff, .. cutoff), an axis for each mode. Loss multiplies the
branches by its Kraus operators; a QR decomposition keeps them at most as many as amplitudes. Where no op adds photons a
cutoff above their number is exact. Elsewhere each op's matrix is cut from a larger one, so that the weight beyond the
cutoff is seen to leave: the state is at most the sum of sqrt(weight that left at an op) off. The cutoff grows until
that is below ``TOLERANCE``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from qmk.exact.light.setup import Matrix, Optics, Reading, Step
from qmk.sdk.engine import Unsupported

TOLERANCE = 1e-4
"""Largest distance of the state from the exact one; of probabilities it is about the square."""

CUTOFFS = (6, 9, 13, 18, 25, 35, 50, 70, 100)
"""Cutoffs that are tried, where photons are added."""

MEMORY_BYTES = 2 << 30
"""The most that amplitudes, with a copy, may take."""

WIDER = 32
"""Levels beyond the cutoff with which matrices of single modes are computed."""

NEGLIGIBLE = 1e-15
"""Weight of a Kraus operator or a thermal level that is left out."""


class State:
    """``vectors``: shape (branches, cutoff, .. cutoff). ``error``: at most how far it is from the exact state."""

    def __init__(self, found: Optics, cutoff: int) -> None:
        self.n, self.cutoff, self.error = found.n_modes, cutoff, 0.0
        self.vectors: Matrix = np.zeros((1, *(cutoff,) * self.n), dtype=np.complex128)
        self.vectors[(0, *(min(n, cutoff - 1) for n in found.photons))] = 1.0
        if max(found.photons, default=0) >= cutoff:
            self.error = 1.0
        for mode, nbar in enumerate(found.nbar):
            if nbar:
                self._kraus(mode, _thermal(nbar, cutoff))
        for step in found.steps:
            if self.error <= TOLERANCE:
                self._take(step)

    @classmethod
    def of(cls, found: Optics) -> State:
        """The state before what is measured. Raises MemoryError where it cannot be held."""
        for cutoff in (sum(found.photons) + 1,) if found.conserves else CUTOFFS:
            needed = bytes_for(found.n_modes, cutoff)
            if needed > MEMORY_BYTES:
                raise MemoryError(f"{found.n_modes} modes of up to {cutoff - 1} photons take {needed:.3g} bytes")
            made = cls(found, cutoff)
            if made.error <= TOLERANCE:
                return made
        raise MemoryError(f"more than {CUTOFFS[-1] - 1} photons in a mode")

    def _take(self, step: Step) -> None:
        match step.kind:
            case "passive":
                assert step.matrix is not None
                for modes, u in two_by_two(step.matrix):
                    self._passive(tuple(step.modes[k] for k in modes), u)
            case "squeeze_two":  # between beam splitters it is two squeezers
                half = np.array([[1.0, 1.0], [-1.0, 1.0]], dtype=np.complex128) * math.sqrt(0.5)
                self._passive(step.modes, half)
                for mode, z in zip(step.modes, (-step.z, step.z), strict=True):
                    self._one(mode, _squeeze(z, self.cutoff))
                self._passive(step.modes, half.conj().T)
            case "displace":
                self._one(step.modes[0], _displace(step.z, self.cutoff))
            case "squeeze":
                self._one(step.modes[0], _squeeze(step.z, self.cutoff))
            case "cubic":
                self._one(step.modes[0], _cubic(step.strength, self.cutoff))
            case "kerr":
                self._phases(step.modes * 2, step.strength)
            case "cross_kerr":
                self._phases(step.modes, step.strength)
            case _:
                for operators in _lose(step.z.real, step.strength, self.cutoff):
                    self._kraus(step.modes[0], operators)

    def _phases(self, modes: Sequence[int], strength: float) -> None:
        """Multiply by exp(i strength n_a n_b)."""
        a, b = (self._along(mode, np.arange(self.cutoff)) for mode in modes)
        self.vectors = self.vectors * np.exp(1j * strength * a * b)

    def _along(self, mode: int, values: npt.NDArray[np.int_]) -> npt.NDArray[np.int_]:
        return values.reshape(-1, *[1] * (self.n - 1 - mode))

    def _one(self, mode: int, matrix: Matrix) -> None:
        before = self._weight()
        self.vectors = np.moveaxis(np.tensordot(matrix, self.vectors, (1, mode + 1)), 0, mode + 1)
        self._note(before)

    def _passive(self, modes: tuple[int, ...], u: Matrix) -> None:
        if len(modes) == 1:
            self.vectors = self.vectors * (u[0, 0] ** self._along(modes[0], np.arange(self.cutoff)))
            return
        before, axes = self._weight(), [mode + 1 for mode in modes]
        moved = np.moveaxis(self.vectors, axes, (0, 1))
        shape = moved.shape
        flat = np.ascontiguousarray(moved).reshape(self.cutoff**2, -1)
        for rows, block in _blocks(tuple(u.ravel().tolist()), self.cutoff):
            flat[rows] = block @ flat[rows]
        self.vectors = np.moveaxis(flat.reshape(shape), (0, 1), axes)
        self._note(before)

    def _kraus(self, mode: int, operators: Sequence[Matrix]) -> None:
        before, amplitudes = self._weight(), self.cutoff**self.n
        rows = np.zeros((0, amplitudes), dtype=np.complex128)
        for operator in operators:
            more = np.moveaxis(np.tensordot(operator, self.vectors, (1, mode + 1)), 0, mode + 1)
            more = more.reshape(-1, amplitudes)
            more = more[(np.abs(more) ** 2).sum(axis=1) > NEGLIGIBLE * before]
            if 32 * (len(rows) + len(more)) * amplitudes > MEMORY_BYTES:
                raise MemoryError(f"loss on {self.n} modes of up to {self.cutoff - 1} photons")
            rows = np.concatenate([rows, more])
            if len(rows) > amplitudes:
                rows = np.asarray(np.linalg.qr(rows, mode="r"), dtype=np.complex128)
        self.vectors = rows.reshape(-1, *(self.cutoff,) * self.n)
        self._note(before)

    def _weight(self) -> float:
        return float(np.vdot(self.vectors, self.vectors).real)

    def _note(self, before: float) -> None:
        lost = before - self._weight()
        if lost > 1e-14:  # less is rounding
            self.error += math.sqrt(lost)

    def expectation(self, letters: str) -> float:
        """The mean of a product, a letter a mode: N the photon number, X and P the quadratures, I."""
        a, found = _lower(self.cutoff), self.vectors
        matrices = {"N": a.conj().T @ a, "X": a + a.conj().T, "P": -1j * (a - a.conj().T)}
        for mode, letter in enumerate(letters):
            if letter != "I":
                found = np.moveaxis(np.tensordot(matrices[letter], found, (1, mode + 1)), 0, mode + 1)
        return float(np.vdot(self.vectors, found).real) / self._weight()

    def probabilities(self, modes: Sequence[int]) -> npt.NDArray[np.float64]:
        """Of the photon numbers of these modes, an axis for each; they add up to 1."""
        found = (np.abs(self.vectors) ** 2).sum(axis=0)
        kept = sorted(modes)
        found = found.sum(axis=tuple(mode for mode in range(self.n) if mode not in kept))
        found = np.transpose(found, [kept.index(mode) for mode in modes])
        return found / found.sum()


def bytes_for(modes: int, cutoff: int) -> float:
    """Bytes of a pure state, with what an op adds."""
    return 48.0 * float(cutoff) ** modes


def distribution(found: Optics) -> tuple[npt.NDArray[np.float64], State]:
    """The joint probabilities of what photon counters tell, an axis for each, of numbers 0 to ``most``; and the
    state. Raises ``Unsupported`` for other detectors."""
    if wrong := next((r for r in found.readings if r.kind in ("homodyne", "heterodyne")), None):
        raise Unsupported(f"photonic.{wrong.kind} of a state that is not Gaussian")
    state = State.of(found)
    table = state.probabilities([reading.mode for reading in found.readings])
    for axis, reading in enumerate(found.readings):
        table = saturate(table, axis, reading)
    return table, state


def saturate(table: npt.NDArray[np.float64], axis: int, reading: Reading) -> npt.NDArray[np.float64]:
    """Turns an axis of photon numbers into one of what the counter tells."""
    moved, most = np.moveaxis(table, axis, 0), reading.most
    out = np.zeros((most + 1, *moved.shape[1:]))
    inside = min(most, len(moved))
    out[:inside] = moved[:inside]
    out[most] += moved[inside:].sum(axis=0)
    return np.moveaxis(out, 0, axis)


def two_by_two(u: Matrix) -> list[tuple[tuple[int, ...], Matrix]]:
    """A unitary as unitaries of one or two modes, in the order in which they act (Reck's elimination)."""
    if len(u) <= 2:
        return [(tuple(range(len(u))), u)]
    work, parts = u.copy(), list[tuple[tuple[int, ...], Matrix]]()
    for column in range(len(u) - 1):
        for row in range(len(u) - 1, column, -1):
            a, b = work[row - 1, column], work[row, column]
            size = math.hypot(abs(a), abs(b))
            if abs(b) > 1e-15:
                turn = np.array([[a.conjugate(), b.conjugate()], [-b, a]]) / size
                work[[row - 1, row]] = turn @ work[[row - 1, row]]
                parts.append(((row - 1, row), turn.conj().T.astype(np.complex128)))
    phases = [((k,), work[k : k + 1, k : k + 1]) for k in range(len(u))]
    return [*phases, *reversed(parts)]


def _exponential(generator: Matrix, size: int) -> Matrix:
    """Give the first rows and columns of the exponential of an anti-Hermitian matrix."""
    energies, vectors = np.linalg.eigh(-1j * generator)
    return ((vectors[:size] * np.exp(1j * energies)) @ vectors[:size].conj().T).astype(np.complex128)


def _lower(size: int) -> Matrix:
    return np.diag(np.sqrt(np.arange(1.0, size)).astype(np.complex128), 1)


@functools.lru_cache(maxsize=64)
def _displace(z: complex, size: int) -> Matrix:
    a = _lower(2 * size + WIDER)
    return _exponential(z * a.conj().T - z.conjugate() * a, size)


@functools.lru_cache(maxsize=64)
def _squeeze(z: complex, size: int) -> Matrix:
    a = _lower(2 * size + WIDER)
    square = a @ a
    return _exponential((z.conjugate() * square - z * square.conj().T) / 2, size)


@functools.lru_cache(maxsize=64)
def _cubic(gamma: float, size: int) -> Matrix:
    a = _lower(4 * size + WIDER)
    x = a + a.conj().T
    return _exponential(1j * gamma / 6 * (x @ x @ x), size)


@functools.lru_cache(maxsize=64)
def _blocks(u: tuple[complex, ...], cutoff: int) -> list[tuple[npt.NDArray[np.int_], Matrix]]:
    """A unitary of two modes by the total number of photons: the rows of the state that have so many, and the matrix
    that acts on them. From (U a)^dagger, photon by photon: the column of (m, n) is that of (m - 1, n) with one more."""
    (uaa, uab), (uba, ubb) = u[:2], u[2:]
    found = [(np.array([0]), np.ones((1, 1), dtype=np.complex128))]
    last = np.ones((1, 1), dtype=np.complex128)
    for total in range(1, 2 * cutoff - 1):
        made = np.zeros((total + 1, total + 1), dtype=np.complex128)  # index: photons in the first mode
        for column in range(total + 1):
            first = column > 0
            before = last[:, column - 1] if first else last[:, 0]
            ja, jb = (uaa, uba) if first else (uab, ubb)
            number = column if first else total
            made[1:, column] += ja * np.sqrt(np.arange(1, total + 1)) * before / math.sqrt(number)
            made[:-1, column] += jb * np.sqrt(np.arange(total, 0, -1)) * before / math.sqrt(number)
        inside = np.arange(max(0, total - cutoff + 1), min(total, cutoff - 1) + 1)
        found.append((inside * cutoff + total - inside, made[np.ix_(inside, inside)]))
        last = made
    return found


def _thermal(nbar: float, size: int) -> list[Matrix]:
    """From the vacuum to each level, with the root of its probability."""
    chances = nbar ** np.arange(size) / (1 + nbar) ** np.arange(1, size + 1)
    out: list[Matrix] = []
    for n, chance in enumerate(chances):
        operator = np.zeros((size, size), dtype=np.complex128)
        operator[n, 0] = math.sqrt(chance)
        out.append(operator)
    return out


def _lose(kept: float, nbar: float, size: int) -> list[list[Matrix]]:
    """Kraus operators of loss, then of the amplification that makes its environment thermal."""
    gain = 1 + (1 - kept) * nbar
    out = [_shifts(size, -1, lambda n, k: math.comb(n, k) * (kept / gain) ** (n - k) * (1 - kept / gain) ** k)]
    if gain > 1:
        out.append(_shifts(size, 1, lambda n, k: math.comb(n + k, k) * (gain - 1) ** k / gain ** (n + k + 1)))
    return out


def _shifts(size: int, sign: int, chance: Callable[[int, int], float]) -> list[Matrix]:
    """Operators that take n to n + sign k with probability ``chance(n, k)``, one for each k."""
    out: list[Matrix] = []
    for k in range(size):
        operator = np.zeros((size, size), dtype=np.complex128)
        for n in range(size):
            if 0 <= n + sign * k < size:
                operator[n + sign * k, n] = math.sqrt(chance(n, k))
        if np.abs(operator).max() > 0:
            out.append(operator)
    return out
