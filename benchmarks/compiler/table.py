"""Tables of one target: each circuit, geometric means of ratios, the worst, and CPU time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.compiler.asked import PEERS

Row = dict[str, Any]

LIMIT = 1.1
"""No circuit should take more than this times the better peer's."""


def better_peer(row: Row) -> str | None:
    """The peer with fewer gates on two qubits, at equal gates the one with less depth; None where neither answered."""
    known = [name for name in PEERS if "gates" in row.get(name, {})]
    return min(known, key=lambda name: (row[name]["gates"], row[name]["depth"]), default=None)


def ratios(rows: Iterable[Row], mine: str) -> dict[str, list[float]]:
    """``gates`` and ``depth`` against the least of both peers; CPU time against all that the better one took, and
    (``one``) against a single seed of it. A circuit of which nothing is left has no ratios."""
    found: dict[str, list[float]] = {"gates": [], "depth": [], "cpu": [], "one": []}
    for row in rows:
        peer = better_peer(row)
        if peer is None or not row.get(mine, {}).get("gates") or not row[peer]["gates"]:
            continue
        own, other = row[mine], row[peer]
        for key in ("gates", "depth"):
            found[key].append(own[key] / min(row[name][key] for name in PEERS if key in row.get(name, {})))
        found["cpu"].append(own["cpu_s"] / other["cpu_s"])
        found["one"].append(own["cpu_s"] / other["one_s"])
    return found


def mean(values: Sequence[float]) -> float:
    """The geometric mean."""
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def _cell(row: Row, name: str) -> str:
    cell = row.get(name, {})
    if "gates" not in cell:
        return "-"
    seeds = f" ({cell['seeds']})" if name == "qiskit" else ""
    return f"{cell['gates']} / {cell['depth']}{seeds}"


def line(row: Row, mine: str) -> tuple[str, ...]:
    """Circuit, qubits, two-qubit gates of the text, gates / depth of QMK and of each peer (Qiskit: seeds that its time
    was enough for), and what QMK takes over the better: gates / depth, CPU time."""
    found = ratios([row], mine)
    both = f"{found['gates'][0]:.3f} / {found['depth'][0]:.3f}" if found["gates"] else "-"
    spent = f"{found['cpu'][0]:.3f}" if found["gates"] else "-"
    cells = (_cell(row, name) for name in (mine, *PEERS))
    return (row["circuit"], str(row["qubits"]), str(row["raw"]), *cells, both, spent)


HEAD = ("circuit", "qubits", "in the text", "QMK", "Qiskit", "pytket", "QMK / better", "CPU time")


def table(target: str, rows: Sequence[Row], mine: str) -> str:
    """Markdown of one target."""
    lines = [f"### {target}", "", "| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    lines += ["| " + " | ".join(line(row, mine)) + " |" for row in rows]
    return "\n".join([*lines, "", summary(rows, mine), ""])


def summary(rows: Sequence[Row], mine: str) -> str:
    """One line of means, losses and the worst."""
    found = ratios(rows, mine)
    if not found["gates"]:
        return "No circuit has figures of QMK and of a peer."
    parts = [f"{len(found['gates'])} circuits"]
    for key in ("gates", "depth"):
        more = sum(value > 1 for value in found[key])
        beyond = sum(value > LIMIT for value in found[key])
        parts.append(
            f"{key} {mean(found[key]):.3f} (more on {more}, above {LIMIT:.2f} on {beyond}, worst {max(found[key]):.2f})"
        )
    parts.append(f"CPU {mean(found['cpu']):.3f} of all seeds of the better peer, {mean(found['one']):.2f} of one")
    return "; ".join(parts) + "."
