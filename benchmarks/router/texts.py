"""Text for peers whose own readers know few gates: unrolled to what they know by Qiskit, off the clock."""

from __future__ import annotations

from pathlib import Path


class Texts:
    """Writes each circuit once for each set of gates, into ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[tuple[Path, frozenset[str]], Path] = {}

    def readable(self, path: Path, known: frozenset[str]) -> Path:
        """The file itself where its text needs no change or cannot be unrolled (control flow), else one of the same
        circuit in ``known`` gates alone. An empty set knows all gates."""
        if not known:
            return path
        found = self._written.get((path, known))
        if found is None:
            text = _unrolled(path.read_text(), known)
            found = path if text is None else self._folder / f"{path.stem}.{len(self._written)}.qasm"
            if text is not None:
                found.write_text(text)
            self._written[path, known] = found
        return found


def _unrolled(text: str, known: frozenset[str]) -> str | None:
    """The circuit in ``known`` gates, without barriers; None where it is so already, or cannot be written so."""
    from qiskit import qasm2
    from qiskit.exceptions import QiskitError

    from benchmarks.router.peers.walk import Refused, load, unrolled

    try:
        circuit = load(text)
        if not any(name not in known for name in circuit.count_ops()):
            return None
        plain = unrolled(circuit, known | {"barrier"})
        plain.data = [item for item in plain.data if item.operation.name != "barrier"]
        return qasm2.dumps(plain)
    except (Refused, QiskitError, ValueError):
        return None
