"""Evolutions in the states without blockaded pairs: an approximation that is asked for by name.

A pair is blockaded where its interaction is ``RATIO`` times the amplitude or more at all times; no other pair is ever
left out, so the radius follows from the program. States with a blockaded pair in r are followed to second order: light
takes a state to one of them and back over its interaction energy, which shifts levels and lets excitations hop (a
transformation of Schrieffer and Wolff). What is left out is of the order of the population that such states have,
(amplitude / 2 energy)^2 for each pair: ``blockade_error`` in the notes is the square root of the sum, an estimate of
the state's distance and no bound.

The equation is solved by commutator-free Magnus steps of order 4 (Blanes and Moan, Appl. Numer. Math. 56, 1519 (2006)),
each exponential by Lanczos, with twice as many until two runs agree within ``TOLERANCE``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import scipy.sparse  # pyright: ignore[reportMissingTypeStubs]

from qmk.base.errors import QmkError
from qmk.base.seeds import substream
from qmk.engines.rydberg.evolution import Evolution
from qmk.exact.evolved import EvolvedPlan
from qmk.exact.krylov import exponential
from qmk.ir import bits
from qmk.ir.fields import level, line, segments

RATIO = 20.0
TOLERANCE = 1e-5
"""Largest distance of the subspace's state from its exact one, as step doubling estimates it."""
STATES = 1 << 21
"""Most states of the subspace."""
STEPS = 1 << 16
KRYLOV = 30
"""Most vectors of an exponential."""
_NEGLIGIBLE = 1e-8

sparse: Any = scipy.sparse

State = npt.NDArray[np.complex128]
Bits = npt.NDArray[np.uint64]
Reals = npt.NDArray[np.float64]


class Sparse(Protocol):
    """What is used of a sparse array of SciPy, which has no types; ``row`` and ``col`` are those of a COO array."""

    data: npt.NDArray[Any]
    row: npt.NDArray[np.integer[Any]]
    col: npt.NDArray[np.integer[Any]]

    @property
    def T(self) -> Sparse: ...
    def tocoo(self) -> Sparse: ...
    def __matmul__(self, other: Any, /) -> Any: ...


class Subspace:
    """States of ``n`` atoms, atom 0 the highest bit, of which no pair of ``blocked`` is in r together. ``found``: with
    atom 0 as the first character, in ascending order."""

    def __init__(self, n: int, blocked: set[tuple[int, int]]) -> None:
        self.n, self.blocked = n, blocked
        found = np.zeros(1, dtype=np.uint64)
        for atom in range(n - 1, -1, -1):
            near = sum(1 << (n - 1 - other) for other in range(atom + 1, n) if (atom, other) in blocked)
            free = found[found & np.uint64(near) == 0]
            found = np.concatenate([found, free | np.uint64(1 << (n - 1 - atom))])
            if len(found) > STATES:
                raise _refusal(f"{n} atoms have more than {STATES} states without a blockaded pair")
        self.found: Bits = found
        self.state: State = np.zeros(len(found), dtype=np.complex128)
        self.state[0] = 1.0

    def is_excited(self, atom: int, states: Bits | None = None) -> npt.NDArray[np.bool_]:
        chosen = self.found if states is None else states
        return (chosen >> np.uint64(self.n - 1 - atom) & np.uint64(1)).astype(bool)


def blockaded_pairs(parts: tuple[Evolution, ...], n: int) -> set[tuple[int, int]]:
    """Pairs i < j that are blockaded in every evolution."""
    found = set(itertools.combinations(range(n), 2))
    for part in parts:
        strengths = amplitudes(part, n)
        pairs = np.array(part.pairs).reshape(n, n)
        found = {(i, j) for i, j in found if pairs[i, j] >= RATIO * max(strengths[i], strengths[j]) and pairs[i, j] > 0}
    return found


def amplitudes(part: Evolution, n: int) -> Reals:
    """The largest amplitude that each atom meets, at most."""
    out = np.zeros(n)
    for amplitude, _, _, weights in part.drives:
        out += max(map(abs, amplitude[1]), default=0.0) * np.abs(weights)
    return out


def estimate(part: Evolution, blocked: set[tuple[int, int]], n: int) -> float:
    """Population that states with a blockaded pair have at most, to lowest order."""
    strengths, pairs = amplitudes(part, n), np.array(part.pairs).reshape(n, n)
    return sum(max(strengths[i], strengths[j]) ** 2 / (2 * pairs[i, j] ** 2) for i, j in blocked)


class SubspacePlan(EvolvedPlan[Evolution, Subspace]):
    """Evolutions in the subspace."""

    def solve(self) -> tuple[Subspace, dict[str, Any]]:
        """Raises UNSUPPORTED where too many states or steps would be needed."""
        n = self.n_qubits
        blocked = blockaded_pairs(self.parts, n)
        space, error, steps = Subspace(n, blocked), 0.0, 0
        for part in self.parts:
            told = evolve(space, part)
            error, steps = error + told[0], steps + told[1]
        left_out = math.sqrt(sum(estimate(part, blocked, n) for part in self.parts))
        notes = {"solver": "magnus", "steps": steps, "state_error": error, "blockade_error": left_out}
        return space, {**notes, "blockaded_pairs": len(blocked), "subspace_states": len(space.found)}

    def draw(self, state: Subspace, shots: int, seed: int) -> bits.Bits:
        weights = abs(state.state) ** 2
        rng = np.random.Generator(np.random.PCG64(substream(seed, "rydberg")))
        drawn = state.found[rng.choice(len(weights), size=shots, p=weights / weights.sum())]
        return np.stack([state.is_excited(qubit, drawn) for qubit in range(self.n_qubits)], axis=1).astype(np.uint8)


class SubspaceObserver:
    """What can be asked of the final state; states outside have no amplitude."""

    def __init__(self, space: Subspace) -> None:
        self._space = space

    def _amplitudes(self, states: Bits) -> State:
        found = self._space.found
        at = np.minimum(np.searchsorted(found, states), len(found) - 1)
        return np.where(found[at] == states, self._space.state[at], 0.0)

    def expectation(self, paulis: Sequence[str], /) -> list[float]:
        return [self._expectation(text) for text in paulis]

    def _expectation(self, text: str) -> float:
        space, top = self._space, self._space.n - 1
        flip = sum(1 << (top - k) for k, letter in enumerate(text) if letter in "XY")
        signs = np.ones(len(space.found))
        for k, letter in enumerate(text):
            if letter in "YZ":
                signs *= 1.0 - 2.0 * space.is_excited(k)
        turned = self._amplitudes(space.found ^ np.uint64(flip))
        return float((1j ** text.count("Y") * np.vdot(turned, signs * space.state)).real)

    def amplitudes(self, bitstrings: Sequence[str], /) -> list[complex]:
        asked = np.array([int(text, 2) if text else 0 for text in bitstrings], dtype=np.uint64)
        return [complex(z) for z in self._amplitudes(asked)]

    def probabilities(self, qubits: Sequence[int], /) -> list[float]:
        values = np.zeros(len(self._space.found), dtype=np.int64)
        for qubit in qubits:
            values = 2 * values + self._space.is_excited(qubit)
        return np.bincount(values, weights=abs(self._space.state) ** 2, minlength=1 << len(qubits)).tolist()


class _Hamiltonian:
    """Of one evolution, as one sparse matrix whose entries are filled in for each exponential: ``up[d]`` raises by
    drive d, ``down[d]`` is its adjoint, and ``second[d, e]`` lowers by d after e raised to a blockaded state, over its
    energy. Each is (places among the entries, real values). ``krylov``: vectors that the last exponential took."""

    def __init__(self, space: Subspace, part: Evolution) -> None:
        n, found = space.n, space.found
        pairs = np.array(part.pairs).reshape(n, n)
        self.krylov, self.drives, size = 1, part.drives, len(found)
        self.energies = _energies(space, found, pairs)
        self.numbers: list[Reals] = [
            _sum_up((w * space.is_excited(i) for i, w in enumerate(row[3]) if w), size) for row in part.drives
        ]
        moves = [(i, *_raise_atom(space, i)) for i in range(n)]
        beyond = np.unique(np.concatenate([targets[~inside] for _, _, targets, inside in moves]))
        cost = _energies(space, beyond, pairs, space.blocked)
        inverse: Sparse = sparse.diags_array(np.divide(1.0, cost, out=np.zeros_like(cost), where=cost > 0))
        up: dict[int, Sparse] = {}
        out: dict[int, Sparse] = {}
        for number, row in enumerate(part.drives):
            if not row[0][0]:
                continue  # no amplitude
            inner: list[tuple[Any, Any, Any]] = []
            outer: list[tuple[Any, Any, Any]] = []
            for i, sources, targets, within in moves:
                weight = np.full(len(sources), row[3][i])
                inner.append((weight[within], np.searchsorted(found, targets[within]), sources[within]))
                outer.append((weight[~within], np.searchsorted(beyond, targets[~within]), sources[~within]))
            up[number] = _matrix(inner, (size, size))
            out[number] = _matrix(outer, (len(beyond), size))
        second: dict[tuple[int, int], Sparse] = {}
        if len(beyond):
            second = {(d, e): (out[d].T @ inverse @ out[e]).tocoo() for d in out for e in out}
        ups = {number: matrix.tocoo() for number, matrix in up.items()}
        keys = [np.arange(size, dtype=np.int64) * (size + 1)]
        keys += [_keys(matrix.row, matrix.col, size) for matrix in (*ups.values(), *second.values())]
        keys += [_keys(matrix.col, matrix.row, size) for matrix in ups.values()]
        all_keys = np.unique(np.concatenate(keys))
        starts = np.searchsorted(all_keys, np.arange(size + 1, dtype=np.int64) * size)
        self.matrix: Sparse = sparse.csr_array(
            (np.zeros(len(all_keys), dtype=np.complex128), all_keys % size, starts), shape=(size, size)
        )
        places = [np.searchsorted(all_keys, row) for row in keys]
        self.diagonal, rest = places[0], iter(places[1:])
        self.up = {number: (next(rest), matrix.data) for number, matrix in ups.items()}
        self.second = {key: (next(rest), matrix.data) for key, matrix in second.items()}
        self.down = {number: (next(rest), matrix.data) for number, matrix in ups.items()}

    def terms_at(self, t: float, inside: float) -> tuple[list[complex], Reals]:
        """Couplings <g|H|r> of the drives and the diagonal at time ``t``; ``inside`` lies in the same segment."""
        couplings = [0.5 * line(row[0], t, inside) * complex(np.exp(1j * level(row[1], inside))) for row in self.drives]
        detuned = (line(row[2], t, inside) * number for row, number in zip(self.drives, self.numbers, strict=True))
        diagonal = self.energies - _sum_up(detuned, len(self.energies))
        return couplings, diagonal

    def fill(self, couplings: list[complex], diagonal: Reals, second: float) -> None:
        """``second``: factor of the term of second order, whose couplings are the first one's, squared."""
        data = self.matrix.data
        data[:] = 0.0
        data[self.diagonal] = diagonal
        for number, (places, values) in self.up.items():
            data[places] += np.conj(couplings[number]) * values
        for number, (places, values) in self.down.items():
            data[places] += couplings[number] * values
        for (low, high), (places, values) in self.second.items():
            data[places] -= second * couplings[low] * np.conj(couplings[high]) * values


def _sum_up(parts: Iterable[npt.NDArray[Any]], size: int) -> Reals:
    out = np.zeros(size)
    for part in parts:
        out += part
    return out


def _keys(rows: npt.NDArray[Any], columns: npt.NDArray[Any], size: int) -> npt.NDArray[np.int64]:
    """Entries of a matrix of ``size`` columns in the order of its rows."""
    return rows.astype(np.int64) * size + columns


def _energies(space: Subspace, states: Bits, pairs: Reals, only: set[tuple[int, int]] | None = None) -> Reals:
    out = np.zeros(len(states))
    for i, j in itertools.combinations(range(space.n), 2):
        if pairs[i, j] and (only is None or (i, j) in only):
            out += pairs[i, j] * (space.is_excited(i, states) & space.is_excited(j, states))
    return out


def _raise_atom(space: Subspace, atom: int) -> tuple[npt.NDArray[np.intp], Bits, npt.NDArray[np.bool_]]:
    """Of the states with ``atom`` in g: their numbers, the states with it in r, and whether these are inside."""
    sources = np.flatnonzero(~space.is_excited(atom))
    targets = space.found[sources] | np.uint64(1 << (space.n - 1 - atom))
    near = sum(1 << (space.n - 1 - other) for other in range(space.n) if tuple(sorted((atom, other))) in space.blocked)
    return sources, targets, space.found[sources] & np.uint64(near) == 0


def _matrix(parts: list[tuple[Any, Any, Any]], shape: tuple[int, int]) -> Sparse:
    values, rows, columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    kept = values != 0
    return sparse.csr_array((values[kept], (rows[kept], columns[kept])), shape=shape)


_EARLY, _LATE = 0.5 - math.sqrt(3) / 6, 0.5 + math.sqrt(3) / 6
_LIGHT, _HEAVY = 0.25 - math.sqrt(3) / 6, 0.25 + math.sqrt(3) / 6


_Term = tuple[float, list[complex], Reals]
"""A Hamiltonian's weight in an exponential, its couplings and its diagonal."""


def evolve(space: Subspace, part: Evolution) -> tuple[float, int]:
    """``space.state`` afterwards; the estimated error of the solution, and the steps of all runs."""
    h = _Hamiltonian(space, part)
    smooth = segments((field for row in part.drives for field in row[:3]), part.duration)
    steps = max(16, math.ceil(part.duration * float(amplitudes(part, space.n).max(initial=0.0))))
    last, total, growth, fewer = None, 0, 2.0, 1
    while steps <= STEPS:
        made, done = _run(h, space.state, smooth, steps)
        total += done
        if last is not None:
            overlap = np.vdot(last, made)
            error = float(np.linalg.norm(last * overlap / abs(overlap) - made)) / ((steps / fewer) ** 4 - 1)
            if error <= TOLERANCE:
                space.state = made
                return error, total
            growth = min(max(1.2 * (error / TOLERANCE) ** 0.25, 1.3), 4.0)
        last, steps, fewer = made, math.ceil(growth * steps), steps
    raise _refusal(f"an evolution of {part.duration:g} us takes more than {STEPS} steps")


def _run(h: _Hamiltonian, psi: State, smooth: list[tuple[float, float]], steps: int) -> tuple[State, int]:
    done = 0
    for low, high in smooth:
        count = max(1, math.ceil(steps * (high - low) / smooth[-1][1]))
        step, inside = (high - low) / count, 0.5 * (low + high)
        for k in range(count):
            t = low + k * step
            first, second = (h.terms_at(t + share * step, inside) for share in (_EARLY, _LATE))
            for a, b in ((_HEAVY, _LIGHT), (_LIGHT, _HEAVY)):
                psi = _exponential(h, psi, step, ((a, *first), (b, *second)))
        done += count
    return psi, done


def _exponential(h: _Hamiltonian, psi: State, step: float, terms: tuple[_Term, _Term]) -> State:
    """Compute e^{-i step (sum of weight H)} psi by Lanczos; the term of second order has the weights of the first.
    Whether it is exact enough is asked from one vector fewer than the exponential before took."""
    (a, early, low), (b, late, high) = terms
    diagonal = a * low + b * high
    couplings: list[complex] = [a * x + b * y for x, y in zip(early, late, strict=True)]
    h.fill(couplings, diagonal, 1.0 / sum(weight for weight, _, _ in terms))
    most, first = KRYLOV, h.krylov - 1
    made, h.krylov = exponential(h.matrix.__matmul__, psi, -1j * step, error=_NEGLIGIBLE, most=most, first=first)
    return made


def _refusal(why: str) -> QmkError:
    return QmkError("UNSUPPORTED", f"engine 'rydberg', method 'subspace': {why}", engine="rydberg", method="subspace")
