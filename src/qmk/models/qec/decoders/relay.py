"""Relay belief propagation (Müller et al., arXiv:2506.01779) in the native core, on our check matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import stim

from qmk.base.errors import QmkError
from qmk.models.qec.decoders import matrix
from qmk.models.qec.decoders.interface import Bits, Compiled, Decoder, check_shape

FIRST_MEMORY, MEMORY = 0.125, (-0.24, 0.66)  # as the paper has them for the gross code
SEED = 0  # of the memories, which are the decoder's: a syndrome always has the same answer


class Relay:
    """The native decoder behind the interface."""

    def __init__(
        self,
        dem: stim.DetectorErrorModel,
        *,
        solutions: float,
        legs: float,
        first: float,
        iterations: float,
        scale: float,
    ) -> None:
        import qmk_native  # loading it takes time that other decoders need not spend

        checks = matrix.from_dem(dem)
        self._detectors = checks.detectors
        self._width = checks.observables.shape[1]
        lengths = [len(column) for column in checks.columns]
        native: Any = qmk_native
        make = native.RelayBp
        try:
            self._decoder = make(
                checks.detectors,
                [0, *np.cumsum(lengths).tolist()],
                [row for column in checks.columns for row in column],
                checks.priors.tolist(),
                checks.observables.tobytes(),
                self._width,
                (int(first), int(iterations)),
                int(legs),
                int(solutions),
                (FIRST_MEMORY, *MEMORY),
                scale,
                SEED,
            )
        except (OverflowError, ValueError) as error:
            raise QmkError("INVALID_PARAMS", f"decoder relay: {error}", field="decoder") from error

    def decode(self, dets: Bits) -> Bits:
        check_shape(dets, self._detectors)
        flips = self._decoder.decode(np.ascontiguousarray(dets).tobytes(), len(dets))
        return np.frombuffer(flips, np.uint8).reshape(len(dets), self._width).copy()


def _relay(dem: stim.DetectorErrorModel, **options: float) -> Compiled:
    return Relay(dem, **options)


RELAY = Decoder(
    "relay",
    "chained belief propagation with memory; the lightest of so many solutions",
    _relay,
    graphlike=False,
    batch_shots=512,
    one_basis=True,
    options={"solutions": 5, "legs": 300, "first": 80, "iterations": 60, "scale": 1.0},
    least={"solutions": 1, "first": 1, "iterations": 1, "scale": 0.01},
)
