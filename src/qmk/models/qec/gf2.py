"""Linear algebra over the field of two elements: matrices are numpy arrays of 0 and 1, uint8, exact."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint8]


def bits(rows: Any) -> Bits:
    return np.bitwise_and(np.asarray(rows), 1).astype(np.uint8)


def row_reduce(matrix: Bits) -> tuple[Bits, list[int]]:
    """Reduced row echelon form without zero rows, and the columns of its pivots."""
    work = bits(matrix)
    pivots: list[int] = []
    for column in range(work.shape[1]):
        row = len(pivots)
        if row == work.shape[0]:
            break
        below = np.flatnonzero(work[row:, column])
        if below.size == 0:
            continue
        found = row + int(below[0])
        if found != row:
            work[[row, found]] = work[[found, row]]
        others = np.flatnonzero(work[:, column])
        work[others[others != row]] ^= work[row]
        pivots.append(column)
    return work[: len(pivots)], pivots


def rank(matrix: Bits) -> int:
    return len(row_reduce(matrix)[1])


def kernel(matrix: Bits) -> Bits:
    """Rows that span {x : matrix x = 0}."""
    echelon, pivots = row_reduce(matrix)
    free = [column for column in range(matrix.shape[1]) if column not in set(pivots)]
    found = np.zeros((len(free), matrix.shape[1]), dtype=np.uint8)
    for row, column in enumerate(free):
        found[row, column] = 1
        found[row, pivots] = echelon[:, column]
    return found


def independent_rows(candidates: Bits, span: Bits) -> Bits:
    """Those of ``candidates``, taken in order, that are independent of the rows of ``span`` and of each other."""
    stacked = bits(np.vstack([span, candidates]))
    _, pivots = row_reduce(np.ascontiguousarray(stacked.T))
    return bits(stacked[[row for row in pivots if row >= len(span)]])


def conjugate_rows(left: Bits, right: Bits) -> Bits:
    """Rows in the span of ``right`` whose products with the rows of ``left`` make the identity: conjugate logical
    operators. The product of the two must be invertible."""
    size = len(left)
    product = bits(left.astype(np.int64) @ right.T.astype(np.int64))
    echelon, pivots = row_reduce(bits(np.hstack([product, np.eye(size, dtype=np.uint8)])))
    assert pivots == list(range(size)), "logical operators of X and Z pair up"
    inverse = echelon[:, size:]
    return times(bits(inverse.T), right)


def times(left: Bits, right: Bits) -> Bits:
    return bits(left.astype(np.int64) @ right.astype(np.int64))
