"""q_submit: checks, the two steps, order, idempotency."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from qmk.abi.calls import METHODS
from qmk.abi.shapes import Policy
from qmk.base.errors import Finding
from qmk.kernel import admission
from qmk.kernel.effects import Estimate, Journal, Launch, Reply, ReplyError, Route, SetTimer
from qmk.kernel.events import CallReceived, Refused, Routed, Submitted
from qmk.qvm.graph import Node, digest, keep, pack, unpack
from qmk.qvm.verify import verify


def test_an_accepted_job_is_journaled_before_it_is_answered(bench: Any, program: Any) -> None:
    session = bench.open()
    graph = program()
    (route,) = bench.call("q_submit", session_id=session, graph=graph, shots=50, policy=Policy(seed=3))
    ref = bench.count
    assert route == Route(route.job, digest(graph), 50, {"seed": 3}, graph, None, pack(graph), "local")
    journal, reply, launch = bench.route(route.job)
    assert isinstance(journal, Journal)
    assert journal.durable
    assert unpack(journal.record.graph) == graph  # pyright: ignore[reportAttributeAccessIssue]
    assert (reply.conn, reply.ref) == (1, ref)
    assert (reply.result.job_id, reply.result.state, reply.result.seed) == (route.job, "QUEUED", 3)
    assert (reply.result.place_in_queue, reply.result.estimated_epochs) == (0, 1)
    assert launch == Launch(route.job, 1, "reference", "", digest(graph), 50, 3, True, 0, region="r0", tenant="local")


def test_warnings_of_reader_and_verifier_come_with_the_answer(bench: Any, program: Any) -> None:
    leaky = program()
    leaky = msgspec.structs.replace(leaky, nodes=leaky.nodes[:-2], events=("m0",))
    forgiven = Finding("QVM-J01", "a repeated name", severity="warning")
    event = CallReceived(
        now_ns=bench.now_ns,
        conn=1,
        ref=99,
        method="q_submit",
        params=METHODS["q_submit"].request(session_id=bench.open()),
        entropy=b"w" * 16,
        graph=leaky,
        warnings=[forgiven],
    )
    (route,) = bench.kernel.step(event)
    (answer,) = [e for e in bench.route(route.job) if isinstance(e, Reply)]
    assert answer.result.warnings[0]["rule"] == "QVM-J01"
    assert len(answer.result.warnings) > 1
    assert all(warning["severity"] == "warning" for warning in answer.result.warnings)


def test_a_refused_job_vanishes(bench: Any, program: Any) -> None:
    session = bench.open()
    (route,) = bench.call("q_submit", session_id=session, graph=program(), idempotency_key="k")
    gaps = [{"engine": "stabilizer", "need": "clifford"}]
    (answer,) = bench.step(Refused, job=route.job, kind="UNSUPPORTED", message="no engine", fields={"gaps": gaps})
    assert isinstance(answer, ReplyError)
    assert (answer.error.kind.name, answer.error.fields) == ("UNSUPPORTED", {"gaps": gaps})
    assert bench.refusal("q_status", session_id=session, job_id=route.job).kind.name == "JOB_NOT_FOUND"
    assert bench.kernel.tenant("local").queued_jobs.in_use == 0
    assert bench.step(Routed, job=route.job, engine="", method="", seconds=0, memory_bytes=0, reasons=[]) == []
    assert bench.submit(session, idempotency_key="k") != route.job


def test_every_finding_comes_back_and_no_job_is_made(bench: Any, program: Any) -> None:
    session = bench.open()
    graph = program()
    bad = (Node("x", "core.h", vqs=("nowhere",)), Node("y", "core.nonsense", vqs=("q0",)))
    broken = msgspec.structs.replace(graph, nodes=(*graph.nodes[:-1], *bad, graph.nodes[-1]))
    error = bench.refusal("q_submit", session_id=session, graph=broken)
    assert error.kind.name == "INVALID_GRAPH"
    assert {"x", "y"} <= {finding.node for finding in error.findings}
    assert bench.kernel.jobs.by_id == {}


def test_missing_capabilities_alone_are_not_an_invalid_graph(bench: Any, program: Any) -> None:
    session = bench.open(requested=["CAP_ALLOC"])
    error = bench.refusal("q_submit", session_id=session, graph=program())
    assert error.kind.name == "INSUFFICIENT_CAPS"
    assert error.fields["required"] == ["CAP_ALLOC", "CAP_MEASURE"]
    assert error.fields["missing"] == ["CAP_MEASURE"]


@pytest.mark.parametrize(
    ("params", "kind", "field"),
    [
        ({"shots": 10**9}, "QUOTA_EXCEEDED", ("quota", "shots")),
        ({"policy": Policy(device="rydberg")}, "UNSUPPORTED", ("feature", "device")),
        ({"policy": Policy(debug=True)}, "INSUFFICIENT_CAPS", ("missing", ["CAP_DEBUG"])),
        ({"graph": None}, "INVALID_PARAMS", ("field", "graph")),
    ],
)
def test_what_cannot_be_honoured_is_refused(
    bench: Any, program: Any, params: dict[str, Any], kind: str, field: tuple[str, Any]
) -> None:
    error = bench.refusal("q_submit", session_id=bench.open(), **{"graph": program(), **params})
    assert error.kind.name == kind
    assert error.fields[field[0]] == field[1]


def test_a_deadline_that_by_estimate_cannot_be_met_is_told_in_the_reply(bench: Any, program: Any) -> None:
    """Scheduling epochs last 100 ms; a second waits for the job before it, a second runs."""
    session = bench.open()
    bench.submit(session, seconds=1)

    def warnings(deadline: int) -> list[Any]:
        policy = Policy(deadline_epochs=deadline)
        (route,) = bench.call("q_submit", session_id=session, graph=program(fences=2), policy=policy)
        (reply,) = [effect for effect in bench.route(route.job, seconds=1) if isinstance(effect, Reply)]
        bench.call("q_cancel", session_id=session, job_id=route.job)
        return reply.result.warnings

    assert warnings(20) == []
    (warning,) = warnings(19)
    assert (warning["rule"], warning["severity"]) == ("QMK-DEADLINE", "warning")
    assert "20 scheduling epochs" in warning["message"]


def test_per_shot_events_are_bounded_unless_they_are_not_kept(bench: Any, program: Any) -> None:
    session = bench.open()
    wide = program()
    more = tuple(Node(f"e{n}", "core.mz", vqs=("q0",), produces=(f"e{n}",)) for n in range(40))
    wide = msgspec.structs.replace(
        wide, nodes=(*wide.nodes[:-1], *more, wide.nodes[-1]), events=(*wide.events, *(f"e{n}" for n in range(40)))
    )
    error = bench.refusal("q_submit", session_id=session, graph=wide, shots=100_000_000)
    assert error.fields["quota"] == "event_bytes"
    bench.submit(session, graph=wide, shots=100_000_000, keep_events=False)


def test_shots_come_from_the_call_then_the_graph_then_the_default(bench: Any, program: Any) -> None:
    session = bench.open()
    own = msgspec.structs.replace(program(), shots=77)
    for params, expected in (({"graph": own, "shots": 5}, 5), ({"graph": own}, 77), ({"graph": program()}, 1000)):
        job = bench.submit(session, **params)
        assert bench.ask("q_status", session_id=session, job_id=job).shots == expected


def test_seeds_are_drawn_from_the_hosts_entropy(bench: Any) -> None:
    session = bench.open()
    seeds = {bench.ask("q_status", session_id=session, job_id=bench.submit(session)).seed for _ in range(20)}
    assert len(seeds) == 20
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_repeat_with_the_same_key_is_the_same_job(bench: Any, program: Any) -> None:
    session = bench.open()
    params = {"session_id": session, "graph": program(), "idempotency_key": "k"}
    (route,) = bench.call("q_submit", **params)
    first = bench.count
    assert bench.call("q_submit", **params) == []
    effects = bench.route(route.job)
    assert [(e.ref, e.result.job_id) for e in effects if isinstance(e, Reply)] == [
        (first, route.job),
        (first + 1, route.job),
    ]
    assert bench.ask("q_submit", **params).job_id == route.job
    error = bench.refusal("q_submit", **{**params, "graph": program(fences=1)})
    assert (error.kind.name, error.fields["field"]) == ("INVALID_PARAMS", "idempotency_key")
    assert sum(isinstance(record, Submitted) for record in bench.journal) == 1


def test_queue_quota_counts_jobs_that_have_not_ended(make_bench: Any, program: Any) -> None:
    from qmk.kernel.config import TenantConfig

    bench = make_bench(local=TenantConfig(quotas={"queued_jobs": 2}))
    session = bench.open()
    first = bench.submit(session)
    bench.submit(session)
    error = bench.refusal("q_submit", session_id=session, graph=program())
    expected = {"quota": "queued_jobs", "asked": 3, "limit": 2, "used": 2, "scope": "tenant", "retryable": True}
    assert error.fields == expected
    bench.finish(first)
    bench.submit(session)


def test_a_time_limit_counts_from_acceptance(bench: Any, program: Any) -> None:
    session = bench.open()
    (route,) = bench.call("q_submit", session_id=session, graph=program(), policy=Policy(timeout_ms=1500))
    bench.now_s += 1
    effects = bench.route(route.job)
    assert SetTimer(f"job:{route.job}", bench.now_ns + 1_500_000_000) in effects


def test_an_estimate_is_verified_and_passed_on(bench: Any, program: Any) -> None:
    session = bench.open()
    graph = program()
    assert bench.call("q_estimate", session_id=session, graph=graph, shots=9) == [
        Estimate(1, bench.count, digest(graph), 9, graph, tenant="local")
    ]
    broken = msgspec.structs.replace(graph, nodes=graph.nodes[1:])
    assert bench.refusal("q_estimate", session_id=session, graph=broken).kind.name == "INVALID_GRAPH"


def test_a_kept_program_is_verified_anew_for_other_capabilities_and_read_once_for_the_same(
    bench: Any, program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep(program())
    looked: list[object] = []
    monkeypatch.setattr(admission, "verify", lambda graph, **how: looked.append(how) or verify(graph, **how))
    able = bench.open()
    first, second = bench.submit(able, graph=kept), bench.submit(able, graph=kept)
    assert first != second
    assert len(looked) == 1
    unable = bench.open(requested=["CAP_SUBMIT"])
    error = bench.refusal("q_submit", session_id=unable, graph=kept)
    assert error.kind.name == "INSUFFICIENT_CAPS"
    assert len(looked) == 2
