"""The native reader of packed graphs against ``ir.lower``: the same ops, or declined."""

from __future__ import annotations

import contextlib
from random import Random

import pytest
from qmk_native import Declined, read_qvm

from qmk.base.errors import QmkError
from qmk.frontends import load
from qmk.ir import lower
from qmk.ir.native_circuit import GATES, program_of
from qmk.qvm.graph import Graph, Guard, Output, pack
from qmk.qvm.verify import verify
from qmk.sdk.kit.builder import Builder, all_of, any_of, when
from tests.unit.native.conftest import same
from tests.unit.native.qasm_programs import program

ONE = ("id", "x", "y", "z", "h", "s", "sdg", "sx", "sxdg", "t", "tdg")
TURNED = (("rx", 1), ("ry", 1), ("rz", 1), ("crx", 2), ("cry", 2), ("crz", 2), ("rxx", 2), ("ryy", 2), ("rzz", 2))
TWO = ("cnot", "cy", "cz", "ch", "swap", "iswap", "iswapdg", "teleport_cnot")
THREE = ("toffoli", "ccz", "cswap")
BASES = (("x", (), 1), ("h", (), 1), ("sx", (), 1), ("rz", ("theta",), 1), ("p", ("lam",), 1), ("cnot", (), 2),
         ("u", ("theta", "phi", "lam"), 1), ("cp", ("lam",), 2), ("swap", (), 2), ("iswap", (), 2))  # fmt: skip


class RandomGraph(Builder):
    """A random graph that the verifier accepts, mostly: every op of the core family, guards, qubits freed and taken
    again."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.dice = Random(seed)
        self.live: list[str] = []
        self.wide: list[str] = []
        self.live += self.alloc(self.dice.randrange(3, 6))

    def some(self, count: int) -> list[str]:
        return self.dice.sample(self.live, count)

    def angle(self) -> float:
        return self.dice.choice((0.0, 0.5, -1.25, 3.141592653589793, self.dice.uniform(-7, 7)))

    def guard(self) -> Guard | None:
        if not (self.events or self.wide) or self.dice.random() < 0.6:
            return None
        return self.condition(self.dice.randrange(3))

    def condition(self, depth: int) -> Guard:
        if depth and self.dice.random() < 0.4:
            parts = [self.condition(depth - 1) for _ in range(self.dice.randrange(1, 4))]
            return self.dice.choice((all_of, any_of))(*parts)
        if self.wide and self.dice.random() < 0.2:
            return when(self.dice.choice(self.wide), self.dice.randrange(4))
        if not self.events:
            return when(self.wide[0], 2)
        return when(self.dice.choice(self.events), self.dice.randrange(2))

    def paulis(self, count: int) -> str:
        return "".join(self.dice.choice("IXYZ") for _ in range(count))

    def step(self) -> None:
        choices = (self.plain, self.plain, self.turned, self.measured, self.modified, self.product, self.logic,
                   self.corrected, self.lifecycle)  # fmt: skip
        self.dice.choice(choices)()

    def plain(self) -> None:
        names, count = self.dice.choice(((ONE, 1), (TWO, 2), (THREE, 3)))
        name = self.dice.choice(names)
        self.op(name, *self.some(count), guard=None if name == "teleport_cnot" else self.guard())

    def turned(self) -> None:
        kind = self.dice.randrange(4)
        if kind == 0:
            self.op("u", *self.some(1), guard=self.guard(), theta=self.angle(), phi=self.angle(), lam=self.angle())
        elif kind == 1:
            name, count = self.dice.choice((("p", 1), ("cp", 2)))
            self.op(name, *self.some(count), guard=self.guard(), lam=self.angle())
        else:
            name, count = self.dice.choice(TURNED)
            self.op(name, *self.some(count), guard=self.guard(), theta=self.angle())

    def measured(self) -> None:
        kind, guard = self.dice.randrange(7), self.guard()
        if kind == 0:
            name = f"w{len(self.wide)}"
            self.op("mbell", *self.some(2), produces=(name,), guard=guard)
            self.wide.append(name)
        elif kind == 1:
            names = (f"e{len(self.events)}", f"e{len(self.events) + 1}")
            self.op("mbell", *self.some(2), produces=names, guard=guard)
            self.events += names
        elif kind == 2:
            self.op("reset", *self.some(1), guard=guard)
        elif kind == 3:
            self.op("mangle", *self.some(1), produces=(f"e{len(self.events)}",), guard=guard, theta=self.angle())
            self.events.append(f"e{len(self.events)}")
        else:
            self.measure(*self.some(1), basis=self.dice.choice(("mz", "mz", "mx", "my")), guard=guard)

    def modified(self) -> None:
        gate, names, count = self.dice.choice(BASES)
        controls = self.dice.randrange(0, len(self.live) - count + 1)
        args = {"gate": gate, "controls": controls}
        if self.dice.random() < 0.3 and controls:
            args["state"] = "".join(self.dice.choice("01") for _ in range(controls))
        if self.dice.random() < 0.4:
            args["power"] = self.dice.choice((2.0, -1.0, 3.0, 0.5))
        if names:
            args["params"] = {name: self.angle() for name in names}
        self.op("mod", *self.some(count + controls), guard=self.guard(), **args)

    def product(self) -> None:
        count, guard = self.dice.randrange(1, len(self.live) + 1), self.guard()
        if self.dice.random() < 0.5:
            self.op("paulirot", *self.some(count), guard=guard, paulis=self.paulis(count), theta=self.angle())
        else:
            name = f"e{len(self.events)}"
            self.op("mpauli", *self.some(count), produces=(name,), guard=guard, paulis=self.paulis(count))
            self.events.append(name)

    def logic(self) -> None:
        count = min(len(self.events), self.dice.randrange(0, 7))
        inputs, name = self.dice.sample(self.events, count), f"e{len(self.events)}"
        table = self.dice.getrandbits(1 << count)
        self.op("lut", produces=(name,), inputs=inputs, guard=self.guard(), table=table)
        self.events.append(name)

    def corrected(self) -> None:
        if not self.events:
            return
        count = self.dice.randrange(1, 3)
        inputs = [self.dice.choice(self.events) for _ in range(self.dice.randrange(1, 4))]
        self.op("condpauli", *self.some(count), inputs=inputs, guard=self.guard(), paulis=self.paulis(count))

    def lifecycle(self) -> None:
        if len(self.live) > 3 and self.dice.random() < 0.6:
            gone = self.some(self.dice.randrange(1, 3))[: len(self.live) - 3]
            self.op("free", *gone)
            self.live = [q for q in self.live if q not in gone]
        elif self.dice.random() < 0.5:
            self.live += self.alloc(self.dice.randrange(1, 3))
        else:
            self.op(self.dice.choice(("barrier", "fence")), *self.some(2))


def graph_of(seed: int) -> Graph:
    builder = RandomGraph(seed)
    for _ in range(builder.dice.randrange(1, 25)):
        builder.step()
    events = [*builder.events, *builder.wide]
    builder.events = events
    outputs = None
    if builder.dice.random() < 0.5:
        bits = [builder.dice.choice((None, *events)) for _ in range(builder.dice.randrange(5))]
        outputs = (Output("a", tuple(bits), descending=builder.dice.random() < 0.5), Output("b", tuple(events)))
    return builder.graph(outputs)


@pytest.mark.parametrize("first", range(0, 1000, 100))
def test_random_graphs_have_the_ops_of_lower(first, everything_kept):
    read = 0
    for seed in range(first, first + 100):
        graph = graph_of(seed)
        if any(finding.severity == "error" for finding in verify(graph).findings):
            continue
        data = pack(graph)
        try:
            want = lower.lower(graph, GATES)
        except QmkError:
            with pytest.raises(Declined):
                read_qvm(data)
            continue
        assert same(program_of(read_qvm(data)), want), seed
        read += 1
    assert read > 60


def test_programs_in_openqasm_have_the_ops_of_lower(everything_kept):
    for seed in range(300):
        try:
            graph = load(program(seed).encode()).graph
            want = lower.lower(graph, GATES)
        except QmkError:
            continue
        assert same(program_of(read_qvm(pack(graph))), want), seed


def test_an_event_of_a_node_that_never_runs_reads_as_0(everything_kept):
    builder = Builder(2)
    builder.op("mz", 0, produces=("late",), guard=when("nothing", 1))
    builder.op("x", 1, guard=when("late", 0)).op("y", 1, guard=when("late", 1)).op("z", 1, guard=when("e", 2))
    builder.op("mz", 1, produces=("e",))
    builder.events = ["late", "e"]
    graph = builder.graph()
    mine = program_of(read_qvm(pack(graph)))
    assert same(mine, lower.lower(graph, GATES))
    assert [item.name for item in mine.instructions if hasattr(item, "name")] == ["x"]  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("builder", "why"),
    [
        (Builder(2).channel(0, 1), "not read here"),
        (Builder(1).op("inject_t", 0, family="magic"), "not read here"),
        (Builder(1).op("set", family="policy", priority=1), "not read here"),
        (Builder().op("alloc", "q0", profile="logical:surface(d=3)"), "allocation"),
        (Builder(1).op("x", 7), "not allocated"),
        (Builder(2).op("x", 0, 1), "wrong number"),
        (Builder(1).op("rx", 0), "angle"),
        (Builder(1).op("mod", 0, gate="swap"), "wrong number"),
        (Builder(2).op("mbell", 0, 1, produces=("w",)).op("lut", inputs=("w",), produces=("v",), table=1), "two bits"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_declined_says_where_and_why(builder, why):
    builder.qubits = sorted({q for node in builder.nodes for q in node.vqs})
    with pytest.raises(Declined) as declined:
        read_qvm(pack(builder.graph()))
    place, reason = declined.value.args
    assert place.startswith("node ")
    assert why in reason


def test_broken_bytes_are_declined_or_read_but_never_crash():
    dice, read = Random(1), 0
    for seed in range(4000):
        data = bytearray(pack(graph_of(seed % 40)))
        for _ in range(dice.choice((1, 1, 2, 4))):
            at = dice.randrange(len(data))
            kind = dice.randrange(4)
            if kind == 0:
                data[at] = dice.randrange(256)
            elif kind == 1:
                data[at] ^= 1 << dice.randrange(8)
            elif kind == 2:
                del data[at : at + dice.randrange(1, 9)]
            else:
                data[at:at] = data[at : at + dice.randrange(9)]
        with contextlib.suppress(Declined, ValueError):
            read += len(read_qvm(bytes(data))) >= 0
    assert 0 < read < 4000


def test_a_short_input_claims_no_memory():
    lists = (b"\xdc\xff\xff", b"\xdd\xff\xff\xff\xff", b"\x81\xa5nodes\xdd\xff\xff\xff\xff")
    for body in (*lists, b"\x91" * 100_000, b"\x81\xa8metadata" + b"\x91" * 100_000):
        with pytest.raises(Declined):
            read_qvm(body)
    with pytest.raises(Declined):
        read_qvm(b"")
