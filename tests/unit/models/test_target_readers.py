"""Targets from what vendors say: IBM's files, Qiskit's targets, Braket's properties."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.models.devices import Site, Timing
from qmk.models.devices.readers import from_braket, from_qiskit, read_ibm

CONF = {
    "backend_name": "ibm_small",
    "n_qubits": 3,
    "basis_gates": ["ecr", "id", "rz", "sx", "x"],
    "coupling_map": [[1, 0], [1, 2]],
    "dt": 0.5,
    "timing_constraints": {"acquire_alignment": 16, "granularity": 8, "min_length": 64, "pulse_alignment": 1},
    "max_shots": 100,
}


def near(number: float) -> Any:
    return pytest.approx(number)


def value(name: str, amount: float, unit: str = "", date: str = "2025-02-26T02:00:00-05:00") -> dict[str, object]:
    return {"name": name, "value": amount, "unit": unit, "date": date}


PROPS = {
    "last_update_date": "2025-02-26",
    "qubits": [
        [
            value("T1", 200, "us"),
            value("T2", 90, "us"),
            value("readout_error", 0.02),
            value("readout_length", 1200, "ns"),
        ],
        [value("T1", 0.1, "ms", "2025-02-27T00:00:00-05:00")],
        [value("operational", 0), value("readout_error", 0.5)],
    ],
    "gates": [
        {"gate": "ecr", "qubits": [1, 0], "parameters": [value("gate_error", 0.01), value("gate_length", 500, "ns")]},
        {"gate": "ecr", "qubits": [1, 2], "parameters": [value("gate_error", 1)]},
        {"gate": "sx", "qubits": [0], "parameters": [value("gate_error", 1e-4)]},
        {"gate": "reset", "qubits": [0], "parameters": [value("gate_length", 900, "ns")]},
    ],
}


def written(folder: Path, conf: object = CONF, props: object = PROPS) -> tuple[str, str]:
    paths = folder / "conf_small.json", folder / "props_small.json"
    for path, data in zip(paths, (conf, props), strict=True):
        path.write_text(json.dumps(data))
    return str(paths[0]), str(paths[1])


def test_ibm_files_give_values_in_seconds(tmp_path):
    target = read_ibm(*written(tmp_path))
    assert (target.name, target.sites, target.gates) == ("ibm_small", 3, ("ecr", "id", "rz", "sx", "x"))
    assert target.couplings == ((1, 0),), "the gate on (1, 2) always fails"
    assert target.directed
    assert target.broken == (2,)
    assert target.readings[0] == Site(near(2e-4), near(9e-5), 0.02, near(1.2e-6))
    assert target.readings[1] == Site(near(1e-4))
    assert [(fact.name, fact.sites, fact.error) for fact in target.facts] == [
        ("ecr", (1, 0), 0.01),
        ("ecr", (1, 2), 1.0),
        ("sx", (0,), 1e-4),
    ]
    assert target.facts[0].duration_s == near(5e-7)
    assert target.timing == Timing(5e-10, 16, 8, 64)
    assert target.date == "2025-02-27T00:00:00-05:00"


def test_ibm_configurations_alone_are_targets(tmp_path):
    target = read_ibm(written(tmp_path)[0])
    assert target.pairs() == [(0, 1), (1, 2)]
    assert target.readings == target.facts == ()


def test_an_unknown_unit_and_another_file_are_refused(tmp_path):
    props = json.loads(json.dumps(PROPS))
    props["qubits"][0][0]["unit"] = "weeks"
    with pytest.raises(QmkError, match=r"props_small.json': T1: 'weeks' is not a unit of time"):
        read_ibm(*written(tmp_path, props=props))
    conf, properties = written(tmp_path)
    with pytest.raises(QmkError, match=r"props_small.json': Object missing required field `n_qubits`"):
        read_ibm(properties, conf)


INSTALLED = importlib.util.find_spec("qiskit_ibm_runtime")


@pytest.mark.skipif(INSTALLED is None, reason="its files are the judge: pip install qiskit-ibm-runtime")
@pytest.mark.parametrize(("name", "pairs"), [("sherbrooke", 144), ("torino", 150), ("fez", 176)])
def test_the_files_of_fake_backends_are_read(name, pairs):
    assert INSTALLED is not None
    assert INSTALLED.origin is not None
    folder = Path(INSTALLED.origin).parent / "fake_provider" / "backends" / name
    target = read_ibm(str(folder / f"conf_{name}.json"), str(folder / f"props_{name}.json"))
    assert len(target.pairs()) <= pairs
    assert len(target.pair_errors()) == len(target.pairs())
    assert len(target.readings) == target.sites


def test_a_qiskit_target_says_the_same_as_the_backend():
    providers = pytest.importorskip("qiskit.providers.fake_provider", reason="pip install 'qmk[aer]' for qiskit")
    coupling = [[0, 1], [1, 0], [1, 2], [2, 1]]
    backend = providers.GenericBackendV2(3, basis_gates=["cz", "rz", "sx", "x"], coupling_map=coupling, seed=1)
    target = from_qiskit(backend.target, "generic")
    assert (target.name, target.sites) == ("generic", 3)
    assert target.pairs() == [(0, 1), (1, 2)]
    assert {"cz", "rz", "sx", "x"} <= set(target.gates)
    wanted = min(backend.target["cz"][pair].error for pair in ((0, 1), (1, 0)))
    assert target.pair_errors()[0] == (0, 1, near(wanted))
    assert target.readings[2].readout_error == backend.target["measure"][(2,)].error
    assert target.readings[2].t1_s == backend.target.qubit_properties[2].t1
    assert target.timing is not None
    assert target.timing.dt_s == backend.target.dt


def test_a_qiskit_target_without_sites_couples_all():
    transpiler = pytest.importorskip("qiskit.transpiler", reason="pip install 'qmk[aer]' for qiskit")
    made = transpiler.Target.from_configuration(basis_gates=["cz", "rz", "sx"], num_qubits=4)
    assert len(from_qiskit(made).pairs()) == 6


BRAKET = {
    "paradigm": {
        "qubitCount": 3,
        "nativeGateSet": ["prx", "CZ"],
        "connectivity": {"fullyConnected": False, "connectivityGraph": {"1": ["2"], "2": ["4"]}},
    },
    "standardized": {
        "oneQubitProperties": {
            "1": {
                "T1": {"value": 20.0, "unit": "us"},
                "T2": {"value": 1e-5, "unit": "S"},
                "oneQubitFidelity": [
                    {"fidelityType": {"name": "RANDOMIZED_BENCHMARKING"}, "fidelity": 0.999},
                    {"fidelityType": {"name": "READOUT"}, "fidelity": 0.9},
                ],
            }
        },
        "twoQubitProperties": {
            "1-2": {"twoQubitGateFidelity": [{"gateName": "CZ", "fidelity": 0.98, "fidelityType": {"name": "IRB"}}]}
        },
    },
}


def test_braket_properties_keep_their_numbers_of_qubits():
    target = from_braket(json.dumps(BRAKET), "garnet")
    assert target.sites == 5
    assert target.broken == (0, 3)
    assert target.usable() == [1, 2, 4]
    assert target.pairs() == [(1, 2), (2, 4)]
    assert target.gates == ("prx", "cz")
    assert target.pair_errors() == [(1, 2, near(0.02))]
    assert target.readings[1] == Site(near(2e-5), near(1e-5), near(0.1))


def test_a_fully_connected_braket_device_couples_all():
    whole = {"paradigm": {**BRAKET["paradigm"], "connectivity": {"fullyConnected": True, "connectivityGraph": {}}}}
    assert len(from_braket(json.dumps(whole)).pairs()) == 3
    with pytest.raises(QmkError, match=r"'q': Object missing required field `paradigm`"):
        from_braket("{}", "q")
