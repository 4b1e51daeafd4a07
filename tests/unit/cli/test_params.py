"""``--param``: what the text after the equals sign becomes."""

import click
import pytest

from qmk.cli.parameters import Shots, _literal


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("-2", -2), ("0.5", 0.5), ("0", 0), ("true", True), ("0101", "0101"), ("pi/2", "pi/2"), ("x", "x")],
)
def test_literals(text: str, value: object) -> None:
    got = _literal(text)
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize(("text", "shots"), [("1e6", 10**6), ("2.5e3", 2500), ("1_000", 1000), ("1E+2", 100), ("7", 7)])
def test_shots_may_have_an_exponent(text: str, shots: int) -> None:
    assert Shots().convert(text, None, None) == shots


@pytest.mark.parametrize("text", ["1.5", "1e-3", "2.55e1", "0e3", "1e99", "e3", "many"])
def test_what_is_no_number_of_shots(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Shots().convert(text, None, None)
