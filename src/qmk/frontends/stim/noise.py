"""Stim's noise instructions. What has an op in family ``noise`` becomes it; errors that are correlated over more than
two qubits, exclusive, or heralded become random events and the Paulis that they control."""

from __future__ import annotations

from qmk.frontends.stim import tags
from qmk.frontends.stim.circuit import Circuit
from qmk.frontends.stim.text import Instruction, Product
from qmk.qvm.families.noise import PAIRS, TOLERANCE

COUNTS = {
    "X_ERROR": 1, "Y_ERROR": 1, "Z_ERROR": 1, "DEPOLARIZE1": 1, "DEPOLARIZE2": 1, "PAULI_CHANNEL_1": 3,
    "PAULI_CHANNEL_2": 15, "E": 1, "ELSE_CORRELATED_ERROR": 1, "HERALDED_ERASE": 1, "HERALDED_PAULI_CHANNEL_1": 4,
}  # fmt: skip
AND, AND_NOT, OR = 0b1000, 0b0010, 0b1110
"""Truth tables of (a, b), a being bit 0 of the row: both; a without b; either"""


def apply(circuit: Circuit, item: Instruction, chained: bool) -> None:
    """``chained``: an ELSE_CORRELATED_ERROR follows."""
    for p in item.args:
        if not 0 <= p <= 1:
            raise item.refuse("STIM-03", f"{p:g} is not a probability")
    if item.name in ("I_ERROR", "II_ERROR"):
        _identity(circuit, item)
        return
    if len(item.args) != COUNTS[item.name]:
        raise item.refuse("STIM-03", f"{len(item.args)} arguments, not {COUNTS[item.name]}")
    if sum(item.args) > 1 + TOLERANCE:
        raise item.refuse("STIM-03", f"its probabilities add up to {sum(item.args):g}")
    if item.name in ("E", "ELSE_CORRELATED_ERROR"):
        _add_correlated(circuit, item, chained)
    elif item.name.startswith("HERALDED"):
        _add_heralded(circuit, item)
    else:
        _channel(circuit, item)


def _qubit(item: Instruction, product: Product) -> str:
    target = product[0]
    if len(product) > 1 or target.kind or target.inverted:
        raise item.refuse("STIM-04", "its targets are qubits")
    return f"q{target.value}"


def _channel(circuit: Circuit, item: Instruction) -> None:
    qubits = [_qubit(item, product) for product in item.targets]
    p = item.args
    if item.name in ("DEPOLARIZE2", "PAULI_CHANNEL_2"):
        if len(qubits) % 2:
            raise item.refuse("STIM-04", f"{len(qubits)} targets are not pairs")
        pairs = zip(qubits[::2], qubits[1::2], strict=True)
        args = {f"p{pair.lower()}": chance for pair, chance in zip(PAIRS, p, strict=False)}
        for a, b in pairs:
            if a == b:
                raise item.refuse("STIM-04", f"{a[1:]} stands twice in a pair")
            if item.name == "DEPOLARIZE2":
                circuit.add("noise.depolarize", (a, b), {"p": p[0]})
            else:
                circuit.add("noise.pauli2", (a, b), dict(args))
        return
    for qubit in qubits:
        if item.name == "DEPOLARIZE1":
            circuit.add("noise.depolarize", (qubit,), {"p": p[0]})
        elif item.name == "PAULI_CHANNEL_1":
            circuit.add("noise.pauli", (qubit,), {"px": p[0], "py": p[1], "pz": p[2]})
        else:
            circuit.add("noise.pauli", (qubit,), {f"p{item.name[0].lower()}": p[0]})


def _identity(circuit: Circuit, item: Instruction) -> None:
    """Handles I_ERROR: nothing happens unless a tag says what is lost, each qubit by itself or all targets together."""
    kind = tags.loss(item)
    qubits = [_qubit(item, product) for product in item.targets]
    if not kind:
        return
    want = 2 if kind == "leakage" else 1
    if len(item.args) != want:
        raise item.refuse("STIM-03", f"[{kind}] takes {want} arguments, not {len(item.args)}")
    if kind == "correlated_loss":
        if qubits:
            circuit.add("noise.loss", tuple(dict.fromkeys(qubits)), {"p": item.args[0]})
        return
    for qubit in qubits:
        if kind == "loss":
            circuit.add("noise.loss", (qubit,), {"p": item.args[0]})
        else:
            circuit.add("noise.leak", (qubit,), {"p0": item.args[0], "p1": item.args[1]})


def _add_correlated(circuit: Circuit, item: Instruction, chained: bool) -> None:
    """Adds a Pauli product. ELSE_CORRELATED_ERROR happens only if none of the chain before it did."""
    letters: dict[str, str] = {}
    for product in item.targets:
        target = product[0]
        if len(product) > 1 or target.kind not in ("X", "Y", "Z") or target.inverted:
            raise item.refuse("STIM-04", "its targets are Paulis such as X1 Z2")
        if letters.setdefault(f"q{target.value}", target.kind) != target.kind:
            raise item.refuse("STIM-04", f"{target.value} stands twice")
    qubits, paulis, p = tuple(letters), "".join(letters.values()), item.args[0]
    first = item.name == "E"
    if first:
        circuit.chain = None
    if first and not chained and 1 <= len(qubits) <= 2:
        op = "noise.pauli" if len(qubits) == 1 else "noise.pauli2"
        circuit.add(op, qubits, {f"p{paulis.lower()}": p})
        return
    before = circuit.chain
    happens = circuit.chance(p)
    if before is not None:
        happens = circuit.table(AND_NOT, (happens, before))
    if qubits:
        circuit.add("core.condpauli", qubits, {"paulis": paulis}, (happens,))
    if chained:
        circuit.chain = happens if before is None else circuit.table(OR, (happens, before))
    else:
        circuit.chain = None


def _add_heralded(circuit: Circuit, item: Instruction) -> None:
    """Adds a heralded error: the record says whether it happened, and one of I, X, Y, Z follows. X and Z parts are
    drawn one after the other."""
    chances = (item.args[0] / 4,) * 4 if item.name == "HERALDED_ERASE" else item.args
    total = sum(chances)
    _i, x, y, z = (p / total if total else 0.0 for p in chances)
    turned = x + y
    for product in item.targets:
        qubit = (_qubit(item, product),)
        circuit.room()
        number = len(circuit.record)
        herald = circuit.chance(total)
        circuit.record.append(circuit.table(0b10, (herald,), name=f"m{number}"))
        circuit.lost.append(None)
        flip = circuit.table(AND, (circuit.chance(turned), herald))
        circuit.add("core.condpauli", qubit, {"paulis": "X"}, (flip,))
        with_x = circuit.chance(y / turned if turned else 0.0)
        without = circuit.chance(z / (1 - turned) if turned < 1 else 0.0)
        # row: herald, flip, phase where flipped, phase where not
        rows = [k for k in range(16) if k & 1 and (k >> 2 if k & 2 else k >> 3) & 1]
        phase = circuit.table(sum(1 << k for k in rows), (herald, flip, with_x, without))
        circuit.add("core.condpauli", qubit, {"paulis": "Z"}, (phase,))
