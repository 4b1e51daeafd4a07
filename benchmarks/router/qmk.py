"""QMK itself, in the same harness as its peers: text in, counts out, nothing kept from one call to the next."""

from __future__ import annotations

from typing import Any

import qmk_native

import qmk

REWRITES = ("constants", "peephole", "dead", "schedule", "hoist", "reuse")
SIMULATORS = ("frame", "dense", "mps", "cut")
METHODS = ("", "run", "as_written", "rewritten", *(f"without_{name}" for name in REWRITES), *SIMULATORS)
"""how ``qmk.sample`` runs it by itself; ``qmk.run``; without rewrites; with all rewrites, whether or not it looks as if
they pay; with all but one; on one of its simulators only"""

MEMORY_BYTES = 12 << 30


def sample(text: str, shots: int, method: str) -> dict[str, int]:
    if method == "rewritten" or method.startswith("without_"):
        without = method.removeprefix("without_")
        circuit, _ = qmk_native.rewrite(
            qmk_native.read_qasm(text), shots=shots, **({} if method == "rewritten" else {without: False})
        )
        plan = qmk_native.Plan(circuit, shots, memory=MEMORY_BYTES, rewrites=False)
        return plan.run(shots, 1)[0].counts()
    if method == "run":
        return qmk.run(text, shots=shots, cache=False).counts
    return _sampled(text, shots, method).counts


def _sampled(text: str, shots: int, method: str) -> qmk.Sampled:
    if method in ("", "as_written"):
        return qmk.sample(text, shots=shots, rewrites=not method, cache=False)
    return qmk.sample(text, shots=shots, engine=f"native:{method}", cache=False)


def canonical(counts: dict[str, int], text: str) -> dict[str, int]:
    """Printed like Qiskit's: the last bit of the last register first."""
    return {key.replace(" ", "")[::-1]: number for key, number in counts.items()}


def explain(text: str, shots: int, method: str) -> dict[str, Any]:
    if method == "run":
        return {"ran": qmk.run(text, shots=shots, cache=False).engine}
    if method:
        return {}
    found = _sampled(text, shots, method)
    return {"ran": f"{found.engine}:{found.method}", "candidates": found.candidates[:4]}
