"""``make environments``: each environment that QMK makes for what quarrels with its packages, and what runs in it.

It is made as ``qmk engines install`` makes it, in ``QMK_STATE_DIR``, and used again while its lock stands. Then checks
in ``inside`` run under its Python against the framework's own simulators; an engine has its kit run. Where the packages
cannot be had, the test is skipped with what pip said: the summary lists it as not run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.sdk import environments, interpreters
from qmk.sdk.frameworks import FRAMEWORKS

pytestmark = [pytest.mark.environments, pytest.mark.timeout(1800)]
HERE = Path(__file__).parent
RUNNER = ("pytest", "_pytest", "py.py", "pluggy", "iniconfig", "packaging", "pygments")
"""Pure Python, and of no other use there: the environments stay what their locks say."""
OUT_OF_REACH = re.compile(r"No matching distribution|Could not fetch|Connection|timed out|resolve", re.IGNORECASE)
SUITE = HERE.parent / "unit"
OF_THE_SUITE = {
    "torch": (
        SUITE / "api" / "frameworks" / "test_torch.py",
        SUITE / "integrations" / "test_pennylane_interfaces.py",
    )
}
"""Tests of the usual suite that are skipped there, as what they need is installed in an environment alone."""
QUIET = {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def python_of(name: str) -> Path:
    """The Python of an environment that is up to date."""
    wanted = environments.find(name)
    there = {found.engine: found.record for found in environments.list_installed()}
    record = there.get(name)
    if record is None or record.requirements != environments.requirements(wanted):
        try:
            environments.install(wanted, upgrade=record is not None)
        except QmkError as error:
            if OUT_OF_REACH.search(error.message) is None:
                raise
            pytest.skip(f"not run, as its packages cannot be had here: {error.message[-300:]}")
    return interpreters.record_of(name).parent / "bin" / "python"


@pytest.mark.parametrize("name", sorted(FRAMEWORKS))
def test_framework(name: str, tmp_path: Path) -> None:
    python = python_of(name)
    site = Path(pytest.__file__).parent.parent
    for package in RUNNER:
        (tmp_path / package).symlink_to(site / package)
    files = OF_THE_SUITE.get(name) or (HERE / "inside" / f"check_{name.replace('-', '_')}.py",)
    checks = [Path(shutil.copy(file, tmp_path)).name for file in files]  # some leave a cache beside them
    options = ["-q", "--noconftest", "-c", os.devnull, "--rootdir", ".", "--import-mode=importlib"]
    ran = subprocess.run(
        [python, "-m", "pytest", *options, "-p", "no:cacheprovider", *checks],
        cwd=tmp_path,
        env={**os.environ, **QUIET, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-5000:] + ran.stderr[-2000:]
    assert "skipped" not in ran.stdout


@pytest.mark.parametrize("name", ["piquasso", "strawberryfields"])
def test_engine(name: str) -> None:
    python_of(name)
    kit = "tests/conformance/test_engines.py::test_engines_with_an_environment_and_what_to_do_where_there_is_none"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{kit}[{name}]"]
    ran = subprocess.run(command, cwd=HERE.parent.parent, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-5000:]
    assert "was not tested" not in ran.stdout
