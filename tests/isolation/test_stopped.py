"""Each process of a jail is stopped from outside, or takes too much: the pool ends it, and what waits goes on."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from benchmarks.service import children
from qmk.host.isolation import cgroup
from qmk.host.isolation.policy import isolation_of
from qmk.host.pool import Pool
from qmk.host.spawn import External
from qmk.host.tasks import Bounds
from qmk.kernel.effects import Launch
from qmk.qvm.graph import digest, pack
from qmk.sdk.kit.builder import Builder

ENGINES = Path(__file__).resolve().parents[1] / "engines"
GRAPH = Builder(2).op("h", 0).op("cnot", 0, 1).measure_all().graph()
LAUNCH = Launch("a", 1, "stabilizer", "", digest(GRAPH), 10, 1, True, 0, tenant="a")
BOUNDS = Bounds(slots=1, processes=3, threads=1, memory_bytes=0, idle_s=1e6, look_s=0.05)


class Ears:
    """Hears how launches end."""

    def __init__(self) -> None:
        self.words = ""
        self.ends: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def on_done(self, job: str, fence: int, *more: Any) -> None:
        self.ends.put_nowait((job, "done"))

    def on_failed(self, job: str, fence: int, failed: Any, loss: Any) -> None:
        self.words = failed.message
        self.ends.put_nowait((job, loss.cause if loss is not None else failed.message))

    def __getattr__(self, name: str) -> Any:
        return lambda *given: None


@pytest.mark.parametrize("which", ["zygote", "keeper", "worker"])
def test_a_process_of_a_jail_that_is_stopped_is_ended(which: str) -> None:
    async def main() -> None:
        ears = Ears()
        pool = Pool(BOUNDS, cast("Any", ears), isolation=isolation_of("jail"))
        try:
            pool.launch(LAUNCH, pack(GRAPH))
            assert await asyncio.wait_for(ears.ends.get(), 30) == ("a", "done")
            (keeper,), (zygote,) = pool.pids, pool.zygote_pids
            (worker,) = children(keeper)
            os.kill({"zygote": zygote, "keeper": keeper, "worker": worker}[which], signal.SIGSTOP)
            if which == "zygote":
                pool.launch(replace(LAUNCH, job="b", tenant="b"), pack(GRAPH))
                assert await asyncio.wait_for(ears.ends.get(), 30) == ("b", "killed")
            else:
                while keeper in pool.pids:
                    await asyncio.sleep(0.02)
            pool.launch(replace(LAUNCH, job="c", tenant="b", fence=2), pack(GRAPH))
            assert await asyncio.wait_for(ears.ends.get(), 30) == ("c", "done")
        finally:
            await pool.close()

    asyncio.run(asyncio.wait_for(main(), 60))


GREEDY = """
import os

from odd_engines import Zeros, _declare

class Greedy(Zeros):
    def run(self, shots, seed, progress=None):
        kept = []
        for number in range(50):
            with open(os.path.join(os.environ["TMPDIR"], str(number)), "wb") as file:
                file.write(bytes(1 << 20))
            kept.append(bytearray(b"x") * (1 << 20))
        return super().run(shots, seed, progress)

ENGINE = _declare("greedy", "x")
ENGINE = type(ENGINE)(**{**{n: getattr(ENGINE, n) for n in ENGINE.__struct_fields__}, "load": "greedy:Greedy"})
"""


def test_a_worker_that_takes_more_than_its_group_may_have_is_told_of_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = cgroup.Groups(1 << 20)
    groups.close()
    if groups.missing:
        pytest.skip(groups.missing)
    monkeypatch.setattr(cgroup, "SLACK_BYTES", 0)
    (tmp_path / "greedy.py").write_text(GREEDY)
    (tmp_path / "odd_engines.py").write_text((ENGINES / "odd_engines.py").read_text())

    async def main() -> None:
        ears = Ears()
        bounds = dataclasses.replace(BOUNDS, memory_bytes=64 << 20)
        engines = {"greedy": External("greedy:ENGINE", str(tmp_path))}
        pool = Pool(bounds, cast("Any", ears), engines, isolation_of("jail"))
        try:
            pool.launch(replace(LAUNCH, engine="greedy"), pack(GRAPH))
            assert await asyncio.wait_for(ears.ends.get(), 30) == ("a", "memory")
            assert "took more than its limit" in ears.words
        finally:
            await pool.close()

    asyncio.run(main())
    assert not list(Path("/sys/fs/cgroup").glob(f"**/qmk-{os.getpid()}"))
