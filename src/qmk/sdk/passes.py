"""The pass protocol: a graph to a graph with the same meaning, proved on random programs by ``kit.pass_kit``.

Entry-point group ``qmk.passes``. Passes are user mode: the kernel verifies whatever they make, again. A pass that
``qmk compile`` may use declares a ``Step``: what it requires of a circuit, what it ensures and what it preserves, from
which the manager (``qmk.compiling.order``) finds an order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from qmk.qvm.graph import Graph

if TYPE_CHECKING:
    from qmk_native import Circuit

FACTS = {
    "native": "every gate is one of the target's",
    "placed": "gates on two qubits join coupled sites only",
    "narrow": "as few qubits are alive at a time as is found",
    "numbered": "exchanges of qubits are another numbering",
}
"""What can be true of a circuit and a pass may require, ensure or preserve."""


class Rewritten(msgspec.Struct, frozen=True):
    """``report``: what was done, as the pass counts it."""

    graph: Graph
    report: dict[str, Any] = {}


class Goal(msgspec.Struct, frozen=True):
    """What a circuit is compiled to.

    ``gates``: names of the target's gates. ``sites``: its qubits. ``couplings``: pairs of sites that a gate may join,
    each once; None where all are. ``usable``: sites that may be used, None for all. ``errors``: (a, b, chance of an
    error) of gates on coupled pairs, and ``readout`` of each site's reading, where they are known. ``one_way``: pairs
    whose CNOT or ECR gate has the first site as its first operand, and cannot have the second. ``objective``: what
    counts, a key of ``compiling.score.OBJECTIVES``. ``level``: 0 to 3. ``seed``: of every random choice. ``logical``:
    the target is Clifford and T gates on qubits of a code; ``synthesis_error``: then, what the rotations of the whole
    circuit may be off by (operator norm; None: as little as has a sequence of gates), and ``ancillae``: whether qubits
    and measurements may be added where they save T gates."""

    name: str
    gates: tuple[str, ...]
    sites: int
    couplings: tuple[tuple[int, int], ...] | None = None
    usable: tuple[int, ...] | None = None
    errors: tuple[tuple[int, int, float], ...] = ()
    readout: tuple[float, ...] = ()
    objective: str = "gates"
    level: int = 2
    seed: int = 0
    logical: bool = False
    synthesis_error: float | None = None
    ancillae: bool = True
    one_way: tuple[tuple[int, int], ...] = ()


class Work(msgspec.Struct, frozen=True):
    """A circuit between two passes. ``last``: where each of its qubits is at its end, as far as a pass moved them.
    ``notes``: what passes say of what they did, by their names."""

    circuit: Circuit
    goal: Goal
    last: tuple[int, ...]
    notes: Mapping[str, Any] = {}


class Step(msgspec.Struct, frozen=True):
    """A pass as the compiler's manager knows it.

    ``run`` takes and gives ``Work`` and keeps the distribution of all registers; it gives None for a circuit that it
    does not take, which only a ``whole`` step may. ``requires``, ``ensures``,
    ``preserves``: names of ``FACTS``; whatever it does not preserve or ensure may be false after it. ``level``: the
    preset from which it is used. ``objectives``: only for these; () for all. ``targets``: "device", "logical" (Clifford
    and T gates) or both. ``mapped``: only for targets with a coupling map (true) or without one (false).
    ``whole``: it stands for all passes up to the target's gates, and its result is kept where it is better.
    ``cost_us``: microseconds for an instruction, about. ``needs``: a module that must be installed."""

    run: Callable[[Work], Work | None]
    requires: frozenset[str] = frozenset()
    ensures: frozenset[str] = frozenset()
    preserves: frozenset[str] = frozenset()
    level: int = 1
    objectives: tuple[str, ...] = ()
    targets: tuple[str, ...] = ("device",)
    mapped: bool | None = None
    whole: bool = False
    cost_us: float = 1.0
    needs: str = ""


class Pass(msgspec.Struct, frozen=True):
    """``run`` takes a verified graph and keeps the joint distribution of everything that its outputs show.

    It raises ``QmkError`` UNSUPPORTED, naming the node, for a program that it would change the meaning of. ``step``:
    where the compiler may use it too."""

    name: str
    doc: str
    run: Callable[[Graph], Rewritten]
    step: Step | None = None
