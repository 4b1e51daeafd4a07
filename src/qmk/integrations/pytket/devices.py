"""Devices of coupled sites as pytket knows them: an architecture whose ``Node(k)`` is site k, and native OpTypes."""

from __future__ import annotations

from typing import Any

from pytket import architecture as tk_architecture
from pytket import circuit as tk_circuit
from pytket import passes as tk_passes

from qmk.frontends.pytket_json.gates import PLAIN
from qmk.models.devices import Target
from qmk.models.devices.target import WRITTEN_AS

# pytket has no types that a checker could read
tk: Any = tk_circuit
lib: Any = tk_architecture
passes: Any = tk_passes

_OURS = {ours: theirs for theirs, ours in PLAIN.items()}
_BESIDE = ("Measure", "Reset", "Barrier", "Conditional", "Phase")
"""What every device takes beside its gates."""


def architecture_of(target: Target) -> Any:
    """The sites that are coupled, with their couplings; all sites where all are coupled."""
    if target.couplings is None and not target.broken:
        return lib.FullyConnected(target.sites, "node")
    return lib.Architecture([(tk.Node(a), tk.Node(b)) for a, b in target.pairs()])


def native_types(target: Target) -> set[Any]:
    """The OpTypes of its gates; one that pytket has no name for is what QMK writes in its place."""
    names = {_OURS.get(WRITTEN_AS.get(name, name)) for name in target.gates}
    return {getattr(tk.OpType, name) for name in names if name is not None}


def accepted_types(target: Target) -> set[Any]:
    """The native OpTypes, and what every device takes beside its gates."""
    return native_types(target) | {getattr(tk.OpType, name) for name in _BESIDE}


def error_tables(target: Target) -> tuple[dict[Any, float], dict[Any, float], dict[Any, float]]:
    """The errors by node, by pair of nodes, and of readings by node, as far as they are known: of gates the mean."""
    sums: dict[tuple[int, ...], list[float]] = {}
    for fact in target.facts_in_every_order():
        if fact.error is not None and len(fact.sites) < 3:
            sums.setdefault(fact.sites, []).append(fact.error)
    means = {sites: sum(errors) / len(errors) for sites, errors in sums.items()}
    nodes = {tk.Node(sites[0]): error for sites, error in means.items() if len(sites) == 1}
    pairs = {(tk.Node(sites[0]), tk.Node(sites[1])): error for sites, error in means.items() if len(sites) == 2}
    readings = {tk.Node(k): error for k, error in enumerate(target.readout_errors())}
    return nodes, pairs, readings


def compile_pass(target: Target, between: list[Any]) -> Any:
    """Puts a circuit on the sites with their couplings and rebases it to native gates, ``between`` before that.
    Where the gate of a pair has one direction, it may come out the other way round."""
    rebase = passes.AutoRebase(native_types(target))
    if target.couplings is None and not target.broken:  # nothing to route: qubits become nodes in their order
        line = lib.Architecture([(tk.Node(k), tk.Node(k + 1)) for k in range(target.sites - 1)])
        mapping = [passes.NaivePlacementPass(line)]
    else:
        mapping = [passes.DefaultMappingPass(architecture_of(target))]
    simple = [passes.RemoveRedundancies()] if between else []
    return passes.SequencePass([passes.DecomposeBoxes(), *between, *mapping, rebase, *simple])


def with_all_sites(circuit: Any, target: Target) -> Any:
    """A circuit that is placed on nodes, with every other site as a node: so qubit k is site k."""
    if not circuit.qubits or not all(qubit.reg_name == "node" for qubit in circuit.qubits):
        return circuit
    made = circuit.copy()
    there = set(made.qubits)
    for site in range(target.sites):
        if (node := tk.Node(site)) not in there:
            made.add_qubit(node)
    return made
