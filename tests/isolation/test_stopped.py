"""Each process of a jail is stopped from outside: the pool ends it, and what waits for it goes on."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest
from msgspec.structs import replace

from benchmarks.service import children
from qmk.host.isolation.policy import isolation_of
from qmk.host.pool import Pool
from qmk.host.tasks import Bounds
from qmk.kernel.effects import Launch
from qmk.qvm.graph import digest, pack
from qmk.sdk.kit.builder import Builder

GRAPH = Builder(2).op("h", 0).op("cnot", 0, 1).measure_all().graph()
LAUNCH = Launch("a", 1, "stabilizer", "", digest(GRAPH), 10, 1, True, 0, tenant="a")
BOUNDS = Bounds(slots=1, processes=3, threads=1, memory_bytes=0, idle_s=1e6, look_s=0.05)


class Ears:
    """Hears how launches end."""

    def __init__(self) -> None:
        self.ends: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def on_done(self, job: str, fence: int, *more: Any) -> None:
        self.ends.put_nowait((job, "done"))

    def on_failed(self, job: str, fence: int, failed: Any, loss: Any) -> None:
        self.ends.put_nowait((job, loss.cause if loss is not None else failed.message))

    def __getattr__(self, name: str) -> Any:
        return lambda *given: None


@pytest.mark.parametrize("which", ["zygote", "keeper", "worker"])
def test_a_process_of_a_jail_that_is_stopped_is_ended(which: str) -> None:
    async def main() -> None:
        ears = Ears()
        pool: Pool = Pool(BOUNDS, ears, isolation=isolation_of("jail"))  # type: ignore[arg-type]
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
