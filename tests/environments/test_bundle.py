"""A bundle of the real QMK and its server is made with all that they need, and installed where there is no network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
QMK = Path(sys.executable).with_name("qmk")


def run(*command: str | Path, cwd: Path, **more: str) -> str:
    environment = {**os.environ, "QMK_STATE_DIR": str(cwd / "state"), **more}
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.environments
@pytest.mark.timeout(1800)
def test_a_bundle_is_installed_and_runs_without_a_network(tmp_path: Path) -> None:
    rust = run("tools/rust.sh", cwd=ROOT).strip()
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run(*build, "--wheel-dir", tmp_path, ROOT, cwd=tmp_path, PATH=f"{rust}:{os.environ['PATH']}")
    (wheel,) = tmp_path.glob("*.whl")
    words = ("--extra", "server", "--extra", "gateway", "--json")
    made = json.loads(run(QMK, "bundle", "create", "qmk.tar", "--wheel", wheel, *words, cwd=tmp_path))
    assert {"psycopg", "litestar"} <= {each.partition("==")[0] for each in made["packages"]}
    with tarfile.open(tmp_path / "qmk.tar") as archive:
        archive.extractall(tmp_path, filter="data")
    root = tmp_path / made["name"]
    for name in ("docs/index.md", "deploy/helm/qmk/Chart.yaml"):
        assert (root / name).read_bytes() == (ROOT / name).read_bytes()
    alone = ["unshare", "--net", "--map-root-user"] if shutil.which("unshare") else []
    unreached = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PYTHON": sys.executable}
    run(*alone, "sh", root / "install.sh", "installed", made["public_key"], cwd=tmp_path, **unreached)
    here = run(QMK, "run", ROOT / "examples" / "bell.qasm", "--shots", "1000", "--seed", "7", cwd=tmp_path)
    there = tmp_path / "installed" / "bin" / "qmk"
    given = ("run", ROOT / "examples" / "bell.qasm", "--shots", "1000", "--seed", "7")
    assert run(*alone, there, *given, cwd=tmp_path) == here
