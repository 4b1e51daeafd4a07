"""Other projects' own tests with QMK in the place of what they test; what is not expected to pass is listed beside."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(Path(__file__).parent))
from suites import SUITES  # noqa: E402  # tests are imported by path


@pytest.mark.conformance
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", SUITES)
def test_their_tests_pass(name: str, tmp_path: Path) -> None:
    suite = SUITES[name]
    checkout = Path(os.environ.get("QMK_UPSTREAM", "/nowhere")) / (suite.checkout or name)
    if not checkout.is_dir():
        pytest.skip(f"no checkout of {suite.repository} at {suite.commit} in $QMK_UPSTREAM/{checkout.name}")
    if suite.needs:
        pytest.importorskip(suite.needs, reason=f"their tests need the package {suite.needs}, which QMK does not")
    folder = tmp_path / name
    for data in suite.data:
        (folder / data).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (checkout / data).is_dir() else shutil.copy)(checkout / data, folder / data)
    for file in suite.files:
        text = (checkout / file).read_text()
        for old, new in suite.changes.items():
            text = re.sub(old, new, text, flags=re.MULTILINE)
        assert "qmk" in text, f"{file} is another than the changes were written for"
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    environment = {**os.environ, "QMK_SUITE": name}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, (ROOT / "src", Path(__file__).parent, folder)))
    environment["PYTHONPATH"] += os.pathsep + os.environ.get("PYTHONPATH", "")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "expected", "-p", "no:cacheprovider", "-c", os.devnull]
    done = subprocess.run(
        [*command, "--rootdir", folder, *suite.files], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    print(done.stdout.splitlines()[-1])
