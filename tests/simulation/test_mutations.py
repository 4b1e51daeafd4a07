"""The simulation can fail: the kernel, the host and the journal are broken in many ways, and each is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from qmk.host.commit import Committer
from qmk.host.host import Host
from qmk.host.journal import Batch
from qmk.host.launches import Launches
from qmk.host.results import RecentResults
from qmk.kernel import archiving, cache, dispatch, engines, ledger, machines, succession
from qmk.kernel import effects as fx
from qmk.kernel.accounts import Accounts
from qmk.kernel.audit import AuditLog
from qmk.kernel.dispatch import Dispatch
from qmk.kernel.events import FellBack, Submitted
from qmk.kernel.jobs import JobTable
from qmk.kernel.objects.account import Account
from qmk.kernel.objects.archive import Archived, ArchivedJob, pack
from qmk.kernel.objects.job import Job
from qmk.kernel.objects.session import Session
from qmk.kernel.open_calls import OpenCalls
from qmk.kernel.rewriting import Rewritten
from qmk.kernel.state import State
from qmk.policy.cache import ResultCache
from qmk.simulation import disk
from qmk.simulation.disk import SimJournal
from qmk.simulation.run import run, shorten

SEEDS = 40
"""Within so many seeds every mutation must be found."""

Patch = Callable[[pytest.MonkeyPatch], None]
MUTATIONS: dict[str, tuple[Patch, set[str], int]] = {}


def mutation(*invariants: str, first: int = 0) -> Callable[[Patch], Patch]:
    """What is broken, by the function's name, and the invariants of which one must say so; ``first``: the seed to try
    before the others."""

    def register(patch: Patch) -> Patch:
        MUTATIONS[patch.__name__.replace("_", " ")] = (patch, set(invariants), first)
        return patch

    return register


@mutation("durability")
def answers_leave_before_the_journal_is_written(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Committer, "hold", lambda self, effect: self._release([effect]))


@mutation("durability")
def answers_rest_on_records_of_their_own_step_only(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Committer, "behind", property(lambda self: False))


@mutation("durability")
def answers_still_leave_when_the_journal_has_failed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Committer, "behind", property(lambda self: not self.idle))


@mutation("durability", first=5)
def durable_batches_are_not_synchronised(patch: pytest.MonkeyPatch) -> None:
    write = SimJournal.write

    def forgetful(self: SimJournal, batch: Batch) -> None:
        batch.durable = False
        write(self, batch)

    patch.setattr(SimJournal, "write", forgetful)


@mutation("durability", "promises", "replay", "audit", "results", "once")
def a_batch_is_written_in_part(patch: pytest.MonkeyPatch) -> None:
    write = SimJournal.write

    def torn(self: SimJournal, batch: Batch) -> None:
        batch.records = batch.records[:1]
        write(self, batch)

    patch.setattr(SimJournal, "write", torn)


@mutation("launches", "defects", "results", "once", "answers", "quotas")
def answers_of_stale_launches_count(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(JobTable, "current", lambda self, job, fence: self.launched.get(job))


@mutation("quotas")
def a_dead_worker_leaves_its_quota_taken(patch: pytest.MonkeyPatch) -> None:
    vacate = JobTable.vacate

    def leaky(self: JobTable, job: Any, *args: Any) -> None:
        vacate(self, job, *args)
        if job.attempts == 1:
            self._accounts.tenant_of(job.tenant).running_jobs.take()

    patch.setattr(JobTable, "vacate", leaky)


@mutation("quotas")
def a_refused_job_stays_counted(patch: pytest.MonkeyPatch) -> None:
    drop_pending = State.drop_pending

    def leaky(self: State, pending: Any, error: Any) -> None:
        drop_pending(self, pending, error)
        self.tenant(pending.draft.tenant).queued_jobs.take()

    patch.setattr(State, "drop_pending", leaky)


@mutation("quotas")
def kept_checkpoints_are_not_counted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Accounts, "keep_state", lambda self, tenant, size: None)


@mutation("quotas")
def a_job_that_ends_leaves_its_shots_reserved(patch: pytest.MonkeyPatch) -> None:
    give = Account.give

    def leaky(self: Account, demand: Any) -> None:
        give(self, demand)
        if "shots_period" in self.quotas:
            self.quotas["shots_period"].held += demand.shots

    patch.setattr(Account, "give", leaky)


@mutation("ledger")
def launches_are_charged_twice(patch: pytest.MonkeyPatch) -> None:
    charge = Committer.charge

    def twice(self: Committer, effect: fx.Charge) -> None:
        charge(self, effect)
        charge(self, effect)

    patch.setattr(Committer, "charge", twice)


@mutation("ledger")
def what_is_spent_is_booked_twice(patch: pytest.MonkeyPatch) -> None:
    charge = Accounts.charge

    def generous(self: Accounts, job_id: str, amounts: dict[str, int], now_ns: int) -> None:
        charge(self, job_id, {name: 2 * amount for name, amount in amounts.items()}, now_ns)

    patch.setattr(Accounts, "charge", generous)


@mutation("ledger")
def a_restart_forgets_what_was_spent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Accounts, "recover", lambda self, used, now_ns: None)


@mutation("fairness")
def weights_do_not_count(patch: pytest.MonkeyPatch) -> None:
    share = Dispatch.share

    def equal(self: Dispatch, tenant: Any) -> None:
        config = tenant.config
        tenant.config = msgspec.structs.replace(config, weight=1.0)
        share(self, tenant)
        tenant.config = config

    patch.setattr(Dispatch, "share", equal)


@mutation("handles", "quotas", "defects")
def released_handles_are_still_held(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Session, "release", lambda self, handles: self.tenant.held_qubits.give(len(handles)))


@mutation("answers", "progress", first=4)
def waits_are_not_woken(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(State, "_wake", lambda self, job: None)


@mutation("answers")
def a_dropped_connection_leaves_its_waits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(OpenCalls, "of_conn", lambda self, conn: [])


@mutation("answers", "defects")
def held_answers_are_released_twice(patch: pytest.MonkeyPatch) -> None:
    release = Host._release

    def twice(self: Host, held: list[Any]) -> None:
        release(self, held)
        release(self, [effect for effect in held if isinstance(effect, fx.Reply)])

    patch.setattr(Host, "_release", twice)


@mutation("isolation", "rights")
def jobs_are_shown_to_other_tenants(patch: pytest.MonkeyPatch) -> None:
    job_of = State.job_of

    def trusting(self: State, session: Session, job_id: str, *args: Any) -> Any:
        return self.jobs.by_id.get(job_id) or job_of(self, session, job_id, *args)

    patch.setattr(State, "job_of", trusting)


@mutation("promises")
def idempotency_keys_are_forgotten_by_a_replay(patch: pytest.MonkeyPatch) -> None:
    from qmk.kernel.core import Kernel

    replay = Kernel.replay

    def forgetful(self: Kernel, *given: Any, **named: Any) -> None:
        replay(self, *given, **named)
        self.jobs.by_key.clear()

    patch.setattr(Kernel, "replay", forgetful)
    patch.setattr(JobTable, "snapshot", lambda self: {"virtual_times": {}})


@mutation("replay")
def the_live_kernel_knows_more_than_its_journal(patch: pytest.MonkeyPatch) -> None:
    commit = State.commit

    def talkative(self: State, record: Any, durable: bool = True, data: bytes = b"") -> Any:
        jobs = commit(self, record, durable, data)
        for job in jobs:
            job.attempts += job.attempts == 1
        return jobs

    patch.setattr(State, "commit", talkative)


@mutation("results")
def a_job_runs_with_another_seed_the_next_time(patch: pytest.MonkeyPatch) -> None:
    launch = Launches.launch

    def drifting(self: Launches, effect: fx.Launch) -> None:
        launch(self, msgspec.structs.replace(effect, seed=effect.seed + effect.fence % 2))

    patch.setattr(Launches, "launch", drifting)


@mutation("results", first=30)
def a_job_goes_on_from_the_state_of_another(patch: pytest.MonkeyPatch) -> None:
    state_of = JobTable.state_of

    def confused(self: JobTable, job: Any) -> str:
        found = state_of(self, job)
        others = [row.blob for row in self.checkpoints.by_id.values() if row.job != job.id and row.blob]
        return others[-1] if found and others else found

    patch.setattr(JobTable, "state_of", confused)


@mutation("launches")
def launch_numbers_begin_anew_at_a_restart(patch: pytest.MonkeyPatch) -> None:
    recover = JobTable._recover

    def forgetful(self: JobTable, record: Any) -> Any:
        changed = recover(self, record)
        self.fence = 0
        return changed

    patch.setattr(JobTable, "_recover", forgetful)


@mutation("replay", first=30)
def what_a_forgotten_job_took_of_a_channel_is_given_back(patch: pytest.MonkeyPatch) -> None:
    def forget(self: State) -> None:
        gone, self.jobs.forgotten = self.jobs.forgotten, []
        self.out.extend(fx.Forget(job.id) for job in gone)

    patch.setattr(State, "_forget", forget)


@mutation("answers", "results", "promises")
def results_are_not_stored_with_the_end_of_their_job(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Committer, "result", lambda self, job, result: None)


@mutation("launches", "defects")
def cancelled_launches_are_not_killed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Launches, "kill", lambda self, effect: None)


@mutation("audit")
def the_audit_chain_begins_anew_at_a_restart(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(AuditLog, "recover", lambda self, event, out: None)


@mutation("audit")
def a_decision_is_missing_from_the_audit_log(patch: pytest.MonkeyPatch) -> None:
    audit = State.audit

    def silent(self: State, kind: str, tenant: str, **fields: Any) -> None:
        if (kind, fields.get("state")) != ("job.end", "CANCELLED"):
            audit(self, kind, tenant, **fields)

    patch.setattr(State, "audit", silent)


@mutation("audit")
def the_last_epoch_is_never_sealed(patch: pytest.MonkeyPatch) -> None:
    seal = AuditLog.seal
    patch.setattr(AuditLog, "seal", lambda self, out: seal(self, out) if self.seq % 2 else None)


@mutation("engines", "replay", "defects", first=36)
def an_earlier_result_is_taken_whosever_it_is(patch: pytest.MonkeyPatch) -> None:
    find, add, drop = ResultCache.find, ResultCache.add, ResultCache.drop
    patch.setattr(ResultCache, "find", lambda self, tenant, key: find(self, "", key))
    patch.setattr(ResultCache, "add", lambda self, tenant, *rest: add(self, "", *rest))
    patch.setattr(ResultCache, "drop", lambda self, tenant, job: drop(self, "", job))
    patch.setattr(cache, "serves", lambda job, record, version: job is not None)


@mutation("engines", "results", first=27)
def an_earlier_result_is_taken_whatever_the_seed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(cache, "key_of", lambda record, version: (record.digest, record.shots, record.keep_events))


@mutation("answers", "results", "promises", first=2)
def a_result_is_not_copied(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Committer, "copy", lambda self, job, source: None)
    patch.setattr(RecentResults, "share", lambda self, source, job: None)


@mutation("ledger")
def an_engine_that_is_left_is_charged_its_shots(patch: pytest.MonkeyPatch) -> None:
    outcome = ledger._outcome
    patch.setattr(
        ledger,
        "_outcome",
        lambda job, record: (ledger.FALLBACK, job.shots) if isinstance(record, FellBack) else outcome(job, record),
    )


@mutation("engines", "replay", "defects", first=4)
def an_engine_is_tried_again_and_again(patch: pytest.MonkeyPatch) -> None:
    moved = succession.move
    patch.setattr(
        succession,
        "move",
        lambda record, move: msgspec.structs.replace(moved(record, move), alternatives=record.alternatives),
    )


@mutation("launches", "defects")
def a_slow_launch_is_not_stopped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engines, "Kill", lambda job, fence: fx.ClearTimer("nobody's"))


@mutation("engines", first=54)
def a_job_with_a_seed_is_hedged(patch: pytest.MonkeyPatch) -> None:
    choose = engines.choose_second

    def careless(kernel: State, job: Job) -> Any:
        record = job.submitted
        job.submitted = msgspec.structs.replace(record, policy={}, fenced=False)
        found = choose(kernel, job)
        job.submitted = record
        return found

    patch.setattr(engines, "choose_second", careless)


@mutation("quotas")
def patches_take_no_more_room_than_their_qubits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Submitted, "width", property(lambda self: max(1, self.n_qubits)))


@mutation("launches")
def a_job_is_run_as_it_was_sent_and_billed_as_on_its_machine(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        machines,
        "place",
        lambda kernel, pending, event: msgspec.structs.replace(pending.draft, footprint=event.footprint),
    )


@mutation("ledger")
def rounds_are_charged_with_every_launch(patch: pytest.MonkeyPatch) -> None:
    charged = ledger._on_patches
    patch.setattr(ledger, "_on_patches", lambda job, shots: charged(job, job.shots))


@mutation("ledger")
def every_start_counts_as_a_move_of_the_patches(patch: pytest.MonkeyPatch) -> None:
    arrive = succession.arrive

    def restless(job: Job, *started: Any) -> None:
        arrive(job, *started)
        job.moves += 1

    patch.setattr(succession, "arrive", restless)


@mutation("launches", "results", "ledger", first=4)
def a_program_written_anew_is_launched_as_the_one_before(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(succession, "rewrite", lambda job, record, maps: None)


@mutation("rest", "quotas", "defects", first=4)
def nobody_asks_whether_a_growth_has_room(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(machines, "_require_room", lambda *args, **more: None)


@mutation("ledger", first=6)
def a_launch_whose_program_was_written_anew_is_charged_its_shots(patch: pytest.MonkeyPatch) -> None:
    outcome = ledger._outcome
    patch.setattr(
        ledger,
        "_outcome",
        lambda job, record: ("rewritten", job.shots) if isinstance(record, Rewritten) else outcome(job, record),
    )


@mutation("replay", "results", "launches", first=41)
def a_compacted_journal_loses_the_newest_program(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(disk, "Rewritten", ())


@mutation("launches")
def a_job_is_launched_again_whatever_it_does_to_its_workers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engines, "judge_loss", lambda kernel, job, event: event)


@mutation("launches")
def a_job_that_ran_out_of_memory_runs_beside_others_again(patch: pytest.MonkeyPatch) -> None:
    task_of = dispatch.task_of
    patch.setattr(dispatch, "task_of", lambda job, allowance, memory_bytes: task_of(job, allowance, 0))


@mutation("replay", "once")
def an_archive_forgets_the_keys_of_its_jobs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(archiving, "ArchivedJob", lambda *row: ArchivedJob(*row[:-1]))


@mutation("history")
def an_archive_mixes_up_the_history_of_its_jobs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        archiving, "pack", lambda jobs: pack([msgspec.structs.replace(job, events=job.events[::-1]) for job in jobs])
    )


@mutation("replay", "quotas", first=10)
def an_archive_forgets_the_checkpoints_of_its_jobs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(archiving, "Archived", lambda **fields: Archived(**{**fields, "checkpoints": ()}))


@pytest.mark.parametrize("what", MUTATIONS)
def test_a_broken_system_is_found(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patch, invariants, first = MUTATIONS[what]
    patch(monkeypatch)
    seeds = dict.fromkeys((first, *range(SEEDS)))
    found = next((outcome for seed in seeds if (outcome := run(seed)).violation is not None), None)
    assert found is not None, f"{SEEDS} seeds did not notice"
    assert found.violation is not None
    assert found.violation.invariant in invariants, str(found.violation)


def test_a_failing_run_is_made_short(monkeypatch: pytest.MonkeyPatch) -> None:
    a_dead_worker_leaves_its_quota_taken(monkeypatch)
    seed, found = next((seed, outcome) for seed in range(SEEDS) if (outcome := run(seed)).violation is not None)
    failure = shorten(seed, found)
    assert failure.invariant == "quotas"
    assert len(failure.keep) < 12 < found.actions
    again = run(seed, keep=failure.keep).violation
    assert again is not None
    assert again.invariant == "quotas"
    assert "VIOLATION: quotas" in failure.outcome.trace[-1]
