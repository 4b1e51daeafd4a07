"""Any decoder on sliding windows: ``sliding(decoders.get("matching"), commit=5, buffer=5)``, or ``matching@5+5``."""

from __future__ import annotations

import dataclasses
from bisect import bisect_left

import numpy as np
import stim

from qmk.base.errors import QmkError
from qmk.models.qec.decoders.interface import Bits, Compiled, Decoder, check_shape, unfit
from qmk.models.qec.decoders.matrix import errors_of
from qmk.models.qec.streaming.windows import Window, rounds_of, spans, window_of


class Sliding:
    """The windows of a model, each with its decoder; windows of equal models share one.

    ``decode`` runs all windows of a batch of shots. ``step`` runs one, for a service that gets rounds as they come.
    """

    def __init__(self, dem: stim.DetectorErrorModel, decoder: Decoder, commit: int, buffer: int) -> None:
        self.detectors = dem.num_detectors
        self.observables = dem.num_observables
        self._compiled: dict[str, Compiled] = {}
        rounds = rounds_of(dem)
        errors = errors_of(dem)
        errors.sort(key=lambda error: min(_firsts(error, rounds)))
        begins = [min(_firsts(error, rounds)) for error in errors]
        spread = max(
            (max(_firsts(error, rounds)) - begin for error, begin in zip(errors, begins, strict=True)), default=0
        )
        self.windows: list[Window] = []
        for span in spans(list(rounds), commit, buffer) if len(rounds) else []:
            # an error of which one part begins earlier may have a later part in this window
            near = errors[bisect_left(begins, span.begin - spread) : bisect_left(begins, span.end)]
            self.windows.append(window_of(near, rounds, self.observables, span))
        self._decoders = [self._decoder(decoder, window) for window in self.windows]

    def _decoder(self, decoder: Decoder, window: Window) -> Compiled:
        key = str(window.dem)
        if key not in self._compiled:
            self._compiled[key] = decoder.compile(window.dem)
        return self._compiled[key]

    @property
    def distinct(self) -> int:
        """How many different models the windows have; a long memory has four or so, however long."""
        return len(self._compiled)

    def decode(self, dets: Bits) -> Bits:
        check_shape(dets, self.detectors)
        left = np.unpackbits(dets, axis=1, count=self.detectors, bitorder="little")
        flips = np.zeros((len(dets), self.observables), np.uint8)
        for number in range(len(self.windows)):
            flips ^= self.step(number, left)
        return np.packbits(flips, axis=1, bitorder="little")

    def step(self, number: int, left: Bits) -> Bits:
        """Decode window ``number`` of ``left``, one byte a detector, shape (shots, D), as the windows before left it;
        flips in ``left`` what the next ones must know. Returns the observables that this window flips, a byte each."""
        window = self.windows[number]
        packed = np.packbits(left[:, window.seen], axis=1, bitorder="little")
        answer = self._decoders[number].decode(packed)
        count = self.observables + len(window.carried)
        flips = np.unpackbits(answer, axis=1, count=count, bitorder="little")
        left[:, window.carried] ^= flips[:, self.observables :]
        return flips[:, : self.observables]


def _firsts(error: tuple[float, list[tuple[list[int], list[int]]]], rounds: np.ndarray) -> list[float]:
    """The first round of each part that flips detectors; one before all rounds for an error that flips none."""
    return [min(float(rounds[k]) for k in dets) for dets, _ in error[1] if dets] or [float(rounds.min()) - 1]


def sliding(decoder: Decoder, *, commit: int, buffer: int) -> Decoder:
    """``decoder`` on windows that commit ``commit`` rounds and look ``buffer`` rounds ahead.

    A buffer of the code's distance costs no accuracy that shows; less raises the error rate. Raises INVALID_PARAMS for
    no rounds to commit, UNSUPPORTED for a decoder that takes no windows.
    """
    if not decoder.windows:
        raise unfit(decoder.name, "it takes no windows", "use it on whole shots, or bp_osd or tesseract on windows")
    if commit < 1 or buffer < 0:
        raise QmkError(
            "INVALID_PARAMS",
            f"decoder {decoder.name}: a window of {commit} rounds to commit and {buffer} ahead",
            field="decoder",
            help="write NAME@COMMIT+BUFFER, such as matching@5+5: at least 1 to commit, 0 or more ahead",
        )

    def build(dem: stim.DetectorErrorModel) -> Compiled:
        return Sliding(dem, decoder, commit, buffer)

    return dataclasses.replace(
        decoder,
        name=f"{decoder.spec}@{commit}+{buffer}",
        doc=f"{decoder.name} on windows of {commit} rounds to commit and {buffer} ahead",
        build=build,
        options={},
    )
