"""The form of blocks, checked: their fields, their positions, and what is a unitary among matrices."""

from __future__ import annotations

from typing import Any, cast

from qmk.frontends.openqasm.unitary import Unitary, move_operands, synthesise
from qmk.ir.names import controlled_form
from qmk.models.arguments import show
from qmk.qvm.op import Matrix
from qmk.sdk.frontend import Refused

Block = dict[str, Any]
TOLERANCE = 1e-9
ANGLE_BOUND = 1e300
"""Angles are smaller than this."""
GATES = {
    "I2": "id",
    "Sdag": "sdg",
    "Tdag": "tdg",
    **{name: name.lower() for name in ["X", "Y", "Z", "H", "S", "T", "SWAP"]},
}
"""Yao's constant gates that need no matrix, and their names here."""
NAMES = {short: name for name, short in GATES.items()}
AXES = {axis: f"r{axis.lower()}" for axis in "XYZ"}
FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "gate": ({"gate"}, set()), "rot": ({"angle", "of"}, set()), "shift": ({"angle"}, set()),
    "phase": ({"angle"}, set()), "matblock": ({"matrix"}, set()), "put": ({"at", "of"}, set()),
    "control": ({"controls", "at", "of"}, {"config"}), "chain": ({"blocks"}, set()), "kron": ({"blocks"}, set()),
    "repeat": ({"at", "of"}, set()), "cache": ({"of"}, set()), "dagger": ({"of"}, set()),
    "scale": ({"factor", "of"}, set()), "measure": (set(), {"at", "bits", "name", "reset"}),
}  # fmt: skip
"""The blocks, with the fields that each has and may have."""


_SEEN: set[tuple[str, ...]] = set()
"""Kinds with fields that were found right, in the order in which they stood."""


def open_block(block: object, place: str) -> tuple[str, Block]:
    """The kind of a block, and its fields."""
    if not isinstance(block, dict):
        raise Refused("YAO-01", f"{place}: {show(block, 40)} is not a block")
    fields = cast("Block", block)
    kind = fields.get("block")
    if not isinstance(kind, str) or kind not in FIELDS:
        raise Refused("YAO-02", f"{place}: {show(kind, 40)} is not a block of {', '.join(FIELDS)}")
    if (kind, *fields) in _SEEN:
        return kind, fields
    needed, allowed = FIELDS[kind]
    for name in needed - fields.keys():
        raise Refused("YAO-01", f"{place}: a block '{kind}' has no '{name}'")
    for name in fields.keys() - needed - allowed - {"block"}:
        raise Refused("YAO-01", f"{place}: a block '{kind}' has a field {show(name, 40)}, which is not known")
    _SEEN.add((kind, *fields))
    return kind, fields


_ONE_QUBIT = {name: short for name, short in GATES.items() if short != "swap"}


def plain_gate(part: Any, n: int) -> tuple[str, dict[str, float], list[int]] | None:
    """The op of a put or a control of one gate, or of a rotation about X, Y or Z by a number: its name, its arguments,
    and its positions from 1, the controls first. None for all else and for what is wrong: the walk reads that.

    Most parts of a chain are such gates, and this takes a fifth of the walk's time."""
    try:
        kind, of = part["block"], part["of"]
        at: list[Any] = part["at"]
        if len(at) != 1 or type(at) is not list or len(part) != (3 if kind == "put" else 4):
            return None
        args: dict[str, float] = {}
        if len(of) == 3 and of["block"] == "rot":
            angle, of = of["angle"], of["of"]
            if type(angle) is not float or not abs(angle) < ANGLE_BOUND:
                return None
            base, args = AXES[of["gate"]], {"theta": angle}
        else:
            base = _ONE_QUBIT[of["gate"]]
        if len(of) != 2 or of["block"] != "gate":
            return None
        if kind == "control":
            at = part["controls"] + at
            base = controlled_form(base, len(at) - 1)
            if not base or len(set(at)) < len(at):
                return None
        elif kind != "put":
            return None
    except (TypeError, KeyError):
        return None
    for k in at:
        if type(k) is not int or not 0 < k <= n:
            return None
    return f"core.{base}", args, at


def list_of(fields: Block, name: str, place: str) -> list[Any]:
    if not isinstance(fields[name], list):
        raise Refused("YAO-01", f"{place}.{name}: not a list")
    return cast("list[Any]", fields[name])


def parts_of(kind: str, fields: Block, n: int, place: str) -> list[tuple[tuple[int, ...], object, str]]:
    """The blocks of a kron or a repeat with their places: the first of a repeat's begin at each of its positions."""
    if kind == "repeat":
        starts = positions(fields["at"], n, f"{place}.at")
        return [((start,), fields["of"], f"{place}.of") for start in starts]
    found: list[tuple[tuple[int, ...], object, str]] = []
    for k, part in enumerate(list_of(fields, "blocks", place)):
        where = f"{place}.blocks[{k}]"
        kind_of, of = open_block(part, where)
        if kind_of != "put":
            raise Refused("YAO-03", f"{where}: a part of a kron is a put, with its positions")
        found.append((positions(of["at"], n, f"{where}.at"), of["of"], f"{where}.of"))
    taken = [qubit for at, _, _ in found for qubit in at]
    if len(set(taken)) < len(taken):
        raise Refused("YAO-03", f"{place}: two parts of a kron share a position")
    return found


def positions(given: Any, n: int, place: str) -> tuple[int, ...]:
    """Positions from 1 as numbers from 0."""
    rows = cast("list[Any]", given if isinstance(given, list) else [])
    found = tuple(int(k) - 1 for k in rows if type(k) is int and 1 <= k <= n)
    if not found or len(found) != len(rows) or len(set(found)) != len(found):
        raise Refused(
            "YAO-03", f"{place}: {show(cast('object', given), 60)} is not a list of different positions from 1 to {n}"
        )
    return found


def require_size(n: int, wanted: int, place: str) -> None:
    if n != wanted:
        raise Refused("YAO-03", f"{place}: a block of {wanted} qubits on {n} positions")


def join(parts: list[Unitary]) -> Unitary:
    return Unitary(tuple([item for part in parts for item in part.prims]), sum(part.phase for part in parts))


def paulis_of(block: object, n: int, place: str) -> str:
    """The letters of a product of X, Y and Z, one a position; "" for another block."""
    kind, fields = open_block(block, place)
    if kind == "gate" and n == 1:
        return fields["gate"] if fields["gate"] in AXES else ""
    if kind != "kron":
        return ""
    letters = ["I"] * n
    for at, part, where in parts_of(kind, fields, n, place):
        letter = paulis_of(part, len(at), where) if len(at) == 1 else ""
        if not letter:
            return ""
        letters[at[0]] = letter
    return "".join(letters)


def from_matrix(rows: Any, n: int) -> Unitary:
    """A matrix whose lowest bit is position 1 as a gate; ours have the first qubit highest."""
    return move_operands(synthesise(tuple(map(tuple, rows))), tuple(range(n - 1, -1, -1)))


def multiply(a: Matrix, b: Matrix) -> Matrix:
    columns = list(zip(*b, strict=True))
    return tuple(tuple(sum(x * y for x, y in zip(row, column, strict=True)) for column in columns) for row in a)


def distance_from_identity(matrix: Matrix) -> float:
    """How far a matrix is from the identity."""
    return max(abs(x - (j == k)) for j, row in enumerate(matrix) for k, x in enumerate(row))


def require_unitary(matrix: Matrix, place: str) -> None:
    adjoint = tuple(tuple(x.conjugate() for x in column) for column in zip(*matrix, strict=True))
    if not distance_from_identity(multiply(matrix, adjoint)) < TOLERANCE:
        raise Refused("YAO-05", f"{place}: it is not unitary")
