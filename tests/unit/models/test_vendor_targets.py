"""Targets of IQM, IonQ, Quantinuum and QRMI.

The data have the forms that the vendors document; where numbers are a vendor's own, their source stands with them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.models.devices import Site
from qmk.models.devices.ions import from_ionq, from_quantinuum
from qmk.models.devices.iqm import from_iqm
from qmk.models.devices.noise import noise_of, unknown
from qmk.models.devices.qrmi import from_qrmi, resources

ARCHITECTURE: dict[str, Any] = {  # the form of iqm-client 36's DynamicQuantumArchitecture (Apache-2.0); numbers made up
    "calibration_set_id": "cd4dd889-b88b-4370-ba01-eb8262ad9c53",
    "qubits": ["QB1", "QB2", "QB3"],
    "computational_resonators": [],
    "gates": {
        "prx": {
            "implementations": {"drag_gaussian": {"loci": [["QB1"], ["QB2"]]}, "drag_crf": {"loci": [["QB1"]]}},
            "default_implementation": "drag_gaussian",
            "override_default_implementation": {"QB1": "drag_crf"},
        },
        "cz": {
            "implementations": {"tgss": {"loci": [["QB1", "QB2"]]}},
            "default_implementation": "tgss",
            "override_default_implementation": {},
        },
        "measure": {
            "implementations": {"constant": {"loci": [["QB1"], ["QB2"], ["QB3"]]}},
            "default_implementation": "constant",
            "override_default_implementation": {},
        },
    },
}


def observation(field: str, value: object, unit: str = "", **more: object) -> dict[str, object]:
    stamp = "2025-12-09T11:50:43.802455"
    return {"dut_field": field, "value": value, "unit": unit, "invalid": False, "created_timestamp": stamp, **more}


CALIBRATION = {
    "observations": [
        observation("gates.prx.drag_crf.QB1.duration", 4e-8, "s"),
        observation("gates.cz.tgss.QB1__QB2.duration", 40, "ns"),
        observation("gates.measure.constant.QB1.duration", 1.4e-6, "s"),
        observation("controllers.QB1.flux.voltage", [0.1, 0.2]),
    ]
}
METRICS = {
    "observations": [
        observation("metrics.rb.prx.drag_crf.QB1.fidelity:par=d1", 0.999),
        observation("metrics.rb.prx.drag_gaussian.QB1.fidelity", 0.9),
        observation("metrics.rb.prx.drag_gaussian.QB2.fidelity", 0.5, invalid=True),
        observation("metrics.irb.cz.tgss.QB1__QB2.fidelity:par=d2", 0.99),
        observation("metrics.ssro.measure.constant.QB1.error_0_to_1", 0.01),
        observation("metrics.ssro.measure.constant.QB1.error_1_to_0", "0.03"),
        observation("metrics.ssro.measure.constant.QB2.fidelity", 0.96),
        observation("characterization.model.QB1.t1_time", 2e-5, "s"),
        observation("characterization.model.QB1.t2_time", 1e-5, "s", created_timestamp="2025-12-10T00:00:00"),
        observation("characterization.model.QB2.t2_echo_time", 30, "us"),
    ]
}


def near(number: float) -> Any:
    return pytest.approx(number)


def text(value: object) -> str:
    return json.dumps(value)


def test_iqm_gives_defaults_errors_times_and_readings():
    target = from_iqm(text(ARCHITECTURE), text(CALIBRATION), text(METRICS), name="small")
    assert (target.sites, target.pairs(), target.gates) == (3, [(0, 1)], ("prx", "cz", "rz"))
    assert target.broken == (2,), "QB3 has no gate"
    facts = {(fact.name, fact.sites): (fact.error, fact.duration_s) for fact in target.facts}
    assert facts == {
        ("prx", (0,)): (near(0.001), 4e-8),
        ("prx", (1,)): (None, None),
        ("cz", (0, 1)): (near(0.01), near(4e-8)),
    }
    assert target.readings[0] == Site(2e-5, 1e-5, near(0.02), 1.4e-6, 0.01, 0.03)
    assert target.readings[1] == Site(None, near(3e-5), near(0.04))
    assert target.date == "2025-12-10T00:00:00"
    assert "1 sites without the error of a gate" in unknown(target)


def test_a_program_runs_on_a_device_of_iqm(tmp_path):
    path = tmp_path / "iqm.json"
    path.write_bytes(from_iqm(text(ARCHITECTURE), text(CALIBRATION), text(METRICS)).to_json())
    result = qmk.run("examples/bell.qasm", device=str(path), shots=4000, seed=1)
    assert 100 < result.counts["01"] + result.counts["10"] < 400, "of readings that err by 4 and 2 % on average"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"computational_resonators": ["COMPR1"]}, r"'iqm' has computational resonators \(COMPR1\)"),
        ({"qubits": ["QB1", "QB3"]}, "'iqm': gates.prx: 'QB2' is not among the qubits"),
        (
            {"gates": {"cz": {"implementations": {}}}},
            r"architecture': Object missing .*`default_implementation`.*gates",
        ),
    ],
)
def test_wrong_architectures_are_refused(change, message):
    with pytest.raises(QmkError, match=message):
        from_iqm(text({**ARCHITECTURE, **change}))


def test_wrong_observations_are_refused():
    with pytest.raises(QmkError, match=r"observations\[0\]': Object missing required field `observations`"):
        from_iqm(text(ARCHITECTURE), "{}")
    odd = {"observations": [observation("characterization.model.QB1.t1_time", 2, "weeks")]}
    with pytest.raises(QmkError, match="t1_time: 'weeks' is not a unit of time"):
        from_iqm(text(ARCHITECTURE), text(odd))
    words = {"observations": [observation("metrics.irb.cz.tgss.QB1__QB2.fidelity", "good")]}
    with pytest.raises(QmkError, match=r"cz.tgss.QB1__QB2.fidelity is 'good'"):
        from_iqm(text(ARCHITECTURE), text(words))


CHARACTERIZATION: dict[str, Any] = {  # the form of IonQ's API 0.4, docs.ionq.com; numbers made up
    "id": "aa54e783-0a9b-4f73-ad2f-63983b6aa4a8",
    "date": "2025-06-16T00:00:00Z",
    "backend": "qpu.aria-1",
    "qubits": 3,
    "connectivity": [[0, 1], [2, 0], [1, 2]],
    "fidelity": {
        "spam": {"median": 0.9962, "stderr": None},
        "1q": {"mean": 0.9998, "median": 0.9},
        "2q": {"median": 0.986},
    },
    "timing": {"readout": 3e-4, "reset": 2e-5, "1q": 1.35e-4, "2q": 6e-4, "t1": 100, "t2": 1},
}


def test_ionq_gives_every_pair_the_same_numbers():
    target = from_ionq(text(CHARACTERIZATION))
    assert (target.name, target.sites, target.couplings) == ("qpu.aria-1", 3, None)
    assert target.gates == ("gpi", "gpi2", "rz", "ms")
    facts = {(fact.name, fact.sites): (fact.error, fact.duration_s) for fact in target.facts}
    assert facts["gpi2", (2,)] == (near(2e-4), 1.35e-4)
    assert facts["ms", (1, 2)] == (near(0.014), 6e-4)
    assert target.readings == (Site(100, 1, near(0.0038), 3e-4),) * 3
    assert unknown(target) == []
    assert {rule.gates for rule in noise_of(target).gates} == {("u",), ("rxx",)}
    assert qmk.compile("examples/bell.qasm", target).report["gates"] == ["u", "rxx"]


def test_an_older_characterization_and_a_forte_are_read():
    old = {**CHARACTERIZATION, "date": 1585713600, "target": "qpu.forte-1", "connectivity": [[0, 1]]}
    del old["backend"]
    target = from_ionq(text(old))
    assert (target.name, target.date, target.pairs()) == ("qpu.forte-1", "2020-04-01T04:00:00+00:00", [(0, 1)])
    assert target.gates[-1] == "rzz"
    with pytest.raises(QmkError, match=r"'q': Expected `int`, got `str` - at `\$.qubits`"):
        from_ionq(text({**old, "qubits": "three"}), "q")


MACHINES = [  # of pytket-quantinuum 0.59.3's list of machines (Quantinuum, Apache-2.0), reduced
    {
        "gateset": ["RZZ", "Rxxyyzz", "Rz", "U1q", "ZZ"],
        "name": "H2-1",
        "noise_specs": {
            "date": "2025-04-30",
            "spam_error": {"p_meas_0": 0.0006, "p_meas_1": 0.00139},
            "memory_error": {"memory_error": 0.000203},
            "1q_gate_error": {"p1": 1.89e-05, "p1_unc": 4.23e-06},
            "2q_gate_error": {"p2_unc": 8.08e-05, "p2": 0.00105},
        },
        "max_n_shots": 10000,
        "n_qubits": 56,
        "system_type": "hardware",
        "connectivity": "all-to-all",
    }
]


def test_quantinuum_gives_errors_and_limits():
    target = from_quantinuum(text(MACHINES), "H2-1")
    assert (target.sites, target.couplings, target.gates) == (56, None, ("rzz", "rz", "prx"))
    assert (target.max_shots, target.date) == (10000, "2025-04-30")
    assert target.pair_errors()[0] == (0, 1, 0.00105)
    assert target.readings[0] == Site(readout_error=near(0.000995), p01=0.0006, p10=0.00139)
    assert from_quantinuum(text(MACHINES[0]), "H2-1") == target
    with pytest.raises(QmkError, match="there is no machine 'H9'"):
        from_quantinuum(text(MACHINES), "H9")
    with pytest.raises(QmkError, match="connectivity is 'line'"):
        from_quantinuum(text([{**MACHINES[0], "connectivity": "line"}]), "H2-1")


def test_targets_of_qrmi_are_read_by_their_vendors_form():
    iqm = {"dynamic_quantum_architecture": ARCHITECTURE, "calibration_set": CALIBRATION, "quality_metrics": METRICS}
    target = from_qrmi(text(iqm), "garnet")
    assert target.facts == from_iqm(text(ARCHITECTURE), text(CALIBRATION), text(METRICS)).facts
    assert (target.name, target.source) == ("garnet", "QRMI: IQM dynamic quantum architecture")
    conf = {"backend_name": "ibm_two", "n_qubits": 2, "basis_gates": ["cz", "sx"], "coupling_map": [[0, 1]]}
    props = {"qubits": [], "gates": [{"gate": "sx", "qubits": [1], "parameters": []}]}
    ibm = from_qrmi(text({"configuration": conf, "properties": props}))
    assert (ibm.name, ibm.pairs(), ibm.facts[0].name) == ("ibm_two", [(0, 1)], "sx")
    with pytest.raises(QmkError, match="'q': a target with 'version'"):
        from_qrmi('{"version": 1}', "q")


def test_resources_of_qrmi_keep_no_secrets():
    environment = {"QRMI_IBM_QRS_ENDPOINT": "https://example.org", "QRMI_IBM_QRS_IAM_APIKEY": "secret"}
    config = {"resources": [{"name": "ibm_torino", "type": "qiskit-runtime-service", "environment": environment}]}
    found = resources(text(config))
    assert [(row.name, row.type) for row in found] == [("ibm_torino", "qiskit-runtime-service")]
    assert list(found[0].environment) == ["QRMI_IBM_QRS_ENDPOINT"]
    with pytest.raises(QmkError, match=r"'cfg': Object missing required field `type` - at `\$.resources\[0\]`"):
        resources('{"resources": [{"name": "a"}]}', "cfg")
