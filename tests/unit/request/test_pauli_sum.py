"""``qmk.Observable``: the algebra of its matrices, one value however it is written, taken wherever an observable is."""

from __future__ import annotations

import copy
import operator
import pickle
from functools import reduce
from typing import Any

import numpy as np
import pytest

import qmk
from qmk import Observable, X, Y, Z

LETTERS: dict[str, Any] = {
    "I": np.eye(2), "X": np.array([[0, 1], [1, 0]]), "Y": np.array([[0, -1j], [1j, 0]]), "Z": np.diag([1, -1]),
}  # fmt: skip
TURN = qmk.Circuit(2).ry(qmk.Parameter("a"), 0).cx(0, 1)


def matrix_of(terms: Any, n: int) -> Any:
    """The matrix by Kronecker products, qubit 0 the highest bit."""
    return sum(value * reduce(np.kron, [LETTERS[letter] for letter in label]) for label, value in terms) + np.zeros(
        (2**n, 2**n)
    )


def draw_sum(rng: np.random.Generator, n: int, terms: int) -> Observable:
    labels = ["".join(row) for row in rng.choice(list("IXYZ"), size=(terms, n))]
    return Observable(labels, rng.normal(size=terms) + 1j * rng.normal(size=terms))


def test_sums_and_products_are_those_of_matrices() -> None:
    rng = np.random.default_rng(5)
    for terms in ((1, 1), (3, 7), (7, 3), (1, 5)):
        a, b = draw_sum(rng, 3, terms[0]), draw_sum(rng, 3, terms[1])
        first, second = matrix_of(a, 3), matrix_of(b, 3)
        for found, wanted in (
            (a @ b, first @ second), (a * b, first @ second), (a + b, first + second), (a - b, first - second),
            (2j * a / 4, 0.5j * first), (-a, -first), (3 + a, 3 * np.eye(8) + first), (1 - a, np.eye(8) - first),
        ):  # fmt: skip
            assert np.allclose(found.to_matrix(), wanted)
            assert np.allclose(matrix_of(found, 3), wanted)
            read = Observable.from_matrix(wanted)
            assert set(read.simplify(1e-9).labels) == set(found.simplify(1e-9).labels)


def test_single_letters_multiply_as_paulis() -> None:
    assert X(0) @ Y(0) == 1j * Z(0)
    assert Y(0) @ X(0) == -1j * Z(0)
    assert Y(1) @ Y(1) == Observable({"": 1})
    assert X(np.int64(2)) @ Z(0) == Z(0) @ X(2) == Observable("Z0 X2") == Observable("ZIX")
    assert (X(0) + Z(0)) @ (X(0) + Z(0)) == Observable({"I": 2})


def test_one_value_however_it_is_written() -> None:
    whole = 0.5 * Z(0) @ Z(1) + X(2) - 2
    forms: list[Any] = [
        "0.5*ZZI + IIX - 2", "X2 - 2 + 0.5*Z0 Z1", {"ZZI": 0.5, "X2": 1, "": -2},
        [("ZZI", 0.5), ("IIX", 1.0), ("III", -2.0)], whole,
        [("ZZI", 0.25), ("ZZI", 0.25 + 0j), ("IIX", 1), ("III", -2)],
    ]  # fmt: skip
    for form in forms:
        found = Observable(form)
        assert (found, hash(found)) == (whole, hash(whole))
        assert pickle.loads(pickle.dumps(found)) == copy.deepcopy(found) == whole
    assert Observable(["IZZ", "XII", "III"], np.array([0.5, 1, -2]), qubit0="right") == whole
    assert Observable.from_bits(whole.x, whole.z, whole.coefficients) == whole
    assert sum(whole.groups(), start=0 * Z(0)) == whole
    assert len(whole.groups()) == 1
    assert len((whole + X(0)).groups()) == 2
    assert whole != Z(0)
    assert whole != "0.5*ZZI + IIX - 2"


def test_a_sum_term_by_term_and_at_once() -> None:
    total, n = 0 * X(0), 50
    for k in range(3000):
        total += np.float64(k) * Z(k % n) @ Z((k * 7 + 1) % n)
    pairs = [(" ".join({f"Z{q}" for q in (k % n, (k * 7 + 1) % n)}), float(k)) for k in range(3000)]
    assert total == Observable([row for row in pairs if row[0].count("Z") == 2]) + sum(
        value for text, value in pairs if text.count("Z") == 1
    )
    assert len(total) == 3001
    assert total.n_qubits == n
    assert not total.coefficients.flags.writeable


def test_a_repr_fits_a_line() -> None:
    assert repr(0.5 * X(0) @ X(10) - Z(2)) == "<Observable 0.5*X0 X10 - Z2>"
    assert repr(1j * X(0) + 3) == "<Observable (0+1j)*X0 + 3>"
    assert repr((X(0) - X(0)).simplify()) == "<Observable 0>"
    long = sum(Z(k) for k in range(1000))
    assert len(repr(long)) < 110
    assert repr(long).endswith("... (1000 terms)>")


def test_terms_are_arrays() -> None:
    terms = Observable({"XY": 2, "ZI": 1})
    assert terms.x.tolist() == [[True, True], [False, False]]
    assert terms.z.tolist() == [[False, True], [True, False]]
    assert list(terms) == [("XY", 2 + 0j), ("ZI", 1 + 0j)]


CALLS: dict[str, Any] = {
    "expectation": lambda o: qmk.expectation(TURN, o, params={"a": 0.3}).value,
    "sampled": lambda o: qmk.expectation(TURN, o, params={"a": 0.3}, shots=100, seed=1).value,
    "noisy": lambda o: qmk.expectation(TURN, o, params={"a": 0.3}, noise="depolarizing=0.01").value,
    "other engine": lambda o: qmk.expectation(TURN, o, params={"a": 0.3}, engine="reference").value,
    "several": lambda o: [each.value for each in qmk.expectation(TURN, [o, "ZZ", o], params={"a": 0.3})],
    "batch": lambda o: qmk.expectation([TURN.bind(a=0.1), TURN.bind(a=0.2)], o).values.tolist(),
    "points": lambda o: qmk.expectation(TURN, o, {"a": [0.1, 0.2]}).values.tolist(),
    "sweep": lambda o: qmk.sweep(TURN, {"a": [0.1, 0.2]}, o).values.tolist(),
    "gradient": lambda o: qmk.gradient(TURN, o, params={"a": 0.3}).by,
    "value_and_grad": lambda o: [np.asarray(x).tolist() for x in qmk.value_and_grad(TURN, o)([0.3])],
    "outputs": lambda o: qmk.outputs(TURN, expect=[o], params={"a": 0.3})[1].expectations,
    "wide": lambda o: qmk.expectation(qmk.Circuit(100).rx(0.1, range(100)), o).value,
}


@pytest.mark.parametrize("name", CALLS)
def test_it_is_taken_wherever_text_is(name: str) -> None:
    text = "0.5*X0 X1 + Z0 Z1" if name == "wide" else "0.5*XX + ZZ"
    assert CALLS[name](0.5 * X(0) @ X(1) + Z(0) @ Z(1)) == CALLS[name](text)


REFUSED: dict[str, tuple[Any, str, str]] = {
    "imaginary": (lambda: qmk.expectation(TURN.bind(a=0), X(0) @ Y(0)), "coefficient of Z is 0+1j", "Hermitian"),
    "beyond": (lambda: qmk.expectation(TURN.bind(a=0), Z(2)), "no qubit 2: the program has 2", "qubits"),
    "letter": (lambda: Observable({"ZQ": 1}), "'ZQ'", "write it as"),
    "qubit": (lambda: X(-1), "-1 is not a qubit", "from 0"),
    "number": (lambda: X(0) * float("nan"), "nan is not a finite number", "0.5"),
    "zero": (lambda: X(0) / 0, "nan is not a finite number", "0.5"),
    "counts": (lambda: Observable(["X", "Z"], [1]), "2 terms have 1 coefficients", "each term"),
    "end": (lambda: Observable("X0", qubit0="top"), "qubit0 is 'top'", "'left' or 'right'"),  # pyright: ignore[reportArgumentType]
    "shape": (lambda: Observable.from_matrix(np.ones((2, 3))), "shape (2, 3)", "2^n"),
    "wide matrix": (lambda: Z(10).to_matrix(), "matrix_qubits", "10"),
    "bits": (lambda: Observable.from_bits([[1]], [[1, 0]], [1]), "of one shape", "(terms, qubits)"),
    "nothing": (lambda: Observable([]), "[] is none", "pairs"),
    "too wide": (lambda: X(10**9), "qubits", ""),
    "large product": (lambda: draw_sum(np.random.default_rng(0), 90, 900) @ draw_sum(np.random.default_rng(1), 90, 900),
                      "the product", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_part_and_the_fix(name: str) -> None:
    call, message, fix = REFUSED[name]
    with pytest.raises(qmk.QmkError) as caught:
        call()
    assert message in str(caught.value)
    assert fix in str(caught.value.fields)


def test_other_values_do_not_add() -> None:
    others: list[Any] = ["Z", None, [1], np.array([1.0, 2.0])]
    for wrong in others:
        with pytest.raises(TypeError):
            operator.add(X(0), wrong)
        with pytest.raises(TypeError):
            operator.mul(wrong, X(0))
