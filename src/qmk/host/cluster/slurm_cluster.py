"""Slurm as a cluster: a slot is a task of a job array, named by the daemon and the generation, reached over TLS.

A submission whose answer was lost is found by its name. A slot is asked for anew once ``squeue`` and, where Slurm keeps
accounts, ``sacct`` both say that its job is over: a controller that was killed may forget what it had just taken.
"""

from __future__ import annotations

import asyncio
import getpass
import re
import sys
import time
from pathlib import Path

import msgspec

from qmk.base.errors import QmkError
from qmk.host.cluster import messages as ms
from qmk.host.cluster.interface import SlotLost
from qmk.host.cluster.remote import IDENTITY, RemoteCluster, RemoteSlot
from qmk.host.cluster.slurm_options import sbatch_options
from qmk.host.cluster.slurm_slot import Place
from qmk.rpc.private import private_folder, write_private

FOLDER = "slurm"
ABSENT = 127
COMMAND_S = 20.0
LOOK_S, LOOK_MOST_S = 0.05, 1.0
QUEUE_S, QUEUE_MOST_S = 2.0, 10.0
"""How often it is looked whether a slot is up, and whether its job is still there: the longer it waits, the rarer."""
START_S = 15.0
PASSES = re.compile("node configuration is not available|contact|communicat|timed out|answered|Connection|Zero Bytes")
ABSENT_LOOKS = 3
"""How often in a row both must say that a job is over."""
SCRIPT = b'#!/bin/sh\nexec "$@"\n'
OVER = frozenset(("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE",
                  "OUT_OF_MEMORY", "REVOKED"))  # fmt: skip


async def command(*words: str) -> tuple[int, str, str]:
    """Runs a program of Slurm: its status, output and errors; ``ABSENT`` where there is no such program. One that takes
    longer than ``COMMAND_S`` is ended."""
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(*words, stdin=null, stdout=pipe, stderr=pipe)
    except FileNotFoundError:
        return ABSENT, "", f"there is no {words[0]}"
    try:
        out, error = await asyncio.wait_for(process.communicate(), COMMAND_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        return 1, "", f"{words[0]} has not answered within {COMMAND_S:g} s"
    return process.returncode or 0, out.decode(errors="replace"), error.decode(errors="replace").strip()


async def open_cluster(join: ms.Join) -> SlurmCluster:
    """Raises UNSUPPORTED without Slurm's programs, CONNECTION_LOST with what Slurm says where it does not take jobs of
    each kind of slot. Where it has some of ours, those are taken over, whatever it would say now."""
    cluster = SlurmCluster(join)
    if await cluster.names() or cluster.batches.earlier:
        return cluster
    for number, *_ in join.by_kind(range(join.slots)):
        if error := await cluster.refusal(number):
            help = "see that slurmctld is up, and what its partition and nodes have: sinfo --format='%P %a %G %c %m'"
            raise QmkError("CONNECTION_LOST", f"Slurm takes no job of slot {number}: {error}", help=help)
    return cluster


class SlurmCluster(RemoteCluster):
    """See ``interface.Cluster``."""

    def __init__(self, join: ms.Join) -> None:
        folder = Path(join.options.get("folder") or Path(join.folder) / FOLDER)
        self._folder, self._prefix = folder.absolute() / join.name, f"qmk-{join.name}-"
        self._script = self._folder / "slot.sh"
        private_folder(self._folder)
        super().__init__(join, self._folder / IDENTITY)
        write_private(self._script, SCRIPT, 0o700)
        self._jobs: dict[str, str] = {}
        self._queued: dict[str, str] | None = None
        self._queued_s = 0.0
        self._looking = asyncio.Lock()

    async def refusal(self, number: int) -> str:
        """What Slurm says against a job of this slot. A controller that has just started knows no node yet, so what may
        pass is asked again for ``START_S``."""
        end_s = time.monotonic() + START_S
        while True:
            status, _, error = await command(*self._sbatch([number], 0), "--test-only", str(self._script))
            if status == ABSENT:
                help = "install Slurm's programs on this machine (Debian: slurm-client)"
                raise QmkError("UNSUPPORTED", f"{error}, which --cluster slurm needs", help=help)
            if not status or time.monotonic() > end_s or not PASSES.search(error):
                return error if status else ""
            await asyncio.sleep(LOOK_MOST_S)

    def _sbatch(self, numbers: list[int], generation: int) -> list[str]:
        """Asks for slots of one kind; the script is to follow."""
        settings = self._join.settings_of(numbers[0])
        options = {
            "job-name": f"{self._prefix}{generation}",
            "array": ",".join(map(str, numbers)),
            "ntasks": "1",
            "output": str(self._folder / "%x-%a.log"),
            "chdir": "/",
            **sbatch_options(settings.threads, settings.resources),
            **{name: value for name, value in self._join.options.items() if name != "folder"},
        }
        return ["sbatch", "--parsable", "--no-requeue", *(f"--{name}={value}" for name, value in options.items())]

    async def _queue(self, newest: bool = False) -> dict[str, str] | None:
        """Slurm's numbers of our jobs that wait or run, by the name of the slot; None where it does not answer. One
        answer does for all slots that ask within ``QUEUE_S``, unless the ``newest`` is asked for."""
        async with self._looking:
            if newest or time.monotonic() > self._queued_s + QUEUE_S / 2:
                self._queued, self._queued_s = await self._ask_squeue(), time.monotonic()
            return self._queued

    async def _ask_squeue(self) -> dict[str, str] | None:
        user = f"--user={getpass.getuser()}"
        status, out, _ = await command("squeue", "--array", "--noheader", user, "--format=%F_%K %j")
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
        fields = ["--allocations", "--noheader", "--parsable2", f"--name={self._prefix}{generation}"]
        status, out, error = await command("sacct", *fields, "--format=JobID,State")
        if status:
            return status == ABSENT or "accounting storage is disabled" in error.lower()
        rows = (line.split("|") for line in out.splitlines() if "|" in line)
        return all(state.split()[0] in OVER for job, state in rows if job.partition("_")[2] == number)

    async def names(self) -> list[str]:
        """Those that have written where they listen. Those that Slurm has and that have not are waited for when the
        slot is asked for."""
        self._jobs = dict(await self._queue() or {})
        for name in self._jobs:
            self.batches.remember(name)
        return [path.stem for path in self._folder.glob("*-*.place")]

    async def size(self) -> tuple[int, int]:
        """The nodes and processors that ``sinfo`` lists."""
        _, out, _ = await command("sinfo", "--noheader", "--Node", "--format=%N %c")
        nodes = dict(line.split() for line in out.splitlines())
        return len(nodes), sum(int(cpus.rstrip("+")) for cpus in nodes.values())

    async def find(self, name: str) -> RemoteSlot:
        """Raises ``SlotLost`` where it says no more where it listens."""
        try:
            place = msgspec.json.decode((self._folder / f"{name}.place").read_bytes(), type=Place)
        except (OSError, msgspec.DecodeError) as error:
            raise SlotLost(f"slot {name} cannot be found: {error}") from None
        self._jobs.setdefault(name, place.job)
        return RemoteSlot(name, place.host, place.port, self._context)

    async def make(self, number: int, generation: int) -> tuple[RemoteSlot, int]:
        """Waits until the slot is up, however long it is in Slurm's queue. One that was asked for is waited for."""
        asked = await self.batches.ask(number, generation)
        name, absent, begin_s, looked_s = f"{number}-{asked}", 0, time.monotonic(), time.monotonic()
        while not (self._folder / f"{name}.place").exists():
            waited_s = time.monotonic() - begin_s
            await asyncio.sleep(min(max(LOOK_S, waited_s / 20), LOOK_MOST_S))
            if time.monotonic() < looked_s + min(max(QUEUE_S, waited_s / 5), QUEUE_MOST_S):
                continue
            jobs, looked_s = await self._queue(), time.monotonic()
            if jobs is not None and name in jobs:
                self._jobs[name], absent = jobs[name], 0
            elif jobs is not None and await self._accounts_say_over(name):
                absent += 1
            if absent == ABSENT_LOOKS:
                raise SlotLost(f"Slurm no longer has the job of slot {name}")
        return await self.find(name), asked

    async def _submit(self, numbers: list[int], generation: int) -> None:
        for number in numbers:
            packed = ms.pack(self._join.settings_of(number))
            write_private(self._folder / f"{number}-{generation}.settings", packed)
        program = [sys.executable, "-P", "-m", "qmk.host.cluster.slurm_slot"]
        more = ["--folder", str(self._folder), "--generation", str(generation)]
        status, _, error = await command(*self._sbatch(numbers, generation), str(self._script), *program, *more)
        if status:
            raise OSError(f"sbatch: {error}")

    async def kill(self, slot: RemoteSlot, node: str, pid: int) -> None:
        """Cancels the job of the slot, if it is still ours."""
        slot.close()
        if job := self._jobs.pop(slot.name, ""):
            await self._cancel(slot.name.partition("-")[2], job)
        for kind in ("place", "settings"):
            (self._folder / f"{slot.name}.{kind}").unlink(missing_ok=True)

    async def _cancel(self, generation: str, *jobs: str) -> None:
        """Only jobs that have our name: a controller that has lost its state gives numbers again."""
        await command("scancel", "--quiet", f"--name={self._prefix}{generation}", *jobs)

    async def leave(self) -> None:
        """Cancels every job of this daemon's slots, those too whose submission is under way."""
        await self.batches.settle()
        jobs: dict[str, list[str]] = {}
        for name, job in (await self._queue(newest=True) or {}).items():
            jobs.setdefault(name.partition("-")[2], []).append(job)
        for generation, ours in jobs.items():
            await self._cancel(generation, *ours)
        for path in (*self._folder.glob("*.place"), *self._folder.glob("*.settings")):
            path.unlink(missing_ok=True)
