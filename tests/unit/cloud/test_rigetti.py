"""Rigetti's engine, with Rigetti's own client, against a recorded QCS: native Quil, jobs sent once, errors told apart."""

from __future__ import annotations

import pytest

pytest.importorskip("qcs_sdk")

import qmk
from tests.cloud.programs import check_lopsided, lopsided
from tests.cloud.rigetti import RigettiServer


def run(device: str = "Ankaa-3", seed: int = 1, shots: int = 100) -> qmk.Result:
    return qmk.run(lopsided(), engine=f"rigetti:{device}", shots=shots, seed=seed)


@pytest.mark.parametrize("device", ["Ankaa-3", "Cepheus-1"])
def test_distributions_are_those_of_the_program(rigetti: RigettiServer, device: str) -> None:
    check_lopsided(run(device, shots=4000).counts)
