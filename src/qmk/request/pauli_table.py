"""Sums of Pauli strings as arrays: letters by term and qubit, and coefficients.

A letter is a code, x + 2 z: I 0, X 1, Z 2, Y 3. The product of two letters is the exclusive or of their codes, up to a
power of i.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from qmk.base.errors import QmkError
from qmk.base.limits import check
from qmk.models.arguments import show
from qmk.request.observables import DIGITS, is_one, parse, read_string

Codes: TypeAlias = NDArray[np.uint8]
Numbers: TypeAlias = NDArray[np.complex128]
Table: TypeAlias = tuple[Codes, Numbers]
Word: TypeAlias = tuple[int, int, complex]
"""One string as two whole numbers, bit k of x and z for qubit k, and its coefficient."""

LETTERS = np.frombuffer(b"IXZY", dtype=np.uint8)
_CODES = np.full(256, 255, dtype=np.uint8)
_CODES[LETTERS] = range(4)
_PHASES = np.array([1, 1j, -1, -1j])


def freeze(codes: NDArray[Any], values: Numbers) -> Table:
    """The arrays as a table that nobody changes. Raises INVALID_PARAMS where they do not fit, QUOTA_EXCEEDED."""
    if values.shape != (len(codes),):
        raise wrong(f"{len(codes)} terms have {values.size} coefficients", "give one for each term")
    check("qubits", codes.shape[1])
    check("source_bytes", codes.size, "the observable")
    codes = np.ascontiguousarray(codes, dtype=np.uint8)
    codes.flags.writeable = values.flags.writeable = False
    return codes, values


def to_complex(given: object) -> Numbers:
    """Numbers as a new array."""
    try:
        found = np.array(given, dtype=np.complex128)
    except Exception:  # a caller's own class may raise anything
        found = np.full(1, np.nan, dtype=np.complex128)
    if isinstance(given, (str, bytes)) or not np.isfinite(found).all():
        raise wrong(f"{show(given)} are not finite numbers", "give a list or an array of numbers")
    return found


def finite(given: Any) -> complex:
    """One coefficient."""
    try:
        found = complex(given)
    except Exception:  # a caller's own class may raise anything
        found = complex("nan")
    if isinstance(given, (bool, str)) or not (math.isfinite(found.real) and math.isfinite(found.imag)):
        raise wrong(f"its coefficient {show(given)} is not a finite number", "give such as 0.5 or 2j")
    return found


# -- what callers write ------------------------------------------------------------------------------------------------


def read(terms: Any, coefficients: Any) -> Table:
    """Text, labels by number, pairs, or labels and coefficients."""
    terms = terms.tolist() if isinstance(terms, np.ndarray) else terms
    if isinstance(terms, str) and coefficients is None:
        check("source_bytes", len(terms), "the observable")
        terms = parse(terms, _width([terms]))
    if coefficients is None and isinstance(terms, (Mapping, list, tuple)) and is_one(cast("object", terms)):
        given = cast("Any", terms)
        pairs: list[tuple[Any, Any]] = list(given.items() if hasattr(given, "items") else given)
        labels, coefficients = [label for label, _ in pairs], [finite(value) for _, value in pairs]
    else:
        labels = list(cast("Any", terms)) if isinstance(terms, (list, tuple)) else []
    if not labels or coefficients is None or not all(isinstance(label, str) for label in labels):
        raise wrong(f"{show(cast('object', terms))} is none", "give text, pairs, or labels and coefficients")
    check("observable_terms", len(labels))
    codes = _codes(labels)
    if codes is None:
        width = _width(labels)
        codes = _codes([read_string(label, width, label) for label in labels])
    return freeze(cast("Codes", codes), to_complex(coefficients))


def _codes(labels: list[str]) -> Codes | None:
    """Labels of one length with letters alone, all at once; None for others."""
    n, text = len(labels[0]), "".join(labels)
    if not text.isascii() or any(len(label) != n for label in labels):
        return None
    codes = _CODES[np.frombuffer(text.encode(), dtype=np.uint8)]
    return codes.reshape(len(labels), n) if codes.max(initial=0) < 4 else None


def _width(labels: Sequence[str]) -> int:
    """How many qubits labels name."""
    numbers = [number for label in labels for number in re.findall(r"[IXYZ](\d+)", label, re.ASCII)]
    if any(len(number) > DIGITS for number in numbers):
        raise wrong(f"a qubit's number has more than {DIGITS} digits", "number qubits from 0")
    words = (len(word) for label in labels for word in re.findall(r"[IXYZ]+(?!\d)", label, re.ASCII))
    width = max(1 + max(map(int, numbers), default=-1), max(words, default=0))
    check("qubits", width)
    check("source_bytes", width * len(labels), "the observable")
    return width


# -- algebra -----------------------------------------------------------------------------------------------------------


def join(parts: Sequence[Table]) -> Table:
    """The terms of all parts, in order."""
    width = max(codes.shape[1] for codes, _ in parts)
    check("source_bytes", width * sum(len(values) for _, values in parts), "the observable")
    return freeze(np.concatenate([_pad(codes, width) for codes, _ in parts]), np.concatenate([v for _, v in parts]))


def from_words(words: Sequence[Word]) -> Table:
    width = max((x | z).bit_length() for x, z, _ in words)
    check("source_bytes", width * len(words), "the observable")
    count = width // 8 + 1
    packed = b"".join(bits.to_bytes(count, "little") for x, z, _ in words for bits in (x, z))
    rows = np.unpackbits(np.frombuffer(packed, dtype=np.uint8), bitorder="little").reshape(len(words), 2, -1)
    codes = rows[:, 0, :width] | rows[:, 1, :width] << 1
    return freeze(codes, np.array([value for _, _, value in words], dtype=np.complex128))


def multiply_words(left: Word, right: Word) -> Word:
    """A string is i^|x & z| X^x Z^z, and a Z that passes an X changes the sign."""
    (x1, z1, a), (x2, z2, b) = left, right
    x, z = x1 ^ x2, z1 ^ z2
    turns = (x1 & z1).bit_count() + (x2 & z2).bit_count() + 2 * (z1 & x2).bit_count() - (x & z).bit_count()
    return x, z, a * b * (1, 1j, -1, -1j)[turns % 4]


def multiply(left: Table, right: Table) -> Table:
    """As ``multiply_words``: each row of the shorter one with all of the longer one."""
    width, sizes = max(left[0].shape[1], right[0].shape[1]), (len(left[1]), len(right[1]))
    check("source_bytes", sizes[0] * sizes[1] * width, "the product")
    (first, a), (second, b) = ((_pad(codes, width), values) for codes, values in (left, right))
    found: list[Table] = []
    for at in range(min(sizes)):
        here = slice(at, at + 1)
        one, other = (first, second[here]) if sizes[0] >= sizes[1] else (first[here], second)
        codes = one ^ other
        turns = _count(one == 3) + _count(other == 3) + 2 * _count(one >> 1 & other & 1) - _count(codes == 3)
        found.append((codes, (a * b[at] if sizes[0] >= sizes[1] else a[at] * b) * _PHASES[turns % 4]))
    return combine(join(found))


def combine(table: Table, by_letters: bool = False) -> Table:
    """Each string once, in the order in which they first stand, or in one that is the same for equal operators."""
    codes, values = table
    packed = np.packbits(np.concatenate((codes & 1, codes >> 1), axis=1), axis=1)
    words = _pad(packed, packed.shape[1] // 8 * 8 + 8).view(">u8").astype(np.uint64)
    order = np.lexsort(words.T[::-1])
    changes = (words[order][1:] != words[order][:-1]).any(axis=1)
    starts = np.flatnonzero(np.concatenate((np.ones(min(len(order), 1), dtype=bool), changes)))
    summed = np.add.reduceat(values[order], starts) if len(starts) else values.copy()
    first = order[starts]
    again = slice(None) if by_letters else np.argsort(first)
    return keep(freeze(codes[first[again]], summed[again]), 0.0)


def keep(table: Table, tolerance: float) -> Table:
    """The terms whose coefficients are larger."""
    codes, values = table
    kept = np.abs(values) > tolerance
    return table if kept.all() else freeze(codes[kept], values[kept])


def _count(bits: NDArray[Any]) -> NDArray[np.int64]:
    return np.count_nonzero(bits, axis=-1)


def _pad(codes: Codes, width: int) -> Codes:
    return np.pad(codes, ((0, 0), (0, width - codes.shape[1])))


# -- matrices ----------------------------------------------------------------------------------------------------------


def from_matrix(given: object, tolerance: float) -> Table:
    """Coefficients are tr(P M) / 2^n, and P has the entries i^|x & z| (-1)^|z & c| at (c ^ x, c)."""
    matrix = to_complex(given)
    n = max(len(matrix), 1).bit_length() - 1 if matrix.ndim == 2 else 0
    if matrix.shape != (1 << n, 1 << n):
        raise wrong(f"its matrix has the shape {matrix.shape}", "give a square one of 2^n rows")
    check("matrix_qubits", n)
    x, z = np.indices(matrix.shape)
    found = _walsh(matrix[z, z ^ x]) * _PHASES[np.bitwise_count(x & z) % 4] / (1 << n)
    x, z = np.nonzero(np.abs(found) > tolerance)
    places = np.arange(n - 1, -1, -1)
    return freeze(x[:, None] >> places & 1 | (z[:, None] >> places & 1) << 1, found[x, z])


def to_matrix(table: Table) -> Numbers:
    """The inverse of ``from_matrix``; each string stands once."""
    codes, values = table
    n = codes.shape[1]
    check("matrix_qubits", n)
    places = np.array([1 << k for k in reversed(range(n))], dtype=np.int64)
    found = np.zeros((1 << n, 1 << n), dtype=np.complex128)
    found[(codes & 1) @ places, (codes >> 1) @ places] = values
    rows, columns = np.indices(found.shape)
    return _walsh(found * _PHASES[np.bitwise_count(rows & columns) % 4])[rows ^ columns, columns]


def _walsh(table: Numbers) -> Numbers:
    """In column z of each row the sum over c of (-1)^|z & c| times its column c."""
    size, half = len(table), 1
    while half < size:
        pairs = table.reshape(size, -1, 2, half)
        table = np.stack((pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]), axis=2)
        half *= 2
    return table.reshape(size, size)


def wrong(what: str, fix: str) -> QmkError:
    """The refusal of an observable, with a way to mend it."""
    return QmkError("INVALID_PARAMS", f"observable: {what}", field="observables", help=fix)
