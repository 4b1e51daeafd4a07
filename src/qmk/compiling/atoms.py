"""Programs for devices of neutral atoms: gates in the native ones, then the plan of moves that is predicted best."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from qmk.compiling.lowering import circuit_from, graph_from
from qmk.compiling.run import compile_circuit
from qmk.compiling.target import goal_of
from qmk.models import files
from qmk.models.atoms import Profile, profiles
from qmk.models.atoms.on_device import device
from qmk.models.atoms.plans import Plan, best_plan, plan
from qmk.qvm.graph import Graph

if TYPE_CHECKING:
    from qmk.models.devices import Target
    from qmk.sdk.passes import Goal

MARKS = (b'"entanglement_zones"', b'"geometry"')
"""What tells a file of an atom device from one of a target with a coupling map."""


def atom_device(target: str | Target | Profile) -> tuple[Profile, str] | None:
    """The device of atoms and its configuration that ``target`` is or names; None for another target."""
    if isinstance(target, Profile):
        return target, ""
    if not isinstance(target, str):
        return None
    path, suffix, _ = target.rpartition(".json")
    if suffix:
        data = files.read(path + suffix)
        return device(target) if any(mark in data for mark in MARKS) else None
    return device(target) if target.partition(":")[0] in profiles() else None


def compile_for_atoms(
    graph: Graph, profile: Profile, configuration: str, level: int, objective: str, seed: int
) -> tuple[Graph, dict[str, Any]]:
    """``graph`` as it runs on ``profile``, without noise, and the report of ``qmk.compile`` with ``time_us``,
    ``predicted_fidelity``, ``moves`` of atoms and ``rides``, moves of one time being one. ``before``: every atom goes
    home after each gate. Raises INVALID_GRAPH with all rules of the device that the program breaks."""
    began = time.process_time()
    before = plan(graph, profile, configuration, None)
    goal = _goal(profile, len(graph.vqs))
    report: dict[str, Any] = {"before": {}, "after": {}, "passes": [], "last": list(range(len(graph.vqs)))}
    if goal is not None:
        goal = msgspec.structs.replace(goal, level=min(level, 2), objective="gates", seed=seed)
        start = circuit_from(graph, "compile", whole=True)
        made = compile_circuit(start.circuit, goal)
        graph, report = graph_from(made.work.circuit, graph, start), made.report
    after = best_plan(graph, profile, configuration, level, objective)
    report = {
        **report,
        "target": profile.name,
        "gates": [gate.name for gate in profile.gates],
        "level": level,
        "optimize": objective,
        "before": {**report["before"], **_figures(before)},
        "after": {**report["after"], **_figures(after)},
        "style": after.style._asdict() if after.style is not None else None,
        "seconds": time.process_time() - began,
    }
    return after.made.graph, report


def _goal(profile: Profile, qubits: int) -> Goal | None:
    """The device's gates with every pair of qubits coupled; None where the compiler does not write its gates."""
    import qmk_native

    names = {gate.name for gate in profile.gates}
    two = next((gate.name for gate in profile.gates if gate.arity == 2 and gate.name in qmk_native.SYNTHESIS_GATES), "")
    bounded = any(gate.low < gate.high or gate.connectivity != "all" for gate in profile.gates)
    return goal_of(f"all:{qubits}", (two, "u")) if two and "u" in names and not bounded and qubits else None


def _figures(found: Plan) -> dict[str, Any]:
    row = found.prediction
    return {
        "time_us": row.time_us,
        "predicted_fidelity": row.fidelity,
        "predicted_error": 1 - row.fidelity,
        "moves": row.moves,
        "rides": row.rides,
        "pulses": row.pulses,
    }
