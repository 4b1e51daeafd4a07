"""A model as matrices: sparse, on the product of all subsystems, the first the highest digit of an index."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.interpolate  # pyright: ignore[reportMissingTypeStubs]
import scipy.sparse  # pyright: ignore[reportMissingTypeStubs]

from qmk.models.dynamics.checks import projector, size
from qmk.qvm.families.dynamics import Envelope, Factor, Model, Number, Start, Term, subsystems

interpolate: Any = scipy.interpolate
sparse: Any = scipy.sparse
Array = np.ndarray[Any, np.dtype[Any]]
Matrix = Any
"""A ``scipy.sparse.csr_matrix`` of complex numbers."""

SKEW = 1e-9
"""How far a matrix may be from its adjoint, of its largest entry."""

LOOKS = 65
"""Times at which a Hamiltonian is looked at, whether it is Hermitian."""


def complex_of(number: Number) -> complex:
    return complex(*number) if isinstance(number, tuple) else complex(number)


def local(part: Factor, levels: Sequence[int]) -> Matrix:
    """The matrix of a factor on its own subsystems."""
    d = size(part.on, levels)
    if part.entries:
        rows, columns, re, im = (np.array(column) for column in zip(*part.entries, strict=True))
        return sparse.coo_matrix((re + 1j * im, (rows, columns)), shape=(d, d)).tocsr()
    found = projector(part.op)
    if found is not None:
        return sparse.coo_matrix(([1.0 + 0j], ([found[0]], [found[1]])), shape=(d, d)).tocsr()
    return _NAMED[part.op](d).astype(complex).tocsr()


def _ladder(d: int) -> Matrix:
    return sparse.diags(np.sqrt(np.arange(1.0, d)), 1)


def _raising(d: int) -> Matrix:
    """The raising operator of a spin (d - 1)/2 whose level 0 has the largest m."""
    m = (d - 1) / 2 - np.arange(1.0, d)
    return sparse.diags(np.sqrt((d * d - 1) / 4 - m * (m + 1)), 1)


def _levels(d: int) -> Matrix:
    return sparse.diags(np.arange(float(d)))


def _spin(d: int) -> Matrix:
    return sparse.diags((d - 1) / 2 - np.arange(float(d)))


_NAMED: Mapping[str, Callable[[int], Matrix]] = {
    "id": lambda d: sparse.identity(d),
    "n": _levels,
    "a": _ladder,
    "adag": lambda d: _ladder(d).T,
    "x": lambda d: (_ladder(d) + _ladder(d).T) / math.sqrt(2),
    "p": lambda d: (_ladder(d) - _ladder(d).T) / (1j * math.sqrt(2)),
    "jx": lambda d: (_raising(d) + _raising(d).T) / 2,
    "jy": lambda d: (_raising(d) - _raising(d).T) / 2j,
    "jz": _spin,
    "jp": _raising,
    "jm": lambda d: _raising(d).T,
    "sx": lambda d: _raising(d) + _raising(d).T,
    "sy": lambda d: (_raising(d) - _raising(d).T) / 1j,
    "sz": lambda d: 2 * _spin(d),
    "sp": _raising,
    "sm": lambda d: _raising(d).T,
}


def places(on: Sequence[int], levels: Sequence[int]) -> tuple[Array, Array]:
    """Indexes in the whole of all states of ``on``, the first the highest digit, and of all states of the others."""
    strides = [math.prod(levels[k + 1 :]) for k in range(len(levels))]

    def offsets(of: Sequence[int]) -> Array:
        found = np.zeros(1, dtype=np.int64)
        for k in of:
            found = (found[:, None] + strides[k] * np.arange(levels[k])).reshape(-1)
        return found

    return offsets(on), offsets([k for k in range(len(levels)) if k not in on])


def embed(matrix: Matrix, on: Sequence[int], levels: Sequence[int]) -> Matrix:
    """A matrix on some subsystems as one on all."""
    mine, others = places(on, levels)
    coo, whole = matrix.tocoo(), math.prod(levels)
    rows, columns = (mine[index][:, None] + others for index in (coo.row, coo.col))
    values = np.repeat(coo.data, len(others))
    return sparse.coo_matrix((values, (rows.reshape(-1), columns.reshape(-1))), shape=(whole, whole)).tocsr()


def operator(terms: Sequence[Term], levels: Sequence[int]) -> Matrix:
    """A sum of terms, without their envelopes."""
    whole = math.prod(levels)
    found: Matrix = sparse.csr_matrix((whole, whole), dtype=complex)
    for term in terms:
        product: Matrix = sparse.identity(whole, dtype=complex, format="csr")
        for at, part in enumerate(term.of):
            factor = embed(local(part, levels), subsystems(part.on), levels)
            product = product @ factor if at else factor
        found = found + complex_of(term.factor) * product
    return found.tocsr()


def hamiltonian(model: Model) -> list[tuple[Matrix, Envelope | None]]:
    """The Hamiltonian as matrices with their envelopes, each envelope once."""
    groups: dict[Envelope | None, list[Term]] = {}
    for term in model.hamiltonian:
        groups.setdefault(term.time, []).append(term)
    return [(operator(terms, model.levels), time) for time, terms in groups.items()]


def collapses(model: Model) -> list[tuple[Matrix, Envelope | None]]:
    """Collapse operators with the square root of their rates, whose envelopes are of the rate; those of rate 0 left
    out."""
    return [
        (math.sqrt(row.rate) * operator(row.operator, model.levels), row.time) for row in model.collapse if row.rate
    ]


def values(time: Envelope | None, at: Array) -> Array:
    """An envelope at times."""
    at = np.asarray(at, dtype=np.float64)
    if time is None:
        return np.ones_like(at)
    if time.omega is not None:
        return np.cos(time.omega * at + time.phase)
    if time.sigma is not None:
        return np.exp(-0.5 * ((at - time.center) / time.sigma) ** 2)
    if time.order == 3:
        return interpolate.make_interp_spline(time.times, time.values, 3)(at)
    if time.order == 1:
        return np.interp(at, time.times, time.values)
    index = np.clip(np.searchsorted(time.times, at, side="right") - 1, 0, len(time.times) - 1)
    return np.asarray(time.values)[index]


def state(model: Model) -> Array:
    """The initial state: a vector, or a matrix where a part of it is mixed."""
    starts = {subsystems(start.on): start for start in model.initial}
    held = {k for on in starts for k in on}
    parts = {on: _part(start, model.levels) for on, start in starts.items()}
    for k in sorted(set(range(len(model.levels))) - held):
        parts[(k,)] = np.eye(1, model.levels[k], dtype=complex)[0]
    mixed = any(part.ndim == 2 for part in parts.values())
    order = [k for on in parts for k in on]
    found = np.ones((1, 1) if mixed else 1, dtype=complex)
    for part in parts.values():
        found = np.kron(found, np.outer(part, part.conj()) if mixed and part.ndim == 1 else part)
    shape = [model.levels[k] for k in order]
    back = [order.index(k) for k in range(len(order))]
    if mixed:
        whole = found.reshape(shape * 2).transpose(back + [len(order) + k for k in back])
        return whole.reshape(found.shape)
    return found.reshape(shape).transpose(back).reshape(-1)


def _part(start: Start, levels: Sequence[int]) -> Array:
    d = size(start.on, levels)
    if start.level is not None:
        return np.eye(1, d, start.level, dtype=complex)[0]
    if start.coherent is not None:
        alpha, found = complex_of(start.coherent), np.ones(d, dtype=complex)
        for k in range(1, d):
            found[k] = found[k - 1] * alpha / math.sqrt(k)
        return found / np.linalg.norm(found)
    if start.thermal is not None:
        weights = (start.thermal / (1 + start.thermal)) ** np.arange(float(d))
        return np.diag(weights / weights.sum()).astype(complex)
    if start.vector:
        found = np.zeros(d, dtype=complex)
        for index, re, im in start.vector:
            found[index] += complex(re, im)
        return found / np.linalg.norm(found)
    found = np.zeros((d, d), dtype=complex)
    for row, column, re, im in start.density:
        found[row, column] += complex(re, im)
    return found


def is_hermitian(matrix: Matrix) -> bool:
    difference = abs(matrix - matrix.conj().T)
    return float(difference.max()) <= SKEW * max(float(abs(matrix).max()), 1e-300)


def faults(model: Model) -> Iterator[str]:
    """What is unphysical, with its place: what is not Hermitian, not positive, or does not fit its levels."""
    parts = hamiltonian(model)
    if not all(is_hermitian(matrix) for matrix, _ in parts):
        looks = np.linspace(model.times[0], model.times[-1], LOOKS)
        curves = [values(time, looks) for _, time in parts]
        for at in range(LOOKS):
            if not is_hermitian(sum(curve[at] * matrix for curve, (matrix, _) in zip(curves, parts, strict=True))):
                yield f"hamiltonian: it is not Hermitian at time {looks[at]:g}; add the adjoints of its terms"
                break
    for name, terms in model.observables.items():
        if not is_hermitian(operator(terms, model.levels)):
            yield f"observables['{name[:40]}']: it is not Hermitian; ask for its Hermitian parts, such as x and p"
    for at, start in enumerate(model.initial):
        if start.density:
            part = _part(start, model.levels)
            if not is_hermitian(part) or np.linalg.eigvalsh(part)[0] < -1e-9:
                yield f"initial[{at}]: its density matrix is not Hermitian and positive"


def of_qubits(levels: Sequence[int]) -> Array:
    """For each state of the subsystems, its index among those of the qubits that hold them."""
    from qmk.qvm.families.dynamics import width

    found = np.zeros(1, dtype=np.int64)
    for d in levels:
        found = (found[:, None] * (1 << width(d)) + np.arange(d)).reshape(-1)
    return found
