"""``docs/reference/zoned.md``: plans for zoned atoms beside mqt.qmap's, from a run of ``benchmarks.zoned``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pages import NOTICE, ROOT, table, write_or_check

sys.path.insert(0, str(ROOT))
from benchmarks.zoned import fastest, summary

RESULTS = ROOT / "benchmarks" / "results" / "zoned.json"

INTRO = """# Zoned atoms beside mqt.qmap

Public circuits of up to 60 qubits on one architecture (20 x 100 storage sites, 7 x 20 pairs), compiled by QMK and by
both zoned compilers of mqt.qmap 3.11.0 with their defaults, of which the faster result counts. All get the same CZ and
U gates from `qmk.compile`. [One model](../howto/zoned.md#the-model) scores both. Moves of the peer between picking up
and dropping count as one ride; its own evaluation stops at each of them. `python -m benchmarks.zoned` makes these
figures. Circuits with feed-forward, which the peer does not take, and of more than {most} CZ are left out.

"""


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    mine, peer = row["qmk"], fastest(row)
    return (
        row["circuit"],
        str(row["qubits"]),
        str(mine["gates_2q"]),
        f"{mine['time_us'] / 1e3:.2f}",
        f"{peer['time_us'] / 1e3:.2f}",
        f"{mine['time_us'] / peer['time_us']:.2f}",
        f"{mine['fidelity']:.3g}",
        f"{peer['fidelity']:.3g}",
        f"{mine['rides']} / {peer['rides']}",
        f"{mine['moves']} / {peer['moves']}",
        f"{mine['cpu_s']:.1f} / {sum(each['cpu_s'] for each in row['peers'].values()):.2f}",
    )


HEADS = (
    "circuit",
    "qubits",
    "CZ",
    "QMK, ms",
    "peer, ms",
    "ratio",
    "fidelity",
    "peer's",
    "rides",
    "moved atoms",
    "CPU s",
)


def pages() -> dict[str, str]:
    found = json.loads(RESULTS.read_text())
    rows = sorted(found["rows"], key=lambda row: row["circuit"])
    text = NOTICE.format(script="generate_zoned.py") + INTRO.format(most=max(row["qmk"]["gates_2q"] for row in rows))
    text += "".join(f"- {line}\n" for line in summary(rows)) + "\n"
    text += table(HEADS, [_cells(row) for row in rows])
    return {str(Path("docs/reference/zoned.md")): text.rstrip() + "\n"}


if __name__ == "__main__":
    sys.exit(write_or_check(pages(), sys.argv[1:]))
