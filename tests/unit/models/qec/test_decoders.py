"""Decoders: what they decode, what they refuse, and the check matrix that some of them work on."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest
import stim

from qmk.base.errors import QmkError
from qmk.models.qec import codes, decoders
from qmk.models.qec.circuits import memory
from qmk.models.qec.decoders import matrix
from qmk.models.qec.decoders.faults import find_misdecoded
from qmk.models.qec.thin import thin_circuit, touching


def surface(d: int, rounds: int, p: float = 2e-3) -> stim.Circuit:
    return memory(codes.parse(f"surface(d={d})"), rounds, "Z", f"circuit={p:g}")


HYPER = stim.DetectorErrorModel("error(0.01) D0 D1 D2\nerror(0.02) D0 L0\nerror(0.02) D1\nerror(0.02) D2")


@pytest.mark.parametrize("name", ["matching", "bp_osd", "bp_lsd", "tesseract", "relay"])
def test_every_single_fault_of_distance_three_is_decoded_right(name: str) -> None:
    decoder = decoders.get(name)
    dem = decoder.model(surface(3, 2))
    assert find_misdecoded(dem, decoder.compile(dem)) == []


def test_correlated_matching_at_distance_three_gets_single_faults_wrong() -> None:
    """Which is why it is not to be chosen blindly; from distance 5 on it does not."""
    decoder = decoders.get("correlated")
    wrong = [len(find_misdecoded(dem, decoder.compile(dem))) for dem in (decoder.model(surface(d, 3)) for d in (3, 5))]
    assert wrong[0] > 0
    assert wrong[1] == 0


@pytest.mark.parametrize("name", ["matching", "correlated", "union_find"])
def test_a_model_that_is_not_of_pairs_is_refused_and_not_cut_down(name: str) -> None:
    with pytest.raises(QmkError, match="more than two detectors") as refused:
        decoders.get(name).compile(HYPER)
    assert refused.value.kind.name == "UNSUPPORTED"


def test_pairs_in_a_loop_are_looked_at_too() -> None:
    inside = stim.DetectorErrorModel("repeat 3 {\nerror(0.1) D0 D1 D2\nshift_detectors 3\n}")
    with pytest.raises(QmkError, match="more than two detectors"):
        decoders.get("matching").compile(inside)


@pytest.mark.parametrize("name", ["bp_osd", "bp_lsd", "tesseract", "relay"])
def test_what_matching_refuses_others_decode(name: str) -> None:
    answer = decoders.get(name).compile(HYPER).decode(np.array([[0b111], [0b001], [0b000]], np.uint8))
    assert answer.tolist() == [[0], [1], [0]]


def test_bp_on_too_few_checks_gets_single_faults_wrong() -> None:
    """Trap: the redundancy of the check matrix decides. Without the relations between gauge results nothing is missing
    for the code, and belief propagation with statistics fails on faults that it gets right with them."""
    circuit = memory(codes.parse("shyps(r=3)"), 2, "Z", "circuit=1e-3", both=False)
    decoder = decoders.get("bp_lsd")
    dem = decoder.model(circuit)
    full = matrix.from_dem(dem)
    assert find_misdecoded(dem, decoder.compile(dem)) == []
    rows = np.zeros((full.detectors, len(full.columns)), np.uint8)
    for j, column in enumerate(full.columns):
        rows[list(column), j] = 1
    few = independent(rows)
    assert len(few) < full.detectors
    thin = thin_model(dem, few)
    assert len(find_misdecoded(thin, decoder.compile(thin))) > 0


def independent(rows: Any) -> list[int]:
    """Rows that span all, over GF(2)."""
    basis: list[int] = []
    kept: list[int] = []
    for i, row in enumerate(rows):
        bits = int.from_bytes(np.packbits(row).tobytes(), "big")
        for b in basis:
            bits = min(bits, bits ^ b)
        if bits:
            basis.append(bits)
            basis.sort(reverse=True)
            kept.append(i)
    return kept


def thin_model(dem: stim.DetectorErrorModel, keep: list[int]) -> stim.DetectorErrorModel:
    number = {k: j for j, k in enumerate(keep)}
    lines = []
    for detectors, observables, chance in matrix.mechanisms(dem, decomposed=False):
        names = [f"D{number[k]}" for k in detectors if k in number] + [f"L{k}" for k in sorted(observables)]
        lines.append(f"error({chance}) {' '.join(names)}")
    return stim.DetectorErrorModel("\n".join(lines))


def test_mechanisms_of_the_same_detectors_are_one_column() -> None:
    dem = stim.DetectorErrorModel("error(0.1) D0 D1\nerror(0.2) D1 D0 L1\nerror(0.3) L0\nerror(0.01) D0 D0 D1")
    found = matrix.from_dem(dem)
    assert found.columns == ((0, 1), (1,))
    assert found.priors == pytest.approx([0.1 + 0.2 - 2 * 0.1 * 0.2, 0.01])
    assert found.observables.tolist() == [[0b10], [0]]  # the likelier of the two


def test_parts_of_an_error_are_columns_where_it_is_decomposed() -> None:
    dem = stim.DetectorErrorModel("error(0.1) D0 D1 ^ D2 L0")
    assert matrix.from_dem(dem).columns == ((0, 1, 2),)
    assert matrix.from_dem(dem, decomposed=True).columns == ((0, 1), (2,))


def test_detectors_that_cannot_matter_are_left_out_and_the_shots_stay_the_same() -> None:
    circuit, decoder = surface(3, 6), decoders.get("matching")
    thin = thin_circuit(circuit, decoder)
    keep = touching(decoder.model(circuit))
    assert thin.num_detectors == keep.sum() < circuit.num_detectors
    shots = [
        c.compile_detector_sampler(seed=3).sample(500, separate_observables=True, bit_packed=False)
        for c in (circuit, thin)
    ]
    assert (shots[0][0][:, keep] == shots[1][0]).all()
    assert (shots[0][1] == shots[1][1]).all()
    assert thin_circuit(circuit, decoders.get("tesseract")) is circuit


def test_every_name_has_a_decoder_with_a_description() -> None:
    for name, decoder in decoders.DECODERS.items():
        assert decoders.get(decoder.spec) == decoder
        assert decoder.name == name
        assert decoder.doc


@pytest.mark.parametrize(
    ("text", "says"),
    [("mwpm", "there are"), ("tesseract(beams=3)", "options: beam=5"), ("tesseract(beam=x)", "options"), ("", "no ''"),
     ("bp_osd(order=-1)", "option 'order=-1'"), ("bp_osd(order=1.5)", "option 'order=1.5'"),
     ("relay(scale=nan)", "option 'scale=nan'"), ("matching@0+3", "a window of 0 rounds"),
     ("bp_osd(iterations=0)", "option 'iterations=0'"), ("bp_lsd(iterations=0)", "option 'iterations=0'"),
     ("relay(iterations=0)", "option 'iterations=0'"), ("relay(first=0)", "option 'first=0'"),
     ("relay(solutions=0)", "option 'solutions=0'"), ("relay(scale=0)", "option 'scale=0'"),
     ("tesseract(queue=0)", "option 'queue=0'"), ("chromobius@3+3", "it takes no windows")],
)  # fmt: skip
def test_a_name_or_option_that_is_not_there_is_refused(text: str, says: str) -> None:
    with pytest.raises(QmkError, match=says):
        decoders.get(text)


def test_an_error_that_is_likelier_than_not() -> None:
    """Most decoders take a shot without detection events for one without errors: they refuse. Matching weighs it."""
    dem = stim.DetectorErrorModel("repeat 2 {\nerror(0.9) D0 L0\nerror(0.2) D0\nshift_detectors 1\n}")
    for name in ("bp_osd", "bp_lsd", "union_find", "relay", "tesseract"):
        with pytest.raises(QmkError, match="likelier than not") as refused:
            decoders.get(name).compile(dem)
        assert refused.value.kind.name == "UNSUPPORTED"
    # nothing flipped: all three errors are likelier (0.9 0.3 0.3) than none (0.1 0.7 0.7)
    three = stim.DetectorErrorModel("error(0.9) D0 D1 L0\nerror(0.3) D0\nerror(0.3) D1")
    assert decoders.get("matching").compile(three).decode(np.array([[0b00], [0b01]], np.uint8)).tolist() == [[1], [1]]


def test_errors_of_many_detectors_are_unsupported_whatever_stim_says_of_them() -> None:
    with pytest.raises(QmkError, match="does not fall into pairs") as refused:
        decoders.get("matching").model(memory(codes.parse("shyps"), 2, "Z", "circuit=1e-3"))
    assert refused.value.kind.name == "UNSUPPORTED"


def test_a_syndrome_has_the_same_answer_whatever_came_before() -> None:
    decoder = decoders.get("relay(first=1,legs=1,iterations=1,solutions=1)")
    circuit = surface(3, 4, 2e-2)
    compiled = decoder.compile(decoder.model(circuit))
    dets, _ = circuit.compile_detector_sampler(seed=2).sample(300, separate_observables=True, bit_packed=True)
    together = compiled.decode(dets)
    assert together.any()
    assert (np.concatenate([compiled.decode(row[None]) for row in dets]) == together).all()
    assert (compiled.decode(dets[::-1].copy())[::-1] == together).all()


def test_relay_with_many_legs_takes_no_memory_for_them() -> None:
    decoder = decoders.get("relay(legs=1000000)")
    dem = decoder.model(surface(3, 2))
    assert find_misdecoded(dem, decoder.compile(dem)) == []


def test_orders_that_would_break_the_memory_of_ldpc() -> None:
    dem = decoders.get("bp_osd").model(memory(codes.parse("surface(d=3)"), 1, "Z", "circuit=1e-2"))
    nothing = np.zeros((1, (dem.num_detectors + 7) // 8), np.uint8)
    assert decoders.get("bp_osd(order=100000)").compile(dem).decode(nothing).tolist() == [[0]]
    with pytest.raises(QmkError, match="order 2; ldpc"):
        decoders.get("bp_lsd(order=2)").compile(dem)


def test_a_circuit_that_is_mixed_past_the_middle_is_refused_in_words() -> None:
    with pytest.raises(QmkError, match="fully mixed state"):
        decoders.get("matching").model(memory(codes.parse("surface(d=3)"), 3, "Z", "circuit=0.9"))


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("pymatching"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(QmkError, match=r"quantum-microkernel\[qec\]"):
        decoders.get("matching").compile(stim.DetectorErrorModel("error(0.1) D0 L0"))


def test_chromobius_needs_colours_and_decodes_with_them() -> None:
    with pytest.raises(QmkError, match="fourth coordinate"):
        decoders.get("chromobius").compile(stim.DetectorErrorModel("error(0.1) D0 L0\ndetector(0, 0, 0) D0"))
    dem = stim.DetectorErrorModel(
        "error(0.1) D0 D1 D2 L0\nerror(0.01) D0\nerror(0.01) D1\nerror(0.01) D2\n"
        "detector(0, 0, 0, 0) D0\ndetector(1, 0, 0, 1) D1\ndetector(2, 0, 0, 2) D2"
    )
    assert decoders.get("chromobius").compile(dem).decode(np.array([[7], [0]], np.uint8)).tolist() == [[1], [0]]


def test_rows_of_another_width_are_refused() -> None:
    compiled = decoders.get("matching").compile(stim.DetectorErrorModel("error(0.1) D0 L0\nerror(0.1) D9"))
    with pytest.raises(QmkError, match="10 detectors take 2"):
        compiled.decode(np.zeros((4, 10), np.uint8))
    with pytest.raises(QmkError, match="uint8"):
        compiled.decode(np.zeros((4, 2), np.bool_))  # pyright: ignore[reportArgumentType]
