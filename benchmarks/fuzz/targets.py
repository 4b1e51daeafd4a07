"""What is fuzzed: each target reads one document, and may refuse it with the errors that are its own."""

from __future__ import annotations

import asyncio
import gzip
import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from qmk.base.errors import QmkError

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).parent / "corpus"
FORMATS: dict[str, tuple[str, ...]] = {
    "ahs": ("examples/z2.braket.json", "tests/data/atoms/*.braket.json"),
    "blackbird": ("benchmarks/fuzz/corpus/*.xbb",),
    "braket": ("benchmarks/fuzz/corpus/*.braket.qasm",),
    "cirq-json": ("benchmarks/fuzz/corpus/*.cirq.json",),
    "hugr": ("tests/data/hugr/*.hugr",),
    "dynamics": ("benchmarks/fuzz/corpus/*.dynamics.json",),
    "pytket-json": ("benchmarks/fuzz/corpus/*.pytket.json",),
    "qir": ("tests/data/qir/*.ll", "benchmarks/fuzz/corpus/*.bc.hex"),
    "qpy": ("benchmarks/fuzz/corpus/*.qpy",),
    "quil": ("benchmarks/fuzz/corpus/*.quil",),
    "tfq": ("tests/data/cirq/*.tfq",),
    "yao-json": ("benchmarks/fuzz/corpus/*.yao.json",),
    "kirin": ("tests/data/atoms/kirin/*.gz",),
    "lanes": ("tests/data/atoms/lanes/*.sst", "tests/data/atoms/lanes/*.hex"),
    "neutral-atom-vm": ("tests/data/atoms/origin/*.job.json",),
    "pulser": ("examples/*.pulser.json", "tests/data/atoms/*.pulser.json"),
    "qasm2": ("benchmarks/fuzz/corpus/*.qasm2.qasm", "tests/golden/circuits/qb_*.qasm"),
    "qasm3": ("benchmarks/fuzz/corpus/*.qasm3.qasm", "tests/golden/circuits/oq3_*.qasm", "examples/*.qasm"),
    "qsharp": ("benchmarks/fuzz/corpus/*.qs",),
    "quera": ("examples/*.quera.json", "tests/data/atoms/*.quera.json"),
    "qvm-asm": ("tests/golden/formats/*.asm", "examples/*.asm", "benchmarks/fuzz/corpus/*.asm"),
    "qvm-binary": ("tests/golden/formats/*.qvmb",),
    "qvm-json": ("tests/golden/formats/*.json", "tests/golden/ops/*.json", "examples/*.qvm.json"),
    "stim": ("benchmarks/fuzz/corpus/*.stim",),
}
"""Of each format, where documents of all its constructs are."""
NATIVE = ("qasm2", "qasm3", "stim")
"""Formats that the native core reads."""
SEED_BYTES = 1 << 14
"""Larger documents are left out of the seeds: one execution takes too long."""


class Target(NamedTuple):
    """``read`` takes a document; what it raises beside ``refusals`` is a finding."""

    name: str
    seeds: Callable[[], list[bytes]]
    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...] = (QmkError,)


def targets() -> dict[str, Target]:
    """Every target by its name."""
    rows = [Target(f"format-{name}", _seeds_of(name), _reader_of(name)) for name in FORMATS]
    rows += [
        Target(
            "native", lambda: [row for name in ("qasm2", "qasm3", "stim") for row in _seeds_of(name)()], _read_native
        ),
        Target("recognise", lambda: [_seeds_of(name)()[0] for name in FORMATS], _recognise),
        Target("frame", _frames, _read_frame),
        Target("worker", _messages, _read_messages, _wire_errors()),
        Target("gateway", _bodies, _answer_body),
        Target("journal", _logs, _read_log, (QmkError, _damaged())),
    ]
    return {row.name: row for row in rows}


def _seeds_of(format: str) -> Callable[[], list[bytes]]:
    def seeds() -> list[bytes]:
        paths = [path for pattern in FORMATS[format] for path in sorted(ROOT.glob(pattern))]
        found = [_plain(path) for path in paths if "expected" not in path.name and "digests" not in path.name]
        small = [data for data in found if len(data) <= SEED_BYTES]
        return small or [min(found, key=len)]

    return seeds


def _plain(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    return bytes.fromhex(data.decode()) if path.suffix == ".hex" else data


def _reader_of(format: str) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        from qmk.frontends import load
        from qmk.qvm.verify import verify

        return verify(load(data, format=format, path="/nowhere/program").graph).findings

    return read


def _read_native(data: bytes) -> object:
    from qmk.request import native_text

    return native_text.read(data)


def _recognise(data: bytes) -> object:
    from qmk.frontends import recognise

    return recognise(data)


def _frames() -> list[bytes]:
    rows = json.loads((ROOT / "docs/spec/qsyscall_examples.json").read_text())
    calls = [{"jsonrpc": "2.0", "id": 1, "method": name, "params": {}} for name in ("q_status", "q_submit", "q_wait")]
    found = [json.dumps(row).encode() for row in (*calls, calls)]
    return [*found, *(json.dumps(row).encode() for row in _requests(rows))][:64]


def _requests(value: Any) -> list[Any]:
    """The requests in the examples of the specification, wherever they stand in it."""
    if isinstance(value, dict):
        inner = [row for each in value.values() for row in _requests(each)]
        return [value, *inner] if "method" in value else inner
    return [row for each in value for row in _requests(each)] if isinstance(value, list) else []


def _read_frame(data: bytes) -> object:
    from qmk.rpc import frame
    from qmk.rpc.splitter import FrameSplitter

    splitter = FrameSplitter(1 << 14)
    for line in splitter.feed(data):
        frame.decode(line)
    return frame.decode(data), frame.answers(data)


def _messages() -> list[bytes]:
    from qmk.qvm.outputs import Outputs
    from qmk.worker import messages, wire

    run = messages.Run(1, "d" * 64, b"graph", "auto", 10, 7, outputs=Outputs(state=True))
    rows = (run, messages.Ask(1, "r", "save", 2), messages.Stop(), messages.NotDone(1, "r", "no"))
    return [wire.frame(row) for row in rows] + [b"".join(wire.frame(row) for row in rows)]


def _wire_errors() -> tuple[type[Exception], ...]:
    from qmk.worker.wire import WireError

    return (WireError,)


def _read_messages(data: bytes) -> object:
    from qmk.host import translations
    from qmk.worker import messages
    from qmk.worker.wire import Unframer

    kinds = (messages.ToWorker, messages.FromWorker, translations.ToTranslator, translations.FromTranslator)
    for kind in kinds:
        Unframer[Any](kind).feed(data)
    return None


def _damaged() -> type[Exception]:
    import msgspec

    return msgspec.DecodeError  # what stands behind a right checksum; the journal says that it is damaged


def _logs() -> list[bytes]:
    from qmk.host.sql.log import BatchLog

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        log = BatchLog(path, synced=False)
        for number in range(1, 4):
            log.append(number, b"entry %d" % number, durable=False)
        log.close()
        return [path.read_bytes()]


def _read_log(data: bytes) -> object:
    from qmk.host.sql.log import entries

    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return list(entries(Path(file.name), 0))


def _bodies() -> list[bytes]:
    """Requests to the gateway: a line with method and path, then the body."""
    rows: list[bytes] = []
    for path in sorted((ROOT / "tests/data/gateway").glob("*.json")):
        for row in _exchanges(json.loads(path.read_text())):
            body = row.get("body") or row.get("json") or ""
            text = body if isinstance(body, str) else json.dumps(body)
            rows.append(f"{row['method']} /{path.stem}{row['path']}\n{text}".encode())
    return [row for row in rows if len(row) <= SEED_BYTES]


def _exchanges(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        here = [value] if "method" in value and "path" in value else []
        return here + [row for each in value.values() for row in _exchanges(each)]
    return [row for each in value for row in _exchanges(each)] if isinstance(value, list) else []


class _Nobody:
    """A caller whose daemon is away: every call of it fails as it then does."""

    tenant = name = "fuzz"

    def __getattr__(self, name: str) -> Any:
        async def fail(*_: Any, **__: Any) -> Any:
            raise QmkError("CONNECTION_LOST", "no daemon listens")

        return fail


@cache
def _app() -> Any:
    from qmk.gateway.app import make_app

    folder = tempfile.TemporaryDirectory()
    app = make_app(None, Path(folder.name) / "records", needs_token=False)
    app.state.folder = folder  # taken away with the application

    async def caller_of(headers: object) -> _Nobody:
        return _Nobody()

    app.state.gate.callers.caller_of = caller_of
    return app


def _answer_body(data: bytes) -> object:
    """The status of the gateway's answer. Raises AssertionError for a defect of its own."""
    head, _, body = data.partition(b"\n")
    method, _, target = head.decode("latin-1").strip().partition(" ")
    path, _, query = target.partition("?")
    path = path if path.startswith("/") else "/braket/quantum-task"
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "",
        "method": method if method in ("GET", "POST", "PUT", "PATCH", "DELETE") else "POST",
        "path": path, "raw_path": path.encode("latin-1", "replace"), "query_string": query.encode("latin-1", "replace"),
        "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {}, "extensions": {},
    }  # fmt: skip
    asyncio.run(_app()(scope, receive, send))
    answer = b"".join(message.get("body", b"") for message in sent)
    status = sent[0]["status"]
    assert status != 500, f"500: {answer[:200]!r}"
    return status
