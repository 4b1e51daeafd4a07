"""Defines what a job gives beyond counts: the request (``Outputs``), its bounds, and the answer (``Values``).

All of it is of the state before the final read-out: measurements that nothing later depends on are left aside. Qubits
are numbered as they are allocated, which is the order of declaration in OpenQASM; character k of a Pauli string or of
a bitstring belongs to qubit k, and qubit 0 is the most significant bit of an index. A state and its amplitudes are
known up to one global phase.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS, check
from qmk.qvm.families import OPS, noise
from qmk.qvm.graph import Graph, Node

Term = tuple[str, float]
Observable = tuple[Term, ...]
"""A sum of Pauli strings, each with its coefficient."""


ESTIMATE_BYTES = 64
"""What a number with its error takes in an answer."""


class _Part(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base of every part of a request."""


class Slot(_Part, frozen=True):
    """An angle of the graph as an affine function of a sweep's parameters."""

    node: Annotated[str, Meta(description="id of the node")]
    arg: Annotated[str, Meta(description="its angle, by name")]
    constant: Annotated[float, Meta(description="radians, where all parameters are 0")] = 0.0
    terms: Annotated[
        tuple[tuple[int, float], ...], Meta(description="(number of the parameter, factor), summed beside constant")
    ] = ()


class Sweep(_Part, frozen=True):
    """Parameters, the angles that depend on them, and the points at which the program is run. No points: the program
    as it stands, with ``gradient`` by these parameters."""

    names: Annotated[tuple[str, ...], Meta(description="the parameters")] = ()
    slots: Annotated[tuple[Slot, ...], Meta(description="the angles that depend on them")] = ()
    points: Annotated[tuple[tuple[float, ...], ...], Meta(description="each one value a parameter")] = ()
    first: Annotated[int, Meta(description="number of the first point, which seeds follow from", ge=0, le=1 << 31)] = 0
    seeds: Annotated[
        Literal["point", "batch"],
        Meta(description='counts of point i are those of a run with the seed substream(seed, "point" or "batch", i)'),
    ] = "point"
    events: Annotated[bool, Meta(description="beside counts the per-shot events of each point")] = False


class Outputs(_Part, frozen=True):
    """What a job shall give beyond counts."""

    expectations: Annotated[
        tuple[Observable, ...], Meta(description="observables: sums of (Pauli string, coefficient)")
    ] = ()
    state: Annotated[bool, Meta(description="the state vector")] = False
    amplitudes: Annotated[tuple[str, ...], Meta(description="bitstrings, qubit 0 first")] = ()
    probabilities: Annotated[
        tuple[tuple[int, ...], ...], Meta(description="qubits whose joint probabilities are wanted, first highest")
    ] = ()
    gradient: Annotated[
        bool, Meta(description="of each observable by the sweep's parameters, or without a sweep by every angle")
    ] = False
    sweep: Annotated[Sweep | None, Meta(description="parameters, and the points at which the program is run")] = None
    trajectory: Annotated[bool, Meta(description="observables over time, of an evolution that names them")] = False
    density: Annotated[bool, Meta(description="the density matrix")] = False
    counts: Annotated[bool, Meta(description="counts and events too")] = True
    sampled: Annotated[bool, Meta(description="expectation values from shots even if they can be computed")] = False
    tolerance: Annotated[float, Meta(description="error that a value not had exactly may have", ge=0, lt=1)] = 0.0
    split: Annotated[
        int,
        Meta(
            description="of counts: the shots are drawn in so many blocks, each with a seed of its own, which may run "
            'beside each other; block k is a run with the seed substream(seed, "block", k)',
            ge=0,
            le=LIMITS.script_runs,
        ),
    ] = 0

    @property
    def points(self) -> tuple[tuple[float, ...], ...]:
        return self.sweep.points if self.sweep is not None else ()

    @property
    def names(self) -> frozenset[str]:
        """What must be delivered, as ``Capabilities.outputs`` names it."""
        asked = {
            "expectation": bool(self.expectations),
            "state": self.state,
            "amplitudes": bool(self.amplitudes),
            "probabilities": bool(self.probabilities),
            "gradient": self.gradient,
            "trajectory": self.trajectory,
            "density": self.density,
            "sweep": bool(self.points),
            "counts": self.counts,
        }
        return frozenset(name for name, wanted in asked.items() if wanted)


class Estimate(Struct, frozen=True, omit_defaults=True):
    """A number and its error, 0 where it was computed and nothing was left out."""

    value: float
    error: Annotated[float, Meta(description="0: exact")] = 0.0
    kind: Annotated[str, Meta(description='of the error: "" standard error, "bound" proved, "estimate" not')] = ""


class Point(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The values at one point of a sweep, or of a program without one, in the order asked for."""

    expectations: list[Estimate] = []
    gradients: Annotated[
        list[list[Estimate]], Meta(description="for each observable its derivative by every parameter")
    ] = []
    state: Annotated[bytes, Meta(description="amplitudes, complex128 little-endian, qubit 0 highest")] = b""
    amplitudes: list[tuple[float, float]] = []
    probabilities: Annotated[list[list[Estimate]], Meta(description="of all values of each group of qubits")] = []
    counts: Annotated[dict[str, int], Meta(description="in a sweep: of this point")] = {}
    events: Annotated[bytes, Meta(description="in a sweep: packed bits of each shot, rows padded to bytes")] = b""
    times: Annotated[list[float], Meta(description="of the trajectory")] = []
    trajectory: Annotated[dict[str, list[Estimate]], Meta(description="of each observable at all times")] = {}
    density: Annotated[bytes, Meta(description="rows of the matrix, as state")] = b""


class Values(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a job gave beyond counts."""

    exact: Annotated[bool, Meta(description="computed with nothing left out; else with the errors stated")] = True
    engine: str = ""
    parameters: Annotated[list[str], Meta(description="what gradients are by: names, or node.angle")] = []
    shots: Annotated[int, Meta(description="shots of each basis of measurement; 0 where exact")] = 0
    points: list[Point] = []
    entry: Annotated[int | None, Meta(description="number of the first point in its batch, if each is an entry")] = None
    event_names: Annotated[list[str], Meta(description="of the events of the points, in order")] = []
    event_widths: Annotated[list[int], Meta(description="bits of each")] = []


def n_qubits(graph: Graph) -> int:
    """How many qubits outputs number. Raises UNSUPPORTED for a program that allocates after it has freed: an index
    then means two qubits."""
    count, freed = 0, False
    for node in graph.nodes:
        if node.op == "core.free":
            freed = True
        elif node.op == "core.alloc":
            if freed:
                raise QmkError(
                    "UNSUPPORTED",
                    f"node '{node.id}' allocates a qubit after another was freed: which of the two is meant by its "
                    "number is not defined",
                    node=node.id,
                    help="allocate all qubits before the first is freed, or ask for counts only",
                )
            count += len(node.vqs)
    return count


def angles_of(node: Node) -> tuple[str, ...]:
    """Names of the angles of a node, in declaration order."""
    op = OPS.get(node.op)
    if op is None:
        return ()
    return tuple(p.name for p in op.params if p.kind == "angle" and p.name in node.args)


def all_angles(graph: Graph) -> Sweep:
    """A sweep without points whose parameters are all angles of the graph, named node.angle."""
    found = [(node.id, arg) for node in graph.nodes for arg in angles_of(node)]
    return Sweep(
        names=tuple(f"{node}.{arg}" for node, arg in found),
        slots=tuple(Slot(node=node, arg=arg, terms=((k, 1.0),)) for k, (node, arg) in enumerate(found)),
    )


def bound(graph: Graph, sweep: Sweep, point: tuple[float, ...]) -> Graph:
    """The graph with the angles of one point of the sweep."""
    changes: dict[str, dict[str, float]] = {}
    for slot in sweep.slots:
        value = slot.constant + sum(factor * point[k] for k, factor in slot.terms)
        changes.setdefault(slot.node, {})[slot.arg] = value
    return with_angles(graph, changes)


def with_angles(graph: Graph, changes: Mapping[str, Mapping[str, float]]) -> Graph:
    """The graph with these angles, by node and name, set."""
    nodes = tuple(
        msgspec.structs.replace(node, args={**node.args, **changes[node.id]}) if node.id in changes else node
        for node in graph.nodes
    )
    return msgspec.structs.replace(graph, nodes=nodes)


def require(outputs: Outputs, graph: Graph, shots: int) -> None:
    """Raises INVALID_PARAMS naming the part that is wrong, UNSUPPORTED where qubits have no number or values are asked
    of atoms that may be lost, QUOTA_EXCEEDED beyond a limit."""
    n = n_qubits(graph)
    if outputs.split and (outputs.names - {"counts"} or not outputs.counts or outputs.split > shots):
        what = f"{outputs.split} blocks of {shots} shots, or of more than counts"
        raise _wrong("outputs.split", what, "divide counts alone, into blocks of one shot or more")
    check("observables", len(outputs.expectations))
    check("observable_terms", sum(map(len, outputs.expectations)))
    check("sweep_points", len(outputs.points))
    letters = letters_of(graph)
    if "N" in letters:
        _require_light(outputs)
    for at, observable in enumerate(outputs.expectations):
        _require_observable(observable, n, letters, f"outputs.expectations[{at}]")
    for at, text in enumerate(outputs.amplitudes):
        if len(text) != n or not set(text) <= {"0", "1"}:
            raise _wrong(
                f"outputs.amplitudes[{at}]", f"'{text[:40]}' is not a string of {n} bits", f"write {n} digits 0 or 1"
            )
    for at, qubits in enumerate(outputs.probabilities):
        _require_qubits(qubits, n, f"outputs.probabilities[{at}]")
    if outputs.gradient and not outputs.expectations:
        raise _wrong("outputs.gradient", "a gradient of nothing", "give the observable in expectations")
    if outputs.sweep is not None:
        _require_sweep(outputs.sweep, graph)
    check("values_bytes", values_bytes_max(outputs, graph, n, shots))
    if outputs.expectations or outputs.probabilities or outputs.amplitudes or outputs.state or outputs.density:
        _require_atoms(graph)


def _require_atoms(graph: Graph) -> None:
    """Applies the one rule for values of atoms that may be lost, whatever the engine. What ``analog.rydberg3`` leaves
    in r reads as 0, as its op says."""
    for node in graph.nodes:
        op = OPS.get(node.op)
        if op is None:
            continue
        if op.op_class == "evolution":
            loses = bool(node.args.get("noise", {}).get("loss_per_us"))
        else:
            loses = op.op_class == "noise" and op.channel is None and bool(node.vqs) and noise.kind(op, node) != "none"
        if loses:
            raise QmkError(
                "UNSUPPORTED",
                f"node '{node.id}' ({node.op}): an observable of atoms that may be lost has no value",
                node=node.id,
                help="ask for counts, and say what a lost atom counts as",
            )


def values_bytes_max(outputs: Outputs, graph: Graph, n: int, shots: int) -> int:
    """The most bytes that the values take."""
    each = ESTIMATE_BYTES * (len(outputs.expectations) + len(outputs.amplitudes))
    each += sum(ESTIMATE_BYTES << min(len(qubits), 40) for qubits in outputs.probabilities)
    if outputs.state:
        each += 16 << min(n, 50)
    if outputs.density:
        each += 16 << min(2 * n, 50)
    if outputs.trajectory:
        over = [node.args for node in graph.nodes if node.op == "dynamics.evolve"]
        each += sum(ESTIMATE_BYTES * len(args["times"]) * (1 + len(args.get("observables", ()))) for args in over)
    if outputs.gradient:
        by = len(outputs.sweep.names) if outputs.sweep is not None else sum(len(angles_of(x)) for x in graph.nodes)
        each += ESTIMATE_BYTES * by * len(outputs.expectations)
    if outputs.counts and outputs.points:
        each += min(shots, 1 << min(len(graph.events), 40)) * (len(graph.events) + 16)
    if outputs.sweep is not None and outputs.sweep.events:
        each += shots * -(-len(graph.events) // 4)  # an event has at most two bits
    return each * max(1, len(outputs.points))


def letters_of(graph: Graph) -> str:
    """The letters of observables: Paulis of qubits; of modes of light the photon number N and quadratures X, P."""
    light = any(node.op == "core.alloc" and node.args.get("carrier") == "mode" for node in graph.nodes)
    return "INXP" if light else "IXYZ"


def _require_light(outputs: Outputs) -> None:
    rest = outputs.names & {"state", "amplitudes", "probabilities", "gradient"}
    if rest or outputs.sampled:
        what = f"modes of light give no {', '.join(sorted(rest)) or 'sampled values'}"
        raise QmkError("UNSUPPORTED", what, help="ask for counts, or for expectation values of N, X and P")


def _require_observable(observable: Observable, n: int, letters: str, field: str) -> None:
    if not observable:
        raise _wrong(field, "an observable without terms", "give at least one (Pauli string, coefficient)")
    for paulis, factor in observable:
        if len(paulis) != n or not set(paulis) <= set(letters):
            raise _wrong(
                field,
                f"'{paulis[:40]}' is not a product of {n} letters, one for each qubit or mode",
                f"write {n} letters of {', '.join(letters)}, number 0 first",
            )
        if not math.isfinite(factor):
            raise _wrong(field, f"the coefficient of '{paulis[:40]}' is {factor}", "coefficients are finite numbers")


def _require_qubits(qubits: tuple[int, ...], n: int, field: str) -> None:
    for at, qubit in enumerate(qubits):
        if not 0 <= qubit < n:
            raise _wrong(field, f"there is no qubit {qubit}"[:100], f"the program has {n} qubits, numbered from 0")
        if qubit in qubits[:at]:
            raise _wrong(field, f"qubit {qubit} is named twice", "name each qubit once")


def _require_sweep(sweep: Sweep, graph: Graph) -> None:
    if len(set(sweep.names)) != len(sweep.names):
        raise _wrong("outputs.sweep.names", "a parameter is named twice", "name each parameter once")
    angles = {node.id: angles_of(node) for node in graph.nodes}
    taken: set[tuple[str, str]] = set()
    for at, slot in enumerate(sweep.slots):
        field = f"outputs.sweep.slots[{at}]"
        if slot.arg not in angles.get(slot.node, ()):
            raise _wrong(field, f"node '{slot.node}' has no angle '{slot.arg}'", "name a node and one of its angles")
        if (slot.node, slot.arg) in taken:
            raise _wrong(field, f"the angle '{slot.arg}' of node '{slot.node}' is set twice", "one slot an angle")
        taken.add((slot.node, slot.arg))
        numbers = [slot.constant, *(factor for _, factor in slot.terms)]
        if any(not 0 <= k < len(sweep.names) for k, _ in slot.terms) or not all(map(math.isfinite, numbers)):
            raise _wrong(field, "a term that is not (number of a parameter, finite factor)", "number them from 0")
    for at, point in enumerate(sweep.points):
        if len(point) != len(sweep.names) or not all(map(math.isfinite, point)):
            raise _wrong(
                f"outputs.sweep.points[{at}]",
                f"{len(point)} values for {len(sweep.names)} parameters, or one that is not finite",
                "give one finite number for each name",
            )


def _wrong(field: str, what: str, fix: str) -> QmkError:
    return QmkError("INVALID_PARAMS", f"{field}: {what}", field=field, help=fix)


def digest(outputs: Outputs | None) -> str:
    """SHA-256 of a request in hexadecimal, which tells it from others; empty for counts only."""
    if outputs is None:
        return ""
    return hashlib.sha256(msgspec.json.encode(outputs, order="deterministic")).hexdigest()
