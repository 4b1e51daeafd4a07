"""The most likely error by A* search (tesseract; Beni, Higgott and Shutty, arXiv:2503.10988), and the colour code's
decoder by matching (chromobius; Gidney and Jones, arXiv:2312.08813)."""

from __future__ import annotations

from typing import Any

import numpy as np
import stim

from qmk.base.errors import QmkError
from qmk.models.qec.decoders.interface import Bits, Compiled, Decoder, check_shape, library, unfit

COLOURS_AND_BASES = range(6)


class Tesseract:
    """Tesseract's decoder behind the interface. A search that ends at its ``queue`` unsolved flips nothing."""

    def __init__(self, dem: stim.DetectorErrorModel, *, beam: float, queue: float) -> None:
        module: Any = library("tesseract_decoder", "tesseract").tesseract
        config = module.TesseractConfig(
            dem=dem, det_beam=int(beam), beam_climbing=False, no_revisit_dets=True, pqlimit=int(queue)
        )
        self._detectors = dem.num_detectors
        self._decoder = module.TesseractDecoder(config)

    def decode(self, dets: Bits) -> Bits:
        check_shape(dets, self._detectors)
        syndromes = np.unpackbits(dets, axis=1, count=self._detectors, bitorder="little").astype(np.bool_)
        return np.packbits(self._decoder.decode_batch(syndromes), axis=1, bitorder="little")


class Chromobius:
    """Chromobius's decoder behind the interface."""

    def __init__(self, dem: stim.DetectorErrorModel) -> None:
        self._detectors = dem.num_detectors
        try:
            self._decoder: Any = library("chromobius", "chromobius").compile_decoder_for_dem(dem)
        except ValueError as error:
            raise unfit("chromobius", f"it cannot take this model ({str(error).strip()})") from error

    def decode(self, dets: Bits) -> Bits:
        check_shape(dets, self._detectors)
        flips = self._decoder.predict_obs_flips_from_dets_bit_packed(dets)
        return np.asarray(flips, dtype=np.uint8)


def _check_colours(dem: stim.DetectorErrorModel) -> None:
    coordinates = dem.get_detector_coordinates()
    for detector in range(dem.num_detectors):
        at = coordinates.get(detector, [])
        if len(at) < 4 or at[3] not in COLOURS_AND_BASES:
            raise unfit(
                "chromobius",
                f"detector {detector} has no fourth coordinate with its colour and basis (colour + 3 for Z)",
                "write it in DETECTOR(x, y, t, c), or use bp_osd, bp_lsd or tesseract",
            )
    if dem.num_observables > 64:
        raise QmkError("UNSUPPORTED", "decoder chromobius: more than 64 observables", decoder="chromobius")


def _tesseract(dem: stim.DetectorErrorModel, *, beam: float, queue: float) -> Compiled:
    return Tesseract(dem, beam=beam, queue=queue)


TESSERACT = Decoder(
    "tesseract",
    "search for the most likely error; the most accurate and the slowest: the oracle of the others",
    _tesseract,
    graphlike=False,
    batch_shots=64,
    options={"beam": 5, "queue": 200000},
    least={"queue": 1},
)

CHROMOBIUS = Decoder(
    "chromobius",
    "colour codes by matching; detectors carry colour and basis in a fourth coordinate",
    Chromobius,
    graphlike=False,
    batch_shots=4096,
    windows=False,
    check=_check_colours,
)
