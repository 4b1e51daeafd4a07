"""A surface patch that grows: the fault-tolerant enlargement of Horsman, Fowler, Devitt, Van Meter, New J. Phys. 14,
123011 (2012), section 4, at once to both sides.

The small patch lies in the corner where both logical operators begin. New data qubits are prepared as the logical
operator goes on: in |0> beside the patch, where Z does, in |+> above it, where X does; between both, on either side of
the diagonal. A check of the large patch is then certain, equals one of the small patch, or is a coin.
"""

from __future__ import annotations

import stim

from qmk.models.qec.circuits.assemble import detector, extraction
from qmk.models.qec.circuits.plan import Op, Plan, Watch
from qmk.models.qec.circuits.surface import plan
from qmk.models.qec.code import Code


def circuit(code: Code, to: Code, before: int, after: int, basis: str) -> stim.Circuit:
    """``before`` rounds of ``code``, then ``after`` rounds of ``to``, read in ``basis``, in which it was prepared."""
    large = plan(to)
    small = _place(plan(code), large)
    made = stim.Circuit()
    for qubit, place in sorted(large.coords.items()):
        made.append("QUBIT_COORDS", [qubit], place)
    made.append("R" if basis == "Z" else "RX", small.data)
    _rounds(made, small, before, {watch: [] for watch in small.watches if watch.basis == basis})
    fresh = _fresh(code.distance, to.distance)
    made.append("TICK", [])
    made.append("R", fresh["Z"])
    made.append("RX", fresh["X"])
    made.append("SHIFT_COORDS", [], (0, 0, 1))
    _rounds(made, large, after, _certain(small, large, fresh))
    made.append("M" if basis == "Z" else "MX", large.data)
    for watch in large.watches:
        if watch.basis == basis:
            back = [check - large.outcomes for check in watch.checks]
            detector(made, watch, [offset - len(large.data) for offset in (*watch.data, *back)], 1)
    for index, qubits in enumerate(large.observables[basis]):
        made.append("OBSERVABLE_INCLUDE", [stim.target_rec(q - len(large.data)) for q in qubits], index)
    return made


def _place(small: Plan, large: Plan) -> Plan:
    """The small plan on the qubits that the large one has at its places."""
    at = {place: qubit for qubit, place in large.coords.items()}
    name = {qubit: at[place] for qubit, place in small.coords.items()}

    def move_op(op: Op) -> Op:
        return op[0], tuple(name[qubit] for qubit in op[1])

    return Plan(
        tuple(name[qubit] for qubit in small.data),
        {name[qubit]: place for qubit, place in small.coords.items()},
        tuple(tuple(map(move_op, layer)) for layer in small.layers),
        tuple(Watch(w.basis, w.checks, tuple(name[q] for q in w.data), w.coords) for w in small.watches),
        small.observables,
        small.relations,
    )


def _fresh(d: int, to: int) -> dict[str, list[int]]:
    """New data qubits by the basis in which they are prepared."""
    new = [(i, j) for j in range(to) for i in range(to) if i >= d or j >= d]
    return {"Z": [i + to * j for i, j in new if i > j], "X": [i + to * j for i, j in new if i <= j]}


def _certain(small: Plan, large: Plan, fresh: dict[str, list[int]]) -> dict[Watch, list[int]]:
    """What is certain of the first round of the large patch, each with the outcome of the last of the small one that it
    repeats, if any, as an offset from that round's end."""
    old = set(small.data)
    known = {(watch.basis, frozenset(watch.data)): watch.checks[0] for watch in small.watches}
    found: dict[Watch, list[int]] = {}
    for watch in large.watches:
        new, held = set(watch.data) - old, frozenset(watch.data) & old
        repeats = (watch.basis, held) in known
        if new <= set(fresh[watch.basis]) and (repeats or not held):
            found[watch] = [known[watch.basis, held] - small.outcomes] if repeats else []
    return found


def _rounds(made: stim.Circuit, plan: Plan, rounds: int, certain: dict[Watch, list[int]]) -> None:
    """Rounds of which the first has detectors of what is ``certain``, each with the outcomes before it that it repeats,
    by their offsets from the end of those rounds."""
    extraction(made, plan, apart=False)
    for watch, since in certain.items():
        detector(made, watch, [offset - plan.outcomes for offset in (*watch.checks, *since)], 0)
    if rounds == 1:
        return
    body = stim.Circuit()
    body.append("TICK", [])
    extraction(body, plan, apart=False)
    body.append("SHIFT_COORDS", [], (0, 0, 1))
    for watch in plan.watches:
        now = [check - plan.outcomes for check in watch.checks]
        detector(body, watch, [*now, *(offset - plan.outcomes for offset in now)], 0)
    made.append(stim.CircuitRepeatBlock(rounds - 1, body))
