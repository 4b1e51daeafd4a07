"""``qmk devices``."""

from __future__ import annotations

import json

import msgspec
from click.testing import CliRunner

from qmk.cli.devices import command
from qmk.models.devices import target_named
from qmk.models.devices.drift import drift
from qmk.models.devices.names import snapshots


def say(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_snapshots_are_listed_with_their_ages():
    said = say("list")
    assert [word for word in said.split() if word.startswith("fake_")] == list(snapshots())
    assert said.count("stale") == len(snapshots())
    assert json.loads(say("list", "--json"))[-1]["pairs"] == len(target_named("fake_torino").pairs())


def test_a_device_is_shown_with_what_is_not_known(tmp_path):
    assert "error of cnot: median 0.0101 of 8" in say("show", "fake_manila")
    path = tmp_path / "bare.json"
    path.write_bytes(msgspec.structs.replace(target_named("fake_manila"), readings=()).to_json())
    assert "not known: 5 sites without T1" in say("show", str(path))


def test_two_calibrations_are_compared(tmp_path):
    target = target_named("fake_manila")
    later = msgspec.structs.replace(drift(target, 0.5, 1, 4 * 86400.0), date="2024-05-31T15:27:23-03:00")
    paths = [tmp_path / name for name in ("before.json", "after.json")]
    for path, each in zip(paths, (target, later), strict=True):
        path.write_bytes(each.to_json())
    lines = say("drift", *map(str, paths), "--top", "1").splitlines()
    assert lines[0] == "4.0 days apart"
    assert any(line.startswith("T1: median 0.000145 s -> ") for line in lines)
    assert lines[-1] == "0 numbers are gone, 0 are new"
    assert len([line for line in lines if line.startswith("  ")]) == 1
    assert json.loads(say("drift", *map(str, paths), "--json"))["seconds"] == 4 * 86400
