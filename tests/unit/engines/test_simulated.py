"""Simulated devices: they run with their noise, drift on a seeded clock, and go down."""

from __future__ import annotations

import json
import os
import pickle
from typing import Any

import msgspec
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.engines.simulated.devices import Declared, back_s, device_named
from qmk.engines.simulated.engine import SimulatedEngine
from qmk.ir.lower import lower
from qmk.ir.native_circuit import GATES
from qmk.models.devices import target_named
from qmk.request.program import to_graph
from qmk.sdk.engine import Unsupported

BELL = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q->c;'
"""00 and 11 without noise."""
LAB: dict[str, Any] = {"target": "fake_manila", "seed": 3, "drift_per_day": 0.3, "clock_s": 1_717_200_000.0}


@pytest.fixture
def devices(tmp_path, monkeypatch):
    def write(**rows: dict[str, Any]) -> None:
        path = tmp_path / "devices.json"
        path.write_text(json.dumps({"devices": rows}))
        monkeypatch.setenv("QMK_CLOUD_SIMULATED_DEVICES", str(path))

    return write


def prepared(device: str, text: str = BELL) -> Any:
    return SimulatedEngine().prepare(lower(to_graph(text), GATES | {"gphase"}), device)


@pytest.mark.parametrize("device", ["fake_manila", "fake_sherbrooke"])
def test_counts_are_those_of_the_devices_noise(device):
    """Against another simulator's: chi-square of two samples, 3 degrees of freedom, is above 48 by chance 2e-10."""
    result = qmk.run(BELL, engine=f"simulated:{device}", shots=100_000, seed=5)
    other = qmk.run(BELL, device=device, shots=100_000, seed=6).counts
    squares = ((n - other[key]) ** 2 / (n + other[key]) for key, n in result.counts.items())
    assert sum(squares) < 48
    assert len(other) == len(result.counts) == 4
    assert result.counts["01"] > 0, "an ideal device never gives it"
    assert result.provenance.notes["calibration_age_days"] > 500
    assert "stale" in result.provenance.notes["calibration"]


def test_a_device_of_atoms_and_feed_forward_run():
    atoms = qmk.run(BELL, engine="simulated:zoned", shots=4000, seed=1)
    assert 0 < atoms.counts["01"] + atoms.counts["10"] < 400
    far = qmk.run("examples/teleport.qasm", engine="simulated:fake_manila", shots=200, seed=1)
    assert far.shots == 200


def test_plans_are_pickled_and_repeat_their_samples():
    plan = prepared("fake_manila")
    again = pickle.loads(pickle.dumps(plan))
    assert (plan.run(500, 9).bits == again.run(500, 9).bits).all()
    assert (plan.run(500, 9).bits != plan.run(500, 10).bits).any()


def test_numbers_wander_with_the_clock_and_the_seed(devices):
    devices(
        lab=LAB,
        later={**LAB, "clock_s": LAB["clock_s"] + 86400.0},
        other={**LAB, "seed": 4},
        still={**LAB, "drift_per_day": 0},
        fresh={**LAB, "calibrate_every_s": 86400.0},
    )
    lab, later, other, still = (device_named(name).target for name in ("lab", "later", "other", "still"))
    assert still == target_named("fake_manila")
    assert lab == device_named("lab").target
    assert len({target.facts for target in (lab, later, other, still) if target}) == 4
    fresh = device_named("fresh")
    assert fresh.calibrated_s is not None
    assert 0 <= fresh.now_s - fresh.calibrated_s < 86400


def test_a_device_goes_down_on_its_schedule(devices):
    devices(lab={**LAB, "down": [[LAB["clock_s"] - 10, LAB["clock_s"] + 50]]})
    with pytest.raises(QmkError, match="device 'lab' of engine 'simulated' is down for another 50 s") as refused:
        prepared("lab")
    assert refused.value.fields["retryable"] is True
    row = Declared("fake_manila", down_every_s=100, down_for_s=20)
    assert [back_s(row, now) for now in (0.0, 19.0, 20.0, 119.0)] == [20.0, 20.0, None, 120.0]


def test_a_device_takes_no_more_shots_than_it_says(devices, tmp_path):
    path = tmp_path / "few.json"
    path.write_bytes(msgspec.structs.replace(target_named("fake_manila"), max_shots=100).to_json())
    devices(few={"target": str(path)})
    with pytest.raises(QmkError, match="101 shots: device 'few' of engine 'simulated' takes 100 a job"):
        prepared("few").run(101, 1)
    assert len(prepared("few").run(100, 1).bits) == 100


def test_wrong_names_files_and_sizes_are_refused(devices):
    with pytest.raises(QmkError, match="engine 'simulated' has no device 'fake_nowhere'"):
        prepared("fake_nowhere")
    with pytest.raises(Unsupported, match=r"engine simulated has no device '\.\./x'"):
        prepared("../x")
    devices(lab={**LAB, "speed": 1})
    with pytest.raises(QmkError, match=r"unknown field `speed` - at `\$.devices\[...\]`"):
        prepared("lab")
    wide = f'OPENQASM 2.0; include "qelib1.inc"; qreg q[14]; creg c[14]; {"h q; " * 2} measure q->c;'
    devices(lab=LAB)
    chain = "".join(f"cx q[{k}],q[{k + 1}];" for k in range(13))
    with pytest.raises(Unsupported, match="sites of device 'fake_guadalupe' at once"):
        prepared("fake_guadalupe", wide.replace("measure", f"{chain} measure"))


def test_a_file_of_a_target_that_is_written_anew_is_read_anew(devices, tmp_path):
    path = tmp_path / "lab.json"
    manila = target_named("fake_manila")
    path.write_bytes(msgspec.json.encode(manila))
    devices(lab={"target": str(path), "clock_s": 1_717_200_000.0})
    first = device_named("lab").target
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(manila, sites=5, date="2024-05-01T00:00:00+00:00")))
    os.utime(path, ns=(1, 1))
    second = device_named("lab").target
    assert first is not None
    assert second is not None
    assert (first.date, second.date) == (manila.date, "2024-05-01T00:00:00+00:00")
