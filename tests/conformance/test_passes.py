"""The conformance kit on every shipped pass, and on passes that are wrong."""

from __future__ import annotations

import msgspec
import pytest

from qmk.qvm.graph import Graph
from qmk.sdk import discovery
from qmk.sdk.kit import pass_kit
from qmk.sdk.passes import Pass, Rewritten


@pytest.mark.parametrize("name", sorted(discovery.passes()))
def test_shipped(name: str) -> None:
    report = pass_kit.run(discovery.passes()[name], programs=25)
    assert report.ok, report.text()


def without(op: str) -> Pass:
    def run(graph: Graph) -> Rewritten:
        kept = tuple(node for node in graph.nodes if node.op != op)
        return Rewritten(msgspec.structs.replace(graph, nodes=kept))

    return Pass(f"without {op}", "wrong", run)


@pytest.mark.parametrize("op", ["core.h", "core.cnot", "core.reset", "core.lut"])
def test_the_kit_finds_a_pass_that_drops_ops(op: str) -> None:
    assert not pass_kit.run(without(op), programs=10).ok


def test_the_kit_finds_a_pass_that_drops_guards() -> None:
    def run(graph: Graph) -> Rewritten:
        bare = tuple(msgspec.structs.replace(node, guard=None) for node in graph.nodes)
        return Rewritten(msgspec.structs.replace(graph, nodes=bare))

    assert not pass_kit.run(Pass("unguarded", "wrong", run), programs=10).ok
