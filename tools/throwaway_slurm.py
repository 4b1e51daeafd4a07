"""A Slurm of one node in a temporary folder, without systemd: its own munge, slurmctld and slurmd."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
START_S = 30.0
HOST = socket.gethostname().partition(".")[0]
CONFIG = """
ClusterName=qmk
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control}
SlurmdPort={node}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=64
GresTypes=qpu
ReturnToService=2
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=100000
SchedulerType=sched/builtin
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
KillWait=2
InactiveLimit=0
MessageTimeout=5
PlugStackConfig=/dev/null
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=qpu:1 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
"""


def missing() -> str:
    """Why there can be none here; empty where there can."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if absent:
        return (
            f"Slurm needs {', '.join(absent)}: tools/hosts.sh installs it (Debian: slurmctld slurmd slurm-client munge)"
        )
    return "" if os.geteuid() == 0 else "slurmd of a test needs root"


class Slurm:
    """``config`` is what ``SLURM_CONF`` names to reach it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, folder / "slurm.conf"
        for name in ("state", "spool"):
            (folder / name).mkdir()
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            second.bind(("127.0.0.1", 0))
            control, node = first.getsockname()[1], second.getsockname()[1]
        cpus, user = os.cpu_count(), getpass.getuser()
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
        text = CONFIG.format(folder=folder, control=control, node=node, cpus=cpus, host=HOST, user=user, memory=memory)
        self.config.write_text(text)
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.start("munged")
        self.start("slurmctld")
        self.start("slurmd")
        end_s = time.monotonic() + START_S
        while b"idle" not in self.ask("sinfo", "--noheader", "--format=%t"):
            assert time.monotonic() < end_s, (folder / "slurmctld.log").read_text()[-3000:]
            time.sleep(0.1)

    def start(self, name: str) -> None:
        """Starts a daemon, again where it was killed."""
        munge = [f"--key-file={self.folder}/munge.key", f"--socket={self.folder}/munge.socket", "--foreground",
                 f"--log-file={self.folder}/munged.log", f"--pid-file={self.folder}/munged.pid",
                 f"--seed-file={self.folder}/munged.seed", "--force"]  # fmt: skip
        arguments = munge if name == "munged" else ["-D", "-f", str(self.config)]
        path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
        assert path is not None
        with (self.folder / f"{name}.out").open("ab") as out:
            self.processes[name] = subprocess.Popen(
                [path, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )

    def kill(self, name: str) -> None:
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def ask(self, *words: str) -> bytes:
        """What a program of Slurm prints."""
        return subprocess.run(words, env={**os.environ, "SLURM_CONF": str(self.config)}, capture_output=True).stdout

    def resume(self) -> None:
        """Does an operator's part: gives a node back that Slurm has drained, as it does where its killed controller
        starts a job a second time."""
        if b"drain" in self.ask("sinfo", "--noheader", "--format=%T"):
            self.ask("scontrol", "update", f"NodeName={HOST}", "State=RESUME")

    def jobs(self) -> list[bytes]:
        """Those that wait or run."""
        return self.ask("squeue", "--noheader", "--states=RUNNING,PENDING").splitlines()

    def stop(self) -> None:
        """Ends every job and the daemons."""
        self.ask("scancel", f"--user={getpass.getuser()}")
        end_s = time.monotonic() + START_S
        while self.ask("squeue", "--noheader").strip() and time.monotonic() < end_s:
            time.sleep(0.1)
        for name in ("slurmd", "slurmctld", "munged"):
            self.processes[name].terminate()
            self.processes[name].wait(START_S)
