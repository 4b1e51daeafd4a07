"""``qmk calibrate``: measures, shows, writes, and is taken by what decides afterwards."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Qmk = Callable[..., subprocess.CompletedProcess[str]]


def test_what_was_measured_is_predicted_with(qmk: Qmk, folder: Path) -> None:
    done = qmk("calibrate", "--quick", "--engines", "reference", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    written = json.loads((folder / "state" / "rates.json").read_text())
    assert shown["path"] == str(folder / "state" / "rates.json")
    assert written == shown["report"]["calibration"]
    assert {fit["engine"] for fit in shown["report"]["fits"]} == {"reference"}
    decided = json.loads(qmk("explain", "examples/rotation.qasm", "--param", "theta=1", "--json").stdout)
    assert decided["rates"] == {"calibrated": ["reference"], "notes": []}
    row = next(row for row in decided["decision"]["candidates"] if row["engine"] == "reference")
    assert row["uncertainty"] == round(written["engines"]["reference"]["uncertainty"][""], 2)


def test_a_stale_file_is_told(qmk: Qmk, folder: Path) -> None:
    (folder / "state").mkdir(exist_ok=True)
    stale = {"format": 1, "cpu": "another", "made": 0, "engines": {}}
    (folder / "state" / "rates.json").write_text(json.dumps(stale))
    assert "measured on 'another'" in qmk("explain", "examples/bell.qasm").stdout


def test_a_dry_run_writes_nothing(qmk: Qmk, folder: Path) -> None:
    done = qmk("calibrate", "--quick", "--engines", "stabilizer", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "nothing is written" in done.stdout
    assert not (folder / "state" / "rates.json").exists()


def test_an_unknown_engine_is_refused(qmk: Qmk) -> None:
    done = qmk("calibrate", "--engines", "nope")
    assert done.returncode == 2
    assert "nope" in done.stderr


def test_nothing_is_measured_that_cannot_be_kept_or_was_not_named(
    qmk: Qmk, folder: Path, environment: dict[str, str]
) -> None:
    done = qmk("calibrate", "--engines", " , ")
    assert (done.returncode, "names no engine" in done.stderr) == (2, True)
    (folder / "file").write_text("")
    environment["QMK_RATES"] = str(folder / "file" / "rates.json")
    done = qmk("calibrate", "--engines", "reference")
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert "measuring" not in done.stderr


def test_explain_tells_what_became_of_it(qmk: Qmk) -> None:
    done = qmk("run", "examples/bell.qasm", "--seed", "1", "--explain")
    assert "took " in done.stdout
    assert "times the prediction" in done.stdout
    told = json.loads(qmk("run", "examples/bell.qasm", "--seed", "1", "--json").stdout)
    assert told["provenance"]["predicted_seconds"] > 0
    assert told["provenance"]["fallbacks"] == []
