"""Plans of programs with fences on every way that the shipped engines run them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qmk.engines.aer.engine import AerEngine
from qmk.engines.reference.engine import ReferenceEngine
from qmk.engines.stabilizer.engine import StabilizerEngine
from qmk.ir.lower import lower
from qmk.qvm.graph import Graph, digest
from qmk.sdk.kit.builder import Builder, when
from qmk.worker.runner import Runner

ENGINES = {"reference": (ReferenceEngine, ""), "stabilizer": (StabilizerEngine, ""), "aer": (AerEngine, "statevector")}


def plan_of(graph: Graph, engine: str) -> Any:
    """The plan of ``graph`` on the fenced method of ``engine``."""
    make, method = ENGINES[engine]
    can = Runner(engine).capabilities(method)
    program = lower(graph, can.gates, clifford=can.clifford, inline_logic=not can.logic, digest=digest(graph))
    return make().prepare(program, method)


def teleport(parity: bool) -> Graph:
    """A Clifford program of three epochs with measurements, a reset and feed-forward: Paulis on parities, which frames
    can follow, or a gate that they cannot."""
    b = Builder(3)
    b.op("h", 0).op("s", 0).op("h", 1).op("cnot", 1, 2).op("fence")
    b.op("cnot", 0, 1).op("h", 0)
    phase, flip = b.measure(0), b.measure(1)
    b.op("fence").op("reset", 0)
    b.op("x", 2, guard=when(flip))
    b.op("z" if parity else "s", 2, guard=when(phase))
    if not parity:
        b.op("s", 2, guard=when(phase))
    b.op("fence").op("h", 2).op("cnot", 2, 0).op("sdg", 2).op("h", 2)
    return b.measure_all().graph()


CASES = {
    "reference": ("reference", False),
    "tableaus": ("stabilizer", False),
    "frames": ("stabilizer", True),
    "aer": ("aer", False),
}


@pytest.fixture(params=list(CASES))
def plan(request: pytest.FixtureRequest) -> Any:
    engine, parity = CASES[request.param]
    return plan_of(teleport(parity), engine)


@pytest.fixture(name="plan_of")
def plan_of_fixture() -> Callable[[Graph, str], Any]:
    return plan_of


@pytest.fixture(name="teleport")
def teleport_fixture() -> Callable[[bool], Graph]:
    return teleport
