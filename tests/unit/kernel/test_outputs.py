"""q_submit with outputs: verified by the kernel, journaled, charged, routed and launched with them."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.kernel.effects import Journal, Launch, ReplyError, Route
from qmk.qvm.outputs import Outputs, Sweep

WANTED = Outputs(expectations=((("ZZ", 1.0),),), probabilities=((0,),))


def submitted(bench: Any, program: Any, outputs: Outputs | None, **fields: Any) -> list[Any]:
    session = fields.pop("session", None) or bench.open()
    return bench.call("q_submit", session_id=session, graph=program(), shots=50, outputs=outputs, **fields)


def test_they_go_all_the_way(bench: Any, program: Any) -> None:
    (route,) = submitted(bench, program, WANTED)
    assert isinstance(route, Route)
    assert route.outputs == WANTED
    effects = bench.route(route.job)
    (journal,) = [effect for effect in effects if isinstance(effect, Journal)]
    (launch,) = [effect for effect in effects if isinstance(effect, Launch)]
    assert journal.record.outputs == launch.outputs == WANTED  # pyright: ignore[reportAttributeAccessIssue]


def test_without_counts_no_events_are_kept(bench: Any, program: Any) -> None:
    (route,) = submitted(bench, program, Outputs(state=True, counts=False))
    (launch,) = [effect for effect in bench.route(route.job) if isinstance(effect, Launch)]
    assert not launch.keep_events


@pytest.mark.parametrize(
    ("outputs", "kind", "said"),
    [
        (Outputs(expectations=((("ZZZ", 1.0),),)), "INVALID_PARAMS", "outputs.expectations[0]"),
        (Outputs(amplitudes=("0",)), "INVALID_PARAMS", "outputs.amplitudes[0]"),
        (Outputs(sweep=Sweep(points=((),) * 100_001)), "QUOTA_EXCEEDED", "sweep_points"),
    ],
)
def test_wrong_ones_are_refused(bench: Any, program: Any, outputs: Outputs, kind: str, said: str) -> None:
    (answer,) = submitted(bench, program, outputs)
    assert isinstance(answer, ReplyError)
    assert answer.error.kind.name == kind
    assert said in answer.error.message


def test_one_key_is_one_request(bench: Any, program: Any) -> None:
    session = bench.open()
    (route,) = submitted(bench, program, WANTED, session=session, idempotency_key="k")
    bench.route(route.job)
    (same,) = submitted(bench, program, WANTED, session=session, idempotency_key="k")
    assert same.result.job_id == route.job
    for other in (None, Outputs(state=True)):
        (answer,) = submitted(bench, program, other, session=session, idempotency_key="k")
        assert isinstance(answer, ReplyError)
        assert "another request" in answer.error.message


def test_points_count_as_gates_and_values_as_stored_bytes(bench: Any, program: Any) -> None:
    sweep = Outputs(expectations=((("ZZ", 1.0),),), sweep=Sweep(points=((),) * 10))
    (plain,) = submitted(bench, program, None)
    (swept,) = submitted(bench, program, sweep)
    records = {}
    for route in (plain, swept):
        (journal,) = [effect for effect in bench.route(route.job) if isinstance(effect, Journal)]
        records[route.job] = journal.record
    assert records[swept.job].gates == 10 * records[plain.job].gates
    assert records[swept.job].result_bytes_max >= records[plain.job].result_bytes_max + 640
