"""The fewest entangled pairs for a program that is cut over two modules.

A pair makes a copy of a qubit in the other module, along Z or along X, and the copy serves every gate that acts on the
qubit along that axis until something acts on it along another (Eisert, Jacobs, Papadopoulos, Plenio, Phys. Rev. A 62,
052317 (2000)). So a gate over the cut may be served by a copy of either of its qubits, and the fewest copies are a
smallest vertex cover of a graph: stretches of qubits, joined by gates. It has two sides, one a module, so that the
cover follows from a largest matching (Konig, 1931).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping

from qmk.qvm.graph import Node

Stretch = tuple[str, int]
"""A qubit, and how many stretches it had before this one."""
AXES: dict[str, tuple[str, ...]] = {
    "core.cnot": ("Z", "X"), "core.cz": ("Z", "Z"), "core.z": ("Z",), "core.s": ("Z",), "core.sdg": ("Z",),
    "core.t": ("Z",), "core.tdg": ("Z",), "core.rz": ("Z",), "core.p": ("Z",), "core.x": ("X",),
}  # fmt: skip
"""The axis along which an op acts on each qubit; others act along none. Paulis change nothing but the frame, and are
told along their own axis."""
REMOTE = ("core.cnot", "core.cz")


def share_pairs(
    nodes: Iterable[Node], parts: Callable[[tuple[str, ...]], bool], side: Mapping[str, str]
) -> dict[str, Stretch]:
    """The stretch whose copy serves each gate over the cut, by the gate's id: as few stretches as there can be."""
    gates = gates_by_stretch(nodes, parts)
    joined: dict[Stretch, list[Stretch]] = {}
    first = min((side[qubit] for stretches in gates.values() for qubit, _ in stretches), default="")
    for one, other in gates.values():
        left, right = (one, other) if side[one[0]] == first else (other, one)
        joined.setdefault(left, []).append(right)
    cover = _cover(joined)
    return {name: one if one in cover else other for name, (one, other) in gates.items()}


def gates_by_stretch(
    nodes: Iterable[Node], parts: Callable[[tuple[str, ...]], bool]
) -> dict[str, tuple[Stretch, Stretch]]:
    """The stretches of both qubits of each gate over the cut. Guards, fences and every op that is not known end the
    stretches of their qubits, of all qubits without any."""
    number: dict[str, int] = {}
    axis: dict[str, str] = {}
    found: dict[str, tuple[Stretch, Stretch]] = {}
    for node in nodes:
        axes = AXES.get(node.op) if node.guard is None else None
        for at, qubit in enumerate(node.vqs or tuple(axis)):
            wanted = axes[at] if axes is not None else ""
            if axis.get(qubit) != wanted or not wanted:
                number[qubit] = number.get(qubit, 0) + 1
                axis[qubit] = wanted
        if node.op in REMOTE and node.guard is None and parts(node.vqs):
            one, other = node.vqs
            found[node.id] = (one, number[one]), (other, number[other])
    return found


def _cover(joined: Mapping[Stretch, list[Stretch]]) -> set[Stretch]:
    """A smallest vertex cover of a graph of two sides: from a largest matching, by augmenting paths."""
    match: dict[Stretch, Stretch] = {}  # of the right side
    for start in joined:
        came: dict[Stretch, Stretch] = {}
        waiting = deque([start])
        while waiting:
            left = waiting.popleft()
            fresh = [right for right in dict.fromkeys(joined[left]) if right not in came]
            came.update(dict.fromkeys(fresh, left))
            free = next((right for right in fresh if right not in match), None)
            if free is not None:
                _augment(match, came, free, start)
                break
            waiting.extend(match[right] for right in fresh)
    matched = set(match.values())
    reached, next_lefts = set[Stretch](), [left for left in joined if left not in matched]
    while next_lefts:
        left = next_lefts.pop()
        if left not in reached:
            reached.add(left)
            for right in joined[left]:
                reached.add(right)
                next_lefts += [match[right]] if right in match else []
    return {left for left in joined if left not in reached} | {right for right in match if right in reached}


def _augment(match: dict[Stretch, Stretch], came: Mapping[Stretch, Stretch], free: Stretch, start: Stretch) -> None:
    """Turn the path from ``start`` to ``free`` over: each left on it is matched to where it was left for."""
    before = {left: right for right, left in match.items()}
    right = free
    while True:
        left = came[right]
        match[right] = left
        if left == start:
            return
        right = before[left]
