"""``Device``: a ``cirq.Device`` of coupled sites, whose qubit ``cirq.LineQubit(k)`` is site k."""

from __future__ import annotations

# Cirq and networkx have types in part.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeStubs=false, reportMissingTypeArgument=false
from typing import Any

import cirq
import networkx as nx

from qmk.models.devices import Target


class Device(cirq.Device):
    """A device as a graph: ``metadata.nx_graph`` has its sites, with edges that know the ``error`` of the best gate on
    two sites where it is known. ``target``: all that is known of it. ``cirq.RouteCQC(device.metadata.nx_graph)`` puts a
    circuit on it. Gates on one qubit need not be native: QMK writes them in the device's gates."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.qubits = tuple(cirq.LineQubit(site) for site in target.usable())
        graph: Any = nx.Graph()
        graph.add_nodes_from(self.qubits)
        graph.add_edges_from((cirq.LineQubit(a), cirq.LineQubit(b)) for a, b in target.pairs())
        for a, b, error in target.pair_errors():
            graph.edges[cirq.LineQubit(a), cirq.LineQubit(b)]["error"] = error
        self._metadata = cirq.DeviceMetadata(self.qubits, graph)

    @property
    def metadata(self) -> cirq.DeviceMetadata:
        return self._metadata

    @property
    def all_sites(self) -> tuple[cirq.Qid, ...]:
        """The qubit of every site, broken ones too: the order in which a circuit is read for the device."""
        return tuple(cirq.LineQubit(site) for site in range(self.target.sites))

    def validate_operation(self, operation: cirq.Operation) -> None:
        """Raises ValueError for a qubit that the device has not, a gate on two qubits that are not coupled, and one on
        more. Measurements may be of any number."""
        graph: Any = self.metadata.nx_graph
        for qubit in operation.qubits:
            if qubit not in graph:
                raise ValueError(f"{operation!r}: device {self.target.name} has no qubit {qubit}")
        if isinstance(operation.untagged, cirq.CircuitOperation):
            self.validate_circuit(operation.untagged.mapped_circuit())
            return
        if cirq.is_measurement(operation) or len(operation.qubits) < 2:
            return
        if len(operation.qubits) > 2:
            raise ValueError(f"{operation!r}: device {self.target.name} has no gates on more than two qubits")
        if not graph.has_edge(*operation.qubits):
            names = " and ".join(map(str, operation.qubits))
            raise ValueError(f"{operation!r}: device {self.target.name} does not couple {names}")

    def __repr__(self) -> str:
        return f"<Device {self.target.name}, {len(self.qubits)} qubits>"
