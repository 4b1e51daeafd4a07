"""Where the qubits of a program are, and which of them may ever be entangled: shown to whoever owns the job.

The ideal device gives an allocated handle the lowest free index, and FREE gives the index back. On logical qubits an
index is that of the patch's first physical qubit. Epochs are counted from 1; a fence is the last node of its epoch.

Qubits are joined by entangling ops and by uses of a channel between them. Two that are in different components share no
state, whatever the program does. A handle that is freed and allocated again is a new qubit.
"""

from __future__ import annotations

import heapq
from collections import Counter

from msgspec import structs

from qmk.abi.calls.q_get_mapping import Placement
from qmk.base.limits import LIMITS
from qmk.kernel.events import Submitted
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, unpack

_JOINING = frozenset(name for name, op in OPS.items() if op.entangling and op.op_class != "lifecycle")


def map_graph(graph: Graph, record: Submitted) -> list[Placement]:
    """The map of a verified graph, in order of allocation; a handle freed and allocated again has two rows."""
    step = _spacing(record)
    found: list[Placement] = []
    row_of: dict[str, int] = {}
    free: list[int] = []
    used = 0
    epoch = 1
    for node in graph.nodes:
        if node.op == "core.fence":
            epoch += 1
        elif node.op == "core.alloc":
            for qubit in node.vqs:
                index = heapq.heappop(free) if free else used
                used = max(used, index + 1)
                row_of[qubit] = len(found)
                found.append(Placement(qubit, index * step, epoch, 0))
        elif node.op == "core.free":
            for qubit in node.vqs:
                at = row_of.pop(qubit)
                found[at] = Placement(qubit, found[at].index, found[at].from_epoch, epoch)
                heapq.heappush(free, found[at].index // step)
    for at in row_of.values():
        row = found[at]
        found[at] = Placement(row.qubit, row.index, row.from_epoch, epoch)
    return found


def map_job(record: Submitted) -> list[Placement]:
    """The map of a job with its graph, and the component of each qubit."""
    graph = unpack(record.graph)
    rows = zip(map_graph(graph, record), components(graph), strict=True)
    return [structs.replace(row, component=group) for row, group in rows]


def stretch(rows: list[Placement], before: Submitted, after: Submitted) -> list[Placement]:
    """The map where the patches of the program have another size."""
    old, step = _spacing(before), _spacing(after)
    return [structs.replace(row, index=row.index // old * step) for row in rows]


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


def _spacing(record: Submitted) -> int:
    """Indexes between two neighbours of a job's qubits. A logical one has those of its patch; the tiles of the routing
    and the factories come after the last."""
    return 1 if record.footprint is None else record.footprint.patch_qubits
