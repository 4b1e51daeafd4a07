"""Calibrations that are kept: once each, in the order of their dates, bounded, with what changed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from qmk.base.errors import QmkError
from qmk.cli.devices import command
from qmk.models.devices import NativeGate, Site, Target, history

FIRST = Target(
    "lab",
    2,
    gates=("sx", "cz"),
    facts=(NativeGate("cz", (0, 1), 0.01), NativeGate("sx", (0,), 1e-4)),
    readings=(Site(t1_s=1e-4, readout_error=0.02), Site(t1_s=2e-4)),
    date="2025-01-01T00:00:00+00:00",
)


def later(day: int, error: float) -> Target:
    facts = (NativeGate("cz", (0, 1), error), *FIRST.facts[1:])
    return msgspec.structs.replace(FIRST, facts=facts, date=f"2025-01-{day:02}T00:00:00+00:00")


def test_calibrations_are_kept_once_and_told_in_the_order_of_their_dates(tmp_path: Path):
    kept = history.History(tmp_path / "c")
    for made in (later(9, 0.04), FIRST, later(3, 0.02), FIRST):
        kept.keep(made, "here", 5.0)
    moments = kept.moments("lab")
    assert [row.date[8:10] for row in moments] == ["01", "03", "09"]
    assert [row.medians["error of cz"] for row in moments] == [0.01, 0.02, 0.04]
    assert moments[0].largest is None
    assert moments[2].largest == (pytest.approx(2.0), "error of cz", (0, 1))
    assert kept.names() == ["lab"]
    assert moments[2].at_s - moments[0].at_s == 8 * 86400


def test_the_oldest_go_and_other_devices_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(history, "MOST_KEPT", 2)
    monkeypatch.setattr(history, "MOST_DEVICES", 2)
    kept = history.History(tmp_path)
    kept.keep(msgspec.structs.replace(FIRST, name="../other"), "here", 1.0)
    for day in range(1, 6):
        kept.keep(later(day, day / 100), "here", float(day))
    assert [row.target.date[8:10] for row in kept.of("lab")] == ["04", "05"]
    assert kept.names() == ["../other", "lab"]
    with pytest.raises(QmkError, match="of 2 devices are kept"):
        kept.keep(msgspec.structs.replace(FIRST, name="third"), "here", 1.0)


def test_what_is_no_calibration_is_refused(tmp_path: Path):
    kept = history.History(tmp_path / "c")
    with pytest.raises(QmkError, match="'line' has no calibration"):
        kept.keep(Target("line", 2, ((0, 1),)), "here", 1.0)
    with pytest.raises(QmkError, match="no calibrations of 'lab' are kept"):
        kept.moments("lab")
    kept.keep(FIRST, "here", 1.0)
    next((tmp_path / "c").glob("*/*.json")).write_text("{}")
    with pytest.raises(QmkError, match="holds no calibration"):
        kept.of("lab")


def test_the_command_keeps_files_and_shows_their_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("QMK_STATE_DIR", str(tmp_path / "state"))
    paths: list[str] = []
    for number, made in enumerate((FIRST, later(3, 0.03))):
        path = tmp_path / f"{number}.json"
        path.write_bytes(msgspec.json.encode(made))
        paths.append(str(path))
    assert "no calibrations are kept" in CliRunner().invoke(command, ["history"]).output
    done = CliRunner().invoke(command, ["keep", *paths])
    assert done.exit_code == 0, done.output
    assert "stale" in done.output
    shown = CliRunner().invoke(command, ["history", "lab"]).output
    assert "changed most: error of cz on 0-1, by a factor of 3" in shown
    assert "over 2.0 days, in 2 calibrations" in shown
    assert "error of cz: median 0.01 -> 0.03" in shown
    rows = msgspec.json.decode(CliRunner().invoke(command, ["history", "lab", "--json"]).output)
    assert len(rows if isinstance(rows, list) else rows["result"]) == 2
