"""Detection events and the load of the decoder, against sampled circuits, and what the policy makes of them."""

from __future__ import annotations

import numpy as np
import pytest

from qmk.base.decoding import THROTTLE_LOAD, Decoding
from qmk.base.errors import QmkError
from qmk.models.noise import NoiseModel
from qmk.models.qec import circuits, codes, speed
from qmk.models.qec.logical import Machine
from qmk.models.qec.logical.decoding import Asked, events_per_round
from qmk.models.qec.logical.drifting import decide
from qmk.models.qec.tables import default

TARGET = 6e-4


@pytest.mark.parametrize(("spec", "p"), [("surface(d=3)", 5e-3), ("surface(d=5)", 2e-3), ("bacon_shor(d=3)", 3e-3)])
def test_events_of_a_round_are_those_of_sampled_memories(spec: str, p: float) -> None:
    code, model, shots = codes.parse(spec), NoiseModel.circuit(p), 100_000
    counts = [
        np.asarray(circuits.memory(code, rounds, "Z", model).compile_detector_sampler(seed=rounds).sample(shots)).sum(1)
        for rounds in (4, 24)
    ]
    mean = (counts[1].mean() - counts[0].mean()) / 20
    error = ((counts[0].var() + counts[1].var()) / shots) ** 0.5 / 20
    assert abs(events_per_round(code, code.physical_qubits, model) - mean) < 4 * error
    nine = events_per_round(code, 9 * code.physical_qubits, model)
    assert nine == pytest.approx(9 * events_per_round(code, code.physical_qubits, model))


def asked(event_s: float, others: float = 0.0) -> Asked:
    return Asked(Decoding(event_s=event_s), others, tiles=9)


def load(d: int, p: float, event_s: float) -> float:
    code = codes.parse(f"surface(d={d})")
    return asked(event_s).load(code, 0, NoiseModel.circuit(p))


def test_no_distance_is_given_that_the_decoder_cannot_follow() -> None:
    machine, model = Machine.parse("surface(d=3)"), NoiseModel.circuit(2e-3)
    fast, slow = 1e-7, 1.6e-7
    assert load(5, 2e-3, fast) < THROTTLE_LOAD < load(5, 2e-3, slow)
    assert load(3, 2e-3, slow) < THROTTLE_LOAD
    told = decide(machine, model, TARGET, default(), False, asked(fast))
    assert (told.action, told.d) == ("grow", 5)
    told = decide(machine, model, TARGET, default(), False, asked(slow))
    assert (told.action, told.d) == ("throttle", 3)
    assert f"{load(5, 2e-3, slow):.2f}" in told.reason


def test_what_others_ask_of_the_decoder_counts() -> None:
    machine, model = Machine.parse("surface(d=3)"), NoiseModel.circuit(2e-3)
    alone = load(5, 2e-3, 1e-7)
    others = THROTTLE_LOAD - alone
    told = [decide(machine, model, TARGET, default(), False, asked(1e-7, others + by)) for by in (-1e-6, 1e-6)]
    assert [decision.action for decision in told] == ["grow", "throttle"]


def test_the_factories_of_a_machine_have_events_too() -> None:
    code, model = codes.parse("surface(d=5)"), NoiseModel.circuit(1e-3)
    assert asked(1e-7).load(code, 900, model) == pytest.approx(
        asked(1e-7).load(code, 0, model) * (9 * code.physical_qubits + 900) / (9 * code.physical_qubits)
    )


def test_this_machine_tells_its_own_speed() -> None:
    found = speed.measure_speed(codes.parse("surface(d=3)"), "p=5e-3", shots=20_000)
    assert 1e-9 < found.event_s < 1e-3
    with pytest.raises(QmkError, match="no detection event"):
        speed.measure_speed(codes.parse("surface(d=3)"), "p=1e-9", shots=1)
    with pytest.raises(QmkError, match="0 shots"):
        speed.measure_speed(codes.parse("surface(d=3)"), "p=5e-3", shots=0)
