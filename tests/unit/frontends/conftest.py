"""Oracles for front-end tests: a graph's exact distribution, and its matrix from the op declarations alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from qmk.base.errors import Finding, QmkError
from qmk.exact.simulator import exact_distribution
from qmk.frontends import load
from qmk.ir.lower import lower
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node
from qmk.qvm.verify import verify
from qmk.sdk.frontend import ParamValue

NATIVE = frozenset(
    {
        "h",
        "x",
        "y",
        "z",
        "s",
        "sdg",
        "t",
        "tdg",
        "sx",
        "sxdg",
        "id",
        "rx",
        "ry",
        "rz",
        "p",
        "u",
        "cnot",
        "cz",
        "swap",
        "toffoli",
        "ccz",
        "cp",
        "mod",
    }
)


def _read(text: str, format: str | None = None, **params: ParamValue) -> Graph:
    graph = load(text.encode(), format=format, params=params or None).graph
    report = verify(graph)
    assert not report.findings, [finding.text() for finding in report.findings]
    return graph


@pytest.fixture(scope="session")
def read() -> Callable[..., Graph]:
    """Text to a graph that the verifier has nothing to say about."""
    return _read


@pytest.fixture(scope="session")
def findings() -> Callable[..., list[Finding]]:
    """The findings of a program: errors where it is refused, else warnings."""

    def found(text: str, format: str | None = None, **params: ParamValue) -> list[Finding]:
        try:
            return list(load(text.encode(), format=format, params=params or None).findings)
        except QmkError as error:
            return error.findings

    return found


def _counts(graph: Graph) -> dict[str, float]:
    return {key: chance for key, chance in exact_distribution(lower(graph, NATIVE)).items() if chance > 1e-9}


@pytest.fixture(scope="session")
def distribution() -> Callable[..., dict[str, float]]:
    """The exact distribution of a graph or of program text."""

    def exact(program: Graph | str, format: str | None = None, **params: ParamValue) -> dict[str, float]:
        return _counts(program if isinstance(program, Graph) else _read(program, format, **params))

    return exact


def _matrix(node: Node) -> np.ndarray:
    if node.op == "core.mod":
        return np.array(OPS["core.mod"].matrix(node.args), dtype=complex)
    declared = OPS[node.op].matrix
    assert declared is not None, node.op
    return np.array(declared(node.args), dtype=complex)


@pytest.fixture(scope="session")
def unitary() -> Callable[[Graph], np.ndarray]:
    """The matrix of a graph of gates; the first declared qubit is the most significant bit. Phases are exact."""

    def whole(graph: Graph) -> np.ndarray:
        n = len(graph.vqs)
        axis = {vq: k for k, vq in enumerate(graph.vqs)}
        out = np.eye(2**n, dtype=complex).reshape((2,) * n + (2**n,))
        for node in graph.nodes:
            if OPS[node.op].op_class not in ("unitary",):
                continue
            gate = _matrix(node)
            k = len(node.vqs)
            axes = [axis[vq] for vq in node.vqs]
            moved = np.tensordot(gate.reshape((2,) * (2 * k)), out, axes=(range(k, 2 * k), axes))
            out = np.moveaxis(moved, range(k), axes)
        return out.reshape(2**n, 2**n)

    return whole
