"""Slurm as a cluster: a slot is a task of a job array, named by the daemon and the generation, reached over TLS.

A submission whose answer was lost is found by its name. A slot is asked for anew once ``squeue`` and, where Slurm keeps
accounts, ``sacct`` both say that its job is over: a controller that was killed may forget what it had just taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.host.cluster import messages as ms
from qmk.host.cluster.engine import SlotAway, SlotLost
from qmk.host.cluster.remote import RemoteSlot, context_of, make_identity
from qmk.host.cluster.slurm_slot import IDENTITY, Place
from qmk.rpc.private import private_folder, write_private

FOLDER = "slurm"
COMMAND_S = 30.0
LOOK_S, LOOK_SQUEUE_S = 0.05, 2.0
ABSENT_LOOKS = 3
"""How often in a row both must say that a job is over."""
OPTIONS = ("partition", "account", "qos", "time", "gres", "qpu", "mem", "constraint", "reservation")
"""Options of ``sbatch`` that an operator may set for the slots."""
_VALUE = re.compile(r"[A-Za-z0-9_.:,/@+=*&|()\[\] -]{1,256}")
SCRIPT = b'#!/bin/sh\nexec "$@"\n'
OVER = frozenset(("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE",
                  "OUT_OF_MEMORY", "REVOKED"))  # fmt: skip


def check_options(options: Mapping[str, str]) -> None:
    """Raises INVALID_PARAMS for an option that is not one of ``OPTIONS``, or has a value that none can have."""
    for name, value in options.items():
        if name not in (*OPTIONS, "folder"):
            allowed = ", ".join((*OPTIONS, "folder"))
            raise QmkError("INVALID_PARAMS", f"slots of Slurm have no option '{name}'; they have {allowed}")
        if name != "folder" and not _VALUE.fullmatch(value):
            help = "give it as sbatch takes it, such as time=04:00:00"
            raise QmkError("INVALID_PARAMS", f"'{value}' cannot be the {name} of a Slurm job", help=help)


async def command(*words: str) -> tuple[int, str, str]:
    """Runs a program of Slurm: its status, output and errors. One that takes longer than ``COMMAND_S`` is ended."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    try:
        out, error = await asyncio.wait_for(process.communicate(), COMMAND_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        return 1, "", f"{words[0]} has not answered within {COMMAND_S:g} s"
    return process.returncode or 0, out.decode(errors="replace"), error.decode(errors="replace").strip()


class SlurmCluster:
    """See ``engine.Cluster``."""

    lost: type[BaseException] = SlotLost
    away: type[BaseException] = SlotAway

    def __init__(self, join: ms.Join) -> None:
        folder = Path(join.options.get("folder") or Path(join.folder) / FOLDER)
        self._join, self._folder, self._prefix = join, folder.absolute() / join.name, f"qmk-{join.name}-"
        private_folder(self._folder)
        make_identity(self._folder / IDENTITY)
        self._context = context_of(self._folder / IDENTITY, server=False)
        self._script = self._folder / "slot.sh"
        write_private(self._script, SCRIPT, 0o700)
        self._jobs: dict[str, str] = {}
        self._asked: dict[int, int] = {}
        self._waiting: dict[int, asyncio.Future[int]] = {}

    async def open(self) -> None:
        """Raises UNSUPPORTED without Slurm's programs, CONNECTION_LOST with what Slurm says where it does not take
        such jobs."""
        try:
            status, _, error = await command(*self._sbatch("0", 0), "--test-only", str(self._script))
        except FileNotFoundError:
            help = "install Slurm's programs on this machine (Debian: slurm-client)"
            raise QmkError("UNSUPPORTED", "there is no sbatch, which --cluster slurm needs", help=help) from None
        if status:
            help = "see that slurmctld is up, and what its partition allows: sinfo; options are --cluster-option's"
            raise QmkError("CONNECTION_LOST", f"Slurm takes no job of a slot: {error}", help=help)

    def _sbatch(self, numbers: str, generation: int) -> list[str]:
        fixed = {
            "job-name": f"{self._prefix}{generation}",
            "array": numbers,
            "cpus-per-task": str(self._join.settings.threads),
            "ntasks": "1",
            "output": str(self._folder / "%x-%a.log"),
            "chdir": "/",
        }
        given = {name: value for name, value in self._join.options.items() if name != "folder"}
        return [
            "sbatch",
            "--parsable",
            "--no-requeue",
            *(f"--{name}={value}" for name, value in (fixed | given).items()),
        ]

    async def _queue(self) -> dict[str, str] | None:
        """Slurm's numbers of our jobs that wait or run, by the name of the slot; None where it does not answer."""
        form = "%F_%K %j"
        status, out, _ = await command(
            "squeue", "--array", "--noheader", f"--user={getpass.getuser()}", f"--format={form}"
        )
        if status:
            return None
        rows = (line.split() for line in out.splitlines())
        return {
            f"{job.partition('_')[2]}-{name.removeprefix(self._prefix)}": job
            for job, name in rows
            if name.startswith(self._prefix)
        }

    async def _accounts_say_over(self, name: str) -> bool:
        """Whether the accounts do not hold that the job waits or runs. Without accounts ``squeue`` alone decides."""
        number, _, generation = name.partition("-")
        try:
            status, out, error = await command(
                "sacct", "--allocations", "--noheader", "--parsable2", f"--name={self._prefix}{generation}",
                "--format=JobID,State",
            )  # fmt: skip
        except FileNotFoundError:
            return True
        if status:
            return "accounting storage is disabled" in error.lower()
        rows = (line.split("|") for line in out.splitlines() if "|" in line)
        return all(state.split()[0] in OVER for job, state in rows if job.partition("_")[2] == number)

    async def names(self) -> list[str]:
        """Those that have written where they listen. Those that Slurm has and that have not are waited for when the
        slot is asked for."""
        self._jobs = await self._queue() or {}
        for name in self._jobs:
            number, _, generation = name.partition("-")
            if number.isdecimal() and generation.isdecimal() and int(number) < self._join.slots:
                self._asked[int(number)] = max(self._asked.get(int(number), 0), int(generation))
        return [path.stem for path in self._folder.glob("*-*.place")]

    async def size(self) -> tuple[int, int]:
        """The nodes and processors that ``sinfo`` lists."""
        _, out, _ = await command("sinfo", "--noheader", "--Node", "--format=%N %c")
        nodes = dict(line.split() for line in out.splitlines())
        return len(nodes), sum(int(cpus.rstrip("+")) for cpus in nodes.values())

    async def find(self, name: str) -> RemoteSlot:
        place = msgspec.json.decode((self._folder / f"{name}.place").read_bytes(), type=Place)
        self._jobs.setdefault(name, place.job)
        return RemoteSlot(name, place.host, place.port, self._context)

    async def make(self, number: int, generation: int) -> tuple[RemoteSlot, int]:
        """Waits until the slot is up, however long it is in Slurm's queue. One that was asked for is waited for."""
        asked = self._asked.pop(number, 0)
        if not asked:
            asked = await self._ask(number, generation)
        name, looks, absent = f"{number}-{asked}", 0, 0
        while not (self._folder / f"{name}.place").exists():
            await asyncio.sleep(LOOK_S if looks < LOOK_SQUEUE_S / LOOK_S else LOOK_SQUEUE_S / 4)
            looks += 1
            if looks * LOOK_S % LOOK_SQUEUE_S >= LOOK_S:
                continue
            jobs = await self._queue()
            if jobs is not None and name in jobs:
                self._jobs[name], absent = jobs[name], 0
            elif jobs is not None and await self._accounts_say_over(name):
                absent += 1
            if absent == ABSENT_LOOKS:
                raise SlotLost(f"Slurm no longer has the job of slot {name}")
        return await self.find(name), asked

    async def _ask(self, number: int, generation: int) -> int:
        """Asks for the slot, in one array with those that are asked for at the same time. Gives its generation."""
        self._waiting[number] = waiting = asyncio.get_running_loop().create_future()
        if len(self._waiting) == 1:
            await asyncio.sleep(LOOK_S)
            asked, self._waiting = self._waiting, {}
            await self._submit(sorted(asked), generation)
            for each in asked.values():
                each.set_result(generation)
        return await waiting

    async def _submit(self, numbers: list[int], generation: int) -> None:
        """A submission that fails is found missing by ``make``, as one that was forgotten is."""
        write_private(self._folder / f"{generation}.settings", ms.pack(self._join.settings))
        words = self._sbatch(",".join(map(str, numbers)), generation)
        program = [sys.executable, "-P", "-m", "qmk.host.cluster.slurm_slot"]
        more = ["--folder", str(self._folder), "--generation", str(generation)]
        status, _, error = await command(*words, str(self._script), *program, *more)
        if status:
            sys.stderr.write(f"sbatch: {error}\n")

    async def call(self, slot: RemoteSlot, name: str, *arguments: Any) -> Any:
        return await slot.call(name, *arguments)

    async def kill(self, slot: RemoteSlot, node: str, pid: int) -> None:
        """Cancels the job of the slot, if it is still ours."""
        slot.close()
        generation = slot.name.partition("-")[2]
        job = self._jobs.pop(slot.name, "")
        if job:
            await command("scancel", "--quiet", f"--name={self._prefix}{generation}", job)
        with contextlib.suppress(FileNotFoundError):
            (self._folder / f"{slot.name}.place").unlink()

    async def leave(self) -> None:
        """Cancels every job of this daemon's slots."""
        jobs = await self._queue()
        for name, job in (jobs or {}).items():
            await command("scancel", "--quiet", f"--name={self._prefix}{name.partition('-')[2]}", job)
        for path in (*self._folder.glob("*.place"), *self._folder.glob("*.settings")):
            path.unlink(missing_ok=True)
