"""``qmk serve --cluster``: the same commands, and the same bits, where jobs run on a cluster."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qmk import run
from qmk.client import Client
from qmk.host import machine
from qmk.host.cluster import local
from qmk.host.launcher_kit import LONG
from qmk.rpc.keys import secret
from tests.kubernetes_server import NODE, Server
from tools.throwaway_slurm import Slurm, missing

Qmk = Callable[..., subprocess.CompletedProcess[str]]


def await_listening(served: subprocess.Popen[str]) -> None:
    assert served.stderr is not None
    line = served.stderr.readline()
    assert "listening" in line, line + served.stderr.read()


def submit_running(client: Client, seed: int) -> str:
    job = client.submit(LONG, shots=200, seed=seed, engine="reference").job_id
    while client.status(job).state != "RUNNING":
        time.sleep(0.01)
    return job


def outlive_daemon(
    client: Client, served: subprocess.Popen[str], again: Callable[[], subprocess.Popen[str]]
) -> subprocess.Popen[str]:
    """Kills the daemon under a job, which then ends in the launch that it had; the new daemon."""
    job = submit_running(client, seed=3)
    served.kill()
    served.wait()
    served = again()
    await_listening(served)
    status = client.wait(job)
    assert status.state == "COMPLETED"
    assert status.result is not None
    assert sum(status.result.counts.values()) == 200
    happened = [event.kind for event in client.events(job).events]
    assert happened.count("started") == 1, happened
    assert "requeued" not in happened
    return served


@pytest.fixture
def ended(folder: Path) -> Iterator[None]:
    """No cluster is left behind by a daemon that was killed."""
    yield
    head = local.find(folder / "state")
    if head is not None:
        local.stop(folder / "state", head)


GATES = "".join(f"ry({0.2 + q / 5}) q[{q}]; cx q[{q}], q[{(q + 1) % 8}];" for q in range(8))
DIVIDED = (
    f'OPENQASM 3.0; include "stdgates.inc"; qubit[8] q; bit b; for int i in [0:1] {{ {GATES} b = measure q[0]; '
    "if (b) { rx(0.3) q[1]; } } bit[8] c = measure q;"
)
"""Every shot is a run of its own."""


def divide_on_slots(client: Client) -> None:
    """Runs a job in blocks on two slots: each block once, and the bits of this process."""
    noise = "amplitude_damping=0.02,readout=0.01"
    asked: dict[str, Any] = {"shots": 2000, "seed": 6, "split": 6, "noise": noise, "engine": "aer:statevector"}
    found = client.run(DIVIDED, **asked)
    blocks = client.jobs(tags=["qmk:block", f"script:{found.job_id}"]).jobs
    assert len(blocks) == 6 == len({row.idempotency_key for row in blocks})
    assert {row.state for row in blocks} == {"COMPLETED"}
    happened = [[event.kind for event in client.events(row.job_id).events].count("started") for row in blocks]
    assert happened == [1] * 6
    wanted = run(DIVIDED, **asked)
    assert found.counts == wanted.counts
    assert (found.packed_events() == wanted.packed_events()).all()


@pytest.mark.environments
def test_a_job_is_divided_over_the_slots_of_a_cluster(
    start: Callable[..., subprocess.Popen[str]], folder: Path, ended: None
) -> None:
    await_listening(start("serve", "--cluster", "ray", "--workers", "2"))
    with Client(folder / "s") as client:
        divide_on_slots(client)


@pytest.mark.conformance
@pytest.mark.skipif(bool(missing()), reason=missing() or "Slurm is there")
def test_a_job_is_divided_over_the_slots_of_slurm(
    start: Callable[..., subprocess.Popen[str]], environment: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    slurm = Slurm(tmp_path)
    try:
        environment["SLURM_CONF"] = str(slurm.config)
        await_listening(start("serve", "--cluster", "slurm", "--workers", "2"))
        with Client(folder / "s") as client:
            divide_on_slots(client)
    finally:
        slurm.stop()


@pytest.mark.environments
def test_a_job_runs_on_a_cluster_of_this_machine(
    qmk: Qmk, start: Callable[..., subprocess.Popen[str]], folder: Path, ended: None
) -> None:
    served = start("serve", "--cluster", "ray", "--workers", "1")
    await_listening(served)
    wish = ("run", "examples/bell.qasm", "--shots", "1000", "--seed", "5", "--json")
    done = json.loads(qmk(*wish, "--socket", "s").stdout)
    assert done["counts"] == json.loads(qmk(*wish).stdout)["counts"]
    notes = done["provenance"]["notes"]
    assert notes["cluster"] == "ray"
    assert len(bytes.fromhex(notes["node"])) == 28, "the id of a node of Ray"
    head = local.find(folder / "state")
    assert head is not None
    served.send_signal(signal.SIGTERM)
    assert served.wait(60) == 0
    assert not head.lives
    assert not Path(head.temp).exists()


@pytest.mark.environments
def test_a_job_runs_in_a_slot_that_has_what_it_asks_for(
    qmk: Qmk, start: Callable[..., subprocess.Popen[str]], folder: Path, ended: None
) -> None:
    slots = ("--slot", "gpu=1,memory=1e9,qpu:ibm_torino=1")
    await_listening(start("serve", "--cluster", "ray", "--workers", "2", *slots))
    head = local.find(folder / "state")
    assert head is not None
    assert head.resources == {"gpu": 1, "memory": 1e9, "qpu:ibm_torino": 1}
    wish = ("submit", "examples/bell.qasm", "--shots", "100", "--seed", "5", "--json", "--socket", "s")
    done = json.loads(qmk(*wish, "--wait", "--resource", "qpu:ibm_torino=1", "--resource", "gpu=1").stdout)
    assert sum(done["counts"].values()) == 100
    refused = qmk(*wish, "--resource", "qpu:ibm_fez=1")
    assert refused.returncode == 3
    assert "no slot has qpu:ibm_fez=1 (the most is 0)" in json.loads(refused.stdout)["error"]["message"]


@pytest.mark.environments
def test_slots_come_with_jobs_and_go_when_idle(
    qmk: Qmk, start: Callable[..., subprocess.Popen[str]], folder: Path, ended: None
) -> None:
    await_listening(start("serve", "--cluster", "ray", "--workers", "2", "--slot-idle", "1s"))
    with Client(folder / "s", patience_s=60.0) as client:

        def slots() -> int:
            return sum(client.query_resources().capacity["cluster"]["nodes"].values())

        assert slots() == 0
        for seed in (1, 2):  # the second has a slot made again
            assert sum(client.run(LONG, shots=100, seed=seed, engine="reference", cache=False).counts.values()) == 100
            deadline = time.monotonic() + 60.0
            while slots():
                assert time.monotonic() < deadline
                time.sleep(0.1)


@pytest.mark.environments
def test_a_launch_outlives_its_daemon(start: Callable[..., subprocess.Popen[str]], folder: Path, ended: None) -> None:
    command = ("serve", "--cluster", "ray", "--workers", "1")
    served = start(*command)
    await_listening(served)
    with Client(folder / "s", patience_s=60.0) as client:
        outlive_daemon(client, served, lambda: start(*command))


@pytest.mark.environments
@pytest.mark.parametrize("outside", [False, True], ids=["a node", "a client"])
def test_a_daemon_joins_a_cluster(
    qmk: Qmk, start: Callable[..., subprocess.Popen[str]], environment: dict[str, str], folder: Path, outside: bool
) -> None:
    cluster = folder / "cluster"
    cluster.mkdir(mode=0o700)
    key = cluster / "cluster.key"
    secret(key)
    environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(key)}
    head = local.start(cluster, machine.cpus(), environment)
    try:
        found = re.search(r"--address='([^']+):\d+'", (Path(head.temp) / "start.log").read_text())
        assert found is not None
        place = f"ray://{found[1]}:{head.client_port}" if outside else head.address
        served = start("serve", "--cluster", place, "--workers", "1")
        await_listening(served)
        done = json.loads(qmk("run", "examples/bell.qasm", "--seed", "5", "--json", "--socket", "s").stdout)
        assert done["provenance"]["notes"]["cluster"] == "ray"
        assert "1 of 1 slots are up on its ray cluster" in qmk("doctor", "--socket", "s").stdout
        served.send_signal(signal.SIGTERM)
        assert served.wait(60) == 0
        assert head.lives, "it is not the daemon's to end"
    finally:
        local.stop(cluster, head)


def test_a_place_that_is_none_is_refused(qmk: Qmk) -> None:
    refused = qmk("serve", "--cluster", "pbs")
    assert refused.returncode == 2
    assert "'ray', HOST:PORT or ray://HOST:PORT" in refused.stderr


def test_a_daemon_without_a_cluster_refuses_slots_and_jobs_that_need_them(
    qmk: Qmk, start: Callable[..., subprocess.Popen[str]]
) -> None:
    refused = qmk("serve", "--slot", "gpu=1")
    assert refused.returncode == 2
    assert "--slot goes with --cluster" in refused.stderr
    await_listening(start("serve"))
    refused = qmk("submit", "examples/bell.qasm", "--socket", "s", "--resource", "gpu=1")
    assert refused.returncode == 3
    assert "no slot has gpu=1 (the most is 0)" in refused.stderr


def test_without_ray_it_says_how_to_get_it(qmk: Qmk, folder: Path, environment: dict[str, str]) -> None:
    (folder / "absent").mkdir()
    (folder / "absent" / "ray.py").write_text("raise ImportError('there is no ray')")
    environment["PYTHONPATH"] = os.pathsep.join([str(folder / "absent"), environment["PYTHONPATH"]])
    refused = qmk("serve", "--cluster", "ray")
    assert refused.returncode == 3
    assert "Ray is not installed" in refused.stderr
    assert "quantum-microkernel[cluster]" in refused.stderr


def test_options_of_slots_are_checked_at_the_start(qmk: Qmk) -> None:
    for given, said in {"colour=red": "has no option 'colour'", "partition=a;b": "cannot be the partition"}.items():
        refused = qmk("serve", "--cluster", "slurm", "--cluster-option", given)
        assert refused.returncode == 2
        assert said in refused.stderr
    refused = qmk("serve", "--cluster", "ray", "--cluster-option", "partition=main")
    assert "of kind 'ray' has no option 'partition'" in refused.stderr
    refused = qmk("serve", "--cluster", "slurm", "--slot", "gpu=0.5")
    assert "gpu is a whole number" in refused.stderr


@pytest.mark.conformance
@pytest.mark.skipif(bool(missing()), reason=missing() or "Slurm is there")
def test_a_job_runs_in_a_slot_of_slurm(
    qmk: Qmk, start: Callable[..., subprocess.Popen[str]], environment: dict[str, str], tmp_path: Path
) -> None:
    slurm = Slurm(tmp_path)
    try:
        environment["SLURM_CONF"] = str(slurm.config)
        served = start("serve", "--cluster", "slurm", "--workers", "1", "--cluster-option", "partition=main")
        await_listening(served)
        wish = ("run", "examples/bell.qasm", "--shots", "1000", "--seed", "5", "--json")
        done = json.loads(qmk(*wish, "--socket", "s").stdout)
        assert done["counts"] == json.loads(qmk(*wish).stdout)["counts"]
        assert done["provenance"]["notes"]["cluster"] == "slurm"
        assert "1 of 1 slots are up on its slurm cluster" in qmk("doctor", "--socket", "s").stdout
        served.send_signal(signal.SIGTERM)
        assert served.wait(60) == 0
        assert not slurm.jobs()
        refused = qmk("serve", "--cluster", "slurm", "--cluster-option", "partition=other")
        assert refused.returncode == 3
        assert "invalid partition" in refused.stderr
    finally:
        slurm.stop()


@pytest.mark.conformance
@pytest.mark.skipif(bool(missing()), reason=missing() or "Slurm is there")
def test_a_launch_outlives_its_daemon_in_slurm(
    start: Callable[..., subprocess.Popen[str]], environment: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    slurm = Slurm(tmp_path)
    try:
        environment["SLURM_CONF"] = str(slurm.config)
        command = ("serve", "--cluster", "slurm", "--workers", "1")
        served = start(*command)
        await_listening(served)
        with Client(folder / "s", patience_s=60.0) as client:
            outlive_daemon(client, served, lambda: start(*command))
            lost = submit_running(client, seed=4)
            running = slurm.ask("squeue", "--noheader", "--format=%A").split()
            slurm.ask("scancel", running[0].decode())
            assert client.wait(lost).state == "COMPLETED", "it was run again in another slot"
            assert "requeued" in [event.kind for event in client.events(lost).events]
            last = client.submit(LONG, shots=200, seed=5, engine="reference").job_id
            for name in ("slurmctld", "slurmd"):
                slurm.kill(name)
                slurm.start(name)
            assert client.wait(last).state == "COMPLETED"
    finally:
        slurm.stop()


@pytest.mark.conformance
def test_jobs_run_in_pods_and_outlive_their_daemon(
    qmk: Qmk, start: Callable[..., subprocess.Popen[str]], folder: Path, tmp_path: Path
) -> None:
    server = Server(tmp_path, runs=True)
    try:
        options = ("--cluster-option", "image=qmk@sha256:0", "--cluster-option", f"kubeconfig={server.config}")
        command = ("serve", "--cluster", "kubernetes", "--workers", "1", *options)
        served = start(*command)
        await_listening(served)
        wish = ("run", "examples/bell.qasm", "--shots", "1000", "--seed", "5", "--json")
        done = json.loads(qmk(*wish, "--socket", "s").stdout)
        assert done["counts"] == json.loads(qmk(*wish).stdout)["counts"]
        assert (done["provenance"]["notes"]["cluster"], done["provenance"]["notes"]["node"]) == ("kubernetes", NODE)
        with Client(folder / "s", patience_s=60.0) as client:
            served = outlive_daemon(client, served, lambda: start(*command))
            server.forget()  # the next watch is refused, and the list read again
            (pod,) = server.processes.values()
            pod.kill()
            assert sum(client.run(LONG, shots=100, seed=4, engine="reference").counts.values()) == 100
        served.send_signal(signal.SIGTERM)
        assert served.wait(60) == 0
        assert server.objects == {"pods": {}, "jobs": {}, "secrets": {}}
    finally:
        server.stop()
