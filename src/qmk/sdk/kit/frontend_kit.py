"""The conformance kit of front-ends: recognition by content, round trip through ``emit``, errors with their places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from qmk.base.errors import QmkError
from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Frontend, Source
from qmk.sdk.kit.report import Check, KitReport, as_tests, run_checks

__all__ = ["Samples", "as_tests", "checks", "run"]

TOLERANCE = 1e-9
"""The tolerance on each probability of a program after a round trip."""


@dataclass(frozen=True)
class Samples:
    """``valid``: name to source of programs (at most ten qubits) with their exact distribution, or None not to compare.
    ``invalid``: name to (source, line of the first error, 0 when the format has no lines). ``foreign``: other formats'
    programs, which must not be recognised as certain."""

    valid: Mapping[str, tuple[bytes, Mapping[str, float] | None]]
    invalid: Mapping[str, tuple[bytes, int]] = field(default_factory=dict[str, tuple[bytes, int]])
    foreign: Sequence[bytes] = ()


def run(frontend: Frontend, samples: Samples) -> KitReport:
    return run_checks(f"front-end {frontend.format}", checks(frontend, samples))


def checks(frontend: Frontend, samples: Samples) -> list[Check]:
    return list(_checks(frontend, samples))


def _checks(frontend: Frontend, samples: Samples) -> Iterator[Check]:
    for name, (data, exact) in samples.valid.items():
        yield Check(f"recognises {name}", lambda data=data: _check_recognise(frontend, data))
        yield Check(f"reads {name}", lambda data=data, exact=exact: _read(frontend, data, exact))
        skipped = "" if frontend.emit else "the format is read only"
        yield Check(f"round trip of {name}", lambda data=data: _round_trip(frontend, data), skipped)
    for name, (data, line) in samples.invalid.items():
        yield Check(f"refuses {name}", lambda data=data, line=line: _check_refusal(frontend, data, line))
    for k, data in enumerate(samples.foreign):
        yield Check(f"leaves foreign program {k}", lambda data=data: _left(frontend, data))
    for junk in (b"", b"\0", b"\xff\xfe\xfa", b"{", b"[" * 2000):
        yield Check(f"refuses junk {junk[:4]!r}", lambda junk=junk: _check_refusal(frontend, junk, 0))


def _check_recognise(frontend: Frontend, data: bytes) -> str:
    score = frontend.recognise(data[:4096])
    return "" if 0 < score <= 100 else f"recognise gave {score} for a valid program"


def _left(frontend: Frontend, data: bytes) -> str:
    score = frontend.recognise(data[:4096])
    return "" if 0 <= score < 100 else f"recognise is certain ({score}) of another format's program"


def _distribution(graph: Graph) -> dict[str, float]:
    return exact_distribution(lower(graph, ALL_GATES))


def _read(frontend: Frontend, data: bytes, exact: Mapping[str, float] | None) -> str:
    graph = frontend.parse(Source(data))
    return "" if exact is None else _difference(_distribution(graph), exact)


def _round_trip(frontend: Frontend, data: bytes) -> str:
    if frontend.emit is None:
        return "there is no emit"
    graph = frontend.parse(Source(data))
    text = frontend.emit(graph)
    if not frontend.recognise(text[:4096]):
        return "what emit wrote is not recognised"
    return _difference(_distribution(frontend.parse(Source(text))), _distribution(graph))


def _difference(got: Mapping[str, float], want: Mapping[str, float]) -> str:
    for key in sorted({*got, *want}):
        if abs(got.get(key, 0.0) - want.get(key, 0.0)) > TOLERANCE:
            return f"outcome '{key}' has probability {got.get(key, 0.0):.9g}, not {want.get(key, 0.0):.9g}"
    return ""


def _check_refusal(frontend: Frontend, data: bytes, line: int) -> str:
    try:
        frontend.parse(Source(data))
    except QmkError as error:
        if error.kind.name != "INVALID_GRAPH" or not error.findings:
            return f"refused with {error.kind.name} and {len(error.findings)} findings, not INVALID_GRAPH with findings"
        first = error.findings[0]
        if not first.rule or not first.message:
            return "a finding lacks its rule or message"
        return "" if not line or first.line == line else f"the error is on line {line}; the finding says {first.line}"
    return "an invalid program was read without an error"
