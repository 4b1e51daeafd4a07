"""Options of a run as they are typed."""

from __future__ import annotations

import time

import click
import pytest
from click.testing import CliRunner

from qmk.cli.request import option, run_options, with_drift
from qmk.client import Drift
from qmk.request.options import CALLS, OPTIONS, RunOptions


def drift(noise: str | None, qec: str | None, target: float | None, began_s: float | None) -> object:
    return with_drift(RunOptions(noise=noise, qec=qec), target, began_s).noise


def test_without_a_target_noise_does_not_drift() -> None:
    assert drift("p=1e-3", "surface(d=3)", None, None) == "p=1e-3"
    assert drift("p=1e-3", None, None, None) == "p=1e-3", "of the gates"


def test_a_target_makes_it_drift_from_an_age_ago() -> None:
    found = drift("lab.json", "surface(d=3)", 1e-5, 7200.0)
    assert isinstance(found, Drift)
    assert (found.calibration, found.target) == ("lab.json", 1e-5)
    assert found.began is not None
    assert 7200 <= time.time() - found.began < 7260
    assert drift("lab.json", "surface(d=3)", 1e-5, None).began is None  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("noise", "qec", "target", "began_s"),
    [(None, "surface(d=3)", 1e-5, None), ("lab.json", None, 1e-5, None), ("p=1e-3", "surface(d=3)", None, 60.0)],
)
def test_what_is_missing_is_named(
    noise: str | None, qec: str | None, target: float | None, began_s: float | None
) -> None:
    with pytest.raises(click.UsageError):
        drift(noise, qec, target, began_s)


TYPED = {
    "shots": ("7", 7), "seed": ("3", 3), "engine": ("aer", "aer"), "params": ("a=2", {"a": 2}),
    "format": ("qasm2",) * 2, "noise": ("p=1e-3",) * 2, "error": ("0.5", 0.5), "qec": ("surface(d=3)",) * 2,
    "adapt": ("standard",) * 2,
    "device": ("zoned",) * 2,
    "attempts": ("3", 3),
    "timeout_ms": ("1.5s", 1500), "priority": ("-3", -3), "deadline_epochs": ("4", 4), "idempotency_key": ("k", "k"),
    "channels": ("c=chan_a", {"c": "chan_a"}), "name": ("mine",) * 2, "tags": ("a", ("a",)), "isolation": ("jail",) * 2,
    "resources": ("gpu=1", {"gpu": 1}), "split": ("4", 4),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name, declared in OPTIONS.items() if declared.flags])
def test_every_option_with_a_flag_is_read_into_its_field(name: str) -> None:
    seen: list[RunOptions] = []

    @click.command()
    @run_options(name)
    def command(asked: RunOptions) -> None:
        seen.append(asked)

    flag = OPTIONS[name].flags[0]
    typed, value = TYPED.get(name, ("", not getattr(RunOptions(), name)))
    done = CliRunner().invoke(command, [flag, typed] if typed else [flag], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert getattr(seen[0], name) == value
    assert CliRunner().invoke(command, []).exit_code == 0
    assert seen[1].non_default() == {}


def test_a_pair_given_twice_is_refused() -> None:
    command = click.command()(option("params", "params")(lambda params: None))
    done = CliRunner().invoke(command, ["-p", "a=1", "-p", "a=2"])
    assert done.exit_code == 2
    assert "a is given twice" in done.output


def test_flags_are_of_options_that_a_daemon_takes() -> None:
    assert {name for name, declared in OPTIONS.items() if declared.flags} <= set(CALLS["Client.submit"])
