"""Noise of gates in the native core's circuit of a program, for batches: no graph is built, verified and lowered.

The circuit is the one that the graph would give. What follows a gate is read off the graph of that gate alone, with the
model applied and lowered as any other; a program or a model with more than gates and their Pauli errors is left to the
graph.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError

if TYPE_CHECKING:
    import qmk_native

    from qmk.circuit.circuit import Circuit
    from qmk.models.noise import NoiseModel

MOST_OPS = 10_000
"""Longer programs are left to the graph, which knows the bounds of programs."""

_GATES = ("gates", "name", "durations")
"""Fields of a model that say nothing but what follows a gate on any qubits, or nothing without the others."""


class Followers:
    """What a model puts behind each kind of gate. ``notes``: what lowering says of a program with this noise."""

    def __init__(self, model: NoiseModel) -> None:
        import msgspec

        self.model = model
        defaults = msgspec.structs.asdict(type(model)())
        given = msgspec.structs.asdict(model)
        self.fits = all(given[name] == defaults[name] for name in given.keys() - {*_GATES})
        self.fits = self.fits and not any(rule.qubits for rule in model.gates)
        self.notes: dict[str, Any] = {}
        self._rows: dict[int, list[Any] | None] = {}

    def rows(self, row: Any) -> list[Any] | None:
        """The ops behind this one, on qubits 0, 1 ..; None where they are none that a circuit has."""
        if row[0] not in self._rows:
            self._rows[row[0]] = self._look(row)
        return self._rows[row[0]]

    def _look(self, row: Any) -> list[Any] | None:
        import qmk_native

        from qmk.circuit.circuit import Circuit
        from qmk.models.noise import apply
        from qmk.worker.native import circuit_of_graph

        kind: int = row[0]
        name, arity, n_angles = qmk_native.KINDS[kind]
        try:
            graph = Circuit(arity).apply(name, *row[2][:n_angles], *range(arity)).to_graph()
            circuit, self.notes = circuit_of_graph(apply(self.model, graph))
        except QmkError:
            return None
        first, *others = circuit.rows()[0]
        noise = all(qmk_native.KINDS[other[0]][0].startswith("noise") for other in others)
        return others if first[0] == kind and noise else None


_LAST: list[Followers] = []
"""Of the model that was asked for last: the entries of a batch have one."""


def followers_of(model: NoiseModel) -> Followers:
    """What the model puts behind gates."""
    last = _LAST[-1:]
    if last and last[0].model is model:
        return last[0]
    _LAST[:] = [Followers(model)]
    return _LAST[-1]


def with_noise(ideal: qmk_native.Circuit, circuit: Circuit, followers: Followers) -> qmk_native.Circuit | None:
    """``ideal``, which the core read from the flat text of ``circuit``, with noise; None for what needs the graph."""
    import qmk_native

    if not followers.fits or len(ideal) > MOST_OPS:
        return None
    rows, conds, tables = ideal.rows()
    if conds or tables:
        return None
    out: list[Any] = []
    seen: Counter[str] = Counter()
    touched: set[int] = set()
    noisy = False
    for row in rows:
        name = qmk_native.KINDS[row[0]][0]
        if name == "reset" and row[1][0] not in touched:
            continue  # which lowering leaves out
        out.append(row)
        touched.update(row[1])
        if name in ("measure", "reset"):
            continue
        seen[name] += 1
        behind = followers.rows(row)
        if behind is None:
            return None
        noisy, qubits = noisy or bool(behind), row[1]
        out += [(kind, [qubits[k] for k in on], *rest) for kind, on, *rest in behind]
    written = Counter(item[0] for item in circuit._items if type(item) is tuple)  # pyright: ignore[reportPrivateUsage]
    del written["gphase"]
    if seen != written or not noisy:
        return None  # the core has other steps for a gate, and noise is behind the gate; or nothing is noisy
    return qmk_native.Circuit(ideal.n_qubits, ideal.n_cbits, out, [], [], ideal.registers)
