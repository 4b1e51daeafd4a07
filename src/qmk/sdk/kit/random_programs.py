"""Random programs by seed: static and dynamic, Clifford and universal. The same seed gives the same graph anywhere."""

from __future__ import annotations

import math
import random
from typing import Any

import msgspec

from qmk.ir.resolver import ALL_GATES
from qmk.qvm.families import OPS
from qmk.qvm.graph import Guard, Node
from qmk.sdk.kit.builder import Builder, all_of, any_of, when
from qmk.sdk.kit.programs import Case

CLIFFORD = sorted(op.short for op in OPS.values() if op.family == "core" and op.flow is not None)
UNIVERSAL = sorted(ALL_GATES - {"id", "gphase", "mod", "paulirot"})


def random_case(
    seed: int, *, clifford: bool, dynamic: bool, qubits: int = 4, nodes: int = 24, among: frozenset[str] | None = None
) -> Case:
    """A graph of about ``nodes`` ops ending in a measurement of every qubit; at most eight measured bits before.

    ``among``: short names of the gates to draw from, instead of all."""
    rng = random.Random(seed)
    b = Builder(qubits)
    names = [name for name in (CLIFFORD if clifford else UNIVERSAL) if among is None or name in among]
    if among is None or "h" in among:
        for q in range(qubits):
            b.op("h", q)
    for _ in range(nodes):
        guard = _guard(rng, b.events) if dynamic and b.events and rng.random() < 0.4 else None
        if dynamic and rng.random() < 0.25 and len(b.events) < 8:
            _irreversible(rng, b, qubits, guard, clifford)
        else:
            _gate(rng, b, qubits, guard, names)
    b.measure_all()
    kind = f"{'Clifford' if clifford else 'universal'} {'dynamic' if dynamic else 'static'}"
    needs = frozenset({"mid_circuit", "reset", "full", "logic"} if dynamic else ())
    if among is not None:
        kind += " partial"
    return Case(f"random {kind} program {seed}", b.graph(), needs, clifford)


def _gate(rng: random.Random, b: Builder, qubits: int, guard: Guard | None, names: list[str]) -> None:
    if not names:
        return
    short = rng.choice(names)
    op = OPS[f"core.{short}"]
    if op.vqs.low > qubits:
        return
    args: dict[str, Any] = {p.name: rng.uniform(-2 * math.pi, 2 * math.pi) for p in op.params}
    b.op(short, *rng.sample(range(qubits), op.vqs.low), guard=guard, **args)


def _guard(rng: random.Random, events: list[str]) -> Guard:
    parts = [when(rng.choice(events), rng.randrange(2)) for _ in range(rng.choice((1, 1, 2, 3)))]
    return parts[0] if len(parts) == 1 else rng.choice((all_of, any_of))(*parts)


def _irreversible(rng: random.Random, b: Builder, qubits: int, guard: Guard | None, clifford: bool) -> None:
    q = rng.randrange(qubits)
    kind = rng.choice(("mz", "mz", "mx", "my", "reset", "lut", "condpauli", "mpauli", "mangle"))
    name = f"e{len(b.events)}"
    if kind == "reset":
        b.op("reset", q, guard=guard)
    elif kind == "condpauli" and b.events:
        b.op("condpauli", q, inputs=_some(rng, b.events), paulis=rng.choice("XYZ"), guard=guard)
    elif kind == "lut" and b.events:
        inputs = _some(rng, b.events)
        table = rng.randrange(1 << (1 << len(inputs)))
        b.op("lut", produces=(name,), inputs=inputs, table=table, guard=guard)
        b.events.append(name)
    elif kind == "mpauli":
        paulis = "".join(rng.choice("IXYZ") for _ in range(qubits))
        b.op("mpauli", *range(qubits), produces=(name,), paulis=paulis, guard=guard)
        b.events.append(name)
    elif kind == "mangle" and not clifford:
        b.op("mangle", q, produces=(name,), theta=rng.uniform(-math.pi, math.pi), guard=guard)
        b.events.append(name)
    else:
        b.measure(q, basis=kind if kind in ("mx", "my") else "mz", event=name, guard=guard)


def _some(rng: random.Random, events: list[str]) -> tuple[str, ...]:
    return tuple(rng.sample(events, min(len(events), rng.choice((1, 2, 3)))))


def add_fences(case: Case, seed: int, fences: int = 4) -> Case:
    """``case`` with fences at random places behind its allocation; some follow each other, some end the program."""
    rng = random.Random(seed)
    nodes = list(case.graph.nodes)
    for k in range(fences):
        nodes.insert(rng.randrange(1, len(nodes) + 1), Node(id=f"f{k}", op="core.fence"))
    graph = msgspec.structs.replace(case.graph, nodes=tuple(nodes))
    return Case(f"{case.name} with fences", graph, case.needs, case.clifford)


def fenced_cases(count: int, first_seed: int = 1) -> list[Case]:
    """``count`` programs of each of the four kinds, with fences."""
    return [add_fences(case, number) for number, case in enumerate(random_cases(count, first_seed))]


def random_cases(count: int, first_seed: int = 1, among: frozenset[str] | None = None) -> list[Case]:
    """``count`` programs of each of the four kinds."""
    return [
        random_case(seed, clifford=clifford, dynamic=dynamic, among=among)
        for seed in range(first_seed, first_seed + count)
        for clifford in (True, False)
        for dynamic in (False, True)
    ]
