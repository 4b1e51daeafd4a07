"""Formulas in parameters: what they mean, and that nothing else gets through."""

from __future__ import annotations

import pytest

from qmk.base.errors import QmkError
from qmk.models.estimate import formula


def value(text: str, **names: float) -> float:
    return formula.parse(text, tuple(names), "f")(names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(4 * 50 + 2 * 100) * d", 5200.0),
        ("2 * d * d", 338.0),
        ("-2^2", -4.0),
        ("2^3^2", 512.0),
        ("2^-1", 0.5),
        ("7 - 2 - 1", 4.0),
        ("8 / 2 / 2", 2.0),
        ("7 % 4 + 1.5e1", 18.0),
        ("--d", 13.0),
        ("+d", 13.0),
        ("max(1, d, 3) + min(2, 1)", 14.0),
        ("ceil(1.2) + floor(1.8) + int(-1.5) + round(2.5) + abs(-1)", 6.0),
        ("log(1000) + log(2, 8) + sqrt(16)", 10.0),
    ],
)
def test_value(text: str, expected: float) -> None:
    assert value(text, d=13.0) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        ("2 *", 4),
        ("2 * * 3", 5),
        ("2 * x", 5),
        ("(2 + d", 7),
        ("2 d", 3),
        ("max 2", 5),
        ("abs(1, 2)", 9),
        ("2 ; 3", 3),
        ("d.__class__", 2),
        ("__import__('os')", 1),
        ("d ** 2", 4),
        ("'a'", 1),
        ("d[0]", 2),
        ("lambda: 1", 1),
        ("2 \xa0* d", 3),
        ("2 *\x00 d", 4),
        ("\u0663 * d", 1),
        ("\uff44", 1),
        ("1 + " * 30 + "x", 121),
    ],
)
def test_an_error_says_the_column(text: str, column: int) -> None:
    with pytest.raises(QmkError) as caught:
        formula.parse(text, ("d",), "qecScheme/logicalCycleTime")
    assert caught.value.fields["column"] == column
    assert caught.value.fields["field"] == "qecScheme/logicalCycleTime"
    assert "qecScheme/logicalCycleTime" in caught.value.message


@pytest.mark.parametrize(
    "text", ["(" * 5000 + "1" + ")" * 5000, "(" * 100 + "1" + ")" * 100, "-" * 3000 + "1", "2^" * 999 + "2"]
)
def test_length_and_nesting_are_bounded(text: str) -> None:
    with pytest.raises(QmkError):
        formula.parse(text, (), "f")


@pytest.mark.parametrize("text", ["1 / (d - 13)", "10^999", "sqrt(-1)", "log(0)", "(-8)^0.5"])
def test_no_value_is_an_error(text: str) -> None:
    with pytest.raises(QmkError, match="has no value"):
        value(text, d=13.0)
