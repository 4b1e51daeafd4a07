"""Alert rules are what Prometheus reads, and each of them fires in its test."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from observability_alerts import ALERTS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "observability"


def test_each_alert_has_a_test_that_fires_it_and_a_runbook() -> None:
    written = (FOLDER / "alerts_test.yml").read_text().partition("\n")[2]
    tests = {test["name"]: test["alert_rule_test"] for test in json.loads(written)["tests"]}
    assert list(tests) == [alert.name for alert in ALERTS]
    assert all([bool(each["exp_alerts"]) for each in steps] == [False, True] for steps in tests.values())
    runbook = (ROOT / "docs" / "runbooks" / "alerts.md").read_text()
    assert all(f"\n## {alert.name}\n" in runbook for alert in ALERTS)


def test_promtool_takes_the_rules_and_their_tests() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool here; apt-get install prometheus has it")
    for words in (("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")):
        done = subprocess.run([promtool, *words], cwd=FOLDER, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
