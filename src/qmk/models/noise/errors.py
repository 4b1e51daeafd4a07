"""The errors that a rule of a model may name: each is an op of family ``noise`` and its arguments.

A channel on one qubit that takes numbers only (``noise.is_simple``) has its class made from the op's declaration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Union

import msgspec

from qmk.base.errors import QmkError
from qmk.models.arguments import convert_fields
from qmk.qvm.families import OPS, noise
from qmk.qvm.op import Op

Matrices = tuple[tuple[tuple[tuple[float, float], ...], ...], ...]


def wrong(message: str, help: str) -> QmkError:
    return QmkError("INVALID_PARAMS", f"noise model: {message}", field="noise", help=help)


def check_args(op: str, args: Mapping[str, Any], qubits: int) -> None:
    """Raise INVALID_PARAMS where the numbers of an error are out of range or make no channel."""
    for param in OPS[op].params:
        value = args.get(param.name)
        if value is None or param.kind != "float":
            continue
        if not math.isfinite(value) or value < (param.low or 0.0) or value > (math.inf if param.high is None else 1.0):
            high = "" if param.high is None else f" to {param.high:g}"
            raise wrong(f"{param.name} is {value}, {param.doc}", f"give a number from {param.low or 0:g}{high}")
    if why := noise.fault(op, args, qubits):
        raise wrong(f"{op}: {why}", "give numbers of a physical process")


class Error(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """An error channel. ``pair`` True: it acts on the two qubits of a gate together, else on each qubit by itself."""

    OP: ClassVar[str] = ""

    def __post_init__(self) -> None:
        convert_fields(self, wrong)
        check_args(self.OP, self.args(), 2 if self.pair else 1)

    @property
    def pair(self) -> bool:
        return False

    def args(self) -> dict[str, Any]:
        return {key: value for key, value in msgspec.structs.asdict(self).items() if value}

    def repeat(self, times: int) -> Error:
        """One error that does what this one does ``times`` times."""
        repeat = noise.REPEATED.get(self.OP)
        if repeat is None:
            raise wrong(f"{self.OP} cannot stand for waiting", "use depolarize, pauli or a damping in 'idle'")
        return type(self)(**repeat(self.args(), times))


class Pauli(Error, frozen=True, tag="pauli"):
    """An X, Y or Z with these probabilities on each qubit."""

    px: float = 0.0
    py: float = 0.0
    pz: float = 0.0
    OP: ClassVar[str] = "noise.pauli"

    def repeat(self, times: int) -> Error:
        x, y, z = (1 - 2 * wrong for wrong in (self.py + self.pz, self.px + self.pz, self.px + self.py))
        x, y, z = x**times, y**times, z**times
        return Pauli(*(max(0.0, part / 4) for part in (1 + x - y - z, 1 - x + y - z, 1 - x - y + z)))


class Depolarize(Error, frozen=True, tag="depolarize"):
    """Any Pauli error but the identity, p in all: on both qubits of a two-qubit gate together, else on each qubit.
    ``each`` True: on each qubit in any case."""

    p: float
    each: bool = False
    OP: ClassVar[str] = "noise.depolarize"

    @property
    def pair(self) -> bool:
        return not self.each

    def args(self) -> dict[str, Any]:
        return {"p": self.p}

    def repeat(self, times: int) -> Error:
        return Depolarize(0.75 * (1 - (1 - self.p / 0.75) ** times), each=True)


class Pauli2(Error, frozen=True, tag="pauli2"):
    """Pauli products on the two qubits of a gate: ``{"ZZ": 0.01}``, the gate's first qubit first."""

    chances: dict[str, float]
    OP: ClassVar[str] = "noise.pauli2"

    @property
    def pair(self) -> bool:
        return True

    def args(self) -> dict[str, Any]:
        unknown = [name for name in self.chances if name not in noise.PAIRS]
        if unknown:
            raise wrong(f"'{unknown[0]}' is not a Pauli product", f"name one of {', '.join(noise.PAIRS)}")
        return {f"p{name.lower()}": float(chance) for name, chance in self.chances.items() if chance}


class Kraus(Error, frozen=True, tag="kraus"):
    """Any channel by its Kraus operators, rows of entries (re, im): 2 by 2 on each qubit, 4 by 4 on a gate's two."""

    operators: Matrices
    OP: ClassVar[str] = "noise.kraus"

    @property
    def pair(self) -> bool:
        return len(self.operators) > 0 and len(self.operators[0]) == 4

    def args(self) -> dict[str, Any]:
        return {"operators": [[[list(map(float, x)) for x in row] for row in rows] for rows in self.operators]}


class Loss(Error, frozen=True, tag="loss"):
    """The atom is lost with probability ``p``: each atom of a gate by itself; with ``together`` both of a gate
    on two."""

    p: float
    together: bool = False
    OP: ClassVar[str] = "noise.loss"

    @property
    def pair(self) -> bool:
        return self.together

    def args(self) -> dict[str, Any]:
        return {"p": self.p}


class Leak(Error, frozen=True, tag="leak"):
    """The atom leaves the qubit's two levels, |0> with probability ``p0`` and |1> with ``p1``, and is as lost."""

    p0: float = 0.0
    p1: float = 0.0
    OP: ClassVar[str] = "noise.leak"

    def args(self) -> dict[str, Any]:
        return {"p0": self.p0, "p1": self.p1}


class _Simple(Error, frozen=True):
    """Base of the classes made from declarations."""

    def args(self) -> dict[str, Any]:
        return msgspec.structs.asdict(self)


def _make_error(op: Op) -> Any:
    return msgspec.defstruct(
        "".join(word.capitalize() for word in op.short.split("_")),
        [(param.name, float) for param in op.params],
        bases=(_Simple,),
        module=__name__,
        namespace={"OP": op.name, "__doc__": f"{op.doc[0].upper()}{op.doc[1:]}."},
        tag=op.short,
        frozen=True,
    )


SIMPLE: dict[str, Any] = {op.short: _make_error(op) for op in noise.FAMILY.ops if noise.is_simple(op)}
"""Classes of errors by the short name of their op."""

AmplitudeDamping, PhaseDamping = SIMPLE["amplitude_damping"], SIMPLE["phase_damping"]

if TYPE_CHECKING:
    AnyError = Error
else:
    AnyError = Union[Pauli, Depolarize, Pauli2, Kraus, Loss, Leak, *SIMPLE.values()]
