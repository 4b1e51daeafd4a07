"""Runs programs of light by the numerics of ``qmk.exact.light``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qmk.base.seeds import substream
from qmk.exact.light import bosons, fock, gaussian
from qmk.exact.light.setup import Optics, optics, write_bits
from qmk.ir.program import Program
from qmk.sdk.engine import Plan, Progress, Samples, Unsupported


class PhotonicEngine:
    def __init__(self) -> None:
        self.version = np.__version__

    def prepare(self, program: Program, method: str) -> Plan:
        return LightPlan(optics(program), method)

    def observe(self, program: Program, method: str) -> LightObserver:
        return LightObserver(optics(program), method)


class LightObserver:
    """Expectation values of products of N, X and P, a letter a mode. In Fock space a value is of a state that is at
    most ``fock.TOLERANCE`` off."""

    def __init__(self, found: Optics, method: str) -> None:
        self._places = found.places
        self._state = gaussian.State.of(found) if method == "gaussian" else fock.State.of(found)

    def expectation(self, paulis: Sequence[str]) -> list[float]:
        return [self._state.expectation(self._spread(text)) for text in paulis]

    def _spread(self, text: str) -> str:
        """The letters on the modes that stand for those of the program."""
        letters = dict(zip(self._places, text, strict=True))
        return "".join(letters.get(mode, "I") for mode in range(self._state.n))


class LightPlan:
    """A prepared program. The joint distribution of what counters tell is made once, except for boson sampling, which
    draws each shot by itself."""

    def __init__(self, found: Optics, method: str) -> None:
        self._found, self._method = found, method
        self._table: npt.NDArray[np.float64] | None = None
        self._notes: dict[str, Any] = {}
        if method not in ("gaussian", "fock", "bosonsampling"):
            raise Unsupported(f"engine photonic has no method '{method}'")
        quadratures = any(reading.kind in ("homodyne", "heterodyne") for reading in found.readings)
        if method == "gaussian":
            if quadratures:
                gaussian.require_quadratures(found.readings)
            else:
                self._table = gaussian.distribution(gaussian.State.of(found), found.readings)
        elif method == "fock":
            self._table, state = fock.distribution(found)
            self._notes = {"cutoff": state.cutoff, "state_error": state.error}
        else:
            bosons.unitary(found)

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        rng = np.random.Generator(np.random.PCG64(substream(seed, "photonic")))
        if self._table is not None:
            drawn = gaussian.sample_numbers(self._table, shots, rng)
        else:
            drawn = (bosons if self._method == "bosonsampling" else gaussian).sample(self._found, shots, rng)
        if progress is not None:
            progress(shots)
        return Samples(write_bits(self._found, drawn, shots), self._notes)
