"""Makes the table of logical errors that is shipped: ``python -m benchmarks.qec.calibrate OUT.json``.

Half an hour of one core. Rows that OUT has are left alone, so that it can be ended and started again.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from qmk.models.qec.tables import AWAY, MERGES, WALL, Row, Table, measure

SEED = 20261122
BASES: tuple[Literal["X", "Z"], ...] = ("X", "Z")
WAITS = ("prepare_measure", "idle", "inject_t")
JOINS = (*MERGES, *AWAY, WALL)
KINDS = {"memory": ("memory",), "waits": WAITS, "joins": JOINS, "surgery": (*WAITS, *JOINS)}

PLAN: tuple[tuple[str, str, tuple[int, ...], tuple[float, ...], int, int], ...] = (
    ("surgery", "surface", (5,), (1e-3,), 1_500_000, 4_000),
    ("surgery", "surface", (3,), (1e-3, 2e-3, 3e-3), 1_000_000, 4_000),
    ("memory", "surface", (3, 5, 7), (2e-3, 3e-3, 5e-3, 1.5e-2), 300_000, 1_500),
    ("memory", "bacon_shor", (3, 5, 7), (1e-3, 3e-3, 5e-3), 200_000, 1_500),
    ("memory", "surface", (9,), (3e-3, 5e-3), 200_000, 1_000),
    ("memory", "bacon_shor", (9,), (3e-3, 5e-3), 100_000, 1_000),
    ("memory", "surface", (3, 5, 7), (1e-3,), 1_500_000, 1_500),
    ("waits", "surface", (7,), (1e-3,), 1_500_000, 4_000),
    ("joins", "surface", (7,), (1e-3,), 500_000, 1_000),
    ("surgery", "surface", (5,), (2e-3, 3e-3), 300_000, 1_000),
)
"""what, family, distances, p of the noise ``p=P``, most shots and errors of a row"""


Job = tuple[str, str, int, float, Literal["X", "Z"], int, int]


def wanted() -> Iterator[Job]:
    """Kind, family, distance, p, basis, most shots and errors of every row."""
    for what, family, distances, strengths, shots, max_errors in PLAN:
        for p, d in itertools.product(strengths, distances):
            for kind in KINDS[what]:
                for basis in BASES if kind not in AWAY else (("X",) if kind == AWAY[0] else ("Z",)):
                    yield kind, family, d, p, basis, shots, max_errors


def main(path: Path) -> None:
    table = Table.load(path) if path.exists() else Table()
    known = {(row.kind, row.family, row.d, row.noise, row.basis) for row in table.rows}
    for kind, family, d, p, basis, shots, max_errors in wanted():
        noise = f"p={p:g}"
        if (kind, family, d, noise, basis) in known:
            continue
        begin = time.process_time()
        row = measure(kind, f"{family}(d={d})", noise, basis, shots=shots, max_errors=max_errors, seed=SEED)
        table = table.with_rows([row])
        path.write_bytes(table.to_json())
        print(_line(row, time.process_time() - begin), flush=True)


def _line(row: Row, cpu_s: float) -> str:
    return f"{row.family} d={row.d} {row.noise} {row.kind} {row.basis}: {row.errors_any} of {row.shots}, {cpu_s:.1f} s"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
