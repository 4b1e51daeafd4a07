"""What a logical gate costs on patches of lattice surgery, in code cycles and in flips.

CNOT: joint ZZ with an ancilla patch in |+>, joint XX with the target, the ancilla measured in Z (Horsman, Fowler,
Devitt, Van Meter, New J. Phys. 14, 123011 (2012)); CZ the same with the target's bases exchanged. H: three cycles on
two tiles, for turning the patch back (Litinski, Quantum 3, 128 (2019), figure 11). S: a patch is made in |Y> for a
cycle, in which the data waits; the two are joined by ZZ, and the patch is read in X. T: the same with a patch in |T>,
which is there, and then an S, due in half of the shots and charged in full. Paulis are kept in the frame and cost
nothing. A CNOT is charged exactly as ``surgery`` charges its operations; tests compare the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from qmk.models.qec.tables.channels import Channels

CYCLES = {"id": 0, "x": 0, "y": 0, "z": 0, "h": 3, "s": 2, "sdg": 2, "t": 3, "tdg": 3, "cnot": 2, "cz": 2}
"""Code cycles of each gate; the gates of a logical machine are these and no others."""

H_TILES = 2
CHANGE_ROUNDS = 4
"""Rounds of the smaller distance that a patch errs for as its distance changes, beyond the memories before and after.
Growth from d = 3 and 5 was measured, 1.8 to 4.3 (``python -m benchmarks.qec.growth``); to shrink is to grow backwards
in time."""


@dataclass
class Flips:
    """Strengths theta of independent flips after a gate, by Pauli: ``one`` on its k-th qubit, ``two`` on both."""

    one: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    two: dict[str, float] = field(default_factory=dict[str, float])

    def total(self) -> float:
        return sum(sum(part.values()) for part in self.one) + sum(self.two.values())


def wait(channels: Channels, cycles: float) -> Flips:
    return Flips([{flip: cycles * channels.cycle[flip] for flip in ("X", "Z")}])


def change(smaller: Channels) -> Flips:
    """Of changing the distance of a patch, given the channels at the smaller of both distances."""
    return wait(smaller, CHANGE_ROUNDS / smaller.d)


def end(channels: Channels) -> Flips:
    """Of preparing or of measuring in Z: half of what they suffer together."""
    return Flips([{"X": max(0.0, channels.ends["X"] / 2)}])


def gate(channels: Channels, name: str, t_error: float) -> Flips:
    """Of a gate of ``CYCLES``; ``t_error``: of a T state."""
    return _GATES.get(name, _pauli)(channels, t_error)


def remote(channels: Channels, name: str, pair_error: float) -> Flips:
    """Of a ``cnot`` or ``cz`` between two modules by an entangled pair (Gottesman, Chuang, Nature 402, 390 (1999)): a
    CNOT from the control onto its half, which is read in Z, and one from the other half, which is read in X, onto the
    target, at once. What flips an outcome flips the qubit that it corrects. A pair errs by X, Y or Z alike: X flips the
    target, Z the control, Y both, here each for itself."""
    near = _cnot(channels, 0.0)
    control, target = near.one
    wrong = 2 * pair_error / 3
    first = {"X": control["X"], "Z": 2 * control["Z"] + near.two["ZZ"] + wrong}
    second = {"X": 2 * target["X"] + near.two["XX"] + wrong, "Z": target["Z"]}
    if name == "cz":
        second = {"X": second["Z"], "Z": second["X"]}
        return Flips([first, second], {"XZ": near.two["XX"], "ZX": near.two["ZZ"]})
    return Flips([first, second], dict(near.two))


def share(channels: Channels, name: str, copied: int, cycles: int) -> Flips:
    """Of a ``cnot`` or ``cz`` with a copy of its operand ``copied`` that has served a gate before and waited for
    ``cycles``. A flip along the copy's axis flips the qubit that it is a copy of; another one flips what the copy acts
    on from then on, here on this gate."""
    near, idle = _cnot(channels, 0.0), channels.cycle
    control, target = near.one
    if copied == 0:  # along Z
        first = {"X": 0.0, "Z": control["Z"] + cycles * idle["Z"]}
        second = {"X": target["X"] + control["X"] + near.two["XX"] + cycles * idle["X"], "Z": target["Z"]}
        both = {"XX": 0.0, "ZZ": near.two["ZZ"]}
    else:  # of a CNOT along X, of a CZ, whose target is turned, along Z
        first = {"X": control["X"], "Z": control["Z"] + target["Z"] + near.two["ZZ"] + cycles * idle["Z"]}
        second = {"X": target["X"] + cycles * idle["X"], "Z": 0.0}
        both = {"XX": near.two["XX"], "ZZ": 0.0}
    if name == "cz":
        second = {"X": second["Z"], "Z": second["X"]}
        both = {"XZ": both["XX"], "ZX": both["ZZ"]}
    return Flips([first, second], both)


def _pauli(_channels: Channels, _t_error: float) -> Flips:
    return Flips([{}])


def _h(channels: Channels, _t_error: float) -> Flips:
    return wait(channels, CYCLES["h"] * H_TILES)


def _consume_state(channels: Channels) -> dict[str, float]:
    """What the data suffers from a joint ZZ with a patch that holds a state and is read in X as soon as they part: a
    wrong outcome, or any flip of that patch which shows, puts a Z on the data."""
    near = channels.merge["Z"]
    return {
        "X": near.before + near.after,
        "Z": near.other + near.outcome + channels.away["Z"] + near.before,
    }


def _s(channels: Channels, _t_error: float) -> Flips:
    joined, cycle = _consume_state(channels), channels.cycle
    made = cycle["X"] + cycle["Z"]  # of |Y>, on which an X does what a Z does
    return Flips([_positive({"X": joined["X"] + cycle["X"], "Z": joined["Z"] + cycle["Z"] + made})])


def _t(channels: Channels, t_error: float) -> Flips:
    joined, phase = _positive(_consume_state(channels)), _s(channels, t_error).one[0]
    return Flips([{"X": joined["X"] + phase["X"], "Z": joined["Z"] + phase["Z"] + t_error}])


def _cnot(channels: Channels, _t_error: float) -> Flips:
    """A flip before an outcome that it changes goes through the CNOT, one after it does not. The ancilla is prepared in
    X for the first merge and read in Z right after the second, so that both outcomes are bare at one end (``away``);
    an X on it before the first outcome does nothing to |+>, nor does a Z after the second one to what is read."""
    zz, xx, cycle = channels.merge["Z"], channels.merge["X"], channels.cycle
    control = {
        "X": zz.after + cycle["X"],
        "Z": zz.other + xx.outcome + channels.away["X"] + xx.before + cycle["Z"],
    }
    target = {
        "X": zz.outcome + channels.away["Z"] + zz.after + xx.other + cycle["X"],
        "Z": xx.after,
    }
    both = {"XX": zz.before, "ZZ": xx.before + cycle["Z"]}
    return Flips([_positive(control), _positive(target)], _positive(both))


def _cz(channels: Channels, t_error: float) -> Flips:
    flips = _cnot(channels, t_error)
    target = flips.one[1]
    return Flips([flips.one[0], {"X": target["Z"], "Z": target["X"]}], {"XZ": flips.two["XX"], "ZX": flips.two["ZZ"]})


def _positive(angles: Mapping[str, float]) -> dict[str, float]:
    """Counting noise may leave a little less than nothing."""
    return {flip: max(0.0, angle) for flip, angle in angles.items()}


_GATES: dict[str, Callable[[Channels, float], Flips]] = {
    "h": _h, "s": _s, "sdg": _s, "t": _t, "tdg": _t, "cnot": _cnot, "cz": _cz,
}  # fmt: skip
