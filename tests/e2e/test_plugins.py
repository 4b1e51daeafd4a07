"""A stranger's plug-ins, installed beside QMK: what loads is used, and what does not says why."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Qmk = Callable[..., subprocess.CompletedProcess[str]]

RAISES = "raise RuntimeError('the licence server does not answer')\n"
ENTRY_POINTS = """
[qmk.engines]
raises = raising_engine:DECLARATION
absent = no_such_module:DECLARATION
wrong = raising_not:DECLARATION
second = qmk.engines.aer:SECOND

[qmk.passes]
renamed = qmk.passes.dead:PASS
"""


@pytest.fixture
def stranger(environment: dict[str, str], tmp_path: Path) -> None:
    """A folder on the path, as ``pip install`` would leave one."""
    site = tmp_path / "site"
    installed = site / "stranger-0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 0\n")
    (installed / "entry_points.txt").write_text(ENTRY_POINTS)
    (site / "raising_engine.py").write_text(RAISES)
    (site / "raising_not.py").write_text("DECLARATION = {'name': 'wrong'}\n")
    environment["PYTHONPATH"] += os.pathsep + str(site)


@pytest.mark.usefixtures("stranger")
def test_a_broken_engine_is_listed_with_its_error(qmk: Qmk) -> None:
    listed = qmk("engines")
    assert listed.returncode == 0, listed.stderr
    rows = {line.split()[0]: line for line in listed.stdout.splitlines()}
    assert "cannot be loaded" in rows["raises"]
    assert "stabilizer" in rows
    found = json.loads(qmk("engines", "--json").stdout)
    errors = {row["engine"]: row["error"] for row in found["broken"]}
    assert errors["raises"] == "raising_engine:DECLARATION: RuntimeError: the licence server does not answer"
    assert "ModuleNotFoundError" in errors["absent"]
    assert errors["wrong"] == "raising_not:DECLARATION is not a Declaration"
    assert "AttributeError" in errors["second"]
    assert not errors.keys() & {row["engine"] for row in found["engines"]}


@pytest.mark.usefixtures("stranger")
def test_doctor_names_every_broken_plugin(qmk: Qmk) -> None:
    checks = {check["name"]: check for check in json.loads(qmk("doctor", "--json").stdout)["checks"]}
    assert checks["engine raises"]["state"] == "warning"
    assert "the licence server does not answer" in checks["engine raises"]["fix"]
    assert "calls itself 'dead'" in checks["pass renamed"]["fix"]


@pytest.mark.usefixtures("stranger")
def test_a_run_on_a_broken_engine_says_what_is_wrong_with_it(qmk: Qmk) -> None:
    refused = qmk("run", "examples/bell.qasm", "--engine", "raises")
    assert refused.returncode == 2
    assert "engine 'raises' cannot be loaded: raising_engine:DECLARATION: RuntimeError" in refused.stderr
    assert "there is no engine" not in refused.stderr
    assert qmk("run", "examples/bell.qasm", "--shots", "10").returncode == 0
