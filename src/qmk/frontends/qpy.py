"""Front-end ``qpy``: Qiskit's own binary form of a circuit, read by Qiskit, where that is installed.

A file of several circuits is refused: a program is one.
"""

from __future__ import annotations

import io
from typing import Any

from qmk.base.errors import Finding, invalid_graph
from qmk.qvm.graph import Graph
from qmk.sdk import discovery
from qmk.sdk.frontend import Frontend, Inputs, Source
from qmk.sdk.references import require, resolve


def recognise(data: bytes) -> int:
    return 100 if data.startswith(b"QISKIT") else 0


def _read(source: Source) -> Any:
    """The circuit in the file as one of ours, by the adapter for Qiskit's objects."""
    qpy = require("qiskit.qpy", "reading QPY", "quantum-microkernel[qiskit]")
    try:
        found = qpy.load(io.BytesIO(source.data))
    except Exception as error:  # what a broken file makes it raise is not limited
        message = f"Qiskit cannot read this: {str(error).strip() or type(error).__name__:.200}"
        fix = "write it anew with qiskit.qpy.dump, of a version of Qiskit not newer than the one here"
        raise invalid_graph([Finding("QPY-01", message, fix, file=source.name)]) from None
    if len(found) != 1:
        message = f"the file has {len(found)} circuits"
        raise invalid_graph([Finding("QPY-02", message, "write one circuit into a file", file=source.name)])
    return resolve(discovery.adapters()["qiskit"].reader)(found[0])


def parse(source: Source) -> Graph:
    return _read(source).to_graph(source.params)


def inputs(source: Source) -> Inputs:
    return _read(source).inputs


FRONTEND = Frontend("qpy", "Qiskit's circuits in QPY", (".qpy",), recognise, parse, inputs=inputs)
