"""Noise tailoring: errors of two-qubit gates made into Pauli errors by random Paulis around each gate.

A Pauli before a Clifford gate is undone by its image behind it, so that the program stays what it is; what errs between
the two is conjugated by a random Pauli. Averaged over all of them any channel is a Pauli channel: the off-diagonals of
its transfer matrix vanish (Wallman and Emerson, Phys. Rev. A 94, 052325 (2016)). ``twirl`` does it to a program,
``pauli_twirl`` to a channel. Matrices have the first operand as the highest bit of an index (``qvm.op``).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

import msgspec

from qmk.base.errors import QmkError
from qmk.base.seeds import substream
from qmk.models.noise.errors import Depolarize, Error, Pauli, Pauli2
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node
from qmk.qvm.matrices import PAULI, kron, matmul
from qmk.qvm.op import KrausChannel, Matrix, Op, PauliChannel

BITS = {"I": 0, "X": 1, "Z": 2, "Y": 3}
"""The two bits of a Pauli operator: 1 if it has X in it, 2 if it has Z; a product has their exclusive or, up to a
phase."""

LETTERS = {bits: letter for letter, bits in BITS.items()}


def twirl(graph: Graph, *, seed: int) -> Graph:
    """``graph`` with two random Paulis before every two-qubit Clifford gate, and behind it those that undo them. The
    same seed gives the same program. Registers print the same bits with the same probabilities.

    Error channels that stand right behind a gate on its qubits come before the Paulis behind it. A model that is
    applied afterwards errs there as well; give it no errors of X, Y and Z (``GateRule(..., arity=2)``) if the Paulis
    are meant to be merged into the gates beside them.
    """
    ids = {node.id for node in graph.nodes}
    nodes: list[Node] = []
    waiting: list[Node] = []
    around: tuple[str, ...] = ()
    for index, node in enumerate(graph.nodes):
        op = OPS.get(node.op)
        if op is None:
            raise QmkError("INVALID_GRAPH", f"node '{node.id}': this release does not know the op '{node.op}'")
        if not (op.op_class == "noise" and node.vqs and set(node.vqs) <= set(around)):
            nodes += waiting
            waiting, around = [], ()
        if not _can_twirl(op):
            nodes.append(node)
            continue
        number = substream(seed, "twirl", index, node.id) % 16
        before = LETTERS[number >> 2] + LETTERS[number & 3]
        nodes += _paulis(node, before, "before", ids)
        nodes.append(node)
        waiting, around = _paulis(node, image(op, before), "behind", ids), node.vqs
    return msgspec.structs.replace(graph, nodes=(*nodes, *waiting))


def _can_twirl(op: Op) -> bool:
    return op.op_class == "unitary" and op.flow is not None and op.vqs.low == op.vqs.high == 2


def image(op: Op, paulis: str) -> str:
    """What ``paulis`` before a Clifford gate is behind it, up to its sign."""
    assert op.flow is not None, "asked of Clifford gates only"
    found = [0] * len(paulis)
    for place, letter in enumerate(paulis):
        for axis in "XZ":
            if BITS[letter] & BITS[axis]:
                alone = "I" * place + axis + "I" * (len(paulis) - place - 1)
                found = [bits ^ BITS[each] for bits, each in zip(found, op.flow[alone][1:], strict=True)]
    return "".join(LETTERS[bits] for bits in found)


def _paulis(node: Node, paulis: str, where: str, ids: set[str]) -> list[Node]:
    made: list[Node] = []
    for qubit, letter in zip(node.vqs, paulis, strict=True):
        if letter != "I":
            name = f"{node.id}_{where}_{qubit}"
            while name in ids:
                name += "_"
            ids.add(name)
            made.append(Node(name, f"core.{letter.lower()}", vqs=(qubit,), guard=node.guard))
    return made


def pauli_twirl(error: Error) -> Pauli | Pauli2:
    """The average of ``error`` over conjugation by all Paulis: those it applies, each with the probability
    sum over k of |tr(P K_k)|^2 / 4^n. Of a Pauli error it is that error. Raises INVALID_PARAMS for losses."""
    if isinstance(error, Pauli | Pauli2):
        return error
    width = 2 if error.pair and not isinstance(error, Depolarize) else 1
    chances = {
        "".join(name): chance
        for name, chance in zip(itertools.product("IXYZ", repeat=width), _chances(error, width), strict=True)
    }
    if width == 1:
        return Pauli(chances["X"], chances["Y"], chances["Z"])
    return Pauli2({name: chance for name, chance in chances.items() if chance and name != "II"})


def kraus_of(error: Error, width: int) -> tuple[Matrix, ...]:
    """Kraus operators of ``error`` on ``width`` qubits. Raises INVALID_PARAMS for losses, which are not channels."""
    channel = None if (made := OPS[error.OP].channel) is None else made(error.args(), width)
    if isinstance(channel, KrausChannel):
        return channel.operators
    if isinstance(channel, PauliChannel):
        return tuple(
            tuple(tuple(chance**0.5 * x for x in row) for row in _product(name))
            for name, chance in zip(itertools.product("IXYZ", repeat=width), channel.chances, strict=True)
        )
    raise QmkError(
        "INVALID_PARAMS",
        f"{error.OP} is not a channel on qubits",
        field="noise",
        help="give an error that loses nothing",
    )


def _chances(error: Error, width: int) -> list[float]:
    operators = kraus_of(error, width)
    size = 1 << width
    return [
        sum(abs(_trace(matmul(_product(name), operator))) ** 2 for operator in operators) / size**2
        for name in itertools.product("IXYZ", repeat=width)
    ]


def _product(name: Sequence[str]) -> Matrix:
    return functools.reduce(kron, (PAULI[letter] for letter in name))


def _trace(matrix: Matrix) -> complex:
    return complex(sum(matrix[k][k] for k in range(len(matrix))))
