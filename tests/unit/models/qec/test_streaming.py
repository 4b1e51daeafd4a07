"""Sliding windows: as good as the whole circuit with a buffer of the distance, worse without."""

from __future__ import annotations

import math

import numpy as np
import pytest
import stim

from qmk.base.errors import QmkError
from qmk.models.qec import codes, decoders, rates
from qmk.models.qec.circuits import memory
from qmk.models.qec.decoders.faults import find_misdecoded
from qmk.models.qec.streaming import Sliding, spans

CIRCUIT = memory(codes.parse("surface(d=3)"), 18, "Z", "circuit=6e-3", both=False)


def failed(name: str, shots: int = 20_000) -> int:
    return rates.measure(CIRCUIT, name, shots=shots, seed=3).errors_any


def test_windows_with_a_buffer_decode_as_the_whole_and_without_do_not() -> None:
    """The same shots: nearly all decode alike, so that the difference is far within sqrt of the count."""
    whole = failed("matching")
    assert abs(failed("matching@3+3") - whole) < 2 * math.sqrt(whole)
    assert abs(failed("matching@1+4") - whole) < 2 * math.sqrt(whole)
    assert failed("matching@3+0") > 1.3 * whole


@pytest.mark.parametrize("name", ["matching", "bp_osd", "tesseract", "relay"])
def test_windows_decode_every_single_fault(name: str) -> None:
    circuit = memory(codes.parse("surface(d=3)"), 9, "Z", "circuit=1e-3", both=False)
    decoder = decoders.get(f"{name}@2+3")
    dem = decoder.model(circuit)
    assert find_misdecoded(dem, decoder.compile(dem)) == []


def test_one_window_over_everything_is_the_decoder_itself() -> None:
    assert failed("matching@100+1", 4000) == failed("matching", 4000)


def test_step_by_step_equals_the_batch() -> None:
    decoder = decoders.get("matching")
    sliding = Sliding(decoder.model(CIRCUIT), decoder, 3, 3)
    dets, _ = CIRCUIT.compile_detector_sampler(seed=1).sample(50, separate_observables=True)
    left = dets.astype(np.uint8)
    flips = np.zeros((50, 1), np.uint8)
    for number in range(len(sliding.windows)):
        flips ^= sliding.step(number, left)
    packed = [np.packbits(bits, axis=1, bitorder="little") for bits in (dets, flips)]
    assert (packed[1] == sliding.decode(packed[0])).all()


def test_windows_of_a_long_memory_share_their_models() -> None:
    long = memory(codes.parse("surface(d=3)"), 60, "Z", "circuit=1e-3", both=False)
    decoder = decoders.get("matching")
    sliding = Sliding(decoder.model(long), decoder, 3, 3)
    assert len(sliding.windows) >= 19
    assert sliding.distinct <= 6


def test_spans_cover_every_round_once() -> None:
    found = spans([0.0, 10.0], 3, 4)
    assert [(s.begin, s.commit, s.end) for s in found] == [(0, 3, 7), (3, 6, 10), (6, 11, 11)]


def test_a_part_of_an_error_is_seen_however_much_later_it_begins() -> None:
    """Its earlier part is far outside of the window; without this part the detector would have no error at all."""
    dem = stim.DetectorErrorModel(
        "error(0.1) D0 L0 ^ D1 L1\ndetector(0, 0, 0) D0\ndetector(0, 0, 9) D1\nerror(0.01) D0\nlogical_observable L1"
    )
    compiled = decoders.get("matching@1+0").compile(dem)
    assert compiled.decode(np.array([[0b10]], np.uint8)).tolist() == [[0b10]]


@pytest.mark.parametrize("name", ["matching", "bp_osd"])
def test_windows_count_rounds_of_the_honeycomb_code_too(name: str) -> None:
    """A round is three steps; windows of two rounds that looked two steps ahead would do much worse."""
    circuit = memory(codes.parse("honeycomb(w=6,h=4)"), 6, "Z", "circuit=1e-3")
    decoder = decoders.get(f"{name}@1+2")
    dem = decoder.model(circuit)
    compiled = decoder.compile(dem)
    assert len(compiled.windows) == 5  # type: ignore[attr-defined]
    places = circuit.get_detector_coordinates()
    assert {round(3 * place[2]) for place in places.values()} <= set(range(19))


def test_rounds_and_numbers_are_asked_for() -> None:
    with pytest.raises(QmkError, match="DETECTOR"):
        decoders.get("matching@3+3").compile(stim.DetectorErrorModel("error(0.1) D0 L0"))
    with pytest.raises(QmkError, match="a window of 0 rounds to commit"):
        decoders.get("matching@0+3")
