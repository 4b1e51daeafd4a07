"""Runs tutorials of other frameworks as they are and with one line changed, and writes what they print and take.

    python -m benchmarks.one_line [--times N] [--only NAME,...] [--python NAME=PATH ...]

``seconds`` are CPU seconds of a whole process with its imports, the least of N; QMK's modules are compiled before, as
those of an installed package are. Pictures of the changed ones go to
``docs/images``. A tutorial that prints other numbers than its original ends the run; one whose framework is not
installed is listed as not run. ``make docs`` writes the page.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.one_line import RESULTS, ROOT, SCRIPTS, TUTORIALS, Tutorial, changed, deviation, original
from qmk.sdk import interpreters

QUIET = {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore", "MPLBACKEND": "agg"}
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def run(python: Path, source: str, folder: Path) -> tuple[str, float]:
    """What a script prints, and its CPU seconds. Raises RuntimeError with its errors where it fails."""
    (folder / "script.py").write_text(source)
    environment = {**os.environ, **QUIET, **ONE_THREAD, "PYTHONPATH": str(ROOT / "src")}
    with open(folder / "said", "w+") as said, open(folder / "wrong", "w+") as wrong:
        process = subprocess.Popen([python, "script.py"], cwd=folder, env=environment, stdout=said, stderr=wrong)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError((folder / "wrong").read_text()[-2000:])
    return (folder / "said").read_text(), usage.ru_utime + usage.ru_stime


def python_of(tutorial: Tutorial) -> Path | None:
    """The Python with its framework; None where there is none."""
    if tutorial.environment == "given":
        return None
    if not tutorial.environment:
        return Path(sys.executable)
    record = interpreters.record_of(tutorial.environment)
    return record.with_name("bin") / "python" if record.exists() else None


def measure(tutorial: Tutorial, python: Path, times: int) -> dict[str, Any]:
    source = (SCRIPTS / f"{tutorial.name}.py").read_text()
    ours, _, _ = changed(source)
    best = {"original": float("inf"), "changed": float("inf")}
    said: dict[str, str] = {}
    subprocess.run([python, "-m", "compileall", "-q", ROOT / "src" / "qmk"], check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(times):
            for which, text in (("original", original(source)), ("changed", ours)):
                said[which], seconds = run(python, text, folder)
                best[which] = min(best[which], seconds)
        picture = (folder / "picture.svg").read_text()
    off = deviation(said["original"], said["changed"])
    if off > tutorial.within:
        raise RuntimeError(f"it prints {said['changed']!r}, its original {said['original']!r}")
    (ROOT / "docs" / "images" / f"one-line-{tutorial.name}.svg").write_text(picture)
    return {"said": said, "seconds": {which: round(value, 2) for which, value in best.items()}, "times": times}


def versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in (
        "quantum-microkernel",
        "qiskit",
        "qiskit-aer",
        "pennylane",
        "pennylane-lightning",
        "cirq-core",
        "stim",
    ):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--only", default="", help="names; the results of others stay")
    parser.add_argument("--python", action="append", default=[], help="NAME=PATH: the Python of a tutorial")
    arguments = parser.parse_args()
    given = {name: Path(path) for name, path in (each.split("=", 1) for each in arguments.python)}
    rows = json.loads(RESULTS.read_text())["rows"] if arguments.only and RESULTS.exists() else {}
    for tutorial in TUTORIALS:
        if arguments.only and tutorial.name not in arguments.only.split(","):
            continue
        python = given.get(tutorial.name) or python_of(tutorial)
        if python is None:
            print(f"{tutorial.name:14} not run: its framework is not here", flush=True)
            continue
        row = rows[tutorial.name] = measure(tutorial, python, arguments.times)
        print(f"{tutorial.name:14} {row['seconds']}  {row['said']['changed'].strip()}", flush=True)
    results = {"date": datetime.date.today().isoformat(), "versions": versions(), "rows": rows}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
