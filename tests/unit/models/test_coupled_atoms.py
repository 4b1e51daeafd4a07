"""Devices of atoms as devices of coupled sites."""

from __future__ import annotations

import math

import msgspec
import pytest

from qmk.base.errors import QmkError
from qmk.models.atoms import profiles
from qmk.models.atoms.coupled import coupled_target
from qmk.models.devices import target_named
from qmk.request.devices import device_names, device_target


def test_atoms_that_are_carried_are_all_coupled() -> None:
    zoned = coupled_target(profiles()["zoned"])
    assert (zoned.sites, zoned.couplings, zoned.gates) == (128, None, ("u", "rz", "cz"))
    by_name = {fact.name: fact for fact in zoned.facts}
    assert by_name["cz"].duration_s == pytest.approx(0.3e-6)
    assert by_name["u"].duration_s == pytest.approx(2e-6)
    # three Pauli errors of 0.00041 each leave F_e = 1 - 0.00123, and the average fidelity is (2 F_e + 1) / 3
    assert by_name["u"].error == pytest.approx(2 / 3 * 0.00123, rel=1e-9)
    model = profiles()["zoned"].mishaps.model
    assert model is not None
    chances = sum(next(iter(model.gates[1].errors)).args().values())
    assert by_name["cz"].error == pytest.approx(4 / 5 * chances, rel=1e-9)
    assert zoned.readings[5].t2_s == pytest.approx(1 / (2 * 0.0397))
    assert zoned.readings[5].readout_s == pytest.approx(500e-6)


def test_atoms_that_stay_are_coupled_where_the_blockade_reaches() -> None:
    chain = coupled_target(profiles()["lossy_chain"])
    assert chain.couplings == tuple((k, k + 1) for k in range(5))
    grid = coupled_target(profiles()["ideal_square_grid"])
    steps = {divmod(b - a, 4) for a, b in grid.couplings or ()}
    assert {(0, 1), (1, 0)} <= steps
    assert all(math.dist(divmod(a, 4), divmod(b, 4)) <= 1.5 for a, b in grid.couplings or ())


def test_a_rule_on_pairs_is_kept() -> None:
    profile = msgspec.structs.replace(
        profiles()["ideal_square_grid"],
        gates=tuple(
            msgspec.structs.replace(gate, connectivity="chain") if gate.arity == 2 else gate
            for gate in profiles()["ideal_square_grid"].gates
        ),
    )
    assert set(coupled_target(profile).couplings or ()) == {(k, k + 1) for k in range(15) if k % 4 != 3}


def test_names_of_devices_are_those_that_run_gates() -> None:
    assert "aquila" not in device_names()
    assert device_target("fake_manila") == target_named("fake_manila")
    assert device_target("grid:2x2").sites == 4
    for name in device_names():
        assert device_target(name).sites > 1
    with pytest.raises(QmkError, match="runs no gates"):
        device_target("aquila")
