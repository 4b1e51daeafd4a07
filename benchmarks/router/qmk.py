"""QMK itself, in the same harness as its peers: text in, counts out, nothing kept from one call to the next."""

from __future__ import annotations

from typing import Any

import qmk

METHODS = ("", "as_written", "frame", "dense", "mps", "cut")
"""how QMK runs it by itself; without rewrites; on one of its simulators only"""


def sample(text: str, shots: int, method: str) -> dict[str, int]:
    return _sampled(text, shots, method).counts


def _sampled(text: str, shots: int, method: str) -> qmk.Sampled:
    if method in ("", "as_written"):
        return qmk.sample(text, shots=shots, rewrites=not method)
    return qmk.sample(text, shots=shots, engine=f"native:{method}")


def canonical(counts: dict[str, int], text: str) -> dict[str, int]:
    """Printed like Qiskit's: the last bit of the last register first."""
    return {key.replace(" ", "")[::-1]: number for key, number in counts.items()}


def explain(text: str, shots: int, method: str) -> dict[str, Any]:
    found = _sampled(text, shots, method)
    return {"ran": f"{found.engine}:{found.method}", "candidates": found.candidates[:4]}
