"""Real clients, unmodified, each in a process of its own, and a gateway in another."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import qmk_native

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent / "clients"
KERNELS = ROOT / "tests" / "data" / "atoms" / "kirin"
Client = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def url(daemon: Any) -> Iterator[str]:
    """The address of a gateway on the module's daemon."""
    gateway = subprocess.Popen(
        [sys.executable, "-m", "qmk", "gateway", "--port", "0", "--socket", str(daemon.socket)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "QMK_STATE_DIR": str(daemon.folder)},
    )
    assert gateway.stderr is not None
    said = gateway.stderr.readline()
    assert said.startswith("listening on "), said + gateway.stderr.read()
    yield said.removeprefix("listening on ").partition(";")[0]
    gateway.terminate()
    gateway.communicate(timeout=30)


@pytest.fixture
def client(url: str, tmp_path: Path) -> Client:
    """``client("braket_remote", "analog")`` runs a program of ``clients/`` and gives what it prints."""
    aws = {
        "BRAKET_ENDPOINT": f"{url}/braket",
        "AWS_ENDPOINT_URL_S3": f"{url}/s3",
        "AMZN_BRAKET_OUT_S3_BUCKET": "results",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_REGION": "us-east-1",
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}

    def run(program: str, *arguments: str, path: str = "") -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, str(HERE / f"{program}.py"), *arguments],
            capture_output=True,
            text=True,
            timeout=150,
            cwd=tmp_path,
            env={**environment, **aws, "HOME": str(tmp_path), "PYTHONPATH": path},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_the_braket_sdk_runs_programs_for_aquila_and_circuits(client: Client) -> None:
    found = client("braket_remote", "analog", "circuits", "absent")
    analog = found["analog"]
    assert (analog["name"], analog["sites"], analog["shots"]) == ("Aquila", 256, 1200)
    assert analog["counts"]["rgr"] > 1150  # the Z2 order of three atoms has probability 0.9997
    ghz, turned, few = found["circuits"]["counts"]
    assert set(ghz) == {"0000", "1111"}
    assert (turned, few) == ({"1": 20}, {"11": 5})
    assert found["circuits"]["qubits"] == [[0, 1, 2, 3], [0], [2, 0]]
    assert found["absent"]["errors"] == ["ValidationException", "ValueError"]


def test_the_braket_sdks_local_simulator_finds_us(client: Client, tmp_path: Path) -> None:
    """An installed QMK has the entry point; here a folder stands for the installation."""
    folder = tmp_path / "installed" / "qmk_entry_point-0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: qmk-entry-point\nVersion: 0\n")
    (folder / "entry_points.txt").write_text("[braket.simulators]\nqmk = qmk.integrations.braket.simulator:Simulator\n")
    places = [tmp_path / "installed", ROOT / "src", HERE, Path(qmk_native.__file__ or "").parents[1]]
    found = client("braket_local", path=os.pathsep.join(map(str, places)))
    assert found["analog"]["rgr"] > 40
    assert found["gates"] == {"01": 10}


def test_pulser_and_pasqal_cloud_run_batches(client: Client, url: str) -> None:
    found = client("pasqal_remote", url, "any")
    plain, nothing, pulse = found["counts"]
    assert sum(plain.values()) == 50
    assert plain.get("00", 0) + plain.get("11", 0) <= 5  # a pi pulse of the blockaded pair: less than 2 % each
    assert nothing == {"00": 20}
    assert pulse.get("00", 0) <= 5
    assert found["status"] == "DONE"
    assert found["devices"] == ["EMU_FREE", "EMU_MPS", "EMU_SV", "EMU_TN"]


def test_bloqades_device_gets_all_shots_of_all_subtasks(client: Client, url: str, tmp_path: Path) -> None:
    files: list[str] = []
    for name in ("bell", "ghz"):
        (tmp_path / name).write_bytes(gzip.decompress((KERNELS / f"{name}.kirin.json.gz").read_bytes()))
        files.append(str(tmp_path / name))
    found = client("qlam_remote", url, "any", *files)
    bell, ghz = found["shots"]
    assert found["status"] == "Completed"
    assert (len(bell), len(ghz)) == (130, 7)
    assert {tuple(row) for row in bell} == {(0, 0), (1, 1)}  # one missing: p < 1e-38
    assert all(row in ([0] * 5, [1] * 5) for row in ghz)


def test_qlam_core_compiles_definitions_and_bloqade_opens_their_tasks(client: Client, url: str, tmp_path: Path) -> None:
    (tmp_path / "bell").write_bytes(gzip.decompress((KERNELS / "bell.kirin.json.gz").read_bytes()))
    found = client("qlam_definitions", url, "any", str(tmp_path / "bell"))
    for context, needs in (("here", {"core.h", "core.cnot"}), ("zoned", {"core.u", "core.cz", "atoms.move"})):
        told = found[context]
        assert (told["status"], told["same"], told["language"]) == ("Succeeded", True, "qvm-json.v1.0")
        assert needs <= set(told["ops"])
        assert told["listed"] == [True, 1]
        assert told["future"] == [True, True]
        assert set(told["profiles"]) == {"sweep"}
        assert [len(rows) for rows in told["shots"]] == [20]
    assert {tuple(row) for row in found["here"]["shots"][0]} == {(0, 0), (1, 1)}  # one missing: p < 4e-6
    assert found["broken"] == ["Failed", "INVALID_GRAPH", None]
    [absent, elsewhere] = found["refused"]
    assert absent.startswith("404")
    assert elsewhere.startswith("501")
