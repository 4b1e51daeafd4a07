"""A Ray cluster of this machine alone, started for one daemon: it outlives the daemon, whose next start finds it again
by a file in the data folder, and ends some time after a daemon that does not come back.

    python -m qmk.host.cluster.local DATA_FOLDER TEMP_FOLDER COMMAND...

keeps the cluster: it runs the command, and ends it when no daemon has had the data folder for ``ORPHAN_S``. The folder
of its sockets and logs goes with it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from qmk.base.errors import QmkError
from qmk.host.cluster.resources import GPU, MEMORY, Resources
from qmk.rpc.private import write_private

NAME = "cluster.json"
START_S = 60.0
STOP_S = 10.0
LOOK_S = 10.0
ORPHAN_S = 600.0
CLEAR_TRIES, CLEAR_S = 20, 0.1
STORE_BYTES = 256 << 20
"""Shared memory for results on their way; larger ones go by way of files."""


class Head(msgspec.Struct, frozen=True):
    """``pid``: its keeper, the first process of its group; ``since``: when that began, as the system counts it.
    ``temp``: the folder of its sockets and logs; ``client_port``: where Ray's client server listens. ``resources``:
    what it has besides processors."""

    address: str
    client_port: int
    pid: int
    since: str
    cpus: int
    temp: str
    resources: dict[str, float] = {}

    @property
    def lives(self) -> bool:
        return _start_of(self.pid) == self.since


def _start_of(pid: int) -> str:
    """When the process began; empty when there is none."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return "" if state == "Z" else rest[18]


def find(folder: Path) -> Head | None:
    """The cluster that was started for this data folder, if it still runs."""
    try:
        head = msgspec.json.decode((folder / NAME).read_bytes(), type=Head)
    except (OSError, msgspec.DecodeError):
        return None
    return head if head.lives else None


def start(folder: Path, cpus: int, environment: Mapping[str, str], resources: Resources | None = None) -> Head:
    """Starts a cluster that has these resources besides its processors. Raises RESOURCE_EXHAUSTED with what it
    said when it does not come up."""
    temp = tempfile.mkdtemp(prefix="qmk-ray-", dir="/tmp")  # the names of its sockets must be short
    port, client_port = _free_ports(2)
    command = [sys.executable, "-P", "-m", "qmk.host.cluster.local", str(folder), temp]
    command += [sys.executable, "-P", "-m", "ray.scripts.scripts", "start", "--head", "--block"]
    options = {
        "node-ip-address": "127.0.0.1",
        "port": port,
        "ray-client-server-port": client_port,
        "min-worker-port": 0,
        "max-worker-port": 0,
        "dashboard-agent-listen-port": 0,
        "dashboard-port": 0,
        "include-dashboard": "false",
        "include-log-monitor": "false",
        "num-cpus": cpus,
        "object-store-memory": STORE_BYTES,
        "temp-dir": temp,
    }
    labels = dict(resources or {})
    for name, option in ((GPU, "num-gpus"), (MEMORY, "memory")):
        if name in labels:
            options[option] = math.ceil(labels.pop(name))
    options["resources"] = json.dumps(labels)
    command += [f"--{name}={value}" for name, value in options.items()]
    log = Path(temp) / "start.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--disable-usage-stats"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**environment, "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0"},  # nobody is left to be told
            cwd="/",
            start_new_session=True,
        )
    head = Head(
        f"127.0.0.1:{port}", client_port, process.pid, _start_of(process.pid), cpus, temp, dict(resources or {})
    )
    write_private(folder / NAME, msgspec.json.encode(head))
    deadline = time.monotonic() + START_S
    while b"Ray runtime started" not in log.read_bytes():
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace")[-1000:]
            stop(folder, head)
            raise QmkError("RESOURCE_EXHAUSTED", f"a Ray cluster cannot be started on this machine: {said}")
        time.sleep(0.05)
    return head


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        socks = [held.enter_context(socket.socket()) for _ in range(count)]
        for sock in socks:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in socks]


def stop(folder: Path, head: Head) -> None:
    """Ends the cluster, and returns when its processes are gone."""
    _signal(head, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while head.lives and time.monotonic() < deadline:
        time.sleep(0.05)
    _signal(head, signal.SIGKILL)
    shutil.rmtree(head.temp, ignore_errors=True)  # its keeper was killed
    (folder / NAME).unlink(missing_ok=True)


def _signal(head: Head, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        if head.lives:
            os.killpg(head.pid, number)


def _daemon_lives(folder: Path) -> bool:
    """Whether the process that last locked the data folder still runs."""
    from qmk.host.store import LOCK_NAME

    try:
        pid = int((folder / LOCK_NAME).read_text().strip() or 0)
    except (OSError, ValueError):
        return False
    return bool(pid) and bool(_start_of(pid))


def keep(folder: Path, temp: str, command: list[str]) -> int:
    """Runs the command until it ends, or until no daemon has had ``folder`` for ``ORPHAN_S``; its status."""
    child = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda number, frame: child.terminate())
    seen_s = time.monotonic()
    while True:
        try:
            status = child.wait(LOOK_S)
            break
        except subprocess.TimeoutExpired:
            pass
        if _daemon_lives(folder):
            seen_s = time.monotonic()
        elif time.monotonic() > seen_s + ORPHAN_S:
            child.terminate()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(os.getpgrp(), signal.SIGTERM)  # what it has left
    for _ in range(CLEAR_TRIES):  # those that still end may still write there
        shutil.rmtree(temp, ignore_errors=True)
        time.sleep(CLEAR_S)
        if not os.path.exists(temp):
            break
    return status


if __name__ == "__main__":
    sys.exit(keep(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
