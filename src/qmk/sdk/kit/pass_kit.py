"""The conformance kit of passes: the same distribution, exactly, on fixed and random programs; clear refusals.

``run(thing)`` checks that whatever the pass makes verifies, that every probability of what its registers show differs
by at most ``TOLERANCE``, and that the graph it was given is left alone. A pass may refuse a fixed program, naming the
node; the random ones hold nothing but gates, measurements, resets and conditions, and it must take them all. Clifford
programs too wide for a state vector are compared by tableaux (``kit.wide_programs``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from qmk.base.errors import QmkError
from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import Graph, canonical_bytes
from qmk.qvm.verify import verify
from qmk.sdk.kit.programs import Case, fixed_cases
from qmk.sdk.kit.random_programs import random_cases
from qmk.sdk.kit.report import Check, KitReport, as_tests, run_checks
from qmk.sdk.kit.wide_programs import UnfollowedError, difference, wide_case
from qmk.sdk.passes import Pass

__all__ = ["as_tests", "checks", "run"]

TOLERANCE = 1e-9

WIDE_PROGRAMS = 3
"""How many programs are compared by tableaux."""


def run(thing: Pass, *, programs: int = 25) -> KitReport:
    """``programs``: random programs of each kind."""
    return run_checks(f"pass {thing.name}", checks(thing, programs=programs))


def checks(thing: Pass, *, programs: int = 25) -> list[Check]:
    return list(_checks(thing, programs))


def _checks(thing: Pass, programs: int) -> Iterator[Check]:
    fixed = [case for case in fixed_cases() if verify(case.graph).ok]
    for case in fixed:
        yield Check(f"keeps or refuses {case.name}", lambda case=case: _check_meaning(thing, case, may_refuse=True))
    for case in random_cases(programs):
        yield Check(f"keeps {case.name}", lambda case=case: _check_meaning(thing, case, may_refuse=False))
    for case in map(wide_case, range(1, 1 + WIDE_PROGRAMS)):
        yield Check(f"keeps {case.name}", lambda case=case: _check_wide(thing, case))
    for case in fixed:
        yield Check(f"leaves its input alone: {case.name}", lambda case=case: _left(thing, case))


def _check_meaning(thing: Pass, case: Case, may_refuse: bool) -> str:
    try:
        made = thing.run(case.graph).graph
    except QmkError as refused:
        named = refused.kind.name == "UNSUPPORTED" and refused.fields.get("node")
        return "" if named and may_refuse else f"raised {refused}"
    report = verify(made)
    if not report.ok:
        return f"what it made is not valid: {report.findings[0].message}"
    before, after = _distribution(case.graph), _distribution(made)
    worst = max((abs(before.get(k, 0.0) - after.get(k, 0.0)), k) for k in {*before, *after})
    return f"P({worst[1]}) is off by {worst[0]:.2g}" if worst[0] > TOLERANCE else ""


def _check_wide(thing: Pass, case: Case) -> str:
    """Gates that the pass makes may be Clifford gates only together: then nothing is proved, and nothing is wrong."""
    try:
        made = thing.run(case.graph).graph
        return difference(*(lower(graph, ALL_GATES) for graph in (case.graph, made)))
    except QmkError as refused:
        return f"raised {refused}"
    except UnfollowedError:
        return ""


def _left(thing: Pass, case: Case) -> str:
    before = canonical_bytes(case.graph)
    with contextlib.suppress(QmkError):
        thing.run(case.graph)
    return "" if canonical_bytes(case.graph) == before else "the graph that it was given has changed"


def _distribution(graph: Graph) -> dict[str, float]:
    return dict(exact_distribution(lower(graph, ALL_GATES)))
