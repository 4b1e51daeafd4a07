"""Programs of the public QVM 0.1 and our exact distributions of small graphs: oracle, engines and hand agree.

Comparisons of counts fail by chance with probability at most 1e-9 each (about 60 of them).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmk.formats import asm, json_codec
from qmk.qvm.graph import Graph, Output
from qmk.qvm.verify import verify
from qmk.router import choose, explain
from qmk.router.features import features
from qmk.sdk.kit.statistics import check
from qmk.worker.runner import Runner

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "qvm01"
SMALL: list[dict[str, Any]] = json.loads((GOLDEN / "physics.json").read_text())["cases"]
PUBLIC: list[dict[str, Any]] = json.loads((GOLDEN / "programs.expected.json").read_text())["cases"]
ENGINES = ["reference", "stabilizer", "aer:statevector", "aer:matrix_product_state", "aer:density_matrix"]


def public_id(case: dict[str, Any]) -> str:
    return "-".join([case["file"], *case["params"].values()])


def read(case: dict[str, Any]) -> Graph:
    """The program of a case, printed in the order of its events."""
    if "graph" in case:
        graph, _ = json_codec.decode(json.dumps(case["graph"]).encode())
    elif case["file"].endswith(".json"):
        graph, _ = json_codec.decode((GOLDEN / case["file"]).read_bytes())
    else:
        graph = asm.assemble((GOLDEN / case["file"]).read_text(), params=case["params"])
    order = Output("", tuple(case["event_order"]))
    return Graph(nodes=graph.nodes, vqs=graph.vqs, events=graph.events, caps=graph.caps, outputs=(order,))


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case["name"].replace(" ", "-"))
def test_small_graph(case: dict[str, Any], exact: Callable[[Graph], dict[str, float]]) -> None:
    agrees(case, exact)


@pytest.mark.parametrize("case", PUBLIC, ids=public_id)
def test_public_program(case: dict[str, Any], exact: Callable[[Graph], dict[str, float]]) -> None:
    agrees(case, exact)


def agrees(case: dict[str, Any], exact: Callable[[Graph], dict[str, float]]) -> None:
    graph = read(case)
    assert verify(graph).ok
    found = exact(graph)
    assert found.keys() == case["distribution"].keys()
    assert found == pytest.approx(case["distribution"], abs=1e-9)
    facts = features(graph)
    for engine in ENGINES:
        rows = explain(facts, 500, engine=engine, memory_bytes=1 << 30)
        if any(row.gaps for row in rows):
            assert facts.n_non_clifford
            assert engine == "stabilizer"
            continue
        chosen = choose(facts, 500, engine=engine, memory_bytes=1 << 30)
        done = Runner(chosen.engine).execute(graph, chosen.method, 500, seed=11)
        assert check(done.counts, found, 1e-9) == "", engine
