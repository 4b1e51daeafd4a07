"""Slots behind TLS: who may call one, what is said where nobody or another listens, and how they are asked for."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.host.cluster import messages as ms
from qmk.host.cluster.address import check_cluster, kind_of
from qmk.host.cluster.batches import Batches
from qmk.host.cluster.interface import SlotAway, SlotLost
from qmk.host.cluster.remote import RemoteSlot, context_of, make_identity, serve
from qmk.host.cluster.slurm_options import sbatch_options
from tests.loopback import Machines


class Echo:
    """A slot that says what it was told."""

    def __init__(self) -> None:
        self.told: list[bytes] = []
        self.alone = asyncio.Event()

    async def attach(self, token: str) -> bytes:
        return f"census for {token}".encode()

    async def tell(self, token: str, number: int, orders: list[bytes]) -> None:
        self.told += orders

    async def hear(self, token: str, number: int) -> tuple[int, bytes]:
        return number + len(self.told), b"".join(self.told)

    async def node(self) -> str:
        return "node-7"

    async def close(self) -> None: ...

    async def end_alone(self) -> None:
        await self.alone.wait()


def with_slot(tmp_path: Path, test: Callable[[Echo, Callable[..., RemoteSlot]], Coroutine[Any, Any, None]]) -> None:
    identity = tmp_path / "slots.pem"
    make_identity(identity)

    async def whole() -> None:
        echo, port = Echo(), asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(serve(echo, "3-17", context_of(identity, server=True), port.set_result))
        at = await port

        def slot(name: str = "3-17", shown: Path = identity) -> RemoteSlot:
            return RemoteSlot(name, "127.0.0.1", at, context_of(shown, server=False))

        try:
            async with asyncio.timeout(20.0):
                await test(echo, slot)
        finally:
            serving.cancel()

    asyncio.run(whole())


def test_calls_and_their_answers_pass(tmp_path: Path) -> None:
    async def test(echo: Echo, slot: Callable[..., RemoteSlot]) -> None:
        one = slot()
        assert await one.call("attach", "t") == b"census for t"
        await one.call("tell", "t", 1, [b"a", b"b"])
        assert await one.call("hear", "t", 5) == (7, b"ab")
        assert await one.call("node") == "node-7"
        one.close()
        assert await one.call("node") == "node-7", "it connects again"

    with_slot(tmp_path, test)


def test_a_slot_that_was_told_to_close_listens_no_more(tmp_path: Path) -> None:
    async def test(echo: Echo, slot: Callable[..., RemoteSlot]) -> None:
        await slot().call("close")
        await asyncio.sleep(0)
        with pytest.raises(SlotLost, match="does not listen"):
            await slot().call("node")

    with_slot(tmp_path, test)


def test_another_slot_at_the_same_port_is_not_taken_for_it(tmp_path: Path) -> None:
    async def test(echo: Echo, slot: Callable[..., RemoteSlot]) -> None:
        with pytest.raises(SlotLost, match="another slot listens") as lost:
            await slot("3-18").call("tell", "t", 1, [b"not for it"])
        assert not isinstance(lost.value, SlotAway)
        assert echo.told == []

    with_slot(tmp_path, test)


def test_nobody_is_served_without_the_identity(tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    make_identity(other)

    async def test(echo: Echo, slot: Callable[..., RemoteSlot]) -> None:
        with pytest.raises(SlotLost, match="does not listen"):
            await slot(shown=other).call("tell", "t", 1, [b"evil"])
        bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        bare.check_hostname, bare.verify_mode = False, ssl.CERT_NONE
        silent = slot()
        silent._context = bare
        with pytest.raises(SlotLost):
            await silent.call("tell", "t", 1, [b"evil"])
        assert echo.told == []

    with_slot(tmp_path, test)


def test_an_identity_that_others_can_read_is_refused(tmp_path: Path) -> None:
    identity = tmp_path / "slots.pem"
    make_identity(identity)
    before = identity.read_bytes()
    make_identity(identity)
    assert identity.read_bytes() == before, "it is made once"
    identity.chmod(0o644)
    with pytest.raises(QmkError, match="others may read"):
        context_of(identity, server=True)


def test_slots_wanted_together_are_asked_for_together_by_their_kind() -> None:
    asked: list[tuple[list[int], int]] = []
    join = Machines(5, resources=[{}, {"gpu": 1.0}, {}]).join

    async def submit(numbers: list[int], generation: int) -> None:
        asked.append((numbers, generation))
        if numbers == [1]:
            raise OSError("the others go on")

    async def test() -> None:
        batches = Batches(join, submit)
        for name in ("4-9", "4-7", "5-9", "x-1"):
            batches.remember(name)
        found = await asyncio.gather(*(batches.ask(number, 20 + number) for number in range(4)), batches.ask(4, 30))
        assert found == [23, 23, 23, 23, 9]

    asyncio.run(test())
    assert asked == [([0, 2, 3], 23), ([1], 23)]


def test_a_request_under_way_is_waited_for_though_nobody_wants_it_any_more() -> None:
    """Else its slot would come after those of its daemon were ended."""
    done: list[int] = []

    async def submit(numbers: list[int], generation: int) -> None:
        await asyncio.sleep(0.05)
        done.extend(numbers)

    async def test() -> None:
        batches = Batches(Machines(1).join, submit)
        task = asyncio.create_task(batches.ask(0, 1))
        await asyncio.sleep(0.01)
        task.cancel()
        await batches.settle()

    asyncio.run(test())
    assert done == [0]


def test_a_slot_becomes_options_of_sbatch() -> None:
    assert sbatch_options(2, {}) == {"cpus-per-task": "2"}
    asked = sbatch_options(1, {"cpu": 4.0, "memory": 1e9, "gpu": 2.0, "fpga:u280": 1.0, "qpu:a": 1.0, "qpu:b": 1.0})
    assert asked == {"cpus-per-task": "4", "mem": "954M", "gres": "gpu:2,fpga:u280:1", "qpu": "a,b"}
    for wrong, why in (({"gpu": 0.5}, "gpu is a whole number, not 0.5"), ({"qpu:a": 2.0}, "qpu:a is 1")):
        with pytest.raises(QmkError, match=why):
            sbatch_options(1, wrong)


@pytest.mark.parametrize(
    ("cluster", "options", "slots", "why"),
    [
        ("", {"partition": "main"}, (), "options of a cluster need one"),
        ("", {}, ("gpu=1",), "slots are of a cluster"),
        ("ray", {"partition": "main"}, (), "'ray' has no option 'partition'"),
        ("host:1", {"partition": "main"}, (), "'ray' has no option 'partition'"),
        ("slurm", {"wrap": "evil"}, (), "'slurm' has no option 'wrap'"),
        ("slurm", {"time": "1;2"}, (), "cannot be the time"),
        ("slurm", {}, ("gpu=0.5",), "gpu is a whole number"),
    ],
)
def test_what_does_not_fit_a_cluster_is_refused(
    cluster: str, options: dict[str, str], slots: tuple[str, ...], why: str
) -> None:
    with pytest.raises(QmkError, match=why):
        check_cluster(cluster, options, slots, 2)


def test_what_fits_a_cluster_is_accepted() -> None:
    check_cluster("slurm", {"partition": "quantum", "constraint": "skylake&ib"}, ("2*gpu=1",), 2)
    check_cluster("ray", {}, ("gpu=0.5",), 1)
    assert [kind_of(address) for address in ("", "ray://h:1", "slurm")] == ["ray", "ray", "slurm"]
    assert ms.Join("slurm", "", "n", 1, Machines().join.settings).options == {}
