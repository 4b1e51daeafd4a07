"""``docs/reference/one-line.md``: tutorials of other frameworks with one line changed, from the scripts and a run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pages import NOTICE, ROOT, table, write_or_check

sys.path.insert(0, str(ROOT))
from benchmarks.one_line import RESULTS, SCRIPTS, TUTORIALS, Tutorial, changed, original

INTRO = """# Other frameworks' tutorials, one line changed

Each script below is what a user of that framework writes, after the tutorial that its first line names. The marked line
is the only one that differs when it runs on QMK. Both print the same numbers, up to the scatter of shots; the times are
CPU seconds of the whole process, most of them imports, with one thread, on a busy machine.
`python -m benchmarks.one_line` runs them.

"""


def section(tutorial: Tutorial, row: dict[str, Any] | None) -> str:
    source = (SCRIPTS / f"{tutorial.name}.py").read_text()
    _, old, new = changed(source)
    own = tutorial.environment not in ("", "given")
    where = f"\n\nIt needs `qmk engines install {tutorial.environment}`." if own else ""
    lines = [f"## {tutorial.title}", "", f"```diff\n- {old}\n+ {new}\n```{where}", ""]
    if row is None:
        lines += ["Not run: its framework was not at hand when this page was made.", ""]
    else:
        said = row["said"]
        lines += [f"```text\noriginal  {said['original'].strip()}\nchanged   {said['changed'].strip()}\n```", ""]
        lines += [f"![{tutorial.title}](../images/one-line-{tutorial.name}.svg)", ""]
    lines += ["<details><summary>The script</summary>", "", "<!-- not run: benchmarks/one_line runs it -->"]
    lines += [f"```python\n{original(source).strip()}\n```", "", "</details>", ""]
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"rows": {}}
    rows = found["rows"]
    summary = [
        (
            tutorial.title,
            tutorial.framework,
            str(rows[tutorial.name]["seconds"]["original"]) if tutorial.name in rows else "not run",
            str(rows[tutorial.name]["seconds"]["changed"]) if tutorial.name in rows else "not run",
        )
        for tutorial in TUTORIALS
    ]
    text = NOTICE.format(script="generate_one_line.py") + INTRO
    text += table(("tutorial", "framework", "original (CPU s)", "on QMK (CPU s)"), summary) + "\n"
    text += "".join(section(tutorial, rows.get(tutorial.name)) for tutorial in TUTORIALS)
    return {str(Path("docs/reference/one-line.md")): text.rstrip() + "\n"}


if __name__ == "__main__":
    sys.exit(write_or_check(pages(), sys.argv[1:]))
