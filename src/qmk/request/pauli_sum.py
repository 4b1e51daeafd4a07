"""``qmk.Observable``: sums of Pauli strings as values that are added and multiplied: ``0.5 * X(0) @ X(1) + Z(2)``.

A single string is kept as two whole numbers, and a sum of two as these two, so that a sum that is written term by term
is cheap; its arrays (``pauli_table``) are made when something asks for them.
"""

from __future__ import annotations

import itertools
import numbers
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, TypeAlias, cast

import numpy as np

from qmk.base.limits import check
from qmk.ir.bases import bases
from qmk.models.arguments import show
from qmk.qvm import outputs
from qmk.request import pauli_table as tables
from qmk.request.observables import ObservableLike, place_sum, read_object
from qmk.request.pauli_table import Numbers, Table, Word, finite, wrong

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bits: TypeAlias = NDArray[np.bool_]

SHOWN = 72
"""Most characters of the terms that a ``repr`` shows."""

ROUNDING = 1e-12
"""An imaginary part of this share of the largest coefficient is what is left of rounding."""


class Observable:
    """A sum of Pauli strings with coefficients, over numbered qubits.

    ``Observable("0.5*ZZI + XXI")``, ``Observable({"ZZ": 0.5, "X0 X4": 1})``, ``Observable([("ZZ", 0.5)])``, or
    labels and coefficients: ``Observable(["ZZ", "XX"], [0.5, 1.0])``; or an observable of another framework, on
    numbered qubits. The first character of a label is qubit 0; with ``qubit0="right"`` the last one is, as in
    labels of Qiskit. ``qmk.X(0)``, ``qmk.Y(0)`` and ``qmk.Z(0)`` are single letters; ``@`` (or ``*``) multiplies,
    ``+``, ``-``, and ``*`` and ``/`` with numbers do as in algebra. Observables never change. Two are equal if they
    are the same operator: terms may stand in any order, and qubits without a letter count for nothing.

    Raises ``QmkError``: INVALID_PARAMS for what is not an observable, QUOTA_EXCEEDED beyond the limits ``qubits``,
    ``observable_terms`` and ``source_bytes`` (a byte a letter).
    """

    __slots__ = ("_arrays", "_both", "_simple", "_word")
    __array_ufunc__ = None
    _arrays: Table | None
    _word: Word | None
    _both: tuple[Observable, Observable] | None
    _simple: Observable | None

    def __init__(
        self,
        terms: ObservableLike | Mapping[str, complex] | Sequence[tuple[str, complex]] | Sequence[str],
        coefficients: Sequence[complex] | NDArray[Any] | None = None,
        *,
        qubit0: Literal["left", "right"] = "left",
    ) -> None:
        self._word = self._both = self._simple = None
        if not isinstance(cast("object", qubit0), str) or qubit0 not in ("left", "right"):
            raise wrong(f"qubit0 is {show(qubit0)}", "say which end of a label is qubit 0: 'left' or 'right'")
        found = None if coefficients is not None or isinstance(terms, Observable) else read_object(terms)
        terms = terms if found is None else place_sum(found, None)
        codes, values = terms._table() if isinstance(terms, Observable) else tables.read(terms, coefficients)
        self._arrays = tables.freeze(codes[:, ::-1] if qubit0 == "right" else codes, values)

    @classmethod
    def from_bits(cls, x: Any, z: Any, coefficients: Any) -> Observable:
        """From two arrays of bits, a row a term and a column a qubit: the letter is X where x, Z where z, Y where both
        are set."""
        try:
            bits = np.asarray([np.asarray(x), np.asarray(z)])
        except Exception:  # a caller's own class may raise anything
            bits = np.zeros(1)
        if bits.ndim != 3 or bits.dtype.kind not in "biu":
            raise wrong("x and z are not two arrays of bits of one shape", "give them as (terms, qubits)")
        first, second = (bits != 0).astype(np.uint8)
        return _of(arrays=tables.freeze(first | second << 1, tables.to_complex(coefficients)))

    @classmethod
    def from_matrix(cls, matrix: Any, tolerance: float = ROUNDING) -> Observable:
        """From a matrix of 2^n rows, n at most 10, qubit 0 the highest bit of an index. Coefficients up to
        ``tolerance`` are left out."""
        return _of(arrays=tables.from_matrix(matrix, abs(finite(tolerance))))

    # -- arithmetic --------------------------------------------------------------------------------------------------

    def __add__(self, other: Observable | complex) -> Observable:
        right = _operand(other)
        return NotImplemented if right is None else _of(both=(self, right))

    def __radd__(self, other: complex) -> Observable:
        left = _operand(other)
        if left is None:
            return NotImplemented
        return _of(both=(left, self)) if other else self  # the 0 that Python's sum begins with

    def __sub__(self, other: Observable | complex) -> Observable:
        right = _operand(other)
        return NotImplemented if right is None else _of(both=(self, -right))

    def __rsub__(self, other: complex) -> Observable:
        return -self + other

    def __neg__(self) -> Observable:
        return self * -1

    def __mul__(self, other: Observable | complex) -> Observable:
        if isinstance(other, Observable):
            return self @ other
        if not isinstance(cast("object", other), numbers.Number):
            return NotImplemented
        factor = finite(other)
        if self._word is not None:
            return _of(word=(*self._word[:2], self._word[2] * factor))
        codes, values = self._table()
        return _of(arrays=tables.freeze(codes, values * factor))

    __rmul__ = __mul__

    def __matmul__(self, other: Observable) -> Observable:
        if not isinstance(cast("object", other), Observable):
            return NotImplemented
        if self._word is not None and other._word is not None:
            return _of(word=tables.multiply_words(self._word, other._word))
        return _of(arrays=tables.multiply(self._table(), other._table()))

    def __truediv__(self, other: complex) -> Observable:
        if not isinstance(cast("object", other), numbers.Number):
            return NotImplemented
        return self * finite(1 / finite(other) if other else float("nan"))

    def simplify(self, tolerance: float = 0.0) -> Observable:
        """The same sum with each string once, where it first stands, without coefficients up to ``tolerance``."""
        if self._simple is None:
            self._simple = _of(arrays=tables.combine(self._table()))
        most = abs(finite(tolerance))
        return self._simple if not most else _of(arrays=tables.keep(self._simple._table(), most))

    # -- what it is --------------------------------------------------------------------------------------------------

    @property
    def n_qubits(self) -> int:
        """One more than the highest qubit that it names."""
        return self._table()[0].shape[1]

    @property
    def x(self) -> Bits:
        """For each term (row) and qubit (column) whether the letter is X or Y."""
        return (self._table()[0] & 1).astype(bool)

    @property
    def z(self) -> Bits:
        """For each term (row) and qubit (column) whether the letter is Z or Y."""
        return (self._table()[0] >> 1).astype(bool)

    @property
    def coefficients(self) -> Numbers:
        """The coefficients of the terms, for looking only."""
        return self._table()[1]

    @property
    def labels(self) -> list[str]:
        """The terms as Pauli strings, a letter a qubit, qubit 0 first."""
        codes, _ = self._table()
        text, n = tables.LETTERS[codes].tobytes().decode(), codes.shape[1]
        return [text[at : at + n] for at in range(0, len(text), n)] if n else [""] * len(codes)

    def __len__(self) -> int:
        return len(self._table()[1])

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[tuple[str, complex]]:
        return iter(zip(self.labels, cast("list[complex]", self.coefficients.tolist()), strict=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Observable) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[int, bytes, bytes]:
        """Equal for equal operators."""
        codes, values = tables.combine(self._table(), by_letters=True)
        width = int(np.flatnonzero(codes.any(axis=0)).max(initial=-1)) + 1
        return width, codes[:, :width].tobytes(), (values + 0.0).tobytes()

    def __reduce__(self) -> tuple[Any, ...]:
        return _of, (self._table(),)

    def __repr__(self) -> str:
        text = ""
        for label, value in itertools.islice(self, SHOWN):
            word = " ".join(f"{letter}{qubit}" for qubit, letter in enumerate(label) if letter != "I")
            real = not value.imag
            sign, number = "-" if real and value.real < 0 else "+", f"{abs(value.real):g}" if real else f"({value:g})"
            term = "*".join(part for part in ("" if number == "1" and word else number, word) if part)
            if len(text) + len(term) > SHOWN:
                text += f" + ... ({len(self)} terms)"
                break
            text += f" {sign} {term}" if text else term if sign == "+" else f"-{term}"
        return f"<Observable {text or '0'}>"

    def to_matrix(self) -> Numbers:
        """Its matrix, of shape (2^n, 2^n), qubit 0 the highest bit of an index; n is at most 10."""
        return tables.to_matrix(self.simplify()._table())

    def groups(self) -> list[Observable]:
        """Parts that one basis of measurement answers each, as sampled values have them: strings that agree on every
        qubit on which both act. They add up to the whole."""
        whole = self.simplify()
        codes, values = whole._table()
        at = {label: k for k, label in enumerate(whole.labels)}
        rows = [[at[text] for text in basis.strings] for basis in bases([tuple((text, 0.0) for text in at)])]
        constant = sorted(set(range(len(at))).difference(*rows))
        rows = [constant + rows[0], *rows[1:]] if rows else [constant]
        return [_of(arrays=tables.freeze(codes[row], values[row])) for row in rows]

    def rows(self, n_qubits: int) -> outputs.Observable:
        """The terms over so many qubits with real coefficients, each string once.

        Raises INVALID_PARAMS for a coefficient that is not real, or a qubit that is not there."""
        whole = self.simplify()
        codes, values = whole._table()
        if not np.isfinite(values).all():
            raise wrong("a coefficient is too large for a number", "scale it")
        beyond = np.flatnonzero(codes[:, n_qubits:].any(axis=0))
        if len(beyond):
            what = f"there is no qubit {n_qubits + int(beyond[0])}: the program has {n_qubits}, numbered from 0"
            raise wrong(what, "name qubits of the program")
        wrong_ones = np.flatnonzero(np.abs(values.imag) > ROUNDING * np.abs(values).max(initial=0.0))
        if len(wrong_ones):
            at = int(wrong_ones[0])
            what = f"the coefficient of {whole.labels[at][:40]} is {complex(values[at]):g}, not real"
            raise wrong(what, "an observable is Hermitian: add the term's adjoint, or take the real part")
        rest = "I" * (n_qubits - whole.n_qubits)
        labels = [label[:n_qubits] + rest for label in whole.labels]
        return tuple(zip(labels, values.real.tolist(), strict=True)) or (("I" * n_qubits, 0.0),)

    def _table(self) -> Table:
        """Its arrays, made once: single strings that follow each other at once."""
        if self._arrays is None:
            leaves: list[Observable] = []
            stack: list[Observable] = [self]
            while stack:
                each = stack.pop()
                if each._arrays is None and each._both is not None:
                    stack += each._both[::-1]
                else:
                    leaves.append(each)
            parts: list[Table] = []
            for single, some in itertools.groupby(leaves, key=lambda each: each._arrays is None):
                if single:
                    parts.append(tables.from_words([each._word for each in some if each._word is not None]))
                else:
                    parts += (each._table() for each in some)
            self._arrays, self._both = tables.join(parts), None
        return self._arrays


def _of(
    arrays: Table | None = None, word: Word | None = None, both: tuple[Observable, Observable] | None = None
) -> Observable:
    """An observable from one of its three forms."""
    made = Observable.__new__(Observable)
    made._arrays, made._word, made._both, made._simple = arrays, word, both, None  # pyright: ignore[reportPrivateUsage]
    return made


def _operand(given: object) -> Observable | None:
    """What is added: an observable, or a number times the identity."""
    if isinstance(given, Observable):
        return given
    return _of(word=(0, 0, finite(given))) if isinstance(given, numbers.Number) else None


def _letter(qubit: SupportsIndex, x: int, z: int) -> Observable:
    try:
        at = -1 if isinstance(qubit, bool) else qubit.__index__()
    except Exception:  # a caller's own class may raise anything
        at = -1
    if not 0 <= at < 1 << 63:
        raise wrong(f"{show(qubit)} is not a qubit", "give its number, from 0")
    check("qubits", at + 1)
    return _of(word=(x << at, z << at, 1.0))


def X(qubit: SupportsIndex) -> Observable:
    """Pauli X of one qubit, as an ``Observable``. Raises ``QmkError`` INVALID_PARAMS for what is not one's number."""
    return _letter(qubit, 1, 0)


def Y(qubit: SupportsIndex) -> Observable:
    """Pauli Y of one qubit, as an ``Observable``. Raises ``QmkError`` INVALID_PARAMS for what is not one's number."""
    return _letter(qubit, 1, 1)


def Z(qubit: SupportsIndex) -> Observable:
    """Pauli Z of one qubit, as an ``Observable``. Raises ``QmkError`` INVALID_PARAMS for what is not one's number."""
    return _letter(qubit, 0, 1)
