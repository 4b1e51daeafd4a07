"""The process that compiles: ``python -m qmk.gateway.qlam.compiler``, one definition on standard input, what becomes of
it on standard output.

Programs of strangers are read here and not in the gateway: whoever started it kills it after a time, and memory beyond
a bound is refused to it. Each program is read with its arguments: calls and loops unrolled. On a device it is checked
against every rule and written in native gates, with moves, waits, the device's noise and the timeline in the metadata;
elsewhere pass ``full`` rewrites it, unless it has something that the pass would lose.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.gateway.http import BODY_BYTES
from qmk.qvm.graph import Graph
from qmk.worker import process

MEMORY_BYTES = 4 << 30
MESSAGES = 20
"""Most messages kept of one program's failure."""
FAILURES = 50
"""After this many programs have failed, no more are tried."""


class Case(msgspec.Struct, frozen=True):
    """One program with one set of arguments, for so many shots."""

    program_index: int
    arguments: dict[str, Any]
    shots: int


class Job(msgspec.Struct, frozen=True):
    """``programs``: squin kernels in Kirin's JSON. ``qubits``: how many each may have, 0: any. ``device``: whose gates
    they are written in, "": any gates."""

    programs: list[str]
    cases: list[Case]
    qubits: int
    device: str


class Compiled(msgspec.Struct, frozen=True):
    """``notes``: what was done, of the compiled program."""

    content: str
    notes: dict[str, Any]


class Failure(msgspec.Struct, frozen=True):
    program_index: int
    error_type: str
    error_messages: list[str]


class Made(msgspec.Struct, frozen=True):
    """``compiled``: one for each case, unless there are ``failures``, at most one for each program."""

    compiled: list[Compiled] = []
    failures: list[Failure] = []


def compile_all(job: Job) -> Made:
    """Every case; where a program fails, the others are tried still, until ``FAILURES`` have."""
    compiled: list[Compiled] = []
    failures: dict[int, Failure] = {}
    size = 0
    for case in job.cases:
        if case.program_index in failures:
            continue
        if len(failures) == FAILURES:
            break
        try:
            made = compiled_case(case, job)
            size += len(made.content)
            if size > BODY_BYTES:
                raise QmkError("QUOTA_EXCEEDED", f"the compiled programs have more than {BODY_BYTES} bytes")
            compiled.append(made)
        except QmkError as error:
            failures[case.program_index] = _failure(case.program_index, error)
        except MemoryError:
            text = "compiling it takes more memory than allowed"
            failures[case.program_index] = Failure(case.program_index, "RESOURCE_EXHAUSTED", [text])
        except RecursionError:
            failures[case.program_index] = Failure(case.program_index, "QUOTA_EXCEEDED", ["it nests too deep"])
    return Made(failures=list(failures.values())) if failures else Made(compiled)


def compiled_case(case: Case, job: Job) -> Compiled:
    """Raises ``QmkError`` for a program that is wrong or that does not fit."""
    from qmk.formats.json_codec import encode
    from qmk.qvm.graph import digest
    from qmk.request.program import to_graph

    graph = to_graph(job.programs[case.program_index].encode(), "kirin", case.arguments)
    graph, notes = _on_device(graph, job.device, case.shots) if job.device else _rewritten(graph)
    if job.qubits and len(graph.vqs) > job.qubits:
        raise QmkError("UNSUPPORTED", f"it takes {len(graph.vqs)} qubits, and the mode has {job.qubits}")
    return Compiled(encode(graph).decode(), {**notes, "qubits": len(graph.vqs), "digest": digest(graph)})


def _on_device(graph: Graph, device: str, shots: int) -> tuple[Graph, dict[str, Any]]:
    from qmk.request.devices import on_device

    made = on_device(graph, device, shots=shots)
    return made.graph, {"device": device, "duration_us": made.timeline.duration_us}


def _rewritten(graph: Graph) -> tuple[Graph, dict[str, Any]]:
    from qmk.request.rewriting import rewrite

    try:
        made = rewrite(graph)
    except QmkError as error:
        if error.kind.name != "UNSUPPORTED":
            raise
        return graph, {"passes": [], "not_rewritten": error.message}
    return made.graph, {"passes": [name for name, _ in made.reports]}


def _failure(index: int, error: QmkError) -> Failure:
    texts = [finding.text() for finding in error.findings] if error.kind.name == "INVALID_GRAPH" else []
    return Failure(index, error.kind.name, [text[:1000] for text in texts[:MESSAGES] or [error.message]])


def main() -> int:
    process.settle("qmk-compiler", 1)
    process.bound_memory(MEMORY_BYTES)
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    sys.stdout.buffer.write(msgspec.json.encode(compile_all(job)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
