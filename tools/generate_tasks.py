"""``docs/reference/tasks.md`` from the scripts of ``benchmarks/tasks`` and the last result of its runner."""

from __future__ import annotations

import json
import sys
from datetime import date
from typing import Any

from pages import NOTICE, ROOT, table, write_or_check

sys.path.insert(0, str(ROOT))

from benchmarks.tasks import LIBRARIES, RESULTS, SCRIPTS, TASKS, Task

INTRO = """# Ten everyday tasks

After this page you know what ten everyday tasks look like in QMK, in Qiskit with Aer and in PennyLane, and what each
costs. Every script is complete, is written as a user of that library would write it, and takes the fastest way that we
know in that library. All were run in one go on {day}, on {machine}, one thread each, the
least of {times}. What a script prints is checked: exact numbers to their digits, sampled ones within five
standard deviations.

*Lines* are neither blank nor comments. *Process* is the CPU time of the script as a process, with the start of Python
and all imports. *Work* is that of the script run again where everything is imported and nothing is kept of earlier
programs. *Ratio* is to the faster of Qiskit and PennyLane. Where QMK is behind, the text of the task says so.

"""

AFTER = """
Versions: {versions}.
`python -m benchmarks.tasks --peers PYTHON` measures them anew ([benchmarks](../../benchmarks/README.md)).
"""


def page() -> str:
    results = json.loads(RESULTS.read_text())
    rows = results["rows"]
    day = date.fromisoformat(results["date"])
    intro = INTRO.format(
        day=f"{day:%d %B %Y}".lstrip("0"), machine=results["machine"], times=f"{results['times']} runs"
    )
    head = ("task", *(f"lines: {name}" if name == "QMK" else name for name in LIBRARIES))
    head += tuple(f"{kind}: {name}" if name == "QMK" else name for kind in ("process", "work") for name in LIBRARIES)
    overview = table((*head, "ratio of work"), [_row(task, rows) for task in TASKS if not task.extra])
    versions = {**results["peers"], "QMK": results["qmk"]["quantum-microkernel"]}
    python = versions.pop("python")
    named = ", ".join(f"{name} {version}" for name, version in sorted(versions.items(), key=lambda row: row[0].lower()))
    text = f"QMK under Python {results['qmk']['python']}, the others under {python}; {named}"
    parts = [NOTICE.format(script="generate_tasks.py"), intro, overview, AFTER.format(versions=text)]
    return "".join([*parts, *(_section(task, rows) for task in TASKS)])


def _row(task: Task, rows: dict[str, Any]) -> tuple[str, ...]:
    found = [rows[task.scripts[name]] for name in LIBRARIES]
    cells = [f"[{task.title}](#{task.title.lower().replace(' ', '-')})", *(str(row["lines"]) for row in found)]
    cells += [f"{row['process_s']:.2f} s" for row in found]
    cells += [_time(row["work_s"]) for row in found]
    return (*cells, f"{_ratio(found, 'work_s'):.2g}")


def _ratio(found: list[dict[str, Any]], kind: str) -> float:
    return found[0][kind] / min(row[kind] for row in found[1:])


def _time(seconds: float) -> str:
    return (
        f"{seconds:.2g} s"
        if seconds >= 1
        else f"{1000 * seconds:.2g} ms"
        if seconds < 0.1
        else f"{1000 * seconds:.0f} ms"
    )


def _section(task: Task, rows: dict[str, Any]) -> str:
    found = [rows[task.scripts[name]] for name in LIBRARIES]
    lines = [
        (name, str(row["lines"]), f"{row['process_s']:.2f} s", _time(row["work_s"]), _output(row["output"]))
        for name, row in zip(LIBRARIES, found, strict=True)
    ]
    ratios = f"{_ratio(found, 'process_s'):.2g}", f"{_ratio(found, 'work_s'):.2g}"
    lines.append(("ratio", "", *ratios, ""))
    what = " ".join(part for part in (task.what, task.note) if part)
    parts = [f"\n## {task.title}\n{what}\n\n", table(("", "lines", "process", "work", "output"), lines)]
    shown: dict[str, list[str]] = {}
    for name in LIBRARIES:
        shown.setdefault(task.scripts[name], []).append(name)
    for script, names in shown.items():
        title = names[0] if len(names) == 1 else "Stim and PyMatching"
        skip = "" if "QMK" in names else "<!-- not run: needs other libraries -->\n"
        parts.append(f"\n{title}:\n\n{skip}```python\n{(SCRIPTS / f'{script}.py').read_text()}```\n")
    return "".join(parts)


def _output(text: str) -> str:
    """The first line of an output."""
    first, _, more = text.partition("\n")
    return f"`{first}`{' ...' if more else ''}"


if __name__ == "__main__":
    sys.exit(write_or_check({"docs/reference/tasks.md": page()}, sys.argv[1:]))
