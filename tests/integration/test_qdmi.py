"""QMK's device library for QDMI: a real client drives it, and a careless one in C under the sanitizers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import mqt.core
import pytest

from qmk.base.errors import QmkError
from qmk.client import Client
from qmk.integrations.qdmi import LIBRARY, MANIFEST, build
from qmk.models.devices import NativeGate, Site, Target

ROOT = Path(__file__).resolve().parents[2]
HEADERS = Path(next(iter(mqt.core.__path__))) / "include"
SOURCE = ROOT / "src" / "qmk" / "integrations" / "qdmi" / "device.c"

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler: apt-get install gcc")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("qdmi"))


def client(library: Path, body: str, **environment: str) -> Any:
    """The JSON that a program prints which has mqt-core's driver, and ``opened(**settings)`` for a device of ours."""
    head = f"""
        import json
        from mqt.core.qdmi import ProgramFormat, driver
        def opened(**settings):
            name = "qmk" + str(len(driver.registered_device_ids()))
            driver.register_device(driver.DeviceDefinition(name, {str(library)!r}, "QMK", **settings))
            return driver.open_device(name)
        BELL = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q->c;'
        STATE = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; h q[0]; cx q[0],q[1];'
        def run(device, text, shots, format=ProgramFormat.QASM2):
            job = device.submit_job(text, format, shots)
            assert job.wait(60)
            return job
        def refused(act):
            try:
                act()
            except Exception as error:
                return str(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(head) + dedent(body)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "stderr": done.stderr}


def test_a_client_runs_circuits_here(library: Path) -> None:
    found = client(
        library,
        """
        device = opened()
        THREE = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; x q[0]; c = measure q;'
        job = run(device, BELL, 1000)
        state = run(device, STATE, 0)
        again = device.retrieve_job_by_id(job.id)
        print(json.dumps({
            "name": device.name(), "qubits": device.qubits_num(), "map": device.coupling_map(),
            "counts": job.get_counts(), "shots": job.get_shots(), "again": again.get_counts(),
            "status": str(job.check()), "state": [abs(a) for a in state.get_dense_statevector()],
            "sparse": state.get_sparse_probabilities(),
            "three": run(device, THREE, 7, ProgramFormat.QASM3).get_counts(),
            "garbage": refused(lambda: device.submit_job("nothing", ProgramFormat.QASM2, 1)),
            "path": refused(lambda: device.submit_job("/etc/passwd", ProgramFormat.QASM2, 1)),
        }))
        """,
    )
    assert found["name"] == "QMK"
    assert found["qubits"] == 24
    assert found["map"] is None
    assert set(found["counts"]) == {"00", "11"}
    assert sum(found["counts"].values()) == 1000
    assert found["again"] == found["counts"]
    assert found["status"] == "Status.DONE"
    assert {key: found["shots"].count(key) for key in ("00", "11")} == found["counts"]
    assert found["state"] == pytest.approx([0.5**0.5, 0, 0, 0.5**0.5])
    assert found["sparse"] == pytest.approx({"00": 0.5, "11": 0.5})
    assert found["three"] == {"01": 7}
    assert "Invalid argument" in found["garbage"]
    assert "Invalid argument" in found["path"]
    assert "root:" not in found["stderr"]


def test_a_target_is_described_and_kept_to(library: Path, tmp_path: Path) -> None:
    target = Target(
        "pair of three",
        3,
        ((0, 1), (1, 2)),
        facts=(NativeGate("cz", (0, 1), 0.01, 68e-9), NativeGate("sx", (2,), 0.001)),
        readings=(Site(t1_s=250e-6, t2_s=100e-6), Site(), Site(t1_s=1e-6)),
    )
    path = tmp_path / "target.json"
    path.write_bytes(target.to_json())
    found = client(
        library,
        f"""
        device = opened(custom1={str(path)!r}, custom2="depolarizing=0.2")
        sites, gates = device.sites(), {{gate.name(): gate for gate in device.operations()}}
        CZ = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[3]; creg c[1]; %s; measure q[0]->c[0];'
        print(json.dumps({{
            "name": device.name(), "unit": device.duration_unit(),
            "map": [[a.index(), b.index()] for a, b in device.coupling_map()],
            "t1": [site.t1() for site in sites], "t2": [site.t2() for site in sites],
            "gates": {{name: [gate.qubits_num(), gate.parameters_num()] for name, gate in gates.items()}},
            "cz": [gates["cz"].fidelity([sites[0], sites[1]]), gates["cz"].duration([sites[0], sites[1]])],
            "sx": [gates["sx"].fidelity([sites[k]]) for k in (1, 2)],
            "coupled": run(device, CZ % "x q[0]; cz q[0],q[1]", 2000).get_counts(),
            "apart": refused(lambda: device.submit_job(CZ % "cz q[0],q[2]", ProgramFormat.QASM2, 1)),
            "foreign": refused(lambda: device.submit_job(CZ % "h q[0]", ProgramFormat.QASM2, 1)),
            "wide": refused(lambda: device.submit_job(CZ.replace("q[3]", "q[4]") % "x q[0]", ProgramFormat.QASM2, 1)),
        }}))
        """,
    )
    assert found["name"] == "pair of three"
    assert found["unit"] == "ns"
    assert found["map"] == [[0, 1], [1, 0], [1, 2], [2, 1]]
    assert found["t1"] == [250_000, None, 1_000]
    assert found["t2"] == [100_000, None, None]
    assert found["gates"] == {"cz": [2, 0], "rz": [1, 1], "sx": [1, 0], "x": [1, 0]}
    assert found["cz"] == [0.99, 68]
    assert found["sx"] == [None, 0.999]
    assert found["coupled"]["1"] < 2000, "errors of the noise model"
    assert all("Not supported" in found[name] for name in ("apart", "foreign", "wide"))
    assert "sites 0 and 2 are not coupled" in found["stderr"]
    assert "gate h on qubits [0] is not native" in found["stderr"]


def test_jobs_go_to_a_daemon_and_are_found_by_another_client(library: Path, daemon: Any) -> None:
    device = f"opened(base_url={str(daemon.socket)!r})"
    found = client(
        library,
        f"""
        device = {device}
        job = run(device, BELL, 100)
        none = refused(lambda: device.retrieve_job_by_id("none"))
        state = refused(lambda: device.submit_job(STATE, ProgramFormat.QASM2, 0))
        print(json.dumps({{"id": job.id, "counts": job.get_counts(), "none": none, "state": state}}))
        """,
    )
    other = client(
        library,
        f"job = {device}.retrieve_job_by_id({found['id']!r}); print(json.dumps({{'counts': job.get_counts()}}))",
    )
    with Client(daemon.socket) as own:
        assert own.status(found["id"]).state == "COMPLETED"
        assert own.result(found["id"]).counts == found["counts"] == other["counts"]
    assert "not found" in found["none"]
    assert "Not supported" in found["state"]
    wrong = client(
        library, f"print(json.dumps({{'why': refused(lambda: opened(base_url={str(daemon.socket)!r}, token='x'))}}))"
    )
    assert "token" in wrong["stderr"], wrong


def test_a_careless_client_does_no_harm(library: Path, tmp_path: Path) -> None:
    program = tmp_path / "client"
    sanitized = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"]
    facts = [f'-DQMK_PYTHON="{sys.executable}"', '-DQMK_QDMI_VERSION="1.3.3"', f"-I{HEADERS}", f"-I{SOURCE.parent}"]
    sources = [ROOT / "tests" / "data" / "qdmi_client.c", SOURCE]
    made = subprocess.run(
        ["cc", "-std=c11", *sanitized, *facts, *sources, "-o", program, "-lpthread"], capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    done = subprocess.run(
        [program],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_session_without_a_python_ends_in_an_error(library: Path) -> None:
    found = client(library, "print(json.dumps({'why': refused(opened)}))", QMK_QDMI_PYTHON="/nowhere/python")
    assert found["why"]
    assert "cannot start /nowhere/python" in found["stderr"]


def test_what_is_missing_for_a_build_is_named(tmp_path: Path) -> None:
    with pytest.raises(QmkError, match=r"no qdmi/device\.h"):
        build(tmp_path, tmp_path)
    with pytest.raises(QmkError, match=r"QDMI 2\.0"):
        build(tmp_path, HEADERS, "2.0")


def test_a_manifest_names_the_library(library: Path) -> None:
    (device,) = json.loads((library.parent / MANIFEST).read_text())["qdmi"]["devices"]
    assert device["library"] == LIBRARY == library.name
    assert device["prefix"] == "QMK"
