"""Measures ten everyday tasks in QMK, Qiskit and PennyLane, and writes ``benchmarks/results/tasks.json``.

    python -m benchmarks.tasks --peers PYTHON [--times N] [--only NAME,...]

PYTHON has qiskit, qiskit-aer, pennylane, pennylane-lightning, jax, scipy, stim, pymatching and qdk. ``process``: CPU
seconds of a script as a process of its own, with the start of Python and all imports; ``work``: of the script run again
in a process that has imported everything, with what QMK keeps of earlier programs forgotten. Both are the least of N,
one thread each. A script that prints wrong numbers ends the run. ``make docs`` writes the page.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.tasks import RESULTS, ROOT, SCRIPTS, TASKS, Task, lines_of

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
PACKAGES = (
    "qiskit",
    "qiskit-aer",
    "pennylane",
    "pennylane-lightning",
    "jax",
    "scipy",
    "numpy",
    "stim",
    "pymatching",
    "qdk",
)
VERSIONS = (
    "import json, platform, sys; from importlib.metadata import version; "
    "print(json.dumps({'python': platform.python_version(), **{name: version(name) for name in sys.argv[1:]}}))"
)


def environment(folder: str) -> dict[str, str]:
    """One thread, nothing kept from earlier runs, and for QMK the sources beside this file."""
    kept = {"PYTHONPATH": str(ROOT / "src"), "QMK_STATE_DIR": folder, "QMK_RATES": f"{folder}/rates.json"}
    return {**os.environ, **ONE_THREAD, **kept, "PYTHONWARNINGS": "ignore"}


def process_s(command: list[str], folder: str) -> float:
    """CPU seconds of a process and its children."""
    process = subprocess.Popen(command, cwd=folder, env=environment(folder), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def measure(task: Task, script: str, python: str, times: int) -> dict[str, Any]:
    """The row of a script. Ends the run where its numbers are wrong."""
    path = str(SCRIPTS / f"{script}.py")
    with tempfile.TemporaryDirectory() as folder:
        process = min(process_s([python, path], folder) for _ in range(times))
        command = [python, str(Path(__file__).with_name("once.py")), path, str(times + 1)]
        done = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    if wrong := task.deviations(found["output"]):
        sys.exit(f"{script}: {wrong}")
    least = min(found["seconds"][1:])
    return {
        "lines": lines_of(script),
        "process_s": round(process, 3),
        "work_s": float(f"{least:.3g}"),
        "output": found["output"].rstrip("\n"),
    }


def versions(python: str, names: tuple[str, ...]) -> dict[str, str]:
    done = subprocess.run([python, "-c", VERSIONS, *names], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True, metavar="PYTHON")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--only", default="", help="names of tasks; the results of others stay")
    arguments = parser.parse_args()
    wanted = arguments.only.split(",") if arguments.only else [task.name for task in TASKS]
    rows = json.loads(RESULTS.read_text())["rows"] if arguments.only else {}
    for task in TASKS:
        if task.name not in wanted:
            continue
        for script in dict.fromkeys(task.scripts.values()):
            python = sys.executable if script == task.scripts["QMK"] else arguments.peers
            row = rows[script] = measure(task, script, python, arguments.times)
            print(f"{script:22} {row['lines']:4} lines  {row['process_s']:7} s  {row['work_s']:8} s", flush=True)
    results = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{os.cpu_count()} shared cores, {platform.machine()}",
        "times": arguments.times,
        "qmk": versions(sys.executable, ("quantum-microkernel", "numpy", "scipy", "stim", "pymatching")),
        "peers": versions(arguments.peers, PACKAGES),
        "rows": rows,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
