"""Frameworks whose packages quarrel with ours or are large, each with an environment of its own that has QMK in it too.

``qmk engines install NAME`` makes it from ``locks/NAME.txt``, which has each package with its hashes (``make lock``
writes it from ``NAME.in``); a user's script then runs with the Python of that environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec


class Framework(msgspec.Struct, frozen=True):
    """``library``: its distribution. ``python`` and ``newest``: the oldest and the newest Python that it has wheels
    for, (0, 0) where QMK's own bounds hold."""

    name: str
    doc: str
    library: str
    python: tuple[int, int] = (0, 0)
    newest: tuple[int, int] = (0, 0)


FRAMEWORKS = {
    found.name: found
    for found in (
        Framework("tfq", "TensorFlow Quantum with TensorFlow 2.18", "tensorflow-quantum", newest=(3, 11)),
        Framework("strawberryfields", "Strawberry Fields with SciPy 1.13", "strawberryfields", newest=(3, 12)),
        Framework("catalyst", "PennyLane's compiler Catalyst", "pennylane-catalyst", newest=(3, 13)),
        Framework("bloqade-circuit", "Bloqade's circuits and their simulator", "bloqade-circuit"),
        Framework("mitiq", "Mitiq, under the GPL", "mitiq", newest=(3, 12)),
        Framework("torch", "PyTorch with PennyLane and JAX, for hybrid layers", "torch", newest=(3, 11)),
    )
}

LOCKS = Path(__file__).parent / "locks"


def lock_of(name: str) -> Path | None:
    """The file with every package of an environment, and its hashes; None: there is none for it."""
    path = LOCKS / f"{name}.txt"
    return path if path.is_file() else None


def pins(lock: Path) -> Iterator[str]:
    """The packages of a lock, such as ``numpy==2.2.6``."""
    for line in lock.read_text().splitlines():
        if line[:1].isalnum():
            yield line.split(" ")[0]
