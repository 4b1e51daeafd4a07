"""Where qubits are: handles to indexes of the ideal device, and epochs counted.

The ideal device gives an allocated handle the lowest free index; FREE gives the index back. On logical qubits an index
is that of the patch's first physical qubit. Epochs are counted from
1; a fence is the last node of its epoch.
"""

from __future__ import annotations

import heapq

import msgspec

from qmk.abi.calls.q_get_mapping import Placement
from qmk.base.limits import LIMITS
from qmk.kernel.components import components
from qmk.kernel.config import KernelConfig
from qmk.kernel.events import Submitted
from qmk.qvm.graph import Graph, unpack


def regions(config: KernelConfig) -> dict[str, int]:
    """Name and number of qubits of each region of the map, in the order of the device's qubits."""
    return dict(config.regions) or {f"r{number}": LIMITS.region_qubits for number in range(config.workers)}


def epoch_sizes(graph: Graph) -> tuple[int, list[int]]:
    """Number of epochs, and the nodes of each of the first ``listed_epochs`` of them."""
    fences = [index for index, node in enumerate(graph.nodes) if node.op == "core.fence"]
    listed = fences[: LIMITS.listed_epochs]
    ends = [*(index + 1 for index in listed), len(graph.nodes)]
    sizes = [end - start for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    return len(fences) + 1, sizes[: LIMITS.listed_epochs]


def spacing(record: Submitted) -> int:
    """Indexes between two neighbours of a job's qubits. A logical one has those of its patch; the tiles of the routing
    and the factories come after the last."""
    return 1 if record.footprint is None else record.footprint.patch_qubits


def placements(graph: Graph, step: int = 1) -> list[Placement]:
    """The map of a verified graph, in order of allocation; a handle freed and allocated again has two rows. ``step``:
    indexes between neighbours."""
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


def placements_of_record(record: Submitted) -> list[Placement] | None:
    """The map of a job that asked for it (``policy.debug``), else None."""
    if not record.policy.get("debug"):
        return None
    graph = unpack(record.graph)
    rows = zip(placements(graph, spacing(record)), components(graph), strict=True)
    return [msgspec.structs.replace(row, component=group) for row, group in rows]
