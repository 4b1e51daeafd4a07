"""What follows from a kept graph is computed once; a graph that may change is looked at anew."""

from __future__ import annotations

import msgspec

from qmk.qvm.graph import KEPT_FACTS, Graph, KeptGraph, Node, digest, keep, once, pack, unpack

PROGRAM = Graph(nodes=(Node("a", "core.rz", {"theta": 0.5}, vqs=("q",)),), vqs=("q",))


def test_facts_of_a_kept_graph_are_computed_once():
    kept, asked = keep(PROGRAM), list[int]()

    def count(graph: Graph) -> int:
        asked.append(len(graph.nodes))
        return asked[-1]

    assert [once(kept, "nodes", count), once(kept, "nodes", count), once(kept, ("nodes", 2), count)] == [1, 1, 1]
    assert asked == [1, 1]
    assert [once(PROGRAM, "nodes", count), once(PROGRAM, "nodes", count)] == [1, 1]
    assert asked == [1, 1, 1, 1]


def test_a_kept_graph_means_and_packs_what_the_graph_does():
    kept = keep(PROGRAM)
    for _ in range(2):
        assert digest(kept) == digest(PROGRAM)
        assert pack(kept) == pack(PROGRAM)
    assert unpack(pack(kept)) == PROGRAM


def test_a_changed_copy_has_facts_of_its_own():
    kept = keep(PROGRAM)
    old = digest(kept)
    changed = msgspec.structs.replace(kept, nodes=())
    assert isinstance(changed, KeptGraph)
    assert digest(changed) == digest(Graph(vqs=("q",))) != old


def test_facts_are_bounded():
    kept = keep(PROGRAM)
    for number in range(3 * KEPT_FACTS):
        once(kept, number, lambda graph: len(graph.nodes))
    assert len(vars(kept)) <= KEPT_FACTS
