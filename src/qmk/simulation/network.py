"""Connections, the calls on them, and answers on their way: each may be lost with its connection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.qvm.graph import Graph
from qmk.rpc import frame
from qmk.simulation.violation import Violation

if TYPE_CHECKING:
    from qmk.simulation.clients import Client


@dataclass(slots=True, eq=False)
class Call:
    """A call that was made, and later its outcome: ``result`` or ``error``."""

    ref: int
    conn: int
    client: Client
    method: str
    request: Any
    graph: Graph | None
    result: Any = None
    error: QmkError | None = None


class Network:
    """Implements ``host.Replies``. ``answered`` is told of every answer that leaves the daemon."""

    def __init__(self, answered: Callable[[Call], None]) -> None:
        self._answered = answered
        self._refs = self._conns = 0
        self.open: dict[int, Call] = {}
        self.abandoned: set[int] = set()
        self.arriving: list[Call] = []

    def connect(self) -> int:
        self._conns += 1
        return self._conns

    def call(self, conn: int, client: Client, method: str, request: Any, graph: Graph | None) -> Call:
        self._refs += 1
        call = Call(self._refs, conn, client, method, request, graph)
        self.open[call.ref] = call
        return call

    def answer(self, conn: int, ref: int, result: Any) -> None:
        frame.result(b"1", result)
        call = self._close(conn, ref)
        if call is not None:
            call.result = result
            self._leave(call)

    def refuse(self, conn: int, ref: int, error: QmkError) -> None:
        frame.error(b"1", error)
        call = self._close(conn, ref)
        if call is not None:
            call.error = error
            self._leave(call)

    def _close(self, conn: int, ref: int) -> Call | None:
        """Closes a call at its first answer. None if its connection is gone."""
        if ref in self.abandoned:
            self.abandoned.discard(ref)
            return None
        call = self.open.pop(ref, None)
        if call is None:
            raise Violation("answers", f"call {ref} is answered twice, or was never made")
        if call.conn != conn:
            raise Violation("answers", f"call {ref} of connection {call.conn} is answered to connection {conn}")
        return call

    def _leave(self, call: Call) -> None:
        self._answered(call)
        self.arriving.append(call)

    def drop(self, conn: int) -> list[Call]:
        """Cuts the connection: its open calls, and answers that had not arrived, are lost."""
        lost = [call for call in self.open.values() if call.conn == conn]
        for call in lost:
            del self.open[call.ref]
            self.abandoned.add(call.ref)
        lost += [call for call in self.arriving if call.conn == conn]
        self.arriving = [call for call in self.arriving if call.conn != conn]
        return lost

    def end(self) -> list[Call]:
        """Cuts every connection, as the daemon is gone."""
        lost = [*self.open.values(), *self.arriving]
        self.open.clear()
        self.abandoned.clear()
        self.arriving.clear()
        return lost
