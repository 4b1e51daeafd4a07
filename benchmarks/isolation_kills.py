"""``python -m benchmarks.isolation --kill 5 --jobs 10000``: a daemon that is killed in the middle leaves nothing.

Clients of several tenants run jobs, each with the patience to ask again. The daemon is killed by SIGKILL so many times,
with a process of its own stopped first every other time, and started anew. What it leaves is looked for when its
processes have had ``ENDING_S`` to end (orphans become children of this process), and again when the next one has
served a job: processes, mounts, control groups, folders of sandboxes and files. The last daemon must have as many
processes, descriptors and mounts as the first had after its first jobs.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from itertools import count
from pathlib import Path

from benchmarks.programs import bell
from benchmarks.service import children
from qmk.base.errors import QmkError
from qmk.client import Client
from qmk.client.operator import Operator
from qmk.worker.jail.kernel import prctl

PR_SET_CHILD_SUBREAPER = 36
ENDING_S = 5.0
PATIENCE_S = 120.0
TENANTS, LOOKS = 4, 10
WARM_JOBS = 3
"""Jobs of each tenant before the first look."""
LOADING_S = 0.4
"""Every third kill comes within this time after the first process of a new daemon, while workers load their engines."""
Left = dict[str, int]


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and theirs; those that end meanwhile are left out."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for child in children(pid):
            found += [child, *descendants(child)]
    return found


class Site:
    """A daemon in a folder of its own, that is killed and started again."""

    def __init__(self, folder: Path, level: str) -> None:
        self.folder, self.level = folder, level
        self.socket = folder / "state" / "s"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.dead: list[int] = []
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "qmk", "serve", "--socket", str(self.socket), "--isolation", self.level]
        command += ["--data-dir", str(self.folder / "state"), "--durability", "process", "--workers", "2"]
        environment = {**os.environ, "TMPDIR": str(self.temporary)}
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def kill(self, dice: random.Random, *, stop: bool) -> str:
        """Kills the daemon, with one of its processes stopped before or not; says which was."""
        stopped = ""
        if stop:
            with contextlib.suppress(OSError, IndexError):
                pid = dice.choice(descendants(self.process.pid))
                os.kill(pid, signal.SIGSTOP)
                stopped = Path(f"/proc/{pid}/comm").read_text().strip()
        self.process.kill()
        self.process.wait()
        self.dead.append(self.process.pid)
        return stopped

    def again(self) -> None:
        self.process = self._start()

    def orphans(self) -> list[int]:
        """Processes of dead daemons that have not ended; those that have are waited for."""
        for pid in children(os.getpid()):
            if pid != self.process.pid:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
        return [each for pid in children(os.getpid()) if pid != self.process.pid for each in (pid, *descendants(pid))]

    def left(self) -> Left:
        """What there is that is not of the daemon that runs now."""
        names = {f"qmk-{pid}" for pid in self.dead}
        groups = [path for path, _, _ in os.walk("/sys/fs/cgroup") if os.path.basename(path) in names]
        return {
            "processes": len(self.orphans()),
            "mounts": len(Path("/proc/self/mounts").read_text().splitlines()),
            "control groups": len(groups),
            "temporary files": len([*self.temporary.iterdir()]),
        }

    def own(self) -> Left:
        """What the daemon that runs has, once it has closed what its last client left."""
        looks: list[Left] = []
        for _ in range(LOOKS):
            looks.append(self._look())
            time.sleep(0.05)
        return {name: min(look[name] for look in looks) for name in looks[0]}

    def _look(self) -> Left:
        pid, state = self.process.pid, os.walk(self.folder / "state")
        return {
            "its processes": len(descendants(pid)),
            "its descriptors": len(os.listdir(f"/proc/{pid}/fd")),
            "its mounts": len(Path(f"/proc/{pid}/mounts").read_text().splitlines()),
            "files of its data folder": sum(len(folders) + len(files) for _, folders, files in state),
        }


class Load:
    """A client for each tenant, which runs jobs until there are enough."""

    def __init__(self, site: Site, jobs: int) -> None:
        self._site, self._jobs, self._numbers = site, jobs, count()
        self.done, self.failed = 0, list[str]()
        self._lock = threading.Lock()
        operator = Operator(site.folder / "state")
        self.tokens: list[str] = []
        for number in range(TENANTS):
            operator.call("op_tenant_add", tenant=f"t{number}")
            self.tokens.append(operator.call("op_token_issue", tenant=f"t{number}").token)

    def run(self, token: str, number: int) -> None:
        with Client(self._site.socket, token=token, patience_s=PATIENCE_S) as client:
            self._one(client, number)

    def _one(self, client: Client, number: int) -> None:
        result = client.run(bell(), shots=100, seed=number, cache=False)
        wrong = result.provenance.isolation != self._site.level or set(result.counts) - {"00", "11"}
        with self._lock:
            self.done += 1
            if wrong:
                self.failed.append(f"job {number} ran at {result.provenance.isolation} and gave {result.counts}")

    def _client(self, token: str) -> None:
        with Client(self._site.socket, token=token, patience_s=PATIENCE_S) as client:
            for number in self._numbers:
                if number >= self._jobs:
                    return
                try:
                    self._one(client, number)
                except QmkError as error:
                    self.failed.append(f"job {number}: {error}")

    def begin(self) -> None:
        self.threads = [threading.Thread(target=self._client, args=(token,), daemon=True) for token in self.tokens]
        for thread in self.threads:
            thread.start()

    def wait_for(self, jobs: int) -> None:
        """Waits until so many have ended, well or not."""
        while self.done + len(self.failed) < jobs and any(thread.is_alive() for thread in self.threads):
            time.sleep(0.005)

    def warm(self, tenants: int = TENANTS) -> Left:
        """Runs jobs of so many tenants, one after the other; what the daemon has then."""
        for token in self.tokens[:tenants]:
            for _ in range(WARM_JOBS):
                self.run(token, 1)
        return self._site.own()


def storm(level: str, kills: int, jobs: int, seed: int = 1) -> tuple[list[str], list[str]]:
    """The lines of a report, and what is wrong."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    dice, lines, wrong = random.Random(seed), list[str](), list[str]()
    with tempfile.TemporaryDirectory(prefix="qmk-kills-") as folder:
        site = Site(Path(folder), level)
        try:
            _wait_for(site)
            clean = site.left()
            load = Load(site, jobs)
            one, before = load.warm(1), load.warm()
            load.done = 0
            load.begin()
            for number in range(kills):
                load.wait_for(int((number + dice.random()) * jobs / kills))
                _kill(site, load, clean, dice, number, lines, wrong)
            load.wait_for(jobs)
            for thread in load.threads:
                thread.join(PATIENCE_S)
            wrong += load.failed
            after = load.warm()
            site.process.terminate()
            site.process.wait(30)
            compare("after the end", clean, site.left(), wrong)
        finally:
            site.process.kill()
            site.process.wait()
    lines.append(f"{load.done} jobs ended well at {level}, {len(load.failed)} did not")
    lines += [f"{name}: {before[name]} before, {after[name]} after" for name in before]
    compare("the last daemon", _expected(one, before, after), after, wrong)
    return lines, wrong


def _expected(one: Left, all_: Left, after: Left) -> Left:
    """What a daemon with as many processes as ``after`` has, by what one had with the worker of one tenant, and with
    those of all: a tenant whose jobs waited for each other may have two."""
    more = {name: (all_[name] - one[name]) / (all_["its processes"] - one["its processes"]) for name in all_}
    processes = min(after["its processes"], 2 * all_["its processes"])
    return {name: round(one[name] + more[name] * (processes - one["its processes"])) for name in all_}


def _wait_for(site: Site) -> None:
    """Waits until the daemon answers."""
    with Client(site.socket, patience_s=PATIENCE_S) as client:
        client.query_resources()


def _kill(
    site: Site, load: Load, clean: Left, dice: random.Random, number: int, lines: list[str], wrong: list[str]
) -> None:
    """One kill, a look, a new daemon, and a second look once it has served a job."""
    if number % 3 == 2:
        site.kill(dice, stop=False)
        site.again()
        while not descendants(site.process.pid):
            time.sleep(0.001)
        time.sleep(dice.uniform(0.0, LOADING_S))
    there, done = len(descendants(site.process.pid)), load.done
    stopped = site.kill(dice, stop=number % 2 == 1)
    began, gone_s = time.monotonic(), 0.0
    while site.orphans() and (gone_s := time.monotonic() - began) < ENDING_S:
        time.sleep(0.002)
    first = site.left()
    site.again()
    load.run(load.tokens[0], 0)
    second = site.left()
    how = f", {stopped} stopped before" if stopped else ""
    shown = ", ".join(f"{name} {first[name] - clean[name]} and {second[name] - clean[name]}" for name in first)
    lines.append(
        f"kill {number + 1} after {done} jobs, {there} processes{how}: after {gone_s * 1e3:.0f} ms and with the "
    )
    lines[-1] += f"next daemon there were left {shown}"
    if first["processes"] != clean["processes"]:
        wrong.append(f"kill {number + 1}: {first['processes']} processes outlived the daemon")
    compare(f"kill {number + 1}", {**clean, "temporary files": 10**9}, second, wrong)


def compare(where: str, before: Left, after: Left, wrong: list[str]) -> None:
    """Adds to ``wrong`` what there is more of."""
    wrong += [f"{where}: {after[name]} {name}, {before[name]} before" for name in before if after[name] > before[name]]


def main(levels: list[str], kills: int, jobs: int) -> int:
    bad = 0
    for level in levels:
        lines, wrong = storm(level, kills, jobs)
        print("\n".join([*lines, *(f"WRONG: {row}" for row in wrong)]))
        bad += len(wrong)
    return 1 if bad else 0
