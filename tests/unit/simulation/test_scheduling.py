"""The simulator of the scheduler: cases computed by hand, the trace format, the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from qmk.base.errors import QmkError
from qmk.kernel.config import TenantConfig
from qmk.kernel.events import Finished, Submitted, TenantSet
from qmk.simulation.machine import POLICIES, replay, settings_of, simulate
from qmk.simulation.scheduling import command, compare, figures, jain, percentile, served_shares, slowdowns, waits_s
from qmk.simulation.trace import Arrival, Machine, Trace, load, save, synthetic, trace_of_records


def job(at_s: float, actual_s: float, tenant: str = "a", **fields: Any) -> Arrival:
    return Arrival(at_s=at_s, actual_s=actual_s, tenant=tenant, **fields)


def started(trace: Trace, policy: str) -> list[float]:
    return [run.started_s for run in simulate(trace, POLICIES[policy]).runs]


TURNS = Trace(Machine(), [job(0, 4), job(1, 4), job(2, 4), job(3, 2, "b")])


def test_first_come_first_served_against_turns() -> None:
    """One worker. FIFO: 0, 4, 8, 12. Fair: b has had nothing when the first job ends at 4, so it goes before two of
    a's."""
    assert started(TURNS, "fifo") == [0, 4, 8, 12]
    assert started(TURNS, "fair") == [0, 6, 10, 4]


def test_wait_slowdown_and_jain_by_hand() -> None:
    fifo, fair = (simulate(TURNS, POLICIES[name]) for name in ("fifo", "fair"))
    assert waits_s(fifo) == [0, 3, 6, 9]
    assert slowdowns(fifo) == [1, 7 / 4, 10 / 4, 11 / 2]
    assert waits_s(fair) == [0, 5, 8, 1]
    assert slowdowns(fair) == [1, 9 / 4, 12 / 4, 3 / 2]
    # FIFO: a waits from 1 to 8 and is served all 7 s; alone it is entitled to 2 of them, then to half of 5: 7 / 4.5.
    # b waits from 3 to 12 and is served nothing.
    assert served_shares(fifo) == pytest.approx({"a": 7 / 4.5, "b": 0.0})
    assert figures(fifo)["jain"] == pytest.approx(1 / 2)
    # Fair: a waits from 1 to 10, of which b has jobs from 3 to 6; it is served all but 4 to 6. b waits from 3 to 4.
    assert served_shares(fair) == pytest.approx({"a": 7 / (6 + 1.5), "b": 0.0})


def test_short_runs_are_bounded_in_the_slowdown() -> None:
    trace = Trace(Machine(), [job(0, 4), job(0, 0.001)])
    assert slowdowns(simulate(trace, POLICIES["fifo"])) == [1, pytest.approx(4.001)]


def test_backfilling_by_hand() -> None:
    """Two workers, 100 bytes. The second job waits for the memory of the first until 10; the third ends before that,
    and the fourth fits beside the second."""
    jobs = [
        job(0, 10, memory_bytes=60),
        job(0, 5, memory_bytes=60),
        job(0, 9, memory_bytes=40),
        job(0, 3, memory_bytes=40),
    ]
    trace = Trace(Machine(workers=2, memory_bytes=100), jobs)
    assert started(trace, "fair") == [0, 10, 10, 15]
    assert started(trace, "fair+backfill") == [0, 10, 0, 9]


def test_preemption_by_hand() -> None:
    """a runs 10 s with a fence every 0.3 s; b arrives at 1.05, asks at 1.1, gets the worker at 1.2, ends at 2.2."""
    trace = Trace(Machine(), [job(0, 10, fence_s=0.3), job(1.05, 1, "b")])
    outcome = simulate(trace, POLICIES["fair"])
    assert [run.started_s for run in outcome.runs] == [0, pytest.approx(1.2)]
    assert [run.ended_s for run in outcome.runs] == [pytest.approx(11), pytest.approx(2.2)]
    assert [run.preemptions for run in outcome.runs] == [1, 0]
    assert waits_s(outcome) == pytest.approx([1, 0.15])


def test_jain_and_percentile() -> None:
    assert jain([1, 1, 1]) == 1
    assert jain([1, 0, 0, 0]) == 0.25
    assert jain([]) == 1
    assert [percentile([3, 1, 2, 4], share) for share in (0.0, 0.25, 0.5, 0.95, 1.0)] == [1, 1, 2, 4, 4]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", range(6))
def test_every_job_of_a_random_trace_ends_within_what_there_is_and_the_tape_replays(policy: str, seed: int) -> None:
    trace = synthetic(seed, jobs=150, tenants=4, workers=3)
    outcome = simulate(trace, POLICIES[policy])
    assert all(run.ended_s >= run.arrival.at_s + run.arrival.actual_s - 1e-6 for run in outcome.runs)
    assert max(sum(stretch.running.values()) for stretch in outcome.stretches) <= 3
    state, actions = replay(outcome, settings_of(trace.machine, POLICIES[policy]))
    assert actions == [made for _, made in outcome.tape]
    assert state.snapshot() == outcome.state.snapshot()


def test_fair_is_fairer_and_backfilling_waits_less() -> None:
    fifo, fair, backfill = compare(synthetic(1, jobs=400), list(POLICIES))
    assert fifo["jain"] < fair["jain"]
    assert backfill["wait_mean_s"] < fair["wait_mean_s"]
    assert backfill["utilisation"] > fair["utilisation"]


def test_a_trace_is_saved_and_loaded(tmp_path: Path) -> None:
    trace = synthetic(7, jobs=20)
    save(trace, tmp_path / "t.jsonl")
    assert load(tmp_path / "t.jsonl") == trace
    assert json.loads((tmp_path / "t.jsonl").read_text().splitlines()[0])["trace"] == "qmk-scheduling"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no jobs"),
        ('{"trace": "other"}\n', "line 1"),
        ('{"trace": "qmk-scheduling", "version": 1}\n{"at_s": 0}\n', "line 2"),
        ('{"trace": "qmk-scheduling", "version": 1}\n{"at_s": -1, "actual_s": 1}\n', "not negative"),
        ('{"regions": [["r", 5]]}\n{"at_s": 0, "actual_s": 1, "qubits": 6}\n', "fit no region"),
    ],
)
def test_a_wrong_trace_is_refused_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "t").write_text(text)
    with pytest.raises(QmkError, match=says):
        load(tmp_path / "t")


def submitted(name: str, at_s: float, **fields: Any) -> Submitted:
    unused: dict[str, Any] = {"digest": "", "graph": b"", "shots": 1, "seed": 0, "engine": "", "method": ""}
    known = {"session": "s", "policy": {"priority": 2}, "reasons": [], "seconds": 0.5, "memory_bytes": 7}
    now_ns = round((1000 + at_s) * 1e9)
    return Submitted(now_ns=now_ns, job=name, **unused, **(known | fields))


def test_a_journal_becomes_a_trace() -> None:
    records = [
        TenantSet(now_ns=0, config=TenantConfig(name="b", weight=2.0)),
        submitted("j1", 0.0, tenant="a", n_qubits=3),
        submitted("j2", 1.5, tenant="b", fenced=True, epochs=4),
        submitted("j3", 2.0, tenant="b"),
        Finished(now_ns=0, job="j2", fence=1, usage={"engine_seconds": 2.0}),
        Finished(now_ns=0, job="j1", fence=2, usage={"engine_seconds": 0.25}),
    ]
    trace = trace_of_records(records, Machine(workers=2))
    assert trace.machine.weights == {"b": 2.0}
    first, second = trace.arrivals
    assert (first.at_s, first.tenant, first.actual_s, first.predicted_s, first.qubits) == (0.0, "a", 0.25, 0.5, 3)
    assert (second.at_s, second.fence_s, second.priority) == (1.5, 0.5, 2)


def test_the_command_prints_a_table_or_json(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    made = CliRunner().invoke(command, ["--jobs", "30", "--save", str(path), "--policy", "fair"])
    assert made.exit_code == 0, made.output
    assert made.output.splitlines()[0].split() == [
        *("policy", "wait", "mean", "s", "p95", "s", "max", "s", "slowdown", "p95", "Jain", "busy", "preempted")
    ]
    rows = json.loads(CliRunner().invoke(command, [str(path), "--json"]).output)
    assert [row["policy"] for row in rows] == ["fifo", "fair", "fair+backfill"]
    assert rows == compare(load(path), list(POLICIES))
    path.write_text("{}\n")
    refused = CliRunner().invoke(command, [str(path)])
    assert refused.exit_code == 1
    assert "no jobs" in refused.output


def test_the_command_reads_a_journal(tmp_path: Path) -> None:
    from qmk.host.journal import Batch
    from qmk.host.store import open_journal

    journal = open_journal(tmp_path)
    records = [submitted("j1", 0.0, tenant="a"), Finished(now_ns=0, job="j1", fence=1, usage={"engine_seconds": 1.0})]
    journal.write(Batch(records=records))
    journal.close()
    rows = CliRunner().invoke(command, ["--journal", str(tmp_path / "journal.sqlite"), "--json", "--policy", "fair"])
    assert json.loads(rows.output)[0]["jobs"] == 1
