"""The circuits that every compiler gets: without gates that no measurement can see, which are nobody's gain."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.compiler.hamiltonians import NAMES, hamiltonian
from qmk.compiling.straight import Rows, rows_of, with_ops

if TYPE_CHECKING:
    from qmk_native import Circuit

DIAGONAL = frozenset({"id", "z", "s", "sdg", "t", "tdg", "p", "rz", "cz", "cp", "crz", "rzz", "ccz"})


def visible(rows: Rows) -> Rows:
    """Without gates on qubits that no later measurement depends on, and without diagonal gates right before the
    measurements of all their qubits. A circuit that measures nothing stays as it is."""
    if not any(row[0] == "measure" for row in rows):
        return rows
    live, unturned, kept = set[int](), set[int](), list[tuple[str, list[int], list[float], int]]()
    for row in reversed(rows):
        name, qubits = row[0], row[1]
        if name == "measure":
            live.update(qubits)
            unturned.update(qubits)
        elif not live.intersection(qubits) or (
            name in DIAGONAL and all(q in unturned or q not in live for q in qubits)
        ):
            continue
        else:
            live.update(qubits)
            unturned.difference_update(qubits)
        kept.append(row)
    return kept[::-1]


def circuit_of(name: str) -> Circuit | None:
    """The circuit of a path or of a generated name; None for one with feed-forward, resets or noise."""
    import qmk_native

    from qmk.compiling.lowering import circuit_from
    from qmk.request.program import to_graph

    if name in NAMES:
        made = hamiltonian(name)
    else:
        try:
            made = qmk_native.read_qasm(Path(name).read_bytes())
        except qmk_native.Declined:
            made = circuit_from(to_graph(Path(name)), "benchmark").circuit
    rows = rows_of(made)
    return None if rows is None else with_ops(visible(rows), made.n_qubits, made)


def names_in(folder: Path) -> Iterable[str]:
    """Paths of a folder's circuits, and then the generated ones."""
    return [*(str(path) for path in sorted(folder.glob("*.qasm"))), *NAMES]
