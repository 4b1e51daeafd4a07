"""What a client makes its calls over: a connection to a daemon, or to a gateway before it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from qmk.client.address import Server
from qmk.rpc import frame


class Link(Protocol):
    """One connection to a daemon. A lost one raises ``EOFError`` or ``ConnectionError``, and is closed by then."""

    interrupts: tuple[type[BaseException], ...]
    """What stops a caller who waits."""

    @property
    def longest_wait_ms(self) -> int | None:
        """How long one call may wait for a job, where that is bounded; longer waits are several calls."""
        ...

    def is_open(self) -> bool:
        """Whether there is a connection; no longer when the daemon has closed it since the last call."""
        ...

    def close(self) -> None: ...

    def turn(self) -> AbstractAsyncContextManager[Any]:
        """Held by one call at a time, where a connection carries only one."""
        ...

    def lock(self) -> AbstractAsyncContextManager[Any]:
        """A new lock among the calls that are made at the same time."""
        ...

    async def open(self, path: str) -> None: ...

    async def exchange(self, numbers: Sequence[int], line: bytes, held_ms: int = 0) -> list[frame.Answer]:
        """Send a call, or a batch of them, and give the answers that have their numbers, in that order. The daemon may
        keep the answers for ``held_ms`` because there is nothing to tell."""
        ...

    async def sleep(self, delay_s: float) -> None: ...

    async def shield(self, work: Awaitable[Any]) -> None:
        """Do the work to its end, even where the caller is being stopped."""
        ...


MakeLink = Callable[[Server | None, str], Link]
"""Makes the link to a server, with the token that it is shown; to a daemon's socket where that is None."""
