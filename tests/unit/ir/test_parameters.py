"""Expressions of parameters: what they are worth, how they are written, what is refused."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any, cast

import numpy as np
import pytest

from qmk.base.errors import QmkError
from qmk.ir.parameter_values import read_values
from qmk.ir.parameters import Angle, Expression, Parameter

A, V = Parameter("a"), Parameter("v", 3)
NAMES = {"a": 0.3, "v": [1.0, 2.0, 3.0], "sin": math.sin, "sqrt": math.sqrt, "arctan": math.atan}
EXPRESSIONS: dict[str, Angle] = {
    "2*a + 1.5": 2 * A + 1.5,
    "a - 1": A - 1,
    "1 - a": 1 - A,
    "1 - (a - 1)": 1 - (A - 1),
    "-(a + 1)": -(A + 1),
    "a*(a + 1)": A * (A + 1),
    "a/(2*a)": A / (2 * A),
    "a/3/4": A / 3 / 4,
    "a/(3*a)*2": A / (3 * A) * 2,
    "(a + 1)**2": (A + 1) ** 2,
    "2**a": 2**A,
    "(-a)**2": (-A) ** 2,
    "-a**2": -(A**2),
    "a*-2": A * -2,
    "a**(-2)": A**-2,
    "sin(2*a)": np.sin(cast("Any", 2 * A)),
    "sqrt(arctan(a))": A.arctan().sqrt(),
    "v[0]*v[2] - v[1]": V[0] * V[-1] - V[1],
    "0.5*a": np.float64(0.5) * A,
    "a*3": A * cast("Any", np.int64(3)),
}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_is_written_as_python_reads_it(text: str) -> None:
    expression = EXPRESSIONS[text]
    assert isinstance(expression, Expression)
    assert str(expression) == text
    assert expression.at({"a": 0.3, "v": [1.0, 2.0, 3.0]}) == eval(text, {}, NAMES)
    assert pickle.loads(pickle.dumps(expression)) == expression == copy.deepcopy(expression)
    assert hash(pickle.loads(pickle.dumps(expression))) == hash(expression)


def test_a_part_of_the_values_leaves_the_rest() -> None:
    left = (A + V[0] * 2).at({"v": [1.0, 2.0, 3.0]})
    assert isinstance(left, Expression)
    assert left.parameters() == {"a": None}
    assert left.at({"a": 1}) == 3.0


def test_a_sum_of_thousands_of_terms_is_flat() -> None:
    assert sum((A for _ in range(5000)), start=A * 0).at({"a": 1.0}) == 5000.0


def test_arrays_of_numpy_and_parameters() -> None:
    found: Any = np.array([1.0, 2.0]) * A
    assert [each.at({"a": 0.5}) for each in found] == [0.5, 1.0]
    assert [str(each) for each in np.array(list(V), dtype=object) + 1] == ["v[0] + 1", "v[1] + 1", "v[2] + 1"]


def test_parameters_are_equal_by_name_and_size() -> None:
    assert Parameter("a") == A != Parameter("b")
    assert Parameter("v", 3) == V != Parameter("v", 2)
    assert {A: 1}[Parameter("a")] == 1
    assert A + 1 == A + 1 != 1 + A


def test_keys_are_names_or_parameters() -> None:
    assert read_values({"a": None, "v": 3}, {A: np.float32(0.5), "v": np.arange(3)}) == {"a": 0.5, "v": [0.0, 1.0, 2.0]}


@pytest.mark.parametrize(
    ("given", "message", "fix"),
    [
        ({"b": 1, "a": 1}, "no parameter 'b'", "it has a, v"),
        ({"aa": 1}, "no parameter 'aa'", "did you mean 'a'?"),
        ({"a": 1}, "no value is given for the parameter v", "params={'v': ...}"),
        ({"a": "x", "v": [1, 2, 3]}, "the value of 'a' is not a number", "give a number"),
        ({"a": 1, "v": [1, 2]}, "'v' has 3 values, and 2 are given", "give a list of 3"),
        ({"a": 1, "v": 1.0}, "the value of 'v' is not a list of 3 numbers", "give a list"),
        ({"a": math.inf, "v": [1, 2, 3]}, "the value of 'a' is not finite", "give finite numbers"),
    ],
)
def test_values_that_do_not_fit(given: dict[str, Any], message: str, fix: str) -> None:
    with pytest.raises(QmkError) as caught:
        read_values({"a": None, "v": 3}, given)
    assert message in str(caught.value)
    assert fix in caught.value.fields["help"]


@pytest.mark.parametrize("name", ["", "1a", "a b", "a[0]", 3, None])
def test_names_that_are_refused(name: Any) -> None:
    with pytest.raises(QmkError, match="cannot be named"):
        Parameter(name)


def test_slices_of_a_vector_are_lists() -> None:
    assert V[1:] == [V[1], V[2]]
    assert V[::-2] == [V[2], V[0]]
    assert V[3:9] == []


def test_what_has_no_value() -> None:
    with pytest.raises(QmkError, match=r"'1/a' has no finite real value at a = 0"):
        (1 / A).at({"a": 0})
    with pytest.raises(QmkError, match="vector of 3 values"):
        _ = V + 1
    with pytest.raises(TypeError, match="has no value yet"):
        float(A)
    with pytest.raises(IndexError):
        V[3]
    with pytest.raises(TypeError, match="is a single number"):
        A[:1]
    with pytest.raises(AttributeError, match="cannot be changed"):
        A.__setattr__("op", "x")
