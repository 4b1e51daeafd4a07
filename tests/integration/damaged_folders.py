"""A data folder with something of everything, what a daemon reads in it, and ways to damage its files."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.client import Client, Operator
from qmk.host.config import HostConfig
from qmk.host.sql.journal import SqlJournal
from qmk.host.sql.log import log_of
from qmk.host.store import JOURNAL_NAME, open_journal
from qmk.host.survey import name_losses
from qmk.kernel.core import Kernel
from qmk.policy.standard import STANDARD
from qmk.qvm.graph import Graph, Node
from qmk.rpc.keys import token_key
from tests.integration.test_checkpoints import Desk
from tests.integration.test_checkpoints import program as fenced_program

PAGE_BYTES = 4096
SMALL_JOBS = 36
MANY_SHOTS = 300_000


def coins(count: int = 2, gates: int = 1) -> Graph:
    """A program of ``count`` qubits that are measured after ``gates`` gates on each."""
    names = [f"q{index}" for index in range(count)]
    nodes = [Node("a", "core.alloc", vqs=tuple(names))]
    nodes += [Node(f"h{n}_{q}", "core.h", vqs=(q,)) for n in range(gates) for q in names]
    nodes += [Node(f"m{q}", "core.mz", vqs=(q,), produces=(f"e{q}",)) for q in names]
    return Graph(nodes=tuple(nodes), vqs=tuple(names), events=tuple(f"e{q}" for q in names))


def fill(make_daemon: Callable[..., Any], folder: Path) -> Path:
    """Has a daemon run jobs of two tenants, one of many events, one of a large program, one that is at work with a
    saved state, some that wait, and kills it; the data folder that it leaves."""
    desk = Desk(make_daemon, folder)
    state = desk.daemon.folder / "state"
    operator = Operator(state)
    clients = [desk.client]
    for name in ("chem", "bio"):
        operator.call("op_tenant_add", tenant=name)
        token = operator.call("op_token_issue", tenant=name).token
        clients.append(Client(desk.daemon.socket, token=token))
    for number in range(SMALL_JOBS):
        clients[number % 3].run(coins(), shots=200 + number, seed=number)
    clients[1].run(coins(5, 3), shots=MANY_SHOTS, seed=1)
    clients[2].run(coins(8, 500), shots=1500, seed=2)
    at_work = desk.submit("reference", fenced_program())
    desk.meanwhile(lambda client: client.checkpoint(at_work), upto=3)
    for seed in range(3):
        clients[seed].submit(fenced_program(), engine="gated_stabilizer", shots=100, seed=seed)
    cancelled = clients[2].submit(fenced_program(), engine="gated_stabilizer", shots=100, seed=9).job_id
    clients[2].cancel(cancelled)
    desk.meanwhile(lambda client: client.checkpoint(at_work), upto=6)  # what is written last went past the log
    for client in clients:
        client.close()
    desk.daemon.kill()
    return state


def stop_in_order(folder: Path) -> None:
    """Leaves the folder as a daemon does that was asked to stop: everything is in the database."""
    open_journal(folder).close()
    log_of(folder / JOURNAL_NAME).write_bytes(b"")


def read_all(folder: Path) -> dict[str, Any]:
    """What a daemon reads in the folder at its start and in answering for every job. What cannot be read is the error.
    Raises QmkError when the start is refused."""
    with name_losses(folder, ""):
        journal = open_journal(folder)
        with closing(journal):
            kernel = Kernel(HostConfig(socket=folder / "s", data_dir=folder).kernel(token_key(folder)), STANDARD)
            kernel.replay(journal.records())
            tail = journal.audit_tail()
            found: dict[str, Any] = {"used": journal.usage_since(0), "audit": (tail.seq, tail.head)}
            for tenant in ("chem", "bio"):
                found[f"tenant {tenant}"] = kernel.tenants.knows(tenant)
            for job in kernel.jobs.by_id.values():
                found[job.id] = _answer(job, journal)
            return found


def _answer(job: Any, journal: SqlJournal) -> Any:
    try:
        answer: list[Any] = [job.tenant, job.state, job.seed, job.error and msgspec.to_builtins(job.error)]
        if job.state != "COMPLETED":
            return [*answer, journal.graph(job.id)] if not job.has_ended else answer
        head = journal.head(job.id)
        if head is None:
            return QmkError("INTERNAL_ERROR", f"the result of {job.id} is not in the store")
        pages = -(-head.shots // head.page_shots) if head.row_bytes else 0
        return [*answer, head, [bytes(journal.page(job.id, number, head)) for number in range(pages)]]
    except QmkError as error:
        return error


Damage = Callable[[bytearray, int, int], None]


def _zero(data: bytearray, start: int, end: int) -> None:
    data[start:end] = bytes(end - start)


def _scramble(data: bytearray, start: int, end: int) -> None:
    data[start:end] = random.Random(start).randbytes(end - start)


def _flip(data: bytearray, start: int, end: int) -> None:
    at = random.Random(start).randrange(start, end)
    data[at] ^= 1 << at % 8


def _cut(data: bytearray, start: int, end: int) -> None:
    del data[start:]


def _swap(data: bytearray, start: int, end: int) -> None:
    """With the stretch two further on."""
    other = start + 2 * (end - start)
    if other + end - start > len(data):
        other = (end - start) % len(data)
    length = min(end - start, len(data) - other)
    here = bytes(data[start : start + length])
    data[start : start + length], data[other : other + length] = data[other : other + length], here


KINDS: dict[str, Damage] = {"zeros": _zero, "random": _scramble, "flip": _flip, "cut": _cut, "swap": _swap}


def stretches(path: Path, step: int) -> Iterator[tuple[int, int]]:
    size = path.stat().st_size
    return ((start, min(size, start + step)) for start in range(0, size, step))


def copy_damaged(good: Path, folder: Path, name: str, kind: str, start: int, end: int) -> Path:
    """A copy of the folder in which that stretch of the file is damaged."""
    shutil.copytree(good, folder, ignore=shutil.ignore_patterns("blobs"))
    (folder / "blobs").symlink_to(good / "blobs")
    data = bytearray((folder / name).read_bytes())
    KINDS[kind](data, start, end)
    (folder / name).write_bytes(bytes(data))
    return folder
