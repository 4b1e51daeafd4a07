"""Virtual machines for real: what copies of one do not share, how one ends, and that it gives the bits of a process.

They need QEMU and a guest image; without KVM they are interpreted, with ``QMK_MICROVM=dev``. So ``make conformance``
runs them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks.isolation import descendants
from qmk.base.errors import QmkError
from qmk.client.sync import Client
from qmk.host import spawn
from qmk.host.isolation.driver import Site
from qmk.host.isolation.drivers import firecracker
from qmk.host.isolation.drivers.firecracker import api
from qmk.host.isolation.drivers.firecracker import machine as firecrackers
from qmk.host.isolation.drivers.microvm.driver import MicroVMs
from qmk.host.isolation.drivers.microvm.machine import Host, open_host
from qmk.host.isolation.drivers.microvm.snapshot import Snapshot, boot
from qmk.host.isolation.policy import isolation_of
from qmk.host.isolation.probe import DRIVERS
from qmk.host.pool import Pool
from qmk.qvm.graph import digest, pack
from qmk.sdk.kit.builder import Builder
from qmk.worker.messages import Done, Failed, FromWorker, Ready, Run, RunProgress
from qmk.worker.wire import Channel
from tests.isolation.conftest import require
from tests.isolation.test_stopped import BOUNDS, LAUNCH, Ears

pytestmark = [pytest.mark.conformance, pytest.mark.slow]
GRAPH = Builder(3).op("h", 0).op("t", 0).op("cnot", 0, 1).op("h", 1).op("t", 1).op("cnot", 1, 2).measure_all().graph()
CLIFFORD = Builder(2).op("h", 0).op("cnot", 0, 1).measure_all().graph()
ODD = """
import os, random, time
import numpy as np
from attempts import ENGINE as MODEL, Engine
from qmk.sdk.engine import Samples

DRAWN_EARLY = random.Random(5).random()

class Odd(Engine):
    def run(self, shots, seed, progress=None):
        if seed == 1:
            os.abort()
        if seed == 2:
            kept = [bytearray(b"x") * (1 << 24) for _ in range(1 << 10)]
        notes = {"urandom": os.urandom(8).hex(), "random": random.random(), "numpy": float(np.random.random()),
                 "time": time.time(), "early": DRAWN_EARLY, "user": os.cpu_count()}
        return Samples(np.zeros((shots, self.program.n_cbits), dtype=np.uint8), notes=notes)

ENGINE = type(MODEL)(**{**{n: getattr(MODEL, n) for n in MODEL.__struct_fields__}, "name": "odd", "load": "odd:Odd"})
"""


@pytest.fixture(scope="module", autouse=True)
def host() -> Iterator[Host]:
    require("microvm")
    found = open_host()
    yield found
    found.close()


@pytest.fixture(scope="module")
def odd(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """A machine that has loaded an engine which tells of the machine."""
    place = tmp_path_factory.mktemp("odd")
    (place / "odd.py").write_text(ODD)
    (place / "attempts.py").write_text((Path(__file__).parents[1] / "engines" / "attempts.py").read_text())
    (place / "target.txt").write_text("/etc/passwd")
    site = Site(1, 128 << 20, external={"odd": spawn.External("odd:ENGINE", str(place))})
    snapshot = boot(host, site, "odd")
    yield snapshot
    snapshot.close()


def answer_of(child: spawn.Child, graph: Any, method: str, seed: int, shots: int = 5) -> Done | Failed | None:
    child.sock.settimeout(120)
    channel: Channel[FromWorker] = Channel(child.sock, FromWorker)
    assert isinstance(channel.receive(), Ready)
    channel.send(Run(1, digest(graph), pack(graph), method, shots, seed))
    while isinstance(answer := channel.receive(), RunProgress):
        pass
    assert answer is None or isinstance(answer, Done | Failed)
    return answer


def test_copies_share_neither_random_numbers_nor_a_clock_that_stood_still(odd: Snapshot) -> None:
    found: list[dict[str, Any]] = []
    for _ in range(2):
        before_s, child = time.time(), odd.copy()
        answer = answer_of(child, CLIFFORD, "", 0)
        after_s = time.time()
        assert child.end(5.0) == (0, b"")
        assert isinstance(answer, Done)
        assert before_s - 0.1 <= answer.notes["time"] <= after_s + 0.1
        found.append(answer.notes)
    assert found[0]["early"] == found[1]["early"], "both are copies of one machine"
    for name in ("urandom", "random", "numpy"):
        assert found[0][name] != found[1][name]


def test_a_crash_in_a_machine_is_that_signal_outside(odd: Snapshot) -> None:
    child = odd.copy()
    assert answer_of(child, CLIFFORD, "", 1) is None
    status, words = child.end(10.0)
    assert status == -signal.SIGABRT, words


def test_a_job_that_takes_more_memory_than_it_may_is_told_so(odd: Snapshot) -> None:
    child = odd.copy()
    answer = answer_of(child, CLIFFORD, "", 2)
    assert isinstance(answer, Failed)
    assert answer.kind == "RESOURCE_EXHAUSTED"
    child.end()


@pytest.mark.parametrize("engine", ["native", "stabilizer", "reference"])
def test_a_machine_gives_the_bits_of_a_process(host: Host, engine: str) -> None:
    cases = {"native": [(GRAPH, "dense"), (GRAPH, "mps"), (CLIFFORD, "frame")], "stabilizer": [(CLIFFORD, "")],
             "reference": [(GRAPH, "")]}[engine]  # fmt: skip
    site = Site(1, 256 << 20)
    snapshot = boot(host, site, engine)
    try:
        for graph, method in cases:
            method = method or next(iter(discovery_methods(engine)))
            children = (DRIVERS["process"](site).single(engine), snapshot.copy())
            answers = [answer_of(child, graph, method, 11, 400) for child in children]
            for child in children:
                child.end()
            counts = [answer.counts for answer in answers if isinstance(answer, Done)]
            assert len(counts) == 2, answers
            assert counts[0] == counts[1]
            assert len(counts[0]) > 1
    finally:
        snapshot.close()


def discovery_methods(engine: str) -> list[str]:
    from qmk.sdk import discovery

    return list(discovery.engine(engine).methods)


def test_the_end_of_a_driver_ends_a_machine_that_boots(host: Host) -> None:
    async def main() -> None:
        driver = MicroVMs(Site(1, 64 << 20))
        driver.prepare("native")
        while not driver.pids:
            await asyncio.sleep(0.01)
        (pid,) = driver.pids
        await asyncio.wait_for(driver.close(), 20)
        assert not Path(f"/proc/{pid}").exists()

    asyncio.run(main())


def test_a_machine_that_is_stopped_is_ended() -> None:
    async def main() -> None:
        ears = Ears()
        pool = Pool(BOUNDS, cast("Any", ears), isolation=isolation_of("microvm"))
        try:
            pool.launch(LAUNCH, pack(CLIFFORD))
            assert await asyncio.wait_for(ears.ends.get(), 120) == ("a", "done")
            (machine,) = machines_of(os.getpid())
            os.kill(machine, signal.SIGSTOP)
            while pool.pids:
                await asyncio.sleep(0.02)
        finally:
            await pool.close()

    asyncio.run(asyncio.wait_for(main(), 150))


def machines_of(pid: int) -> list[int]:
    """The processes of QEMU that a daemon has started."""
    names = {each: Path(f"/proc/{each}/comm") for each in descendants(pid)}
    return [each for each, name in names.items() if name.exists() and name.read_text().startswith("qemu")]


def test_a_job_that_asks_has_its_own_machine_and_a_daemon_that_is_killed_leaves_none(
    make_daemon: Any, eventually: Callable[[Callable[[], bool], str], None]
) -> None:
    daemon = make_daemon(isolation="microvm", cache_bytes=0)
    with Client(daemon.socket) as client:
        client.run(CLIFFORD, shots=10, isolation="microvm")
        eventually(lambda: not machines_of(daemon.pid), "the end of the machine of a job that asked for one")
        result = client.run(CLIFFORD, shots=10)
    assert result.provenance.isolation == "microvm"
    started = descendants(daemon.pid)
    assert any(b"qemu" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in started)
    if os.geteuid() == 0:
        users = {pid: Path(f"/proc/{pid}").stat().st_uid for pid in started}
        qemu = machines_of(daemon.pid)
        assert qemu
        assert all(users[pid] for pid in qemu), "QEMU is root"
    daemon.kill()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started), "the end of what it had started")


def test_firecracker_itself_takes_these_requests(host: Host) -> None:
    """Whatever KVM is there: the guest need not get anywhere."""
    try:
        firecracker.require()
    except QmkError as missing:
        pytest.skip(f"{missing.message}; {missing.fields['help']}")
    assert firecrackers.try_empty() > 0
    jail, other = firecrackers.new_jail(), firecrackers.new_jail()
    for name, fd in zip(("vmlinux", "initrd.cpio", "root.squashfs"), host.files.values(), strict=True):
        jail.show(fd, name)
    first = firecrackers.start(jail)
    try:
        made = [*api.requests_of_boot(firecrackers.BOOT, 1, 256, ["/root.squashfs"]), *api.requests_of_save()]
        api.ask(jail.root / api.SOCKET[1:], made)
        other.take(jail)
        assert (other.root / api.MEMORY[1:]).stat().st_size == 256 << 20
        second = firecrackers.start(other)
        try:
            api.ask(other.root / api.SOCKET[1:], [api.request_of_copy()])
        finally:
            second.end()
    finally:
        first.end()
    assert not jail.top.exists()
    assert not other.top.exists()
