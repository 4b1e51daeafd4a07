"""``--param``: what the text after the equals sign becomes."""

import pytest

from qmk.cli.parameters import _literal


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("-2", -2), ("0.5", 0.5), ("0", 0), ("true", True), ("0101", "0101"), ("pi/2", "pi/2"), ("x", "x")],
)
def test_literals(text: str, value: object) -> None:
    got = _literal(text)
    assert (got, type(got)) == (value, type(value))
