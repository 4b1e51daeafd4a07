"""What the host tells the kernel of a choice: among the rest, whether the job can be stopped at its fences."""

from __future__ import annotations

import pytest

from qmk.host.routing import Routing
from qmk.qvm.graph import Graph, digest
from qmk.sdk.kit.builder import Builder


def program(fences: int, gate: str = "h") -> Graph:
    b = Builder(2).op(gate, 0)
    for _ in range(fences):
        b.op("cnot", 0, 1).op("fence")
    return b.measure_all().graph()


@pytest.mark.parametrize(
    ("graph", "engine", "fenced"),
    [
        (program(2), None, True),
        (program(0), None, False),
        (program(2), "reference", True),
        (program(2), "stabilizer", True),
        (program(2, "t"), "aer:statevector", True),
        (program(2, "t"), "aer:density_matrix", False),
        (program(0, "t"), "aer:statevector", False),
    ],
)
def test_a_job_is_fenced_where_program_and_method_have_fences(graph: Graph, engine: str | None, fenced: bool) -> None:
    routing = Routing(1 << 30, 1, {})
    assert routing.choose(graph, digest(graph), 100, engine).fenced is fenced
