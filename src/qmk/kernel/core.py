"""The kernel: ``step(event) -> effects``. See ``events`` for what goes in and ``effects`` for what comes out."""

from __future__ import annotations

from collections.abc import Iterable

from qmk.kernel.config import KernelConfig
from qmk.kernel.effects import Effect
from qmk.kernel.events import Event


class Kernel:
    """All state of the system that is not a file or a process.

    The host calls ``step`` for everything that happens, one event at a time, and carries out the effects in order.
    At start it calls ``replay`` with the journal's records and then ``step(Recovered(now_ns=...))``.
    """

    def __init__(self, config: KernelConfig | None = None) -> None:
        self.config = config or KernelConfig()

    def step(self, event: Event) -> list[Effect]:
        """The effects of ``event``. Every ``CallReceived`` is answered exactly once, in this step or a later one, by
        Reply, ReplyError, ReplyResult, Estimate or QueryResources, unless its connection closes first."""
        raise AssertionError(event)

    def replay(self, records: Iterable[Event]) -> None:
        """Feed the records of ``Journal`` effects, oldest first, into a fresh kernel; gives no effects."""
        raise AssertionError(records)
