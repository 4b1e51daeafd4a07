"""Noise options as typed."""

from __future__ import annotations

import time

import click
import pytest

from qmk.cli.noisy import drift
from qmk.client import Drift


def test_without_a_target_noise_does_not_drift() -> None:
    assert drift("p=1e-3", "surface(d=3)", None, None) == "p=1e-3"
    assert drift("p=1e-3", None, None, None) is None, "it is in the program's own ops"


def test_a_target_makes_it_drift_from_an_age_ago() -> None:
    found = drift("lab.json", "surface(d=3)", 1e-5, 7200.0)
    assert isinstance(found, Drift)
    assert (found.calibration, found.target) == ("lab.json", 1e-5)
    assert found.began is not None
    assert 7200 <= time.time() - found.began < 7260
    assert drift("lab.json", "surface(d=3)", 1e-5, None).began is None


@pytest.mark.parametrize(
    ("noise", "qec", "target", "began_s"),
    [(None, "surface(d=3)", 1e-5, None), ("lab.json", None, 1e-5, None), ("p=1e-3", "surface(d=3)", None, 60.0)],
)
def test_what_is_missing_is_named(
    noise: str | None, qec: str | None, target: float | None, began_s: float | None
) -> None:
    with pytest.raises(click.UsageError):
        drift(noise, qec, target, began_s)
