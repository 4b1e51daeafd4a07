"""Executors for Mitiq without Mitiq: what its ``Executor`` reads from one, and what it calls."""

from __future__ import annotations

import math
import typing
from dataclasses import dataclass
from typing import Any

import pytest
import stim

import qmk
from qmk.base.errors import QmkError
from qmk.integrations.mitiq import executor, sampler

FOLDED = qmk.Circuit(2).h(0).cx(0, 1).cx(0, 1).cx(0, 1)


@dataclass
class MeasurementResult:
    """As Mitiq's, whose constructor takes these two."""

    result: list[list[int]]
    qubit_indices: tuple[int, ...]


def test_annotations_say_what_an_executor_gives() -> None:
    kinds = [
        (executor("ZZ"), float),
        (executor("ZZ", batched=True), list[float]),
        (sampler(MeasurementResult), MeasurementResult),
        (sampler(MeasurementResult, batched=True), list[MeasurementResult]),
    ]
    for function, kind in kinds:
        assert typing.get_type_hints(function)["return"] == kind


def test_values_are_those_of_expectation() -> None:
    noisy = executor("ZZ", noise="depolarizing=0.02")
    assert noisy(FOLDED) == qmk.expectation(FOLDED, "ZZ", noise="depolarizing=0.02").value
    assert executor("ZZ")(stim.Circuit("H 0\nCNOT 0 1")) == 1
    bell = qmk.Circuit(2).h(0).cx(0, 1)
    once, folded = executor("ZZ", batched=True, noise="depolarizing=0.02")([bell, FOLDED])
    assert folded < once < 1, "a circuit that undoes and redoes its gates is run as it stands"
    assert (3 * once - folded) / 2 == pytest.approx(1, abs=abs(1 - once) / 3)  # extrapolated to no noise


def test_shots_are_sampled() -> None:
    value = executor("XX", shots=1000, seed=1)(qmk.Circuit(2).ry(0.4, 0).cx(0, 1))
    assert value == pytest.approx(math.sin(0.4), abs=0.2)  # 0.03 of spread
    assert value != math.sin(0.4)


def test_measurements_name_their_qubits() -> None:
    program = qmk.Circuit(3).x(2).measure(2, "c").measure(0, "d")
    found: Any = sampler(MeasurementResult, shots=3)(program)
    assert found == MeasurementResult([[1, 0]] * 3, (2, 0))
    again = sampler(MeasurementResult, shots=3, batched=True)([program, program])
    assert again == [found, found]
    twice = qmk.Circuit(1).measure(0, "c").measure(0, "c")
    with pytest.raises(QmkError, match="measured twice"):
        sampler(MeasurementResult, shots=3)(twice)


def test_what_is_wrong_is_said() -> None:
    three: Any = 3
    with pytest.raises(QmkError, match="batched"):
        executor("ZZ", batched=three)
    with pytest.raises(QmkError, match="nois"):
        executor("ZZ", nois="x")(FOLDED)


def test_a_batch_is_sent_at_once_to_a_daemon(daemon: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server, bell = str(daemon.socket), qmk.Circuit(2).h(0).cx(0, 1)
    batches: list[int] = []
    run_many = qmk.Client.run_many

    def count(self: Any, programs: Any, *more: Any, **options: Any) -> Any:
        batches.append(len(programs))
        return run_many(self, programs, *more, **options)

    monkeypatch.setattr(qmk.Client, "run_many", count)
    circuits = [bell, FOLDED, bell, qmk.Circuit(3).h(0).cx(0, 1)]
    here = executor("Z0 Z1", batched=True, noise="depolarizing=0.02")(circuits)
    there = executor("Z0 Z1", batched=True, noise="depolarizing=0.02", server=server)(circuits)
    assert there == pytest.approx(here, abs=1e-9)
    assert batches == [3, 1]  # those on two qubits, and that on three
    drawn = executor("XX", batched=True, shots=500, seed=1, server=server)([bell, bell])
    assert drawn == [1.0, 1.0]
