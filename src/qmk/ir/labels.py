"""What a graph says of its noise and of its logical qubits, for the provenance of its results.

Metadata is the submitter's word: the ops are what ran. So it is bounded, and printable.
"""

from __future__ import annotations

from typing import Any, cast

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


def _noise(label: object) -> dict[str, Any]:
    if not isinstance(label, dict):
        return {}
    said = cast("dict[object, object]", label)
    name, digest = said.get("name"), said.get("hash")
    if not (isinstance(name, str) and isinstance(digest, str)):
        return {}
    return {"noise": f"{name[: LIMITS.name_chars] or 'noise'} [{digest[:HASH_CHARS]}]"}


def _qec(label: object) -> dict[str, Any]:
    if not isinstance(label, dict):
        return {}
    said = cast("dict[object, object]", label)
    lines, report = said.get("lines"), said.get("report")
    if not isinstance(lines, list) or not isinstance(report, dict):
        return {}
    texts, figures = cast("list[object]", lines), cast("dict[object, object]", report)
    if len(texts) > LINES or not all(map(_text, texts)):
        return {}
    if len(figures) > FIGURES or not all(map(_figure, figures.values())):
        return {}
    return {"qec": texts, "logical": figures}


def _text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LINE_CHARS and value.isprintable()


def _figure(value: object) -> bool:
    """A text, a number, or an interval."""
    if isinstance(value, list):
        ends = cast("list[object]", value)
        return len(ends) == 2 and all(isinstance(part, float | int) for part in ends)
    return _text(value) or isinstance(value, float | int)
