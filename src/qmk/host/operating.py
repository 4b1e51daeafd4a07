"""Makes the operator's calls without a daemon: takes the data folder, replays the journal, steps the kernel, and
releases the folder.

It is the daemon's own host and kernel, without sockets, workers and timers: what is recorded is what the daemon would
have recorded, and it finds it at its next start.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from msgspec import structs

from qmk.abi.operator import OPERATOR_METHODS
from qmk.base.errors import QmkError
from qmk.host.config import HostConfig, Retention
from qmk.host.host import Host, Turns
from qmk.host.launcher import Capacity
from qmk.host.places import Lock
from qmk.host.routing import Routing
from qmk.host.seals import Sealer
from qmk.host.store import open_journal
from qmk.kernel.core import Kernel
from qmk.kernel.effects import Interrupt, Launch
from qmk.policy.standard import STANDARD
from qmk.rpc import frame
from qmk.rpc.keys import token_key

CONNECTION, REF = 1, 1
MOST = 1 << 62
KEEP_ALL = Retention(0, 0, jobs=MOST, job_bytes=MOST, checkpoints=MOST, checkpoint_bytes=MOST)
"""Keeps everything: how long things are kept depends on the daemon's options, which are not known here."""


def operate(config: HostConfig, name: str, /, **params: Any) -> Any:
    """One of the operator's calls by name; its ``Reply``. Raises RESOURCE_EXHAUSTED when a daemon has the folder, and
    what the call is refused with."""
    (decoded,) = frame.decode(frame.request(REF, name, params), OPERATOR_METHODS).calls
    if decoded.error is not None:
        raise decoded.error
    with Lock(config.lock_path):
        desk = _Desk(config)
        try:
            return desk.ask(name, decoded.request)
        finally:
            desk.close()


class _Desk:
    """Answers one call at a time. Jobs that are due stay in the journal: as launcher and timers it does nothing."""

    def __init__(self, config: HostConfig) -> None:
        key = token_key(config.data_dir)
        config = replace(config, keep=KEEP_ALL)
        self._turn: deque[Callable[[], None]] = deque()
        self._answer: Any = None
        self._journal = open_journal(config.data_dir, config.database, "power", config.database_patience_s)
        kernel = Kernel(structs.replace(config.kernel(key), launching=False), STANDARD)
        routing = Routing(config.memory_bytes, config.workers, {})
        sealer = Sealer(config.data_dir, self._journal.last_seal())
        turns = Turns(schedule=self._turn.append)
        self._host = Host(kernel, self._journal, routing, self, self, turns, seals=sealer)
        self._host.connect(self)
        self._host.recover()

    def ask(self, name: str, request: Any) -> Any:
        self._host.call(CONNECTION, REF, name, request, operator=True)
        self._finish_turns()
        if isinstance(self._answer, QmkError):
            raise self._answer
        assert self._answer is not None, "the operator's calls are answered in their turn"
        return self._answer

    def _finish_turns(self) -> None:
        while self._turn:
            self._turn.popleft()()

    def answer(self, conn: int, ref: int, result: Any) -> None:
        self._answer = result

    def refuse(self, conn: int, ref: int, error: QmkError) -> None:
        self._answer = error

    def launch(self, launch: Launch, graph: bytes, state: bytes | None = None) -> None:
        """Nothing runs here; the job is queued in the journal as it was."""

    def interrupt(self, interrupt: Interrupt) -> None:
        """Nothing runs here."""

    def cancel(self, job: str, fence: int, grace_s: float = 0.0) -> None:
        """Nothing runs here."""

    def reconcile(self, fences: Mapping[str, int]) -> list[tuple[str, int]]:
        """Nothing runs here."""
        return []

    def waited_s(self, job: str, fence: int) -> float:
        return 0.0

    def capacity(self) -> Capacity:
        return Capacity(slots=0, running=0, waiting=0)

    def set(self, key: str, at_ns: int) -> None:
        """Does nothing: the kernel is gone before anything comes due."""

    def clear(self, key: str) -> None:
        """See ``set``."""

    def close(self) -> None:
        self._host.shut_down()
        self._finish_turns()
        self._journal.close()
