"""HUGR read to graphs: what Guppy writes, each construct by itself, and what is refused."""

from __future__ import annotations

import contextlib
import importlib.util
import math
from pathlib import Path
from typing import Any

import pytest

import qmk
from qmk import frontends
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from tests.unit.frontends.hugr_programs import BIT, Q, Wire, Writer, coin

DATA = Path(__file__).parents[2] / "data" / "hugr"
SHOTS = 4000


def counts(data: Any, shots: int = SHOTS) -> dict[str, int]:
    return dict(qmk.run(data, shots=shots, seed=7).counts)


def close(found: dict[str, int], wanted: dict[str, float]) -> None:
    """All outcomes are wanted ones, each within five standard errors of its probability."""
    shots = sum(found.values())
    assert set(found) <= set(wanted)
    for outcome, p in wanted.items():
        assert abs(found.get(outcome, 0) - shots * p) <= 5 * math.sqrt(shots * p * (1 - p)) + 1e-9, outcome


def refusal(data: bytes) -> str:
    with pytest.raises(QmkError) as caught:
        frontends.load(data, format="hugr")
    assert caught.value.kind.name == "INVALID_GRAPH"
    assert caught.value.findings[0].help
    return f"{caught.value.findings[0].rule}: {caught.value.findings[0].message}"


# -- what Guppy writes -------------------------------------------------------------------------------------------------


def test_guppys_teleportation_gives_what_the_circuit_gives() -> None:
    loaded = frontends.load((DATA / "teleport.hugr").read_bytes())
    assert loaded.format == "hugr"
    assert [output.name for output in loaded.graph.outputs] == ["teleported"]
    p = math.sin(math.pi / 6) ** 2
    close(counts(DATA / "teleport.hugr"), {"0": 1 - p, "1": p})


def test_guppys_loop_counts_measured_ones() -> None:
    close(counts(DATA / "rounds.hugr"), {f"{k:03b}": math.comb(5, k) / 32 for k in range(6)})


def test_the_binary_form_needs_the_package_and_is_read_with_it() -> None:
    data = (DATA / "ghz.hugr").read_bytes()
    if importlib.util.find_spec("hugr") is not None:
        close(counts(DATA / "ghz.hugr"), {"0000": 0.5, "1111": 0.5})
        return
    with pytest.raises(QmkError, match="hugr is not installed") as caught:
        frontends.load(data)
    assert "quantum-microkernel[hugr]" in caught.value.fields["help"]


# -- constructs --------------------------------------------------------------------------------------------------------


def half_turns(w: Writer, value: float) -> Wire:
    kind = {"t": "Opaque", "extension": "tket.rotation", "id": "rotation", "args": [], "bound": "C"}
    const = w.add(
        1, "Const", v={"v": "Extension", "typ": kind, "value": {"c": "ConstRotation", "v": {"half_turns": value}}}
    )
    return w.add(1, "LoadConstant", (const, 0)), 0


def report(w: Writer, label: str, wire: Wire, kind: str = "bool") -> int:
    return w.ext(1, f"tket.result.result_{kind}", wire, args=[{"tya": "String", "arg": label}])


@pytest.mark.parametrize("prefix", ["tket", "tket2"])
def test_every_gate_is_that_of_a_circuit(prefix: str) -> None:
    w = Writer()
    wires: list[Wire] = [(w.ext(1, f"{prefix}.quantum.QAlloc"), 0) for _ in range(3)]
    circuit = qmk.Circuit(3)
    plain = ["h", "x", "y", "z", "s", "sdg", "t", "tdg"]
    for k, gate in enumerate([*plain, "rx", "ry", "rz", "cx", "cy", "cz", "crz", "toffoli", "V", "Vdg", "h", "h", "h"]):
        name = {"cx": "CX", "cy": "CY", "cz": "CZ", "crz": "CRz"}.get(gate, gate[0].upper() + gate[1:])
        size = {"c": 2, "t": 3}.get(gate[0], 1) if gate in ("cx", "cy", "cz", "crz", "toffoli") else 1
        on = [(k + j) % 3 for j in range(size)]
        angles = [0.1 + 0.07 * k] if gate in ("rx", "ry", "rz", "crz") else []
        node = w.ext(1, f"{prefix}.quantum.{name}", *[wires[q] for q in on], *[half_turns(w, a) for a in angles])
        for port, q in enumerate(on):
            wires[q] = (node, port)
        if gate in ("V", "Vdg"):
            circuit.rx(math.pi / 2 if gate == "V" else -math.pi / 2, *on)
        else:
            getattr(circuit, gate)(*[math.pi * a for a in angles], *on)
    read = frontends.load(w.data()).graph
    for label in ("ZII", "IZI", "IIZ", "XYZ", "YXX", "ZZX"):
        assert qmk.expectation(read, label).value == pytest.approx(qmk.expectation(circuit, label).value, abs=1e-9)


def test_a_qubit_that_a_branch_puts_elsewhere_is_swapped() -> None:
    """One branch gives (a, b), the other (b, a), where a is 1 and b is 0."""
    w = Writer()
    _, bit = coin(w)
    a = w.ext(1, "tket.quantum.X", (w.ext(1, "tket.quantum.QAlloc"), 0))
    b = w.ext(1, "tket.quantum.QAlloc")
    branch = w.add(1, "Conditional", bit, (a, 0), (b, 0), outputs=[Q, Q], sum_rows=[[], []])
    for ports in ((0, 1), (1, 0)):
        case = w.region(branch, "Case", types=[Q, Q])
        w.end(case, *[(case + 1, port) for port in ports])
    for k, label in enumerate("ab"):
        report(w, label, (w.ext(1, "tket.quantum.MeasureFree", (branch, k)), 0))
    report(w, "coin", bit)
    close(counts(w.data()), {"1 0 0": 0.5, "0 1 1": 0.5})


def until_one(w: Writer, limit: int) -> int:
    """A loop that ends when a coin shows 1, or after so many rounds; gives its node, which gives the last coin."""

    def number(value: int) -> Wire:
        kind = {"t": "I"}
        const = w.add(
            1,
            "Const",
            v={"v": "Extension", "typ": kind, "value": {"c": "ConstInt", "v": {"log_width": 3, "value": value}}},
        )
        return w.add(1, "LoadConstant", (const, 0)), 0

    zero, one, last = number(0), number(1), number(limit)
    false = (w.add(1, "Tag", tag=0, variants=[[], []]), 0)
    loop = w.region(1, "TailLoop", zero, false, types=[{"t": "I"}, BIT])
    args = [{"tya": "BoundedNat", "n": 3}]
    _, bit = coin(w, loop)
    count = w.ext(loop, "arithmetic.int.iadd", (loop + 1, 0), one, args=args)
    done = w.ext(loop, "arithmetic.int.ige_u", (count, 0), last, args=args)
    stop = w.ext(loop, "logic.Or", bit, (done, 0))
    w.end(loop, (stop, 0), (count, 0), bit)
    return loop


def test_a_loop_that_a_measurement_ends_early_is_bounded_by_its_count() -> None:
    w = Writer()
    loop = until_one(w, 3)
    report(w, "n", (loop, 0), "uint")
    report(w, "last", (loop, 1))
    close(counts(w.data()), {"01 1": 0.5, "10 1": 0.25, "11 1": 0.125, "11 0": 0.125})


def test_a_loop_of_unknown_length_is_refused_with_its_node() -> None:
    w = Writer()
    until_one(w, 200)
    assert refusal(w.data()).startswith("HUGR-05: a loop ends by a measurement")


def blocks(w: Writer, bit: Wire, forever: bool = False) -> int:
    """Two blocks that a bit chooses among, which meet in a third that flips a qubit; the first flips it too."""
    q = w.ext(1, "tket.quantum.QAlloc")
    graph = w.add(1, "CFG", bit, (q, 0))
    start = w.region(graph, "DataflowBlock", types=[BIT, Q])
    w.end(start, (start + 1, 0), (start + 1, 1))
    found: list[int] = []
    for flips in (True, False, True):
        block = w.region(graph, "DataflowBlock", types=[Q])
        unit = w.add(block, "Tag", tag=0, variants=[[]])
        flipped = w.ext(block, "tket.quantum.X", (block + 1, 0)) if flips else block + 1
        w.end(block, (unit, 0), (flipped, 0))
        found.append(block)
    last = w.add(graph, "ExitBlock", cfg_outputs=[Q])
    one, two, meet = found
    ways = [(start, 0, one), (start, 1, two), (one, 0, meet), (two, 0, meet), (meet, 0, one if forever else last)]
    w.edges += [[[a, port], [b, 0]] for a, port, b in ways]
    return graph


def test_blocks_part_and_meet() -> None:
    w = Writer()
    _, bit = coin(w)
    graph = blocks(w, bit)
    report(w, "coin", bit)
    report(w, "flipped", (w.ext(1, "tket.quantum.MeasureFree", (graph, 0)), 0))
    data = w.data()
    close(counts(data), {"0 0": 0.5, "1 1": 0.5})
    assert sum(node.op == "core.x" for node in frontends.load(data).graph.nodes) == 2  # what follows is followed once


def test_where_nothing_is_reported_bits_are_those_returned_or_measured() -> None:
    w = Writer()
    q, bit = coin(w)
    flipped = w.ext(1, "logic.Not", bit)
    assert set(counts(w.data(), 100)) == {"0", "1"}
    w.end(1, q, bit, (flipped, 0))
    close(counts(w.data()), {"01": 0.5, "10": 0.5})


def test_order_edges_order_what_is_reported() -> None:
    w = Writer()
    _, bit = coin(w)
    first, second = report(w, "a", bit), report(w, "b", bit)
    w.order(second, first)
    assert [output.name for output in frontends.load(w.data()).graph.outputs] == ["b", "a"]


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_a_qubit_is_used_once() -> None:
    w = Writer()
    q = w.ext(1, "tket.quantum.QAlloc")
    w.ext(1, "tket.quantum.H", (q, 0))
    w.ext(1, "tket.quantum.X", (q, 0))
    assert refusal(w.data()).startswith("HUGR-04: ")
    w = Writer()
    q = w.ext(1, "tket.quantum.QAlloc")
    w.ext(1, "tket.quantum.CX", (q, 0), (q, 0))
    assert refusal(w.data()).startswith("HUGR-04: ")


def test_unknown_ops_are_named_with_their_node() -> None:
    w = Writer()
    at = w.ext(1, "acme.Magic")
    assert f"node {at}, acme.Magic" in refusal(w.data())


def test_cycles_and_trees_that_do_not_end() -> None:
    w = Writer()
    a = w.ext(1, "tket.quantum.H")
    b = w.ext(1, "tket.quantum.H", (a, 0))
    w.edges.append([[b, 0], [a, 0]])
    assert "takes what comes from itself" in refusal(w.data())
    w = Writer()
    w.nodes[1]["parent"] = 2
    assert refusal(w.data()).startswith("HUGR-01")
    w = Writer()
    w.edges.append([[0, 0], [99, 0]])
    assert refusal(w.data()).startswith("HUGR-01")


def test_loops_calls_and_blocks_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    w = Writer()
    loop = w.region(1, "TailLoop")
    w.end(loop, (w.add(loop, "Tag", tag=0, variants=[[], []]), 0))
    monkeypatch.setattr(LIMITS, "expansion_steps", 10_000)
    assert refusal(w.data()).startswith("HUGR-07")
    w = Writer()
    call = w.add(1, "Call", type_args=[])
    w.edges.append([[1, 0], [call, 0]])
    assert refusal(w.data()).startswith("HUGR-07: calls nest")
    w = Writer()
    _, bit = coin(w)
    blocks(w, bit, forever=True)
    assert refusal(w.data()).startswith("HUGR-0")


def test_results_in_a_branch_and_inputs_that_have_no_value() -> None:
    w = Writer()
    _, bit = coin(w)
    branch = w.add(1, "Conditional", bit, bit)
    for _ in range(2):
        case = w.region(branch, "Case", types=[BIT])
        w.ext(case, "tket.result.result_bool", (case + 1, 0), args=[{"tya": "String", "arg": "x"}])
    assert refusal(w.data()).startswith("HUGR-06")
    w = Writer()
    w.nodes[2]["types"] = [{"t": "I"}]
    assert refusal(w.data()).startswith("HUGR-02")


@pytest.mark.parametrize("tail", [b"", b"?", b"?@", b"?@{}", b'?@{"modules": []}', b"?@" + b"[" * 100_000, b"?@\xff"])
def test_what_is_no_package(tail: bytes) -> None:
    assert refusal(b"HUGRiHJv" + tail).startswith("HUGR-01")


def test_any_part_may_be_missing() -> None:
    """Nothing but a refusal comes of a program in which a node or an edge is left out."""
    w = Writer()
    _, bit = coin(w)
    blocks(w, bit)
    until_one(w, 2)
    nodes, edges = list(w.nodes), list(w.edges)
    for k in range(len(nodes)):
        w.nodes = [*nodes[:k], {"parent": nodes[k]["parent"], "op": "DFG"}, *nodes[k + 1 :]]
        try_load(w.data())
    w.nodes = nodes
    for k in range(len(edges)):
        w.edges = [*edges[:k], *edges[k + 1 :]]
        try_load(w.data())


def try_load(data: bytes) -> None:
    with contextlib.suppress(QmkError):
        frontends.load(data)
