"""Option values as typed."""

from __future__ import annotations

from typing import Any

import click
import pytest

from qmk.cli.options import Assignment, Seconds, collect_params


@pytest.mark.parametrize(("text", "seconds"), [("30", 30), ("500ms", 0.5), ("5m", 300), ("1h", 3600), ("2.5s", 2.5)])
def test_durations(text: str, seconds: float) -> None:
    assert Seconds().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0", "-1", "1d", "nan", "inf", "8000h"])
def test_no_durations(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Seconds().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("n=3", ("n", 3)),
        ("theta=0.5", ("theta", 0.5)),
        ("theta=pi/2", ("theta", "pi/2")),
        ("flag=true", ("flag", True)),
        ("bits=0x1f", ("bits", "0x1f")),
        ("a = b=c", ("a", "b=c")),
    ],
)
def test_assignments(text: str, pair: tuple[str, Any]) -> None:
    name, value = Assignment().convert(text, None, None)
    assert (name, value) == pair
    assert type(value) is type(pair[1])


@pytest.mark.parametrize("text", ["theta", "=1", ""])
def test_no_assignments(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Assignment().convert(text, None, None)


def test_a_parameter_given_twice_is_refused() -> None:
    assert collect_params((("a", 1), ("b", 2))) == {"a": 1, "b": 2}
    with pytest.raises(click.UsageError, match="twice"):
        collect_params((("a", 1), ("a", 2)))
