"""``qmk calibrate`` where no engine could be measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from qmk.cli.calibrate import command
from qmk.cli.failure import FAILED_RUN
from qmk.host import calibration
from qmk.router import rates


def test_a_run_that_measured_nothing_fails_and_leaves_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    none = calibration.Report(
        calibration=rates.Calibration(cpu="x", made=0.0, engines={}), fits=[], skipped={"reference": "not installed"}
    )
    monkeypatch.setattr(calibration, "calibrate", lambda *given: none)
    monkeypatch.setenv("QMK_RATES", str(tmp_path / "rates.json"))
    (tmp_path / "rates.json").write_text("as it was")
    done = CliRunner().invoke(command, ["--engines", "reference"])
    assert done.exit_code == FAILED_RUN
    assert "not measured: reference: not installed" in done.stdout
    assert "nothing is written" in done.stdout
    assert (tmp_path / "rates.json").read_text() == "as it was"
