"""What a graph says of its noise and of its logical qubits, for the provenance of its results.

Metadata is the submitter's word: the ops are what ran. So it is bounded, and printable.
"""

from __future__ import annotations

from typing import Any

from qmk.base.limits import LIMITS
from qmk.qvm.graph import Graph

HASH_CHARS = 12
LINES = 8
LINE_CHARS = 400
FIGURES = 64
"""Most lines for people, characters of each, and figures in a report of logical qubits."""


def labels(graph: Graph) -> dict[str, Any]:
    """Notes: "noise", the model that was put into the graph (``models.noise.apply``); "qec" and "logical", the report
    of the machine of logical qubits that it was written for (``models.qec.logical.on_machine``)."""
    return {**_noise(graph.metadata.get("noise")), **_qec(graph.metadata.get("qec"))}


def _noise(label: Any) -> dict[str, Any]:
    if not isinstance(label, dict):
        return {}
    name, digest = label.get("name"), label.get("hash")
    if not (isinstance(name, str) and isinstance(digest, str)):
        return {}
    return {"noise": f"{name[: LIMITS.name_chars] or 'noise'} [{digest[:HASH_CHARS]}]"}


def _qec(label: Any) -> dict[str, Any]:
    if not isinstance(label, dict):
        return {}
    lines, report = label.get("lines"), label.get("report")
    if not (isinstance(lines, list) and len(lines) <= LINES and all(_text(line) for line in lines)):
        return {}
    if not (isinstance(report, dict) and len(report) <= FIGURES and all(map(_figure, report.values()))):
        return {}
    return {"qec": lines, "logical": report}


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LINE_CHARS and value.isprintable()


def _figure(value: Any) -> bool:
    """A text, a number, or an interval."""
    if isinstance(value, list):
        return len(value) == 2 and all(isinstance(part, float | int) for part in value)
    return _text(value) or isinstance(value, float | int)
