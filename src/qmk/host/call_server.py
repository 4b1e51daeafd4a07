"""Takes decoded calls from connections, gives them to the host, and sends answers back.

It knows which answer belongs to which connection, request id and batch; it bounds connections and what they leave
unfinished; and it has source text translated before the kernel hears of the call.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from qmk.abi.calls import q_estimate
from qmk.abi.shapes import Program
from qmk.base.errors import Finding, QmkError, invalid_graph
from qmk.base.limits import LIMITS
from qmk.formats.warnings import as_errors
from qmk.host.answers import Make
from qmk.host.checking import graph_of
from qmk.host.connections import ConnectionBounds, Connections
from qmk.host.host import Host
from qmk.host.large_answers import AnswerBounds, LargeAnswer, LargeAnswers
from qmk.host.lines import Line, Pipe, ScriptConnection
from qmk.host.long_frames import LongFrame, Reading
from qmk.host.metering import Metering
from qmk.host.programs import Programs, Read
from qmk.host.routing import native_method
from qmk.host.states import InThread
from qmk.host.translation import Translation
from qmk.host.translations import Translated, Wanted
from qmk.host.transport import WRITE_HIGH_BYTES, Batch, Connection
from qmk.host.turns import Turns
from qmk.qvm.graph import Graph
from qmk.rpc import frame, graphs, op_metrics
from qmk.rpc.key import Key, key_of
from qmk.rpc.metrics import Counters

log = logging.getLogger("qmk.calls")


@dataclass(slots=True)
class _Call:
    connection: Connection
    id: bytes | None
    batch: Batch | None
    method: str
    begun_s: float


class CallServer:
    """Implements ``transport.CallHandler`` towards connections, ``answers.Replies`` and ``answers.Makers`` towards the
    host."""

    def __init__(self, translation: Translation, bounds: ConnectionBounds, in_thread: InThread) -> None:
        self.counters = Counters()
        self.metering: Metering | None = None
        self._translation = translation
        self._large = LargeAnswers(in_thread, AnswerBounds())
        self._left: list[Reading] = []
        self._programs = Programs()
        self._host: Host | None = None
        self._connections = Connections(bounds)
        self._calls: dict[int, _Call] = {}
        self._of_connection: dict[int, set[int]] = {}
        self._refs = itertools.count(1)
        self._numbers = itertools.count(1)
        self._loop = asyncio.get_running_loop()
        self._sweeper = self._loop.call_later(1.0, self._sweep)
        self._turns = Turns()
        self._closing = False

    def open_for(self, host: Host) -> None:
        """Sets who answers calls, once, before the first connection."""
        self._host = host

    def new_connection(self) -> Connection:
        return Connection(self, self._turns, next(self._numbers))

    def new_operator(self) -> Connection:
        """Makes a connection on the operator's socket."""
        return Connection(self, self._turns, next(self._numbers), operator=True)

    def new_line(self, job: str, runs: int, pipe: Pipe) -> Line:
        """Makes the connection of a script that runs as this job, and may submit so many runs."""
        return Line(ScriptConnection(self, self._turns, next(self._numbers), job, runs), pipe)

    def on_opened(self, connection: Connection) -> QmkError | None:
        if connection.operator and connection.peer_uid not in (os.geteuid(), 0):
            log.warning("user %d was turned away from the operator's socket", connection.peer_uid)
            return QmkError("AUTH_FAILED", "only the user who runs the daemon may operate it")
        if self._closing:
            return QmkError("RESOURCE_EXHAUSTED", "the daemon is closing; try again later")
        refusal = self._connections.add(connection)
        if refusal is not None:
            return refusal
        self._of_connection[connection.number] = set()
        return None

    def on_closed(self, connection: Connection) -> None:
        refs = self._of_connection.pop(connection.number, None)
        if refs is None:
            return
        self._connections.remove(connection.number)
        for ref in refs:
            del self._calls[ref]
        self._large.drop(connection)
        self._translation.drop(connection.number)
        assert self._host is not None
        self._host.connection_closed(connection.number)

    def on_drained(self, connection: Connection) -> None:
        self._large.go_on()

    def take(self, connection: Connection, decoded: frame.Decoded, batch: Batch | None) -> None:
        ref = next(self._refs)
        method = decoded.call.name if decoded.call is not None else "none"
        self._calls[ref] = _Call(connection, decoded.id, batch, method, time.perf_counter())
        self._of_connection[connection.number].add(ref)
        if decoded.error is not None:
            self.refuse(connection.number, ref, decoded.error)
            return
        assert decoded.call is not None
        tenant = self._tenant_of(decoded)
        self._connections.use(connection, tenant)
        key = decoded.key or key_of(decoded.request)
        if not key.name:
            self._call(connection, ref, decoded, None, [])
            return
        known = self._programs.get(tenant, key)
        if known is not None:
            self._call(connection, ref, decoded, *known)
            return
        if decoded.key is not None and key.size_bytes:
            self._left.append(Reading(connection, ref, decoded, key))
            return
        if not key.size_bytes:
            self.refuse(connection.number, ref, _unknown_graph(key))
            return
        program = getattr(decoded.request, "program", None)
        if program is not None:
            self._translate(Reading(connection, ref, decoded, key), program)
            return
        try:
            graph, warnings = graphs.graph_of(decoded.request)
            assert graph is not None
        except QmkError as error:
            self.refuse(connection.number, ref, error)
            return
        except Exception:
            log.exception("reading the graph of a %s failed", decoded.call.name)
            self.refuse(connection.number, ref, QmkError("INTERNAL_ERROR", "a defect in QMK's graph reader"))
            return
        self._call(connection, ref, decoded, *self._keep(decoded, key, graph, warnings))

    def _tenant_of(self, decoded: frame.Decoded) -> str:
        assert self._host is not None
        return self._host.tenant_of(getattr(decoded.request, "session_id", ""))

    def _keep(self, decoded: frame.Decoded, key: Key, graph: Graph, warnings: list[Finding]) -> Read:
        assert self._host is not None
        return self._programs.put(self._tenant_of(decoded), key, graph, warnings, self._host.tenants)

    def read(self, connection: Connection, data: bytes) -> None:
        """Have a long frame read, and then those of its programs that are not known."""
        then = LongFrame(self, connection)
        self._translation.read_frame(data, connection.operator, connection.owner, connection.number, then)

    def take_frame(self, connection: Connection, read: frame.Frame) -> list[Reading]:
        """Takes the calls of a long frame, and gives those whose programs are to be read."""
        connection.take_frame(read)
        left, self._left = self._left, []
        return left

    def wanted_of(self, reading: Reading) -> Wanted | None:
        """What the kernel and the router will ask of the program; None when the connection is gone."""
        if reading.ref not in self._calls:
            return None
        assert self._host is not None
        request = reading.decoded.request
        held, tenant = self._host.holder(request.session_id)
        policy = getattr(request, "policy", None)
        method = native_method(None if policy is None else policy.engine)
        return Wanted(held, tenant, request.strict, method, isinstance(request, q_estimate.Request))

    def go_on(self, reading: Reading, wanted: Wanted, found: Translated | None, error: QmkError | None) -> None:
        """Goes on with a call whose program was read elsewhere."""
        connection, ref, decoded = reading.connection, reading.ref, reading.decoded
        if ref not in self._calls:
            return  # the connection was closed in the meantime
        if found is None:
            assert error is not None
            self.refuse(connection.number, ref, error)
            return
        try:
            read = self._keep(decoded, reading.key, graph_of(found, wanted), found.warnings)
        except Exception:
            log.exception("a translator's graph cannot be kept")
            self.refuse(connection.number, ref, QmkError("INTERNAL_ERROR", "a defect in QMK's graph reader"))
        else:
            self._call(connection, ref, decoded, *read)

    def _translate(self, reading: Reading, program: Program) -> None:
        wanted = self.wanted_of(reading)
        assert wanted is not None
        connection = reading.connection
        then = partial(self.go_on, reading, wanted)
        self._translation.translate(program, connection.owner, connection.number, wanted, then)

    def _call(
        self, connection: Connection, ref: int, decoded: frame.Decoded, graph: Graph | None, warnings: list[Finding]
    ) -> None:
        assert self._host is not None
        assert decoded.call is not None
        if decoded.call is op_metrics.CALL and self.metering is not None:
            self.answer(connection.number, ref, self.metering.reply(decoded.request))
            return
        if warnings and decoded.request.strict:
            self.refuse(connection.number, ref, invalid_graph(as_errors(warnings)))
            return
        self._host.call(
            connection.number,
            ref,
            decoded.call.name,
            decoded.request,
            graph,
            connection.peer_uid,
            warnings,
            operator=connection.operator,
        )

    def answer(self, conn: int, ref: int, result: Any) -> None:
        self.in_turn(conn, ref, lambda: result)

    def refuse(self, conn: int, ref: int, error: QmkError) -> None:
        if ref in self._calls:
            self.counters.add("call_errors_total", (self._calls[ref].method, error.kind.name))
        self.in_turn(conn, ref, lambda: error)

    def in_turn(self, conn: int, ref: int, make: Make) -> None:
        call = self._calls.get(ref)
        if call is not None:
            call.connection.post(lambda: self._reply(conn, ref, _encode(call.id, make())))

    def in_thread(self, conn: int, ref: int, make: Make, then: Callable[[], None]) -> None:
        call = self._calls.get(ref)
        if call is None:
            then()
            return
        data = b""

        def work() -> None:
            nonlocal data
            try:
                data = _encode(call.id, make())
            except MemoryError:
                data = _encode(call.id, QmkError("RESOURCE_EXHAUSTED", "no memory for this answer; try again later"))

        def on_made(wanted: bool) -> None:
            then()
            if wanted:
                self._reply(conn, ref, data)

        refusal = self._large.put(LargeAnswer(call.connection, call.batch, work, on_made))
        if refusal is not None:
            then()
            self.refuse(conn, ref, refusal)

    def _reply(self, conn: int, ref: int, data: bytes) -> None:
        call = self._calls.pop(ref, None)
        if call is None:
            return  # the connection was closed while it was made
        self.counters.observe("call_seconds", time.perf_counter() - call.begun_s, (call.method,))
        self._of_connection[conn].discard(ref)
        gathered = 0 if call.batch is None else call.batch.size_bytes
        if gathered + len(data) > LIMITS.frame_bytes:
            assert call.id is not None
            data = frame.error(call.id, _too_long(gathered + len(data), batch=gathered > 0))
        call.connection.reply(data, call.batch)
        if call.connection.unread_bytes > WRITE_HIGH_BYTES:
            self._connections.cut_unread()

    def _sweep(self) -> None:
        self._connections.cut_late(self._loop.time())
        self._large.rest()
        if self.metering is not None:
            self.metering.follow_jobs()
        self._sweeper = self._loop.call_later(1.0, self._sweep)

    def close(self) -> None:
        """Close every connection once its answers are out."""
        self._closing = True
        self._sweeper.cancel()
        for connection in self._connections:
            connection.close()

    def abort(self) -> None:
        """Cuts the connections whose peers have not read their answers."""
        for connection in self._connections:
            connection.abort()

    @property
    def connections(self) -> int:
        return len(self._of_connection)

    @property
    def idle(self) -> bool:
        """Whether no answer is being made, but for peers that have not taken others."""
        return self._large.idle


def _encode(id: bytes | None, found: Any) -> bytes:
    """Writes an answer, or the error that is the answer; empty for a notification."""
    if id is None:
        return b""
    if isinstance(found, QmkError):
        return frame.error(id, found)
    try:
        return frame.result(id, found)
    except (msgspec.EncodeError, TypeError, ValueError):
        log.exception("an answer of type %s cannot be written as JSON", type(found).__name__)
        return frame.error(id, QmkError("INTERNAL_ERROR", "a defect in QMK: the answer cannot be written"))


def _unknown_graph(key: Key) -> QmkError:
    return QmkError(
        "GRAPH_NOT_FOUND",
        f"the daemon has no graph with SHA-256 {key.name[:16]}..., or has it no longer",
        field="graph_sha256",
        help="send the graph itself",
    )


def _too_long(size: int, batch: bool) -> QmkError:
    limit = LIMITS.frame_bytes
    what = "the answers of this batch take" if batch else "the answer takes"
    return QmkError(
        "QUOTA_EXCEEDED",
        f"{what} {size} bytes, more than the limit 'frame_bytes' of {limit} bytes",
        quota="frame_bytes",
        asked=size,
        limit=limit,
        help="send fewer calls in one batch" if batch else "ask for fewer shots, or run in process with qmk.run",
    )
