"""PennyLane's own device tests (``pl-device-test``) on the device ``qmk``, exact and with shots.

They are in PennyLane's wheel (``pennylane/devices/tests``, release 0.45.1, Apache-2.0) and run from there. What they
leave out on every device without continuous variables, nine tests, is expected to fail; nothing else may. Torch is not
installed here: its tests skip themselves.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pennylane
import pytest

FOLDER = Path(str(pennylane.__file__)).parent / "devices" / "tests"
ROOT = Path(__file__).parents[3]
SAMPLE = ("test_wires.py", "test_tracker.py", "test_return_system.py")
NO_QUBITS = 9
"""Templates of continuous variables, and custom measurement transforms."""


def run(files: tuple[str, ...], *options: str) -> tuple[str, dict[str, int]]:
    """What pytest prints, and its numbers of tests by outcome."""
    command = [sys.executable, "-m", "pytest", *files, "--device=qmk", "--skip-ops", *options]
    command += ["-q", "--tb=short", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "device_plugin"]
    paths = [str(ROOT / "src"), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    environment.pop("PYTEST_ADDOPTS", None)
    ran = subprocess.run(command, cwd=FOLDER, env=environment, capture_output=True, text=True, check=False)
    last = ran.stdout.strip().splitlines()[-1]
    return ran.stdout + ran.stderr, {kind: int(count) for count, kind in re.findall(r"(\d+) (\w+)", last)}


def test_a_sample_of_pennylanes_device_tests() -> None:
    text, found = run(SAMPLE)
    assert "failed" not in found, text
    assert "error" not in found, text
    assert found["passed"] >= 11, text


@pytest.mark.conformance
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("options", [(), ("--shots=20000", "--analytic=False")], ids=["exact", "shots"])
def test_all_of_pennylanes_device_tests(options: tuple[str, ...]) -> None:
    text, found = run((), *options)
    assert "failed" not in found, text
    assert "error" not in found, text
    assert found["passed"] > 370, text
    assert found["xfailed"] <= NO_QUBITS, text
