"""Sequences of Pulser for tests: small documents that are changed, and what Pulser itself made of some."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from qmk import frontends
from qmk.qvm.graph import Graph

DATA = Path(__file__).resolve().parents[2] / "data" / "atoms"
Document = dict[str, Any]


def constant(duration: Any = 100, value: Any = 5.0) -> Document:
    return {"kind": "constant", "duration": duration, "value": value}


def pulse(channel: str = "r", amplitude: Any = None, detuning: Any = None, **more: Any) -> Document:
    return {
        "op": "pulse",
        "channel": channel,
        "protocol": "min-delay",
        "amplitude": amplitude or constant(),
        "detuning": detuning or constant((amplitude or {}).get("duration", 100), 0.0),
        "phase": 0.0,
        "post_phase_shift": 0.0,
        **more,
    }


def document(*operations: Document, channels: dict[str, str] | None = None, **more: Any) -> Document:
    """Three atoms, far apart, on Pulser's device without bounds."""
    made = {
        "version": "1",
        "name": "pulser-exported",
        "register": [{"name": f"q{k}", "x": 100.0 * k, "y": 0.0} for k in range(3)],
        "channels": channels or {"r": "rydberg_global"},
        "variables": {},
        "operations": list(operations) or [pulse()],
        "measurement": "ground-rydberg",
        "pulser_version": "1.9.1",
        "device": "MockDevice",
        **more,
    }
    return copy.deepcopy(made)


def text(made: Document) -> bytes:
    return json.dumps(made).encode()


def read(given: Document | bytes, **params: Any) -> Graph:
    data = given if isinstance(given, bytes) else text(given)
    return frontends.load(data, path="p.json", format="pulser", params=params or None).graph


def evolution(graph: Graph) -> dict[str, Any]:
    return next(node.args for node in graph.nodes if node.op.startswith("analog."))


def sampled() -> list[Document]:
    """Sequences (``sequence``) with what Pulser's sampler made of them (``light``), and their ``duration`` in ns."""
    known = json.loads((DATA / "pulser_samples.json").read_text())
    for case in known["cases"]:
        case["sequence"]["device"] = known["devices"][case["device"]]
    found: list[Document] = known["cases"]
    return found


def written_out(name: str) -> Document:
    """One of Pulser's devices as the file of a sequence writes it."""
    case = {"MockDevice": "phase_1", "DigitalAnalogDevice": "digital_cz_2"}[name]
    found: Document = json.loads((DATA / f"{case}.pulser.json").read_text())["device"]
    assert found["name"] == name
    return found
