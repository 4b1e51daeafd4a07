"""What a logical gate costs on patches of lattice surgery, in code cycles and in flips.

CNOT: joint ZZ with an ancilla patch in |+>, joint XX with the target, the ancilla measured in Z (Horsman, Fowler,
Devitt, Van Meter, New J. Phys. 14, 123011 (2012)); CZ the same with the target's bases exchanged. H: three cycles on
two tiles, for turning the patch back (Litinski, Quantum 3, 128 (2019), figure 11). S: a joint ZZ with a patch in
|Y> and its read-out, two cycles. T: a joint ZZ with a patch in |T>, and an S in half of the shots, which is charged in
full. Paulis are kept in the frame and cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from qmk.models.qec.tables.channels import Channels

CYCLES = {"id": 0, "x": 0, "y": 0, "z": 0, "h": 3, "s": 2, "sdg": 2, "t": 3, "tdg": 3, "cnot": 2, "cz": 2}
"""code cycles of each gate; the gates of a logical machine are these and no others"""

H_TILES = 2


@dataclass
class Flips:
    """theta of independent flips after a gate, by Pauli: ``one`` on its k-th qubit, ``two`` on both."""

    one: list[dict[str, float]] = field(default_factory=list)
    two: dict[str, float] = field(default_factory=dict)

    def total(self) -> float:
        return sum(sum(part.values()) for part in self.one) + sum(self.two.values())


def wait(channels: Channels, cycles: float) -> Flips:
    return Flips([{flip: cycles * channels.cycle[flip] for flip in ("X", "Z")}])


def end(channels: Channels) -> Flips:
    """Of preparing or of measuring in Z: half of what they suffer together."""
    return Flips([{"X": max(0.0, channels.ends["X"] / 2)}])


def gate(channels: Channels, name: str, t_error: float) -> Flips:
    """Of a gate of ``CYCLES``; ``t_error``: of a T state."""
    return _GATES.get(name, _pauli)(channels, t_error)


def _pauli(_channels: Channels, _t_error: float) -> Flips:
    return Flips([{}])


def _h(channels: Channels, _t_error: float) -> Flips:
    return wait(channels, CYCLES["h"] * H_TILES)


def _s(channels: Channels, _t_error: float) -> Flips:
    near, cycle = channels.merge["Z"], channels.cycle
    x = max(0.0, near.before + near.after) + cycle["X"]
    return Flips([{"X": x, "Z": max(0.0, near.other) + near.outcome + 2 * cycle["Z"]}])


def _t(channels: Channels, t_error: float) -> Flips:
    flips = _s(channels, t_error)
    flips.one[0]["X"] += channels.cycle["X"]
    flips.one[0]["Z"] += channels.cycle["Z"] + t_error
    return flips


def _cnot(channels: Channels, _t_error: float) -> Flips:
    """A flip before an outcome that it changes goes through the CNOT, one after it does not."""
    zz, xx, cycle = channels.merge["Z"], channels.merge["X"], channels.cycle
    up = max(0.0, channels.ends["X"] / 2)
    control = {
        "X": zz.after + cycle["X"],
        "Z": zz.other + xx.outcome + channels.away["Z"] + xx.before + cycle["Z"],
    }
    target = {
        "X": zz.outcome + channels.away["X"] + zz.before + zz.after + xx.other + cycle["X"] + up,
        "Z": xx.after,
    }
    both = {"XX": zz.before, "ZZ": xx.before + cycle["Z"]}
    return Flips([_positive(control), _positive(target)], _positive(both))


def _cz(channels: Channels, t_error: float) -> Flips:
    flips = _cnot(channels, t_error)
    target = flips.one[1]
    return Flips([flips.one[0], {"X": target["Z"], "Z": target["X"]}], {"XZ": flips.two["XX"], "ZX": flips.two["ZZ"]})


def _positive(angles: dict[str, float]) -> dict[str, float]:
    return {flip: max(0.0, angle) for flip, angle in angles.items()}


_GATES: dict[str, Callable[[Channels, float], Flips]] = {
    "h": _h, "s": _s, "sdg": _s, "t": _t, "tdg": _t, "cnot": _cnot, "cz": _cz,
}  # fmt: skip
