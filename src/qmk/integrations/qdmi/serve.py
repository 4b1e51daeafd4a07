"""A session of the QDMI device library: describes the device, and checks and runs programs (the protocol is in
``device.c``). What goes wrong is told in a sentence on standard error, as QDMI has numbers only."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from qmk import __version__
from qmk.base.errors import QmkError
from qmk.integrations.target import Target as Place
from qmk.models.devices import Target, target_named
from qmk.qvm.families.gates import FIXED_SIZE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qmk.client.result import Result

SUCCESS, FATAL, NOT_FOUND, WRONG, DENIED, UNSUPPORTED, BAD_STATE = 0, -1, -5, -7, -8, -9, -10
"""Numbers of ``QDMI_STATUS``."""
STATUSES = {
    "AUTH_FAILED": DENIED,
    "TENANT_SUSPENDED": DENIED,
    "INSUFFICIENT_CAPS": DENIED,
    "JOB_NOT_FOUND": NOT_FOUND,
    "INVALID_PARAMS": WRONG,
    "INVALID_GRAPH": WRONG,
    "UNSUPPORTED": UNSUPPORTED,
    "NOT_COMPLETED": BAD_STATE,
    "ALREADY_COMPLETED": WRONG,
}
QUEUED, RUNNING, DONE, CANCELED, FAILED = 2, 3, 4, 5, 6
STATES = {
    "VALIDATING": 1,
    "QUEUED": QUEUED,
    "RUNNING": RUNNING,
    "COMPLETED": DONE,
    "CANCELLED": CANCELED,
    "FAILED": FAILED,
}
FORMATS = {0: "qasm2", 1: "qasm3", 2: "qir", 3: "qir", 4: "qir", 5: "qir", 7: "qpy"}
"""Numbers of ``QDMI_Program_Format``, and ours."""
BINARY = (3, 5, 7)
IDLE, BUSY = 1, 2
SHOTS, KEYS, VALUES, STATE, PROBABILITIES = range(5)
STATE_KEYS, STATE_VALUES, PROBABILITY_KEYS, PROBABILITY_VALUES = range(5, 9)
"""Numbers of ``QDMI_JOB_RESULT``."""
SITES = 24
"""Of the device that a session without a target has: all pairs are coupled, and it has all gates."""


def serve(stream: socket.socket) -> None:
    """Answers requests until the other side is gone."""
    session = _Session()
    with stream.makefile("rb") as requests:
        while line := requests.readline(256):
            verb, *words, size = line.decode("ascii").split()
            body = requests.read(int(size))
            status, said = _answer(session, verb, words, body)
            stream.sendall(b"%d %d\n" % (status, len(said)) + said)


def _answer(session: _Session, verb: str, words: list[str], body: bytes) -> tuple[int, bytes]:
    try:
        return SUCCESS, session.verbs[verb](*map(int, words), body)
    except QmkError as error:
        _say(str(error))
        return STATUSES.get(error.kind.name, FATAL), b""
    except Exception as error:
        _say(f"a defect of QMK's device: {type(error).__name__}: {error}")
        return FATAL, b""


def _say(what: str) -> None:
    sys.stderr.write(f"qmk: {what}\n")
    sys.stderr.flush()


class _Session:
    def __init__(self) -> None:
        self.verbs: dict[str, Callable[..., bytes]] = {
            "open": self._open,
            "device": self._device,
            "queue": self._queue,
            "check": self._check,
            "submit": self._submit,
            "find": self._find,
            "wait": self._wait,
            "cancel": self._cancel,
            "results": self._results,
        }
        self._target = Target("QMK", SITES, gates=tuple(op.short for op in FIXED_SIZE.values() if op.names))
        self._runner: _Here | _There

    def _open(self, body: bytes) -> bytes:
        given = dict(line.split(" ", 1) for line in body.decode().splitlines())
        options = {name: given[name] for name in ("noise", "engine") if name in given}
        if "target" in given:
            self._target = target_named(given["target"])
        if "server" in given:
            token = given.get("token")
            if token is None and "token_file" in given:
                token = _token(Path(given["token_file"]))
            place = Place(given["server"], token, **options)
            place.client.session_id  # noqa: B018  # a session that cannot begin is refused here, and not at its first job
            self._runner = _There(place)
        else:
            self._runner = _Here(Place(None, None, **options))
        return "".join(f"{row}\n" for row in _rows(self._target)).encode()

    def _device(self, _: bytes) -> bytes:
        return b"%d" % (BUSY if self._runner.waiting() else IDLE)

    def _queue(self, _: bytes) -> bytes:
        return b"%d" % self._runner.waiting()

    def _check(self, format: int, body: bytes) -> bytes:
        require_native(_program(format, body), FORMATS[format], self._target)
        return b""

    def _submit(self, format: int, shots: int, body: bytes) -> bytes:
        return self._runner.submit(_program(format, body), FORMATS[format], shots).encode()

    def _find(self, body: bytes) -> bytes:
        self._runner.look(body.decode(), 0)
        return b""

    def _wait(self, ms: int, body: bytes) -> bytes:
        return b"%d %d" % self._runner.look(body.decode(), ms)

    def _cancel(self, body: bytes) -> bytes:
        self._runner.cancel(body.decode())
        return b""

    def _results(self, kind: int, body: bytes) -> bytes:
        job = body.decode()
        if self._runner.look(job, 0)[0] < DONE:
            raise QmkError("NOT_COMPLETED", f"job {job} has not ended", help="wait for it")
        return _as_bytes(kind, self._runner.result(job))


def _program(format: int, body: bytes) -> bytes:
    """The program as bytes, which are never taken for the path of a file. Text ends at its first zero, as in C."""
    return body if format in BINARY else body.split(b"\0", 1)[0]


def _token(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise QmkError("AUTH_FAILED", f"the token file {path} cannot be read: {error}") from error


def require_native(program: bytes, format: str, target: Target) -> None:
    """Raises UNSUPPORTED for a program that the device does not have the qubits, gates or couplings for, and what
    reading it raises."""
    from qmk.ir.lower import lower
    from qmk.ir.program import Gate
    from qmk.ir.resolver import ALL_GATES
    from qmk.request.program import to_graph

    found = lower(to_graph(program, format=format), ALL_GATES)
    if found.n_qubits > target.sites:
        raise _cannot(target, f"the program has {found.n_qubits} qubits, and the device {target.sites}")
    has = {*target.gates, "gphase"}
    for item in found.instructions:
        if not isinstance(item, Gate):
            continue
        if item.name not in has:
            raise _cannot(target, f"gate {item.name} on qubits {list(item.qubits)} is not native")
        if len(item.qubits) == 2 and not target.has_direction(*item.qubits):
            raise _cannot(target, f"gate {item.name}: sites {item.qubits[0]} and {item.qubits[1]} are not coupled so")


def _cannot(target: Target, why: str) -> QmkError:
    return QmkError("UNSUPPORTED", f"device {target.name}: {why}", help="compile the program for this target first")


def _rows(target: Target) -> Iterator[str]:
    """The description of the device, a fact a line."""
    yield f"name {' '.join(target.name.split())}"
    yield f"version {__version__}"
    for site in range(target.sites):
        known = target.readings[site] if target.readings else None
        t1, t2 = (known.t1_s, known.t2_s) if known else (None, None)
        yield f"site {_ns(t1)} {_ns(t2)}"
    if target.couplings is None:
        yield "all"
    else:
        usable = set(target.usable())
        pairs = [pair for pair in target.couplings if usable.issuperset(pair)]
        if not target.directed:
            pairs = sorted({*pairs, *((b, a) for a, b in pairs)})
        yield from (f"pair {a} {b}" for a, b in pairs)
    yield from (f"format {number}" for number in FORMATS)
    for name in target.gates:
        op = next((op for op in FIXED_SIZE.values() if op.short == name), None)
        if op is None:  # a vendor's own gate has no name that programs of these formats have
            continue
        yield f"operation {op.vqs.low} {len(op.params)} {_name(name)}"
        for fact in target.facts:
            if fact.name == name and len(fact.sites) == op.vqs.low:
                fidelity = -1 if fact.error is None else 1 - fact.error
                yield f"fact {' '.join(map(str, fact.sites))} {fidelity!r} {_ns(fact.duration_s)}"


def _name(short: str) -> str:
    """As OpenQASM 2 spells it, and ours where that has no name for it."""
    from qmk.ir.names import names

    return names("qelib1").get(short, names("qasm").get(short, short)).split(",")[0]


def _ns(seconds: float | None) -> int:
    return -1 if seconds is None else round(seconds * 1e9)


class _Here:
    """Jobs of this process, one after another."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._jobs: dict[str, Future[Any]] = {}

    def submit(self, program: bytes, format: str, shots: int) -> str:
        place = self._place

        def run() -> Any:
            return place.run([program], format=format, shots=shots)[0] if shots else place.state(program, format=format)

        job = f"qmk-{uuid4()}"
        self._jobs[job] = self._thread.submit(run)
        return job

    def waiting(self) -> int:
        return sum(not job.done() and not job.running() for job in self._jobs.values())

    def look(self, job: str, ms: int) -> tuple[int, int]:
        found = self._job(job)
        if ms:
            wait([found], ms / 1000)
        if found.cancelled():
            return CANCELED, 0
        if found.done():
            return (DONE if found.exception() is None else FAILED), 0
        if found.running():
            return RUNNING, 0
        before = list(self._jobs)[: list(self._jobs).index(job)]
        return QUEUED, sum(not self._jobs[name].done() for name in before)

    def cancel(self, job: str) -> None:
        found = self._job(job)
        if not found.cancel():
            why = "has ended" if found.done() else "is running in this process"
            fix = "run jobs that may be cancelled on a daemon: give its address as the base URL"
            raise QmkError("ALREADY_COMPLETED" if found.done() else "INTERNAL_ERROR", f"job {job} {why}", help=fix)

    def result(self, job: str) -> Any:
        found = self._job(job)
        if found.cancelled():
            raise QmkError("JOB_CANCELLED", f"job {job} was cancelled")
        return found.result()

    def _job(self, job: str) -> Future[Any]:
        if job not in self._jobs:
            raise QmkError("JOB_NOT_FOUND", f"there is no job {job!r:.60} of this session")
        return self._jobs[job]


class _There:
    """Jobs of a daemon or a server."""

    def __init__(self, place: Place) -> None:
        self._place, self._client = place, place.client

    def submit(self, program: bytes, format: str, shots: int) -> str:
        if shots == 0:
            raise QmkError("UNSUPPORTED", "a state vector of a job on a daemon", help="ask a device without base URL")
        return self._client.submit(program, format=format, shots=shots, **self._place.options).job_id

    def waiting(self) -> int:
        return self._client.query_resources().queue.queued or 0

    def look(self, job: str, ms: int) -> tuple[int, int]:
        if ms:
            self._client.wait(job, timeout_ms=ms)
        found = self._client.status(job)
        return STATES[found.state], (found.place_in_queue or 0) + (found.others_before or 0)

    def cancel(self, job: str) -> None:
        self._client.cancel(job)

    def result(self, job: str) -> Any:
        return self._client.job(job).result()


def _as_bytes(kind: int, found: Any) -> bytes:
    """A result as QDMI has it. ``found``: a ``Result``, or a state vector."""
    import numpy as np

    if isinstance(found, np.ndarray):
        return _state(kind, cast("NDArray[np.complex128]", found))
    result = cast("Result", found)
    keys = {key.replace(" ", ""): count for key, count in result.counts.items()}
    if kind == KEYS:
        return _text(keys)
    if kind == VALUES:
        return np.array(list(keys.values()), dtype=np.uintp).tobytes()
    if kind == SHOTS:
        return _text((row + ord("0")).tobytes().decode() for row in result.bits())
    raise _no_result(kind, "it drew shots: ask for those, or for the histogram")


def _state(kind: int, state: NDArray[np.complex128]) -> bytes:
    import numpy as np

    probabilities: NDArray[np.float64] = np.abs(state) ** 2
    if kind in (STATE, PROBABILITIES):
        return (state if kind == STATE else probabilities).tobytes()
    (places,) = np.nonzero(state)
    if kind in (STATE_KEYS, PROBABILITY_KEYS):
        width = max(len(state).bit_length() - 1, 1)
        return _text(f"{place:0{width}b}" for place in places.tolist())
    if kind in (STATE_VALUES, PROBABILITY_VALUES):
        return (state if kind == STATE_VALUES else probabilities)[places].tobytes()
    raise _no_result(kind, "it drew no shots: ask for its state or its probabilities")


def _text(words: Iterable[str]) -> bytes:
    """A list of words as QDMI has it: text with commas, ended by a zero."""
    return ",".join(words).encode() + b"\0"


def _no_result(kind: int, fix: str) -> QmkError:
    return QmkError("UNSUPPORTED", f"the job has no result of kind {kind}", help=fix)
