"""PennyLane's own device tests (``pl-device-test``) on the device ``qmk``, exact and with shots.

They are in PennyLane's wheel (``pennylane/devices/tests``, release 0.45.1, Apache-2.0) and run from there. What they
leave out on every device without continuous variables, nine tests, is expected to fail; nothing else may. Torch is not
installed here: its tests skip themselves.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pennylane
import pytest

from tests.conformance.pennylane import device_plugin

FOLDER = Path(str(pennylane.__file__)).parent / "devices" / "tests"
SAMPLE = ("test_wires.py", "test_tracker.py", "test_return_system.py")
NO_QUBITS = 9
"""Templates of continuous variables, and custom measurement transforms."""


class Outcomes:
    """A plugin of pytest that counts tests by their outcome."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if hasattr(report, "wasxfail"):
            self.counts["xfailed"] += report.skipped
        elif report.failed:
            self.failures.append(f"{report.nodeid}\n{report.longreprtext}")
        else:
            self.counts[report.outcome] += report.when == "call"


def run(files: tuple[str, ...], *options: str) -> Counter[str]:
    """Runs PennyLane's tests in this process, where it is imported already. Gives their numbers by outcome."""
    found = Outcomes()
    paths = [str(FOLDER / name) for name in files] or [str(FOLDER)]
    plain = ["-q", f"--rootdir={FOLDER}", "-c", "/dev/null", "-W", "ignore"]
    for plugin in ("cacheprovider", "xdist", "timeout"):
        plain += ["-p", f"no:{plugin}"]
    code = pytest.main([*paths, "--device=qmk", "--skip-ops", *options, *plain], plugins=[device_plugin, found])
    assert not found.failures, "\n".join(found.failures)
    assert code == pytest.ExitCode.OK
    return found.counts


def test_a_sample_of_pennylanes_device_tests() -> None:
    assert run(SAMPLE)["passed"] >= 11


@pytest.mark.conformance
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("options", [(), ("--shots=20000", "--analytic=False")], ids=["exact", "shots"])
def test_all_of_pennylanes_device_tests(options: tuple[str, ...]) -> None:
    found = run((), *options)
    assert found["passed"] > 370
    assert found["xfailed"] <= NO_QUBITS
