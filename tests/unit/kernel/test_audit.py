"""The audit log as the kernel keeps it: what is noted, how it is chained, when an epoch is sealed."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from qmk.base.merkle import Frontier
from qmk.host import repair
from qmk.kernel import interrupts
from qmk.kernel.audit import AUDIT_TIMER, GENESIS, SHOWN_NAMES, entry_hash
from qmk.kernel.effects import Audit, Effect, Reply, ReplyError, SealEpoch, SetTimer
from qmk.kernel.events import Recovered, ShuttingDown, TimerFired
from qmk.kernel.objects.refused import CallsRefused

EPOCH_S = 0.1


def root_of(leaves: list[bytes]) -> bytes:
    """The root over leaf data."""
    frontier = Frontier()
    for data in leaves:
        frontier.add(data)
    return frontier.root()


def entries(effects: list[Effect]) -> list[Audit]:
    return [effect for effect in effects if isinstance(effect, Audit)]


def seals(effects: list[Effect]) -> list[SealEpoch]:
    return [effect for effect in effects if isinstance(effect, SealEpoch)]


def timers(effects: list[Effect]) -> list[SetTimer]:
    return [effect for effect in effects if isinstance(effect, SetTimer) and effect.key == AUDIT_TIMER]


def kinds(effects: list[Effect]) -> list[str]:
    return [entry.kind for entry in entries(effects)]


def session_of(effects: list[Effect]) -> str:
    return next(effect.result.session_id for effect in effects if isinstance(effect, Reply))


def test_without_an_audit_nothing_is_noted(bench: Any) -> None:
    assert entries(bench.call("q_negotiate_caps")) == []


def test_the_life_of_a_job_is_in_the_log(make_bench: Any) -> None:
    bench = make_bench(audited=True)
    opened = bench.call("q_negotiate_caps", requested=["CAP_ALLOC", "CAP_COMPUTE", "CAP_MEASURE", "CAP_SUN"])
    assert kinds(opened) == ["session.open", "cap.grant", "cap.deny"]
    assert entries(opened)[2].fields["caps"] == ["CAP_SUN"]
    session = session_of(opened)
    assert session not in repr(entries(opened)), "a session id is a key: the log speaks of it by a hash"
    bench.call("q_submit", session_id=session, graph=bench_program())
    (job,) = bench.kernel.pending
    admitted = bench.route(job)
    assert kinds(admitted) == ["job.admit", "job.launch"]
    assert entries(admitted)[0].fields["job"] == job
    bench.start(job)
    ended = entries(bench.finish(job))
    assert [(entry.kind, entry.fields["state"]) for entry in ended] == [("job.end", "COMPLETED")]
    assert kinds(bench.call("q_close_session", session_id=session)) == ["cap.revoke", "session.close"]


def test_refused_system_calls_are_one_entry_of_bounded_size_and_are_in_the_job(make_bench: Any) -> None:
    bench = make_bench(audited=True)
    job = bench.submit(bench.open())
    bench.start(job)
    calls = {f"call {number}": number for number in range(1, 1001)}
    for state in ("RUNNING", "COMPLETED"):
        told = bench.step(CallsRefused, job=job, tenant="local", engine="reference", calls=calls)
        (entry,) = entries(told)
        assert entry.kind == "job.calls_refused"
        assert len(entry.fields["calls"]) == SHOWN_NAMES
        assert entry.fields["calls"]["call 1000"] == 1000
        assert entry.fields["count"] == sum(calls.values())
        assert bench.kernel.jobs.by_id.live[job].state == state
        assert len(told) - len(timers(told)) - len(seals(told)) == 2, (
            "its record and its entry; the job's end stays one"
        )
        bench.finish(job)
    refused = bench.kernel.jobs.by_id.live[job].refused_calls
    assert refused == {name: 2 * count for name, count in calls.items()}
    assert entries(bench.step(CallsRefused, job="job_gone", tenant="local", engine="e", calls={"socket": 1}))
    assert bench.restarted().kernel.snapshot() == bench.kernel.snapshot()


def bench_program() -> Any:
    from qmk.qvm.graph import Graph, Node

    alloc, measure = Node("a", "core.alloc", vqs=("q",)), Node("m", "core.mz", vqs=("q",), produces=("m",))
    return Graph(nodes=(alloc, measure, Node("d", "core.free", vqs=("q",))), vqs=("q",), events=("m",))


def test_what_is_denied_is_noted_before_it_is_told(make_bench: Any) -> None:
    bench = make_bench(audited=True)
    session = session_of(bench.call("q_negotiate_caps", requested=["CAP_COMPUTE"]))
    denied = bench.call("q_alloc", session_id=session, n=1)
    assert kinds(denied) == ["cap.deny"]
    assert denied.index(entries(denied)[0]) < next(at for at, e in enumerate(denied) if isinstance(e, ReplyError))
    assert entries(denied)[0].fields["caps"] == ["CAP_ALLOC"]
    refused = bench.call("q_submit", session_id=session, graph=bench_program())
    assert kinds(refused) == ["cap.deny"]
    token = bench.call("q_negotiate_caps", token="forged")
    assert kinds(token) == ["session.deny"]
    assert "forged" not in repr(entries(token))


def test_a_call_that_finds_no_job_is_no_refused_job(make_bench: Any) -> None:
    bench = make_bench(audited=True)
    session = session_of(bench.call("q_negotiate_caps"))
    assert kinds(bench.call("q_status", session_id=session, job_id="job_none")) == []


def test_a_revocation_says_how_many_went_with_it(make_bench: Any) -> None:
    bench = make_bench(audited=True)
    opened = bench.call("q_negotiate_caps")
    session, above = session_of(opened), next(e.result.root for e in opened if isinstance(e, Reply))
    made: list[str] = []
    for _ in range(3):
        of = {"capability": [above, *made][-1], "rights": ["CAP_STATUS"]}
        (reply,) = (e for e in bench.call("q_delegate", session_id=session, **of) if isinstance(e, Reply))
        made.append(reply.result.capability)
    (entry,) = entries(bench.call("q_revoke", session_id=session, capability=made[0]))
    assert (entry.kind, entry.fields["derived"]) == ("cap.revoke", 2)


def test_a_denied_quota_says_which(make_bench: Any) -> None:
    bench = make_bench(audited=True)
    session = session_of(bench.call("q_negotiate_caps"))
    (entry,) = entries(bench.call("q_alloc", session_id=session, n=100_000)) or entries(
        bench.call("q_alloc", session_id=session, n=1)
    )
    assert entry.kind == "quota.deny"
    assert entry.fields["quota"] == "held_qubits"


def test_a_caller_cannot_make_an_entry_long(make_bench: Any) -> None:
    bench = make_bench(audited=True)
    opened = bench.call("q_negotiate_caps", requested=[f"CAP_{number}{'x' * 200}\ud800" for number in range(1000)])
    (entry,) = [entry for entry in entries(opened) if entry.kind == "cap.deny"]
    assert entry.fields["count"] == 1000
    assert len(entry.data) < 4096


def test_entries_are_chained_and_their_bytes_are_plain_json(make_bench: Any) -> None:
    bench = make_bench(audited=True)
    found = [entry for _ in range(4) for entry in entries(bench.call("q_negotiate_caps"))]
    before = GENESIS
    for number, entry in enumerate(found, 1):
        assert entry.seq == number
        assert json.loads(entry.data) == [number, entry.epoch, entry.now_ns, entry.kind, entry.tenant, entry.fields]
        text = json.dumps(json.loads(entry.data), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        assert entry.data == text.encode()
        before = hashlib.sha256(b"qmk audit entry 1\n" + before + entry.data).digest()
        assert entry.hash == before.hex()


def test_an_epoch_is_sealed_when_the_next_one_has_an_entry(make_bench: Any) -> None:
    bench = make_bench(audited=True)
    first = bench.call("q_negotiate_caps")
    bench.now_s += EPOCH_S
    second = bench.call("q_negotiate_caps")
    (seal,) = seals(second)
    closed = entries(first)
    assert second.index(seal) < second.index(entries(second)[0])
    assert (seal.epoch, seal.first_seq, seal.last_seq) == (closed[0].epoch, 1, len(closed))
    assert seal.root == root_of([bytes.fromhex(entry.hash) for entry in closed]).hex()
    assert seal.head == closed[-1].hash


def test_the_last_epoch_is_sealed_by_its_timer_and_then_there_is_silence(make_bench: Any) -> None:
    bench = make_bench(audited=True)
    (timer,) = timers(bench.call("q_negotiate_caps"))
    assert timers(bench.call("q_negotiate_caps")) == []
    bench.now_s = (timer.at_ns - 1) / 1e9
    early = bench.step(TimerFired, key=AUDIT_TIMER)
    assert seals(early) == []
    assert timers(early) == [timer]
    bench.now_s = (timer.at_ns + 1000) / 1e9
    (seal,) = bench.step(TimerFired, key=AUDIT_TIMER)
    assert isinstance(seal, SealEpoch)
    assert bench.step(TimerFired, key=AUDIT_TIMER) == []


def test_a_clock_that_goes_back_gives_new_epochs_and_no_old_ones(make_bench: Any) -> None:
    bench = make_bench(audited=True)
    numbers = []
    for seconds in (0.0, 5.0, -60.0, 0.05, 0.1, 3600.0):
        bench.now_s += seconds
        numbers.append(entries(bench.call("q_negotiate_caps"))[0].epoch)
    assert numbers == sorted(numbers)
    assert numbers[1] < numbers[2]


def test_shutting_down_seals_and_a_restart_goes_on_with_the_chain(make_bench: Any) -> None:
    bench = make_bench(audited=True)
    noted = entries(bench.call("q_negotiate_caps"))
    stopped = bench.step(ShuttingDown)
    assert isinstance(stopped[-1], SealEpoch)
    noted += entries(stopped)

    fresh = make_bench(audited=True)
    fresh.now_s = bench.now_s
    epoch = noted[-1].epoch
    timer, start, *_ = fresh.step(Recovered, audit_seq=len(noted), audit_head=noted[-1].hash, audit_epoch=epoch)
    assert isinstance(timer, SetTimer)
    assert start.seq == len(noted) + 1
    assert start.hash == entry_hash(bytes.fromhex(noted[-1].hash), start.data).hex()
    assert start.epoch > epoch, "that epoch is sealed: within the same tenth of a second it is the next one"


def test_what_a_crash_left_unsealed_is_sealed_at_the_start(make_bench: Any) -> None:
    bench = make_bench(audited=True)
    lost = entries(bench.call("q_negotiate_caps"))
    fresh = make_bench(audited=True)
    hashes = tuple(entry.hash for entry in lost)
    effects = fresh.step(
        Recovered, audit_seq=len(lost), audit_head=hashes[-1], audit_open=hashes, audit_epoch=lost[-1].epoch
    )
    (seal,) = seals(effects)
    assert (seal.epoch, seal.first_seq, seal.last_seq) == (lost[0].epoch, 1, len(lost))
    assert seal.root == root_of([bytes.fromhex(text) for text in hashes]).hex()


def test_every_kind_is_in_the_specification() -> None:
    root = Path(__file__).resolve().parents[3]
    sources = "\n".join(path.read_text() for path in (root / "src" / "qmk" / "kernel").rglob("*.py"))
    kinds = {*re.findall(r"audit\(\s*\"([a-z_.]+)\"", sources), *interrupts.AUDITED.values(), repair.AUDITED}
    page = (root / "docs" / "spec" / "audit.md").read_text()
    listed = {kind for row in re.findall(r"^\| ([a-z_., ]+) \|", page, re.M) for kind in row.split(", ") if "." in kind}
    assert kinds == listed
