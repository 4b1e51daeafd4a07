"""Atom loss against a walk over graphs of its own: every loss, outcome and error followed, lost atoms left alone."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from qmk.base.errors import QmkError
from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.program import LossEvent
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Guard, Node, Output
from qmk.qvm.op import PauliChannel

CLIFFORD = frozenset({"h", "s", "cz", "x", "y", "z", "cnot"})


def graph(nodes, qubits, outputs=None):
    names = tuple(f"q{k}" for k in range(qubits))
    events = tuple(event for node in nodes for event in node.produces)
    return Graph(nodes=(Node("alloc", "core.alloc", {}, names), *nodes), vqs=names, events=events, outputs=outputs)


def numbered(*rows):
    """Rows (op, args, qubits, events written, guard event or None, value) as nodes."""
    out = []
    for k, (op, args, qubits, produces, *guard) in enumerate(rows):
        when = Guard("eq", guard[0], guard[1]) if guard and guard[0] else None
        out.append(Node(f"n{k}", op, args, tuple(f"q{q}" for q in qubits), produces=tuple(produces), guard=when))
    return out


def act(state, matrix, qubits):
    matrix = np.array(matrix, dtype=complex).reshape((2,) * (2 * len(qubits)))
    moved = np.tensordot(matrix, state, (range(len(qubits), 2 * len(qubits)), qubits))
    return np.moveaxis(moved, range(len(qubits)), qubits)


def split(state, qubit):
    for outcome in (0, 1):
        part = state.copy()
        index = [slice(None)] * state.ndim
        index[qubit] = 1 - outcome
        part[tuple(index)] = 0
        yield outcome, part


class Walk:
    """What the contract of family atoms says, one node after the other. States are not normalised: their norm is the
    probability of the branch."""

    def __init__(self, program, qubits):
        self.found = {}
        self.number = {f"q{k}": k for k in range(qubits)}
        zero = np.zeros((2,) * qubits, dtype=complex)
        zero[(0,) * qubits] = 1
        branches = [(zero, frozenset(), {})]
        for node in program.nodes:
            branches = [
                after for branch in branches for after in self.step(node, *branch) if np.linalg.norm(after[0]) > 1e-9
            ]
        names = [event for node in program.nodes for event in node.produces]
        for state, _, events in branches:
            key = "".join(str(events.get(name, 0)) for name in names)
            self.found[key] = self.found.get(key, 0.0) + np.linalg.norm(state) ** 2

    def step(self, node, state, lost, events):
        op, qubits = OPS[node.op], [self.number[name] for name in node.vqs]
        if node.guard is not None and events.get(node.guard.event, 0) != node.guard.value:
            return [(state, lost, events)]
        if op.matrix is not None:
            return [(state if lost & {*qubits} else act(state, op.matrix(node.args), qubits), lost, events)]
        if node.op == "noise.loss":
            p = node.args["p"]
            return [(state * np.sqrt(1 - p), lost, events), (state * np.sqrt(p), lost | {*qubits}, events)]
        if node.op == "noise.leak":
            stays = act(state, np.diag([np.sqrt(1 - node.args["p0"]), np.sqrt(1 - node.args["p1"])]), qubits)
            left = [(part * np.sqrt(node.args[f"p{k}"]), lost | {*qubits}, events) for k, part in split(state, *qubits)]
            return [(stays, lost, events), *left]
        if op.channel is not None:
            return self.channel(op.channel(node.args, len(qubits)), qubits, state, lost, events)
        if node.op in ("core.reset", "atoms.reload"):
            return self.reset(node, qubits, state, lost, events)
        if node.op == "atoms.check":
            return [(state, lost, {**events, node.produces[0]: int(qubits[0] in lost)})]
        if node.op in ("core.mz", "atoms.mz"):
            return self.measure(node, qubits[0], state, lost, events)
        return [(state, lost, events)]

    def channel(self, channel, qubits, state, lost, events):
        if not isinstance(channel, PauliChannel):
            if lost & {*qubits}:
                return [(state, lost, events)]
            return [(act(state, k, qubits), lost, events) for k in channel.operators]
        paulis = {"I": np.eye(2), "X": [[0, 1], [1, 0]], "Y": [[0, -1j], [1j, 0]], "Z": [[1, 0], [0, -1]]}
        out = []
        for chance, letters in zip(channel.chances, itertools.product("IXYZ", repeat=len(qubits)), strict=True):
            part = state * np.sqrt(chance)
            for letter, qubit in zip(letters, qubits, strict=True):
                part = part if qubit in lost else act(part, paulis[letter], [qubit])
            out.append((part, lost, events))
        return out

    def reset(self, node, qubits, state, lost, events):
        parts = [state]
        for qubit in qubits:
            halves = [half for part in parts for half in split(part, qubit)]
            parts = [np.flip(part, qubit) if outcome else part for outcome, part in halves]
        kept = lost - {*qubits} if node.op == "atoms.reload" else lost
        return [(part, kept, events) for part in parts]

    def measure(self, node, qubit, state, lost, events):
        if qubit in lost:
            seen = (node.args.get("lost_as", 0), 1) if node.op == "atoms.mz" else (0,)
            return [(state, lost, {**events, **dict(zip(node.produces, seen, strict=True))})]
        out = []
        for outcome, part in split(state, qubit):
            seen = (outcome, 0)[: len(node.produces)]
            out.append((part, lost, {**events, **dict(zip(node.produces, seen, strict=True))}))
        return out


def random_graph(seed, qubits, leaks=True):
    dice = random.Random(seed)
    rows, written = [], []
    for k in range(22):
        pick = dice.random()
        one, two = dice.sample(range(qubits), 1), dice.sample(range(qubits), 2)
        guard = (dice.choice(written), dice.randrange(2)) if written and dice.random() < 0.3 else ()
        if pick < 0.25:
            rows.append((f"core.{dice.choice(['h', 's', 'x'])}", {}, one, (), *guard))
        elif pick < 0.5:
            rows.append((f"core.{dice.choice(['cz', 'cnot'])}", {}, two, (), *guard))
        elif pick < 0.66 and sum(row[0].startswith("noise") for row in rows) < 5:
            name = dice.choice(["loss", "loss", "loss2", "depolarize", "leak" if leaks else "loss"])
            row = {
                "loss": ("noise.loss", {"p": 0.3}, one, ()),
                "loss2": ("noise.loss", {"p": 0.2}, two, ()),
                "depolarize": ("noise.depolarize", {"p": 0.2}, two, ()),
                "leak": ("noise.leak", {"p0": 0.1, "p1": 0.4}, one, ()),
            }[name]
            rows.append(row)
        elif pick < 0.85 and len(written) < 6:
            kind = dice.choice(["core.mz", "atoms.mz", "atoms.mz", "atoms.check"])
            events = (f"b{k}", f"l{k}") if kind == "atoms.mz" else (f"b{k}",)
            rows.append((kind, {"lost_as": dice.randrange(2)} if kind == "atoms.mz" else {}, one, events, *guard))
            written += events
        else:
            rows.append((dice.choice(["core.reset", "atoms.reload"]), {}, one, (), *guard))
    rows += [("atoms.mz", {"lost_as": 0}, (q,), (f"e{q}", f"f{q}")) for q in range(qubits)]
    return graph(numbered(*rows), qubits)


def same(found, expected):
    keys = {*found, *expected}
    return max(abs(found.get(key, 0.0) - expected.get(key, 0.0)) for key in keys) < 1e-9


@pytest.mark.parametrize("tosses", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_programs_with_losses_have_the_distribution_of_the_walk(seed, tosses):
    program = random_graph(seed, 3)
    lowered = lower(program, ALL_GATES, loss_events=tosses)
    assert tosses or not any(isinstance(item, LossEvent) for item in lowered.instructions)
    assert same(exact_distribution(lowered), Walk(program, 3).found)


@pytest.mark.parametrize("seed", range(6))
def test_logic_moved_into_conditions_changes_nothing(seed):
    program = random_graph(100 + seed, 2)
    lowered = lower(program, ALL_GATES, inline_logic=True)
    assert same(exact_distribution(lowered), Walk(program, 2).found)


def test_every_part_of_a_gate_written_in_others_waits_for_all_its_atoms():
    rows = [("core.x", {}, (1,), ()), ("noise.loss", {"p": 0.25}, (2,), ()), ("core.x", {}, (0,), ())]
    rows += [("core.h", {}, (1,), ()), ("core.toffoli", {}, (0, 1, 2), ()), ("core.h", {}, (1,), ())]
    rows += [("atoms.mz", {"lost_as": 1}, (q,), (f"e{q}", f"l{q}")) for q in range(3)]
    program = graph(numbered(*rows), 3)
    lowered = lower(program, frozenset({"h", "t", "tdg", "s", "sdg", "cz"}))
    assert same(exact_distribution(lowered), Walk(program, 3).found)


def test_a_lost_atom_is_printed_as_l_unless_the_program_says_how_it_reads():
    rows = [("core.x", {}, (0,), ()), ("noise.loss", {"p": 0.25}, (0,), ())]
    for args, expected in (
        ({}, {"1": 0.75, "L": 0.25}),
        ({"lost_as": 0}, {"0": 0.25, "1": 0.75}),
        ({"lost_as": 1}, {"1": 1.0}),
    ):
        nodes = numbered(*rows, ("atoms.mz", args, (0,), ("b", "l")))
        program = graph(nodes, 1, (Output("c", ("b",)),))
        assert exact_distribution(lower(program, ALL_GATES)) == pytest.approx(expected)


def test_a_wrong_reading_of_a_lost_atom_is_still_printed_as_l():
    nodes = numbered(("noise.loss", {"p": 0.5}, (0,), ()), ("atoms.mz", {}, (0,), ("b", "l")))
    nodes.append(Node("r", "noise.readout", {"p01": 0.25}, inputs=("b",), produces=("r",)))
    program = graph(nodes, 1, (Output("c", ("r", "b", "l")),))
    expected = {"000": 0.375, "100": 0.125, "LL1": 0.5}
    assert exact_distribution(lower(program, ALL_GATES)) == pytest.approx(expected)


def test_a_general_channel_on_a_pair_that_may_be_broken_is_refused():
    pair = [[[[float(row == column), 0.0] for column in range(4)] for row in range(4)]]
    swap = [[[float(column == (0, 2, 1, 3)[row]), 0.0] for column in range(4)] for row in range(4)]
    half = [[[value / 2**0.5, 0.0] for value, _ in row] for row in pair[0]]
    other = [[[value / 2**0.5, 0.0] for value, _ in row] for row in swap]
    nodes = numbered(
        ("noise.loss", {"p": 0.5}, (0,), ()),
        ("noise.kraus", {"operators": [half, other]}, (0, 1), ()),
        ("core.mz", {}, (0,), ("b",)),
    )
    with pytest.raises(QmkError, match="atoms that may be lost"):
        lower(graph(nodes, 2), ALL_GATES)
