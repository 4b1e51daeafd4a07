"""The graph under construction: nodes, the measurement record, detectors and observables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qmk.base.limits import LIMITS
from qmk.qvm.graph import Graph, Node, Output
from qmk.sdk.frontend import Refused

XOR = {width: sum(1 << k for k in range(1 << width) if k.bit_count() % 2) for width in range(1, 7)}
"""Truth table of the parity of so many inputs."""


class Circuit:
    """``record``: the event of each measurement, None for a constant 0; ``lost``: the event that says that its atom
    was lost, None where nothing is said. ``line`` is where the instruction stands."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.events: list[str] = []
        self.record: list[str | None] = []
        self.lost: list[str | None] = []
        self.detectors: list[str | None] = []
        self.detector_coordinates: list[list[float]] = []
        self.observables: dict[int, list[str | None]] = {}
        self.line = 0
        self.chain: str | None = None  # whether a correlated error of the chain has happened
        self._names: dict[str, int] = {}
        self._zero = ""

    def add(
        self,
        op: str,
        vqs: tuple[str, ...] = (),
        args: dict[str, Any] | None = None,
        inputs: tuple[str, ...] = (),
        produces: tuple[str, ...] = (),
    ) -> None:
        if len(self.nodes) >= LIMITS.expansion_nodes:
            raise Refused(
                "STIM-08", f"the circuit unrolls to more than {LIMITS.expansion_nodes} operations", line=self.line
            )
        self.nodes.append(Node(f"n{len(self.nodes)}", op, args or {}, vqs, (), inputs, produces))
        self.events.extend(produces)

    def name(self, base: str) -> str:
        """A new name: ``base`` with the next number."""
        number = self._names.get(base, 0)
        self._names[base] = number + 1
        return f"{base}{number}"

    # -- events ------------------------------------------------------------------------------------------------------

    def table(self, table: int, inputs: tuple[str, ...], base: str = "x", name: str = "") -> str:
        made = name or self.name(base)
        self.add("core.lut", args={"table": table}, inputs=inputs, produces=(made,))
        return made

    def chance(self, p: float) -> str:
        """Adds an event that is 1 with probability ``p``, without a measurement."""
        if not self._zero:
            self._zero = self.table(0, (), name="zero")
        made = self.name("r")
        self.add("noise.readout", args={"p01": p}, inputs=(self._zero,), produces=(made,))
        return made

    def parity(self, bits: Sequence[str | None], base: str) -> str | None:
        """The event that holds the sum modulo two; None where it is 0."""
        odd: dict[str, None] = {}
        for bit in bits:
            if bit is not None and bit in odd:
                del odd[bit]
            elif bit is not None:
                odd[bit] = None
        rest = list(odd)
        while len(rest) > 6:
            rest = [*rest[6:], self.table(XOR[6], tuple(rest[:6]))]
        if len(rest) < 2:
            return rest[0] if rest else None
        return self.table(XOR[len(rest)], tuple(rest), base)

    def add_measurement(self, op: str, vqs: tuple[str, ...], args: dict[str, Any], inverted: bool, p: float) -> None:
        """Adds a measurement: its bit, then inverted if asked, then read wrongly with probability ``p``."""
        self.room()
        number = len(self.record)
        name, lost = f"m{number}", f"lost{number}" if op == "atoms.mz" else None
        raw = f"raw{number}" if inverted or p else name
        self.add(op, vqs, args, produces=(raw, lost) if lost else (raw,))
        self.record.append(self.alter(raw, name, inverted, p))
        self.lost.append(lost)

    def alter(self, raw: str, name: str, inverted: bool, p: float) -> str:
        if inverted:
            raw = self.table(0b01, (raw,), name=f"not_{name}" if p else name)
        if p:
            self.add("noise.readout", args={"p01": p, "p10": p}, inputs=(raw,), produces=(name,))
            return name
        return raw

    def add_pad(self, value: int, p: float) -> None:
        """Adds a bit to the record that no qubit gives."""
        self.room()
        number = len(self.record)
        if value or p:
            raw = self.table(value, (), name=f"raw{number}" if p else f"m{number}")
            self.record.append(self.alter(raw, f"m{number}", False, p))
        else:
            self.record.append(None)
        self.lost.append(None)

    def room(self) -> None:
        if len(self.record) >= LIMITS.events // 4:
            raise Refused("STIM-08", f"more than {LIMITS.events // 4} measurements", line=self.line)

    # -- the end -----------------------------------------------------------------------------------------------------

    def finish(self, qubits: Sequence[str], metadata: dict[str, Any]) -> Graph:
        """Registers: ``record``, the first measurement leftmost; where atoms may be lost ``lost``, bit by bit the same
        measurements; ``detectors``; ``observables`` by their numbers."""
        outputs = [Output("record", tuple(self.record))] if self.record else []
        if any(self.lost):
            outputs.append(Output("lost", tuple(self.lost)))
        if self.detectors:
            outputs.append(Output("detectors", tuple(self.detectors)))
        if self.observables:
            found = {k: self.parity(bits, "o") for k, bits in self.observables.items()}
            outputs.append(Output("observables", tuple(found.get(k) for k in range(max(found) + 1))))
        if any(self.detector_coordinates):
            metadata["detectors"] = self.detector_coordinates
        if qubits:
            self.add("core.free", tuple(qubits))
        if not self.nodes:
            self.add("core.barrier")
        families = sorted({node.op.partition(".")[0] for node in self.nodes})
        return Graph(
            nodes=tuple(self.nodes),
            vqs=tuple(qubits),
            events=tuple(self.events),
            caps=("CAP_ALLOC",) if qubits else (),
            families=tuple(families),
            outputs=tuple(outputs),
            metadata=metadata,
        )
