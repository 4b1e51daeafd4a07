"""Programs of evolutions for the engine kit, each with the state in which it ends and, over time, its observables.

They come from formulas, and for atoms that interact from the eigenvectors of their Hamiltonian: never from an engine.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np

from qmk.ir.evolutions import noise_kinds
from qmk.qvm.families import OPS, analog
from qmk.qvm.graph import Graph
from qmk.sdk.kit.builder import Builder
from qmk.sdk.kit.programs import Case

Args = dict[str, Any]
Array = np.ndarray[Any, np.dtype[Any]]

NAMES = frozenset(op.name for op in OPS.values() if op.op_class == "evolution")
C6 = 5_420_000.0
"""Of the atoms, in rad um^6/us."""
NOTHING = 1e-12
"""Probabilities below it are zero: such an outcome must not occur."""


class Evolution(msgspec.Struct, frozen=True):
    """``parts``: op and arguments of each evolution, all on the same qubits. ``final``: the state vector in which it
    ends, shape (2^n,), or the density matrix, (2^n, 2^n); qubit 0 is the highest bit. ``values``: each observable at
    the times of the last part."""

    name: str
    parts: tuple[tuple[str, Args], ...]
    final: Array
    values: dict[str, list[float]] = {}

    @property
    def width(self) -> int:
        return len(self.final).bit_length() - 1

    @property
    def is_pure(self) -> bool:
        return self.final.ndim == 1

    @property
    def density(self) -> Array:
        return np.outer(self.final, self.final.conj()) if self.is_pure else self.final

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of noise that a method needs for it, as ``Capabilities.noise`` names them."""
        return frozenset(kind for op, args in self.parts for kind in noise_kinds(op, args))

    @property
    def case(self) -> Case:
        return Case(self.name, self.graph(), self.kinds)

    def graph(self) -> Graph:
        """The program, with a read-out of all qubits."""
        b = Builder(self.width)
        for op, args in self.parts:
            family, _, short = op.partition(".")
            b.op(short, *range(self.width), family=family, **args)
        return b.measure_all().graph()

    @property
    def chances(self) -> Array:
        """Of each outcome, shape (2^n,)."""
        return np.real(np.diagonal(self.density))

    def distribution(self) -> dict[str, float]:
        """Of the bits that are read."""
        chances = self.chances
        return {format(k, f"0{self.width}b"): float(p) for k, p in enumerate(chances) if p > NOTHING}


def flat(value: float, duration: float) -> Args:
    return {"times": [0.0, duration], "values": [value, value]}


def _light(duration: float, amplitude: float, phase: float = 0.0, detuning: float = 0.0, **more: Any) -> Args:
    fields = {"amplitude": amplitude, "phase": phase, "detuning": detuning}
    return {name: flat(value, duration) for name, value in fields.items() if value} | more


def _pulse(positions: list[list[float]], duration: float, *drives: Args, **more: Any) -> Args:
    return {"positions": positions, "c6": C6, "duration": duration, "drives": list(drives), **more}


def _line(*places: float) -> list[list[float]]:
    return [[x, 0.0] for x in places]


def _hamiltonian(args: Args) -> Array:
    """Of ``analog.rydberg`` as its family states it, with fields that stay what they are at first."""
    n = len(args["positions"])
    excited = np.array([[x >> (n - 1 - k) & 1 for x in range(1 << n)] for k in range(n)])
    out = np.zeros((1 << n, 1 << n), dtype=np.complex128)
    for i, j, energy in analog.interactions(args):
        out += np.diag(energy * excited[i] * excited[j])
    for drive in args["drives"]:
        amplitude, phase, detuning = (drive.get(k, flat(0.0, 1.0))["values"][0] for k in analog.FIELDS)
        for k, weight in enumerate(drive.get("pattern", [1.0] * n)):
            lift = np.zeros((1 << n, 1 << n), dtype=np.complex128)
            for x in np.flatnonzero(excited[k]):
                lift[x ^ 1 << (n - 1 - k), x] = 0.5 * weight * amplitude * np.exp(1j * phase)
            out += lift + lift.conj().T - np.diag(weight * detuning * excited[k])
    return out


def _solve(args: Args) -> Array:
    """The state from the ground state, by the eigenvectors of the Hamiltonian."""
    energies, vectors = np.linalg.eigh(_hamiltonian(args))
    return vectors @ (np.exp(-1j * args["duration"] * energies) * vectors[0].conj())


def _of_atoms(name: str, args: Args) -> Evolution:
    return Evolution(name, (("analog.rydberg", args),), _solve(args))


def _flop(name: str, amplitude: float, detuning: float, duration: float) -> Evolution:
    """P(r) = (W / w)^2 sin^2(w t / 2) with w^2 = W^2 + D^2."""
    made = _of_atoms(name, _pulse(_line(0.0), duration, _light(duration, amplitude, 0.7, detuning)))
    w = math.hypot(amplitude, detuning)
    assert math.isclose(abs(made.final[1]), abs(amplitude / w * math.sin(w * duration / 2)), abs_tol=1e-12)
    return made


def atom_evolutions() -> list[Evolution]:
    """Of two levels, without noise."""
    ramp = {"times": [0.0, 0.1, 0.3], "values": [0.0, 20.0, 0.0]}
    forth, back = (_pulse(_line(0.0), 0.2, _light(0.2, 9.0, phase)) for phase in (0.4, 0.4 + math.pi))
    local = _light(0.25, 0.0, detuning=9.0, pattern=[0.0, 0.4, 1.0])
    uneven = _light(0.25, 8.0, 0.3, pattern=[1.0, 0.6, 0.3])
    return [
        _of_atoms("three atoms far apart", _pulse(_line(0.0, 40.0, 80.0), 0.1, _light(0.1, 5 * math.pi))),
        _flop("a Rabi flop", 12.0, 5.0, 0.3),
        _of_atoms("two atoms under blockade", _pulse(_line(0.0, 5.0), 0.12, _light(0.12, 15.0))),
        _of_atoms("two atoms that feel each other", _pulse(_line(0.0, 9.0), 0.4, _light(0.4, 8.0, 0.0, 3.0))),
        _of_atoms("three atoms under uneven light", _pulse(_line(0.0, 7.0, 16.0), 0.25, uneven, local)),
        Evolution("a pulse and its inverse", tuple(("analog.rydberg", x) for x in (forth, back)), np.array([1.0, 0.0])),
        Evolution(
            "a pulse that rises and falls",
            (("analog.rydberg", _pulse(_line(0.0), 0.3, {"amplitude": ramp})),),
            np.array([math.cos(1.5), -1j * math.sin(1.5)]),
        ),
    ]


def _noisy(name: str, noise: Args, excited: float, angle: float, last: float) -> Evolution:
    """A turn by ``angle``, 0.5 us of noise, and a turn by ``last``; ``excited``: the probability of r at the end."""
    turns = [_pulse(_line(0.0), 0.02, *([_light(0.02, x / 0.02)] if x else [])) for x in (angle, last)]
    rest = _pulse(_line(0.0), 0.5, noise=noise)
    parts = (turns[0], rest, *([turns[1]] if last else []))
    return Evolution(name, tuple(("analog.rydberg", args) for args in parts), np.diag([1.0 - excited, excited]))


def noisy_atom_evolutions() -> list[Evolution]:
    """With decay, dephasing and a spread of detunings; and with three levels."""
    quarter = math.pi / 2
    raman, turn = _light(0.1, quarter / 0.1, transition="raman"), _light(0.2, 2 * math.pi / 0.2, transition="rydberg")
    around = (_pulse(_line(0.0), 0.1, raman), _pulse(_line(0.0), 0.2, turn), _pulse(_line(0.0), 0.1, raman))
    decay, loss_of_phase, spread = math.exp(-0.7), math.exp(-0.45), math.exp(-(1.5**2) * 0.5**2 / 2)
    return [
        _noisy("an atom that decays", {"decay_per_us": 1.4}, decay, math.pi, 0.0),
        _noisy("an atom that dephases", {"dephasing_per_us": 0.9}, 0.5 + loss_of_phase / 2, quarter, quarter),
        _noisy("an atom of uncertain detuning", {"detuning_sigma_rad_per_us": 1.5}, 0.5 + spread / 2, quarter, quarter),
        Evolution(
            "a full turn through a third level", tuple(("analog.rydberg3", x) for x in around), np.diag([1.0, 0.0])
        ),
    ]
