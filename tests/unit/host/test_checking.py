"""What a translator finds out of a program is what the kernel and the router would have found themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from qmk import frontends
from qmk.host.checking import PackedGraph, check, graph_of
from qmk.host.routing import Routing
from qmk.host.translations import Translated, Wanted
from qmk.ir.summary import summarise
from qmk.kernel import admission, authority, firewall
from qmk.kernel.demand import count_program, epoch_sizes, measure
from qmk.qvm.families import CAPABILITIES
from qmk.qvm.graph import Graph, Node, digest, keep, once, pack
from qmk.qvm.verify import verify
from qmk.router.features import features

EXAMPLES = Path(__file__).parents[3] / "examples"
NO_PROGRAMS = ("rsa2048.json",)
PARAMS = {"rabi3.pulser.json": {"omega": 6.0, "t": 500}, "rotation.qasm": {"theta": 0.5}}
PROGRAMS = sorted(
    path for path in EXAMPLES.rglob("*") if path.suffix in (".qasm", ".json", ".asm") and path.name not in NO_PROGRAMS
)
WANTED = Wanted(frozenset(CAPABILITIES), "lab", native="auto", summary=True)


def travel(graph: Graph, wanted: Wanted = WANTED) -> PackedGraph:
    """Through the translator and over the wire."""
    found = check(1, graph, [], wanted)
    return graph_of(msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Translated), wanted)


def forbid(_graph: Graph) -> Any:
    raise AssertionError("computed again")


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_every_fact_is_what_the_host_would_compute(path: Path) -> None:
    graph = frontends.load(path.read_bytes(), path=str(path), params=PARAMS.get(path.name)).graph
    found = travel(graph)
    report = verify(graph, held_caps=WANTED.held, tenant="lab")
    assert once(found, admission.report_name(frozenset(CAPABILITIES), "lab", False), forbid) == report
    assert digest(found) == digest(graph)
    assert pack(found) == pack(graph)
    assert once(found, "size", forbid) == measure(graph)
    if report.ok:
        assert once(found, "epochs", forbid) == epoch_sizes(graph)
        assert authority.program_rights(found) == authority.program_rights(graph)
        assert once(found, "names owners", forbid) == firewall.names_owners(graph)
        assert once(found, ("features", "auto"), forbid) == features(graph, native="auto")
        assert once(found, "summary", forbid) == summarise(graph)
        assert count_program(found, 7, True, None) == count_program(keep(graph), 7, True, None)
    assert found.nodes == graph.nodes
    assert msgspec.structs.asdict(found) == msgspec.structs.asdict(graph)


def test_a_packed_graph_is_unpacked_when_more_is_asked_of_it() -> None:
    graph = Graph(nodes=(Node("a", "core.alloc", vqs=("q",)),), vqs=("q",), shots=3, metadata={"name": "x"})
    found = travel(graph)
    with pytest.raises(AttributeError):
        msgspec.structs.replace(found, shots=4)  # C code that reads fields does not read half of a graph
    assert (found.shots, found.chs) == (3, ())
    assert found.metadata == {"name": "x"}
    assert msgspec.structs.replace(found, shots=4).nodes == graph.nodes
    with pytest.raises(AttributeError, match="colour"):
        found.colour


def test_a_program_that_breaks_a_rule_carries_its_findings(tmp_path: Path) -> None:
    graph = Graph(nodes=(Node("h", "core.h", vqs=("q",)), Node("z", "no.such", vqs=("q",))))
    found = travel(graph)
    report = once(found, admission.report_name(frozenset(CAPABILITIES), "lab", False), forbid)
    assert report == verify(graph, held_caps=frozenset(CAPABILITIES), tenant="lab")
    assert not report.ok


def test_the_router_asks_nothing_more_of_it(tmp_path: Path) -> None:
    nodes = [Node("a", "core.alloc", vqs=("p", "q")), Node("h", "core.h", vqs=("p",))]
    nodes += [Node("c", "core.cnot", vqs=("p", "q")), Node("m", "core.mz", vqs=("q",), produces=("e",))]
    graph = Graph(nodes=tuple(nodes), vqs=("p", "q"), events=("e",))
    found = travel(graph)
    routing = Routing(1 << 30, 1, {}, tmp_path)
    chosen = routing.choose(found, digest(found), 100, None, None, pack(found), tenant="lab")
    assert chosen == Routing(1 << 30, 1, {}, tmp_path).choose(graph, digest(graph), 100, None, None, b"", tenant="lab")
    with pytest.raises(AttributeError):
        msgspec.structs.replace(found, shots=4)  # it is still packed
    told = routing.estimate(found, digest(found), 100, tenant="lab")
    assert told.logical["nodes"] == 4
    with pytest.raises(AttributeError):
        msgspec.structs.replace(found, shots=4)
