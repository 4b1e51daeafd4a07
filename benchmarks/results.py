"""Results of benchmarks that pages of the documentation show: JSON files in ``benchmarks/results``.

A file has ``command``, ``measured`` (a date), ``versions`` by package, ``rows``, and what else its page wants. A page
is generated from them (``tools/generate_speed.py``), so that a benchmark that is run again with ``--json`` changes it.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"


def write(path: Path, rows: Sequence[Mapping[str, Any]], versions: Mapping[str, str], **more: Any) -> None:
    """Write the figures of the benchmark that this process is, measured today."""
    main = sys.modules["__main__"].__spec__
    name = main.name.removesuffix(".__main__") if main else Path(sys.argv[0]).stem
    command = shlex.join(["python", "-m", name, *sys.argv[1:]])
    measured = datetime.now(UTC).date().isoformat()
    result = {"command": command, "measured": measured, "versions": dict(versions), **more, "rows": list(rows)}
    lines = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in rows)
    head = json.dumps({**result, "rows": []}, indent=1, ensure_ascii=False)
    path.write_text(head.removesuffix("[]\n}") + f"[\n{lines}\n ]\n}}\n")


def read(name: str) -> dict[str, Any]:
    """The committed results of a name."""
    return json.loads((FOLDER / f"{name}.json").read_text())
