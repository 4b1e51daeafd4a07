"""Family ``atoms``: where neutral atoms are, and that they can be lost.

Distances are in um, times in us. What being lost means, for every op of every family: a gate with a lost operand does
not happen at all; a Pauli error acts on the operands that are left, a Kraus channel with a lost operand does not
happen; core.mz gives 0; core.reset leaves the atom lost. Nothing shows the state that a lost atom had: it is traced
out. An atom stays lost until atoms.reload. ``noise.loss`` and ``noise.leak`` lose atoms.
"""

from __future__ import annotations

from qmk.qvm.families import analog
from qmk.qvm.op import Args, Arity, Family, Op, Param, exactly

MANY, ONE = Arity(1, None), exactly(1)

_DURATION = Param("duration", "float", "how long it takes", "us", low=0.0, high=analog.LARGEST)


def fault(args: Args, qubits: int) -> str:
    """Why arguments, each of which is sound, are together not places of ``qubits`` atoms; "" if they are."""
    name = next((name for name in ("positions", "to") if name in args), "")
    return analog.points_fault(args[name], qubits, name) if name else ""


FAMILY = Family(
    "atoms",
    1,
    "neutral atoms: where they are, and whether they are still there",
    (
        Op(
            "atoms.place",
            "where each atom is; ideal qubits do not notice",
            "hint",
            vqs=MANY,
            params=(Param("positions", "points", "where each atom is: [x, y] or [x, y, z]", "um"),),
        ),
        Op(
            "atoms.move",
            "transport of these atoms, all at once; ideal qubits do not notice",
            "hint",
            vqs=MANY,
            params=(Param("to", "points", "where each atom goes: [x, y] or [x, y, z]", "um"), _DURATION),
        ),
        Op("atoms.wait", "time passes for these atoms", "hint", vqs=MANY, params=(_DURATION,)),
        Op(
            "atoms.mz",
            "measure Z, and whether the atom is lost: events (bit, lost); of a lost atom the bit is lost_as",
            "measure",
            vqs=ONE,
            produces=exactly(2),
            params=(Param("lost_as", "int", "bit of a lost atom", required=False, default=0, low=0, high=1),),
        ),
        Op(
            "atoms.check",
            "whether the atom is lost; does not measure the qubit",
            "measure",
            vqs=ONE,
            produces=ONE,
        ),
        Op("atoms.reload", "fresh atoms in |0> at these sites, whether they were lost or not", "reset", vqs=MANY),
    ),
)
