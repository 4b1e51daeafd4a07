"""A notebook in a real kernel: magics, a live job, an error that ends the run, and a page without a kernel.

The kernel's packages are in nobody's extras: an environment made for the test has them (needs the package index)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunningDaemon

RUN = """
import json, sys
import nbformat
from nbclient import NotebookClient
cells = [nbformat.v4.new_code_cell(text) for text in json.load(sys.stdin)]
book = nbformat.v4.new_notebook(cells=cells)
NotebookClient(book, timeout=120, kernel_name="qmk-test", allow_errors=True).execute()
nbformat.validate(book)
print(nbformat.writes(book))
"""
BELL = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;\n'


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A Python with the packages of a kernel beside those of this environment, and the variables to run it with."""
    folder = tmp_path_factory.mktemp("kernel")
    venv.create(folder, with_pip=True, system_site_packages=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "ipykernel", "nbclient", "nbformat"], check=True)
    spec = folder / "share" / "jupyter" / "kernels" / "qmk-test"
    spec.mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "QMK", "language": "python"}))
    # the new packages come last: what is tested is the IPython and the QMK of this environment
    packages = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    path = os.pathsep.join([*filter(None, sys.path), str(packages)])
    return python, {**os.environ, "PYTHONPATH": path, "JUPYTER_PATH": str(folder / "share" / "jupyter")}


@pytest.mark.conformance
@pytest.mark.timeout(600)
def test_a_notebook_in_a_real_kernel(kernel: tuple[Path, dict[str, str]], daemon: RunningDaemon) -> None:
    python, environment = kernel
    cells = [
        "%load_ext qmk",
        f"%%qmk --shots 100 --seed 7 --into bell\n{BELL}",
        f"%%qmk --background --socket {daemon.socket} --shots 50 --seed 7\n{BELL}",
        "import threading\njob = _\n[each.join(30) for each in threading.enumerate() if each.name == 'qmk-job-view']\n"
        "job.status().state",
        f"%%qmk\n{BELL.replace('h q[0]', 'h r[0]')}",
        "%qmk jobs --socket " + str(daemon.socket),
    ]
    done = subprocess.run(
        [python, "-c", RUN], input=json.dumps(cells), env=environment, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    book: dict[str, Any] = json.loads(done.stdout)
    outputs = [cell["outputs"] for cell in book["cells"]]
    assert "100 shots on native" in "".join(outputs[1][0]["data"]["text/html"])
    job = outputs[2][0]  # updated in place: one output, and its last state
    assert len(outputs[2]) == 1
    assert "COMPLETED" in "".join(job["data"]["text/html"])
    assert "50 shots" in "".join(job["data"]["text/html"])
    assert "".join(outputs[3][0]["data"]["text/plain"]) == "'COMPLETED'"
    error = outputs[4][0]
    assert error["output_type"] == "error"
    assert "cell:6:3: error: " in re.sub(r"\x1b\[[0-9;]*m", "", error["traceback"][0])
    assert not any("File " in line for line in error["traceback"])
    assert "COMPLETED" in "".join(text for each in outputs[5] for text in each["text"])
