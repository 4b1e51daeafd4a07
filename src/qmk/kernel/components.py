"""Which qubits of a program may ever be entangled with each other.

Qubits are joined by entangling ops and by uses of a channel between them. Two that are in different components share no
state, whatever the program does, so nothing done to one can be seen at the other. A handle that is freed and allocated
again is a new qubit.
"""

from __future__ import annotations

from collections import Counter

from qmk.base.limits import LIMITS
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph

_JOINING = frozenset(name for name, op in OPS.items() if op.entangling and op.op_class != "lifecycle")


def components(graph: Graph) -> list[int]:
    """The component of each allocated qubit of a verified graph, in order of allocation; numbered from 0 in the order
    of their first qubits."""
    line: dict[str, int] = {}
    root: list[int] = []
    ends: dict[str, tuple[str, ...]] = {}

    def find(item: int) -> int:
        while root[item] != item:
            root[item] = root[root[item]]
            item = root[item]
        return item

    for node in graph.nodes:
        qubits = node.vqs
        if node.op == "core.alloc":
            for name in qubits:
                line[name] = len(root)
                root.append(len(root))
            continue
        if node.op == "channel.open":
            ends[node.chs[0]] = qubits
            continue
        if node.op == "channel.use":
            qubits = ends[node.chs[0]]
        elif len(qubits) < 2 or node.op not in _JOINING:
            continue
        first = find(line[qubits[0]])
        for name in qubits[1:]:
            other = find(line[name])
            first, other = min(first, other), max(first, other)
            root[other] = first
    number: dict[int, int] = {}
    return [number.setdefault(find(item), len(number)) for item in range(len(root))]


def component_sizes(graph: Graph) -> list[int]:
    """Sizes of the components, largest first, at most ``listed_components`` of them."""
    counts = Counter(components(graph))
    return sorted(counts.values(), reverse=True)[: LIMITS.listed_components]
